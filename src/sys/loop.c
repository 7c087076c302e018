#include "sys/loop.h"

#include <pthread.h>
#include <signal.h>
#include <uv.h>

struct post {
    struct post *next;
    void (*fn)(void *ctx);
    void *ctx;
};

struct on_signal {
    uv_signal_t uv;
    void (*fn)(void *ctx, int signal_number);
    void *ctx;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    pthread_mutex_t lock; // guards posts and is_stopping
    struct post *first, **last;
    bool is_stopping;
};

struct loop_timer {
    uv_timer_t uv;
    void (*fn)(void *ctx);
    void *ctx;
};

struct loop_watch {
    uv_poll_t uv;
    void (*fn)(void *ctx, int events, bool is_error);
    void *ctx;
    bool is_bad; // libuv refused the descriptor
};

static void run_posts(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    struct post *p = l->first;
    l->first = NULL;
    l->last = &l->first;
    bool is_stopping = l->is_stopping;
    l->is_stopping = false;
    pthread_mutex_unlock(&l->lock);

    for (struct post *next; p; p = next) {
        next = p->next;
        p->fn(p->ctx);
        free(p);
    }
    if (is_stopping)
        uv_stop(&l->uv);
}

static void on_wake(uv_async_t *wake)
{
    run_posts(wake->data);
}

bool loop_open(struct loop **out, struct err *e)
{
    // libuv and OpenSSL write without MSG_NOSIGNAL: a peer that left must be an error, not the end of the process.
    signal(SIGPIPE, SIG_IGN);
    struct loop *l = xcalloc(1, sizeof *l);
    int status = uv_loop_init(&l->uv);
    if (status < 0) {
        free(l);
        return err_set(e, ERR_IO, "event loop: %s", uv_strerror(status));
    }
    status = uv_async_init(&l->uv, &l->wake, on_wake);
    if (status < 0) {
        uv_loop_close(&l->uv);
        free(l);
        return err_set(e, ERR_IO, "event loop: %s", uv_strerror(status));
    }
    l->wake.data = l;
    l->last = &l->first;
    pthread_mutex_init(&l->lock, NULL);
    *out = l;
    return true;
}

static void free_handle(uv_handle_t *h)
{
    free(h->data); // each kind stores the allocation that holds the handle, or NULL
}

static void close_handle(uv_handle_t *h, void *ctx)
{
    struct loop *l = ctx;
    if (uv_is_closing(h))
        return;
    // Signals are the loop's own; timers and watches belong to others, who should have freed them.
    if (h->type != UV_SIGNAL && h != (uv_handle_t *)&l->wake) {
        uv_close(h, NULL);
        return;
    }
    if (h == (uv_handle_t *)&l->wake)
        h->data = NULL;
    uv_close(h, free_handle);
}

void loop_close(struct loop *l)
{
    if (!l)
        return;
    run_posts(l);
    uv_walk(&l->uv, close_handle, l);
    // A loop_stop nobody ran on makes uv_run return at once, with the handles still closing.
    int status;
    do
        uv_run(&l->uv, UV_RUN_DEFAULT);
    while ((status = uv_loop_close(&l->uv)) == UV_EBUSY && uv_loop_alive(&l->uv));
    assert(status == 0);
    (void)status;
    run_posts(l);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    l->is_stopping = true;
    pthread_mutex_unlock(&l->lock);
    uv_async_send(&l->wake);
}

void loop_post(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
    struct post *p = xmalloc(sizeof *p);
    *p = (struct post){ NULL, fn, ctx };
    pthread_mutex_lock(&l->lock);
    bool was_empty = !l->first;
    *l->last = p;
    l->last = &p->next;
    pthread_mutex_unlock(&l->lock);
    if (was_empty)
        uv_async_send(&l->wake);
}

int64_t loop_now_ms(const struct loop *l)
{
    return (int64_t)uv_now(&l->uv);
}

struct uv_loop_s *loop_uv(struct loop *l)
{
    return &l->uv;
}

static void on_timer(uv_timer_t *uv)
{
    struct loop_timer *t = uv->data;
    t->fn(t->ctx);
}

struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
    struct loop_timer *t = xcalloc(1, sizeof *t);
    uv_timer_init(&l->uv, &t->uv);
    t->uv.data = t;
    t->fn = fn;
    t->ctx = ctx;
    return t;
}

void loop_timer_set(struct loop_timer *t, int64_t after_ms, int64_t repeat_ms)
{
    // uv counts from the start of the round; a long callback would make the timer early.
    uv_update_time(t->uv.loop);
    uv_timer_start(&t->uv, on_timer, (uint64_t)MAX(after_ms, 0), (uint64_t)MAX(repeat_ms, 0));
}

void loop_timer_stop(struct loop_timer *t)
{
    uv_timer_stop(&t->uv);
}

void loop_timer_free(struct loop_timer *t)
{
    if (!t)
        return;
    uv_timer_stop(&t->uv);
    uv_close((uv_handle_t *)&t->uv, free_handle);
}

static void on_signal(uv_signal_t *uv, int signal_number)
{
    struct on_signal *s = uv->data;
    s->fn(s->ctx, signal_number);
}

bool loop_on_signal(struct loop *l, int signal_number, void (*fn)(void *ctx, int signal_number), void *ctx, struct err *e)
{
    struct on_signal *s = xcalloc(1, sizeof *s);
    uv_signal_init(&l->uv, &s->uv);
    s->uv.data = s;
    s->fn = fn;
    s->ctx = ctx;
    int status = uv_signal_start(&s->uv, on_signal, signal_number);
    if (status < 0) {
        uv_close((uv_handle_t *)&s->uv, free_handle);
        return err_set(e, ERR_IO, "signal %d: %s", signal_number, uv_strerror(status));
    }
    return true;
}

static void on_ready(uv_poll_t *uv, int status, int events)
{
    struct loop_watch *w = uv->data;
    int ready = (events & UV_READABLE ? LOOP_READABLE : 0) | (events & UV_WRITABLE ? LOOP_WRITABLE : 0);
    w->fn(w->ctx, ready, status < 0);
}

struct loop_watch *loop_watch_new(struct loop *l, int fd, void (*fn)(void *ctx, int events, bool is_error), void *ctx)
{
    struct loop_watch *w = xcalloc(1, sizeof *w);
    w->is_bad = uv_poll_init(&l->uv, &w->uv, fd) < 0;
    w->uv.data = w;
    w->fn = fn;
    w->ctx = ctx;
    return w;
}

void loop_watch_set(struct loop_watch *w, int events)
{
    if (w->is_bad)
        return;
    int uv_events = (events & LOOP_READABLE ? UV_READABLE : 0) | (events & LOOP_WRITABLE ? UV_WRITABLE : 0);
    if (uv_events)
        uv_poll_start(&w->uv, uv_events, on_ready);
    else
        uv_poll_stop(&w->uv);
}

void loop_watch_free(struct loop_watch *w)
{
    if (!w)
        return;
    if (w->is_bad) {
        free(w);
        return;
    }
    uv_poll_stop(&w->uv);
    uv_close((uv_handle_t *)&w->uv, free_handle);
}
