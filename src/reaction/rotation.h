// rotation.h - a new master key takes the place of the old one, while the server works, and whatever kills it meanwhile.
//
//     1  the new key lies in master.key.next             both open
//     2  from here on everything is sealed with it
//     3  what was sealed with the old one is sealed anew, a page at a time
//     4  the old key lies in master.key.previous          for backups taken before
//     5  master.key is the new one                        one rename
//     6  master.key.next goes
//
// A start after a kill finds either master.key.next, and goes on from 2, or nothing to do. No step leaves a value that none
// of the files opens. A database none of whose keys is known is refused at the start, untouched.
#pragma once

#include "reaction/sealed.h"

struct rotation_options {
    struct store *store;
    struct keyring *keyring;       // of master.key, or given from outside
    const char *path;              // of master.key
    const struct random *random;
    // For tests: told before each step, "1".."6" and "3" for each page. May be NULL.
    void (*step)(void *ctx, const char *name);
    void *ctx;
};

// At the start, before anything is opened with the keyring: refuses a key that does not fit, brings a rotation that was
// broken off to its end, and seals anew what was sealed with a previous key (a restored backup; a key exchanged outside).
// *resealed: objects. Sets the keyring's hash key.
MUST_USE bool rotation_start(const struct rotation_options *opt, int64_t *resealed, struct err *e);

// While the server works. ERR_CONFLICT where the key is given from outside: then it is exchanged there. `actor` for the
// audit. The caller lets one run at a time.
MUST_USE bool rotation_run(const struct rotation_options *opt, str actor, int64_t *resealed, str *new_id, struct err *e);
