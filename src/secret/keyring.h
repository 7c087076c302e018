// keyring.h - seals secret values with the master key, which is not in the database.
//
// XChaCha20-Poly1305 with a random nonce; the record a value belongs to is associated data, so
// that a ciphertext moved to another record does not open. The master key lies in its own file,
// mode 0600 (a looser one is refused), or comes from the environment or a systemd credential.
//
// Several master keys may be known while one takes the place of another (reaction/rotation.h): all of them open, one
// seals. The key that hashes stays: hashes cannot be made anew. Any thread.
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "sys/random.h"

#define KEYRING_KEY_BYTES 32

struct keyring;

// Reads the key: REACTIONS_MASTER_KEY (64 hex digits), else $CREDENTIALS_DIRECTORY/master-key, else the
// file, which is created with a new key where there is none. may_create: false refuses instead (the
// database holds sealed values, so a missing key is an error, not a fresh start).
MUST_USE bool keyring_open(const char *path, bool may_create, const struct random *random, struct keyring **out, struct err *e);
// For tests and rotation: a key at hand.
struct keyring *keyring_from_bytes(const unsigned char key[KEYRING_KEY_BYTES], const struct random *random);
void keyring_close(struct keyring *k); // wipes the keys

// A further key, which opens what was sealed with it; its name. ERR_CONFLICT beyond KEYRING_KEYS_MAX.
#define KEYRING_KEYS_MAX 8
MUST_USE bool keyring_add(struct keyring *k, const unsigned char key[KEYRING_KEY_BYTES], str *id, struct err *e);
void keyring_use(struct keyring *k, str id);        // from now on this one seals; it was added
bool keyring_knows(const struct keyring *k, str id);
str keyring_sealed_with(str sealed);                 // the name within a sealed text; empty: not one
bool keyring_is_file(const struct keyring *k);       // the key came from the file, not from outside

// Key files: 64 hexadecimal digits, mode 0600 or refused. The caller wipes `out`.
MUST_USE bool keyring_read_file(const char *path, unsigned char out[KEYRING_KEY_BYTES], struct err *e);
MUST_USE bool keyring_write_file(const char *path, const unsigned char key[KEYRING_KEY_BYTES], struct err *e);
// The key before this one, where it is given from outside: REACTIONS_PREVIOUS_MASTER_KEY, else $CREDENTIALS_DIRECTORY/
// previous-master-key. *is_there says whether.
MUST_USE bool keyring_previous(unsigned char out[KEYRING_KEY_BYTES], bool *is_there, struct err *e);

// What keyring_hash hashes with. Derived from the first master key; kept, sealed, in the database.
void keyring_get_hash_key(const struct keyring *k, unsigned char out[static 32]);
void keyring_set_hash_key(struct keyring *k, const unsigned char key[static 32]); // before any other thread uses it

// A short name of the key, safe to store and show: two keys with one name are equal.
str keyring_id(const struct keyring *k);

// record: "Secrets-7/Value", the same for seal and open.
str keyring_seal(const struct keyring *k, str record, str plain, struct arena *a); // "v1.<key>.<base64>"
MUST_USE bool keyring_unseal(const struct keyring *k, str record, str sealed, struct arena *a, str *plain, struct err *e);

// A keyed hash (BLAKE2b under a key derived from the first master key): what is stored of trigger and API keys.
#define KEYRING_HASH_BYTES 32
void keyring_hash(const struct keyring *k, const char *context, str text, unsigned char out[static KEYRING_HASH_BYTES]);
