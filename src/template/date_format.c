#include "template/date.h"

#include "template/chars.h"

#include <stdio.h>

// The standard formats of the invariant culture.
static const char *standard_format(char c)
{
    switch (c) {
    case 'd': return "MM/dd/yyyy";
    case 'D': return "dddd, dd MMMM yyyy";
    case 'f': return "dddd, dd MMMM yyyy HH:mm";
    case 'F': return "dddd, dd MMMM yyyy HH:mm:ss";
    case 'g': return "MM/dd/yyyy HH:mm";
    case 'G': return "MM/dd/yyyy HH:mm:ss";
    case 'm':
    case 'M': return "MMMM dd";
    case 'o':
    case 'O': return "yyyy-MM-ddTHH:mm:ss.fffffffK";
    case 'r':
    case 'R': return "ddd, dd MMM yyyy HH:mm:ss 'GMT'";
    case 's': return "yyyy-MM-ddTHH:mm:ss";
    case 't': return "HH:mm";
    case 'T': return "HH:mm:ss";
    case 'u': return "yyyy-MM-dd HH:mm:ss'Z'";
    case 'U': return "dddd, dd MMMM yyyy HH:mm:ss";
    case 'y':
    case 'Y': return "yyyy MMMM";
    default: return NULL;
    }
}

static void add_number(struct buf *out, int value, int digits)
{
    char text[12];
    int n = 0;
    for (unsigned left = (unsigned)value; left || !n; left /= 10)
        text[n++] = (char)('0' + left % 10);
    for (int i = n; i < digits; i++)
        buf_add_char(out, '0');
    while (n)
        buf_add_char(out, text[--n]);
}

static void add_offset(struct buf *out, int minutes, int letters)
{
    buf_add_char(out, minutes < 0 ? '-' : '+');
    minutes = abs(minutes);
    add_number(out, minutes / 60, letters == 1 ? 1 : 2);
    if (letters >= 3) {
        buf_add_char(out, ':');
        add_number(out, minutes % 60, 2);
    }
}

static void add_zone(struct buf *out, const struct date *d)
{
    if (d->zone == DATE_UTC)
        buf_add_char(out, 'Z');
    else if (d->zone != DATE_UNSPECIFIED)
        add_offset(out, d->zone == DATE_OFFSET ? d->offset_minutes : 0, 3);
}

static bool add_fraction(struct buf *out, int fraction, int digits, bool is_optional)
{
    if (digits > 7)
        return false;
    for (int i = digits; i < 7; i++)
        fraction /= 10;
    if (!is_optional) {
        add_number(out, fraction, digits);
        return true;
    }
    for (; digits && fraction % 10 == 0; digits--)
        fraction /= 10;
    if (digits)
        add_number(out, fraction, digits);
    else if (out->n && out->p[out->n - 1] == '.')
        out->n--;
    return true;
}

static void add_year(struct buf *out, int year, int letters)
{
    if (letters <= 2)
        add_number(out, year % 100, letters);
    else
        add_number(out, year, letters);
}

static void add_named(struct buf *out, const char *name, bool is_full)
{
    buf_add(out, is_full ? str_from(name) : (str){ name, 3 });
}

static bool add_field(struct buf *out, const struct date *d, const struct date_parts *p, char c, int letters)
{
    switch (c) {
    case 'h':
        add_number(out, p->hour % 12 ? p->hour % 12 : 12, MIN(letters, 2));
        break;
    case 'H':
        add_number(out, p->hour, MIN(letters, 2));
        break;
    case 'm':
        add_number(out, p->minute, MIN(letters, 2));
        break;
    case 's':
        add_number(out, p->second, MIN(letters, 2));
        break;
    case 'f':
    case 'F':
        return add_fraction(out, p->fraction, letters, c == 'F');
    case 't':
        buf_add(out, str_sub(p->hour < 12 ? STR("AM") : STR("PM"), 0, letters == 1 ? 1 : 2));
        break;
    case 'd':
        if (letters > 2)
            add_named(out, date_day_names[p->weekday], letters > 3);
        else
            add_number(out, p->day, letters);
        break;
    case 'M':
        if (letters > 2)
            add_named(out, date_month_names[p->month - 1], letters > 3);
        else
            add_number(out, p->month, letters);
        break;
    case 'y':
        add_year(out, p->year, letters);
        break;
    case 'z':
        add_offset(out, d->zone == DATE_OFFSET ? d->offset_minutes : 0, letters);
        break;
    default: // g
        buf_add_text(out, "A.D.");
    }
    return true;
}

static bool format_custom(struct buf *out, const struct date *d, const struct date_parts *p, str f)
{
    for (size_t i = 0; i < f.n;) {
        char c = f.p[i];
        size_t run = 1;
        switch (c) {
        case 'h': case 'H': case 'm': case 's': case 'f': case 'F': case 't': case 'd': case 'M': case 'y': case 'z': case 'g':
            while (i + run < f.n && f.p[i + run] == c)
                run++;
            if (run > 1000 || !add_field(out, d, p, c, (int)run))
                return false;
            break;
        case 'K':
            add_zone(out, d);
            break;
        case '\'':
        case '"':
            for (i++; i < f.n && f.p[i] != c; i++) {
                i += f.p[i] == '\\';
                if (i >= f.n)
                    return false;
                buf_add_char(out, f.p[i]);
            }
            if (i >= f.n)
                return false;
            break;
        case '%':
            if (i + 1 >= f.n || f.p[i + 1] == '%')
                return false;
            if (!format_custom(out, d, p, str_sub(f, i + 1, 1)))
                return false;
            run = 2;
            break;
        case '\\':
            if (++i >= f.n)
                return false;
            buf_add_char(out, f.p[i]);
            break;
        default:
            buf_add_char(out, c);
        }
        i += run;
    }
    return true;
}

bool date_format(struct buf *out, const struct date *d, str format)
{
    int64_t ticks = d->ticks;
    if (!format.n)
        format = d->zone == DATE_OFFSET ? STR("MM/dd/yyyy HH:mm:ss zzz") : STR("MM/dd/yyyy HH:mm:ss");
    if ((unsigned char)*format.p >= 0xC0 && format.n < 4 && format.n > 1) {
        size_t length;
        chars_decode(format.p, format.n, &length);
        if (length == format.n)
            return false; // one character, and no standard format
    }
    if (format.n == 1) {
        char c = *format.p;
        const char *standard = standard_format(c);
        if (!standard || (c == 'U' && d->zone == DATE_OFFSET))
            return false;
        format = str_from(standard);
        if (d->zone == DATE_OFFSET && strchr("rRu", c))
            ticks -= d->offset_minutes * 60 * DATE_TICKS_PER_SECOND;
    }
    struct date_parts p = date_split(ticks);
    return format_custom(out, d, &p, format);
}
