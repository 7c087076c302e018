// Where a release stands and where it may go: progression, deployment template, dashboard.

#include "sample/deployments.h"
#include "sample/routes.h"

static struct json *name_and_links(struct call *c, const struct doc *d)
{
    struct json *o = json_new_object(c->a), *links = json_new_object(c->a);

    json_add_str(c->a, o, "Id", d->id);
    json_add_str(c->a, o, "Name", doc_str(d, "Name"));
    json_add_str(c->a, links, "Preview", arena_printf(c->a, "/api/%.*s/releases/%.*s/deployments/preview/%.*s", STR_ARG(c->space), STR_ARG(c->args[0]), STR_ARG(d->id)));
    json_add(o, STR("Links"), links);
    return o;
}

static void get_deployment_template(struct call *c)
{
    struct model *m = c->sample->model;
    struct doc *release = resource_get(c, KIND_RELEASE, c->args[0]);
    struct json *o = json_new_object(c->a), *targets = json_new_array(c->a), *tenants = json_new_array(c->a);

    if (!release)
        return;
    struct json *next = release_next(c->a, m, release);
    json_each(id, next) {
        const struct doc *environment = model_get_kind(m, KIND_ENVIRONMENT, json_str(id, STR("")));

        if (environment && resource_is_visible(c, environment))
            json_push(targets, name_and_links(c, environment));
    }
    for (size_t i = 0; i < model_count(m, KIND_TENANT); i++) {
        const struct doc *tenant = model_at(m, KIND_TENANT, i);
        const struct json *connected = json_get(doc_field(tenant, "ProjectEnvironments"), doc_str(release, "ProjectId"));

        if (!connected || !resource_is_visible(c, tenant))
            continue;
        struct json *one = json_push(tenants, name_and_links(c, tenant)), *promote = json_add(one, STR("PromoteTo"), json_new_array(c->a));
        json_each(id, connected)
            if (json_has_text(next, json_str(id, STR(""))) && model_get(m, json_str(id, STR(""))))
                json_push(promote, name_and_links(c, model_get(m, json_str(id, STR("")))));
    }
    json_add_bool(c->a, o, "IsDeploymentProcessModified", false);
    json_add_null(c->a, o, "DeploymentNotes");
    json_add(o, STR("PromoteTo"), targets);
    json_add(o, STR("TenantPromotions"), tenants);
    json_add_bool(c->a, o, "IsVariableSetModified", false);
    json_add_bool(c->a, o, "IsLibraryVariableSetModified", false);
    json_add(o, STR("Links"), json_new_object(c->a));
    call_answer(c, 200, o);
}

static void get_preview(struct call *c)
{
    struct doc *release = resource_get(c, KIND_RELEASE, c->args[0]);
    const struct doc *process = release ? model_get_kind(c->sample->model, KIND_PROCESS, doc_str(release, "ProjectDeploymentProcessSnapshotId")) : NULL;
    struct json *o = json_new_object(c->a), *steps = json_new_array(c->a), *form = json_new_object(c->a);
    int64_t number = 0;

    if (!release)
        return;
    json_each(step, doc_field(process, "Steps"))
        json_each(action, json_get(step, STR("Actions"))) {
            struct json *one = json_push(steps, json_new_object(c->a));

            json_add_str(c->a, one, "ActionId", json_str(json_get(action, STR("Id")), STR("")));
            json_add_str(c->a, one, "ActionName", json_str(json_get(action, STR("Name")), STR("")));
            json_add_str(c->a, one, "ActionNumber", arena_printf(c->a, "%" PRId64, ++number));
            json_add(one, STR("Machines"), json_new_array(c->a));
            json_add_bool(c->a, one, "CanBeSkipped", true);
        }
    json_add(o, STR("StepsToExecute"), steps);
    json_add(form, STR("Values"), json_new_object(c->a));
    json_add(form, STR("Elements"), json_new_array(c->a));
    json_add(o, STR("Form"), form);
    json_add_bool(c->a, o, "UseGuidedFailureModeByDefault", false);
    json_add(o, STR("Links"), json_new_object(c->a));
    call_answer(c, 200, o);
}

// The newest deployment of a release to an environment, or NULL.
static const struct doc *last_deployment(const struct model *m, str field, str id, str environment)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    const char *name = arena_cstr(&a, field);

    for (size_t i = model_count(m, KIND_DEPLOYMENT); i > 0; i--) {
        const struct doc *d = model_at(m, KIND_DEPLOYMENT, i - 1);

        if (str_eq_nocase(doc_str(d, name), id) && str_eq_nocase(doc_str(d, "EnvironmentId"), environment))
            return d;
    }
    return NULL;
}

static struct json *phase_deployment(struct call *c, const struct doc *d)
{
    struct json *o = json_new_object(c->a);
    const struct doc *task = model_get_kind(c->sample->model, KIND_TASK, doc_str(d, "TaskId"));

    json_add(o, STR("Task"), task ? resource_json(c, task) : json_new_null(c->a));
    json_add(o, STR("Deployment"), resource_json(c, d));
    return o;
}

static struct json *copy_list(struct call *c, const struct json *list)
{
    return list ? json_copy(c->a, list) : json_new_array(c->a);
}

static struct json *phase_json(struct call *c, const struct doc *release, const struct json *phase, const struct json *next, bool *is_reached)
{
    struct model *m = c->sample->model;
    struct json *o = json_new_object(c->a), *deployments = json_new_array(c->a);
    static const char *const fields[] = { "AutomaticDeploymentTargets", "OptionalDeploymentTargets" };
    size_t targets = 0, passed = 0;
    bool is_next = false;

    for (size_t f = 0; f < COUNT(fields); f++)
        json_each(id, json_get(phase, str_from(fields[f]))) {
            str environment = json_str(id, STR(""));
            const struct doc *d = last_deployment(m, STR("ReleaseId"), release->id, environment);

            targets++;
            passed += release_succeeded_in(m, release, environment);
            is_next = is_next || json_has_text(next, environment);
            if (d && resource_is_visible(c, d))
                json_push(deployments, phase_deployment(c, d));
        }
    bool is_complete = targets > 0 && passed == targets;
    json_add_str(c->a, o, "Id", json_str(json_get(phase, STR("Id")), STR("")));
    json_add_str(c->a, o, "Name", json_str(json_get(phase, STR("Name")), STR("")));
    json_add_bool(c->a, o, "Blocked", !is_next && !is_complete);
    json_add_str(c->a, o, "Progress", is_complete ? STR("Complete") : is_next && !*is_reached ? STR("Current") : STR("Pending"));
    *is_reached = *is_reached || (is_next && !is_complete);
    json_add(o, STR("AutomaticDeploymentTargets"), copy_list(c, json_get(phase, STR("AutomaticDeploymentTargets"))));
    json_add(o, STR("OptionalDeploymentTargets"), copy_list(c, json_get(phase, STR("OptionalDeploymentTargets"))));
    json_add_i64(c->a, o, "MinimumEnvironmentsBeforePromotion", 0);
    json_add_bool(c->a, o, "IsOptionalPhase", json_bool(json_get(phase, STR("IsOptionalPhase")), false));
    json_add(o, STR("Deployments"), deployments);
    return o;
}

static void get_progression(struct call *c)
{
    struct doc *release = resource_get(c, KIND_RELEASE, c->args[0]);
    struct json *o = json_new_object(c->a), *phases = json_new_array(c->a);
    bool is_reached = false;

    if (!release)
        return;
    struct json *next = release_next(c->a, c->sample->model, release);
    json_each(phase, release_phases(c->sample->model, release))
        json_push(phases, phase_json(c, release, phase, next, &is_reached));
    json_add(o, STR("Phases"), phases);
    json_add(o, STR("NextDeployments"), next);
    json_add_i64(c->a, o, "NextDeploymentsMinimumRequired", 0);
    json_add_bool(c->a, o, "HasUnresolvedDefect", false);
    json_add_null(c->a, o, "ReleaseRetentionPolicyPeriod");
    json_add(o, STR("Links"), json_new_object(c->a));
    call_answer(c, 200, o);
}

static struct json *dashboard_item(struct call *c, const struct doc *d)
{
    struct model *m = c->sample->model;
    const struct doc *task = model_get_kind(m, KIND_TASK, doc_str(d, "TaskId")), *release = model_get_kind(m, KIND_RELEASE, doc_str(d, "ReleaseId"));
    struct json *o = json_new_object(c->a), *links = json_new_object(c->a);
    static const char *const own[] = { "ProjectId", "EnvironmentId", "ReleaseId", "TaskId", "ChannelId", "Created" };

    json_add_str(c->a, o, "Id", d->id);
    json_add_str(c->a, o, "DeploymentId", d->id);
    for (size_t i = 0; i < COUNT(own); i++)
        json_add_str(c->a, o, own[i], doc_str(d, own[i]));
    json_add_str(c->a, o, "TenantId", doc_str(d, "TenantId").n ? doc_str(d, "TenantId") : (str){ 0 });
    json_add_str(c->a, o, "ReleaseVersion", doc_str(release, "Version"));
    json_add_str(c->a, o, "QueueTime", doc_str(task, "QueueTime"));
    json_add_str(c->a, o, "StartTime", doc_str(task, "StartTime").n ? doc_str(task, "StartTime") : (str){ 0 });
    json_add_str(c->a, o, "CompletedTime", doc_str(task, "CompletedTime").n ? doc_str(task, "CompletedTime") : (str){ 0 });
    json_add_str(c->a, o, "State", doc_str(task, "State"));
    json_add_bool(c->a, o, "HasPendingInterruptions", doc_bool(task, "HasPendingInterruptions"));
    json_add_bool(c->a, o, "HasWarningsOrErrors", doc_bool(task, "HasWarningsOrErrors"));
    json_add_str(c->a, o, "ErrorMessage", doc_str(task, "ErrorMessage"));
    json_add_bool(c->a, o, "IsCompleted", doc_bool(task, "IsCompleted"));
    json_add_bool(c->a, o, "IsCurrent", true);
    json_add_bool(c->a, o, "IsPrevious", false);
    json_add_str(c->a, links, "Self", arena_printf(c->a, "/api/%.*s/deployments/%.*s", STR_ARG(c->space), STR_ARG(d->id)));
    json_add_str(c->a, links, "Task", arena_printf(c->a, "/api/tasks/%.*s", STR_ARG(doc_str(d, "TaskId"))));
    json_add(o, STR("Links"), links);
    return o;
}

static void add_all(struct call *c, struct json *o, const char *name, enum kind_id kind)
{
    struct model *m = c->sample->model;
    struct json *list = json_add(o, str_from(name), json_new_array(c->a));

    for (size_t i = 0; i < model_count(m, kind); i++)
        if (str_eq_nocase(doc_space(model_at(m, kind, i)), c->space) && resource_is_visible(c, model_at(m, kind, i)))
            json_push(list, resource_json(c, model_at(m, kind, i)));
}

static void get_dashboard(struct call *c)
{
    struct model *m = c->sample->model;
    struct json *o = json_new_object(c->a), *items;

    add_all(c, o, "Projects", KIND_PROJECT);
    add_all(c, o, "ProjectGroups", KIND_PROJECT_GROUP);
    add_all(c, o, "Environments", KIND_ENVIRONMENT);
    add_all(c, o, "Tenants", KIND_TENANT);
    items = json_add(o, STR("Items"), json_new_array(c->a));
    for (size_t p = 0; p < model_count(m, KIND_PROJECT); p++)
        for (size_t e = 0; e < model_count(m, KIND_ENVIRONMENT); e++) {
            const struct doc *d = last_deployment(m, STR("ProjectId"), model_at(m, KIND_PROJECT, p)->id, model_at(m, KIND_ENVIRONMENT, e)->id);

            if (d && str_eq_nocase(doc_space(d), c->space) && resource_is_visible(c, d))
                json_push(items, dashboard_item(c, d));
        }
    json_add(o, STR("PreviousItems"), json_new_array(c->a));
    json_add_bool(c->a, o, "IsFiltered", false);
    json_add(o, STR("Links"), json_new_object(c->a));
    call_answer(c, 200, o);
}

static struct json *release_row(struct call *c, const struct doc *release)
{
    struct model *m = c->sample->model;
    struct json *row = json_new_object(c->a), *deployments = json_new_object(c->a);
    const struct doc *channel = model_get_kind(m, KIND_CHANNEL, doc_str(release, "ChannelId"));

    json_add(row, STR("Release"), resource_json(c, release));
    json_add(row, STR("Channel"), channel ? resource_json(c, channel) : json_new_null(c->a));
    for (size_t e = 0; e < model_count(m, KIND_ENVIRONMENT); e++) {
        const struct doc *environment = model_at(m, KIND_ENVIRONMENT, e);
        const struct doc *d = last_deployment(m, STR("ReleaseId"), release->id, environment->id);

        if (d && resource_is_visible(c, d))
            json_push(json_add(deployments, environment->id, json_new_array(c->a)), dashboard_item(c, d));
    }
    json_add(row, STR("Deployments"), deployments);
    json_add(row, STR("NextDeployments"), release_next(c->a, m, release));
    json_add_bool(c->a, row, "HasUnresolvedDefect", false);
    return row;
}

static void get_project_progression(struct call *c)
{
    struct model *m = c->sample->model;
    struct doc *project = resource_get(c, KIND_PROJECT, c->args[0]);
    struct json *o = json_new_object(c->a), *releases = json_new_array(c->a);
    int64_t most = call_query_i64(c, "releaseHistoryCount", CALL_TAKE_DEFAULT);

    if (!project)
        return;
    add_all(c, o, "Environments", KIND_ENVIRONMENT);
    for (size_t i = model_count(m, KIND_RELEASE); i > 0 && (int64_t)releases->count < most; i--) {
        const struct doc *release = model_at(m, KIND_RELEASE, i - 1);

        if (str_eq(doc_str(release, "ProjectId"), project->id) && resource_is_visible(c, release))
            json_push(releases, release_row(c, release));
    }
    json_add(o, STR("Releases"), releases);
    json_add(o, STR("Links"), json_new_object(c->a));
    call_answer(c, 200, o);
}

const struct route progress_routes[] = {
    { "GET", "releases/{}/progression", "ReleaseView", get_progression },
    { "GET", "releases/{}/deployments/template", "ReleaseView", get_deployment_template },
    { "GET", "releases/{}/deployments/preview/{}", "ReleaseView", get_preview },
    { "GET", "projects/{}/progression", "ReleaseView", get_project_progression },
    { "GET", "progression/{}", "ReleaseView", get_project_progression },
    { "GET", "dashboard", "DeploymentView", get_dashboard },
    { 0 },
};
