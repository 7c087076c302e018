// The engine's thread: runs claimed, begun, ended; when what comes next. Events become runs in engine_match.c.
#include "reaction/engine_internal.h"

#include "base/limits.h"
#include "queue/backoff.h"
#include "reaction/engine_ask.h"
#include "reaction/gone.h"
#include "reaction/octopus_vars.h"
#include "reaction/payload.h"
#include "reaction/run_http.h"

#include <unistd.h>

#define MAX_SCRIPTS_CLAIMED 1024
#define MAX_REQUESTS 4096 // with those that wait for a place at their host: a thousand that hang leave room for others
#define DOCUMENTS_PATIENCE_MS 3000 // a run waits so long for what Octopus must say before it starts
#define DOCUMENTS_AGAIN_MS 5000    // and is tried again after this
#define LEASE_SLACK_MS 60000

static void schedule_soon(struct engine *g);
static void begin_waiting_runs(struct engine *g);

int64_t engine_now_ms(struct engine *g)
{
    return clock_wall_ms(g->opt.clock);
}

static str run_key(const int64_t *id)
{
    return (str){ (const char *)id, sizeof *id };
}

struct active *engine_active(struct engine *g, int64_t run_id)
{
    return map_get(&g->active, run_key(&run_id));
}

void engine_note(struct engine *g, const struct engine_note *note)
{
    if (g->opt.note)
        g->opt.note(g->opt.note_ctx, note);
}

static void note_run(struct engine *g, const struct store_run *run, enum run_state state)
{
    engine_note(g, &(struct engine_note){ .kind = NOTE_RUN, .space_id = run->space_id, .id = run->id, .reaction_id = run->reaction_id, .state = run_state_name(state) });
}

void engine_set_timer(struct engine *g)
{
    int64_t due = MIN(ready_next_due_ms(&g->ready, engine_now_ms(g)), g->match_again_ms);
    if (due == READY_NEVER)
        loop_timer_stop(g->timer);
    else
        // At most an hour: a corrected wall clock is noticed.
        loop_timer_set(g->timer, MIN(MAX(due - engine_now_ms(g), (int64_t)0), (int64_t)3600000), 0);
}

// ---- what templates and conditions see ----

struct data_source engine_data(struct engine *g, const struct snapshot *s)
{
    return (struct data_source){ s, g->opt.keyring, g->opt.clock, g->opt.server_uri };
}

static enum directory_state view_document(void *ctx, str id, const struct json **doc, bool *is_failing)
{
    struct octopus_view *view = ctx;
    const struct engine_stand_in *stand_in = view->engine->opt.stand_in;
    *is_failing = false;
    if (stand_in)
        return stand_in->document(stand_in->ctx, id, doc) ? DIRECTORY_HAS : DIRECTORY_GONE;
    return tails_document(view->engine->tails, view->connection_id, id, doc, is_failing);
}

struct data_source engine_octopus_data(struct engine *g, const struct snapshot *s, const struct store_event *v, struct octopus_view *view)
{
    struct data_source data = engine_data(g, s);
    *view = (struct octopus_view){ g, v->connection_id };
    if (v->source == EVENT_INTERNAL) {
        const struct connection_entry *connection = snapshot_connection(s, v->connection_id);
        data.octopus_url = connection ? connection->url : STR("");
        data.document = view_document;
        data.document_ctx = view;
    }
    return data;
}

static void documents_known(void *ctx)
{
    engine_ask_again(ctx);
    begin_waiting_runs(ctx);
    engine_match_again(ctx);
    engine_match_more(ctx);
}

// ---- a run under way ----

void engine_active_free(struct active *run)
{
    struct engine *g = run->engine;
    if (engine_active(g, run->run.id) == run) // its next attempt may have been claimed with its end
        map_remove(&g->active, run_key(&run->run.id));
    broker_http_dismiss(run);
    registry_give(g->opt.registry, run->snapshot);
    prepared_give(g->prepared, run->prepared);
    mask_lines_free(run->masked_lines);
    mask_free(run->mask);
    loop_timer_free(run->begin_again);
    sealed_values_fini(&run->secrets);
    arena_fini(&run->arena);
    free(run);
}

void run_requests_done(struct active *run)
{
    engine_active_free(run);
}

struct finishing {
    struct finishing *next; // of the engine's `ending`
    struct active *run;
    struct store_finish item; // its texts live in the attempt's arena
    struct loop_timer *retry; // the store did not take it at first
};

static void store_end(void *ctx);

static void finished(void *ctx, const bool *was_current UNUSED, size_t count UNUSED, const struct err *e)
{
    struct finishing *f = ctx;
    struct active *run = f->run;
    struct engine *g = run->engine;
    if (e->kind != ERR_NONE && !g->is_stopping) {
        // The effect has happened: its end is stored as soon as the store takes it (the disk was full, say).
        if (!f->retry)
            f->retry = loop_timer_new(g->loop, store_end, f);
        loop_timer_set(f->retry, STORE_RETRY_MS, 0);
        return;
    }
    enum run_state state = f->item.state;
    if (e->kind == ERR_NONE) {
        note_run(g, &run->run, state);
        if (state == RUN_WAITING || state == RUN_QUEUED)
            ready_waiting(&g->ready, run->run.reaction_id, f->item.due_ms);
        else if (run->run.order_key.n && f->retry)
            ready_waiting(&g->ready, run->run.reaction_id, engine_now_ms(g)); // the claim behind its end found it still running
        pthread_mutex_lock(&g->lock);
        g->stats.succeeded += state == RUN_SUCCEEDED;
        g->stats.failed += state == RUN_FAILED || state == RUN_DEAD_LETTERED || state == RUN_INTERRUPTED;
        pthread_mutex_unlock(&g->lock);
    }
    loop_timer_free(f->retry);
    free(f);
    run->is_finished = true;
    if (!run->requests)
        engine_active_free(run);
    schedule_soon(g);
}

static void store_end(void *ctx)
{
    struct finishing *f = ctx;
    store_finish(f->run->engine->opt.store, f->run->engine->loop, &f->item, 1, finished, f);
}

// The ends of this round, and right behind them the claims of what may start in their places: mostly one commit for both. An action
// that has ended has left its place, whether its end is stored yet or not; the claim itself reads what is stored.
static void end_round(void *ctx)
{
    struct engine *g = ctx;
    g->is_round_posted = false;
    struct finishing *list = MOVE(g->ending);
    g->last_ending = &g->ending;
    for (struct finishing *f = list, *next; f; f = next) {
        struct store_run *run = &f->run->run;
        next = f->next;
        ready_finished(&g->ready, run->reaction_id);
        if (run->order_key.n)
            ready_waiting(&g->ready, run->reaction_id, engine_now_ms(g)); // the turn of the next one has come
        store_end(f);
    }
    engine_schedule(g);
}

// Once for all that happens in this round of the loop.
static void schedule_soon(struct engine *g)
{
    if (g->is_round_posted)
        return;
    g->is_round_posted = true;
    loop_post(g->loop, end_round, g);
}

static void end_soon(struct finishing *f)
{
    struct engine *g = f->run->engine;
    *g->last_ending = f;
    g->last_ending = &f->next;
    schedule_soon(g);
}

static enum run_state state_after(struct active *run, const struct attempt_end *end, int64_t *due_ms)
{
    struct engine *g = run->engine;
    *due_ms = 0;
    switch (end->outcome) {
    case ATTEMPT_SUCCEEDED: return RUN_SUCCEEDED;
    case ATTEMPT_CANCELLED: return RUN_CANCELLED;
    case ATTEMPT_INTERRUPTED:
        if (!run->run.is_repeatable)
            return RUN_INTERRUPTED;
        break;
    default:
        if (!end->may_retry)
            return RUN_FAILED;
    }
    if (run->def && run->run.attempts >= run->def->max_attempts)
        return RUN_DEAD_LETTERED;
    *due_ms = engine_now_ms(g);
    if (end->outcome != ATTEMPT_INTERRUPTED || !g->is_stopping)
        *due_ms += backoff_next_ms(run->def ? run->def->schedule_seconds : NULL, run->def ? run->def->schedule_count : 0, run->run.attempts, end->retry_after_ms, g->opt.random);
    return RUN_WAITING;
}

static void leave_place(struct active *run)
{
    if (run->is_script)
        run->engine->scripts_running--;
    else
        run->engine->requests_running--;
}

static enum policy_end policy_end(const struct attempt_end *end)
{
    if (end->outcome == ATTEMPT_SUCCEEDED)
        return POLICY_SUCCEEDED;
    if (end->outcome == ATTEMPT_CANCELLED || end->outcome == ATTEMPT_INTERRUPTED)
        return POLICY_UNKNOWN;
    return end->may_retry ? POLICY_FAILED_MAY_PASS : POLICY_FAILED;
}

void engine_finish(struct active *run, const struct attempt_end *end)
{
    if (run->dry) {
        dry_run_finish(run, end);
        return;
    }
    struct engine *g = run->engine;
    struct arena *a = &run->arena;
    struct finishing *f = xcalloc(1, sizeof *f);
    leave_place(run);
    int64_t due_ms;
    enum run_state state = state_after(run, end, &due_ms);
    f->run = run;
    f->item = (struct store_finish){
        .run_id = run->run.id,
        .fence = run->run.fence,
        .outcome = end->outcome,
        .state = state,
        .now_ms = engine_now_ms(g),
        .due_ms = due_ms,
        .has_exit_code = end->has_exit_code,
        .exit_code = end->exit_code,
        .error = arena_str(a, mask_apply(run->mask, end->error, a)), // stored at the end of the round
    };
    if (policies_ended(g->policies, run->run.reaction_id, run->run.id, policy_end(end), f->item.now_ms, &f->item))
        gone_disable(g, run->run.space_id, run->run.reaction_id, run->run.id, "nothing but failures came for 120 hours");
    if (end->output)
        f->item.output = json_text(a, mask_apply_json(run->mask, end->output, a));
    if (end->attempt_doc)
        f->item.attempt_doc = json_text(a, mask_apply_json(run->mask, end->attempt_doc, a));
    end_soon(f);
}

void engine_release(struct active *run, int64_t due_ms)
{
    struct finishing *f = xcalloc(1, sizeof *f);
    leave_place(run);
    f->run = run;
    f->item = (struct store_finish){ .run_id = run->run.id, .fence = run->run.fence, .is_release = true, .state = run->run.attempts > 1 ? RUN_WAITING : RUN_QUEUED, .due_ms = due_ms };
    policies_ended(run->engine->policies, run->run.reaction_id, run->run.id, POLICY_UNKNOWN, engine_now_ms(run->engine), &f->item);
    end_soon(f);
}

static void fail_at_once(struct active *run, const char *text)
{
    engine_finish(run, &(struct attempt_end){ .outcome = ATTEMPT_FAILED, .retry_after_ms = -1, .error = str_from(text) });
}

bool engine_load_definition(struct active *run, struct err *e)
{
    struct engine *g = run->engine;
    struct arena *a = &run->arena;
    struct decode_errors errors = { .arena = a };
    const struct reaction_entry *entry = snapshot_reaction(run->snapshot, run->run.reaction_id);
    struct json *doc;
    if (entry && entry->revision_id == run->run.revision_id) {
        run->prepared = prepared_take(g->prepared, entry);
        if (run->prepared) {
            run->def = run->prepared->def;
            return true;
        }
        if (!json_parse(a, entry->doc, &doc, e))
            return false;
    } else {
        struct store_object *o;
        run->is_unread = !store_get(g->opt.store, KIND_REVISION, run->run.space_id, run->run.revision_id, a, &o, e);
        if (run->is_unread)
            return false;
        if (!o)
            return err_set(e, ERR_NOT_FOUND, "the reaction was deleted");
        if (!json_parse(a, o->doc, &doc, e))
            return false;
    }
    doc = json_get(doc, STR("Definition"));
    if (!sealed_open(KIND_REVISION, run->run.reaction_id, doc, g->opt.keyring, a, &run->secrets, e))
        return false;
    for (size_t i = 0; i < run->secrets.count; i++)
        mask_add(run->mask, (str){ run->secrets.items[i].p, run->secrets.items[i].n });
    run->def = reaction_decode(a, doc, &errors);
    if (!run->def)
        return err_set(e, ERR_INVALID, "revision %" PRId64 " cannot be read: %.*s", run->run.revision_number, STR_ARG(errors.items[0]));
    return true;
}

static uint32_t needs_of(const struct active *run)
{
    return run->prepared ? run->prepared->needs : octopus_needs(run->def);
}

bool engine_load_data(struct active *run, struct err *e)
{
    struct octopus_view view;
    struct data_source data = engine_octopus_data(run->engine, run->snapshot, run->event, &view);
    run->payload = payload_json(run->event, &run->arena);
    data.needs = run->needs = needs_of(run);
    data.names = run->prepared ? run->prepared->names : NULL;
    run->vars = data_of_event(&data, run->event, run->payload, &run->arena);
    return data_add_variables(&data, run->def, run->run.reaction_id, run->run.space_id, run->vars, run->mask, &run->arena, e);
}

// ---- the documents its action speaks of ----

static bool has_documents(struct active *run)
{
    struct octopus_view view;
    CLEANUP(arena_fini) struct arena a = { 0 };
    uint32_t needs = needs_of(run);
    if (run->event->source != EVENT_INTERNAL || needs == NEEDS_NOTHING)
        return true;
    struct data_source data = engine_octopus_data(run->engine, run->snapshot, run->event, &view);
    return octopus_vars_prepare(&data, payload_json(run->event, &a), needs);
}

void engine_stop_waiting(struct active *run)
{
    for (struct active **at = &run->engine->waiting; *at; at = &(*at)->next_waiting)
        if (*at == run) {
            *at = run->next_waiting;
            break;
        }
    loop_timer_free(MOVE(run->wait_timer));
}

// Nothing of it has begun: it comes again, and does not keep a place from others meanwhile.
static void put_off(void *ctx)
{
    struct active *run = ctx;
    engine_stop_waiting(run);
    engine_release(run, engine_now_ms(run->engine) + (run->engine->is_stopping ? 0 : DOCUMENTS_AGAIN_MS));
}

// Which identity and which secrets this run was given, by name: for the question of who knew what, when.
static void audit_use(const struct active *run)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    const struct reaction *def = run->def;
    struct json *doc = json_new_object(&a), *secrets = json_new_array(&a), *variables = json_new_array(&a);
    for (size_t i = 0; i < def->variable_count; i++)
        if (def->variables[i].secret.n)
            json_push(secrets, json_new_string(&a, def->variables[i].secret));
        else if (def->variables[i].is_sensitive)
            json_push(variables, json_new_string(&a, def->variables[i].name));
    if (!secrets->count && !variables->count && !def->identity.n)
        return;
    json_add_str(&a, doc, "Run", store_id_text(&a, KIND_RUN, run->run.id));
    json_add_i64(&a, doc, "Revision", run->run.revision_number);
    json_add_i64(&a, doc, "Attempt", run->run.attempts);
    json_add_str(&a, doc, "Identity", def->identity.n ? def->identity : (str){ 0 });
    json_add(doc, STR("Secrets"), secrets);
    json_add(doc, STR("Variables"), variables);
    store_audit(run->engine->opt.store, &(struct store_audit){ run->run.space_id, STR("engine"), STR("secret.use"), store_id_text(&a, KIND_REACTION, run->run.reaction_id), json_text(&a, doc) });
}

static void begin_run(struct active *run)
{
    struct engine *g = run->engine;
    struct err e = { 0 };
    if (!has_documents(run)) {
        run->next_waiting = g->waiting;
        g->waiting = run;
        run->wait_timer = loop_timer_new(g->loop, put_off, run);
        loop_timer_set(run->wait_timer, DOCUMENTS_PATIENCE_MS, 0);
        return;
    }
    bool has_data = engine_load_data(run, &e);
    audit_use(run);
    if (!has_data || !(run->is_script ? run_script_start(run, &e) : run_http_start(run, &e)))
        fail_at_once(run, e.text);
}

static void begin_waiting_runs(struct engine *g)
{
    struct active *list = MOVE(g->waiting);
    for (struct active *run = list, *next; run; run = next) {
        next = run->next_waiting;
        if (has_documents(run)) {
            loop_timer_free(MOVE(run->wait_timer));
            begin_run(run);
        } else {
            run->next_waiting = g->waiting;
            g->waiting = run;
        }
    }
}

static struct active *active_new(struct engine *g, const struct store_run *claimed)
{
    struct active *run = xcalloc(1, sizeof *run);
    run->engine = g;
    run->run = *claimed;
    run->run.key = arena_str(&run->arena, claimed->key);
    run->run.revision_hash = arena_str(&run->arena, claimed->revision_hash);
    run->run.order_key = arena_str(&run->arena, claimed->order_key);
    run->snapshot = registry_take(g->opt.registry);
    run->mask = mask_new();
    run->masked_lines = mask_lines_new(run->mask);
    map_put(&g->active, run_key(&run->run.id), run);
    note_run(g, &run->run, RUN_RUNNING);
    pthread_mutex_lock(&g->lock);
    g->stats.started++;
    pthread_mutex_unlock(&g->lock);
    return run;
}

// Its event has been read, or *why says why not.
static void start_run(struct active *run, const struct err *why)
{
    struct engine *g = run->engine;
    struct err e = *why;
    bool ok = e.kind == ERR_NONE;
    run->is_unread = !ok;
    if (ok && !run->event)
        ok = err_set(&e, ERR_NOT_FOUND, "its event was removed");
    ok = ok && engine_load_definition(run, &e);
    run->is_script = !run->def || run->def->action_type == ACTION_POWERSHELL;
    if (run->is_script)
        g->scripts_running++;
    else
        g->requests_running++;
    if (g->is_stopping || run->is_unread) {
        // Claimed in the moment the server stopped, or the store could not be read: that says nothing about the run.
        engine_release(run, g->is_stopping ? run->run.due_ms : engine_now_ms(g) + STORE_RETRY_MS);
        return;
    }
    if (!ok)
        fail_at_once(run, e.text);
    else
        begin_run(run);
}

static void start_runs(struct engine *g, const struct store_run *runs, size_t count)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct active **started = ARENA_ARRAY(&a, struct active *, count);
    struct store_event_wish *wishes = ARENA_ARRAY(&a, struct store_event_wish, count);
    struct err e = { 0 };
    for (size_t i = 0; i < count; i++) {
        started[i] = active_new(g, &runs[i]);
        wishes[i] = (struct store_event_wish){ runs[i].event_id, &started[i]->arena, NULL };
    }
    bool ok = store_events_get(g->opt.store, wishes, count, &e);
    for (size_t i = 0; i < count; i++) {
        started[i]->event = ok ? wishes[i].event : NULL;
        start_run(started[i], &e);
    }
}

// ---- beginning ----

struct beginning { // by its name: the run may come to another end meanwhile
    struct engine *engine;
    int64_t run_id, fence;
};

static void begun(void *ctx, bool was_current, const struct err *e)
{
    struct beginning *b = ctx;
    struct engine *g = b->engine;
    struct active *run = engine_active(g, b->run_id);
    bool is_there = run && run->run.fence == b->fence && run->job;
    free(b);
    if (!is_there)
        return;
    if (e->kind == ERR_NONE && was_current)
        script_job_go(run->job);
    else if (e->kind == ERR_NONE)
        script_job_cancel(run->job, "the run is not this server's any more");
    else if (!g->is_stopping)
        loop_timer_set(run->begin_again, STORE_RETRY_MS, 0);
}

static void begin(void *ctx)
{
    struct active *run = ctx;
    struct engine *g = run->engine;
    struct beginning *b = xmalloc(sizeof *b);
    *b = (struct beginning){ g, run->run.id, run->run.fence };
    store_begin(g->opt.store, g->loop, run->run.id, run->run.fence, engine_now_ms(g), begun, b);
}

void engine_begin(struct active *run)
{
    run->begin_again = loop_timer_new(run->engine->loop, begin, run);
    begin(run);
}

// ---- claiming ----

struct claiming {
    struct engine *engine;
    int64_t reaction_id;
    int limit;
    bool is_script;
    int64_t due_ms; // it asked for what was due then
};

// Places are taken while the claim is under way, so that two reactions do not both get the last one.
static void reserve(struct claiming *c, int places)
{
    *(c->is_script ? &c->engine->scripts_running : &c->engine->requests_running) += places;
}

static void claimed(void *ctx, const struct store_run *runs, size_t count, const struct err *e)
{
    struct claiming *c = ctx;
    struct engine *g = c->engine;
    int64_t next_due = engine_now_ms(g) + STORE_RETRY_MS;
    struct err why;
    if (e->kind == ERR_NONE) {
        if ((int)count == c->limit)
            next_due = engine_now_ms(g); // there may be more
        // What became due while it was under way was no part of it.
        else if (!store_next_due(g->opt.store, c->reaction_id, c->due_ms, &next_due, &why))
            next_due = engine_now_ms(g) + STORE_RETRY_MS;
    }
    reserve(c, -c->limit);
    policies_started(g->policies, c->reaction_id, (int)count, engine_now_ms(g));
    ready_claimed(&g->ready, c->reaction_id, (int)count, next_due);
    if (count)
        start_runs(g, runs, count);
    free(c);
    engine_schedule(g);
}

// A claimed script waits for a worker, and the pool shares those among the reactions. So each may claim as many as there are workers,
// whatever the others have claimed: slow ones that held all claims would keep everybody else from the workers that are left for them.
static int script_room(const struct engine *g, int64_t reaction_id)
{
    return MIN(g->max_scripts - ready_running(&g->ready, reaction_id), MAX_SCRIPTS_CLAIMED - g->scripts_running);
}

// Whether this reaction may start anything now, and how many.
static bool may_start(void *ctx, int64_t reaction_id, int *limit)
{
    struct engine *g = ctx;
    const struct snapshot *s = g->egress_snapshot;
    const struct reaction_entry *r = snapshot_reaction(s, reaction_id);
    const struct space_entry *space = r ? snapshot_space(s, r->space_id) : NULL;
    if (s->is_paused || (r && r->is_paused) || (space && space->is_paused))
        return false;
    bool is_script = !r || r->def->action_type == ACTION_POWERSHELL;
    int room = is_script ? script_room(g, reaction_id) : MAX_REQUESTS - g->requests_running;
    int64_t again_ms = INT64_MAX;
    *limit = MIN(*limit, room);
    if (*limit > 0)
        policies_room(g->policies, r, engine_now_ms(g), limit, &again_ms);
    if (again_ms != INT64_MAX)
        ready_defer(&g->ready, reaction_id, again_ms);
    return *limit > 0;
}

void engine_schedule(struct engine *g)
{
    if (g->is_stopping)
        return;
    int64_t now = engine_now_ms(g);
    int limit;
    for (size_t i = 0; i < g->ready.count; i++) {
        const struct reaction_entry *r = snapshot_reaction(g->egress_snapshot, g->ready.items[i]->reaction_id);
        g->ready.items[i]->max = r ? (int)r->def->max_concurrent : 1;
    }
    for (struct ready_item *item; (item = ready_pick(&g->ready, now, &limit, may_start, g));) {
        const struct reaction_entry *r = snapshot_reaction(g->egress_snapshot, item->reaction_id);
        int64_t timeout_s = r ? r->def->timeout_seconds : 300;
        struct claiming *c = xcalloc(1, sizeof *c);
        *c = (struct claiming){ g, item->reaction_id, limit, !r || r->def->action_type == ACTION_POWERSHELL, now };
        reserve(c, limit);
        struct store_claim claim = { .reaction_id = item->reaction_id, .limit = limit, .now_ms = now, .lease_until_ms = now + timeout_s * 1000 + LEASE_SLACK_MS, .is_start = !c->is_script, .node = str_from(g->opt.node) };
        if (r && r->def->throttle_max)
            claim.starts_since_ms = MAX(now - r->def->throttle_seconds * 1000, (int64_t)1);
        store_claim(g->opt.store, g->loop, &claim, 1, claimed, c);
    }
    engine_set_timer(g);
}

// ---- the thread ----

static void use_new_configuration(void *ctx)
{
    struct engine *g = ctx;
    const struct snapshot *old = g->egress_snapshot;
    g->egress_snapshot = registry_take(g->opt.registry);
    registry_give(g->opt.registry, old);
    if (!g->opt.stand_in)
        tails_configure(g->tails, g->egress_snapshot);
    policies_configure(g->policies, g->egress_snapshot);
    engine_schedule(g);
}

static void configuration_changed(void *ctx)
{
    struct engine *g = ctx;
    loop_post(g->loop, use_new_configuration, g);
}

static const struct egress *current_egress(void *ctx)
{
    return ((struct engine *)ctx)->egress_snapshot->egress;
}

static void events_stored(void *ctx)
{
    engine_match_more(ctx);
}

static void on_timer(void *ctx)
{
    engine_match_more(ctx);
    engine_schedule(ctx);
}

static void on_wake(void *ctx)
{
    struct engine *g = ctx;
    pthread_mutex_lock(&g->lock);
    g->is_wake_posted = false;
    pthread_mutex_unlock(&g->lock);
    engine_match_more(g);
}

static void read_heads(void *ctx)
{
    struct engine *g = ctx;
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct store_queue heads;
    struct err e = { 0 };
    pthread_mutex_lock(&g->lock);
    g->is_heads_posted = false;
    pthread_mutex_unlock(&g->lock);
    if (store_queue_heads(g->opt.store, &a, &heads, &e))
        for (size_t i = 0; i < heads.count; i++)
            ready_waiting(&g->ready, heads.items[i].reaction_id, heads.items[i].first_due_ms);
    engine_schedule(g);
}

void engine_wake(struct engine *g)
{
    pthread_mutex_lock(&g->lock);
    bool was_posted = g->is_wake_posted;
    g->is_wake_posted = true;
    pthread_mutex_unlock(&g->lock);
    if (!was_posted)
        loop_post(g->loop, on_wake, g);
}

void engine_runs_changed(struct engine *g)
{
    pthread_mutex_lock(&g->lock);
    bool was_posted = g->is_heads_posted;
    g->is_heads_posted = true;
    pthread_mutex_unlock(&g->lock);
    if (!was_posted)
        loop_post(g->loop, read_heads, g);
}

static void *engine_main(void *ctx)
{
    struct engine *g = ctx;
    loop_run(g->loop);
    return NULL;
}

static void scripts_changed(void *ctx)
{
    struct engine *g = ctx;
    struct script_capabilities c = { 0 };
    if (g->pool) // not while it opens, nor when it closes
        c = script_pool_capabilities(g->pool);
    pthread_mutex_lock(&g->lock);
    g->scripts = c;
    pthread_mutex_unlock(&g->lock);
}

bool engine_start(const struct engine_options *opt, struct engine **out, struct err *e)
{
    struct engine *g = xcalloc(1, sizeof *g);
    g->opt = *opt;
    pthread_mutex_init(&g->lock, NULL);
    if (!loop_open(&g->loop, e)) {
        free(g);
        return false;
    }
    g->match_again_ms = READY_NEVER;
    g->last_ending = &g->ending;
    g->prepared = prepared_set_new();
    g->egress_snapshot = registry_take(opt->registry);
    g->timer = loop_timer_new(g->loop, on_timer, g);
    struct script_pool_options scripts = opt->scripts;
    scripts.loop = g->loop;
    int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    g->max_scripts = scripts.max_workers ? scripts.max_workers : MAX(2 * cores, 4);
    scripts.max_workers = g->max_scripts;
    scripts.proxy = opt->proxy;
    struct http_client_options http = { .loop = g->loop, .egress = current_egress, .egress_ctx = g, .proxy = opt->proxy, .user_agent = "OctopusReactions/1" };
    struct script_pool_options dry = scripts;
    scripts.changed = scripts_changed;
    scripts.changed_ctx = g;
    dry.max_workers = DRY_RUNS_AT_ONCE;
    dry.warm_workers = 0;
    dry.no_network = true;
    bool ok = policies_open(opt->store, engine_now_ms(g), &g->policies, e) && http_client_open(&http, &g->http, e) && script_pool_open(&scripts, &g->pool, e) && script_pool_open(&dry, &g->dry_pool, e);
    if (ok)
        scripts_changed(g);
    g->tails = tails_new(&(struct tails_options){ opt->store, g->loop, g->http, opt->keyring, opt->clock, opt->random, events_stored, documents_known, g });
    if (ok && !opt->stand_in)
        tails_configure(g->tails, g->egress_snapshot);
    int status = ok ? pthread_create(&g->thread, NULL, engine_main, g) : 0;
    if (status)
        ok = err_errno(e, status, "starting the engine");
    if (!ok) {
        policies_close(g->policies);
        prepared_set_free(g->prepared);
        tails_free(g->tails);
        http_client_close(g->http);
        loop_timer_free(g->timer);
        registry_give(opt->registry, g->egress_snapshot);
        loop_close(g->loop);
        free(g);
        return false;
    }
    pthread_setname_np(g->thread, "engine");
    registry_on_change(opt->registry, configuration_changed, g);
    engine_runs_changed(g);
    engine_wake(g);
    *out = g;
    return true;
}

// ---- stopping ----

struct stopping {
    struct engine *engine;
    int64_t grace_ms;
    struct loop_timer *timer;
    int open_pools; // still closing
    int64_t settle_until_ms;
};

static void settle(void *ctx)
{
    struct stopping *s = ctx;
    struct engine *g = s->engine;
    bool is_idle = g->active.count == 0;
    if (!is_idle && clock_mono_ms(g->opt.clock) < s->settle_until_ms)
        return; // the timer comes again
    if (s->open_pools)
        return;
    loop_timer_free(s->timer);
    free(s);
    loop_stop(g->loop);
}

static void pool_closed(void *ctx)
{
    struct stopping *s = ctx;
    if (--s->open_pools)
        return;
    s->settle_until_ms = clock_mono_ms(s->engine->opt.clock) + 5000; // for the last commits
}

static void close_pool(void *ctx)
{
    struct stopping *s = ctx;
    struct engine *g = s->engine;
    if (g->pool && g->active.count && clock_mono_ms(g->opt.clock) < s->settle_until_ms)
        return; // still within the grace time
    if (g->pool) {
        struct script_pool *pool = MOVE(g->pool), *dry_pool = MOVE(g->dry_pool);
        s->open_pools = 2;
        run_http_stop(g);
        loop_timer_free(s->timer);
        s->timer = loop_timer_new(g->loop, settle, s);
        loop_timer_set(s->timer, 10, 10);
        script_pool_close(pool, pool_closed, s);
        script_pool_close(dry_pool, pool_closed, s);
    }
}

static void begin_stop(void *ctx)
{
    struct stopping *s = ctx;
    struct engine *g = s->engine;
    g->is_stopping = true;
    engine_ask_stop(g);
    while (g->waiting)
        put_off(g->waiting);
    tails_stop(g->tails);
    s->settle_until_ms = clock_mono_ms(g->opt.clock) + s->grace_ms;
    s->timer = loop_timer_new(g->loop, close_pool, s);
    loop_timer_set(s->timer, 0, 10);
}

void engine_stop(struct engine *g, int64_t grace_ms)
{
    if (!g)
        return;
    struct stopping *s = xcalloc(1, sizeof *s);
    s->engine = g;
    s->grace_ms = grace_ms;
    loop_post(g->loop, begin_stop, s);
    pthread_join(g->thread, NULL);
    gone_stop(g);
    policies_close(g->policies);
    tails_free(g->tails);
    http_client_close(g->http);
    broker_http_close(g);
    loop_timer_free(g->timer);
    loop_close(g->loop);
    ready_fini(&g->ready);
    prepared_set_free(g->prepared);
    map_fini(&g->active);
    map_fini(&g->held);
    map_fini(&g->hosts);
    registry_give(g->opt.registry, g->egress_snapshot);
    pthread_mutex_destroy(&g->lock);
    free(g);
}
