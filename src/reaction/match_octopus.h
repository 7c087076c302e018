// match_octopus.h - does this Octopus event fit a reaction's Events, Filter lists and Scope? (octopus-api.md 1.2, 1.3)
//
// Lists compare ids, names and slugs without case; names come from the documents the event speaks of, so that an
// object that was renamed is known by its new name within two minutes and by its id at once.
#pragma once

#include "reaction/facts.h"

// Adds a part for each rule that applies. VERDICT_MATCHED: all fit. With facts.is_waiting afterwards, a document that decides is not
// there yet, and the verdict is of no use.
enum verdict match_octopus(struct facts *f, const struct store_event *v, const struct reaction_entry *r, struct json *parts);

// Runs for the events of one deployment go one after the other; empty: no deployment.
str match_octopus_order_key(const struct json *payload);

// The ids a script finds ($ProjectId, ...); `into` has the names without $.
void match_octopus_ids(const struct json *payload, struct json *into, struct arena *a);
