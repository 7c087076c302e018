#include "tests/harness/check.h"

#include "trigger/trigger.h"

static struct trigger *decode(struct arena *a, const char *text, struct decode_errors *errors)
{
    struct json *j;
    struct err e = { 0 };
    *errors = (struct decode_errors){ .arena = a };
    return json_parse(a, str_from(text), &j, &e) ? trigger_decode(a, j, errors) : NULL;
}

TEST(name_and_route_are_enough)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct decode_errors errors;
    struct trigger *t = decode(&a, "{\"Name\":\"MyGet package added\",\"Route\":\"mygetpackage\"}", &errors);
    REQUIRE("it is taken", t != NULL);
    CHECK_STR("the slug comes from the name", t->slug, STR("myget-package-added"));
    CHECK("posts only", t->method_count == 1 && str_eq(t->methods[0], STR("POST")));
    CHECK_INT("by key", t->schemes, SCHEME_API_KEY);
    CHECK_INT("answered 202", t->answer_status, 202);
    struct trigger *again = trigger_decode(&a, trigger_to_json(t, &a), &errors);
    CHECK("what is written reads back", again && json_equal(trigger_to_json(t, &a), trigger_to_json(again, &a)));
}

TEST(what_is_wrong_is_named)
{
    static const struct { const char *json, *error; } rows[] = {
        { "{\"Route\":\"x\"}", "Name" },
        { "{\"Name\":\"x\"}", "Route" },
        { "{\"Name\":\"x\",\"Route\":\"{a}{b}\"}", "Route" },
        { "{\"Name\":\"x\",\"Route\":\"x\",\"Methods\":[\"FETCH\"]}", "Methods[0]" },
        { "{\"Name\":\"x\",\"Route\":\"x\",\"Slug\":\"Not A Slug\"}", "Slug" },
        { "{\"Name\":\"x\",\"Route\":\"x\",\"Rout\":\"y\"}", "Rout" },
        { "{\"Name\":\"x\",\"Route\":\"x\",\"Authentication\":{\"Schemes\":[\"Magic\"]}}", "Authentication.Schemes[0]" },
        { "{\"Name\":\"x\",\"Route\":\"x\",\"Authentication\":{\"Schemes\":[\"Signature\"]}}", "Authentication.Signature" },
        { "{\"Name\":\"x\",\"Route\":\"x\",\"DeliveryId\":{\"Parts\":[{}]}}", "DeliveryId.Parts[0]" },
        { "{\"Name\":\"x\",\"Route\":\"x\",\"DeliveryId\":{\"Parts\":[{\"Pointer\":\"id\"}]}}", "DeliveryId.Parts[0].Pointer" },
        { "{\"Name\":\"x\",\"Route\":\"x\",\"MaxBodyBytes\":99999999999}", "MaxBodyBytes" },
        { "{\"Name\":\"x\",\"Route\":\"x\",\"Answer\":302}", "Answer" },
        { "{\"Name\":\"x\",\"Route\":\"x\",\"Body\":{\"ParseAs\":\"csv\"}}", "Body.ParseAs" },
        { "{\"Name\":5,\"Route\":\"x\"}", "Name" },
        { "[]", "" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct decode_errors errors;
        CHECK(rows[i].json, !decode(&a, rows[i].json, &errors) && errors.count > 0);
        CHECK(rows[i].error, errors.count && str_starts(errors.items[0], str_from(rows[i].error)));
    }
}

TEST(slugs_are_plain)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    CHECK_STR("blanks become hyphens", slug_from_name(&a, STR("Tell New Relic, now!")), STR("tell-new-relic-now"));
    CHECK_STR("none at the ends", slug_from_name(&a, STR("  (x)  ")), STR("x"));
    CHECK("letters, digits, hyphens", slug_is_valid(STR("a-1")));
    static const char *const bad[] = { "", "-a", "a-", "A", "a b", "a/b", "\xc3\xbc" };
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(bad[i], !slug_is_valid(str_from(bad[i])));
}

TEST_MAIN()
