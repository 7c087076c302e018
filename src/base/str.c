#include "base/str.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

str str_from(const char *c_string)
{
    return (str){ c_string, c_string ? strlen(c_string) : 0 };
}

bool str_eq(str a, str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(str a, str b)
{
    return a.n == b.n && str_cmp_nocase(a, b) == 0;
}

int str_cmp(str a, str b)
{
    size_t n = MIN(a.n, b.n);
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

int str_cmp_nocase(str a, str b)
{
    size_t n = MIN(a.n, b.n);
    for (size_t i = 0; i < n; i++) {
        unsigned char x = (unsigned char)lower(a.p[i]), y = (unsigned char)lower(b.p[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (a.n > b.n) - (a.n < b.n);
}

bool str_starts(str s, str prefix)
{
    return s.n >= prefix.n && str_eq((str){ s.p, prefix.n }, prefix);
}

bool str_starts_nocase(str s, str prefix)
{
    return s.n >= prefix.n && str_eq_nocase((str){ s.p, prefix.n }, prefix);
}

bool str_ends(str s, str suffix)
{
    return s.n >= suffix.n && str_eq((str){ s.p + s.n - suffix.n, suffix.n }, suffix);
}

bool str_has(str s, char c)
{
    return str_find_char(s, c) >= 0;
}

ptrdiff_t str_find(str s, str needle)
{
    if (!needle.n)
        return 0;
    if (!s.n)
        return -1;
    const char *at = memmem(s.p, s.n, needle.p, needle.n);
    return at ? at - s.p : -1;
}

ptrdiff_t str_find_char(str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t str_find_last_char(str s, char c)
{
    const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : -1;
}

str str_sub(str s, size_t from, size_t n)
{
    s = str_skip(s, from);
    return (str){ s.p, MIN(n, s.n) };
}

str str_skip(str s, size_t n)
{
    n = MIN(n, s.n);
    return (str){ s.p ? s.p + n : NULL, s.n - n };
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

str str_trim(str s)
{
    while (s.n && is_blank(s.p[0]))
        s.p++, s.n--;
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool str_split(str *rest, char sep, str *part)
{
    if (!rest->p)
        return false;
    ptrdiff_t at = str_find_char(*rest, sep);
    if (at < 0) {
        *part = *rest;
        *rest = (str){ 0 };
    } else {
        *part = (str){ rest->p, (size_t)at };
        *rest = (str){ rest->p + at + 1, rest->n - (size_t)at - 1 };
    }
    return true;
}

bool str_to_u64(str s, uint64_t *out)
{
    uint64_t v = 0;
    if (!s.n)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    }
    *out = v;
    return true;
}

bool str_to_i64(str s, int64_t *out)
{
    bool is_negative = s.n && s.p[0] == '-';
    uint64_t v;
    if (!str_to_u64(is_negative ? str_skip(s, 1) : s, &v))
        return false;
    if (v > (uint64_t)INT64_MAX + (is_negative ? 1 : 0))
        return false;
    *out = is_negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

size_t str_utf8_next(str s, bool *is_valid)
{
    const unsigned char *p = (const unsigned char *)s.p;
    // Unicode 15, table 3-7: only the second byte has special ranges.
    size_t length;
    unsigned char low = 0x80, high = 0xBF;
    *is_valid = true;
    if (!s.n || p[0] < 0x80)
        return MIN(s.n, (size_t)1);
    if (p[0] >= 0xC2 && p[0] <= 0xDF) {
        length = 2;
    } else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
        length = 3;
        low = p[0] == 0xE0 ? 0xA0 : low;
        high = p[0] == 0xED ? 0x9F : high;
    } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
        length = 4;
        low = p[0] == 0xF0 ? 0x90 : low;
        high = p[0] == 0xF4 ? 0x8F : high;
    } else {
        *is_valid = false;
        return 1;
    }
    for (size_t i = 1; i < length; i++) {
        if (i == s.n || p[i] < low || p[i] > high) {
            *is_valid = false;
            return i;
        }
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

bool str_is_utf8(str s)
{
    bool is_valid = true;
    while (s.n && is_valid) {
        // Most text is ASCII: eight bytes at a time.
        for (uint64_t eight; s.n >= sizeof eight; s = str_skip(s, sizeof eight)) {
            memcpy(&eight, s.p, sizeof eight);
            if (eight & 0x8080808080808080ULL)
                break;
        }
        s = str_skip(s, str_utf8_next(s, &is_valid));
    }
    return is_valid;
}
