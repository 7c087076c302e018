#include "tests/harness/check.h"

#include "base/limits.h"
#include "trigger/route_internal.h"

TEST(a_wrong_template_is_explained_with_its_place)
{
    static const struct { const char *template, *want; } rows[] = {
        { "a//b", "character 3: a segment cannot be empty (two slashes in a row)" },
        { "~a", "character 1: ~ must be followed by /" },
        { "a/{x", "character 3: this { is never closed" },
        { "a/{", "character 3: this { is never closed; write {{ for a brace that is meant as text" },
        { "ü/x}", "character 4: this } closes nothing; write }} for a brace that is meant as text" },
        { "a?b", "character 2: a literal cannot hold ?; a path ends before it" },
        { "{x}/{X}", "character 5: the parameter \"X\" appears twice" },
        { "{}", "character 1: this parameter has no name" },
        { "{a/b}", "character 1: a parameter's name cannot hold / { } ? or *: \"a/b\"" },
        { "{x}{y}", "character 1: two parameters need a literal between them: \"y\"" },
        { "{*x}/a", "character 6: a catch-all must be the last segment" },
        { "b/a{*x}", "character 3: a catch-all stands alone in its segment: \"x\"" },
        { "{*x?}", "character 1: a catch-all cannot be optional; it fits an empty rest anyway" },
        { "{x=5?}", "character 1: an optional parameter cannot have a default too" },
        { "{x?}.a", "character 1: an optional parameter stands last in its segment: \"x\"" },
        { "{x}-{y?}", "character 1: only a single period can stand before an optional parameter: \"y\"" },
        { "{x:int(5)}", "character 1: int takes no argument" },
        { "{x:min}", "character 1: min needs its argument in parentheses" },
        { "{x:min(a)}", "character 1: min: \"a\" is not a whole number" },
        { "{x:range(1)}", "character 1: range takes two numbers" },
        { "{x:range(5,1)}", "character 1: range: the first number must not be above the second" },
        { "{x:length(1,2,3)}", "character 1: length takes one number or two" },
        { "{x:minlength(-1)}", "character 1: minlength: a length cannot be negative" },
        { "{x:length(3000000000)}", "character 1: length: \"3000000000\" is not a whole number of 32 bits" },
        { "{x:regex(a()}", "character 1: regex(a(): missing closing parenthesis, at its character 3" },
        { "{x:regex((*LIMIT_MATCH=1)a)}", "character 1: regex: a pattern cannot start with (*" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct route *r;
        struct err e = { 0 };
        CHECK("it is refused", !route_parse(&a, str_from(rows[i].template), &r, &e));
        CHECK_TEXT(rows[i].template, e.text, rows[i].want);
    }
}

TEST(sizes_are_bounded)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct route *r;
    struct err e = { 0 };
    char text[LIMIT_ROUTE_TEMPLATE_BYTES + 2];
    memset(text, 'a', sizeof text);
    CHECK_OK("the longest template", route_parse(&a, (str){ text, LIMIT_ROUTE_TEMPLATE_BYTES }, &r, &e), &e);
    CHECK("one byte more", !route_parse(&a, (str){ text, LIMIT_ROUTE_TEMPLATE_BYTES + 1 }, &r, &e));
    for (size_t i = 1; i < sizeof text; i += 2)
        text[i] = '/';
    CHECK_OK("28 segments, as in ASP.NET Core", route_parse(&a, (str){ text, 55 }, &r, &e), &e);
    CHECK("29 are refused", !route_parse(&a, (str){ text, 57 }, &r, &e));
    CHECK_TEXT("with the reason", e.text, "character 57: more than 28 segments");
    CHECK("broken UTF-8 is refused", !route_parse(&a, STR("a\xff"), &r, &e));
    CHECK("so is a NUL", !route_parse(&a, STR("a\0b"), &r, &e));
    CHECK("as many constraints as anyone needs, not more", !route_parse(&a, STR("{x:int:int:int:int:int:int:int:int:int:int:int:int:int:int:int:int:int}"), &r, &e));
}

TEST(folding_is_ordinal)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CHECK_STR("ASCII", route_fold(&a, STR("aZ9-")), STR("AZ9-"));
    CHECK_STR("a character may change its length", route_fold(&a, STR("ⱥé")), STR("ȺÉ"));
    CHECK_STR("dotless i and long s stay out of ASCII", route_fold(&a, STR("ıſß")), STR("ıſß"));
    CHECK_INT("length counts as .NET counts", (int64_t)route_utf16_length(STR("a€\U0001F600")), 4);
}

TEST_MAIN()
