#include "template/chars.h"

#include <utf8proc.h>

uint32_t chars_decode_slow(const char *p, size_t n, size_t *length)
{
    const unsigned char *u = (const unsigned char *)p;
    unsigned char first = u[0];
    size_t need = first >= 0xF0 && first <= 0xF4 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first >= 0xC2 && first <= 0xF4 && need <= n) {
        uint32_t c = first & (0x7Fu >> need);
        size_t i = 1;
        for (; i < need && (u[i] & 0xC0) == 0x80; i++)
            c = c << 6 | (u[i] & 0x3Fu);
        bool is_good = i == need && (need != 3 || (c >= 0x800 && (c < 0xD800 || c > 0xDFFF))) && (need != 4 || (c >= 0x10000 && c <= 0x10FFFF));
        if (is_good) {
            *length = need;
            return c;
        }
    }
    *length = 1;
    return CHARS_REPLACEMENT;
}

size_t chars_encode(uint32_t c, char out[static 4])
{
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        c = CHARS_REPLACEMENT;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

bool chars_is_space_slow(uint32_t c)
{
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F
        || c == 0x205F || c == 0x3000;
}

#define DIGITS ['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true, ['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true
const bool chars_name_ascii[128] = {
    DIGITS, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['_'] = true, ['-'] = true, [':'] = true, ['/'] = true, ['~'] = true, ['('] = true, [')'] = true, ['@'] = true,
};

bool chars_is_name_slow(uint32_t c)
{
    if (c > 0xFFFF)
        return false;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
        return true;
    default:
        return false;
    }
}

// The invariant culture never maps between the ASCII letters and the Turkish i's, nor between the Kelvin and Angstrom
// signs' lower case and back (it does map them down); utf8proc's simple mappings are otherwise the same data.
uint32_t chars_upper(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? c - 32 : c;
    if (c == 0xDF || c == 0x131 || c == 0x17F)
        return c;
    return (uint32_t)utf8proc_toupper((utf8proc_int32_t)c);
}

uint32_t chars_lower(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c == 0x130)
        return c;
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

static str map_case(struct arena *a, str s, uint32_t (*map)(uint32_t))
{
    size_t at = 0, length;
    // A mapping can lengthen a character, by one byte at the most (U+023A becomes U+2C65).
    char *out = arena_bytes(a, s.n + s.n / 2 + 4), *to = out;
    while (at < s.n) {
        uint32_t c = chars_decode(s.p + at, s.n - at, &length);
        uint32_t mapped = map(c);
        if (mapped == c) {
            memcpy(to, s.p + at, length);
            to += length;
        } else {
            to += chars_encode(mapped, to);
        }
        at += length;
    }
    return (str){ out, (size_t)(to - out) };
}

str chars_to_upper(struct arena *a, str s)
{
    return map_case(a, s, chars_upper);
}

str chars_to_lower(struct arena *a, str s)
{
    return map_case(a, s, chars_lower);
}

bool chars_eq_nocase(str a, str b)
{
    if (a.n == b.n && !memcmp(a.p ? a.p : "", b.p ? b.p : "", a.n))
        return true;
    size_t i = 0, j = 0, la, lb;
    while (i < a.n && j < b.n) {
        uint32_t x = chars_decode(a.p + i, a.n - i, &la), y = chars_decode(b.p + j, b.n - j, &lb);
        if (x != y && chars_upper(x) != chars_upper(y))
            return false;
        i += la;
        j += lb;
    }
    return i == a.n && j == b.n;
}

uint64_t chars_hash_nocase(str s)
{
    uint64_t h = 0xcbf29ce484222325u;
    size_t at = 0, length;
    while (at < s.n) {
        unsigned char first = (unsigned char)s.p[at];
        if (first < 0x80) {
            h = (h ^ (first >= 'a' && first <= 'z' ? first - 32u : first)) * 0x100000001b3u;
            at++;
            continue;
        }
        h = (h ^ chars_upper(chars_decode(s.p + at, s.n - at, &length))) * 0x100000001b3u;
        at += length;
    }
    return h ^ h >> 29;
}

str chars_trim_start(str s)
{
    size_t at = 0, length;
    while (at < s.n && chars_is_space(chars_decode(s.p + at, s.n - at, &length)))
        at += length;
    return str_skip(s, at);
}

str chars_trim_end(str s)
{
    size_t length;
    while (s.n) {
        size_t from = s.n - 1;
        while (from && s.n - from < 4 && ((unsigned char)s.p[from] & 0xC0) == 0x80)
            from--;
        uint32_t c = chars_decode(s.p + from, s.n - from, &length);
        if (from + length != s.n || !chars_is_space(c))
            break;
        s.n = from;
    }
    return s;
}

str chars_trim(str s)
{
    if (s.n && (unsigned char)(*s.p - 0x21) < 0x5E && (unsigned char)(s.p[s.n - 1] - 0x21) < 0x5E)
        return s; // the usual case
    return chars_trim_end(chars_trim_start(s));
}

size_t chars_utf16_length(str s)
{
    size_t units = 0, at = 0, length;
    while (at < s.n) {
        units += chars_decode(s.p + at, s.n - at, &length) > 0xFFFF ? 2 : 1;
        at += length;
    }
    return units;
}

size_t chars_utf16_offset(str s, size_t units, bool *is_inside)
{
    size_t at = 0, length;
    *is_inside = false;
    while (at < s.n && units) {
        size_t width = chars_decode(s.p + at, s.n - at, &length) > 0xFFFF ? 2 : 1;
        if (width > units) {
            *is_inside = true;
            break;
        }
        units -= width;
        at += length;
    }
    return at;
}
