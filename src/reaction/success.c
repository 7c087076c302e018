#include "reaction/success.h"

#include "template/date.h"

#define EPOCH_TICKS INT64_C(621355968000000000) // of 1970-01-01
#define TICKS_PER_MS 10000

static bool read_status(str text, int *out)
{
    int64_t n;
    text = str_trim(text);
    if (text.n != 3 || !str_to_i64(text, &n) || n < 200 || n > 599)
        return false;
    *out = (int)n;
    return true;
}

bool success_parse(str text, struct success *out, struct err *e)
{
    struct success s = { 0 };
    str rest = text, part;
    while (str_split(&rest, ',', &part)) {
        if (s.count == SUCCESS_RANGES_MAX)
            return err_set(e, ERR_INVALID, "has more than %d parts", SUCCESS_RANGES_MAX);
        ptrdiff_t dash = str_find_char(part, '-');
        int first = 0, last = 0;
        bool ok = dash < 0 ? read_status(part, &first) : read_status(str_sub(part, 0, (size_t)dash), &first) && read_status(str_skip(part, (size_t)dash + 1), &last);
        if (dash < 0)
            last = first;
        if (!ok || first > last)
            return err_set(e, ERR_INVALID, "\"%.*s\" must be a status such as 304 or a range such as 200-299, between 200 and 599", STR_ARG(str_sub(str_trim(part), 0, 40)));
        s.ranges[s.count].first = first;
        s.ranges[s.count++].last = last;
    }
    *out = s;
    return true;
}

enum success_meaning success_of_status(const struct success *s, int status)
{
    for (size_t i = 0; i < s->count; i++)
        if (status >= s->ranges[i].first && status <= s->ranges[i].last)
            return SUCCESS_DONE;
    if (status == 410)
        return SUCCESS_GONE;
    return status == 408 || status == 425 || status == 429 || status >= 500 ? SUCCESS_RETRY : SUCCESS_GIVE_UP;
}

int64_t success_retry_after_ms(str value, int64_t now_ms)
{
    int64_t seconds;
    struct date date;
    value = str_trim(value);
    if (str_to_i64(value, &seconds))
        return seconds < 0 ? -1 : MIN(seconds, INT64_C(366) * 86400) * 1000;
    // The reader of dates is lenient; an HTTP date has a time and names GMT.
    if (!str_ends(value, STR("GMT")) || !str_has(value, ':') || !date_read(value, now_ms, &date))
        return -1;
    return MAX((date.ticks - EPOCH_TICKS) / TICKS_PER_MS - now_ms, (int64_t)0);
}
