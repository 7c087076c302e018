// The dry run of a reaction: POST /api/reactions/{id}/test.
#include "web/api_object.h"
#include "web/write_up.h"

#include "reaction/dry_run.h"
#include "reaction/event_given.h"

// Ours by its id; an Octopus event also by Octopus's own id, where the tail has seen it.
static struct store_event *stored_event(struct api_call *c, str text, int64_t space_id)
{
    struct store_event *v = NULL;
    struct store_events found = { 0 };
    struct err e = { 0 };
    int64_t id;
    struct event_filter f = { .space_id = space_id, .source = -1, .octopus_event_id = text };
    if (!store_id_parse(text, KIND_EVENT, &id))
        api_fail(c, ERR_INVALID, "EventId: \"%.*s\" is no event's id such as Events-17", STR_ARG(str_sub(text, 0, 60)));
    else if (!store_event_get(c->web->opt.store, space_id, id, c->arena, &v, &e) || (!v && !store_event_list(c->web->opt.store, &f, (struct store_page){ .take = 1 }, true, c->arena, &found, &e)))
        api_fail_with(c, &e);
    else if (!v && found.count)
        v = &found.items[0];
    // Its payload would be in the answer: for those who may see it where it is.
    if (v && !place_may_at_event(c, RUN_OUTPUT_VIEW, v->space_id, v->id))
        v = NULL;
    if (!v && !c->status)
        api_fail(c, ERR_INVALID, "EventId: there is no event \"%.*s\" in the reaction's space", STR_ARG(text));
    return v;
}

static const struct store_event *event_wanted(struct api_call *c, const struct reaction_entry *r)
{
    struct decode d;
    if (!decode_begin(&d, c->body, STR(""), &c->errors))
        return NULL;
    decode_bool(&d, "Draft", false);
    str id = decode_str(&d, "EventId", STR(""));
    const struct json *given = decode_any(&d, "Event");
    decode_done(&d);
    if ((id.n != 0) == (given != NULL))
        decode_error(&d, NULL, "name a stored event as EventId, or give one as Event");
    if (c->errors.count)
        return NULL;
    if (id.n)
        return stored_event(c, id, r->space_id);
    struct store_event *v = ARENA_NEW(c->arena, struct store_event);
    return event_given(given, c->snapshot, r, clock_wall_ms(c->web->opt.clock), &c->errors, v) ? v : NULL;
}

// What it reaches, whoever tries it must be allowed to use: a script's reads are made with the identity's key, on events of their choice.
static bool may_try(struct api_call *c, const struct reaction_entry *r)
{
    static const struct change_kinds all = { .any = true, .action = true, .reaches = true };
    struct access_place at = place_of_reaction(r->def, r->space_id, c->arena);
    str why;
    if (!caller_may_at(&c->caller, REACTION_VIEW, &at)) {
        api_not_found(c); // a draft about what is not theirs
        return false;
    }
    if (write_up_may(&c->caller, c->snapshot, r->def, &all, r->space_id, r->id, c->arena, &why))
        return true;
    api_fail(c, ERR_DENIED, "%.*s", STR_ARG(why));
    return false;
}

// {"Draft": true} asks for what waits for approval; without it that is tried only where nothing else is there.
void reactions_test(struct api_call *c)
{
    struct err e = { 0 };
    struct store_object *o = object_find(c, KIND_REACTION, c->params[0]);
    if (!o || !api_body_required(c))
        return;
    const struct reaction_entry *active = snapshot_reaction(c->snapshot, o->id), *draft = snapshot_draft(c->snapshot, o->id);
    bool is_draft = json_bool(json_get(c->body, STR("Draft")), !active && draft);
    const struct reaction_entry *r = is_draft ? draft : active;
    if (!r) {
        api_fail(c, ERR_CONFLICT, is_draft ? "the reaction has no draft: leave Draft out to try what is in force" : "the reaction cannot be loaded: reactions doctor says why");
        return;
    }
    if (!may_try(c, r))
        return;
    const struct store_event *v = event_wanted(c, r);
    if (c->errors.count)
        api_fail_errors(c, "nothing was tried: see Errors");
    else if (v && !engine_dry_run(c->web->opt.engine, r->id, is_draft, v, c->arena, &c->answer, &e))
        api_fail_with(c, &e);
}
