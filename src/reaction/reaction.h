// reaction.h - the definition of a reaction: trigger, filter, action, and how it is run.
//
// A definition is one revision: it never changes once saved. Whether it is enabled or paused belongs
// to the reaction, not to a revision.
#pragma once

#include "json/decode.h"

enum trigger_type { TRIGGER_INTERNAL, TRIGGER_EXTERNAL };
enum action_type { ACTION_POWERSHELL, ACTION_HTTP };

enum filter_list {
    FILTER_PROJECTS, FILTER_PROJECT_GROUPS, FILTER_ENVIRONMENTS, FILTER_TENANTS, FILTER_TENANT_TAGS,
    FILTER_CHANNELS, FILTER_MACHINES, FILTER_ROLES, FILTER_USERS,
    FILTER_LISTS,
};
extern const char *const filter_list_names[FILTER_LISTS];

struct str_list {
    str *items;
    size_t count;
};

struct variable {
    str name;
    const struct json *value; // text, or a sealed object; NULL where secret is set
    bool is_sensitive;
    str secret;               // name or id of a Secret; empty: none
};

struct module {
    str name, sha256; // lower-case hex
};

struct reaction {
    str name, slug, description;
    bool is_enabled, is_paused; // as in the document; the reaction's own flags count

    enum trigger_type trigger_type;
    str trigger_name;       // external: id, slug or name
    str connection;         // internal: name or empty
    struct str_list events; // internal

    struct str_list filters[FILTER_LISTS];
    str condition;          // p == NULL: always
    bool include_own_effects;
    struct str_list scope_projects, scope_environments, scope_tenants;

    enum action_type action_type;
    // PowerShell
    str script;
    int64_t memory_megabytes;
    bool is_isolated, octopus_client;
    struct module *modules;
    size_t module_count;
    // HTTP
    str method, uri, body, content_type, success_status;
    const struct json *headers; // array of {Name, Value}
    bool check_body, leave_undefined;
    const struct json *signing, *tls;
    int64_t timeout_seconds;

    str identity; // name or id; empty: none
    struct variable *variables;
    size_t variable_count;

    int64_t max_attempts;
    int64_t *schedule_seconds; // NULL: Standard Webhooks
    size_t schedule_count;
    bool retry_scripts;
    int64_t max_concurrent;
    bool has_order_by;         // false: the default; true with an empty text: none
    str order_by;
    const struct json *debounce, *throttle; // as given
    int64_t debounce_seconds;               // 0: none
    str debounce_by;                        // template; empty: all its events are one kind
    int64_t throttle_max, throttle_seconds; // 0: none
    int64_t delay_seconds;
};

// NULL when there are any errors. Checks all that can be checked without looking elsewhere; External with Http is refused here.
struct reaction *reaction_decode(struct arena *a, const struct json *doc, struct decode_errors *errors);
// The definition with every field in the contract's order: what a revision stores. Without Id, SpaceId, Links,
// Revision, Enabled, Paused.
struct json *reaction_to_json(const struct reaction *r, struct arena *a);
// SHA-256 of the definition, hex: what an approval binds to and a run records. Its secret values were exchanged for their
// digests before (sealed_digest).
str reaction_hash(const struct json *definition, struct arena *a);
