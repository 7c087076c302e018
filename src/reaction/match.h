// match.h - does this reaction want this event? The verdict, with each part's reason.
#pragma once

#include "reaction/data.h"

struct match_result {
    enum verdict verdict;
    bool is_waiting; // an Octopus document that decides is still being fetched: ask again
    str parts; // JSON array of {"Part", "Passed", "Wanted", "Got"} in the arena
};

// One event, offered to any number of reactions: what they all need is looked up once. In the arena, for one turn of the loop.
struct match;
// `payload` is the event's payload parsed.
struct match *match_new(const struct data_source *d, const struct store_event *v, const struct json *payload, struct arena *a);
void match_reaction(struct match *m, const struct reaction_entry *r, struct match_result *out);
// True once anything asked about is still being fetched: no verdict of this event counts then.
bool match_is_waiting(const struct match *m);

// Those of the snapshot's reactions that could match, by the index; an external event's are those of its trigger. The array lives in
// the arena. *offered: how many the event is offered to, found or not.
size_t match_candidates(struct match *m, const struct reaction_entry ***out, size_t *offered);
// All it is offered to, those that cannot match too.
size_t match_offered(struct match *m, const struct reaction_entry ***out);

// How many an event is offered to; 0: its payload need not even be parsed.
size_t match_offer_count(const struct snapshot *s, const struct store_event *v);

// All of that for one reaction.
void match_event(const struct data_source *d, const struct store_event *v, const struct json *payload, const struct reaction_entry *r, struct arena *a, struct match_result *out);
