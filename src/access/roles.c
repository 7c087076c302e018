#include "access/roles.h"

#define B(p) (1ULL << (p))
#define VIEW (B(REACTION_VIEW) | B(RUN_VIEW))
#define OPERATE (B(RUN_OUTPUT_VIEW) | B(REACTION_ENABLE) | B(RUN_CONTROL))
#define WRITE (B(REACTION_CREATE) | B(FILTER_EDIT) | B(IDENTITY_USE) | B(SECRET_USE) | B(HTTP_ACTION_EDIT) | B(SCRIPT_VIEW) | B(SCRIPT_EDIT) | B(REACTION_TEST_RUN) | B(TRIGGER_EDIT))

// The table of the model, column by column. Who has ReactionEnable has RunControl. The instance administrator has no right
// to content beyond seeing that it is there: taking more is possible, and audited.
const struct role roles_built_in[] = {
    { "Roles-viewer", "Viewer", VIEW, "Sees reactions and runs, neither output nor scripts" },
    { "Roles-operator", "Operator", VIEW | OPERATE, "Enables and disables, replays, retries, sees output" },
    { "Roles-filtereditor", "Filter editor", VIEW | B(FILTER_EDIT), "Changes which events a reaction is for" },
    { "Roles-author", "Author", VIEW | OPERATE | WRITE, "Writes reactions, with the identities and secrets granted to the person" },
    { "Roles-approver", "Approver", VIEW | B(RUN_OUTPUT_VIEW) | B(SCRIPT_VIEW) | B(REACTION_APPROVE), "Approves what others wrote" },
    { "Roles-keymanager", "Key manager", VIEW | B(TRIGGER_KEY_MANAGE) | B(SECRET_CREATE), "Makes and revokes trigger keys, sets secrets" },
    { "Roles-spaceadmin", "Space admin",
        VIEW | OPERATE | WRITE | B(REACTION_APPROVE) | B(TRIGGER_KEY_MANAGE) | B(SECRET_CREATE) | B(IDENTITY_MANAGE) | B(CONNECTION_MANAGE) | B(SPACE_SETTINGS) | B(AUDIT_VIEW),
        "All of a space" },
    { "Roles-instanceadmin", "Instance admin",
        VIEW | B(INSTANCE_SETTINGS) | B(ROLE_MANAGE) | B(AUDIT_VIEW) | B(AUDIT_EXPORT) | B(EGRESS_ADMIN) | B(TLS_EXCEPTION_ADMIN) | B(USER_ADMIN) | B(KEY_ROTATE) | B(BACKUP),
        "Users, roles, settings, egress, keys and backups; no content" },
    { "Roles-auditor", "Auditor", VIEW | B(SCRIPT_VIEW) | B(AUDIT_VIEW) | B(AUDIT_EXPORT), "Reads definitions, scripts and the audit" },
};
const size_t roles_built_in_count = COUNT(roles_built_in);

const struct role *role_find_built_in(str id_or_name)
{
    for (size_t i = 0; i < COUNT(roles_built_in); i++)
        if (str_eq_nocase(id_or_name, str_from(roles_built_in[i].id)) || str_eq_nocase(id_or_name, str_from(roles_built_in[i].name)))
            return &roles_built_in[i];
    return NULL;
}

uint64_t role_permissions(const struct json *doc)
{
    uint64_t permissions = 0;
    json_each(item, json_get(doc, STR("Permissions")))
    {
        enum permission p;
        if (permission_parse(json_str(item, STR("")), &p))
            permissions |= B(p);
    }
    return permissions;
}

void role_add_permissions(struct arena *a, struct json *list, uint64_t permissions)
{
    for (int p = PERMISSION_FIRST; p < PERMISSION_COUNT; p++)
        if (permissions & B(p))
            json_push(list, json_new_string(a, str_from(permission_name((enum permission)p))));
}
