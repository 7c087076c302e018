// Triggers and their keys.
#include "web/api_object.h"
#include "trigger/signature.h"
#include "web/handle.h"

#include "base/encode.h"
#include "base/limits.h"
#include "base/timetext.h"
#include "http/address.h"
#include "secret/token.h"
#include "web/places.h"
#include "web/refusals.h"

#define KEY_LIFE_MS (365 * 86400000LL)      // permissions.md rule 4: default 1 year
#define ROTATE_DEFAULT_SECONDS (7 * 86400LL) // the old key works on: 7 days, 0 to 30

// ---- triggers ----

// Two triggers that could match one path with equal precedence are refused; across spaces no owner is named.
static void check_route(struct api_call *c, const struct trigger *t, int64_t own_id)
{
    struct route *mine, *other;
    str example;
    if (!route_parse(c->arena, t->route, &mine, NULL))
        return;
    for (size_t i = 0; i < c->snapshot->trigger_count; i++) {
        const struct trigger *o = c->snapshot->triggers[i].t;
        if (o->id == own_id || !route_parse(c->arena, o->route, &other, NULL) || !route_conflict(mine, other, c->arena, &example))
            continue;
        bool is_same_space = o->space_id == api_space(c);
        api_fail(c, ERR_CONFLICT, "Route: \"%.*s\" and the route of %s%.*s could both match %s%.*s", STR_ARG(t->route), is_same_space ? "the trigger " : "another trigger",
            STR_ARG(is_same_space ? o->slug : STR("")), example.n ? "/triggers" : "one path", STR_ARG(example));
        return;
    }
}

static struct json *normalise_trigger(struct api_call *c, const struct json *sent, const struct store_object *old, str *slug)
{
    struct trigger *t = trigger_decode(c->arena, sent, &c->errors);
    if (!t)
        return json_new_object(c->arena);
    for (size_t i = 0; i < t->source_count; i++) {
        struct net net;
        struct err e = { 0 };
        if (!net_parse(t->sources[i], &net, &e) && c->errors.count < DECODE_ERRORS_MAX)
            c->errors.items[c->errors.count++] = arena_printf(c->arena, "Authentication.Sources[%zu]: %s", i, e.text);
    }
    check_route(c, t, old ? old->id : 0);
    *slug = t->slug;
    return trigger_to_json(t, c->arena);
}

static bool may_delete_trigger(struct api_call *c, const struct store_object *o)
{
    const struct trigger_entry *t = snapshot_trigger(c->snapshot, o->id);
    if (!t || !t->reaction_count)
        return true;
    api_fail(c, ERR_CONFLICT, "the reaction \"%.*s\" names this trigger: change or delete it first", STR_ARG(t->reactions[0]->def->name));
    return false;
}

static void decorate_trigger(struct api_call *c, const struct store_object *o, struct json *answer)
{
    const struct trigger_entry *t = snapshot_trigger(c->snapshot, o->id);
    int64_t visible = 0;
    for (size_t i = 0; t && i < t->reaction_count; i++)
        visible += place_sees_reaction(c, t->reactions[i]->id, t->reactions[i]->space_id);
    json_add_i64(c->arena, answer, "Reactions", visible);
    if (caller_may_at(&c->caller, TRIGGER_EDIT, &(struct access_place){ .space_id = o->space_id })) {
        struct refusal refused[REFUSALS_KEPT];
        int64_t total;
        size_t count = refusals_list(c->web->refusals, o->id, refused, &total);
        struct json *state = json_add(answer, STR("State"), json_new_object(c->arena));
        json_add_i64(c->arena, state, "RefusedCount", total);
        struct json *list = json_add(state, STR("Refused"), json_new_array(c->arena));
        for (size_t i = 0; i < count; i++) {
            struct json *j = json_push(list, json_new_object(c->arena));
            json_add_time(c->arena, j, "Time", refused[i].at_ms);
            json_add_str(c->arena, j, "RemoteAddress", arena_str(c->arena, str_from(refused[i].address)));
            json_add_str(c->arena, j, "Reason", arena_str(c->arena, str_from(refused[i].reason)));
            json_add_str(c->arena, j, "Detail", arena_str(c->arena, str_from(refused[i].detail)));
        }
    }
    // In the order of Authentication.Signature.Secrets: which of them may go.
    struct json *secrets = t && t->signature ? json_add(answer, STR("SignatureSecrets"), json_new_array(c->arena)) : NULL;
    for (size_t i = 0; secrets && i < signature_secret_count(t->signature); i++) {
        struct store_key_use use;
        struct err e = { 0 };
        struct json *j = json_push(secrets, json_new_object(c->arena));
        if (!store_key_use_get(c->web->opt.store, hook_secret_use_id(c->web, o->id, signature_secret(t->signature, i)), c->arena, &use, &e))
            use = (struct store_key_use){ 0 };
        json_add_time(c->arena, j, "LastUsed", use.last_used_ms);
        json_add_str(c->arena, j, "LastUsedAddress", use.address.n ? use.address : (str){ 0 });
        json_add_i64(c->arena, j, "UseCount", use.count);
    }
}

static const struct object_api triggers = { KIND_TRIGGER, "triggers", "Trigger", "trigger", false, normalise_trigger, decorate_trigger, may_delete_trigger };

void triggers_list(struct api_call *c) { object_list(c, &triggers, 0); }
void triggers_create(struct api_call *c) { object_create(c, &triggers); }
void triggers_get(struct api_call *c) { object_get(c, &triggers); }
void triggers_update(struct api_call *c) { object_update(c, &triggers); }

void triggers_delete(struct api_call *c)
{
    // Its keys open nothing any more: they look up no trigger.
    object_delete(c, &triggers);
}

// ---- keys ----

static struct json *key_json(struct api_call *c, const struct store_object *o)
{
    struct arena *a = c->arena;
    struct json *doc = object_doc(c, o), *j = json_new_object(a);
    struct store_key_use use;
    struct err e = { 0 };
    if (!store_key_use_get(c->web->opt.store, o->id, a, &use, &e))
        use = (struct store_key_use){ 0 };
    str id = store_id_text(a, KIND_TRIGGER_KEY, o->id), trigger = store_id_text(a, KIND_TRIGGER, o->parent_id);
    json_add_str(a, j, "Id", id);
    json_add_str(a, j, "TriggerId", trigger);
    static const char *const shown[] = { "Label", "Created", "CreatedBy", "Expires" };
    for (size_t i = 0; i < COUNT(shown); i++) {
        struct json *member = json_get(doc, str_from(shown[i]));
        json_add(j, str_from(shown[i]), member ? json_copy(a, member) : json_new_null(a));
    }
    json_add_time(a, j, "LastUsed", use.last_used_ms);
    json_add_str(a, j, "LastUsedAddress", use.address.n ? use.address : (str){ 0 });
    json_add_i64(a, j, "UseCount", use.count);
    json_add_bool(a, j, "IsRevoked", json_bool(json_get(doc, STR("IsRevoked")), false));
    struct json *links = json_add(j, STR("Links"), json_new_object(a));
    json_add_str(a, links, "Self", arena_printf(a, "/api/triggers/%.*s/keys/%.*s", STR_ARG(trigger), STR_ARG(id)));
    return j;
}

static bool is_active(struct api_call *c, const struct store_object *o)
{
    struct json *doc = object_doc(c, o);
    int64_t expires = 0;
    const struct json *text = json_get(doc, STR("Expires"));
    if (json_is(text, JSON_STRING) && (!timetext_parse(text->text, &expires) || expires <= clock_wall_ms(c->web->opt.clock)))
        return false;
    return !json_bool(json_get(doc, STR("IsRevoked")), false);
}

static bool count_active(struct api_call *c, int64_t trigger_id, size_t *active)
{
    struct store_objects keys;
    struct err e = { 0 };
    *active = 0;
    if (!store_list(c->web->opt.store, KIND_TRIGGER_KEY, 0, trigger_id, (struct store_page){ .take = 1000 }, c->arena, &keys, &e)) {
        api_fail_with(c, &e);
        return false;
    }
    for (size_t i = 0; i < keys.count; i++)
        *active += is_active(c, &keys.items[i]);
    return true;
}

static struct store_object *find_key(struct api_call *c, struct store_object **trigger)
{
    *trigger = object_find(c, KIND_TRIGGER, c->params[0]);
    if (!*trigger)
        return NULL;
    struct store_object *key = object_find(c, KIND_TRIGGER_KEY, c->params[1]);
    if (key && key->parent_id != (*trigger)->id) {
        api_not_found(c);
        return NULL;
    }
    return key;
}

void keys_list(struct api_call *c)
{
    struct store_object *trigger = object_find(c, KIND_TRIGGER, c->params[0]);
    struct store_page page = { 0 };
    struct store_objects keys;
    struct err e = { 0 };
    if (!trigger || !api_page(c, &page))
        return;
    if (!store_list(c->web->opt.store, KIND_TRIGGER_KEY, 0, trigger->id, page, c->arena, &keys, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct api_list list;
    api_list_begin(c, &list, "TriggerKey", keys.total, &page);
    for (size_t i = 0; i < keys.count && api_list_has_room(&list); i++)
        api_list_add(&list, key_json(c, &keys.items[i]), keys.items[i].id);
    api_list_end(&list, keys.has_more, keys.count);
}

void keys_get(struct api_call *c)
{
    struct store_object *trigger, *key = find_key(c, &trigger);
    if (!key)
        return;
    c->answer = key_json(c, key);
    c->etag = key->version;
}

// The new key, its record and, in the same commit, what changes of an old one.
static void create_key(struct api_call *c, const struct store_object *trigger, str label, int64_t expires_ms, const struct store_put *also, const char *action)
{
    struct arena *a = c->arena;
    struct web *w = c->web;
    struct err e = { 0 };
    struct token token = token_new(TOKEN_TRIGGER, w->opt.keyring, w->opt.random, a);
    struct store_put puts[2] = { { .object = { .kind = KIND_TRIGGER_KEY, .space_id = trigger->space_id, .parent_id = trigger->id }, .expected_version = STORE_MUST_BE_NEW } };
    if (!store_reserve_id(w->opt.store, KIND_TRIGGER_KEY, &puts[0].object.id, &e)) {
        api_fail_with(c, &e);
        return;
    }
    struct json *doc = json_new_object(a);
    json_add_str(a, doc, "Label", label);
    json_add_time(a, doc, "Created", clock_wall_ms(w->opt.clock));
    json_add_str(a, doc, "CreatedBy", c->caller.name);
    json_add_time(a, doc, "Expires", expires_ms);
    json_add_bool(a, doc, "IsRevoked", false);
    json_add_str(a, doc, "PublicId", token.public_id);
    json_add_str(a, doc, "Hash", hex_encode(a, (str){ (const char *)token.hash, sizeof token.hash }));
    puts[0].object.doc = json_text(a, doc);
    if (also)
        puts[1] = *also;
    if (!api_change(c, puts, also ? 2 : 1, action, store_id_text(a, KIND_TRIGGER_KEY, puts[0].object.id), trigger->space_id, NULL))
        return;
    c->answer = key_json(c, &puts[0].object);
    json_add_str(a, c->answer, "Key", token.text);
    c->etag = 1;
    c->status = 201;
}

void keys_create(struct api_call *c)
{
    struct decode d;
    size_t active;
    struct store_object *trigger = object_find(c, KIND_TRIGGER, c->params[0]);
    if (!trigger)
        return;
    struct json *sent = c->body ? c->body : json_new_object(c->arena);
    int64_t now = clock_wall_ms(c->web->opt.clock);
    if (!decode_begin(&d, sent, STR(""), &c->errors)) {
        api_fail_errors(c, "the key was not created: see Errors");
        return;
    }
    str label = decode_str(&d, "Label", STR(""));
    // null: never. Absent: a year.
    bool never = json_is(json_get(sent, STR("Expires")), JSON_NULL);
    int64_t expires = decode_time_ms(&d, "Expires", never ? 0 : now + KEY_LIFE_MS);
    static const char *const set_by_server[] = { "Id", "TriggerId", "Created", "CreatedBy", "LastUsed", "LastUsedAddress", "UseCount", "IsRevoked", "Links" };
    for (size_t i = 0; i < COUNT(set_by_server); i++)
        decode_ignore(&d, set_by_server[i]);
    if (label.n > 200)
        decode_error(&d, "Label", "must have at most 200 bytes");
    if (!never && expires <= now)
        decode_error(&d, "Expires", "must be in the future");
    decode_done(&d);
    if (c->errors.count) {
        api_fail_errors(c, "the key was not created: see Errors");
        return;
    }
    pthread_mutex_lock(&c->web->change_lock);
    if (count_active(c, trigger->id, &active)) {
        if (active >= LIMIT_KEYS_PER_TRIGGER)
            api_fail(c, ERR_CONFLICT, "the trigger has %zu active keys, the most there may be: revoke one first", active);
        else
            create_key(c, trigger, label, expires, NULL, "key.create");
    }
    pthread_mutex_unlock(&c->web->change_lock);
}

static struct store_put key_change(struct api_call *c, const struct store_object *key, const char *member, struct json *value)
{
    struct json *doc = object_doc(c, key);
    json_put(doc, str_from(member), value);
    struct store_put put = { .object = *key, .expected_version = key->version };
    put.object.doc = json_text(c->arena, doc);
    return put;
}

void keys_revoke(struct api_call *c)
{
    struct store_object *trigger, *key = find_key(c, &trigger);
    if (!key)
        return;
    struct store_put put = key_change(c, key, "IsRevoked", json_new_bool(c->arena, true));
    if (api_change(c, &put, 1, "key.revoke", store_id_text(c->arena, KIND_TRIGGER_KEY, key->id), key->space_id, NULL))
        c->answer = key_json(c, &put.object);
}

// A second key, and an end for the first one, so that the sender can be moved meanwhile.
void keys_rotate(struct api_call *c)
{
    struct store_object *trigger, *key = find_key(c, &trigger);
    struct decode d;
    size_t active;
    if (!key)
        return;
    int64_t overlap = ROTATE_DEFAULT_SECONDS, now = clock_wall_ms(c->web->opt.clock);
    if (c->body) {
        if (decode_begin(&d, c->body, STR(""), &c->errors)) {
            overlap = decode_i64(&d, "OverlapSeconds", ROTATE_DEFAULT_SECONDS, 0, 30 * 86400);
            decode_done(&d);
        }
        if (c->errors.count) {
            api_fail_errors(c, "the key was not rotated: see Errors");
            return;
        }
    }
    if (!is_active(c, key)) {
        api_fail(c, ERR_CONFLICT, "the key is revoked or expired: create a new one instead");
        return;
    }
    pthread_mutex_lock(&c->web->change_lock);
    if (count_active(c, trigger->id, &active)) {
        struct json *label = json_get(object_doc(c, key), STR("Label"));
        struct store_put old = key_change(c, key, "Expires", json_new_string(c->arena, timetext(c->arena, now + overlap * 1000)));
        if (active >= LIMIT_KEYS_PER_TRIGGER && overlap)
            api_fail(c, ERR_CONFLICT, "the trigger has %zu active keys, the most there may be: revoke one first", active);
        else
            create_key(c, trigger, json_str(label, STR("")), now + KEY_LIFE_MS, &old, "key.rotate");
    }
    pthread_mutex_unlock(&c->web->change_lock);
}
