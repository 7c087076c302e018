#include "tests/harness/check.h"

#include "octopus/event.h"
#include "reaction/octopus_vars.h"

// Octopus, and what it was asked for.
struct octopus {
    struct arena arena;
    struct buf asked;
    bool is_slow;
};

static enum directory_state document(void *ctx, str id, const struct json **doc, bool *is_failing)
{
    static const struct { str id, text; } known[] = {
        { STR_INIT("Projects-1"), STR_INIT("{\"Name\":\"Web\",\"ProjectGroupId\":\"ProjectGroups-1\"}") },
        { STR_INIT("Releases-2"), STR_INIT("{\"Version\":\"2.0\",\"ProjectId\":\"Projects-1\",\"ChannelId\":\"Channels-1\",\"VersionControlReference\":{\"GitRef\":\"refs/tags/v2\",\"GitCommit\":\"ab\"}}") },
        { STR_INIT("Releases-1"), STR_INIT("{\"Version\":\"1.0\"}") },
        { STR_INIT("Deployments-1"), STR_INIT("{\"Name\":\"Deploy\",\"ReleaseId\":\"Releases-2\",\"EnvironmentId\":\"Environments-1\",\"ProjectId\":\"Projects-1\",\"TenantId\":null,\"Created\":\"2026-03-02T09:00:00Z\",\"TaskId\":\"ServerTasks-1\"}") },
        { STR_INIT("RunbookRuns-1"), STR_INIT("{\"Name\":\"Run\",\"RunbookSnapshotId\":\"RunbookSnapshots-1\",\"EnvironmentId\":\"Environments-1\",\"ProjectId\":\"Projects-1\",\"TenantId\":\"Tenants-1\"}") },
        { STR_INIT("RunbookSnapshots-1"), STR_INIT("{\"FrozenProjectVariableSetId\":\"variableset-Projects-1-s-3-A\",\"LibraryVariableSetSnapshotIds\":[\"variableset-Lib-s-1-A\"]}") },
        { STR_INIT("variableset-Projects-1-s-3-A"), STR_INIT("{\"Variables\":[{\"Name\":\"Frozen\",\"Value\":\"everywhere\"},{\"Name\":\"Frozen\",\"Value\":\"here\",\"Scope\":{\"Environment\":[\"Environments-1\"]}},"
          "{\"Name\":\"Tenants\",\"Value\":\"the tenant's\",\"Scope\":{\"Tenant\":[\"Tenants-1\"]}},{\"Name\":\"OnChannel\",\"Value\":\"x\",\"Scope\":{\"Channel\":[\"Channels-1\"]}},"
          "{\"Name\":\"Hidden\",\"Value\":null,\"IsSensitive\":true,\"Type\":\"Sensitive\"}]}") },
        { STR_INIT("variableset-Lib-s-1-A"), STR_INIT("{\"Variables\":[{\"Name\":\"Frozen\",\"Value\":\"the library's\"},{\"Name\":\"Shared\",\"Value\":\"by all\"}]}") },
        { STR_INIT("ServerTasks-1"), STR_INIT("{\"Description\":\"Deploy it\",\"ErrorMessage\":\"disk full\"}") },
        { STR_INIT("Machines-1"), STR_INIT("{\"Name\":\"m\",\"Endpoint\":{\"CommunicationStyle\":\"TentaclePassive\",\"Uri\":\"https://[2001:db8::1]:10933/\"}}") },
        { STR_INIT("Machines-2"), STR_INIT("{\"Name\":\"m\",\"Endpoint\":{\"CommunicationStyle\":\"TentacleActive\",\"Uri\":\"poll://abc/\"}}") },
        { STR_INIT("ReleasesOf-Projects-1.Releases-2"), STR_INIT("{\"Items\":[{\"Id\":\"Releases-3\"},{\"Id\":\"Releases-2\"},{\"Id\":\"Releases-1\"}]}") },
        { STR_INIT("DeploymentsOf-Projects-1.Environments-1.none.Events-1"),
          STR_INIT("{\"Items\":[{\"Id\":\"Deployments-9\",\"ReleaseId\":\"Releases-2\",\"TenantId\":\"Tenants-1\",\"Created\":\"2026-03-02T08:59:00Z\"},{\"Id\":\"Deployments-1\",\"ReleaseId\":\"Releases-2\",\"Created\":\"2026-03-02T09:00:00Z\"},{\"Id\":\"Deployments-0\",\"ReleaseId\":\"Releases-1\",\"Created\":\"2026-03-01T09:00:00Z\"}]}") },
    };
    struct octopus *o = ctx;
    struct json *j;
    *is_failing = false;
    *doc = NULL;
    buf_printf(&o->asked, "%.*s ", STR_ARG(id));
    if (o->is_slow)
        return DIRECTORY_WAITS;
    if (octopus_id_is(id, STR("Channels")))
        return DIRECTORY_REFUSED;
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_eq(known[i].id, id) && json_parse(&o->arena, known[i].text, &j, NULL))
            *doc = j;
    return *doc ? DIRECTORY_HAS : DIRECTORY_GONE;
}

static struct json *event(struct arena *a, const char *ids)
{
    struct json *j = NULL;
    struct err e = { 0 };
    CHECK_OK("the event", json_parse(a, arena_printf(a, "{\"Id\":\"Events-1\",\"Category\":\"DeploymentFailed\",\"Occurred\":\"2026-03-02T09:14:31Z\",\"SpaceId\":\"Spaces-1\",\"RelatedDocumentIds\":[%s]}", ids), &j, &e), &e);
    return j;
}

TEST(a_name_has_a_value_or_a_reason)
{
    static const char whole[] = "\"Deployments-1\"";
    static const struct { const char *claim, *ids, *name, *want; } rows[] = {
        { "what the event leaves out, the deployment knows", whole, "Octopus.Release.Number", "2.0" },
        { "its project too", whole, "Octopus.Project.Name", "Web" },
        { "and its task (issue 6955)", whole, "Octopus.Deployment.Error", "disk full" },
        { "the release before", whole, "Octopus.Release.Previous.Number", "1.0" },
        { "what was here before", whole, "Octopus.Release.PreviousForEnvironment.Number", "1.0" },
        { "what is here now, not a tenant's", whole, "Octopus.Release.CurrentForEnvironment.Number", "2.0" },
        { "a tag is a reference", whole, "Octopus.Release.Git.Ref", "refs/tags/v2" },
        { "and no branch", whole, "Octopus.Release.Git.BranchName", "! the project is not in Git" },
        { "a listening Tentacle has a host", "\"Machines-1\"", "Octopus.Machine.Hostname", "2001:db8::1" },
        { "a polling one has not", "\"Machines-2\"", "Octopus.Machine.Hostname", "! only a listening Tentacle has one" },
        { "what the event does not speak of", "\"Machines-1\"", "Octopus.Release.Number", "! this event speaks of no release" },
        { "what is gone", "\"Environments-7\"", "Octopus.Environment.Name", "! Octopus has no Environments-7 any more" },
        { "what may not be seen", whole, "Octopus.Release.Channel.Name", "! the reader's key may not see Channels-1" },
        { "a runbook's frozen variables, in its environment", "\"RunbookRuns-1\"", "Frozen", "here" },
        { "for its tenant", "\"RunbookRuns-1\"", "Tenants", "the tenant's" },
        { "with the library's", "\"RunbookRuns-1\"", "Shared", "by all" },
        { "a run has no channel", "\"RunbookRuns-1\"", "OnChannel", "! none of its values is scoped to this environment, tenant and channel" },
        { "a sensitive one has no value", "\"RunbookRuns-1\"", "Hidden", "! it is sensitive" },
        { "of a snapshot the event names", "\"RunbookRuns-9\",\"RunbookSnapshots-1\"", "Frozen", "everywhere" },
        { "the server's address", whole, "Octopus.Web.ServerUri", "https://o.example.com" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct octopus o = { 0 };
        struct json *values = json_new_object(&a), *reasons = json_new_object(&a);
        struct data_source d = { .clock = &clock_system, .document = document, .document_ctx = &o, .octopus_url = STR("https://o.example.com") };
        octopus_vars(&d, event(&a, rows[i].ids), (NEEDS_SNAPSHOT << 1) - 1, values, reasons, &a);
        str got = json_str(json_get(values, str_from(rows[i].name)), STR(""));
        if (!got.n)
            got = arena_printf(&a, "! %.*s", STR_ARG(json_str(json_get(reasons, str_from(rows[i].name)), STR(""))));
        CHECK_STR(rows[i].claim, got, str_from(rows[i].want));
        buf_fini(&o.asked);
        arena_fini(&o.arena);
    }
}

TEST(only_what_is_needed_is_asked_for)
{
    static const struct { const char *claim; uint32_t needs; const char *asked; } rows[] = {
        { "nothing", NEEDS_NOTHING, "" },
        { "a release", NEEDS_NOTHING | NEEDS_RELEASE, "Releases-2 " },
        { "a project and its group", NEEDS_NOTHING | NEEDS_PROJECT | NEEDS_GROUP, "Projects-1 ProjectGroups-1 " },
        { "a release's variables ask for no runbook", NEEDS_NOTHING | NEEDS_SNAPSHOT_ALL, "Deployments-1 Releases-2 " },
        { "the project's releases", NEEDS_NOTHING | NEEDS_PREVIOUS, "ReleasesOf-Projects-1.Releases-2 " },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        struct octopus o = { 0 };
        struct data_source d = { .clock = &clock_system, .document = document, .document_ctx = &o };
        CHECK(rows[i].claim, octopus_vars_prepare(&d, event(&a, "\"Deployments-1\",\"Projects-1\",\"Releases-2\",\"Environments-1\""), rows[i].needs));
        CHECK_STR(rows[i].claim, buf_str(&o.asked), str_from(rows[i].asked));
        o.is_slow = true;
        CHECK_INT(rows[i].claim, octopus_vars_prepare(&d, event(&a, "\"Deployments-1\",\"Projects-1\",\"Releases-2\",\"Environments-1\""), rows[i].needs), !rows[i].asked[0]);
        buf_fini(&o.asked);
        arena_fini(&o.arena);
    }
}

TEST_MAIN()
