#include "base/timetext.h"

#include <stdio.h>

#define DAY_MS 86400000LL

// Days since 1970-01-01 of a civil date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

struct civil civil_from_ms(int64_t at_ms)
{
    int64_t days = at_ms / DAY_MS, rest = at_ms % DAY_MS;
    if (rest < 0)
        rest += DAY_MS, days--;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    struct civil c = {
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .month = (int)(mp < 10 ? mp + 3 : mp - 9),
        .hour = (int)(rest / 3600000),
        .minute = (int)(rest / 60000 % 60),
        .second = (int)(rest / 1000 % 60),
        .ms = (int)(rest % 1000),
        .weekday = (int)(((days + 4) % 7 + 7) % 7),
    };
    c.year = yoe + era * 400 + (c.month <= 2);
    c.yearday = (int)(days - days_from_civil(c.year, 1, 1));
    return c;
}

int64_t civil_to_ms(const struct civil *c)
{
    return days_from_civil(c->year, c->month, c->day) * DAY_MS + c->hour * 3600000LL + c->minute * 60000LL + c->second * 1000LL + c->ms;
}

void timetext_write(char out[static TIMETEXT_BYTES], int64_t at_ms)
{
    struct civil c = civil_from_ms(at_ms);
    if (c.year < 0 || c.year > 9999)
        c.year = c.year < 0 ? 0 : 9999;
    const int numbers[] = { (int)c.year, c.month, c.day, c.hour, c.minute, c.second, c.ms };
    static const struct { int at, digits; } places[] = { { 0, 4 }, { 5, 2 }, { 8, 2 }, { 11, 2 }, { 14, 2 }, { 17, 2 }, { 20, 3 } };
    memcpy(out, "0000-00-00T00:00:00.000Z", TIMETEXT_BYTES);
    for (size_t i = 0; i < COUNT(places); i++) {
        int v = numbers[i];
        for (int d = places[i].digits - 1; d >= 0; d--, v /= 10)
            out[places[i].at + d] = (char)('0' + v % 10);
    }
}

str timetext(struct arena *a, int64_t at_ms)
{
    char text[TIMETEXT_BYTES];
    timetext_write(text, at_ms);
    return arena_str(a, str_from(text));
}

static bool digits(str *s, size_t count, int *out)
{
    int v = 0;
    if (s->n < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = str_skip(*s, count);
    *out = v;
    return true;
}

static bool literal(str *s, char c)
{
    if (!s->n || s->p[0] != c)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap);
}

static bool fraction(str *s, int *ms)
{
    size_t n = 0;
    *ms = 0;
    if (!literal(s, '.'))
        return true;
    for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        if (n < 3)
            *ms = *ms * 10 + (s->p[n] - '0');
    for (size_t i = n; i < 3; i++)
        *ms *= 10;
    *s = str_skip(*s, n);
    return n <= 9;
}

static bool offset(str *s, int64_t *offset_ms)
{
    int sign, hours, minutes;
    *offset_ms = 0;
    if (!s->n || literal(s, 'Z') || literal(s, 'z'))
        return true;
    if (literal(s, '+'))
        sign = 1;
    else if (literal(s, '-'))
        sign = -1;
    else
        return false;
    if (!digits(s, 2, &hours))
        return false;
    literal(s, ':');
    if (!digits(s, 2, &minutes) || hours * 60 + minutes > 14 * 60 || minutes > 59)
        return false;
    *offset_ms = sign * (hours * 3600000LL + minutes * 60000LL);
    return true;
}

bool timetext_parse(str text, int64_t *at_ms)
{
    struct civil c = { 0 };
    int year;
    int64_t offset_ms;
    if (!digits(&text, 4, &year) || !literal(&text, '-') || !digits(&text, 2, &c.month) || !literal(&text, '-') || !digits(&text, 2, &c.day))
        return false;
    c.year = year;
    if (year < 1 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > days_in_month(year, c.month))
        return false;
    if (!literal(&text, 'T') && !literal(&text, ' '))
        return false;
    if (!digits(&text, 2, &c.hour) || !literal(&text, ':') || !digits(&text, 2, &c.minute))
        return false;
    if (literal(&text, ':') && (!digits(&text, 2, &c.second) || !fraction(&text, &c.ms)))
        return false;
    if (c.hour > 23 || c.minute > 59 || c.second > 59 || !offset(&text, &offset_ms) || text.n)
        return false;
    *at_ms = civil_to_ms(&c) - offset_ms;
    return true;
}
