// data.h - what a reaction's templates see: the event as parsed data, the reaction's own variables, its secrets.
//
// Event and payload bytes are bound as event data, secrets as secrets: neither is ever read as a template.
#pragma once

#include "octopus/directory.h"
#include "reaction/mask.h"
#include "reaction/registry.h"
#include "template/template.h"

struct octopus_names;

struct data_source {
    const struct snapshot *snapshot;
    const struct keyring *keyring;
    const struct clock *clock;
    const char *server_uri; // may be NULL
    str octopus_url;         // of the event's connection; empty: none
    uint32_t needs;          // of Octopus's variables, what is spoken of (octopus_vars.h); 0: not said, the names
    const struct octopus_names *names; // of Octopus's variables, those that may be spoken of (octopus_vars.h); NULL: all
    // What an Octopus id stands for (directory.h); NULL: only what the event itself says is known.
    enum directory_state (*document)(void *ctx, str id, const struct json **doc, bool *is_failing);
    void *document_ctx;
};

// Payload, Query, Route, Request and, for Octopus events, Octopus.Event. The payload is the event's, parsed. In the arena.
struct vars *data_of_event(const struct data_source *d, const struct store_event *v, const struct json *payload, struct arena *a);

// The reaction's variables on top: text is a template over the rest, sensitive values and secrets are literal (and go into the
// mask, which may be NULL). `def` has its secrets as stored or in the clear.
MUST_USE bool data_add_variables(const struct data_source *d, const struct reaction *def, int64_t reaction_id, int64_t space_id, struct vars *v, struct mask *mask, struct arena *a, struct err *e);

// A reaction's variables as a script finds them: name and rendered text, in `into`.
MUST_USE bool data_rendered_variables(const struct data_source *d, const struct reaction *def, const struct vars *v, struct json *into, struct arena *a, struct err *e);

// One text over the data; undefined tokens stay as they are. An exception is an error.
MUST_USE bool data_render(const struct data_source *d, str text, const struct vars *v, struct arena *a, str *out, struct err *e);

// Every template of a definition is parsed: problems go into errors, with path, line and column.
void data_check_templates(const struct reaction *def, struct decode_errors *errors);

// AllowedReactions of a secret: ids, slugs or names; none: every reaction of the space.
bool data_may_use_secret(const struct snapshot *s, const struct secret_entry *secret, const struct reaction *def, int64_t reaction_id, struct arena *a);
