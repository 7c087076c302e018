// engine_names.h - what the names in a reaction's lists stand for in Octopus at this moment. Their ids are kept with the revision, so that
// a renamed object still matches.
#pragma once

#include "reaction/engine.h"

// {"Projects": {"Core Web": ["Projects-23"]}, "Scope.Projects": ...} for all names that are no ids; NULL where there is nothing to keep. A
// warning (text) is pushed for each that stands for nothing the reader's key may see, or one for all where Octopus does not answer
// within 3 s. Blocks the calling thread (not a loop's). In the arena.
struct json *engine_names(struct engine *g, int64_t connection_id, const struct reaction *def, struct json *warnings, struct arena *a);

// The same for a definition that was saved before and comes into force again; known is what was kept then, or NULL. Octopus is asked anew,
// whatever it said a moment ago. What was renamed meanwhile is kept by its id; what stands for nothing any more is an error. Where
// Octopus does not answer, what was known stays, with a warning.
struct json *engine_names_again(struct engine *g, int64_t connection_id, const struct reaction *def, const struct json *known, struct decode_errors *errors, struct json *warnings, struct arena *a);
