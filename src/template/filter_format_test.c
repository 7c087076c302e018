#include "template/check_rows.h"

TEST(format)
{
    static const struct row rows[] = {
        { "a decimal number", "#{n | Format N2} #{n | Format \\\"#,##0.0\\\"}", "{\"n\":\"1234.5678\"}", "1,234.57 1,234.6" },
        { "an integer by its type", "#{n | Format int D5} #{n | Format Int32 X}", "{\"n\":\"42\"}", "00042 2A" },
        { "a double", "#{n | Format double E2}", "{\"n\":\"1e3\"}", "1.00E+003" },
        { "which is no decimal", "#{n | Format F1}", "{\"n\":\"1e3\"}", "#{n | Format \"F1\"}" },
        { "a date", "#{d | Format yyyy-MM-dd} #{d | Format date \"HH:mm\"} #{d | Format datetimeoffset \"HH:mm zzz\"}", "{\"d\":\"2023-07-04T10:20:30+05:30\"}", "2023-07-04 04:50 10:20 +05:30" },
        { "neither", "#{x | Format N2}", "{\"x\":\"word\"}", "#{x | Format \"N2\"}" },
        { "a wrong format", "#{d | Format q}", "{\"d\":\"2023-07-04\"}", "#{d | Format \"q\"}" },
        { "an unknown type", "#{n | Format float N2}", "{\"n\":\"1\"}", "#{n | Format \"float\" \"N2\"}" },
        { "a decimal by its type", "#{n | Format decimal G}", "{\"n\":\"1.50\"}", "1.50" },
        { "no format", "#{n | Format}", "{\"n\":\"1\"}", "#{n | Format}" },
    };
    CHECK_ROWS(rows);
}

TEST(dates_that_move)
{
    static const struct row rows[] = {
        { "UTC stays UTC", "#{d | AddDays 1}", "{\"d\":\"2023-07-04T10:20:30Z\"}", "2023-07-05T10:20:30.0000000Z" },
        { "an offset is kept", "#{d | AddHours -3}", "{\"d\":\"2023-07-04T10:20:30+05:30\"}", "2023-07-04T07:20:30.0000000+05:30" },
        { "none is added", "#{d | AddDays \"1.5\"}", "{\"d\":\"2023-07-04\"}", "2023-07-05T12:00:00.0000000" },
        { "a leap day", "#{d | AddHours 12}", "{\"d\":\"2024-02-29T12:00:00Z\"}", "2024-03-01T00:00:00.0000000Z" },
        { "out of range", "#{d | AddDays 999999999}", "{\"d\":\"2023-07-04\"}", "#{d | AddDays \"999999999\"}" },
        { "no date", "#{d | AddDays 1}", "{\"d\":\"x\"}", "#{d | AddDays \"1\"}" },
        { "now takes no argument", "#{d | NowDate}", "{\"d\":\"x\"}", "#{d | NowDate}" },
        { "now, as said", "#{ | NowDate \"'fixed'\"}", "{}", "fixed" },
        { "now in a wrong format throws", "#{ | NowDate q}", "{}", NULL },
    };
    CHECK_ROWS(rows);
}

TEST_MAIN()
