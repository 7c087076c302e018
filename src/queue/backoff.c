#include "queue/backoff.h"

// standard-webhooks/spec, "Retry schedule" (senders.md section 5).
static const int64_t standard[] = { 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400 };

int64_t backoff_next_ms(const int64_t *schedule_seconds, size_t count, int64_t attempt, int64_t retry_after_ms, const struct random *random)
{
    if (!schedule_seconds || !count) {
        schedule_seconds = standard;
        count = COUNT(standard);
    }
    size_t at = (size_t)MAX(attempt - 1, 0);
    int64_t wait_ms = schedule_seconds[MIN(at, count - 1)] * 1000;
    wait_ms += (int64_t)((double)wait_ms * 0.2 * (2 * random_unit(random) - 1));
    return MAX(wait_ms, MIN(retry_after_ms, BACKOFF_RETRY_AFTER_MAX_MS));
}
