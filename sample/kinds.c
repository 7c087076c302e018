#include "sample/kinds.h"

#define S "/api/<SpaceId>/"
#define LINKS(...) (const char *const[]){ __VA_ARGS__, NULL }

// Templates must name the query parameters a client fills, or its filter is dropped silently
// (octopus-api.md 6).
const struct kind kinds[KIND_COUNT] = {
    [KIND_SPACE] = { "spaces", "Spaces", "Space", "Space", NULL, "SpaceCreate", "SpaceEdit", "SpaceDelete", .is_system = true, .has_slug = true,
        .links = LINKS("Self=/api/spaces/<Id>", "SpaceHome=/api/<Id>", "Web=/app#/<Id>") },
    [KIND_PROJECT] = { "projects", "Projects", "Project", "Project", "ProjectView", "ProjectCreate", "ProjectEdit", "ProjectDelete", .has_slug = true,
        .filters = "projectGroupIds=ProjectGroupId,clonedFromProjectId=ClonedFromProjectId",
        .links = LINKS("Self=" S "projects/<Id>", "Releases=" S "projects/<Id>/releases{/version}{?skip,take,searchByVersion}", "Channels=" S "projects/<Id>/channels{?skip,take,partialName}",
            "Triggers=" S "projects/<Id>/triggers{?skip,take,partialName,triggerActionType,triggerActionCategory,runbooks}", "Variables=" S "variables/<VariableSetId>", "Progression=" S "projects/<Id>/progression{?releaseHistoryCount}", "RunbookSnapshots=" S "projects/<Id>/runbookSnapshots{/name}{?skip,take,searchByName}",
            "Runbooks=" S "projects/<Id>/runbooks{?skip,take,partialName}", "DeploymentProcess=" S "projects/<Id>/deploymentprocesses{/gitRef}", "Web=/app#/<SpaceId>/projects/<Slug>") },
    [KIND_PROJECT_GROUP] = { "projectgroups", "ProjectGroups", "ProjectGroup", "Project group", "ProjectGroupView", "ProjectGroupCreate", "ProjectGroupEdit", "ProjectGroupDelete", .has_slug = true,
        .links = LINKS("Self=" S "projectgroups/<Id>", "Projects=" S "projectgroups/<Id>/projects{?skip,take,partialName}") },
    [KIND_CHANNEL] = { "channels", "Channels", "Channel", "Channel", "ProcessView", "ProcessEdit", "ProcessEdit", "ProcessEdit", .has_slug = true,
        .filters = "projects=ProjectId,lifecycles=LifecycleId",
        .links = LINKS("Self=" S "channels/<Id>", "Releases=" S "channels/<Id>/releases{?skip,take,searchByVersion}", "Project=" S "projects/<ProjectId>", "Lifecycle=" S "lifecycles/<LifecycleId>") },
    [KIND_LIFECYCLE] = { "lifecycles", "Lifecycles", "Lifecycle", "Lifecycle", "LifecycleView", "LifecycleCreate", "LifecycleEdit", "LifecycleDelete", .has_slug = true,
        .links = LINKS("Self=" S "lifecycles/<Id>", "Projects=" S "lifecycles/<Id>/projects") },
    [KIND_ENVIRONMENT] = { "environments", "Environments", "DeploymentEnvironment", "Environment", "EnvironmentView", "EnvironmentCreate", "EnvironmentEdit", "EnvironmentDelete", .has_slug = true,
        .links = LINKS("Self=" S "environments/<Id>", "Machines=" S "environments/<Id>/machines{?skip,take,partialName,roles,isDisabled,healthStatuses,commStyles,tenantIds,tenantTags}", "Web=/app#/<SpaceId>/infrastructure/environments/<Id>") },
    [KIND_TENANT] = { "tenants", "Tenants", "Tenant", "Tenant", "TenantView", "TenantCreate", "TenantEdit", "TenantDelete", .has_slug = true, .filters = "tags=TenantTags",
        .links = LINKS("Self=" S "tenants/<Id>", "Web=/app#/<SpaceId>/tenants/<Id>/overview") },
    [KIND_TAG_SET] = { "tagsets", "TagSets", "TagSet", "Tag set", NULL, "TagSetCreate", "TagSetEdit", "TagSetDelete", .links = LINKS("Self=" S "tagsets/<Id>") },
    [KIND_MACHINE] = { "machines", "Machines", "Machine", "Machine", "MachineView", "MachineCreate", "MachineEdit", "MachineDelete", .has_slug = true,
        .filters = "environmentIds=EnvironmentIds,roles=Roles,healthStatuses=HealthStatus,commStyles=Endpoint/CommunicationStyle,tenantIds=TenantIds,tenantTags=TenantTags,isDisabled=IsDisabled,thumbprint=Endpoint/Thumbprint,shellNames=ShellName",
        .links = LINKS("Self=" S "machines/<Id>", "Connection=" S "machines/<Id>/connection", "TasksTemplate=" S "machines/<Id>/tasks{?skip,take,type}", "DeploymentsTemplate=" S "machines/<Id>/deployments{?skip,take}",
            "Web=/app#/<SpaceId>/infrastructure/machines/<Id>/settings") },
    [KIND_MACHINE_POLICY] = { "machinepolicies", "MachinePolicies", "MachinePolicy", "Machine policy", "MachinePolicyView", "MachinePolicyCreate", "MachinePolicyEdit", "MachinePolicyDelete",
        .links = LINKS("Self=" S "machinepolicies/<Id>") },
    [KIND_WORKER] = { "workers", "Workers", "Worker", "Worker", "WorkerView", "WorkerEdit", "WorkerEdit", "WorkerEdit", .has_slug = true, .filters = "workerpoolIds=WorkerPoolIds,healthStatuses=HealthStatus",
        .links = LINKS("Self=" S "workers/<Id>") },
    [KIND_WORKER_POOL] = { "workerpools", "WorkerPools", "WorkerPool", "Worker pool", "WorkerView", "WorkerEdit", "WorkerEdit", "WorkerEdit", .has_slug = true, .links = LINKS("Self=" S "workerpools/<Id>") },
    [KIND_PROCESS] = { "deploymentprocesses", "deploymentprocess", "DeploymentProcess", "Deployment process", "ProcessView", NULL, "ProcessEdit", NULL,
        .links = LINKS("Self=" S "deploymentprocesses/<Id>", "Project=" S "projects/<ProjectId>", "Template=" S "deploymentprocesses/<Id>/template{?channel,releaseId}") },
    [KIND_VARIABLE_SET] = { "variables", "variableset", "VariableSet", "Variable set", "VariableView", NULL, "VariableEdit", NULL, .links = LINKS("Self=" S "variables/<Id>") },
    [KIND_LIBRARY_SET] = { "libraryvariablesets", "LibraryVariableSets", "LibraryVariableSet", "Library variable set", "LibraryVariableSetView", "LibraryVariableSetCreate", "LibraryVariableSetEdit", "LibraryVariableSetDelete",
        .filters = "contentType=ContentType", .links = LINKS("Self=" S "libraryvariablesets/<Id>", "Variables=" S "variables/<VariableSetId>") },
    [KIND_FEED] = { "feeds", "Feeds", "Feed", "Feed", "FeedView", "FeedEdit", "FeedEdit", "FeedEdit", .has_slug = true, .filters = "feedType=FeedType",
        .links = LINKS("Self=" S "feeds/<Id>", "PackagesTemplate=" S "feeds/<Id>/packages{?packageId,partialMatch,includeMultipleVersions,includeNotes,includePreRelease,versionRange,preReleaseTag,take}",
            "SearchTemplate=" S "feeds/<Id>/packages{?packageId,partialMatch,includeMultipleVersions,includeNotes,includePreRelease,versionRange,preReleaseTag,take}",
            "VersionsTemplate=" S "feeds/<Id>/packages{?packageIds}", "SearchPackagesTemplate=" S "feeds/<Id>/packages/search{?skip,take,term}",
            "SearchPackageVersionsTemplate=" S "feeds/<Id>/packages/versions{?packageId,take,skip,includePreRelease,versionRange,preReleaseTag,filter,includeReleaseNotes}",
            "NotesTemplate=" S "feeds/<Id>/packages/notes{?packageId,version}") },
    [KIND_RELEASE] = { "releases", "Releases", "Release", "Release", "ReleaseView", "ReleaseCreate", "ReleaseEdit", "ReleaseDelete", .is_newest_first = true, .filters = "projectIds=ProjectId,channelIds=ChannelId",
        .links = LINKS("Self=" S "releases/<Id>", "Project=" S "projects/<ProjectId>", "Channel=" S "channels/<ChannelId>", "Progression=" S "releases/<Id>/progression", "Deployments=" S "releases/<Id>/deployments{?skip,take}",
            "DeploymentTemplate=" S "releases/<Id>/deployments/template", "Artifacts=" S "artifacts{?regarding}", "ProjectVariableSnapshot=" S "variables/<ProjectVariableSetSnapshotId>",
            "ProjectDeploymentProcessSnapshot=" S "deploymentprocesses/<ProjectDeploymentProcessSnapshotId>", "Defects=" S "releases/<Id>/defects",
            "ReportDefect=" S "releases/<Id>/defects", "Web=/app#/<SpaceId>/releases/<Id>") },
    [KIND_DEPLOYMENT] = { "deployments", "Deployments", "Deployment", "Deployment", "DeploymentView", "DeploymentCreate", NULL, "DeploymentDelete", .is_newest_first = true,
        .filters = "projects=ProjectId,environments=EnvironmentId,tenants=TenantId,channels=ChannelId,releases=ReleaseId,taskState=_TaskState",
        .links = LINKS("Self=" S "deployments/<Id>", "Release=" S "releases/<ReleaseId>", "Environment=" S "environments/<EnvironmentId>", "Project=" S "projects/<ProjectId>", "Tenant=" S "tenants/<TenantId>",
            "Task=/api/tasks/<TaskId>", "Variables=" S "variables/<ManifestVariableSetId>", "Artifacts=" S "artifacts?regarding=<Id>", "Interruptions=" S "interruptions?regarding=<Id>", "Web=/app#/<SpaceId>/deployments/<Id>") },
    [KIND_TASK] = { "tasks", "ServerTasks", "Task", "Task", "TaskView", "TaskCreate", NULL, NULL, .is_newest_first = true,
        .filters = "name=Name,states=State,project=ProjectId,environment=_EnvironmentId,tenant=_TenantId,regarding=_DocumentId,hasPendingInterruptions=HasPendingInterruptions",
        .links = LINKS("Self=/api/tasks/<Id>", "Details=/api/tasks/<Id>/details{?verbose,tail,ranges}", "Raw=/api/tasks/<Id>/raw", "Cancel=/api/tasks/<Id>/cancel", "State=/api/tasks/<Id>/state", "Interruptions=" S "interruptions?regarding=<Id>", "Artifacts=" S "artifacts?regarding=<Id>", "Web=/app#/<SpaceId>/tasks/<Id>") },
    [KIND_INTERRUPTION] = { "interruptions", "Interruptions", "Interruption", "Interruption", "InterruptionView", NULL, NULL, NULL, .is_newest_first = true,
        .links = LINKS("Self=" S "interruptions/<Id>", "Submit=" S "interruptions/<Id>/submit", "Responsible=" S "interruptions/<Id>/responsible", "Task=/api/tasks/<TaskId>") },
    [KIND_SUBSCRIPTION] = { "subscriptions", "Subscriptions", "Subscription", "Subscription", "SubscriptionView", "SubscriptionCreate", "SubscriptionEdit", "SubscriptionDelete", .links = LINKS("Self=" S "subscriptions/<Id>") },
    [KIND_RUNBOOK] = { "runbooks", "Runbooks", "Runbook", "Runbook", "RunbookView", "RunbookEdit", "RunbookEdit", "RunbookEdit", .has_slug = true, .filters = "projectIds=ProjectId",
        .links = LINKS("Self=" S "runbooks/<Id>", "Project=" S "projects/<ProjectId>", "RunbookSnapshots=" S "runbooks/<Id>/runbookSnapshots{?skip,take}",
            "CreateRunbookRun=" S "runbookRuns") },
    [KIND_RUNBOOK_SNAPSHOT] = { "runbooksnapshots", "RunbookSnapshots", "RunbookSnapshot", "Runbook snapshot", "RunbookView", "RunbookEdit", "RunbookEdit", "RunbookEdit", .filters = "runbooks=RunbookId,projects=ProjectId",
        .links = LINKS("Self=" S "runbookSnapshots/<Id>", "Project=" S "projects/<ProjectId>", "Runbook=" S "runbooks/<RunbookId>") },
    [KIND_RUNBOOK_RUN] = { "runbookruns", "RunbookRuns", "RunbookRun", "Runbook run", "RunbookRunView", "RunbookRunCreate", NULL, NULL, .is_newest_first = true,
        .filters = "projects=ProjectId,environments=EnvironmentId,tenants=TenantId,runbooks=RunbookId", .links = LINKS("Self=" S "runbookRuns/<Id>", "Project=" S "projects/<ProjectId>", "Environment=" S "environments/<EnvironmentId>",
            "Runbook=" S "runbooks/<RunbookId>", "Task=/api/tasks/<TaskId>") },
    [KIND_TRIGGER] = { "projecttriggers", "ProjectTriggers", "ProjectTrigger", "Project trigger", "TriggerView", "TriggerCreate", "TriggerEdit", "TriggerDelete", .filters = "projects=ProjectId",
        .links = LINKS("Self=" S "projecttriggers/<Id>", "Project=" S "projects/<ProjectId>") },
    [KIND_ARTIFACT] = { "artifacts", "Artifacts", "Artifact", "Artifact", "ArtifactView", "ArtifactCreate", NULL, NULL, .links = LINKS("Self=" S "artifacts/<Id>", "Content=" S "artifacts/<Id>/content") },
    [KIND_ACCOUNT] = { "accounts", "Accounts", "Account", "Account", "AccountView", "AccountCreate", "AccountEdit", "AccountDelete", .links = LINKS("Self=" S "accounts/<Id>") },
    [KIND_CERTIFICATE] = { "certificates", "Certificates", "Certificate", "Certificate", "CertificateView", "CertificateCreate", "CertificateEdit", "CertificateDelete", .links = LINKS("Self=" S "certificates/<Id>") },
    [KIND_USER] = { "users", "Users", "User", "User", "UserView", "UserEdit", "UserEdit", "UserEdit", .is_system = true, .filters = "filter=Username",
        .links = LINKS("Self=/api/users/<Id>", "Permissions=/api/users/<Id>/permissions{?spaces,includeSystem}", "PermissionsConfiguration=/api/users/<Id>/permissions/configuration{?spaces,includeSystem}",
            "ApiKeys=/api/users/<Id>/apikeys{?skip,take}", "Teams=/api/users/<Id>/teams{?spaces,includeSystem}", "Spaces=/api/users/<Id>/spaces") },
    [KIND_TEAM] = { "teams", "Teams", "Team", "Team", "TeamView", "TeamCreate", "TeamEdit", "TeamDelete", .links = LINKS("Self=/api/teams/<Id>") },
    [KIND_API_KEY] = { NULL, "APIKeys", "ApiKey", "API key", NULL, NULL, NULL, NULL, .is_system = true, .links = LINKS("Self=/api/users/<UserId>/apikeys/<Id>") },
    [KIND_GRANTS] = { NULL, "grants", "Grants", "Grants", NULL, NULL, NULL, NULL, .is_system = true, .is_silent = true },
    [KIND_NUGET_FEED] = { NULL, "nugetfeeds", "NuGetFeed", "NuGet feed", NULL, NULL, NULL, NULL, .is_system = true, .is_silent = true },
    [KIND_FEED_PACKAGE] = { NULL, "feedpackages", "FeedPackage", "Package", NULL, NULL, NULL, NULL, .is_system = true, .is_silent = true },
};

const struct kind *kind_by_prefix(str prefix)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (str_eq_nocase(str_from(kinds[i].prefix), prefix))
            return &kinds[i];
    return NULL;
}

const struct kind *kind_by_id(str id)
{
    ptrdiff_t dash = str_find_char(id, '-');

    return dash <= 0 ? NULL : kind_by_prefix(str_sub(id, 0, (size_t)dash));
}

const struct kind *kind_by_path(str path)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kinds[i].path && str_eq_nocase(str_from(kinds[i].path), path))
            return &kinds[i];
    return NULL;
}
