// rates.h - how many requests a trigger takes from whom: a token bucket for each trigger, key and source together, so that one noisy
// sender leaves the others alone, and who has no key cannot use up a sender's room. Pure: the time is given. Not for two threads at once.
//
// At most RATES_MAX buckets. What is full again is forgotten; when none is, further senders of a trigger share one.
#pragma once

#include "base/map.h"

#define RATES_MAX 8192

struct rates {
    struct map buckets;
    int64_t swept_ms; // when the full ones were last looked for
};

struct rates_limit {
    int64_t per_second, burst; // burst 0: as per_second
};

// source: the sender's address as bytes, however long; key_id 0: none. False: no room; *retry_after_s says when there is.
bool rates_take(struct rates *r, int64_t trigger_id, int64_t key_id, str source, struct rates_limit limit, int64_t now_ms, int *retry_after_s);
void rates_fini(struct rates *r);
