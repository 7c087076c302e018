// Events: listed, read, explained, replayed.
#include "web/api_object.h"

#include "reaction/engine_judge.h"
#include "reaction/payload.h"
#include "web/places.h"
#include "web/replay.h"

static struct store_event *find_event(struct api_call *c)
{
    struct store_event *v = NULL;
    struct err e = { 0 };
    int64_t id;
    if (!store_id_parse(c->params[0], KIND_EVENT, &id))
        api_not_found(c);
    else if (!store_event_get(c->web->opt.store, c->space_id, id, c->arena, &v, &e))
        api_fail_with(c, &e);
    else if (!v)
        api_not_found(c);
    return v;
}

// What was sent is output's twin: RunOutputView. Who may only know that the event was, sees that.
static struct json *shown_event(struct api_call *c, const struct store_event *v)
{
    struct access_place at = place_of_event(v->space_id, v->project, v->environment, c->arena);
    bool with_payload = caller_may_at(&c->caller, RUN_OUTPUT_VIEW, &at);
    struct json *j = event_json(v, c->snapshot, with_payload, c->arena), *request = json_get(j, STR("Request"));
    if (with_payload)
        return j;
    json_put(j, STR("Payload"), json_new_null(c->arena));
    if (json_is(request, JSON_OBJECT)) {
        json_put(request, STR("Query"), json_new_null(c->arena));
        json_put(request, STR("Headers"), json_new_null(c->arena));
    }
    return j;
}

void events_list(struct api_call *c)
{
    struct err e = { 0 };
    struct store_page page = { 0 };
    struct store_events found;
    struct event_filter f = { .space_id = api_space(c), .source = -1, .type = api_query(c, "type"), .octopus_event_id = api_query(c, "octopusEventId") };
    str source = api_query(c, "source"), trigger = api_query(c, "trigger");
    if (!api_page(c, &page) || !api_query_time(c, "from", &f.from_ms) || !api_query_time(c, "to", &f.to_ms))
        return;
    if (source.n) {
        f.source = str_eq_nocase(source, STR("External")) ? EVENT_EXTERNAL : EVENT_INTERNAL;
        if (f.source == EVENT_INTERNAL && !str_eq_nocase(source, STR("Internal"))) {
            api_fail(c, ERR_INVALID, "source: \"%.*s\" must be External or Internal", STR_ARG(source));
            return;
        }
    }
    if (trigger.n) {
        const struct trigger_entry *t = snapshot_find_trigger(c->snapshot, f.space_id, trigger);
        if (!t) {
            api_fail(c, ERR_INVALID, "trigger: there is no trigger \"%.*s\" in this space", STR_ARG(trigger));
            return;
        }
        f.trigger_id = t->t->id;
    }
    f.scopes = place_scopes(c, RUN_VIEW, f.space_id);
    if (!store_event_list(c->web->opt.store, &f, page, true, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct api_list list;
    api_list_begin(c, &list, "Event", found.total, &page);
    for (size_t i = 0; i < found.count && api_list_has_room(&list); i++)
        api_list_add(&list, shown_event(c, &found.items[i]), found.items[i].id);
    api_list_end(&list, found.has_more, found.count);
}

void events_get(struct api_call *c)
{
    struct store_event *v = find_event(c);
    if (v)
        c->answer = shown_event(c, v);
}

void events_body(struct api_call *c)
{
    struct store_event *v = find_event(c);
    if (!v)
        return;
    // As bytes, never as what a stranger declared: a browser shall not run it.
    c->raw_type = STR("application/octet-stream");
    c->raw = v->body;
}

#define EXPLAINED_MAX 200 // evaluated anew for one answer

const struct reaction_entry *replay_find_reaction(struct api_call *c, int64_t space_id, str name)
{
    int64_t id = 0;
    bool is_id = store_id_parse(name, KIND_REACTION, &id);
    for (size_t k = 0; k < c->snapshot->reaction_count; k++) {
        const struct reaction_entry *r = &c->snapshot->reactions[k];
        if (r->space_id == space_id && (is_id ? r->id == id : str_eq_nocase(r->def->slug, name) || str_eq_nocase(r->def->name, name)) && place_sees_reaction(c, r->id, r->space_id))
            return r;
    }
    return NULL;
}

static struct json *verdict_json(struct api_call *c, const struct store_verdict *verdict)
{
    struct arena *a = c->arena;
    struct json *j = json_new_object(a), *parts;
    json_add_str(a, j, "ReactionId", store_id_text(a, KIND_REACTION, verdict->reaction_id));
    json_add_i64(a, j, "Revision", verdict->revision_number);
    json_add_str(a, j, "Verdict", str_from(verdict_name(verdict->verdict)));
    json_add_str(a, j, "RunId", verdict->run_id ? store_id_text(a, KIND_RUN, verdict->run_id) : (str){ 0 });
    json_add(j, STR("Parts"), verdict->parts.n && json_parse(a, verdict->parts, &parts, NULL) ? parts : json_new_array(a));
    return j;
}

static bool is_stored(const struct store_verdicts *verdicts, int64_t reaction_id)
{
    for (size_t i = 0; i < verdicts->count; i++)
        if (verdicts->items[i].reaction_id == reaction_id)
            return true;
    return false;
}

// Of many noes only some are kept (engine.c), and none after 7 days: the others are judged now, and say so.
static bool explain_now(struct api_call *c, const struct store_event *v, const struct reaction_entry *only, const struct store_verdicts *verdicts, struct json *list)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    const struct reaction_entry **offered, **chosen;
    struct judged *judged;
    struct data_source data = { c->snapshot, c->web->opt.keyring, c->web->opt.clock, NULL };
    size_t count = 0, judged_count, offered_count = match_offered(match_new(&data, v, payload_json(v, a), a), &offered);
    chosen = ARENA_ARRAY(a, const struct reaction_entry *, EXPLAINED_MAX);
    for (size_t i = 0; i < offered_count && count < EXPLAINED_MAX; i++)
        if ((!only || offered[i] == only) && !is_stored(verdicts, offered[i]->id) && place_sees_reaction(c, offered[i]->id, v->space_id))
            chosen[count++] = offered[i];
    if (!count)
        return true;
    if (!engine_judge(c->web->opt.engine, c->snapshot, v, chosen, count, a, &judged, &judged_count, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    for (size_t i = 0; i < judged_count; i++) {
        struct json *j = json_push(list, verdict_json(c, &(struct store_verdict){ judged[i].reaction->id, judged[i].reaction->revision_number, judged[i].result.verdict, 0, judged[i].result.parts }));
        json_add_bool(a, j, "IsEvaluatedNow", true);
    }
    return true;
}

void events_explain(struct api_call *c)
{
    struct arena *a = c->arena;
    struct store_verdicts verdicts;
    struct err e = { 0 };
    const struct reaction_entry *only = NULL;
    str name = api_query(c, "reaction");
    struct store_event *v = find_event(c);
    if (!v)
        return;
    if (name.n && !(only = replay_find_reaction(c, v->space_id, name))) {
        api_fail(c, ERR_INVALID, "reaction: there is no reaction \"%.*s\" in this space", STR_ARG(name));
        return;
    }
    if (!store_verdict_list(c->web->opt.store, v->id, a, &verdicts, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct json *answer = json_new_object(a);
    json_add_str(a, answer, "EventId", store_id_text(a, KIND_EVENT, v->id));
    struct json *list = json_add(answer, STR("Reactions"), json_new_array(a));
    for (size_t i = 0; i < verdicts.count; i++)
        if ((!only || verdicts.items[i].reaction_id == only->id) && place_sees_reaction(c, verdicts.items[i].reaction_id, v->space_id))
            json_push(list, verdict_json(c, &verdicts.items[i]));
    bool has_more = v->is_matched && (uint64_t)(v->matched + v->not_matched + v->errors) > verdicts.count;
    if ((has_more || (only && !list->count)) && !explain_now(c, v, only, &verdicts, list))
        return;
    c->answer = answer;
}

bool replay_allowed(struct api_call *c, const struct reaction_entry *r)
{
    struct access_place at = place_of_reaction(r->def, r->space_id, c->arena);
    return caller_may_at(&c->caller, REACTION_ENABLE, &at);
}

// A replay is a new run of the same event, of the active revision unless asked otherwise.
bool replay_make(struct api_call *c, const struct store_event *v, const struct reaction_entry *r, struct store_run *out)
{
    struct store_runs earlier;
    struct err e = { 0 };
    struct run_filter f = { .event_id = v->id, .reaction_id = r->id };
    if (!v->id)
        earlier = (struct store_runs){ 0 };
    else if (!store_run_list(c->web->opt.store, &f, (struct store_page){ .take = 1000 }, c->arena, &earlier, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    *out = reaction_run(r, v);
    out->key = random_uuid(c->web->opt.random, c->arena);
    out->replay_of = earlier.count ? earlier.items[earlier.count - 1].id : 0;
    out->state = RUN_QUEUED;
    out->queued_ms = out->due_ms = clock_wall_ms(c->web->opt.clock);
    return true;
}

static bool add_replay(struct api_call *c, const struct store_event *v, const struct reaction_entry *r, struct store_run *runs, size_t *count)
{
    return replay_make(c, v, r, &runs[*count]) && ++*count;
}

static bool choose_named(struct api_call *c, const struct store_event *v, const str *names, size_t name_count, struct store_run *runs, size_t *count)
{
    for (size_t i = 0; i < name_count; i++) {
        const struct reaction_entry *found = replay_find_reaction(c, v->space_id, names[i]);
        if (!found) {
            api_fail(c, ERR_INVALID, "Reactions[%zu]: there is no reaction \"%.*s\" in this space", i, STR_ARG(names[i]));
            return false;
        }
        if (!replay_allowed(c, found)) {
            api_fail(c, ERR_DENIED, "Reactions[%zu]: this needs the permission %s for \"%.*s\"", i, permission_name(REACTION_ENABLE), STR_ARG(names[i]));
            return false;
        }
        if (!add_replay(c, v, found, runs, count))
            return false;
    }
    return true;
}

static bool choose_matching(struct api_call *c, const struct store_event *v, struct store_run **runs, size_t *count)
{
    struct judged *judged;
    struct err e = { 0 };
    size_t judged_count;
    if (!engine_judge(c->web->opt.engine, c->snapshot, v, NULL, 0, c->arena, &judged, &judged_count, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    *runs = ARENA_ARRAY(c->arena, struct store_run, judged_count);
    for (size_t i = 0; i < judged_count; i++)
        if (judged[i].result.verdict == VERDICT_MATCHED && replay_allowed(c, judged[i].reaction) && !add_replay(c, v, judged[i].reaction, *runs, count))
            return false;
    return true;
}

void events_replay(struct api_call *c)
{
    struct arena *a = c->arena;
    struct decode d;
    struct err e = { 0 };
    size_t name_count = 0, count = 0;
    str *names = NULL;
    struct store_event *v = find_event(c);
    if (!v)
        return;
    if (c->body && decode_begin(&d, c->body, STR(""), &c->errors)) {
        names = decode_str_list(&d, "Reactions", &name_count);
        int64_t revision = decode_i64(&d, "Revision", 0, 1, INT64_MAX);
        if (revision)
            decode_error(&d, "Revision", "only the active revision can be replayed: leave it out, or restore the revision first");
        decode_done(&d);
    }
    if (c->errors.count) {
        api_fail_errors(c, "nothing was replayed: see Errors");
        return;
    }
    struct store_run *runs = ARENA_ARRAY(a, struct store_run, name_count);
    if (!(name_count ? choose_named(c, v, names, name_count, runs, &count) : choose_matching(c, v, &runs, &count)))
        return;
    int64_t *ids = ARENA_ARRAY(a, int64_t, count);
    if (!store_run_add(c->web->opt.store, runs, count, ids, &e)) {
        api_fail_with(c, &e);
        return;
    }
    store_audit(c->web->opt.store, &(struct store_audit){ v->space_id, c->caller.actor, STR("event.replay"), store_id_text(a, KIND_EVENT, v->id), STR("{}") });
    engine_runs_changed(c->web->opt.engine);
    c->status = 202;
    c->answer = json_new_object(a);
    struct json *list = json_add(c->answer, STR("Runs"), json_new_array(a));
    for (size_t i = 0; i < count; i++)
        json_push(list, json_new_string(a, store_id_text(a, KIND_RUN, ids[i])));
}
