#include "tests/harness/check.h"

#include "trigger/route.h"

TEST(paths_are_decoded_as_kestrel_does)
{
    static const struct { const char *claim, *raw, *want; } rows[] = {
        { "an escape is its character", "/%41%c3%a9", "/Aé" },
        { "a slash is never made", "/a%2Fb%2f", "/a%2Fb%2f" },
        { "what is decoded is not decoded again", "/%252F%2541", "/%2F%41" },
        { "broken escapes stay", "/%/%4/%zz", "/%/%4/%zz" },
        { "broken UTF-8 stays", "/%C3%28/%ff/%E2%82", "/%C3(/%ff/%E2%82" },
        { "overlong forms and surrogates stay", "/%C0%AF/%ED%A0%80", "/%C0%AF/%ED%A0%80" },
        { "dots go, encoded or not", "/a/./b/%2e%2e/c", "/a/c" },
        { "not above the root", "/../../a", "/a" },
        { "a last dot leaves its slash", "/a/b/..", "/a/" },
        { "nothing left is the root", "/a/..", "/" },
        { "empty segments count", "/a//../b", "/a/b" },
        { "three dots are a name", "/.../..a", "/.../..a" },
    };
    CLEANUP(arena_fini) struct arena a = { 0 };
    for (size_t i = 0; i < COUNT(rows); i++) {
        str got = { 0 };
        struct err e = { 0 };
        CHECK_OK(rows[i].claim, route_path(&a, str_from(rows[i].raw), &got, &e), &e);
        CHECK_STR(rows[i].claim, got, str_from(rows[i].want));
    }
}

TEST(paths_that_are_refused)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str got;
    struct err e = { 0 };
    CHECK("an encoded NUL", !route_path(&a, STR("/a%00"), &got, &e));
    CHECK("a NUL", !route_path(&a, STR("/a\0"), &got, &e));
    CHECK("a byte that should have been encoded", !route_path(&a, STR("/\xc3\xa9"), &got, &e));
    CHECK("no slash in front", !route_path(&a, STR("a"), &got, &e));
    CHECK("nothing", !route_path(&a, STR(""), &got, &e));
}

TEST(below_a_first_segment)
{
    str rest = { 0 };
    CHECK("it is below", route_path_under(STR("/Triggers/x/y"), STR("triggers"), &rest));
    CHECK_STR("the rest keeps its slash", rest, STR("/x/y"));
    CHECK("itself", route_path_under(STR("/triggers"), STR("triggers"), &rest));
    CHECK_STR("has an empty rest", rest, STR(""));
    CHECK("a longer name is another", !route_path_under(STR("/triggersx"), STR("triggers"), &rest));
    CHECK("a shorter one too", !route_path_under(STR("/trig"), STR("triggers"), &rest));
    CHECK("nothing is below nothing", !route_path_under(STR(""), STR("triggers"), &rest));
}

TEST_MAIN()
