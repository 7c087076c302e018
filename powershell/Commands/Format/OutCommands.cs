// OutCommands.cs - Out-String, Out-File.

using System;
using System.IO;
using System.Management.Automation;
using System.Text;
using Microsoft.PowerShell.Commands.Internal.Format;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Gives the text that objects would be shown as.</summary>
[Cmdlet(VerbsData.Out, "String", DefaultParameterSetName = "NoNewLineFormatting")]
[OutputType(typeof(string))]
public class OutStringCommand : FrontEndCommandBase
{
    public OutStringCommand() => Formatting.Output(this);

    [Parameter(ParameterSetName = "StreamFormatting")] public SwitchParameter Stream { get; set; }
    [ValidateRange(2, int.MaxValue)] [Parameter] public int Width { get; set; } = int.MaxValue;
    [Parameter(ParameterSetName = "NoNewLineFormatting")] public SwitchParameter NoNewline { get; set; }

    readonly StringBuilder _all = new();

    protected override void BeginProcessing()
    {
        Formatting.WriteTo(this, new LineWriter(Line), Width);
        base.BeginProcessing();
    }

    protected override void EndProcessing()
    {
        base.EndProcessing();
        if (!Stream) WriteObject(_all.ToString());
    }

    void Line(string text)
    {
        if (Stream) WriteObject(text);
        else if (NoNewline) _all.Append(text);
        else _all.AppendLine(text);
    }

    // Hands each line over as it is written.
    sealed class LineWriter(Action<string> write) : TextWriter
    {
        public override Encoding Encoding => EncodingArgumentAttribute.Default;
        public override void WriteLine(string value) => write(value);
        public override void Write(char value) => write(value.ToString());
        public override void Write(string value) => write(value);
    }
}

/// <summary>Writes the text that objects would be shown as to a file.</summary>
[Cmdlet(VerbsData.Out, "File", DefaultParameterSetName = "ByPath", SupportsShouldProcess = true)]
public class OutFileCommand : FrontEndCommandBase
{
    public OutFileCommand() => Formatting.Output(this);

    [Alias("Path")] [Parameter(Mandatory = true, Position = 0, ParameterSetName = "ByPath")] public string FilePath { get; set; }

    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "ByLiteralPath")] [Alias("PSPath", "LP")]
    public string LiteralPath { get => FilePath; set { _literal = true; FilePath = value; } }

    [Parameter(Position = 1)] [EncodingArgument] [ValidateNotNullOrEmpty] public Encoding Encoding { get; set; } = EncodingArgumentAttribute.Default;
    [Parameter] public SwitchParameter Append { get; set; }
    [Parameter] public SwitchParameter Force { get; set; }
    [Parameter] [Alias("NoOverwrite")] public SwitchParameter NoClobber { get; set; }
    [ValidateRange(2, int.MaxValue)] [Parameter] public int Width { get; set; } = int.MaxValue;
    [Parameter] public SwitchParameter NoNewline { get; set; }

    bool _literal;
    StreamWriter _file;

    protected override void BeginProcessing()
    {
        if (ShouldProcess(FilePath))
        {
            Stream stream = Files.OpenToWrite(this, FilePath, _literal, Append, Force, NoClobber);
            _file = new StreamWriter(stream, Encoding);
        }
        Formatting.WriteTo(this, _file ?? TextWriter.Null, Width, NoNewline);
        base.BeginProcessing();
    }

    protected override void ProcessRecord()
    {
        try { base.ProcessRecord(); }
        catch (IOException e) { ThrowTerminatingError(new ErrorRecord(e, "FileWriteFailure", ErrorCategory.WriteError, FilePath)); }
        // Whoever looks at the file while the pipeline runs sees what has come so far.
        _file?.Flush();
    }

    protected override void EndProcessing()
    {
        base.EndProcessing();
        _file?.Dispose();
        _file = null;
    }

    protected override void InternalDispose()
    {
        base.InternalDispose();
        _file?.Dispose();
        _file = null;
    }
}
