#include "web/workers.h"

#include <pthread.h>

#define MAX_QUEUED 1000

struct job {
    struct job *next;
    void (*fn)(void *ctx);
    void *ctx;
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct job *first, **last;
    size_t queued;
    bool is_stopping;
    pthread_t *threads;
    int thread_count;
};

static void *worker_main(void *ctx)
{
    struct workers *w = ctx;
    for (;;) {
        pthread_mutex_lock(&w->lock);
        while (!w->first && !w->is_stopping)
            pthread_cond_wait(&w->work, &w->lock);
        struct job *job = w->first;
        if (job) {
            w->first = job->next;
            if (!w->first)
                w->last = &w->first;
            w->queued--;
        }
        pthread_mutex_unlock(&w->lock);
        if (!job)
            return NULL;
        job->fn(job->ctx);
        free(job);
    }
}

struct workers *workers_new(int threads)
{
    struct workers *w = xcalloc(1, sizeof *w);
    w->last = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    w->threads = xcalloc((size_t)threads, sizeof *w->threads);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&w->threads[w->thread_count], NULL, worker_main, w) == 0)
            pthread_setname_np(w->threads[w->thread_count++], "api");
    return w;
}

void workers_free(struct workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->is_stopping = true;
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->thread_count; i++)
        pthread_join(w->threads[i], NULL);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->work);
    free(w->threads);
    free(w);
}

bool workers_submit(struct workers *w, void (*fn)(void *ctx), void *ctx)
{
    struct job *job = xmalloc(sizeof *job);
    *job = (struct job){ NULL, fn, ctx };
    pthread_mutex_lock(&w->lock);
    bool has_room = w->queued < MAX_QUEUED && w->thread_count;
    if (has_room) {
        *w->last = job;
        w->last = &job->next;
        w->queued++;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    if (!has_room)
        free(job);
    return has_room;
}
