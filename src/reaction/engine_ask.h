// engine_ask.h - something another thread wants to know from the engine's, which may have to ask Octopus first: tried now, and again
// whenever documents came, until it is answered or patience ends.
#pragma once

#include "reaction/engine.h"

// `answer` runs on the engine's thread; false: not yet. Blocks the calling thread (not a loop's). False: it was never answered.
MUST_USE bool engine_ask(struct engine *g, int64_t patience_ms, bool (*answer)(struct engine *g, void *ctx), void *ctx);

// For the engine: documents came. And the engine ends: nobody waits longer.
void engine_ask_again(struct engine *g);
void engine_ask_stop(struct engine *g);
