// Machines: registering, changing, removing; their health.

#include "sample/machines.h"
#include "sample/routes.h"
#include "sample/tasks.h"

static void machine_event(struct sample *s, struct arena *a, const struct actor *who, const char *category, const struct doc *machine, const char *verb, str task_id)
{
    const struct json *environments = doc_field(machine, "EnvironmentIds");
    bool names_places = strcmp(category, "MachineAdded") == 0 || strcmp(category, "MachineDeleted") == 0;
    struct draft e;

    draft_begin(&e, s, a, who, category, doc_space(machine));
    draft_text(&e, "Machine ");
    draft_ref(&e, machine->id, doc_str(machine, "Name"));
    draft_text(&e, verb);
    json_each(id, environments) {
        if (!names_places)
            break;
        if (id != environments->first)
            draft_text(&e, ", ");
        draft_ref(&e, json_str(id, STR("")), doc_str(model_get(s->model, json_str(id, STR(""))), "Name"));
    }
    draft_related(&e, machine->id);
    json_each(id, environments)
        draft_related(&e, json_str(id, STR("")));
    draft_related(&e, task_id);
    draft_commit(&e);
}

static void queue_health_check(struct sample *s, struct arena *a, const struct doc *machine)
{
    struct json *arguments = json_new_object(a), *ids = json_add(arguments, STR("MachineIds"), json_new_array(a));

    json_push(ids, json_new_string(a, arena_str(a, machine->id)));
    json_add_str(a, arguments, "Timeout", STR("00:05:00"));
    struct json *task = task_new(s, a, arena_str(a, doc_space(machine)), "Health", arena_printf(a, "Check health of %.*s because it was recently added", STR_ARG(doc_str(machine, "Name"))), arguments);
    task_start(s, model_put(s->model, KIND_TASK, task)->id);
}

static bool machine_is_sound(struct call *c, const struct json *o)
{
    struct json *errors = json_new_array(c->a);
    const struct json *environments = json_get(o, STR("EnvironmentIds")), *roles = json_get(o, STR("Roles")), *endpoint = json_get(o, STR("Endpoint"));

    if (!json_is(environments, JSON_ARRAY) || !environments->count)
        json_push(errors, json_new_string(c->a, STR("EnvironmentIds: please name at least one environment.")));
    json_each(id, environments)
        if (!model_get_kind(c->sample->model, KIND_ENVIRONMENT, json_str(id, STR(""))))
            json_push(errors, json_new_string(c->a, arena_printf(c->a, "EnvironmentIds: there is no environment '%.*s'.", STR_ARG(json_str(id, STR(""))))));
    if (!json_is(roles, JSON_ARRAY) || !roles->count)
        json_push(errors, json_new_string(c->a, STR("Roles: please name at least one target tag (role).")));
    if (!json_str(json_get_nocase(endpoint, STR("CommunicationStyle")), STR("")).n)
        json_push(errors, json_new_string(c->a, STR("Endpoint: please say its CommunicationStyle.")));
    if (errors->count)
        call_invalid_list(c, errors);
    return !errors->count;
}

void machine_register(struct call *c)
{
    if (!json_is(c->body, JSON_OBJECT)) {
        call_invalid(c, "The body must be a JSON object.");
        return;
    }
    struct json *o = resource_new(c, KIND_MACHINE);
    struct scope scope = { .environments = json_get(o, STR("EnvironmentIds")) };
    if (!call_may(c, "MachineCreate", &scope) || !machine_is_sound(c, o) || !resource_check_name(c, KIND_MACHINE, o, NULL))
        return;
    json_put(o, STR("HealthStatus"), json_new_string(c->a, STR("Unknown")));
    json_put(o, STR("Status"), json_new_string(c->a, STR("Unknown")));
    const struct json *endpoint = json_get(o, STR("Endpoint")), *uri = json_get_nocase(endpoint, STR("Uri")), *thumbprint = json_get_nocase(endpoint, STR("Thumbprint"));
    if (uri)
        json_put(o, STR("Uri"), json_copy(c->a, uri));
    if (thumbprint)
        json_put(o, STR("Thumbprint"), json_copy(c->a, thumbprint));
    struct doc *d = resource_store(c, KIND_MACHINE, o);
    resource_event(c, "Created", d);
    machine_event(c->sample, c->a, &c->actor, "MachineAdded", d, " was added to ", STR(""));
    if (!doc_bool(d, "SkipInitialHealthCheck"))
        queue_health_check(c->sample, c->a, d);
    resource_answer(c, 201, d);
}

static void put_machine(struct call *c)
{
    struct doc *d = resource_get_for(c, KIND_MACHINE, c->args[0], "MachineEdit");

    if (!d || !json_is(c->body, JSON_OBJECT)) {
        if (d)
            call_invalid(c, "The body must be a JSON object.");
        return;
    }
    struct json *o = resource_changed(c, d);
    bool was_disabled = doc_bool(d, "IsDisabled");
    bool is_moved = !json_equal(json_get(o, STR("Roles")), doc_field(d, "Roles")) || !json_equal(json_get(o, STR("EnvironmentIds")), doc_field(d, "EnvironmentIds")) ||
                    !json_equal(json_get(o, STR("TenantIds")), doc_field(d, "TenantIds"));
    if (!machine_is_sound(c, o) || !resource_check_name(c, KIND_MACHINE, o, NULL))
        return;
    d = resource_store(c, KIND_MACHINE, o);
    if (doc_bool(d, "IsDisabled") != was_disabled)
        machine_event(c->sample, c->a, &c->actor, was_disabled ? "MachineEnabled" : "MachineDisabled", d, was_disabled ? " was enabled" : " was disabled", STR(""));
    else if (is_moved)
        machine_event(c->sample, c->a, &c->actor, "MachineDeploymentRelatedPropertyWasUpdated", d, " deployment-related property was updated", STR(""));
    else
        resource_event(c, "Modified", d);
    resource_answer(c, 200, d);
}

static void delete_machine(struct call *c)
{
    struct doc *d = resource_get_for(c, KIND_MACHINE, c->args[0], "MachineDelete");

    if (!d)
        return;
    resource_event(c, "Deleted", d);
    machine_event(c->sample, c->a, &c->actor, "MachineDeleted", d, " was deleted from ", STR(""));
    model_remove(c->sample->model, d);
    call_answer(c, 200, json_new_object(c->a));
}

static void get_discover(struct call *c)
{
    struct json *o = json_new_object(c->a), *endpoint = json_new_object(c->a);
    str host = call_query(c, "host");

    if (!host.n) {
        call_invalid(c, "Please name the host.");
        return;
    }
    json_add_str(c->a, o, "Name", host);
    json_add_str(c->a, endpoint, "CommunicationStyle", call_has_query(c, "type") ? call_query(c, "type") : STR("TentaclePassive"));
    json_add_str(c->a, endpoint, "Uri", arena_printf(c->a, "https://%.*s:%" PRId64 "/", STR_ARG(host), call_query_i64(c, "port", 10933)));
    json_add_str(c->a, endpoint, "Thumbprint", STR("8F2C1D0E5B7A4936A1B2C3D4E5F60718293A4B5C"));
    json_add(o, STR("Endpoint"), endpoint);
    json_add(o, STR("EnvironmentIds"), json_new_array(c->a));
    json_add(o, STR("Roles"), json_new_array(c->a));
    json_add(o, STR("Links"), json_new_object(c->a));
    call_answer(c, 200, o);
}

static void get_connection(struct call *c)
{
    struct doc *d = resource_get(c, KIND_MACHINE, c->args[0]);
    struct json *o = json_new_object(c->a);

    if (!d)
        return;
    json_add_str(c->a, o, "MachineId", d->id);
    json_add_str(c->a, o, "Status", doc_str(d, "Status"));
    json_add_str(c->a, o, "LastChecked", doc_str(d, "LastModifiedOn"));
    json_add_str(c->a, o, "CurrentTentacleVersion", STR("8.3.2600"));
    json_add(o, STR("Links"), json_new_object(c->a));
    call_answer(c, 200, o);
}

static bool task_names_machine(const struct doc *task, const void *id)
{
    return json_has_text(json_get_nocase(doc_field(task, "Arguments"), STR("MachineIds")), *(const str *)id);
}

static void get_machine_tasks(struct call *c)
{
    struct doc *d = resource_get(c, KIND_MACHINE, c->args[0]);

    if (d)
        resource_list(c, KIND_TASK, task_names_machine, &d->id);
}

static void get_machine_deployments(struct call *c)
{
    struct doc *d = resource_get(c, KIND_MACHINE, c->args[0]);

    if (d)
        resource_list(c, KIND_DEPLOYMENT, resource_keep_field, &(struct field_value){ "DeployedToMachineIds", d->id });
}

// ---- health checks

static void health_started(struct sample *s, struct arena *a, struct doc *task)
{
    (void)s, (void)a, (void)task;
}

static bool health_finish(struct sample *s, struct arena *a, struct doc *task, str *error)
{
    (void)s, (void)a, (void)task, (void)error;
    return true;
}

static void found(struct sample *s, struct arena *a, struct doc *machine, str task_id)
{
    static const struct { const char *health, *status, *category, *verb; } ways[] = {
        { "Healthy", "Online", "MachineHealthy", " was found healthy" },
        { "Unhealthy", "Online", "MachineUnhealthy", " was found to be unhealthy" },
        { "Unavailable", "Offline", "MachineUnavailable", " was found to be unavailable" },
        { "HasWarnings", "Online", "MachineHasWarnings", " was found to have warnings" },
    };
    str planned = doc_str(machine, "_Health"); // by /sample/health
    size_t way = 0;

    for (size_t i = 0; i < COUNT(ways); i++)
        if (str_eq_nocase(planned, str_from(ways[i].health)))
            way = i;
    bool is_new = !str_eq(doc_str(machine, "HealthStatus"), str_from(ways[way].health));
    struct json *o = model_edit(a, machine);
    json_put(o, STR("HealthStatus"), json_new_string(a, str_from(ways[way].health)));
    json_put(o, STR("Status"), json_new_string(a, str_from(ways[way].status)));
    json_put(o, STR("StatusSummary"), json_new_string(a, way ? STR("The health check found a problem.") : STR("Octopus was able to successfully establish a connection with this machine.")));
    machine = model_put(s->model, KIND_MACHINE, o);
    if (is_new)
        machine_event(s, a, &actor_system, ways[way].category, machine, ways[way].verb, task_id);
}

static void health_ended(struct sample *s, struct arena *a, struct doc *task)
{
    const struct json *arguments = doc_field(task, "Arguments"), *ids = json_get_nocase(arguments, STR("MachineIds"));
    str environment = json_str(json_get_nocase(arguments, STR("EnvironmentId")), STR(""));

    for (size_t i = 0; i < model_count(s->model, KIND_MACHINE); i++) {
        struct doc *d = model_at(s->model, KIND_MACHINE, i);

        if (!str_eq(doc_space(d), doc_space(task)) || (ids && ids->count && !json_has_text(ids, d->id)) || (environment.n && !json_has_text(doc_field(d, "EnvironmentIds"), environment)))
            continue;
        found(s, a, d, task->id);
    }
}

const struct task_kind task_health = { "Health", health_started, health_finish, health_ended };

const struct route machine_routes[] = {
    { "POST", "machines", "MachineCreate", machine_register },
    { "GET", "machines/discover", "MachineCreate", get_discover },
    { "PUT", "machines/{}", "MachineEdit", put_machine },
    { "DELETE", "machines/{}", "MachineDelete", delete_machine },
    { "GET", "machines/{}/connection", "MachineView", get_connection },
    { "GET", "machines/{}/deployments", "DeploymentView", get_machine_deployments },
    { "GET", "machines/{}/tasks", "MachineView", get_machine_tasks },
    { 0 },
};
