// SelectObjectCommand.cs - Select-Object.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Selects objects from a pipeline, or properties of objects.</summary>
[Cmdlet(VerbsCommon.Select, "Object", DefaultParameterSetName = "DefaultParameter")]
public sealed class SelectObjectCommand : PSCmdlet
{
    [Parameter(ValueFromPipeline = true)] public PSObject InputObject { get; set; } = AutomationNull.Value;

    [Parameter(Position = 0, ParameterSetName = "DefaultParameter")] [Parameter(Position = 0, ParameterSetName = "SkipLastParameter")]
    public object[] Property { get; set; }

    [Parameter(ParameterSetName = "DefaultParameter")] [Parameter(ParameterSetName = "SkipLastParameter")]
    public string[] ExcludeProperty { get; set; }

    [Parameter(ParameterSetName = "DefaultParameter")] [Parameter(ParameterSetName = "SkipLastParameter")]
    public string ExpandProperty { get; set; }

    [Parameter] public SwitchParameter Unique { get; set; }
    [Parameter] public SwitchParameter CaseInsensitive { get; set; }
    [Parameter(ParameterSetName = "DefaultParameter")] [ValidateRange(0, int.MaxValue)] public int Last { get; set; } = -1;
    [Parameter(ParameterSetName = "DefaultParameter")] [ValidateRange(0, int.MaxValue)] public int First { get; set; } = -1;
    [Parameter(ParameterSetName = "DefaultParameter")] [Parameter(ParameterSetName = "SkipLastParameter")] [ValidateRange(0, int.MaxValue)] public int Skip { get; set; }
    [Parameter(ParameterSetName = "SkipLastParameter")] [ValidateRange(0, int.MaxValue)] public int SkipLast { get; set; }
    [Parameter(ParameterSetName = "DefaultParameter")] [Parameter(ParameterSetName = "IndexParameter")] public SwitchParameter Wait { get; set; }
    [Parameter(ParameterSetName = "IndexParameter")] [ValidateRange(0, int.MaxValue)] public int[] Index { get; set; }
    [Parameter(ParameterSetName = "SkipIndexParameter")] [ValidateRange(0, int.MaxValue)] public int[] SkipIndex { get; set; }

    static readonly Dictionary<string, Type[]> Keys = new() { ["name"] = [typeof(string)], ["label"] = [typeof(string)] };

    List<PropertySpec> _properties;
    PSPropertyExpression _expand;
    WildcardPattern[] _excluded = [];
    HashSet<int> _index;
    readonly Queue<PSObject> _held = [];        // what -Last or -SkipLast may still need
    readonly List<(PSObject o, List<PSNoteProperty> notes)> _uniques = [];
    int _seen, _passed;

    protected override void BeginProcessing()
    {
        if (ExcludeProperty != null)
        {
            _excluded = ExcludeProperty.Select(p => WildcardPattern.Get(p, WildcardOptions.IgnoreCase)).ToArray();
            if (Property is not { Length: > 0 }) Property = ["*"];
        }
        _properties = PropertySpec.Parse(this, Property, Keys);
        if (!string.IsNullOrEmpty(ExpandProperty)) _expand = new PSPropertyExpression(ExpandProperty);
        if ((Index ?? SkipIndex) is { } indexes) _index = [.. indexes];
    }

    protected override void ProcessRecord()
    {
        if (InputObject == null || InputObject == AutomationNull.Value) return;
        int at = _seen++;
        if (_index != null) ByIndex(at);
        else if (Last >= 0 && First < 0) Hold(Last + Skip);
        else if (at < Skip) { }
        else if (SkipLast > 0) HoldBack();
        else if (First < 0) Emit(InputObject);
        else if (_passed < First)
        {
            _passed++;
            Emit(InputObject);
            StopIf(_passed == First && Last <= 0);
        }
        else if (Last > 0) Hold(Last);
        else StopIf(First > 0);
    }

    protected override void EndProcessing()
    {
        // With -Last alone, -Skip counts from the end.
        if (Last >= 0)
            foreach (PSObject o in _held.Take(First < 0 ? Math.Max(0, _held.Count - Skip) : _held.Count)) Emit(o);
        foreach (var unique in _uniques) WriteObject(unique.o);
        _uniques.Clear();
    }

    void ByIndex(int at)
    {
        if (_index.Contains(at) == (SkipIndex == null))
        {
            Emit(InputObject);
            _passed++;
        }
        StopIf(SkipIndex == null && at >= _index.Max());
    }

    void Hold(int most)
    {
        _held.Enqueue(InputObject);
        if (_held.Count > most) _held.Dequeue();
    }

    void HoldBack()
    {
        _held.Enqueue(InputObject);
        if (_held.Count > SkipLast) Emit(_held.Dequeue());
    }

    // Nothing more is wanted: what feeds this pipeline need not go on.
    void StopIf(bool done)
    {
        if (!done || Wait) return;
        EndProcessing();
        _held.Clear();
        throw Inside.StopUpstream(this);
    }

    void Emit(PSObject o)
    {
        if (_properties.Count == 0 && _expand == null)
        {
            Pass(o, []);
            return;
        }
        var notes = new List<PSNoteProperty>();
        foreach (PropertySpec p in _properties) Collect(p, o, notes);
        if (_expand != null) Expand(o, notes);
        else Pass(NewObject(notes), notes);
    }

    void Collect(PropertySpec p, PSObject o, List<PSNoteProperty> notes)
    {
        string name = p["name"] as string;
        var results = p.Expression.ResolveNames(o).Where(e => !IsExcluded(e)).SelectMany(e => e.GetValues(o) ?? []).ToList();
        if (results.Count == 0 && !p.Expression.HasWildCardCharacters)
            results.Add(new PSPropertyExpressionResult(null, p.Expression, null));
        else if (!string.IsNullOrEmpty(name) && results.Count > 1)
        {
            WriteError(new ErrorRecord(new PSInvalidOperationException("Cannot rename multiple results."), "RenamingMultipleResults", ErrorCategory.InvalidOperation, o));
            return;
        }
        foreach (PSPropertyExpressionResult r in results.Where(r => !IsExcluded(r.ResolvedExpression)))
        {
            string label = string.IsNullOrEmpty(name) ? r.ResolvedExpression.ToString() : name;
            if (string.IsNullOrEmpty(label))
                ThrowTerminatingError(new ErrorRecord(new NotSupportedException("An empty script block needs a name."), "EmptyScriptBlockAndNoName", ErrorCategory.InvalidArgument, null));
            notes.Add(new PSNoteProperty(label, r.Result));
        }
    }

    bool IsExcluded(PSPropertyExpression e) => _excluded.Any(p => p.IsMatch(e.ToString()));

    PSObject NewObject(List<PSNoteProperty> notes)
    {
        var made = new PSObject();
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (PSNoteProperty note in notes)
        {
            if (names.Add(note.Name)) made.Properties.Add(note);
            else WriteExists(note.Name, "AlreadyExistingUserSpecifiedPropertyNoExpand");
        }
        return made;
    }

    void Expand(PSObject o, List<PSNoteProperty> notes)
    {
        List<PSPropertyExpressionResult> results = _expand.GetValues(o);
        if (results.Count == 0)
        {
            WriteError(new ErrorRecord(new PSArgumentException($"Property \"{ExpandProperty}\" cannot be found."), "ExpandPropertyNotFound", ErrorCategory.InvalidArgument, o));
            return;
        }
        if (results.Count > 1)
        {
            WriteError(new ErrorRecord(new PSArgumentException("Multiple properties cannot be expanded."), "MutlipleExpandProperties", ErrorCategory.InvalidArgument, o));
            return;
        }
        if (results[0].Exception is { } failed)
        {
            WriteError(new ErrorRecord(failed, "PropertyEvaluationExpand", ErrorCategory.InvalidResult, o));
            return;
        }
        object value = results[0].Result;
        if (value == null) return;
        foreach (object item in LanguagePrimitives.GetEnumerable(value) ?? new[] { value })
        {
            if (item == null) continue;
            PSObject expanded = Inside.AsPSObject(item, true);
            foreach (PSNoteProperty note in notes)
            {
                if (expanded.Properties[note.Name] != null) WriteExists(note.Name, "AlreadyExistingUserSpecifiedPropertyExpand");
                else expanded.Properties.Add(note);
            }
            Pass(expanded, notes);
        }
    }

    void WriteExists(string name, string id) => WriteError(new ErrorRecord(
        new PSArgumentException($"The property cannot be processed because the property \"{name}\" already exists."), id, ErrorCategory.InvalidOperation, InputObject));

    void Pass(PSObject o, List<PSNoteProperty> notes)
    {
        if (Unique && _uniques.Any(u => IsSame(u, o, notes))) return;
        Rename(o, notes.Count > 0);
        if (Unique) _uniques.Add((o, notes));
        else WriteObject(o);
    }

    bool IsSame((PSObject o, List<PSNoteProperty> notes) seen, PSObject o, List<PSNoteProperty> notes)
    {
        var comparer = new ValueComparer(!CaseInsensitive);
        return notes.Count == seen.notes.Count && comparer.Compare(o.BaseObject, seen.o.BaseObject) == 0
            && notes.All(n => seen.o.Properties[n.Name] is { } p && comparer.Compare(p.Value, n.Value) == 0);
    }

    // Property bags are named after what they were selected from.
    void Rename(PSObject o, bool isNew)
    {
        if (o.ImmediateBaseObject is not PSCustomObject) return;
        string name = "Selected." + InputObject.BaseObject.GetType();
        if (isNew || !o.TypeNames.Contains(name)) o.TypeNames.Insert(0, name);
    }
}
