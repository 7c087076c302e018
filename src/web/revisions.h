// revisions.h - definitions and how they come into force. Only src/web includes this.
//
// A revision never changes. A reaction's document says which one is active and which is a draft:
//
//     { "ActiveRevisionId": 7, "DraftRevisionId": 9, "LatestNumber": 3, "Approvals": [{ "RevisionId", "Hash", "By", "At" }], ... }
//
// Where the space's policy asks for approval, a saved revision is a draft and the active one goes on. Approval is of the
// revision with that hash, by somebody else than its author; whatever is saved afterwards is another revision.
#pragma once

#include "web/api_object.h"
#include "web/write_up.h"

// What a definition names must be there: into c->errors.
void reaction_check_names(struct api_call *c, const struct reaction *r, int64_t space_id);

int64_t revision_field(const struct json *doc, const char *name); // a number of it; 0 where absent
struct store_object *revision_load(struct api_call *c, int64_t id);  // NULL: answered
// The active one, else the draft. NULL: answered.
struct store_object *revision_shown(struct api_call *c, const struct store_object *reaction);
// The newest: what is edited. NULL: answered.
struct store_object *revision_newest(struct api_call *c, const struct store_object *reaction);

// The caller may save this (else answered), given what is active now.
bool revision_may_save(struct api_call *c, const struct store_object *reaction, const struct reaction *r, const struct json *definition, struct change_kinds *k);
// Stores the definition as a new revision, active or a draft as the policy says (unless nothing in it changed), with the flags
// beside it. False: answered.
// Before a stored definition comes into force again, and before anybody's changes wait, as Octopus may be slow: what its names stand for now,
// into c->resolved and c->warnings. *gone has an error for each that stands for nothing any more; begins zeroed.
void revision_resolve_again(struct api_call *c, const struct store_object *reaction, const struct store_object *revision, struct decode_errors *gone);
// What was found out is kept beside a revision that stays the same.
void revision_keep_resolved(struct api_call *c, struct json *flags, int64_t revision_id);

bool revision_store(struct api_call *c, struct store_object *o, int64_t expected_version, struct json *definition, const struct change_kinds *k, bool is_enabled, bool is_paused, const char *action);

// {Number, Hash, Author, Created} of the draft, or null.
struct json *revision_draft_json(struct api_call *c, const struct store_object *reaction);

enum approval_policy { APPROVAL_NONE, APPROVAL_SENSITIVE, APPROVAL_ALL };
extern const char *const approval_names[3];
bool approval_parse(str text, enum approval_policy *out);
// As the space says; where it says nothing, of sensitive changes once it is not one person alone who could make them.
enum approval_policy approval_in_force(struct api_call *c, int64_t space_id);
