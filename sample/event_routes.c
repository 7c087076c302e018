// Reading the event log: /events and what belongs to it.

#include "sample/catalog.h"
#include "sample/routes.h"

#include "base/timetext.h"

#define EVENTS_TAKE_MAX 200000

static bool read_time(struct call *c, const char *name, int64_t *out)
{
    str text = call_query(c, name);

    if (!text.n || timetext_parse(text, out))
        return true;
    call_error(c, 400, "%s: '%.*s' is not a date like 2026-03-02T09:14:31.650+00:00.", name, STR_ARG(text));
    return false;
}

static bool read_query(struct call *c, struct event_query *q)
{
    struct id_list types = { 0 };

    event_query_init(q, c->a);
    call_query_list(c, "ids", &q->ids);
    call_query_list(c, "regarding", &q->regarding_all);
    call_query_list(c, "regardingAny", &q->regarding_any);
    call_query_list(c, "user", &q->users);
    call_query_list(c, "users", &q->users);
    call_query_list(c, "projects", &q->projects);
    call_query_list(c, "projectGroups", &q->project_groups);
    call_query_list(c, "environments", &q->environments);
    call_query_list(c, "tenants", &q->tenants);
    call_query_list(c, "tags", &q->tags);
    call_query_list(c, "eventGroups", &q->groups);
    call_query_list(c, "eventCategories", &q->categories);
    call_query_list(c, "eventAgents", &q->agents);
    call_query_list(c, "documentTypes", &types);
    for (size_t i = 0; i < types.count; i++)
        id_list_add(c->a, &q->document_types, document_type_prefix(types.items[i]));
    q->from_auto_id = call_query_i64(c, "fromAutoId", 0);
    q->to_auto_id = call_query_i64(c, "toAutoId", 0);
    q->hides_internal = !call_query_bool(c, "internal", true) || !call_query_bool(c, "includeInternalEvents", true);
    return read_time(c, "from", &q->from_ms) && read_time(c, "to", &q->to_ms);
}

// Which spaces' events are asked for; the route's, or those of the query.
struct places {
    bool has_system, has_all;
    struct id_list spaces;
    struct event_sight sight; // and which of their events the caller may see
};

static struct places read_places(struct call *c)
{
    struct places p = { .sight = access_event_sight(c->sample->model, c->user->id) };

    if (c->names_space) {
        id_list_add(c->a, &p.spaces, c->space);
        p.has_system = call_query_bool(c, "includeSystem", false);
        return p;
    }
    call_query_list(c, "spaces", &p.spaces);
    p.has_all = !p.spaces.count;
    p.has_system = call_query_bool(c, "includeSystem", !p.spaces.count);
    for (size_t i = 0; i < p.spaces.count; i++)
        p.has_all = p.has_all || str_eq_nocase(p.spaces.items[i], STR("all"));
    return p;
}

static bool is_in_places(const struct event *e, const struct places *p)
{
    if (!e->space_id.n)
        return p->has_system;
    if (p->has_all)
        return true;
    for (size_t i = 0; i < p->spaces.count; i++)
        if (str_eq_nocase(p->spaces.items[i], e->space_id))
            return true;
    return false;
}

static bool is_wanted(struct call *c, const struct event *e, const struct event_query *q, const struct places *p)
{
    return event_fits(e, q, c->sample->model) && is_in_places(e, p) && access_may_see_event(&p->sight, e->space_id, e->related);
}

static str event_text(struct call *c, const struct event *e, bool drops_differences)
{
    struct json *o, *change;
    struct err err;

    if (!drops_differences || !e->has_differences || !json_parse(c->a, e->text, &o, &err))
        return e->text;
    change = json_get(o, STR("ChangeDetails"));
    json_put(change, STR("Differences"), json_new_null(c->a));
    return json_text(c->a, o);
}

static void add_text(struct buf *out, str text)
{
    if (out->n)
        buf_add_char(out, ',');
    buf_add(out, text);
}

// The adversary's noise: something happens between two pages of a walk.
static void shift_pages(struct call *c)
{
    struct draft e;

    draft_begin(&e, c->sample, c->a, &actor_system, "Modified", STR("Spaces-1"));
    draft_text(&e, "Team ");
    draft_ref(&e, STR("Teams-41"), STR("Web team"));
    draft_text(&e, " was changed");
    draft_related(&e, STR("Teams-41"));
    draft_commit(&e);
}

// The events' texts go into the envelope as they are: parsing and writing 1 000 of them again for
// each page of a tail would be most of the sample's work.
static void answer_page(struct call *c, struct json *envelope, const struct buf *items)
{
    str text = json_text(c->a, envelope);
    ptrdiff_t at = str_find(text, STR("\"Items\":[]")) + 9;
    struct buf out = { 0 };

    buf_add(&out, str_sub(text, 0, (size_t)at));
    buf_add(&out, buf_str(items));
    buf_add(&out, str_skip(text, (size_t)at));
    call_answer_text(c, 200, "application/json; charset=utf-8", buf_str(&out));
    buf_fini(&out);
}

static void add_csv(struct buf *out, const struct json *o, const char *name, bool is_last)
{
    str s = json_str(json_get(o, str_from(name)), STR(""));

    buf_add_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, s.p[i]);
    }
    buf_add_text(out, is_last ? "\"\r\n" : "\",");
}

static void answer_csv(struct call *c, const struct event_query *q, const struct places *p)
{
    struct buf out = { 0 };

    buf_add_text(&out, "Id,Occurred,Category,Username,Message,SpaceId\r\n");
    for (size_t i = event_log_count(c->sample->events); i > 0; i--) {
        CLEANUP(arena_fini) struct arena a = { 0 };
        const struct event *e = event_log_at(c->sample->events, i - 1);
        struct json *o;
        struct err err;

        if (!is_wanted(c, e, q, p) || !json_parse(&a, e->text, &o, &err))
            continue;
        add_csv(&out, o, "Id", false);
        add_csv(&out, o, "Occurred", false);
        add_csv(&out, o, "Category", false);
        add_csv(&out, o, "Username", false);
        add_csv(&out, o, "Message", false);
        add_csv(&out, o, "SpaceId", true);
    }
    call_answer_text(c, 200, "text/csv; charset=utf-8", buf_str(&out));
    buf_fini(&out);
}

static void get_events(struct call *c)
{
    struct faults *f = c->sample->faults;
    int64_t skip = MAX(call_query_i64(c, "skip", 0), 0), take = MAX(call_query_i64(c, "take", CALL_TAKE_DEFAULT), 0);
    bool drops = call_query_bool(c, "excludeDifference", false);
    struct places places = read_places(c);
    struct event_query q;
    struct buf items = { 0 };
    int64_t fit = 0, given = 0;
    const struct event *before = NULL;

    if (!read_query(c, &q))
        return;
    if (call_query_bool(c, "asCsv", false)) {
        answer_csv(c, &q, &places);
        return;
    }
    take = MIN(take, EVENTS_TAKE_MAX);
    if (skip > 0 && faults_draw(f, FAULT_SHIFT))
        shift_pages(c);
    for (size_t i = event_log_count(c->sample->events); i > 0; i--) {
        const struct event *e = event_log_at(c->sample->events, i - 1);

        if (!is_wanted(c, e, &q, &places))
            continue;
        if (fit++ >= skip && given < take) {
            // A duplicate comes as a further row: none is lost for it.
            if (before && faults_draw(f, FAULT_DUPLICATES))
                add_text(&items, event_text(c, before, drops));
            add_text(&items, event_text(c, e, drops));
            given++;
        }
        before = e;
    }
    answer_page(c, call_envelope(c, "Event", json_new_array(c->a), (size_t)fit, skip, take), &items);
    buf_fini(&items);
}

static void get_event(struct call *c)
{
    const struct event *e = event_log_find(c->sample->events, c->args[0]);
    struct event_sight sight = access_event_sight(c->sample->model, c->user->id);

    if (e && (!c->names_space || !e->space_id.n || str_eq_nocase(e->space_id, c->space)) && access_may_see_event(&sight, e->space_id, e->related))
        call_answer_text(c, 200, "application/json; charset=utf-8", e->text);
    else
        call_not_found(c, "Event", c->args[0]);
}

static void get_categories(struct call *c)
{
    call_answer(c, 200, catalog_categories(c->a, call_query(c, "appliesTo")));
}

static void get_groups(struct call *c)
{
    call_answer(c, 200, catalog_groups(c->a, call_query(c, "appliesTo")));
}

static void get_document_types(struct call *c)
{
    call_answer(c, 200, catalog_document_types(c->a));
}

static void get_agents(struct call *c)
{
    struct json *list = json_new_array(c->a), *seen = json_new_array(c->a);

    for (size_t i = 0; i < event_log_count(c->sample->events); i++) {
        str agent = event_log_at(c->sample->events, i)->user_agent;

        if (!agent.n || json_has_text(seen, agent) || list->count >= 1000)
            continue;
        json_push(seen, json_new_string(c->a, agent));
        struct json *o = json_push(list, json_new_object(c->a));
        json_add_str(c->a, o, "Id", agent);
        json_add_str(c->a, o, "Name", agent);
    }
    call_answer(c, 200, list);
}

const struct route event_routes[] = {
    { "GET", "events/categories", NULL, get_categories },
    { "GET", "events/groups", NULL, get_groups },
    { "GET", "events/agents", NULL, get_agents },
    { "GET", "events/documenttypes", NULL, get_document_types },
    { "GET", "events", "EventView", get_events },
    { "GET", "events/{}", "EventView", get_event },
    { 0 },
};
