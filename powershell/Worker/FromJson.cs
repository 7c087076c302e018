// FromJson.cs - JSON as scripts see it.
//
// Objects become PSCustomObjects, in order; where a name is empty, or two differ only in case, or PowerShell keeps the
// name for itself, an ordered, case-sensitive dictionary, because a PSCustomObject cannot hold them. Whole numbers are
// Int64 or, beyond it, BigInteger; others Double; text stays text, also where it looks like a date.

using System;
using System.Collections.Generic;
using System.Collections.Specialized;
using System.Globalization;
using System.Linq;
using System.Management.Automation;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Reactions.PowerShell;

internal static class FromJson
{
    // Deeper than the server accepts (64), so that the server's word counts.
    static readonly JsonDocumentOptions Options = new() { MaxDepth = 200 };

    public static JsonElement Parse(ReadOnlyMemory<byte> json) => JsonDocument.Parse(json, Options).RootElement;
    public static JsonElement Parse(string json) => JsonDocument.Parse(json, Options).RootElement;

    public static object Value(JsonElement element) => element.ValueKind switch {
        JsonValueKind.Object => Object(element),
        JsonValueKind.Array => element.EnumerateArray().Select(Value).ToArray(),
        JsonValueKind.String => Text(element),
        JsonValueKind.Number => Number(element),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null };

    static object Object(JsonElement element)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var result = new PSObject();
        foreach (JsonProperty member in element.EnumerateObject())
        {
            string name = Name(member);
            if (name.Length == 0 || !names.Add(name) || IsReserved(name))
                return Dictionary(element);
            result.Properties.Add(new PSNoteProperty(name, Value(member.Value)), true);
        }
        return result;
    }

    static OrderedDictionary Dictionary(JsonElement element)
    {
        var result = new OrderedDictionary(StringComparer.Ordinal);
        foreach (JsonProperty member in element.EnumerateObject())
            result[Name(member)] = Value(member.Value);
        return result;
    }

    static bool IsReserved(string name) =>
        name.Length is >= 6 and <= 11 && name.StartsWith("ps", StringComparison.OrdinalIgnoreCase) &&
        name.ToLowerInvariant() is "psbase" or "psadapted" or "psextended" or "psobject" or "pstypenames";

    static object Number(JsonElement element)
    {
        if (element.TryGetInt64(out long whole))
            return whole;
        string text = element.GetRawText();
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') < 0)
            return BigInteger.Parse(text, CultureInfo.InvariantCulture);
        return double.Parse(text, CultureInfo.InvariantCulture);
    }

    // JsonElement refuses half a surrogate pair (\ud800), which is valid JSON and a valid .NET string.
    public static string Text(JsonElement element)
    {
        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException)
        {
            return Unescaped(element.GetRawText()[1..^1]);
        }
    }

    static string Name(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            string raw = member.ToString();
            int end = 1;
            while (raw[end] != '"')
                end += raw[end] == '\\' ? 2 : 1;
            return Unescaped(raw[1..end]);
        }
    }

    static string Unescaped(string raw)
    {
        var text = new StringBuilder(raw.Length);
        for (int at = 0; at < raw.Length; at++)
        {
            if (raw[at] != '\\')
            {
                text.Append(raw[at]);
                continue;
            }
            char c = raw[++at];
            if (c == 'u')
            {
                text.Append((char)int.Parse(raw.AsSpan(at + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                at += 4;
            }
            else
                text.Append(c switch { 'n' => '\n', 'r' => '\r', 't' => '\t', 'b' => '\b', 'f' => '\f', _ => c });
        }
        return text.ToString();
    }

    // Members of frames. An absent member and null are the same.

    public static JsonElement? Member(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static string TextOf(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.String } value ? Text(value) : null;

    public static long NumberOf(this JsonElement element, string name, long otherwise) =>
        element.Member(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out long number) ? number : otherwise;

    public static bool FlagOf(this JsonElement element, string name) => element.Member(name) is { ValueKind: JsonValueKind.True };

    public static IEnumerable<JsonElement> ItemsOf(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];

    // Names without case. Values are text, or lists of text where a name came more than once.
    public static Dictionary<string, object> NamedValues(JsonElement? element)
    {
        var result = new Dictionary<string, object>(StringComparer.OrdinalIgnoreCase);
        if (element is { ValueKind: JsonValueKind.Object } members)
            foreach (JsonProperty member in members.EnumerateObject())
                result[Name(member)] = Value(member.Value);
        return result;
    }

    public static Dictionary<string, string> NamedTexts(JsonElement? element)
    {
        var result = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (element is { ValueKind: JsonValueKind.Object } members)
            foreach (JsonProperty member in members.EnumerateObject())
                result[Name(member)] = member.Value.ValueKind switch {
                    JsonValueKind.String => Text(member.Value), JsonValueKind.Null => null, _ => member.Value.GetRawText() };
        return result;
    }
}
