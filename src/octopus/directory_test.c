#include "tests/harness/check.h"

#include "octopus/directory.h"

TEST(paths_are_ours)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    static const struct { const char *claim, *id, *want; } rows[] = {
        { "a project", "Projects-21", "/api/Spaces-1/projects/Projects-21" },
        { "a group is no project", "ProjectGroups-1", "/api/Spaces-1/projectgroups/ProjectGroups-1" },
        { "a task", "ServerTasks-9", "/api/Spaces-1/tasks/ServerTasks-9" },
        { "an unknown kind", "Interruptions-1", "" },
        { "a path in an id", "Projects-1/../../users", "" },
        { "a query in an id", "Projects-1?x=1", "" },
        { "nothing", "", "" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].claim, directory_path(STR("Spaces-1"), str_from(rows[i].id), &a), str_from(rows[i].want));
}

TEST_MAIN()
