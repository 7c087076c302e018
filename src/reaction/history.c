#include "reaction/history.h"

#include "base/limits.h"
#include "base/timetext.h"
#include "octopus/event.h"
#include "octopus/link.h"
#include "reaction/engine_internal.h"
#include "reaction/sealed.h"

#include <stdio.h>

#define PAGE_TAKE 100
#define PAGE_TIMEOUT_MS 60000
#define WAIT_MAX_MS 30000 // a server that asks for more patience gets an error, not a blocked caller

struct history {
    struct engine *engine;
    int64_t connection_id, from_ms, to_ms, max, skip;
    struct arena *a; // the caller's, who waits
    struct json *events;
    struct map seen; // ids: pages shift while they are read
    bool more, is_done;
    struct octopus_link *link;
    struct loop_timer *timer;
    char space[64];
    struct err err;
    // storing
    const struct store_event *items;
    size_t count;
    int64_t *ids;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static void answer(struct history *h)
{
    octopus_link_free(h->link);
    loop_timer_free(h->timer);
    map_fini(&h->seen);
    pthread_mutex_lock(&h->lock);
    h->is_done = true;
    pthread_cond_signal(&h->done);
    pthread_mutex_unlock(&h->lock);
}

static void end(void *ctx)
{
    answer(ctx); // not within the link's own callback
}

static void end_soon(struct history *h)
{
    loop_post(h->engine->loop, end, h);
}

static void take_page(struct history *h, const struct json *items)
{
    json_each(item, items)
    {
        struct octopus_event v;
        struct err e;
        if (!octopus_event_read(item, &v, &e) || v.occurred_ms < h->from_ms || v.occurred_ms >= h->to_ms || map_get(&h->seen, v.id))
            continue;
        h->more = h->events->count >= (uint32_t)h->max;
        if (h->more)
            return;
        struct json *kept = json_push(h->events, json_copy(h->a, item));
        map_put(&h->seen, json_get(kept, STR("Id"))->text, h);
    }
}

static void ask(void *ctx);

static void on_page(void *ctx, const struct octopus_reply *reply)
{
    struct history *h = ctx;
    const struct json *items = json_get(reply->body, STR("Items"));
    if (reply->wait_ms > 0 && reply->wait_ms <= WAIT_MAX_MS && !h->engine->is_stopping && (reply->status == 429 || reply->status == 503)) {
        loop_timer_set(h->timer, reply->wait_ms, 0);
        return;
    }
    if (reply->error.kind != ERR_NONE) {
        h->err = reply->error;
        err_in(&h->err, "reading Octopus's events");
    } else {
        take_page(h, items);
        h->skip += items ? items->count : 0;
        if (items && items->count && !h->more && !h->engine->is_stopping) {
            loop_timer_set(h->timer, 0, 0);
            return;
        }
    }
    end_soon(h);
}

static void ask(void *ctx)
{
    struct history *h = ctx;
    CLEANUP(arena_fini) struct arena a = { 0 };
    // Newest first, as the log is kept. Octopus's `to` leaves out what happened in that very moment; a second more, and it is judged here.
    str path = arena_printf(&a, "/api/%s/events?skip=%" PRId64 "&take=%d&excludeDifference=true&from=%s&to=%s", h->space, h->skip, PAGE_TAKE, timetext(&a, h->from_ms).p, timetext(&a, h->to_ms + 1000).p);
    octopus_link_get(h->link, path, LIMIT_TAIL_PAGE_BYTES, PAGE_TIMEOUT_MS, on_page, h);
}

static void begin(void *ctx)
{
    struct history *h = ctx;
    struct engine *g = h->engine;
    struct tail_status status;
    const struct snapshot *s = g->egress_snapshot;
    const struct connection_entry *c = snapshot_connection(s, h->connection_id);
    str key = STR("");
    if (!c)
        err_set(&h->err, ERR_NOT_FOUND, "the connection does not exist any more");
    else if (!tails_status(g->tails, h->connection_id, &status) || !status.octopus_space_id[0])
        err_set(&h->err, ERR_BUSY, "Octopus has not answered yet: which of its spaces this connection means is not known. %s", tails_status(g->tails, h->connection_id, &status) ? status.last_error : "");
    else if (sealed_open_value(KIND_CONNECTION, c->id, "ReaderKey", json_get(c->doc, STR("ReaderKey")), g->opt.keyring, h->a, &key, &h->err) && !key.n)
        err_set(&h->err, ERR_CONFLICT, "the connection has no ReaderKey: its events cannot be read");
    if (h->err.kind != ERR_NONE) {
        answer(h);
        return;
    }
    snprintf(h->space, sizeof h->space, "%s", status.octopus_space_id);
    h->link = octopus_link_new(&(struct octopus_link_options){ g->http, c->url, key, json_str(json_get(json_get(c->doc, STR("Tls")), STR("Ca")), STR("")) });
    explicit_bzero((char *)(uintptr_t)key.p, key.n);
    h->timer = loop_timer_new(g->loop, ask, h);
    ask(h);
}

static bool wait_for(struct history *h, void (*start)(void *ctx), struct err *e)
{
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->done, NULL);
    loop_post(h->engine->loop, start, h);
    pthread_mutex_lock(&h->lock);
    while (!h->is_done)
        pthread_cond_wait(&h->done, &h->lock);
    pthread_mutex_unlock(&h->lock);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->done);
    if (h->err.kind != ERR_NONE)
        *e = h->err;
    return h->err.kind == ERR_NONE;
}

bool engine_history(struct engine *g, int64_t connection_id, int64_t from_ms, int64_t to_ms, int64_t max, struct arena *a, struct json **events, bool *more, struct err *e)
{
    struct history h = { .engine = g, .connection_id = connection_id, .from_ms = from_ms, .to_ms = to_ms, .max = MIN(max, (int64_t)HISTORY_MAX), .a = a, .events = json_new_array(a) };
    if (!wait_for(&h, begin, e))
        return false;
    // Oldest first.
    struct json *turned = json_new_array(a), **items = ARENA_ARRAY(a, struct json *, h.events->count);
    size_t count = 0;
    for (struct json *one = h.events->first; one; one = one->next)
        items[count++] = one;
    while (count) {
        items[--count]->next = NULL;
        json_push(turned, items[count]);
    }
    *events = turned;
    *more = h.more;
    return true;
}

// ---- storing ----

static void stored(void *ctx, const struct accept_result *results, size_t count, const struct err *e)
{
    struct history *h = ctx;
    h->err = *e;
    for (size_t i = 0; e->kind == ERR_NONE && i < count; i++)
        h->ids[i] = results[i].event_id;
    answer(h);
}

static void store(void *ctx)
{
    struct history *h = ctx;
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct store_accept *items = ARENA_ARRAY(&a, struct store_accept, h->count);
    for (size_t i = 0; i < h->count; i++) {
        items[i].event = h->items[i];
        items[i].event.is_matched = true;
    }
    if (!store_accept(h->engine->opt.store, h->engine->loop, items, h->count, NULL, stored, h, &h->err))
        answer(h);
}

bool engine_store_history(struct engine *g, const struct store_event *events, size_t count, int64_t *ids, struct err *e)
{
    struct history h = { .engine = g, .items = events, .count = count, .ids = ids };
    return !count || wait_for(&h, store, e);
}
