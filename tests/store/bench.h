// bench.h - a store on every engine there is, and the calls its tests make in one line each.
#pragma once

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

static UNUSED void open_store(struct fixture *f, const struct store_faults *faults)
{
    struct store_options opt = { .path = f->path, .clock = &f->clock.clock };
    if (faults)
        opt.faults = *faults;
    CHECK_OK("the store opens", store_open(&opt, &f->store, &f->e), &f->e);
}

static UNUSED void begin(struct fixture *f, bool on_disk)
{
    *f = (struct fixture){ 0 };
    clock_fake_init(&f->clock, 1700000000000);
    REQUIRE("a loop", loop_open(&f->loop, &f->e));
    REQUIRE("a folder", file_temp_dir(&f->a, "store-test", &f->dir, &f->e));
    f->path = on_disk ? arena_printf(&f->a, "%s/reactions.db", f->dir.p).p : NULL;
    open_store(f, NULL);
}

static UNUSED void end(struct fixture *f)
{
    store_close(f->store);
    loop_close(f->loop);
    CHECK_OK("the folder is removed", file_remove_tree(f->dir.p, &f->e), &f->e);
    arena_fini(&f->a);
}

#define ON_EVERY_ENGINE(f)                                                            \
    for (int engine_ = 0; engine_ < 2; engine_++)                                     \
        for (struct fixture f, *once_ = (begin(&f, engine_ == 0), &f); once_; end(&f), once_ = NULL)

static UNUSED void on_accepted(void *ctx, const struct accept_result *results, size_t count, const struct err *e)
{
    struct fixture *f = ctx;
    memcpy(f->accepted, results, sizeof *results * MIN(count, COUNT(f->accepted)));
    f->accept_error = *e;
    f->calls++;
    loop_stop(f->loop);
}

static UNUSED struct store_accept event_of(int64_t trigger, const char *body)
{
    struct store_accept item = { .event = { .space_id = 1, .source = EVENT_EXTERNAL, .trigger_id = trigger, .type = STR("feed"), .received_ms = 5, .occurred_ms = 4,
                                     .payload_kind = STR("json"), .request = STR("{}"), .body = str_from(body) } };
    memset(item.body_hash, body[0], sizeof item.body_hash);
    return item;
}

static UNUSED struct accept_result accept(struct fixture *f, const struct store_accept *item)
{
    if (store_accept(f->store, f->loop, item, 1, NULL, on_accepted, f, &f->e))
        loop_run(f->loop);
    return f->accepted[0];
}

static UNUSED void on_matched(void *ctx, const int64_t *ids, size_t count, const struct err *e UNUSED)
{
    struct fixture *f = ctx;
    memcpy(f->run_ids, ids, sizeof *ids * MIN(count, COUNT(f->run_ids)));
    loop_stop(f->loop);
}

static UNUSED void on_claimed(void *ctx, const struct store_run *runs, size_t count, const struct err *e UNUSED)
{
    struct fixture *f = ctx;
    f->claimed_count = count;
    memcpy(f->claimed, runs, sizeof *runs * MIN(count, COUNT(f->claimed)));
    loop_stop(f->loop);
}

static UNUSED void on_finished(void *ctx, const bool *was_current, size_t count UNUSED, const struct err *e UNUSED)
{
    struct fixture *f = ctx;
    f->was_current = was_current[0];
    loop_stop(f->loop);
}

static UNUSED void match(struct fixture *f, int64_t event_id, int64_t reaction_id, bool is_repeatable, const char *order_key)
{
    struct store_run run = { .space_id = 1, .reaction_id = reaction_id, .revision_number = 1, .event_id = event_id, .key = STR("key"), .queued_ms = 10, .due_ms = 10,
        .is_repeatable = is_repeatable, .order_key = str_from(order_key) };
    struct store_verdict verdict = { .reaction_id = reaction_id, .revision_number = 1, .verdict = VERDICT_MATCHED, .run_id = 1, .parts = STR("[]") };
    struct store_match m = { event_id, &verdict, 1, &run, 1 };
    store_match(f->store, f->loop, &m, 1, on_matched, f);
    loop_run(f->loop);
}

static UNUSED size_t claim(struct fixture *f, int64_t reaction_id, int limit, int64_t now)
{
    struct store_claim c = { reaction_id, limit, now, now + 30000, true, STR("node") };
    store_claim(f->store, f->loop, &c, 1, on_claimed, f);
    loop_run(f->loop);
    return f->claimed_count;
}

// Claimed, and yet to begin.
static UNUSED size_t claim_only(struct fixture *f, int64_t reaction_id, int limit, int64_t now)
{
    struct store_claim c = { reaction_id, limit, now, now + 30000, false, STR("node") };
    store_claim(f->store, f->loop, &c, 1, on_claimed, f);
    loop_run(f->loop);
    return f->claimed_count;
}

static UNUSED void on_begun(void *ctx, bool was_current, const struct err *e UNUSED)
{
    struct fixture *f = ctx;
    f->was_current = was_current;
    loop_stop(f->loop);
}

static UNUSED bool begin_run(struct fixture *f, int64_t run, int64_t fence, int64_t now)
{
    store_begin(f->store, f->loop, run, fence, now, on_begun, f);
    loop_run(f->loop);
    return f->was_current;
}

static UNUSED bool release(struct fixture *f, int64_t run, int64_t fence, int64_t due)
{
    struct store_finish fin = { .run_id = run, .fence = fence, .is_release = true, .due_ms = due };
    store_finish(f->store, f->loop, &fin, 1, on_finished, f);
    loop_run(f->loop);
    return f->was_current;
}

static UNUSED bool finish(struct fixture *f, int64_t run, int64_t fence, enum run_state state, int64_t due)
{
    struct store_finish fin = { .run_id = run, .fence = fence, .outcome = state == RUN_SUCCEEDED ? ATTEMPT_SUCCEEDED : ATTEMPT_FAILED, .state = state, .now_ms = 50, .due_ms = due };
    store_finish(f->store, f->loop, &fin, 1, on_finished, f);
    loop_run(f->loop);
    return f->was_current;
}

static UNUSED enum run_state state_of(struct fixture *f, int64_t run)
{
    struct store_run *r = NULL;
    return store_run_get(f->store, 1, run, &f->a, &r, &f->e) && r ? r->state : (enum run_state)-1;
}

