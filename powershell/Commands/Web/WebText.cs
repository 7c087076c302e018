// WebText.cs - text of responses: charset, headers, links, the message of a failure.

using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml;
using Newtonsoft.Json.Linq;

namespace Microsoft.PowerShell.Commands;

internal static class WebText
{
    static readonly Regex DeclaredEncoding = new(@"^\s*<\?xml[^>]*\bencoding\s*=\s*[""'](?<name>[\w-]+)|<meta\s[^>]*\bcharset\s*=\s*[""']?(?<name>[\w-]+)", RegexOptions.IgnoreCase | RegexOptions.Compiled);
    static readonly Regex LinkHeader = new(@"<(?<url>[^>]*)>\s*;(?:[^,]*;)?\s*rel\s*=\s*(?:""(?<rel>[^""]*)""|(?<rel>[^\s,;]+))", RegexOptions.IgnoreCase | RegexOptions.Compiled);

    public static string Decode(byte[] bytes, string charset, out Encoding encoding)
    {
        encoding = Named(charset) ?? ByMark(bytes);
        if (encoding == null)
        {
            // What the document says of itself stands near its beginning, in characters that ASCII has.
            string start = Encoding.Latin1.GetString(bytes, 0, Math.Min(bytes.Length, 1024));
            encoding = DeclaredEncoding.Match(start) is { Success: true } said ? Named(said.Groups["name"].Value) : null;
        }
        encoding ??= new UTF8Encoding(false);
        using var reader = new StreamReader(new MemoryStream(bytes), encoding, true);
        return reader.ReadToEnd();
    }

    static Encoding Named(string charset)
    {
        if (string.IsNullOrWhiteSpace(charset)) return null;
        string name = charset.Trim('"', '\'', ' ');
        try { return CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name); }
        catch (ArgumentException) { return null; }
    }

    static Encoding ByMark(byte[] b) => b switch {
        [0xEF, 0xBB, 0xBF, ..] => Encoding.UTF8, [0xFF, 0xFE, 0, 0, ..] => Encoding.UTF32, [0xFF, 0xFE, ..] => Encoding.Unicode, [0xFE, 0xFF, ..] => Encoding.BigEndianUnicode, _ => null };

    public static Dictionary<string, IEnumerable<string>> Headers(HttpResponseMessage response)
    {
        var all = new Dictionary<string, IEnumerable<string>>(StringComparer.OrdinalIgnoreCase);
        foreach (var header in response.Headers) all[header.Key] = header.Value.ToArray();
        foreach (var header in response.Content.Headers) all[header.Key] = header.Value.ToArray();
        return all;
    }

    public static string Head(HttpResponseMessage response)
    {
        var head = new StringBuilder($"HTTP/{response.Version} {(int)response.StatusCode} {response.ReasonPhrase}\r\n");
        foreach (var header in Headers(response)) head.Append($"{header.Key}: {string.Join(", ", header.Value)}\r\n");
        return head.Append("\r\n").ToString();
    }

    // The targets of Link headers by their relation, absolute.
    public static Dictionary<string, string> Links(HttpResponseMessage response)
    {
        var links = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (!response.Headers.TryGetValues("Link", out var values)) return links;
        foreach (Match m in values.SelectMany(v => LinkHeader.Matches(v)))
        {
            string rel = m.Groups["rel"].Value;
            if (Uri.TryCreate(response.RequestMessage.RequestUri, m.Groups["url"].Value, out Uri target) && !links.ContainsKey(rel))
                links[rel] = target.AbsoluteUri;
        }
        return links;
    }

    public static bool IsText(string type) => type != null && (type.StartsWith("text/", StringComparison.OrdinalIgnoreCase) || IsXml(type) || IsJson(type) || type.Contains("javascript", StringComparison.OrdinalIgnoreCase));
    public static bool IsXml(string type) => type != null && (type.EndsWith("/xml", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+xml", StringComparison.OrdinalIgnoreCase));
    public static bool IsJson(string type) => type != null && (type.EndsWith("/json", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase)
        || type.ToLowerInvariant() is "text/x-json" or "application/x-javascript" or "application/x-json");

    // What a person reads of a failed response: JSON and XML set out over lines, HTML without its tags.
    public static string Failure(string body, string type)
    {
        if (string.IsNullOrEmpty(body)) return null;
        try
        {
            if (IsJson(type))
                return Environment.NewLine + JsonNode.Parse(body).ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
            if (IsXml(type) && TryXml(body, out XmlDocument document))
            {
                var text = new StringBuilder();
                using (var writer = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, NewLineOnAttributes = true, OmitXmlDeclaration = true })) document.Save(writer);
                return Environment.NewLine + text;
            }
        }
        catch (JsonException) { }
        return Regex.Replace(body, "<[^>]*>", string.Empty, RegexOptions.None, TimeSpan.FromSeconds(10));
    }

    public static bool TryXml(string text, out XmlDocument document)
    {
        document = null;
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings {
                CheckCharacters = false, IgnoreProcessingInstructions = true, MaxCharactersFromEntities = 1024, DtdProcessing = DtdProcessing.Ignore, XmlResolver = null });
            var made = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
            made.Load(reader);
            document = made;
            return true;
        }
        catch (XmlException) { return false; }
    }

    public static bool TryJson(string text, out object made)
    {
        made = null;
        try
        {
            made = JsonReader.Read(text, false, JsonReader.DefaultDepth, JsonDateKind.Default, out ErrorRecord error);
            if (made == null && error == null) JToken.Parse(text);    // only the word null is null
            return error == null;
        }
        catch (Exception e) when (e is ArgumentException or Newtonsoft.Json.JsonException) { return false; }
    }

    public static string UrlEncode(IDictionary pairs) => string.Join('&', pairs.Keys.Cast<object>().Select(key =>
    {
        object value = pairs[key] is PSObject wrapped ? wrapped.BaseObject : pairs[key];
        return $"{WebUtility.UrlEncode(key.ToString())}={WebUtility.UrlEncode(value?.ToString() ?? string.Empty)}";
    }));
}
