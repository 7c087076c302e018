// API keys of users (RXA-...): what their owner may, or less; for a time; shown once; gone with their owner.
#include "web/people.h"

#include "base/encode.h"
#include "base/limits.h"
#include "base/timetext.h"
#include "secret/token.h"
#include "web/callers.h"
#include "access/roles.h"

#define DAY_MS 86400000LL

static bool may_manage_users(struct api_call *c)
{
    return caller_may(&c->caller, USER_ADMIN, 0, STR(""));
}

static struct json *key_json(struct api_call *c, const struct store_object *o)
{
    static const char *const shown[] = { "Label", "Created", "CreatedBy", "Expires", "Permissions", "Space", "Projects", "Environments" };
    struct arena *a = c->arena;
    struct json *doc = object_doc(c, o), *j = json_new_object(a);
    struct store_key_use use;
    str id = store_id_text(a, KIND_API_KEY, o->id);
    if (!store_key_use_get(c->web->opt.store, -o->id, a, &use, NULL))
        use = (struct store_key_use){ 0 };
    json_add_str(a, j, "Id", id);
    json_add_str(a, j, "UserId", store_id_text(a, KIND_USER, o->parent_id));
    for (size_t i = 0; i < COUNT(shown); i++) {
        const struct json *member = json_get(doc, str_from(shown[i]));
        json_add(j, str_from(shown[i]), member ? json_copy(a, member) : json_new_null(a));
    }
    json_add_time(a, j, "LastUsed", use.last_used_ms);
    json_add_str(a, j, "LastUsedAddress", use.address.n ? use.address : (str){ 0 });
    json_add_i64(a, j, "UseCount", use.count);
    api_self_link(c, j, "apikeys", id);
    return j;
}

// One's own; a user administrator's: everybody's. Another's looks like none.
static struct store_object *find(struct api_call *c)
{
    struct store_object *o = NULL;
    struct err e = { 0 };
    int64_t id;
    if (store_id_parse(c->params[0], KIND_API_KEY, &id) && !store_get(c->web->opt.store, KIND_API_KEY, 0, id, c->arena, &o, &e)) {
        api_fail_with(c, &e);
        return NULL;
    }
    if (o && ((c->caller.user_id && o->parent_id == c->caller.user_id) || may_manage_users(c)))
        return o;
    api_not_found(c);
    return NULL;
}

void api_keys_list(struct api_call *c)
{
    struct store_page page = { 0 };
    struct store_objects found;
    struct err e = { 0 };
    int64_t user_id = c->caller.user_id;
    str user = api_query(c, "user");
    if (!api_page(c, &page))
        return;
    if (may_manage_users(c)) {
        user_id = 0;
        if (user.n && !store_id_parse(user, KIND_USER, &user_id)) {
            api_fail(c, ERR_INVALID, "user: \"%.*s\" must be an id such as Users-3", STR_ARG(user));
            return;
        }
    } else if (!user_id) {
        user_id = -1; // somebody who is no user of ours has none
    }
    if (!store_list(c->web->opt.store, KIND_API_KEY, 0, user_id, page, c->arena, &found, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct api_list list;
    api_list_begin(c, &list, "ApiKey", found.total, &page);
    for (size_t i = 0; i < found.count && api_list_has_room(&list); i++)
        api_list_add(&list, key_json(c, &found.items[i]), found.items[i].id);
    api_list_end(&list, found.has_more, found.count);
}

void api_keys_get(struct api_call *c)
{
    struct store_object *o = find(c);
    if (!o)
        return;
    c->answer = key_json(c, o);
    c->etag = o->version;
}

// What the present key says of itself bounds what it can make; a session is bounded by its user only.
static bool own_limit(struct api_call *c, struct access_grant *limit)
{
    struct store_object *o = NULL;
    struct err e = { 0 };
    *limit = (struct access_grant){ .permissions = ACCESS_ALL_PERMISSIONS };
    if (c->caller.kind != CALLER_API_KEY)
        return true;
    if (!store_get(c->web->opt.store, KIND_API_KEY, 0, c->caller.key_id, c->arena, &o, &e) || !o) {
        api_fail(c, ERR_BUSY, "the key could not be read again: %s", e.text);
        return false;
    }
    *limit = caller_key_limit(object_doc(c, o), c->arena);
    return true;
}

static void add_list(struct api_call *c, struct decode *d, struct json *doc, const char *name, const struct access_list *own)
{
    struct json *list = people_read_ids(d, name, c->arena);
    for (size_t i = 0; !list->count && i < own->count; i++)
        json_push(list, json_new_string(c->arena, own->items[i]));
    json_each(item, list)
    {
        bool is_own = !own->count;
        for (size_t i = 0; i < own->count; i++)
            is_own = is_own || str_eq_nocase(own->items[i], item->text);
        if (!is_own)
            decode_error(d, name, "\"%.*s\" is more than the key that asks may itself", STR_ARG(item->text));
    }
    json_add(doc, str_from(name), list);
}

// What is left out is what the asking key has: never more. What its owner may not is refused by name, so that nobody believes in a
// key that can do nothing; should the owner's roles grow later, the key stays within what is written here.
static void read_limits(struct api_call *c, struct decode *d, struct json *doc, const struct caller *owner, const struct access_grant *own)
{
    struct arena *a = c->arena;
    bool is_named = json_is(json_get(c->body, STR("Permissions")), JSON_ARRAY), is_limited = is_named || own->permissions != ACCESS_ALL_PERMISSIONS;
    size_t count;
    uint64_t permissions = is_named ? 0 : own->permissions;
    str *names = decode_str_list(d, "Permissions", &count);
    for (size_t i = 0; i < count; i++) {
        enum permission p;
        if (!permission_parse(names[i], &p))
            decode_error_at(d, "Permissions", i, "there is no permission \"%.*s\"", STR_ARG(names[i]));
        else if (!(own->permissions & permission_bit(p)) || !caller_may_somewhere(owner, p, 0))
            decode_error_at(d, "Permissions", i, "%s is more than the owner, or the key that asks, may", permission_name(p));
        else
            permissions |= permission_bit(p);
    }
    struct json *list = json_new_array(a);
    role_add_permissions(a, list, permissions);
    json_add(doc, STR("Permissions"), is_limited ? list : json_new_null(a));
    struct json *space = people_read_space(c, d, "Space");
    str own_space = own->space_id ? store_id_text(a, KIND_SPACE, own->space_id) : (str){ 0 };
    if (own->space_id && json_is(space, JSON_STRING) && !str_eq(space->text, own_space))
        decode_error(d, "Space", "%.*s is more than the key that asks may itself", STR_ARG(space->text));
    json_add(doc, STR("Space"), own->space_id ? json_new_string(a, own_space) : space);
    add_list(c, d, doc, "Projects", &own->projects);
    add_list(c, d, doc, "Environments", &own->environments);
}

static int64_t longest_life_ms(struct api_call *c)
{
    int64_t days;
    const struct json *keys = json_get(c->snapshot->settings, STR("ApiKeys"));
    return json_i64(json_get(keys, STR("MaxDays")), &days) ? days * DAY_MS : API_KEY_DAYS * DAY_MS;
}

static void read_expiry(struct api_call *c, struct decode *d, struct json *doc)
{
    int64_t now = clock_wall_ms(c->web->opt.clock), most = now + longest_life_ms(c), expires = decode_time_ms(d, "Expires", 0);
    if (!expires)
        decode_error(d, "Expires", "is needed: every key has its end, at the latest %.*s", STR_ARG(timetext(c->arena, most)));
    else if (expires <= now)
        decode_error(d, "Expires", "must be in the future");
    else if (expires > most)
        decode_error(d, "Expires", "must be %.*s at the latest", STR_ARG(timetext(c->arena, most)));
    else if (c->caller.kind == CALLER_API_KEY && expires > c->caller.expires_ms)
        decode_error(d, "Expires", "a key cannot make one that lives longer than itself (%.*s)", STR_ARG(timetext(c->arena, c->caller.expires_ms)));
    json_add_time(c->arena, doc, "Expires", expires);
}

// Whose key: one's own, or a service's, whose keys a user administrator makes because nobody can sign in as it.
static bool find_owner(struct api_call *c, str user, struct caller *owner)
{
    struct store_object *o = NULL;
    struct err e = { 0 };
    int64_t id = c->caller.user_id;
    *owner = c->caller;
    if (!user.n && !id) {
        api_fail(c, ERR_CONFLICT, "a key belongs to a user: sign in as one, or name a service as User");
        return false;
    }
    if (!user.n || (store_id_parse(user, KIND_USER, &id) && id == c->caller.user_id))
        return true;
    if (!may_manage_users(c)) {
        api_fail(c, ERR_DENIED, "User: a key of somebody else needs the permission %s", permission_name(USER_ADMIN));
        return false;
    }
    if (!store_get(c->web->opt.store, KIND_USER, 0, id, c->arena, &o, &e) || !o || !caller_of_user(c->web, id, c->arena, owner)) {
        api_fail(c, ERR_INVALID, "User: there is no enabled user \"%.*s\"", STR_ARG(user));
        return false;
    }
    if (!json_bool(json_get(object_doc(c, o), STR("IsService")), false)) {
        api_fail(c, ERR_CONFLICT, "User: %.*s is a person, who makes keys of their own", STR_ARG(owner->name));
        return false;
    }
    return true;
}

static void store_key(struct api_call *c, struct json *doc, int64_t owner_id)
{
    struct arena *a = c->arena;
    struct web *w = c->web;
    struct err e = { 0 };
    struct store_objects old;
    struct token token = token_new(TOKEN_MANAGEMENT, w->opt.keyring, w->opt.random, a);
    struct store_put put = { .object = { .kind = KIND_API_KEY, .parent_id = owner_id, .slug = token.public_id }, .expected_version = STORE_MUST_BE_NEW };
    if (!store_list(w->opt.store, KIND_API_KEY, 0, owner_id, (struct store_page){ .take = 1 }, a, &old, &e) || !store_reserve_id(w->opt.store, KIND_API_KEY, &put.object.id, &e)) {
        api_fail_with(c, &e);
        return;
    }
    if (old.total >= LIMIT_API_KEYS_PER_USER) {
        api_fail(c, ERR_CONFLICT, "there are %d keys of this user already: delete one first", LIMIT_API_KEYS_PER_USER);
        return;
    }
    json_add_str(a, doc, "Hash", hex_encode(a, (str){ (const char *)token.hash, sizeof token.hash }));
    put.object.doc = json_text(a, doc);
    struct json *particulars = json_new_object(a);
    json_add_str(a, particulars, "UserId", store_id_text(a, KIND_USER, owner_id));
    json_add(particulars, STR("Expires"), json_copy(a, json_get(doc, STR("Expires"))));
    if (!people_change(c, &put, 1, "apikey.create", store_id_text(a, KIND_API_KEY, put.object.id), particulars))
        return;
    c->answer = key_json(c, &put.object);
    json_add_str(a, c->answer, "Key", token.text);
    c->etag = 1;
    c->status = 201;
}

void api_keys_create(struct api_call *c)
{
    static const char *const set_by_server[] = { "Id", "UserId", "Created", "CreatedBy", "LastUsed", "LastUsedAddress", "UseCount", "Links" };
    struct decode d;
    struct caller owner;
    struct access_grant own;
    struct arena *a = c->arena;
    if (!api_body_required(c) || !decode_begin(&d, c->body, STR(""), &c->errors))
        return;
    for (size_t i = 0; i < COUNT(set_by_server); i++)
        decode_ignore(&d, set_by_server[i]);
    str label = decode_str(&d, "Label", STR("")), user = decode_str(&d, "User", STR(""));
    if (!own_limit(c, &own) || !find_owner(c, user, &owner))
        return;
    // A user administrator's own limit says nothing about what a service may.
    if (owner.user_id != c->caller.user_id)
        own = (struct access_grant){ .permissions = ACCESS_ALL_PERMISSIONS };
    struct json *doc = json_new_object(a);
    json_add_str(a, doc, "Label", label);
    json_add_time(a, doc, "Created", clock_wall_ms(c->web->opt.clock));
    json_add_str(a, doc, "CreatedBy", c->caller.name);
    read_expiry(c, &d, doc);
    read_limits(c, &d, doc, &owner, &own);
    if (label.n > 200)
        decode_error(&d, "Label", "must have at most 200 bytes");
    decode_done(&d);
    if (c->errors.count) {
        api_fail_errors(c, "the key was not created: see Errors");
        return;
    }
    pthread_mutex_lock(&c->web->change_lock);
    store_key(c, doc, owner.user_id);
    pthread_mutex_unlock(&c->web->change_lock);
}

void api_keys_delete(struct api_call *c)
{
    struct store_put put = { .expected_version = STORE_ANY_VERSION, .is_delete = true };
    struct store_object *o = find(c);
    if (!o)
        return;
    put.object = *o;
    if (people_change(c, &put, 1, "apikey.delete", store_id_text(c->arena, KIND_API_KEY, o->id), NULL))
        c->status = 204;
}
