// Server-sent events: what changes, as it changes, to whoever watches /api/stream.
//
// A note says neither project nor environment, so it goes to those only who may see all of its space's runs; others hear nothing
// and read the lists. Who watches is looked up once: when users, roles, keys or sessions change, streams of people end, and a
// browser opens a new one by itself.
#include "web/handle.h"

#include "base/limits.h"
#include "web/callers.h"
#include "web/workers.h"

#define MAX_WATCHERS 100
#define KEEPALIVE_MS 15000

struct watcher {
    struct http_request *request;
    struct web *web;
    struct stream_hub *hub;
    struct arena arena; // of its caller
    struct caller caller;
    int64_t changes;    // the hub's, when its caller was looked up
    bool is_gone;
};

struct stream_hub {
    struct loop *loop;
    struct watcher *watchers[MAX_WATCHERS]; // the loop's thread only
    size_t count;
    bool is_closed;
    struct loop_timer *keepalive;
    int64_t watched; // atomic: nobody watching costs nothing
    int64_t changes; // atomic: of users, roles, keys and sessions
    int64_t references; // atomic: messages to the loop outlive a server that stops
};

static struct stream_hub *hub_take(struct stream_hub *h)
{
    __atomic_add_fetch(&h->references, 1, __ATOMIC_RELAXED);
    return h;
}

static void hub_give(struct stream_hub *h)
{
    if (__atomic_sub_fetch(&h->references, 1, __ATOMIC_ACQ_REL) == 0)
        free(h);
}

static void drop_gone(struct stream_hub *h)
{
    for (size_t i = 0; i < h->count;) {
        struct watcher *w = h->watchers[i];
        if (!w->is_gone) {
            i++;
            continue;
        }
        http_stream_end(w->request);
        arena_fini(&w->arena);
        free(w);
        h->watchers[i] = h->watchers[--h->count];
    }
    __atomic_store_n(&h->watched, (int64_t)h->count, __ATOMIC_RELAXED);
}

static void tell(struct watcher *w, str text)
{
    if (!w->is_gone && !http_stream_write(w->request, text))
        w->is_gone = true;
}

static void on_keepalive(void *ctx)
{
    struct stream_hub *h = ctx;
    for (size_t i = 0; i < h->count; i++) {
        struct watcher *w = h->watchers[i];
        w->is_gone = w->is_gone || (w->caller.expires_ms && clock_wall_ms(w->web->opt.clock) >= w->caller.expires_ms);
        tell(w, STR(": still here\n\n"));
    }
    drop_gone(h);
}

struct stream_hub *stream_hub_new(struct loop *loop)
{
    struct stream_hub *h = hub_take(xcalloc(1, sizeof *h));
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
    hub_give(h);
}

static void on_gone(void *ctx)
{
    struct watcher *w = ctx;
    w->is_gone = true;
}

static void begin(void *ctx)
{
    struct watcher *w = ctx;
    struct stream_hub *h = w->hub;
    struct http_request *r = w->request;
    static const struct http_header headers[] = { { STR_INIT("Content-Type"), STR_INIT("text/event-stream") }, { STR_INIT("Cache-Control"), STR_INIT("no-store") } };
    drop_gone(h);
    if (w->caller.is_anonymous)
        http_answer_error(r, 401, "send a management key in the header X-Octopus-ApiKey, or sign in");
    else if (!caller_may_somewhere(&w->caller, RUN_VIEW, 0))
        http_answer_error(r, 403, "this needs the permission %s", permission_name(RUN_VIEW));
    else if (h->is_closed || h->count == MAX_WATCHERS)
        http_answer_error(r, 503, "too many watch the stream already");
    else if (!w->caller.is_admin && w->changes != __atomic_load_n(&h->changes, __ATOMIC_ACQUIRE))
        http_answer_error(r, 503, "who may do what was changed in this moment: try again");
    else {
        h->watchers[h->count++] = w;
        __atomic_store_n(&h->watched, (int64_t)h->count, __ATOMIC_RELAXED);
        http_stream_start(r, 200, headers, COUNT(headers), on_gone, w);
        tell(w, STR(": welcome\n\n"));
        hub_give(h);
        return;
    }
    arena_fini(&w->arena);
    free(w);
    hub_give(h);
}

static void look_up(void *ctx)
{
    struct watcher *w = ctx;
    w->changes = __atomic_load_n(&w->hub->changes, __ATOMIC_ACQUIRE);
    caller_find(w->web, w->request, &w->arena, &w->caller);
    loop_post(w->hub->loop, begin, w);
}

void stream_handle(struct web *w, struct http_request *r)
{
    if (!str_eq(r->method, STR("GET"))) {
        http_answer_error(r, 405, "the stream is read by GET");
        return;
    }
    struct watcher *watcher = xcalloc(1, sizeof *watcher);
    *watcher = (struct watcher){ .request = r, .web = w, .hub = hub_take(w->hub) };
    if (!workers_submit(w->workers, look_up, watcher)) {
        free(watcher);
        hub_give(w->hub);
        http_answer_error(r, 503, "too many requests are waiting: try again soon");
    }
}

static void end_peoples(void *ctx)
{
    struct stream_hub *h = ctx;
    for (size_t i = 0; i < h->count; i++)
        h->watchers[i]->is_gone = h->watchers[i]->is_gone || !h->watchers[i]->caller.is_admin;
    drop_gone(h);
    hub_give(h);
}

void stream_people_changed(struct stream_hub *h)
{
    __atomic_add_fetch(&h->changes, 1, __ATOMIC_RELEASE);
    loop_post(h->loop, end_peoples, hub_take(h));
}

struct noted {
    struct stream_hub *hub;
    enum engine_note_kind kind;
    int64_t space_id;
    struct buf text;
};

static void deliver(void *ctx)
{
    struct noted *n = ctx;
    enum permission p = n->kind == NOTE_LOG || n->kind == NOTE_CALL ? RUN_OUTPUT_VIEW : RUN_VIEW;
    for (size_t i = 0; i < n->hub->count; i++)
        if (caller_may(&n->hub->watchers[i]->caller, p, n->space_id, STR("")))
            tell(n->hub->watchers[i], buf_str(&n->text));
    drop_gone(n->hub);
    hub_give(n->hub);
    buf_fini(&n->text);
    free(n);
}

void stream_note(struct stream_hub *h, const struct engine_note *note)
{
    static const char *const names[] = { [NOTE_EVENT] = "event", [NOTE_RUN] = "run", [NOTE_LOG] = "log", [NOTE_CALL] = "call" };
    if (!__atomic_load_n(&h->watched, __ATOMIC_RELAXED))
        return;
    struct noted *n = xcalloc(1, sizeof *n);
    n->hub = hub_take(h);
    n->kind = note->kind;
    n->space_id = note->space_id;
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
