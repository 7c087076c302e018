// Runs: listed, read with their attempts, their log, retried and cancelled by hand.
#include "web/api_object.h"

#include "web/places.h"

static struct json *parse_or_null(struct api_call *c, str text)
{
    struct json *j;
    return text.n && json_parse(c->arena, text, &j, NULL) ? j : json_new_null(c->arena);
}

static struct json *member_or(struct api_call *c, const struct json *doc, const char *name)
{
    struct json *member = json_get(doc, str_from(name));
    return member ? json_copy(c->arena, member) : json_new_null(c->arena);
}

// Without RunOutputView: that it was tried, when and with what outcome; not what went out or came back.
static struct json *attempt_json(struct api_call *c, const struct store_attempt *t, bool with_output)
{
    struct arena *a = c->arena;
    struct json *j = json_new_object(a), *doc = with_output ? parse_or_null(c, t->doc) : NULL;
    json_add_i64(a, j, "Number", t->number);
    json_add_time(a, j, "Started", t->started_ms);
    json_add_time(a, j, "Finished", t->finished_ms);
    json_add_str(a, j, "Outcome", t->outcome == ATTEMPT_RUNNING ? (str){ 0 } : str_from(attempt_outcome_name(t->outcome)));
    json_add_str(a, j, "Node", t->node);
    json_add(j, STR("ExitCode"), t->has_exit_code ? json_new_i64(a, t->exit_code) : json_new_null(a));
    json_add_str(a, j, "ErrorMessage", with_output && t->error.n ? t->error : (str){ 0 });
    json_add(j, STR("Request"), member_or(c, doc, "Request"));
    json_add(j, STR("Response"), member_or(c, doc, "Response"));
    json_add(j, STR("Timings"), member_or(c, doc, "Timings"));
    struct json *calls = json_add(j, STR("ApiCalls"), json_new_array(a));
    for (size_t i = 0; with_output && i < t->call_count; i++)
        json_push(calls, parse_or_null(c, t->calls[i]));
    return j;
}

static struct json *run_json(struct api_call *c, const struct store_run *r, bool with_attempts)
{
    struct arena *a = c->arena;
    struct json *j = json_new_object(a);
    struct store_attempts attempts = { 0 };
    struct err e = { 0 };
    bool with_output = place_may_at_event(c, RUN_OUTPUT_VIEW, r->space_id, r->event_id);
    str id = store_id_text(a, KIND_RUN, r->id);
    json_add_str(a, j, "Id", id);
    json_add_str(a, j, "SpaceId", store_id_text(a, KIND_SPACE, r->space_id));
    json_add_str(a, j, "ReactionId", store_id_text(a, KIND_REACTION, r->reaction_id));
    json_add_i64(a, j, "Revision", r->revision_number);
    json_add_str(a, j, "RevisionHash", r->revision_hash);
    json_add_str(a, j, "EventId", store_id_text(a, KIND_EVENT, r->event_id));
    json_add_str(a, j, "State", str_from(run_state_name(r->state)));
    json_add_str(a, j, "IdempotencyKey", r->key);
    json_add_str(a, j, "ReplayOf", r->replay_of ? store_id_text(a, KIND_RUN, r->replay_of) : (str){ 0 });
    json_add_i64(a, j, "ReplayNumber", r->replay_number);
    json_add_time(a, j, "Queued", r->queued_ms);
    json_add_time(a, j, "Started", r->started_ms);
    json_add_time(a, j, "Finished", r->finished_ms);
    json_add_time(a, j, "NextAttempt", r->state == RUN_QUEUED || r->state == RUN_WAITING ? r->due_ms : 0);
    json_add(j, STR("Output"), with_output ? parse_or_null(c, r->output) : json_new_null(a));
    json_add_str(a, j, "ErrorMessage", with_output && r->error.n ? r->error : (str){ 0 });
    struct json *list = json_add(j, STR("Attempts"), json_new_array(a));
    if (with_attempts && store_attempt_list(c->web->opt.store, r->id, a, &attempts, &e))
        for (size_t i = 0; i < attempts.count; i++)
            json_push(list, attempt_json(c, &attempts.items[i], with_output));
    api_self_link(c, j, "runs", id);
    json_add_str(a, json_get(j, STR("Links")), "Log", arena_printf(a, "/api/runs/%.*s/log", STR_ARG(id)));
    return j;
}

static struct store_run *find_run(struct api_call *c)
{
    struct store_run *r = NULL;
    struct err e = { 0 };
    int64_t id;
    if (!store_id_parse(c->params[0], KIND_RUN, &id))
        api_not_found(c);
    else if (!store_run_get(c->web->opt.store, c->space_id, id, c->arena, &r, &e))
        api_fail_with(c, &e);
    else if (!r)
        api_not_found(c);
    return r;
}

void runs_list(struct api_call *c)
{
    struct err e = { 0 };
    struct store_page page = { 0 };
    struct store_runs found;
    struct run_filter f = { .space_id = api_space(c) };
    str reaction = api_query(c, "reaction"), event = api_query(c, "event"), states = api_query(c, "state"), name;
    if (!api_page(c, &page) || !api_query_time(c, "from", &f.from_ms) || !api_query_time(c, "to", &f.to_ms))
        return;
    if (reaction.n) {
        struct store_object *o = object_find(c, KIND_REACTION, reaction);
        if (!o)
            return;
        f.reaction_id = o->id;
    }
    if (event.n && !store_id_parse(event, KIND_EVENT, &f.event_id)) {
        api_fail(c, ERR_INVALID, "event: \"%.*s\" must be an id such as Events-17", STR_ARG(event));
        return;
    }
    while (states.n && str_split(&states, ',', &name)) {
        enum run_state state;
        if (!run_state_parse(str_trim(name), &state)) {
            api_fail(c, ERR_INVALID, "state: \"%.*s\" must be Queued, Running, Waiting, Succeeded, Failed, Interrupted, DeadLettered or Cancelled", STR_ARG(name));
            return;
        }
        f.states |= 1u << state;
    }
    f.scopes = place_scopes(c, RUN_VIEW, f.space_id);
    if (!store_run_list(c->web->opt.store, &f, page, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct api_list list;
    api_list_begin(c, &list, "Run", found.total, &page);
    for (size_t i = 0; i < found.count && api_list_has_room(&list); i++)
        api_list_add(&list, run_json(c, &found.items[i], true), found.items[i].id);
    api_list_end(&list, found.has_more, found.count);
}

void runs_get(struct api_call *c)
{
    struct store_run *r = find_run(c);
    if (r)
        c->answer = run_json(c, r, true);
}

static void audit_run(struct api_call *c, const struct store_run *r, const char *action)
{
    store_audit(c->web->opt.store, &(struct store_audit){ r->space_id, c->caller.actor, str_from(action), store_id_text(c->arena, KIND_RUN, r->id), STR("{}") });
}

void runs_retry(struct api_call *c)
{
    struct err e = { 0 };
    struct store_run *r = find_run(c);
    if (!r)
        return;
    if (!store_run_retry(c->web->opt.store, r->space_id, r->id, clock_wall_ms(c->web->opt.clock), &e)) {
        api_fail_with(c, &e);
        return;
    }
    audit_run(c, r, "run.retry");
    engine_runs_changed(c->web->opt.engine);
    runs_get(c);
    c->status = 202;
}

void runs_cancel(struct api_call *c)
{
    struct err e = { 0 };
    struct store_run *r = find_run(c);
    if (!r)
        return;
    bool is_running = r->state == RUN_RUNNING && engine_cancel(c->web->opt.engine, r->id);
    if (!is_running && !store_run_cancel(c->web->opt.store, r->space_id, r->id, clock_wall_ms(c->web->opt.clock), &e)) {
        api_fail_with(c, &e);
        return;
    }
    audit_run(c, r, "run.cancel");
    runs_get(c);
    c->status = 202;
}

void runs_log(struct api_call *c)
{
    struct arena *a = c->arena;
    struct err e = { 0 };
    struct store_log log;
    struct store_page page = { 0 };
    int64_t after = 0;
    str cursor = api_query(c, "after");
    struct store_run *r = find_run(c);
    if (!r || !api_page(c, &page))
        return;
    if (cursor.n && !str_to_i64(cursor, &after)) {
        api_fail(c, ERR_INVALID, "after: \"%.*s\" must be a number", STR_ARG(cursor));
        return;
    }
    int64_t take = api_query(c, "take").n ? page.take : 1000;
    if (!store_log_list(c->web->opt.store, r->id, after, take, page.max_bytes, a, &log, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct json *items = json_new_array(a);
    for (size_t i = 0; i < log.count; i++) {
        struct json *line = json_push(items, json_new_object(a));
        json_add_i64(a, line, "Attempt", log.items[i].attempt);
        json_add_time(a, line, "Time", log.items[i].at_ms);
        json_add_str(a, line, "Level", log.items[i].level);
        json_add_str(a, line, "Text", log.items[i].text);
    }
    c->answer = json_new_object(a);
    json_add_str(a, c->answer, "ItemType", STR("LogLine"));
    json_add(c->answer, STR("Items"), items);
    struct json *links = json_add(c->answer, STR("Links"), json_new_object(a));
    str id = store_id_text(a, KIND_RUN, r->id);
    json_add_str(a, links, "Self", arena_printf(a, "/api/runs/%.*s/log", STR_ARG(id)));
    int64_t last = log.count ? log.ids[log.count - 1] : after;
    if (log.has_more && log.count)
        json_add_str(a, links, "Page.Next", arena_printf(a, "/api/runs/%.*s/log?take=%" PRId64 "&after=%" PRId64, STR_ARG(id), take, last));
    // For who waits for the lines to come.
    json_add_str(a, links, "Follow", arena_printf(a, "/api/runs/%.*s/log?after=%" PRId64, STR_ARG(id), last));
}
