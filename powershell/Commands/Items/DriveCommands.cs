// DriveCommands.cs - Get-, New-, Remove-PSDrive and Get-PSProvider.

using System;
using System.Linq;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Gets the drives of this session.</summary>
[Cmdlet(VerbsCommon.Get, "PSDrive", DefaultParameterSetName = "Name", SupportsTransactions = true)]
[OutputType(typeof(PSDriveInfo))]
public class GetPSDriveCommand : ProviderCommand
{
    [Parameter(Position = 0, ParameterSetName = "Name", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] public string[] Name { get; set; } = ["*"];
    [Parameter(Position = 0, ParameterSetName = "LiteralName", Mandatory = true, ValueFromPipelineByPropertyName = true)] public string[] LiteralName { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] public string Scope { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] public string[] PSProvider { get; set; } = [];

    protected override void ProcessRecord()
    {
        var all = (Scope == null ? SessionState.Drive.GetAll() : SessionState.Drive.GetAllAtScope(Scope)).OrderBy(d => d.Name, StringComparer.CurrentCultureIgnoreCase).ToList();
        foreach (string name in LiteralName ?? Name)
        {
            WildcardPattern pattern = LiteralName == null ? WildcardPattern.Get(name, WildcardOptions.IgnoreCase) : null;
            var found = all.Where(d => pattern?.IsMatch(d.Name) ?? string.Equals(d.Name, name, StringComparison.OrdinalIgnoreCase))
                           .Where(d => PSProvider.Length == 0 || PSProvider.Any(p => IsNamed(d.Provider, p))).ToList();
            WriteObject(found, true);
            if (found.Count > 0 || LiteralName == null && WildcardPattern.ContainsWildcardCharacters(name)) continue;
            var missing = new System.Management.Automation.DriveNotFoundException($"Cannot find drive. A drive with the name '{name}' does not exist.");
            WriteError(new ErrorRecord(missing, "GetLocationNoMatchingDrive", ErrorCategory.ObjectNotFound, name));
        }
    }

    static bool IsNamed(ProviderInfo provider, string pattern) =>
        WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(provider.Name) || string.Equals(provider.ToString(), pattern, StringComparison.OrdinalIgnoreCase);
}

/// <summary>Makes a drive that stands for a place in a provider.</summary>
[Cmdlet(VerbsCommon.New, "PSDrive", SupportsShouldProcess = true, SupportsTransactions = true)]
public class NewPSDriveCommand : ProviderCommand
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string Name { get; set; }
    [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true)] public string PSProvider { get; set; }
    [Parameter(Position = 2, Mandatory = true, ValueFromPipelineByPropertyName = true)] [AllowEmptyString] public string Root { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] public string Description { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] public string Scope { get; set; }
    [Parameter] public SwitchParameter Persist { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] [Credential] public PSCredential Credential { get; set; }

    protected override void ProcessRecord() => ForPath(() =>
    {
        ProviderInfo provider = SessionState.Provider.GetOne(PSProvider);
        if (ShouldProcess($"Name: {Name} Provider: {provider} Root: {Root}", "New drive"))
            new ProviderContext(this) { PassThru = true }.NewDrive(SessionState.Drive, new PSDriveInfo(Name, provider, Root, Description, Credential, Persist), Scope);
    });
}

/// <summary>Removes drives.</summary>
[Cmdlet(VerbsCommon.Remove, "PSDrive", DefaultParameterSetName = "Name", SupportsShouldProcess = true, SupportsTransactions = true)]
public class RemovePSDriveCommand : ProviderCommand
{
    [Parameter(Position = 0, ParameterSetName = "Name", Mandatory = true, ValueFromPipelineByPropertyName = true)] [AllowNull] [AllowEmptyCollection] public string[] Name { get; set; }
    [Parameter(Position = 0, ParameterSetName = "LiteralName", Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] public string[] LiteralName { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] public string[] PSProvider { get; set; } = [];
    [Parameter(ValueFromPipelineByPropertyName = true)] public string Scope { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }

    protected override void ProcessRecord()
    {
        foreach (string name in LiteralName ?? Name ?? [])
        {
            WildcardPattern pattern = LiteralName == null ? WildcardPattern.Get(name, WildcardOptions.IgnoreCase) : null;
            var found = (Scope == null ? SessionState.Drive.GetAll() : SessionState.Drive.GetAllAtScope(Scope))
                .Where(d => pattern?.IsMatch(d.Name) ?? string.Equals(d.Name, name, StringComparison.OrdinalIgnoreCase)).ToList();
            foreach (PSDriveInfo drive in found)
                ForPath(() =>
                {
                    if (!ShouldProcess($"Name: {drive.Name} Provider: {drive.Provider} Root: {drive.Root}", "Remove Drive")) return;
                    if (!Force && drive == SessionState.Drive.Current)
                    {
                        var inUse = new PSInvalidOperationException($"Cannot remove drive '{drive.Name}' because it is in use.");
                        WriteError(new ErrorRecord(inUse.ErrorRecord, inUse));
                        return;
                    }
                    new ProviderContext(this).RemoveDrive(SessionState.Drive, drive.Name, Force, Scope);
                });
            if (found.Count > 0 || LiteralName == null && WildcardPattern.ContainsWildcardCharacters(name)) continue;
            var missing = new System.Management.Automation.DriveNotFoundException($"Cannot find drive. A drive with the name '{name}' does not exist.");
            WriteError(new ErrorRecord(missing, "DriveNotFound", ErrorCategory.ObjectNotFound, name));
        }
    }
}

/// <summary>Gets the providers of this session.</summary>
[Cmdlet(VerbsCommon.Get, "PSProvider")]
[OutputType(typeof(ProviderInfo))]
public class GetPSProviderCommand : ProviderCommand
{
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] public string[] PSProvider { get; set; } = [];

    protected override void ProcessRecord()
    {
        if (PSProvider is not { Length: > 0 }) WriteObject(SessionState.Provider.GetAll(), true);
        else
            foreach (string name in PSProvider)
                ForPath(() => WriteObject(SessionState.Provider.Get(name), true));
    }
}
