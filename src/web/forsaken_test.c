#include "tests/web/scene.h"

#include "web/forsaken.h"

static void reload(struct scene *s)
{
    REQUIRE("in force", CHECK_OK("in force", registry_reload(s->web.opt.registry, &s->e), &s->e));
}

static void put_identity(struct scene *s, const char *granted)
{
    scene_put(s, KIND_IDENTITY, 1, 1, 0, STR("bot"), arena_printf(&s->a, "{\"Name\":\"bot\",\"Connection\":\"octopus\",\"GrantedTo\":%s}", granted));
    reload(s);
}

static void put_reaction(struct scene *s, bool is_enabled)
{
    scene_put(s, KIND_REVISION, 5, 1, 1, (str){ 0 }, STR("{\"Number\":1,\"Hash\":\"x\",\"Definition\":{\"Name\":\"publish\",\"Trigger\":{\"Type\":\"Internal\",\"Events\":[\"DeploymentFailed\"]},\"Scope\":{\"Projects\":[\"Projects-1\"]},"
                                                        "\"Action\":{\"Type\":\"PowerShell\",\"Script\":\"1\"},\"Identity\":\"bot\"}}"));
    scene_put(s, KIND_REACTION, 1, 1, 0, STR("publish"), arena_printf(&s->a, "{\"Name\":\"publish\",\"Enabled\":%s,\"ActiveRevisionId\":5}", is_enabled ? "true" : "false"));
    reload(s);
}

static int told(struct scene *s)
{
    struct store_audit_rows rows;
    int count = 0;
    forsaken_tell(&s->web);
    REQUIRE("the audit", store_audit_list(s->web.opt.store, 0, (struct store_page){ .take = 1000 }, &s->a, &rows, &s->e));
    for (size_t i = 0; i < rows.count; i++)
        count += str_eq(rows.items[i].action, STR("identity.forsaken"));
    return count;
}

#define AUTHOR ",\"Roles\":[{\"Role\":\"Roles-author\",\"Space\":\"Spaces-1\"}]"
#define VIEWER ",\"Roles\":[{\"Role\":\"Roles-viewer\",\"Space\":\"Spaces-1\"}]"

TEST(an_identity_nobody_may_use_is_told_of_once)
{
    struct scene s;
    scene_begin(&s);
    scene_user(&s, 1, "ann", AUTHOR);
    put_identity(&s, "[\"ann\"]");
    put_reaction(&s, true);
    CHECK_INT("ann may", told(&s), 0);
    scene_user(&s, 1, "ann", VIEWER);
    CHECK_INT("ann may no more", told(&s), 1);
    CHECK_INT("which is told once", told(&s), 1);
    const struct store_audit_row *row = scene_audit(&s, "identity.forsaken");
    CHECK("of which, in its space, with the reaction", row && str_eq(row->subject, STR("Identities-1")) && row->space_id == 1 && str_find(row->doc, STR("\"publish\"")) >= 0);
    scene_user(&s, 1, "ann", AUTHOR);
    CHECK_INT("she may again", told(&s), 1);
    scene_user(&s, 1, "ann", AUTHOR ",\"IsDisabled\":true");
    scene_user(&s, 2, "bert", AUTHOR);
    CHECK_INT("and is disabled: told again", told(&s), 2);
    put_identity(&s, "[\"bert\"]");
    CHECK_INT("granted to bert", told(&s), 2);
    scene_end(&s);
}

TEST(what_is_not_forsaken)
{
    struct scene s;
    scene_begin(&s);
    put_identity(&s, "[]");
    put_reaction(&s, true);
    CHECK_INT("there are no users: admin.key does all", told(&s), 0);
    scene_user(&s, 1, "ann", ",\"Roles\":[{\"Role\":\"Roles-spaceadmin\",\"Space\":\"Spaces-1\"}]");
    CHECK_INT("whoever manages identities needs no grant", told(&s), 0);
    scene_user(&s, 1, "ann", AUTHOR);
    put_identity(&s, "[\"Projects-1\"]");
    CHECK_INT("granted to the project, to its authors", told(&s), 0);
    put_identity(&s, "[\"octopus/alice\"]");
    CHECK_INT("granted to somebody whom Octopus knows", told(&s), 0);
    put_reaction(&s, false);
    put_identity(&s, "[]");
    CHECK_INT("nothing acts as it", told(&s), 0);
    put_reaction(&s, true);
    CHECK_INT("it does now", told(&s), 1);
    scene_end(&s);
}

TEST_MAIN()
