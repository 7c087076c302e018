#include "tests/harness/check.h"

#include "template/date.h"

static str format(const char *text, const char *f, bool is_offset, struct buf *out)
{
    struct date d;
    buf_clear(out);
    if (!date_read(str_from(text), 0, &d) || (is_offset && !date_to_offset(&d)) || !date_format(out, &d, str_from(f)))
        return STR("FormatException");
    return buf_str(out);
}

TEST(formats_of_an_instant_with_its_offset)
{
    static const struct { const char *format, *want; } rows[] = { { "d", "07/04/2023" }, { "D", "Tuesday, 04 July 2023" }, { "f", "Tuesday, 04 July 2023 10:20" }, { "G", "07/04/2023 10:20:30" },
        { "M", "July 04" }, { "o", "2023-07-04T10:20:30.1234567+05:30" }, { "R", "Tue, 04 Jul 2023 04:50:30 GMT" }, { "s", "2023-07-04T10:20:30" }, { "t", "10:20" }, { "u", "2023-07-04 04:50:30Z" },
        { "U", "FormatException" }, { "Y", "2023 July" }, { "q", "FormatException" }, { "", "07/04/2023 10:20:30 +05:30" }, { "yyyy-MM-dd", "2023-07-04" }, { "h:mm tt", "10:20 AM" },
        { "HH:mm:ss.fff zzz", "10:20:30.123 +05:30" }, { "ss.FFFFFFF", "30.1234567" }, { "%d", "4" }, { "'at' HH\\h", "at 10h" }, { "\"q\"d", "q4" }, { "ddd dddd", "Tue Tuesday" }, { "d.M.yy", "4.7.23" },
        { "y yyyyy", "23 02023" }, { "z zz K", "+5 +05 +05:30" }, { "gg", "A.D." }, { "ffffffff", "FormatException" }, { "'unclosed", "FormatException" }, { "d\\", "FormatException" }, { "%", "FormatException" },
        { "%%", "FormatException" }, { "“", "FormatException" } };
    CLEANUP(buf_fini) struct buf out = { 0 };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].format, format("2023-07-04T10:20:30.1234567+05:30", rows[i].format, true, &out), str_from(rows[i].want));
}

TEST(formats_without_an_offset)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    CHECK_STR("K is empty", format("2023-07-04", "HH K", false, &out), STR("00 "));
    CHECK_STR("K of UTC", format("2023-07-04Z", "HHK", false, &out), STR("00Z"));
    CHECK_STR("a trailing point goes with its zeros", format("2023-07-04T10:20:30", "ss.FFF", false, &out), STR("30"));
    CHECK_STR("noon", format("2023-07-04T12:00:00", "h tt", false, &out), STR("12 PM"));
    CHECK_STR("midnight", format("2023-07-04", "hh t", false, &out), STR("12 A"));
}

TEST_MAIN()
