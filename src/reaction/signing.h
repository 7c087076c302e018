// signing.h - signs what a reaction sends, so that the target can tell that it came from here, unchanged.
//
// StandardWebhooks (standardwebhooks.com, version 1): webhook-id is the run's key, the same for all attempts; webhook-timestamp is
// the attempt's time; webhook-signature is "v1," and the base64 of HMAC-SHA256 over "id.timestamp.body" under the decoded secret.
// Hmac: one header with the HMAC of the body, as GitHub and many others have it.
#pragma once

#include "http/server.h" // struct http_header
#include "json/decode.h"

enum signing_scheme { SIGNING_NONE, SIGNING_STANDARD_WEBHOOKS, SIGNING_HMAC };
enum signing_algorithm { SIGNING_SHA256, SIGNING_SHA1, SIGNING_SHA512 };
enum signing_encoding { SIGNING_HEX, SIGNING_BASE64 };

struct signing {
    enum signing_scheme scheme;
    enum signing_algorithm algorithm;
    enum signing_encoding encoding;
    str header, prefix;
    str key; // bytes; empty where the secret is sealed or kept (a check when saving)
};

#define SIGNING_HEADERS_MAX 3

// `signing` is the action's Signing, or NULL: none. All that is wrong goes into errors, under path. needs_key: the secret must be
// there in the clear; otherwise it may be anything that sealed_store takes.
void signing_decode(const struct json *signing, str path, bool needs_key, struct decode_errors *errors, struct signing *out);

// The headers that sign this body; returns how many. now_s: seconds since 1970.
size_t signing_headers(const struct signing *s, str id, int64_t now_s, str body, struct arena *a, struct http_header out[static SIGNING_HEADERS_MAX]);

// A header's name: a token of RFC 9110 section 5.6.2.
bool signing_is_token(str name);
