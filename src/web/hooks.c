// /triggers/...: where senders post. Order of checks: route, method, key, declared size, body, signature, type,
// duplicate. Everything before a valid proof is one and the same 401; the 202 goes out after the sync.
#include "web/hook.h"

#include "base/limits.h"
#include "reaction/payload.h"
#include "web/refusals.h"

static const struct http_header json_headers[] = { { STR_INIT("Content-Type"), STR_INIT("application/json; charset=utf-8") }, { STR_INIT("Cache-Control"), STR_INIT("no-store") } };

// Unknown trigger, wrong method, no key, wrong, expired, revoked, another trigger's: one and the same answer.
static void answer_401(struct web *w, struct http_request *r)
{
    __atomic_add_fetch(&w->refused, 1, __ATOMIC_RELAXED);
    http_answer(r, 401, json_headers, COUNT(json_headers), STR("{\"ErrorMessage\":\"Unauthorized\",\"Errors\":[]}"));
}

void hook_end(struct hook *h)
{
    registry_give(h->web->opt.registry, h->snapshot);
    h->snapshot = NULL;
}

void hook_refuse(struct hook *h, const char *reason, str detail)
{
    if (h->trigger)
        refusals_note(h->web->refusals, h->trigger->t->id, clock_wall_ms(h->web->opt.clock), h->request->remote.text, str_from(reason), detail);
    hook_end(h);
    answer_401(h->web, h->request);
}

void hook_busy(struct hook *h, const char *text)
{
    struct http_request *r = h->request;
    struct http_header headers[] = { json_headers[0], json_headers[1], { STR("Retry-After"), STR("1") } };
    str body = arena_printf(r->arena, "{\"ErrorMessage\":\"not accepted, nothing was stored: %s\",\"Errors\":[]}", text);
    hook_end(h);
    http_answer(r, 503, headers, COUNT(headers), body);
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
    bool takes_method = has_method(entry->t, r->method) || (entry->handshake && handshake_takes_method(entry->handshake, r->method));
    return !entry->t->is_disabled && takes_method;
}

static bool find_trigger(struct hook *h)
{
    struct http_request *r = h->request;
    str path, below;
    void *owner = NULL;
    if (!route_path(r->arena, r->path, &path, NULL) || !route_path_under(path, STR("triggers"), &below))
        return false;
    if (route_table_match(h->snapshot->routes, below, accepts, r, r->arena, &owner, &h->route) != ROUTE_FOUND)
        return false;
    h->trigger = owner;
    return true;
}

// Nothing the body holds could still prove this request.
static bool is_hopeless(const struct hook *h)
{
    const struct trigger *t = h->trigger->t;
    bool may_sign = (t->schemes & SCHEME_SIGNATURE) && h->trigger->signature;
    if (h->trigger->handshake)
        return false; // it may bring a proof of its own
    if (t->require_all)
        return ((t->schemes & SCHEME_API_KEY) && !h->key) || ((t->schemes & SCHEME_SIGNATURE) && !may_sign);
    return !h->key && !may_sign;
}

bool hook_head(struct web *w, struct http_request *r, size_t *max_body_bytes)
{
    int retry_after_s;
    if (!__atomic_load_n(&w->is_ready, __ATOMIC_ACQUIRE)) {
        http_answer_error(r, 503, "the server is starting");
        return false;
    }
    struct hook *h = ARENA_NEW(r->arena, struct hook);
    *h = (struct hook){ .web = w, .request = r, .snapshot = registry_take(w->opt.registry) };
    r->user = h;
    if (!find_trigger(h)) {
        hook_refuse(h, "trigger", STR(""));
        return false;
    }
    const struct trigger *t = h->trigger->t;
    h->query = query_json(r->query, r->arena);
    h->key = hook_find_key(h);
    if (is_hopeless(h)) {
        hook_refuse(h, h->refusal ? h->refusal : "key", h->refusal_detail);
        return false;
    }
    if (!hook_is_from_source(h)) {
        hook_refuse(h, "source", STR("the address is in none of the trigger's Sources"));
        return false;
    }
    if (!hook_has_room(h, &retry_after_s)) {
        struct http_header headers[] = { json_headers[0], json_headers[1], { STR("Retry-After"), arena_printf(r->arena, "%d", retry_after_s) } };
        hook_end(h);
        http_answer(r, 429, headers, COUNT(headers), STR("{\"ErrorMessage\":\"too many requests for this trigger with this key from this address: try again later\",\"Errors\":[]}"));
        return false;
    }
    *max_body_bytes = (size_t)t->max_body_bytes;
    if (r->has_length && r->declared_bytes > (uint64_t)t->max_body_bytes) {
        int64_t most = t->max_body_bytes;
        hook_end(h);
        http_answer_error(r, 413, "the body has %" PRIu64 " bytes; this trigger takes at most %" PRId64, r->declared_bytes, most);
        return false;
    }
    return true;
}

static void note_handshake(struct hook *h, const struct handshake_reply *reply)
{
    struct web *w = h->web;
    struct arena *a = h->request->arena;
    struct json *doc = json_new_object(a);
    json_add_str(a, doc, "RemoteAddress", h->request->remote.text);
    json_add_str(a, doc, "Detail", reply->detail.n && str_is_utf8(reply->detail) ? reply->detail : (str){ 0 });
    store_audit(w->opt.store, &(struct store_audit){ h->trigger->t->space_id, STR("sender"), STR("trigger.handshake"), store_id_text(a, KIND_TRIGGER, h->trigger->t->id), json_text(a, doc) });
    __atomic_add_fetch(&w->handshakes, 1, __ATOMIC_RELAXED);
    hook_count_use(h);
    if (reply->confirm_url.n)
        hook_confirm(h, reply->confirm_url);
}

// True when it was a handshake, which is then answered and makes no event.
static bool answer_handshake(struct hook *h, bool is_proven)
{
    struct http_request *r = h->request;
    struct handshake_reply reply;
    struct handshake_context context = { .is_proven = is_proven, .by_signature = h->is_signed, .rate_per_minute = h->trigger->t->rate_per_second * 60, .signature = h->trigger->signature };
    if (!h->trigger->handshake)
        return false;
    switch (handshake_judge(h->trigger->handshake, &h->in, &context, r->arena, &reply)) {
    case HANDSHAKE_NO: return false;
    case HANDSHAKE_REFUSED: hook_refuse(h, "handshake", reply.detail); return true;
    case HANDSHAKE_REPLY: break;
    }
    struct http_header *headers = ARENA_ARRAY(r->arena, struct http_header, reply.header_count + 2);
    size_t count = 0;
    for (; count < reply.header_count; count++)
        headers[count] = (struct http_header){ reply.headers[count].name, reply.headers[count].value };
    if (reply.content_type.n)
        headers[count++] = (struct http_header){ STR("Content-Type"), reply.content_type };
    headers[count++] = (struct http_header){ STR("X-Content-Type-Options"), STR("nosniff") };
    note_handshake(h, &reply);
    hook_end(h);
    http_answer(r, reply.status, headers, count, reply.body);
    return true;
}

void hook_judged(struct hook *h)
{
    struct http_request *r = h->request;
    enum hook_proof proof = hook_prove(h);
    if (proof == HOOK_FETCHING)
        return;
    if (answer_handshake(h, proof == HOOK_PROVEN))
        return;
    if (proof == HOOK_REFUSED) {
        hook_refuse(h, h->refusal ? h->refusal : "key", h->refusal_detail);
        return;
    }
    if (!has_method(h->trigger->t, r->method)) {
        hook_refuse(h, "method", STR("only handshakes come by this method"));
        return;
    }
    hook_count_use(h);
    if (http_header_count(r, STR("Idempotency-Key")) > 1 || http_header(r, STR("Idempotency-Key")).n > 255) {
        hook_end(h);
        http_answer_error(r, 400, "Idempotency-Key: must be one header of at most 255 bytes");
        return;
    }
    hook_accept(h);
}

void hook_handle(struct web *w UNUSED, struct http_request *r)
{
    struct hook *h = r->user;
    if (hook_read_incoming(h))
        hook_judged(h);
}
