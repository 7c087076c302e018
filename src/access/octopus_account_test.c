#include "access/octopus_account.h"

#include "tests/harness/check.h"

static struct arena arena;

static str said(const char *me, const char *permissions, str space, const char *project)
{
    struct json *m, *p = NULL;
    struct err e = { 0 };
    str id = str_from(project);
    struct octopus_need need = { STR("notify"), &id, id.n ? 1 : 0 };
    CHECK_OK("the account is read", json_parse(&arena, str_from(me), &m, &e), &e);
    if (permissions)
        CHECK_OK("the permissions are read", json_parse(&arena, str_from(permissions), &p, &e), &e);
    return json_text(&arena, octopus_account_warnings(m, p, space, &need, 1, &arena));
}

#define SERVICE "{\"Username\":\"bot\",\"IsService\":true,\"IsActive\":true}"
#define MAY(entry) "{\"SpacePermissions\":{\"ProjectView\":[" entry "]},\"SystemPermissions\":[],\"IsPermissionsComplete\":true}"
#define CORE "{\"SpaceId\":\"Spaces-1\",\"RestrictedToProjectIds\":[\"Projects-2\"]}"

TEST(nothing_is_said_against_a_modest_service_account)
{
    CHECK_STR("the project is seen", said(SERVICE, MAY(CORE), STR("Spaces-1"), "Projects-2"), STR("[]"));
    CHECK_STR("all are seen", said(SERVICE, MAY("{\"SpaceId\":null}"), STR("Spaces-1"), "Projects-9"), STR("[]"));
    CHECK_STR("groups may hold it", said(SERVICE, MAY("{\"SpaceId\":\"Spaces-1\",\"RestrictedToProjectGroupIds\":[\"ProjectGroups-1\"]}"), STR("Spaces-1"), "Projects-9"), STR("[]"));
}

TEST(what_is_wrong_is_said)
{
    CHECK("a person", str_find(said("{\"IsActive\":true}", MAY(CORE), STR("Spaces-1"), ""), STR("not a service account")) >= 0);
    CHECK("a disabled account", str_find(said("{\"IsService\":true,\"IsActive\":false}", MAY(CORE), STR("Spaces-1"), ""), STR("disabled")) >= 0);
    CHECK("rights that are not told", str_find(said(SERVICE, NULL, STR("Spaces-1"), ""), STR("not known")) >= 0);
    CHECK("nor wholly", str_find(said(SERVICE, "{\"SystemPermissions\":[\"AdministerSystem\"],\"IsPermissionsComplete\":false}", STR("Spaces-1"), ""), STR("not known")) >= 0);
    CHECK("an administrator", str_find(said(SERVICE, "{\"SystemPermissions\":[\"AdministerSystem\"],\"IsPermissionsComplete\":true}", STR("Spaces-1"), ""), STR("AdministerSystem")) >= 0);
    CHECK("no space", str_find(said(SERVICE, MAY(CORE), STR(""), ""), STR("space")) >= 0);
    CHECK("another space", str_find(said(SERVICE, MAY(CORE), STR("Spaces-2"), ""), STR("no project")) >= 0);
    CHECK("a project it does not see, with the reaction's name", str_find(said(SERVICE, MAY(CORE), STR("Spaces-1"), "Projects-3"), STR("Projects-3 (ProjectView), which the reaction \\\"notify\\\"")) >= 0);
}

static str said_of_script(const char *more, const char *script)
{
    struct json *m, *p;
    struct err e = { 0 };
    struct octopus_need need = { .reaction = STR("publish"), .script = str_from(script) };
    str permissions = arena_printf(&arena, "{\"SpacePermissions\":{\"ProjectView\":[{\"SpaceId\":null}]%s},\"SystemPermissions\":[],\"IsPermissionsComplete\":true}", more);
    CHECK_OK("the documents", json_parse(&arena, STR(SERVICE), &m, &e) && json_parse(&arena, permissions, &p, &e), &e);
    return json_text(&arena, octopus_account_warnings(m, p, STR("Spaces-1"), &need, 1, &arena));
}

TEST(what_a_script_needs_and_the_account_has_not)
{
    CHECK_STR("it has it", said_of_script(",\"ReleaseCreate\":[{\"SpaceId\":\"Spaces-1\"}]", "New-OctopusRelease web"), STR("[]"));
    CHECK_STR("it has it not", said_of_script("", "New-OctopusRelease web"), STR("[\"the account has no ReleaseCreate, which the script of the reaction \\\"publish\\\" needs for New-OctopusRelease\"]"));
    CHECK("in another space only", str_find(said_of_script(",\"ReleaseCreate\":[{\"SpaceId\":\"Spaces-2\"}]", "New-OctopusRelease web"), STR("ReleaseCreate")) >= 0);
    CHECK("taken away altogether", str_find(said_of_script(",\"ReleaseCreate\":[]", "New-OctopusRelease web"), STR("ReleaseCreate")) >= 0);
    CHECK_STR("what a script does not name it need not have", said_of_script("", "'hello'"), STR("[]"));
}

TEST(nothing_stays)
{
    arena_fini(&arena);
}

TEST_MAIN()
