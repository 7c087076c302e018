// window.h - at most so many in so long, counted over every stretch of that length. Pure: instants are given.
//
// A throttle asks how many starts there is room for now. The loop breaker asks for the instant at which one more fits, and takes that
// place, which may lie ahead.
#pragma once

#include "base/base.h"

#include <limits.h>

struct window {
    int64_t *at; // the last `max` instants, as a ring; grows with use, never past max
    size_t count, cap, first;
    int64_t max, length_ms;
};

#define WINDOW_NO_LIMIT INT_MAX

// A change of limits keeps what was counted. max 0: no limit.
void window_limit(struct window *w, int64_t max, int64_t length_ms);
void window_fini(struct window *w);

void window_add(struct window *w, int64_t at_ms); // not before the last one added
int window_room(const struct window *w, int64_t now_ms);
// The earliest instant, not before now_ms, at which one more fits.
int64_t window_next_ms(const struct window *w, int64_t now_ms);
