// gone.h - disables a reaction by itself: its target answered 410 (it wants to hear no more), or nothing but failures came for five
// days. For the engine only.
//
// The store's changes wait for the disk, which the engine's thread must not: each is made on a thread of its own, with an audit
// row that names the run. A reaction disabled meanwhile is left as it is.
#pragma once

#include "reaction/engine_internal.h"

// reason is a literal: "its target answered 410 Gone".
void gone_disable(struct engine *g, int64_t space_id, int64_t reaction_id, int64_t run_id, const char *reason);
// Waits for those under way. After the engine's loop has stopped, before it is closed.
void gone_stop(struct engine *g);
