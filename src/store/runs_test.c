#include "tests/store/bench.h"

#include <sched.h>

TEST(a_run_is_matched_claimed_and_finished_once)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{}");
        int64_t event = accept(&f, &item).event_id;
        struct store_events waiting;
        CHECK_OK("the event waits for matching", store_events_unmatched(f.store, 0, 10, 1 << 20, &f.a, &waiting, &f.e) && waiting.count == 1, &f.e);
        match(&f, event, 3, false, "");
        int64_t run = f.run_ids[0];
        CHECK("a run came of it", run > 0);
        match(&f, event, 3, false, "");
        CHECK_INT("a second matching makes none", f.run_ids[0], 0);
        CHECK_OK("the event waits no longer", store_events_unmatched(f.store, 0, 10, 1 << 20, &f.a, &waiting, &f.e) && waiting.count == 0, &f.e);

        CHECK_INT("not before it is due", claim(&f, 3, 5, 9), 0);
        CHECK_INT("another reaction's claim gets nothing", claim(&f, 4, 5, 20), 0);
        CHECK_INT("it is claimed", claim(&f, 3, 5, 20), 1);
        CHECK_INT("as its first attempt", f.claimed[0].attempts, 1);
        int64_t fence = f.claimed[0].fence;
        CHECK_INT("and only once", claim(&f, 3, 5, 20), 0);
        CHECK("an old fence changes nothing", !finish(&f, run, fence - 1, RUN_SUCCEEDED, 0));
        CHECK("the present one does", finish(&f, run, fence, RUN_WAITING, 100));
        CHECK_INT("it waits until due", claim(&f, 3, 5, 99), 0);
        CHECK_INT("and is tried again", claim(&f, 3, 5, 100), 1);
        CHECK_INT("with a higher fence", f.claimed[0].fence, fence + 1);
        CHECK("and ends", finish(&f, run, fence + 1, RUN_SUCCEEDED, 0));
        CHECK_INT("as succeeded", state_of(&f, run), RUN_SUCCEEDED);
        CHECK("a late answer changes nothing", !finish(&f, run, fence + 1, RUN_FAILED, 0));

        struct store_attempts attempts;
        CHECK_OK("attempts are listed", store_attempt_list(f.store, run, &f.a, &attempts, &f.e), &f.e);
        CHECK_INT("both", attempts.count, 2);
        CHECK("a finished run is not retried", !store_run_retry(f.store, 1, run, 200, &f.e) && f.e.kind == ERR_CONFLICT);
    }
}

TEST(runs_of_one_order_key_go_one_after_the_other)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{}");
        int64_t first = accept(&f, &item).event_id, second = accept(&f, &item).event_id, other = accept(&f, &item).event_id;
        match(&f, first, 3, true, "Deployments-1");
        int64_t run = f.run_ids[0];
        match(&f, second, 3, true, "Deployments-1");
        match(&f, other, 3, true, "Deployments-2");
        CHECK_INT("one of each key may start", claim(&f, 3, 5, 20), 2);
        CHECK("the first waits for a retry", finish(&f, run, f.claimed[0].fence, RUN_WAITING, 1000));
        CHECK_INT("so the second still may not start", claim(&f, 3, 5, 20), 0);
        CHECK_INT("the first is tried again", claim(&f, 3, 5, 1000), 1);
        CHECK("and ends", finish(&f, run, f.claimed[0].fence, RUN_SUCCEEDED, 0));
        CHECK_INT("now the second starts", claim(&f, 3, 5, 1000), 1);
    }
}

static void check_stored(struct fixture *f, const char *claim, int64_t run, enum run_state state, int64_t attempts, int64_t started_ms)
{
    struct store_run *r = NULL;
    struct store_attempts list;
    CHECK_OK(claim, store_run_get(f->store, 1, run, &f->a, &r, &f->e) && r, &f->e);
    CHECK_INT(claim, r->state, state);
    CHECK_INT("... its attempts are counted", r->attempts, attempts);
    CHECK_INT("... its start is told", r->started_ms, started_ms);
    CHECK_OK("... its attempts are listed", store_attempt_list(f->store, run, &f->a, &list, &f->e), &f->e);
    CHECK_INT("... so many", list.count, attempts);
}

TEST(a_claim_is_no_start)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{}");
        int64_t a = accept(&f, &item).event_id, b = accept(&f, &item).event_id, c = accept(&f, &item).event_id;
        match(&f, a, 3, false, "");
        int64_t waits = f.run_ids[0];
        match(&f, b, 4, false, "");
        int64_t begins = f.run_ids[0];
        match(&f, c, 5, false, "");
        int64_t again = f.run_ids[0];
        CHECK_INT("claimed", claim_only(&f, 3, 1, 20), 1);
        check_stored(&f, "a claimed run is running", waits, RUN_RUNNING, 1, 0);
        CHECK_INT("claimed", claim_only(&f, 4, 1, 20), 1);
        CHECK("an old fence begins nothing", !begin_run(&f, begins, f.claimed[0].fence - 1, 21));
        CHECK("the present one does", begin_run(&f, begins, f.claimed[0].fence, 22));
        check_stored(&f, "it has begun", begins, RUN_RUNNING, 1, 22);
        claim(&f, 5, 1, 20);
        finish(&f, again, f.claimed[0].fence, RUN_WAITING, 30);
        CHECK_INT("one that failed once is claimed again", claim_only(&f, 5, 1, 40), 1);
        int64_t requeued = 0, interrupted = 0;
        CHECK_OK("recovery runs", store_recover(f.store, 500, &requeued, &interrupted, &f.e), &f.e);
        CHECK_INT("two had not begun", requeued, 2);
        CHECK_INT("one had", interrupted, 1);
        check_stored(&f, "what had not begun is as before", waits, RUN_QUEUED, 0, 0);
        check_stored(&f, "... with the attempt it had had", again, RUN_WAITING, 1, 20);
        check_stored(&f, "what had begun is interrupted", begins, RUN_INTERRUPTED, 1, 22);
        CHECK_INT("it is claimed anew", claim_only(&f, 3, 1, 600), 1);
        CHECK_INT("... under another fence", f.claimed[0].fence, 2);
        CHECK("an attempt that came to nothing is given back", release(&f, waits, 2, 700));
        check_stored(&f, "it waits as before", waits, RUN_QUEUED, 0, 0);
        CHECK_INT("until it is due", claim_only(&f, 3, 1, 699), 0);
        CHECK("its fence is over", !release(&f, waits, 2, 700));
    }
}

TEST(a_restart_repeats_only_what_may_be_repeated)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{}");
        int64_t a = accept(&f, &item).event_id, b = accept(&f, &item).event_id;
        match(&f, a, 3, true, "");
        int64_t repeatable = f.run_ids[0];
        match(&f, b, 4, false, "");
        int64_t script = f.run_ids[0];
        claim(&f, 3, 1, 20);
        claim(&f, 4, 1, 20);
        int64_t requeued = 0, interrupted = 0;
        CHECK_OK("recovery runs", store_recover(f.store, 500, &requeued, &interrupted, &f.e), &f.e);
        CHECK_INT("one is queued again", requeued, 1);
        CHECK_INT("one was interrupted", interrupted, 1);
        CHECK_INT("the repeatable one waits", state_of(&f, repeatable), RUN_WAITING);
        CHECK_INT("the script does not", state_of(&f, script), RUN_INTERRUPTED);
        CHECK_OK("by hand it may be repeated", store_run_retry(f.store, 1, script, 600, &f.e), &f.e);
        CHECK_INT("then it is queued", state_of(&f, script), RUN_QUEUED);
        CHECK_OK("and may be cancelled", store_run_cancel(f.store, 1, script, 600, &f.e), &f.e);
        CHECK_INT("which ends it", state_of(&f, script), RUN_CANCELLED);
    }
}

static void append(struct fixture *f, int64_t run, int lines)
{
    for (int i = 0; i < lines; i++) {
        struct store_log_line line = { run, 1, 100 + i, STR("Info"), arena_printf(&f->a, "line %d", i) };
        struct store_api_call call = { run, 1, 100 + i, STR("{\"Method\":\"GET\"}") };
        store_append(f->store, &line, 1, i ? NULL : &call, i ? 0 : 1);
    }
}

TEST(what_a_run_wrote_is_there_when_it_ends)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{}");
        int64_t event = accept(&f, &item).event_id;
        match(&f, event, 3, false, "");
        int64_t run = f.run_ids[0];
        claim(&f, 3, 1, 20);
        append(&f, run, 5);
        CHECK("it ends", finish(&f, run, f.claimed[0].fence, RUN_FAILED, 0));
        struct store_log log;
        CHECK_OK("the log is read", store_log_list(f.store, run, 0, 3, 0, &f.a, &log, &f.e), &f.e);
        REQUIRE("a page of it", log.count == 3);
        CHECK_STR("in order", log.items[2].text, STR("line 2"));
        CHECK_OK("and the rest", store_log_list(f.store, run, log.ids[2], 10, 0, &f.a, &log, &f.e), &f.e);
        REQUIRE("two more", log.count == 2);
        CHECK_STR("to the end", log.items[1].text, STR("line 4"));
        struct store_attempts attempts;
        CHECK_OK("its attempt is read", store_attempt_list(f.store, run, &f.a, &attempts, &f.e), &f.e);
        REQUIRE("there is one", attempts.count == 1);
        CHECK("with its call and its end", attempts.items[0].call_count == 1 && attempts.items[0].outcome == ATTEMPT_FAILED && attempts.items[0].finished_ms == 50);
    }
}

TEST(runs_are_found_by_each_filter)
{
    ON_EVERY_ENGINE(f) {
        int64_t events[3];
        for (int i = 0; i < 3; i++) {
            struct store_accept item = event_of(7, "{}");
            events[i] = accept(&f, &item).event_id;
            match(&f, events[i], 3 + i % 2, false, "");
        }
        claim(&f, 3, 1, 20);
        const struct { const char *claim; struct run_filter filter; int64_t want; } rows[] = {
            { "no filter", { 0 }, 3 },
            { "by space", { .space_id = 2 }, 0 },
            { "by reaction", { .reaction_id = 3 }, 2 },
            { "by event", { .event_id = events[1] }, 1 },
            { "by state", { .states = 1u << RUN_RUNNING }, 1 },
            { "by one of two states", { .states = 1u << RUN_RUNNING | 1u << RUN_QUEUED }, 3 },
            { "from", { .from_ms = 11 }, 0 },
            { "to, which is not in it", { .to_ms = 10 }, 0 },
            { "within", { .from_ms = 10, .to_ms = 11 }, 3 },
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
            struct store_runs out;
            CHECK_OK("listed", store_run_list(f.store, &rows[i].filter, (struct store_page){ .take = 2 }, &f.a, &out, &f.e), &f.e);
            CHECK_INT(rows[i].claim, out.total, rows[i].want);
            CHECK("newest first", out.count < 2 || out.items[0].id > out.items[1].id);
        }
    }
}

TEST(the_engine_sees_what_waits_after_a_start)
{
    ON_EVERY_ENGINE(f) {
        for (int i = 0; i < 3; i++) {
            struct store_accept item = event_of(7, "{}");
            match(&f, accept(&f, &item).event_id, 3 + i % 2, true, "");
        }
        claim(&f, 4, 1, 20);
        CHECK("one waits for a retry", finish(&f, f.claimed[0].id, f.claimed[0].fence, RUN_WAITING, 700));
        struct store_queue heads;
        CHECK_OK("the queue is read", store_queue_heads(f.store, &f.a, &heads, &f.e), &f.e);
        REQUIRE("two reactions have something", heads.count == 2);
        CHECK("what waits of each, and from when", heads.items[0].reaction_id == 3 && heads.items[0].waiting == 2 && heads.items[0].first_due_ms == 10);
        CHECK("a retry from its time", heads.items[1].reaction_id == 4 && heads.items[1].waiting == 1 && heads.items[1].first_due_ms == 700);
        int64_t due = 0;
        CHECK_OK("the next due time", store_next_due(f.store, 4, 0, &due, &f.e), &f.e);
        CHECK_INT("is that of the retry", due, 700);
        CHECK_OK("after it", store_next_due(f.store, 4, 700, &due, &f.e), &f.e);
        CHECK("there is none", due == INT64_MAX);
    }
}

TEST(many_runs_are_changed_at_once)
{
    ON_EVERY_ENGINE(f) {
        int64_t runs[4];
        size_t changed = 0;
        for (size_t i = 0; i < 4; i++) {
            struct store_accept item = event_of(7, arena_printf(&f.a, "{\"i\":%zu}", i).p);
            match(&f, accept(&f, &item).event_id, 3, false, "");
            runs[i] = f.run_ids[0];
        }
        CHECK_INT("one runs", claim(&f, 3, 1, 20), 1);
        CHECK_OK("all are to be cancelled", store_runs_by_hand(f.store, runs, 4, true, 30, &changed, &f.e), &f.e);
        CHECK_INT("the one that runs is passed over", changed, 3);
        CHECK_OK("and to be retried", store_runs_by_hand(f.store, runs, 4, false, 40, &changed, &f.e), &f.e);
        CHECK_INT("cancelled and running ones are not", changed, 0);
        CHECK_OK("none", store_runs_by_hand(f.store, runs, 0, false, 40, &changed, &f.e), &f.e);
        CHECK_INT("is nothing", changed, 0);
    }
}

TEST(what_a_run_created_leads_back_to_it)
{
    ON_EVERY_ENGINE(f) {
        int64_t run = 0;
        str ids[] = { STR("Releases-9"), STR("Deployments-4") };
        store_append(f.store, NULL, 0, &(struct store_api_call){ .run_id = 42, .attempt = 1, .at_ms = 5, .doc = STR("{}"), .connection_id = 2, .created = ids, .created_count = 2 }, 1);
        size_t none;
        CHECK_OK("a write behind it", store_runs_by_hand(f.store, &run, 1, false, 1, &none, &f.e), &f.e);
        CHECK_OK("asked", store_created_by(f.store, 2, STR("deployments-4"), &run, &f.e), &f.e);
        CHECK_INT("case does not count", run, 42);
        CHECK_OK("asked", store_created_by(f.store, 3, STR("Releases-9"), &run, &f.e), &f.e);
        CHECK_INT("another Octopus has other documents", run, 0);
        CHECK_OK("asked", store_created_by(f.store, 2, STR("Releases-99"), &run, &f.e), &f.e);
        CHECK_INT("nobody's", run, 0);
    }
}

TEST(the_calls_of_a_reactions_runs_come_newest_first_in_pages)
{
    ON_EVERY_ENGINE(f) {
        for (int i = 0; i < 3; i++) {
            struct store_accept item = event_of(7, arena_printf(&f.a, "{\"i\":%d}", i).p);
            match(&f, accept(&f, &item).event_id, i < 2 ? 3 : 4, false, "");
            for (int n = 0; n <= i && i != 1; n++)
                store_append(f.store, NULL, 0, &(struct store_api_call){ .run_id = f.run_ids[0], .attempt = 1, .at_ms = 5, .doc = arena_printf(&f.a, "{\"run\":%d}", i) }, 1);
        }
        size_t none;
        CHECK_OK("a write behind it", store_runs_by_hand(f.store, NULL, 0, true, 1, &none, &f.e), &f.e);
        struct store_calls calls;
        CHECK_OK("a page of one run", store_call_list(f.store, 3, 0, 0, 1, &f.a, &calls, &f.e), &f.e);
        CHECK("the newest, which made none", calls.run_count == 1 && calls.count == 0 && calls.has_more);
        CHECK_OK("the next", store_call_list(f.store, 3, 0, calls.oldest_run, 1, &f.a, &calls, &f.e), &f.e);
        REQUIRE("made one", calls.run_count == 1 && calls.count == 1);
        CHECK_STR("its own", calls.docs[0], STR("{\"run\":0}"));
        CHECK_OK("all of another reaction", store_call_list(f.store, 4, 0, 0, 10, &f.a, &calls, &f.e), &f.e);
        CHECK("three of one run", calls.run_count == 1 && calls.count == 3 && !calls.has_more);
        CHECK_OK("since later", store_call_list(f.store, 4, 11, 0, 10, &f.a, &calls, &f.e), &f.e);
        CHECK_INT("nothing is that new", calls.run_count, 0);
    }
}

TEST(lines_that_nothing_follows_are_stored_too)
{
    ON_EVERY_ENGINE(f) {
        struct store_log_line line = { 1, 1, 5, STR("Info"), STR("alone") };
        struct store_log log = { 0 };
        store_append(f.store, &line, 1, NULL, 0);
        // They linger for a later operation, but not for long. The suite's own limit ends a wait for ever.
        while (store_log_list(f.store, 1, 0, 10, 0, &f.a, &log, &f.e) && !log.count)
            sched_yield();
        REQUIRE("there it is", log.count == 1);
        CHECK_STR("whole", log.items[0].text, STR("alone"));
    }
}

TEST_MAIN()
