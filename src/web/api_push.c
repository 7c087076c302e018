// A connection's push: the key an Octopus subscription shows us, and the subscription itself, which the server can make, change
// and remove in Octopus.
#include "web/api_object.h"

#include "base/encode.h"
#include "base/timetext.h"
#include "http/egress.h"
#include "reaction/subscription.h"
#include "reaction/tail.h"
#include "secret/token.h"

// How long the key before still wakes: Octopus may be in the middle of a batch, or the new one is being copied by hand.
#define OLD_KEY_MS 600000

static str now_text(struct api_call *c, int64_t more_ms)
{
    return timetext(c->arena, clock_wall_ms(c->web->opt.clock) + more_ms);
}

static struct json *push_of(struct api_call *c, struct json *doc)
{
    struct json *push = json_get(doc, STR("Push"));
    return json_is(push, JSON_OBJECT) ? push : json_put(doc, STR("Push"), json_new_object(c->arena));
}

// The new key in front, the one before behind it with an end. Only its keyed hash is kept.
static str add_key(struct api_call *c, struct json *push)
{
    struct arena *a = c->arena;
    struct token token = token_new(TOKEN_PUSH, c->web->opt.keyring, c->web->opt.random, a);
    struct json *keys = json_new_array(a), *key = json_push(keys, json_new_object(a)), *before = json_at(json_get(push, STR("Keys")), 0);
    json_add_str(a, key, "PublicId", token.public_id);
    json_add_str(a, key, "Hash", hex_encode(a, (str){ (const char *)token.hash, sizeof token.hash }));
    json_add_str(a, key, "Created", now_text(c, 0));
    json_add_str(a, key, "CreatedBy", c->caller.name);
    json_add_null(a, key, "Expires");
    if (before) {
        struct json *old = json_push(keys, json_copy(a, before));
        json_put(old, STR("Expires"), json_new_string(a, now_text(c, OLD_KEY_MS)));
    }
    json_put(push, STR("Keys"), keys);
    return token.text;
}

static bool save(struct api_call *c, struct store_object *o, const struct json *doc, const char *action)
{
    struct store_put put = { .object = *o, .expected_version = o->version };
    put.object.doc = json_text(c->arena, doc);
    return api_change(c, &put, 1, action, store_id_text(c->arena, KIND_CONNECTION, o->id), o->space_id, NULL);
}

// Nobody waits for Octopus with the lock of all changes in hand: what is stored is read anew afterwards.
static bool change_push(struct api_call *c, void (*change)(struct api_call *c, struct json *doc, void *ctx), void *ctx, const char *action)
{
    pthread_mutex_lock(&c->web->change_lock);
    struct store_object *o = object_find(c, KIND_CONNECTION, c->params[0]);
    struct json *doc = o ? object_doc(c, o) : NULL;
    if (o)
        change(c, doc, ctx);
    bool is_saved = o && save(c, o, doc, action);
    pthread_mutex_unlock(&c->web->change_lock);
    return is_saved;
}

static void set_key(struct api_call *c, struct json *doc, void *ctx)
{
    *(str *)ctx = add_key(c, push_of(c, doc));
}

static void set_subscription(struct api_call *c, struct json *doc, void *ctx)
{
    json_put(push_of(c, doc), STR("SubscriptionId"), json_new_string(c->arena, *(str *)ctx));
}

static void drop_keys(struct api_call *c, struct json *doc, void *ctx UNUSED)
{
    json_drop(push_of(c, doc), STR("Keys"));
}

static void drop_push(struct api_call *c UNUSED, struct json *doc, void *ctx UNUSED)
{
    json_drop(doc, STR("Push"));
}

void push_key_create(struct api_call *c)
{
    struct arena *a = c->arena;
    str key;
    struct store_object *o = object_find(c, KIND_CONNECTION, c->params[0]);
    if (!o || !change_push(c, set_key, &key, "connection.push-key"))
        return;
    c->answer = json_new_object(a);
    json_add_str(a, c->answer, "ConnectionId", store_id_text(a, KIND_CONNECTION, o->id));
    json_add_str(a, c->answer, "Header", STR(SUBSCRIPTION_HEADER));
    json_add_str(a, c->answer, "Path", arena_printf(a, "/octopus/%.*s/subscription", STR_ARG(store_id_text(a, KIND_CONNECTION, o->id))));
    json_add_str(a, c->answer, "Key", key);
    c->status = 201;
}

void push_key_delete(struct api_call *c)
{
    if (change_push(c, drop_keys, NULL, "connection.push-key-delete"))
        c->status = 204;
}

void push_decorate(struct api_call *c, const struct json *doc, const struct tail_status *tail, struct json *answer)
{
    struct arena *a = c->arena;
    const struct json *push = json_get(doc, STR("Push")), *key = json_at(json_get(push, STR("Keys")), 0);
    struct json *out = json_new_object(a);
    json_add_bool(a, out, "HasKey", key != NULL);
    json_add_str(a, out, "KeyCreated", json_str(json_get(key, STR("Created")), (str){ 0 }));
    json_add_str(a, out, "SubscriptionId", json_str(json_get(push, STR("SubscriptionId")), (str){ 0 }));
    json_add_i64(a, out, "Received", tail->pushes);
    json_add_time(a, out, "LastReceived", tail->pushed_ms);
    json_put(answer, STR("Push"), out);
}

// ---- the subscription in Octopus ----

// The key that acts there: a named identity's, or the reader's.
static bool acting_key(struct api_call *c, const struct store_object *o, const struct json *doc, str identity, str *key)
{
    struct err e = { 0 };
    bool ok;
    if (identity.n) {
        const struct identity_entry *i = snapshot_find_identity(c->snapshot, o->space_id, identity);
        if (!i) {
            api_fail(c, ERR_INVALID, "Identity: there is no identity \"%.*s\" in this space", STR_ARG(identity));
            return false;
        }
        ok = (url_is_same_server(c->arena, json_str(json_get(i->doc, STR("KeyFor")), json_str(json_get(doc, STR("Url")), STR(""))), json_str(json_get(doc, STR("Url")), STR(""))) || err_set(&e, ERR_CONFLICT, "the connection names another server since the identity's key was set: set that again"))
            && sealed_open_value(KIND_IDENTITY, i->id, "ApiKey", json_get(i->doc, STR("ApiKey")), c->web->opt.keyring, c->arena, key, &e);
    } else {
        ok = sealed_open_value(KIND_CONNECTION, o->id, "ReaderKey", json_get(doc, STR("ReaderKey")), c->web->opt.keyring, c->arena, key, &e);
    }
    if (!ok)
        api_fail_with(c, &e);
    else if (!key->n)
        api_fail(c, ERR_CONFLICT, "%s", identity.n ? "the identity has no ApiKey" : "the connection has no ReaderKey: give it one, or name an Identity");
    return ok && key->n;
}

static bool begin_request(struct api_call *c, const struct store_object *o, const struct json *doc, str identity, enum subscription_act act, struct subscription_request *out)
{
    struct tail_status tail;
    struct arena *a = c->arena;
    const struct connection_entry *entry = snapshot_connection(c->snapshot, o->id);
    if (!entry || !engine_tail_status(c->web->opt.engine, o->id, &tail) || !tail.octopus_space_id[0]) {
        api_fail(c, ERR_BUSY, "Octopus has not been reached yet%s%s: try again when State.LastError is null", entry && tail.last_error[0] ? ": " : "", entry ? tail.last_error : "");
        return false;
    }
    *out = (struct subscription_request){
        .act = act,
        .url = entry->url,
        .ca_pem = json_str(json_get(json_get(entry->doc, STR("Tls")), STR("Ca")), STR("")),
        .octopus_space_id = arena_str(a, str_from(tail.octopus_space_id)),
        .id = json_str(json_get(json_get(doc, STR("Push")), STR("SubscriptionId")), STR("")),
        .name = arena_printf(a, "Octopus Reactions: %.*s", STR_ARG(entry->name)),
    };
    return acting_key(c, o, doc, identity, &out->api_key);
}

static void answer_subscription(struct api_call *c, const struct subscription_answer *got)
{
    struct arena *a = c->arena;
    const struct json *s = got->subscription, *n = json_get(s, STR("EventNotificationSubscription"));
    if (!s) {
        api_fail(c, ERR_NOT_FOUND, "Octopus has no subscription of ours for this connection");
        return;
    }
    struct json *j = c->answer = json_new_object(a);
    static const char *const from_subscription[] = { "Id", "Name", "IsDisabled", "SpaceId" }, *const from_notification[] = { "WebhookURI", "WebhookHeaderKey", "WebhookTimeout", "WebhookLastProcessed" };
    for (size_t i = 0; i < COUNT(from_subscription); i++)
        json_add(j, str_from(from_subscription[i]), json_get(s, str_from(from_subscription[i])) ? json_copy(a, json_get(s, str_from(from_subscription[i]))) : json_new_null(a));
    for (size_t i = 0; i < COUNT(from_notification); i++)
        json_add(j, str_from(from_notification[i]), json_get(n, str_from(from_notification[i])) ? json_copy(a, json_get(n, str_from(from_notification[i]))) : json_new_null(a));
    const struct json *categories = json_get(json_get(n, STR("Filter")), STR("EventCategories"));
    json_add(j, STR("EventCategories"), categories ? json_copy(a, categories) : json_new_array(a));
    c->status = got->is_new ? 201 : 200;
}

void subscription_get(struct api_call *c)
{
    struct subscription_request r;
    struct subscription_answer got;
    struct err e = { 0 };
    struct store_object *o = object_find(c, KIND_CONNECTION, c->params[0]);
    if (!o || !begin_request(c, o, object_doc(c, o), api_query(c, "identity"), SUBSCRIPTION_SHOW, &r))
        return;
    if (!engine_subscription(c->web->opt.engine, &r, c->arena, &got, &e))
        api_fail_with(c, &e);
    else
        answer_subscription(c, &got);
}

struct wanted {
    str url, identity;
    struct json *categories;
};

static bool read_wanted(struct api_call *c, struct wanted *out)
{
    struct decode d;
    struct url url;
    struct err e = { 0 };
    size_t count;
    if (!decode_begin(&d, c->body ? c->body : json_new_object(c->arena), STR(""), &c->errors))
        return false;
    static const char *const set_by_server[] = { "Id", "Name", "IsDisabled", "SpaceId", "WebhookURI", "WebhookHeaderKey", "WebhookTimeout", "WebhookLastProcessed" };
    for (size_t i = 0; i < COUNT(set_by_server); i++)
        decode_ignore(&d, set_by_server[i]);
    str own = c->web->opt.server_uri ? str_from(c->web->opt.server_uri) : STR("");
    out->url = decode_str(&d, "Url", own);
    out->identity = decode_str(&d, "Identity", STR(""));
    str *categories = decode_str_list(&d, "EventCategories", &count);
    out->categories = json_new_array(c->arena);
    for (size_t i = 0; i < count; i++)
        json_push(out->categories, json_new_string(c->arena, categories[i]));
    if (!out->url.n)
        decode_error(&d, "Url", "is needed: the address by which Octopus reaches this server, such as https://reactions.example.com (or set ServerUri)");
    else if (!url_parse(c->arena, out->url, &url, &e))
        decode_error(&d, "Url", "%s", e.text);
    decode_done(&d);
    while (out->url.n && out->url.p[out->url.n - 1] == '/')
        out->url.n--;
    if (c->errors.count)
        api_fail_errors(c, "the subscription was not set: see Errors");
    return !c->errors.count;
}

// The new key is stored first: should Octopus answer late, it already wakes us. The one before works on for a while.
void subscription_put(struct api_call *c)
{
    struct wanted wanted = { 0 };
    struct subscription_request r;
    struct subscription_answer got;
    struct err e = { 0 };
    struct store_object *o = object_find(c, KIND_CONNECTION, c->params[0]);
    if (!o || !read_wanted(c, &wanted) || !begin_request(c, o, object_doc(c, o), wanted.identity, SUBSCRIPTION_PUT, &r))
        return;
    if (!change_push(c, set_key, &r.header_value, "connection.push-key"))
        return;
    r.webhook_uri = arena_printf(c->arena, "%.*s/octopus/%.*s/subscription", STR_ARG(wanted.url), STR_ARG(store_id_text(c->arena, KIND_CONNECTION, o->id)));
    r.categories = wanted.categories;
    if (!engine_subscription(c->web->opt.engine, &r, c->arena, &got, &e)) {
        api_fail_with(c, &e);
        return;
    }
    str id = json_str(json_get(got.subscription, STR("Id")), STR(""));
    if (change_push(c, set_subscription, &id, "connection.subscribe"))
        answer_subscription(c, &got);
}

void subscription_delete(struct api_call *c)
{
    struct subscription_request r;
    struct subscription_answer got;
    struct err e = { 0 };
    struct store_object *o = object_find(c, KIND_CONNECTION, c->params[0]);
    if (!o || !begin_request(c, o, object_doc(c, o), api_query(c, "identity"), SUBSCRIPTION_REMOVE, &r))
        return;
    if (!engine_subscription(c->web->opt.engine, &r, c->arena, &got, &e))
        api_fail_with(c, &e);
    else if (change_push(c, drop_push, NULL, "connection.unsubscribe"))
        c->status = 204;
}
