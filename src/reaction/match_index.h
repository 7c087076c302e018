// match_index.h - which reactions an Octopus event could concern, found without looking at the others.
//
// Reactions are posted under their space, event type and what their lists want ("project Web Shop, environment Production"), for every
// combination of their values. An event asks for the combinations it could be: as many look-ups as there are kinds of combinations in use,
// whatever the number of reactions. A condition that compares one of Octopus's variables with a text (#{if Octopus.Release.Number ==
// "1.0"}true#{/if}) is one more such value; any other condition is rendered for each reaction whose lists fit.
//
// What is found is a little more than what matches (hashes, endpoints, scopes): the judge has the last word. What is not found does not match.
#pragma once

#include "reaction/facts.h"

struct match_index;

// Of reactions[0..count), those with an internal trigger.
struct match_index *match_index_new(const struct reaction_entry *reactions, size_t count);
void match_index_free(struct match_index *x);
// For another array of which each place holds a reaction of the same id, definition and flags. Each share is freed.
struct match_index *match_index_share(struct match_index *x);
size_t match_index_bytes(const struct match_index *x);

// All that name this type of event in that space: those an event is offered to. In the order of their ids.
size_t match_index_offered(const struct match_index *x, int64_t space_id, str category, struct arena *a, const uint32_t **reactions);

// The value of one of Octopus's variables for this event, as text; false: it has none, or it is not known yet.
typedef bool match_index_value(void *ctx, str name, str *out);
// Those that could match; numbers into the array given at the start, each once, ascending. Facts may be waiting afterwards.
size_t match_index_find(const struct match_index *x, struct facts *f, int64_t space_id, match_index_value *value, void *ctx, uint32_t **out);

// "Octopus.X" and "text" of a condition that compares just these; false for any other.
bool match_index_condition(str condition, str *name, str *text);
