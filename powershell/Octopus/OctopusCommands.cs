// OctopusCommands.cs - every function of ours, and the preferences that Octopus scripts start with.

using System;
using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace Reactions.PowerShell;

public static class OctopusCommands
{
    static readonly SessionStateCommandEntry[] Commands = [
        Cmdlet<WriteHighlightCommand>("Write-Highlight"), Cmdlet<WriteWaitCommand>("Write-Wait"), Cmdlet<UpdateProgressCommand>("Update-Progress"),
        Cmdlet<FailStepCommand>("Fail-Step"), Cmdlet<SetOctopusVariableCommand>("Set-OctopusVariable"), Cmdlet<SetOctopusSensitiveVariableCommand>("Set-OctopusSensitiveVariable"),
        Cmdlet<InvokeOctopusApiCommand>("Invoke-OctopusApi"), Cmdlet<GetOctopusProjectCommand>("Get-OctopusProject"), Cmdlet<GetOctopusEnvironmentCommand>("Get-OctopusEnvironment"),
        Cmdlet<GetOctopusMachineCommand>("Get-OctopusMachine"), Cmdlet<GetOctopusReleaseCommand>("Get-OctopusRelease"), Cmdlet<NewOctopusReleaseCommand>("New-OctopusRelease"),
        Cmdlet<NewOctopusDeploymentCommand>("New-OctopusDeployment"), Cmdlet<WaitOctopusTaskCommand>("Wait-OctopusTask"), Cmdlet<NewOctopusArtifactCommand>("New-OctopusArtifact"),
        Cmdlet<FindFeedPackageCommand>("Find-FeedPackage"), Cmdlet<GetFeedReleaseNotesCommand>("Get-FeedReleaseNotes")];

    static readonly SessionStateVariableEntry[] Preferences = [
        // As in Octopus: errors end a script unless it says otherwise, and what it says verbosely is in the log.
        new("ErrorActionPreference", ActionPreference.Stop, null), new("VerbosePreference", ActionPreference.Continue, null),
        new("ProgressPreference", ActionPreference.SilentlyContinue, null)];

    static SessionStateCmdletEntry Cmdlet<T>(string name) where T : Cmdlet => new(name, typeof(T), null);

    public static void AddTo(InitialSessionState state)
    {
        foreach (SessionStateCommandEntry command in Commands)
            state.Commands.Add(command);
        foreach (SessionStateVariableEntry preference in Preferences)
            state.Variables.Add(preference);
    }
}
