// What becomes of a proven request's body: one event, or one for each element of a batch, stored in one commit.
#include "web/hook.h"

#include "base/encode.h"
#include "base/limits.h"
#include "reaction/data.h"
#include "reaction/payload.h"

#include <openssl/evp.h>
#include <pthread.h>

static bool is_secret_header(str name)
{
    static const char *const names[] = { "X-Octopus-ApiKey", "Authorization", "Cookie", "Proxy-Authorization", "X-Gitlab-Token", "X-Buildkite-Token" };
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_eq_nocase(name, str_from(names[i])))
            return true;
    return false;
}

// A header that came again counts once: its last value.
static bool comes_again(const struct http_request *r, size_t at)
{
    for (size_t i = at + 1; i < r->header_count; i++)
        if (str_eq(r->headers[i].name, r->headers[at].name))
            return true;
    return false;
}

static void add_text(struct buf *out, const char *name, str text, bool is_first)
{
    buf_add_text(out, is_first ? "\"" : ",\"");
    buf_add_text(out, name);
    buf_add(out, STR("\":"));
    if (text.p && str_is_utf8(text))
        json_write_string(out, text);
    else
        buf_add(out, STR("null"));
}

// The contract's Request object, without the body. Written as it goes: a tree of it would cost more than all else here.
static str request_doc(const struct hook *h, const unsigned char body_hash[32])
{
    const struct http_request *r = h->request;
    struct arena *a = r->arena;
    CLEANUP(buf_fini) struct buf out = { 0 };
    bool is_first = true;
    buf_add_char(&out, '{');
    add_text(&out, "Method", r->method, true);
    add_text(&out, "Path", r->path, false);
    buf_add(&out, STR(",\"Query\":"));
    json_write(&out, h->query, false);
    buf_add(&out, STR(",\"Headers\":{"));
    for (size_t i = 0; i < r->header_count; i++) {
        str name = r->headers[i].name, value = r->headers[i].value;
        if (is_secret_header(name) || !str_is_utf8(name) || !str_is_utf8(value) || comes_again(r, i))
            continue;
        if (!is_first)
            buf_add_char(&out, ',');
        is_first = false;
        json_write_string(&out, name);
        buf_add_char(&out, ':');
        json_write_string(&out, value);
    }
    buf_add(&out, STR("},\"Route\":"));
    struct json *route = json_new_object(a);
    for (size_t i = 0; i < h->route.count; i++)
        if (str_is_utf8(h->route.items[i].value))
            json_put(route, h->route.items[i].name, json_new_string(a, h->route.items[i].value));
    json_write(&out, route, false);
    add_text(&out, "ContentType", http_header(r, STR("Content-Type")), false);
    add_text(&out, "RemoteAddress", r->remote.text, false);
    add_text(&out, "KeyId", h->key ? store_id_text(a, KIND_TRIGGER_KEY, h->key->id) : (str){ 0 }, false);
    buf_printf(&out, ",\"BodyBytes\":%zu", r->body.n);
    add_text(&out, "BodySha256", hex_encode(a, (str){ (const char *)body_hash, 32 }), false);
    buf_add_char(&out, '}');
    return arena_str(a, buf_str(&out));
}

// What the sender calls this delivery: its parts, each with its length, so that no two sets look alike.
static str delivery_id(const struct hook *h, const struct json *payload)
{
    const struct trigger *t = h->trigger->t;
    struct arena *a = h->request->arena;
    str id = { "", 0 };
    for (size_t i = 0; i < t->delivery_part_count; i++) {
        const struct delivery_part *part = &t->delivery_parts[i];
        str text = { 0 };
        if (part->header.n) {
            text = http_header(h->request, part->header);
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

// ---- the answer ----

struct waiting {
    struct hook *hook;
    bool is_batch, is_matched;
};

static const struct http_header json_headers[] = { { STR_INIT("Content-Type"), STR_INIT("application/json; charset=utf-8") }, { STR_INIT("Cache-Control"), STR_INIT("no-store") } };

static void answer_accepted(struct hook *h, const struct accept_result *results, size_t count, bool is_batch)
{
    const struct trigger *t = h->trigger->t;
    struct http_request *r = h->request;
    struct arena *a = r->arena;
    if (t->answer_body.p) {
        str text = t->answer_body;
        struct err e = { 0 };
        struct data_source data = { h->snapshot, h->web->opt.keyring, h->web->opt.clock, NULL };
        struct store_event v = { .source = EVENT_EXTERNAL };
        if (str_has(text, '#') && !data_render(&data, t->answer_body, data_of_event(&data, &v, h->payload, a), a, &text, &e))
            text = t->answer_body;
        struct http_header headers[] = { { STR("Content-Type"), t->answer_content_type }, { STR("X-Content-Type-Options"), STR("nosniff") } };
        http_answer(r, t->answer_status, headers, COUNT(headers), text);
        return;
    }
    CLEANUP(buf_fini) struct buf out = { 0 };
    buf_printf(&out, "{\"EventId\":\"Events-%" PRId64 "\",\"Duplicate\":%s,", results[0].event_id, results[0].outcome == ACCEPT_DUPLICATE ? "true" : "false");
    if (is_batch) {
        buf_add(&out, STR("\"EventIds\":["));
        for (size_t i = 0; i < count; i++)
            buf_printf(&out, "%s\"Events-%" PRId64 "\"", i ? "," : "", results[i].event_id);
        buf_add(&out, STR("],"));
    }
    buf_printf(&out, "\"Links\":{\"Self\":\"/api/events/Events-%" PRId64 "\"}}", results[0].event_id);
    http_answer(r, t->answer_status, json_headers, COUNT(json_headers), buf_str(&out));
}

static void on_accepted(void *ctx, const struct accept_result *results, size_t count, const struct err *e)
{
    struct waiting *waiting = ctx;
    struct hook *h = waiting->hook;
    struct web *w = h->web;
    const struct snapshot *snapshot = h->snapshot; // the trigger lives in it until the answer is out
    if (results[0].outcome == ACCEPT_FAILED) {
        hook_busy(h, e->kind == ERR_BUSY ? "the disk is full" : "the store did not take it");
        return;
    }
    if (results[0].outcome == ACCEPT_REPLAYED) {
        hook_refuse(h, "replay", STR("the same signature over the same body came before (ReplayDays)"));
        return;
    }
    if (results[0].outcome == ACCEPT_KEY_REUSED) {
        http_answer_error(h->request, 422, "Idempotency-Key: this key came before with another body; a new delivery needs a new key");
        registry_give(w->opt.registry, snapshot);
        return;
    }
    for (size_t i = 0; i < count; i++)
        __atomic_add_fetch(results[i].outcome == ACCEPT_NEW ? &w->accepted : &w->duplicates, 1, __ATOMIC_RELAXED);
    if (!waiting->is_matched)
        engine_wake(w->opt.engine);
    for (size_t i = 0; i < count && waiting->is_matched; i++)
        web_note(w, &(struct engine_note){ .kind = NOTE_EVENT, .id = results[i].event_id });
    answer_accepted(h, results, count, waiting->is_batch);
    registry_give(w->opt.registry, snapshot);
}

// ---- the events ----

static EVP_MD *sha256_method;

static void fetch_sha256(void)
{
    sha256_method = EVP_MD_fetch(NULL, "SHA256", NULL);
}

// SHA256() looks its method up by name at each call, which takes longer than hashing an ordinary body.
static void sha256(str text, unsigned char out[32])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch_sha256);
    if (!EVP_Digest(text.p ? text.p : "", text.n, out, NULL, sha256_method, NULL))
        abort(); // out of memory, or an OpenSSL without SHA-256
}

// Without a reaction on this trigger there is nothing to match: the engine need not hear of the event.
static bool has_nobody(const struct hook *h)
{
    struct registry *registry = h->web->opt.registry;
    const struct snapshot *now = registry_take(registry); // of this moment: the body may have taken long to come
    const struct trigger_entry *t = snapshot_trigger(now, h->trigger->t->id);
    bool has_nobody = t && !t->reaction_count;
    registry_give(registry, now);
    return has_nobody;
}

static void fill_event(struct hook *h, struct store_accept *item, bool is_matched, const unsigned char wire_hash[32], str request, str kind, str body, const struct json *payload)
{
    const struct trigger *t = h->trigger->t;
    struct http_request *r = h->request;
    item->event = (struct store_event){
        .space_id = t->space_id,
        .source = EVENT_EXTERNAL,
        .trigger_id = t->id,
        .type = t->slug,
        .occurred_ms = r->received_wall_ms,
        .received_ms = r->received_wall_ms,
        .request = request,
        .payload_kind = kind,
        .body = body,
        .delivery_id = delivery_id(h, payload),
        .is_matched = is_matched,
    };
    if (body.p == r->body.p && body.n == r->body.n)
        memcpy(item->body_hash, wire_hash, sizeof item->body_hash);
    else
        sha256(body, item->body_hash);
}

// The elements of the array that Body.Split points to; NULL and an error where there is none.
static const struct json *batch_of(const struct trigger *t, const struct json *payload, struct err *e)
{
    const struct json *list = json_pointer(payload, t->split);
    if (json_is(list, JSON_ARRAY) && list->count && list->count <= LIMIT_BATCH_EVENTS)
        return list;
    err_set(e, ERR_INVALID, "Body.Split: the body has no array of 1 to %d elements at \"%.*s\"", LIMIT_BATCH_EVENTS, STR_ARG(t->split));
    return NULL;
}

static void refuse_body(struct hook *h, const struct err *e)
{
    int status = e->kind == ERR_TOO_LARGE ? 413 : 400;
    hook_end(h);
    http_answer_error(h->request, status, "%s", e->text);
}

void hook_accept(struct hook *h)
{
    struct http_request *r = h->request;
    struct arena *a = r->arena;
    const struct trigger *t = h->trigger->t;
    struct err e = { 0 };
    unsigned char wire_hash[32];
    // Only now: nobody unproven makes us decompress.
    if (!incoming_decode(&h->in, a, (size_t)t->max_body_bytes, &e)) {
        refuse_body(h, &e);
        return;
    }
    str content = incoming_content(&h->in), kind = str_from(payload_kind(t->parse_as, http_header(r, STR("Content-Type")), content));
    if (!payload_check(kind.p, content, a, &e)) {
        e.kind = ERR_INVALID; // too deep or too many values is not a matter of bytes: never 413
        refuse_body(h, &e);
        return;
    }
    if (t->form_field.n && (str_eq(kind, STR("form")) || str_eq(kind, STR("json"))) && !payload_use_field(t->form_field, content, a, &kind, &e)) {
        refuse_body(h, &e);
        return;
    }
    struct store_event whole = { .payload_kind = kind, .body = content };
    struct json *payload = t->delivery_part_count || t->has_split || t->answer_body.n ? payload_json(&whole, a) : NULL;
    h->payload = payload;
    const struct json *batch = t->has_split ? batch_of(t, payload, &e) : NULL;
    if (e.kind) {
        refuse_body(h, &e);
        return;
    }
    sha256(r->body, wire_hash);
    bool is_matched = has_nobody(h);
    str request = request_doc(h, wire_hash);
    size_t count = batch ? batch->count : 1, at = 0;
    struct store_accept *items = ARENA_ARRAY(a, struct store_accept, count);
    if (batch) {
        json_each(element, batch)
            fill_event(h, &items[at++], is_matched, wire_hash, request, STR("json"), json_text(a, element), element);
    } else {
        fill_event(h, &items[0], is_matched, wire_hash, request, kind, content, payload);
        items[0].idempotency_key = http_header(r, STR("Idempotency-Key"));
    }
    if (h->is_signed && signature_replay_days(h->trigger->signature)) {
        items[0].replay_key = (str){ (const char *)h->replay_key, sizeof h->replay_key };
        items[0].replay_days = signature_replay_days(h->trigger->signature);
    }
    struct waiting *waiting = ARENA_NEW(a, struct waiting);
    *waiting = (struct waiting){ h, batch != NULL, is_matched };
    if (!store_accept(h->web->opt.store, h->web->opt.loop, items, count, NULL, on_accepted, waiting, &e))
        hook_busy(h, "too much waits to be stored");
}
