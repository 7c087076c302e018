#include "reaction/policy.h"

#include "base/timetext.h"

#include <pthread.h>

struct policy {
    int64_t reaction_id;
    struct window starts; // the throttle
    struct window caused; // the loop breaker; places may lie ahead
    int64_t held_until_ms;
    struct breaker breaker;
    struct health health;
};

struct policies {
    struct store *store;
    struct map by_id;
    pthread_mutex_t lock;
};

static str key_of(const int64_t *id)
{
    return (str){ (const char *)id, sizeof *id };
}

static void policy_free(struct policy *one)
{
    window_fini(&one->starts);
    window_fini(&one->caused);
    free(one);
}

void policies_close(struct policies *p)
{
    size_t at = 0;
    str key;
    void *one;
    if (!p)
        return;
    while (map_next(&p->by_id, &at, &key, &one))
        policy_free(one);
    map_fini(&p->by_id);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void policies_configure(struct policies *p, const struct snapshot *s)
{
    pthread_mutex_lock(&p->lock);
    for (bool again = true; again;) {
        size_t at = 0;
        str key;
        void *value;
        again = false;
        while (!again && map_next(&p->by_id, &at, &key, &value)) {
            struct policy *one = value;
            again = !snapshot_reaction(s, one->reaction_id);
            if (again) {
                map_remove(&p->by_id, key);
                policy_free(one);
            }
        }
    }
    pthread_mutex_unlock(&p->lock);
}

static struct policy *find(struct policies *p, int64_t reaction_id)
{
    struct policy *one = map_get(&p->by_id, key_of(&reaction_id));
    if (one)
        return one;
    one = xcalloc(1, sizeof *one);
    one->reaction_id = reaction_id;
    window_limit(&one->caused, LOOP_MAX, LOOP_MS);
    map_put(&p->by_id, key_of(&one->reaction_id), one);
    return one;
}

static void place(void *ctx, int64_t reaction_id, int64_t at_ms)
{
    struct policy *one = find(ctx, reaction_id);
    window_add(&one->caused, at_ms);
    one->held_until_ms = at_ms;
}

static bool read_places(struct policies *p, int64_t now_ms, struct err *e)
{
    return store_places(p->store, now_ms - LOOP_MS, place, p, e);
}

bool policies_open(struct store *store, int64_t now_ms, struct policies **out, struct err *e)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct policies *p = xcalloc(1, sizeof *p);
    struct store_healths healths;
    p->store = store;
    pthread_mutex_init(&p->lock, NULL);
    if (!store_health_list(store, &a, &healths, e) || !read_places(p, now_ms, e)) {
        policies_close(p);
        return false;
    }
    for (size_t i = 0; i < healths.count; i++) {
        const struct store_health *h = &healths.items[i];
        struct policy *one = find(p, h->reaction_id);
        one->health.failing_since_ms = h->failing_since_ms;
        one->breaker = (struct breaker){ .failures = (int)h->failures, .last_run = h->last_run_id, .open_ms = h->open_for_ms, .until_ms = h->open_until_ms };
    }
    *out = p;
    return true;
}

void policies_not_stored(struct policies *p, int64_t now_ms)
{
    size_t at = 0;
    str key;
    void *value;
    struct err e;
    pthread_mutex_lock(&p->lock);
    while (map_next(&p->by_id, &at, &key, &value)) {
        struct policy *one = value;
        window_fini(&one->caused);
        window_limit(&one->caused, LOOP_MAX, LOOP_MS);
        one->held_until_ms = 0;
    }
    // What cannot be read either is asked for again at the next match that is not stored.
    (void)!read_places(p, now_ms, &e);
    pthread_mutex_unlock(&p->lock);
}

// A throttle that is new here, after a start or a change, counts what the store has counted.
static void use_throttle(struct policies *p, struct policy *one, const struct reaction *def, int64_t now_ms)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    int64_t max = def ? def->throttle_max : 0, length_ms = def ? def->throttle_seconds * 1000 : 0, *at_ms;
    size_t count;
    struct err e;
    bool is_new = !one->starts.max && max;
    if (one->starts.max == max && one->starts.length_ms == length_ms)
        return;
    window_limit(&one->starts, max, length_ms);
    if (is_new && store_starts(p->store, one->reaction_id, now_ms - length_ms, max, &a, &at_ms, &count, &e))
        for (size_t i = 0; i < count; i++)
            window_add(&one->starts, at_ms[i]);
}

void policies_room(struct policies *p, const struct reaction_entry *r, int64_t now_ms, int *limit, int64_t *again_ms)
{
    *again_ms = INT64_MAX;
    if (!r)
        return;
    pthread_mutex_lock(&p->lock);
    struct policy *one = find(p, r->id);
    use_throttle(p, one, r->def, now_ms);
    int by_breaker = breaker_room(&one->breaker, now_ms), by_throttle = window_room(&one->starts, now_ms);
    if (!by_breaker && !one->breaker.is_probing)
        *again_ms = one->breaker.until_ms;
    else if (by_breaker && !by_throttle)
        *again_ms = window_next_ms(&one->starts, now_ms);
    *limit = MIN(*limit, MIN(by_breaker, by_throttle));
    pthread_mutex_unlock(&p->lock);
}

void policies_started(struct policies *p, int64_t reaction_id, int count, int64_t now_ms)
{
    if (!count)
        return;
    pthread_mutex_lock(&p->lock);
    struct policy *one = find(p, reaction_id);
    breaker_started(&one->breaker, now_ms);
    for (int i = 0; i < count; i++)
        window_add(&one->starts, now_ms);
    pthread_mutex_unlock(&p->lock);
}

bool policies_ended(struct policies *p, int64_t reaction_id, int64_t run_id, enum policy_end end, int64_t now_ms, struct store_finish *item)
{
    bool gives_up = false;
    pthread_mutex_lock(&p->lock);
    struct policy *one = find(p, reaction_id);
    int64_t failing_since_ms = one->health.failing_since_ms;
    struct breaker before = one->breaker;
    if (end == POLICY_SUCCEEDED) {
        breaker_succeeded(&one->breaker);
        health_succeeded(&one->health);
    } else if (end == POLICY_UNKNOWN) {
        breaker_unknown(&one->breaker);
    } else {
        gives_up = health_failed(&one->health, now_ms);
        if (end == POLICY_FAILED_MAY_PASS)
            breaker_failed(&one->breaker, run_id, now_ms);
        else
            breaker_succeeded(&one->breaker); // its target answered: it lives
    }
    const struct breaker *b = &one->breaker;
    if (failing_since_ms != one->health.failing_since_ms || before.failures != b->failures || before.open_ms != b->open_ms || before.until_ms != b->until_ms)
        item->health = (struct store_health){ reaction_id, one->health.failing_since_ms, b->failures, b->last_run, b->open_ms, b->until_ms };
    pthread_mutex_unlock(&p->lock);
    return gives_up;
}

int64_t policies_caused_due_ms(struct policies *p, int64_t reaction_id, int64_t now_ms, str *held, struct arena *a)
{
    pthread_mutex_lock(&p->lock);
    struct policy *one = find(p, reaction_id);
    int64_t due_ms = window_next_ms(&one->caused, now_ms);
    window_add(&one->caused, due_ms);
    *held = (str){ 0 };
    if (due_ms > now_ms) {
        one->held_until_ms = MAX(one->held_until_ms, due_ms);
        *held = arena_printf(a, "held by the loop breaker: runs cause events that start this reaction again, more than %d in a minute. It goes on at %.*s; cancel it, or change what makes the loop", LOOP_MAX, STR_ARG(timetext(a, due_ms)));
    }
    pthread_mutex_unlock(&p->lock);
    return due_ms;
}

struct policy_view policies_view(struct policies *p, int64_t reaction_id, int64_t now_ms)
{
    struct policy_view v = { 0 };
    pthread_mutex_lock(&p->lock);
    struct policy *one = map_get(&p->by_id, key_of(&reaction_id));
    if (one) {
        v.circuit = breaker_state(&one->breaker, now_ms);
        v.open_until_ms = one->breaker.until_ms;
        v.failing_since_ms = one->health.failing_since_ms;
        v.held_until_ms = one->held_until_ms > now_ms ? one->held_until_ms : 0;
    }
    pthread_mutex_unlock(&p->lock);
    return v;
}
