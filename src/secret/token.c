#include "secret/token.h"

#include <sodium.h>

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static str prefix_of(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_TRIGGER: return STR("RXT-");
    case TOKEN_MANAGEMENT: return STR("RXA-");
    case TOKEN_PUSH: return STR("RXP-");
    case TOKEN_SESSION: return STR("RXS-");
    case TOKEN_SETUP: return STR("RXI-");
    }
    return STR("");
}

// FNV-1a over everything before it: against typing errors, not against people.
static void checksum(str text, char out[static 7])
{
    uint64_t h = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < text.n; i++)
        h = (h ^ (unsigned char)text.p[i]) * 0x100000001b3ULL;
    for (int i = 0; i < 6; i++, h /= 62)
        out[i] = digits[h % 62];
    out[6] = 0;
}

struct token token_new(enum token_kind kind, const struct keyring *k, const struct random *random, struct arena *a)
{
    struct token t = { 0 };
    char check[7];
    str body = arena_concat(a, prefix_of(kind), random_base62(random, a, TOKEN_PUBLIC_CHARS + TOKEN_SECRET_CHARS));
    checksum(body, check);
    t.text = arena_concat(a, body, str_from(check));
    t.public_id = str_sub(t.text, 4, TOKEN_PUBLIC_CHARS);
    keyring_hash(k, "token", t.text, t.hash);
    return t;
}

bool token_read(enum token_kind kind, str text, str *public_id)
{
    char check[7];
    if (text.n != TOKEN_CHARS || !str_starts(text, prefix_of(kind)))
        return false;
    for (size_t i = 4; i < text.n; i++)
        if (!str_has(str_from(digits), text.p[i]))
            return false;
    checksum(str_sub(text, 0, text.n - 6), check);
    if (!str_eq(str_skip(text, text.n - 6), str_from(check)))
        return false;
    *public_id = str_sub(text, 4, TOKEN_PUBLIC_CHARS);
    return true;
}

bool token_matches(const struct keyring *k, str text, const unsigned char hash[static KEYRING_HASH_BYTES])
{
    unsigned char got[KEYRING_HASH_BYTES];
    keyring_hash(k, "token", text, got);
    return sodium_memcmp(got, hash, sizeof got) == 0;
}
