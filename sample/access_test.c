#include "sample/access.h"

#include "tests/harness/check.h"

static void put(struct model *m, enum kind_id kind, const char *text, bool is_grants)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct json *j = NULL;
    struct err e;

    CHECK_OK("a test's own JSON", json_parse(&a, str_from(text), &j, &e), &e);
    model_put(m, kind, is_grants ? access_expand(&a, j) : j);
}

static struct model *people(void)
{
    struct model *m = model_new();

    put(m, KIND_PROJECT, "{\"Id\":\"Projects-1\",\"SpaceId\":\"Spaces-1\",\"ProjectGroupId\":\"ProjectGroups-1\"}", false);
    put(m, KIND_PROJECT, "{\"Id\":\"Projects-2\",\"SpaceId\":\"Spaces-1\",\"ProjectGroupId\":\"ProjectGroups-2\"}", false);
    put(m, KIND_USER, "{\"Id\":\"Users-1\",\"IsActive\":true}", false);
    put(m, KIND_USER, "{\"Id\":\"Users-2\",\"IsActive\":false}", false);
    put(m, KIND_API_KEY, "{\"Id\":\"APIKeys-1\",\"UserId\":\"Users-1\",\"_Secret\":\"s1\",\"Expires\":\"2026-06-01T00:00:00Z\"}", false);
    put(m, KIND_API_KEY, "{\"Id\":\"APIKeys-2\",\"UserId\":\"Users-2\",\"_Secret\":\"s2\"}", false);
    put(m, KIND_GRANTS, "{\"Id\":\"grants-Users-1\",\"SystemPermissions\":[\"AdministerSystem\"]}", true);
    put(m, KIND_GRANTS, "{\"Id\":\"grants-Users-3\",\"Roles\":[{\"Role\":\"releaser\",\"SpaceId\":\"Spaces-1\",\"Projects\":[\"Projects-1\"],\"Environments\":[\"Environments-1\"]},{\"Role\":\"viewer\",\"SpaceId\":\"Spaces-1\",\"ProjectGroups\":[\"ProjectGroups-2\"]}]}", true);
    return m;
}

TEST(keys)
{
    struct model *m = people();
    struct doc *key = NULL;

    CHECK("a key finds its user", access_user_by_key(m, STR("s1"), 0, &key) == model_get(m, STR("Users-1")));
    CHECK("and itself", key && str_eq(key->id, STR("APIKeys-1")));
    CHECK("an expired one does not", !access_user_by_key(m, STR("s1"), 1780272000000, &key));
    CHECK("nor one of an inactive user", !access_user_by_key(m, STR("s2"), 0, &key));
    CHECK("nor an unknown or empty one", !access_user_by_key(m, STR("s3"), 0, &key) && !access_user_by_key(m, STR(""), 0, &key));
    model_free(m);
}

TEST(a_permission_holds_where_one_entry_covers_the_scope)
{
    static const struct { const char *claim, *user, *permission, *space; struct scope scope; bool want; } rows[] = {
        { "an administrator may everything", "Users-1", "ReleaseCreate", "Spaces-9", { .project = STR_INIT("Projects-2") }, true },
        { "in the project", "Users-3", "ReleaseCreate", "Spaces-1", { .project = STR_INIT("Projects-1") }, true },
        { "ids have no case", "Users-3", "ReleaseCreate", "spaces-1", { .project = STR_INIT("projects-1") }, true },
        { "not in another", "Users-3", "ReleaseCreate", "Spaces-1", { .project = STR_INIT("Projects-2") }, false },
        { "not in another space", "Users-3", "ReleaseCreate", "Spaces-2", { .project = STR_INIT("Projects-1") }, false },
        { "somewhere", "Users-3", "ReleaseCreate", "Spaces-1", { .is_somewhere = true }, true },
        { "a deployment also by environment", "Users-3", "DeploymentCreate", "Spaces-1", { .project = STR_INIT("Projects-1"), .environment = STR_INIT("Environments-1") }, true },
        { "not to another environment", "Users-3", "DeploymentCreate", "Spaces-1", { .project = STR_INIT("Projects-1"), .environment = STR_INIT("Environments-2") }, false },
        { "a list that is not empty wants a value", "Users-3", "DeploymentCreate", "Spaces-1", { .project = STR_INIT("Projects-1") }, false },
        { "by the project's group", "Users-3", "ProjectView", "Spaces-1", { .project = STR_INIT("Projects-2") }, true },
        { "not outside it", "Users-3", "ProjectView", "Spaces-1", { .project = STR_INIT("Projects-1") }, false },
        { "a permission nobody gave", "Users-3", "MachineCreate", "Spaces-1", { .is_somewhere = true }, false },
        { "a system permission", "Users-3", "UserView", "", { .is_somewhere = true }, false },
        { "a user without grants", "Users-9", "ProjectView", "Spaces-1", { .is_somewhere = true }, false },
    };
    struct model *m = people();

    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].claim, access_may(m, str_from(rows[i].user), rows[i].permission, str_from(rows[i].space), &rows[i].scope), rows[i].want);
    CLEANUP(arena_fini) struct arena a = { 0 };
    const struct json *mine = json_get(access_permissions(&a, m, STR("Users-1")), STR("SpacePermissions")), *none = json_get(access_permissions(&a, m, STR("Users-9")), STR("SpacePermissions"));
    CHECK("an administrator's list holds everything", json_get(mine, STR("ReleaseCreate")) && json_get(mine, STR("EventView")));
    CHECK_INT("nobody's holds nothing", none->count, 0);
    model_free(m);
}

TEST_MAIN()
