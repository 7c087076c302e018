// /octopus/<connection>/subscription: where an Octopus subscription posts. Whoever has the key may wake that connection's tail, which then
// reads the log itself; nothing that is posted is believed or kept. Answered at once, because Octopus waits and drops the rest of its
// batch on any failure. Everything without a good key is one and the same 401.
#include "web/handle.h"

#include "base/encode.h"
#include "base/limits.h"
#include "reaction/subscription.h"
#include "secret/token.h"

static const struct http_header json_headers[] = { { STR_INIT("Content-Type"), STR_INIT("application/json; charset=utf-8") }, { STR_INIT("Cache-Control"), STR_INIT("no-store") } };

struct push {
    int64_t connection_id;
};

static bool connection_of(struct http_request *r, str *out)
{
    str rest = str_skip(r->path, STR("/octopus/").n), name, last;
    if (r->path.n <= STR("/octopus/").n || !str_split(&rest, '/', &name) || !str_split(&rest, '/', &last) || rest.p)
        return false;
    return str_eq_nocase(last, STR("subscription")) && percent_decode(r->arena, name, false, out) && out->n;
}

// Names are unique within a space only: of several, the key says which is meant.
static int64_t find_connection(struct web *w, const struct snapshot *s, str name, str key)
{
    str public_id;
    int64_t id = 0, now = clock_wall_ms(w->opt.clock);
    bool is_id = store_id_parse(name, KIND_CONNECTION, &id);
    if (!token_read(TOKEN_PUSH, key, &public_id))
        return 0;
    for (size_t i = 0; i < s->connection_count; i++) {
        const struct connection_entry *c = &s->connections[i];
        if (is_id ? c->id != id : !str_eq_nocase(c->name, name))
            continue;
        for (size_t k = 0; k < c->push_key_count; k++) {
            const struct push_key *p = &c->push_keys[k];
            if (str_eq(p->public_id, public_id) && token_matches(w->opt.keyring, key, p->hash) && (!p->expires_ms || p->expires_ms > now))
                return c->id;
        }
    }
    return 0;
}

bool push_head(struct web *w, struct http_request *r, size_t *max_body_bytes)
{
    struct push *p = ARENA_NEW(r->arena, struct push);
    str name;
    if (!__atomic_load_n(&w->is_ready, __ATOMIC_ACQUIRE)) {
        http_answer_error(r, 503, "the server is starting");
        return false;
    }
    if (str_eq(r->method, STR("POST")) && connection_of(r, &name)) {
        const struct snapshot *s = registry_take(w->opt.registry);
        p->connection_id = find_connection(w, s, name, http_header(r, STR(SUBSCRIPTION_HEADER)));
        registry_give(w->opt.registry, s);
    }
    if (!p->connection_id) {
        __atomic_add_fetch(&w->refused, 1, __ATOMIC_RELAXED);
        http_answer(r, 401, json_headers, COUNT(json_headers), STR("{\"ErrorMessage\":\"Unauthorized\",\"Errors\":[]}"));
        return false;
    }
    *max_body_bytes = LIMIT_PUSH_BYTES;
    r->user = p;
    return true;
}

void push_handle(struct web *w, struct http_request *r)
{
    const struct push *p = r->user;
    struct json *body;
    struct err e = { 0 };
    if (!json_parse(r->arena, r->body, &body, &e) || !subscription_is_payload(body, &e)) {
        http_answer_error(r, 400, "%s", e.text);
        return;
    }
    engine_push(w->opt.engine, p->connection_id);
    http_answer(r, 202, json_headers, COUNT(json_headers), STR("{}"));
}
