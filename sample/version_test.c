#include "sample/version.h"

#include "tests/harness/check.h"

TEST(versions_are_ordered)
{
    static const struct { const char *claim, *a, *b; int want; } rows[] = {
        { "numbers count, not letters", "1.10.0", "1.9.0", 1 },
        { "a missing number is zero", "1.0", "1.0.0.0", 0 },
        { "a fourth number counts", "1.0.0.1", "1.0.0", 1 },
        { "a pre-release comes before its release", "1.4.2-hotfix.1", "1.4.2", -1 },
        { "but after the release before it", "1.4.2-hotfix.1", "1.4.1", 1 },
        { "numbers of a pre-release count as numbers", "1.0.0-beta.10", "1.0.0-beta.9", 1 },
        { "numbers come before words", "1.0.0-1", "1.0.0-alpha", -1 },
        { "a longer pre-release comes later", "1.0.0-rc", "1.0.0-rc.1", -1 },
        { "case does not count", "1.0.0-RC.1", "1.0.0-rc.1", 0 },
        { "metadata does not count", "1.0.0+a", "1.0.0+b", 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].claim, version_cmp(str_from(rows[i].a), str_from(rows[i].b)), rows[i].want);
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT("and the other way round", version_cmp(str_from(rows[i].b), str_from(rows[i].a)), -rows[i].want);
}

TEST(what_is_a_version)
{
    static const char *const good[] = { "1", "1.2", "1.2.3.4", "1.0.0-beta.1+sha.5", "0.0.1" };
    static const char *const bad[] = { "", "one", "1.2.3.4.5", "1..2", "v1.0", "1.0 beta", "1.0.0-b\"eta", "-1", "9999999999999999999" };

    for (size_t i = 0; i < COUNT(good); i++)
        CHECK(good[i], version_is_valid(str_from(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(bad[i], !version_is_valid(str_from(bad[i])));
}

TEST(ranges_are_nugets)
{
    static const struct { const char *version, *range; bool want; } rows[] = {
        { "1.0", "", true }, { "1.0", "1.0", true }, { "0.9", "1.0", false }, { "3.0", "1.0", true }, { "1.0", "[1.0]", true }, { "1.1", "[1.0]", false },
        { "1.0", "(1.0,2.0)", false }, { "1.5", "(1.0,2.0)", true }, { "2.0", "[1.0,2.0)", false }, { "2.0", "[1.0,2.0]", true }, { "9", "[1.0,)", true }, { "0.1", "(,1.0]", true }, { "1", "[1.0", false }, { "1", "[", false },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].range, version_in_range(str_from(rows[i].version), str_from(rows[i].range)), rows[i].want);
}

TEST(the_next_one_and_the_normal_form)
{
    CLEANUP(arena_fini) struct arena a = { 0 };

    CHECK_STR("the last number grows", version_next(&a, STR("1.4.9")), STR("1.4.10"));
    CHECK_STR("also behind words", version_next(&a, STR("1.4.2-hotfix.1")), STR("1.4.2-hotfix.2"));
    CHECK_STR("without one it gets one", version_next(&a, STR("1.0.0-beta")), STR("1.0.0-beta.1"));
    CHECK_STR("metadata goes", version_next(&a, STR("1.0.0+sha")), STR("1.0.1"));
    CHECK_STR("normal: three numbers", version_normal(&a, STR("1")), STR("1.0.0"));
    CHECK_STR("normal: no fourth zero, no leading zeros", version_normal(&a, STR("01.02.3.0")), STR("1.2.3"));
    CHECK_STR("normal: a fourth that is something", version_normal(&a, STR("1.2.3.4")), STR("1.2.3.4"));
    CHECK_STR("normal: lower case, no metadata", version_normal(&a, STR("1.0.0-RC.1+x")), STR("1.0.0-rc.1"));
}

TEST_MAIN()
