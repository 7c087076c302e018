// sealed.h - secret values inside documents: they go in as text and never come out.
//
// In a stored document a secret value is {"Sealed": "v1..."}; what the API answers says
// {"HasValue": true} in its place. Which fields are secret is one table here, by kind of object:
// a field added there is sealed, hidden and opened everywhere.
#pragma once

#include "json/decode.h"
#include "secret/keyring.h"
#include "store/store.h"

// A new document as sent -> as stored. Text is sealed; {"HasValue": true} and an absent field keep the old
// document's value (an error when there is none to keep); null removes it. `old` may be NULL. Values in lists of
// named objects (Variables) are kept by Name. Works in place on `doc`, which lives in the arena.
void sealed_store(enum store_kind kind, int64_t id, struct json *doc, const struct json *old, const struct keyring *k, struct arena *a, struct decode_errors *errors);

// As stored -> as answered. In place.
void sealed_hide(enum store_kind kind, struct json *doc, struct arena *a);

// As stored -> with the values in the clear, for the moment of use. In place. plain (may be NULL) gets each value, so
// that it can be masked in what comes out.
struct sealed_value {
    char *p;
    size_t n;
};
struct sealed_values {
    struct sealed_value *items;
    size_t count, cap;
};
MUST_USE bool sealed_open(enum store_kind kind, int64_t id, struct json *doc, const struct keyring *k, struct arena *a, struct sealed_values *plain, struct err *e);
// Seals anew, with the key that seals now, what was sealed with another one; true when something was. What does not open stays
// as it is. In place.
bool sealed_again(enum store_kind kind, int64_t id, struct json *doc, const struct keyring *k, struct arena *a);
bool sealed_kind_has_secrets(enum store_kind kind);
// The record's id: revisions hold the secrets of their reaction.
int64_t sealed_record_id(const struct store_object *o);

// The document with a keyed digest in the place of each secret value: what is hashed to tell whether two definitions are
// one. So neither a new nonce nor a new master key makes a new definition, and the digest tells nobody the value.
MUST_USE bool sealed_digest(enum store_kind kind, int64_t id, struct json *doc, const struct keyring *k, struct arena *a, struct err *e);

void sealed_values_fini(struct sealed_values *v); // wipes and frees

// One value: {"Sealed": ...} -> text; null -> empty.
MUST_USE bool sealed_open_value(enum store_kind kind, int64_t id, const char *path, const struct json *value, const struct keyring *k, struct arena *a, str *out, struct err *e);
