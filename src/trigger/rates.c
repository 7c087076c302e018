#include "trigger/rates.h"

struct bucket {
    int64_t at_ms; // when tokens was so
    double tokens, per_second, burst;
};

#define SOURCE_BYTES_MAX 48
#define SWEEP_MS 1000 // a walk over all of them is not for every request

struct name {
    int64_t trigger_id, key_id;
    char source[SOURCE_BYTES_MAX];
};

static double tokens_at(const struct bucket *b, int64_t now_ms)
{
    double tokens = b->tokens + (double)MAX(now_ms - b->at_ms, (int64_t)0) * b->per_second / 1000;
    return MIN(tokens, b->burst);
}

static void forget_full(struct rates *r, int64_t now_ms)
{
    size_t at = 0;
    str key;
    void *found;
    if (r->swept_ms && now_ms - r->swept_ms < SWEEP_MS)
        return;
    r->swept_ms = now_ms;
    while (map_next(&r->buckets, &at, &key, &found))
        if (tokens_at(found, now_ms) >= ((struct bucket *)found)->burst)
            free(map_remove(&r->buckets, key));
}

void rates_fini(struct rates *r)
{
    size_t at = 0;
    str key;
    void *found;
    while (map_next(&r->buckets, &at, &key, &found))
        free(found);
    map_fini(&r->buckets);
}

static struct bucket *bucket_of(struct rates *r, struct name *name, double burst, int64_t now_ms)
{
    str key = { (const char *)name, sizeof *name };
    struct bucket *b = map_get(&r->buckets, key);
    if (b)
        return b;
    if (r->buckets.count >= RATES_MAX)
        forget_full(r, now_ms);
    if (r->buckets.count >= RATES_MAX) {
        *name = (struct name){ .trigger_id = name->trigger_id, .key_id = -1 };
        b = map_get(&r->buckets, key);
        if (b)
            return b;
    }
    b = xcalloc(1, sizeof *b);
    *b = (struct bucket){ .at_ms = now_ms, .tokens = burst };
    map_put(&r->buckets, key, b);
    return b;
}

bool rates_take(struct rates *r, int64_t trigger_id, int64_t key_id, str source, struct rates_limit limit, int64_t now_ms, int *retry_after_s)
{
    struct name name = { .trigger_id = trigger_id, .key_id = key_id };
    double burst = (double)(limit.burst ? limit.burst : limit.per_second);
    memcpy(name.source, source.p ? source.p : "", MIN(source.n, sizeof name.source));
    struct bucket *b = bucket_of(r, &name, burst, now_ms);
    b->per_second = (double)limit.per_second; // as the trigger says now
    b->burst = burst;
    b->tokens = tokens_at(b, now_ms);
    b->at_ms = now_ms;
    *retry_after_s = 0;
    if (b->tokens >= 1) {
        b->tokens--;
        return true;
    }
    double wait_s = (1 - b->tokens) / b->per_second;
    *retry_after_s = (int)wait_s + ((double)(int)wait_s < wait_s);
    return false;
}
