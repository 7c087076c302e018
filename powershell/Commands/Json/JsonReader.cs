// JsonReader.cs - JSON text to objects, as ConvertFrom-Json and Invoke-RestMethod give them.
//
// Newtonsoft.Json, which the engine brings along, has exactly the leniency scripts rely on: comments, single quotes,
// unquoted names, trailing commas. What it makes is turned into PSCustomObjects and arrays, or ordered hashtables.

using System;
using System.Collections.Generic;
using System.Management.Automation;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Microsoft.PowerShell.Commands;

/// <summary>What becomes of text that is a date and time.</summary>
public enum JsonDateKind { Default, Local, Utc, Offset, String }

internal static class JsonReader
{
    public const int DefaultDepth = 1024;

    // Throws ArgumentException for text that is not JSON. Keys that an object cannot have are the second result.
    public static object Read(string text, bool asHashtable, int depth, JsonDateKind dates, out ErrorRecord error)
    {
        error = null;
        var settings = new JsonSerializerSettings {
            TypeNameHandling = TypeNameHandling.None,
            MetadataPropertyHandling = MetadataPropertyHandling.Ignore,
            MaxDepth = depth,
            DateParseHandling = dates switch {
                JsonDateKind.String => DateParseHandling.None, JsonDateKind.Offset => DateParseHandling.DateTimeOffset, _ => DateParseHandling.DateTime },
            DateTimeZoneHandling = dates switch {
                JsonDateKind.Local => DateTimeZoneHandling.Local, JsonDateKind.Utc => DateTimeZoneHandling.Utc, _ => DateTimeZoneHandling.RoundtripKind } };
        try
        {
            object parsed = JsonConvert.DeserializeObject(text, settings);
            return asHashtable ? ToTable(parsed) : ToObject(parsed, ref error);
        }
        catch (JsonException e)
        {
            throw new ArgumentException("Conversion from JSON failed with error: " + e.Message, e);
        }
    }

    static object ToTable(object o)
    {
        switch (o)
        {
            case JObject members:
                var table = new OrderedHashtable(members.Count);
                foreach (var member in members) table[member.Key] = ToTable(member.Value);
                return table;
            case JArray items:
                var all = new object[items.Count];
                for (int i = 0; i < all.Length; i++) all[i] = ToTable(items[i]);
                return all;
            case JValue value: return value.Value;
            default: return o;
        }
    }

    static object ToObject(object o, ref ErrorRecord error)
    {
        switch (o)
        {
            case JObject members: return ToObject(members, ref error);
            case JArray items:
                var all = new object[items.Count];
                for (int i = 0; i < all.Length && error == null; i++) all[i] = ToObject(items[i], ref error);
                return all;
            case JValue value: return value.Value;
            default: return o;
        }
    }

    static PSObject ToObject(JObject members, ref ErrorRecord error)
    {
        var made = new PSObject(members.Count);
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var member in members)
        {
            if (member.Key.Length == 0)
            {
                error = new ErrorRecord(new InvalidOperationException("The provided JSON includes a property whose name is an empty string, this is only supported using the -AsHashTable switch."),
                    "EmptyKeyInJsonString", ErrorCategory.InvalidOperation, null);
                return null;
            }
            if (!seen.Add(member.Key))
            {
                seen.TryGetValue(member.Key, out string first);
                error = new ErrorRecord(new InvalidOperationException($"Cannot convert the JSON string because it contains keys with different casing. Please use the -AsHashTable switch instead. The key that was attempted to be added to the existing key '{first}' was '{member.Key}'."),
                    "KeysWithDifferentCasingInJsonString", ErrorCategory.InvalidOperation, null);
                return null;
            }
            object value = ToObject(member.Value, ref error);
            if (error != null) return null;
            made.Properties.Add(new PSNoteProperty(member.Key, value), true);
        }
        return made;
    }
}
