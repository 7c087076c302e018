#include "access/throttle.h"

#include "base/limits.h"
#include "tests/harness/check.h"

#include <stdio.h>

static const int64_t start = 1000000000;

static int tries(struct throttle *t, const str *keys, size_t count, int n, int64_t now)
{
    int went = 0;
    for (int i = 0; i < n; i++)
        went += throttle_take(t, keys, count, now) == 0;
    return went;
}

TEST(ten_tries_in_a_quarter_of_an_hour)
{
    struct throttle t = { 0 };
    str ann[] = { STR("account:ann"), STR("network:192.0.2.0/24") }, bob_there[] = { STR("account:bob"), STR("network:192.0.2.0/24") };
    str ann_elsewhere[] = { STR("account:ann"), STR("network:198.51.100.0/24") }, bob_elsewhere[] = { STR("account:bob"), STR("network:198.51.100.0/24") };
    CHECK_INT("ten of twelve go on", tries(&t, ann, 2, 12, start), 10);
    CHECK_INT("the eleventh hears how long to wait", throttle_take(&t, ann, 2, start + 60000), THROTTLE_WINDOW_MS - 60000);
    CHECK("the account is closed from another network too", throttle_take(&t, ann_elsewhere, 2, start) > 0);
    CHECK("the network is closed for another account too", throttle_take(&t, bob_there, 2, start) > 0);
    CHECK_INT("another account from another network goes on", throttle_take(&t, bob_elsewhere, 2, start), 0);
    CHECK_INT("after the time all of it is open again", tries(&t, ann, 2, 12, start + THROTTLE_WINDOW_MS), 10);
    throttle_fini(&t);
}

TEST(the_window_slides)
{
    struct throttle t = { 0 };
    str key = STR("account:ann");
    for (int i = 0; i < THROTTLE_TRIES; i++)
        throttle_take(&t, &key, 1, start + i * 60000);
    CHECK("full", throttle_take(&t, &key, 1, start + 14 * 60000) > 0);
    CHECK_INT("one try comes back when the first is old", tries(&t, &key, 1, 5, start + THROTTLE_WINDOW_MS), 1);
    throttle_fini(&t);
}

TEST(success_is_no_try)
{
    struct throttle t = { 0 };
    str key = STR("account:ann");
    int went = 0;
    for (int i = 0; i < 100; i++) {
        went += throttle_take(&t, &key, 1, start) == 0;
        throttle_give_back(&t, &key, 1);
    }
    CHECK_INT("who knows the password is not kept out", went, 100);
    CHECK_INT("a name that is empty counts nowhere", tries(&t, &(str){ "", 0 }, 1, 30, start), 30);
    throttle_fini(&t);
}

TEST(the_table_is_bounded)
{
    struct throttle t = { 0 };
    str ann = STR("account:ann");
    char name[64];
    tries(&t, &ann, 1, 10, start);
    int late = 0;
    for (int i = 0; i < LIMIT_THROTTLE_ENTRIES + 1000; i++) {
        snprintf(name, sizeof name, "network:10.%d.%d.0/24", i >> 8, i & 255);
        str key = str_from(name);
        bool went = throttle_take(&t, &key, 1, start) == 0;
        late += i >= LIMIT_THROTTLE_ENTRIES && went;
    }
    CHECK("it does not grow beyond its limit", t.tries.count <= LIMIT_THROTTLE_ENTRIES + 1);
    CHECK("newcomers share what one may", late <= THROTTLE_TRIES);
    CHECK("and nobody is forgotten for it", throttle_take(&t, &ann, 1, start) > 0);
    CHECK_INT("what is old makes room", tries(&t, &(str){ "network:late", 12 }, 1, 12, start + THROTTLE_WINDOW_MS + 1), 10);
    throttle_fini(&t);
}

TEST(networks)
{
    struct arena a = { 0 };
    CHECK_STR("IPv4", throttle_network(&a, STR("192.0.2.7")), STR("network:192.0.2.0/24"));
    CHECK_STR("IPv6", throttle_network(&a, STR("2001:db8:1:2:3::4")), STR("network:2001:db8:1::/48"));
    CHECK_STR("loopback", throttle_network(&a, STR("127.0.0.1")), STR("network:127.0.0.0/24"));
    CHECK_STR("what is no address", throttle_network(&a, STR("?")), STR("network:?"));
    arena_fini(&a);
}

TEST_MAIN()
