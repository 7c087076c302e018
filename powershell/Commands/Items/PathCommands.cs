// PathCommands.cs - Join-, Split-, Resolve-, Convert-Path.

using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Linq;
using System.Management.Automation;
using Reactions.PowerShell.Engine;
using IOPath = System.IO.Path;

namespace Microsoft.PowerShell.Commands;

/// <summary>Joins parts of a path.</summary>
[Cmdlet(VerbsCommon.Join, "Path", SupportsTransactions = true)]
[OutputType(typeof(string))]
public class JoinPathCommand : ProviderCommand
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath")]
    public string[] Path { get; set; }

    [Parameter(Position = 1, Mandatory = true, ValueFromPipelineByPropertyName = true)] [AllowNull] [AllowEmptyString] [AllowEmptyCollection]
    public string[] ChildPath { get; set; }

    [Parameter(Position = 2, ValueFromPipelineByPropertyName = true, ValueFromRemainingArguments = true)] [AllowNull] [AllowEmptyString] [AllowEmptyCollection]
    public string[] AdditionalChildPath { get; set; }

    [Parameter] public SwitchParameter Resolve { get; set; }
    [Parameter] [ValidateNotNullOrEmpty] public string Extension { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] [Credential] public PSCredential Credential { get; set; }

    protected override void ProcessRecord()
    {
        foreach (string path in Path)
            ForPath(() =>
            {
                string joined = path;
                foreach (string child in (ChildPath ?? []).Concat(AdditionalChildPath ?? []))
                    joined = NewContext().Combine(Paths, joined, child ?? string.Empty);
                if (Extension != null) joined = IOPath.ChangeExtension(joined, Extension);
                if (!Resolve)
                {
                    WriteObject(joined);
                    return;
                }
                foreach (PathInfo found in NewContext().ResolvedPaths(Paths, joined))
                    WriteObject(found.Path);
            });
    }
}

/// <summary>Gives one part of a path.</summary>
[Cmdlet(VerbsCommon.Split, "Path", DefaultParameterSetName = "ParentSet", SupportsTransactions = true)]
[OutputType(typeof(string), typeof(bool))]
public class SplitPathCommand : ProviderCommand
{
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = "ParentSet", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = "LeafSet", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = "LeafBaseSet", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = "ExtensionSet", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = "QualifierSet", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = "NoQualifierSet", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = "IsAbsoluteSet", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    public string[] Path { get; set; }

    [Parameter(ParameterSetName = "LiteralPathSet", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [Alias("PSPath", "LP")]
    public string[] LiteralPath { get => Path; set => Path = value; }

    [Parameter(ParameterSetName = "QualifierSet")] public SwitchParameter Qualifier { get; set; }
    [Parameter(ParameterSetName = "NoQualifierSet")] public SwitchParameter NoQualifier { get; set; }
    [Parameter(ParameterSetName = "ParentSet")] public SwitchParameter Parent { get; set; } = true;
    [Parameter(ParameterSetName = "LeafSet")] public SwitchParameter Leaf { get; set; }
    [Parameter(ParameterSetName = "LeafBaseSet")] public SwitchParameter LeafBase { get; set; }
    [Parameter(ParameterSetName = "ExtensionSet")] public SwitchParameter Extension { get; set; }
    [Parameter(ParameterSetName = "IsAbsoluteSet")] public SwitchParameter IsAbsolute { get; set; }
    [Parameter] public SwitchParameter Resolve { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] [Credential] public PSCredential Credential { get; set; }

    protected override void ProcessRecord()
    {
        foreach (string path in Path)
            ForPath(() =>
            {
                IEnumerable<string> paths = Resolve ? NewContext().ResolvedPaths(Paths, path).Select(p => p.Path) : [path];
                foreach (string one in paths) Split(one);
            });
    }

    void Split(string path)
    {
        switch (ParameterSetName)
        {
            case "IsAbsoluteSet":
                WriteObject(Paths.IsPSAbsolute(path, out _));
                break;
            case "QualifierSet":
                SplitQualifier(path, out int end);
                if (end > 0) WriteObject(path[..end]);
                else WriteError(new ErrorRecord(new FormatException($"Cannot parse path because path '{path}' does not have a qualifier specified."),
                    "ParsePathFormatError", ErrorCategory.InvalidArgument, path));
                break;
            case "NoQualifierSet":
                SplitQualifier(path, out int start);
                if (start > 0) WriteObject(path[start..]);
                else WriteObject(path);
                break;
            case "LeafSet":
                WriteObject(NewContext().ParseChildName(Paths, path));
                break;
            case "LeafBaseSet":
                WriteObject(IOPath.GetFileNameWithoutExtension(NewContext().ParseChildName(Paths, path)));
                break;
            case "ExtensionSet":
                WriteObject(IOPath.GetExtension(NewContext().ParseChildName(Paths, path)));
                break;
            default:
                WriteObject(NewContext().ParseParent(Paths, path));
                break;
        }
    }

    // A qualifier is "drive:" or "provider::"; the first colon decides.
    static void SplitQualifier(string path, out int end)
    {
        int provider = path.IndexOf("::", StringComparison.Ordinal);
        end = provider >= 0 ? provider + 2 : path.IndexOf(':') + 1;
    }
}

/// <summary>Resolves wildcards and relative parts of a path.</summary>
[Cmdlet(VerbsDiagnostic.Resolve, "Path", DefaultParameterSetName = "Path", SupportsTransactions = true)]
public class ResolvePathCommand : PathCommand
{
    [Parameter] public SwitchParameter Relative { get; set; }
    [Parameter] public string RelativeBasePath { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }
    [Parameter(ValueFromPipelineByPropertyName = true)] [Credential] public PSCredential Credential { get; set; }

    internal override ProviderContext NewContext()
    {
        ProviderContext context = base.NewContext();
        context.Force = Force;
        return context;
    }

    protected override void ProcessRecord() => ForEachPath(path =>
    {
        PathInfo from = Paths.CurrentLocation;
        if (RelativeBasePath == null)
        {
            foreach (PathInfo found in NewContext().ResolvedPaths(Paths, path)) Write(found, from);
            return;
        }
        // What comes further down the pipeline works from where the script is.
        PathInfo back = from;
        Collection<PathInfo> all;
        try
        {
            from = NewContext().SetLocation(Paths, RelativeBasePath, true);
            all = NewContext().ResolvedPaths(Paths, path);
        }
        finally
        {
            NewContext().SetLocation(Paths, back.Path, true);
        }
        foreach (PathInfo found in all) Write(found, from);
    });

    void Write(PathInfo found, PathInfo from)
    {
        if (Relative) WriteObject(RelativeTo(found, from));
        else WriteObject(found);
    }

    // No way up leads out of a drive; the folder itself is named by way of the one above it.
    string RelativeTo(PathInfo found, PathInfo from)
    {
        if (found.Drive != from.Drive && from.Drive != null && !found.ProviderPath.StartsWith(from.Drive.Root, StringComparison.OrdinalIgnoreCase)) return found.Path;
        string path = NewContext().NormalizeRelativePath(Paths, found.Path, from.ProviderPath);
        return path.StartsWith(found.Drive?.Root ?? found.Path, StringComparison.OrdinalIgnoreCase) || path.StartsWith('.') ? path : Paths.Combine(".", path);
    }
}

/// <summary>Turns a path of a drive into the provider's own path.</summary>
[Cmdlet(VerbsData.Convert, "Path", DefaultParameterSetName = "Path", SupportsTransactions = true)]
[OutputType(typeof(string))]
public class ConvertPathCommand : PathCommand
{
    protected override void ProcessRecord() => ForEachPath(path =>
    {
        Collection<string> found = NewContext().ResolvedProviderPaths(Paths, path, out _);
        WriteObject(found, true);
    });
}
