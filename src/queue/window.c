#include "queue/window.h"

static int64_t at(const struct window *w, size_t i)
{
    return w->at[(w->first + i) % w->cap];
}

static void drop_first(struct window *w)
{
    w->first = (w->first + 1) % w->cap;
    w->count--;
}

void window_limit(struct window *w, int64_t max, int64_t length_ms)
{
    w->max = max;
    w->length_ms = length_ms;
    while (max > 0 && w->count > (size_t)max)
        drop_first(w);
}

void window_fini(struct window *w)
{
    free(w->at);
    *w = (struct window){ 0 };
}

static void grow(struct window *w)
{
    size_t cap = MIN(MAX(2 * w->cap, (size_t)16), (size_t)w->max);
    int64_t *more = xmalloc(sizeof *more * cap);
    for (size_t i = 0; i < w->count; i++)
        more[i] = at(w, i);
    free(w->at);
    w->at = more;
    w->cap = cap;
    w->first = 0;
}

void window_add(struct window *w, int64_t at_ms)
{
    if (w->max <= 0)
        return;
    if (w->count == (size_t)w->max)
        drop_first(w);
    if (w->count == w->cap)
        grow(w);
    // A clock that was put back must not free places.
    int64_t last = w->count ? at(w, w->count - 1) : at_ms;
    w->at[(w->first + w->count++) % w->cap] = MAX(at_ms, last);
}

static bool is_within(const struct window *w, size_t i, int64_t now_ms)
{
    return at(w, i) > now_ms - w->length_ms;
}

int window_room(const struct window *w, int64_t now_ms)
{
    if (w->max <= 0)
        return WINDOW_NO_LIMIT;
    size_t taken = 0;
    while (taken < w->count && is_within(w, w->count - 1 - taken, now_ms))
        taken++;
    return (int)MIN(w->max - (int64_t)taken, (int64_t)WINDOW_NO_LIMIT);
}

int64_t window_next_ms(const struct window *w, int64_t now_ms)
{
    if (w->max <= 0 || w->count < (size_t)w->max)
        return now_ms;
    return MAX(now_ms, at(w, w->count - (size_t)w->max) + w->length_ms);
}
