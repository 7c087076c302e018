// Deployment processes, variable sets, and what else hangs on a project.

#include "sample/releases.h"
#include "sample/routes.h"

static void get_project_process(struct call *c)
{
    struct doc *project = resource_get(c, KIND_PROJECT, c->args[0]);
    struct doc *process = project ? resource_get(c, KIND_PROCESS, doc_str(project, "DeploymentProcessId")) : NULL;

    if (process)
        resource_answer(c, 200, process);
}

// A process or variable set carries a version: who changes an older one than is stored is told so.
static void store_versioned(struct call *c, enum kind_id kind, struct doc *d)
{
    struct json *o;
    int64_t had = 0, sent;

    if (!json_is(c->body, JSON_OBJECT)) {
        call_invalid(c, "The body must be a JSON object.");
        return;
    }
    if (doc_bool(d, "_IsSnapshot")) {
        call_invalid(c, "'%.*s' is a snapshot and cannot be changed.", STR_ARG(d->id));
        return;
    }
    json_i64(doc_field(d, "Version"), &had);
    if (call_i64(c, "Version", &sent) && sent != had) {
        call_error(c, 409, "The document was changed by somebody else: its version is %" PRId64 ", not %" PRId64 ".", had, sent);
        return;
    }
    o = resource_changed(c, d);
    json_put(o, STR("Version"), json_new_i64(c->a, had + 1));
    d = resource_store(c, kind, o);
    resource_event(c, "Modified", d);
    resource_answer(c, 200, d);
}

static void put_process(struct call *c)
{
    struct doc *process = resource_get_for(c, KIND_PROCESS, c->args[0], "ProcessEdit");

    if (process)
        store_versioned(c, KIND_PROCESS, process);
}

static void put_project_process(struct call *c)
{
    struct doc *project = resource_get(c, KIND_PROJECT, c->args[0]);

    if (!project)
        return;
    c->args[0] = doc_str(project, "DeploymentProcessId");
    put_process(c);
}

static void add_choices(struct call *c, struct json *scope, const char *name, enum kind_id kind, str project)
{
    struct json *list = json_add(scope, str_from(name), json_new_array(c->a));

    for (size_t i = 0; i < model_count(c->sample->model, kind); i++) {
        const struct doc *d = model_at(c->sample->model, kind, i);

        if (!str_eq_nocase(doc_space(d), c->space) || (project.n && !str_eq_nocase(doc_str(d, "ProjectId"), project)))
            continue;
        struct json *one = json_push(list, json_new_object(c->a));
        json_add_str(c->a, one, "Id", d->id);
        json_add_str(c->a, one, "Name", doc_str(d, "Name"));
    }
}

static void answer_variables(struct call *c, const struct doc *d)
{
    struct json *o = resource_json(c, d), *scope = json_new_object(c->a);

    c->space = doc_space(d).n ? doc_space(d) : c->space;
    add_choices(c, scope, "Environments", KIND_ENVIRONMENT, STR(""));
    add_choices(c, scope, "Machines", KIND_MACHINE, STR(""));
    add_choices(c, scope, "Channels", KIND_CHANNEL, doc_str(d, "OwnerId"));
    json_add(scope, STR("Actions"), json_new_array(c->a));
    json_add(scope, STR("Roles"), json_new_array(c->a));
    json_add(scope, STR("TenantTags"), json_new_array(c->a));
    json_add(scope, STR("Processes"), json_new_array(c->a));
    json_put(o, STR("ScopeValues"), scope);
    call_answer(c, 200, o);
}

static void get_variables(struct call *c)
{
    struct doc *d = resource_get(c, KIND_VARIABLE_SET, c->args[0]);

    if (d)
        answer_variables(c, d);
}

// Sensitive values go in and never come out.
static void hide_sensitive(struct call *c)
{
    struct json *body = json_copy(c->a, c->body);

    json_each(variable, json_get_nocase(body, STR("Variables"))) {
        if (!json_bool(json_get_nocase(variable, STR("IsSensitive")), false))
            continue;
        struct json *value = json_get_nocase(variable, STR("Value"));
        json_put(variable, value ? value->name : STR("Value"), json_new_null(c->a));
    }
    c->body = body;
}

static void put_variables(struct call *c)
{
    struct doc *d = resource_get_for(c, KIND_VARIABLE_SET, c->args[0], "VariableEdit");

    if (!d)
        return;
    if (json_is(c->body, JSON_OBJECT))
        hide_sensitive(c);
    store_versioned(c, KIND_VARIABLE_SET, d);
}

static void get_project_variables(struct call *c)
{
    struct doc *project = resource_get(c, KIND_PROJECT, c->args[0]);
    struct doc *d = project ? resource_get(c, KIND_VARIABLE_SET, doc_str(project, "VariableSetId")) : NULL;

    if (d)
        answer_variables(c, d);
}

static void list_of_project(struct call *c, enum kind_id kind)
{
    struct doc *project = resource_get(c, KIND_PROJECT, c->args[0]);

    if (project)
        resource_list(c, kind, resource_keep_field, &(struct field_value){ "ProjectId", project->id });
}

static void get_project_channels(struct call *c)
{
    list_of_project(c, KIND_CHANNEL);
}

static void get_project_triggers(struct call *c)
{
    list_of_project(c, KIND_TRIGGER);
}

static void get_project_runbooks(struct call *c)
{
    list_of_project(c, KIND_RUNBOOK);
}

static void get_project_snapshots(struct call *c)
{
    list_of_project(c, KIND_RUNBOOK_SNAPSHOT);
}

// ---- a new project

static struct doc *store_part(struct call *c, enum kind_id kind, str id, struct json *o)
{
    if (id.n)
        json_put(o, STR("Id"), json_new_string(c->a, id));
    return resource_store(c, kind, o);
}

static void post_project(struct call *c)
{
    struct model *m = c->sample->model;

    if (!json_is(c->body, JSON_OBJECT)) {
        call_invalid(c, "The body must be a JSON object.");
        return;
    }
    struct json *o = resource_new(c, KIND_PROJECT);
    str id = json_str(json_get(o, STR("Id")), STR("")), group = call_str(c, "ProjectGroupId"), lifecycle = call_str(c, "LifecycleId");
    if (!resource_check_name(c, KIND_PROJECT, o, NULL))
        return;
    if (!find_by_any_name(m, KIND_PROJECT_GROUP, c->space, group) || !find_by_any_name(m, KIND_LIFECYCLE, c->space, lifecycle)) {
        call_invalid(c, "ProjectGroupId '%.*s' and LifecycleId '%.*s' must name a project group and a lifecycle of this space.", STR_ARG(group), STR_ARG(lifecycle));
        return;
    }
    json_put(o, STR("DeploymentProcessId"), json_new_string(c->a, arena_printf(c->a, "deploymentprocess-%.*s", STR_ARG(id))));
    json_put(o, STR("VariableSetId"), json_new_string(c->a, arena_printf(c->a, "variableset-%.*s", STR_ARG(id))));
    struct doc *project = resource_store(c, KIND_PROJECT, o);
    c->body = NULL; // its members are the project's, not those of what comes with it
    struct json *process = resource_new(c, KIND_PROCESS), *variables = resource_new(c, KIND_VARIABLE_SET), *channel = resource_new(c, KIND_CHANNEL);
    json_put(process, STR("ProjectId"), json_new_string(c->a, id));
    json_put(variables, STR("OwnerId"), json_new_string(c->a, id));
    json_put(channel, STR("ProjectId"), json_new_string(c->a, id));
    json_put(channel, STR("Name"), json_new_string(c->a, STR("Default")));
    json_put(channel, STR("Slug"), json_new_string(c->a, STR("default")));
    json_put(channel, STR("IsDefault"), json_new_bool(c->a, true));
    store_part(c, KIND_PROCESS, doc_str(project, "DeploymentProcessId"), process);
    store_part(c, KIND_VARIABLE_SET, doc_str(project, "VariableSetId"), variables);
    resource_event(c, "Created", project);
    resource_event(c, "Created", store_part(c, KIND_CHANNEL, STR(""), channel));
    resource_answer(c, 201, project);
}

const struct route process_routes[] = {
    { "GET", "projects/{}/deploymentprocesses", "ProcessView", get_project_process },
    { "GET", "projects/{}/{}/deploymentprocesses", "ProcessView", get_project_process },
    { "PUT", "projects/{}/deploymentprocesses", "ProcessEdit", put_project_process },
    { "PUT", "deploymentprocesses/{}", "ProcessEdit", put_process },
    { "GET", "variables/{}", "VariableView", get_variables },
    { "PUT", "variables/{}", "VariableEdit", put_variables },
    { "GET", "projects/{}/variables", "VariableView", get_project_variables },
    { 0 },
};

const struct route project_routes[] = {
    { "POST", "projects", "ProjectCreate", post_project },
    { "GET", "projects/{}/channels", "ProcessView", get_project_channels },
    { "GET", "projects/{}/triggers", "TriggerView", get_project_triggers },
    { "GET", "projects/{}/runbooks", "RunbookView", get_project_runbooks },
    { "GET", "projects/{}/runbookSnapshots", "RunbookView", get_project_snapshots },
    { 0 },
};
