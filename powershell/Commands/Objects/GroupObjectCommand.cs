// GroupObjectCommand.cs - Group-Object.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Linq;
using System.Management.Automation;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

/// <summary>Objects with the same keys.</summary>
public class GroupInfo
{
    internal GroupInfo(Keyed first)
    {
        Values = new ArrayList(first.Keys.Select(k => k.Value).ToArray());
        Name = string.Join(", ", first.Keys.Select(k => NameOf(k.Value)));
    }

    public ArrayList Values { get; }
    public Collection<PSObject> Group { get; protected set; } = [];
    public string Name { get; }
    public int Count { get; private set; }

    internal virtual void Add(PSObject o)
    {
        Group.Add(o);
        Count++;
    }

    protected void AddUnseen() => Count++;

    static string NameOf(object value)
    {
        object o = Objects.Base(value);
        if (o is not IEnumerable many || o is string || o is IDictionary)
            return Objects.IsNull(value) ? string.Empty : PSObject.AsPSObject(value).ToString();
        return "{" + string.Join(", ", many.Cast<object>().Select(NameOf)) + "}";
    }
}

/// <summary>As GroupInfo, without the objects.</summary>
public sealed class GroupInfoNoElement : GroupInfo
{
    internal GroupInfoNoElement(Keyed first) : base(first) => Group = null;
    internal override void Add(PSObject o) => AddUnseen();
}

/// <summary>Groups objects that have the same value of properties.</summary>
[Cmdlet(VerbsData.Group, "Object", DefaultParameterSetName = "HashTable")]
[OutputType(typeof(Hashtable), typeof(GroupInfo))]
public class GroupObjectCommand : OrderCommandBase
{
    [Parameter] public SwitchParameter NoElement { get; set; }
    [Parameter(ParameterSetName = "HashTable")] [Alias("AHT")] public SwitchParameter AsHashTable { get; set; }
    [Parameter(ParameterSetName = "HashTable")] public SwitchParameter AsString { get; set; }

    protected override void EndProcessing()
    {
        if (AsString && !AsHashTable)
        {
            WriteError(new ErrorRecord(new ArgumentException("The AsString parameter must be used with the AsHashTable parameter."), "ArgumentException", ErrorCategory.InvalidArgument, AsString));
            return;
        }
        List<GroupInfo> groups = Groups();
        if (!AsHashTable) WriteObject(groups, true);
        else if (groups.Count > 0) WriteObject(Table(groups));
    }

    List<GroupInfo> Groups()
    {
        List<Keyed> all = Keyed.From(this, Given, PropertySpec.Parse(this, Property, []));
        var comparer = new KeyComparer(new ValueComparer(CaseSensitive, CultureInfo));
        all.Sort(comparer);
        var groups = new List<GroupInfo>();
        Keyed last = null;
        foreach (Keyed k in all)
        {
            if (last == null || comparer.CompareKeys(last, k) != 0)
                groups.Add(NoElement ? new GroupInfoNoElement(k) : new GroupInfo(k));
            groups[^1].Add(k.Object);
            last = k;
        }
        return groups;
    }

    Hashtable Table(List<GroupInfo> groups)
    {
        var table = new Hashtable(CaseSensitive ? StringComparer.CurrentCulture : StringComparer.CurrentCultureIgnoreCase);
        foreach (GroupInfo g in groups)
        {
            if (g.Values.Count > 1 && !AsString)
                ThrowTerminatingError(new ErrorRecord(new ArgumentException("The objects grouped by more than one property need -AsString to become keys."), "ArgumentException", ErrorCategory.InvalidArgument, Property));
            object key = AsString ? g.Name : Objects.Base(g.Values[0]);
            try { table.Add(key, g.Group); }
            catch (ArgumentException e)    // no key, or one that only differs in type
            {
                WriteError(new ErrorRecord(e, "ArgumentException", ErrorCategory.InvalidArgument, Property));
            }
        }
        return table;
    }
}
