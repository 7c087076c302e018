#include "template/check_rows.h"

TEST(match_and_replace)
{
    static const struct row rows[] = {
        { "Match", "#{v | Match \"^H.*d$\"} #{v | Match \"(?i)^hello\"} #{v | Match x}", "{\"v\":\"Hello World\"}", "true true false" },
        { "one pattern", "#{v | Match a b}", "{\"v\":\"x\"}", "#{v | Match \"a\" \"b\"}" },
        { "Replace", "#{v | Replace \"[aeiou]\" \"*\"} #{v | Replace o} #{v | Replace a b c d}", "{\"v\":\"Hello\"}", "H*ll* Hell Hello" },
        { "a pattern from a value", "#{v | Replace #{re} y}", "{\"v\":\"Hello\",\"re\":\"[eo]\"}", "Hylly" },
        { "no pattern", "#{v | Replace}", "{\"v\":\"x\"}", "#{v | Replace}" },
        { "a broken one throws", "#{v | Replace \"(\" x}", "{\"v\":\"x\"}", NULL },
        { "and so does a Match", "#{v | Match \"(\"}", "{\"v\":\"x\"}", NULL },
        { "but not for nothing", "#{Nope | Match \"(\"}", "{}", "#{Nope | Match \"(\"}" },
    };
    CHECK_ROWS(rows);
}

TEST_MAIN()
