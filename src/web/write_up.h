// write_up.h - nobody makes a reaction do what they could not do themselves. Only src/web includes this.
//
// Every way in which a definition comes into force passes here: create, replace (also by apply and import), restore of a
// revision, approval. What counts is what the change reaches: the identity, the secrets and the hosts of the whole
// definition, not only what was typed anew, because a new script may use what the old one had.
#pragma once

#include "web/places.h"

// What changed between two definitions as stored.
struct change_kinds {
    bool any;
    bool beyond_filter; // more than name, description, filter and retries: needs ReactionCreate
    bool action;        // needs ScriptEdit or HttpActionEdit
    bool reaches;       // needs the use of the identity and of every secret
    bool sensitive;     // needs approval where the space asks for it of sensitive changes
};
// before NULL: new, all of it.
struct change_kinds change_kinds_between(const struct json *before, const struct json *now, struct arena *a);

// False: the missing right is in *why. `who` is the caller, or the author of a draft that is approved.
bool write_up_may(const struct caller *who, const struct snapshot *s, const struct reaction *r, const struct change_kinds *k, int64_t space_id, int64_t reaction_id, struct arena *a, str *why);
// The identity alone: whether they may use it for that reaction.
bool write_up_may_use_identity(const struct caller *who, const struct snapshot *s, const struct reaction *r, int64_t space_id, struct arena *a);
// Host and reaction binding of secrets, as far as it can be told before a run: into errors.
void write_up_check_bindings(const struct snapshot *s, const struct reaction *r, int64_t space_id, int64_t reaction_id, struct decode_errors *errors);

// A script is shown to whoever has ScriptView there; to others as {"HasValue": true}, which they may send back.
void write_up_hide_script(const struct caller *who, const struct reaction *r, int64_t space_id, struct json *definition, struct arena *a);
