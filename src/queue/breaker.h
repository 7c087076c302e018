// breaker.h - stops asking a target that answers nobody, and how long a reaction has known nothing but failure. Pure.
//
//     closed --20 runs in a row fail--> open --its time is over--> half open: one run tries
//        ^                               ^                              |
//        +------------- it succeeds -----|------------------------------+
//                                        +-- it fails: open twice as long, 5 s up to 5 minutes
//
// Only failures that may pass (no answer, 408, 425, 429, 5xx, a time-out) count, and of one run only the first in a row, so that a
// single run with an eager schedule opens nothing. While it is open runs wait and use up none of their attempts.
#pragma once

#include "base/base.h"

#include <limits.h>

#define BREAKER_FAILURES 20
#define BREAKER_FIRST_MS 5000
#define BREAKER_MAX_MS (5 * 60 * 1000)

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker {
    int failures;         // in a row, of different runs
    int64_t last_run;
    int64_t open_ms, until_ms; // 0: closed
    bool is_probing;
};

enum breaker_state breaker_state(const struct breaker *b, int64_t now_ms);
const char *breaker_state_name(enum breaker_state s);
int breaker_room(const struct breaker *b, int64_t now_ms); // how many runs may start: any number (INT_MAX), one, none
void breaker_started(struct breaker *b, int64_t now_ms);
void breaker_failed(struct breaker *b, int64_t run_id, int64_t now_ms);
void breaker_succeeded(struct breaker *b);
// A probe ended without an answer either way (cancelled, interrupted, a failure that says nothing about the target).
void breaker_unknown(struct breaker *b);

// ---- only failures for five days ----

#define HEALTH_GIVE_UP_MS (120LL * 3600 * 1000)

struct health {
    int64_t failing_since_ms; // 0: the last end was a success, or there was none
    int64_t failures;         // since then
};
// True when nothing but failures came for that long: the reaction is to be disabled.
bool health_failed(struct health *h, int64_t now_ms);
void health_succeeded(struct health *h);
