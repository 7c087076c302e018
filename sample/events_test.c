#include "sample/catalog.h"
#include "sample/events.h"

#include "tests/harness/check.h"

static bool add(struct event_log *l, const char *text, int64_t auto_id, bool is_hidden)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *j = NULL;
    struct err e;

    return json_parse(&a, str_from(text), &j, &e) && event_log_add(l, j, auto_id, is_hidden, &e);
}

#define EVENT(id, category, related, occurred) "{\"Id\":\"" id "\",\"Category\":\"" category "\",\"RelatedDocumentIds\":[" related "],\"Occurred\":\"" occurred "\",\"SpaceId\":\"Spaces-1\",\"UserId\":\"Users-1\"}"

TEST(a_late_commit_appears_in_the_middle)
{
    struct event_log *l = event_log_new();

    CHECK("first", add(l, EVENT("Events-1", "Created", "\"Projects-1\"", "2026-01-01T00:00:00Z"), 0, false));
    CHECK("late", add(l, EVENT("Events-2", "Created", "\"Projects-1\"", "2026-01-01T00:00:01Z"), 0, true));
    CHECK("after it", add(l, EVENT("Events-3", "Created", "\"Projects-1\"", "2026-01-01T00:00:02Z"), 0, false));
    CHECK_INT("the late one is not seen", event_log_count(l), 2);
    CHECK("nor found", !event_log_find(l, STR("Events-2")));
    CHECK_INT("but has its AutoId", event_log_last_auto_id(l), 3);
    event_log_reveal(l, 2);
    CHECK_STR("then it stands where it belongs", event_log_at(l, 1)->id, STR("Events-2"));
    CHECK("no event without Occurred", !add(l, "{\"Id\":\"Events-9\",\"Category\":\"Created\"}", 0, false));
    CHECK_INT("numbers go on", event_log_new_number(l, 0), 4);
    CHECK_INT("and leave gaps", event_log_new_number(l, 3), 8);
    CHECK_INT("that may be filled later", event_log_spare_number(l), 7);
    CHECK_INT("retention forgets what is older", event_log_forget(l, 1767225601500), 2);
    CHECK_INT("and keeps the rest", event_log_count(l), 1);
    event_log_free(l);
}

TEST(ids_are_compared_whole)
{
    struct event_log *l = event_log_new();

    CHECK("an event", add(l, EVENT("Events-1", "Created", "\"Releases-301\",\"Projects-21\"", "2026-01-01T00:00:00Z"), 0, false));
    const struct event *e = event_log_at(l, 0);
    CHECK("the first", event_has_id(e, STR("Releases-301")));
    CHECK("the last, without case", event_has_id(e, STR("projects-21")));
    CHECK("not a part of one", !event_has_id(e, STR("Projects-2")) && !event_has_id(e, STR("Releases-3011")));
    CHECK("a type", event_has_prefix(e, STR("releases")));
    CHECK("not a part of a type", !event_has_prefix(e, STR("Release")) && !event_has_prefix(e, STR("Channels")));
    event_log_free(l);
}

TEST(filters)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct model *m = model_new();
    struct event_log *l = event_log_new();
    struct event_query q;

    CHECK("an event", add(l, EVENT("Events-1", "MachineAdded", "\"Machines-1\",\"Environments-1\"", "2026-01-01T00:00:00.500Z"), 53001, false));
    const struct event *e = event_log_at(l, 0);
    event_query_init(&q, &a);
    CHECK("an empty query takes it", event_fits(e, &q, m));
    q.from_ms = e->occurred_ms;
    CHECK("from is inclusive", event_fits(e, &q, m));
    q.to_ms = e->occurred_ms;
    CHECK("to is exclusive", !event_fits(e, &q, m));
    event_query_init(&q, &a);
    q.from_auto_id = 53001;
    CHECK("fromAutoId is exclusive", !event_fits(e, &q, m));
    event_query_init(&q, &a);
    q.hides_internal = true;
    CHECK("MachineAdded is internal", !event_fits(e, &q, m));
    event_query_init(&q, &a);
    id_list_split(&a, &q.categories, STR("Created, machineadded,,"));
    CHECK_INT("empty parts are left out", q.categories.count, 2);
    CHECK("categories: one of them", event_fits(e, &q, m));
    id_list_split(&a, &q.groups, STR("Deployment"));
    CHECK("and the groups too", !event_fits(e, &q, m));
    event_query_init(&q, &a);
    id_list_split(&a, &q.regarding_all, STR("Machines-1,Environments-2"));
    CHECK("regarding wants all", !event_fits(e, &q, m));
    event_query_init(&q, &a);
    id_list_split(&a, &q.regarding_any, STR("Machines-1,Environments-2"));
    CHECK("regardingAny wants one", event_fits(e, &q, m));
    event_log_free(l);
    model_free(m);
}

TEST(document_types_by_any_spelling)
{
    static const char *const spellings[] = { "deploymentprocess", "deploymentprocess-", "DeploymentProcess", "DeploymentProcesses", "Deployment Process", "deployment processes" };

    for (size_t i = 0; i < COUNT(spellings); i++)
        CHECK_STR(spellings[i], document_type_prefix(str_from(spellings[i])), STR("deploymentprocess"));
    CHECK_STR("machine policies", document_type_prefix(STR("MachinePolicy")), STR("MachinePolicies"));
    CHECK_STR("environments have another display name", document_type_prefix(STR("Deployment Environment")), STR("Environments"));
    CHECK_STR("an unknown one is itself", document_type_prefix(STR("Widgets-")), STR("Widgets"));
}

TEST(the_catalog)
{
    CHECK("by id", category_find(STR("deploymentfailed")) != NULL);
    CHECK("by display name", category_find(STR("Machine created")) == category_find(STR("MachineAdded")));
    CHECK("unknown", !category_find(STR("ReleaseCreated")));
    CHECK("in a group", category_in_group(STR("DeploymentFailed"), STR("DeploymentCritical")));
    CHECK("not in another", !category_in_group(STR("DeploymentStarted"), STR("DeploymentCritical")));
    for (size_t i = 0; i < category_count; i++) {
        str rest = str_from(categories[i].groups), one;

        while (rest.n && str_split(&rest, ',', &one)) {
            bool is_known = false;

            for (size_t g = 0; g < category_group_count; g++)
                is_known = is_known || str_eq(one, str_from(category_groups[g].id));
            CHECK(categories[i].id, is_known);
        }
    }
}

TEST_MAIN()
