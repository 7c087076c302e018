// places.h - where an object stands, and whether a caller may see it there. Only src/web includes this.
//
// A thing the caller may not see is answered exactly like one that does not exist (404). 403 is for those who may see it but
// not do what they ask.
#pragma once

#include "web/api.h"

// Where the objects that a route names stand: the dispatcher checks the route's permission there before its handler runs.
enum api_place {
    PLACE_NONE,       // for permissions that are asked of nothing in particular
    PLACE_INSTANCE,
    PLACE_ANYWHERE,   // held somewhere: the handler shows what is visible
    PLACE_SPACE,      // the path's space, or Spaces-1: held in the whole of it
    PLACE_SPACE_PART, // held in a part of it: the handler limits what it lists or takes
    PLACE_AUDIT,      // the path's space; without one, all of it where the caller may see that
    // an object that {id} names
    PLACE_THE_SPACE, PLACE_REACTION, PLACE_TRIGGER, PLACE_CONNECTION, PLACE_IDENTITY, PLACE_SECRET, PLACE_EVENT, PLACE_RUN,
};

// False: answered with 404 or 403.
bool place_check_route(struct api_call *c, const struct api_route *route);

// Of a reaction: what the Scope of its active revision (of its draft, while nothing was approved), or else its Filter, limits it to. One with an external trigger is about the whole space, as events
// from outside name no project. NULL (not loaded): the whole space.
struct access_place place_of_reaction(const struct reaction *def, int64_t space_id, struct arena *a);
struct access_place place_of_event(int64_t space_id, str project, str environment, struct arena *a);

// ReactionView, RunView: of a stored object (not of events and runs).
bool place_sees_object(struct api_call *c, const struct store_object *o);
bool place_sees_reaction(struct api_call *c, int64_t reaction_id, int64_t space_id);
// At the event, which need not exist any more (then: the whole space).
bool place_may_at_event(struct api_call *c, enum permission p, int64_t space_id, int64_t event_id);

// What a list of events or runs is limited to for this caller.
struct store_scopes place_scopes(struct api_call *c, enum permission p, int64_t space_id);
