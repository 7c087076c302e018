#include "base/encode.h"

static const char hex_digits[] = "0123456789abcdef";

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

str hex_encode(struct arena *a, str bytes)
{
    char *p = arena_bytes(a, bytes.n * 2 + 1);
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        p[2 * i] = hex_digits[c >> 4];
        p[2 * i + 1] = hex_digits[c & 15];
    }
    p[bytes.n * 2] = 0;
    return (str){ p, bytes.n * 2 };
}

bool hex_decode(struct arena *a, str text, str *out)
{
    if (text.n % 2)
        return false;
    char *p = arena_bytes(a, text.n / 2 + 1);
    for (size_t i = 0; i < text.n / 2; i++) {
        int high = hex_value(text.p[2 * i]), low = hex_value(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        p[i] = (char)(high << 4 | low);
    }
    *out = (str){ p, text.n / 2 };
    return true;
}

static const char base64_digits[2][65] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

str base64_encode(struct arena *a, str bytes, enum base64_kind kind)
{
    const char *digits = base64_digits[kind];
    char *p = arena_bytes(a, (bytes.n + 2) / 3 * 4 + 1), *out = p;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t v = (uint32_t)(unsigned char)bytes.p[i] << 16;
        if (left > 1)
            v |= (uint32_t)(unsigned char)bytes.p[i + 1] << 8;
        if (left > 2)
            v |= (unsigned char)bytes.p[i + 2];
        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        if (left > 1)
            *out++ = digits[v >> 6 & 63];
        else if (kind == BASE64_STANDARD)
            *out++ = '=';
        if (left > 2)
            *out++ = digits[v & 63];
        else if (kind == BASE64_STANDARD)
            *out++ = '=';
    }
    *out = 0;
    return (str){ p, (size_t)(out - p) };
}

static int base64_value(char c, enum base64_kind kind)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (kind == BASE64_URL ? '-' : '+'))
        return 62;
    if (c == (kind == BASE64_URL ? '_' : '/'))
        return 63;
    return -1;
}

bool base64_decode(struct arena *a, str text, enum base64_kind kind, str *out)
{
    size_t n = text.n, padding = 0;
    while (n && padding < 2 && text.p[n - 1] == '=')
        n--, padding++;
    if (n % 4 == 1)
        return false;
    size_t wanted_padding = (4 - n % 4) % 4;
    if (padding != wanted_padding && !(kind == BASE64_URL && padding == 0))
        return false;
    char *p = arena_bytes(a, n * 3 / 4 + 1);
    size_t at = 0;
    uint32_t v = 0;
    int bits = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = base64_value(text.p[i], kind);
        if (digit < 0)
            return false;
        v = v << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            p[at++] = (char)(v >> bits & 0xff);
            v &= (1u << bits) - 1;
        }
    }
    if (v)
        return false;
    *out = (str){ p, at };
    return true;
}

str percent_encode(struct arena *a, str bytes)
{
    char *p = arena_bytes(a, bytes.n * 3 + 1), *out = p;
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        bool is_unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (is_unreserved) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = "0123456789ABCDEF"[c >> 4];
            *out++ = "0123456789ABCDEF"[c & 15];
        }
    }
    *out = 0;
    return (str){ p, (size_t)(out - p) };
}

bool percent_decode(struct arena *a, str text, bool is_form, str *out)
{
    char *p = arena_bytes(a, text.n + 1);
    size_t at = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = i + 2 < text.n ? hex_value(text.p[i + 1]) : -1, low = i + 2 < text.n ? hex_value(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && is_form) {
            c = ' ';
        }
        p[at++] = c;
    }
    p[at] = 0;
    *out = (str){ p, at };
    return true;
}
