// callers.h - from what a request brings to who asks: admin.key, a person's API key. Only src/web includes this.
//
// Read from the store at each call, so that a disabled user, a revoked key and a changed role count at once.
#pragma once

#include "web/api.h"

// Whether finding or handling takes long by its nature (a password's hash, another server's answer).
bool caller_is_slow(const struct web *w, const struct http_request *r);
// Not for the loop's thread. A proof that is missing, wrong, expired or of a disabled user gives the anonymous caller.
void caller_find(struct web *w, const struct http_request *r, struct arena *a, struct caller *out);

// The caller that a user is, with all their roles; false: no such user, or disabled.
bool caller_of_user(struct web *w, int64_t user_id, struct arena *a, struct caller *out);
// Grants from a list of {Role, Space, Projects, Environments}; what names no role any more gives nothing.
void caller_read_grants(struct web *w, const struct json *assignments, struct arena *a, struct access_grant **grants, size_t *count);
// By somebody's own Octopus API key, asked of the connection of that space (id; 0: Spaces-1). At most ten keys that are none in a quarter
// of an hour from one network go on to Octopus. *connection_id: whose key it is.
bool caller_by_octopus_key(struct web *w, int64_t space_id, str key, str address, struct arena *a, struct caller *out, int64_t *connection_id, struct err *e);
struct access_grant caller_key_limit(const struct json *key_doc, struct arena *a); // what is written on an API key
