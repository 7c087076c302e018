// octopus_who.h - who an Octopus API key belongs to, and what they may do here: that Octopus is asked. Only src/web includes this.
//
// An answer is used for at most OCTOPUS_WHO_MS. What does not come, or not wholly, is unknown, and what is unknown is no right. A key goes to
// the one Octopus server that the space's connection names, to no other. Waits for that server: not for the loop's thread.
#pragma once

#include "web/fetch.h"
#include "web/people.h"

#define OCTOPUS_WHO_MS 60000

struct octopus_cache;

struct octopus_cache *octopus_cache_new(void);
void octopus_cache_free(struct octopus_cache *c);

MUST_USE bool octopus_who(struct web *w, const struct snapshot *s, int64_t connection_id, str key, struct arena *a, struct caller *out, struct err *e);

// One GET there, under that connection's certificate authority; whatever its status. False: no answer came.
MUST_USE bool octopus_get(struct web *w, const struct connection_entry *connection, str path, str key, struct arena *a, struct fetch_reply *out, struct err *e);
bool octopus_is_id(str id); // fits to become part of a path
