#include "access/access.h"

#include "tests/harness/check.h"

static struct arena arena;

#define LIST(...) { (const str[]){ __VA_ARGS__ }, sizeof((const str[]){ __VA_ARGS__ }) / sizeof(str) }

static const str web_shop = STR_INIT("Projects-21"), other = STR_INIT("Projects-22"), production = STR_INIT("Environments-1"), test = STR_INIT("Environments-2");

TEST(a_grant_holds_in_its_place_only)
{
    struct access_grant grants[] = {
        { .permissions = permission_bit(REACTION_VIEW) | permission_bit(RUN_VIEW), .space_id = 1 },
        { .permissions = permission_bit(SCRIPT_EDIT), .space_id = 1, .projects = LIST(web_shop) },
        { .permissions = permission_bit(RUN_OUTPUT_VIEW), .space_id = 2, .projects = LIST(web_shop, other), .environments = LIST(production) },
        { .permissions = permission_bit(AUDIT_VIEW) | permission_bit(USER_ADMIN) },
    };
    struct caller c = { .kind = CALLER_SESSION, .grants = grants, .grant_count = COUNT(grants) };
    const struct { const char *claim; enum permission p; struct access_place at; bool may; } rows[] = {
        { "what is granted in a space holds there", REACTION_VIEW, { 1, { 0 }, { 0 } }, true },
        { "and for each of its projects", REACTION_VIEW, { 1, LIST(other), { 0 } }, true },
        { "not in another space", REACTION_VIEW, { 2, { 0 }, { 0 } }, false },
        { "not for the instance", REACTION_VIEW, { 0, { 0 }, { 0 } }, false },
        { "another permission is not given along", FILTER_EDIT, { 1, { 0 }, { 0 } }, false },
        { "what is granted for a project holds for it", SCRIPT_EDIT, { 1, LIST(web_shop), { 0 } }, true },
        { "also where only some environments of it are meant", SCRIPT_EDIT, { 1, LIST(web_shop), LIST(test) }, true },
        { "not for another project", SCRIPT_EDIT, { 1, LIST(other), { 0 } }, false },
        { "not for both together", SCRIPT_EDIT, { 1, LIST(web_shop, other), { 0 } }, false },
        { "not for the whole space", SCRIPT_EDIT, { 1, { 0 }, { 0 } }, false },
        { "two lists must both fit", RUN_OUTPUT_VIEW, { 2, LIST(other), LIST(production) }, true },
        { "the environment too", RUN_OUTPUT_VIEW, { 2, LIST(other), LIST(test) }, false },
        { "no environment known: not within a limit", RUN_OUTPUT_VIEW, { 2, LIST(other), { 0 } }, false },
        { "no project known: not within a limit", RUN_OUTPUT_VIEW, { 2, { 0 }, LIST(production) }, false },
        { "what is granted without a space holds in each", AUDIT_VIEW, { 7, { 0 }, { 0 } }, true },
        { "and for the instance", USER_ADMIN, { 0, { 0 }, { 0 } }, true },
        { "whoever has proven who they are is signed in", PERMISSION_SIGNED_IN, { 0, { 0 }, { 0 } }, true },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(rows[i].claim, caller_may_at(&c, rows[i].p, &rows[i].at), rows[i].may);
    struct access_place lower = { 1, LIST(STR("projects-21")), { 0 } };
    CHECK("ids compare without case", caller_may_at(&c, SCRIPT_EDIT, &lower));
    CHECK("the short form asks the same", caller_may(&c, SCRIPT_EDIT, 1, web_shop) && !caller_may(&c, SCRIPT_EDIT, 1, STR("")));
    CHECK("a project's grant is held somewhere", caller_may_somewhere(&c, SCRIPT_EDIT, 1) && caller_may_somewhere(&c, SCRIPT_EDIT, 0));
    CHECK("but not in another space", !caller_may_somewhere(&c, SCRIPT_EDIT, 2));
    struct caller local = { .grants = grants, .grant_count = 3 };
    CHECK("a space without any grant is not known", caller_knows_space(&local, 1) && caller_knows_space(&local, 2) && !caller_knows_space(&local, 3));
}

TEST(the_two_ends)
{
    struct caller nobody = { .is_anonymous = true }, admin = { .kind = CALLER_ADMIN_KEY, .is_admin = true };
    struct access_place at = { 5, LIST(web_shop), { 0 } };
    for (int p = PERMISSION_ANONYMOUS; p < PERMISSION_COUNT; p++) {
        CHECK_INT(permission_name((enum permission)p), caller_may_at(&nobody, (enum permission)p, &at), p == PERMISSION_ANONYMOUS);
        CHECK_INT(permission_name((enum permission)p), caller_may_at(&admin, (enum permission)p, &at), true);
        CHECK_INT(permission_name((enum permission)p), caller_may_somewhere(&nobody, (enum permission)p, 0), p == PERMISSION_ANONYMOUS);
    }
    CHECK("anonymous knows no space", !caller_knows_space(&nobody, 1));
}

TEST(a_key_narrows_and_never_widens)
{
    struct access_grant out, of = { permission_bit(RUN_VIEW) | permission_bit(SCRIPT_EDIT), 1, LIST(web_shop, other), { 0 } };
    struct access_grant all = { ACCESS_ALL_PERMISSIONS, 0, { 0 }, { 0 } }, one = { permission_bit(RUN_VIEW) | permission_bit(BACKUP), 1, LIST(other), LIST(production) };
    struct access_grant elsewhere = { ACCESS_ALL_PERMISSIONS, 2, { 0 }, { 0 } }, nothing_common = { ACCESS_ALL_PERMISSIONS, 0, LIST(STR("Projects-9")), { 0 } }, no_permission = { permission_bit(BACKUP), 0, { 0 }, { 0 } };
    CHECK("an unlimited key gives what its owner has", access_narrow(&of, &all, &arena, &out) && out.permissions == of.permissions && out.space_id == 1 && out.projects.count == 2);
    CHECK("a limited one gives what both have", access_narrow(&of, &one, &arena, &out) && out.permissions == permission_bit(RUN_VIEW));
    CHECK_INT("the projects both have", out.projects.count, 1);
    CHECK_STR("that one", out.projects.items[0], other);
    CHECK_INT("the environments of the narrower", out.environments.count, 1);
    CHECK("another space gives nothing", !access_narrow(&of, &elsewhere, &arena, &out));
    CHECK("no project in common gives nothing, not everything", !access_narrow(&of, &nothing_common, &arena, &out));
    CHECK("no permission in common gives nothing", !access_narrow(&of, &no_permission, &arena, &out));
    struct caller c = { .grants = &of, .grant_count = 1 };
    struct access_grant within = { permission_bit(RUN_VIEW), 1, LIST(other), { 0 } }, wider = { permission_bit(RUN_VIEW), 1, { 0 }, { 0 } };
    CHECK("one can give away a part of what one has", caller_covers(&c, &within));
    CHECK("but not more projects", !caller_covers(&c, &wider));
    CHECK("nor all permissions", !caller_covers(&c, &(struct access_grant){ ACCESS_ALL_PERMISSIONS, 1, LIST(other), { 0 } }));
}

TEST(limits_for_lists)
{
    struct access_grant grants[] = { { permission_bit(RUN_VIEW), 1, LIST(web_shop), { 0 } }, { permission_bit(RUN_VIEW), 2, { 0 }, { 0 } }, { permission_bit(SCRIPT_VIEW), 1, { 0 }, { 0 } } }, *found;
    struct caller c = { .grants = grants, .grant_count = COUNT(grants) };
    size_t count;
    CHECK("limited where a project is all one has", caller_is_limited(&c, RUN_VIEW, 1, &arena, &found, &count) && count == 1);
    CHECK("not limited where the whole space is granted", !caller_is_limited(&c, RUN_VIEW, 2, &arena, &found, &count));
    CHECK("limited to nothing where nothing is granted", caller_is_limited(&c, RUN_VIEW, 3, &arena, &found, &count) && count == 0);
    arena_fini(&arena);
}

TEST_MAIN()
