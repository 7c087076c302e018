#include "tests/harness/check.h"

#include "reaction/match.h"
#include "reaction/match_index.h"

#include <stdio.h>

// Octopus, in so far as an event asks for it. A machine without environments in its event has them in its document.
static enum directory_state document(void *ctx, str id, const struct json **doc, bool *is_failing)
{
    static const struct { str id, text; } known[] = {
        { STR_INIT("Projects-1"), STR_INIT("{\"Id\":\"Projects-1\",\"Name\":\"New name\",\"ProjectGroupId\":\"ProjectGroups-1\"}") },
        { STR_INIT("Machines-1"), STR_INIT("{\"Id\":\"Machines-1\",\"Name\":\"web-1\",\"EnvironmentIds\":[\"Environments-1\"],\"Roles\":[\"web\"]}") },
        { STR_INIT("Environments-1"), STR_INIT("{\"Id\":\"Environments-1\",\"Name\":\"Production\"}") },
        { STR_INIT("Deployments-1"), STR_INIT("{\"Id\":\"Deployments-1\",\"ProjectId\":\"Projects-1\",\"ReleaseId\":\"Releases-1\"}") },
        { STR_INIT("Releases-1"), STR_INIT("{\"Id\":\"Releases-1\",\"Version\":\"1.0\",\"ProjectId\":\"Projects-1\"}") },
    };
    struct arena *a = ctx;
    struct json *j;
    *is_failing = false;
    *doc = NULL;
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_eq(known[i].id, id) && json_parse(a, known[i].text, &j, NULL))
            *doc = j;
    return *doc ? DIRECTORY_HAS : octopus_id_is(id, STR("Tenants")) ? DIRECTORY_WAITS : DIRECTORY_GONE;
}

struct scene {
    struct arena arena;
    struct reaction def;
    struct reaction_entry entry;
    struct store_event event;
    struct json *payload;
    str name, list;
    struct match_result result;
};

// One reaction, one event; event_ids as JSON.
static void judge(struct scene *s, const char *events, const char *category, const char *ids, const char *condition)
{
    struct err e = { 0 };
    struct template_error bad;
    struct template *t;
    s->name = str_from(events);
    s->def.events = (struct str_list){ &s->name, 1 };
    s->def.condition = str_from(condition);
    s->entry.id = 1;
    s->entry.def = &s->def;
    if (condition && template_parse(&s->arena, s->def.condition, &t, &bad))
        s->entry.condition = t;
    s->event.source = EVENT_INTERNAL;
    s->event.type = str_from(category);
    str text = arena_printf(&s->arena, "{\"Id\":\"Events-1\",\"Category\":\"%s\",\"Occurred\":\"2026-03-02T09:14:31Z\",\"RelatedDocumentIds\":[%s],\"Username\":\"alice\"}", category, ids);
    CHECK_OK("the event", json_parse(&s->arena, text, &s->payload, &e), &e);
    struct data_source data = { .clock = &clock_system, .document = document, .document_ctx = &s->arena };
    match_event(&data, &s->event, s->payload, &s->entry, &s->arena, &s->result);
}

static void want(struct scene *s, enum filter_list list, const char *value)
{
    s->list = str_from(value);
    s->def.filters[list] = (struct str_list){ &s->list, 1 };
}

TEST(conditions_decide)
{
    static const struct { const char *claim, *condition, *shown; enum verdict verdict; bool is_waiting; } rows[] = {
        { "none", NULL, "Events", VERDICT_MATCHED, false },
        { "true", "#{if Octopus.Release.Number == \"1.0\"}true#{/if}", "true", VERDICT_MATCHED, false },
        { "false", "#{if Octopus.Release.Number == \"2.0\"}true#{/if}", "\"Got\":\"\"", VERDICT_NOT_MATCHED, false },
        { "no, in words", " no ", "\"Passed\":false", VERDICT_NOT_MATCHED, false },
        { "an undefined token is false, with a warning", "#{Nope}", "is not defined", VERDICT_NOT_MATCHED, false },
        { "an undefined one of Octopus's says why", "#{Octopus.Machine.Name}", "this event speaks of no machine", VERDICT_NOT_MATCHED, false },
        { "an exception is an error", "#{Octopus.Release.Number | Match \"(\"}", "\"Error\"", VERDICT_ERROR, false },
        { "what does not parse is an error", "#{if A == 'a'}x#{/if}", "does not parse", VERDICT_ERROR, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene s = { .entry.is_enabled = true };
        judge(&s, "DeploymentStarted", "DeploymentStarted", "\"Deployments-1\",\"Projects-1\",\"Releases-1\"", rows[i].condition);
        CHECK_INT(rows[i].claim, s.result.verdict, rows[i].verdict);
        CHECK_INT(rows[i].claim, s.result.is_waiting, rows[i].is_waiting);
        CHECK(rows[i].claim, str_find(s.result.parts, str_from(rows[i].shown)) >= 0);
        arena_fini(&s.arena);
    }
}

TEST(documents_fill_in_what_the_event_leaves_out)
{
    static const struct { const char *claim, *category, *ids; enum filter_list list; const char *value; enum verdict verdict; bool is_waiting; } rows[] = {
        { "a machine's environment", "MachineHealthy", "\"Machines-1\"", FILTER_ENVIRONMENTS, "Production", VERDICT_MATCHED, false },
        { "its role", "MachineHealthy", "\"Machines-1\"", FILTER_ROLES, "WEB", VERDICT_MATCHED, false },
        { "a deployment's project", "DeploymentStarted", "\"Deployments-1\"", FILTER_PROJECTS, "new name", VERDICT_MATCHED, false },
        { "and its group, by id", "DeploymentStarted", "\"Deployments-1\"", FILTER_PROJECT_GROUPS, "ProjectGroups-1", VERDICT_MATCHED, false },
        { "a tenant that is still asked for", "DeploymentStarted", "\"Deployments-1\",\"Tenants-1\"", FILTER_TENANT_TAGS, "Ring/1", VERDICT_NOT_MATCHED, true },
        { "its id needs no document", "DeploymentStarted", "\"Deployments-1\",\"Tenants-1\"", FILTER_TENANTS, "tenants-1", VERDICT_MATCHED, false },
        { "nor does a user", "DeploymentStarted", "\"Deployments-1\"", FILTER_USERS, "ALICE", VERDICT_MATCHED, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene s = { .entry.is_enabled = true };
        want(&s, rows[i].list, rows[i].value);
        judge(&s, rows[i].category, rows[i].category, rows[i].ids, NULL);
        CHECK_INT(rows[i].claim, s.result.verdict, rows[i].verdict);
        CHECK_INT(rows[i].claim, s.result.is_waiting, rows[i].is_waiting);
        arena_fini(&s.arena);
    }
}

TEST(a_renamed_object_is_followed_by_its_id)
{
    struct scene s = { .entry.is_enabled = true };
    str id = STR("Projects-1");
    struct reaction_ids ids = { .filters[FILTER_PROJECTS] = { &id, 1 } };
    want(&s, FILTER_PROJECTS, "Old name");
    judge(&s, "DeploymentStarted", "DeploymentStarted", "\"Deployments-1\",\"Projects-1\"", NULL);
    CHECK_INT("without the id its old name is nobody's", s.result.verdict, VERDICT_NOT_MATCHED);
    s.entry.ids = &ids;
    judge(&s, "DeploymentStarted", "DeploymentStarted", "\"Deployments-1\",\"Projects-1\"", NULL);
    CHECK_INT("with it, it is known", s.result.verdict, VERDICT_MATCHED);
    arena_fini(&s.arena);
}

TEST(a_disabled_reaction_says_so_and_is_not_asked)
{
    struct scene s = { 0 };
    judge(&s, "DeploymentStarted", "DeploymentStarted", "\"Deployments-1\"", "#{Nope}");
    CHECK_INT("disabled", s.result.verdict, VERDICT_DISABLED);
    CHECK("with the part", str_find(s.result.parts, STR("\"Enabled\"")) >= 0);
    arena_fini(&s.arena);
}

TEST(a_payload_that_is_no_event_is_an_error)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str name = STR("Created");
    struct reaction def = { .events = { &name, 1 } };
    struct reaction_entry entry = { .id = 1, .is_enabled = true, .def = &def };
    struct store_event v = { .source = EVENT_INTERNAL, .type = STR("Created") };
    struct data_source data = { .clock = &clock_system };
    struct match_result result;
    match_event(&data, &v, json_new_object(&a), &entry, &a, &result);
    CHECK_INT("never a silent no", result.verdict, VERDICT_ERROR);
}

TEST_MAIN()
