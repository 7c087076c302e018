#include "queue/breaker.h"

#include "tests/harness/check.h"

static void fail_runs(struct breaker *b, int count, int64_t now_ms)
{
    for (int i = 0; i < count; i++)
        breaker_failed(b, 100 + i, now_ms);
}

TEST(it_opens_tries_and_closes)
{
    struct breaker b = { 0 };
    fail_runs(&b, BREAKER_FAILURES - 1, 1000);
    CHECK_INT("one too few", breaker_state(&b, 1000), BREAKER_CLOSED);
    CHECK_INT("all may start", breaker_room(&b, 1000), INT_MAX);
    breaker_failed(&b, 7, 1000);
    CHECK_INT("open", breaker_state(&b, 1000), BREAKER_OPEN);
    CHECK_INT("none may start", breaker_room(&b, 5999), 0);
    fail_runs(&b, 50, 2000);
    CHECK_INT("what had been under way makes it no longer", breaker_room(&b, 6000), 1);
    breaker_started(&b, 6000);
    CHECK_INT("one at a time", breaker_room(&b, 6000), 0);
    breaker_failed(&b, 8, 6100);
    CHECK_INT("twice as long", b.until_ms, 6100 + 2 * BREAKER_FIRST_MS);
    breaker_started(&b, b.until_ms);
    breaker_unknown(&b);
    CHECK_INT("a probe that says nothing leaves the place", breaker_room(&b, b.until_ms), 1);
    breaker_started(&b, b.until_ms);
    breaker_succeeded(&b);
    CHECK_INT("closed", breaker_room(&b, 30000), INT_MAX);
    fail_runs(&b, BREAKER_FAILURES, 40000);
    CHECK_INT("it begins anew", b.until_ms, 40000 + BREAKER_FIRST_MS);
}

TEST(its_time_is_bounded)
{
    struct breaker b = { 0 };
    int64_t now = 0;
    fail_runs(&b, BREAKER_FAILURES, now);
    for (int i = 0; i < 30; i++) {
        now = b.until_ms;
        breaker_started(&b, now);
        breaker_failed(&b, 1, now);
    }
    CHECK_INT("five minutes at most", b.until_ms - now, BREAKER_MAX_MS);
}

TEST(one_run_opens_nothing)
{
    struct breaker b = { 0 };
    for (int i = 0; i < 100; i++)
        breaker_failed(&b, 7, i);
    CHECK_INT("its attempts count once", b.failures, 1);
    breaker_succeeded(&b);
    CHECK_INT("a success between forgets", b.failures, 0);
}

TEST(five_days_of_failure)
{
    struct health h = { 0 };
    int64_t hour = 3600 * 1000;
    CHECK("the first failure", !health_failed(&h, 1000));
    for (int64_t i = 1; i < 120; i++)
        CHECK("not yet", !health_failed(&h, 1000 + i * hour));
    CHECK("a moment before", !health_failed(&h, 999 + 120 * hour));
    CHECK("120 hours of only failures", health_failed(&h, 1000 + 120 * hour));
    health_succeeded(&h);
    CHECK("one success and it begins anew", !health_failed(&h, 1000 + 121 * hour));
    CHECK_INT("from there", h.failing_since_ms, 1000 + 121 * hour);
    CHECK_INT("counted from there", h.failures, 1);
}

TEST_MAIN()
