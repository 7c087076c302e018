// Events to verdicts and runs: what is stored and not matched yet, in batches, each one commit. Events that speak of documents which Octopus has
// not shown yet wait, with those of the same deployment behind them, and the others pass.
#include "reaction/engine_internal.h"

#include "reaction/match.h"
#include "reaction/match_octopus.h"
#include "reaction/octopus_vars.h"
#include "reaction/order.h"
#include "reaction/payload.h"

#define MATCH_BATCH 256
#define MATCH_BATCH_BYTES (8 << 20)
#define VERDICTS_KEPT 50 // of one event: the noes; explained in full from what is stored

struct matching {
    struct engine *engine;
    struct arena arena;
    struct store_match *items;
    size_t count;
    int64_t *event_space_ids;                   // of each item
    struct new_run {
        int64_t reaction_id, due_ms, space_id;
    } *new_runs; // in the order of the answer
    size_t run_count, run_cap;
    size_t held; // events that wait
};

static str new_key(struct engine *g, struct arena *a)
{
    return random_uuid(g->opt.random, a);
}

static void add_run(struct matching *m, struct store_match *out, const struct data_source *data, const struct store_event *v, const struct json *payload, const struct reaction_entry *r, str deployment)
{
    struct engine *g = m->engine;
    int64_t now = engine_now_ms(g), due = now + r->def->delay_seconds * 1000;
    struct store_run run = reaction_run(r, v);
    run.key = new_key(g, &m->arena);
    run.state = r->is_paused || data->snapshot->is_paused ? RUN_WAITING : RUN_QUEUED;
    run.queued_ms = now;
    run.due_ms = due;
    run.debounce_key = debounce_key(data, v, payload, r, &m->arena);
    run.order_key = v->source == EVENT_INTERNAL && !r->def->has_order_by ? deployment : order_key(data, v, payload, r, &m->arena);
    ((struct store_run *)(uintptr_t)out->runs)[out->run_count++] = run;
    xgrow(&m->new_runs, &m->run_cap, m->run_count + 1, sizeof *m->new_runs);
    m->new_runs[m->run_count++] = (struct new_run){ r->id, due, v->space_id };
}

// Only the last of those with the same key, and no more on caused events than the loop breaker lets through: such runs wait.
static void apply_policies(struct engine *g, const struct store_event *v, const struct reaction *def, struct store_run *run, struct arena *a)
{
    int64_t now = engine_now_ms(g);
    if (run->debounce_key.n)
        run->due_ms = MAX(run->due_ms, now + def->debounce_seconds * 1000);
    if (v->caused_depth > 0)
        run->due_ms = MAX(run->due_ms, run->place_ms = policies_caused_due_ms(g->policies, run->reaction_id, now, &run->error, a));
    if (run->debounce_key.n || run->error.n)
        run->state = RUN_WAITING;
}

static uint32_t needs_of_reaction(struct engine *g, const struct reaction_entry *r)
{
    struct prepared *p = prepared_take(g->prepared, r);
    uint32_t needs = p ? p->needs : octopus_needs(r->def);
    prepared_give(g->prepared, p);
    return needs;
}

// The verdicts of those that matched or failed are kept, and of the others as many as VERDICTS_KEPT: all where few are offered the event,
// else those whose lists fitted. The rest is counted, and explained when somebody asks.
static void match_one(struct matching *m, const struct snapshot *s, const struct store_event *v)
{
    struct engine *g = m->engine;
    struct arena *a = &m->arena;
    size_t offered, kept = 0, run_count_before = m->run_count;
    uint32_t needs = 0;
    const struct reaction_entry **reactions;
    m->event_space_ids[m->count] = v->space_id;
    struct octopus_view view;
    struct data_source data = engine_octopus_data(g, s, v, &view);
    if (!match_offer_count(s, v)) {
        m->items[m->count++] = (struct store_match){ .event_id = v->id };
        return;
    }
    const struct json *payload = payload_json(v, a);
    struct match *match = match_new(&data, v, payload, a);
    size_t count = match_candidates(match, &reactions, &offered);
    if (offered <= VERDICTS_KEPT)
        count = match_offered(match, &reactions);
    struct store_verdict *verdicts = ARENA_ARRAY(a, struct store_verdict, count);
    struct store_match *out = &m->items[m->count++];
    str deployment = count && v->source == EVENT_INTERNAL ? match_octopus_order_key(payload) : STR("");
    *out = (struct store_match){ v->id, verdicts, 0, ARENA_ARRAY(a, struct store_run, count), 0, 0 };
    for (size_t i = 0; i < count && !match_is_waiting(match); i++) {
        const struct reaction_entry *r = reactions[i];
        struct match_result result;
        match_reaction(match, r, &result);
        bool is_no = result.verdict != VERDICT_MATCHED && result.verdict != VERDICT_ERROR;
        if (is_no && kept++ >= VERDICTS_KEPT)
            continue;
        struct store_verdict *verdict = &verdicts[out->verdict_count++];
        *verdict = (struct store_verdict){ r->id, r->revision_number, result.verdict, 0, result.parts };
        if (result.verdict != VERDICT_MATCHED)
            continue;
        uint32_t own_needs = v->source == EVENT_INTERNAL ? needs_of_reaction(g, r) : 0;
        needs |= own_needs;
        data.needs = own_needs;
        add_run(m, out, &data, v, payload, r, deployment);
        verdict->run_id = (int64_t)out->run_count;
    }
    out->unlisted = (int64_t)(offered - MIN(offered, out->verdict_count));
    bool is_waiting = match_is_waiting(match);
    // Its action will speak of these: asked for now, so that they are there when it starts.
    if (v->source == EVENT_INTERNAL && m->run_count > run_count_before)
        (void)!octopus_vars_prepare(&data, payload, needs);
    if (is_waiting || (deployment.n && map_get(&g->held, deployment))) {
        if (deployment.n)
            map_put(&g->held, deployment, g);
        m->count--;
        m->run_count = run_count_before;
        m->held++;
        return;
    }
    for (size_t i = 0; i < out->run_count; i++) {
        struct store_run *run = (struct store_run *)(uintptr_t)&out->runs[i];
        apply_policies(g, v, snapshot_reaction(s, run->reaction_id)->def, run, a);
        m->new_runs[run_count_before + i].due_ms = run->due_ms;
    }
}

static void matching_free(struct matching *m)
{
    free(m->new_runs);
    arena_fini(&m->arena);
    free(m);
}

// From the oldest event on: what waited may have come.
void engine_match_again(struct engine *g)
{
    g->match_after_id = 0;
    map_fini(&g->held);
    g->held = (struct map){ 0 };
}

static void matched(void *ctx, const int64_t *run_ids, size_t count, const struct err *e)
{
    struct matching *m = ctx;
    struct engine *g = m->engine;
    g->is_matching = false;
    if (e->kind == ERR_NONE) {
        pthread_mutex_lock(&g->lock);
        g->stats.matched_events += m->count;
        g->stats.last_match_ms = clock_mono_ms(g->opt.clock);
        pthread_mutex_unlock(&g->lock);
        for (size_t i = 0; i < m->count; i++)
            engine_note(g, &(struct engine_note){ .kind = NOTE_EVENT, .space_id = m->event_space_ids[i], .id = m->items[i].event_id });
        for (size_t i = 0; i < count; i++) {
            if (!run_ids[i])
                continue;
            const struct new_run *run = &m->new_runs[i];
            ready_waiting(&g->ready, run->reaction_id, run->due_ms);
            engine_note(g, &(struct engine_note){ .kind = NOTE_RUN, .space_id = run->space_id, .id = run_ids[i], .reaction_id = run->reaction_id, .state = "Queued" });
        }
        engine_schedule(g);
        engine_match_more(g);
    } else if (!g->is_stopping) {
        engine_match_again(g);
        policies_not_stored(g->policies, engine_now_ms(g));
        // The events are safe; they are matched when the store takes writes again.
        g->match_again_ms = engine_now_ms(g) + STORE_RETRY_MS;
        engine_set_timer(g);
    }
    matching_free(m);
}

// True: nothing of this batch could be matched now, but there may be more behind it.
static bool match_batch(struct engine *g)
{
    struct matching *m = xcalloc(1, sizeof *m);
    struct store_events events;
    struct err e = { 0 };
    m->engine = g;
    bool ok = store_events_unmatched(g->opt.store, g->match_after_id, MATCH_BATCH, MATCH_BATCH_BYTES, &m->arena, &events, &e);
    g->match_again_ms = ok ? READY_NEVER : engine_now_ms(g) + STORE_RETRY_MS;
    if (!ok || !events.count) {
        engine_set_timer(g);
        matching_free(m);
        return false;
    }
    const struct snapshot *s = registry_take(g->opt.registry);
    m->items = ARENA_ARRAY(&m->arena, struct store_match, events.count);
    m->event_space_ids = ARENA_ARRAY(&m->arena, int64_t, events.count);
    for (size_t i = 0; i < events.count; i++)
        match_one(m, s, &events.items[i]);
    registry_give(g->opt.registry, s);
    g->match_again_ms = READY_NEVER;
    if (m->held || g->match_after_id)
        g->match_after_id = events.items[events.count - 1].id;
    if (!m->count) {
        matching_free(m);
        return true;
    }
    g->is_matching = true;
    store_match(g->opt.store, g->loop, m->items, m->count, matched, m);
    return false;
}

void engine_match_more(struct engine *g)
{
    while (!g->is_matching && !g->is_stopping && match_batch(g))
        ;
}
