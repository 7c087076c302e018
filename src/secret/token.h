// token.h - keys that callers hold: trigger keys (RXT-...), management keys (RXA-...) and push keys (RXP-...), with which
// an Octopus subscription wakes us; also what a browser's cookie holds (RXS-...) and the set-up link (RXI-...).
//
//     RXT-<public id, 12 of base 62><secret, 43 of base 62><checksum, 6 of base 62>
//
// 256 random bits in the secret; prefix and checksum let secret scanners find leaked ones and let
// us refuse a typing error without a look-up. Looked up by the public id; what is stored is a keyed
// hash, compared in constant time.
#pragma once

#include "secret/keyring.h"

#define TOKEN_PUBLIC_CHARS 12
#define TOKEN_SECRET_CHARS 43
#define TOKEN_CHARS (4 + TOKEN_PUBLIC_CHARS + TOKEN_SECRET_CHARS + 6)

enum token_kind { TOKEN_TRIGGER, TOKEN_MANAGEMENT, TOKEN_PUSH, TOKEN_SESSION, TOKEN_SETUP };

struct token {
    str text;      // shown once
    str public_id; // stored in the clear
    unsigned char hash[KEYRING_HASH_BYTES];
};
struct token token_new(enum token_kind kind, const struct keyring *k, const struct random *random, struct arena *a);

// Form and checksum only. *public_id points into text.
bool token_read(enum token_kind kind, str text, str *public_id);
// Constant time in the secret.
bool token_matches(const struct keyring *k, str text, const unsigned char hash[static KEYRING_HASH_BYTES]);
