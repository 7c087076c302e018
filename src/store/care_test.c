#include "tests/store/bench.h"

TEST(old_rows_are_removed)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{}");
        item.idempotency_key = STR("k");
        int64_t event = accept(&f, &item).event_id;
        match(&f, event, 3, false, "");
        claim(&f, 3, 1, 20);
        finish(&f, f.run_ids[0], 1, RUN_SUCCEEDED, 0);
        struct store_keep keep = { 100, 100, 100, 100 };
        bool more = true;
        CHECK_OK("nothing is old yet", store_purge(f.store, &keep, 60, 1000, &more, &f.e) && !more, &f.e);
        CHECK_INT("so the run is there", state_of(&f, f.run_ids[0]), RUN_SUCCEEDED);
        for (int i = 0; i < 3; i++)
            CHECK_OK("later all of it is", store_purge(f.store, &keep, 100000, 1000, &more, &f.e), &f.e);
        CHECK("the run is gone", (int)state_of(&f, f.run_ids[0]) == -1);
        struct store_event *v = NULL;
        CHECK_OK("and its event", store_event_get(f.store, 1, event, &f.a, &v, &f.e) && !v, &f.e);
        CHECK("and the key may be used again", accept(&f, &item).outcome == ACCEPT_NEW && f.accepted[0].event_id > event);
    }
}

TEST(the_use_of_a_key_is_added_up)
{
    ON_EVERY_ENGINE(f) {
        struct store_key_use use;
        CHECK_OK("a key never used", store_key_use_get(f.store, 5, &f.a, &use, &f.e), &f.e);
        CHECK("has no count", use.count == 0 && use.last_used_ms == 0);
        store_key_used(f.store, (struct store_key_use[]){ { 5, 1000, 3, STR("192.0.2.1") }, { 6, 900, 1, STR("192.0.2.9") } }, 2);
        store_key_used(f.store, (struct store_key_use[]){ { 5, 800, 2, STR("192.0.2.2") } }, 1);
        struct store_put last = { .object = { .kind = KIND_TRIGGER, .id = 1, .space_id = 1, .doc = STR("{}") }, .expected_version = STORE_ANY_VERSION };
        CHECK_OK("a change that is waited for comes after them", store_change(f.store, &last, 1, NULL, 0, &f.e), &f.e);
        CHECK_OK("then they are there", store_key_use_get(f.store, 5, &f.a, &use, &f.e), &f.e);
        CHECK_INT("added up", use.count, 5);
        CHECK_INT("the latest time stays", use.last_used_ms, 1000);
        CHECK_STR("with the address told last", use.address, STR("192.0.2.2"));
    }
}

TEST(what_still_waits_is_never_old)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{}");
        int64_t judged = accept(&f, &item).event_id, waiting = accept(&f, &item).event_id;
        match(&f, judged, 3, false, "");
        struct store_keep keep = { 1, 1, 1, 1 };
        bool more = true;
        for (int i = 0; i < 3; i++)
            CHECK_OK("everything old is removed", store_purge(f.store, &keep, 1000000, 1000, &more, &f.e), &f.e);
        CHECK_INT("but a run that waits", state_of(&f, f.run_ids[0]), RUN_QUEUED);
        struct store_event *v = NULL;
        CHECK_OK("its event", store_event_get(f.store, 1, judged, &f.a, &v, &f.e) && v, &f.e);
        CHECK_OK("and an event nobody has judged yet", store_event_get(f.store, 1, waiting, &f.a, &v, &f.e) && v, &f.e);
    }
}

TEST(removing_goes_in_steps)
{
    ON_EVERY_ENGINE(f) {
        for (int i = 0; i < 5; i++) {
            struct store_accept item = event_of(7, "{}");
            item.idempotency_key = arena_printf(&f.a, "k%d", i);
            accept(&f, &item);
        }
        struct store_keep keep = { .dedupe_ms = 1 };
        bool more = false;
        int steps = 0;
        do {
            CHECK_OK("a step", store_purge(f.store, &keep, 1000000, 2, &more, &f.e), &f.e);
            steps++;
        } while (more && steps < 10);
        CHECK_INT("five rows, two at a time, take three", steps, 3);
    }
}

TEST_MAIN()
