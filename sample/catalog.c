#include "sample/catalog.h"

#include <ctype.h>

const struct category categories[] = {
    { "Created", "Document created", "Document" },
    { "Modified", "Document modified", "Document" },
    { "Deleted", "Document deleted", "Document" },
    { "DeploymentQueued", "Deployment queued", "Deployment" },
    { "DeploymentStarted", "Deployment started", "Deployment" },
    { "DeploymentSucceeded", "Deployment succeeded", "Deployment" },
    { "DeploymentFailed", "Deployment failed", "Deployment,DeploymentCritical" },
    { "DeploymentResumed", "Deployment resumed", "Deployment" },
    { "ManualInterventionInterruptionRaised", "Manual intervention interruption raised", "Deployment,DeploymentCritical" },
    { "GuidedFailureInterruptionRaised", "Guided failure interruption raised", "Deployment,DeploymentCritical" },
    { "RunbookRunQueued", "Runbook run queued", "RunbookRun" },
    { "RunbookRunStarted", "Runbook run started", "RunbookRun" },
    { "RunbookRunSucceeded", "Runbook run succeeded", "RunbookRun" },
    { "RunbookRunFailed", "Runbook run failed", "RunbookRun,RunbookRunCritical" },
    { "TaskCanceled", "Task canceled", "" },
    { "MachineAdded", "Machine created", "Machine,MachineAvailableForDeployment" },
    { "MachineDeleted", "Machine deleted", "Machine,MachineUnavailableForDeployment" },
    { "MachineEnabled", "Machine enabled", "Machine,MachineAvailableForDeployment" },
    { "MachineDisabled", "Machine disabled", "Machine,MachineUnavailableForDeployment" },
    { "MachineHealthy", "Machine found healthy", "Machine,MachineHealthChanged,MachineAvailableForDeployment" },
    { "MachineUnhealthy", "Machine found unhealthy", "Machine,MachineCritical,MachineHealthChanged,MachineUnavailableForDeployment" },
    { "MachineUnavailable", "Machine found unavailable", "Machine,MachineCritical,MachineHealthChanged,MachineUnavailableForDeployment" },
    { "MachineHasWarnings", "Machine found to have warnings", "Machine,MachineHealthChanged,MachineAvailableForDeployment" },
    { "MachineCleanupFailed", "Machine cleanup failed", "Machine,MachineCritical" },
    { "MachineDeploymentRelatedPropertyWasUpdated", "Machine deployment-related property modified", "Machine,MachineAvailableForDeployment" },
    { "AutoDeployTriggerSucceeded", "Auto-deploy trigger succeeded", "AutoDeploy" },
    { "AutoDeployTriggerBlocked", "Auto-deploy trigger blocked", "AutoDeploy,AutoDeployCritical" },
    { "CertificateExpired", "Certificate expired", "CertificateExpiry" },
    { "CertificateExpiry10DayWarning", "Certificate expiry 10-day warning", "CertificateExpiry" },
    { "CertificateExpiry20DayWarning", "Certificate expiry 20-day warning", "CertificateExpiry" },
    { "ApiKeyExpired", "API key expired", "ApiKeyExpiry" },
    { "LoginSucceeded", "Login succeeded", "" },
    { "LoginFailed", "Login failed", "" },
    { "LoginBanned", "Login banned", "" },
    { "BuildInformationCreated", "Build information created", "" },
    { "BuildInformationModified", "Build information modified", "" },
};
const size_t category_count = COUNT(categories);

const struct category_group category_groups[] = {
    { "Document", "Document events" },
    { "Deployment", "Deployment events" },
    { "DeploymentCritical", "Deployment critical-events" },
    { "RunbookRun", "Runbook run events" },
    { "RunbookRunCritical", "Runbook run critical-events" },
    { "Machine", "Machine events" },
    { "MachineCritical", "Machine critical-events" },
    { "MachineHealthChanged", "Machine health changed" },
    { "MachineAvailableForDeployment", "Machine becomes available for deployment" },
    { "MachineUnavailableForDeployment", "Machine is no longer available for deployment" },
    { "AutoDeploy", "Auto-deploy events" },
    { "AutoDeployCritical", "Auto-deploy critical-events" },
    { "CertificateExpiry", "Certificate expiry events" },
    { "ApiKeyExpiry", "API key expiry events" },
};
const size_t category_group_count = COUNT(category_groups);

// Display name and the id prefix of such documents.
static const struct { const char *name, *prefix; } document_types[] = {
    { "Account", "Accounts" },
    { "Action Template", "ActionTemplates" },
    { "Api Key", "APIKeys" },
    { "Artifact", "Artifacts" },
    { "Build Information", "BuildInformation" },
    { "Certificate", "Certificates" },
    { "Channel", "Channels" },
    { "Deployment", "Deployments" },
    { "Deployment Environment", "Environments" },
    { "Deployment Process", "deploymentprocess" },
    { "Event", "Events" },
    { "Feed", "Feeds" },
    { "Interruption", "Interruptions" },
    { "Library Variable Set", "LibraryVariableSets" },
    { "Lifecycle", "Lifecycles" },
    { "Machine", "Machines" },
    { "Machine Policy", "MachinePolicies" },
    { "Project", "Projects" },
    { "Project Group", "ProjectGroups" },
    { "Project Trigger", "ProjectTriggers" },
    { "Release", "Releases" },
    { "Runbook", "Runbooks" },
    { "Runbook Run", "RunbookRuns" },
    { "Runbook Snapshot", "RunbookSnapshots" },
    { "Scoped User Role", "ScopedUserRoles" },
    { "Server Task", "ServerTasks" },
    { "Space", "Spaces" },
    { "Subscription", "Subscriptions" },
    { "Tag Set", "TagSets" },
    { "Team", "Teams" },
    { "Tenant", "Tenants" },
    { "User", "Users" },
    { "User Role", "UserRoles" },
    { "Variable Set", "variableset" },
    { "Worker", "Workers" },
    { "Worker Pool", "WorkerPools" },
};

const struct category *category_find(str id)
{
    for (size_t i = 0; i < category_count; i++)
        if (str_eq_nocase(str_from(categories[i].id), id) || str_eq_nocase(str_from(categories[i].name), id))
            return &categories[i];
    return NULL;
}

bool category_in_group(str category, str group)
{
    const struct category *c = category_find(category);
    str rest = str_from(c ? c->groups : ""), one;

    while (str_split(&rest, ',', &one))
        if (one.n && str_eq_nocase(one, group))
            return true;
    return false;
}

bool category_is_internal(str category)
{
    return str_eq_nocase(category, STR("MachineAdded")) || str_eq_nocase(category, STR("MachineDeleted"));
}

static bool applies(const char *group, str applies_to)
{
    return !applies_to.n || str_starts_nocase(str_from(group), applies_to);
}

static bool category_applies(const struct category *c, str applies_to)
{
    str rest = str_from(c->groups), one;

    if (!applies_to.n)
        return true;
    while (str_split(&rest, ',', &one))
        if (str_starts_nocase(one, applies_to))
            return true;
    return false;
}

static struct json *named(struct arena *a, const char *id, const char *name, const char *self)
{
    struct json *o = json_new_object(a);

    json_add_str(a, o, "Id", str_from(id));
    json_add_str(a, o, "Name", str_from(name));
    if (self)
        json_add_str(a, json_add(o, STR("Links"), json_new_object(a)), "Self", str_from(self));
    return o;
}

struct json *catalog_categories(struct arena *a, str applies_to)
{
    struct json *list = json_new_array(a);

    for (size_t i = 0; i < category_count; i++)
        if (category_applies(&categories[i], applies_to))
            json_push(list, named(a, categories[i].id, categories[i].name, "/api/events/categories"));
    return list;
}

struct json *catalog_groups(struct arena *a, str applies_to)
{
    struct json *list = json_new_array(a);

    for (size_t g = 0; g < category_group_count; g++) {
        if (!applies(category_groups[g].id, applies_to))
            continue;
        struct json *o = json_push(list, named(a, category_groups[g].id, category_groups[g].name, "/api/events/groups"));
        struct json *members = json_add(o, STR("EventCategories"), json_new_array(a));

        for (size_t i = 0; i < category_count; i++)
            if (category_in_group(str_from(categories[i].id), str_from(category_groups[g].id)))
                json_push(members, json_new_string(a, str_from(categories[i].id)));
    }
    return list;
}

struct json *catalog_document_types(struct arena *a)
{
    struct json *list = json_new_array(a);

    for (size_t i = 0; i < COUNT(document_types); i++)
        json_push(list, named(a, document_types[i].prefix, document_types[i].name, NULL));
    return list;
}

// Lower case letters and digits only, without a plural's end: "Deployment Processes" and
// "deploymentprocess-" become "deploymentproces".
static str plain(struct arena *a, str s)
{
    char *p = arena_bytes(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        if (isalnum((unsigned char)s.p[i]))
            p[n++] = (char)tolower((unsigned char)s.p[i]);
    str out = { p, n };
    if (str_ends(out, STR("ies"))) {
        out.n -= 2;
        p[out.n - 1] = 'y';
        return out;
    }
    if (str_ends(out, STR("sses")))
        out.n -= 2;
    while (str_ends(out, STR("s")))
        out.n--;
    return out;
}

str document_type_prefix(str type)
{
    CLEANUP(arena_fini) struct arena a = { 0 };
    str wanted = plain(&a, type);

    for (size_t i = 0; i < COUNT(document_types); i++)
        if (str_eq(plain(&a, str_from(document_types[i].prefix)), wanted) || str_eq(plain(&a, str_from(document_types[i].name)), wanted))
            return str_from(document_types[i].prefix);
    while (str_ends(type, STR("-")))
        type.n--;
    return type;
}
