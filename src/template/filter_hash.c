// Base64 and hashes.
#include "template/chars.h"
#include "template/filter.h"
#include "template/number.h"

#include "base/encode.h"

#include <openssl/evp.h>

enum encoding { ENCODING_UTF8, ENCODING_UTF16, ENCODING_BASE64, ENCODING_UNKNOWN };

static enum encoding encoding_of(str name)
{
    if (str_eq_nocase(name, STR("utf8")) || str_eq_nocase(name, STR("utf-8")))
        return ENCODING_UTF8;
    if (str_eq_nocase(name, STR("unicode")))
        return ENCODING_UTF16;
    return str_eq_nocase(name, STR("base64")) ? ENCODING_BASE64 : ENCODING_UNKNOWN;
}

static str to_utf16(struct arena *a, str s)
{
    char *p = arena_bytes(a, s.n * 2 + 2), *to = p;
    size_t length;
    for (size_t i = 0; i < s.n; i += length) {
        uint32_t c = chars_decode(s.p + i, s.n - i, &length);
        if (c > 0xFFFF) {
            uint32_t high = 0xD800 + ((c - 0x10000) >> 10);
            *to++ = (char)high;
            *to++ = (char)(high >> 8);
            c = 0xDC00 + ((c - 0x10000) & 0x3FF);
        }
        *to++ = (char)c;
        *to++ = (char)(c >> 8);
    }
    return (str){ p, (size_t)(to - p) };
}

static str from_utf16(struct arena *a, str s)
{
    char *p = arena_bytes(a, s.n * 2 + 4), *to = p;
    for (size_t i = 0; i < s.n; i += 2) {
        if (i + 1 == s.n) {
            to += chars_encode(CHARS_REPLACEMENT, to);
            break;
        }
        uint32_t c = (unsigned char)s.p[i] | (uint32_t)(unsigned char)s.p[i + 1] << 8;
        if (c >= 0xD800 && c < 0xDC00 && i + 3 < s.n) {
            uint32_t low = (unsigned char)s.p[i + 2] | (uint32_t)(unsigned char)s.p[i + 3] << 8;
            if (low >= 0xDC00 && low < 0xE000) {
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
                i += 2;
            }
        }
        to += chars_encode(c, to);
    }
    return (str){ p, (size_t)(to - p) };
}

// Broken UTF-8 becomes U+FFFD, one for each maximal part of a character (Unicode's recommendation).
static str repair_utf8(struct arena *a, str s)
{
    if (str_is_utf8(s))
        return s;
    char *p = arena_bytes(a, s.n * 3), *to = p;
    for (size_t i = 0, length; i < s.n; i += length) {
        unsigned char first = (unsigned char)s.p[i];
        uint32_t c = chars_decode(s.p + i, s.n - i, &length);
        if (c != CHARS_REPLACEMENT || length > 1) {
            memcpy(to, s.p + i, length);
            to += length;
            continue;
        }
        size_t need = first >= 0xF0 && first <= 0xF4 ? 4 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xC2 && first < 0xE0 ? 2 : 1;
        for (; length < need && i + length < s.n; length++) {
            unsigned char next = (unsigned char)s.p[i + length];
            unsigned char low = length > 1 ? 0x80 : first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
            unsigned char high = length > 1 ? 0xBF : first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
            if (next < low || next > high)
                break;
        }
        to += chars_encode(CHARS_REPLACEMENT, to);
    }
    return (str){ p, (size_t)(to - p) };
}

// Convert.FromBase64String: blanks are skipped, padding is demanded.
static bool decode_base64(struct arena *a, str s, str *out)
{
    char *p = arena_bytes(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (!strchr(" \t\r\n", s.p[i]) || !s.p[i])
            p[n++] = s.p[i];
    str packed = { p, n };
    if (base64_decode(a, packed, BASE64_STANDARD, out))
        return true;
    // The strict decoder refuses bits that no byte uses; the original ignores them.
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t padding = n && p[n - 1] == '=' ? n > 1 && p[n - 2] == '=' ? 2 : 1 : 0;
    if (!padding || n % 4 || n < 4)
        return false;
    const char *at = p[n - padding - 1] ? strchr(alphabet, p[n - padding - 1]) : NULL;
    if (!at)
        return false;
    size_t value = (size_t)(at - alphabet);
    p[n - padding - 1] = alphabet[padding == 2 ? value & ~(size_t)15 : value & ~(size_t)3];
    return base64_decode(a, packed, BASE64_STANDARD, out);
}

enum filter_outcome filter_to_base64(struct filter_call *c)
{
    enum encoding encoding = c->option_count ? encoding_of(filter_option(c, 0)) : ENCODING_UTF8;
    if (c->option_count > 1 || encoding > ENCODING_UTF16)
        return FILTER_NOTHING;
    str bytes = encoding == ENCODING_UTF16 ? to_utf16(c->a, c->argument.s) : c->argument.s;
    return filter_value(c, base64_encode(c->a, bytes, BASE64_STANDARD));
}

enum filter_outcome filter_from_base64(struct filter_call *c)
{
    str bytes;
    if (c->option_count > 1)
        return FILTER_NOTHING;
    if (!decode_base64(c->a, c->argument.s, &bytes))
        return filter_exception(c, "FormatException: the text is not Base64");
    enum encoding encoding = c->option_count ? encoding_of(filter_option(c, 0)) : ENCODING_UTF8;
    if (encoding > ENCODING_UTF16)
        return FILTER_NOTHING;
    return filter_value(c, encoding == ENCODING_UTF16 ? from_utf16(c->a, bytes) : repair_utf8(c->a, bytes));
}

// [size] [encoding] in either order.
static bool read_hash_options(const struct filter_call *c, int32_t *size, enum encoding *encoding)
{
    *size = INT32_MAX;
    *encoding = ENCODING_UTF8;
    if (c->option_count > 2)
        return false;
    if (!c->option_count)
        return true;
    int32_t n;
    size_t size_at = number_read_int(filter_option(c, 0), &n) && n > 0 ? 0 : 1, encoding_at = 1 - size_at;
    if (size_at < c->option_count && (!number_read_int(filter_option(c, size_at), size) || *size <= 0))
        return false;
    if (encoding_at < c->option_count)
        *encoding = encoding_of(filter_option(c, encoding_at));
    return *encoding != ENCODING_UNKNOWN;
}

static enum filter_outcome hash(struct filter_call *c, const EVP_MD *algorithm)
{
    int32_t size;
    enum encoding encoding;
    str bytes = c->argument.s;
    if (!read_hash_options(c, &size, &encoding))
        return FILTER_NOTHING;
    if (encoding == ENCODING_UTF16)
        bytes = to_utf16(c->a, bytes);
    else if (encoding == ENCODING_BASE64 && !decode_base64(c->a, bytes, &bytes))
        return FILTER_NOTHING;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!EVP_Digest(bytes.p ? bytes.p : "", bytes.n, digest, &n, algorithm, NULL))
        return filter_exception(c, "this machine's cryptographic library refuses the algorithm");
    return filter_value(c, hex_encode(c->a, (str){ (char *)digest, MIN((size_t)size, (size_t)n) }));
}

enum filter_outcome filter_md5(struct filter_call *c)
{
    return hash(c, EVP_md5());
}

enum filter_outcome filter_sha1(struct filter_call *c)
{
    return hash(c, EVP_sha1());
}

enum filter_outcome filter_sha256(struct filter_call *c)
{
    return hash(c, EVP_sha256());
}

enum filter_outcome filter_sha384(struct filter_call *c)
{
    return hash(c, EVP_sha384());
}

enum filter_outcome filter_sha512(struct filter_call *c)
{
    return hash(c, EVP_sha512());
}
