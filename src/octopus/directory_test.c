#include "tests/harness/check.h"

#include "octopus/directory.h"

TEST(paths_are_ours)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    static const struct { const char *claim, *id, *want; } rows[] = {
        { "a project", "Projects-21", "/api/Spaces-1/projects/Projects-21" },
        { "a group is no project", "ProjectGroups-1", "/api/Spaces-1/projectgroups/ProjectGroups-1" },
        { "a task", "ServerTasks-9", "/api/tasks/ServerTasks-9" },
        { "a user has no space", "Users-9", "/api/users/Users-9" },
        { "a runbook's snapshot", "RunbookSnapshots-61", "/api/Spaces-1/runbookSnapshots/RunbookSnapshots-61" },
        { "a snapshot of variables", "variableset-Projects-21-s-2-DE34F", "/api/Spaces-1/variables/variableset-Projects-21-s-2-DE34F" },
        { "a project's releases", "ReleasesOf-Projects-21.Releases-3", "/api/Spaces-1/projects/Projects-21/releases?skip=0&take=100" },
        { "what was deployed", "DeploymentsOf-Projects-21.Environments-1.none.Events-3", "/api/Spaces-1/deployments?projects=Projects-21&environments=Environments-1&taskState=Success&skip=0&take=30" },
        { "to a tenant", "DeploymentsOf-Projects-21.Environments-1.Tenants-2.Events-3", "/api/Spaces-1/deployments?projects=Projects-21&environments=Environments-1&tenants=Tenants-2&taskState=Success&skip=0&take=30" },
        { "who is called so", "NamesOf-Projects.5765622053686f70", "/api/Spaces-1/projects?partialName=Web%20Shop&skip=0&take=200" },
        { "asked anew", "NamesOf-Projects.5765622053686f70.1a2b", "/api/Spaces-1/projects?partialName=Web%20Shop&skip=0&take=200" },
        { "who has that slug or id", "SlugOf-Projects.50726f6a656374732d31.1a2b", "/api/Spaces-1/projects/Projects-1" },
        { "a user, who has no space", "NamesOf-Users.616c696365", "/api/users?filter=alice&skip=0&take=200" },
        { "no hex", "NamesOf-Projects.xyz", "" },
        { "half a question", "DeploymentsOf-Projects-21.Environments-1", "" },
        { "a path in a question", "ReleasesOf-Projects-21/x.Releases-3", "" },
        { "dots in an id", "Projects-21..", "" },
        { "an unknown kind", "Interruptions-1", "" },
        { "a path in an id", "Projects-1/../../users", "" },
        { "a query in an id", "Projects-1?x=1", "" },
        { "nothing", "", "" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_STR(rows[i].claim, directory_path(STR("Spaces-1"), str_from(rows[i].id), &a), str_from(rows[i].want));
}

TEST_MAIN()
