// ready.h - which reactions have runs that could start now. A pure picture of the queue: the runs
// themselves are in the store, so memory grows with the reactions that have work, not with the work.
//
// Each reaction has its own cap, and reactions are asked in turn: one with a million waiting runs
// does not keep another's single run from starting.
#pragma once

#include "base/map.h"

#define READY_NEVER INT64_MAX

struct ready_item {
    int64_t reaction_id;
    int running, max;
    int64_t due_ms;    // the earliest waiting run may start then; READY_NEVER: none waits
    bool is_claiming;  // a claim is under way
    bool was_told;     // something changed while it was
    int64_t told_due_ms;
    bool is_held;      // paused: nothing is claimed
};

struct ready {
    struct ready_item **items;
    size_t count, cap, turn;
    struct map by_id;
};

void ready_fini(struct ready *r);

// A run of this reaction waits, and may start at due_ms.
void ready_waiting(struct ready *r, int64_t reaction_id, int64_t due_ms);
// The cap, and whether it is held (paused, gone). Applies from the next pick on.
void ready_limit(struct ready *r, int64_t reaction_id, int max, bool is_held);

// The next reaction in turn that has something due and room, or NULL. The caller claims at most *limit runs of it
// and calls ready_claimed. may_start (may be NULL) passes over those the caller has no room for.
struct ready_item *ready_pick(struct ready *r, int64_t now_ms, int *limit, bool (*may_start)(void *ctx, int64_t reaction_id, int *limit), void *ctx);
// It waits for something else than time and room until then (a throttle): not picked, and not forgotten. From within may_start too.
void ready_defer(struct ready *r, int64_t reaction_id, int64_t until_ms);
// got runs were started; next_due_ms is that of the earliest still waiting (READY_NEVER: none).
void ready_claimed(struct ready *r, int64_t reaction_id, int got, int64_t next_due_ms);
// A run of it is at its end, or waits again (then call ready_waiting too).
void ready_finished(struct ready *r, int64_t reaction_id);

// How many of this reaction's runs are under way.
int ready_running(const struct ready *r, int64_t reaction_id);

// When the next thing becomes due after now_ms: the timer. READY_NEVER when there is nothing. What is due already
// waits for room, not for time.
int64_t ready_next_due_ms(const struct ready *r, int64_t now_ms);
