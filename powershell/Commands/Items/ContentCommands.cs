// ContentCommands.cs - Get-Content, Set-Content, Add-Content, Clear-Content.
//
// The provider reads and writes; -Encoding, -Raw, -Delimiter, -NoNewline and -AsByteStream are its own parameters.

using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Provider;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

public abstract class ContentCommand : FilteredPathCommand
{
    // Everything read or written carries where it came from, as items do.
    internal void WriteContent(object content, long readCount, PathInfo from)
    {
        PSObject o = PSObject.AsPSObject(content);
        void Note(string name, object value)
        {
            o.Properties.Remove(name);
            o.Properties.Add(new PSNoteProperty(name, value), true);
        }
        if (from != null)
        {
            string full = from.Provider.Name == "FileSystem" ? from.ProviderPath : from.Path;
            Note("PSPath", $"{from.Provider.ModuleName}\\{from.Provider.Name}::{from.ProviderPath}");
            try { Note("PSParentPath", Paths.ParseParent(full, null)); } catch (NotSupportedException) { }
            try { Note("PSChildName", Paths.ParseChildName(full)); } catch (NotSupportedException) { }
            if (from.Drive != null) Note("PSDrive", from.Drive);
            Note("PSProvider", from.Provider);
        }
        Note("ReadCount", readCount);
        WriteObject(o);
    }
}

/// <summary>Gets the content of an item, line by line unless asked otherwise.</summary>
[Cmdlet(VerbsCommon.Get, "Content", DefaultParameterSetName = "Path", SupportsTransactions = true)]
public class GetContentCommand : ContentCommand
{
    [Parameter(ValueFromPipelineByPropertyName = true)] public long ReadCount { get; set; } = 1;
    [Parameter(ValueFromPipelineByPropertyName = true)] [ValidateRange(0, long.MaxValue)] [Alias("First", "Head")] public long TotalCount { get; set; } = -1;
    [Parameter(ValueFromPipelineByPropertyName = true)] [ValidateRange(0, int.MaxValue)] [Alias("Last")] public int Tail { get; set; } = -1;

    internal override object ProviderParameters(ProviderContext context, string path) => context.ReaderParameters(Providers, path);

    protected override void ProcessRecord()
    {
        if (TotalCount >= 0 && Tail >= 0)
        {
            WriteError(new ErrorRecord(new InvalidOperationException("The parameters TotalCount and Tail cannot be used together. Please specify only one parameter."),
                "TailAndHeadCannotCoexist", ErrorCategory.InvalidOperation, null));
            return;
        }
        if (TotalCount == 0 || Tail == 0) return;
        ForEachPath(path =>
        {
            foreach (PathInfo found in NewContext().ResolvedPaths(Paths, path))
                ReadAll(found);
        });
    }

    void ReadAll(PathInfo found)
    {
        ProviderContext context = NewContext();
        context.LiteralPath = true;
        foreach (IContentReader reader in context.Readers(Providers, found.Path))
        {
            using (reader)
            {
                try
                {
                    if (Tail > 0 && found.Provider.Name != "FileSystem")
                        WriteError(new ErrorRecord(new InvalidOperationException("The Tail parameter is supported for the file system only."), "TailNotSupported", ErrorCategory.InvalidOperation, Tail));
                    else if (Tail > 0) ReadTail(reader, found);
                    else ReadForward(reader, found);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
                {
                    WriteError(new ErrorRecord(e, "ProviderContentReadError", ErrorCategory.ReadError, found.Path));
                }
                finally { reader.Close(); }
            }
        }
    }

    void ReadForward(IContentReader reader, PathInfo found)
    {
        for (long read = 0; TotalCount < 0 || read < TotalCount;)
        {
            long want = ReadCount;
            if (TotalCount > 0 && (want <= 0 || TotalCount - read < want)) want = TotalCount - read;
            IList block = reader.Read(want);
            if (block == null || block.Count == 0) return;
            read += block.Count;
            WriteContent(ReadCount == 1 ? block[0] : block, read, found);
            // A reader gives everything at once when asked for all.
            if (ReadCount <= 0 && TotalCount < 0) return;
        }
    }

    void ReadTail(IContentReader reader, PathInfo found)
    {
        var last = new Queue<object>();
        long read = 0;
        for (IList block; (block = reader.Read(256)) != null && block.Count > 0; read += block.Count)
        {
            foreach (object line in block)
            {
                if (last.Count == Tail) last.Dequeue();
                last.Enqueue(line);
            }
        }
        if (ReadCount == 1)
        {
            long at = 0;
            foreach (object line in last) WriteContent(line, ++at, found);
            return;
        }
        int size = ReadCount <= 0 ? Math.Max(1, last.Count) : (int)Math.Min(ReadCount, int.MaxValue);
        foreach (object[] chunk in last.Chunk(size)) WriteContent(chunk, chunk.Length, found);
    }
}

public abstract class WriteContentCommand : ContentCommand
{
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [AllowNull] [AllowEmptyCollection]
    public object[] Value { get; set; }

    // Here the pipeline carries values, so -Path comes by name or position only.
    [Parameter(Position = 0, ParameterSetName = "Path", Mandatory = true, ValueFromPipelineByPropertyName = true)]
    public new string[] Path { get => base.Path; set => base.Path = value; }

    [Parameter] public SwitchParameter PassThru { get; set; }

    readonly List<(IContentWriter writer, string path)> _open = [];
    bool _opened, _pathsArePiped;

    internal abstract string Action { get; }
    internal abstract void Prepare(string path);
    internal virtual void Opened(IContentWriter writer) { }
    internal override object ProviderParameters(ProviderContext context, string path) => context.WriterParameters(Providers, path);

    protected override void BeginProcessing() => _pathsArePiped = Path is not { Length: > 0 };

    protected override void ProcessRecord()
    {
        if (!_opened) OpenAll();
        _opened = !_pathsArePiped;
        foreach (var (writer, path) in _open)
        {
            try
            {
                IList written = writer.Write(Value ?? []);
                if (PassThru && written is { Count: > 0 }) WriteObject(Value);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException or RuntimeException)
            {
                WriteError(new ErrorRecord(e, "ProviderContentWriteError", ErrorCategory.WriteError, path));
            }
        }
        if (_pathsArePiped) CloseAll();
    }

    protected override void EndProcessing() => CloseAll();
    protected override void StopProcessing() => CloseAll();

    void OpenAll()
    {
        ForEachPath(path =>
        {
            foreach (string target in Targets(path))
            {
                if (!ShouldProcess($"Path: {target}", Action)) continue;
                Prepare(target);
                ProviderContext context = NewContext();
                context.LiteralPath = true;
                foreach (IContentWriter writer in context.Writers(Providers, target))
                {
                    _open.Add((writer, target));
                    Opened(writer);
                }
            }
        });
    }

    // The items that exist under this path, or the path itself if it names one that can be made.
    IEnumerable<string> Targets(string path)
    {
        ErrorRecord missing = null;
        try
        {
            var found = NewContext().ResolvedPaths(Paths, path);
            if (found.Count > 0) return found.Select(p => p.Path);
        }
        catch (ItemNotFoundException e)
        {
            missing = new ErrorRecord(e.ErrorRecord, e);
        }
        if (IsLiteral || !WildcardPattern.ContainsWildcardCharacters(path))
            return [path];
        WriteError(missing ?? new ErrorRecord(
            new Exception($"An object at the specified path {path} does not exist, or has been filtered by the -Include or -Exclude parameter."),
            "ItemNotFound", ErrorCategory.ObjectNotFound, path));
        return [];
    }

    void CloseAll()
    {
        foreach (var (writer, path) in _open)
        {
            try
            {
                writer.Close();
                writer.Dispose();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                WriteError(new ErrorRecord(e, "ProviderContentCloseError", ErrorCategory.CloseError, path));
            }
        }
        _open.Clear();
    }
}

/// <summary>Writes new content, replacing what is there.</summary>
[Cmdlet(VerbsCommon.Set, "Content", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class SetContentCommand : WriteContentCommand
{
    internal override string Action => "Set Content";

    internal override void Prepare(string path)
    {
        ProviderContext context = NewContext();
        context.LiteralPath = true;
        context.PassThru = false;
        try { context.ClearContent(Providers, path); }
        catch (Exception e) when (e is PSNotSupportedException or ItemNotFoundException) { }    // nothing to clear, or no way to
    }
}

/// <summary>Writes content after what is there.</summary>
[Cmdlet(VerbsCommon.Add, "Content", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class AddContentCommand : WriteContentCommand
{
    internal override string Action => "Add Content";
    internal override void Prepare(string path) { }
    internal override void Opened(IContentWriter writer) => writer.Seek(0, SeekOrigin.End);
}

/// <summary>Empties an item without removing it.</summary>
[Cmdlet(VerbsCommon.Clear, "Content", DefaultParameterSetName = "Path", SupportsShouldProcess = true, SupportsTransactions = true)]
public class ClearContentCommand : ContentCommand
{
    internal override object ProviderParameters(ProviderContext context, string path) => context.ClearContentParameters(Providers, path);

    protected override void ProcessRecord() => ForEachPath(path =>
    {
        ProviderContext context = NewContext();
        context.PassThru = false;
        context.ClearContent(Providers, path);
    });
}
