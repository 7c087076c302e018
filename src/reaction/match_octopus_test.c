#include "tests/harness/check.h"

#include "octopus/event.h"
#include "reaction/match_octopus.h"

// A directory that knows one renamed project, may not show environments, and is slow with machines.
static enum directory_state document(void *ctx, str id, const struct json **doc, bool *is_failing UNUSED)
{
    struct arena *a = ctx;
    *doc = NULL;
    if (str_eq(id, STR("Projects-21"))) {
        struct json *project = json_new_object(a);
        json_add_str(a, project, "Name", STR("New Shop"));
        json_add_str(a, project, "Slug", STR("web-shop"));
        *doc = project;
        return DIRECTORY_HAS;
    }
    return octopus_id_is(id, STR("Environments")) ? DIRECTORY_REFUSED : octopus_id_is(id, STR("Machines")) ? DIRECTORY_WAITS : DIRECTORY_GONE;
}

static enum verdict judge(const char *category, const char *ids, const char *events, enum filter_list list, const char *wanted, bool *is_waiting)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    struct json *payload;
    str event = str_from(events), name = str_from(wanted);
    struct reaction def = { .trigger_type = TRIGGER_INTERNAL, .events = { &event, 1 } };
    if (name.n)
        def.filters[list] = (struct str_list){ &name, 1 };
    struct reaction_entry entry = { .id = 1, .is_enabled = true, .def = &def };
    struct data_source data = { .clock = &clock_system, .document = document, .document_ctx = &a };
    struct store_event v = { .source = EVENT_INTERNAL, .type = str_from(category) };
    str text = arena_printf(&a, "{\"Id\":\"Events-1\",\"Category\":\"%s\",\"Occurred\":\"2026-03-02T09:14:31Z\",\"RelatedDocumentIds\":[%s],\"Username\":\"alice\"}", category, ids);
    CHECK_OK("the event", json_parse(&a, text, &payload, &e), &e);
    struct facts facts;
    CHECK_OK("is one", facts_init(&facts, &data, payload, &a, &e), &e);
    enum verdict verdict = match_octopus(&facts, &v, &entry, json_new_array(&a));
    *is_waiting = facts.is_waiting;
    return verdict;
}

TEST(lists_are_judged)
{
    static const struct {
        const char *claim, *category, *ids, *events;
        enum filter_list list;
        const char *wanted;
        enum verdict want;
        bool is_waiting;
    } rows[] = {
        { "no lists", "DeploymentStarted", "\"Deployments-1\"", "DeploymentStarted", FILTER_PROJECTS, "", VERDICT_MATCHED, false },
        { "a project by id", "DeploymentStarted", "\"Deployments-1\",\"Projects-21\"", "DeploymentStarted", FILTER_PROJECTS, "projects-21", VERDICT_MATCHED, false },
        { "by its present name", "DeploymentStarted", "\"Deployments-1\",\"Projects-21\"", "DeploymentStarted", FILTER_PROJECTS, "new shop", VERDICT_MATCHED, false },
        { "by its slug", "DeploymentStarted", "\"Deployments-1\",\"Projects-21\"", "DeploymentStarted", FILTER_PROJECTS, "Web-Shop", VERDICT_MATCHED, false },
        { "another name", "DeploymentStarted", "\"Deployments-1\",\"Projects-21\"", "DeploymentStarted", FILTER_PROJECTS, "Core Web", VERDICT_NOT_MATCHED, false },
        { "a process whose project id is absent", "Modified", "\"deploymentprocess-Projects-21\"", "DeploymentProcessUpdated", FILTER_PROJECTS, "New Shop", VERDICT_MATCHED, false },
        { "no project at all", "LoginFailed", "\"Users-1\"", "LoginFailed", FILTER_PROJECTS, "New Shop", VERDICT_NOT_MATCHED, false },
        { "names that may not be seen are an error", "DeploymentStarted", "\"Deployments-1\",\"Environments-1\"", "DeploymentStarted", FILTER_ENVIRONMENTS, "Production", VERDICT_ERROR, false },
        { "their ids are none", "DeploymentStarted", "\"Deployments-1\",\"Environments-1\"", "DeploymentStarted", FILTER_ENVIRONMENTS, "Environments-1", VERDICT_MATCHED, false },
        { "a user", "DeploymentStarted", "\"Deployments-1\"", "DeploymentStarted", FILTER_USERS, "Alice", VERDICT_MATCHED, false },
        { "roles wait for the machine", "MachineAdded", "\"Machines-1\"", "MachineRegistered", FILTER_ROLES, "web", VERDICT_NOT_MATCHED, true },
        { "so does a Tentacle", "MachineAdded", "\"Machines-1\"", "TentacleRegistered", FILTER_ROLES, "", VERDICT_NOT_MATCHED, true },
        { "another event waits for nothing", "MachineDeleted", "\"Machines-1\"", "TentacleRegistered", FILTER_ROLES, "web", VERDICT_NOT_MATCHED, false },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool is_waiting;
        CHECK_INT(rows[i].claim, judge(rows[i].category, rows[i].ids, rows[i].events, rows[i].list, rows[i].wanted, &is_waiting), rows[i].want);
        CHECK_INT(rows[i].claim, is_waiting, rows[i].is_waiting);
    }
}

TEST_MAIN()
