#include "template/date.h"

#include "template/chars.h"

#include <math.h>

const char *const date_month_names[12] = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December" };
const char *const date_day_names[7] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

#define DAYS_TO_1970 719162

static int64_t days_before_year(int64_t year) // years from 1
{
    year--;
    return year * 365 + year / 4 - year / 100 + year / 400;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 || year % 400 == 0);
}

static int days_of_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month - 1] + (month == 2 && is_leap(year));
}

struct date_parts date_split(int64_t ticks)
{
    int64_t day = ticks / DATE_TICKS_PER_DAY, in_day = ticks % DATE_TICKS_PER_DAY;
    int year = (int)(day * 400 / 146097) + 1; // at most one too many
    year -= days_before_year(year) > day;
    year += days_before_year(year + 1) <= day;
    int rest = (int)(day - days_before_year(year)), month = 1;
    while (rest >= days_of_month(year, month))
        rest -= days_of_month(year, month++);
    int seconds = (int)(in_day / DATE_TICKS_PER_SECOND);
    return (struct date_parts){ .year = year,
        .month = month,
        .day = rest + 1,
        .hour = seconds / 3600,
        .minute = seconds / 60 % 60,
        .second = seconds % 60,
        .fraction = (int)(in_day % DATE_TICKS_PER_SECOND),
        .weekday = (int)((day + 1) % 7) };
}

bool date_join(const struct date_parts *p, int64_t *ticks)
{
    if (p->year < 1 || p->year > 9999 || p->month < 1 || p->month > 12 || p->day < 1 || p->day > days_of_month(p->year, p->month)
        || p->hour > 23 || p->minute > 59 || p->second > 59)
        return false;
    int64_t day = days_before_year(p->year) + p->day - 1;
    for (int m = 1; m < p->month; m++)
        day += days_of_month(p->year, m);
    *ticks = day * DATE_TICKS_PER_DAY + (int64_t)(p->hour * 3600 + p->minute * 60 + p->second) * DATE_TICKS_PER_SECOND + p->fraction;
    return *ticks < DATE_TICKS_MAX;
}

struct date date_now(int64_t wall_ms, enum date_zone zone)
{
    int64_t ticks = DAYS_TO_1970 * DATE_TICKS_PER_DAY + wall_ms * 10000;
    return (struct date){ .ticks = MIN(MAX(ticks, 0), DATE_TICKS_MAX - 1), .zone = zone };
}

// The reader: a text is numbers, words and signs between blanks; what they mean follows from how
// many numbers of a date were found, and from the one that must be the year.
struct date_number {
    int value, digits;
    bool is_after_month;
};

struct date_text {
    str s;
    struct date_number numbers[3];
    int count, month, weekday; // month 0, weekday -1: none was named
    bool has_time, has_offset, is_utc, has_meridiem, is_pm;
    bool is_broken;
    bool is_iso;         // the time stands behind a T: only a zone may follow
    bool is_behind_time; // the last piece was the time
    bool has_date_first; // some of the date stood before the time
    struct date_parts time;
    int offset_minutes;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks(struct date_text *t)
{
    t->s = chars_trim_start(t->s);
}

static bool take_char(struct date_text *t, char c)
{
    if (!t->s.n || *t->s.p != c)
        return false;
    t->s = str_skip(t->s, 1);
    return true;
}

static bool take_number(struct date_text *t, struct date_number *n)
{
    *n = (struct date_number){ 0 };
    for (; t->s.n && is_digit(*t->s.p); t->s = str_skip(t->s, 1)) {
        if (++n->digits > 8)
            return false;
        n->value = n->value * 10 + (*t->s.p - '0');
    }
    return n->digits > 0;
}

static bool take_word(struct date_text *t, const char *word)
{
    str w = str_from(word);
    if (!str_starts_nocase(t->s, w))
        return false;
    size_t length;
    str rest = str_skip(t->s, w.n);
    if (rest.n && chars_is_name(chars_decode(rest.p, rest.n, &length)) && !is_digit(*rest.p) && !strchr("-/:", *rest.p) && (*rest.p | 32) != 't')
        return false;
    t->s = rest;
    return true;
}

static bool take_name(struct date_text *t, const char *const *names, int count, int *index)
{
    char abbreviation[4] = { 0 };
    for (*index = 0; *index < count; (*index)++) {
        memcpy(abbreviation, names[*index], 3);
        if (take_word(t, names[*index]) || take_word(t, abbreviation))
            return true;
    }
    return false;
}

static bool take_meridiem(struct date_text *t)
{
    bool is_pm = take_word(t, "PM");
    if (!is_pm && !take_word(t, "AM"))
        return false;
    if (t->has_meridiem)
        t->is_broken = true;
    t->has_meridiem = true;
    t->is_pm = is_pm;
    return true;
}

static bool apply_meridiem(struct date_text *t)
{
    if (!t->has_meridiem)
        return true;
    if (!t->has_time || (!t->is_pm && t->time.hour > 12))
        return false;
    if (t->time.hour == 12 && !t->is_pm)
        t->time.hour = 0;
    else if (t->time.hour < 12 && t->is_pm)
        t->time.hour += 12;
    return true;
}

static bool take_fraction(struct date_text *t)
{
    int value = 0, digits = 0;
    bool rounds_up = false;
    for (; t->s.n && is_digit(*t->s.p); t->s = str_skip(t->s, 1), digits++) {
        if (digits < 7)
            value = value * 10 + (*t->s.p - '0');
        else if (digits == 7)
            rounds_up = *t->s.p >= '5';
    }
    for (int i = digits; i < 7; i++)
        value *= 10;
    t->time.fraction = value + rounds_up; // ten million carries over when it is added to the rest
    return digits > 0;
}

static int date_parts_found(const struct date_text *t)
{
    return t->count + (t->month > 0);
}

// Behind the hour.
static bool take_time(struct date_text *t, struct date_number hour)
{
    struct date_number n;
    // A date has all its parts before the time, or stands behind it.
    if (t->has_time || hour.digits > 2 || (date_parts_found(t) && date_parts_found(t) < 3))
        return false;
    t->has_time = t->is_behind_time = true;
    t->has_date_first = date_parts_found(t) > 0;
    t->time.hour = hour.value;
    str before = t->s;
    skip_blanks(t);
    if (!take_char(t, ':')) {
        t->s = before;
        skip_blanks(t);
        return !t->is_iso && take_meridiem(t);
    }
    skip_blanks(t);
    if (!take_number(t, &n) || n.digits > 2 || (t->is_iso && (n.digits != 2 || hour.digits != 2)))
        return false;
    t->time.minute = n.value;
    before = t->s;
    skip_blanks(t);
    if (!take_char(t, ':')) {
        t->s = before;
        return true;
    }
    skip_blanks(t);
    if (!take_number(t, &n) || n.digits > 2 || (t->is_iso && n.digits != 2))
        return false;
    t->time.second = n.value;
    if (t->s.n && (*t->s.p == '.' || (*t->s.p == ',' && t->s.n > 1 && is_digit(t->s.p[1])))) {
        t->s = str_skip(t->s, 1);
        if (!take_fraction(t) && t->is_iso)
            return false;
    }
    return true;
}

static bool take_offset(struct date_text *t, int sign)
{
    struct date_number hours, minutes = { 0 };
    if (t->has_offset || t->is_utc || !take_number(t, &hours) || hours.digits > 4)
        return false;
    if (hours.digits > 2) {
        minutes.value = hours.value % 100;
        hours.value /= 100;
    } else if (take_char(t, ':') && (!take_number(t, &minutes) || minutes.digits > 2)) {
        return false;
    }
    t->has_offset = true;
    t->offset_minutes = sign * (hours.value * 60 + minutes.value);
    return minutes.value < 60 && hours.value <= 14 && abs(t->offset_minutes) <= 14 * 60;
}

// A number is the hour where ':' or AM/PM follows.
static bool is_hour(const struct date_text *t)
{
    str rest = chars_trim_start(t->s);
    if (rest.n && *rest.p == ':')
        return true;
    struct date_text probe = { .s = rest };
    return take_word(&probe, "AM") || take_word(&probe, "PM");
}

static bool take_piece(struct date_text *t)
{
    struct date_number n;
    int index;
    char c = *t->s.p;
    bool is_behind_time = t->is_behind_time, has_date = date_parts_found(t) == 3;
    t->is_behind_time = false;
    if (is_digit(c)) {
        if (!take_number(t, &n) || t->is_iso)
            return false;
        if (is_hour(t))
            return take_time(t, n);
        if (t->count == 3 || (t->has_time && t->has_date_first))
            return false;
        n.is_after_month = t->month > 0;
        t->numbers[t->count++] = n;
        return true;
    }
    if (c == '+' || (c == '-' && (is_behind_time || has_date))) {
        t->s = str_skip(t->s, 1);
        return (t->has_time || date_parts_found(t) > 1) && take_offset(t, c == '+' ? 1 : -1);
    }
    if (c == '/' || c == '-' || c == '.') {
        // A date's separator stands between its parts.
        t->s = str_skip(t->s, 1);
        skip_blanks(t);
        return date_parts_found(t) && t->s.n && *t->s.p != '/' && *t->s.p != '-' && *t->s.p != '.';
    }
    if (c == ',') {
        t->s = str_skip(t->s, 1);
        return true;
    }
    if (take_word(t, "Z")) {
        bool is_new = !t->is_utc && !t->has_offset;
        t->is_utc = true;
        return is_new && (t->has_time || has_date);
    }
    if (t->is_iso)
        return false;
    if (take_word(t, "GMT")) {
        bool is_new = !t->is_utc && !t->has_offset;
        t->is_utc = true;
        return is_new && (t->has_time || has_date);
    }
    if (take_name(t, date_month_names, 12, &index)) {
        if (t->month)
            return false;
        t->month = index + 1;
        return true;
    }
    if (take_name(t, date_day_names, 7, &index)) {
        if (t->weekday >= 0)
            return false;
        t->weekday = index;
        return true;
    }
    if ((c | 32) == 't') {
        t->s = str_skip(t->s, 1);
        skip_blanks(t);
        t->is_iso = true;
        return t->count == 3 && !t->month && t->numbers[0].digits > 2 && take_number(t, &n) && is_hour(t) && take_time(t, n);
    }
    return take_meridiem(t) || take_word(t, "A.D.") || take_word(t, "AD");
}

static int full_year(struct date_number n)
{
    return n.digits > 2 ? n.value : n.value < 50 ? 2000 + n.value : 1900 + n.value;
}

static bool is_year(struct date_number n)
{
    return n.digits > 2;
}

// Which of the numbers is what.
static bool assign_date(const struct date_text *t, struct date_parts *p)
{
    const struct date_number *n = t->numbers;
    p->day = 1;
    if (t->month) {
        p->month = t->month;
        if (t->count == 1) {
            if (n[0].is_after_month && !is_year(n[0]))
                p->day = n[0].value;
            else
                p->year = full_year(n[0]);
            return true;
        }
        if (t->count != 2)
            return false;
        int year = is_year(n[0]) ? 0 : 1;
        p->year = full_year(n[year]);
        p->day = n[1 - year].value;
        // The day comes first, unless only the other reading is a date: 99-May-12.
        if (!is_year(n[year]) && (p->day < 1 || p->day > days_of_month(p->year, p->month))) {
            p->year = full_year(n[0]);
            p->day = n[1].value;
        }
        return !is_year(n[1 - year]);
    }
    switch (t->count) {
    case 0:
        return t->has_time;
    case 2:
        if (is_year(n[0]) && is_year(n[1]))
            return false;
        if (is_year(n[0]) || is_year(n[1])) {
            p->year = is_year(n[0]) ? n[0].value : n[1].value;
            p->month = is_year(n[0]) ? n[1].value : n[0].value;
        } else {
            p->month = n[0].value;
            p->day = n[1].value;
        }
        return true;
    case 3: {
        int year = is_year(n[0]) ? 0 : is_year(n[1]) ? 1 : 2;
        int month = year == 0 ? 1 : 0, day = year == 2 ? 1 : 2;
        p->year = full_year(n[year]);
        p->month = n[month].value;
        p->day = n[day].value;
        return !is_year(n[month]) && !is_year(n[day]);
    }
    default:
        return false;
    }
}

static int two_digits(const char *p)
{
    return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + (p[1] - '0') : -100;
}

// yyyy-MM-ddTHH:mm:ss[Z], what machines write.
static bool read_usual(str s, struct date *out)
{
    const char *p = s.p;
    if ((s.n != 19 && !(s.n == 20 && p[19] == 'Z')) || p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':')
        return false;
    struct date_parts d = { .year = two_digits(p) * 100 + two_digits(p + 2), .month = two_digits(p + 5), .day = two_digits(p + 8), .hour = two_digits(p + 11),
        .minute = two_digits(p + 14), .second = two_digits(p + 17) };
    if (d.hour < 0 || d.minute < 0 || d.second < 0)
        return false;
    *out = (struct date){ .zone = s.n == 20 ? DATE_UTC : DATE_UNSPECIFIED };
    return date_join(&d, &out->ticks);
}

bool date_read(str text, int64_t today_ms, struct date *out)
{
    if (read_usual(text, out))
        return true;
    while (text.n && text.p[text.n - 1] == '\0')
        text.n--;
    text = chars_trim(text);
    if (text.n > 2 && *text.p == '#' && text.p[text.n - 1] == '#')
        text = str_sub(text, 1, text.n - 2);
    if (!text.n || text.n > 200)
        return false;

    struct date_text t = { .s = text, .weekday = -1 };
    for (skip_blanks(&t); t.s.n; skip_blanks(&t))
        if (!take_piece(&t) || t.is_broken)
            return false;
    if (!apply_meridiem(&t))
        return false;

    struct date_parts today = date_split(date_now(today_ms, DATE_LOCAL).ticks), p = t.time;
    p.fraction = 0;
    p.year = today.year;
    if (!assign_date(&t, &p))
        return false;
    if (!t.count && !t.month) {
        p.month = today.month;
        p.day = today.day;
    }
    int64_t ticks;
    if (!date_join(&p, &ticks) || (ticks += t.time.fraction) >= DATE_TICKS_MAX)
        return false;
    if (t.weekday >= 0 && date_split(ticks).weekday != t.weekday)
        return false;
    *out = (struct date){ ticks, t.is_utc ? DATE_UTC : t.has_offset ? DATE_OFFSET : DATE_UNSPECIFIED, t.offset_minutes };
    return true;
}

static bool is_in_range(int64_t ticks)
{
    return ticks >= 0 && ticks < DATE_TICKS_MAX;
}

bool date_to_offset(struct date *d)
{
    if (d->zone != DATE_OFFSET)
        d->offset_minutes = 0;
    d->zone = DATE_OFFSET;
    return is_in_range(d->ticks - d->offset_minutes * 60 * DATE_TICKS_PER_SECOND);
}

bool date_to_local(struct date *d)
{
    if (d->zone == DATE_OFFSET)
        d->ticks -= d->offset_minutes * 60 * DATE_TICKS_PER_SECOND;
    if (d->zone != DATE_UNSPECIFIED)
        d->zone = DATE_LOCAL;
    d->offset_minutes = 0;
    return is_in_range(d->ticks);
}

bool date_add(struct date *d, double amount, int64_t ticks_per_unit)
{
    double ticks = amount * (double)ticks_per_unit;
    if (!(fabs(ticks) < 9.2e18))
        return false;
    // As TimeSpan.FromHours: the product, cut to whole ticks.
    int64_t by = (int64_t)ticks;
    if (by > DATE_TICKS_MAX || by < -DATE_TICKS_MAX)
        return false;
    d->ticks += by;
    return is_in_range(d->ticks) && (d->zone != DATE_OFFSET || is_in_range(d->ticks - d->offset_minutes * 60 * DATE_TICKS_PER_SECOND));
}
