// ArchiveCommands.cs - Compress-Archive, Expand-Archive.

using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

public abstract class ArchiveCommand : PSCmdlet
{
    // The files and folders that paths stand for; an error for each that stands for none.
    private protected IEnumerable<string> Given(string[] paths, bool literal)
    {
        foreach (string path in paths ?? [])
        {
            IList<string> found;
            try { found = literal ? [SessionState.Path.GetUnresolvedProviderPathFromPSPath(path)] : SessionState.Path.GetResolvedProviderPathFromPSPath(path, out _); }
            catch (ItemNotFoundException) { found = []; }
            found = [.. found.Where(System.IO.Path.Exists)];
            if (found.Count == 0)
                ThrowTerminatingError(new ErrorRecord(new InvalidOperationException($"The path '{path}' does not exist or is no path of the file system."), "ArchiveCmdletPathNotFound", ErrorCategory.InvalidArgument, path));
            foreach (string one in found) yield return one;
        }
    }

    private protected void Refuse(string id, string why, object target) =>
        ThrowTerminatingError(new ErrorRecord(new IOException(why), id, ErrorCategory.InvalidArgument, target));
}

/// <summary>Packs files into a zip archive.</summary>
[Cmdlet(VerbsData.Compress, "Archive", DefaultParameterSetName = "Path", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class CompressArchiveCommand : ArchiveCommand
{
    const string ByPath = "Path", PathUpdate = "PathWithUpdate", PathForce = "PathWithForce", ByLiteral = "LiteralPath", LiteralUpdate = "LiteralPathWithUpdate", LiteralForce = "LiteralPathWithForce";

    [Parameter(Mandatory = true, Position = 0, ParameterSetName = ByPath, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathUpdate, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = PathForce, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty] public string[] Path { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = ByLiteral, ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, ParameterSetName = LiteralUpdate, ValueFromPipelineByPropertyName = true)]
    [Parameter(Mandatory = true, ParameterSetName = LiteralForce, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty] [Alias("PSPath")] public string[] LiteralPath { get; set; }

    [Parameter(Mandatory = true, Position = 1)] [ValidateNotNullOrEmpty] public string DestinationPath { get; set; }
    [Parameter] [ValidateSet("Optimal", "NoCompression", "Fastest")] public string CompressionLevel { get; set; } = "Optimal";
    [Parameter(Mandatory = true, ParameterSetName = PathUpdate)] [Parameter(Mandatory = true, ParameterSetName = LiteralUpdate)] public SwitchParameter Update { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = PathForce)] [Parameter(Mandatory = true, ParameterSetName = LiteralForce)] public SwitchParameter Force { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }

    readonly List<string> _given = [];

    protected override void ProcessRecord() => _given.AddRange(Given(Path ?? LiteralPath, LiteralPath != null));

    protected override void EndProcessing()
    {
        string to = Files.Resolve(this, DestinationPath, true);
        string extension = System.IO.Path.GetExtension(to);
        if (extension.Length == 0) to += ".zip";
        else if (!extension.Equals(".zip", StringComparison.OrdinalIgnoreCase)) Refuse("NotSupportedArchiveFileExtension", $"{extension} is not a supported archive file format; .zip is the only one.", to);
        if (File.Exists(to) && !Update && !Force) Refuse("ArchiveFileExists", $"The archive file {to} already exists. Use -Update to change it or -Force to replace it.", to);
        if (!ShouldProcess(to)) return;

        // Beside its place until it is whole: whoever looks there finds all of it or what was there before.
        string part = to + ".part";
        try
        {
            if (Update && File.Exists(to)) File.Copy(to, part, true);
            else File.Delete(part);
            using (var archive = ZipFile.Open(part, ZipArchiveMode.Update))
                foreach (string one in _given) Add(archive, one, System.IO.Path.GetFileName(one), to, part);
            File.Move(part, to, true);
        }
        finally { File.Delete(part); }
        if (PassThru) WriteObject(InvokeProvider.Item.Get([to], true, true), true);
    }

    void Add(ZipArchive archive, string from, string name, params string[] own)
    {
        if (Stopping || own.Contains(from)) return;
        var directory = new DirectoryInfo(from);
        archive.GetEntry(name)?.Delete();
        if (!directory.Exists)
        {
            archive.CreateEntryFromFile(from, name, Enum.Parse<System.IO.Compression.CompressionLevel>(CompressionLevel));
            return;
        }
        FileSystemInfo[] below = directory.GetFileSystemInfos();
        if (below.Length == 0 && archive.GetEntry(name + "/") == null) archive.CreateEntry(name + "/");
        foreach (FileSystemInfo item in below)
            if (item is not DirectoryInfo { LinkTarget: not null }) Add(archive, item.FullName, $"{name}/{item.Name}", own);
    }
}

/// <summary>Unpacks a zip archive.</summary>
[Cmdlet(VerbsData.Expand, "Archive", DefaultParameterSetName = "Path", SupportsShouldProcess = true)]
[OutputType(typeof(FileSystemInfo))]
public sealed class ExpandArchiveCommand : ArchiveCommand
{
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Path", ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)] [ValidateNotNullOrEmpty] public string Path { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "LiteralPath", ValueFromPipelineByPropertyName = true)] [ValidateNotNullOrEmpty] [Alias("PSPath")] public string LiteralPath { get; set; }
    [Parameter(Position = 1)] [ValidateNotNullOrEmpty] public string DestinationPath { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        string[] found = [.. Given([Path ?? LiteralPath], LiteralPath != null)];
        if (found.Length > 1) Refuse("ExpandArchiveDuplicateFiles", $"{Path} stands for several files; one archive can be unpacked at a time.", Path);
        string from = found[0];
        if (!System.IO.Path.GetExtension(from).Equals(".zip", StringComparison.OrdinalIgnoreCase))
            Refuse("NotSupportedArchiveFileExtension", $"{System.IO.Path.GetExtension(from)} is not a supported archive file format; .zip is the only one.", from);
        string to = Files.Resolve(this, DestinationPath ?? System.IO.Path.GetFileNameWithoutExtension(from), true);
        if (!ShouldProcess(from)) return;
        var made = new List<string>();
        try
        {
            using ZipArchive archive = ZipFile.OpenRead(from);
            Directory.CreateDirectory(to);
            foreach (ZipArchiveEntry entry in archive.Entries.TakeWhile(_ => !Stopping)) Take(entry, to, made);
        }
        catch (InvalidDataException e)
        {
            ThrowTerminatingError(new ErrorRecord(e, "InvalidArchiveFile", ErrorCategory.InvalidData, from));
        }
        if (PassThru && made.Count > 0) WriteObject(InvokeProvider.Item.Get([.. made], true, true), true);
    }

    void Take(ZipArchiveEntry entry, string to, List<string> made)
    {
        string root = System.IO.Path.TrimEndingDirectorySeparator(to) + System.IO.Path.DirectorySeparatorChar;
        string path = System.IO.Path.GetFullPath(System.IO.Path.Combine(root, entry.FullName.Replace('\\', '/')));
        // An archive may name places outside; nothing is written there.
        if (!(path + System.IO.Path.DirectorySeparatorChar).StartsWith(root, StringComparison.Ordinal))
            Refuse("ArchiveEntryOutside", $"The entry '{entry.FullName}' would be unpacked outside {to}.", entry.FullName);
        if (entry.FullName.EndsWith('/'))
        {
            Directory.CreateDirectory(path);
            return;
        }
        if (File.Exists(path) && !Force)
        {
            WriteError(new ErrorRecord(new IOException($"The file '{path}' is there already; -Force replaces it."), "ExpandArchiveFileExists", ErrorCategory.PermissionDenied, path));
            return;
        }
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path));
        entry.ExtractToFile(path, Force);
        made.Add(path);
    }
}
