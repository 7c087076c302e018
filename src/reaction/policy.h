// policy.h - what a reaction's runs must wait for beyond a free place: its throttle, its circuit breaker, the loop breaker. And
// when it is to be disabled because it has known only failures for five days.
//
// The rules are in src/queue (window.h, breaker.h); here they meet the store, for what must hold over a restart, and the API, which
// shows them. Written on the engine's thread, read on any.
#pragma once

#include "queue/breaker.h"
#include "queue/window.h"
#include "reaction/registry.h"

#define LOOP_MAX 60 // runs of one reaction on caused events in LOOP_MS; what is beyond waits
#define LOOP_MS 60000

struct policies;

// As the store knows them.
MUST_USE bool policies_open(struct store *store, int64_t now_ms, struct policies **out, struct err *e);
void policies_close(struct policies *p);
// Runs for which policies_caused_due_ms was asked were not stored: their places are free.
void policies_not_stored(struct policies *p, int64_t now_ms);
// Forgets reactions that are gone.
void policies_configure(struct policies *p, const struct snapshot *s);

// At most *limit runs may start now, made smaller here; at 0, *again_ms is when to ask again (INT64_MAX: when one ends).
void policies_room(struct policies *p, const struct reaction_entry *r, int64_t now_ms, int *limit, int64_t *again_ms);
void policies_started(struct policies *p, int64_t reaction_id, int count, int64_t now_ms);

// The end of an attempt. What the store is to keep of it goes into *item. True: only failures for five days.
enum policy_end { POLICY_SUCCEEDED, POLICY_FAILED, POLICY_FAILED_MAY_PASS, POLICY_UNKNOWN };
bool policies_ended(struct policies *p, int64_t reaction_id, int64_t run_id, enum policy_end end, int64_t now_ms, struct store_finish *item);

// When a run on an event that a run caused may start: now, or later, with the reason. It is the run's place_ms.
int64_t policies_caused_due_ms(struct policies *p, int64_t reaction_id, int64_t now_ms, str *held, struct arena *a);

struct policy_view {
    enum breaker_state circuit;
    int64_t open_until_ms;    // 0: closed
    int64_t failing_since_ms; // 0: well
    int64_t held_until_ms;    // the loop breaker holds runs until then; 0: it does not
};
struct policy_view policies_view(struct policies *p, int64_t reaction_id, int64_t now_ms);
