#include "sample/deployments.h"

#include "base/timetext.h"
#include "sample/routes.h"
#include "sample/tasks.h"

// ---- lifecycles

const struct json *release_phases(const struct model *m, const struct doc *release)
{
    const struct doc *project = model_get_kind(m, KIND_PROJECT, doc_str(release, "ProjectId")), *channel = model_get_kind(m, KIND_CHANNEL, doc_str(release, "ChannelId"));
    str lifecycle = doc_str(channel, "LifecycleId");

    return doc_field(model_get_kind(m, KIND_LIFECYCLE, lifecycle.n ? lifecycle : doc_str(project, "LifecycleId")), "Phases");
}

bool release_succeeded_in(const struct model *m, const struct doc *release, str environment_id)
{
    for (size_t i = 0; i < model_count(m, KIND_DEPLOYMENT); i++) {
        const struct doc *d = model_at(m, KIND_DEPLOYMENT, i);

        if (str_eq_nocase(doc_str(d, "ReleaseId"), release->id) && str_eq_nocase(doc_str(d, "EnvironmentId"), environment_id) && str_eq(doc_str(d, "_TaskState"), STR("Success")))
            return true;
    }
    return false;
}

static void add_targets(struct arena *a, struct json *list, const struct json *phase)
{
    static const char *const fields[] = { "AutomaticDeploymentTargets", "OptionalDeploymentTargets" };

    for (size_t i = 0; i < COUNT(fields); i++)
        json_each(environment, json_get(phase, str_from(fields[i])))
            if (!json_has_text(list, json_str(environment, STR(""))))
                json_push(list, json_new_string(a, json_str(environment, STR(""))));
}

static bool phase_is_passed(const struct model *m, const struct doc *release, const struct json *targets, const struct json *phase)
{
    int64_t minimum = 0, passed = 0;

    json_i64(json_get(phase, STR("MinimumEnvironmentsBeforePromotion")), &minimum);
    json_each(environment, targets)
        passed += release_succeeded_in(m, release, json_str(environment, STR("")));
    return json_bool(json_get(phase, STR("IsOptionalPhase")), false) || passed >= (minimum ? minimum : targets->count);
}

struct json *release_next(struct arena *a, const struct model *m, const struct doc *release)
{
    struct json *next = json_new_array(a);

    json_each(phase, release_phases(m, release)) {
        struct json *targets = json_new_array(a);

        add_targets(a, targets, phase);
        add_targets(a, next, phase);
        if (!phase_is_passed(m, release, targets, phase))
            break;
    }
    return next;
}

// ---- events

static str name_of(const struct model *m, str id)
{
    const struct doc *d = model_get(m, id);

    return doc_str(d, d && d->kind == &kinds[KIND_RELEASE] ? "Version" : "Name");
}

static void add_text(struct draft *e, const struct model *m, const char *category, const struct doc *d)
{
    str name = doc_str(d, "Name"), tenant = doc_str(d, "TenantId");
    bool is_queued = strcmp(category, "DeploymentQueued") == 0;
    const char *verb = strcmp(category, "DeploymentStarted") == 0 ? " started for " : strcmp(category, "DeploymentSucceeded") == 0 ? " succeeded for " : strcmp(category, "DeploymentFailed") == 0 ? " failed for " : " resumed for ";

    if (is_queued)
        draft_text(e, "Queued deploy of ");
    else {
        draft_ref(e, d->id, name);
        draft_text(e, verb);
    }
    draft_ref(e, doc_str(d, "ProjectId"), name_of(m, doc_str(d, "ProjectId")));
    draft_text(e, " release ");
    draft_ref(e, doc_str(d, "ReleaseId"), name_of(m, doc_str(d, "ReleaseId")));
    draft_text(e, " to ");
    draft_ref(e, doc_str(d, "EnvironmentId"), name_of(m, doc_str(d, "EnvironmentId")));
    if (tenant.n) {
        draft_text(e, " for ");
        draft_ref(e, tenant, name_of(m, tenant));
    }
}

static void add_interruption_text(struct draft *e, const struct model *m, const char *category, const struct doc *d)
{
    draft_text(e, strcmp(category, "GuidedFailureInterruptionRaised") == 0 ? "Guided failure raised for " : "Manual intervention raised for ");
    draft_ref(e, d->id, doc_str(d, "Name"));
    draft_text(e, " of ");
    draft_ref(e, doc_str(d, "ProjectId"), name_of(m, doc_str(d, "ProjectId")));
    draft_text(e, " release ");
    draft_ref(e, doc_str(d, "ReleaseId"), name_of(m, doc_str(d, "ReleaseId")));
}

void deployment_event(struct sample *s, struct arena *a, const struct actor *who, const char *category, const struct doc *d, str interruption_id)
{
    struct draft e;

    draft_begin(&e, s, a, who, category, doc_space(d));
    if (interruption_id.n)
        add_interruption_text(&e, s->model, category, d);
    else
        add_text(&e, s->model, category, d);
    draft_related(&e, d->id);
    draft_related(&e, doc_str(d, "ProjectId"));
    draft_related(&e, doc_str(d, "ReleaseId"));
    draft_related(&e, doc_str(d, "EnvironmentId"));
    draft_related(&e, doc_str(d, "TenantId"));
    draft_related(&e, doc_str(d, "TaskId"));
    draft_related(&e, doc_str(d, "ChannelId"));
    draft_related(&e, interruption_id);
    draft_commit(&e);
}

// ---- creating

static bool has_allowed_target(struct call *c, const struct doc *release, str environment)
{
    return json_has_text(release_next(c->a, c->sample->model, release), environment) || release_succeeded_in(c->sample->model, release, environment);
}

// One deployment with its task, or NULL after answering.
static struct doc *make_deployment(struct call *c, const struct doc *release, const struct doc *environment, const struct doc *tenant)
{
    struct model *m = c->sample->model;
    const struct doc *project = model_get_kind(m, KIND_PROJECT, doc_str(release, "ProjectId"));
    struct scope scope = { .project = doc_str(release, "ProjectId"), .environment = environment->id, .tenant = tenant ? tenant->id : STR("") };
    str tenanted = doc_str(project, "TenantedDeploymentMode"), names = doc_str(environment, "Name");

    if (!call_may(c, "DeploymentCreate", &scope))
        return NULL;
    if (!project) {
        call_not_found(c, "Project", doc_str(release, "ProjectId"));
        return NULL;
    }
    if (!has_allowed_target(c, release, environment->id)) {
        call_invalid(c, "The release '%.*s' cannot be deployed to '%.*s': its lifecycle asks for other environments before.", STR_ARG(doc_str(release, "Version")), STR_ARG(names));
        return NULL;
    }
    if (tenant ? str_eq(tenanted, STR("Untenanted")) : str_eq(tenanted, STR("Tenanted"))) {
        call_invalid(c, tenant ? "The project '%.*s' does not allow tenanted deployments." : "The project '%.*s' asks for a tenant.", STR_ARG(doc_str(project, "Name")));
        return NULL;
    }
    if (tenant && !json_has_text(json_get(doc_field(tenant, "ProjectEnvironments"), project->id), environment->id)) {
        call_invalid(c, "The tenant '%.*s' is not connected to the project '%.*s' in '%.*s'.", STR_ARG(doc_str(tenant, "Name")), STR_ARG(doc_str(project, "Name")), STR_ARG(names));
        return NULL;
    }
    if (tenant)
        names = arena_printf(c->a, "%.*s for %.*s", STR_ARG(names), STR_ARG(doc_str(tenant, "Name")));
    struct json *o = resource_new(c, KIND_DEPLOYMENT), *arguments = json_new_object(c->a);
    static const char *const executions[] = { "ProjectName", "ReleaseVersion", "EnvironmentNames", "EnvironmentName", "Tenants", "TenantTags", "Variables", "SpaceIdOrName", "SpaceName", "RunAt", "NoRunAfter", "SpecificMachineNames", "ExcludedMachineNames", "SkipStepNames", "DeploymentFreezeNames", NULL };
    for (const char *const *name = executions; *name; name++) {
        struct json *extra = json_get_nocase(o, str_from(*name));

        if (extra)
            json_drop(o, extra->name);
    }
    str id = json_str(json_get(o, STR("Id")), STR(""));
    json_add_str(c->a, arguments, "DeploymentId", id);
    struct json *task = task_new(c->sample, c->a, doc_space(project), "Deploy", arena_printf(c->a, "Deploy %.*s release %.*s to %.*s", STR_ARG(doc_str(project, "Name")), STR_ARG(doc_str(release, "Version")), STR_ARG(names)), arguments);
    json_put(task, STR("ProjectId"), json_new_string(c->a, project->id));
    json_add_str(c->a, task, "_EnvironmentId", environment->id);
    json_add_str(c->a, task, "_TenantId", tenant ? tenant->id : (str){ 0 });
    json_add_str(c->a, task, "_DocumentId", id);
    str task_id = json_str(json_get(task, STR("Id")), STR(""));
    json_put(o, STR("ReleaseId"), json_new_string(c->a, release->id));
    json_put(o, STR("ProjectId"), json_new_string(c->a, project->id));
    json_put(o, STR("ChannelId"), json_new_string(c->a, doc_str(release, "ChannelId")));
    json_put(o, STR("DeploymentProcessId"), json_new_string(c->a, doc_str(release, "ProjectDeploymentProcessSnapshotId")));
    json_put(o, STR("ManifestVariableSetId"), json_new_string(c->a, doc_str(release, "ProjectVariableSetSnapshotId")));
    json_put(o, STR("EnvironmentId"), json_new_string(c->a, environment->id));
    json_put(o, STR("TenantId"), tenant ? json_new_string(c->a, tenant->id) : json_new_null(c->a));
    json_put(o, STR("TaskId"), json_new_string(c->a, task_id));
    json_put(o, STR("Name"), json_new_string(c->a, arena_printf(c->a, "Deploy to %.*s", STR_ARG(names))));
    json_put(o, STR("Created"), json_new_string(c->a, text_date(c->a, sample_now_ms(c->sample))));
    json_put(o, STR("DeployedBy"), json_new_string(c->a, c->actor.username));
    json_put(o, STR("DeployedById"), json_new_string(c->a, c->actor.user_id));
    json_put(o, STR("DeployedToMachineIds"), json_new_array(c->a));
    json_put(o, STR("_TaskState"), json_new_string(c->a, STR("Queued")));
    model_put(m, KIND_TASK, task);
    struct doc *d = model_put(m, KIND_DEPLOYMENT, o);
    deployment_event(c->sample, c->a, &c->actor, "DeploymentQueued", d, STR(""));
    task_start(c->sample, task_id);
    return d;
}

static const struct doc *named_doc(struct call *c, enum kind_id kind, str name)
{
    const struct doc *d = find_by_any_name(c->sample->model, kind, c->space, name);

    if (d && resource_is_visible(c, d))
        return d;
    call_not_found(c, kinds[kind].label, name);
    return NULL;
}

static bool machines_exist(struct call *c, const char *field, const struct doc *environment)
{
    json_each(id, call_field(c, field)) {
        const struct doc *machine = model_get_kind(c->sample->model, KIND_MACHINE, json_str(id, STR("")));

        if (!machine || !json_has_text(doc_field(machine, "EnvironmentIds"), environment->id)) {
            call_invalid(c, "%s: there is no machine '%.*s' in the environment '%.*s'.", field, STR_ARG(json_str(id, STR(""))), STR_ARG(doc_str(environment, "Name")));
            return false;
        }
    }
    return true;
}

static void post_deployment(struct call *c)
{
    str tenant_id = call_str(c, "TenantId");
    const struct doc *release = named_doc(c, KIND_RELEASE, call_str(c, "ReleaseId")), *environment, *tenant = NULL;

    if (!release || !(environment = named_doc(c, KIND_ENVIRONMENT, call_str(c, "EnvironmentId"))) || (tenant_id.n && !(tenant = named_doc(c, KIND_TENANT, tenant_id))))
        return;
    if (!machines_exist(c, "SpecificMachineIds", environment) || !machines_exist(c, "ExcludedMachineIds", environment))
        return;
    struct doc *d = make_deployment(c, release, environment, tenant);
    if (d)
        resource_answer(c, 201, d);
}

static const struct doc *release_for(struct call *c)
{
    const struct doc *project = named_doc(c, KIND_PROJECT, call_str(c, "ProjectName").n ? call_str(c, "ProjectName") : call_str(c, "ProjectIdOrName"));
    str version = call_str(c, "ReleaseVersion");
    const struct doc *release = project ? release_by_version(c->sample->model, project->id, version) : NULL;

    if (project && !release)
        call_not_found(c, "Release", version);
    return release;
}

static void add_execution(struct call *c, struct json *tasks, const struct doc *deployment)
{
    struct json *o = json_push(tasks, json_new_object(c->a));

    json_add_str(c->a, o, "DeploymentId", deployment->id);
    json_add_str(c->a, o, "ServerTaskId", doc_str(deployment, "TaskId"));
}

static void answer_executions(struct call *c, struct json *tasks)
{
    struct json *o = json_new_object(c->a);

    json_add(o, STR("DeploymentServerTasks"), tasks);
    call_answer(c, 200, o);
}

static void post_untenanted(struct call *c)
{
    const struct doc *release = release_for(c);
    struct json *tasks = json_new_array(c->a);

    if (!release)
        return;
    json_each(name, call_field(c, "EnvironmentNames"))
        if (!named_doc(c, KIND_ENVIRONMENT, json_str(name, STR(""))))
            return;
    json_each(name, call_field(c, "EnvironmentNames")) {
        struct doc *d = make_deployment(c, release, find_by_any_name(c->sample->model, KIND_ENVIRONMENT, c->space, json_str(name, STR(""))), NULL);

        if (!d)
            return;
        add_execution(c, tasks, d);
    }
    answer_executions(c, tasks);
}

static bool is_wanted_tenant(struct call *c, const struct doc *tenant)
{
    json_each(name, call_field(c, "Tenants")) {
        str text = json_str(name, STR(""));

        if (str_eq_nocase(text, tenant->id) || str_eq_nocase(text, doc_str(tenant, "Name")) || str_eq_nocase(text, doc_str(tenant, "Slug")))
            return true;
    }
    json_each(tag, call_field(c, "TenantTags"))
        if (json_has_text(doc_field(tenant, "TenantTags"), json_str(tag, STR(""))))
            return true;
    return false;
}

static void post_tenanted(struct call *c)
{
    const struct doc *release = release_for(c), *environment = release ? named_doc(c, KIND_ENVIRONMENT, call_str(c, "EnvironmentName")) : NULL;
    struct json *tasks = json_new_array(c->a);

    if (!environment)
        return;
    json_each(name, call_field(c, "Tenants"))
        if (!named_doc(c, KIND_TENANT, json_str(name, STR(""))))
            return;
    for (size_t i = 0; i < model_count(c->sample->model, KIND_TENANT); i++) {
        const struct doc *tenant = model_at(c->sample->model, KIND_TENANT, i);

        if (!str_eq_nocase(doc_space(tenant), c->space) || !is_wanted_tenant(c, tenant))
            continue;
        struct doc *d = make_deployment(c, release, environment, tenant);
        if (!d)
            return;
        add_execution(c, tasks, d);
    }
    answer_executions(c, tasks);
}

// ---- how a deployment goes

static struct doc *deployment_of(struct sample *s, const struct doc *task)
{
    return model_get_kind(s->model, KIND_DEPLOYMENT, doc_str(task, "_DocumentId"));
}

static void deploy_started(struct sample *s, struct arena *a, struct doc *task)
{
    const struct doc *d = deployment_of(s, task);

    if (d)
        deployment_event(s, a, &actor_system, "DeploymentStarted", d, STR(""));
}

static bool is_asked_already(const struct model *m, str task_id, str action_id)
{
    for (size_t i = 0; i < model_count(m, KIND_INTERRUPTION); i++) {
        const struct doc *d = model_at(m, KIND_INTERRUPTION, i);

        if (str_eq(doc_str(d, "TaskId"), task_id) && str_eq(doc_str(d, "_ActionId"), action_id))
            return true;
    }
    return false;
}

static bool action_is_for(const struct json *action, const struct doc *d)
{
    const struct json *only = json_get(action, STR("Environments")), *but = json_get(action, STR("ExcludedEnvironments"));
    bool is_skipped = json_has_text(doc_field(d, "SkipActions"), json_str(json_get(action, STR("Id")), STR("")));

    return !is_skipped && !json_bool(json_get(action, STR("IsDisabled")), false) && (!only || !only->count || json_has_text(only, doc_str(d, "EnvironmentId"))) && !json_has_text(but, doc_str(d, "EnvironmentId"));
}

// The first manual step of the process that nobody was asked about yet, or NULL.
static const struct json *open_manual_step(const struct sample *s, const struct doc *task, const struct doc *d)
{
    const struct doc *process = model_get_kind(s->model, KIND_PROCESS, doc_str(d, "DeploymentProcessId"));

    json_each(step, doc_field(process, "Steps"))
        json_each(action, json_get(step, STR("Actions")))
            if (str_eq(json_str(json_get(action, STR("ActionType")), STR("")), STR("Octopus.Manual")) && action_is_for(action, d) && !is_asked_already(s->model, task->id, json_str(json_get(action, STR("Id")), STR("-"))))
                return action;
    return NULL;
}

static bool machine_has_role(const struct doc *machine, str roles)
{
    str role;

    while (roles.n && str_split(&roles, ',', &role))
        if (json_has_text(doc_field(machine, "Roles"), str_trim(role)))
            return true;
    return false;
}

static bool machine_takes_part(const struct sample *s, const struct doc *machine, const struct doc *d)
{
    const struct doc *process = model_get_kind(s->model, KIND_PROCESS, doc_str(d, "DeploymentProcessId"));
    const struct json *only = doc_field(d, "SpecificMachineIds");

    if (!json_has_text(doc_field(machine, "EnvironmentIds"), doc_str(d, "EnvironmentId")) || doc_bool(machine, "IsDisabled") || json_has_text(doc_field(d, "ExcludedMachineIds"), machine->id))
        return false;
    if (only && only->count && !json_has_text(only, machine->id))
        return false;
    json_each(step, doc_field(process, "Steps"))
        if (machine_has_role(machine, json_str(json_get(json_get(step, STR("Properties")), STR("Octopus.Action.TargetRoles")), STR(""))))
            return true;
    return false;
}

static struct json *machines_reached(const struct sample *s, struct arena *a, const struct doc *d)
{
    struct json *list = json_new_array(a);

    for (size_t i = 0; i < model_count(s->model, KIND_MACHINE); i++)
        if (machine_takes_part(s, model_at(s->model, KIND_MACHINE, i), d))
            json_push(list, json_new_string(a, arena_str(a, model_at(s->model, KIND_MACHINE, i)->id)));
    return list;
}

// An environment or a project can be told to fail (/sample/fail): "_Fails" holds the error's text.
static str planned_failure(const struct sample *s, struct arena *a, const struct doc *d)
{
    str environment = doc_str(model_get(s->model, doc_str(d, "EnvironmentId")), "_Fails"), project = doc_str(model_get(s->model, doc_str(d, "ProjectId")), "_Fails");

    return arena_str(a, environment.n ? environment : project);
}

static bool deploy_finish(struct sample *s, struct arena *a, struct doc *task, str *error)
{
    struct doc *d = deployment_of(s, task);
    const struct json *manual = d ? open_manual_step(s, task, d) : NULL;

    if (!d) {
        *error = STR("The deployment was deleted.");
        return true;
    }
    if (manual) {
        interruption_raise(s, a, task, d, arena_str(a, json_str(json_get(manual, STR("Name")), STR("Manual intervention"))), false, arena_str(a, json_str(json_get(manual, STR("Id")), STR("-"))));
        return false;
    }
    if (!is_asked_already(s->model, task->id, STR("guided-ignored")))
        *error = planned_failure(s, a, d);
    if (error->n && doc_bool(d, "UseGuidedFailure") && !is_asked_already(s->model, task->id, STR("guided"))) {
        interruption_raise(s, a, task, d, STR("Guided failure"), true, STR("guided"));
        return false;
    }
    if (!error->n)
        doc_set(s, a, d, "DeployedToMachineIds", machines_reached(s, a, d));
    return true;
}

static void deploy_ended(struct sample *s, struct arena *a, struct doc *task)
{
    const struct doc *d = deployment_of(s, task);

    if (d)
        deployment_event(s, a, &actor_system, str_eq(doc_str(task, "State"), STR("Success")) ? "DeploymentSucceeded" : "DeploymentFailed", d, STR(""));
}

const struct task_kind task_deploy = { "Deploy", deploy_started, deploy_finish, deploy_ended };

static void get_release_deployments(struct call *c)
{
    struct doc *release = resource_get(c, KIND_RELEASE, c->args[0]);

    if (release)
        resource_list(c, KIND_DEPLOYMENT, resource_keep_field, &(struct field_value){ "ReleaseId", release->id });
}

const struct route deployment_routes[] = {
    { "POST", "deployments/create/untenanted/v1", "DeploymentCreate", post_untenanted },
    { "POST", "deployments/create/tenanted/v1", "DeploymentCreate", post_tenanted },
    { "POST", "deployments", "DeploymentCreate", post_deployment },
    { "GET", "releases/{}/deployments", "DeploymentView", get_release_deployments },
    { 0 },
};
