// Objects.cs - what the object commands share: null, enumeration, comparison, added properties.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Internal;

namespace Reactions.PowerShell.Engine;

internal static class Objects
{
    public static bool IsNull(object o) => o == null || o == AutomationNull.Value;

    public static object Base(object o) => o is PSObject wrapped && wrapped.BaseObject is not PSCustomObject ? wrapped.BaseObject : o;

    // Properties that are not the object's own: notes, script and alias properties, also those of type data. Of an
    // object that is described by its members, adapted ones (columns, attributes) count too.
    public static IEnumerable<PSPropertyInfo> AddedProperties(PSObject wrapped, bool withAdapted) =>
        wrapped.Properties.Where(p => withAdapted || p is not PSProperty);

    public static PSNoteProperty SetNote(PSObject o, string name, object value)
    {
        var note = new PSNoteProperty(name, value);
        if (o.Properties[name] is PSNoteProperty) o.Properties.Remove(name);
        o.Properties.Add(note);
        return note;
    }
}

// The order in which Sort-Object and its relatives see values. Never throws: what cannot be compared is compared as text.
internal sealed class ValueComparer : IComparer<object>
{
    readonly bool _caseSensitive;
    readonly CultureInfo _culture;

    public ValueComparer(bool caseSensitive, CultureInfo culture = null) => (_caseSensitive, _culture) = (caseSensitive, culture ?? CultureInfo.CurrentCulture);

    public int Compare(object a, object b)
    {
        if (Objects.IsNull(a) && Objects.IsNull(b)) return 0;
        // All property bags have the same base object, so they count as equal unless a property is named.
        if (a is PSObject left) a = left.BaseObject;
        if (b is PSObject right) b = right.BaseObject;
        if (LanguagePrimitives.TryCompare(a, b, !_caseSensitive, _culture, out int order)) return order;
        string x = PSObject.AsPSObject(a).ToString(), y = PSObject.AsPSObject(b).ToString();
        return _culture.CompareInfo.Compare(x, y, _caseSensitive ? CompareOptions.None : CompareOptions.IgnoreCase);
    }

    // A culture given by name or number, as -Culture takes it.
    public static CultureInfo Culture(string text)
    {
        if (string.IsNullOrEmpty(text)) return CultureInfo.CurrentCulture;
        return int.TryParse(text, out int number) ? new CultureInfo(number) : new CultureInfo(text);
    }
}
