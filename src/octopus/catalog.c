#include "octopus/catalog.h"

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

size_t catalog_categories(str name, str out[static CATALOG_MAX_CATEGORIES])
{
    const struct friendly *f = find_friendly(name);
    if (f)
        return copy_list(f->categories, COUNT(f->categories), out);
    if (str_starts_nocase(name, STR("Group:"))) {
        for (size_t i = 0; i < COUNT(groups); i++)
            if (str_eq_nocase(groups[i].id, str_skip(name, 6)))
                return copy_list(groups[i].categories, COUNT(groups[i].categories), out);
        return 0;
    }
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
    bool fits = false;
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
