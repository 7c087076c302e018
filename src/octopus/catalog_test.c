#include "tests/harness/check.h"

#include "octopus/catalog.h"

static enum catalog_answer wants(const char *name, const char *category, const char *ids)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *doc;
    struct octopus_event v;
    struct err e = { 0 };
    str text = arena_printf(&a, "{\"Id\":\"Events-1\",\"Category\":\"%s\",\"Occurred\":\"2026-03-02T09:14:31Z\",\"RelatedDocumentIds\":[%s]}", category, ids);
    CHECK_OK("the event", json_parse(&a, text, &doc, &e) && octopus_event_read(doc, &v, &e), &e);
    return catalog_wants(str_from(name), &v);
}

TEST(names_mean_events)
{
    static const struct { const char *claim, *name, *category, *ids; enum catalog_answer want; } rows[] = {
        { "a category", "DeploymentStarted", "DeploymentStarted", "\"Deployments-1\"", CATALOG_YES },
        { "another category", "DeploymentStarted", "DeploymentQueued", "\"Deployments-1\"", CATALOG_NO },
        { "one nobody knew", "RateLimitExceeded", "RateLimitExceeded", "", CATALOG_YES },
        { "a release", "ReleaseCreated", "Created", "\"Releases-1\",\"Projects-1\"", CATALOG_YES },
        { "a channel that names releases is none", "ReleaseCreated", "Created", "\"Channels-1\",\"Releases-1\"", CATALOG_NO },
        { "a changed release is not created", "ReleaseCreated", "Modified", "\"Releases-1\"", CATALOG_NO },
        { "a machine", "MachineRegistered", "MachineAdded", "\"Machines-1\"", CATALOG_YES },
        { "one registration counts once", "MachineRegistered", "Created", "\"Machines-1\"", CATALOG_NO },
        { "a Tentacle must be asked for", "TentacleRegistered", "MachineAdded", "\"Machines-1\"", CATALOG_IF_TENTACLE },
        { "once as well", "TentacleRegistered", "Created", "\"Machines-1\"", CATALOG_NO },
        { "a process", "DeploymentProcessUpdated", "Modified", "\"deploymentprocess-Projects-1\",\"Projects-1\"", CATALOG_YES },
        { "without its project", "DeploymentProcessUpdated", "Modified", "\"deploymentprocess-Projects-1\"", CATALOG_YES },
        { "variables are no process", "DeploymentProcessUpdated", "Modified", "\"variableset-Projects-1\",\"Projects-1\"", CATALOG_NO },
        { "a type", "Modified:Projects", "Modified", "\"Projects-1\"", CATALOG_YES },
        { "a type as tools write it", "modified:projects-", "Modified", "\"Projects-1\"", CATALOG_YES },
        { "another type", "Modified:Projects", "Modified", "\"ProjectGroups-1\",\"Projects-1\"", CATALOG_NO },
        { "a group", "Group:Deployment", "DeploymentFailed", "\"Deployments-1\"", CATALOG_YES },
        { "not in the group", "Group:Deployment", "MachineAdded", "\"Machines-1\"", CATALOG_NO },
        { "an unknown group", "Group:Nothing", "Nothing", "", CATALOG_NO },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].claim, wants(rows[i].name, rows[i].category, rows[i].ids), rows[i].want);
}

TEST(groups_are_those_of_the_server)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *list;
    struct err e = { 0 };
    str groups[CATALOG_MAX_GROUPS];
    CHECK_INT("a group nobody knows", wants("Group:Rockets", "RocketLaunched", ""), CATALOG_NO);
    CHECK_INT("one known without a server", wants("Group:AutoDeployCritical", "AutoDeployTriggerBlocked", ""), CATALOG_YES);
    CHECK_OK("a server's list", json_parse(&a, STR("[{\"Id\":\"Rockets\",\"Name\":\"x\",\"EventCategories\":[\"RocketLaunched\",1,\"\"]},{\"Id\":\"AutoDeployCritical\",\"EventCategories\":[\"Other\"]},{},3,{\"Id\":5}]"), &list, &e), &e);
    catalog_learn_groups(list);
    catalog_learn_groups(list);
    catalog_learn_groups(NULL);
    CHECK_INT("now it is known", wants("group:rockets", "RocketLaunched", ""), CATALOG_YES);
    CHECK_INT("what a server says of a group goes before what we knew", wants("Group:AutoDeployCritical", "AutoDeployTriggerBlocked", ""), CATALOG_NO);
    CHECK_INT("a category's groups", catalog_groups_of(STR("rocketlaunched"), groups, &a), 1);
    CHECK_STR("by name", groups[0], STR("Group:Rockets"));
    CHECK_INT("others as before", catalog_groups_of(STR("DeploymentFailed"), groups, &a), 2);
}

TEST(tentacles_are_told_by_their_endpoint)
{
    static const struct { const char *style; bool want; } rows[] = { { "TentaclePassive", true }, { "TentacleActive", true }, { "KubernetesTentacle", true }, { "Ssh", false }, { "None", false }, { "", false } };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct json *machine = json_new_object(&a), *endpoint = json_add(machine, STR("Endpoint"), json_new_object(&a));
        json_add_str(&a, endpoint, "CommunicationStyle", str_from(rows[i].style));
        CHECK_INT(rows[i].style, catalog_is_tentacle(machine), rows[i].want);
    }
    CHECK("no machine, no Tentacle", !catalog_is_tentacle(NULL));
}

TEST_MAIN()
