// What other threads ask of the engine: posted to its loop, and waited for where there is an answer.
#include "reaction/engine_internal.h"

#include "reaction/run_http.h"

struct cancel_request {
    struct engine *engine;
    int64_t run_id;
    bool was_found, is_done;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static void cancel_on_loop(void *ctx)
{
    struct cancel_request *c = ctx;
    struct active *run = engine_active(c->engine, c->run_id);
    if (run && run->job) {
        run->is_cancelled = true;
        script_job_cancel(run->job, "cancelled by hand");
    } else if (run && run->http) {
        run_http_cancel(run);
    } else if (run && run->wait_timer) {
        engine_stop_waiting(run);
        engine_finish(run, &(struct attempt_end){ .outcome = ATTEMPT_CANCELLED, .retry_after_ms = -1, .error = STR("cancelled by hand") });
    }
    pthread_mutex_lock(&c->lock);
    c->was_found = run != NULL;
    c->is_done = true;
    pthread_cond_signal(&c->done);
    pthread_mutex_unlock(&c->lock);
}

bool engine_cancel(struct engine *g, int64_t run_id)
{
    struct cancel_request c = { .engine = g, .run_id = run_id };
    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.done, NULL);
    loop_post(g->loop, cancel_on_loop, &c);
    pthread_mutex_lock(&c.lock);
    while (!c.is_done)
        pthread_cond_wait(&c.done, &c.lock);
    pthread_mutex_unlock(&c.lock);
    pthread_mutex_destroy(&c.lock);
    pthread_cond_destroy(&c.done);
    return c.was_found;
}

struct parse_request {
    struct engine *engine;
    str script;
    struct arena *arena;
    struct script_parsed *out;
    bool is_done;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static void parsed(void *ctx, const struct script_parsed *got)
{
    struct parse_request *p = ctx;
    pthread_mutex_lock(&p->lock);
    *p->out = *got;
    p->out->errors = ARENA_ARRAY(p->arena, struct script_parse_error, got->error_count);
    for (size_t i = 0; i < got->error_count; i++) {
        p->out->errors[i] = got->errors[i];
        p->out->errors[i].message = arena_str(p->arena, got->errors[i].message);
    }
    p->out->parameters = got->parameters ? json_copy(p->arena, got->parameters) : NULL;
    p->out->variables = got->variables ? json_copy(p->arena, got->variables) : NULL;
    p->out->failure = arena_str(p->arena, got->failure);
    p->is_done = true;
    pthread_cond_signal(&p->done);
    pthread_mutex_unlock(&p->lock);
}

static void parse_on_loop(void *ctx)
{
    struct parse_request *p = ctx;
    if (p->engine->pool)
        script_parse(p->engine->pool, p->script, parsed, p);
    else
        parsed(p, &(struct script_parsed){ .failure = STR("the server is stopping") });
}

bool engine_parse_script(struct engine *g, str script, struct arena *a, struct script_parsed *out, struct err *e)
{
    struct parse_request p = { .engine = g, .script = script, .arena = a, .out = out };
    pthread_mutex_init(&p.lock, NULL);
    pthread_cond_init(&p.done, NULL);
    loop_post(g->loop, parse_on_loop, &p);
    pthread_mutex_lock(&p.lock);
    while (!p.is_done)
        pthread_cond_wait(&p.done, &p.lock);
    pthread_mutex_unlock(&p.lock);
    pthread_mutex_destroy(&p.lock);
    pthread_cond_destroy(&p.done);
    return !out->failure.n || err_set(e, ERR_BUSY, "%.*s", STR_ARG(out->failure));
}

struct script_capabilities engine_script_capabilities(struct engine *g)
{
    pthread_mutex_lock(&g->lock);
    struct script_capabilities c = g->scripts;
    pthread_mutex_unlock(&g->lock);
    return c;
}

bool engine_tail_status(struct engine *g, int64_t connection_id, struct tail_status *out)
{
    return tails_status(g->tails, connection_id, out);
}

struct push {
    struct engine *engine;
    int64_t connection_id;
};

static void push_on_loop(void *ctx)
{
    struct push *p = ctx;
    tails_wake(p->engine->tails, p->connection_id);
    free(p);
}

void engine_push(struct engine *g, int64_t connection_id)
{
    struct push *p = xcalloc(1, sizeof *p);
    *p = (struct push){ g, connection_id };
    loop_post(g->loop, push_on_loop, p);
}

struct policy_view engine_policy(struct engine *g, int64_t reaction_id)
{
    return policies_view(g->policies, reaction_id, clock_wall_ms(g->opt.clock));
}

struct engine_stats engine_stats(struct engine *g)
{
    pthread_mutex_lock(&g->lock);
    struct engine_stats stats = g->stats;
    pthread_mutex_unlock(&g->lock);
    return stats;
}
