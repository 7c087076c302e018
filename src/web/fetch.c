#include "web/fetch.h"

#include <pthread.h>

struct fetcher {
    struct loop *loop;
    struct registry *registry;
    struct http_client *http;        // the loop's
    const struct snapshot *snapshot; // the loop's: whose egress policy holds
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_closed;
    int64_t references; // the owner, and each job
};

struct job {
    struct fetcher *fetcher;
    const struct http_call_options *opt; // the waiting thread's; NULL: it has gone
    struct arena arena;
    struct fetch_reply reply;
    struct err err;
    bool is_done;
};

static void give(struct fetcher *f)
{
    if (__atomic_sub_fetch(&f->references, 1, __ATOMIC_ACQ_REL))
        return;
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static void job_free(struct job *j)
{
    struct fetcher *f = j->fetcher;
    arena_fini(&j->arena);
    free(j);
    give(f);
}

static const struct egress *current_egress(void *ctx)
{
    const struct fetcher *f = ctx;
    return f->snapshot->egress;
}

bool fetcher_open(struct loop *loop, struct registry *registry, struct fetcher **out, struct err *e)
{
    struct fetcher *f = xcalloc(1, sizeof *f);
    f->loop = loop;
    f->registry = registry;
    f->references = 1;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    struct http_client_options opt = { .loop = loop, .egress = current_egress, .egress_ctx = f, .user_agent = "OctopusReactions/1" };
    if (!http_client_open(&opt, &f->http, e)) {
        give(f);
        return false;
    }
    f->snapshot = registry_take(registry);
    *out = f;
    return true;
}

void fetcher_close(struct fetcher *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->is_closed = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    http_client_close(f->http); // ends what is under way
    registry_give(f->registry, f->snapshot);
}

void fetcher_free(struct fetcher *f)
{
    if (f)
        give(f);
}

// The loop is through with it: the waiting thread, if it still waits, takes it.
static void end(struct job *j)
{
    struct fetcher *f = j->fetcher;
    pthread_mutex_lock(&f->lock);
    bool is_abandoned = !j->opt;
    j->is_done = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    if (is_abandoned)
        job_free(j);
}

static void on_reply(void *ctx, const struct http_reply *reply)
{
    struct job *j = ctx;
    j->err = reply->error;
    j->reply = (struct fetch_reply){ reply->status, arena_str(&j->arena, reply->body) };
    if (reply->status && reply->is_truncated)
        err_set(&j->err, ERR_TOO_LARGE, "the answer is too large");
    end(j);
}

static void start(void *ctx)
{
    struct job *j = ctx;
    struct fetcher *f = j->fetcher;
    pthread_mutex_lock(&f->lock);
    bool goes_on = j->opt && !f->is_closed;
    if (goes_on) {
        const struct snapshot *old = f->snapshot;
        f->snapshot = registry_take(f->registry);
        registry_give(f->registry, old);
        http_call_start(f->http, j->opt, on_reply, j);
    }
    pthread_mutex_unlock(&f->lock);
    if (!goes_on) {
        err_set(&j->err, ERR_BUSY, "the server is stopping");
        end(j);
    }
}

bool fetch(struct fetcher *f, struct http_call_options opt, struct arena *a, struct fetch_reply *out, struct err *e)
{
    pthread_mutex_lock(&f->lock);
    bool is_closed = f->is_closed;
    pthread_mutex_unlock(&f->lock);
    if (is_closed) // the loop may run no more: a job for it would stay
        return err_set(e, ERR_BUSY, "the server is stopping");
    struct job *j = xcalloc(1, sizeof *j);
    opt.total_timeout_ms = FETCH_TIMEOUT_MS;
    __atomic_add_fetch(&f->references, 1, __ATOMIC_RELAXED);
    *j = (struct job){ .fetcher = f, .opt = &opt };
    loop_post(f->loop, start, j);
    pthread_mutex_lock(&f->lock);
    while (!j->is_done && !f->is_closed)
        pthread_cond_wait(&f->changed, &f->lock);
    bool is_done = j->is_done;
    if (!is_done)
        j->opt = NULL; // the loop frees it
    pthread_mutex_unlock(&f->lock);
    if (!is_done)
        return err_set(e, ERR_BUSY, "the server is stopping");
    bool ok = j->err.kind == ERR_NONE;
    if (ok)
        *out = (struct fetch_reply){ j->reply.status, arena_str(a, j->reply.body) };
    else if (e)
        *e = j->err;
    job_free(j);
    return ok;
}
