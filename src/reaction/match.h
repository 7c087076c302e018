// match.h - does this reaction want this event? The verdict, with each part's reason.
#pragma once

#include "reaction/registry.h"

struct match_result {
    enum verdict verdict;
    str parts; // JSON array of {"Part", "Passed", "Wanted", "Got"} in the arena
};

// Judges one event against one reaction, whichever kind. `payload` is the event's payload parsed.
void match_event(const struct store_event *v, const struct json *payload, const struct reaction_entry *r, const struct snapshot *s, struct arena *a, struct match_result *out);
