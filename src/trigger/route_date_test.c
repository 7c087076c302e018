#include "tests/harness/check.h"

#include "trigger/route_internal.h"

// The rows of tests/routes hold what DateTime.TryParse says; these are its main lines.
TEST(dates)
{
    static const struct { const char *text; bool want; } rows[] = {
        { "2026-11-22", true },       { "11/22/2026", true },          { "22/11/2026", false },           { "2026-02-29", false },
        { "2024-02-29", true },       { "2026-11-22T17:03:06.123Z", true }, { "2026-11-22 5:03 PM", true }, { "22 Nov 2026", true },
        { "Sunday, 22 Nov 2026", true }, { "Monday, 22 Nov 2026", false }, { "17:03", true },               { "24:00", false },
        { "2026", false },            { "", false },                   { " ", false },                    { "20261122", false },
        { "99999999999999999999", false }, { "2026-11-22T17:03:06+15:00", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].text, constraint_is_datetime(str_from(rows[i].text)), rows[i].want);
}

TEST_MAIN()
