// The route table: every path of the API, the permission it asks for, and what it does. The description of the API
// (openapi.json) is written from it.
#include "web/api.h"

const struct api_route api_routes[] = {
    { "GET", "", PERMISSION_ANONYMOUS, api_root, "Name, version and links" },
    { "GET", "openapi.json", REACTION_VIEW, openapi_get, "This description" },
    { "GET", "status", REACTION_VIEW, status_get, "What the server runs on and how it does" },

    { "GET", "reactions", REACTION_VIEW, reactions_list, "List reactions" },
    { "POST", "reactions", REACTION_CREATE, reactions_create, "Create a reaction" },
    { "GET", "reactions/{id}", REACTION_VIEW, reactions_get, "Read a reaction" },
    { "PUT", "reactions/{id}", REACTION_CREATE, reactions_update, "Replace a reaction: a new revision" },
    { "DELETE", "reactions/{id}", REACTION_CREATE, reactions_delete, "Delete a reaction" },
    { "POST", "reactions/{id}/enable", REACTION_ENABLE, reactions_enable, "Match events again" },
    { "POST", "reactions/{id}/disable", REACTION_ENABLE, reactions_disable, "Match no events" },
    { "POST", "reactions/{id}/pause", RUN_CONTROL, reactions_pause, "Create runs, but let them wait" },
    { "POST", "reactions/{id}/resume", RUN_CONTROL, reactions_resume, "Let waiting runs start" },
    { "POST", "reactions/{id}/test", REACTION_TEST_RUN, reactions_test, "What it would do with an event: nothing is sent or stored" },
    { "GET", "reactions/{id}/revisions", REACTION_VIEW, revisions_list, "List revisions" },
    { "GET", "reactions/{id}/revisions/{n}", REACTION_VIEW, revisions_get, "Read a revision" },
    { "POST", "reactions/{id}/revisions/{n}/restore", REACTION_CREATE, revisions_restore, "Make a new revision of an old one's content" },

    { "GET", "triggers", REACTION_VIEW, triggers_list, "List triggers" },
    { "POST", "triggers", TRIGGER_EDIT, triggers_create, "Create a trigger" },
    { "GET", "triggers/{id}", REACTION_VIEW, triggers_get, "Read a trigger" },
    { "PUT", "triggers/{id}", TRIGGER_EDIT, triggers_update, "Replace a trigger" },
    { "DELETE", "triggers/{id}", TRIGGER_EDIT, triggers_delete, "Delete a trigger" },
    { "GET", "triggers/{id}/keys", TRIGGER_KEY_MANAGE, keys_list, "List a trigger's keys" },
    { "POST", "triggers/{id}/keys", TRIGGER_KEY_MANAGE, keys_create, "Create a key; it is shown this once" },
    { "GET", "triggers/{id}/keys/{key}", TRIGGER_KEY_MANAGE, keys_get, "Read a key's record" },
    { "POST", "triggers/{id}/keys/{key}/revoke", TRIGGER_KEY_MANAGE, keys_revoke, "Close a key for ever" },
    { "POST", "triggers/{id}/keys/{key}/rotate", TRIGGER_KEY_MANAGE, keys_rotate, "A new key, and an end for the old one" },

    { "GET", "events", RUN_VIEW, events_list, "List events" },
    { "GET", "events/{id}", RUN_OUTPUT_VIEW, events_get, "Read an event" },
    { "GET", "events/{id}/body", RUN_OUTPUT_VIEW, events_body, "The raw bytes as received" },
    { "GET", "events/{id}/explain", RUN_VIEW, events_explain, "Why each reaction did or did not fire" },
    { "POST", "events/{id}/replay", REACTION_ENABLE, events_replay, "New runs of this event" },

    { "GET", "runs", RUN_VIEW, runs_list, "List runs" },
    { "GET", "runs/{id}", RUN_VIEW, runs_get, "Read a run with its attempts" },
    { "GET", "runs/{id}/log", RUN_OUTPUT_VIEW, runs_log, "The lines a run wrote" },
    { "POST", "runs/{id}/retry", RUN_CONTROL, runs_retry, "Try a failed run again" },
    { "POST", "runs/{id}/cancel", RUN_CONTROL, runs_cancel, "Cancel a waiting or running run" },

    { "GET", "spaces", REACTION_VIEW, spaces_list, "List spaces" },
    { "POST", "spaces", INSTANCE_SETTINGS, spaces_create, "Create a space" },
    { "GET", "spaces/{id}", REACTION_VIEW, spaces_get, "Read a space" },
    { "PUT", "spaces/{id}", SPACE_SETTINGS, spaces_update, "Replace a space" },
    { "DELETE", "spaces/{id}", INSTANCE_SETTINGS, spaces_delete, "Delete an empty space" },
    { "POST", "spaces/{id}/pause", SPACE_SETTINGS, spaces_pause, "Let the space's runs wait" },
    { "POST", "spaces/{id}/resume", SPACE_SETTINGS, spaces_resume, "Let them start" },

    { "GET", "connections", REACTION_VIEW, connections_list, "List connections" },
    { "POST", "connections", CONNECTION_MANAGE, connections_create, "Create the space's connection" },
    { "GET", "connections/{id}", REACTION_VIEW, connections_get, "Read a connection" },
    { "PUT", "connections/{id}", CONNECTION_MANAGE, connections_update, "Replace a connection" },
    { "DELETE", "connections/{id}", CONNECTION_MANAGE, connections_delete, "Delete a connection" },

    { "POST", "connections/{id}/push-key", CONNECTION_MANAGE, push_key_create, "A new key for Octopus to wake the tail with; it is shown this once" },
    { "DELETE", "connections/{id}/push-key", CONNECTION_MANAGE, push_key_delete, "No key wakes it any more" },
    { "GET", "connections/{id}/subscription", CONNECTION_MANAGE, subscription_get, "Our subscription as Octopus shows it" },
    { "PUT", "connections/{id}/subscription", CONNECTION_MANAGE, subscription_put, "Create or update our subscription in Octopus, with a new key" },
    { "DELETE", "connections/{id}/subscription", CONNECTION_MANAGE, subscription_delete, "Remove our subscription from Octopus, and the key" },

    { "GET", "identities", REACTION_VIEW, identities_list, "List identities" },
    { "POST", "identities", IDENTITY_MANAGE, identities_create, "Create an identity" },
    { "GET", "identities/{id}", REACTION_VIEW, identities_get, "Read an identity, without its key" },
    { "PUT", "identities/{id}", IDENTITY_MANAGE, identities_update, "Replace an identity" },
    { "DELETE", "identities/{id}", IDENTITY_MANAGE, identities_delete, "Delete an identity" },

    { "GET", "secrets", REACTION_VIEW, secrets_list, "List secrets, without their values" },
    { "POST", "secrets", SECRET_CREATE, secrets_create, "Create a secret" },
    { "GET", "secrets/{id}", REACTION_VIEW, secrets_get, "Read a secret, without its value" },
    { "PUT", "secrets/{id}", SECRET_CREATE, secrets_update, "Replace a secret" },
    { "DELETE", "secrets/{id}", SECRET_CREATE, secrets_delete, "Delete a secret" },

    { "GET", "settings", INSTANCE_SETTINGS, settings_get, "Read the instance's settings" },
    { "PUT", "settings", INSTANCE_SETTINGS, settings_update, "Replace the instance's settings" },
    { "POST", "settings/pause", INSTANCE_SETTINGS, settings_pause, "Let all runs wait" },
    { "POST", "settings/resume", INSTANCE_SETTINGS, settings_resume, "Let them start" },
    { "GET", "audit", AUDIT_VIEW, audit_list, "Who changed what" },
    { "GET", "audit/verify", AUDIT_VIEW, audit_verify, "Walk the chain of the audit" },
    { "POST", "backup", BACKUP, backup_create, "Copy the database into the data folder's backups" },
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
