#include "sample/tasks.h"

#include "base/timetext.h"
#include "sample/routes.h"

// One task under way.
struct going {
    struct tasks *tasks;
    struct going *prev, *next;
    str id;
    struct loop_timer *timer;
};

struct tasks {
    struct sample *sample;
    struct going *first;
};

static const struct task_kind *const task_kinds[] = { &task_deploy, &task_runbook_run, &task_health };

struct tasks *tasks_new(struct sample *s)
{
    struct tasks *t = xcalloc(1, sizeof *t);

    t->sample = s;
    return t;
}

static void going_free(struct going *g)
{
    if (g->prev)
        g->prev->next = g->next;
    else
        g->tasks->first = g->next;
    if (g->next)
        g->next->prev = g->prev;
    loop_timer_free(g->timer);
    free((void *)(uintptr_t)g->id.p);
    free(g);
}

void tasks_free(struct tasks *t)
{
    if (!t)
        return;
    while (t->first)
        going_free(t->first);
    free(t);
}

static struct going *find_going(struct tasks *t, str id)
{
    for (struct going *g = t->first; g; g = g->next)
        if (str_eq(g->id, id))
            return g;
    return NULL;
}

static const struct task_kind *kind_of(const struct doc *task)
{
    for (size_t i = 0; i < COUNT(task_kinds); i++)
        if (str_eq(doc_str(task, "Name"), str_from(task_kinds[i]->name)))
            return task_kinds[i];
    return NULL;
}

struct doc *doc_set(struct sample *s, struct arena *a, struct doc *d, const char *name, struct json *value)
{
    struct json *o = model_edit(a, d);

    json_put(o, str_from(name), value);
    return model_put(s->model, (enum kind_id)(d->kind - kinds), o);
}

void task_describe_times(struct arena *a, struct json *task)
{
    static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
    static const char *const months[] = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December" };
    int64_t start = 0, end;

    if (!timetext_parse(json_str(json_get(task, STR("CompletedTime")), STR("")), &end))
        return;
    timetext_parse(json_str(json_get(task, STR("StartTime")), STR("")), &start);
    struct civil c = civil_from_ms(end);
    json_put(task, STR("Completed"), json_new_string(a, arena_printf(a, "%s, %02d %s %" PRId64 " %d:%02d:%02d %s +00:00", days[c.weekday], c.day, months[c.month - 1], c.year, c.hour % 12 ? c.hour % 12 : 12, c.minute, c.second, c.hour < 12 ? "AM" : "PM")));
    json_put(task, STR("Duration"), json_new_string(a, start ? arena_printf(a, "%" PRId64 " seconds", MAX((end - start + 500) / 1000, 1)) : STR("0 seconds")));
}

// A deployment's list can be filtered by the state of its task.
static void tell_document(struct sample *s, struct arena *a, const struct doc *task, str state)
{
    struct doc *d = model_get(s->model, doc_str(task, "_DocumentId"));

    if (!d)
        return;
    d = doc_set(s, a, d, "_TaskState", json_new_string(a, state));
    if (str_eq(state, STR("Failed")) && doc_field(d, "FailureEncountered"))
        doc_set(s, a, d, "FailureEncountered", json_new_bool(a, true));
}

static struct doc *set_state(struct sample *s, struct arena *a, struct doc *task, const char *state, str error)
{
    struct json *o = model_edit(a, task);
    str now = text_date(a, sample_now_ms(s)), text = str_from(state);
    bool is_end = strcmp(state, "Executing") != 0 && strcmp(state, "Cancelling") != 0;

    json_put(o, STR("State"), json_new_string(a, text));
    json_put(o, STR("LastUpdatedTime"), json_new_string(a, now));
    json_put(o, STR("HasBeenPickedUpByProcessor"), json_new_bool(a, true));
    if (!json_is(json_get(o, STR("StartTime")), JSON_STRING))
        json_put(o, STR("StartTime"), json_new_string(a, now));
    if (is_end) {
        json_put(o, STR("CompletedTime"), json_new_string(a, now));
        json_put(o, STR("IsCompleted"), json_new_bool(a, true));
        json_put(o, STR("FinishedSuccessfully"), json_new_bool(a, str_eq(text, STR("Success"))));
        json_put(o, STR("HasPendingInterruptions"), json_new_bool(a, false));
        json_put(o, STR("HasWarningsOrErrors"), json_new_bool(a, !str_eq(text, STR("Success"))));
        json_put(o, STR("CanRerun"), json_new_bool(a, true));
        json_put(o, STR("ErrorMessage"), json_new_string(a, error));
        task_describe_times(a, o);
    } else {
        json_put(o, STR("Completed"), json_new_string(a, STR("Executing...")));
    }
    task = model_put(s->model, KIND_TASK, o);
    tell_document(s, a, task, text);
    return task;
}

static void finish(struct sample *s, struct arena *a, struct doc *task, str error)
{
    const struct task_kind *kind = kind_of(task);

    task = set_state(s, a, task, error.n ? "Failed" : "Success", error);
    if (kind)
        kind->ended(s, a, task);
}

static int64_t run_ms(const struct sample *s, const struct doc *task)
{
    return str_eq(doc_str(task, "Name"), STR("Health")) ? s->timing.health_ms : s->timing.run_ms;
}

static void step(void *ctx)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct going *g = ctx;
    struct sample *s = g->tasks->sample;
    struct doc *task = model_get_kind(s->model, KIND_TASK, g->id);
    const struct task_kind *kind = task ? kind_of(task) : NULL;
    str error = STR("");

    if (task && str_eq(doc_str(task, "State"), STR("Queued"))) {
        task = set_state(s, &a, task, "Executing", STR(""));
        if (kind)
            kind->started(s, &a, task);
        loop_timer_set(g->timer, run_ms(s, task), 0);
        return;
    }
    if (task && str_eq(doc_str(task, "State"), STR("Executing"))) {
        if (kind && !kind->finish(s, &a, task, &error)) {
            loop_timer_stop(g->timer); // until task_continue
            return;
        }
        finish(s, &a, task, error);
    }
    going_free(g);
}

void task_start(struct sample *s, str task_id)
{
    struct tasks *t = s->tasks;
    struct going *g;

    if (!t)
        return;
    g = xcalloc(1, sizeof *g);
    g->tasks = t;
    g->id = (str){ xmemdup(task_id.p, task_id.n), task_id.n };
    g->next = t->first;
    if (g->next)
        g->next->prev = g;
    t->first = g;
    g->timer = loop_timer_new(s->loop, step, g);
    loop_timer_set(g->timer, s->timing.queue_ms, 0);
}

void tasks_resume(struct tasks *t)
{
    struct model *m = t->sample->model;

    for (size_t i = 0; i < model_count(m, KIND_TASK); i++) {
        const struct doc *task = model_at(m, KIND_TASK, i);

        if (doc_bool(task, "IsCompleted"))
            continue;
        task_start(t->sample, task->id);
        if (doc_bool(task, "HasPendingInterruptions"))
            loop_timer_stop(t->first->timer);
    }
}

void task_continue(struct sample *s, str task_id, bool proceeds, str error)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct doc *task = model_get_kind(s->model, KIND_TASK, task_id);
    struct going *g = find_going(s->tasks, task_id);

    if (!task || doc_bool(task, "IsCompleted"))
        return;
    task = doc_set(s, &a, task, "HasPendingInterruptions", json_new_bool(&a, false));
    if (!proceeds) {
        finish(s, &a, task, error);
        if (g)
            going_free(g);
    } else if (g) {
        loop_timer_set(g->timer, run_ms(s, task), 0);
    }
}

bool task_cancel(struct sample *s, str task_id, const struct actor *who)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct doc *task = model_get_kind(s->model, KIND_TASK, task_id);
    struct going *g = find_going(s->tasks, task_id);
    const struct task_kind *kind = task ? kind_of(task) : NULL;
    struct draft e;

    if (!task || doc_bool(task, "IsCompleted"))
        return false;
    bool has_started = !str_eq(doc_str(task, "State"), STR("Queued"));
    task = set_state(s, &a, task, "Canceled", arena_printf(&a, "The task was canceled by %.*s", STR_ARG(who->username)));
    if (g)
        going_free(g);
    draft_begin(&e, s, &a, who, "TaskCanceled", doc_space(task));
    draft_text(&e, "Task ");
    draft_ref(&e, task->id, doc_str(task, "Description"));
    draft_text(&e, " was canceled");
    draft_related(&e, task->id);
    draft_related(&e, doc_str(task, "_DocumentId"));
    draft_related(&e, doc_str(task, "ProjectId"));
    draft_related(&e, doc_str(task, "_EnvironmentId"));
    draft_related(&e, doc_str(task, "_TenantId"));
    draft_commit(&e);
    if (kind && has_started)
        kind->ended(s, &a, task);
    return true;
}

struct json *task_new(struct sample *s, struct arena *a, str space, const char *name, str description, struct json *arguments)
{
    struct json *o = json_new_object(a);
    str now = text_date(a, sample_now_ms(s));

    json_add_str(a, o, "Id", model_new_id(s->model, a, KIND_TASK));
    json_add_str(a, o, "SpaceId", space);
    json_add_str(a, o, "Name", str_from(name));
    json_add_str(a, o, "Description", description);
    json_add(o, STR("Arguments"), arguments ? arguments : json_new_object(a));
    json_add_str(a, o, "State", STR("Queued"));
    json_add_str(a, o, "Completed", STR("Queued..."));
    json_add_str(a, o, "QueueTime", now);
    json_add_null(a, o, "QueueTimeExpiry");
    json_add_null(a, o, "StartTime");
    json_add_str(a, o, "LastUpdatedTime", now);
    json_add_null(a, o, "CompletedTime");
    json_add_str(a, o, "ServerNode", STR("OctopusServerNodes-sample"));
    json_add_str(a, o, "Duration", STR(""));
    json_add_str(a, o, "ErrorMessage", STR(""));
    json_add_bool(a, o, "HasBeenPickedUpByProcessor", false);
    json_add_bool(a, o, "IsCompleted", false);
    json_add_bool(a, o, "FinishedSuccessfully", false);
    json_add_bool(a, o, "HasPendingInterruptions", false);
    json_add_bool(a, o, "CanRerun", false);
    json_add_bool(a, o, "HasWarningsOrErrors", false);
    json_add_null(a, o, "ProjectId");
    return o;
}

// ---- routes

static void post_cancel(struct call *c)
{
    struct doc *task = resource_get_for(c, KIND_TASK, c->args[0], "TaskCancel");

    if (!task)
        return;
    if (!task_cancel(c->sample, task->id, &c->actor)) {
        call_invalid(c, "The task '%.*s' is completed and cannot be canceled.", STR_ARG(task->id));
        return;
    }
    resource_answer(c, 200, model_get(c->sample->model, c->args[0]));
}

static void post_state(struct call *c)
{
    struct doc *task = resource_get_for(c, KIND_TASK, c->args[0], "TaskEdit");
    str state = call_str(c, "State");

    if (!task)
        return;
    if (!doc_bool(task, "IsCompleted") || !(str_eq_nocase(state, STR("Success")) || str_eq_nocase(state, STR("Failed")) || str_eq_nocase(state, STR("Canceled")))) {
        call_invalid(c, "The state of a completed task can be set to Success, Failed or Canceled, not '%.*s'.", STR_ARG(state));
        return;
    }
    char text[16] = "";
    memcpy(text, state.p, MIN(state.n, sizeof text - 1));
    resource_answer(c, 200, set_state(c->sample, c->a, task, text, call_str(c, "Reason")));
}

static str log_of(struct call *c, const struct doc *task)
{
    str error = doc_str(task, "ErrorMessage"), description = doc_str(task, "Description"), end = STR("");

    if (doc_bool(task, "IsCompleted"))
        end = arena_printf(c->a, "%s%.*s\n", error.n ? "Fatal    | " : "Success  | ", STR_ARG(error.n ? error : STR("The task completed successfully")));
    return arena_printf(c->a, "Task ID:        %.*s\nTask status:    %.*s\n                      | %.*s\n%.*s", STR_ARG(task->id), STR_ARG(doc_str(task, "State")), STR_ARG(description), STR_ARG(end));
}

static void get_raw(struct call *c)
{
    struct doc *task = resource_get(c, KIND_TASK, c->args[0]);

    if (task)
        call_answer_text(c, 200, "text/plain; charset=utf-8", log_of(c, task));
}

static void get_details(struct call *c)
{
    struct doc *task = resource_get(c, KIND_TASK, c->args[0]);
    struct json *o = json_new_object(c->a), *logs = json_new_array(c->a), *log, *elements, *element, *progress = json_new_object(c->a);

    if (!task)
        return;
    json_add(o, STR("Task"), resource_json(c, task));
    log = json_push(json_add(o, STR("ActivityLogs"), logs), json_new_object(c->a));
    json_add_str(c->a, log, "Id", task->id);
    json_add_str(c->a, log, "Name", doc_str(task, "Description"));
    json_add_str(c->a, log, "Status", str_eq(doc_str(task, "State"), STR("Executing")) ? STR("Running") : str_eq(doc_str(task, "State"), STR("Queued")) ? STR("Pending") : doc_str(task, "State"));
    elements = json_add(log, STR("LogElements"), json_new_array(c->a));
    element = json_push(elements, json_new_object(c->a));
    json_add_str(c->a, element, "Category", doc_str(task, "ErrorMessage").n ? STR("Fatal") : STR("Info"));
    json_add_str(c->a, element, "OccurredAt", doc_str(task, "LastUpdatedTime"));
    json_add_str(c->a, element, "MessageText", doc_str(task, "ErrorMessage").n ? doc_str(task, "ErrorMessage") : doc_str(task, "Description"));
    json_add(log, STR("Children"), json_new_array(c->a));
    json_add_i64(c->a, log, "ProgressPercentage", doc_bool(task, "IsCompleted") ? 100 : 0);
    json_add_i64(c->a, o, "PhysicalLogSize", 0);
    json_add_i64(c->a, progress, "ProgressPercentage", doc_bool(task, "IsCompleted") ? 100 : 0);
    json_add_str(c->a, progress, "EstimatedTimeRemaining", STR("a moment"));
    json_add(o, STR("Progress"), progress);
    json_add(o, STR("Links"), json_new_object(c->a));
    call_answer(c, 200, o);
}

static void post_task(struct call *c)
{
    str name = call_str(c, "Name"), description = call_str(c, "Description");
    const struct json *arguments = call_field(c, "Arguments");

    if (!str_eq_nocase(name, STR("Health")) && !str_eq_nocase(name, STR("AdHocScript"))) {
        call_invalid(c, "The sample runs tasks of the name Health and AdHocScript, not '%.*s'.", STR_ARG(name));
        return;
    }
    bool is_health = str_eq_nocase(name, STR("Health"));
    struct json *o = task_new(c->sample, c->a, c->space, is_health ? "Health" : "AdHocScript", description.n ? description : is_health ? STR("Check deployment target health") : STR("Run a script"),
        json_is(arguments, JSON_OBJECT) ? json_copy(c->a, arguments) : NULL);
    struct doc *task = model_put(c->sample->model, KIND_TASK, o);
    task_start(c->sample, task->id);
    resource_answer(c, 201, task);
}

const struct route task_routes[] = {
    { "POST", "tasks", "TaskCreate", post_task },
    { "POST", "tasks/{}/cancel", "TaskCancel", post_cancel },
    { "POST", "tasks/{}/state", "TaskEdit", post_state },
    { "GET", "tasks/{}/raw", "TaskView", get_raw },
    { "GET", "tasks/{}/details", "TaskView", get_details },
    { 0 },
};
