// match.h - does this reaction want this event? The verdict, with each part's reason.
#pragma once

#include "reaction/data.h"

struct match_result {
    enum verdict verdict;
    bool is_waiting; // an Octopus document that decides is still being fetched: ask again
    str parts; // JSON array of {"Part", "Passed", "Wanted", "Got"} in the arena
};

// Judges one event against one reaction, whichever kind. `payload` is the event's payload parsed; `vars` is data_of_event's, or NULL
// where nobody needed it yet.
void match_event(const struct data_source *d, const struct store_event *v, const struct json *payload, const struct reaction_entry *r, struct arena *a, struct match_result *out);
