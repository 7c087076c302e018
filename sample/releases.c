#include "sample/releases.h"

#include "sample/packages.h"
#include "sample/routes.h"
#include "sample/version.h"

struct package_need *process_needs(struct arena *a, const struct doc *process, size_t *count)
{
    struct package_need *needs;
    size_t max = 0;

    *count = 0;
    json_each(step, doc_field(process, "Steps"))
        json_each(action, json_get(step, STR("Actions")))
            max += json_get(action, STR("Packages")) ? json_get(action, STR("Packages"))->count : 0;
    needs = ARENA_ARRAY(a, struct package_need, max + 1);
    json_each(step, doc_field(process, "Steps"))
        json_each(action, json_get(step, STR("Actions"))) {
            if (json_bool(json_get(action, STR("IsDisabled")), false))
                continue;
            json_each(package, json_get(action, STR("Packages")))
                needs[(*count)++] = (struct package_need){
                    .step_name = json_str(json_get(step, STR("Name")), STR("")),
                    .action_name = json_str(json_get(action, STR("Name")), STR("")),
                    .reference_name = json_str(json_get(package, STR("Name")), STR("")),
                    .package_id = json_str(json_get(package, STR("PackageId")), STR("")),
                    .feed_id = json_str(json_get(package, STR("FeedId")), STR("")),
                    .fixed_version = json_str(json_get(package, STR("Version")), STR("")),
                };
        }
    return needs;
}

const struct doc *process_of(const struct model *m, const struct doc *project)
{
    return model_get_kind(m, KIND_PROCESS, doc_str(project, "DeploymentProcessId"));
}

static str snapshot_of(struct model *m, struct arena *a, enum kind_id kind, str id, str frozen_by)
{
    const struct doc *d = model_get_kind(m, kind, id);
    int64_t version = 0;

    if (!d)
        return STR("");
    json_i64(doc_field(d, "Version"), &version);
    struct json *copy = model_edit(a, d);
    // Releases-301 and RunbookSnapshots-301 each have their own.
    str number = str_skip(frozen_by, (size_t)(str_find_char(frozen_by, '-') + 1));
    str snapshot = arena_printf(a, "%.*s-s-%" PRId64 "-%s%.*s", STR_ARG(d->id), version, str_starts(frozen_by, STR("Runbook")) ? "R" : "", STR_ARG(number));
    json_put(copy, STR("Id"), json_new_string(a, snapshot));
    json_put(copy, STR("_IsSnapshot"), json_new_bool(a, true));
    model_put(m, kind, copy);
    return snapshot;
}

static void take_libraries(struct model *m, struct arena *a, const struct doc *project, str frozen_by, struct json *into)
{
    struct json *libraries = json_new_array(a);

    json_each(library, doc_field(project, "IncludedLibraryVariableSetIds")) {
        const struct doc *set = model_get_kind(m, KIND_LIBRARY_SET, json_str(library, STR("")));

        if (set)
            json_push(libraries, json_new_string(a, snapshot_of(m, a, KIND_VARIABLE_SET, doc_str(set, "VariableSetId"), frozen_by)));
    }
    json_put(into, STR("LibraryVariableSetSnapshotIds"), libraries);
}

void release_take_snapshots(struct model *m, struct arena *a, struct json *release)
{
    const struct doc *project = model_get_kind(m, KIND_PROJECT, json_str(json_get(release, STR("ProjectId")), STR("")));
    str id = json_str(json_get(release, STR("Id")), STR(""));

    if (!project)
        return;
    json_put(release, STR("ProjectDeploymentProcessSnapshotId"), json_new_string(a, snapshot_of(m, a, KIND_PROCESS, doc_str(project, "DeploymentProcessId"), id)));
    json_put(release, STR("ProjectVariableSetSnapshotId"), json_new_string(a, snapshot_of(m, a, KIND_VARIABLE_SET, doc_str(project, "VariableSetId"), id)));
    take_libraries(m, a, project, id, release);
}

void runbook_take_snapshots(struct model *m, struct arena *a, struct json *frozen)
{
    const struct doc *project = model_get_kind(m, KIND_PROJECT, json_str(json_get(frozen, STR("ProjectId")), STR("")));
    str id = json_str(json_get(frozen, STR("Id")), STR(""));

    if (!project)
        return;
    json_put(frozen, STR("FrozenProjectVariableSetId"), json_new_string(a, snapshot_of(m, a, KIND_VARIABLE_SET, doc_str(project, "VariableSetId"), id)));
    take_libraries(m, a, project, id, frozen);
}

struct doc *release_latest(const struct model *m, str project_id, str channel_id)
{
    for (size_t i = model_count(m, KIND_RELEASE); i > 0; i--) {
        struct doc *d = model_at(m, KIND_RELEASE, i - 1);

        if (str_eq_nocase(doc_str(d, "ProjectId"), project_id) && (!channel_id.n || str_eq_nocase(doc_str(d, "ChannelId"), channel_id)))
            return d;
    }
    return NULL;
}

struct doc *release_by_version(const struct model *m, str project_id, str version)
{
    for (size_t i = 0; i < model_count(m, KIND_RELEASE); i++) {
        struct doc *d = model_at(m, KIND_RELEASE, i);

        if (str_eq_nocase(doc_str(d, "ProjectId"), project_id) && str_eq_nocase(doc_str(d, "Version"), version))
            return d;
    }
    return NULL;
}

struct doc *find_by_any_name(const struct model *m, enum kind_id kind, str space, str text)
{
    struct doc *d = model_get_kind(m, kind, text);

    if (d)
        return str_eq_nocase(doc_space(d), space) ? d : NULL;
    d = kinds[kind].has_slug && text.n ? model_find(m, kind, space, "Slug", text) : NULL;
    return d || !text.n ? d : model_find(m, kind, space, "Name", text);
}

struct doc *find_channel(const struct model *m, const struct doc *project, str text)
{
    for (size_t i = 0; i < model_count(m, KIND_CHANNEL); i++) {
        struct doc *d = model_at(m, KIND_CHANNEL, i);

        if (!str_eq_nocase(doc_str(d, "ProjectId"), project->id))
            continue;
        if (text.n ? str_eq_nocase(d->id, text) || str_eq_nocase(doc_str(d, "Name"), text) || str_eq_nocase(doc_str(d, "Slug"), text) : doc_bool(d, "IsDefault"))
            return d;
    }
    return NULL;
}

// ---- creating

static str selected_version(const struct json *selected, const struct package_need *need)
{
    json_each(one, selected) {
        str action = json_str(json_get_nocase(one, STR("ActionName")), json_str(json_get_nocase(one, STR("StepName")), STR("")));

        if ((str_eq_nocase(action, need->action_name) || str_eq_nocase(action, need->step_name)) && str_eq_nocase(json_str(json_get_nocase(one, STR("PackageReferenceName")), STR("")), need->reference_name))
            return json_str(json_get_nocase(one, STR("Version")), STR(""));
    }
    return STR("");
}

// The selection as the release keeps it: one row for each package of the process. NULL (answered)
// where one has no version.
static struct json *check_selection(struct call *c, const struct doc *project, const struct json *selected)
{
    struct json *rows = json_new_array(c->a), *errors = json_new_array(c->a);
    size_t count;
    struct package_need *needs = process_needs(c->a, process_of(c->sample->model, project), &count);

    for (size_t i = 0; i < count; i++) {
        str version = selected_version(selected, &needs[i]);

        version = version.n ? version : needs[i].fixed_version;
        if (!version.n) {
            json_push(errors, json_new_string(c->a, arena_printf(c->a, "A version must be specified for the package '%.*s' of the step '%.*s'.", STR_ARG(needs[i].package_id), STR_ARG(needs[i].action_name))));
            continue;
        }
        if (!version_is_valid(version)) {
            json_push(errors, json_new_string(c->a, arena_printf(c->a, "'%.*s' is not a valid version for the package '%.*s' of the step '%.*s'.", STR_ARG(version), STR_ARG(needs[i].package_id), STR_ARG(needs[i].action_name))));
            continue;
        }
        struct json *row = json_push(rows, json_new_object(c->a));
        json_add_str(c->a, row, "ActionName", needs[i].action_name);
        json_add_str(c->a, row, "PackageReferenceName", needs[i].reference_name);
        json_add_str(c->a, row, "Version", version);
    }
    if (!errors->count)
        return rows;
    call_invalid_list(c, errors);
    return NULL;
}

static void release_event(struct call *c, const struct doc *release, const struct doc *project)
{
    struct draft e;

    draft_begin(&e, c->sample, c->a, &c->actor, "Created", doc_space(release));
    draft_text(&e, "Release ");
    draft_ref(&e, release->id, doc_str(release, "Version"));
    draft_text(&e, " of ");
    draft_ref(&e, project->id, doc_str(project, "Name"));
    draft_text(&e, " was created");
    draft_related(&e, release->id);
    draft_related(&e, project->id);
    draft_related(&e, doc_str(release, "ChannelId"));
    draft_commit(&e);
}

// Refuses what Octopus refuses, else stores the release with its snapshots and event. NULL: answered.
static struct doc *make_release(struct call *c, const struct doc *project, const struct doc *channel, str version, const struct json *selected)
{
    struct model *m = c->sample->model;

    version = str_trim(version);
    if (doc_bool(project, "IsDisabled")) {
        call_invalid(c, "The project '%.*s' is disabled.", STR_ARG(doc_str(project, "Name")));
        return NULL;
    }
    if (!version_is_valid(version)) {
        call_invalid(c, version.n ? "'%.*s' is not a valid version number. A version has up to four numbers and may have a pre-release part, as in 1.2.3-beta.1." : "Please provide a version number.%.*s", STR_ARG(version));
        return NULL;
    }
    if (release_by_version(m, project->id, version)) {
        call_invalid(c, "A release with the version '%.*s' already exists for this project. Please use a different version number.", STR_ARG(version));
        return NULL;
    }
    struct json *rows = check_selection(c, project, selected);
    if (!rows)
        return NULL;
    struct json *o = resource_new(c, KIND_RELEASE);
    static const char *const executions[] = { "ReleaseVersion", "ProjectName", "ChannelName", "PackageVersion", "Packages", "SpaceIdOrName", "SpaceName", "IgnoreIfAlreadyExists", "GitRef", "GitCommit", "PackagePrerelease", NULL };
    for (const char *const *name = executions; *name; name++) {
        struct json *extra = json_get_nocase(o, str_from(*name));

        if (extra)
            json_drop(o, extra->name);
    }
    json_put(o, STR("ProjectId"), json_new_string(c->a, project->id));
    json_put(o, STR("ChannelId"), json_new_string(c->a, channel->id));
    json_put(o, STR("Version"), json_new_string(c->a, version));
    json_put(o, STR("SelectedPackages"), rows);
    json_put(o, STR("Assembled"), json_new_string(c->a, text_date(c->a, sample_now_ms(c->sample))));
    release_take_snapshots(m, c->a, o);
    struct doc *release = resource_store(c, KIND_RELEASE, o);
    release_event(c, release, project);
    return release;
}

// The project a creation names, or NULL after answering.
static struct doc *project_for(struct call *c, str name, const char *permission)
{
    struct doc *project = find_by_any_name(c->sample->model, KIND_PROJECT, c->space, name);
    struct scope scope = { .project = project ? project->id : STR("") };

    if (!name.n)
        call_invalid(c, "Please name the project.");
    else if (!project || !resource_is_visible(c, project))
        call_not_found(c, "Project", name);
    else if (call_may(c, permission, &scope))
        return project;
    return NULL;
}

static void post_release(struct call *c)
{
    struct doc *project = project_for(c, call_str(c, "ProjectId"), "ReleaseCreate");
    struct doc *channel = project ? find_channel(c->sample->model, project, call_str(c, "ChannelId")) : NULL;

    if (!project)
        return;
    if (!channel) {
        call_invalid(c, "The channel '%.*s' does not belong to the project '%.*s'.", STR_ARG(call_str(c, "ChannelId")), STR_ARG(doc_str(project, "Name")));
        return;
    }
    struct doc *release = make_release(c, project, channel, call_str(c, "Version"), call_field(c, "SelectedPackages"));
    if (release)
        resource_answer(c, 201, release);
}

// ---- the executions API

// "Step:1.2", "Step=1.2", "PackageId:1.2", "Step:Reference:1.2", "*:1.2"
static bool package_text_fits(str text, const struct package_need *need, str *version)
{
    ptrdiff_t last = MAX(MAX(str_find_last_char(text, ':'), str_find_last_char(text, '=')), str_find_last_char(text, '/'));

    if (last <= 0)
        return false;
    str subject = str_sub(text, 0, (size_t)last), reference = STR("");
    ptrdiff_t first = MAX(str_find_char(subject, ':'), str_find_char(subject, '='));
    *version = str_trim(str_skip(text, (size_t)last + 1));
    if (first > 0) {
        reference = str_skip(subject, (size_t)first + 1);
        subject = str_sub(subject, 0, (size_t)first);
    }
    if (reference.n && !str_eq_nocase(reference, need->reference_name))
        return false;
    return str_eq(subject, STR("*")) || str_eq_nocase(subject, need->step_name) || str_eq_nocase(subject, need->action_name) || str_eq_nocase(subject, need->package_id);
}

static str latest_version(struct call *c, const struct package_need *need)
{
    const struct doc *feed = model_get_kind(c->sample->model, KIND_FEED, need->feed_id);
    size_t count;
    struct doc **versions = packages_versions(c->a, c->sample->model, feed ? packages_feed_name(feed) : STR(""), need->package_id, &count);

    for (size_t i = 0; i < count; i++)
        if (!version_is_prerelease(doc_str(versions[i], "Version")))
            return doc_str(versions[i], "Version");
    return STR("");
}

// For each package: what the request names, else PackageVersion, else the newest of its feed.
static struct json *select_packages(struct call *c, const struct doc *project)
{
    struct json *rows = json_new_array(c->a);
    size_t count;
    struct package_need *needs = process_needs(c->a, process_of(c->sample->model, project), &count);

    for (size_t i = 0; i < count; i++) {
        str version = call_str(c, "PackageVersion"), named;

        json_each(text, call_field(c, "Packages"))
            if (package_text_fits(json_str(text, STR("")), &needs[i], &named))
                version = named;
        if (!version.n && !needs[i].fixed_version.n)
            version = latest_version(c, &needs[i]);
        struct json *row = json_push(rows, json_new_object(c->a));
        json_add_str(c->a, row, "ActionName", needs[i].action_name);
        json_add_str(c->a, row, "PackageReferenceName", needs[i].reference_name);
        json_add_str(c->a, row, "Version", version);
    }
    return rows;
}

static str next_version(struct call *c, const struct doc *project)
{
    const struct doc *last = release_latest(c->sample->model, project->id, STR(""));

    return last ? version_next(c->a, doc_str(last, "Version")) : STR("0.0.1");
}

static void answer_execution(struct call *c, int status, const struct doc *release)
{
    struct json *o = json_new_object(c->a);

    json_add_str(c->a, o, "ReleaseId", release->id);
    json_add_str(c->a, o, "ReleaseVersion", doc_str(release, "Version"));
    call_answer(c, status, o);
}

static void post_release_v1(struct call *c)
{
    struct doc *project = project_for(c, call_str(c, "ProjectName").n ? call_str(c, "ProjectName") : call_str(c, "ProjectIdOrName"), "ReleaseCreate");
    str version = call_str(c, "ReleaseVersion");
    str channel_name = call_str(c, "ChannelName").n ? call_str(c, "ChannelName") : call_str(c, "ChannelIdOrName");

    if (!project)
        return;
    struct doc *channel = find_channel(c->sample->model, project, channel_name);
    if (!channel) {
        call_invalid(c, "The channel '%.*s' does not exist in the project '%.*s'.", STR_ARG(channel_name), STR_ARG(doc_str(project, "Name")));
        return;
    }
    version = version.n ? version : next_version(c, project);
    struct doc *old = release_by_version(c->sample->model, project->id, version);
    if (old && call_bool(c, "IgnoreIfAlreadyExists", false)) {
        answer_execution(c, 200, old);
        return;
    }
    struct doc *release = make_release(c, project, channel, version, select_packages(c, project));
    if (release)
        answer_execution(c, 201, release);
}

// ---- reading

static void get_project_releases(struct call *c)
{
    struct doc *project = resource_get(c, KIND_PROJECT, c->args[0]);

    if (project)
        resource_list(c, KIND_RELEASE, resource_keep_field, &(struct field_value){ "ProjectId", project->id });
}

static void get_project_release(struct call *c)
{
    struct doc *project = resource_get(c, KIND_PROJECT, c->args[0]);
    struct doc *release = project ? release_by_version(c->sample->model, project->id, c->args[1]) : NULL;

    if (!project)
        return;
    if (release && resource_is_visible(c, release))
        resource_answer(c, 200, release);
    else
        call_not_found(c, "Release", c->args[1]);
}

static void get_channel_releases(struct call *c)
{
    struct doc *channel = resource_get(c, KIND_CHANNEL, c->args[0]);

    if (channel)
        resource_list(c, KIND_RELEASE, resource_keep_field, &(struct field_value){ "ChannelId", channel->id });
}

static void put_release(struct call *c)
{
    struct doc *d = resource_get_for(c, KIND_RELEASE, c->args[0], "ReleaseEdit");

    if (!d)
        return;
    struct json *o = resource_changed(c, d);
    str version = json_str(json_get(o, STR("Version")), STR(""));
    struct doc *other = release_by_version(c->sample->model, doc_str(d, "ProjectId"), version);
    if (!version_is_valid(version) || (other && other != d)) {
        call_invalid(c, "'%.*s' is not a version this release could have.", STR_ARG(version));
        return;
    }
    d = resource_store(c, KIND_RELEASE, o);
    resource_event(c, "Modified", d);
    resource_answer(c, 200, d);
}

static struct json *template_package(struct call *c, const struct package_need *need, const struct doc *last)
{
    struct model *m = c->sample->model;
    const struct doc *feed = model_get_kind(m, KIND_FEED, need->feed_id);
    struct json *o = json_new_object(c->a);
    str selected = last ? selected_version(doc_field(last, "SelectedPackages"), need) : STR("");

    json_add_str(c->a, o, "StepName", need->step_name);
    json_add_str(c->a, o, "ActionName", need->action_name);
    json_add_str(c->a, o, "PackageReferenceName", need->reference_name);
    json_add_str(c->a, o, "PackageId", need->package_id);
    json_add_null(c->a, o, "ProjectName");
    json_add_str(c->a, o, "FeedId", need->feed_id);
    json_add_str(c->a, o, "FeedName", feed ? doc_str(feed, "Name") : (str){ 0 });
    json_add_str(c->a, o, "VersionSelectedLastRelease", selected.n ? selected : (str){ 0 });
    json_add_str(c->a, o, "FixedVersion", need->fixed_version.n ? need->fixed_version : (str){ 0 });
    json_add_bool(c->a, o, "IsResolvable", feed && !str_starts(need->package_id, STR("#{")));
    return o;
}

static void answer_template(struct call *c, const struct doc *process)
{
    struct model *m = c->sample->model;
    const struct doc *project = model_get_kind(m, KIND_PROJECT, doc_str(process, "ProjectId"));
    const struct doc *last = release_latest(m, doc_str(process, "ProjectId"), call_query(c, "channel"));
    struct json *o = json_new_object(c->a), *packages = json_new_array(c->a);
    size_t count;
    struct package_need *needs = process_needs(c->a, process, &count);

    if (!project) {
        call_not_found(c, "Project", doc_str(process, "ProjectId"));
        return;
    }
    last = last ? last : release_latest(m, project->id, STR(""));
    for (size_t i = 0; i < count; i++)
        json_push(packages, template_package(c, &needs[i], last));
    json_add_str(c->a, o, "DeploymentProcessId", process->id);
    json_add_str(c->a, o, "LastReleaseVersion", last ? doc_str(last, "Version") : (str){ 0 });
    json_add_str(c->a, o, "NextVersionIncrement", next_version(c, project));
    json_add_null(c->a, o, "VersioningPackageStepName");
    json_add_null(c->a, o, "VersioningPackageReferenceName");
    json_add(o, STR("Packages"), packages);
    json_add(o, STR("GitResources"), json_new_array(c->a));
    json_add(o, STR("Links"), json_new_object(c->a));
    call_answer(c, 200, o);
}

static void get_template(struct call *c)
{
    struct doc *process = resource_get(c, KIND_PROCESS, c->args[0]);

    if (process)
        answer_template(c, process);
}

static void get_project_template(struct call *c)
{
    struct doc *project = resource_get(c, KIND_PROJECT, c->args[0]);
    const struct doc *process = project ? process_of(c->sample->model, project) : NULL;

    if (process)
        answer_template(c, process);
    else if (project)
        call_not_found(c, "Deployment process", project->id);
}

static void get_defects(struct call *c)
{
    if (resource_get(c, KIND_RELEASE, c->args[0]))
        call_answer(c, 200, call_envelope(c, "Defect", json_new_array(c->a), 0, 0, CALL_TAKE_DEFAULT));
}

const struct route release_routes[] = {
    { "POST", "releases/create/v1", "ReleaseCreate", post_release_v1 },
    { "POST", "releases", "ReleaseCreate", post_release },
    { "PUT", "releases/{}", "ReleaseEdit", put_release },
    { "GET", "releases/{}/defects", "ReleaseView", get_defects },
    { "GET", "projects/{}/releases", "ReleaseView", get_project_releases },
    { "GET", "projects/{}/releases/{}", "ReleaseView", get_project_release },
    { "GET", "channels/{}/releases", "ReleaseView", get_channel_releases },
    { "GET", "deploymentprocesses/{}/template", "ProcessView", get_template },
    { "GET", "projects/{}/deploymentprocesses/template", "ProcessView", get_project_template },
    { 0 },
};
