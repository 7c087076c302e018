// ApiCommands.cs - reading from Octopus, and any call by method and path.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;

namespace Reactions.PowerShell;

/// <summary>Any call of the Octopus API. Only GET happens under -WhatIf.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "OctopusApi", SupportsShouldProcess = true)]
public sealed class InvokeOctopusApiCommand : OctopusCommand
{
    [Parameter(Mandatory = true, Position = 0)][Alias("Uri")] public string Path { get; set; }
    [Parameter(Position = 1)][ValidateSet("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD")] public string Method { get; set; } = "GET";
    [Parameter(Position = 2, ValueFromPipeline = true)] public object Body { get; set; }
    [Parameter] public IDictionary Query { get; set; }

    protected override void ProcessRecord()
    {
        string method = Method.ToUpperInvariant();
        if (method is not ("GET" or "HEAD") && !ShouldProcess(Path, method))
            return;
        try
        {
            object answer = Client.Send(method, Path, Query, Body);
            if (answer != null)
                WriteObject(answer);
        }
        catch (OctopusApiException e)
        {
            WriteError(new ErrorRecord(e, "OctopusApi", ErrorCategory.InvalidOperation, Path));
        }
    }
}

public abstract class FindCommand : OctopusCommand
{
    // Writes the one that is named, or all that pass; a name with wildcards means all that match.
    internal void Write(string collection, string kind, string wanted, Func<PSObject, bool> passes)
    {
        if (wanted == null || WildcardPattern.ContainsWildcardCharacters(wanted))
        {
            WildcardPattern pattern = wanted == null ? null : WildcardPattern.Get(wanted, WildcardOptions.IgnoreCase);
            foreach (PSObject item in Items($"{Space}/{collection}", With("take", 1000)))
                if ((pattern == null || pattern.IsMatch(Text(item, "Name") ?? string.Empty)) && passes(item))
                    WriteObject(item);
            return;
        }
        if (TryFind(collection, wanted) is { } found)
            WriteObject(found);
        else
            WriteError(new ErrorRecord(new ItemNotFoundException($"There is no {kind} with the id, slug or name '{wanted}' in the space {Client.SpaceName ?? Client.SpaceId}, or {Client.Identity} may not see it."),
                "NotFound", ErrorCategory.ObjectNotFound, wanted));
    }
}

[Cmdlet(VerbsCommon.Get, "OctopusProject")]
public sealed class GetOctopusProjectCommand : FindCommand
{
    [Parameter(Position = 0, ValueFromPipeline = true)][Alias("Name", "Id", "Slug")] public string Project { get; set; }

    protected override void ProcessRecord() => Write("projects", "project", Project, _ => true);
}

[Cmdlet(VerbsCommon.Get, "OctopusEnvironment")]
public sealed class GetOctopusEnvironmentCommand : FindCommand
{
    [Parameter(Position = 0, ValueFromPipeline = true)][Alias("Name", "Id", "Slug")] public string Environment { get; set; }

    protected override void ProcessRecord() => Write("environments", "environment", Environment, _ => true);
}

[Cmdlet(VerbsCommon.Get, "OctopusMachine")]
public sealed class GetOctopusMachineCommand : FindCommand
{
    [Parameter(Position = 0, ValueFromPipeline = true)][Alias("Name", "Id", "Slug")] public string Machine { get; set; }
    [Parameter] public object[] Environment { get; set; }
    [Parameter][Alias("Roles", "TargetTag")] public string[] Role { get; set; }

    protected override void ProcessRecord()
    {
        string[] environments = Environment?.Select(e => Text(Find("environment", "environments", e), "Id")).ToArray();
        Write("machines", "machine", Machine, m =>
            (environments == null || Ids(m, "EnvironmentIds").Any(id => environments.Contains(id, StringComparer.OrdinalIgnoreCase))) &&
            (Role == null || Ids(m, "Roles").Any(r => Role.Contains(r, StringComparer.OrdinalIgnoreCase))));
    }

    static IEnumerable<string> Ids(PSObject machine, string name) => (Member(machine, name) as object[] ?? []).OfType<string>();
}

/// <summary>Releases of a project, newest first; one by its version or id; or the newest alone.</summary>
[Cmdlet(VerbsCommon.Get, "OctopusRelease", DefaultParameterSetName = "Project")]
public sealed class GetOctopusReleaseCommand : OctopusCommand
{
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Id")] public string Id { get; set; }
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Project")] public object Project { get; set; }
    [Parameter(Position = 1, ParameterSetName = "Project")][Alias("Number")] public string Version { get; set; }
    [Parameter(ParameterSetName = "Project")] public SwitchParameter Latest { get; set; }

    protected override void ProcessRecord()
    {
        // A release's id may also be given where a project is expected.
        string id = Id ?? ((Project as PSObject)?.BaseObject ?? Project) as string;
        if (id != null && (Id != null || id.StartsWith("Releases-", StringComparison.OrdinalIgnoreCase)))
        {
            WriteOrFail(TryGet($"{Space}/releases/{Uri.EscapeDataString(id)}"), $"There is no release '{id}'.", id);
            return;
        }
        PSObject project = Find("project", "projects", Project);
        string releases = $"{Space}/projects/{Text(project, "Id")}/releases";
        if (Version != null)
            WriteOrFail(TryGet($"{releases}/{Uri.EscapeDataString(Version)}"), $"The project {Text(project, "Name")} has no release {Version}.", Version);
        else if (Latest)
            WriteObject(List(Get(releases, With("take", 1)), "Items").FirstOrDefault());
        else
            WriteObject(Items(releases, With("take", 100)), true);
    }

    void WriteOrFail(object found, string message, object target)
    {
        if (found != null)
            WriteObject(found);
        else
            WriteError(new ErrorRecord(new ItemNotFoundException(message), "NotFound", ErrorCategory.ObjectNotFound, target));
    }
}

/// <summary>Waits until a task has ended; one that did not succeed is an error. Gives the task.</summary>
[Cmdlet(VerbsLifecycle.Wait, "OctopusTask")]
public sealed class WaitOctopusTaskCommand : OctopusCommand
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)][Alias("TaskId", "Id", "Deployment")] public object Task { get; set; }
    [Parameter] public double TimeoutSeconds { get; set; } = 1800;
    [Parameter][ValidateRange(0.05, 600)] public double PollSeconds { get; set; } = 2;

    protected override void ProcessRecord()
    {
        string id = Text(Task, "TaskId") ?? Text(Task, "Id") ?? Task?.ToString();
        if (IsWithheld(id))
        {
            WriteVerbose($"Dry run: there is no task {id} to wait for.");
            return;
        }
        if (id == null || !id.StartsWith("ServerTasks-", StringComparison.OrdinalIgnoreCase))
            throw Stop($"'{id}' is not a task: give its id (ServerTasks-17), a task or a deployment.", Task, "NotATask");
        DateTime deadline = DateTime.UtcNow.AddSeconds(TimeoutSeconds);
        string lastState = null;
        bool hasWarned = false;
        for (;;)
        {
            object task = Get($"{Space}/tasks/{Uri.EscapeDataString(id)}");
            string state = Text(task, "State");
            if (state != lastState)
                WriteVerbose($"{id}: {lastState = state}");
            if (Flag(task, "IsCompleted") || state is "Success" or "Failed" or "Canceled" or "TimedOut")
            {
                if (!Flag(task, "FinishedSuccessfully") && state != "Success")
                    WriteError(new ErrorRecord(new InvalidOperationException($"The task {id} ({Text(task, "Description")}) ended as {state}: {Text(task, "ErrorMessage")}".TrimEnd(' ', ':')),
                        "TaskNotSuccessful", ErrorCategory.InvalidResult, task));
                WriteObject(task);
                return;
            }
            if (Flag(task, "HasPendingInterruptions") && !hasWarned)
            {
                hasWarned = true;
                WriteWarning($"The task {id} waits for somebody to act on it in Octopus.");
            }
            if (DateTime.UtcNow >= deadline)
                throw Stop(new TimeoutException($"The task {id} has not ended within {TimeoutSeconds} seconds; it is {state}."), task, "TaskNotEnded");
            if (!Sleep(TimeSpan.FromSeconds(PollSeconds)))
                return;
        }
    }
}
