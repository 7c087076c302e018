#include "http/resolve.h"

#include "base/map.h"

#include <netdb.h>
#include <pthread.h>

#define THREADS 4
#define KEEP_MS 30000
#define KEPT_MAX 4096 // names remembered; beyond it the whole memory is dropped

// One question. Owned by the loop's thread, except while it is in the pool's queue or hands.
struct question {
    struct question *next; // in the pool's queue, or among the finished
    char *host_z;
    struct ip ips[RESOLVE_ADDRESSES_MAX];
    size_t count;
    struct err error;
    bool is_done;
    int64_t keep_until_ms;
    struct resolve_wait *first;
};

struct resolve_wait {
    struct resolve_wait *prev, *next;
    struct resolver *resolver;
    struct question *question;
    void (*done)(void *ctx, const struct ip *ips, size_t count, const struct err *e);
    void *ctx;
};

// Shared with the threads. Counted: the resolver, each thread and a post under way hold it.
struct pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct question *queue, **queue_end;
    struct question *finished;
    size_t refs, threads, idle;
    bool is_closed, is_posted;
    struct resolver *resolver; // for the post; not used once is_closed
    resolve_fn *lookup;
    void *lookup_ctx;
    struct loop *loop;
};

struct resolver {
    struct loop *loop;
    struct pool *pool;
    struct map questions; // host to struct question
    int64_t keep_ms, forget_at_ms;
    struct loop_timer *soon; // answers from memory are given in the next round
    struct resolve_wait *ready;
};

static bool system_lookup(void *ctx UNUSED, const char *host, struct ip *out, size_t *count, struct err *e)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *found;
    int status = getaddrinfo(host, NULL, &hints, &found);
    if (status == EAI_AGAIN)
        return err_set(e, ERR_IO, "the name %s cannot be resolved now: %s", host, gai_strerror(status));
    if (status)
        return err_set(e, ERR_IO, "the name %s cannot be resolved: %s", host, gai_strerror(status));
    *count = 0;
    for (struct addrinfo *i = found; i && *count < RESOLVE_ADDRESSES_MAX; i = i->ai_next)
        *count += ip_from_sockaddr(i->ai_addr, &out[*count], NULL);
    freeaddrinfo(found);
    return *count > 0 || err_set(e, ERR_IO, "the name %s has no address", host);
}

static void question_free(struct question *q)
{
    free(q->host_z);
    free(q);
}

static void pool_free(struct pool *p)
{
    for (struct question *q = p->queue, *next; q; q = next) {
        next = q->next;
        question_free(q);
    }
    for (struct question *q = p->finished, *next; q; q = next) {
        next = q->next;
        question_free(q);
    }
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    free(p);
}

// Called with the lock held, which it gives back.
static void pool_leave(struct pool *p)
{
    bool is_last = --p->refs == 0;
    pthread_mutex_unlock(&p->lock);
    if (is_last)
        pool_free(p);
}

static void on_finished(void *ctx);

static void *run_thread(void *ctx)
{
    struct pool *p = ctx;
    pthread_mutex_lock(&p->lock);
    while (!p->is_closed) {
        struct question *q = p->queue;
        if (!q) {
            p->idle++;
            pthread_cond_wait(&p->wake, &p->lock);
            p->idle--;
            continue;
        }
        p->queue = q->next;
        if (!p->queue)
            p->queue_end = &p->queue;
        pthread_mutex_unlock(&p->lock);
        if (!p->lookup(p->lookup_ctx, q->host_z, q->ips, &q->count, &q->error))
            q->count = 0;
        pthread_mutex_lock(&p->lock);
        q->next = p->finished;
        p->finished = q;
        if (!p->is_closed && !p->is_posted) {
            p->is_posted = true;
            p->refs++;
            loop_post(p->loop, on_finished, p); // under the lock: the loop lives at least until is_closed
        }
    }
    pool_leave(p);
    return NULL;
}

// Threads are started as they are needed, and stay.
static void pool_ask(struct pool *p, struct question *q)
{
    pthread_mutex_lock(&p->lock);
    q->next = NULL;
    *p->queue_end = q;
    p->queue_end = &q->next;
    if (p->idle == 0 && p->threads < THREADS) {
        pthread_t thread;
        p->refs++;
        if (pthread_create(&thread, NULL, run_thread, p) == 0) {
            pthread_detach(thread);
            p->threads++;
        } else {
            p->refs--; // the threads that run will come to it; with none, the call's time runs out
        }
    }
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

// ---- the loop's side

static void wait_unlink(struct resolve_wait *w)
{
    struct resolve_wait **head = w->question->is_done ? &w->resolver->ready : &w->question->first;
    *(w->prev ? &w->prev->next : head) = w->next;
    if (w->next)
        w->next->prev = w->prev;
}

static void wait_link(struct resolve_wait **head, struct resolve_wait *w)
{
    w->prev = NULL;
    w->next = *head;
    if (*head)
        (*head)->prev = w;
    *head = w;
}

static bool is_waited_for(const struct resolver *r, const struct question *q)
{
    for (struct resolve_wait *w = r->ready; w; w = w->next)
        if (w->question == q)
            return true;
    return false;
}

// Forgets answers that are old, or all where there are too many. What somebody waits for stays.
static void forget(struct resolver *r)
{
    bool is_full = r->questions.count > KEPT_MAX;
    size_t at = 0;
    str host;
    void *value;
    while (map_next(&r->questions, &at, &host, &value)) {
        struct question *q = value;
        if (q->is_done && (is_full || q->keep_until_ms <= loop_now_ms(r->loop)) && !is_waited_for(r, q)) {
            map_remove(&r->questions, host);
            question_free(q);
        }
    }
}

static void give_ready(void *ctx)
{
    struct resolver *r = ctx;
    while (r->ready) {
        struct resolve_wait *w = r->ready;
        struct question *q = w->question;
        wait_unlink(w);
        // Copied: done may ask anew, and an answer nobody waits for may be freed then.
        struct ip ips[RESOLVE_ADDRESSES_MAX];
        struct err error = q->error;
        size_t count = q->count;
        memcpy(ips, q->ips, sizeof ips);
        w->done(w->ctx, ips, count, &error);
        free(w);
    }
    int64_t now = loop_now_ms(r->loop);
    if (r->questions.count > KEPT_MAX || now >= r->forget_at_ms) {
        forget(r);
        r->forget_at_ms = now + 1000;
    }
}

static void on_finished(void *ctx)
{
    struct pool *p = ctx;
    pthread_mutex_lock(&p->lock);
    p->is_posted = false;
    if (p->is_closed) {
        pool_leave(p);
        return;
    }
    struct question *all = p->finished;
    p->finished = NULL;
    struct resolver *r = p->resolver;
    pool_leave(p); // the resolver's own reference remains
    for (struct question *q = all, *next; q; q = next) {
        next = q->next;
        q->is_done = true;
        // A failure is not kept: the next call asks again.
        q->keep_until_ms = q->count ? loop_now_ms(r->loop) + r->keep_ms : 0;
        while (q->first) {
            struct resolve_wait *w = q->first;
            q->first = w->next;
            wait_link(&r->ready, w);
        }
    }
    give_ready(r);
}

struct resolver *resolver_new(const struct resolver_options *opt)
{
    struct resolver *r = xcalloc(1, sizeof *r);
    struct pool *p = xcalloc(1, sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->queue_end = &p->queue;
    p->refs = 1;
    p->resolver = r;
    p->lookup = opt->lookup ? opt->lookup : system_lookup;
    p->lookup_ctx = opt->lookup_ctx;
    p->loop = opt->loop;
    r->pool = p;
    r->loop = opt->loop;
    r->keep_ms = opt->keep_ms ? opt->keep_ms : KEEP_MS;
    r->soon = loop_timer_new(opt->loop, give_ready, r);
    return r;
}

void resolver_free(struct resolver *r)
{
    if (!r)
        return;
    size_t at = 0;
    str host;
    void *value;
    while (map_next(&r->questions, &at, &host, &value)) {
        struct question *q = value;
        while (q->first) {
            struct resolve_wait *w = q->first;
            q->first = w->next;
            free(w);
        }
    }
    while (r->ready) {
        struct resolve_wait *w = r->ready;
        r->ready = w->next;
        free(w);
    }
    // Questions that are not done belong to the pool.
    at = 0;
    while (map_next(&r->questions, &at, &host, &value))
        if (((struct question *)value)->is_done)
            question_free(value);
    map_fini(&r->questions);
    loop_timer_free(r->soon);
    pthread_mutex_lock(&r->pool->lock);
    r->pool->is_closed = true;
    pthread_cond_broadcast(&r->pool->wake);
    pool_leave(r->pool);
    free(r);
}

struct resolve_wait *resolve_start(struct resolver *r, str host, void (*done)(void *ctx, const struct ip *ips, size_t count, const struct err *e), void *ctx)
{
    struct resolve_wait *w = xcalloc(1, sizeof *w);
    struct question *q = map_get(&r->questions, host);
    if (q && q->is_done && q->keep_until_ms <= loop_now_ms(r->loop) && !is_waited_for(r, q)) {
        map_remove(&r->questions, host);
        question_free(q);
        q = NULL;
    }
    bool is_new = !q;
    if (is_new) {
        q = xcalloc(1, sizeof *q);
        q->host_z = xcalloc(1, host.n + 1);
        memcpy(q->host_z, host.p, host.n);
        map_put(&r->questions, host, q);
    }
    *w = (struct resolve_wait){ .resolver = r, .question = q, .done = done, .ctx = ctx };
    wait_link(q->is_done ? &r->ready : &q->first, w);
    if (is_new)
        pool_ask(r->pool, q);
    else if (q->is_done)
        loop_timer_set(r->soon, 0, 0);
    return w;
}

void resolve_cancel(struct resolve_wait *w)
{
    if (!w)
        return;
    wait_unlink(w);
    free(w);
}
