#include "base/timetext.h"
#include "trigger/route_internal.h"

// DateTime.TryParse of the invariant culture, for what people put in paths: year first or month first with - / . or
// blanks between, month names, a day's name in front, a time with AM or PM, a zone; any of date and time alone.

struct scan {
    str s;
    int numbers[3], digits[3]; // of the date
    int number_count, month_name;   // 1 January
    int day_name;                   // 1 Sunday
    int numbers_before_time;
    bool has_time, has_zone;
};

static void blanks(struct scan *c)
{
    while (c->s.n && (c->s.p[0] == ' ' || (c->s.p[0] >= '\t' && c->s.p[0] <= '\r')))
        c->s = str_skip(c->s, 1);
}

static int number(struct scan *c, int *digits)
{
    int value = 0, n = 0;
    while (c->s.n && c->s.p[0] >= '0' && c->s.p[0] <= '9' && n < 9) {
        value = value * 10 + (c->s.p[0] - '0');
        c->s = str_skip(c->s, 1);
        n++;
    }
    *digits = n;
    return value;
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

// Takes a whole word that is one of the names, in full or (of long ones) its first three letters; 1 the first, 0 none.
static int word_of(struct scan *c, const char *const *names, int count)
{
    size_t n = 0;
    while (n < c->s.n && is_letter(c->s.p[n]))
        n++;
    str word = str_sub(c->s, 0, n);
    for (int i = 0; i < count; i++)
        if (str_eq_nocase(word, str_from(names[i])) || str_eq_nocase(word, str_sub(str_from(names[i]), 0, 3))) {
            c->s = str_skip(c->s, n);
            return i + 1;
        }
    return 0;
}

// 0 none, 1 AM, 2 PM.
static int half_of_day(struct scan *c)
{
    static const char *const names[] = { "AM", "PM" };
    struct scan before = *c;
    blanks(c);
    int which = word_of(c, names, 2);
    if (!which)
        *c = before;
    return which;
}

static bool starts_time(str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    if (n == 0 || n > 2)
        return false;
    if (n < s.n && s.p[n] == ':')
        return true;
    struct scan c = { .s = str_skip(s, n) };
    return half_of_day(&c) != 0;
}

static bool time_of_day(struct scan *c)
{
    int digits, parts = 1, hour = number(c, &digits);
    for (int most = 59; parts < 3 && str_starts(c->s, STR(":")); parts++) {
        c->s = str_skip(c->s, 1);
        int value = number(c, &digits);
        if (digits < 1 || digits > 2 || value > most)
            return false;
    }
    if (parts == 3 && str_starts(c->s, STR("."))) {
        c->s = str_skip(c->s, 1);
        size_t from = c->s.n;
        while (c->s.n && c->s.p[0] >= '0' && c->s.p[0] <= '9')
            c->s = str_skip(c->s, 1);
        if (from == c->s.n)
            return false;
    }
    c->has_time = true;
    c->numbers_before_time = c->number_count;
    return hour <= (half_of_day(c) == 1 ? 12 : 23);
}

// Z, GMT, +hh, +hh:mm, +hhmm: at most 14 hours.
static bool zone(struct scan *c)
{
    blanks(c);
    if (!c->s.n)
        return true;
    if (c->has_zone)
        return false;
    c->has_zone = true;
    static const char *const names[] = { "Z", "GMT" };
    if (word_of(c, names, 2))
        return true;
    if (c->s.p[0] != '+' && c->s.p[0] != '-')
        return false;
    c->s = str_skip(c->s, 1);
    int digits, hours = number(c, &digits), minutes = 0;
    if (digits == 4) {
        minutes = hours % 100;
        hours /= 100;
    } else if (digits < 1 || digits > 2) {
        return false;
    } else if (str_starts(c->s, STR(":"))) {
        c->s = str_skip(c->s, 1);
        minutes = number(c, &digits);
        if (digits < 1 || digits > 2)
            return false;
    }
    return minutes <= 59 && hours * 60 + minutes <= 14 * 60;
}

static bool date_fits(const struct scan *c, int year, int month, int day)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > days[month - 1] + (month == 2 && is_leap))
        return false;
    struct civil date = civil_from_ms(civil_to_ms(&(struct civil){ .year = year, .month = month, .day = day }));
    return !c->day_name || c->day_name == date.weekday + 1;
}

static int full_year(int value, int digits)
{
    return digits > 2 ? value : value < 50 ? 2000 + value : 1900 + value;
}

static bool date_is_one(const struct scan *c)
{
    const int *v = c->numbers, *d = c->digits, no_year = 2001; // .NET takes the present year, which need not be a leap year
    int count = c->number_count, long_ones = 0;
    for (int i = 0; i < count; i++) {
        if (d[i] > 4)
            return false;
        long_ones += d[i] > 2;
    }
    bool starts_with_year = d[0] > 2;
    if (long_ones > 1)
        return false;
    if (c->month_name && count == 1)
        return starts_with_year ? date_fits(c, v[0], c->month_name, 1) : date_fits(c, no_year, c->month_name, v[0]);
    if (c->month_name && count == 2)
        return starts_with_year ? date_fits(c, v[0], c->month_name, v[1]) : date_fits(c, full_year(v[1], d[1]), c->month_name, v[0]);
    if (c->month_name)
        return false;
    if (count == 2)
        return starts_with_year ? date_fits(c, v[0], v[1], 1) : d[1] > 2 ? date_fits(c, v[1], v[0], 1) : date_fits(c, no_year, v[0], v[1]);
    if (count == 3 && d[1] <= 2)
        return starts_with_year ? date_fits(c, v[0], v[1], v[2]) : date_fits(c, full_year(v[2], d[2]), v[0], v[1]);
    return count == 0 && c->has_time;
}

bool constraint_is_datetime(str text)
{
    static const char *const months[] = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December" };
    static const char *const week[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
    struct scan c = { .s = text };
    for (blanks(&c); c.s.n; blanks(&c)) {
        char first = c.s.p[0];
        if (!c.has_time && starts_time(c.s)) {
            if (!time_of_day(&c))
                return false;
        } else if (first >= '0' && first <= '9') {
            if (c.number_count == 3)
                return false;
            c.numbers[c.number_count] = number(&c, &c.digits[c.number_count]);
            c.number_count++;
        } else if (is_letter(first)) {
            int month = c.month_name ? 0 : word_of(&c, months, 12);
            bool has_date = c.number_count + c.month_name > 0;
            if (month)
                c.month_name = month;
            else if (!c.day_name && (c.day_name = word_of(&c, week, 7)))
                continue;
            else if ((first | 0x20) == 't' && has_date && c.s.n > 3 && c.s.p[3] == ':' && starts_time(str_skip(c.s, 1)))
                c.s = str_skip(c.s, 1);
            else if ((!has_date && !c.has_time) || !zone(&c))
                return false;
        } else if (c.has_time && c.number_count == c.numbers_before_time && (first == '+' || first == '-')) {
            if (!zone(&c))
                return false;
        } else if (strchr("-/.,", first) && c.s.n > 1 && c.number_count + c.month_name + c.day_name > 0) {
            c.s = str_skip(c.s, 1);
            if (strchr("-/.,", c.s.p[0]))
                return false;
        } else {
            return false;
        }
    }
    return date_is_one(&c);
}
