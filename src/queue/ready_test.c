#include "tests/harness/check.h"

#include "queue/ready.h"

TEST(a_reaction_starts_no_more_than_it_may)
{
    struct ready r = { 0 };
    int limit = 0;
    CHECK("nothing waits at first", !ready_pick(&r, 100, &limit, NULL, NULL));
    ready_waiting(&r, 7, 50);
    ready_limit(&r, 7, 3, false);
    CHECK("not before it is due", !ready_pick(&r, 49, &limit, NULL, NULL));
    struct ready_item *item = ready_pick(&r, 50, &limit, NULL, NULL);
    CHECK("then it is picked", item && item->reaction_id == 7);
    CHECK_INT("for as many as may run", limit, 3);
    CHECK("not twice at once", !ready_pick(&r, 50, &limit, NULL, NULL));
    ready_claimed(&r, 7, 2, 50);
    CHECK("with two running there is room for one", ready_pick(&r, 50, &limit, NULL, NULL) && limit == 1);
    ready_claimed(&r, 7, 1, 50);
    CHECK("with three running there is none", !ready_pick(&r, 50, &limit, NULL, NULL));
    ready_finished(&r, 7);
    CHECK("one ends: one may start", ready_pick(&r, 50, &limit, NULL, NULL) && limit == 1);
    ready_claimed(&r, 7, 0, READY_NEVER);
    ready_finished(&r, 7);
    ready_finished(&r, 7);
    CHECK_INT("idle ones are forgotten", r.count, 0);
    ready_fini(&r);
}

TEST(what_is_under_way_is_counted)
{
    struct ready r = { 0 };
    int limit;
    CHECK_INT("of one that is not known", ready_running(&r, 7), 0);
    ready_limit(&r, 7, 5, false);
    ready_waiting(&r, 7, 100);
    ready_limit(&r, 7, 5, false);
    REQUIRE("picked", ready_pick(&r, 100, &limit, NULL, NULL));
    CHECK_INT("a claim is none", ready_running(&r, 7), 0);
    ready_claimed(&r, 7, 3, READY_NEVER);
    CHECK_INT("what it got is", ready_running(&r, 7), 3);
    ready_finished(&r, 7);
    CHECK_INT("until it ends", ready_running(&r, 7), 2);
    ready_fini(&r);
}

TEST(reactions_take_turns)
{
    struct ready r = { 0 };
    int limit, seen[4] = { 0 };
    for (int64_t id = 1; id <= 3; id++)
        ready_waiting(&r, id, 0);
    for (int i = 0; i < 30; i++) {
        struct ready_item *item = ready_pick(&r, 1, &limit, NULL, NULL);
        REQUIRE("one is always ready", item != NULL);
        seen[item->reaction_id]++;
        ready_claimed(&r, item->reaction_id, 1, 0);
        ready_finished(&r, item->reaction_id);
    }
    for (int id = 1; id <= 3; id++)
        CHECK_INT("each got its share", seen[id], 10);
    ready_fini(&r);
}

TEST(what_comes_during_a_claim_is_not_forgotten)
{
    struct ready r = { 0 };
    int limit;
    ready_waiting(&r, 1, 10);
    ready_limit(&r, 1, 5, false);
    CHECK("a claim begins", ready_pick(&r, 10, &limit, NULL, NULL) != NULL);
    ready_waiting(&r, 1, 20);
    ready_claimed(&r, 1, 1, READY_NEVER);
    CHECK_INT("its time is known", ready_next_due_ms(&r, 15), 20);
    CHECK("and it is picked", ready_pick(&r, 20, &limit, NULL, NULL) != NULL);
    ready_fini(&r);
}

TEST(a_held_reaction_waits)
{
    struct ready r = { 0 };
    int limit;
    ready_waiting(&r, 1, 10);
    ready_limit(&r, 1, 5, true);
    CHECK("nothing is picked", !ready_pick(&r, 10, &limit, NULL, NULL));
    CHECK_INT("no timer is needed", ready_next_due_ms(&r, 5), READY_NEVER);
    ready_limit(&r, 1, 5, false);
    CHECK("until it is let go", ready_pick(&r, 10, &limit, NULL, NULL) != NULL);
    ready_fini(&r);
}

static bool defers(void *ctx, int64_t reaction_id, int *limit UNUSED)
{
    ready_defer(ctx, reaction_id, 5000);
    return false;
}

TEST(what_is_deferred_comes_back_by_the_timer)
{
    struct ready r = { 0 };
    int limit;
    ready_waiting(&r, 1, 0);
    CHECK("not picked", !ready_pick(&r, 1000, &limit, defers, &r));
    CHECK_INT("the timer knows when", ready_next_due_ms(&r, 1000), 5000);
    CHECK("nor before its time", !ready_pick(&r, 4999, &limit, NULL, NULL));
    CHECK("then it is", ready_pick(&r, 5000, &limit, NULL, NULL) != NULL);
    ready_defer(&r, 2, 5000);
    CHECK_INT("what does not wait is not added", r.count, 1);
    ready_fini(&r);
}

TEST_MAIN()
