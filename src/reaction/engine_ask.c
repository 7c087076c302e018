#include "reaction/engine_ask.h"

#include "reaction/engine_internal.h"

struct asking {
    struct engine *engine;
    bool (*answer)(struct engine *g, void *ctx);
    void *ctx;
    int64_t patience_ms;
    struct loop_timer *timer;
    struct asking *next;
    bool is_ok, is_done;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static void end(struct asking *q, bool is_ok)
{
    for (struct asking **at = &q->engine->asking; *at; at = &(*at)->next)
        if (*at == q) {
            *at = q->next;
            break;
        }
    loop_timer_free(q->timer);
    pthread_mutex_lock(&q->lock);
    q->is_ok = is_ok;
    q->is_done = true;
    pthread_cond_signal(&q->done);
    pthread_mutex_unlock(&q->lock);
}

static void give_up(void *ctx)
{
    end(ctx, false);
}

static void begin(void *ctx)
{
    struct asking *q = ctx;
    if (q->engine->is_stopping) {
        end(q, false);
    } else if (q->answer(q->engine, q->ctx)) {
        end(q, true);
    } else {
        q->next = q->engine->asking;
        q->engine->asking = q;
        q->timer = loop_timer_new(q->engine->loop, give_up, q);
        loop_timer_set(q->timer, q->patience_ms, 0);
    }
}

void engine_ask_again(struct engine *g)
{
    for (struct asking *q = g->asking, *next; q; q = next) {
        next = q->next;
        if (q->answer(g, q->ctx))
            end(q, true);
    }
}

void engine_ask_stop(struct engine *g)
{
    while (g->asking)
        end(g->asking, false);
}

bool engine_ask(struct engine *g, int64_t patience_ms, bool (*answer)(struct engine *g, void *ctx), void *ctx)
{
    struct asking q = { .engine = g, .answer = answer, .ctx = ctx, .patience_ms = patience_ms };
    pthread_mutex_init(&q.lock, NULL);
    pthread_cond_init(&q.done, NULL);
    loop_post(g->loop, begin, &q);
    pthread_mutex_lock(&q.lock);
    while (!q.is_done)
        pthread_cond_wait(&q.done, &q.lock);
    pthread_mutex_unlock(&q.lock);
    pthread_mutex_destroy(&q.lock);
    pthread_cond_destroy(&q.done);
    return q.is_ok;
}
