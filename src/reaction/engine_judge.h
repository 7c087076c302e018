// engine_judge.h - an event judged for somebody who waits: an explanation, a replay, a dry run. With the documents of its connection, as the
// engine itself would.
#pragma once

#include "reaction/engine.h"
#include "reaction/match.h"

struct judged {
    const struct reaction_entry *reaction;
    struct match_result result;
};

// Against the reactions given, of snapshot `s`; NULL: all the event is offered to that could match. Blocks the calling thread (not a loop's)
// until the documents are there, at most 15 s: ERR_BUSY. What comes back lives in the arena.
MUST_USE bool engine_judge(struct engine *g, const struct snapshot *s, const struct store_event *v, const struct reaction_entry *const *reactions, size_t count, struct arena *a, struct judged **out, size_t *out_count, struct err *e);
