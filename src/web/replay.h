// replay.h - new runs of events that were: one event's, a range's, or of Octopus's history. Only src/web includes this.
#pragma once

#include "web/api.h"

// Whether the caller may start runs of this reaction.
bool replay_allowed(struct api_call *c, const struct reaction_entry *r);
// A further run of this event, of the active revision; v->id 0: not stored yet. False: answered.
bool replay_make(struct api_call *c, const struct store_event *v, const struct reaction_entry *r, struct store_run *out);
// By id, slug or name, among those the caller may see; NULL: there is none.
const struct reaction_entry *replay_find_reaction(struct api_call *c, int64_t space_id, str name);
