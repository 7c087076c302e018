// sign_in.h - users' names and documents, and the set-up of the first administrator.
#pragma once

#include "web/people.h"

// A name that can be told from others in the audit.
void user_check_name(struct decode *d, const char *field, str username);
// A local user as stored; password_hash empty: cannot sign in with one. Roles for the whole instance, by id; NULL: none.
struct json *user_document(struct arena *a, str username, str password_hash, const char *role, const char *other_role);

// Whether there is no enabled user yet who may administer users. Usable before the server listens.
MUST_USE bool setup_is_needed(struct store *store, struct arena *a, bool *out, struct err *e);
// The set-up link's token, made and told once in the life of a database; empty: it was told before.
MUST_USE bool setup_offer(struct store *store, const struct keyring *keyring, const struct random *random, struct arena *a, str *token_text, struct err *e);
