// SortObjectCommand.cs - Sort-Object, and the keys that it, Group-Object and Compare-Object go by.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

public abstract class OrderCommandBase : PSCmdlet
{
    [Parameter(ValueFromPipeline = true)] public PSObject InputObject { get; set; } = AutomationNull.Value;
    [Parameter(Position = 0)] public object[] Property { get; set; }
    [Parameter] public string Culture { get; set; }
    [Parameter] public SwitchParameter CaseSensitive { get; set; }

    private protected readonly List<PSObject> Given = [];
    private protected CultureInfo CultureInfo { get; private set; }

    protected override void BeginProcessing()
    {
        try { CultureInfo = ValueComparer.Culture(Culture); }
        catch (CultureNotFoundException) { CultureInfo = CultureInfo.CurrentCulture; }
    }

    protected override void ProcessRecord()
    {
        if (InputObject != null && InputObject != AutomationNull.Value) Given.Add(InputObject);
    }
}

// One object with what it is ordered by.
internal sealed record Keyed(PSObject Object, KeyValue[] Keys, int Index)
{
    // An object none of whose keys exist cannot be put in order.
    public bool IsComparable => Keys.Any(k => k.Exists);

    // specs: resolved, see Resolve; none of them to go by the object itself.
    public static List<Keyed> From(PSCmdlet owner, IReadOnlyList<PSObject> given, List<PropertySpec> specs) =>
        given.Select((o, i) => new Keyed(o, specs.Count == 0 ? [new KeyValue(o, true)] : specs.Select(s => KeyValue.Of(owner, o, s.Expression)).ToArray(), i)).ToList();

    // What -Property says, or, where it says nothing, the properties that the type of the first object names as its keys.
    // Wildcards stand for whatever properties any of the objects has, by name.
    public static List<PropertySpec> Resolve(PSCmdlet owner, IReadOnlyList<PSObject> given, object[] property, Dictionary<string, Type[]> keys)
    {
        if (property == null && given.Count > 0) property = DefaultKeys(given[0]);
        return PropertySpec.Parse(owner, property, keys).SelectMany(s => !s.Expression.HasWildCardCharacters ? [s]
            : given.SelectMany(o => s.Expression.ResolveNames(o)).Select(e => e.ToString()).Distinct(StringComparer.OrdinalIgnoreCase)
                .Order(StringComparer.OrdinalIgnoreCase).Select(n => s.With(new PSPropertyExpression(n, true)))).ToList();
    }

    static object[] DefaultKeys(PSObject o) =>
        (o.Members["PSStandardMembers"] as PSMemberSet)?.Members["DefaultKeyPropertySet"] is PSPropertySet { ReferencedPropertyNames: { Count: > 0 } names } ? [.. names] : null;
}

internal readonly record struct KeyValue(object Value, bool Exists)
{
    public static KeyValue Of(PSCmdlet owner, PSObject o, PSPropertyExpression expression)
    {
        List<PSPropertyExpressionResult> results = expression.GetValues(o);
        if (results.Count == 0) return new(null, false);
        PSPropertyExpressionResult first = results[0];
        if (first.Exception == null) return new(first.Result, true);
        owner.WriteError(new ErrorRecord(first.Exception, "ExpressionEvaluation", ErrorCategory.InvalidResult, o));
        return new(null, true);
    }
}

internal sealed class KeyComparer : IComparer<Keyed>
{
    readonly ValueComparer _values;
    readonly bool[] _descending;

    public KeyComparer(ValueComparer values, bool[] descending = null) => (_values, _descending) = (values, descending ?? []);

    // Equal keys keep the order they came in.
    public int CompareStable(Keyed a, Keyed b)
    {
        if (a.IsComparable != b.IsComparable) return a.IsComparable ? -1 : 1;
        int order = Compare(a, b);
        return order != 0 ? order : a.Index.CompareTo(b.Index);
    }

    public int Compare(Keyed a, Keyed b)
    {
        for (int i = 0; i < a.Keys.Length; i++)
        {
            // A property that is missing comes last in either direction.
            if (a.Keys[i].Exists != b.Keys[i].Exists) return a.Keys[i].Exists ? -1 : 1;
            int order = _values.Compare(a.Keys[i].Value, b.Keys[i].Value);
            if (order != 0) return i < _descending.Length && _descending[i] ? -order : order;
        }
        return 0;
    }
}

/// <summary>Puts objects in order.</summary>
[Cmdlet("Sort", "Object", DefaultParameterSetName = "Default")]
public sealed class SortObjectCommand : OrderCommandBase
{
    [Parameter] public SwitchParameter Descending { get; set; }
    [Parameter] public SwitchParameter Unique { get; set; }
    [Parameter(ParameterSetName = "Default")] public SwitchParameter Stable { get; set; }
    [Parameter(ParameterSetName = "Top", Mandatory = true)] [ValidateRange(1, int.MaxValue)] public int Top { get; set; }
    [Parameter(ParameterSetName = "Bottom", Mandatory = true)] [ValidateRange(1, int.MaxValue)] public int Bottom { get; set; }

    static readonly Dictionary<string, Type[]> Keys = new() { ["ascending"] = [typeof(bool)], ["descending"] = [typeof(bool)] };

    // The plain sort is List.Sort, which is what PowerShell uses: objects with equal keys may change places. -Stable, -Top and
    // -Bottom keep them as they came.
    protected override void EndProcessing()
    {
        List<PropertySpec> specs = Keyed.Resolve(this, Given, Property, Keys);
        List<Keyed> all = Keyed.From(this, Given, specs);
        bool[] descending = specs.Count == 0 ? [Descending] : specs.Select(IsDescending).ToArray();
        var comparer = new KeyComparer(new ValueComparer(CaseSensitive, CultureInfo), descending);
        if (Stable || ParameterSetName != "Default") all.Sort(comparer.CompareStable);
        else all.Sort(comparer);
        IEnumerable<Keyed> sorted = Unique ? WithoutRepeats(all, comparer) : all;
        if (ParameterSetName == "Top") sorted = sorted.Take(Top);
        if (ParameterSetName == "Bottom") sorted = sorted.TakeLast(Bottom);
        foreach (Keyed k in sorted) WriteObject(k.Object);
    }

    // Both at once with the same value contradict each other and count as neither.
    bool IsDescending(PropertySpec s) => (s["ascending"], s["descending"]) switch {
        (bool up, bool down) when up == down => Descending,
        (bool up, _) => !up,
        (_, bool down) => down,
        _ => Descending };

    static IEnumerable<Keyed> WithoutRepeats(List<Keyed> sorted, KeyComparer comparer)
    {
        Keyed last = null;
        foreach (Keyed k in sorted)
        {
            if (last == null || comparer.Compare(last, k) != 0) yield return last = k;
        }
    }
}
