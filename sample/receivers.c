#include "sample/receivers.h"

#include "base/encode.h"
#include "base/map.h"
#include "sample/receiver.h"
#include "sample/routes.h"
#include "sys/random.h"

#define KEPT_MAX 50000
#define BODY_KEPT_BYTES 65536
#define MISBEHAVING_MAX 16

struct kept {
    char *receiver, *text;
};

struct bad {
    char *receiver, *body;
    int64_t status, times, delay_ms, retry_after_s;
};

struct receivers {
    struct sample *sample;
    struct kept *items; // oldest first
    size_t count, cap;
    int64_t total, accepted, repeats, next_id;
    struct map keys;     // receiver + key of what was accepted
    struct bad bad[MISBEHAVING_MAX];
};

struct receivers *receivers_new(struct sample *s)
{
    struct receivers *r = xcalloc(1, sizeof *r);

    r->sample = s;
    return r;
}

void receivers_clear(struct receivers *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->items[i].receiver);
        free(r->items[i].text);
    }
    r->count = 0;
    r->total = r->accepted = r->repeats = 0;
    map_fini(&r->keys);
    r->keys = (struct map){ 0 };
}

void receivers_free(struct receivers *r)
{
    if (!r)
        return;
    receivers_clear(r);
    for (size_t i = 0; i < MISBEHAVING_MAX; i++) {
        free(r->bad[i].receiver);
        free(r->bad[i].body);
    }
    free(r->items);
    free(r);
}

static char *keep(str s)
{
    char *p = xmalloc(s.n + 1);

    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

void receivers_misbehave(struct receivers *r, const struct misbehaviour *m)
{
    size_t at = 0;

    while (at < MISBEHAVING_MAX - 1 && r->bad[at].receiver && !str_eq(str_from(r->bad[at].receiver), m->receiver))
        at++;
    free(r->bad[at].receiver);
    free(r->bad[at].body);
    r->bad[at] = (struct bad){ keep(m->receiver), keep(m->body), m->status, m->times, m->delay_ms, m->retry_after_s };
}

str receivers_json(struct receivers *r, struct arena *a, str receiver, int64_t skip, int64_t take)
{
    struct buf out = { 0 };
    int64_t fit = 0, given = 0;

    buf_printf(&out, "{\"Total\":%" PRId64 ",\"Accepted\":%" PRId64 ",\"DistinctKeys\":%zu,\"Repeats\":%" PRId64 ",\"Items\":[", r->total, r->accepted, r->keys.count, r->repeats);
    for (size_t i = 0; i < r->count; i++) {
        if ((receiver.n && !str_eq(str_from(r->items[i].receiver), receiver)) || fit++ < skip || given >= take)
            continue;
        buf_add_text(&out, given++ ? "," : "");
        buf_add_text(&out, r->items[i].text);
    }
    buf_printf(&out, "],\"Count\":%" PRId64 "}", fit);
    str kept = arena_str(a, buf_str(&out));
    buf_fini(&out);
    return kept;
}

// ---- recording

static struct json *headers_json(struct call *c)
{
    struct json *o = json_new_object(c->a);

    for (size_t i = 0; i < c->http->header_count; i++)
        if (str_is_utf8(c->http->headers[i].value))
            json_put(o, c->http->headers[i].name, json_new_string(c->a, c->http->headers[i].value));
    return o;
}

static void record(struct receivers *r, struct call *c, str receiver, int status)
{
    struct json *o = json_new_object(c->a);
    str key = http_header(c->http, STR("Idempotency-Key")), body = str_sub(c->http->body, 0, BODY_KEPT_BYTES);
    bool is_accepted = status >= 200 && status < 300, is_repeat = false;

    r->total++;
    r->accepted += is_accepted;
    if (key.n && is_accepted) {
        is_repeat = map_put(&r->keys, arena_printf(c->a, "%.*s %.*s", STR_ARG(receiver), STR_ARG(key)), r) != NULL;
        r->repeats += is_repeat;
    }
    json_add_i64(c->a, o, "Id", ++r->next_id);
    json_add_str(c->a, o, "Receiver", receiver);
    json_add_str(c->a, o, "At", text_date(c->a, sample_now_ms(r->sample)));
    json_add_str(c->a, o, "Method", c->method);
    json_add_str(c->a, o, "Path", c->path);
    json_add_str(c->a, o, "Query", str_is_utf8(c->http->query) ? c->http->query : STR(""));
    json_add(o, STR("Headers"), headers_json(c));
    if (str_is_utf8(body))
        json_add_str(c->a, o, "Body", body);
    else
        json_add_str(c->a, o, "BodyBase64", base64_encode(c->a, body, BASE64_STANDARD));
    json_add_i64(c->a, o, "Status", status);
    json_add_str(c->a, o, "IdempotencyKey", key.n && str_is_utf8(key) ? key : (str){ 0 });
    json_add_bool(c->a, o, "IsRepeat", is_repeat);
    if (r->count == KEPT_MAX) { // forget the oldest half at once
        for (size_t i = 0; i < KEPT_MAX / 2; i++) {
            free(r->items[i].receiver);
            free(r->items[i].text);
        }
        memmove(r->items, r->items + KEPT_MAX / 2, (KEPT_MAX - KEPT_MAX / 2) * sizeof *r->items);
        r->count -= KEPT_MAX / 2;
    }
    xgrow(&r->items, &r->cap, r->count + 1, sizeof *r->items);
    r->items[r->count++] = (struct kept){ keep(receiver), keep(json_text(c->a, o)) };
}

void receiver_reply(struct call *c, str receiver, int status, const char *type, str body)
{
    record(c->sample->receivers, c, receiver, status);
    call_answer_text(c, status, type, body);
}

void receiver_reply_json(struct call *c, str receiver, int status, const struct json *j)
{
    receiver_reply(c, receiver, status, "application/json", json_text(c->a, j));
}

// ---- receiver.h

bool receiver_has_json_type(const struct call *c)
{
    return str_starts_nocase(http_header(c->http, STR("Content-Type")), STR("application/json"));
}

const struct json *receiver_body(struct call *c)
{
    struct json *j;
    struct err e;

    return json_parse(c->a, c->http->body, &j, &e) ? j : NULL;
}

str receiver_segment(const struct call *c, size_t at)
{
    return at < c->segment_count ? c->segments[at] : STR("");
}

bool receiver_is_path(const struct call *c, size_t from, const char *pattern)
{
    str rest = str_from(pattern), part;

    while (str_split(&rest, '/', &part)) {
        if (!str_eq(part, STR("{}")) && !str_eq_nocase(part, receiver_segment(c, from)))
            return false;
        if (from++ >= c->segment_count)
            return false;
    }
    return from == c->segment_count;
}

int64_t receiver_next_id(const struct call *c)
{
    return c->sample->receivers->next_id + 1;
}

// ---- all of them

static void handle(struct call *c)
{
    str name = receiver_segment(c, 1);

    if (str_eq(name, STR("newrelic")))
        receiver_newrelic(c);
    else if (str_eq(name, STR("appdynamics")))
        receiver_appdynamics(c);
    else if (str_eq(name, STR("raygun")))
        receiver_raygun(c);
    else if (str_eq(name, STR("chat")))
        receiver_chat(c);
    else if (name.n)
        receiver_reply(c, name, 200, "application/json", STR("{\"ok\":true}")); // anybody else takes anything
    else
        call_error(c, 404, "There are /receivers/newrelic, appdynamics, raygun, chat, and any other name, which takes everything.");
}

struct delayed {
    struct call *call; // in the request's arena
    struct loop_timer *timer;
    int64_t status, retry_after_s;
    str body;
};

static void answer_badly(struct call *c, int64_t status, int64_t retry_after_s, str body)
{
    str receiver = arena_str(c->a, receiver_segment(c, 1));
    struct http_header headers[2] = { { STR("Content-Type"), STR("text/plain") } };
    size_t count = 1;

    if (status == -1) { // late, but otherwise as ever
        handle(c);
        return;
    }
    record(c->sample->receivers, c, receiver, (int)status);
    if (status == 0) {
        c->fate = FATE_CUT;
        call_answer_text(c, 500, "text/plain", STR(""));
        return;
    }
    if (retry_after_s > 0)
        headers[count++] = (struct http_header){ STR("Retry-After"), arena_printf(c->a, "%" PRId64, retry_after_s) };
    call_answer_with(c, (int)status, headers, count, body);
}

static void on_delayed(void *ctx)
{
    struct delayed *d = ctx;
    struct call *c = d->call;
    struct loop_timer *timer = d->timer;

    answer_badly(c, d->status, d->retry_after_s, d->body);
    loop_timer_free(timer);
    free(d);
}

void receivers_handle(struct call *c)
{
    struct receivers *r = c->sample->receivers;
    struct bad *bad = NULL;

    for (size_t i = 0; i < MISBEHAVING_MAX; i++)
        if (r->bad[i].receiver && r->bad[i].times > 0 && str_eq(str_from(r->bad[i].receiver), receiver_segment(c, 1)))
            bad = &r->bad[i];
    if (!bad) {
        handle(c);
        return;
    }
    bad->times--;
    str body = arena_str(c->a, str_from(bad->body));
    if (!bad->delay_ms) {
        answer_badly(c, bad->status, bad->retry_after_s, body);
        return;
    }
    struct delayed *d = xcalloc(1, sizeof *d);
    d->call = arena_alloc(c->a, sizeof *c);
    *d->call = *c;
    d->status = bad->status;
    d->retry_after_s = bad->retry_after_s;
    d->body = body;
    d->timer = loop_timer_new(c->sample->loop, on_delayed, d);
    loop_timer_set(d->timer, bad->delay_ms, 0);
}
