// NewOctopusDeploymentCommand.cs - New-OctopusDeployment and New-OctopusArtifact.

using System;
using System.Collections;
using System.IO;
using System.Linq;
using System.Management.Automation;

namespace Reactions.PowerShell;

/// <summary>Deploys a release: to each environment, for each tenant. Gives the deployments; `| Wait-OctopusTask` waits for them.</summary>
[Cmdlet(VerbsCommon.New, "OctopusDeployment", SupportsShouldProcess = true, DefaultParameterSetName = "Release")]
public sealed class NewOctopusDeploymentCommand : OctopusCommand
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = "Release")][Alias("ReleaseId")] public object Release { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "Project")] public object Project { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "Project")][Alias("Number", "ReleaseVersion")] public string Version { get; set; }
    [Parameter(Mandatory = true, Position = 1)][Alias("DeployTo", "EnvironmentId")] public object[] Environment { get; set; }
    [Parameter] public object[] Tenant { get; set; }
    [Parameter][Alias("Target")] public object[] Machine { get; set; }
    [Parameter] public object[] ExcludeMachine { get; set; }
    [Parameter] public string Comments { get; set; }
    [Parameter] public IDictionary FormValues { get; set; }
    [Parameter] public string[] SkipActions { get; set; }
    [Parameter] public DateTimeOffset? QueueTime { get; set; }
    [Parameter] public SwitchParameter UseGuidedFailure { get; set; }
    [Parameter] public SwitchParameter ForcePackageDownload { get; set; }

    protected override void ProcessRecord()
    {
        object release = FindRelease();
        string releaseId = Text(release, "Id"), version = Text(release, "Version") ?? releaseId;
        PSObject[] environments = [.. Environment.Select(e => Find("environment", "environments", e))];
        PSObject[] tenants = Tenant == null ? [null] : [.. Tenant.Select(t => Find("tenant", "tenants", t))];
        string[] machines = Ids("machine", "machines", Machine), excluded = Ids("machine", "machines", ExcludeMachine);
        foreach (PSObject environment in environments)
            foreach (PSObject tenant in tenants)
                Deploy(releaseId, version, environment, tenant, machines, excluded);
    }

    object FindRelease()
    {
        if (ParameterSetName == "Project")
        {
            PSObject project = Find("project", "projects", Project);
            return TryGet($"{Space}/projects/{Text(project, "Id")}/releases/{Uri.EscapeDataString(Version)}")
                ?? throw Stop($"The project {Text(project, "Name")} has no release {Version}.", Version, "NotFound");
        }
        if (Text(Release, "Id") != null)
            return Release;
        string id = Release?.ToString() ?? string.Empty;
        if (!id.StartsWith("Releases-", StringComparison.OrdinalIgnoreCase))
            throw Stop($"'{id}' is not a release: give its id (Releases-17), a release, or -Project and -Version.", Release, "NotARelease");
        if (IsWithheld(id))
            return Made("Id", id);
        return TryGet($"{Space}/releases/{Uri.EscapeDataString(id)}") ?? throw Stop($"There is no release '{id}'.", id, "NotFound");
    }

    string[] Ids(string kind, string collection, object[] given) => given?.Select(g => Text(Find(kind, collection, g), "Id")).ToArray();

    void Deploy(string releaseId, string version, PSObject environment, PSObject tenant, string[] machines, string[] excluded)
    {
        var body = new Hashtable {
            ["ReleaseId"] = releaseId, ["EnvironmentId"] = Text(environment, "Id"), ["Comments"] = Comments,
            ["FormValues"] = FormValues ?? new Hashtable(), ["UseGuidedFailure"] = UseGuidedFailure.IsPresent, ["ForcePackageDownload"] = ForcePackageDownload.IsPresent };
        if (tenant != null)
            body["TenantId"] = Text(tenant, "Id");
        if (machines != null)
            body["SpecificMachineIds"] = machines;
        if (excluded != null)
            body["ExcludedMachineIds"] = excluded;
        if (SkipActions != null)
            body["SkipActions"] = SkipActions;
        if (QueueTime != null)
            body["QueueTime"] = QueueTime.Value;
        string target = Text(environment, "Name") + (tenant == null ? string.Empty : $" for {Text(tenant, "Name")}");
        if (!ShouldProcess(target, $"Deploy release {version}"))
            return;
        object deployment = Post($"{Space}/deployments", null, body, out bool isWithheld);
        if (isWithheld)
            deployment = Made("Id", "Deployments" + WithheldSuffix, "ReleaseId", releaseId, "EnvironmentId", Text(environment, "Id"), "TenantId", Text(tenant, "Id"), "TaskId", "ServerTasks" + WithheldSuffix, "Withheld", true);
        else
            Run.Log.Add(Level.Verbose, $"Deploying release {version} to {target} ({Text(deployment, "Id")}, {Text(deployment, "TaskId")}).");
        WriteObject(deployment);
    }
}

/// <summary>Attaches a file to the server task of the event, as a deployment's script would. An event without one keeps no artifacts.</summary>
[Cmdlet(VerbsCommon.New, "OctopusArtifact", SupportsShouldProcess = true)]
public sealed class NewOctopusArtifactCommand : OctopusCommand
{
    const long MaximumBytes = 10 << 20;

    [Parameter(Mandatory = true, Position = 0)][Alias("FullPath")] public string Path { get; set; }
    [Parameter(Position = 1)] public string Name { get; set; }

    protected override void ProcessRecord()
    {
        string file = GetUnresolvedProviderPathFromPSPath(Path);
        if (!File.Exists(file))
            throw Stop(new FileNotFoundException($"There is no file {file} to keep as an artifact.", file), Path, "NotFound");
        string name = string.IsNullOrEmpty(Name) ? System.IO.Path.GetFileName(file) : Name;
        if (Run.TaskId == null)
        {
            WriteWarning($"The artifact {name} is not kept: this event belongs to no server task that it could be attached to.");
            return;
        }
        if (new FileInfo(file).Length > MaximumBytes)
            throw Stop($"The artifact {name} is longer than {MaximumBytes >> 20} MB, the most that a script can send.", Path, "TooLong");
        if (!ShouldProcess(Run.TaskId, $"Attach artifact {name}"))
            return;
        object artifact = Post($"{Space}/artifacts", null, new Hashtable { ["Filename"] = name, ["ServerTaskId"] = Run.TaskId }, out bool isWithheld);
        if (isWithheld)
            return;
        string content = Text(Member(artifact, "Links"), "Content") ?? $"{Space}/artifacts/{Text(artifact, "Id")}/content";
        try
        {
            Client.SendBytes("PUT", content, "application/octet-stream", File.ReadAllBytes(file));
        }
        catch (OctopusApiException e)
        {
            throw Stop(e, content);
        }
        WriteVerbose($"Attached {name} to {Run.TaskId}.");
    }
}
