#include "reaction/engine_judge.h"

#include "reaction/engine_internal.h"
#include "reaction/match_octopus.h"
#include "reaction/payload.h"

#define PATIENCE_MS 15000

struct judging {
    struct engine *engine;
    const struct snapshot *snapshot;
    const struct store_event *event;
    const struct json *payload;
    const struct reaction_entry *const *reactions;
    size_t count;
    struct arena *arena;
    struct judged *out;
    size_t out_count;
    struct loop_timer *timer;
    struct judging *next;
    bool is_ok, is_done;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

// False: something it needs is still on its way.
static bool judge_all(struct judging *j)
{
    struct octopus_view view;
    struct data_source data = engine_octopus_data(j->engine, j->snapshot, j->event, &view);
    struct match *m = match_new(&data, j->event, j->payload, j->arena);
    const struct reaction_entry **candidates;
    size_t offered, count = j->reactions ? j->count : match_candidates(m, &candidates, &offered);
    j->out = ARENA_ARRAY(j->arena, struct judged, count);
    j->out_count = count;
    for (size_t i = 0; i < count && !match_is_waiting(m); i++) {
        j->out[i].reaction = j->reactions ? j->reactions[i] : candidates[i];
        match_reaction(m, j->out[i].reaction, &j->out[i].result);
    }
    return !match_is_waiting(m);
}

static void end(struct judging *j, bool is_ok)
{
    for (struct judging **at = &j->engine->judging; *at; at = &(*at)->next)
        if (*at == j) {
            *at = j->next;
            break;
        }
    loop_timer_free(j->timer);
    pthread_mutex_lock(&j->lock);
    j->is_ok = is_ok;
    j->is_done = true;
    pthread_cond_signal(&j->done);
    pthread_mutex_unlock(&j->lock);
}

static void give_up(void *ctx)
{
    end(ctx, false);
}

static void begin(void *ctx)
{
    struct judging *j = ctx;
    if (j->engine->is_stopping) {
        end(j, false);
    } else if (judge_all(j)) {
        end(j, true);
    } else {
        j->next = j->engine->judging;
        j->engine->judging = j;
        j->timer = loop_timer_new(j->engine->loop, give_up, j);
        loop_timer_set(j->timer, PATIENCE_MS, 0);
    }
}

void engine_judge_again(struct engine *g)
{
    for (struct judging *j = g->judging, *next; j; j = next) {
        next = j->next;
        if (judge_all(j))
            end(j, true);
    }
}

void engine_judge_stop(struct engine *g)
{
    while (g->judging)
        end(g->judging, false);
}

bool engine_judge(struct engine *g, const struct snapshot *s, const struct store_event *v, const struct reaction_entry *const *reactions, size_t count, struct arena *a, struct judged **out, size_t *out_count, struct err *e)
{
    struct judging j = { .engine = g, .snapshot = s, .event = v, .payload = payload_json(v, a), .reactions = reactions, .count = count, .arena = a };
    pthread_mutex_init(&j.lock, NULL);
    pthread_cond_init(&j.done, NULL);
    loop_post(g->loop, begin, &j);
    pthread_mutex_lock(&j.lock);
    while (!j.is_done)
        pthread_cond_wait(&j.done, &j.lock);
    pthread_mutex_unlock(&j.lock);
    pthread_mutex_destroy(&j.lock);
    pthread_cond_destroy(&j.done);
    *out = j.out;
    *out_count = j.out_count;
    return j.is_ok || err_set(e, ERR_BUSY, "Octopus has not said what the event's documents are: see the connection's State.LastError, and try again");
}
