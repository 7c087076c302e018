#include "queue/breaker.h"

enum breaker_state breaker_state(const struct breaker *b, int64_t now_ms)
{
    if (!b->until_ms)
        return BREAKER_CLOSED;
    return now_ms < b->until_ms ? BREAKER_OPEN : BREAKER_HALF_OPEN;
}

const char *breaker_state_name(enum breaker_state s)
{
    static const char *const names[] = { "Closed", "Open", "HalfOpen" };
    return names[s];
}

int breaker_room(const struct breaker *b, int64_t now_ms)
{
    enum breaker_state s = breaker_state(b, now_ms);
    return s == BREAKER_CLOSED ? INT_MAX : s == BREAKER_HALF_OPEN && !b->is_probing ? 1 : 0;
}

void breaker_started(struct breaker *b, int64_t now_ms)
{
    if (breaker_state(b, now_ms) == BREAKER_HALF_OPEN)
        b->is_probing = true;
}

void breaker_failed(struct breaker *b, int64_t run_id, int64_t now_ms)
{
    enum breaker_state s = breaker_state(b, now_ms);
    if (s == BREAKER_OPEN)
        return; // had been under way when it opened
    if (s == BREAKER_CLOSED) {
        if (run_id != b->last_run || !b->failures)
            b->failures++;
        b->last_run = run_id;
        if (b->failures < BREAKER_FAILURES)
            return;
    }
    b->open_ms = b->open_ms ? MIN(2 * b->open_ms, (int64_t)BREAKER_MAX_MS) : BREAKER_FIRST_MS;
    b->until_ms = now_ms + b->open_ms;
    b->is_probing = false;
}

void breaker_succeeded(struct breaker *b)
{
    *b = (struct breaker){ 0 };
}

void breaker_unknown(struct breaker *b)
{
    b->is_probing = false;
}

bool health_failed(struct health *h, int64_t now_ms)
{
    if (!h->failing_since_ms)
        h->failing_since_ms = now_ms;
    h->failures++;
    return now_ms - h->failing_since_ms >= HEALTH_GIVE_UP_MS;
}

void health_succeeded(struct health *h)
{
    *h = (struct health){ 0 };
}
