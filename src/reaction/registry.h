// registry.h - the configuration as the running server sees it: an immutable picture, swapped whole.
//
// A change is committed to the store first; then registry_refresh builds a new picture and puts it in
// place. Whoever holds an older one keeps it until it lets go. Any thread.
//
// A revision never changes, so pictures share what was read from it: a refresh reads the revisions that have come into force since
// the last picture, and no other. registry_reload reads all of them, for when the stored texts themselves have changed.
#pragma once

#include "base/map.h"
#include "http/egress.h"
#include "reaction/reaction.h"
#include "trigger/route.h"
#include "reaction/sealed.h"
#include "trigger/trigger.h"
#include "store/store.h"
#include "template/template.h"

struct registry;
struct signature; // trigger/signature.h
struct handshake; // trigger/handshake.h

struct space_entry {
    int64_t id;
    str name, slug;
    bool is_paused;
};

// A key that lets Octopus wake a connection's tail.
struct push_key {
    str public_id;
    int64_t expires_ms; // 0: never
    unsigned char hash[KEYRING_HASH_BYTES];
};

struct connection_entry {
    int64_t id, space_id;
    str name, url, octopus_space; // octopus_space: id, name or slug as typed; empty: the default one
    int64_t poll_seconds;
    struct push_key push_keys[2]; // the present one, and the one before it for a while
    size_t push_key_count;
    const struct json *doc;       // as stored
};

struct identity_entry {
    int64_t id, space_id, connection_id;
    str name;
    const struct json *doc;
};

struct secret_entry {
    int64_t id, space_id;
    str name;
    const struct json *doc;
};

struct key_entry {
    int64_t id, trigger_id, expires_ms; // 0: never
    bool is_revoked;
    str label;
    unsigned char hash[KEYRING_HASH_BYTES];
};

// What the names in a definition's lists stood for in Octopus when it was saved.
struct reaction_ids {
    struct str_list filters[FILTER_LISTS], scopes[3]; // projects, environments, tenants
};

struct definitions; // the registry's: the memory of some definitions, shared by pictures

struct reaction_entry {
    int64_t id, space_id, revision_id, revision_number;
    str revision_hash;
    bool is_enabled, is_paused;
    const struct reaction *def;
    str doc;                        // the revision as stored, text (secrets sealed)
    const struct reaction_ids *ids; // NULL: none were resolved
    const struct template *condition; // NULL: none, or it does not parse
    const struct trigger_entry *trigger; // external; NULL: the trigger it names is gone
    struct definitions *memory;          // of all the above; registry's business
    bool has_newer_ids;                  // looked up again since the revision was saved
};

// A run of this event, pinned to the reaction's present revision. Its key, state and times are the caller's.
struct store_run reaction_run(const struct reaction_entry *r, const struct store_event *v);

struct trigger_entry {
    const struct trigger *t;
    const struct signature *signature; // or NULL
    const struct handshake *handshake; // or NULL
    const struct reaction_entry **reactions;
    size_t reaction_count;
};

struct snapshot {
    struct arena arena;
    int references; // registry's business
    struct space_entry *spaces;
    size_t space_count;
    struct connection_entry *connections;
    size_t connection_count;
    struct identity_entry *identities;
    size_t identity_count;
    struct secret_entry *secrets;
    size_t secret_count;
    struct trigger_entry *triggers;
    size_t trigger_count;
    struct reaction_entry *reactions;
    size_t reaction_count;
    struct route_table *routes; // owner: struct trigger_entry
    struct map keys;            // public id -> struct key_entry
    struct match_index *index;  // reaction/match_index.h: which of them an Octopus event could concern
    struct map reactions_by_id; // the 8 bytes of the id -> struct reaction_entry
    struct map drafts;          // likewise: what waits for approval, beside what is in force or alone. It matches and runs nothing
    struct egress *egress;
    const struct json *settings; // Settings document; may be NULL
    bool is_paused;              // the instance
    str *problems;               // what could not be loaded, in words: for doctor and readyz
    size_t problem_count;
};

struct registry_options {
    struct store *store;
    const struct keyring *keyring;
    const str *egress_allow; // from file and environment; the stored setting adds to it
    size_t egress_count;
};

MUST_USE bool registry_open(const struct registry_options *opt, struct registry **out, struct err *e);
void registry_close(struct registry *r);
MUST_USE bool registry_refresh(struct registry *r, struct err *e);
MUST_USE bool registry_reload(struct registry *r, struct err *e);
// Told (on any thread) after each of them.
void registry_on_change(struct registry *r, void (*fn)(void *ctx), void *ctx);

// Our own listeners and databases, which stay refused whatever a CIDR says. Before the next reload.
void registry_add_own_address(struct registry *r, const struct sockaddr *sa, socklen_t n);

const struct snapshot *registry_take(struct registry *r);
void registry_give(struct registry *r, const struct snapshot *s);

const struct space_entry *snapshot_space(const struct snapshot *s, int64_t id);
const struct reaction_entry *snapshot_reaction(const struct snapshot *s, int64_t id);
const struct reaction_entry *snapshot_draft(const struct snapshot *s, int64_t id);
const struct trigger_entry *snapshot_trigger(const struct snapshot *s, int64_t id);
// By id, slug or name within a space.
const struct trigger_entry *snapshot_find_trigger(const struct snapshot *s, int64_t space_id, str name);
const struct identity_entry *snapshot_find_identity(const struct snapshot *s, int64_t space_id, str name);
const struct secret_entry *snapshot_find_secret(const struct snapshot *s, int64_t space_id, str name);
const struct connection_entry *snapshot_connection(const struct snapshot *s, int64_t id);
const struct connection_entry *snapshot_space_connection(const struct snapshot *s, int64_t space_id);
