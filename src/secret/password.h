// password.h - passwords of local accounts: Argon2id, one lane, 19 MiB, two passes (libsodium).
//
// A check takes tens of milliseconds and 19 MiB, on purpose: not for a loop's thread, and at most PASSWORD_PARALLEL run at once,
// the others wait their turn. An account that does not exist costs the same work.
#pragma once

#include "base/arena.h"
#include "base/err.h"

#define PASSWORD_PARALLEL 2
#define PASSWORD_MIN_CHARS 12
#define PASSWORD_MAX_BYTES 1024

// Length and UTF-8; not the name itself.
MUST_USE bool password_is_fit(str password, str username, struct err *e);

str password_hash(str password, struct arena *a); // "$argon2id$v=19$m=19456,t=2,p=1$..."
// stored: what password_hash gave; empty: there is no such account, or it has no password (always false, after the same work).
bool password_matches(str password, str stored);
