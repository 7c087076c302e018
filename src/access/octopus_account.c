#include "access/octopus_account.h"

#include "access/octopus_rights.h"
#include "access/octopus_use.h"

static bool names(const struct json *list, str id)
{
    json_each(item, list)
        if (str_eq_nocase(json_str(item, STR("")), id))
            return true;
    return false;
}

// project empty: some project. What an entry limited to project groups holds for is not known, so it may be this one.
static bool may_see(const struct json *permissions, str space, str project)
{
    json_each(entry, json_get(json_get(permissions, STR("SpacePermissions")), STR("ProjectView")))
        if (octopus_entry_is_in(entry, space) && (!project.n || !octopus_is_limited(entry, "RestrictedToProjectIds") || names(json_get(entry, STR("RestrictedToProjectIds")), project)))
            return true;
    return false;
}

static void add_unseen(const struct json *permissions, str space, const struct octopus_need *need, struct arena *a, struct json *warnings)
{
    for (size_t i = 0; i < need->project_count; i++)
        if (!may_see(permissions, space, need->projects[i]))
            json_push(warnings, json_new_string(a, arena_printf(a, "the account does not see %.*s (ProjectView), which the reaction \"%.*s\" names", STR_ARG(need->projects[i]), STR_ARG(need->reaction))));
}

static bool has_permission(const struct json *permissions, str space, str name)
{
    json_each(entry, json_get_nocase(json_get(permissions, STR("SpacePermissions")), name))
        if (octopus_entry_is_in(entry, space))
            return true;
    return false;
}

// A dry check, by the commands that the script names.
static void add_lacking(const struct json *permissions, str space, const struct octopus_need *need, struct arena *a, struct json *warnings)
{
    struct octopus_script_need needs[OCTOPUS_SCRIPT_NEEDS_MAX];
    size_t count = octopus_script_needs(need->script, needs);
    for (size_t i = 0; i < count; i++)
        if (!has_permission(permissions, space, str_from(needs[i].permission)))
            json_push(warnings, json_new_string(a, arena_printf(a, "the account has no %s, which the script of the reaction \"%.*s\" needs for %s", needs[i].permission, STR_ARG(need->reaction), needs[i].command)));
}

struct json *octopus_account_warnings(const struct json *me, const struct json *permissions, str octopus_space, const struct octopus_need *needs, size_t need_count, struct arena *a)
{
    struct json *warnings = json_new_array(a);
    if (!json_bool(json_get(me, STR("IsService")), false))
        json_push(warnings, json_new_string(a, STR("this is a person's account, not a service account: make one that has only the rights its reactions need")));
    if (!json_bool(json_get(me, STR("IsActive")), true))
        json_push(warnings, json_new_string(a, STR("the account is disabled in Octopus")));
    if (!json_bool(json_get(permissions, STR("IsPermissionsComplete")), false)) {
        json_push(warnings, json_new_string(a, STR("Octopus does not tell all that the account may do: whether it is an administrator, and which projects it sees, is not known")));
        return warnings;
    }
    if (octopus_has_system(permissions, STR("AdministerSystem"))) {
        json_push(warnings, json_new_string(a, STR("the account is an administrator of Octopus (AdministerSystem): scripts can do everything there")));
        return warnings;
    }
    if (!octopus_space.n)
        json_push(warnings, json_new_string(a, STR("the account does not see the connection's space")));
    else if (!may_see(permissions, octopus_space, STR("")))
        json_push(warnings, json_new_string(a, STR("the account sees no project of the connection's space (ProjectView)")));
    else
        for (size_t i = 0; i < need_count; i++) {
            add_unseen(permissions, octopus_space, &needs[i], a, warnings);
            add_lacking(permissions, octopus_space, &needs[i], a, warnings);
        }
    return warnings;
}
