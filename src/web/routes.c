// The route table: every path of the API, the permission it asks for, and what it does. The description of the API
// (openapi.json) is written from it.
#include "web/places.h"

// A route that names no permission does not build.
#define ROUTE(method, path, permission, place, handler, summary) \
    { (method), (path), (permission), (place), (handler), (summary) + 0 * sizeof(char[(permission) > PERMISSION_UNSET ? 1 : -1]) }

const struct api_route api_routes[] = {
    ROUTE("GET", "", PERMISSION_ANONYMOUS, PLACE_NONE, api_root, "Name, version and links"),
    ROUTE("GET", "openapi.json", PERMISSION_SIGNED_IN, PLACE_NONE, openapi_get, "This description"),
    ROUTE("GET", "status", REACTION_VIEW, PLACE_ANYWHERE, status_get, "What the server runs on and how it does"),

    ROUTE("GET", "reactions", REACTION_VIEW, PLACE_SPACE_PART, reactions_list, "List reactions"),
    ROUTE("POST", "reactions", REACTION_CREATE, PLACE_SPACE_PART, reactions_create, "Create a reaction"),
    ROUTE("GET", "reactions/{id}", REACTION_VIEW, PLACE_REACTION, reactions_get, "Read a reaction"),
    ROUTE("PUT", "reactions/{id}", FILTER_EDIT, PLACE_REACTION, reactions_update, "Replace a reaction: a new revision"),
    ROUTE("DELETE", "reactions/{id}", REACTION_CREATE, PLACE_REACTION, reactions_delete, "Delete a reaction"),
    ROUTE("POST", "reactions/{id}/enable", REACTION_ENABLE, PLACE_REACTION, reactions_enable, "Match events again"),
    ROUTE("POST", "reactions/{id}/disable", REACTION_ENABLE, PLACE_REACTION, reactions_disable, "Match no events"),
    ROUTE("POST", "reactions/{id}/pause", RUN_CONTROL, PLACE_REACTION, reactions_pause, "Create runs, but let them wait"),
    ROUTE("POST", "reactions/{id}/resume", RUN_CONTROL, PLACE_REACTION, reactions_resume, "Let waiting runs start"),
    ROUTE("POST", "reactions/{id}/test", REACTION_TEST_RUN, PLACE_REACTION, reactions_test, "What it would do with an event: nothing is sent or stored"),
    ROUTE("GET", "reactions/{id}/revisions", REACTION_VIEW, PLACE_REACTION, revisions_list, "List revisions"),
    ROUTE("GET", "reactions/{id}/revisions/{n}", REACTION_VIEW, PLACE_REACTION, revisions_get, "Read a revision"),
    ROUTE("POST", "reactions/{id}/revisions/{n}/approve", REACTION_APPROVE, PLACE_REACTION, revisions_approve, "Put a draft into force, which somebody else wrote"),
    ROUTE("POST", "reactions/{id}/revisions/{n}/restore", REACTION_CREATE, PLACE_REACTION, revisions_restore, "Make a new revision of an old one's content"),

    ROUTE("GET", "triggers", REACTION_VIEW, PLACE_SPACE_PART, triggers_list, "List triggers"),
    ROUTE("POST", "triggers", TRIGGER_EDIT, PLACE_SPACE, triggers_create, "Create a trigger"),
    ROUTE("GET", "triggers/{id}", REACTION_VIEW, PLACE_TRIGGER, triggers_get, "Read a trigger"),
    ROUTE("PUT", "triggers/{id}", TRIGGER_EDIT, PLACE_TRIGGER, triggers_update, "Replace a trigger"),
    ROUTE("DELETE", "triggers/{id}", TRIGGER_EDIT, PLACE_TRIGGER, triggers_delete, "Delete a trigger"),
    ROUTE("GET", "triggers/{id}/keys", TRIGGER_KEY_MANAGE, PLACE_TRIGGER, keys_list, "List a trigger's keys"),
    ROUTE("POST", "triggers/{id}/keys", TRIGGER_KEY_MANAGE, PLACE_TRIGGER, keys_create, "Create a key; it is shown this once"),
    ROUTE("GET", "triggers/{id}/keys/{key}", TRIGGER_KEY_MANAGE, PLACE_TRIGGER, keys_get, "Read a key's record"),
    ROUTE("POST", "triggers/{id}/keys/{key}/revoke", TRIGGER_KEY_MANAGE, PLACE_TRIGGER, keys_revoke, "Close a key for ever"),
    ROUTE("POST", "triggers/{id}/keys/{key}/rotate", TRIGGER_KEY_MANAGE, PLACE_TRIGGER, keys_rotate, "A new key, and an end for the old one"),

    ROUTE("GET", "events", RUN_VIEW, PLACE_SPACE_PART, events_list, "List events"),
    ROUTE("GET", "events/{id}", RUN_VIEW, PLACE_EVENT, events_get, "Read an event"),
    ROUTE("GET", "events/{id}/body", RUN_OUTPUT_VIEW, PLACE_EVENT, events_body, "The raw bytes as received"),
    ROUTE("GET", "events/{id}/explain", RUN_VIEW, PLACE_EVENT, events_explain, "Why each reaction did or did not fire"),
    ROUTE("POST", "events/{id}/replay", REACTION_ENABLE, PLACE_EVENT, events_replay, "New runs of this event"),

    ROUTE("POST", "events/replay", REACTION_ENABLE, PLACE_SPACE_PART, events_replay_many, "New runs of the events of a time, where reactions match now"),
    ROUTE("POST", "events/backfill", REACTION_ENABLE, PLACE_SPACE_PART, events_backfill, "Octopus's history through chosen reactions; a dry run unless DryRun is false"),

    ROUTE("POST", "runs/retry", RUN_CONTROL, PLACE_SPACE_PART, runs_retry_many, "Try again the runs of a query that failed"),
    ROUTE("POST", "runs/cancel", RUN_CONTROL, PLACE_SPACE_PART, runs_cancel_many, "Cancel the runs of a query"),
    ROUTE("GET", "runs", RUN_VIEW, PLACE_SPACE_PART, runs_list, "List runs"),
    ROUTE("GET", "runs/{id}", RUN_VIEW, PLACE_RUN, runs_get, "Read a run with its attempts"),
    ROUTE("GET", "runs/{id}/log", RUN_OUTPUT_VIEW, PLACE_RUN, runs_log, "The lines a run wrote"),
    ROUTE("POST", "runs/{id}/retry", RUN_CONTROL, PLACE_RUN, runs_retry, "Try a failed run again"),
    ROUTE("POST", "runs/{id}/cancel", RUN_CONTROL, PLACE_RUN, runs_cancel, "Cancel a waiting or running run"),

    ROUTE("GET", "spaces", REACTION_VIEW, PLACE_ANYWHERE, spaces_list, "List spaces"),
    ROUTE("POST", "spaces", INSTANCE_SETTINGS, PLACE_INSTANCE, spaces_create, "Create a space"),
    ROUTE("GET", "spaces/{id}", REACTION_VIEW, PLACE_THE_SPACE, spaces_get, "Read a space"),
    ROUTE("PUT", "spaces/{id}", SPACE_SETTINGS, PLACE_THE_SPACE, spaces_update, "Replace a space"),
    ROUTE("DELETE", "spaces/{id}", INSTANCE_SETTINGS, PLACE_THE_SPACE, spaces_delete, "Delete an empty space"),
    ROUTE("POST", "spaces/{id}/pause", SPACE_SETTINGS, PLACE_THE_SPACE, spaces_pause, "Let the space's runs wait"),
    ROUTE("POST", "spaces/{id}/resume", SPACE_SETTINGS, PLACE_THE_SPACE, spaces_resume, "Let them start"),

    ROUTE("GET", "connections", REACTION_VIEW, PLACE_SPACE_PART, connections_list, "List connections"),
    ROUTE("POST", "connections", CONNECTION_MANAGE, PLACE_SPACE, connections_create, "Create the space's connection"),
    ROUTE("GET", "connections/{id}", REACTION_VIEW, PLACE_CONNECTION, connections_get, "Read a connection"),
    ROUTE("PUT", "connections/{id}", CONNECTION_MANAGE, PLACE_CONNECTION, connections_update, "Replace a connection"),
    ROUTE("DELETE", "connections/{id}", CONNECTION_MANAGE, PLACE_CONNECTION, connections_delete, "Delete a connection"),

    ROUTE("POST", "connections/{id}/push-key", CONNECTION_MANAGE, PLACE_CONNECTION, push_key_create, "A new key for Octopus to wake the tail with; it is shown this once"),
    ROUTE("DELETE", "connections/{id}/push-key", CONNECTION_MANAGE, PLACE_CONNECTION, push_key_delete, "No key wakes it any more"),
    ROUTE("GET", "connections/{id}/subscription", CONNECTION_MANAGE, PLACE_CONNECTION, subscription_get, "Our subscription as Octopus shows it"),
    ROUTE("PUT", "connections/{id}/subscription", CONNECTION_MANAGE, PLACE_CONNECTION, subscription_put, "Create or update our subscription in Octopus, with a new key"),
    ROUTE("DELETE", "connections/{id}/subscription", CONNECTION_MANAGE, PLACE_CONNECTION, subscription_delete, "Remove our subscription from Octopus, and the key"),

    ROUTE("GET", "identities", REACTION_VIEW, PLACE_SPACE_PART, identities_list, "List identities"),
    ROUTE("POST", "identities", IDENTITY_MANAGE, PLACE_SPACE, identities_create, "Create an identity"),
    ROUTE("GET", "identities/{id}", REACTION_VIEW, PLACE_IDENTITY, identities_get, "Read an identity, without its key"),
    ROUTE("PUT", "identities/{id}", IDENTITY_MANAGE, PLACE_IDENTITY, identities_update, "Replace an identity"),
    ROUTE("DELETE", "identities/{id}", IDENTITY_MANAGE, PLACE_IDENTITY, identities_delete, "Delete an identity"),
    ROUTE("GET", "identities/{id}/usage", IDENTITY_MANAGE, PLACE_IDENTITY, identities_usage, "Which Octopus permissions its reactions used in 90 days, and which it has"),

    ROUTE("GET", "secrets", REACTION_VIEW, PLACE_SPACE_PART, secrets_list, "List secrets, without their values"),
    ROUTE("POST", "secrets", SECRET_CREATE, PLACE_SPACE, secrets_create, "Create a secret"),
    ROUTE("GET", "secrets/{id}", REACTION_VIEW, PLACE_SECRET, secrets_get, "Read a secret, without its value"),
    ROUTE("PUT", "secrets/{id}", SECRET_CREATE, PLACE_SECRET, secrets_update, "Replace a secret"),
    ROUTE("DELETE", "secrets/{id}", SECRET_CREATE, PLACE_SECRET, secrets_delete, "Delete a secret"),

    ROUTE("GET", "settings", INSTANCE_SETTINGS, PLACE_INSTANCE, settings_get, "Read the instance's settings"),
    ROUTE("PUT", "settings", INSTANCE_SETTINGS, PLACE_INSTANCE, settings_update, "Replace the instance's settings"),
    ROUTE("POST", "settings/pause", INSTANCE_SETTINGS, PLACE_INSTANCE, settings_pause, "Let all runs wait"),
    ROUTE("POST", "settings/resume", INSTANCE_SETTINGS, PLACE_INSTANCE, settings_resume, "Let them start"),
    ROUTE("GET", "audit", AUDIT_VIEW, PLACE_AUDIT, audit_list, "Who changed what"),
    ROUTE("GET", "audit/export", AUDIT_EXPORT, PLACE_AUDIT, audit_export, "The audit, to take away: each page is a row of it"),
    ROUTE("GET", "export/{kind}", REACTION_VIEW, PLACE_SPACE_PART, config_export, "connections, identities, secrets, triggers or reactions, to take away: each page is a row of the audit"),
    ROUTE("GET", "audit/verify", AUDIT_VIEW, PLACE_INSTANCE, audit_verify, "Walk the chain of the audit"),
    ROUTE("POST", "session", PERMISSION_ANONYMOUS, PLACE_NONE, session_create, "Sign in"),
    ROUTE("GET", "session", PERMISSION_SIGNED_IN, PLACE_NONE, session_get, "Who asks, and what they may do"),
    ROUTE("DELETE", "session", PERMISSION_SIGNED_IN, PLACE_NONE, session_delete, "Sign out"),
    ROUTE("DELETE", "sessions", PERMISSION_SIGNED_IN, PLACE_NONE, sessions_delete, "Sign out everywhere"),
    ROUTE("POST", "session/password", PERMISSION_SIGNED_IN, PLACE_NONE, session_password, "Change one's own password"),
    ROUTE("GET", "session/oidc", PERMISSION_ANONYMOUS, PLACE_NONE, oidc_start, "Sign in at the OpenID provider: leads there"),
    ROUTE("GET", "session/oidc/callback", PERMISSION_ANONYMOUS, PLACE_NONE, oidc_callback, "Where the provider leads back to"),
    ROUTE("POST", "setup", PERMISSION_ANONYMOUS, PLACE_NONE, setup_create, "Make the first administrator, by the set-up link"),

    ROUTE("GET", "users", USER_ADMIN, PLACE_INSTANCE, users_list, "List users"),
    ROUTE("POST", "users", USER_ADMIN, PLACE_INSTANCE, users_create, "Create a user"),
    ROUTE("GET", "users/{id}", USER_ADMIN, PLACE_INSTANCE, users_get, "Read a user"),
    ROUTE("PUT", "users/{id}", USER_ADMIN, PLACE_INSTANCE, users_update, "Replace a user"),
    ROUTE("DELETE", "users/{id}", USER_ADMIN, PLACE_INSTANCE, users_delete, "Delete a user with sessions and keys"),
    ROUTE("GET", "roles", PERMISSION_SIGNED_IN, PLACE_NONE, roles_list, "List roles"),
    ROUTE("POST", "roles", ROLE_MANAGE, PLACE_INSTANCE, roles_create, "Create a role"),
    ROUTE("GET", "roles/{id}", PERMISSION_SIGNED_IN, PLACE_NONE, roles_get, "Read a role"),
    ROUTE("PUT", "roles/{id}", ROLE_MANAGE, PLACE_INSTANCE, roles_update, "Replace a role"),
    ROUTE("DELETE", "roles/{id}", ROLE_MANAGE, PLACE_INSTANCE, roles_delete, "Delete a role nobody has"),
    ROUTE("GET", "apikeys", PERMISSION_SIGNED_IN, PLACE_NONE, api_keys_list, "List one's own API keys; user administrators: all"),
    ROUTE("POST", "apikeys", PERMISSION_SIGNED_IN, PLACE_NONE, api_keys_create, "Create an API key; it is shown this once"),
    ROUTE("GET", "apikeys/{id}", PERMISSION_SIGNED_IN, PLACE_NONE, api_keys_get, "Read an API key's record"),
    ROUTE("DELETE", "apikeys/{id}", PERMISSION_SIGNED_IN, PLACE_NONE, api_keys_delete, "End an API key"),

    ROUTE("POST", "settings/rotate-master-key", KEY_ROTATE, PLACE_INSTANCE, master_key_rotate, "Seal every secret value anew, with a new master key"),
    ROUTE("POST", "backup", BACKUP, PLACE_INSTANCE, backup_create, "Copy the database into the data folder's backups"),
};
const size_t api_route_count = COUNT(api_routes);

void web_print_routes(struct buf *out)
{
    for (size_t i = 0; i < api_route_count; i++)
        buf_printf(out, "%s /api%s%s %s\n", api_routes[i].method, api_routes[i].path[0] ? "/" : "", api_routes[i].path, permission_name(api_routes[i].permission));
}

void openapi_get(struct api_call *c)
{
    struct arena *a = c->arena;
    struct json *j = c->answer = json_new_object(a), *info, *paths;
    json_add_str(a, j, "openapi", STR("3.0.3"));
    info = json_add(j, STR("info"), json_new_object(a));
    json_add_str(a, info, "title", STR("Octopus Reactions"));
    json_add_str(a, info, "version", str_from(c->web->opt.version));
    paths = json_add(j, STR("paths"), json_new_object(a));
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *r = &api_routes[i];
        str path = arena_printf(a, "/api%s%s", r->path[0] ? "/" : "", r->path);
        struct json *item = json_get(paths, path);
        if (!item)
            item = json_add(paths, path, json_new_object(a));
        char method[8] = { 0 };
        for (size_t k = 0; r->method[k]; k++)
            method[k] = (char)(r->method[k] | 0x20);
        struct json *operation = json_add(item, arena_str(a, str_from(method)), json_new_object(a)), *parameters = json_new_array(a);
        json_add_str(a, operation, "summary", str_from(r->summary));
        json_add_str(a, operation, "x-permission", str_from(permission_name(r->permission)));
        str rest = str_from(r->path), step;
        while (str_split(&rest, '/', &step)) {
            if (!str_starts(step, STR("{")))
                continue;
            struct json *p = json_push(parameters, json_new_object(a));
            json_add_str(a, p, "name", str_sub(step, 1, step.n - 2));
            json_add_str(a, p, "in", STR("path"));
            json_add_bool(a, p, "required", true);
            json_add_str(a, json_add(p, STR("schema"), json_new_object(a)), "type", STR("string"));
        }
        if (parameters->count)
            json_add(operation, STR("parameters"), parameters);
        struct json *answers = json_add(operation, STR("responses"), json_new_object(a));
        json_add_str(a, json_add(answers, STR("default"), json_new_object(a)), "description", STR("the answer, or ErrorMessage and Errors"));
    }
}
