// backoff.h - when a failed attempt is tried again.
//
// The schedule of Standard Webhooks (immediately, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h)
// or a list of the reaction's own; the last wait repeats. Each wait is moved by up to 20 % either
// way, so that what failed together does not come back together. A Retry-After that asks for more wins,
// up to 24 hours.
#pragma once

#include "sys/random.h"

#define BACKOFF_RETRY_AFTER_MAX_MS (24 * 3600 * 1000LL)

// attempt: the one that just failed, from 1. schedule_seconds NULL: Standard Webhooks.
// retry_after_ms: what the other side asked for; negative: nothing.
int64_t backoff_next_ms(const int64_t *schedule_seconds, size_t count, int64_t attempt, int64_t retry_after_ms, const struct random *random);
