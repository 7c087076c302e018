#include "access/octopus_rights.h"

#include "tests/harness/check.h"

static struct arena arena;
static const struct octopus_place places[] = { { 1, STR_INIT("Spaces-1") }, { 5, STR_INIT("Spaces-42") } };

static bool read(const char *text, struct caller *c, struct err *e)
{
    struct json *j;
    *c = (struct caller){ .kind = CALLER_OCTOPUS };
    return json_parse(&arena, str_from(text), &j, e) && octopus_rights(j, places, COUNT(places), &arena, &c->grants, &c->grant_count, e);
}

TEST(what_octopus_grants_is_granted_here)
{
    struct caller c;
    struct err e = { 0 };
    str web = STR("Projects-21");
    CHECK_OK("a full answer is read", read("{\"SpacePermissions\":{"
        "\"EventView\":[{\"RestrictedToProjectIds\":[\"Projects-21\"],\"RestrictedToEnvironmentIds\":[],\"RestrictedToTenantIds\":[],\"RestrictedToProjectGroupIds\":[],\"SpaceId\":\"Spaces-1\"}],"
        "\"ProcessEdit\":[{\"RestrictedToProjectIds\":[],\"RestrictedToTenantIds\":[\"Tenants-1\"],\"SpaceId\":\"Spaces-1\"}],"
        "\"TaskView\":[{\"RestrictedToProjectGroupIds\":[\"ProjectGroups-1\"],\"SpaceId\":\"Spaces-1\"}],"
        "\"SpaceEdit\":[{\"SpaceId\":\"spaces-42\"}],\"Unheard\":[{\"SpaceId\":null}]},\"SystemPermissions\":[\"UserView\"],\"IsPermissionsComplete\":true}", &c, &e), &e);
    CHECK("in its space and project", caller_may(&c, RUN_VIEW, 1, web));
    CHECK("not beyond the project", !caller_may(&c, RUN_VIEW, 1, STR("")) && !caller_may(&c, RUN_VIEW, 1, STR("Projects-22")));
    CHECK("not in another space", !caller_may(&c, RUN_VIEW, 5, web));
    CHECK("what is limited to tenants gives nothing", !caller_may_somewhere(&c, SCRIPT_EDIT, 0));
    CHECK("nor what is limited to project groups", !caller_may_somewhere(&c, RUN_OUTPUT_VIEW, 0));
    CHECK("spaces are told apart by Octopus's id, no case", caller_may(&c, SPACE_SETTINGS, 5, STR("")) && !caller_may(&c, SPACE_SETTINGS, 1, STR("")));
    CHECK("nothing for the instance", !caller_may(&c, USER_ADMIN, 0, STR("")) && !caller_may(&c, AUDIT_VIEW, 0, STR("")));
}

TEST(an_administrator_there_administers_the_spaces_here)
{
    struct caller c;
    struct err e = { 0 };
    CHECK_OK("read", read("{\"SpacePermissions\":{},\"SystemPermissions\":[\"AdministerSystem\"],\"IsPermissionsComplete\":true}", &c, &e), &e);
    CHECK("each space of that Octopus", caller_may(&c, SPACE_SETTINGS, 1, STR("")) && caller_may(&c, SCRIPT_EDIT, 5, STR("")));
    CHECK("no other space, not the instance", !caller_knows_space(&c, 2) && !caller_may(&c, USER_ADMIN, 0, STR("")));
}

TEST(what_is_not_known_is_no_right)
{
    static const struct { const char *claim, *text; } rows[] = {
        { "an incomplete answer", "{\"SpacePermissions\":{\"EventView\":[{\"SpaceId\":\"Spaces-1\"}]},\"SystemPermissions\":[\"AdministerSystem\"],\"IsPermissionsComplete\":false}" },
        { "one that does not say so", "{\"SpacePermissions\":{\"EventView\":[{\"SpaceId\":\"Spaces-1\"}]}}" },
        { "no permissions at all", "{\"IsPermissionsComplete\":true}" },
        { "another thing", "[]" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct caller c;
        struct err e = { 0 };
        CHECK(rows[i].claim, !read(rows[i].text, &c, &e) && e.kind == ERR_DENIED && !c.grant_count);
    }
    arena_fini(&arena);
}

TEST_MAIN()
