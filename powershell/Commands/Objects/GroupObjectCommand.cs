// GroupObjectCommand.cs - Group-Object.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Objects with the same keys.</summary>
public class GroupInfo
{
    internal GroupInfo(Keyed first)
    {
        First = first;
        Name = string.Join(", ", first.Keys.Where(k => !Objects.IsNull(k.Value)).Select(k => NameOf(k.Value)));
    }

    internal Keyed First { get; }

    public ArrayList Values => new(First.Keys.Select(k => k.Value).ToArray());
    public int Count { get; private protected set; }
    public Collection<PSObject> Group { get; } = [];
    public string Name { get; }

    internal virtual void Add(PSObject o)
    {
        Group.Add(o);
        Count++;
    }

    static string NameOf(object value) => value is ICollection many
        ? "{" + string.Join(", ", many.Cast<object>().Select(i => Convert.ToString(i, CultureInfo.CurrentCulture))) + "}"
        : Convert.ToString(value, CultureInfo.CurrentCulture);
}

/// <summary>As GroupInfo, without the objects.</summary>
public sealed class GroupInfoNoElement : GroupInfo
{
    internal GroupInfoNoElement(Keyed first) : base(first) { }
    internal override void Add(PSObject o) => Count++;
}

/// <summary>Groups objects that have the same value of properties.</summary>
[Cmdlet(VerbsData.Group, "Object", DefaultParameterSetName = "HashTable")]
[OutputType(typeof(Hashtable), typeof(GroupInfo))]
public class GroupObjectCommand : OrderCommandBase
{
    [Parameter] public SwitchParameter NoElement { get; set; }
    [Parameter(ParameterSetName = "HashTable")] [Alias("AHT")] public SwitchParameter AsHashTable { get; set; }
    [Parameter(ParameterSetName = "HashTable")] public SwitchParameter AsString { get; set; }

    List<PropertySpec> _specs;

    // What cannot be answered is refused before the second object is asked for.
    protected override void ProcessRecord()
    {
        base.ProcessRecord();
        if (_specs != null || Given.Count == 0) return;
        _specs = Keyed.Resolve(this, Given, Property, []);
        if (AsString && !AsHashTable) Refuse("-AsString needs -AsHashTable.", AsString);
        if (AsHashTable && !AsString && _specs.Count > 1) Refuse("-AsHashTable by more than one property needs -AsString.", Property);
    }

    void Refuse(string why, object target) => ThrowTerminatingError(new ErrorRecord(new ArgumentException(why), "ArgumentException", ErrorCategory.InvalidArgument, target));

    protected override void EndProcessing()
    {
        if (Given.Count == 0) return;
        List<GroupInfo> groups = Groups();
        if (!AsHashTable) WriteObject(groups, true);
        else if (Table(groups) is { } table) WriteObject(table);
    }

    // Keys of one type are put in order, which brings equal ones together. Among keys of different types there is no
    // order to rely on, so each object goes to the first group that it equals, and groups stay in the order they came up.
    List<GroupInfo> Groups()
    {
        if (_specs.Any(s => s.Expression.HasWildCardCharacters) || Property is { Length: > 0 }) _specs = Keyed.Resolve(this, Given, Property, []);
        List<Keyed> all = Keyed.From(this, Given, _specs);
        var comparer = new KeyComparer(new ValueComparer(CaseSensitive, CultureInfo));
        var groups = new List<GroupInfo>();
        bool mixed = IsMixed(all);
        foreach (Keyed k in mixed ? all : (IEnumerable<Keyed>)all.Order(comparer))
        {
            GroupInfo own = mixed ? groups.Find(g => comparer.Compare(g.First, k) == 0)
                : groups.Count > 0 && comparer.Compare(groups[^1].First, k) == 0 ? groups[^1] : null;
            if (own == null) groups.Add(own = NoElement ? new GroupInfoNoElement(k) : new GroupInfo(k));
            own.Add(k.Object);
        }
        return groups;
    }

    static bool IsMixed(List<Keyed> all) => Enumerable.Range(0, all[0].Keys.Length).Any(i =>
        all.Select(k => Objects.Base(k.Keys[i].Value)?.GetType()).Where(t => t != null).Distinct().Skip(1).Any());

    Hashtable Table(List<GroupInfo> groups)
    {
        var table = new Hashtable(CaseSensitive ? StringComparer.CurrentCulture : StringComparer.CurrentCultureIgnoreCase);
        try
        {
            foreach (GroupInfo g in groups) table.Add(AsString ? g.Name : Objects.Base(g.Values[0]), g.Group);
            return table;
        }
        catch (ArgumentException e)    // no key, or one that only differs in type
        {
            // This sentence is the error id as well.
            const string Why = "The objects grouped by this property cannot be expanded because there is a key duplication. Provide a valid value for the property, and then try again.";
            WriteError(new ErrorRecord(new Exception(Why, e), Why, ErrorCategory.InvalidArgument, null));
            return null;
        }
    }
}
