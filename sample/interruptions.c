// Interruptions (manual intervention, guided failure), and runbook runs.

#include "sample/deployments.h"
#include "sample/releases.h"
#include "sample/routes.h"
#include "sample/tasks.h"

static void add_element(struct arena *a, struct json *elements, const char *name, const char *type, const char *text)
{
    struct json *o = json_push(elements, json_new_object(a)), *control = json_new_object(a);

    json_add_str(a, o, "Name", str_from(name));
    json_add_str(a, control, "Type", str_from(type));
    json_add_str(a, control, "Text", str_from(text));
    json_add(o, STR("Control"), control);
    json_add_bool(a, o, "IsValueRequired", strcmp(type, "SubmitButtonGroup") == 0);
}

static struct json *form_of(struct arena *a, bool is_guided)
{
    struct json *form = json_new_object(a), *values = json_new_object(a), *elements = json_new_array(a);

    json_add(form, STR("Values"), values);
    json_add(form, STR("Elements"), elements);
    add_element(a, elements, "Instructions", "Paragraph", is_guided ? "The step failed. What now?" : "Please check and decide.");
    add_element(a, elements, "Notes", "TextArea", "Notes");
    add_element(a, elements, is_guided ? "Guidance" : "Result", "SubmitButtonGroup", is_guided ? "Fail, Retry, Ignore, Exclude" : "Proceed, Abort");
    json_add_null(a, values, "Notes");
    json_add_null(a, values, is_guided ? "Guidance" : "Result");
    return form;
}

void interruption_raise(struct sample *s, struct arena *a, struct doc *task, const struct doc *deployment, str title, bool is_guided, str action_id)
{
    struct json *o = json_new_object(a), *related = json_new_array(a);
    str id = model_new_id(s->model, a, KIND_INTERRUPTION), task_id = arena_str(a, task->id);
    static const char *const fields[] = { "ProjectId", "EnvironmentId", "TenantId", "TaskId" };

    json_push(related, json_new_string(a, deployment->id));
    for (size_t i = 0; i < COUNT(fields); i++)
        if (doc_str(deployment, fields[i]).n)
            json_push(related, json_new_string(a, doc_str(deployment, fields[i])));
    json_add_str(a, o, "Id", id);
    json_add_str(a, o, "SpaceId", doc_space(deployment));
    json_add_str(a, o, "Title", title);
    json_add_str(a, o, "Created", text_date(a, sample_now_ms(s)));
    json_add_bool(a, o, "IsPending", true);
    json_add(o, STR("Form"), form_of(a, is_guided));
    json_add(o, STR("RelatedDocumentIds"), related);
    json_add(o, STR("ResponsibleTeamIds"), json_new_array(a));
    json_add_null(a, o, "ResponsibleUserId");
    json_add_bool(a, o, "CanTakeResponsibility", true);
    json_add_bool(a, o, "HasResponsibility", false);
    json_add_str(a, o, "TaskId", task_id);
    json_add_str(a, o, "CorrelationId", arena_printf(a, "%.*s_%.*s", STR_ARG(task_id), STR_ARG(action_id)));
    json_add_bool(a, o, "IsLinkedToOtherInterruption", false);
    json_add_str(a, o, "ProjectId", doc_str(deployment, "ProjectId"));
    json_add_str(a, o, "_EnvironmentId", doc_str(deployment, "EnvironmentId"));
    json_add_str(a, o, "_DocumentId", deployment->id);
    json_add_str(a, o, "_ActionId", action_id);
    model_put(s->model, KIND_INTERRUPTION, o);
    doc_set(s, a, task, "HasPendingInterruptions", json_new_bool(a, true));
    deployment_event(s, a, &actor_system, is_guided ? "GuidedFailureInterruptionRaised" : "ManualInterventionInterruptionRaised", deployment, id);
}

struct regards { str document; bool pending_only; };

static bool keep_interruption(const struct doc *d, const void *ctx)
{
    const struct regards *r = ctx;

    if (r->pending_only && !doc_bool(d, "IsPending"))
        return false;
    return !r->document.n || str_eq_nocase(doc_str(d, "_DocumentId"), r->document) || str_eq_nocase(doc_str(d, "TaskId"), r->document) || json_has_text(doc_field(d, "RelatedDocumentIds"), r->document);
}

static void get_interruptions(struct call *c)
{
    resource_list(c, KIND_INTERRUPTION, keep_interruption, &(struct regards){ call_query(c, "regarding"), call_query_bool(c, "pendingOnly", false) });
}

static void put_responsible(struct call *c)
{
    struct doc *d = resource_get_for(c, KIND_INTERRUPTION, c->args[0], "InterruptionSubmit");

    if (!d)
        return;
    struct json *o = model_edit(c->a, d);
    json_put(o, STR("ResponsibleUserId"), json_new_string(c->a, c->user->id));
    json_put(o, STR("HasResponsibility"), json_new_bool(c->a, true));
    model_put(c->sample->model, KIND_INTERRUPTION, o);
    resource_answer(c, 200, c->user);
}

static void get_responsible(struct call *c)
{
    struct doc *d = resource_get(c, KIND_INTERRUPTION, c->args[0]);
    struct doc *user = d ? model_get_kind(c->sample->model, KIND_USER, doc_str(d, "ResponsibleUserId")) : NULL;

    if (user)
        resource_answer(c, 200, user);
    else if (d)
        call_not_found(c, "Responsible user", d->id);
}

// Goes on with the deployment as the answer says.
static void act(struct call *c, const struct doc *interruption, bool is_guided, str answer)
{
    struct sample *s = c->sample;
    str task_id = doc_str(interruption, "TaskId");
    struct doc *deployment = model_get_kind(s->model, KIND_DEPLOYMENT, doc_str(interruption, "_DocumentId"));
    bool proceeds = is_guided ? !str_eq_nocase(answer, STR("Fail")) : str_eq_nocase(answer, STR("Proceed"));

    if (proceeds && deployment)
        deployment_event(s, c->a, &actor_system, "DeploymentResumed", deployment, STR(""));
    task_continue(s, task_id, proceeds, is_guided ? STR("The deployment failed, and the guidance was to fail it.") : STR("The deployment was aborted by a manual intervention."));
}

static void post_submit(struct call *c)
{
    struct doc *d = resource_get_for(c, KIND_INTERRUPTION, c->args[0], "InterruptionSubmit");
    bool is_guided = d && json_get(json_get(doc_field(d, "Form"), STR("Values")), STR("Guidance"));
    str answer = call_str(c, is_guided ? "Guidance" : "Result"), notes = call_str(c, "Notes");
    struct draft e;

    if (!d)
        return;
    if (!doc_bool(d, "IsPending")) {
        call_invalid(c, "The interruption '%.*s' was answered already.", STR_ARG(d->id));
        return;
    }
    if (!str_eq_nocase(doc_str(d, "ResponsibleUserId"), c->user->id)) {
        call_invalid(c, "Take responsibility for the interruption before you answer it.");
        return;
    }
    bool is_known = is_guided ? str_eq_nocase(answer, STR("Fail")) || str_eq_nocase(answer, STR("Retry")) || str_eq_nocase(answer, STR("Ignore")) || str_eq_nocase(answer, STR("Exclude"))
                              : str_eq_nocase(answer, STR("Proceed")) || str_eq_nocase(answer, STR("Abort"));
    if (!is_known) {
        call_invalid(c, "%s: '%.*s' is not one of the answers.", is_guided ? "Guidance" : "Result", STR_ARG(answer));
        return;
    }
    struct json *o = model_edit(c->a, d), *values = json_get(json_get(o, STR("Form")), STR("Values"));
    json_put(values, is_guided ? STR("Guidance") : STR("Result"), json_new_string(c->a, answer));
    json_put(values, STR("Notes"), json_new_string(c->a, notes));
    json_put(o, STR("IsPending"), json_new_bool(c->a, false));
    if (is_guided) // asked once; ignoring lets the deployment succeed, retrying tries again
        json_put(o, STR("_ActionId"), json_new_string(c->a, str_eq_nocase(answer, STR("Retry")) ? STR("guided") : STR("guided-ignored")));
    d = model_put(c->sample->model, KIND_INTERRUPTION, o);
    draft_begin(&e, c->sample, c->a, &c->actor, "Modified", doc_space(d));
    draft_text(&e, "Interruption ");
    draft_ref(&e, d->id, doc_str(d, "Title"));
    draft_text(&e, " was submitted");
    draft_related(&e, d->id);
    json_each(id, doc_field(d, "RelatedDocumentIds"))
        draft_related(&e, json_str(id, STR("")));
    draft_commit(&e);
    act(c, d, is_guided, answer);
    resource_answer(c, 200, d);
}

// ---- runbook runs

static void run_event(struct sample *s, struct arena *a, const struct actor *who, const char *category, const struct doc *run)
{
    const struct model *m = s->model;
    struct draft e;

    draft_begin(&e, s, a, who, category, doc_space(run));
    if (strcmp(category, "RunbookRunQueued") == 0)
        draft_text(&e, "Queued ");
    draft_ref(&e, run->id, doc_str(run, "Name"));
    draft_text(&e, strcmp(category, "RunbookRunStarted") == 0 ? " started for " : strcmp(category, "RunbookRunSucceeded") == 0 ? " succeeded for " : strcmp(category, "RunbookRunFailed") == 0 ? " failed for " : " for ");
    draft_ref(&e, doc_str(run, "ProjectId"), doc_str(model_get(m, doc_str(run, "ProjectId")), "Name"));
    draft_text(&e, " in ");
    draft_ref(&e, doc_str(run, "EnvironmentId"), doc_str(model_get(m, doc_str(run, "EnvironmentId")), "Name"));
    draft_related(&e, run->id);
    draft_related(&e, doc_str(run, "RunbookId"));
    draft_related(&e, doc_str(run, "RunbookSnapshotId"));
    draft_related(&e, doc_str(run, "ProjectId"));
    draft_related(&e, doc_str(run, "EnvironmentId"));
    draft_related(&e, doc_str(run, "TenantId"));
    draft_related(&e, doc_str(run, "TaskId"));
    draft_commit(&e);
}

static struct doc *run_of(struct sample *s, const struct doc *task)
{
    return model_get_kind(s->model, KIND_RUNBOOK_RUN, doc_str(task, "_DocumentId"));
}

static void run_started(struct sample *s, struct arena *a, struct doc *task)
{
    const struct doc *run = run_of(s, task);

    if (run)
        run_event(s, a, &actor_system, "RunbookRunStarted", run);
}

static bool run_finish(struct sample *s, struct arena *a, struct doc *task, str *error)
{
    const struct doc *run = run_of(s, task);

    *error = arena_str(a, doc_str(model_get(s->model, doc_str(run, "EnvironmentId")), "_Fails"));
    return true;
}

static void run_ended(struct sample *s, struct arena *a, struct doc *task)
{
    const struct doc *run = run_of(s, task);

    if (run)
        run_event(s, a, &actor_system, str_eq(doc_str(task, "State"), STR("Success")) ? "RunbookRunSucceeded" : "RunbookRunFailed", run);
}

const struct task_kind task_runbook_run = { "RunbookRun", run_started, run_finish, run_ended };

// One run with its task, or NULL after answering.
static struct doc *make_run(struct call *c, const struct doc *runbook, const struct doc *environment)
{
    struct model *m = c->sample->model;
    struct scope scope = { .project = doc_str(runbook, "ProjectId"), .environment = environment->id };

    if (!call_may(c, "RunbookRunCreate", &scope))
        return NULL;
    struct json *o = resource_new(c, KIND_RUNBOOK_RUN), *arguments = json_new_object(c->a);
    static const char *const executions[] = { "ProjectName", "RunbookName", "EnvironmentNames", "Tenants", "TenantTags", "Variables", "SpaceIdOrName", "SpaceName", "RunAt", "NoRunAfter", NULL };
    for (const char *const *name = executions; *name; name++) {
        struct json *extra = json_get_nocase(o, str_from(*name));

        if (extra)
            json_drop(o, extra->name);
    }
    str id = json_str(json_get(o, STR("Id")), STR("")), snapshot = call_str(c, "RunbookSnapshotId");
    json_add_str(c->a, arguments, "RunbookRunId", id);
    struct json *task = task_new(c->sample, c->a, c->space, "RunbookRun", arena_printf(c->a, "Run %.*s in %.*s", STR_ARG(doc_str(runbook, "Name")), STR_ARG(doc_str(environment, "Name"))), arguments);
    json_put(task, STR("ProjectId"), json_new_string(c->a, doc_str(runbook, "ProjectId")));
    json_add_str(c->a, task, "_EnvironmentId", environment->id);
    json_add_str(c->a, task, "_DocumentId", id);
    str task_id = json_str(json_get(task, STR("Id")), STR(""));
    json_put(o, STR("RunbookId"), json_new_string(c->a, runbook->id));
    json_put(o, STR("EnvironmentId"), json_new_string(c->a, environment->id));
    json_put(o, STR("ProjectId"), json_new_string(c->a, doc_str(runbook, "ProjectId")));
    json_put(o, STR("RunbookSnapshotId"), json_new_string(c->a, snapshot.n ? snapshot : doc_str(runbook, "PublishedRunbookSnapshotId")));
    json_put(o, STR("TaskId"), json_new_string(c->a, task_id));
    json_put(o, STR("Name"), json_new_string(c->a, arena_printf(c->a, "Run %.*s", STR_ARG(doc_str(runbook, "Name")))));
    json_put(o, STR("Created"), json_new_string(c->a, text_date(c->a, sample_now_ms(c->sample))));
    json_put(o, STR("DeployedBy"), json_new_string(c->a, c->actor.username));
    json_put(o, STR("DeployedById"), json_new_string(c->a, c->actor.user_id));
    model_put(m, KIND_TASK, task);
    struct doc *run = model_put(m, KIND_RUNBOOK_RUN, o);
    run_event(c->sample, c->a, &c->actor, "RunbookRunQueued", run);
    task_start(c->sample, task_id);
    return run;
}

static const struct doc *named_doc(struct call *c, enum kind_id kind, str name)
{
    const struct doc *d = find_by_any_name(c->sample->model, kind, c->space, name);

    if (d && resource_is_visible(c, d))
        return d;
    call_not_found(c, kinds[kind].label, name);
    return NULL;
}

static void post_run(struct call *c)
{
    const struct doc *runbook = named_doc(c, KIND_RUNBOOK, call_str(c, "RunbookId"));
    const struct doc *environment = runbook ? named_doc(c, KIND_ENVIRONMENT, call_str(c, "EnvironmentId")) : NULL;
    struct doc *run = environment ? make_run(c, runbook, environment) : NULL;

    if (run)
        resource_answer(c, 201, run);
}

static void post_run_v1(struct call *c)
{
    const struct doc *runbook = named_doc(c, KIND_RUNBOOK, call_str(c, "RunbookName"));
    struct json *o = json_new_object(c->a), *tasks = json_add(o, STR("RunbookRunServerTasks"), json_new_array(c->a));

    if (!runbook)
        return;
    json_each(name, call_field(c, "EnvironmentNames"))
        if (!named_doc(c, KIND_ENVIRONMENT, json_str(name, STR(""))))
            return;
    json_each(name, call_field(c, "EnvironmentNames")) {
        struct doc *run = make_run(c, runbook, find_by_any_name(c->sample->model, KIND_ENVIRONMENT, c->space, json_str(name, STR(""))));

        if (!run)
            return;
        struct json *one = json_push(tasks, json_new_object(c->a));
        json_add_str(c->a, one, "RunbookRunId", run->id);
        json_add_str(c->a, one, "ServerTaskId", doc_str(run, "TaskId"));
    }
    call_answer(c, 200, o);
}

// With the variables as they are now; ?publish=true makes it the one that runs unless another is named.
static void post_snapshot(struct call *c)
{
    const struct doc *runbook = named_doc(c, KIND_RUNBOOK, call_str(c, "RunbookId"));

    if (!runbook)
        return;
    struct scope scope = { .project = doc_str(runbook, "ProjectId") };
    struct json *o = resource_new(c, KIND_RUNBOOK_SNAPSHOT);
    json_put(o, STR("RunbookId"), json_new_string(c->a, runbook->id));
    json_put(o, STR("ProjectId"), json_new_string(c->a, doc_str(runbook, "ProjectId")));
    json_put(o, STR("Assembled"), json_new_string(c->a, text_date(c->a, sample_now_ms(c->sample))));
    if (!call_may(c, "RunbookEdit", &scope) || !resource_check_name(c, KIND_RUNBOOK_SNAPSHOT, o, "RunbookId"))
        return;
    runbook_take_snapshots(c->sample->model, c->a, o);
    struct doc *d = resource_store(c, KIND_RUNBOOK_SNAPSHOT, o);
    if (call_query_bool(c, "publish", false)) {
        struct json *book = model_edit(c->a, runbook);
        json_put(book, STR("PublishedRunbookSnapshotId"), json_new_string(c->a, d->id));
        resource_store(c, KIND_RUNBOOK, book);
    }
    resource_event(c, "Created", d);
    resource_answer(c, 201, d);
}

static void get_runbook_snapshots(struct call *c)
{
    struct doc *d = resource_get(c, KIND_RUNBOOK, c->args[0]);

    if (d)
        resource_list(c, KIND_RUNBOOK_SNAPSHOT, resource_keep_field, &(struct field_value){ "RunbookId", d->id });
}

const struct route interruption_routes[] = {
    { "GET", "interruptions", "InterruptionView", get_interruptions },
    { "GET", "interruptions/{}/responsible", "InterruptionView", get_responsible },
    { "PUT", "interruptions/{}/responsible", "InterruptionSubmit", put_responsible },
    { "POST", "interruptions/{}/submit", "InterruptionSubmit", post_submit },
    { "POST", "runbookRuns", "RunbookRunCreate", post_run },
    { "POST", "runbook-runs/create/v1", "RunbookRunCreate", post_run_v1 },
    { "POST", "runbookSnapshots", "RunbookEdit", post_snapshot },
    { "GET", "runbooks/{}/runbookSnapshots", "RunbookView", get_runbook_snapshots },
    { 0 },
};
