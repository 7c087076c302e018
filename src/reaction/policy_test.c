#include "reaction/policy.h"

#include "tests/harness/check.h"

struct fixture {
    struct arena arena;
    struct store *store;
    struct policies *policies;
    struct reaction def;
    struct reaction_entry entry;
};

static void begin(struct fixture *f)
{
    struct err e = { 0 };
    *f = (struct fixture){ .entry = { .id = 7, .space_id = 1 } };
    f->entry.def = &f->def;
    REQUIRE("the store opens", store_open(&(struct store_options){ .clock = &clock_system }, &f->store, &e));
    REQUIRE("the policies", policies_open(f->store, 0, &f->policies, &e));
}

static void restart(struct fixture *f, int64_t now_ms)
{
    struct err e = { 0 };
    policies_close(f->policies);
    REQUIRE("the policies again", policies_open(f->store, now_ms, &f->policies, &e));
}

static void end(struct fixture *f)
{
    policies_close(f->policies);
    store_close(f->store);
    arena_fini(&f->arena);
}

static int room(struct fixture *f, int64_t now_ms, int64_t *again_ms)
{
    int limit = 10;
    policies_room(f->policies, &f->entry, now_ms, &limit, again_ms);
    return limit;
}

// One run, claimed and ended in the store as the engine does it.
static int64_t run_once(struct fixture *f, int64_t now_ms, enum policy_end how, bool *gives_up)
{
    struct err e = { 0 };
    static int64_t events;
    struct store_run run = { .space_id = 1, .reaction_id = 7, .event_id = ++events, .key = STR("k"), .state = RUN_QUEUED, .queued_ms = now_ms, .due_ms = now_ms };
    int64_t id;
    REQUIRE("a run", store_run_add(f->store, &run, 1, &id, &e));
    store_claim(f->store, NULL, &(struct store_claim){ .reaction_id = 7, .limit = 1, .now_ms = now_ms, .lease_until_ms = now_ms + 1000, .is_start = true, .starts_since_ms = f->def.throttle_max ? now_ms - f->def.throttle_seconds * 1000 : 0 }, 1, NULL, NULL);
    policies_started(f->policies, 7, 1, now_ms);
    struct store_finish item = { .run_id = id, .fence = 1, .outcome = how == POLICY_SUCCEEDED ? ATTEMPT_SUCCEEDED : ATTEMPT_FAILED, .state = how == POLICY_SUCCEEDED ? RUN_SUCCEEDED : RUN_FAILED, .now_ms = now_ms };
    *gives_up = policies_ended(f->policies, 7, id, how, now_ms, &item);
    store_finish(f->store, NULL, &item, 1, NULL, NULL);
    // Waits for the sync, and so for what was queued before it.
    struct store_run *seen;
    REQUIRE("a write behind it", !store_run_cancel(f->store, 1, 999999, now_ms, &e));
    REQUIRE("it is read", store_run_get(f->store, 1, id, &f->arena, &seen, &e) && seen);
    return seen->state;
}

TEST(a_throttle_counts_over_a_restart)
{
    struct fixture f;
    int64_t again_ms, hour = 3600000;
    bool gives_up;
    begin(&f);
    f.def.throttle_max = 3;
    f.def.throttle_seconds = 60;
    CHECK_INT("room for three", room(&f, hour, &again_ms), 3);
    for (int i = 0; i < 3; i++)
        CHECK_INT("a run", run_once(&f, hour + i * 1000, POLICY_SUCCEEDED, &gives_up), RUN_SUCCEEDED);
    CHECK_INT("and no more", room(&f, hour + 3000, &again_ms), 0);
    CHECK_INT("until the first has left", again_ms, hour + 60000);
    restart(&f, hour + 3000);
    CHECK_INT("a restart forgets nothing", room(&f, hour + 3000, &again_ms), 0);
    CHECK_INT("nor when", again_ms, hour + 60000);
    CHECK_INT("then one", room(&f, hour + 60000, &again_ms), 1);
    f.def.throttle_max = f.def.throttle_seconds = 0;
    CHECK_INT("without a throttle all", room(&f, hour + 3000, &again_ms), 10);
    end(&f);
}

TEST(five_days_of_failure_over_a_restart)
{
    struct fixture f;
    bool gives_up;
    int64_t hour = 3600000;
    begin(&f);
    run_once(&f, hour, POLICY_FAILED, &gives_up);
    CHECK("the first failure disables nothing", !gives_up);
    CHECK_INT("it is shown", policies_view(f.policies, 7, hour).failing_since_ms, hour);
    restart(&f, hour + 118 * hour);
    CHECK_INT("also after a restart", policies_view(f.policies, 7, hour + 118 * hour).failing_since_ms, hour);
    run_once(&f, hour + 119 * hour, POLICY_FAILED, &gives_up);
    CHECK("nor one after 119 hours", !gives_up);
    run_once(&f, hour + 120 * hour, POLICY_FAILED, &gives_up);
    CHECK("one after 120 does", gives_up);
    run_once(&f, hour + 121 * hour, POLICY_SUCCEEDED, &gives_up);
    restart(&f, hour + 121 * hour);
    run_once(&f, hour + 122 * hour, POLICY_FAILED, &gives_up);
    CHECK("a success forgets, also after a restart", !gives_up);
    CHECK_INT("since then", policies_view(f.policies, 7, 0).failing_since_ms, hour + 122 * hour);
    end(&f);
}

TEST(the_circuit_opens_for_what_may_pass)
{
    struct fixture f;
    int64_t again_ms;
    bool gives_up;
    begin(&f);
    for (int i = 0; i < 2 * BREAKER_FAILURES; i++)
        run_once(&f, 1000, POLICY_FAILED, &gives_up);
    CHECK_INT("answers that refuse do not open it", room(&f, 1000, &again_ms), 10);
    for (int i = 0; i < BREAKER_FAILURES; i++)
        run_once(&f, 2000, POLICY_FAILED_MAY_PASS, &gives_up);
    CHECK_INT("no answers do", room(&f, 2000, &again_ms), 0);
    CHECK_INT("for a while", again_ms, 2000 + BREAKER_FIRST_MS);
    CHECK_INT("as is shown", policies_view(f.policies, 7, 2000).circuit, BREAKER_OPEN);
    CHECK_INT("then one tries", room(&f, again_ms, &again_ms), 1);
    CHECK_INT("another reaction is not concerned", policies_view(f.policies, 8, 2000).circuit, BREAKER_CLOSED);
    end(&f);
}

TEST(the_circuit_stays_open_over_a_restart)
{
    struct fixture f;
    int64_t again_ms;
    bool gives_up;
    begin(&f);
    for (int i = 0; i < BREAKER_FAILURES - 1; i++)
        run_once(&f, 2000, POLICY_FAILED_MAY_PASS, &gives_up);
    restart(&f, 2000);
    CHECK_INT("nineteen failures", room(&f, 2000, &again_ms), 10);
    run_once(&f, 2000, POLICY_FAILED_MAY_PASS, &gives_up);
    CHECK_INT("and one after a restart open it", room(&f, 2000, &again_ms), 0);
    restart(&f, 3000);
    CHECK_INT("it is shown before anything asked", policies_view(f.policies, 7, 3000).open_until_ms, 2000 + BREAKER_FIRST_MS);
    CHECK_INT("still open", room(&f, 3000, &again_ms), 0);
    CHECK_INT("until its time", again_ms, 2000 + BREAKER_FIRST_MS);
    restart(&f, 7000);
    CHECK_INT("then one tries", room(&f, 7000, &again_ms), 1);
    run_once(&f, 7000, POLICY_FAILED_MAY_PASS, &gives_up);
    restart(&f, 7000);
    CHECK_INT("it waits twice as long", room(&f, 7000, &again_ms), 0);
    CHECK_INT("from there", again_ms, 7000 + 2 * BREAKER_FIRST_MS);
    run_once(&f, again_ms, POLICY_SUCCEEDED, &gives_up);
    restart(&f, 20000);
    CHECK_INT("a success closes it for good", room(&f, 20000, &again_ms), 10);
    end(&f);
}

// A run on an event that a run caused, stored as the engine does it.
static int64_t caused(struct fixture *f, int64_t now_ms, str *held)
{
    struct store_accept item = { .event = { .space_id = 1, .source = EVENT_INTERNAL, .connection_id = 1, .type = STR("Created"), .received_ms = now_ms, .payload_kind = STR("json"), .caused_depth = 1 } };
    struct store_events unmatched;
    struct err e = { 0 };
    static int count;
    item.event.octopus_event_id = arena_printf(&f->arena, "Events-%d", ++count);
    REQUIRE("an event", store_accept(f->store, NULL, &item, 1, NULL, NULL, NULL, &e));
    REQUIRE("a write behind the event", !store_run_cancel(f->store, 1, 999999, now_ms, &e));
    REQUIRE("it is there", store_events_unmatched(f->store, 0, 1, 1 << 20, &f->arena, &unmatched, &e) && unmatched.count);
    int64_t due = policies_caused_due_ms(f->policies, 7, now_ms, held, &f->arena);
    struct store_run run = { .space_id = 1, .reaction_id = 7, .event_id = unmatched.items[0].id, .key = STR("k"), .state = held->n ? RUN_WAITING : RUN_QUEUED, .queued_ms = now_ms, .due_ms = due, .place_ms = due };
    store_match(f->store, NULL, &(struct store_match){ .event_id = run.event_id, .runs = &run, .run_count = 1 }, 1, NULL, NULL);
    REQUIRE("a write behind it", !store_run_cancel(f->store, 1, 999999, now_ms, &e));
    return due;
}

TEST(the_loop_breaker_holds_over_a_restart)
{
    struct fixture f;
    str held;
    begin(&f);
    for (int i = 0; i < LOOP_MAX + 5; i++)
        CHECK_INT("sixty at once, five a minute later", caused(&f, 5000, &held), i < LOOP_MAX ? 5000 : 5000 + LOOP_MS);
    restart(&f, 10000);
    CHECK_INT("it is shown before anything asked", policies_view(f.policies, 7, 10000).held_until_ms, 5000 + LOOP_MS);
    for (int i = 0; i < LOOP_MAX - 5; i++)
        CHECK_INT("as many more get a place then", caused(&f, 10000, &held), 5000 + LOOP_MS);
    CHECK_INT("the others a minute after that", caused(&f, 10000, &held), 5000 + 2 * LOOP_MS);
    CHECK("and say why", str_find(held, STR("loop breaker")) >= 0);
    restart(&f, 5000 + 4 * LOOP_MS);
    CHECK_INT("it ends", caused(&f, 5000 + 4 * LOOP_MS, &held), 5000 + 4 * LOOP_MS);
    end(&f);
}

TEST(places_of_runs_that_were_not_stored_are_free)
{
    struct fixture f;
    str held;
    begin(&f);
    for (int i = 0; i < 10; i++)
        CHECK_INT("stored", caused(&f, 5000, &held), 5000);
    for (int i = 0; i < 2 * LOOP_MAX; i++)
        policies_caused_due_ms(f.policies, 7, 5000, &held, &f.arena);
    policies_not_stored(f.policies, 5000);
    CHECK_INT("nothing is held", policies_view(f.policies, 7, 5000).held_until_ms, 0);
    for (int i = 0; i < LOOP_MAX - 10; i++)
        CHECK_INT("there is room", caused(&f, 5000, &held), 5000);
    CHECK_INT("for these", caused(&f, 5000, &held), 5000 + LOOP_MS);
    end(&f);
}

TEST(the_loop_breaker_holds_what_is_beyond_sixty_a_minute)
{
    struct fixture f;
    str held;
    int64_t due = 0;
    begin(&f);
    for (int i = 0; i < LOOP_MAX; i++)
        CHECK_INT("sixty go at once", policies_caused_due_ms(f.policies, 7, 5000, &held, &f.arena), 5000);
    CHECK("without a word", !held.n);
    due = policies_caused_due_ms(f.policies, 7, 5000, &held, &f.arena);
    CHECK_INT("the next waits", due, 5000 + LOOP_MS);
    CHECK("and says why", str_find(held, STR("loop breaker")) >= 0 && str_find(held, STR("1970-01-01T00:01:05.000Z")) >= 0);
    CHECK_INT("as is shown", policies_view(f.policies, 7, 5000).held_until_ms, due);
    CHECK_INT("until it is over", policies_view(f.policies, 7, due).held_until_ms, 0);
    CHECK_INT("another reaction is not concerned", policies_caused_due_ms(f.policies, 8, 5000, &held, &f.arena), 5000);
    end(&f);
}

TEST_MAIN()
