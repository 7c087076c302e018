#include "tests/harness/check.h"

#include "base/map.h"
#include "octopus/tail_state.h"
#include "sys/random.h"

#include <stdio.h>

#define HOUR_MS INT64_C(3600000)
#define T0 (INT64_C(1772442871) * 1000)

// ---- a log with everything a real one does, and a reader that may be killed ----

struct row {
    char id[24];
    int64_t number, occurred_ms, committed_ms;
    int stored; // times
};

struct world {
    struct random_seeded random;
    struct row *rows;
    size_t count, cap;
    int64_t now_ms, next_number;
    bool is_shifting;
    int64_t late_max_ms, back_max_ms;
};

static int64_t below(struct world *w, int64_t n)
{
    return (int64_t)random_below(&w->random.random, (uint64_t)n);
}

static void happen(struct world *w)
{
    xgrow(&w->rows, &w->cap, w->count + 1, sizeof *w->rows);
    struct row *r = &w->rows[w->count++];
    w->next_number += 1 + (below(w, 5) == 0 ? below(w, 40) : 0);
    int64_t number = below(w, 4) ? w->next_number : w->next_number + 1000000 + (int64_t)w->count; // another node's block
    *r = (struct row){ .number = number, .occurred_ms = w->now_ms, .committed_ms = w->now_ms };
    snprintf(r->id, sizeof r->id, "Events-%" PRId64, number);
    if (below(w, 6) == 0)
        r->occurred_ms -= below(w, w->back_max_ms + 1);
    if (below(w, 6) == 0)
        r->committed_ms += below(w, w->late_max_ms + 1);
}

static int newest_first(const void *a, const void *b)
{
    const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
    return x->occurred_ms != y->occurred_ms ? (x->occurred_ms < y->occurred_ms ? 1 : -1) : (x->number < y->number) - (x->number > y->number);
}

static size_t visible(struct world *w, int64_t from_ms, struct row **out)
{
    size_t n = 0;
    for (size_t i = 0; i < w->count; i++)
        if (w->rows[i].committed_ms <= w->now_ms && w->rows[i].occurred_ms >= from_ms)
            out[n++] = &w->rows[i];
    if (n)
        qsort(out, n, sizeof *out, newest_first);
    return n;
}

static struct row *row_of(struct world *w, str id)
{
    for (size_t i = w->count; i-- > 0;)
        if (str_eq(str_from(w->rows[i].id), id))
            return &w->rows[i];
    return NULL;
}

struct reader {
    struct tail_state *state;
    struct arena arena;
    str stored; // what a restart finds
    int gaps, out_of_order, twice;
};

static void reopen(struct reader *r)
{
    struct err e = { 0 };
    tail_state_free(r->state);
    CHECK_OK("what was stored is read again", tail_state_load(r->stored, &r->state, &e), &e);
}

// One walk, in pages of 10, while the log grows; then all is stored, unless it dies in the middle.
static void poll_once(struct world *w, struct reader *r, bool dies)
{
    struct row **rows = xcalloc(w->count + 400, sizeof(*rows));
    int64_t from_ms;
    bool has_gap;
    if (!tail_state_has_begun(r->state)) {
        size_t n = visible(w, 0, rows);
        tail_state_begin(r->state, n != 0, n ? rows[0]->occurred_ms : 0, w->now_ms);
    }
    tail_state_walk(r->state, w->now_ms, &from_ms);
    for (size_t skip = 0, got = 10; got == 10; skip += got) {
        free(rows);
        rows = xcalloc(w->count + 1, sizeof(*rows));
        size_t n = visible(w, from_ms, rows);
        got = n > skip ? MIN(n - skip, (size_t)10) : 0;
        for (size_t i = 0; i < got; i++) {
            const struct row *row = rows[skip + i];
            tail_state_row(r->state, &(struct tail_row){ str_from(row->id), STR("Created"), str_from(row->id), row->number, row->occurred_ms });
        }
        if (w->is_shifting && below(w, 3) == 0)
            happen(w);
    }
    free(rows);
    tail_state_end(r->state, w->now_ms, &has_gap);
    r->gaps += has_gap;
    struct tail_row batch[7];
    int64_t last_ms = 0;
    for (size_t n; (n = tail_state_take(r->state, batch, COUNT(batch), 1000)) > 0;) {
        if (dies && below(w, 3) == 0)
            break; // this batch was not stored, nor the state that went with it
        r->stored = tail_state_doc(r->state, &r->arena);
        for (size_t i = 0; i < n; i++) {
            struct row *row = row_of(w, batch[i].id);
            r->twice += row->stored != 0;
            row->stored++;
            r->out_of_order += batch[i].occurred_ms < last_ms;
            last_ms = batch[i].occurred_ms;
        }
    }
    if (dies)
        reopen(r);
    else
        r->stored = tail_state_doc(r->state, &r->arena);
}

static void world_fini(struct world *w)
{
    free(w->rows);
}

TEST(nothing_is_missed_and_nothing_comes_twice)
{
    int missed = 0, twice = 0, disorder = 0, gaps = 0, old = 0;
    size_t events = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct world w = { .now_ms = T0, .next_number = 1000, .is_shifting = true, .late_max_ms = 120000, .back_max_ms = 90000 };
        struct reader r = { .state = tail_state_new() };
        random_seed(&w.random, seed);
        w.late_max_ms = w.back_max_ms = 0;
        for (int i = 0; i < 30; i++, w.now_ms += 1000)
            happen(&w);
        bool was_shifting = w.is_shifting;
        w.is_shifting = false;
        poll_once(&w, &r, false);
        w.is_shifting = was_shifting;
        w.late_max_ms = 120000;
        w.back_max_ms = 90000;
        size_t before = w.count;
        for (int i = 0; i < 120; i++) {
            int64_t burst = below(&w, 4);
            for (int64_t k = 0; k < burst; k++)
                happen(&w);
            w.now_ms += 200 + below(&w, 9000);
            poll_once(&w, &r, below(&w, 5) == 0);
        }
        w.is_shifting = false;
        w.now_ms += 130000;
        poll_once(&w, &r, false);
        poll_once(&w, &r, false);
        for (size_t i = 0; i < w.count; i++) {
            if (i < before)
                old += w.rows[i].stored;
            else
                missed += w.rows[i].stored == 0;
        }
        events += w.count - before;
        twice += r.twice;
        disorder += r.out_of_order;
        gaps += r.gaps;
        tail_state_free(r.state);
        arena_fini(&r.arena);
        world_fini(&w);
    }
    CHECK("there were thousands", events > 1500);
    CHECK_INT("missed", missed, 0);
    CHECK_INT("twice", twice, 0);
    CHECK_INT("out of order within a walk", disorder, 0);
    CHECK_INT("gaps", gaps, 0);
    CHECK_INT("of history", old, 0);
}

static size_t feed(struct tail_state *s, int64_t now_ms, const int64_t *numbers, const int64_t *times, size_t count, bool *has_gap)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct tail_row out[64];
    int64_t from_ms;
    tail_state_walk(s, now_ms, &from_ms);
    for (size_t i = 0; i < count; i++)
        tail_state_row(s, &(struct tail_row){ arena_printf(&a, "Events-%" PRId64, numbers[i]), STR("Created"), STR("{}"), numbers[i], times[i] });
    tail_state_end(s, now_ms, has_gap);
    return tail_state_take(s, out, COUNT(out), 1 << 20);
}

TEST(retention_that_passed_us_is_loud)
{
    bool has_gap;
    struct tail_state *s = tail_state_new();
    tail_state_begin(s, true, T0, T0);
    CHECK_INT("the first walk gives nothing", feed(s, T0, (int64_t[]){ 1, 2 }, (int64_t[]){ T0, T0 - 1000 }, 2, &has_gap), 0);
    CHECK_INT("then what is new", feed(s, T0 + 5000, (int64_t[]){ 3, 1, 2 }, (int64_t[]){ T0 + 2000, T0, T0 - 1000 }, 3, &has_gap), 1);
    CHECK("no gap", !has_gap);
    CHECK_INT("24 hours away, all still there", feed(s, T0 + 24 * HOUR_MS, (int64_t[]){ 9, 3, 1 }, (int64_t[]){ T0 + 20 * HOUR_MS, T0 + 2000, T0 }, 3, &has_gap), 1);
    CHECK("no gap either", !has_gap);
    CHECK_INT("ninety days away, the old ones are gone", feed(s, T0 + 90 * 24 * HOUR_MS, (int64_t[]){ 90 }, (int64_t[]){ T0 + 80 * 24 * HOUR_MS }, 1, &has_gap), 1);
    CHECK("that is a gap", has_gap);
    CHECK_INT("and only once", feed(s, T0 + 90 * 24 * HOUR_MS + 5000, (int64_t[]){ 91, 90 }, (int64_t[]){ T0 + 90 * 24 * HOUR_MS, T0 + 80 * 24 * HOUR_MS }, 2, &has_gap), 1);
    CHECK("not again", !has_gap);
    tail_state_free(s);
}

TEST(a_clock_that_ran_ahead_does_not_make_deaf)
{
    bool has_gap;
    struct tail_state *s = tail_state_new();
    tail_state_begin(s, false, 0, T0);
    CHECK_INT("an event of next year", feed(s, T0, (int64_t[]){ 1 }, (int64_t[]){ T0 + 9000 * HOUR_MS }, 1, &has_gap), 1);
    CHECK_INT("the watermark stays at now", tail_state_watermark_ms(s), T0);
    CHECK_INT("and the next is found", feed(s, T0 + 5000, (int64_t[]){ 1, 2 }, (int64_t[]){ T0 + 9000 * HOUR_MS, T0 + 4000 }, 2, &has_gap), 1);
    tail_state_free(s);
}

TEST(a_server_that_ignores_from_replays_nothing)
{
    bool has_gap;
    struct tail_state *s = tail_state_new();
    tail_state_begin(s, true, T0, T0);
    CHECK_INT("baseline", feed(s, T0, (int64_t[]){ 5 }, (int64_t[]){ T0 }, 1, &has_gap), 0);
    CHECK_INT("history is left alone", feed(s, T0 + 5000, (int64_t[]){ 6, 5, 1 }, (int64_t[]){ T0 + 1, T0, T0 - 5 * HOUR_MS }, 3, &has_gap), 1);
    tail_state_free(s);
}

TEST(more_than_can_be_held_comes_in_several_walks_and_in_order)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct tail_state *s = tail_state_new();
    enum { EVENTS = 120, BYTES = 1 << 20 };
    char *text = xcalloc(1, BYTES);
    int64_t last = -1, got = 0;
    int walks = 0, disorder = 0;
    memset(text, 'x', BYTES);
    tail_state_begin(s, false, 0, T0);
    do {
        struct tail_row out[4];
        int64_t from_ms;
        bool has_gap;
        tail_state_walk(s, T0 + walks, &from_ms);
        for (int i = EVENTS; i-- > 0;)
            tail_state_row(s, &(struct tail_row){ arena_printf(&a, "Events-%d", i), STR("Created"), { text, BYTES }, i, T0 - 1000 + i });
        tail_state_end(s, T0 + walks, &has_gap);
        for (size_t n; (n = tail_state_take(s, out, COUNT(out), 3 << 20)) > 0;)
            for (size_t i = 0; i < n; i++, got++) {
                disorder += out[i].number != last + 1 || out[i].text.n != BYTES;
                last = out[i].number;
            }
        walks++;
    } while (tail_state_is_behind(s) && walks < 20);
    CHECK_INT("all came", got, EVENTS);
    CHECK_INT("each in its place", disorder, 0);
    CHECK("in several walks", walks > 1 && walks < 20);
    free(text);
    tail_state_free(s);
}

TEST(the_state_is_text)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    struct err e = { 0 };
    bool has_gap;
    struct tail_state *s = tail_state_new(), *again = NULL;
    tail_state_set_source(s, STR("http://octopus/ Spaces-1"));
    tail_state_begin(s, false, 0, T0);
    feed(s, T0 + 10, (int64_t[]){ 7 }, (int64_t[]){ T0 }, 1, &has_gap);
    str doc = tail_state_doc(s, &a);
    CHECK_OK("it is read", tail_state_load(doc, &again, &e), &e);
    CHECK_STR("and written the same", tail_state_doc(again, &a), doc);
    CHECK_STR("its source", tail_state_source(again), STR("http://octopus/ Spaces-1"));
    tail_state_free(again);
    again = NULL;
    CHECK("broken text is refused", !tail_state_load(STR("{"), &again, &e));
    CHECK("half a state too", !tail_state_load(STR("{}"), &again, &e));
    CHECK_OK("none is a first start", tail_state_load(STR(""), &again, &e), &e);
    CHECK("that has not begun", !tail_state_has_begun(again));
    tail_state_free(again);
    tail_state_free(s);
}

TEST_MAIN()
