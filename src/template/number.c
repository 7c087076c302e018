#include "template/number.h"

#include <math.h>
#include <stdio.h>

// The shortest digits that read back equal; returns how many, without trailing zeros, and the scale.
static int shortest_digits(double v, char out[static 24], int *scale)
{
    char text[40];
    int precision = fpclassify(v) == FP_SUBNORMAL ? 1 : 15; // 15 digits always survive, unless the number has fewer bits
    for (; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, v);
        if (precision == 17 || strtod(text, NULL) == v)
            break;
    }
    int n = 0;
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p != '.')
            out[n++] = *p;
    *scale = atoi(p + 1) + 1;
    while (n > 1 && out[n - 1] == '0')
        n--;
    out[n] = '\0';
    return n;
}

static str write_literal(char *out, const char *text)
{
    size_t n = strlen(text);
    memcpy(out, text, n);
    return (str){ out, n };
}

static size_t write_digits(char *out, uint64_t v)
{
    char digits[24];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    return n;
}

str number_write_double(char out[static NUMBER_DOUBLE_BYTES], double v)
{
    if (isnan(v))
        return write_literal(out, "NaN");
    if (isinf(v))
        return write_literal(out, v > 0 ? "Infinity" : "-Infinity");
    char *to = out;
    if (signbit(v))
        *to++ = '-';
    v = fabs(v);
    if (v < 9007199254740992.0 && v == (double)(uint64_t)v) {
        to += write_digits(to, (uint64_t)v);
        return (str){ out, (size_t)(to - out) };
    }
    char digits[24];
    int scale, n = shortest_digits(v, digits, &scale);
    if (scale > 17 || scale < -3) {
        *to++ = digits[0];
        if (n > 1) {
            *to++ = '.';
            memcpy(to, digits + 1, (size_t)n - 1);
            to += n - 1;
        }
        to += sprintf(to, "E%c%02d", scale > 0 ? '+' : '-', abs(scale - 1));
        return (str){ out, (size_t)(to - out) };
    }
    if (scale <= 0)
        *to++ = '0';
    for (int i = 0; i < scale; i++)
        *to++ = i < n ? digits[i] : '0';
    if (n > scale) {
        *to++ = '.';
        for (int i = scale; i < 0; i++)
            *to++ = '0';
        for (int i = MAX(scale, 0); i < n; i++)
            *to++ = digits[i];
    }
    return (str){ out, (size_t)(to - out) };
}

enum { STYLE_THOUSANDS = 1, STYLE_POINT = 2, STYLE_EXPONENT = 4, STYLE_TRAILING_SIGN = 8 };

// What a number's text consists of.
struct scanned {
    bool is_negative;
    str whole, fraction; // whole may hold commas
    int exponent;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static str take_digits(str *s, bool with_commas)
{
    size_t n = 0;
    while (n < s->n && ((s->p[n] >= '0' && s->p[n] <= '9') || (with_commas && n && s->p[n] == ',')))
        n++;
    str digits = str_sub(*s, 0, n);
    *s = str_skip(*s, n);
    return digits;
}

static bool take_sign(str *s, bool *is_negative)
{
    if (!s->n || (*s->p != '-' && *s->p != '+'))
        return false;
    *is_negative = *s->p == '-';
    *s = str_skip(*s, 1);
    return true;
}

static bool scan_number(str s, int styles, struct scanned *out)
{
    *out = (struct scanned){ 0 };
    while (s.n && is_blank(*s.p))
        s = str_skip(s, 1);
    bool has_sign = take_sign(&s, &out->is_negative);
    out->whole = take_digits(&s, styles & STYLE_THOUSANDS);
    if ((styles & STYLE_POINT) && s.n && *s.p == '.') {
        s = str_skip(s, 1);
        out->fraction = take_digits(&s, false);
    }
    if (!out->whole.n && !out->fraction.n)
        return false;
    if ((styles & STYLE_EXPONENT) && s.n > 1 && (*s.p | 32) == 'e') {
        str rest = str_skip(s, 1);
        bool is_negative = false;
        take_sign(&rest, &is_negative);
        str digits = take_digits(&rest, false);
        if (digits.n) {
            for (size_t i = 0; i < digits.n && out->exponent < 100000; i++)
                out->exponent = out->exponent * 10 + (digits.p[i] - '0');
            out->exponent = is_negative ? -out->exponent : out->exponent;
            s = rest;
        }
    }
    for (; s.n; s = str_skip(s, is_blank(*s.p) ? 1 : 0)) {
        if (is_blank(*s.p))
            continue;
        if (!(styles & STYLE_TRAILING_SIGN) || has_sign || !take_sign(&s, &out->is_negative))
            break;
        has_sign = true;
        if (!s.n)
            break;
    }
    while (s.n && *s.p == '\0') // the original tolerates them
        s = str_skip(s, 1);
    return !s.n;
}

bool number_read_int(str s, int32_t *out)
{
    struct scanned n;
    if (!scan_number(s, 0, &n))
        return false;
    int64_t v = 0;
    for (size_t i = 0; i < n.whole.n; i++) {
        v = v * 10 + (n.whole.p[i] - '0');
        if (v > (int64_t)INT32_MAX + 1)
            return false;
    }
    v = n.is_negative ? -v : v;
    if (v > INT32_MAX)
        return false;
    *out = (int32_t)v;
    return true;
}

static bool read_named(str s, double *out)
{
    while (s.n && is_blank(*s.p))
        s = str_skip(s, 1);
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    bool is_negative = false;
    take_sign(&s, &is_negative);
    if (str_eq_nocase(s, STR("Infinity"))) {
        *out = is_negative ? -INFINITY : INFINITY;
        return true;
    }
    *out = NAN;
    return str_eq_nocase(s, STR("NaN"));
}

static bool read_double(str s, int styles, double *out)
{
    struct scanned n;
    if (!scan_number(s, styles, &n))
        return read_named(s, out);
    // strtod rounds correctly; it gets the digits without commas.
    CLEANUP(buf_fini) struct buf text = { 0 };
    for (size_t i = 0; i < n.whole.n; i++)
        if (n.whole.p[i] != ',')
            buf_add_char(&text, n.whole.p[i]);
    buf_add_char(&text, '.');
    buf_add(&text, n.fraction);
    buf_printf(&text, "e%d", n.exponent);
    buf_add_char(&text, '\0');
    *out = strtod(text.p, NULL);
    if (n.is_negative)
        *out = -*out;
    return true;
}

bool number_read_double(str s, double *out)
{
    return read_double(s, STYLE_THOUSANDS | STYLE_POINT | STYLE_EXPONENT, out);
}

bool number_read_amount(str s, double *out)
{
    return read_double(s, STYLE_POINT | STYLE_EXPONENT, out);
}

// All digits of a scanned number in a row.
struct digit_reader {
    str whole, fraction;
};

static char next_digit(struct digit_reader *r) // '\0' at the end
{
    while (r->whole.n || r->fraction.n) {
        str *from = r->whole.n ? &r->whole : &r->fraction;
        char c = *from->p;
        *from = str_skip(*from, 1);
        if (c != ',')
            return c;
    }
    return '\0';
}

static void set_mantissa(struct number *out, unsigned __int128 mantissa, int places)
{
    char digits[40];
    size_t n = 0;
    for (; mantissa; mantissa /= 10)
        digits[n++] = (char)('0' + (int)(mantissa % 10));
    out->n = n;
    for (size_t i = 0; i < n; i++)
        out->digits[i] = digits[n - 1 - i];
    out->scale = (int)n - places;
}

// The rounding of decimal.Parse: 96 bits, at most 28 places, a tie goes to the even digit.
bool number_read_decimal(str s, struct number *out)
{
    struct scanned n;
    if (!scan_number(s, STYLE_THOUSANDS | STYLE_POINT | STYLE_TRAILING_SIGN, &n))
        return false;
    *out = (struct number){ .kind = NUMBER_DECIMAL, .is_negative = n.is_negative };

    struct digit_reader r = { n.whole, n.fraction };
    int64_t e = 0; // digits of the whole part that are left, then minus the places taken
    for (size_t i = 0; i < n.whole.n; i++)
        e += n.whole.p[i] != ',';
    char c = next_digit(&r);
    for (; c == '0'; c = next_digit(&r))
        e--;
    if (!c) {
        set_mantissa(out, 0, (int)MIN(MAX(-e, 0), 28));
        return true;
    }
    if (e > 29)
        return false;

    const unsigned __int128 most = ((unsigned __int128)UINT32_MAX << 64) | UINT64_MAX, tenth = most / 10;
    unsigned __int128 m = 0;
    while ((e > 0 || (c && e > -28)) && (m < tenth || (m == tenth && c <= '5'))) {
        e--;
        m = m * 10 + (unsigned)(c ? c - '0' : 0);
        if (c)
            c = next_digit(&r);
    }
    if (c >= '5') {
        bool is_tie = c == '5' && !(m & 1);
        while (is_tie && (c = next_digit(&r)))
            is_tie = c == '0';
        if (!is_tie && ++m > most) {
            m = tenth + 1;
            e++;
        }
    }
    if (e > 0)
        return false;
    set_mantissa(out, e <= -29 ? 0 : m, (int)(e <= -29 ? 28 : -e));
    return true;
}

struct number number_from_int(int32_t v)
{
    struct number out = { .kind = NUMBER_INTEGER, .integer = v, .is_negative = v < 0 };
    set_mantissa(&out, (unsigned __int128)(v < 0 ? -(int64_t)v : v), 0);
    return out;
}

struct number number_from_double(double v)
{
    return (struct number){ .kind = NUMBER_DOUBLE, .real = v, .is_negative = signbit(v) };
}
