#include "trigger/rates.h"

#include "tests/harness/check.h"

static struct rates rates;
static int wait_s;

static bool take(int64_t trigger, int64_t key, const char *source, int64_t per_second, int64_t burst, int64_t now_ms)
{
    return rates_take(&rates, trigger, key, str_from(source), (struct rates_limit){ per_second, burst }, now_ms, &wait_s);
}

static void end(void)
{
    rates_fini(&rates);
    rates = (struct rates){ 0 };
}

TEST(a_sender_has_so_many_a_second)
{
    for (int i = 0; i < 5; i++)
        CHECK("a burst", take(1, 1, "a", 2, 5, 1000));
    CHECK("and no more", !take(1, 1, "a", 2, 5, 1000));
    CHECK_INT("says when to come again", wait_s, 1);
    CHECK("not before half a second", !take(1, 1, "a", 2, 5, 1499));
    CHECK("then one", take(1, 1, "a", 2, 5, 1500));
    CHECK("only one", !take(1, 1, "a", 2, 5, 1500));
    CHECK("a long rest", take(1, 1, "a", 2, 5, 1000000));
    for (int i = 0; i < 4; i++)
        CHECK("fills the burst", take(1, 1, "a", 2, 5, 1000000));
    CHECK("and not more", !take(1, 1, "a", 2, 5, 1000000));
    end();
}

TEST(without_a_burst_a_second_s_worth_is_one)
{
    for (int i = 0; i < 3; i++)
        CHECK("three", take(1, 1, "a", 3, 0, 0));
    CHECK("not four", !take(1, 1, "a", 3, 0, 0));
    end();
}

TEST(one_noisy_sender_leaves_the_others_alone)
{
    for (int i = 0; i < 100; i++)
        take(1, 1, "noisy", 1, 2, 0);
    CHECK("it has no room", !take(1, 1, "noisy", 1, 2, 0));
    CHECK("another key has", take(1, 2, "noisy", 1, 2, 0));
    CHECK("another source with that key has", take(1, 1, "quiet", 1, 2, 0));
    CHECK("who has shown no key is another", take(1, 0, "noisy", 1, 2, 0));
    CHECK("another trigger's sender is another", take(2, 1, "noisy", 1, 2, 0));
    CHECK("a longer name is another", take(1, 1, "noisy2", 1, 2, 0));
    end();
}

TEST(a_limit_that_changes_counts_at_once)
{
    CHECK("ten a second", take(1, 1, "a", 10, 10, 0));
    CHECK("one a second", take(1, 1, "a", 1, 1, 0));
    CHECK("is one", !take(1, 1, "a", 1, 1, 0));
    CHECK("more again", take(1, 1, "a", 1000, 1000, 1));
    end();
}

TEST(a_clock_that_goes_back_gives_nothing)
{
    CHECK("one", take(1, 1, "a", 1, 1, 10000));
    CHECK("before", !take(1, 1, "a", 1, 1, 5000));
    CHECK("a second after that", take(1, 1, "a", 1, 1, 6000));
    end();
}

TEST(buckets_are_bounded)
{
    char source[32];
    for (int i = 0; i < RATES_MAX; i++) {
        snprintf(source, sizeof source, "s%d", i);
        CHECK("each sender has its own", take(1, 1, source, 1, 1, 0));
    }
    CHECK("one more has room", take(1, 1, "more", 1, 1, 0));
    CHECK("which further ones share", !take(1, 1, "still more", 1, 1, 0));
    CHECK("those that are known keep theirs", !take(1, 1, "s7", 1, 1, 0));
    CHECK("another trigger's share another", take(2, 1, "more", 1, 1, 0));
    CHECK("no more are kept", rates.buckets.count <= RATES_MAX + 2);
    CHECK("a second later what is full again is forgotten", take(1, 1, "new", 1, 1, 2000));
    CHECK("and there is room for each", take(1, 1, "newer", 1, 1, 2000) && rates.buckets.count < 10);
    end();
}

TEST_MAIN()
