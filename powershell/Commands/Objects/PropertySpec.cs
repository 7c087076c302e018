// PropertySpec.cs - what -Property takes: a name with wildcards, a script block, or a dictionary with more to say.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using Microsoft.PowerShell.Commands;

namespace Reactions.PowerShell.Engine;

internal sealed class PropertySpec
{
    public PSPropertyExpression Expression { get; private init; }
    readonly Dictionary<string, object> _entries = [];

    // The value of an entry such as "name"; null where it was not given.
    public object this[string key] => _entries.GetValueOrDefault(key);
    public bool IsSet(string key) => _entries.ContainsKey(key);

    // allowed: the keys that a dictionary may have besides "expression", each with the types its value may have.
    public static List<PropertySpec> Parse(PSCmdlet owner, object[] given, Dictionary<string, Type[]> allowed) =>
        (given ?? []).Select(one => Parse(owner, one, allowed)).ToList();

    // The same, said of another property.
    public PropertySpec With(PSPropertyExpression expression)
    {
        var spec = new PropertySpec { Expression = expression };
        foreach (var entry in _entries) spec._entries[entry.Key] = entry.Value;
        return spec;
    }

    static readonly Type[] ExpressionTypes = [typeof(string), typeof(ScriptBlock)];

    static PropertySpec Parse(PSCmdlet owner, object given, Dictionary<string, Type[]> allowed)
    {
        object o = given is PSObject wrapped ? wrapped.BaseObject : given;
        switch (o)
        {
            case string name:
                if (name.Length == 0) Refuse(owner, "ExpressionEmptyString2", "A property name cannot be an empty string.");
                return new PropertySpec { Expression = new PSPropertyExpression(name) };
            case ScriptBlock block:
                return new PropertySpec { Expression = new PSPropertyExpression(block) };
            case PSPropertyExpression expression:
                return new PropertySpec { Expression = expression };
            case IDictionary dictionary:
                return Parse(owner, dictionary, allowed);
            default:
                Refuse(owner, "DictionaryKeyUnknownType", $"Cannot convert {o?.GetType().FullName ?? "null"} to one of the following types {{System.String, System.Management.Automation.ScriptBlock, System.Collections.IDictionary}}.");
                return null;
        }
    }

    static PropertySpec Parse(PSCmdlet owner, IDictionary dictionary, Dictionary<string, Type[]> allowed)
    {
        object expression = null;
        var entries = new Dictionary<string, object>();
        foreach (DictionaryEntry entry in dictionary)
        {
            if (entry.Key is not string given)
            {
                Refuse(owner, "DictionaryKeyNonString", $"The key '{entry.Key}' has a type that is not valid. Expected type is System.String.");
                return null;
            }
            string[] fits = allowed.Keys.Append("expression").Where(k => k.StartsWith(given, StringComparison.OrdinalIgnoreCase)).ToArray();
            string key = fits.FirstOrDefault(k => k.Length == given.Length) ?? (fits.Length == 1 ? fits[0] : null);
            // "name" and "label" mean the same, so a common beginning of theirs would not be ambiguous; they have none.
            if (key == null)
                Refuse(owner, fits.Length > 1 ? "DictionaryKeyAmbiguous" : "DictionaryKeyIllegal", $"The {given} key is not valid.");
            if (key == "label") key = "name";
            object value = entry.Value is PSObject w ? w.BaseObject : entry.Value;
            Type[] types = key == "expression" ? ExpressionTypes : allowed[key];
            if (value == null || !types.Any(t => t.IsInstanceOfType(value)))
                Refuse(owner, types.Length == 1 ? "DictionaryKeyIllegalValue1" : "DictionaryKeyIllegalValue2", $"The {given} key has a type, {value?.GetType().FullName ?? "null"}, that is not valid; expected types are {{{string.Join(", ", types.Select(t => t.FullName))}}}.");
            if (value is string { Length: 0 } && key == "expression")
                Refuse(owner, "ExpressionEmptyString1", "The expression key cannot be an empty string.");
            if (key == "expression" ? expression != null : entries.ContainsKey(key))
                Refuse(owner, "DuplicateKey", $"The key {given} is given twice.");
            if (key == "expression") expression = value;
            else entries[key] = value;
        }
        if (expression == null) Refuse(owner, "DictionaryKeyMandatoryEntry", "Missing mandatory entry for the expression key.");
        var spec = new PropertySpec { Expression = expression is ScriptBlock block ? new PSPropertyExpression(block) : new PSPropertyExpression((string)expression) };
        foreach (var entry in entries) spec._entries[entry.Key] = entry.Value;
        return spec;
    }

    static void Refuse(PSCmdlet owner, string id, string why) =>
        owner.ThrowTerminatingError(new ErrorRecord(new NotSupportedException(why), id, ErrorCategory.InvalidArgument, null) { ErrorDetails = new ErrorDetails(why) });
}
