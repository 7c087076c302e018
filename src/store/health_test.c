#include "tests/store/bench.h"

struct seen {
    int64_t reactions[16], at_ms[16];
    size_t count;
};

static void see(void *ctx, int64_t reaction_id, int64_t at_ms)
{
    struct seen *s = ctx;
    if (s->count < COUNT(s->at_ms)) {
        s->reactions[s->count] = reaction_id;
        s->at_ms[s->count] = at_ms;
    }
    s->count++;
}

static struct seen places(struct fixture *f, int64_t since_ms)
{
    struct seen s = { 0 };
    CHECK_OK("places are read", store_places(f->store, since_ms, see, &s, &f->e), &f->e);
    return s;
}

static void make_run(struct fixture *f, int64_t reaction, int64_t queued_ms, int64_t place_ms)
{
    struct store_accept item = event_of(7, "{}");
    int64_t event = accept(f, &item).event_id;
    struct store_run run = { .space_id = 1, .reaction_id = reaction, .event_id = event, .key = STR("k"), .queued_ms = queued_ms, .due_ms = place_ms, .place_ms = place_ms };
    store_match(f->store, f->loop, &(struct store_match){ event, NULL, 0, &run, 1, 0 }, 1, on_matched, f);
    loop_run(f->loop);
}

TEST(places_are_kept_with_the_run_that_has_them)
{
    ON_EVERY_ENGINE(f) {
        make_run(&f, 3, 100, 0);
        make_run(&f, 3, 100, 5000);
        make_run(&f, 4, 100, 100);
        store_set_faults(f.store, &(struct store_faults){ .fail_commit_every = 1 });
        make_run(&f, 4, 100, 7000);
        store_set_faults(f.store, &(struct store_faults){ 0 });
        struct seen s = places(&f, 0);
        CHECK_INT("not of a run that needs none, nor of one that was not stored", s.count, 2);
        CHECK_INT("the earliest first", s.at_ms[0], 100);
        CHECK_INT("whose it is", s.reactions[0], 4);
        CHECK_INT("and what lies ahead", s.at_ms[1], 5000);
        CHECK_INT("those since then", places(&f, 101).count, 1);
        make_run(&f, 5, 101 + STORE_PLACES_KEPT_MS, 101 + STORE_PLACES_KEPT_MS);
        CHECK_INT("old ones are let go", places(&f, 0).count, 2);
        store_close(f.store);
        open_store(&f, NULL);
        CHECK_INT("a file remembers", places(&f, 0).count, f.path ? 2 : 0);
    }
}

static struct store_healths healths(struct fixture *f)
{
    struct store_healths out = { 0 };
    CHECK_OK("health is read", store_health_list(f->store, &f->a, &out, &f->e), &f->e);
    return out;
}

static void end_run(struct fixture *f, const struct store_health *health)
{
    make_run(f, 3, 10, 0);
    int64_t run = f->run_ids[0];
    CHECK_INT("claimed", claim(f, 3, 1, 20), 1);
    struct store_finish item = { .run_id = run, .fence = 1, .outcome = ATTEMPT_FAILED, .state = RUN_FAILED, .now_ms = 30, .health = *health };
    store_finish(f->store, f->loop, &item, 1, on_finished, f);
    loop_run(f->loop);
}

TEST(health_is_kept_with_the_end_that_changed_it)
{
    ON_EVERY_ENGINE(f) {
        end_run(&f, &(struct store_health){ 0 });
        CHECK_INT("an end that changes nothing leaves nothing", healths(&f).count, 0);
        end_run(&f, &(struct store_health){ 3, 30, 20, 9, 5000, 5030 });
        struct store_healths out = healths(&f);
        REQUIRE("one is not well", out.count == 1);
        CHECK_INT("which", out.items[0].reaction_id, 3);
        CHECK_INT("since when", out.items[0].failing_since_ms, 30);
        CHECK_INT("how often", out.items[0].failures, 20);
        CHECK_INT("last", out.items[0].last_run_id, 9);
        CHECK_INT("open for", out.items[0].open_for_ms, 5000);
        CHECK_INT("open until", out.items[0].open_until_ms, 5030);
        end_run(&f, &(struct store_health){ 3, 30, 0, 0, 0, 0 });
        CHECK_INT("its target answers, and it fails still", healths(&f).items[0].open_until_ms, 0);
        end_run(&f, &(struct store_health){ .reaction_id = 3 });
        CHECK_INT("one that is well has none", healths(&f).count, 0);
    }
}

TEST_MAIN()
