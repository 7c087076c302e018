#include "access/octopus_rights.h"

#include "access/roles.h"

#define B(p) (1ULL << (p))

// docs/people.md has this table in words.
static const struct { const char *octopus; uint64_t ours; } rights[] = {
    { "EventView", B(REACTION_VIEW) | B(RUN_VIEW) },
    { "TaskView", B(RUN_OUTPUT_VIEW) },
    { "ProcessView", B(SCRIPT_VIEW) },
    { "ProcessEdit", B(REACTION_CREATE) | B(FILTER_EDIT) | B(HTTP_ACTION_EDIT) | B(SCRIPT_VIEW) | B(SCRIPT_EDIT) | B(REACTION_TEST_RUN) | B(IDENTITY_USE) | B(SECRET_USE) },
    { "TaskCancel", B(REACTION_ENABLE) | B(RUN_CONTROL) },
    { "TriggerEdit", B(TRIGGER_EDIT) },
    { "InterruptionSubmit", B(REACTION_APPROVE) },
    { "SpaceEdit", B(SPACE_SETTINGS) | B(CONNECTION_MANAGE) | B(IDENTITY_MANAGE) | B(SECRET_CREATE) | B(TRIGGER_KEY_MANAGE) | B(AUDIT_VIEW) },
};

static struct access_list list_of(const struct json *list, struct arena *a)
{
    size_t count = 0;
    str *items = ARENA_ARRAY(a, str, json_is(list, JSON_ARRAY) ? list->count : 0);
    json_each(item, list)
        items[count++] = json_str(item, STR(""));
    return (struct access_list){ items, count };
}

bool octopus_is_limited(const struct json *entry, const char *name)
{
    const struct json *list = json_get(entry, str_from(name));
    return json_is(list, JSON_ARRAY) && list->count;
}

bool octopus_entry_is_in(const struct json *entry, str octopus_space)
{
    const struct json *space = json_get(entry, STR("SpaceId"));
    return !space || json_is(space, JSON_NULL) || str_eq_nocase(json_str(space, STR("")), octopus_space);
}

bool octopus_has_system(const struct json *permissions, str name)
{
    json_each(item, json_get(permissions, STR("SystemPermissions")))
        if (str_eq_nocase(json_str(item, STR("")), name))
            return true;
    return false;
}

bool octopus_rights(const struct json *permissions, const struct octopus_place *places, size_t place_count, struct arena *a, struct access_grant **grants, size_t *count, struct err *e)
{
    const struct json *by_name = json_get(permissions, STR("SpacePermissions"));
    *count = 0;
    *grants = ARENA_ARRAY(a, struct access_grant, OCTOPUS_GRANTS_MAX);
    if (!json_is(by_name, JSON_OBJECT) || !json_bool(json_get(permissions, STR("IsPermissionsComplete")), false))
        return err_set(e, ERR_DENIED, "Octopus does not tell all that this account may do: nothing can be concluded from it");
    if (octopus_has_system(permissions, STR("AdministerSystem"))) {
        // Who administers that Octopus administers what stands for it here; not this instance, which may serve others too.
        for (size_t i = 0; i < place_count && *count < OCTOPUS_GRANTS_MAX; i++)
            (*grants)[(*count)++] = (struct access_grant){ .permissions = role_find_built_in(STR("Space admin"))->permissions, .space_id = places[i].space_id };
        return true;
    }
    for (size_t r = 0; r < COUNT(rights); r++)
        json_each(entry, json_get(by_name, str_from(rights[r].octopus)))
            for (size_t i = 0; i < place_count; i++) {
                if (*count == OCTOPUS_GRANTS_MAX || octopus_is_limited(entry, "RestrictedToTenantIds") || octopus_is_limited(entry, "RestrictedToProjectGroupIds") || !octopus_entry_is_in(entry, places[i].octopus_space))
                    continue;
                (*grants)[(*count)++] = (struct access_grant){
                    rights[r].ours, places[i].space_id, list_of(json_get(entry, STR("RestrictedToProjectIds")), a), list_of(json_get(entry, STR("RestrictedToEnvironmentIds")), a),
                };
            }
    return true;
}
