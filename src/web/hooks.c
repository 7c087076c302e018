// /triggers/...: where senders post. Order of checks: route, method, key, declared size, body, signature, type,
// duplicate. Everything before a valid proof is one and the same 401; the 202 goes out after the sync.
#include "web/handle.h"

#include "base/encode.h"
#include "base/limits.h"
#include "http/address.h"
#include "reaction/payload.h"
#include "secret/token.h"

#include <sodium.h>

#define KEY_USE_SLOTS 256

// Uses of keys, counted here and stored every second: a commit of their own would cost each request.
struct key_uses {
    struct store_key_use items[KEY_USE_SLOTS];
    char addresses[KEY_USE_SLOTS][IP_TEXT_BYTES];
    size_t count;
};

// What the head stage leaves for the request stage.
struct hook {
    const struct snapshot *snapshot;
    const struct trigger_entry *trigger;
    const struct key_entry *key; // NULL: none was shown, or no good one
    struct route_values route;
    struct json *query;          // without the key
};

static const struct http_header no_store[] = { { STR_INIT("Content-Type"), STR_INIT("application/json; charset=utf-8") }, { STR_INIT("Cache-Control"), STR_INIT("no-store") } };

// Unknown trigger, wrong method, no key, wrong, expired, revoked, another trigger's: one and the same answer.
static void refuse(struct web *w, struct http_request *r)
{
    __atomic_add_fetch(&w->refused, 1, __ATOMIC_RELAXED);
    http_answer(r, 401, no_store, COUNT(no_store), STR("{\"ErrorMessage\":\"Unauthorized\",\"Errors\":[]}"));
}

static void let_go(struct web *w, struct http_request *r)
{
    struct hook *h = r->user;
    if (h)
        registry_give(w->opt.registry, h->snapshot);
    r->user = NULL;
}

static bool has_method(const struct trigger *t, str method)
{
    for (size_t i = 0; i < t->method_count; i++)
        if (str_eq(t->methods[i], method))
            return true;
    return false;
}

static bool accepts(void *owner, void *ctx)
{
    const struct trigger_entry *entry = owner;
    const struct http_request *r = ctx;
    return !entry->t->is_disabled && has_method(entry->t, r->method);
}

// In the query the key is called apikey, or access_token by CloudEvents (senders.md section 5).
static bool is_key_name(str name)
{
    return str_eq_nocase(name, STR("apikey")) || str_eq_nocase(name, STR("access_token"));
}

static str find_key_text(const struct trigger *t, const struct http_request *r, struct json *query)
{
    str text = http_header(r, STR("X-Octopus-ApiKey"));
    str authorization = http_header(r, STR("Authorization"));
    if (!text.n && str_starts_nocase(authorization, STR("Bearer ")))
        text = str_trim(str_skip(authorization, 7));
    // Removed from the query before anything sees it, whether it is good or not.
    for (struct json *q = query->first, *next; q; q = next) {
        next = q->next;
        if (!is_key_name(q->name))
            continue;
        if (!text.n && t->allow_key_in_query && json_is(q, JSON_STRING))
            text = q->text;
        json_drop(query, q->name);
    }
    return text;
}

static const struct key_entry *check_key(struct web *w, const struct hook *h, str text)
{
    str public_id;
    if (!token_read(TOKEN_TRIGGER, text, &public_id))
        return NULL;
    const struct key_entry *k = map_get(&h->snapshot->keys, public_id);
    if (!k || !token_matches(w->opt.keyring, text, k->hash) || k->trigger_id != h->trigger->t->id || k->is_revoked)
        return NULL;
    return !k->expires_ms || k->expires_ms > clock_wall_ms(w->opt.clock) ? k : NULL;
}

static bool is_from_source(const struct trigger *t, const struct http_request *r)
{
    struct ip ip;
    if (!t->source_count)
        return true;
    if (!ip_parse(r->remote.text, &ip))
        return false;
    for (size_t i = 0; i < t->source_count; i++) {
        struct net net;
        if (net_parse(t->sources[i], &net, NULL) && net_has(&net, &ip))
            return true;
    }
    return false;
}

bool hook_head(struct web *w, struct http_request *r, size_t *max_body_bytes)
{
    struct arena *a = r->arena;
    str path, below;
    void *owner = NULL;
    if (!__atomic_load_n(&w->is_ready, __ATOMIC_ACQUIRE)) {
        http_answer_error(r, 503, "the server is starting");
        return false;
    }
    if (!route_path(a, r->path, &path, NULL) || !route_path_under(path, STR("triggers"), &below)) {
        refuse(w, r);
        return false;
    }
    struct hook *h = ARENA_NEW(a, struct hook);
    h->snapshot = registry_take(w->opt.registry);
    r->user = h;
    if (route_table_match(h->snapshot->routes, below, accepts, r, a, &owner, &h->route) != ROUTE_FOUND) {
        let_go(w, r);
        refuse(w, r);
        return false;
    }
    h->trigger = owner;
    h->query = query_json(r->query, a);
    const struct trigger *t = h->trigger->t;
    str key_text = find_key_text(t, r, h->query);
    h->key = (t->schemes & SCHEME_API_KEY) ? check_key(w, h, key_text) : NULL;
    // A signature is over the body: only there is nothing to decide yet.
    bool may_sign = (t->schemes & SCHEME_SIGNATURE) && h->trigger->signature;
    bool is_hopeless = t->require_all ? (t->schemes & SCHEME_API_KEY) && !h->key : !h->key && !may_sign;
    if (is_hopeless || !is_from_source(t, r)) {
        let_go(w, r);
        refuse(w, r);
        return false;
    }
    *max_body_bytes = (size_t)t->max_body_bytes;
    if (r->has_length && r->declared_bytes > (uint64_t)t->max_body_bytes) {
        let_go(w, r);
        http_answer_error(r, 413, "the body has %" PRIu64 " bytes; this trigger takes at most %" PRId64, r->declared_bytes, t->max_body_bytes);
        return false;
    }
    return true;
}

// ---- the event ----

static void count_key_use(struct web *w, const struct key_entry *k, str address)
{
    struct key_uses *u = w->key_uses;
    size_t at = 0;
    while (at < u->count && u->items[at].key_id != k->id)
        at++;
    if (at == KEY_USE_SLOTS) {
        hook_flush_key_uses(w);
        at = 0;
    }
    if (at == u->count) {
        u->items[at] = (struct store_key_use){ .key_id = k->id };
        u->count++;
    }
    size_t n = MIN(address.n, sizeof u->addresses[at] - 1);
    memcpy(u->addresses[at], address.p, n);
    u->items[at].address = (str){ u->addresses[at], n };
    u->items[at].count++;
    u->items[at].last_used_ms = clock_wall_ms(w->opt.clock);
}

struct key_uses *hook_key_uses_new(void)
{
    return xcalloc(1, sizeof(struct key_uses));
}

void hook_flush_key_uses(struct web *w)
{
    store_key_used(w->opt.store, w->key_uses->items, w->key_uses->count);
    w->key_uses->count = 0;
}

static bool is_secret_header(str name)
{
    static const char *const names[] = { "X-Octopus-ApiKey", "Authorization", "Cookie", "Proxy-Authorization", "X-Gitlab-Token", "X-Buildkite-Token" };
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_eq_nocase(name, str_from(names[i])))
            return true;
    return false;
}

// The contract's Request object, without the body.
static str request_doc(const struct http_request *r, const struct hook *h, const unsigned char body_hash[32])
{
    struct arena *a = r->arena;
    struct json *j = json_new_object(a);
    json_add_str(a, j, "Method", r->method);
    json_add_str(a, j, "Path", r->path);
    json_add(j, STR("Query"), h->query);
    struct json *headers = json_add(j, STR("Headers"), json_new_object(a));
    for (size_t i = 0; i < r->header_count; i++)
        if (!is_secret_header(r->headers[i].name) && str_is_utf8(r->headers[i].value) && str_is_utf8(r->headers[i].name))
            json_put(headers, r->headers[i].name, json_new_string(a, r->headers[i].value));
    struct json *route = json_add(j, STR("Route"), json_new_object(a));
    for (size_t i = 0; i < h->route.count; i++)
        if (str_is_utf8(h->route.items[i].value))
            json_put(route, h->route.items[i].name, json_new_string(a, h->route.items[i].value));
    str type = http_header(r, STR("Content-Type"));
    json_add_str(a, j, "ContentType", str_is_utf8(type) ? type : (str){ 0 });
    json_add_str(a, j, "RemoteAddress", r->remote.text);
    json_add_str(a, j, "KeyId", h->key ? store_id_text(a, KIND_TRIGGER_KEY, h->key->id) : (str){ 0 });
    json_add_i64(a, j, "BodyBytes", (int64_t)r->body.n);
    json_add_str(a, j, "BodySha256", hex_encode(a, (str){ (const char *)body_hash, 32 }));
    return json_text(a, j);
}

// What the sender calls this delivery: its parts, each with its length, so that no two sets look alike.
static str delivery_id(const struct http_request *r, const struct trigger *t, const struct json *payload)
{
    struct arena *a = r->arena;
    str id = { "", 0 };
    for (size_t i = 0; i < t->delivery_part_count; i++) {
        const struct delivery_part *part = &t->delivery_parts[i];
        str text = { 0 };
        if (part->header.n) {
            text = http_header(r, part->header);
        } else {
            const struct json *value = json_pointer(payload, part->pointer);
            if (json_is(value, JSON_STRING) || json_is(value, JSON_NUMBER))
                text = value->text;
        }
        if (!text.p || !str_is_utf8(text))
            return (str){ "", 0 }; // a part is missing: not a name for this delivery
        id = t->delivery_part_count == 1 ? arena_str(a, text) : arena_printf(a, "%.*s%zu:%.*s", STR_ARG(id), text.n, STR_ARG(text));
    }
    return id;
}

struct waiting {
    struct web *web;
    struct http_request *request;
};

static void answer_accepted(struct http_request *r, const struct trigger *t, const struct accept_result *result)
{
    struct arena *a = r->arena;
    if (t->answer_body.p) {
        struct http_header headers[] = { { STR("Content-Type"), t->answer_content_type }, { STR("X-Content-Type-Options"), STR("nosniff") } };
        http_answer(r, t->answer_status, headers, COUNT(headers), t->answer_body);
        return;
    }
    str body = arena_printf(a, "{\"EventId\":\"Events-%" PRId64 "\",\"Duplicate\":%s,\"Links\":{\"Self\":\"/api/events/Events-%" PRId64 "\"}}", result->event_id,
        result->outcome == ACCEPT_DUPLICATE ? "true" : "false", result->event_id);
    http_answer(r, t->answer_status, no_store, COUNT(no_store), body);
}

static void answer_busy(struct http_request *r, const char *text)
{
    struct http_header headers[] = { no_store[0], no_store[1], { STR("Retry-After"), STR("1") } };
    http_answer(r, 503, headers, COUNT(headers), arena_printf(r->arena, "{\"ErrorMessage\":\"not accepted, nothing was stored: %s\",\"Errors\":[]}", text));
}

static void on_accepted(void *ctx, const struct accept_result *results, size_t count UNUSED, const struct err *e)
{
    struct waiting *waiting = ctx;
    struct web *w = waiting->web;
    struct http_request *r = waiting->request;
    struct hook *h = r->user;
    const struct trigger *t = h->trigger->t;
    const struct snapshot *snapshot = h->snapshot; // t lives in it until the answer is out
    switch (results[0].outcome) {
    case ACCEPT_NEW:
        __atomic_add_fetch(&w->accepted, 1, __ATOMIC_RELAXED);
        engine_wake(w->opt.engine);
        answer_accepted(r, t, &results[0]);
        break;
    case ACCEPT_DUPLICATE:
        __atomic_add_fetch(&w->duplicates, 1, __ATOMIC_RELAXED);
        answer_accepted(r, t, &results[0]);
        break;
    case ACCEPT_KEY_REUSED:
        http_answer_error(r, 422, "Idempotency-Key: this key came before with another body; a new delivery needs a new key");
        break;
    case ACCEPT_FAILED:
        answer_busy(r, e->kind == ERR_BUSY ? "the disk is full" : "the store did not take it");
        break;
    }
    registry_give(w->opt.registry, snapshot);
    free(waiting);
}

static void accept_event(struct web *w, struct http_request *r, struct hook *h)
{
    struct arena *a = r->arena;
    const struct trigger *t = h->trigger->t;
    struct err e = { 0 };
    struct store_accept item = { .idempotency_key = http_header(r, STR("Idempotency-Key")) };
    struct store_event *v = &item.event;
    crypto_hash_sha256(item.body_hash, (const unsigned char *)r->body.p, r->body.n);
    *v = (struct store_event){
        .space_id = t->space_id,
        .source = EVENT_EXTERNAL,
        .trigger_id = t->id,
        .type = t->slug,
        .occurred_ms = r->received_wall_ms,
        .received_ms = r->received_wall_ms,
        .request = request_doc(r, h, item.body_hash),
        .payload_kind = str_from(payload_kind(t->parse_as, http_header(r, STR("Content-Type")), r->body)),
        .body = r->body,
    };
    struct json *payload = t->delivery_part_count ? payload_json(v, a) : NULL;
    v->delivery_id = delivery_id(r, t, payload);
    struct waiting *waiting = xcalloc(1, sizeof *waiting);
    *waiting = (struct waiting){ w, r };
    if (store_accept(w->opt.store, w->opt.loop, &item, 1, NULL, on_accepted, waiting, &e))
        return;
    free(waiting);
    let_go(w, r);
    answer_busy(r, "too much waits to be stored");
}

void hook_handle(struct web *w, struct http_request *r)
{
    struct hook *h = r->user;
    struct err e = { 0 };
    const struct trigger *t = h->trigger->t;
    bool is_proven = h->key != NULL;
    if (!is_proven) {
        let_go(w, r);
        refuse(w, r);
        return;
    }
    if (h->key)
        count_key_use(w, h->key, r->remote.text);
    const char *kind = payload_kind(t->parse_as, http_header(r, STR("Content-Type")), r->body);
    if (!payload_check(kind, r->body, r->arena, &e)) {
        int status = e.kind == ERR_TOO_LARGE ? 413 : 400;
        let_go(w, r);
        http_answer_error(r, status, "%s", e.text);
        return;
    }
    if (http_header_count(r, STR("Idempotency-Key")) > 1 || http_header(r, STR("Idempotency-Key")).n > 255) {
        let_go(w, r);
        http_answer_error(r, 400, "Idempotency-Key: must be one header of at most 255 bytes");
        return;
    }
    accept_event(w, r, h);
}
