// FormatHexCommand.cs - Format-Hex.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Security;
using System.Text;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Up to sixteen bytes, with where they stood.</summary>
public class ByteCollection
{
    internal ByteCollection(ulong offset, byte[] bytes, string path, string label) => (Offset64, Bytes, Path, Label) = (offset, bytes, path, label);

    public ulong Offset64 { get; }
    public byte[] Bytes { get; }
    public string Path { get; }
    public string HexOffset => Offset64.ToString("X16", CultureInfo.CurrentCulture);
    public string Label { get; }
    public string HexBytes => string.Join(' ', Bytes.Select(b => b.ToString("X2", CultureInfo.CurrentCulture)));

    // Bytes as characters of Latin 1. What has no shape shows as a question mark in a diamond, a zero as a blank.
    public string Ascii => string.Concat(Bytes.Select(b => b == 0 ? ' ' : char.IsControl((char)b) ? '\uFFFD' : (char)b));

    public override string ToString() => Bytes.Length == 0 ? string.Empty : $"{HexOffset}   {HexBytes,-47}  {Ascii}";
}

/// <summary>Shows files, text and numbers as hexadecimal bytes.</summary>
[Cmdlet(VerbsCommon.Format, "Hex", DefaultParameterSetName = "Path")]
[OutputType(typeof(ByteCollection))]
[Alias("fhx")]
public sealed class FormatHex : PSCmdlet
{
    const int BytesPerLine = 16;

    [Parameter(Mandatory = true, Position = 0, ParameterSetName = "Path")] [ValidateNotNullOrEmpty] public string[] Path { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "LiteralPath")] [ValidateNotNullOrEmpty] [Alias("PSPath", "LP")] public string[] LiteralPath { get; set; }
    [Parameter(Mandatory = true, ParameterSetName = "ByInputObject", ValueFromPipeline = true)] public PSObject InputObject { get; set; }
    [Parameter(ParameterSetName = "ByInputObject")] [EncodingArgument] [ValidateNotNullOrEmpty] public Encoding Encoding { get; set; } = EncodingArgumentAttribute.Default;
    [Parameter] [ValidateRange(ValidateRangeKind.Positive)] public long Count { get; set; } = long.MaxValue;
    [Parameter] [ValidateRange(ValidateRangeKind.NonNegative)] public long Offset { get; set; }
    [Parameter(ParameterSetName = "ByInputObject", DontShow = true)] public SwitchParameter Raw { get; set; }

    // Numbers of one type that come one after the other are shown together.
    readonly List<byte> _numbers = [];
    Type _numbersType;

    protected override void ProcessRecord()
    {
        if (ParameterSetName == "ByInputObject") OfObject(InputObject.BaseObject);
        else
            foreach (string path in Path ?? LiteralPath)
                foreach (string file in Resolve(path, LiteralPath != null)) OfFile(file);
    }

    protected override void EndProcessing() => Flush();

    IEnumerable<string> Resolve(string path, bool literal)
    {
        ProviderInfo provider;
        IEnumerable<string> files = [];
        try
        {
            files = literal ? [SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out provider, out _)] : SessionState.Path.GetResolvedProviderPathFromPSPath(path, out provider);
        }
        catch (ItemNotFoundException e)
        {
            WriteError(new ErrorRecord(e, "FileNotFound", ErrorCategory.ObjectNotFound, path));
            return files;
        }
        if (provider.Name == "FileSystem") return files;
        WriteError(new ErrorRecord(new ArgumentException($"The path '{path}' is not in the file system, which is the only provider that Format-Hex reads from."),
            "FormatHexOnlySupportsFileSystemPaths", ErrorCategory.InvalidArgument, path));
        return [];
    }

    void OfFile(string file)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read);
            stream.Position = Offset;
            var block = new byte[BytesPerLine];
            long left = Count;
            for (int read; left > 0; left -= read)
            {
                int wanted = (int)Math.Min(left, BytesPerLine);
                read = stream.ReadAtLeast(block.AsSpan(0, wanted), wanted, false);
                if (read == 0) break;
                WriteObject(new ByteCollection((ulong)(stream.Position - read), block[..read], file, file));
            }
        }
        catch (IOException e) { WriteError(new ErrorRecord(e, "FormatHexIOError", ErrorCategory.WriteError, file)); }
        catch (ArgumentException e) { WriteError(new ErrorRecord(e, "FormatHexArgumentError", ErrorCategory.WriteError, file)); }
        catch (NotSupportedException e) { WriteError(new ErrorRecord(e, "FormatHexPathRefersToANonFileDevice", ErrorCategory.InvalidArgument, file)); }
        catch (Exception e) when (e is SecurityException or UnauthorizedAccessException)
        {
            WriteError(new ErrorRecord(e, "FormatHexUnauthorizedAccessError", ErrorCategory.PermissionDenied, file));
        }
    }

    void OfObject(object o)
    {
        switch (o)
        {
            case FileSystemInfo file:
                Flush();
                foreach (string found in Resolve(file.FullName, true)) OfFile(found);
                break;
            case string text:
                Flush();
                Write(Encoding.GetBytes(text), typeof(string));
                break;
            case Array many when ElementType(many.GetType().GetElementType()) is { } of:
                Flush();
                Write(many.Cast<object>().SelectMany(item => BytesOf(item, of)).ToArray(), many.GetType());
                break;
            case not Array when ElementType(o.GetType()) is { } type:
                if (type != _numbersType) Flush();
                _numbersType = type;
                _numbers.AddRange(BytesOf(o, type));
                break;
            default:
                WriteError(new ErrorRecord(new ArgumentException($"Cannot convert input of type '{o.GetType()}' to hexadecimal. To view the hexadecimal formatting of its string representation, pipe it to the Out-String cmdlet before piping it to Format-Hex."),
                    "FormatHexTypeNotSupported", ErrorCategory.InvalidArgument, o.GetType()));
                break;
        }
    }

    // The number an element is made of; null of what is no number.
    static Type ElementType(Type type)
    {
        if (type.IsEnum) type = type.GetEnumUnderlyingType();
        return type.IsPrimitive ? type : null;
    }

    static byte[] BytesOf(object item, Type type) => Convert.ChangeType(item, type, CultureInfo.InvariantCulture) switch {
        byte b => [b], sbyte b => [(byte)b], bool b => BitConverter.GetBytes(b ? 1 : 0), char c => [(byte)c],
        short n => BitConverter.GetBytes(n), ushort n => BitConverter.GetBytes(n), int n => BitConverter.GetBytes(n), uint n => BitConverter.GetBytes(n),
        long n => BitConverter.GetBytes(n), ulong n => BitConverter.GetBytes(n), float n => BitConverter.GetBytes(n), double n => BitConverter.GetBytes(n),
        _ => [] };

    void Flush()
    {
        if (_numbers.Count > 0) Write(_numbers.ToArray(), _numbersType);
        _numbers.Clear();
        _numbersType = null;
    }

    void Write(byte[] all, Type type)
    {
        string label = $"{type.Name} ({type.FullName}) <{Random.Shared.Next():X8}>";
        int at = (int)Math.Min(all.Length, Offset), end = at + (int)Math.Min(all.Length - at, Count);
        for (int line = at; line < end; line += BytesPerLine)
            WriteObject(new ByteCollection((ulong)(line - at), all[line..Math.Min(end, line + BytesPerLine)], null, label));
    }
}
