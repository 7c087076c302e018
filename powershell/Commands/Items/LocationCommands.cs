// LocationCommands.cs - Get-, Set-, Push-, Pop-Location.

using System;
using System.Linq;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Gets the current location, of one provider or drive, or a stack of locations.</summary>
[Cmdlet(VerbsCommon.Get, "Location", DefaultParameterSetName = "Location", SupportsTransactions = true)]
public class GetLocationCommand : ProviderCommand
{
    [Parameter(ParameterSetName = "Location", ValueFromPipelineByPropertyName = true)] public string[] PSProvider { get; set; }
    [Parameter(ParameterSetName = "Location", ValueFromPipelineByPropertyName = true)] public string[] PSDrive { get; set; }
    [Parameter(ParameterSetName = "Stack")] public SwitchParameter Stack { get; set; }
    [Parameter(ParameterSetName = "Stack", ValueFromPipelineByPropertyName = true)] public string[] StackName { get; set; }

    protected override void ProcessRecord()
    {
        if (ParameterSetName == "Stack")
            foreach (string name in StackName ?? [string.Empty])
                ForPath(() => WriteObject(Paths.LocationStack(name), true));
        else if (PSDrive is { Length: > 0 })
            foreach (string name in PSDrive)
                ForPath(() => WriteObject(LocationOf(SessionState.Drive.Get(name))));
        else if (PSProvider is { Length: > 0 })
            foreach (string name in PSProvider)
                ForPath(() => WriteObject(Paths.CurrentProviderLocation(name)));
        else
            WriteObject(Paths.CurrentLocation);
    }

    // The engine makes PathInfo itself only, so a drive is asked for the place it stands at.
    PathInfo LocationOf(PSDriveInfo drive) =>
        SessionState.Path.GetResolvedPSPathFromPSPath(WildcardPattern.Escape($"{drive.Name}:{drive.CurrentLocation}")).First();
}

/// <summary>Sets the current location.</summary>
[Cmdlet(VerbsCommon.Set, "Location", DefaultParameterSetName = "Path", SupportsTransactions = true)]
public class SetLocationCommand : ProviderCommand
{
    [Parameter(Position = 0, ParameterSetName = "Path", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public string Path { get; set; } = string.Empty;

    [Parameter(ParameterSetName = "LiteralPath", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LP")]
    public string LiteralPath { get => Path; set { _literal = true; Path = value; } }

    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter(ParameterSetName = "Stack", ValueFromPipelineByPropertyName = true)] public string StackName { get; set; }

    bool _literal;

    protected override void ProcessRecord() => ForPath(() =>
    {
        if (ParameterSetName == "Stack")
        {
            PathInfoStack stack = Paths.SetDefaultLocationStack(StackName);
            if (PassThru) WriteObject(stack);
            return;
        }
        if (string.IsNullOrEmpty(Path)) Path = SessionState.Provider.GetOne("FileSystem").Home;
        PathInfo now = NewContext().SetLocation(Paths, Path, _literal);
        if (PassThru) WriteObject(now);
    });
}

/// <summary>Remembers the current location on a stack and goes to another.</summary>
[Cmdlet(VerbsCommon.Push, "Location", DefaultParameterSetName = "Path", SupportsTransactions = true)]
public class PushLocationCommand : ProviderCommand
{
    [Parameter(Position = 0, ParameterSetName = "Path", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public string Path { get; set; } = string.Empty;

    [Parameter(ParameterSetName = "LiteralPath", ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LP")]
    public string LiteralPath { get => Path; set { _literal = true; Path = value; } }

    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] public string StackName { get; set; } = string.Empty;

    bool _literal;

    protected override void ProcessRecord()
    {
        Paths.PushCurrentLocation(StackName);
        if (Path == string.Empty) return;
        ForPath(() =>
        {
            PathInfo now = NewContext().SetLocation(Paths, Path, _literal);
            if (PassThru) WriteObject(now);
        });
    }
}

/// <summary>Goes back to the location last put on a stack.</summary>
[Cmdlet(VerbsCommon.Pop, "Location", SupportsTransactions = true)]
public class PopLocationCommand : ProviderCommand
{
    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] public string StackName { get; set; } = string.Empty;

    protected override void ProcessRecord() => ForPath(() =>
    {
        PathInfo now = Paths.PopLocation(StackName);
        if (PassThru && now != null) WriteObject(now);
    });
}
