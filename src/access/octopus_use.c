#include "access/octopus_use.h"

#include "base/buf.h"

#define PARTS_MAX 6

static bool is_one_of(str s, const char *const *words)
{
    for (; *words; words++)
        if (str_eq_nocase(s, str_from(*words)))
            return true;
    return false;
}

// "Spaces-1", "Releases-17"
static bool looks_like_id(str s)
{
    ptrdiff_t dash = str_find_last_char(s, '-');
    bool fits = dash > 0 && (size_t)dash + 1 < s.n;
    for (size_t i = fits ? (size_t)dash + 1 : s.n; i < s.n; i++)
        fits = fits && s.p[i] >= '0' && s.p[i] <= '9';
    return fits;
}

str octopus_path_pattern(struct arena *a, str path)
{
    // What stands second and is no document.
    static const char *const words[] = { "all", "create", "me", "raw", "discover", "categories", "groups", "agents", "documenttypes", "v1", "v2", NULL };
    CLEANUP(buf_fini) struct buf out = { 0 };
    ptrdiff_t query = str_find_char(path, '?');
    str rest = query >= 0 ? (str){ path.p, (size_t)query } : path, part;
    int at = 0;
    bool is_first = true;
    while (str_split(&rest, '/', &part) && at < PARTS_MAX) {
        if (!part.n || (is_first && str_eq_nocase(part, STR("api"))) || (!at && looks_like_id(part)))
            continue;
        is_first = false;
        if (at)
            buf_add(&out, STR("/"));
        if (looks_like_id(part) || (at == 1 && !is_one_of(part, words)))
            buf_add(&out, STR("{id}"));
        else
            buf_add(&out, part);
        at++;
    }
    return arena_str(a, buf_str(&out));
}

const char *octopus_permission_of(str method, str pattern)
{
    // The longest beginning that fits decides: those that are more special come first.
    static const struct { const char *method, *begins, *permission; } rows[] = {
        { "GET", "users/me", "" },
        { "GET", "capabilities", "" },
        { "GET", "serverstatus", "" },
        { "GET", "spaces", "" },
        { "GET", "events/categories", "" },
        { "GET", "events/groups", "" },
        { "GET", "events/agents", "" },
        { "GET", "events/documenttypes", "" },
        { "GET", "events", "EventView" },
        { "GET", "releases/{id}/deployments/template", "ReleaseView" },
        { "GET", "releases/{id}/deployments/preview", "ReleaseView" },
        { "GET", "releases/{id}/deployments", "DeploymentView" },
        { "GET", "releases", "ReleaseView" },
        { "POST", "releases/create", "ReleaseCreate" },
        { "POST", "releases", "ReleaseCreate" },
        { "PUT", "releases", "ReleaseEdit" },
        { "DELETE", "releases", "ReleaseDelete" },
        { "GET", "deployments", "DeploymentView" },
        { "POST", "deployments", "DeploymentCreate" },
        { "DELETE", "deployments", "DeploymentDelete" },
        { "GET", "dashboard", "DeploymentView" },
        { "GET", "progression", "ReleaseView" },
        { "GET", "projects/{id}/deploymentprocesses", "ProcessView" },
        { "GET", "projects/{id}/channels", "ProcessView" },
        { "GET", "projects/{id}/releases", "ReleaseView" },
        { "GET", "projects/{id}/progression", "ReleaseView" },
        { "GET", "projects/{id}/triggers", "TriggerView" },
        { "GET", "projects/{id}/runbooks", "RunbookView" },
        { "GET", "projects/{id}/variables", "VariableView" },
        { "PUT", "projects/{id}/deploymentprocesses", "ProcessEdit" },
        { "GET", "projects", "ProjectView" },
        { "POST", "projects", "ProjectCreate" },
        { "PUT", "projects", "ProjectEdit" },
        { "GET", "channels/{id}/releases", "ReleaseView" },
        { "GET", "channels", "ProcessView" },
        { "GET", "deploymentprocesses", "ProcessView" },
        { "PUT", "deploymentprocesses", "ProcessEdit" },
        { "GET", "environments/{id}/machines", "MachineView" },
        { "GET", "environments", "EnvironmentView" },
        { "GET", "machineroles", "MachineView" },
        { "GET", "machines/discover", "MachineCreate" },
        { "GET", "machines/{id}/deployments", "DeploymentView" },
        { "GET", "machines", "MachineView" },
        { "POST", "machines", "MachineCreate" },
        { "PUT", "machines", "MachineEdit" },
        { "DELETE", "machines", "MachineDelete" },
        { "GET", "tenants", "TenantView" },
        { "GET", "feeds", "FeedView" },
        { "GET", "packages", "FeedView" },
        { "POST", "packages/raw", "BuiltInFeedPush" },
        { "GET", "tasks", "TaskView" },
        { "POST", "tasks/{id}/cancel", "TaskCancel" },
        { "POST", "tasks/{id}/state", "TaskEdit" },
        { "POST", "tasks", "TaskCreate" },
        { "GET", "interruptions", "InterruptionView" },
        { "PUT", "interruptions", "InterruptionSubmit" },
        { "POST", "interruptions", "InterruptionSubmit" },
        { "GET", "runbooks", "RunbookView" },
        { "POST", "runbookRuns", "RunbookRunCreate" },
        { "POST", "runbook-runs", "RunbookRunCreate" },
        { "GET", "lifecycles", "LifecycleView" },
        { "GET", "variables", "VariableView" },
        { "PUT", "variables", "VariableEdit" },
        { "GET", "subscriptions", "SubscriptionView" },
        { "POST", "subscriptions", "SubscriptionCreate" },
        { "PUT", "subscriptions", "SubscriptionEdit" },
        { "DELETE", "subscriptions", "SubscriptionDelete" },
    };
    if (!pattern.n)
        return "";
    for (size_t i = 0; i < COUNT(rows); i++) {
        str begins = str_from(rows[i].begins);
        if (str_eq_nocase(method, str_from(rows[i].method)) && str_starts_nocase(pattern, begins) && (pattern.n == begins.n || pattern.p[begins.n] == '/'))
            return rows[i].permission;
    }
    return NULL;
}

static bool is_part_of_name(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_';
}

static bool has_word(str text, str word)
{
    for (size_t at = 0; at + word.n <= text.n; at++)
        if (str_eq_nocase(str_sub(text, at, word.n), word) && (!at || !is_part_of_name(text.p[at - 1])) && (at + word.n == text.n || !is_part_of_name(text.p[at + word.n])))
            return true;
    return false;
}

size_t octopus_script_needs(str script, struct octopus_script_need out[static OCTOPUS_SCRIPT_NEEDS_MAX])
{
    static const struct octopus_script_need rows[] = {
        { "New-OctopusRelease", "ReleaseCreate" }, { "New-OctopusDeployment", "DeploymentCreate" }, { "Get-OctopusRelease", "ReleaseView" }, { "Get-OctopusProject", "ProjectView" },
        { "Get-OctopusEnvironment", "EnvironmentView" }, { "Get-OctopusMachine", "MachineView" }, { "Wait-OctopusTask", "TaskView" }, { "New-OctopusArtifact", "ArtifactCreate" },
    };
    static_assert(COUNT(rows) <= OCTOPUS_SCRIPT_NEEDS_MAX, "room for each");
    size_t count = 0;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (has_word(script, str_from(rows[i].command)))
            out[count++] = rows[i];
    return count;
}
