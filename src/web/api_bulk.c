// By query: many runs retried or cancelled, many events replayed, Octopus's history run through chosen reactions. Each is bounded by
// Max and says whether there is more; each may be tried first with DryRun.
#include "web/api_object.h"

#include "base/timetext.h"
#include "octopus/event.h"
#include "reaction/engine_judge.h"
#include "reaction/history.h"
#include "web/places.h"
#include "web/replay.h"

#define RUNS_MAX 10000
#define EVENTS_MAX 1000

static void answer_runs(struct api_call *c, const char *member, const int64_t *ids, size_t count)
{
    struct json *list = json_add(c->answer, str_from(member), json_new_array(c->arena));
    for (size_t i = 0; i < count; i++)
        json_push(list, json_new_string(c->arena, store_id_text(c->arena, KIND_RUN, ids[i])));
}

static void audit_bulk(struct api_call *c, const char *action, size_t count)
{
    struct json *doc = json_copy(c->arena, c->body);
    json_add_i64(c->arena, doc, "Count", (int64_t)count);
    store_audit(c->web->opt.store, &(struct store_audit){ api_space(c), c->caller.actor, str_from(action), STR("runs"), json_text(c->arena, doc) });
}

static int64_t reaction_id_of(struct api_call *c, struct decode *d, str name)
{
    const struct reaction_entry *r = name.n ? replay_find_reaction(c, api_space(c), name) : NULL;
    if (name.n && !r)
        decode_error(d, "Reaction", "there is no reaction \"%.*s\" in this space", STR_ARG(name));
    return r ? r->id : 0;
}

// ---- runs ----

struct runs_query {
    struct run_filter filter;
    int64_t max;
    bool is_dry;
};

static bool read_runs_query(struct api_call *c, uint32_t allowed, struct runs_query *q)
{
    struct decode d;
    size_t count;
    *q = (struct runs_query){ 0 };
    if (!api_body_required(c) || !decode_begin(&d, c->body, STR(""), &c->errors))
        return false;
    str event = decode_str(&d, "Event", STR(""));
    q->filter = (struct run_filter){ .space_id = api_space(c), .from_ms = decode_time_ms(&d, "From", 0), .to_ms = decode_time_ms(&d, "To", 0) };
    q->filter.reaction_id = reaction_id_of(c, &d, decode_str(&d, "Reaction", STR("")));
    str *states = decode_str_list(&d, "States", &count);
    q->max = decode_i64(&d, "Max", 1000, 1, RUNS_MAX);
    q->is_dry = decode_bool(&d, "DryRun", false);
    for (size_t i = 0; i < count; i++) {
        enum run_state state;
        if (!run_state_parse(states[i], &state) || !(allowed & 1u << state))
            decode_error_at(&d, "States", i, "\"%.*s\" is no state that allows it", STR_ARG(states[i]));
        else
            q->filter.states |= 1u << state;
    }
    if (event.n && !store_id_parse(event, KIND_EVENT, &q->filter.event_id))
        decode_error(&d, "Event", "\"%.*s\" must be an id such as Events-17", STR_ARG(event));
    decode_done(&d);
    if (!c->errors.count && !q->filter.reaction_id && !q->filter.event_id && !q->filter.from_ms && !q->filter.to_ms)
        decode_error(&d, NULL, "say which: Reaction, Event, From or To");
    if (c->errors.count)
        api_fail_errors(c, "nothing was changed: see Errors");
    if (!q->filter.states)
        q->filter.states = allowed;
    q->filter.scopes = place_scopes(c, RUN_CONTROL, q->filter.space_id);
    return !c->errors.count;
}

// Newest first, as the list gives them; the oldest are then the first to go.
static bool find_runs(struct api_call *c, const struct runs_query *q, int64_t **ids, size_t *count, bool *more)
{
    struct store_page page = { .take = 1000 };
    struct store_runs found;
    struct err e = { 0 };
    *ids = ARENA_ARRAY(c->arena, int64_t, (size_t)q->max);
    *count = 0;
    do {
        CLEANUP(arena_fini) struct arena a = { 0 };
        page.take = MIN((int64_t)1000, q->max - (int64_t)*count);
        if (!store_run_list(c->web->opt.store, &q->filter, page, &a, &found, &e)) {
            api_fail_with(c, &e);
            return false;
        }
        for (size_t i = 0; i < found.count; i++)
            (*ids)[(*count)++] = found.items[i].id;
        page.before_id = found.count ? found.items[found.count - 1].id : 0;
        *more = found.has_more;
    } while (*more && (int64_t)*count < q->max && page.before_id);
    for (size_t i = 0; i < *count / 2; i++) {
        int64_t swap = (*ids)[i];
        (*ids)[i] = (*ids)[*count - 1 - i];
        (*ids)[*count - 1 - i] = swap;
    }
    return true;
}

static void change_runs(struct api_call *c, uint32_t allowed, bool is_cancel)
{
    struct runs_query q;
    struct err e = { 0 };
    int64_t *ids;
    size_t count, changed = 0;
    bool more;
    if (!read_runs_query(c, allowed, &q) || !find_runs(c, &q, &ids, &count, &more))
        return;
    for (size_t i = 0; is_cancel && !q.is_dry && (q.filter.states & 1u << RUN_RUNNING) && i < count; i++)
        changed += engine_cancel(c->web->opt.engine, ids[i]);
    size_t by_store = 0;
    if (!q.is_dry && !store_runs_by_hand(c->web->opt.store, ids, count, is_cancel, clock_wall_ms(c->web->opt.clock), &by_store, &e)) {
        api_fail_with(c, &e);
        return;
    }
    if (!q.is_dry) {
        audit_bulk(c, is_cancel ? "run.cancel" : "run.retry", changed + by_store);
        engine_runs_changed(c->web->opt.engine);
    }
    c->status = q.is_dry ? 200 : 202;
    c->answer = json_new_object(c->arena);
    answer_runs(c, "Runs", ids, count);
    json_add_i64(c->arena, c->answer, "Changed", (int64_t)(changed + by_store));
    json_add_bool(c->arena, c->answer, "More", more);
}

void runs_retry_many(struct api_call *c)
{
    change_runs(c, 1u << RUN_FAILED | 1u << RUN_INTERRUPTED | 1u << RUN_DEAD_LETTERED, false);
}

void runs_cancel_many(struct api_call *c)
{
    change_runs(c, 1u << RUN_QUEUED | 1u << RUN_WAITING | 1u << RUN_RUNNING, true);
}

// ---- events ----

struct events_query {
    struct event_filter filter;
    const struct reaction_entry **reactions; // NULL: all that match
    size_t reaction_count;
    int64_t max;
    bool is_dry;
};

static bool read_events_query(struct api_call *c, bool is_backfill, struct events_query *q)
{
    struct decode d;
    size_t count = 0;
    *q = (struct events_query){ 0 };
    if (!api_body_required(c) || !decode_begin(&d, c->body, STR(""), &c->errors))
        return false;
    q->filter = (struct event_filter){ .space_id = api_space(c), .source = -1, .from_ms = decode_time_ms(&d, "From", 0), .to_ms = decode_time_ms(&d, "To", 0) };
    str *names = decode_str_list(&d, "Reactions", &count), type = is_backfill ? STR("") : decode_str(&d, "Type", STR(""));
    q->max = decode_i64(&d, "Max", EVENTS_MAX, 1, is_backfill ? HISTORY_MAX : EVENTS_MAX);
    q->is_dry = decode_bool(&d, "DryRun", is_backfill);
    q->filter.type = type;
    decode_done(&d);
    q->reactions = count ? ARENA_ARRAY(c->arena, const struct reaction_entry *, count) : NULL;
    for (size_t i = 0; i < count; i++) {
        const struct reaction_entry *r = replay_find_reaction(c, q->filter.space_id, names[i]);
        if (!r)
            decode_error_at(&d, "Reactions", i, "there is no reaction \"%.*s\" in this space", STR_ARG(names[i]));
        else if (!replay_allowed(c, r))
            decode_error_at(&d, "Reactions", i, "this needs the permission %s for \"%.*s\"", permission_name(REACTION_ENABLE), STR_ARG(names[i]));
        else if (is_backfill && r->def->trigger_type != TRIGGER_INTERNAL)
            decode_error_at(&d, "Reactions", i, "\"%.*s\" has an external trigger: history is of Octopus events; replay stored ones", STR_ARG(names[i]));
        else
            q->reactions[q->reaction_count++] = r;
    }
    if (!q->filter.from_ms)
        decode_error(&d, "From", "is required: a time such as 2026-11-22T17:03:06Z");
    if (!q->filter.to_ms)
        q->filter.to_ms = clock_wall_ms(c->web->opt.clock);
    if (q->filter.to_ms <= q->filter.from_ms && q->filter.from_ms)
        decode_error(&d, "To", "must lie after From");
    if (is_backfill && !count)
        decode_error(&d, "Reactions", "is required: the reactions that history is run through");
    if (c->errors.count)
        api_fail_errors(c, "nothing was replayed: see Errors");
    q->filter.scopes = place_scopes(c, RUN_VIEW, q->filter.space_id);
    return !c->errors.count;
}

// The runs that would be, or are to be, made.
struct wanted {
    struct store_run *runs;
    size_t count, cap;
    struct json *matches; // of a dry run
};

static bool want(struct api_call *c, struct wanted *w, const struct store_event *v, const struct reaction_entry *r, bool is_already)
{
    struct arena *a = c->arena;
    struct json *j = json_push(w->matches, json_new_object(a));
    json_add_str(a, j, "EventId", v->id ? store_id_text(a, KIND_EVENT, v->id) : (str){ 0 });
    json_add_str(a, j, "OctopusEventId", v->octopus_event_id.n ? v->octopus_event_id : (str){ 0 });
    json_add_str(a, j, "Type", v->type);
    json_add_time(a, j, "Occurred", v->occurred_ms);
    json_add_str(a, j, "ReactionId", store_id_text(a, KIND_REACTION, r->id));
    json_add_bool(a, j, "HasRun", is_already);
    if (is_already)
        return true;
    xgrow(&w->runs, &w->cap, w->count + 1, sizeof *w->runs);
    return replay_make(c, v, r, &w->runs[w->count]) && ++w->count;
}

// Every reaction that matches now. is_once: not where it has a run of that event already.
static bool want_matching(struct api_call *c, const struct events_query *q, const struct store_event *v, bool is_once, struct wanted *w)
{
    struct judged *judged;
    struct err e = { 0 };
    size_t count;
    if (!engine_judge(c->web->opt.engine, c->snapshot, v, q->reactions, q->reaction_count, c->arena, &judged, &count, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct reaction_entry *r = judged[i].reaction;
        struct store_runs earlier = { 0 };
        bool is_of_it = v->source == EVENT_INTERNAL ? r->def->trigger_type == TRIGGER_INTERNAL : r->trigger && r->trigger->t->id == v->trigger_id;
        if (judged[i].result.verdict != VERDICT_MATCHED || !is_of_it || !replay_allowed(c, r))
            continue;
        if (is_once && v->id && !store_run_list(c->web->opt.store, &(struct run_filter){ .event_id = v->id, .reaction_id = r->id }, (struct store_page){ .take = 1 }, c->arena, &earlier, &e)) {
            api_fail_with(c, &e);
            return false;
        }
        if (!want(c, w, v, r, earlier.count > 0))
            return false;
    }
    return true;
}

static void finish(struct api_call *c, const struct events_query *q, struct wanted *w, const char *action, int64_t events, bool more)
{
    struct err e = { 0 };
    int64_t *ids = ARENA_ARRAY(c->arena, int64_t, w->count);
    if (!q->is_dry && !store_run_add(c->web->opt.store, w->runs, w->count, ids, &e)) {
        api_fail_with(c, &e);
        return;
    }
    c->answer = json_new_object(c->arena);
    json_add_i64(c->arena, c->answer, "Events", events);
    json_add_bool(c->arena, c->answer, "More", more);
    json_add_bool(c->arena, c->answer, "DryRun", q->is_dry);
    json_add(c->answer, STR("Matches"), w->matches);
    answer_runs(c, "Runs", ids, q->is_dry ? 0 : w->count);
    c->status = q->is_dry ? 200 : 202;
    if (q->is_dry)
        return;
    audit_bulk(c, action, w->count);
    engine_runs_changed(c->web->opt.engine);
}

void events_replay_many(struct api_call *c)
{
    struct events_query q;
    struct store_events found;
    struct err e = { 0 };
    struct wanted w = { .matches = json_new_array(c->arena) };
    if (!read_events_query(c, false, &q))
        return;
    if (!store_event_list(c->web->opt.store, &q.filter, (struct store_page){ .take = q.max }, true, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return;
    }
    bool ok = true;
    for (size_t i = found.count; ok && i; i--)
        ok = want_matching(c, &q, &found.items[i - 1], false, &w);
    if (ok)
        finish(c, &q, &w, "event.replay", (int64_t)found.count, found.has_more);
    free(w.runs);
}

// ---- history ----

static bool as_event(struct api_call *c, const struct json *doc, const struct connection_entry *connection, struct store_event *out)
{
    struct octopus_event v;
    struct err e = { 0 };
    struct store_events found;
    if (!octopus_event_read(doc, &v, &e))
        return false;
    struct event_filter f = { .space_id = connection->space_id, .source = EVENT_INTERNAL, .octopus_event_id = v.id };
    if (store_event_list(c->web->opt.store, &f, (struct store_page){ .take = 1 }, true, c->arena, &found, &e) && found.count) {
        *out = found.items[0];
        return true;
    }
    *out = (struct store_event){
        .space_id = connection->space_id,
        .source = EVENT_INTERNAL,
        .connection_id = connection->id,
        .type = v.category,
        .octopus_event_id = v.id,
        .occurred_ms = v.occurred_ms,
        .received_ms = clock_wall_ms(c->web->opt.clock),
        .payload_kind = STR("json"),
        .body = json_text(c->arena, doc),
        .project = octopus_event_project(&v),
    };
    return true;
}

// The events the runs are of must be there first. A kill in between leaves events without runs: the next backfill makes them.
static bool store_missing(struct api_call *c, struct wanted *w, struct store_event *events, const size_t *event_of, size_t event_count)
{
    struct err e = { 0 };
    struct store_event *missing = ARENA_ARRAY(c->arena, struct store_event, event_count);
    size_t *index = ARENA_ARRAY(c->arena, size_t, event_count), count = 0;
    bool *is_wanted = ARENA_ARRAY(c->arena, bool, event_count);
    for (size_t i = 0; i < w->count; i++)
        is_wanted[event_of[i]] = true;
    for (size_t i = 0; i < event_count; i++)
        if (is_wanted[i] && !events[i].id) {
            missing[count] = events[i];
            index[count++] = i;
        }
    int64_t *ids = ARENA_ARRAY(c->arena, int64_t, count);
    if (!engine_store_history(c->web->opt.engine, missing, count, ids, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        events[index[i]].id = ids[i];
    for (size_t i = 0; i < w->count; i++)
        w->runs[i].event_id = events[event_of[i]].id;
    return true;
}

void events_backfill(struct api_call *c)
{
    struct events_query q;
    struct json *docs;
    struct err e = { 0 };
    bool more, ok = true;
    struct wanted w = { .matches = json_new_array(c->arena) };
    if (!read_events_query(c, true, &q))
        return;
    const struct connection_entry *connection = snapshot_space_connection(c->snapshot, q.filter.space_id);
    if (!connection) {
        api_fail(c, ERR_CONFLICT, "this space has no connection: there is no Octopus to read history from");
        return;
    }
    if (!engine_history(c->web->opt.engine, connection->id, q.filter.from_ms, q.filter.to_ms, q.max, c->arena, &docs, &more, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct store_event *events = ARENA_ARRAY(c->arena, struct store_event, docs->count);
    size_t *event_of = ARENA_ARRAY(c->arena, size_t, docs->count * q.reaction_count), count = 0;
    json_each(doc, docs)
    {
        size_t before = w.count;
        if (!ok || !as_event(c, doc, connection, &events[count]))
            continue;
        ok = want_matching(c, &q, &events[count], true, &w);
        for (size_t i = before; i < w.count; i++)
            event_of[i] = count;
        count++;
    }
    if (ok && (q.is_dry || store_missing(c, &w, events, event_of, count)))
        finish(c, &q, &w, "event.backfill", (int64_t)count, more);
    free(w.runs);
}
