#include "access/octopus_use.h"

#include "tests/harness/check.h"

static struct arena arena;

static str pattern(const char *path)
{
    return octopus_path_pattern(&arena, str_from(path));
}

TEST(a_path_loses_what_is_particular)
{
    CHECK_STR("space, document and query", pattern("/api/Spaces-1/releases/Releases-7?x=1"), STR("releases/{id}"));
    CHECK_STR("a name in the place of an id", pattern("/api/Spaces-1/projects/web-shop/releases"), STR("projects/{id}/releases"));
    CHECK_STR("words stay", pattern("/api/Spaces-1/deployments/create/untenanted/v1"), STR("deployments/create/untenanted/v1"));
    CHECK_STR("without a space", pattern("/api/users/me"), STR("users/me"));
    CHECK_STR("the root", pattern("/api"), STR(""));
    CHECK_STR("nothing", pattern(""), STR(""));
    arena_fini(&arena);
}

TEST(each_call_needs_its_permission)
{
    CHECK_STR("reading", str_from(octopus_permission_of(STR("GET"), STR("releases/{id}"))), STR("ReleaseView"));
    CHECK_STR("creating", str_from(octopus_permission_of(STR("POST"), STR("releases"))), STR("ReleaseCreate"));
    CHECK_STR("the more special first", str_from(octopus_permission_of(STR("GET"), STR("projects/{id}/channels"))), STR("ProcessView"));
    CHECK_STR("none is needed", str_from(octopus_permission_of(STR("GET"), STR("users/me"))), STR(""));
    CHECK("whole segments only", !octopus_permission_of(STR("GET"), STR("projectsx")));
    CHECK("what is not known is not guessed", !octopus_permission_of(STR("DELETE"), STR("workers/{id}")));
}

static str needs(const char *script)
{
    struct octopus_script_need found[OCTOPUS_SCRIPT_NEEDS_MAX];
    str out = STR("");
    size_t count = octopus_script_needs(str_from(script), found);
    for (size_t i = 0; i < count; i++)
        out = arena_printf(&arena, "%.*s%s%s", STR_ARG(out), i ? " " : "", found[i].permission);
    return out;
}

TEST(a_script_needs_what_its_commands_need)
{
    CHECK_STR("one command", needs("New-OctopusRelease -Project web"), STR("ReleaseCreate"));
    CHECK_STR("in any case, each once", needs("$r = new-octopusrelease; NEW-OctopusRelease; Get-OctopusProject x"), STR("ReleaseCreate ProjectView"));
    CHECK_STR("in a pipe, a block, brackets", needs("(Get-OctopusMachine)|%{Wait-OctopusTask $_}"), STR("MachineView TaskView"));
    CHECK_STR("a longer name is another", needs("New-OctopusReleaseNotes; My-New-OctopusRelease; Get-OctopusProjectX"), STR(""));
    CHECK_STR("none", needs("'hello'"), STR(""));
    CHECK_STR("nothing", needs(""), STR(""));
    arena_fini(&arena);
}

TEST_MAIN()
