#include "web/places.h"

#include "web/api_object.h"

// ---- where things stand ----

static struct access_list list_of(const struct str_list *first, const struct str_list *otherwise)
{
    return first->count ? (struct access_list){ first->items, first->count } : (struct access_list){ otherwise->items, otherwise->count };
}

struct access_place place_of_reaction(const struct reaction *def, int64_t space_id, struct arena *a UNUSED)
{
    struct access_place at = { .space_id = space_id };
    if (!def || def->trigger_type != TRIGGER_INTERNAL)
        return at;
    at.projects = list_of(&def->scope_projects, &def->filters[FILTER_PROJECTS]);
    at.environments = list_of(&def->scope_environments, &def->filters[FILTER_ENVIRONMENTS]);
    return at;
}

static struct access_list split(str text, struct arena *a)
{
    str rest = text, item;
    size_t count = 0, most = 1;
    for (size_t i = 0; i < text.n; i++)
        most += text.p[i] == ',';
    str *items = ARENA_ARRAY(a, str, most);
    while (text.n && str_split(&rest, ',', &item))
        items[count++] = item;
    return (struct access_list){ items, count };
}

struct access_place place_of_event(int64_t space_id, str project, str environment, struct arena *a)
{
    return (struct access_place){ space_id, split(project, a), split(environment, a) };
}

// ---- who sees them ----

// By what is in force, or by its draft where nothing was approved yet.
static struct access_place place_of_stored(struct api_call *c, int64_t reaction_id, int64_t space_id)
{
    const struct reaction_entry *active = snapshot_reaction(c->snapshot, reaction_id), *r = active ? active : snapshot_draft(c->snapshot, reaction_id);
    return place_of_reaction(r ? r->def : NULL, space_id, c->arena);
}

bool place_sees_reaction(struct api_call *c, int64_t reaction_id, int64_t space_id)
{
    struct access_place at = place_of_stored(c, reaction_id, space_id);
    return caller_may_at(&c->caller, REACTION_VIEW, &at);
}

bool place_sees_object(struct api_call *c, const struct store_object *o)
{
    switch (o->kind) {
    case KIND_REACTION: return place_sees_reaction(c, o->id, o->space_id);
    case KIND_SPACE: return caller_knows_space(&c->caller, o->id);
    case KIND_TRIGGER:
    case KIND_CONNECTION:
    case KIND_IDENTITY:
    case KIND_SECRET: return caller_may_somewhere(&c->caller, REACTION_VIEW, o->space_id);
    case KIND_TRIGGER_KEY: return caller_may(&c->caller, TRIGGER_KEY_MANAGE, o->space_id, STR(""));
    default: return c->caller.is_admin || caller_may(&c->caller, USER_ADMIN, 0, STR(""));
    }
}

bool place_may_at_event(struct api_call *c, enum permission p, int64_t space_id, int64_t event_id)
{
    struct store_event_place found;
    bool is_there;
    struct access_place at = { .space_id = space_id };
    if (caller_may_at(&c->caller, p, &at))
        return true;
    if (!caller_may_somewhere(&c->caller, p, space_id) || !store_event_place_get(c->web->opt.store, event_id, c->arena, &found, &is_there, NULL) || !is_there)
        return false;
    at = place_of_event(space_id, found.project, found.environment, c->arena);
    return caller_may_at(&c->caller, p, &at);
}

struct store_scopes place_scopes(struct api_call *c, enum permission p, int64_t space_id)
{
    struct store_scopes scopes = { 0 };
    struct access_grant *grants;
    size_t count;
    if (!caller_is_limited(&c->caller, p, space_id, c->arena, &grants, &count))
        return scopes;
    struct store_scope *items = ARENA_ARRAY(c->arena, struct store_scope, count);
    for (size_t i = 0; i < count; i++)
        items[i] = (struct store_scope){ grants[i].projects.items, grants[i].environments.items, grants[i].projects.count, grants[i].environments.count };
    return (struct store_scopes){ true, items, count };
}

// ---- the route's permission at its object ----

static bool refuse(struct api_call *c, enum permission p)
{
    api_fail(c, ERR_DENIED, "this needs the permission %s", permission_name(p));
    return false;
}

static bool unknown(struct api_call *c)
{
    api_not_found(c);
    return false;
}

static bool check_space(struct api_call *c, enum permission p, int64_t space_id, bool is_whole)
{
    if (!caller_knows_space(&c->caller, space_id))
        return unknown(c);
    if (permission_is_of_instance(p))
        return caller_may(&c->caller, p, 0, STR("")) || refuse(c, p);
    bool may = is_whole ? caller_may(&c->caller, p, space_id, STR("")) : caller_may_somewhere(&c->caller, p, space_id);
    return may || refuse(c, p);
}

static bool check_object(struct api_call *c, enum permission p, enum store_kind kind)
{
    const struct store_object *o = object_find(c, kind, c->params[0]);
    if (!o)
        return false;
    if (kind == KIND_REACTION) {
        struct access_place at = place_of_stored(c, o->id, o->space_id);
        return caller_may_at(&c->caller, p, &at) || refuse(c, p);
    }
    return check_space(c, p, kind == KIND_SPACE ? o->id : o->space_id, p != REACTION_VIEW);
}

static bool check_event(struct api_call *c, enum permission p, int64_t space_id, int64_t event_id)
{
    if (!place_may_at_event(c, RUN_VIEW, space_id, event_id))
        return unknown(c);
    return place_may_at_event(c, p, space_id, event_id) || refuse(c, p);
}

static bool check_event_of(struct api_call *c, enum permission p, enum api_place place)
{
    struct err e = { 0 };
    int64_t id;
    struct store_event_place event;
    struct store_run *run = NULL;
    bool is_there = false;
    if (!store_id_parse(c->params[0], place == PLACE_EVENT ? KIND_EVENT : KIND_RUN, &id))
        return unknown(c);
    bool ok = place == PLACE_EVENT ? store_event_place_get(c->web->opt.store, id, c->arena, &event, &is_there, &e) : store_run_get(c->web->opt.store, c->space_id, id, c->arena, &run, &e);
    if (!ok) {
        api_fail_with(c, &e);
        return false;
    }
    if (place == PLACE_RUN)
        return run ? check_event(c, p, run->space_id, run->event_id) : unknown(c);
    return is_there && (!c->space_id || c->space_id == event.space_id) ? check_event(c, p, event.space_id, id) : unknown(c);
}

bool place_check_route(struct api_call *c, const struct api_route *route)
{
    enum permission p = route->permission;
    switch (route->place) {
    case PLACE_NONE:
    case PLACE_INSTANCE: return caller_may(&c->caller, p, 0, STR("")) || refuse(c, p);
    case PLACE_ANYWHERE: return caller_may_somewhere(&c->caller, p, 0) || refuse(c, p);
    case PLACE_SPACE: return check_space(c, p, api_space(c), true);
    case PLACE_SPACE_PART: return check_space(c, p, api_space(c), false);
    case PLACE_AUDIT:
        if (!c->space_id && !caller_may(&c->caller, p, 0, STR("")))
            c->space_id = api_space(c);
        return check_space(c, p, c->space_id, true);
    case PLACE_THE_SPACE: return check_object(c, p, KIND_SPACE);
    case PLACE_REACTION: return check_object(c, p, KIND_REACTION);
    case PLACE_TRIGGER: return check_object(c, p, KIND_TRIGGER);
    case PLACE_CONNECTION: return check_object(c, p, KIND_CONNECTION);
    case PLACE_IDENTITY: return check_object(c, p, KIND_IDENTITY);
    case PLACE_SECRET: return check_object(c, p, KIND_SECRET);
    case PLACE_EVENT:
    case PLACE_RUN: return check_event_of(c, p, route->place);
    }
    return refuse(c, p);
}
