// CompareObjectCommand.cs - Compare-Object.

using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Says what two sets of objects have in common and what only one of them has.</summary>
[Cmdlet(VerbsData.Compare, "Object")]
public sealed class CompareObjectCommand : PSCmdlet
{
    [Parameter(Position = 0, Mandatory = true)] [AllowEmptyCollection] public PSObject[] ReferenceObject { get; set; }
    [Parameter(Position = 1, Mandatory = true, ValueFromPipeline = true)] [AllowEmptyCollection] public PSObject[] DifferenceObject { get; set; }
    [Parameter] [ValidateRange(0, int.MaxValue)] public int SyncWindow { get; set; } = int.MaxValue;
    [Parameter] public object[] Property { get; set; }
    [Parameter] public SwitchParameter ExcludeDifferent { get; set; }
    [Parameter] public SwitchParameter IncludeEqual { get; set; }
    [Parameter] public SwitchParameter PassThru { get; set; }
    [Parameter] public string Culture { get; set; }
    [Parameter] public SwitchParameter CaseSensitive { get; set; }

    List<PropertySpec> _specs;
    KeyComparer _comparer;
    List<Keyed> _reference;
    readonly List<Keyed> _waitingReference = [], _waitingDifference = [];
    int _next;

    protected override void BeginProcessing()
    {
        if (ExcludeDifferent && !MyInvocation.BoundParameters.ContainsKey(nameof(IncludeEqual))) IncludeEqual = true;
    }

    // Only when something comes to be compared: an empty pipeline compares nothing.
    void Begin()
    {
        if (_reference != null) return;
        _specs = Keyed.Resolve(this, ReferenceObject.Length > 0 ? ReferenceObject : DifferenceObject ?? [], Property, []);
        _comparer = new KeyComparer(new ValueComparer(CaseSensitive, ValueComparer.Culture(Culture)));
        _reference = Keyed.From(this, ReferenceObject, _specs);
    }

    // Each object of the difference side goes against one of the reference side; those that do not fit wait,
    // no more than SyncWindow of them, for a partner to come.
    protected override void ProcessRecord()
    {
        Begin();
        foreach (Keyed difference in Keyed.From(this, DifferenceObject, _specs)) Process(difference);
    }

    void Process(Keyed difference)
    {
        Keyed reference = _next < _reference.Count ? _reference[_next++] : null;
        if (difference != null && reference != null && _comparer.Compare(reference, difference) == 0)
        {
            Emit(reference, "==");
            return;
        }
        if (difference != null)
        {
            Keyed partner = Take(_waitingReference, difference);
            if (partner != null)
            {
                Emit(partner, "==");
                difference = null;
            }
        }
        if (reference != null && Take(_waitingDifference, reference) != null)
        {
            Emit(reference, "==");
            reference = null;
        }
        Wait(_waitingDifference, difference, "=>");
        Wait(_waitingReference, reference, "<=");
    }

    protected override void EndProcessing()
    {
        if (_reference == null) return;
        while (_next < _reference.Count) Process(null);
        foreach (Keyed k in _waitingDifference) Emit(k, "=>");
        foreach (Keyed k in _waitingReference) Emit(k, "<=");
    }

    Keyed Take(List<Keyed> waiting, Keyed like)
    {
        int at = waiting.FindIndex(k => _comparer.Compare(like, k) == 0);
        if (at < 0) return null;
        Keyed found = waiting[at];
        waiting.RemoveAt(at);
        return found;
    }

    void Wait(List<Keyed> waiting, Keyed k, string side)
    {
        if (k == null) return;
        if (SyncWindow == 0)
        {
            Emit(k, side);
            return;
        }
        waiting.Add(k);
        if (waiting.Count <= SyncWindow) return;
        Emit(waiting[0], side);
        waiting.RemoveAt(0);
    }

    void Emit(Keyed k, string side)
    {
        if (side == "==" ? !IncludeEqual : ExcludeDifferent) return;
        if (PassThru)
        {
            Objects.SetNote(k.Object, "SideIndicator", side);
            WriteObject(k.Object);
            return;
        }
        var made = new PSObject();
        if (Property is not { Length: > 0 })
            made.Properties.Add(new PSNoteProperty("InputObject", k.Object));
        for (int i = 0; i < _specs.Count && Property is { Length: > 0 }; i++)
        {
            string name = _specs[i].Expression.ToString();
            if (made.Properties[name] == null) made.Properties.Add(new PSNoteProperty(name, k.Keys[i].Value));
        }
        made.Properties.Add(new PSNoteProperty("SideIndicator", side));
        WriteObject(made);
    }
}
