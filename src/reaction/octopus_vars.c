#include "reaction/octopus_vars.h"

#include "octopus/event.h"

struct look {
    const struct data_source *data;
    struct octopus_event event;
    struct arena *arena;
    uint32_t needs;
    bool is_waiting;
    struct json *values, *reasons; // NULL while only asking
};

// What was asked for: a document, or why there is none.
struct asked {
    const struct json *doc;
    str id, reason;
};

static str text_of(const struct json *doc, const char *name)
{
    return json_str(json_get(doc, str_from(name)), STR(""));
}

static bool needs(const struct look *l, uint32_t bits)
{
    return (l->needs & bits) == bits;
}

static struct asked ask(struct look *l, str id, uint32_t bit, const char *what)
{
    struct asked out = { .id = id };
    const struct json *doc = NULL;
    bool is_failing = false;
    if (!id.n) {
        out.reason = arena_printf(l->arena, "this event speaks of no %s", what);
        return out;
    }
    if (!needs(l, bit) || !l->data->document)
        return out;
    switch (l->data->document(l->data->document_ctx, id, &doc, &is_failing)) {
    case DIRECTORY_HAS: out.doc = doc; break;
    case DIRECTORY_GONE: out.reason = arena_printf(l->arena, "Octopus has no %.*s any more", STR_ARG(id)); break;
    case DIRECTORY_REFUSED: out.reason = arena_printf(l->arena, "the reader's key may not see %.*s", STR_ARG(id)); break;
    case DIRECTORY_WAITS:
        l->is_waiting = true;
        out.reason = arena_printf(l->arena, "Octopus did not answer about %.*s", STR_ARG(id));
    }
    return out;
}

static void put(struct look *l, const char *name, str value, str reason)
{
    if (!l->values && !l->reasons)
        return;
    if (l->data->names && !octopus_names_may_hold(l->data->names, str_from(name)))
        return;
    if (l->values && value.n)
        json_put(l->values, str_from(name), json_new_string(l->arena, arena_str(l->arena, value)));
    else if (l->reasons)
        json_put(l->reasons, str_from(name), json_new_string(l->arena, reason.n ? arena_str(l->arena, reason) : STR("Octopus has no value for it")));
}

static void put_field(struct look *l, const char *name, const struct asked *from, const char *field)
{
    put(l, name, text_of(from->doc, field), from->doc ? STR("") : from->reason);
}

static str list_text(struct look *l, const struct json *list)
{
    CLEANUP(buf_fini) struct buf out = { 0 };
    if (!json_is(list, JSON_ARRAY))
        return STR("");
    json_each(item, list)
    {
        if (out.n)
            buf_add_char(&out, ',');
        buf_add(&out, json_str(item, STR("")));
    }
    return arena_str(l->arena, buf_str(&out));
}

static str number_text(struct look *l, const struct json *number)
{
    return json_is(number, JSON_NUMBER) ? arena_str(l->arena, number->text) : STR("");
}

// The name of the moment where the document is not at hand.
static str name_of(struct look *l, const struct asked *a, const char *field)
{
    str now = text_of(a->doc, field);
    return now.n ? now : octopus_event_name(&l->event, a->id, l->arena);
}

static str first_of(struct look *l, const char *type, const struct asked *otherwise, const char *field)
{
    str id = octopus_event_first(&l->event, str_from(type));
    return id.n || !otherwise ? id : arena_str(l->arena, text_of(otherwise->doc, field));
}

static void creator(struct look *l, const char *prefix, const struct asked *of)
{
    struct arena *a = l->arena;
    str id = arena_str(a, text_of(of->doc, "DeployedById"));
    struct asked user = ask(l, id, NEEDS_CREATOR, "user who asked for it");
    put(l, arena_printf(a, "%s.Id", prefix).p, id, of->reason);
    str username = text_of(of->doc, "DeployedBy");
    put(l, arena_printf(a, "%s.Username", prefix).p, username.n ? username : text_of(user.doc, "Username"), of->reason);
    if (!needs(l, NEEDS_CREATOR))
        return;
    put_field(l, arena_printf(a, "%s.DisplayName", prefix).p, &user, "DisplayName");
    put_field(l, arena_printf(a, "%s.EmailAddress", prefix).p, &user, "EmailAddress");
}

static void release_of(struct look *l, const char *prefix, str release_id, str reason)
{
    struct asked release = ask(l, release_id, NEEDS_RELEASE, "earlier release");
    put(l, arena_printf(l->arena, "Octopus.Release.%s.Id", prefix).p, release_id, reason);
    put(l, arena_printf(l->arena, "Octopus.Release.%s.Number", prefix).p, text_of(release.doc, "Version"), release_id.n ? release.reason : reason);
}

// The release of the project that was made before this one.
static void previous_release(struct look *l, str project_id, str release_id)
{
    struct asked list = { .reason = STR("this event speaks of no release") };
    str found = STR("");
    bool is_behind = false;
    if (project_id.n && release_id.n)
        list = ask(l, arena_printf(l->arena, "ReleasesOf-%.*s.%.*s", STR_ARG(project_id), STR_ARG(release_id)), NEEDS_PREVIOUS, "release");
    json_each(item, json_get(list.doc, STR("Items")))
    {
        if (is_behind && !found.n)
            found = arena_str(l->arena, text_of(item, "Id"));
        is_behind = is_behind || str_eq_nocase(text_of(item, "Id"), release_id);
    }
    release_of(l, "Previous", found, list.doc ? STR("it is the project's first release") : list.reason);
}

// What was deployed successfully to the environment (and tenant): now, and before this deployment.
static void releases_here(struct look *l, str project_id, str environment_id, str tenant_id, const struct asked *deployment)
{
    struct asked list = { .reason = STR("this event speaks of no deployment to an environment") };
    uint32_t bits = l->needs & (NEEDS_PREVIOUS_HERE | NEEDS_CURRENT_HERE);
    str current = STR(""), before = STR("");
    if (project_id.n && environment_id.n)
        list = ask(l, arena_printf(l->arena, "DeploymentsOf-%.*s.%.*s.%.*s.%.*s", STR_ARG(project_id), STR_ARG(environment_id), STR_ARG(tenant_id.n ? tenant_id : STR("none")), STR_ARG(l->event.id)), bits, "deployment");
    str created = text_of(deployment->doc, "Created");
    json_each(item, json_get(list.doc, STR("Items")))
    {
        bool is_this = str_eq_nocase(text_of(item, "Id"), deployment->id), is_tenants = str_eq_nocase(text_of(item, "TenantId"), tenant_id);
        str release = text_of(item, "ReleaseId");
        if (!is_tenants)
            continue;
        if (!current.n)
            current = arena_str(l->arena, release);
        // Times of one server compare as text.
        if (!before.n && !is_this && (!created.n || str_cmp(text_of(item, "Created"), created) < 0))
            before = arena_str(l->arena, release);
    }
    if (needs(l, NEEDS_PREVIOUS_HERE))
        release_of(l, "PreviousForEnvironment", before, list.doc ? STR("nothing was deployed there before") : list.reason);
    if (needs(l, NEEDS_CURRENT_HERE))
        release_of(l, "CurrentForEnvironment", current, list.doc ? STR("nothing is deployed there") : list.reason);
}

static void project_variables(struct look *l, const struct asked *project)
{
    if (!needs(l, NEEDS_PROJECT) && !project->id.n)
        return;
    struct arena *a = l->arena;
    put(l, "Octopus.Project.Id", project->id, project->reason);
    put(l, "Octopus.Project.Name", name_of(l, project, "Name"), project->reason);
    put(l, "Octopus.Project.Slug", text_of(project->doc, "Slug"), project->reason);
    put(l, "Octopus.Web.ProjectLink", text_of(json_get(project->doc, STR("Links")), "Web"), project->reason);
    str group_id = arena_str(a, text_of(project->doc, "ProjectGroupId"));
    put(l, "Octopus.ProjectGroup.Id", group_id, project->reason);
    struct asked group = ask(l, group_id, NEEDS_GROUP, "project group");
    if (needs(l, NEEDS_GROUP))
        put(l, "Octopus.ProjectGroup.Name", text_of(group.doc, "Name"), project->doc ? group.reason : project->reason);
}

static void release_variables(struct look *l, const struct asked *release)
{
    struct arena *a = l->arena;
    const struct json *git = json_get(release->doc, STR("VersionControlReference")), *custom = json_get(release->doc, STR("CustomFields"));
    str not_git = release->doc ? STR("the project is not in Git") : release->reason;
    put(l, "Octopus.Release.Id", release->id, release->reason);
    put(l, "Octopus.Release.Number", name_of(l, release, "Version"), release->reason);
    put_field(l, "Octopus.Release.Notes", release, "ReleaseNotes");
    put_field(l, "Octopus.Release.Created", release, "Assembled");
    str branch = text_of(git, "GitRef");
    put(l, "Octopus.Release.Git.Ref", branch, not_git);
    put(l, "Octopus.Release.Git.BranchName", str_starts(branch, STR("refs/heads/")) ? str_skip(branch, 11) : str_starts(branch, STR("refs/")) ? STR("") : branch, not_git);
    put(l, "Octopus.Release.Git.CommitHash", text_of(git, "GitCommit"), not_git);
    json_each(field, custom)
        put(l, arena_printf(a, "Octopus.Release.CustomFields[%.*s]", STR_ARG(field->name)).p, json_str(field, STR("")), STR("the field is empty"));
    put(l, "Octopus.Web.ReleaseLink", text_of(json_get(release->doc, STR("Links")), "Web"), release->reason);
    str channel_id = first_of(l, "Channels", release, "ChannelId");
    struct asked channel = ask(l, channel_id, NEEDS_CHANNEL, "channel");
    put(l, "Octopus.Release.Channel.Id", channel_id, channel.reason);
    put(l, "Octopus.Release.Channel.Name", name_of(l, &channel, "Name"), channel.reason);
}

static void deployment_variables(struct look *l, const struct asked *deployment, const struct asked *task)
{
    put(l, "Octopus.Deployment.Id", deployment->id, deployment->reason);
    put(l, "Octopus.Deployment.Name", name_of(l, deployment, "Name"), deployment->reason);
    put_field(l, "Octopus.Deployment.Comments", deployment, "Comments");
    put_field(l, "Octopus.Deployment.Created", deployment, "Created");
    put(l, "Octopus.Deployment.Machines", list_text(l, json_get(deployment->doc, STR("DeployedToMachineIds"))), deployment->reason);
    put(l, "Octopus.Deployment.SpecificMachines", list_text(l, json_get(deployment->doc, STR("SpecificMachineIds"))), deployment->reason);
    put(l, "Octopus.Deployment.ExcludedMachines", list_text(l, json_get(deployment->doc, STR("ExcludedMachineIds"))), deployment->reason);
    put(l, "Octopus.Web.DeploymentLink", text_of(json_get(deployment->doc, STR("Links")), "Web"), deployment->reason);
    creator(l, "Octopus.Deployment.CreatedBy", deployment);
    str error = text_of(task->doc, "ErrorMessage"), none = task->doc ? STR("the deployment has no error") : task->reason;
    put(l, "Octopus.Deployment.Error", error, none);
    put(l, "Octopus.Deployment.ErrorDetail", error, none);
}

// The host part of "https://host:10933/"; a polling Tentacle ("poll://...") has none that could be reached.
static str hostname(str uri)
{
    ptrdiff_t at = str_find(uri, STR("://"));
    if (at < 0 || str_starts_nocase(uri, STR("poll")))
        return STR("");
    uri = str_skip(uri, (size_t)at + 3);
    size_t n = 0;
    bool is_six = uri.n && uri.p[0] == '[';
    while (n < uri.n && uri.p[n] != '/' && (is_six ? uri.p[n] != ']' : uri.p[n] != ':'))
        n++;
    return is_six ? str_sub(uri, 1, n - 1) : str_sub(uri, 0, n);
}

static void machine_variables(struct look *l)
{
    struct asked machine = ask(l, octopus_event_first(&l->event, STR("Machines")), NEEDS_MACHINE, "machine");
    const struct json *endpoint = json_get(machine.doc, STR("Endpoint"));
    bool listens = str_eq_nocase(text_of(endpoint, "CommunicationStyle"), STR("TentaclePassive"));
    put(l, "Octopus.Machine.Id", machine.id, machine.reason);
    put(l, "Octopus.Machine.Name", name_of(l, &machine, "Name"), machine.reason);
    put(l, "Octopus.Machine.Roles", list_text(l, json_get(machine.doc, STR("Roles"))), machine.reason);
    put(l, "Octopus.Machine.Hostname", listens ? hostname(text_of(endpoint, "Uri")) : STR(""), machine.doc ? STR("only a listening Tentacle has one") : machine.reason);
}

static void runbook_variables(struct look *l)
{
    struct asked run = ask(l, octopus_event_first(&l->event, STR("RunbookRuns")), NEEDS_RUNBOOK_RUN, "runbook run");
    struct asked runbook = ask(l, first_of(l, "Runbooks", &run, "RunbookId"), NEEDS_RUNBOOK, "runbook");
    put(l, "Octopus.Runbook.Id", runbook.id, runbook.reason);
    put(l, "Octopus.Runbook.Name", name_of(l, &runbook, "Name"), runbook.reason);
    put(l, "Octopus.RunbookRun.Id", run.id, run.reason);
    put(l, "Octopus.RunbookRun.Name", name_of(l, &run, "Name"), run.reason);
    put_field(l, "Octopus.RunbookRun.Comments", &run, "Comments");
    put_field(l, "Octopus.RunbookRun.Created", &run, "Created");
    if (needs(l, NEEDS_RUNBOOK_RUN))
        creator(l, "Octopus.RunbookRun.CreatedBy", &run);
}

// The project's variables as a release or a runbook's snapshot froze them, then the library's.
static void snapshot_variables(struct look *l, const struct json *frozen, const char *own_field, const struct octopus_scope *scope)
{
    struct arena *a = l->arena;
    const struct json *libraries = json_get(frozen, STR("LibraryVariableSetSnapshotIds"));
    size_t most = 1 + (json_is(libraries, JSON_ARRAY) ? libraries->count : 0), count = 0;
    const struct json **sets = ARENA_ARRAY(a, const struct json *, most);
    if (!frozen)
        return;
    struct asked own = ask(l, arena_str(a, text_of(frozen, own_field)), NEEDS_SNAPSHOT, "variables");
    if (own.doc)
        sets[count++] = own.doc;
    json_each(library, libraries)
    {
        struct asked one = ask(l, arena_str(a, json_str(library, STR(""))), NEEDS_SNAPSHOT, "variables");
        if (one.doc && count < most)
            sets[count++] = one.doc;
    }
    if (l->values)
        octopus_snapshot_variables(sets, count, scope, l->data->clock, l->values, l->reasons, a);
}

static void look_up(struct look *l)
{
    struct arena *a = l->arena;
    struct asked deployment = ask(l, octopus_event_first(&l->event, STR("Deployments")), NEEDS_DEPLOYMENT, "deployment");
    struct asked run = ask(l, octopus_event_first(&l->event, STR("RunbookRuns")), NEEDS_RUNBOOK_RUN, "runbook run");
    struct asked release = ask(l, first_of(l, "Releases", &deployment, "ReleaseId"), NEEDS_RELEASE, "release");
    str project_id = octopus_event_project(&l->event);
    if (!project_id.n)
        project_id = arena_str(a, text_of(release.doc ? release.doc : deployment.doc ? deployment.doc : run.doc, "ProjectId"));
    struct asked project = ask(l, project_id, NEEDS_PROJECT, "project");
    str environment_id = first_of(l, "Environments", deployment.doc ? &deployment : &run, "EnvironmentId");
    struct asked environment = ask(l, environment_id, NEEDS_ENVIRONMENT, "environment");
    struct asked tenant = ask(l, first_of(l, "Tenants", deployment.doc ? &deployment : &run, "TenantId"), NEEDS_TENANT, "tenant");
    // Some versions leave the task out of DeploymentSucceeded (issue 6955).
    struct asked task = ask(l, first_of(l, "ServerTasks", deployment.doc ? &deployment : &run, "TaskId"), NEEDS_TASK, "task");
    str space_id = l->event.space_id;
    struct asked space = ask(l, space_id, NEEDS_SPACE, "space");

    put(l, "Octopus.Space.Id", space_id, space.reason);
    if (needs(l, NEEDS_SPACE))
        put_field(l, "Octopus.Space.Name", &space, "Name");
    project_variables(l, &project);
    release_variables(l, &release);
    deployment_variables(l, &deployment, &task);
    put(l, "Octopus.Deployment.Tenant.Id", tenant.id, tenant.reason);
    put(l, "Octopus.Deployment.Tenant.Name", name_of(l, &tenant, "Name"), tenant.reason);
    put(l, "Octopus.Deployment.Tenant.Tags", list_text(l, json_get(tenant.doc, STR("TenantTags"))), tenant.reason);
    put(l, "Octopus.Environment.Id", environment_id, environment.reason);
    put(l, "Octopus.Environment.Name", name_of(l, &environment, "Name"), environment.reason);
    put(l, "Octopus.Environment.SortOrder", number_text(l, json_get(environment.doc, STR("SortOrder"))), environment.reason);
    put(l, "Octopus.Task.Id", task.id, task.reason);
    put(l, "Octopus.Task.Name", name_of(l, &task, "Description"), task.reason);
    put_field(l, "Octopus.Task.QueueTime", &task, "QueueTime");
    machine_variables(l);
    runbook_variables(l);
    put(l, "Octopus.Web.ServerUri", l->data->octopus_url, STR("the connection is gone"));
    put(l, "Octopus.Web.BaseUrl", l->data->octopus_url, STR("the connection is gone"));
    if (needs(l, NEEDS_PREVIOUS))
        previous_release(l, project_id, release.id);
    if (l->needs & (NEEDS_PREVIOUS_HERE | NEEDS_CURRENT_HERE))
        releases_here(l, project_id, environment_id, tenant.id, &deployment);
    if (!needs(l, NEEDS_SNAPSHOT))
        return;
    const struct json *tags = json_get(tenant.doc, STR("TenantTags"));
    if (run.id.n) {
        struct asked frozen = ask(l, first_of(l, "RunbookSnapshots", &run, "RunbookSnapshotId"), NEEDS_SNAPSHOT, "runbook snapshot");
        snapshot_variables(l, frozen.doc, "FrozenProjectVariableSetId", &(struct octopus_scope){ environment_id, STR(""), tenant.id, tags });
    } else {
        str channel_id = first_of(l, "Channels", &release, "ChannelId");
        snapshot_variables(l, release.doc, "ProjectVariableSetSnapshotId", &(struct octopus_scope){ deployment.id.n ? environment_id : STR(""), channel_id, tenant.id, tags });
    }
}

bool octopus_vars_prepare(const struct data_source *d, const struct json *payload, uint32_t needs)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct look l = { .data = d, .arena = &a, .needs = needs ? needs : NEEDS_NAMES };
    if (l.needs == NEEDS_NOTHING)
        return true;
    if (!octopus_event_read(payload, &l.event, NULL))
        return true;
    look_up(&l);
    return !l.is_waiting;
}

void octopus_vars(const struct data_source *d, const struct json *payload, uint32_t needs, struct json *values, struct json *reasons, struct arena *a)
{
    struct look l = { .data = d, .arena = a, .needs = needs ? needs : NEEDS_NAMES, .values = values, .reasons = reasons };
    if (d->names && !d->names->count)
        return;
    if (octopus_event_read(payload, &l.event, NULL))
        look_up(&l);
}
