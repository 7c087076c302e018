// Standard and custom numeric formats. A number is a row of decimal digits here; a double gets as
// many of its exact digits as the format shows.
#include "template/number.h"

#include <math.h>
#include <stdio.h>

#define PRECISION_MAX 100000 // .NET would try a thousand million digits

struct digits {
    char *p; // NUL behind the last
    size_t n;
    int scale;
    bool is_negative, is_double;
};

static char digit_at(const struct digits *d, size_t i)
{
    return i < d->n ? d->p[i] : '\0';
}

// Keeps `pos` digits, rounding half away from zero; a double's digits were rounded when they were made.
static void round_digits(struct digits *d, int64_t pos, bool is_rounded)
{
    size_t i = 0;
    while ((int64_t)i < pos && i < d->n)
        i++;
    if ((int64_t)i == pos && i < d->n && !is_rounded && d->p[i] >= '5') {
        while (i > 0 && d->p[i - 1] == '9')
            i--;
        if (i > 0) {
            d->p[i - 1]++;
        } else {
            d->scale++;
            d->p[0] = '1';
            i = 1;
        }
    } else {
        while (i > 0 && d->p[i - 1] == '0')
            i--;
    }
    d->n = i;
    if (!i) {
        if (!d->is_double)
            d->is_negative = false;
        d->scale = 0;
    }
}

static void add_exponent(struct buf *out, int value, char e, int min_digits, bool has_plus)
{
    buf_add_char(out, e);
    if (value < 0)
        buf_add_char(out, '-');
    else if (has_plus)
        buf_add_char(out, '+');
    buf_printf(out, "%0*d", min_digits, abs(value));
}

static void add_fixed(struct buf *out, const struct digits *d, int decimals, bool has_groups)
{
    int at = d->scale;
    size_t next = 0;
    if (at > 0) {
        for (; at > 0; at--) {
            buf_add_char(out, digit_at(d, next) ? d->p[next] : '0');
            next++;
            if (has_groups && at > 1 && (at - 1) % 3 == 0)
                buf_add_char(out, ',');
        }
    } else {
        buf_add_char(out, '0');
    }
    if (decimals > 0) {
        buf_add_char(out, '.');
        for (; at < 0 && decimals > 0; at++, decimals--)
            buf_add_char(out, '0');
        for (; decimals > 0; decimals--, next++)
            buf_add_char(out, digit_at(d, next) ? d->p[next] : '0');
    }
}

static void add_scientific(struct buf *out, const struct digits *d, int count, char e)
{
    buf_add_char(out, d->n ? d->p[0] : '0');
    if (count != 1)
        buf_add_char(out, '.');
    for (int i = 1; i < count; i++)
        buf_add_char(out, digit_at(d, (size_t)i) ? d->p[i] : '0');
    add_exponent(out, d->n ? d->scale - 1 : 0, e, 3, true);
}

static void add_general(struct buf *out, const struct digits *d, int64_t count, char e, bool is_never_scientific)
{
    int at = d->scale;
    bool is_scientific = !is_never_scientific && (at > count || at < -3);
    if (is_scientific)
        at = 1;
    size_t next = 0;
    if (at > 0)
        for (; at > 0; at--, next++)
            buf_add_char(out, digit_at(d, next) ? d->p[next] : '0');
    else
        buf_add_char(out, '0');
    if (next < d->n || at < 0) {
        buf_add_char(out, '.');
        for (; at < 0; at++)
            buf_add_char(out, '0');
        for (; next < d->n; next++)
            buf_add_char(out, d->p[next]);
    }
    if (is_scientific)
        add_exponent(out, d->scale - 1, e, 2, true);
}

// The digits a double needs: significant ones, or those up to so many decimals.
static void double_digits(struct arena *a, double v, int precision, bool is_significant, struct digits *d)
{
    v = fabs(v);
    d->is_double = true;
    d->scale = 0;
    d->n = 0;
    d->p = arena_bytes(a, 2);
    if (v == 0)
        return;
    size_t room = (size_t)precision + 400;
    char *text = arena_bytes(a, room);
    if (precision < 0) {
        str shortest = number_write_double(text, v);
        // Back to plain digits.
        d->p = arena_bytes(a, room);
        bool is_point_passed = false;
        for (size_t i = 0; i < shortest.n; i++) {
            char c = shortest.p[i];
            if (c == 'E') {
                d->scale += atoi(arena_cstr(a, str_skip(shortest, i + 1)));
                break;
            }
            if (c == '.') {
                is_point_passed = true;
            } else if (c != '0' || d->n) {
                d->p[d->n++] = c;
                d->scale += !is_point_passed;
            } else if (is_point_passed) {
                d->scale--;
            }
        }
    } else {
        int length = is_significant ? snprintf(text, room, "%.*e", precision - 1, v) : snprintf(text, room, "%.*f", precision, v);
        d->p = arena_bytes(a, (size_t)length + 2);
        bool is_point_passed = false;
        for (int i = 0; i < length; i++) {
            char c = text[i];
            if (c == 'e') {
                d->scale += atoi(text + i + 1);
                break;
            }
            if (c == '.') {
                is_point_passed = true;
            } else if (c != '0' || d->n) {
                d->p[d->n++] = c;
                d->scale += !is_point_passed;
            } else if (is_point_passed) {
                d->scale--;
            }
        }
    }
    while (d->n && d->p[d->n - 1] == '0')
        d->n--;
    if (!d->n)
        d->scale = 0;
}

static void copy_digits(struct arena *a, const struct number *v, struct digits *d)
{
    *d = (struct digits){ .p = arena_bytes(a, v->n + 2), .n = v->n, .scale = v->scale, .is_negative = v->is_negative };
    memcpy(d->p, v->digits, v->n);
}

static bool format_integer_only(struct buf *out, int32_t v, char upper, char format, int precision)
{
    char text[40];
    size_t n = 0;
    uint32_t bits = (uint32_t)v;
    if (upper == 'D') {
        buf_add_text(out, v < 0 ? "-" : "");
        for (int64_t left = v < 0 ? -(int64_t)v : v; left || !n; left /= 10)
            text[n++] = (char)('0' + left % 10);
    } else if (upper == 'X') {
        for (; bits || !n; bits >>= 4)
            text[n++] = (format == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[bits & 15];
    } else {
        for (; bits || !n; bits >>= 1)
            text[n++] = (char)('0' + (bits & 1));
    }
    for (size_t i = n; (int64_t)i < precision; i++)
        buf_add_char(out, '0');
    while (n)
        buf_add_char(out, text[--n]);
    return true;
}

static bool format_standard(struct arena *a, struct buf *out, const struct number *v, char format, int precision)
{
    char upper = format >= 'a' ? (char)(format - 32) : format;
    if (v->kind == NUMBER_INTEGER && (upper == 'D' || upper == 'X' || upper == 'B' || (upper == 'G' && precision < 1)))
        return format_integer_only(out, v->integer, upper == 'G' ? 'D' : upper, format, precision);
    if (!memchr("CEFGNPR", upper, 7))
        return false;
    if (v->kind == NUMBER_DOUBLE && (isnan(v->real) || isinf(v->real))) {
        char text[NUMBER_DOUBLE_BYTES];
        return buf_add(out, number_write_double(text, v->real));
    }

    struct digits d;
    if (upper == 'R') {
        upper = 'G';
        format = format == 'R' ? 'G' : 'g';
        precision = v->kind == NUMBER_DOUBLE ? -1 : precision;
    }
    int decimals = precision < 0 ? 2 : precision, significant = precision < 0 ? 7 : precision + 1;
    if (v->kind != NUMBER_DOUBLE) {
        copy_digits(a, v, &d);
    } else {
        bool is_significant = upper == 'E' || upper == 'G';
        int wanted = upper == 'E' ? significant : upper == 'G' ? (precision < 1 ? -1 : precision) : upper == 'P' ? decimals + 2 : decimals;
        double_digits(a, v->real, wanted, is_significant, &d);
        d.is_negative = v->is_negative;
    }
    bool is_double = v->kind == NUMBER_DOUBLE;

    switch (upper) {
    case 'C':
        round_digits(&d, (int64_t)d.scale + decimals, is_double);
        buf_add_text(out, d.is_negative ? "(\u00a4" : "\u00a4");
        add_fixed(out, &d, decimals, true);
        buf_add_text(out, d.is_negative ? ")" : "");
        break;
    case 'F':
    case 'N':
        round_digits(&d, (int64_t)d.scale + decimals, is_double);
        buf_add_text(out, d.is_negative ? "-" : "");
        add_fixed(out, &d, decimals, upper == 'N');
        break;
    case 'P':
        d.scale += 2;
        round_digits(&d, (int64_t)d.scale + decimals, is_double);
        buf_add_text(out, d.is_negative ? "-" : "");
        add_fixed(out, &d, decimals, true);
        buf_add_text(out, " %");
        break;
    case 'E':
        round_digits(&d, significant, is_double);
        buf_add_text(out, d.is_negative ? "-" : "");
        add_scientific(out, &d, significant, format);
        break;
    default: { // G
        bool is_exact = v->kind == NUMBER_DECIMAL && precision == -1;
        int64_t count = precision < 1 ? (is_double ? (int64_t)MAX(d.n, (size_t)17) : (int64_t)d.n) : precision;
        if (!is_exact)
            round_digits(&d, count, is_double);
        if (d.is_negative && (d.n || is_double))
            buf_add_char(out, '-');
        add_general(out, &d, count, format == 'g' ? 'e' : 'E', is_exact);
    }
    }
    return true;
}

// Custom formats: "0,0.00;(0);zero". Where the section for positive (0), negative (1) and zero (2) begins.
static size_t find_section(str f, int section)
{
    if (!section)
        return 0;
    for (size_t i = 0; i < f.n;) {
        char c = f.p[i++];
        if (c == '\'' || c == '"') {
            while (i < f.n && f.p[i++] != c)
                ;
        } else if (c == '\\') {
            i++;
        } else if (c == ';' && !--section) {
            return i < f.n && f.p[i] != ';' ? i : 0;
        }
    }
    return 0;
}

struct layout {
    int count, point, first, last;        // of digit places
    int thousand_at, thousand_count, scale_by;
    bool has_groups, is_scientific;
};

static bool has_exponent_at(str f, size_t i)
{
    return (i < f.n && f.p[i] == '0') || (i + 1 < f.n && (f.p[i] == '+' || f.p[i] == '-') && f.p[i + 1] == '0');
}

static struct layout read_layout(str f, size_t section)
{
    struct layout l = { .point = -1, .first = INT32_MAX, .thousand_at = -1 };
    for (size_t i = section; i < f.n && f.p[i] != ';';) {
        char c = f.p[i++];
        switch (c) {
        case '#':
            l.count++;
            break;
        case '0':
            l.first = MIN(l.first, l.count);
            l.last = ++l.count;
            break;
        case '.':
            if (l.point < 0)
                l.point = l.count;
            break;
        case ',':
            if (l.count > 0 && l.point < 0) {
                if (l.thousand_at >= 0) {
                    if (l.thousand_at == l.count) {
                        l.thousand_count++;
                        break;
                    }
                    l.has_groups = true;
                }
                l.thousand_at = l.count;
                l.thousand_count = 1;
            }
            break;
        case '%':
            l.scale_by += 2;
            break;
        case '\xe2': // U+2030, per mille
            if (i + 1 < f.n && f.p[i] == '\x80' && f.p[i + 1] == '\xb0')
                l.scale_by += 3;
            break;
        case '\'':
        case '"':
            while (i < f.n && f.p[i++] != c)
                ;
            break;
        case '\\':
            i += i < f.n;
            break;
        case 'E':
        case 'e':
            if (has_exponent_at(f, i)) {
                while (++i < f.n && f.p[i] == '0')
                    ;
                l.is_scientific = true;
            }
            break;
        default:
            break;
        }
    }
    if (l.point < 0)
        l.point = l.count;
    if (l.thousand_at >= 0) {
        if (l.thousand_at == l.point)
            l.scale_by -= l.thousand_count * 3;
        else
            l.has_groups = true;
    }
    return l;
}

static void format_custom(struct buf *final, struct digits *d, str f)
{
    CLEANUP(buf_fini) struct buf written = { .max = final->max };
    struct buf *out = &written;
    size_t section = find_section(f, !d->n ? 2 : d->is_negative ? 1 : 0);
    struct layout l;
    for (;;) {
        l = read_layout(f, section);
        if (!d->n) {
            if (!d->is_double)
                d->is_negative = false;
            d->scale = 0;
            break;
        }
        d->scale += l.scale_by;
        round_digits(d, l.is_scientific ? l.count : (int64_t)d->scale + l.count - l.point, false);
        if (d->n)
            break;
        size_t zero = find_section(f, 2);
        if (zero == section)
            break;
        section = zero;
    }

    int first = l.first < l.point ? l.point - l.first : 0, last = l.last > l.point ? l.point - l.last : 0;
    int at = l.is_scientific ? l.point : MAX(d->scale, l.point), adjust = l.is_scientific ? 0 : d->scale - l.point;
    // The places after which a comma goes: multiples of three below the number of digits shown.
    int shown = MAX(first, at + MIN(adjust, 0));
#define ADD_GROUP()                                                         \
    do {                                                                    \
        if (l.has_groups && at > 1 && (at - 1) % 3 == 0 && at - 1 < shown) \
            buf_add_char(out, ',');                                         \
    } while (0)

    if (d->is_negative && !section && d->scale)
        buf_add_char(out, '-');
    bool is_point_written = false, is_scientific = l.is_scientific;
    size_t next = 0;
    for (size_t i = section; i < f.n && f.p[i] != ';';) {
        char c = f.p[i++];
        if (adjust > 0 && (c == '#' || c == '0' || c == '.')) {
            for (; adjust > 0; adjust--) {
                buf_add_char(out, next < d->n ? d->p[next++] : '0');
                ADD_GROUP();
                at--;
            }
        }
        switch (c) {
        case '#':
        case '0':
            if (adjust < 0) {
                adjust++;
                c = at <= first ? '0' : '\0';
            } else {
                c = next < d->n ? d->p[next++] : at > last ? '0' : '\0';
            }
            if (c) {
                buf_add_char(out, c);
                ADD_GROUP();
            }
            at--;
            break;
        case '.':
            if (at == 0 && !is_point_written && (last < 0 || (l.point < l.count && next < d->n))) {
                buf_add_char(out, '.');
                is_point_written = true;
            }
            break;
        case ',':
            break;
        case '\'':
        case '"':
            while (i < f.n && f.p[i] != c)
                buf_add_char(out, f.p[i++]);
            i += i < f.n;
            break;
        case '\\':
            if (i < f.n)
                buf_add_char(out, f.p[i++]);
            break;
        case 'E':
        case 'e': {
            int zeros = 0;
            bool has_plus = false;
            if (is_scientific) {
                if (!has_exponent_at(f, i)) {
                    buf_add_char(out, c);
                    break;
                }
                zeros = f.p[i] == '0';
                has_plus = f.p[i] == '+';
                while (++i < f.n && f.p[i] == '0')
                    zeros++;
                add_exponent(out, d->n ? d->scale - l.point : 0, c, MIN(zeros, 10), has_plus);
                is_scientific = false;
                break;
            }
            buf_add_char(out, c);
            if (i < f.n && (f.p[i] == '+' || f.p[i] == '-'))
                buf_add_char(out, f.p[i++]);
            while (i < f.n && f.p[i] == '0')
                buf_add_char(out, f.p[i++]);
            break;
        }
        default:
            buf_add_char(out, c);
        }
    }
    if (d->is_negative && !section && !d->scale && written.n)
        buf_add_char(final, '-');
    buf_add(final, buf_str(&written));
    final->is_full |= written.is_full;
#undef ADD_GROUP
}

// One letter and up to nine digits; '\0' for a custom format. False for a precision out of bounds.
static bool read_format(str f, char *format, int *precision)
{
    *precision = -1;
    *format = f.n ? '\0' : 'G';
    if (!f.n || !((f.p[0] | 32) >= 'a' && (f.p[0] | 32) <= 'z'))
        return true;
    int64_t n = 0;
    size_t i = 1;
    for (; i < f.n && f.p[i] >= '0' && f.p[i] <= '9'; i++)
        if ((n = n * 10 + (f.p[i] - '0')) > 999999999)
            return false;
    if (i < f.n)
        return true;
    *format = f.p[0];
    *precision = i > 1 ? (int)n : -1;
    return n <= PRECISION_MAX;
}

bool number_format(struct buf *out, const struct number *v, str format)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    char letter;
    int precision;
    if (!read_format(format, &letter, &precision))
        return false;
    if (letter)
        return format_standard(&a, out, v, letter, precision);

    struct digits d;
    if (v->kind != NUMBER_DOUBLE) {
        copy_digits(&a, v, &d);
    } else {
        if (isnan(v->real) || isinf(v->real)) {
            char text[NUMBER_DOUBLE_BYTES];
            return buf_add(out, number_write_double(text, v->real));
        }
        double_digits(&a, v->real, 15, true, &d);
        d.is_negative = v->is_negative;
    }
    format_custom(out, &d, format);
    return true;
}
