// encode.h - hex and base64 (RFC 4648), strict in both directions. Results live in the arena.
#pragma once

#include "base/arena.h"

enum base64_kind { BASE64_STANDARD, BASE64_URL }; // URL: RFC 4648 section 5, written without padding

str hex_encode(struct arena *a, str bytes); // lower case
bool hex_decode(struct arena *a, str text, str *out); // either case, even length

str base64_encode(struct arena *a, str bytes, enum base64_kind kind);
// Standard wants its padding; URL takes it or leaves it. No blanks, no stray bits.
bool base64_decode(struct arena *a, str text, enum base64_kind kind, str *out);

// RFC 3986: everything but unreserved characters as %XX.
str percent_encode(struct arena *a, str bytes);
// %XX decoded; with is_form, + is a space. False for a broken escape.
bool percent_decode(struct arena *a, str text, bool is_form, str *out);
