// octopus_vars.h - Octopus's variables for an event (octopus-api.md section 7): which of them a definition speaks of, the documents these come
// from, their values, and for what has none the reason.
//
// At run time Octopus fills these for a deployment; here they are derived from the event and its documents. Only what a definition mentions
// is fetched. Mentions are found by reading its texts, not by rendering them: a name that is put together while rendering is not seen.
#pragma once

#include "reaction/data.h"

// A set of what is mentioned; each bit is a document or a question to Octopus.
enum {
    NEEDS_PROJECT = 1 << 0, NEEDS_GROUP = 1 << 1, NEEDS_RELEASE = 1 << 2, NEEDS_CHANNEL = 1 << 3, NEEDS_DEPLOYMENT = 1 << 4, NEEDS_CREATOR = 1 << 5,
    NEEDS_ENVIRONMENT = 1 << 6, NEEDS_TENANT = 1 << 7, NEEDS_TASK = 1 << 8, NEEDS_MACHINE = 1 << 9, NEEDS_RUNBOOK = 1 << 10, NEEDS_RUNBOOK_RUN = 1 << 11, NEEDS_SPACE = 1 << 12,
    NEEDS_PREVIOUS = 1 << 13, NEEDS_PREVIOUS_HERE = 1 << 14, NEEDS_CURRENT_HERE = 1 << 15, NEEDS_SNAPSHOT = 1 << 16,
    NEEDS_NOTHING = 1 << 30, // said explicitly: 0 is "not said" and stands for the names
};
// What is fetched when nobody says: the documents the event itself names.
#define NEEDS_NAMES (NEEDS_PROJECT | NEEDS_GROUP | NEEDS_RELEASE | NEEDS_CHANNEL | NEEDS_DEPLOYMENT | NEEDS_ENVIRONMENT | NEEDS_TENANT | NEEDS_TASK | NEEDS_MACHINE)

// A project's variables: what leads to the snapshot, and what their scopes speak of.
#define NEEDS_SNAPSHOT_ALL (NEEDS_SNAPSHOT | NEEDS_RELEASE | NEEDS_DEPLOYMENT | NEEDS_RUNBOOK_RUN | NEEDS_TENANT)

uint32_t octopus_needs(const struct reaction *def);            // of all its texts
uint32_t octopus_needs_of_template(str text, const struct reaction *def); // def may be NULL; its own variables are not Octopus's
uint32_t octopus_needs_of_script(str text, const struct reaction *def);

// The names a definition's templates may speak of: others need not be put together. NULL: all of them (a script finds them
// all, and a variable of the project may speak of any). In the arena.
struct octopus_names {
    str *items; // as they are mentioned, punctuation left out, in lower case
    size_t count;
};
const struct octopus_names *octopus_names(const struct reaction *def, struct arena *a);
bool octopus_names_may_hold(const struct octopus_names *names, str name); // also what lies below a mentioned name, or above it

// The documents are asked for. False: some are still on their way.
bool octopus_vars_prepare(const struct data_source *d, const struct json *payload, uint32_t needs);

// Name -> text into `values`; name -> reason into `reasons` (may be NULL) for mentioned names that have none.
void octopus_vars(const struct data_source *d, const struct json *payload, uint32_t needs, struct json *values, struct json *reasons, struct arena *a);

// One variable set's value in a scope; for tests. `sets`: documents of /variables/..., the project's first.
struct octopus_scope {
    str environment_id, channel_id, tenant_id;
    const struct json *tenant_tags; // array of "Set/Tag"
};
void octopus_snapshot_variables(const struct json *const *sets, size_t count, const struct octopus_scope *scope, const struct clock *clock, struct json *values, struct json *reasons, struct arena *a);
