// sessions.h - who is signed in with a browser. Only src/web includes this.
//
// The cookie holds a random token; the store holds its keyed hash, so that sessions survive a restart and end on the server. A new
// one at each sign-in; it ends 30 minutes after its last use, 12 hours after its beginning, on signing out, and with its user.
#pragma once

#include "web/people.h"

#define SESSION_COOKIE "__Host-reactions"
#define SESSION_IDLE_MS (30 * 60 * 1000LL)
#define SESSION_MAX_MS (12 * 3600 * 1000LL)

// The caller of the request's cookie; false: none, or none that is good any more.
bool session_find(struct web *w, const struct http_request *r, struct arena *a, struct caller *out);
str session_cookie(const struct http_request *r, str name); // empty: not sent

// Begins one, sets the cookie, notes it in the audit. user_id 0: nobody of ours, but who the Octopus key of that connection belongs to; it
// is kept sealed.
// On success c->caller is who was signed in. False: answered.
bool session_begin(struct api_call *c, int64_t user_id, str name, const char *source, int64_t connection_id, str octopus_key);
// Answers who the caller is.
void session_answer(struct api_call *c, int status);

// A change by cookie needs the CSRF token and evidence that our own page asks. False: answered 403.
bool session_proves_intent(struct api_call *c, bool is_change);
// Origin and Sec-Fetch-Site, where the browser sends them, name us. strict: one of them must be there.
bool session_is_same_origin(const struct http_request *r, bool strict);

void session_purge(struct web *w); // ended ones go; on a thread that may wait
