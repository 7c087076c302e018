// people.h - what the routes about people share: writing them, counting tries, noting failures. Only src/web includes this.
#pragma once

#include "web/api_object.h"

struct people;

MUST_USE bool people_open(struct web *w, struct people **out, struct err *e);
void people_close(struct people *p);

// One transaction with its audit row; what people watch ends, so that it begins anew with the new rights. False: answered.
bool people_change(struct api_call *c, const struct store_put *puts, size_t count, const char *action, str subject, const struct json *particulars);

// The try of somebody to prove who they are. account: the name as typed, empty where there is none. False: answered 429.
bool people_may_try(struct api_call *c, str account);
void people_try_succeeded(struct api_call *c, str account);
// The same for what has no name, before there is a call: false: not now.
bool people_may_try_from(struct web *w, str address);
void people_try_from_succeeded(struct web *w, str address);
// Audit row of a failure; under a flood only some, then how many were left out. user_id 0: nobody we know.
void people_note_failure(struct web *w, str action, int64_t user_id, str address, const char *why);

// Puts that delete all that hangs on a user. False: answered.
enum { PEOPLE_SESSIONS = 1, PEOPLE_KEYS = 2 };
bool people_gather_deletes(struct api_call *c, int64_t user_id, unsigned what, int64_t except_session, struct store_put **puts, size_t *count, size_t room_before);

// Role assignments as sent ({Role, Space, Projects, Environments}) -> as stored; errors are noted.
struct json *people_read_assignments(struct api_call *c, struct decode *d, const char *name);
// A list of Octopus ids of a role or key -> a JSON list.
struct json *people_read_ids(struct decode *d, const char *name, struct arena *a);
// A space's id of the document's member; null: none, errors are noted.
struct json *people_read_space(struct api_call *c, struct decode *d, const char *name);
