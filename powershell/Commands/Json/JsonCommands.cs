// JsonCommands.cs - ConvertFrom-Json, ConvertTo-Json.

using System;
using System.Collections.Generic;
using System.Management.Automation;
using System.Threading;
using Newtonsoft.Json;

namespace Microsoft.PowerShell.Commands;

/// <summary>Makes objects from JSON text.</summary>
[Cmdlet(VerbsData.ConvertFrom, "Json")]
public class ConvertFromJsonCommand : Cmdlet
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)] [AllowEmptyString] public string InputObject { get; set; }
    [Parameter] public SwitchParameter AsHashtable { get; set; }
    [Parameter] public JsonDateKind DateKind { get; set; }
    [Parameter] [ValidateRange(ValidateRangeKind.Positive)] public int Depth { get; set; } = JsonReader.DefaultDepth;
    [Parameter] public SwitchParameter NoEnumerate { get; set; }

    readonly List<string> _texts = [];

    protected override void ProcessRecord() => _texts.Add(InputObject);

    // Several texts are documents of their own if the first is one, else the lines of a single document.
    protected override void EndProcessing()
    {
        if (_texts.Count == 0) return;
        if (_texts.Count == 1)
        {
            Convert(_texts[0]);
            return;
        }
        bool first = false;
        try { first = Convert(_texts[0]); }
        catch (ArgumentException) { }
        if (!first) Convert(string.Join(Environment.NewLine, _texts));
        else
            for (int i = 1; i < _texts.Count; i++) Convert(_texts[i]);
    }

    bool Convert(string text)
    {
        object made = JsonReader.Read(text, AsHashtable, Depth, DateKind, out ErrorRecord error);
        if (error != null) ThrowTerminatingError(error);
        WriteObject(made, !NoEnumerate);
        return made != null;
    }
}

/// <summary>Writes objects as JSON text.</summary>
[Cmdlet(VerbsData.ConvertTo, "Json")]
[OutputType(typeof(string))]
public class ConvertToJsonCommand : PSCmdlet, IDisposable
{
    [Parameter(Position = 0, Mandatory = true, ValueFromPipeline = true)] [AllowNull] public object InputObject { get; set; }
    [Parameter] [ValidateRange(0, 100)] public int Depth { get; set; } = 2;
    [Parameter] public SwitchParameter Compress { get; set; }
    [Parameter] public SwitchParameter EnumsAsStrings { get; set; }
    [Parameter] public SwitchParameter AsArray { get; set; }
    [Parameter] public StringEscapeHandling EscapeHandling { get; set; }

    readonly List<object> _given = [];
    readonly CancellationTokenSource _cancel = new();

    protected override void ProcessRecord() => _given.Add(InputObject);

    protected override void EndProcessing()
    {
        if (_given.Count == 0) return;
        object whole = _given.Count > 1 || AsArray ? _given.ToArray() : _given[0];
        try { WriteObject(new JsonWriter(this, Depth, _cancel.Token).Write(whole, EnumsAsStrings, Compress, EscapeHandling)); }
        catch (OperationCanceledException) { }    // the pipeline is stopping
    }

    protected override void StopProcessing() => _cancel.Cancel();
    public void Dispose() => _cancel.Dispose();
}
