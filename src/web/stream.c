// Server-sent events: what changes, as it changes, to whoever watches /api/stream.
#include "web/handle.h"

#include "base/limits.h"
#include "secret/token.h"

#define MAX_WATCHERS 100
#define KEEPALIVE_MS 15000

struct watcher {
    struct http_request *request;
    struct stream_hub *hub;
    bool is_gone;
};

struct stream_hub {
    struct loop *loop;
    struct watcher *watchers[MAX_WATCHERS]; // the loop's thread only
    size_t count;
    bool is_closed;
    struct loop_timer *keepalive;
    int64_t watched; // atomic: nobody watching costs nothing
};

static void drop_gone(struct stream_hub *h)
{
    for (size_t i = 0; i < h->count;) {
        struct watcher *w = h->watchers[i];
        if (!w->is_gone) {
            i++;
            continue;
        }
        http_stream_end(w->request);
        free(w);
        h->watchers[i] = h->watchers[--h->count];
    }
    __atomic_store_n(&h->watched, (int64_t)h->count, __ATOMIC_RELAXED);
}

static void send_all(struct stream_hub *h, str text)
{
    for (size_t i = 0; i < h->count; i++)
        if (!h->watchers[i]->is_gone && !http_stream_write(h->watchers[i]->request, text))
            h->watchers[i]->is_gone = true;
    drop_gone(h);
}

static void on_keepalive(void *ctx)
{
    send_all(ctx, STR(": still here\n\n"));
}

struct stream_hub *stream_hub_new(struct loop *loop)
{
    struct stream_hub *h = xcalloc(1, sizeof *h);
    h->loop = loop;
    h->keepalive = loop_timer_new(loop, on_keepalive, h);
    loop_timer_set(h->keepalive, KEEPALIVE_MS, KEEPALIVE_MS);
    return h;
}

void stream_hub_close(struct stream_hub *h)
{
    h->is_closed = true;
    for (size_t i = 0; i < h->count; i++)
        h->watchers[i]->is_gone = true;
    drop_gone(h);
}

void stream_hub_free(struct stream_hub *h)
{
    if (!h)
        return;
    stream_hub_close(h);
    loop_timer_free(h->keepalive);
    free(h);
}

static void on_gone(void *ctx)
{
    struct watcher *w = ctx;
    w->is_gone = true;
}

void stream_handle(struct web *w, struct http_request *r)
{
    struct stream_hub *h = w->hub;
    if (!str_eq(r->method, STR("GET"))) {
        http_answer_error(r, 405, "the stream is read by GET");
        return;
    }
    if (!web_is_admin_key(w, http_header(r, STR("X-Octopus-ApiKey")))) {
        http_answer_error(r, 401, "send a management key in the header X-Octopus-ApiKey");
        return;
    }
    drop_gone(h);
    if (h->is_closed || h->count == MAX_WATCHERS) {
        http_answer_error(r, 503, "too many watch the stream already");
        return;
    }
    struct watcher *watcher = xcalloc(1, sizeof *watcher);
    *watcher = (struct watcher){ r, h, false };
    h->watchers[h->count++] = watcher;
    __atomic_store_n(&h->watched, (int64_t)h->count, __ATOMIC_RELAXED);
    static const struct http_header headers[] = { { STR_INIT("Content-Type"), STR_INIT("text/event-stream") }, { STR_INIT("Cache-Control"), STR_INIT("no-store") } };
    http_stream_start(r, 200, headers, COUNT(headers), on_gone, watcher);
    if (!http_stream_write(r, STR(": welcome\n\n")))
        watcher->is_gone = true;
}

struct noted {
    struct stream_hub *hub;
    struct buf text;
};

static void deliver(void *ctx)
{
    struct noted *n = ctx;
    send_all(n->hub, buf_str(&n->text));
    buf_fini(&n->text);
    free(n);
}

void stream_note(struct stream_hub *h, const struct engine_note *note)
{
    static const char *const names[] = { [NOTE_EVENT] = "event", [NOTE_RUN] = "run", [NOTE_LOG] = "log", [NOTE_CALL] = "call" };
    if (!__atomic_load_n(&h->watched, __ATOMIC_RELAXED))
        return;
    struct noted *n = xcalloc(1, sizeof *n);
    n->hub = h;
    buf_printf(&n->text, "event: %s\ndata: {\"Id\":\"%s-%" PRId64 "\"", names[note->kind], note->kind == NOTE_EVENT ? "Events" : "Runs", note->id);
    if (note->space_id)
        buf_printf(&n->text, ",\"SpaceId\":\"Spaces-%" PRId64 "\"", note->space_id);
    if (note->reaction_id)
        buf_printf(&n->text, ",\"ReactionId\":\"Reactions-%" PRId64 "\"", note->reaction_id);
    if (note->state)
        buf_printf(&n->text, ",\"State\":\"%s\"", note->state);
    if (note->text.n)
        buf_printf(&n->text, ",\"%s\":%.*s", note->kind == NOTE_LOG ? "Lines" : "Call", STR_ARG(note->text));
    buf_add_text(&n->text, "}\n\n");
    loop_post(h->loop, deliver, n);
}
