// jwt.h - a signed token of an OpenID provider (RFC 7519, 7515), judged with the provider's public keys (RFC 7517).
//
// RS256 and ES256 only: the token does not choose how it is judged, "none" and keyed hashes do not exist here. Pure: the time is given.
#pragma once

#include "json/json.h"

#define JWT_BYTES_MAX 16384
#define JWT_LEEWAY_S 60

struct jwt_wanted {
    str issuer, audience, nonce; // all must be in the token
    int64_t now_s;
};

enum jwt_result { JWT_GOOD, JWT_BAD, JWT_UNKNOWN_KEY }; // the last: no key of that id; the keys may have been changed since

// keys: the provider's {"keys": [...]}. *claims is set only for JWT_GOOD.
enum jwt_result jwt_judge(str token, const struct json *keys, const struct jwt_wanted *wanted, struct arena *a, const struct json **claims, struct err *e);
