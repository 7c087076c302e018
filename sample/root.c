// The root document, the space's root, and who the caller is.

#include "sample/routes.h"

#include "base/timetext.h"
#include "sys/random.h"

// Names and templates of the root's links: "~" stands for /api/<space>. A client that finds no link,
// or a link without the parameter it wants to fill, silently asks for something else.
static const struct { const char *name, *target; } links[] = {
    { "Self", "~" },
    { "SpaceHome", "/api{/spaceId}" },
    { "Spaces", "/api/spaces{/id}{?skip,ids,take,partialName}" },
    { "CurrentUser", "/api/users/me" },
    { "Users", "/api/users{/id}{?skip,take,ids,filter}" },
    { "Web", "/app" },
    { "Accounts", "~/accounts{/id}{?skip,take,ids,partialName,accountType}" },
    { "Artifacts", "~/artifacts{/id}{?skip,take,regarding,ids,partialName,order}" },
    { "Capabilities", "/api/capabilities" },
    { "Certificates", "~/certificates{/id}{?skip,take,search,archived,tenant,firstResult,orderBy,ids,partialName}" },
    { "Channels", "~/channels{/id}{?skip,take,ids,partialName}" },
    { "Dashboard", "~/dashboard{?projectId,releaseId,selectedTenants,selectedTags,showAll,highestLatestVersionPerProjectAndEnvironment}" },
    { "DeploymentProcesses", "~/deploymentprocesses{/id}{?skip,take,ids}" },
    { "Deployments", "~/deployments{/id}{?skip,take,ids,projects,environments,tenants,channels,taskState,partialName}" },
    { "Environments", "~/environments{/id}{?name,skip,ids,take,partialName}" },
    { "Events", "~/events{/id}{?skip,take,regarding,regardingAny,user,users,projects,projectGroups,environments,eventGroups,eventCategories,eventAgents,tenants,tags,from,to,fromAutoId,toAutoId,documentTypes,asCsv,internal,ids,spaces,includeSystem,excludeDifference}" },
    { "EventAgents", "/api/events/agents" },
    { "EventCategories", "/api/events/categories{?appliesTo}" },
    { "EventDocumentTypes", "/api/events/documenttypes" },
    { "EventGroups", "/api/events/groups{?appliesTo}" },
    { "Feeds", "~/feeds{/id}{?skip,take,ids,partialName,feedType,name}" },
    { "Interruptions", "~/interruptions{/id}{?skip,take,regarding,pendingOnly,ids}" },
    { "LibraryVariables", "~/libraryvariablesets{/id}{?skip,contentType,take,ids,partialName}" },
    { "Lifecycles", "~/lifecycles{/id}{?skip,take,ids,partialName}" },
    { "MachinePolicies", "~/machinepolicies{/id}{?skip,take,ids,partialName}" },
    { "MachineRoles", "~/machineroles/all" },
    { "Machines", "~/machines{/id}{?skip,take,name,ids,partialName,roles,isDisabled,healthStatuses,commStyles,tenantIds,tenantTags,environmentIds,thumbprint,deploymentId,shellNames}" },
    { "DiscoverMachine", "~/machines/discover{?host,port,type,proxyId}" },
    { "Packages", "~/packages{/id}{?nuGetPackageId,filter,latest,skip,take,includeNotes}" },
    { "PackageUpload", "~/packages/raw{?replace,overwriteMode}" },
    { "ProjectGroups", "~/projectgroups{/id}{?skip,take,ids,partialName}" },
    { "Projects", "~/projects{/id}{?name,skip,ids,clone,take,partialName,clonedFromProjectId}" },
    { "ProjectTriggers", "~/projecttriggers{/id}{?skip,take,ids,runbooks}" },
    { "Releases", "~/releases{/id}{?skip,ignoreChannelRules,take,ids}" },
    { "RunbookRuns", "~/runbookRuns{/id}{?skip,take,ids,projects,environments,tenants,runbooks,taskState,partialName}" },
    { "Runbooks", "~/runbooks{/id}{?skip,take,ids,partialName,clone,projectIds}" },
    { "RunbookSnapshots", "~/runbookSnapshots{/id}{?skip,take,ids,publish}" },
    { "ServerStatus", "/api/serverstatus" },
    { "Subscriptions", "~/subscriptions{/id}{?skip,take,ids,partialName,spaces}" },
    { "TagSets", "~/tagsets{/id}{?skip,take,ids,partialName}" },
    { "Tasks", "~/tasks{/id}{?skip,active,environment,tenant,runbook,project,name,node,running,states,hasPendingInterruptions,hasWarningsOrErrors,take,ids,partialName,spaces,includeSystem,description,fromCompletedDate,toCompletedDate,regarding}" },
    { "Teams", "/api/teams{/id}{?skip,take,ids,partialName,spaces,includeSystem}" },
    { "Tenants", "~/tenants{/id}{?skip,projectId,name,tags,take,ids,clone,partialName,clonedFromTenantId}" },
    { "Variables", "~/variables{/id}{?ids}" },
    { "WorkerPools", "~/workerpools{/id}{?name,skip,ids,take,partialName}" },
    { "Workers", "~/workers{/id}{?skip,take,name,ids,partialName,isDisabled,healthStatuses,commStyles,workerpoolIds,thumbprint}" },
};

static struct json *root_links(struct call *c)
{
    struct json *o = json_new_object(c->a);

    for (size_t i = 0; i < COUNT(links); i++) {
        str target = str_from(links[i].target);

        if (target.p[0] == '~')
            target = target.n == 1 && !c->names_space ? STR("/api") : arena_printf(c->a, "/api/%.*s%.*s", STR_ARG(c->space), STR_ARG(str_skip(target, 1)));
        json_add(o, str_from(links[i].name), json_new_string(c->a, target));
    }
    return o;
}

static void get_root(struct call *c)
{
    struct json *o = json_new_object(c->a);

    if (c->names_space && !call_may(c, NULL, NULL))
        return;
    if (!c->names_space) {
        json_add_str(c->a, o, "Application", STR("Octopus Deploy"));
        json_add_str(c->a, o, "Version", STR("2026.3.7210"));
        json_add_str(c->a, o, "ApiVersion", STR("3.0.0"));
        json_add_str(c->a, o, "InstallationId", STR("6f6c4f1e-7d0a-4b55-9c36-0a3c7a5d2e10"));
        json_add_bool(c->a, o, "IsEarlyAccessProgram", false);
        json_add_bool(c->a, o, "HasLongTermSupport", true);
    }
    json_add(o, STR("Links"), root_links(c));
    call_answer(c, 200, o);
}

static void get_me(struct call *c)
{
    resource_answer(c, 200, c->user);
}

// The user of the path: oneself always, others with UserView.
static const struct doc *user_of(struct call *c)
{
    if (str_eq_nocase(c->args[0], STR("me")) || str_eq_nocase(c->args[0], c->user->id))
        return c->user;
    c->space = STR("");
    if (!call_may(c, "UserView", NULL))
        return NULL;
    const struct doc *d = model_get_kind(c->sample->model, KIND_USER, c->args[0]);
    if (!d)
        call_not_found(c, "User", c->args[0]);
    return d;
}

static void get_permissions(struct call *c)
{
    const struct doc *user = user_of(c);

    if (user)
        call_answer(c, 200, access_permissions(c->a, c->sample->model, user->id));
}

static bool may_enter(struct call *c, str user_id, const struct doc *space)
{
    return access_is_admin(c->sample->model, user_id) || access_may(c->sample->model, user_id, "ProjectView", space->id, &(struct scope){ .is_somewhere = true }) ||
           access_may(c->sample->model, user_id, "EventView", space->id, &(struct scope){ .is_somewhere = true });
}

static void get_user_spaces(struct call *c)
{
    const struct doc *user = user_of(c);
    struct json *list = json_new_array(c->a);

    if (!user)
        return;
    for (size_t i = 0; i < model_count(c->sample->model, KIND_SPACE); i++)
        if (may_enter(c, user->id, model_at(c->sample->model, KIND_SPACE, i)))
            json_push(list, resource_json(c, model_at(c->sample->model, KIND_SPACE, i)));
    call_answer(c, 200, list);
}

static void get_user_teams(struct call *c)
{
    const struct doc *user = user_of(c);
    struct json *list = json_new_array(c->a);

    if (!user)
        return;
    for (size_t i = 0; i < model_count(c->sample->model, KIND_TEAM); i++)
        if (json_has_text(doc_field(model_at(c->sample->model, KIND_TEAM, i), "MemberUserIds"), user->id))
            json_push(list, resource_json(c, model_at(c->sample->model, KIND_TEAM, i)));
    call_answer(c, 200, list);
}

static bool is_key_of(const struct doc *d, const void *user_id)
{
    return str_eq_nocase(doc_str(d, "UserId"), *(const str *)user_id);
}

static void get_api_keys(struct call *c)
{
    const struct doc *user = user_of(c);

    if (user)
        resource_list(c, KIND_API_KEY, is_key_of, &user->id);
}

static void post_api_key(struct call *c)
{
    const struct doc *user = user_of(c);
    struct json *o = json_new_object(c->a), *shown;
    int64_t now = sample_now_ms(c->sample), expires;
    str expires_text = call_str(c, "Expires");

    if (!user)
        return;
    if (user != c->user && !access_is_admin(c->sample->model, c->user->id)) {
        c->space = STR("");
        call_may(c, "UserEdit", NULL);
        return;
    }
    if (!call_str(c, "Purpose").n) {
        call_invalid(c, "Please provide a purpose for the API key.");
        return;
    }
    if (expires_text.n && !timetext_parse(expires_text, &expires)) {
        call_invalid(c, "Expires: '%.*s' is not a date.", STR_ARG(expires_text));
        return;
    }
    str secret = arena_printf(c->a, "API-%.*s", STR_ARG(random_base62(&random_system, c->a, 30)));
    json_add_str(c->a, o, "Id", model_new_id(c->sample->model, c->a, KIND_API_KEY));
    json_add_str(c->a, o, "UserId", user->id);
    json_add_str(c->a, o, "Purpose", call_str(c, "Purpose"));
    json_add_str(c->a, o, "Created", text_date(c->a, now));
    json_add_str(c->a, o, "Expires", expires_text.n ? expires_text : (str){ 0 });
    struct json *hint = json_add(o, STR("ApiKey"), json_new_object(c->a));
    json_add_bool(c->a, hint, "HasValue", true);
    json_add_str(c->a, hint, "Hint", str_sub(secret, 0, 8));
    json_add_str(c->a, o, "_CreatedText", text_rfc1123(c->a, now));
    json_add_str(c->a, o, "_Secret", secret);
    struct doc *d = resource_store(c, KIND_API_KEY, o);
    c->space = STR("");
    resource_event(c, "Created", d);
    shown = resource_json(c, d);
    json_put(shown, STR("ApiKey"), json_new_string(c->a, secret)); // the only time it is shown
    call_answer(c, 201, shown);
}

// The key of the path, with its user; NULL after answering.
static struct doc *api_key_of(struct call *c, const struct doc **user)
{
    struct doc *d;

    *user = user_of(c);
    if (!*user)
        return NULL;
    d = model_get_kind(c->sample->model, KIND_API_KEY, c->args[1]);
    if (d && str_eq_nocase(doc_str(d, "UserId"), (*user)->id))
        return d;
    call_not_found(c, "API key", c->args[1]);
    return NULL;
}

static void get_api_key(struct call *c)
{
    const struct doc *user, *d = api_key_of(c, &user);

    if (d)
        resource_answer(c, 200, d);
}

static void delete_api_key(struct call *c)
{
    const struct doc *user;
    struct doc *d = api_key_of(c, &user);

    if (!d)
        return;
    if (user != c->user && !access_is_admin(c->sample->model, c->user->id)) {
        c->space = STR("");
        call_may(c, "UserEdit", NULL);
        return;
    }
    resource_event(c, "Deleted", d);
    model_remove(c->sample->model, d);
    call_answer(c, 200, json_new_object(c->a));
}

static void get_capabilities(struct call *c)
{
    static const char *const names[] = { "Runbooks", "Tenants", "ExecutionsApi", "CreateReleaseV1", "DeployReleaseV1", "EventsExcludeDifference", NULL };
    struct json *o = json_new_object(c->a), *list = json_add(o, STR("Capabilities"), json_new_array(c->a));

    for (const char *const *n = names; *n; n++)
        json_push(list, json_new_string(c->a, str_from(*n)));
    call_answer(c, 200, o);
}

static void get_server_status(struct call *c)
{
    struct json *o = json_new_object(c->a);

    json_add_bool(c->a, o, "IsInMaintenanceMode", false);
    json_add_bool(c->a, o, "IsUpgradeAvailable", false);
    json_add_bool(c->a, o, "IsDatabaseEncrypted", true);
    json_add(o, STR("Links"), json_new_object(c->a));
    call_answer(c, 200, o);
}

static void get_machine_roles(struct call *c)
{
    struct model *m = c->sample->model;
    struct json *list = json_new_array(c->a);

    for (size_t i = 0; i < model_count(m, KIND_MACHINE); i++) {
        const struct doc *d = model_at(m, KIND_MACHINE, i);

        if (!str_eq_nocase(doc_space(d), c->space))
            continue;
        json_each(role, doc_field(d, "Roles"))
            if (!json_has_text(list, json_str(role, STR(""))))
                json_push(list, json_new_string(c->a, json_str(role, STR(""))));
    }
    call_answer(c, 200, list);
}

static void get_environments_v2(struct call *c)
{
    resource_list(c, KIND_ENVIRONMENT, NULL, NULL);
}

static bool is_in_environment(const struct doc *d, const void *id)
{
    return json_has_text(doc_field(d, "EnvironmentIds"), *(const str *)id);
}

static void get_environment_machines(struct call *c)
{
    struct doc *d = resource_get(c, KIND_ENVIRONMENT, c->args[0]);

    if (d)
        resource_list(c, KIND_MACHINE, is_in_environment, &d->id);
}

static void get_group_projects(struct call *c)
{
    struct doc *d = resource_get(c, KIND_PROJECT_GROUP, c->args[0]);

    if (d)
        resource_list(c, KIND_PROJECT, resource_keep_field, &(struct field_value){ "ProjectGroupId", d->id });
}

static void get_lifecycle_projects(struct call *c)
{
    struct doc *d = resource_get(c, KIND_LIFECYCLE, c->args[0]);

    if (d)
        resource_list(c, KIND_PROJECT, resource_keep_field, &(struct field_value){ "LifecycleId", d->id });
}

const struct route root_routes[] = {
    { "GET", "", NULL, get_root, .is_open = true },
    { "GET", "users/me", NULL, get_me },
    { "GET", "users/{}/permissions", NULL, get_permissions },
    { "GET", "users/{}/permissions/configuration", NULL, get_permissions },
    { "GET", "users/{}/spaces", NULL, get_user_spaces },
    { "GET", "users/{}/teams", NULL, get_user_teams },
    { "GET", "users/{}/apikeys", NULL, get_api_keys },
    { "POST", "users/{}/apikeys", NULL, post_api_key },
    { "GET", "users/{}/apikeys/{}", NULL, get_api_key },
    { "DELETE", "users/{}/apikeys/{}", NULL, delete_api_key },
    { "GET", "capabilities", NULL, get_capabilities },
    { "GET", "serverstatus", NULL, get_server_status },
    { "GET", "machineroles/all", "MachineView", get_machine_roles },
    { "GET", "environments/v2", "EnvironmentView", get_environments_v2 },
    { "GET", "environments/{}/machines", "MachineView", get_environment_machines },
    { "GET", "projectgroups/{}/projects", "ProjectView", get_group_projects },
    { "GET", "lifecycles/{}/projects", "ProjectView", get_lifecycle_projects },
    { 0 },
};
