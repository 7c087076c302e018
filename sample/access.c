#include "sample/access.h"

#include "base/timetext.h"

static const char *const viewer[] = { "AccountView", "ArtifactView", "BuiltInFeedDownload", "CertificateView", "DeploymentView", "EnvironmentView", "EventView", "FeedView", "InterruptionView",
    "LibraryVariableSetView", "LifecycleView", "MachinePolicyView", "MachineView", "ProcessView", "ProjectGroupView", "ProjectView", "ReleaseView", "RunbookRunView", "RunbookView", "SubscriptionView",
    "TaskView", "TeamView", "TenantView", "TriggerView", "VariableView", "WorkerView", NULL };
static const char *const releaser[] = { "ReleaseCreate", "ReleaseEdit", "DeploymentCreate", "TaskCreate", "TaskCancel", "InterruptionSubmit", "RunbookRunCreate", "BuiltInFeedDownload", NULL };
static const char *const subscriber[] = { "SubscriptionCreate", "SubscriptionEdit", "SubscriptionDelete", NULL };
static const char *const editor[] = { "ProjectEdit", "ProjectCreate", "ProcessEdit", "VariableEdit", "EnvironmentEdit", "EnvironmentCreate", "MachineCreate", "MachineEdit", "MachineDelete", "FeedEdit",
    "TenantEdit", "TriggerEdit", "TriggerCreate", "RunbookEdit", NULL };

static const struct { const char *name; const char *const *permissions; } roles[] = {
    { "viewer", viewer },
    { "releaser", releaser },
    { "subscriber", subscriber },
    { "editor", editor },
};

struct doc *access_user_by_key(const struct model *m, str secret, int64_t now_ms, struct doc **key)
{
    for (size_t i = 0; secret.n && i < model_count(m, KIND_API_KEY); i++) {
        struct doc *d = model_at(m, KIND_API_KEY, i);
        int64_t expires;

        if (!str_eq(doc_str(d, "_Secret"), secret))
            continue;
        if (timetext_parse(doc_str(d, "Expires"), &expires) && expires <= now_ms)
            return NULL;
        struct doc *user = model_get_kind(m, KIND_USER, doc_str(d, "UserId"));
        if (!user || !json_bool(doc_field(user, "IsActive"), true))
            return NULL;
        *key = d;
        return user;
    }
    return NULL;
}

static const struct json *grants_of(const struct model *m, str user_id)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    const struct doc *d = model_get_kind(m, KIND_GRANTS, arena_printf(&a, "grants-%.*s", STR_ARG(user_id)));

    return d ? d->json : NULL;
}

static bool has_system(const struct json *grants, str permission)
{
    return json_has_text(json_get(grants, STR("SystemPermissions")), permission);
}

bool access_is_admin(const struct model *m, str user_id)
{
    return has_system(grants_of(m, user_id), STR("AdministerSystem"));
}

static bool list_covers(const struct json *list, str one)
{
    return !list || !list->count || (one.n && json_has_text(list, one));
}

static bool list_covers_some(const struct json *list, const struct json *several)
{
    json_each(one, several)
        if (list_covers(list, json_str(one, STR(""))))
            return true;
    return false;
}

static bool entry_is_in(const struct json *entry, str space)
{
    const struct json *id = json_get(entry, STR("SpaceId"));

    return !id || json_is(id, JSON_NULL) || str_eq_nocase(json_str(id, STR("")), space);
}

static bool entry_covers(const struct model *m, const struct json *entry, str space, const struct scope *scope)
{
    if (!entry_is_in(entry, space))
        return false;
    if (!scope || scope->is_somewhere)
        return true;

    const struct doc *project = model_get_kind(m, KIND_PROJECT, scope->project);
    const struct json *environments = json_get(entry, STR("RestrictedToEnvironmentIds"));

    if (!list_covers(json_get(entry, STR("RestrictedToProjectIds")), scope->project) || !list_covers(json_get(entry, STR("RestrictedToTenantIds")), scope->tenant))
        return false;
    if (!list_covers(json_get(entry, STR("RestrictedToProjectGroupIds")), doc_str(project, "ProjectGroupId")))
        return false;
    return scope->environments && scope->environments->count ? list_covers_some(environments, scope->environments) : list_covers(environments, scope->environment);
}

bool access_may(const struct model *m, str user_id, const char *permission, str space, const struct scope *scope)
{
    const struct json *grants = grants_of(m, user_id);

    if (!permission || has_system(grants, STR("AdministerSystem")))
        return true;
    if (!space.n)
        return has_system(grants, str_from(permission));
    json_each(entry, json_get(json_get(grants, STR("SpacePermissions")), str_from(permission)))
        if (entry_covers(m, entry, space, scope))
            return true;
    return false;
}

static bool related_covers(const struct json *list, str related)
{
    str rest = str_skip(related, 1), one;

    if (!list || !list->count)
        return true;
    while (str_split(&rest, ',', &one))
        if (one.n && json_has_text(list, one))
            return true;
    return false;
}

struct event_sight access_event_sight(const struct model *m, str user_id)
{
    const struct json *grants = grants_of(m, user_id);

    return (struct event_sight){
        .entries = json_get(json_get(grants, STR("SpacePermissions")), STR("EventView")),
        .sees_all = has_system(grants, STR("AdministerSystem")),
        .sees_system = has_system(grants, STR("EventView")),
    };
}

bool access_may_see_event(const struct event_sight *sight, str space, str related)
{
    if (sight->sees_all)
        return true;
    if (!space.n)
        return sight->sees_system;
    json_each(entry, sight->entries)
        if (entry_is_in(entry, space) && related_covers(json_get(entry, STR("RestrictedToProjectIds")), related) &&
            related_covers(json_get(entry, STR("RestrictedToEnvironmentIds")), related) && related_covers(json_get(entry, STR("RestrictedToTenantIds")), related))
            return true;
    return false;
}

// What a permission can be restricted by: P projects, E environments, T tenants (octopus-api.md 8.2).
// By what a permission does not know it is not restricted at all.
static const struct { const char *starts, *by; } scopes[] = {
    { "EventView", "PET" }, { "Deployment", "PET" },   { "Task", "PET" },     { "Interruption", "PET" }, { "Artifact", "PET" },    { "RunbookRun", "PET" }, { "Project", "PT" }, { "Release", "PT" },
    { "Process", "P" },     { "Trigger", "P" },        { "Defect", "P" },     { "BuiltInFeed", "P" },    { "Runbook", "P" },       { "Variable", "PE" },    { "Environment", "E" },
    { "MachinePolicy", "" }, { "Machine", "ET" },       { "Tenant", "T" },
};

static bool can_be_restricted(const char *permission, char by)
{
    if (str_starts(str_from(permission), STR("ProjectGroup")))
        return false;
    for (size_t i = 0; i < COUNT(scopes); i++)
        if (str_starts(str_from(permission), str_from(scopes[i].starts)))
            return strchr(scopes[i].by, by) != NULL;
    return false;
}

static void copy_list(struct arena *a, struct json *entry, const char *name, const struct json *list)
{
    json_add(entry, str_from(name), list ? json_copy(a, list) : json_new_array(a));
}

static void grant(struct arena *a, struct json *permissions, const char *permission, const struct json *role)
{
    struct json *entries = json_get(permissions, str_from(permission));
    struct json *entry = json_push(entries ? entries : json_add(permissions, str_from(permission), json_new_array(a)), json_new_object(a));

    copy_list(a, entry, "RestrictedToProjectIds", can_be_restricted(permission, 'P') ? json_get(role, STR("Projects")) : NULL);
    copy_list(a, entry, "RestrictedToEnvironmentIds", can_be_restricted(permission, 'E') ? json_get(role, STR("Environments")) : NULL);
    copy_list(a, entry, "RestrictedToTenantIds", can_be_restricted(permission, 'T') ? json_get(role, STR("Tenants")) : NULL);
    copy_list(a, entry, "RestrictedToProjectGroupIds", can_be_restricted(permission, 'P') ? json_get(role, STR("ProjectGroups")) : NULL);
    json_add_str(a, entry, "SpaceId", json_str(json_get(role, STR("SpaceId")), (str){ 0 }));
}

struct json *access_expand(struct arena *a, const struct json *grants)
{
    struct json *out = json_copy(a, grants);
    struct json *permissions = json_get(out, STR("SpacePermissions"));

    if (!permissions)
        permissions = json_add(out, STR("SpacePermissions"), json_new_object(a));
    if (!json_get(out, STR("SystemPermissions")))
        json_add(out, STR("SystemPermissions"), json_new_array(a));
    if (!json_get(out, STR("Teams")))
        json_add(out, STR("Teams"), json_new_array(a));
    json_each(role, json_get(out, STR("Roles")))
        for (size_t i = 0; i < COUNT(roles); i++) {
            if (!str_eq_nocase(json_str(json_get(role, STR("Role")), STR("")), str_from(roles[i].name)))
                continue;
            for (const char *const *p = roles[i].permissions; *p; p++)
                grant(a, permissions, *p, role);
        }
    json_drop(out, STR("Roles"));
    return out;
}

// An administrator's answer lists what the roles hold, for every space.
static void add_everything(struct arena *a, struct json *permissions)
{
    struct json *anywhere = json_new_object(a);

    for (size_t i = 0; i < COUNT(roles); i++)
        for (const char *const *p = roles[i].permissions; *p; p++)
            if (!json_get(permissions, str_from(*p)))
                grant(a, permissions, *p, anywhere);
}

struct json *access_permissions(struct arena *a, const struct model *m, str user_id)
{
    const struct json *grants = grants_of(m, user_id);
    struct json *out = json_new_object(a), *permissions;
    const struct json *have = json_get(grants, STR("SpacePermissions")), *system = json_get(grants, STR("SystemPermissions")), *teams = json_get(grants, STR("Teams"));

    json_add_str(a, out, "Id", user_id);
    permissions = json_add(out, STR("SpacePermissions"), have ? json_copy(a, have) : json_new_object(a));
    if (access_is_admin(m, user_id))
        add_everything(a, permissions);
    json_add(out, STR("SystemPermissions"), system ? json_copy(a, system) : json_new_array(a));
    json_add(out, STR("Teams"), teams ? json_copy(a, teams) : json_new_array(a));
    json_add_bool(a, out, "IsPermissionsComplete", true);
    json_add_bool(a, out, "IsTeamsComplete", true);
    json_add(out, STR("Links"), json_new_object(a));
    return out;
}
