#include "tests/harness/check.h"

#include "queue/backoff.h"

TEST(waits_follow_the_standard_schedule)
{
    static const struct { const char *claim; int64_t attempt, seconds; } rows[] = {
        { "the second try comes after 5 s", 1, 5 },      { "the third after 5 min", 2, 300 },  { "then 30 min", 3, 1800 },  { "2 h", 4, 7200 },
        { "5 h", 5, 18000 }, { "10 h", 6, 36000 }, { "14 h", 7, 50400 }, { "20 h", 8, 72000 }, { "24 h", 9, 86400 }, { "and every further one 24 h", 40, 86400 },
    };
    struct random_seeded r;
    random_seed(&r, 1);
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int n = 0; n < 50; n++) {
            int64_t ms = backoff_next_ms(NULL, 0, rows[i].attempt, -1, &r.random);
            CHECK(rows[i].claim, ms >= rows[i].seconds * 800 && ms <= rows[i].seconds * 1200);
        }
}

TEST(a_reaction_may_have_its_own_waits)
{
    static const int64_t own[] = { 1, 0, 60 };
    struct random_seeded r;
    random_seed(&r, 2);
    CHECK_INT("a wait of nothing stays nothing", backoff_next_ms(own, 3, 2, -1, &r.random), 0);
    int64_t last = backoff_next_ms(own, 3, 9, -1, &r.random);
    CHECK("the last one repeats", last >= 48000 && last <= 72000);
}

TEST(retry_after_is_honoured_within_a_day)
{
    struct random_seeded r;
    random_seed(&r, 3);
    CHECK_INT("more than the schedule wins", backoff_next_ms(NULL, 0, 1, 60000, &r.random), 60000);
    CHECK("less does not", backoff_next_ms(NULL, 0, 2, 1000, &r.random) > 200000);
    CHECK_INT("a week is cut to a day", backoff_next_ms(NULL, 0, 1, 7 * BACKOFF_RETRY_AFTER_MAX_MS, &r.random), BACKOFF_RETRY_AFTER_MAX_MS);
}

TEST_MAIN()
