// tail_state.h - where a tail stands, and what is new in a walk over the event log. No clock, no network.
//
// Design A of octopus-api.md 3.4. The log is ordered by a time that several clocks write, rows are committed up to
// minutes after newer ones were read, ids leave gaps and run backwards, pages shift while they are read. So: read all
// from (watermark - overlap) on, page by page to the end; drop ids seen before; sort the rest by (Occurred, number).
//
//     tail_state_walk -> tail_state_row for each row -> tail_state_end -> tail_state_take until it gives 0
//
// What is taken moves the watermark and the seen ids: tail_state_doc then says what to store together with it. Where
// that fails, the state is read again from what is stored (tail_state_load).
//
// The first walk emits nothing: it notes what is there. "Seen" covers the overlap; walks that reach further
// back (after own downtime) and bursts beyond LIMIT_TAIL_SEEN rely on the store, which knows every id.
#pragma once

#include "base/arena.h"
#include "base/err.h"

#define TAIL_OVERLAP_MS (5 * 60 * 1000)
#define TAIL_WIDE_MS (2 * 60 * 60 * 1000) // once after our own downtime
#define TAIL_DOWNTIME_MS (10 * 60 * 1000) // what counts as such

struct tail_state;

struct tail_state *tail_state_new(void);
void tail_state_free(struct tail_state *s);
// From what tail_state_doc wrote. An empty doc is a first start.
MUST_USE bool tail_state_load(str doc, struct tail_state **out, struct err *e);
str tail_state_doc(const struct tail_state *s, struct arena *a);

// Of which log it speaks (URL and space): another one is a first start again.
str tail_state_source(const struct tail_state *s);
void tail_state_set_source(struct tail_state *s, str source);

// A first start begins now: with the newest event there is. has_newest is false for an empty log.
bool tail_state_has_begun(const struct tail_state *s);
void tail_state_begin(struct tail_state *s, bool has_newest, int64_t newest_ms, int64_t now_ms);
// The largest Occurred fully processed; 0: none yet.
int64_t tail_state_watermark_ms(const struct tail_state *s);

// Begins a walk; from_ms is where to ask from (inclusive), 0: from the beginning.
void tail_state_walk(struct tail_state *s, int64_t now_ms, int64_t *from_ms);
// True when the row is new: its text (copied) is then given by tail_state_take. Rows in any order, any number of times.
struct tail_row {
    str id, type, text;
    int64_t number, occurred_ms;
};
bool tail_state_row(struct tail_state *s, const struct tail_row *row);
// Whether that row would not be new; its text need not be made then. It counts as met in this walk.
bool tail_state_knows(struct tail_state *s, str id);
// The walk came to its end. *has_gap: what was last seen is gone and newer events have come since we were away, so that
// retention may have removed some in between.
void tail_state_end(struct tail_state *s, int64_t now_ms, bool *has_gap);

// The next events in order; they live until the next walk. 0: all are taken. More may be left for another walk
// (tail_state_is_behind) when they were too many to hold.
size_t tail_state_take(struct tail_state *s, struct tail_row *out, size_t max_count, size_t max_bytes);
bool tail_state_is_behind(const struct tail_state *s);
