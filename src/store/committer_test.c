#include "tests/store/bench.h"

TEST(nothing_is_acknowledged_by_a_commit_that_failed)
{
    ON_EVERY_ENGINE(f) {
        struct store_faults sync_fails = { .fail_commit_every = 1 }, full = { .full_after = 1 };
        struct store_accept item = event_of(7, "{}");
        store_set_faults(f.store, &sync_fails);
        CHECK("a failed sync accepts nothing", accept(&f, &item).outcome == ACCEPT_FAILED && f.accept_error.kind == ERR_IO);
        store_set_faults(f.store, &full);
        CHECK("a full disk accepts nothing, but may pass", accept(&f, &item).outcome == ACCEPT_FAILED && f.accept_error.kind == ERR_BUSY);
        store_set_faults(f.store, &(struct store_faults){ 0 });
        CHECK("then work goes on", accept(&f, &item).outcome == ACCEPT_NEW);
        struct store_events events;
        struct event_filter all = { .source = -1 };
        CHECK_OK("events are listed", store_event_list(f.store, &all, (struct store_page){ .take = 10 }, true, &f.a, &events, &f.e), &f.e);
        CHECK_INT("only the acknowledged one is there", events.total, 1);
        if (f.path)
            CHECK_INT("the handle was opened anew once, for the sync", store_stats(f.store).reopened, 1);
    }
}

TEST(the_queue_is_bounded)
{
    struct fixture f;
    begin(&f, true);
    store_close(f.store);
    struct store_options opt = { .path = f.path, .clock = &f.clock.clock, .max_queued_requests = 4, .faults = { .delay_us = 20000 } };
    REQUIRE("the store opens again", store_open(&opt, &f.store, &f.e));
    struct store_accept item = event_of(7, "{}");
    int taken = 0, refused = 0;
    for (int i = 0; i < 50; i++) {
        struct err e = { 0 };
        if (store_accept(f.store, f.loop, &item, 1, NULL, on_accepted, &f, &e))
            taken++;
        else
            refused += e.kind == ERR_BUSY;
    }
    CHECK("some were taken", taken >= 4);
    CHECK("the rest was refused at once", refused == 50 - taken && refused > 0);
    while (f.calls < taken)
        loop_run(f.loop);
    CHECK_INT("all that was taken was answered", f.calls, taken);
    end(&f);
}

TEST(what_can_be_derived_again_is_not_synced_alone)
{
    struct fixture f;
    begin(&f, true);
    struct store_accept item = event_of(7, "{}");
    int64_t event = accept(&f, &item).event_id;
    CHECK_INT("an accepted event is synced", store_stats(f.store).unsynced_commits, 0);
    match(&f, event, 3, false, "");
    CHECK_INT("its match is not", store_stats(f.store).unsynced_commits, 1);
    claim(&f, 3, 1, 20);
    finish(&f, f.run_ids[0], 1, RUN_SUCCEEDED, 0);
    CHECK_INT("a claim and an end are again", store_stats(f.store).unsynced_commits, 1);
    event = accept(&f, &item).event_id;
    CHECK_INT("as is the next event", store_stats(f.store).unsynced_commits, 1);
    end(&f);
}

TEST(answers_may_come_in_any_order)
{
    ON_EVERY_ENGINE(f) {
        store_set_faults(f.store, &(struct store_faults){ .reorder = true, .delay_us = 2000 });
        int taken = 0;
        for (int i = 0; i < 20; i++) {
            struct store_accept item = event_of(7, "{}");
            taken += store_accept(f.store, f.loop, &item, 1, NULL, on_accepted, &f, &f.e);
        }
        while (f.calls < taken)
            loop_run(f.loop);
        CHECK_INT("each is answered once", f.calls, 20);
        struct store_events out;
        struct event_filter all = { .source = -1 };
        CHECK_OK("and all", store_event_list(f.store, &all, (struct store_page){ .take = 50 }, false, &f.a, &out, &f.e), &f.e);
        CHECK_INT("are stored", out.total, 20);
    }
}

TEST(closing_answers_what_was_queued)
{
    struct fixture f;
    begin(&f, true);
    store_set_faults(f.store, &(struct store_faults){ .delay_us = 5000 });
    int taken = 0;
    for (int i = 0; i < 10; i++) {
        struct store_accept item = event_of(7, "{}");
        taken += store_accept(f.store, f.loop, &item, 1, NULL, on_accepted, &f, &f.e);
    }
    store_close(f.store);
    open_store(&f, NULL);
    while (f.calls < taken)
        loop_run(f.loop);
    struct store_events out;
    struct event_filter all = { .source = -1 };
    CHECK_OK("after opening again", store_event_list(f.store, &all, (struct store_page){ .take = 50 }, false, &f.a, &out, &f.e), &f.e);
    CHECK_INT("everything that was answered is there", out.total, taken);
    end(&f);
}

TEST(readers_do_not_hold_the_log)
{
    struct fixture f;
    begin(&f, true);
    char *body = xcalloc(1, 64 * 1024 + 1);
    memset(body, 'x', 64 * 1024);
    int64_t largest = 0;
    for (int i = 0; i < 600; i++) {
        CLEANUP(arena_fini) struct arena page = { 0 };
        struct store_accept item = event_of(7, body);
        accept(&f, &item);
        struct store_events out;
        struct event_filter all = { .source = -1 };
        if (!store_event_list(f.store, &all, (struct store_page){ .take = 5 }, true, &page, &out, &f.e))
            CHECK_OK("a page is read", false, &f.e);
        largest = MAX(largest, store_stats(f.store).wal_bytes);
    }
    CHECK("40 MB written between reads leave a log of some megabytes", largest < 12 << 20);
    free(body);
    end(&f);
}

TEST_MAIN()
