// dry_run.h - what a reaction would do with an event: the verdict, the rendered request, or the script with its writes withheld.
//
// No run is made and nothing is stored. A request is rendered and not sent. A script runs in a worker of its own, which has
// no network where the machine allows that (else the result's Warnings say so); its reads go through the broker, with the
// reaction's identity, its writes are recorded and not sent. The broker decides that, not the script's process.
#pragma once

#include "reaction/registry.h"

struct engine;

#define DRY_RUN_MAX_MS 60000 // of a script, whatever its own time-out is

// The contract's test result, in the arena; of its draft where that is asked for. `v` need not be stored. Blocks the calling thread, which is not a loop's; false
// where nothing could be tried: ERR_NOT_FOUND, ERR_BUSY.
MUST_USE bool engine_dry_run(struct engine *g, int64_t reaction_id, bool is_draft, const struct store_event *v, struct arena *a, struct json **out, struct err *e);
