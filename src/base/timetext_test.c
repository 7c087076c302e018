#include "tests/harness/check.h"

#include "base/timetext.h"

#include <time.h>

static struct arena a;

TEST(written)
{
    static const struct { int64_t at_ms; const char *want; } rows[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { 1795366986123, "2026-11-22T17:03:06.123Z" },
        { 951782400000, "2000-02-29T00:00:00.000Z" },
        { 951868799999, "2000-02-29T23:59:59.999Z" },
        { -2203891200001, "1900-02-28T23:59:59.999Z" },
        { -2203891200000, "1900-03-01T00:00:00.000Z" },
        { 253402300799999, "9999-12-31T23:59:59.999Z" },
        { -62135596800000, "0001-01-01T00:00:00.000Z" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t back;
        CHECK_STR(rows[i].want, timetext(&a, rows[i].at_ms), str_from(rows[i].want));
        CHECK(rows[i].want, timetext_parse(str_from(rows[i].want), &back) && back == rows[i].at_ms);
    }
    CHECK_INT("what is beyond has a text as long", timetext(&a, INT64_MAX).n, TIMETEXT_BYTES - 1);
    CHECK_INT("at either end", timetext(&a, INT64_MIN).n, TIMETEXT_BYTES - 1);
}

TEST(read)
{
    static const struct { const char *text, *want; } rows[] = {
        { "2026-11-22T17:03:06.123Z", "2026-11-22T17:03:06.123Z" },
        { "2026-11-22T17:03:06Z", "2026-11-22T17:03:06.000Z" },
        { "2026-11-22T17:03:06.Z", "2026-11-22T17:03:06.000Z" },
        { "2026-11-22T17:03:06.1Z", "2026-11-22T17:03:06.100Z" },
        { "2026-11-22T17:03:06.12Z", "2026-11-22T17:03:06.120Z" },
        { "2026-11-22T17:03:06.1239999Z", "2026-11-22T17:03:06.123Z" },
        { "2026-11-22T17:03:06.123456789Z", "2026-11-22T17:03:06.123Z" },
        { "2026-11-22 17:03:06", "2026-11-22T17:03:06.000Z" },
        { "2026-11-22T17:03", "2026-11-22T17:03:00.000Z" },
        { "2026-11-22T17:03z", "2026-11-22T17:03:00.000Z" },
        { "2026-11-22T17:03:06+02:00", "2026-11-22T15:03:06.000Z" },
        { "2026-11-22T17:03:06-0530", "2026-11-22T22:33:06.000Z" },
        { "2026-11-22T17:03:06.5+14:00", "2026-11-22T03:03:06.500Z" },
        { "2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00.000Z" },
        { "2024-02-29T00:00Z", "2024-02-29T00:00:00.000Z" },
        { "2000-02-29T00:00Z", "2000-02-29T00:00:00.000Z" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t at_ms = 0;
        CHECK(rows[i].text, timetext_parse(str_from(rows[i].text), &at_ms));
        CHECK_STR(rows[i].text, timetext(&a, at_ms), str_from(rows[i].want));
    }
}

TEST(refused)
{
    static const char *const rows[] = {
        "", "2026", "2026-11-22", "2026-11-22T", "2026-11-22T17", "2026-11-22T17:", "2026-11-22T17:3", "2026-11-22T17:03:", "2026-11-22T17:03:6Z", "2026-11-22T17:03:06,5Z", "2026-11-22T17:03:06.1234567890Z",
        "2026-13-01T00:00Z", "2026-00-01T00:00Z", "2026-01-00T00:00Z", "2026-01-32T00:00Z", "2026-04-31T00:00Z", "2026-02-29T00:00Z", "1900-02-29T00:00Z", "2100-02-29T00:00Z", "0000-01-01T00:00Z",
        "2026-01-01T24:00Z", "2026-01-01T23:60Z", "2026-01-01T23:59:60Z", "2026-01-01T00:00+15:00", "2026-01-01T00:00+14:01", "2026-01-01T00:00+01:60", "2026-01-01T00:00+1", "2026-01-01T00:00+", "2026-01-01T00:00ZZ",
        "2026-01-01T00:00Z ", " 2026-01-01T00:00Z", "2026/01/01T00:00Z", "20260101T000000Z", "26-01-01T00:00Z", "+2026-01-01T00:00Z", "2026-1-1T00:00Z", "2026-01-01t00:00Z", "2026-01-01T-1:00Z", "2026-01-01T00:00 Z", "2026-01-01T00:00Europe/Vienna", "now",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t at_ms = 5;
        CHECK(rows[i], !timetext_parse(str_from(rows[i]), &at_ms) && at_ms == 5);
    }
}

TEST(every_day_agrees_with_the_c_library)
{
    size_t wrong = 0;
    for (int64_t day = -719162; day <= 2932896; day += 7) { // 0001-01-01 to 9999-12-31
        time_t seconds = day * 86400 + 45296;
        struct tm tm;
        gmtime_r(&seconds, &tm);
        struct civil c = civil_from_ms(seconds * 1000 + 789);
        wrong += c.year != tm.tm_year + 1900 || c.month != tm.tm_mon + 1 || c.day != tm.tm_mday || c.hour != tm.tm_hour || c.minute != tm.tm_min || c.second != tm.tm_sec || c.ms != 789 ||
                 c.weekday != tm.tm_wday || c.yearday != tm.tm_yday;
        wrong += civil_to_ms(&c) != seconds * 1000 + 789;
    }
    CHECK_INT("years 1 to 9999", wrong, 0);
    struct civil before = civil_from_ms(-1);
    CHECK("a moment before 1970 is a Wednesday, its last millisecond", before.weekday == 3 && before.hour == 23 && before.ms == 999 && before.yearday == 364);
}

TEST_MAIN()
