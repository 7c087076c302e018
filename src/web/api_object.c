#include "web/api_object.h"

#include "web/places.h"

struct json *object_doc(struct api_call *c, const struct store_object *o)
{
    struct json *doc;
    return json_parse(c->arena, o->doc, &doc, NULL) ? doc : json_new_object(c->arena);
}

struct store_object *object_find(struct api_call *c, enum store_kind kind, str id_or_slug)
{
    struct err e = { 0 };
    struct store_object *o = NULL;
    int64_t id;
    bool ok = store_id_parse(id_or_slug, kind, &id) ? store_get(c->web->opt.store, kind, c->space_id, id, c->arena, &o, &e)
                                                    : store_find(c->web->opt.store, kind, kind == KIND_SPACE ? 0 : api_space(c), id_or_slug, c->arena, &o, &e);
    if (!ok)
        api_fail_with(c, &e);
    else if (!o || !place_sees_object(c, o)) {
        api_not_found(c);
        o = NULL;
    }
    return o;
}

struct json *object_json(struct api_call *c, const struct object_api *api, const struct store_object *o)
{
    struct arena *a = c->arena;
    struct json *doc = object_doc(c, o), *j = json_new_object(a);
    str id = store_id_text(a, o->kind, o->id);
    sealed_hide(o->kind, doc, a);
    // Whom and what it is for may name what is not this caller's to know of.
    if ((o->kind == KIND_SECRET || o->kind == KIND_IDENTITY) && !caller_may(&c->caller, REACTION_VIEW, o->space_id, STR(""))) {
        json_drop(doc, STR("AllowedReactions"));
        json_drop(doc, STR("GrantedTo"));
    }
    json_add_str(a, j, "Id", id);
    if (!api->is_spaceless)
        json_add_str(a, j, "SpaceId", store_id_text(a, KIND_SPACE, o->space_id));
    json_each(member, doc)
        json_add(j, member->name, json_copy(a, member));
    if (api->decorate)
        api->decorate(c, o, j);
    api_self_link(c, j, api->collection, id);
    return j;
}

// For callers who do not see all: what they see, counted and paged as if it were all there is. `ids` in rising order.
bool object_pick(struct api_call *c, enum store_kind kind, const int64_t *ids, size_t count, struct store_page page, struct store_objects *out)
{
    struct err e = { 0 };
    int64_t skip = page.skip;
    *out = (struct store_objects){ .items = ARENA_ARRAY(c->arena, struct store_object, MIN(count, (size_t)page.take)), .total = (int64_t)count };
    for (size_t i = count; i > 0; i--) {
        struct store_object *o;
        if ((page.before_id && ids[i - 1] >= page.before_id) || skip-- > 0)
            continue;
        if ((int64_t)out->count == page.take) {
            out->has_more = true;
            break;
        }
        if (!store_get(c->web->opt.store, kind, 0, ids[i - 1], c->arena, &o, &e)) {
            api_fail_with(c, &e);
            return false;
        }
        if (o)
            out->items[out->count++] = *o;
    }
    return true;
}

void object_list(struct api_call *c, const struct object_api *api, int64_t parent_id)
{
    struct err e = { 0 };
    struct store_page page = { 0 };
    struct store_objects found;
    if (!api_page(c, &page))
        return;
    if (!store_list(c->web->opt.store, api->kind, api->is_spaceless || parent_id ? 0 : api_space(c), parent_id, page, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct api_list list;
    api_list_begin(c, &list, api->item_type, found.total, &page);
    for (size_t i = 0; i < found.count && api_list_has_room(&list); i++)
        api_list_add(&list, object_json(c, api, &found.items[i]), found.items[i].id);
    api_list_end(&list, found.has_more, found.count);
}

void object_get(struct api_call *c, const struct object_api *api)
{
    struct store_object *o = object_find(c, api->kind, c->params[0]);
    if (!o)
        return;
    c->answer = object_json(c, api, o);
    c->etag = o->version;
}

static void write_object(struct api_call *c, const struct object_api *api, const struct store_object *old)
{
    struct arena *a = c->arena;
    struct web *w = c->web;
    struct err e = { 0 };
    struct store_put put = { .expected_version = STORE_MUST_BE_NEW };
    struct store_object *o = &put.object;
    const struct json *old_doc = old ? object_doc(c, old) : NULL;
    if (old && !api_if_match(c, &put.expected_version))
        return;
    *o = (struct store_object){ .kind = api->kind, .id = old ? old->id : 0, .space_id = old ? old->space_id : api->is_spaceless ? 0 : api_space(c), .parent_id = old ? old->parent_id : 0 };
    struct json *doc = api->normalise(c, c->body, old, &o->slug);
    if (c->status)
        return;
    if (!c->errors.count && !o->id && !store_reserve_id(w->opt.store, api->kind, &o->id, &e)) {
        api_fail_with(c, &e);
        return;
    }
    if (!c->errors.count)
        sealed_store(api->kind, o->id, doc, old_doc, w->opt.keyring, a, &c->errors);
    if (c->errors.count) {
        api_fail_errors(c, "the object was not saved: see Errors");
        return;
    }
    o->doc = json_text(a, doc);
    str id = store_id_text(a, api->kind, o->id);
    if (!api_change(c, &put, 1, arena_printf(a, "%s.%s", api->audit, old ? "update" : "create").p, id, o->space_id, NULL))
        return;
    struct store_object *stored;
    if (!store_get(w->opt.store, api->kind, 0, o->id, a, &stored, &e) || !stored) {
        api_fail(c, ERR_IO, "saved, but it could not be read back: %s", e.text);
        return;
    }
    c->answer = object_json(c, api, stored);
    c->etag = stored->version;
    c->status = old ? 200 : 201;
}

void object_create(struct api_call *c, const struct object_api *api)
{
    if (!api_body_required(c))
        return;
    pthread_mutex_lock(&c->web->change_lock);
    write_object(c, api, NULL);
    pthread_mutex_unlock(&c->web->change_lock);
}

void object_update(struct api_call *c, const struct object_api *api)
{
    if (!api_body_required(c))
        return;
    pthread_mutex_lock(&c->web->change_lock);
    struct store_object *old = object_find(c, api->kind, c->params[0]);
    if (old)
        write_object(c, api, old);
    pthread_mutex_unlock(&c->web->change_lock);
}

void object_delete(struct api_call *c, const struct object_api *api)
{
    struct store_put put = { .is_delete = true };
    pthread_mutex_lock(&c->web->change_lock);
    struct store_object *o = object_find(c, api->kind, c->params[0]);
    if (o && api_if_match(c, &put.expected_version) && (!api->may_delete || api->may_delete(c, o))) {
        put.object = *o;
        if (api_change(c, &put, 1, arena_printf(c->arena, "%s.delete", api->audit).p, store_id_text(c->arena, api->kind, o->id), o->space_id, NULL))
            c->status = 204;
    }
    pthread_mutex_unlock(&c->web->change_lock);
}
