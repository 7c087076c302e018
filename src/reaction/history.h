// history.h - Octopus's event log of the past, read for somebody who waits: what a backfill replays.
//
// Read with the connection's reader key, on the engine's thread; nothing is stored and the tail is not touched.
#pragma once

#include "reaction/registry.h"

struct engine;

#define HISTORY_MAX 10000 // events in one call

// The events with from_ms <= Occurred < to_ms, oldest first, as Octopus shows them, at most max; *more: there are further ones, older
// than what came. Blocks the calling thread, which is not a loop's.
MUST_USE bool engine_history(struct engine *g, int64_t connection_id, int64_t from_ms, int64_t to_ms, int64_t max, struct arena *a, struct json **events, bool *more, struct err *e);
// Stores events of the past, as matched already, so that only the runs made by hand come of them. One that is there already stays; ids[i] is
// each one's. Blocks too.
MUST_USE bool engine_store_history(struct engine *g, const struct store_event *events, size_t count, int64_t *ids, struct err *e);
