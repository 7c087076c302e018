// TestPathCommand.cs - Test-Path.

using System;
using System.IO;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

public enum TestPathType { Any, Container, Leaf }

/// <summary>Says whether a path exists.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Path", DefaultParameterSetName = "Path", SupportsTransactions = true)]
[OutputType(typeof(bool))]
public class TestPathCommand : FilteredPathCommand
{
    [Parameter(Position = 0, ParameterSetName = "Path", Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull] [AllowEmptyCollection] [AllowEmptyString]
    public new string[] Path { get => base.Path; set => base.Path = value; }

    [Parameter(ParameterSetName = "LiteralPath", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LP")] [AllowNull] [AllowEmptyCollection] [AllowEmptyString]
    public new string[] LiteralPath { get => base.LiteralPath; set => base.LiteralPath = value; }

    [Parameter] [Alias("Type")] public TestPathType PathType { get; set; }
    [Parameter] public SwitchParameter IsValid { get; set; }

    // -OlderThan and -NewerThan come from the provider, and it answers them only for paths that are asked about as items.
    internal override object ProviderParameters(ProviderContext context, string path) =>
        PathType == TestPathType.Any && !IsValid ? context.ItemExistsParameters(Providers, string.IsNullOrWhiteSpace(path) ? "." : path) : null;

    protected override void ProcessRecord()
    {
        if (Path is not { Length: > 0 })
        {
            RefuseNull();
            return;
        }
        foreach (string path in Path)
        {
            if (path == null) RefuseNull();
            else WriteObject(!string.IsNullOrWhiteSpace(path) && Test(path));
        }
    }

    void RefuseNull() => WriteError(new ErrorRecord(new ArgumentNullException("Path", "The provided Path argument was null or an empty collection."),
        "NullPathNotPermitted", ErrorCategory.InvalidArgument, Path));

    bool Test(string path)
    {
        try
        {
            ProviderContext context = NewContext();
            if (IsValid) return context.IsValid(Paths, path);
            return PathType switch {
                TestPathType.Container => context.IsContainer(Providers, path),
                TestPathType.Leaf => context.ItemExists(Providers, path) && !context.IsContainer(Providers, path),
                _ => context.ItemExists(Providers, path) };
        }
        catch (Exception e) when (e is PSNotSupportedException or System.Management.Automation.DriveNotFoundException or ProviderNotFoundException or ItemNotFoundException
                                    or PSArgumentException or UnauthorizedAccessException or IOException)
        {
            return false;    // what cannot be looked at is not there
        }
    }
}
