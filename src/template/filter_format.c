// Numbers and dates: Format, NowDate, AddHours and their kind.
#include "template/date.h"
#include "template/filter.h"
#include "template/number.h"

// On the stack, for what is nearly always short enough: no memory is asked for. It can not grow past its array.
#define SMALL_BUF(array) { .p = (array), .cap = sizeof(array), .max = sizeof(array) - 1 }

static enum filter_outcome give_number(struct filter_call *c, const struct number *n, str format)
{
    char array[200];
    struct buf small = SMALL_BUF(array);
    bool is_format = number_format(&small, n, format);
    if (!small.is_full)
        return is_format ? filter_value(c, arena_str(c->a, buf_str(&small))) : FILTER_NOTHING;
    CLEANUP(buf_fini) struct buf out = { .max = c->max_bytes };
    return number_format(&out, n, format) ? filter_value_buf(c, &out) : FILTER_NOTHING;
}

static enum filter_outcome give_date(struct filter_call *c, const struct date *d, str format)
{
    char array[200];
    struct buf small = SMALL_BUF(array);
    bool is_format = date_format(&small, d, format);
    if (!small.is_full)
        return is_format ? filter_value(c, arena_str(c->a, buf_str(&small))) : FILTER_NOTHING;
    CLEANUP(buf_fini) struct buf out = { .max = c->max_bytes };
    return date_format(&out, d, format) ? filter_value_buf(c, &out) : FILTER_NOTHING;
}

static enum filter_outcome format_as(struct filter_call *c, str type, str format)
{
    str s = c->argument.s;
    struct number n;
    struct date d;
    if (str_eq_nocase(type, STR("int")) || str_eq_nocase(type, STR("int32"))) {
        int32_t v;
        if (!number_read_int(s, &v))
            return FILTER_NOTHING;
        n = number_from_int(v);
        return give_number(c, &n, format);
    }
    if (str_eq_nocase(type, STR("double"))) {
        double v;
        if (!number_read_double(s, &v))
            return FILTER_NOTHING;
        n = number_from_double(v);
        return give_number(c, &n, format);
    }
    if (str_eq_nocase(type, STR("decimal")))
        return number_read_decimal(s, &n) ? give_number(c, &n, format) : FILTER_NOTHING;
    if (str_eq_nocase(type, STR("date")) || str_eq_nocase(type, STR("datetime")))
        return date_read(s, c->now_ms, &d) && date_to_local(&d) ? give_date(c, &d, format) : FILTER_NOTHING;
    if (str_eq_nocase(type, STR("datetimeoffset")))
        return date_read(s, c->now_ms, &d) && date_to_offset(&d) ? give_date(c, &d, format) : FILTER_NOTHING;
    return FILTER_NOTHING;
}

enum filter_outcome filter_format(struct filter_call *c)
{
    if (c->option_count == 2)
        return format_as(c, filter_option(c, 0), filter_option(c, 1));
    if (c->option_count != 1)
        return FILTER_NOTHING;
    struct number n;
    if (number_read_decimal(c->argument.s, &n))
        return give_number(c, &n, filter_option(c, 0));
    return format_as(c, STR("datetimeoffset"), filter_option(c, 0));
}

static enum filter_outcome now(struct filter_call *c, enum date_zone zone)
{
    if (c->argument.is_defined || c->option_count > 1)
        return FILTER_NOTHING;
    struct date d = date_now(c->now_ms, zone);
    enum filter_outcome outcome = give_date(c, &d, c->option_count ? filter_option(c, 0) : STR("O"));
    // A format that .NET refuses is not caught by the original here.
    return outcome == FILTER_NOTHING ? filter_exception(c, "FormatException: the date format is not valid") : outcome;
}

enum filter_outcome filter_now_date(struct filter_call *c)
{
    return now(c, DATE_UNSPECIFIED);
}

enum filter_outcome filter_now_date_utc(struct filter_call *c)
{
    return now(c, DATE_UTC);
}

static enum filter_outcome add(struct filter_call *c, int64_t ticks_per_unit)
{
    double amount;
    struct date d;
    if (c->option_count != 1 || !number_read_amount(filter_option(c, 0), &amount) || !date_read(c->argument.s, c->now_ms, &d))
        return FILTER_NOTHING;
    if (d.zone == DATE_OFFSET && !date_to_offset(&d))
        return FILTER_NOTHING;
    return date_add(&d, amount, ticks_per_unit) ? give_date(c, &d, STR("O")) : FILTER_NOTHING;
}

enum filter_outcome filter_add_hours(struct filter_call *c)
{
    return add(c, 3600 * DATE_TICKS_PER_SECOND);
}

enum filter_outcome filter_add_days(struct filter_call *c)
{
    return add(c, DATE_TICKS_PER_DAY);
}
