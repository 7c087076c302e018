// JsonWriter.cs - objects to JSON text, as ConvertTo-Json gives it.
//
// First every object is brought down to what JSON has (dictionaries, lists, scalars), to the depth asked for; then
// Newtonsoft.Json writes that.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.Specialized;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Numerics;
using System.Reflection;
using System.Threading;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Newtonsoft.Json.Linq;
using Reactions.PowerShell.Engine;

namespace Microsoft.PowerShell.Commands;

internal sealed class JsonWriter
{
    readonly Cmdlet _owner;
    readonly int _maxDepth;
    readonly CancellationToken _cancel;
    bool _warned;

    public JsonWriter(Cmdlet owner, int maxDepth, CancellationToken cancel) => (_owner, _maxDepth, _cancel) = (owner, maxDepth, cancel);

    public string Write(object o, bool enumsAsStrings, bool compress, StringEscapeHandling escape)
    {
        object simple = Simplify(o, 0);
        var settings = new JsonSerializerSettings {
            TypeNameHandling = TypeNameHandling.None, MaxDepth = 1024, StringEscapeHandling = escape,
            Formatting = compress ? Newtonsoft.Json.Formatting.None : Newtonsoft.Json.Formatting.Indented };
        if (enumsAsStrings) settings.Converters.Add(new StringEnumConverter());
        return JsonConvert.SerializeObject(simple, settings);
    }

    object Simplify(object given, int depth)
    {
        _cancel.ThrowIfCancellationRequested();
        if (Objects.IsNull(given)) return null;
        var wrapped = given as PSObject;
        object o = wrapped == null ? given : wrapped.BaseObject;
        bool plainText = false, custom = false;
        object made;
        switch (o)
        {
            case NullString or DBNull:
                made = null;
                break;
            case string or char or bool or DateTime or DateTimeOffset or Guid or Uri or double or float or decimal or BigInteger:
                made = o;
                break;
            case JObject members:
                made = members.ToObject<Dictionary<object, object>>();
                break;
            // JavaScript cannot hold all 64 bits, so such an enum is written by name.
            case Enum e:
                made = Type.GetTypeCode(e.GetType()) is TypeCode.Int64 or TypeCode.UInt64 ? e.ToString() : e;
                break;
            default:
                if (o.GetType().IsPrimitive) made = o;
                else if (depth > _maxDepth)
                {
                    WarnOnce();
                    plainText = wrapped != null && o is PSCustomObject;
                    made = LanguagePrimitives.ConvertTo(plainText ? wrapped : o, typeof(string), CultureInfo.InvariantCulture);
                }
                else if (o is IDictionary dictionary) made = OfDictionary(dictionary, depth);
                else if (o is IEnumerable many) made = OfMany(many, depth);
                else
                {
                    made = OfMembers(o, depth);
                    custom = true;
                }
                break;
        }
        return wrapped == null || plainText ? made : WithAddedProperties(wrapped, made, depth, custom);
    }

    void WarnOnce()
    {
        if (_warned) return;
        _warned = true;
        _owner?.WriteWarning($"Resulting JSON is truncated as serialization has exceeded the set depth of {_maxDepth}.");
    }

    object OfDictionary(IDictionary dictionary, int depth)
    {
        var made = new OrderedDictionary(dictionary.Count);
        foreach (DictionaryEntry entry in dictionary)
        {
            if (entry.Key is not string name)
            {
                var record = new ErrorRecord(new InvalidOperationException($"The type '{dictionary.GetType().FullName}' is not supported for serialization or deserialization of a dictionary. Keys must be strings."),
                    "NonStringKeyInDictionary", ErrorCategory.InvalidOperation, dictionary);
                if (_owner == null) throw record.Exception;
                _owner.ThrowTerminatingError(record);
                return null;
            }
            made[name] = Simplify(entry.Value, depth + 1);
        }
        return made;
    }

    List<object> OfMany(IEnumerable many, int depth)
    {
        var made = new List<object>();
        foreach (object item in many) made.Add(Simplify(item, depth + 1));
        return made;
    }

    OrderedDictionary OfMembers(object o, int depth)
    {
        var made = new OrderedDictionary();
        Type type = o.GetType();
        foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.Instance))
            if (!field.IsDefined(typeof(JsonIgnoreAttribute), true)) made[field.Name] = Simplify(ValueOf(() => field.GetValue(o)), depth + 1);
        foreach (PropertyInfo property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
            if (!property.IsDefined(typeof(JsonIgnoreAttribute), true) && property.GetGetMethod() is { } get && get.GetParameters().Length == 0)
                made[property.Name] = Simplify(ValueOf(() => get.Invoke(o, null)), depth + 1);
        return made;
    }

    static object ValueOf(Func<object> get)
    {
        try { return get(); }
        catch (Exception e) when (e is TargetInvocationException or NotSupportedException or ArgumentException) { return null; }
    }

    // Members that scripts or type data added. A scalar that has some becomes an object with the scalar as "value".
    object WithAddedProperties(PSObject wrapped, object made, int depth, bool custom)
    {
        if (wrapped.BaseObject is string or DateTime) return made;
        bool wasDictionary = made is IDictionary;
        IDictionary all = made as IDictionary ?? new OrderedDictionary { ["value"] = made };
        foreach (PSPropertyInfo property in Objects.AddedProperties(wrapped, custom))
        {
            if (all.Contains(property.Name)) continue;
            object value = null;
            try { value = property.Value; }
            catch (GetValueException) { }
            all[property.Name] = Simplify(value, depth + 1);
        }
        return !wasDictionary && all.Count == 1 ? made : all;
    }
}
