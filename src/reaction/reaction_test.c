#include "tests/harness/check.h"

#include "reaction/reaction.h"

static struct reaction *decode(struct arena *a, const char *text, struct decode_errors *errors)
{
    struct json *j;
    struct err e = { 0 };
    *errors = (struct decode_errors){ .arena = a };
    if (json_parse(a, str_from(text), &j, &e))
        return reaction_decode(a, j, errors);
    fprintf(stderr, "%s\n", e.text);
    return NULL;
}

#define SCRIPT "\"Action\":{\"Type\":\"PowerShell\",\"Script\":\"1\"}"
#define EXTERNAL "\"Trigger\":{\"Type\":\"External\",\"Name\":\"t\"}"

TEST(the_least_is_name_trigger_and_action)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct decode_errors errors;
    struct reaction *r = decode(&a, "{\"Name\":\"Tell New Relic\"," EXTERNAL "," SCRIPT "}", &errors);
    REQUIRE("it is taken", r != NULL);
    CHECK_STR("slug from the name", r->slug, STR("tell-new-relic"));
    CHECK("enabled", r->is_enabled && !r->is_paused);
    CHECK_INT("ten attempts", r->max_attempts, 10);
    CHECK("scripts are not repeated", !r->retry_scripts);
    CHECK("no condition: always", !r->condition.p);
    struct json *written = reaction_to_json(r, &a);
    struct reaction *again = reaction_decode(&a, written, &errors);
    CHECK("what is written reads back", again && json_equal(written, reaction_to_json(again, &a)));
    CHECK_STR("the hash is of the content", reaction_hash(written, &a), reaction_hash(reaction_to_json(again, &a), &a));
}

TEST(what_is_wrong_is_named)
{
    static const struct { const char *json, *error; } rows[] = {
        { "{" EXTERNAL "," SCRIPT "}", "Name" },
        { "{\"Name\":\"x\"," SCRIPT "}", "Trigger" },
        { "{\"Name\":\"x\"," EXTERNAL "}", "Action" },
        { "{\"Name\":\"x\",\"Trigger\":{\"Type\":\"Internal\"}," SCRIPT "}", "Trigger.Events" },
        { "{\"Name\":\"x\",\"Trigger\":{\"Type\":\"External\"}," SCRIPT "}", "Trigger.Name" },
        { "{\"Name\":\"x\",\"Trigger\":{\"Type\":\"Magic\"}," SCRIPT "}", "Trigger.Type" },
        { "{\"Name\":\"x\"," EXTERNAL ",\"Action\":{\"Type\":\"Http\",\"Uri\":\"https://a.example\"}}", "Action.Type" },
        { "{\"Name\":\"x\"," EXTERNAL ",\"Action\":{\"Type\":\"PowerShell\"}}", "Action.Script" },
        { "{\"Name\":\"x\"," EXTERNAL "," SCRIPT ",\"Filter\":{\"Enviroments\":[]}}", "Filter.Enviroments" },
        { "{\"Name\":\"x\"," EXTERNAL "," SCRIPT ",\"Filter\":{\"Projects\":[\"p\"]}}", "Filter.Projects" },
        { "{\"Name\":\"x\"," EXTERNAL "," SCRIPT ",\"Retry\":{\"MaxAttempts\":0}}", "Retry.MaxAttempts" },
        { "{\"Name\":\"x\"," EXTERNAL "," SCRIPT ",\"Retry\":{\"Schedule\":\"Often\"}}", "Retry.Schedule" },
        { "{\"Name\":\"x\"," EXTERNAL "," SCRIPT ",\"Variables\":[{\"Name\":\"a\",\"Value\":\"1\"},{\"Name\":\"A\",\"Value\":\"2\"}]}", "Variables[1].Name" },
        { "{\"Name\":\"x\"," EXTERNAL "," SCRIPT ",\"Variables\":[{\"Name\":\"a\",\"Value\":5}]}", "Variables[0].Value" },
        { "{\"Name\":\"x\"," EXTERNAL ",\"Action\":{\"Type\":\"PowerShell\",\"Script\":\"1\",\"Modules\":[{\"Name\":\"../x.dll\",\"Sha256\":\"00\"}]}}", "Action.Modules[0].Name" },
        { "{\"Name\":\"x\"," EXTERNAL "," SCRIPT ",\"DelaySeconds\":-1}", "DelaySeconds" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct decode_errors errors;
        CHECK(rows[i].json, !decode(&a, rows[i].json, &errors) && errors.count > 0);
        CHECK(rows[i].error, errors.count && str_starts(errors.items[0], str_from(rows[i].error)));
    }
}

TEST_MAIN()
