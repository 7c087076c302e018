#include "tests/harness/check.h"

#include "octopus/link.h"

TEST(a_servers_patience_is_understood)
{
    static const struct { const char *claim; int status; const char *name, *value; int64_t want_ms; } rows[] = {
        { "429 with Retry-After", 429, "retry-after", "7", 7000 },
        { "429 without", 429, "X", "", 1000 },
        { "at most five minutes", 429, "Retry-After", "86400", 300000 },
        { "a date is not read: a second", 429, "Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT", 1000 },
        { "503 may say it too", 503, "Retry-After", "2", 2000 },
        { "an empty bucket", 200, "Octopus-RateLimit", "r=0;t=18", 18000 },
        { "a full one", 200, "Octopus-RateLimit", "r=70; t=18", 0 },
        { "nonsense", 200, "Octopus-RateLimit", "r=x;;t", 0 },
        { "nothing said", 200, "X", "", 0 },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].claim, octopus_wait_ms(rows[i].status, &(struct http_header){ str_from(rows[i].name), str_from(rows[i].value) }, 1), rows[i].want_ms);
}

TEST(a_space_is_found)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *body, *odd;
    struct err e = { 0 };
    str id, name;
    CHECK_OK("a list", json_parse(&a, STR("{\"Items\":[{\"Id\":\"Spaces-2\",\"Name\":\"Platform Team\",\"Slug\":\"platform\"},{\"Id\":\"Spaces-1\",\"Name\":\"Default\",\"Slug\":\"default\",\"IsDefault\":true},{\"Id\":\"Spaces-3/../..\",\"Name\":\"Odd\"}]}"), &body, &e), &e);
    static const struct { const char *claim, *wanted, *id; } rows[] = {
        { "the default one", "", "Spaces-1" }, { "by id", "spaces-2", "Spaces-2" }, { "by name", "platform team", "Spaces-2" }, { "by slug", "Platform", "Spaces-2" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_OK(rows[i].claim, octopus_find_space(body, str_from(rows[i].wanted), &id, &name, &e), &e);
        CHECK_STR(rows[i].claim, id, str_from(rows[i].id));
    }
    CHECK("one that is not there", !octopus_find_space(body, STR("Nowhere"), &id, &name, &e));
    CHECK_TEXT("says so", e.text, "Octopus shows this key no space \"Nowhere\"");
    CHECK("an id that is no path segment", !octopus_find_space(body, STR("Odd"), &id, &name, &e));
    CHECK_OK("an answer of something else", json_parse(&a, STR("{\"hello\":1}"), &odd, &e), &e);
    CHECK("is not a server's", !octopus_find_space(odd, STR(""), &id, &name, &e));
}

TEST_MAIN()
