#include "reaction/dry_run.h"

#include "base/limits.h"
#include "reaction/engine_internal.h"
#include "reaction/http_request.h"
#include "reaction/match.h"
#include "reaction/octopus_vars.h"
#include "reaction/payload.h"
#include "reaction/run_http.h"

#define DOCUMENTS_MAX_MS 10000 // that long the documents an event speaks of are waited for
#define DOCUMENTS_LOOK_MS 20

struct dry_run {
    struct engine *engine;
    int64_t reaction_id;
    bool is_draft;
    const struct store_event *event; // the caller's, who waits
    struct arena *a;                 // the caller's
    const struct snapshot *snapshot;
    const struct reaction_entry *reaction;
    struct loop_timer *timer;
    int64_t began_ms;
    struct active *run;
    struct json *out, *warnings, *log, *calls;
    int64_t log_lines, log_bytes;
    struct err err;
    bool is_done;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static void answer(struct dry_run *d)
{
    registry_give(d->engine->opt.registry, d->snapshot);
    loop_timer_free(d->timer);
    d->engine->dry_running--;
    pthread_mutex_lock(&d->lock);
    d->is_done = true;
    pthread_cond_signal(&d->done);
    pthread_mutex_unlock(&d->lock);
}

static void warn(struct dry_run *d, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void warn(struct dry_run *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    json_push(d->warnings, json_new_string(d->a, arena_vprintf(d->a, fmt, args)));
    va_end(args);
}

// ---- the verdict ----

static str other_trigger(struct dry_run *d, struct json *parts, const char *part, str wanted, str got)
{
    struct arena *a = d->a;
    struct json *p = json_push(parts, json_new_object(a));
    json_add_str(a, p, "Part", str_from(part));
    json_add_bool(a, p, "Passed", false);
    json_add_str(a, p, "Wanted", wanted);
    json_add_str(a, p, "Got", got);
    return json_text(a, parts);
}

// An event of another kind or trigger is not offered to this reaction at all.
static bool is_offered(struct dry_run *d, struct match_result *result)
{
    const struct reaction *def = d->reaction->def;
    const struct store_event *v = d->event;
    struct json *parts = json_new_array(d->a);
    *result = (struct match_result){ .verdict = VERDICT_NOT_MATCHED };
    if ((def->trigger_type == TRIGGER_EXTERNAL) != (v->source == EVENT_EXTERNAL))
        result->parts = other_trigger(d, parts, "Source", def->trigger_type == TRIGGER_EXTERNAL ? STR("External") : STR("Internal"), v->source == EVENT_EXTERNAL ? STR("External") : STR("Internal"));
    else if (v->source == EVENT_EXTERNAL && d->reaction->trigger && d->reaction->trigger->t->id != v->trigger_id)
        result->parts = other_trigger(d, parts, "Trigger", def->trigger_name, v->type);
    else
        return true;
    return false;
}

static void act(struct dry_run *d);

static void judge(void *ctx)
{
    struct dry_run *d = ctx;
    struct engine *g = d->engine;
    struct match_result result;
    if (is_offered(d, &result)) {
        struct octopus_view view;
        struct data_source data = engine_octopus_data(g, d->snapshot, d->event, &view);
        const struct json *payload = payload_json(d->event, d->a);
        match_event(&data, d->event, payload, d->reaction, d->a, &result);
        bool is_waiting = result.is_waiting || (d->event->source == EVENT_INTERNAL && result.verdict == VERDICT_MATCHED && !octopus_vars_prepare(&data, payload, octopus_needs(d->reaction->def)));
        if (is_waiting && !g->is_stopping && clock_mono_ms(g->opt.clock) - d->began_ms < DOCUMENTS_MAX_MS) {
            loop_timer_set(d->timer, DOCUMENTS_LOOK_MS, 0);
            return;
        }
        if (is_waiting)
            warn(d, "Octopus did not answer about what the event speaks of within %d s: names and variables may be missing", DOCUMENTS_MAX_MS / 1000);
    }
    struct json *parts;
    json_add_bool(d->a, d->out, "Matched", result.verdict == VERDICT_MATCHED);
    json_add_str(d->a, d->out, "Verdict", str_from(verdict_name(result.verdict)));
    json_add(d->out, STR("Parts"), result.parts.n && json_parse(d->a, result.parts, &parts, NULL) ? parts : json_new_array(d->a));
    if (result.verdict == VERDICT_MATCHED) {
        act(d);
        return;
    }
    json_add_null(d->a, d->out, "Request");
    json_add_null(d->a, d->out, "Script");
    json_add(d->out, STR("Warnings"), d->warnings);
    answer(d);
}

// ---- the action ----

static bool prepare(struct dry_run *d, struct err *e)
{
    struct engine *g = d->engine;
    const struct reaction_entry *r = d->reaction;
    struct active *run = xcalloc(1, sizeof *run);
    run->engine = g;
    run->dry = d;
    run->snapshot = registry_take(g->opt.registry);
    run->mask = mask_new();
    run->masked_lines = mask_lines_new(run->mask);
    run->run = reaction_run(r, d->event);
    run->run.key = random_uuid(g->opt.random, &run->arena);
    run->run.attempts = run->run.fence = 1;
    run->event = ARENA_NEW(&run->arena, struct store_event);
    *run->event = *d->event;
    d->run = run;
    if (!engine_load_definition(run, e))
        return false;
    run->is_script = run->def->action_type == ACTION_POWERSHELL;
    return engine_load_data(run, e);
}

static void act(struct dry_run *d)
{
    struct err e = { 0 };
    struct outgoing out;
    bool ok = prepare(d, &e);
    struct active *run = d->run;
    if (ok && run->is_script) {
        if (!script_pool_is_offline(d->engine->dry_pool))
            warn(d, "direct sockets are not withheld: this machine gives the script's process no network of its own. Calls of $Octopus, of the feed functions and of Invoke-RestMethod are");
        if (run->def->octopus_client)
            warn(d, "a dry run has no $OctopusRepository: the .NET client's calls could not be withheld. $Octopus is there");
        if (run->def->timeout_seconds * 1000 > DRY_RUN_MAX_MS)
            warn(d, "a dry run ends after %d s; the reaction's own time-out is %" PRId64 " s", DRY_RUN_MAX_MS / 1000, run->def->timeout_seconds);
        ok = run_script_start(run, &e);
        if (ok)
            return; // dry_run_finish goes on
    } else if (ok) {
        ok = run_http_render(run, &out, &e);
    }
    if (!ok)
        warn(d, "%s: %.*s", run->is_script ? "the script would not start" : "the request would not be sent", STR_ARG(mask_apply(run->mask, str_from(e.text), d->a)));
    json_add(d->out, STR("Request"), ok ? json_copy(d->a, mask_apply_json(run->mask, out.shown, d->a)) : json_new_null(d->a));
    json_add_null(d->a, d->out, "Script");
    json_add(d->out, STR("Warnings"), d->warnings);
    engine_active_free(run);
    answer(d);
}

void dry_run_log(struct active *run, const struct json *lines)
{
    struct dry_run *d = run->dry;
    json_each(line, lines)
    {
        str text = json_str(json_get(line, STR("Text")), STR(""));
        d->log_lines++;
        d->log_bytes += (int64_t)text.n;
        if (d->log_lines > LIMIT_RUN_LOG_LINES || d->log_bytes > LIMIT_RUN_LOG_BYTES)
            return;
        json_push(d->log, json_copy(d->a, line));
    }
}

void dry_run_call(struct active *run, const struct json *call, str body)
{
    struct dry_run *d = run->dry;
    if (run->is_finished || d->calls->count >= LIMIT_RUN_API_CALLS)
        return;
    struct json *j = json_push(d->calls, json_copy(d->a, call)), *parsed;
    // What would have been sent is what one wants to see.
    if (!body.n || !json_bool(json_get(j, STR("Withheld")), false))
        return;
    if (!str_is_utf8(body))
        json_add_str(d->a, j, "Body", arena_printf(d->a, "(%zu bytes)", body.n));
    else if (json_parse(d->a, body, &parsed, NULL))
        json_add(j, STR("Body"), json_copy(d->a, mask_apply_json(run->mask, parsed, d->a)));
    else
        json_add_str(d->a, j, "Body", arena_str(d->a, mask_apply(run->mask, http_request_cut(body, LIMIT_OUT_STORED_BYTES), d->a)));
}

void dry_run_finish(struct active *run, const struct attempt_end *end)
{
    struct dry_run *d = run->dry;
    struct arena *a = d->a;
    json_add_null(a, d->out, "Request");
    struct json *script = json_add(d->out, STR("Script"), json_new_object(a));
    json_add_str(a, script, "Outcome", str_from(attempt_outcome_name(end->outcome)));
    json_add_str(a, script, "ErrorMessage", end->error.n ? arena_str(a, mask_apply(run->mask, end->error, a)) : (str){ 0 }); // longer than the attempt
    if (end->has_exit_code)
        json_add_i64(a, script, "ExitCode", end->exit_code);
    json_add(script, STR("Output"), end->output ? json_copy(a, mask_apply_json(run->mask, end->output, a)) : json_new_array(a));
    json_add(script, STR("Log"), d->log);
    json_add(script, STR("ApiCalls"), d->calls);
    json_add(d->out, STR("Warnings"), d->warnings);
    run->is_finished = true;
    run->dry = NULL; // reads that are still under way find nobody
    if (!run->requests)
        engine_active_free(run);
    answer(d);
}

// ---- from other threads ----

static void begin(void *ctx)
{
    struct dry_run *d = ctx;
    struct engine *g = d->engine;
    d->snapshot = registry_take(g->opt.registry);
    d->began_ms = clock_mono_ms(g->opt.clock);
    g->dry_running++;
    d->reaction = d->is_draft ? snapshot_draft(d->snapshot, d->reaction_id) : snapshot_reaction(d->snapshot, d->reaction_id);
    if (!d->reaction)
        err_set(&d->err, ERR_NOT_FOUND, "Reactions-%" PRId64 " %s", d->reaction_id, d->is_draft ? "has no draft" : "does not exist");
    else if (g->is_stopping || !g->dry_pool)
        err_set(&d->err, ERR_BUSY, "the server is stopping");
    else if (g->dry_running > DRY_RUNS_AT_ONCE)
        err_set(&d->err, ERR_BUSY, "%d dry runs are under way already: try again", DRY_RUNS_AT_ONCE);
    if (d->err.kind) {
        answer(d);
        return;
    }
    d->out = json_new_object(d->a);
    d->warnings = json_new_array(d->a);
    d->log = json_new_array(d->a);
    d->calls = json_new_array(d->a);
    d->timer = loop_timer_new(g->loop, judge, d);
    judge(d);
}

bool engine_dry_run(struct engine *g, int64_t reaction_id, bool is_draft, const struct store_event *v, struct arena *a, struct json **out, struct err *e)
{
    struct dry_run d = { .engine = g, .reaction_id = reaction_id, .is_draft = is_draft, .event = v, .a = a };
    pthread_mutex_init(&d.lock, NULL);
    pthread_cond_init(&d.done, NULL);
    loop_post(g->loop, begin, &d);
    pthread_mutex_lock(&d.lock);
    while (!d.is_done)
        pthread_cond_wait(&d.done, &d.lock);
    pthread_mutex_unlock(&d.lock);
    pthread_mutex_destroy(&d.lock);
    pthread_cond_destroy(&d.done);
    if (d.err.kind != ERR_NONE) {
        *e = d.err;
        return false;
    }
    *out = d.out;
    return true;
}
