#include "tests/store/bench.h"

TEST(verdicts_are_kept_with_what_they_saw)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{}");
        int64_t event = accept(&f, &item).event_id;
        struct store_run run = { .space_id = 1, .reaction_id = 3, .revision_number = 2, .event_id = event, .key = STR("k"), .queued_ms = 10, .due_ms = 10 };
        struct store_verdict verdicts[] = {
            { .reaction_id = 3, .revision_number = 2, .verdict = VERDICT_MATCHED, .run_id = 1, .parts = STR("[{\"Part\":\"Events\"}]") },
            { .reaction_id = 4, .revision_number = 1, .verdict = VERDICT_NOT_MATCHED },
            { .reaction_id = 5, .revision_number = 1, .verdict = VERDICT_DISABLED },
            { .reaction_id = 6, .revision_number = 9, .verdict = VERDICT_ERROR },
        };
        struct store_match m = { event, verdicts, COUNT(verdicts), &run, 1 };
        store_match(f.store, f.loop, &m, 1, on_matched, &f);
        loop_run(f.loop);
        struct store_verdicts out;
        CHECK_OK("they are listed", store_verdict_list(f.store, event, &f.a, &out, &f.e), &f.e);
        REQUIRE("all of them", out.count == COUNT(verdicts));
        CHECK_INT("the match names its run", out.items[0].run_id, f.run_ids[0]);
        CHECK_STR("and its parts", out.items[0].parts, STR("[{\"Part\":\"Events\"}]"));
        CHECK_INT("each its revision", out.items[3].revision_number, 9);
        CHECK("and its kind", out.items[2].verdict == VERDICT_DISABLED && out.items[3].verdict == VERDICT_ERROR);
        struct store_event *v = NULL;
        CHECK_OK("the event", store_event_get(f.store, 1, event, &f.a, &v, &f.e) && v, &f.e);
        CHECK("counts them: disabled is not matched", v && v->matched == 1 && v->not_matched == 2 && v->errors == 1);
    }
}

TEST(a_match_that_was_not_committed_is_made_again)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{}");
        int64_t event = accept(&f, &item).event_id;
        store_set_faults(f.store, &(struct store_faults){ .full_after = 1 });
        match(&f, event, 3, false, "");
        CHECK_INT("a full disk makes no run", f.run_ids[0], 0);
        store_set_faults(f.store, &(struct store_faults){ 0 });
        struct store_events waiting;
        CHECK_OK("the event still waits", store_events_unmatched(f.store, 0, 10, 1 << 20, &f.a, &waiting, &f.e) && waiting.count == 1, &f.e);
        match(&f, event, 3, false, "");
        CHECK("and then has its run", f.run_ids[0] > 0);
    }
}

static int64_t debounced(struct fixture *f, int64_t event_id, int64_t reaction_id, const char *key)
{
    struct store_run run = { .space_id = 1, .reaction_id = reaction_id, .revision_number = 1, .event_id = event_id, .key = STR("k"), .queued_ms = 10, .due_ms = 10, .debounce_key = str_from(key) };
    struct store_verdict verdict = { .reaction_id = reaction_id, .revision_number = 1, .verdict = VERDICT_MATCHED, .run_id = 1, .parts = STR("[]") };
    struct store_match m = { event_id, &verdict, 1, &run, 1 };
    store_match(f->store, f->loop, &m, 1, on_matched, f);
    loop_run(f->loop);
    return f->run_ids[0];
}

static enum run_state kept_state(struct fixture *f, int64_t id)
{
    struct store_run *run = NULL;
    CHECK_OK("the run", store_run_get(f->store, 1, id, &f->a, &run, &f->e) && run, &f->e);
    return run ? run->state : RUN_RUNNING;
}

TEST(only_the_last_of_a_debounce_key_waits)
{
    ON_EVERY_ENGINE(f) {
        int64_t events[6], runs[6];
        const char *keys[] = { "=a", "=a", "=b", "", "=a", "=a" };
        const int64_t reactions[] = { 3, 3, 3, 3, 4, 3 };
        for (size_t i = 0; i < 6; i++) {
            struct store_accept item = event_of(7, arena_printf(&f.a, "{\"i\":%zu}", i).p);
            events[i] = accept(&f, &item).event_id;
        }
        for (size_t i = 0; i < 5; i++)
            runs[i] = debounced(&f, events[i], reactions[i], keys[i]);
        CHECK_INT("the first of a key is replaced", kept_state(&f, runs[0]), RUN_CANCELLED);
        CHECK_INT("the last waits", kept_state(&f, runs[1]), RUN_QUEUED);
        CHECK("another key, no key, another reaction too", kept_state(&f, runs[2]) == RUN_QUEUED && kept_state(&f, runs[3]) == RUN_QUEUED && kept_state(&f, runs[4]) == RUN_QUEUED);
        CHECK_INT("three of them start", claim(&f, 3, 10, 20), 3);
        runs[5] = debounced(&f, events[5], 3, "=a");
        CHECK_INT("what has started is not replaced", kept_state(&f, runs[1]), RUN_RUNNING);
        CHECK_INT("its successor waits beside it", kept_state(&f, runs[5]), RUN_QUEUED);
    }
}

TEST(a_replay_is_a_run_of_its_own_number)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{}");
        int64_t event = accept(&f, &item).event_id;
        match(&f, event, 3, false, "");
        struct store_run again[] = {
            { .space_id = 1, .reaction_id = 3, .event_id = event, .key = STR("r1"), .replay_of = f.run_ids[0] },
            { .space_id = 1, .reaction_id = 3, .event_id = event, .key = STR("r2"), .replay_of = f.run_ids[0] },
            { .space_id = 1, .reaction_id = 8, .event_id = event, .key = STR("r3") },
        };
        int64_t ids[3];
        CHECK_OK("three are added", store_run_add(f.store, again, 3, ids, &f.e), &f.e);
        const int64_t want[] = { 1, 2, 1 };
        for (size_t i = 0; i < 3; i++) {
            struct store_run *run = NULL;
            CHECK_OK("read", store_run_get(f.store, 1, ids[i], &f.a, &run, &f.e) && run, &f.e);
            CHECK_INT("numbered by event and reaction, from 1", run ? run->replay_number : -1, want[i]);
        }
    }
}

TEST_MAIN()
