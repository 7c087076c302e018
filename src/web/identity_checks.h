// identity_checks.h - whose account each identity's key belongs to, and what is to be said against it. Only src/web includes this.
//
// That Octopus is asked when an identity or its connection was saved, and daily; while it does not answer, again after 5 s, then twice
// that, up to an hour. In the background: nothing waits for it, nothing is refused because of it. Kept in the store: a restart asks
// nothing that is not due.
#pragma once

#include "web/api.h"

struct identity_checks;

struct identity_checks *identity_checks_new(void);
MUST_USE bool identity_checks_load(struct web *w, struct err *e); // what was kept; before the first tick
void identity_checks_stop(struct identity_checks *c); // none begins any more
void identity_checks_free(struct identity_checks *c); // when the workers have ended

void identity_checks_ask(struct web *w, int64_t identity_id); // anew; 0: of those that changed
void identity_checks_tick(struct web *w);                     // every second or so: does what is due

// What the API shows: {"At", "Username", "IsService", "Warnings"}, the middle two null where Octopus did not tell. Null: not asked
// since this was saved. doc as stored.
struct json *identity_checked(struct web *w, const struct snapshot *s, int64_t id, int64_t space_id, const struct json *doc, struct arena *a);

// The names of the permissions that its account has in the connection's space, as last told; NULL: not known.
struct json *identity_has(struct web *w, const struct snapshot *s, int64_t id, int64_t space_id, const struct json *doc, struct arena *a);
