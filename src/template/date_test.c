#include "tests/harness/check.h"

#include "template/date.h"

#define TODAY_MS INT64_C(1795366986123) // 2026-11-22T17:03:06.123Z

static str round_trip(const char *text, struct buf *out)
{
    struct date d;
    buf_clear(out);
    if (!date_read(str_from(text), TODAY_MS, &d) || !date_format(out, &d, STR("o")))
        return STR("no");
    return buf_str(out);
}

TEST(what_is_a_date)
{
    static const struct { const char *text, *want; } rows[] = { { "2023-07-04", "2023-07-04T00:00:00.0000000" }, { "2023-07-04T10:20:30Z", "2023-07-04T10:20:30.0000000Z" },
        { "2023-07-04T10:20:30.12345678+05:30", "2023-07-04T10:20:30.1234568+05:30" }, { "07/04/2023", "2023-07-04T00:00:00.0000000" }, { "7/4/49", "2049-07-04T00:00:00.0000000" },
        { "7/4/50", "1950-07-04T00:00:00.0000000" }, { "4 July 2023 10:20 PM", "2023-07-04T22:20:00.0000000" }, { "Tue, 04 Jul 2023 10:20:30 GMT", "2023-07-04T10:20:30.0000000Z" },
        { "Mon, 04 Jul 2023 10:20:30 GMT", "no" }, { "July 4", "2026-07-04T00:00:00.0000000" }, { "2023-07", "2023-07-01T00:00:00.0000000" }, { "10:20", "2026-11-22T10:20:00.0000000" },
        { "10:20 PM 7/4/2023", "2023-07-04T22:20:00.0000000" }, { "99-May-12", "1999-05-12T00:00:00.0000000" }, { "2023-07-04 12:20 AM", "2023-07-04T00:20:00.0000000" },
        { "2024-02-29", "2024-02-29T00:00:00.0000000" }, { "2023-02-29", "no" }, { "13/04/2023", "no" }, { "2023-07-04T24:00:00", "no" }, { "2023-07-04T1:02", "no" }, { "20230704", "no" }, { "", "no" },
        { "not a date", "no" }, { "2023-07-04T10:20:30+15:00", "no" }, { "42", "no" }, { "2023-07-04T", "no" }, { "Tue Jul 4 10:20:30 2023", "no" }, { "9999-12-31T23:59:59.9999999", "9999-12-31T23:59:59.9999999" },
        { "2023-07-04 -01:00", "2023-07-04T00:00:00.0000000-01:00" } };
    CLEANUP(buf_fini) struct buf out = { 0 };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].text, round_trip(rows[i].text, &out), str_from(rows[i].want));
}

TEST(every_day_splits_and_joins)
{
    int64_t wrong = 0;
    for (int64_t day = 0; day < 3652059; day += 13) {
        struct date_parts p = date_split(day * DATE_TICKS_PER_DAY + 12345);
        int64_t ticks;
        wrong += !date_join(&p, &ticks) || ticks != day * DATE_TICKS_PER_DAY + 12345;
    }
    CHECK_INT("of ten thousand years, each thirteenth", wrong, 0);
    CHECK_INT("the last is a Friday", date_split(DATE_TICKS_MAX - 1).weekday, 5);
}

TEST(adding)
{
    struct date d = { .ticks = 0, .zone = DATE_UTC };
    CHECK("before the first day", !date_add(&d, -1, DATE_TICKS_PER_DAY));
    d.ticks = 0;
    CHECK("half a day", date_add(&d, 0.5, DATE_TICKS_PER_DAY) && d.ticks == DATE_TICKS_PER_DAY / 2);
    CHECK("too far", !date_add(&d, 1e300, DATE_TICKS_PER_DAY));
    CHECK("no number", !date_add(&d, 0.0 / 0.0, DATE_TICKS_PER_DAY));
}

TEST(zones)
{
    struct date d;
    CHECK("read", date_read(STR("2023-07-04T01:00:00+05:30"), 0, &d) && date_to_local(&d));
    CHECK_INT("local is UTC", date_split(d.ticks).day, 3);
    CHECK("read", date_read(STR("2023-07-04T01:00:00"), 0, &d) && date_to_offset(&d));
    CHECK_INT("without an offset it is +00:00", d.offset_minutes, 0);
    CHECK("an instant before the first", date_read(STR("0001-01-01T00:00:00+01:00"), 0, &d) && !date_to_offset(&d));
    CHECK_INT("now", date_split(date_now(TODAY_MS, DATE_UTC).ticks).hour, 17);
}

TEST_MAIN()
