#include "octopus/catalog.h"

#include "base/limits.h"

#include <pthread.h>

// A registration writes MachineAdded and Created; only the first counts, or a reaction would fire twice (issue 4820). A
// release is Created with a release as its subject; "ReleaseCreated" as a category was never seen, and is taken too.
static const struct friendly {
    str name;
    str categories[2];
    str subject; // empty: any
    bool needs_tentacle;
} friendlies[] = {
    { STR_INIT("ReleaseCreated"), { STR_INIT("Created"), STR_INIT("ReleaseCreated") }, STR_INIT("Releases"), false },
    { STR_INIT("TentacleRegistered"), { STR_INIT("MachineAdded") }, STR_INIT(""), true },
    { STR_INIT("MachineRegistered"), { STR_INIT("MachineAdded") }, STR_INIT(""), false },
    { STR_INIT("DeploymentProcessUpdated"), { STR_INIT("Modified") }, STR_INIT("deploymentprocess-Projects"), false },
};

// For when the server's own list is not at hand; ids beyond these are those servers' business.
static const struct group {
    str id;
    str categories[12];
} groups[] = {
    { STR_INIT("Document"), { STR_INIT("Created"), STR_INIT("Modified"), STR_INIT("Deleted") } },
    { STR_INIT("Deployment"), { STR_INIT("DeploymentQueued"), STR_INIT("DeploymentStarted"), STR_INIT("DeploymentSucceeded"), STR_INIT("DeploymentFailed"), STR_INIT("DeploymentResumed"), STR_INIT("ManualInterventionInterruptionRaised"), STR_INIT("GuidedFailureInterruptionRaised") } },
    { STR_INIT("DeploymentCritical"), { STR_INIT("DeploymentFailed"), STR_INIT("GuidedFailureInterruptionRaised"), STR_INIT("ManualInterventionInterruptionRaised") } },
    { STR_INIT("Machine"), { STR_INIT("MachineAdded"), STR_INIT("MachineDeleted"), STR_INIT("MachineEnabled"), STR_INIT("MachineDisabled"), STR_INIT("MachineHealthy"), STR_INIT("MachineUnhealthy"), STR_INIT("MachineUnavailable"), STR_INIT("MachineHasWarnings"), STR_INIT("MachineHealthChanged"), STR_INIT("MachineCleanupFailed"), STR_INIT("MachineDeploymentRelatedPropertyWasUpdated") } },
    { STR_INIT("MachineCritical"), { STR_INIT("MachineUnhealthy"), STR_INIT("MachineUnavailable"), STR_INIT("MachineCleanupFailed") } },
    { STR_INIT("MachineAvailableForDeployment"), { STR_INIT("MachineAdded"), STR_INIT("MachineEnabled"), STR_INIT("MachineHealthy"), STR_INIT("MachineHasWarnings"), STR_INIT("MachineDeploymentRelatedPropertyWasUpdated") } },
    { STR_INIT("MachineUnavailableForDeployment"), { STR_INIT("MachineDeleted"), STR_INIT("MachineDisabled"), STR_INIT("MachineUnhealthy"), STR_INIT("MachineUnavailable") } },
    { STR_INIT("MachineHealthChanged"), { STR_INIT("MachineHealthChanged"), STR_INIT("MachineHealthy"), STR_INIT("MachineUnhealthy"), STR_INIT("MachineUnavailable"), STR_INIT("MachineHasWarnings") } },
    { STR_INIT("AutoDeploy"), { STR_INIT("AutoDeployTriggerSucceeded"), STR_INIT("AutoDeployTriggerBlocked") } },
    { STR_INIT("AutoDeployCritical"), { STR_INIT("AutoDeployTriggerBlocked") } },
    { STR_INIT("CertificateExpiry"), { STR_INIT("CertificateExpired") } },
};

static size_t copy_list(const str *from, size_t max, str out[static CATALOG_MAX_CATEGORIES])
{
    size_t count = 0;
    while (count < max && from[count].n) {
        out[count] = from[count];
        count++;
    }
    return count;
}

static const struct friendly *find_friendly(str name)
{
    for (size_t i = 0; i < COUNT(friendlies); i++)
        if (str_eq_nocase(friendlies[i].name, name))
            return &friendlies[i];
    return NULL;
}

// ---- what servers say of their groups ----

// Never shrinks: a group of another server of ours may have more categories, and there are a few dozen in all.
static struct learned {
    str id, category;
    struct learned *next;
} *learned;
static size_t learned_count;
static struct arena learned_arena;
static pthread_mutex_t learned_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_learned(str id, str category)
{
    for (const struct learned *l = learned; l; l = l->next)
        if (str_eq_nocase(l->id, id) && (!category.n || str_eq_nocase(l->category, category)))
            return true;
    return false;
}

void catalog_learn_groups(const struct json *list)
{
    pthread_mutex_lock(&learned_lock);
    json_each(group, list)
    {
        str id = json_str(json_get(group, STR("Id")), STR(""));
        json_each(item, json_get(group, STR("EventCategories")))
        {
            str category = json_str(item, STR(""));
            if (!id.n || !category.n || id.n + category.n > LIMIT_OCTOPUS_ID_BYTES || learned_count >= LIMIT_CATALOG_GROUPED || is_learned(id, category))
                continue;
            struct learned *l = ARENA_NEW(&learned_arena, struct learned);
            *l = (struct learned){ arena_str(&learned_arena, id), arena_str(&learned_arena, category), learned };
            learned = l;
            learned_count++;
        }
    }
    pthread_mutex_unlock(&learned_lock);
}

// What a server said of a group goes before the list here.
static bool offline_has(const struct group *g, str category)
{
    for (size_t k = 0; k < COUNT(g->categories) && g->categories[k].n; k++)
        if (str_eq_nocase(g->categories[k], category))
            return !is_learned(g->id, STR(""));
    return false;
}

size_t catalog_groups_of(str category, str out[static CATALOG_MAX_GROUPS], struct arena *a)
{
    size_t count = 0;
    pthread_mutex_lock(&learned_lock);
    for (const struct learned *l = learned; l && count < CATALOG_MAX_GROUPS; l = l->next)
        if (str_eq_nocase(l->category, category))
            out[count++] = arena_concat(a, STR("Group:"), l->id);
    for (size_t i = 0; i < COUNT(groups) && count < CATALOG_MAX_GROUPS; i++)
        if (offline_has(&groups[i], category))
            out[count++] = arena_concat(a, STR("Group:"), groups[i].id);
    pthread_mutex_unlock(&learned_lock);
    return count;
}

static bool group_has(str id, str category)
{
    bool has = false;
    pthread_mutex_lock(&learned_lock);
    has = is_learned(id, category);
    for (size_t i = 0; !has && i < COUNT(groups); i++)
        has = str_eq_nocase(groups[i].id, id) && offline_has(&groups[i], category);
    pthread_mutex_unlock(&learned_lock);
    return has;
}

size_t catalog_categories(str name, str out[static CATALOG_MAX_CATEGORIES])
{
    const struct friendly *f = find_friendly(name);
    if (f)
        return copy_list(f->categories, COUNT(f->categories), out);
    out[0] = name;
    if (str_starts_nocase(name, STR("Group:")))
        return 1;
    ptrdiff_t colon = str_find_char(name, ':');
    out[0] = colon < 0 ? name : str_sub(name, 0, (size_t)colon);
    return 1;
}

str catalog_subject(str name)
{
    const struct friendly *f = find_friendly(name);
    if (f)
        return f->subject;
    ptrdiff_t colon = str_find_char(name, ':');
    return colon >= 0 && !str_starts_nocase(name, STR("Group:")) ? str_skip(name, (size_t)colon + 1) : STR("");
}

enum catalog_answer catalog_wants(str name, const struct octopus_event *v)
{
    str categories[CATALOG_MAX_CATEGORIES];
    size_t count = catalog_categories(name, categories);
    bool fits = str_starts_nocase(name, STR("Group:")) && group_has(str_skip(name, 6), v->category);
    for (size_t i = 0; i < count; i++)
        fits = fits || str_eq_nocase(categories[i], v->category);
    if (!fits)
        return CATALOG_NO;
    const struct friendly *f = find_friendly(name);
    str type = catalog_subject(name);
    if (type.n && !octopus_id_is(octopus_event_subject(v), type))
        return CATALOG_NO;
    return f && f->needs_tentacle ? CATALOG_IF_TENTACLE : CATALOG_YES;
}

bool catalog_is_tentacle(const struct json *machine)
{
    str style = json_str(json_get(json_get(machine, STR("Endpoint")), STR("CommunicationStyle")), STR(""));
    return str_eq_nocase(style, STR("TentaclePassive")) || str_eq_nocase(style, STR("TentacleActive")) || str_eq_nocase(style, STR("KubernetesTentacle"));
}
