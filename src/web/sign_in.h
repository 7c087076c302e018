// sign_in.h - users' names and documents, and the set-up of the first administrator.
#pragma once

#include "web/people.h"

// A name that can be told from others in the audit.
void user_check_name(struct decode *d, const char *field, str username);
// A local user as stored; password_hash empty: cannot sign in with one. Roles for the whole instance, by id; NULL: none.
struct json *user_document(struct arena *a, str username, str password_hash, const char *role, const char *other_role);
