#include "tests/harness/check.h"

#include "store/store.h"
#include "sys/file.h"

#include <unistd.h>

// Every scenario runs on every engine there is.
struct fixture {
    struct arena a;
    struct loop *loop;
    struct store *store;
    struct clock_fake clock;
    str dir;
    const char *path; // NULL: memory
    struct err e;
    int calls;
    struct accept_result accepted[16];
    struct err accept_error;
    int64_t run_ids[16];
    struct store_run claimed[16];
    size_t claimed_count;
    bool was_current;
};

static void open_store(struct fixture *f, const struct store_faults *faults)
{
    struct store_options opt = { .path = f->path, .clock = &f->clock.clock };
    if (faults)
        opt.faults = *faults;
    CHECK_OK("the store opens", store_open(&opt, &f->store, &f->e), &f->e);
}

static void begin(struct fixture *f, bool on_disk)
{
    *f = (struct fixture){ 0 };
    clock_fake_init(&f->clock, 1700000000000);
    REQUIRE("a loop", loop_open(&f->loop, &f->e));
    REQUIRE("a folder", file_temp_dir(&f->a, "store-test", &f->dir, &f->e));
    f->path = on_disk ? arena_printf(&f->a, "%s/reactions.db", f->dir.p).p : NULL;
    open_store(f, NULL);
}

static void end(struct fixture *f)
{
    store_close(f->store);
    loop_close(f->loop);
    CHECK_OK("the folder is removed", file_remove_tree(f->dir.p, &f->e), &f->e);
    arena_fini(&f->a);
}

#define ON_EVERY_ENGINE(f)                                                            \
    for (int engine_ = 0; engine_ < 2; engine_++)                                     \
        for (struct fixture f, *once_ = (begin(&f, engine_ == 0), &f); once_; end(&f), once_ = NULL)

static void on_accepted(void *ctx, const struct accept_result *results, size_t count, const struct err *e)
{
    struct fixture *f = ctx;
    memcpy(f->accepted, results, sizeof *results * MIN(count, COUNT(f->accepted)));
    f->accept_error = *e;
    f->calls++;
    loop_stop(f->loop);
}

static struct store_accept event_of(int64_t trigger, const char *body)
{
    struct store_accept item = { .event = { .space_id = 1, .source = EVENT_EXTERNAL, .trigger_id = trigger, .type = STR("feed"), .received_ms = 5, .occurred_ms = 4,
                                     .payload_kind = STR("json"), .request = STR("{}"), .body = str_from(body) } };
    memset(item.body_hash, body[0], sizeof item.body_hash);
    return item;
}

static struct accept_result accept(struct fixture *f, const struct store_accept *item)
{
    if (store_accept(f->store, f->loop, item, 1, NULL, on_accepted, f, &f->e))
        loop_run(f->loop);
    return f->accepted[0];
}

TEST(ids_are_text_with_a_prefix)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    int64_t id = 0;
    CHECK_STR("an id has the kind in front", store_id_text(&a, KIND_RUN, 42), STR("Runs-42"));
    CHECK("it reads back", store_id_parse(STR("Runs-42"), KIND_RUN, &id) && id == 42);
    CHECK("case does not count", store_id_parse(STR("runs-42"), KIND_RUN, &id));
    static const char *const bad[] = { "Runs-", "Runs", "Runs-x", "Runs--1", "Runs-0", "Runs-042", "Events-1", "", "Runs-99999999999999999999" };
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(bad[i], !store_id_parse(str_from(bad[i]), KIND_RUN, &id));
}

static bool put(struct fixture *f, int64_t id, const char *slug, const char *doc, int64_t expected)
{
    struct store_put p = { .object = { .kind = KIND_TRIGGER, .id = id, .space_id = 1, .slug = str_from(slug), .doc = str_from(doc) }, .expected_version = expected };
    struct store_audit audit = { 1, STR("tester"), STR("trigger.save"), STR("Triggers-1"), STR("{}") };
    f->e = (struct err){ 0 };
    return store_change(f->store, &p, 1, &audit, 1, &f->e);
}

TEST(objects_have_versions_and_unique_slugs)
{
    ON_EVERY_ENGINE(f) {
        int64_t id = 0, second = 0;
        CHECK_OK("an id is reserved", store_reserve_id(f.store, KIND_TRIGGER, &id, &f.e), &f.e);
        CHECK_OK("and another", store_reserve_id(f.store, KIND_TRIGGER, &second, &f.e), &f.e);
        CHECK_INT("ids count from 1", id, 1);
        CHECK_INT("never the same twice", second, 2);
        CHECK_OK("a new object is written", put(&f, id, "feed", "{\"a\":1}", STORE_MUST_BE_NEW), &f.e);
        CHECK("it is not new again", !put(&f, id, "feed", "{}", STORE_MUST_BE_NEW) && f.e.kind == ERR_STALE);
        CHECK("the slug is taken, whatever its case", !put(&f, second, "FEED", "{}", STORE_MUST_BE_NEW) && f.e.kind == ERR_CONFLICT);
        CHECK_OK("the version that was read may be replaced", put(&f, id, "feed", "{\"a\":2}", 1), &f.e);
        CHECK("an older version may not", !put(&f, id, "feed", "{}", 1) && f.e.kind == ERR_STALE);

        struct store_object *o = NULL;
        CHECK_OK("it is found by id", store_get(f.store, KIND_TRIGGER, 1, id, &f.a, &o, &f.e) && o, &f.e);
        CHECK_INT("with its version", o ? o->version : 0, 2);
        CHECK_STR("and its document", o ? o->doc : STR(""), STR("{\"a\":2}"));
        CHECK_OK("another space has none", store_get(f.store, KIND_TRIGGER, 2, id, &f.a, &o, &f.e) && !o, &f.e);
        CHECK_OK("it is found by slug", store_find(f.store, KIND_TRIGGER, 1, STR("Feed"), &f.a, &o, &f.e) && o, &f.e);

        struct store_audit_rows rows;
        CHECK_OK("the audit lists", store_audit_list(f.store, 0, (struct store_page){ .take = 10 }, &f.a, &rows, &f.e), &f.e);
        CHECK_INT("only what happened", rows.total, 2);
        int64_t count, bad;
        str head, why;
        CHECK_OK("the chain is walked", store_audit_verify(f.store, &count, &bad, &head, &f.a, &why, &f.e), &f.e);
        CHECK_INT("no row is bad", bad, 0);
        CHECK_INT("every row was seen", count, 2);

        struct store_put gone = { .object = { .kind = KIND_TRIGGER, .id = id }, .expected_version = STORE_ANY_VERSION, .is_delete = true };
        CHECK_OK("it is deleted", store_change(f.store, &gone, 1, NULL, 0, &f.e), &f.e);
        CHECK("and is not there to be deleted again", !store_change(f.store, &gone, 1, NULL, 0, &f.e) && f.e.kind == ERR_NOT_FOUND);
    }
}

TEST(a_delivery_is_stored_once)
{
    ON_EVERY_ENGINE(f) {
        struct store_accept item = event_of(7, "{\"a\":1}");
        item.idempotency_key = STR("k1");
        int64_t first = accept(&f, &item).event_id;
        CHECK("the first is new", f.accepted[0].outcome == ACCEPT_NEW && first > 0);
        CHECK("the same key and body is the same event", accept(&f, &item).outcome == ACCEPT_DUPLICATE && f.accepted[0].event_id == first);
        struct store_accept other = event_of(7, "[2]");
        other.idempotency_key = STR("k1");
        CHECK("the same Idempotency-Key with another body is refused", accept(&f, &other).outcome == ACCEPT_KEY_REUSED);
        other.event.trigger_id = 8;
        CHECK("another trigger has its own keys", accept(&f, &other).outcome == ACCEPT_NEW);

        struct store_accept sent = event_of(7, "{\"b\":1}");
        sent.event.delivery_id = STR("d1");
        int64_t delivered = accept(&f, &sent).event_id;
        CHECK("a sender's own id is new once", f.accepted[0].outcome == ACCEPT_NEW);
        CHECK("then a duplicate", accept(&f, &sent).outcome == ACCEPT_DUPLICATE && f.accepted[0].event_id == delivered);
        struct store_accept reused = event_of(7, "[3]");
        reused.event.delivery_id = STR("d1");
        int64_t again = accept(&f, &reused).event_id;
        CHECK("with another body it is a new event", f.accepted[0].outcome == ACCEPT_NEW && again != delivered);
        struct store_event *v = NULL;
        CHECK_OK("which is read", store_event_get(f.store, 1, again, &f.a, &v, &f.e) && v, &f.e);
        CHECK("and marked so", v && v->is_reused_delivery);
        CHECK_STR("its bytes are kept", v ? v->body : STR(""), STR("[3]"));
    }
}

static void on_matched(void *ctx, const int64_t *ids, size_t count, const struct err *e UNUSED)
{
    struct fixture *f = ctx;
    memcpy(f->run_ids, ids, sizeof *ids * MIN(count, COUNT(f->run_ids)));
    loop_stop(f->loop);
}

static void on_claimed(void *ctx, const struct store_run *runs, size_t count, const struct err *e UNUSED)
{
    struct fixture *f = ctx;
    f->claimed_count = count;
    memcpy(f->claimed, runs, sizeof *runs * MIN(count, COUNT(f->claimed)));
    loop_stop(f->loop);
}

static void on_finished(void *ctx, const bool *was_current, size_t count UNUSED, const struct err *e UNUSED)
{
    struct fixture *f = ctx;
    f->was_current = was_current[0];
    loop_stop(f->loop);
}

static void match(struct fixture *f, int64_t event_id, int64_t reaction_id, bool is_repeatable, const char *order_key)
{
    struct store_run run = { .space_id = 1, .reaction_id = reaction_id, .revision_number = 1, .event_id = event_id, .key = STR("key"), .queued_ms = 10, .due_ms = 10,
        .is_repeatable = is_repeatable, .order_key = str_from(order_key) };
    struct store_verdict verdict = { .reaction_id = reaction_id, .revision_number = 1, .verdict = VERDICT_MATCHED, .run_id = 1, .parts = STR("[]") };
    struct store_match m = { event_id, &verdict, 1, &run, 1 };
    store_match(f->store, f->loop, &m, 1, on_matched, f);
    loop_run(f->loop);
}

static size_t claim(struct fixture *f, int64_t reaction_id, int limit, int64_t now)
{
    struct store_claim c = { reaction_id, limit, now, now + 30000, STR("node") };
    store_claim(f->store, f->loop, &c, 1, on_claimed, f);
    loop_run(f->loop);
    return f->claimed_count;
}

static bool finish(struct fixture *f, int64_t run, int64_t fence, enum run_state state, int64_t due)
{
    struct store_finish fin = { .run_id = run, .fence = fence, .outcome = state == RUN_SUCCEEDED ? ATTEMPT_SUCCEEDED : ATTEMPT_FAILED, .state = state, .now_ms = 50, .due_ms = due };
    store_finish(f->store, f->loop, &fin, 1, on_finished, f);
    loop_run(f->loop);
    return f->was_current;
}

static enum run_state state_of(struct fixture *f, int64_t run)
{
    struct store_run *r = NULL;
    return store_run_get(f->store, 1, run, &f->a, &r, &f->e) && r ? r->state : (enum run_state)-1;
}

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

TEST(what_was_committed_is_there_after_reopening)
{
    struct fixture f;
    begin(&f, true);
    struct store_accept item = event_of(7, "{\"kept\":true}");
    int64_t id = accept(&f, &item).event_id;
    store_close(f.store);
    open_store(&f, NULL);
    struct store_event *v = NULL;
    CHECK_OK("the event is read", store_event_get(f.store, 1, id, &f.a, &v, &f.e) && v, &f.e);
    CHECK_STR("with its body", v ? v->body : STR(""), STR("{\"kept\":true}"));
    const char *copy = arena_printf(&f.a, "%s/copy.db", f.dir.p).p;
    CHECK_OK("a backup is taken", store_backup(f.store, copy, &f.e), &f.e);
    CHECK("not over an existing file", !store_backup(f.store, copy, &f.e) && f.e.kind == ERR_CONFLICT);
    store_close(f.store);
    f.path = copy;
    open_store(&f, NULL);
    CHECK_OK("the copy has it too", store_event_get(f.store, 1, id, &f.a, &v, &f.e) && v, &f.e);
    str why = STR("not asked");
    CHECK_OK("it can be checked", store_check(f.store, &f.a, &why, &f.e), &f.e);
    CHECK_STR("and is whole", why, STR(""));
    end(&f);
}

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

TEST_MAIN()
