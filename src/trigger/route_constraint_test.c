#include "tests/harness/check.h"

#include "trigger/route_internal.h"

static bool fits(const char *constraint, str value)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct constraint c;
    struct err e = { 0 };
    if (!CHECK_OK(constraint, constraint_parse(&a, str_from(constraint), &c, &e), &e))
        return false;
    return constraint_fits(&c, value, &a);
}

// What real routing answers for some thousand texts is in tests/routes/rows.jsonl; here is what cannot be sent in a path,
// and the limits.
TEST(values)
{
    CHECK("a missing value fits no constraint", !fits("minlength(0)", (str){ 0 }));
    CHECK("but nonfile", fits("nonfile", (str){ 0 }));
    CHECK("an empty one is not required", !fits("required", STR("")));
    CHECK("int has 32 bits", fits("int", STR("2147483647")) && !fits("int", STR("2147483648")));
    CHECK("long has 64", fits("long", STR("-9223372036854775808")) && !fits("long", STR("-9223372036854775809")));
    CHECK("min is a long", fits("MIN(9223372036854775807)", STR("9223372036854775807")));
    CHECK("a decimal has 96 bits", fits("decimal", STR("79228162514264337593543950335")) && !fits("decimal", STR("79228162514264337593543950336")));
    CHECK("a double may overflow", fits("double", STR("1e999")) && fits("float", STR("1e999")));
    CHECK("broken bytes are no letters", !fits("alpha", STR("\xff")));
    CHECK("a NUL is no blank", !fits("int", STR("5\0")));
}

TEST(a_pattern_that_runs_away_is_stopped)
{
    CHECK("a pattern finds itself anywhere, without case", fits("regex(b+)", STR("aBBa")));
    CHECK("exponential backtracking ends as no match", !fits("regex(^(a+)+$)", STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")));
    CHECK("so does endless recursion", !fits("regex(^(?:(?=a)(?R)|b)$)", STR("aaaaaaaaaaaaaaaaaaaa")));
    CHECK("broken UTF-8 fits no pattern", !fits("regex(.)", STR("\xff")));
}

TEST_MAIN()
