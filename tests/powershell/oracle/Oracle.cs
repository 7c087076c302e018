// Oracle.cs - runs one case in a fresh runspace and writes what happened as canonical JSON.
//
// The rendering rules are in docs/powershell.md. Both sides of a comparison must be
// written by this file: it uses no cmdlet, so a wrong ConvertTo-Json cannot hide itself.

using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

public sealed class Oracle
{
    const int MaxDepth = 10;
    static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Note properties that providers put on what they emit; machine-bound, so left out.
    static readonly HashSet<string> ProviderNotes = new(StringComparer.OrdinalIgnoreCase) {
        "PSPath", "PSParentPath", "PSChildName", "PSDrive", "PSProvider", "PSIsContainer",
        "ReadCount", "PSComputerName", "RunspaceId", "UnixStat" };

    // Result types that are more than their text: the properties that count.
    static readonly Dictionary<string, string[]> Shapes = new() {
        ["Microsoft.PowerShell.Commands.GroupInfo"] = new[] { "Count", "Name", "Group" },
        ["Microsoft.PowerShell.Commands.GroupInfoNoElement"] = new[] { "Count", "Name" },
        ["Microsoft.PowerShell.Commands.GenericMeasureInfo"] = new[] { "Count", "Average", "Sum", "Maximum", "Minimum", "StandardDeviation", "Property" },
        ["Microsoft.PowerShell.Commands.GenericObjectMeasureInfo"] = new[] { "Count", "Average", "Sum", "Maximum", "Minimum", "Property" },
        ["Microsoft.PowerShell.Commands.TextMeasureInfo"] = new[] { "Lines", "Words", "Characters", "Property" },
        ["Microsoft.PowerShell.Commands.MatchInfo"] = new[] { "LineNumber", "Line", "Filename", "Pattern", "IgnoreCase" },
        ["Microsoft.PowerShell.Commands.MemberDefinition"] = new[] { "Name", "MemberType", "Definition" },
        ["Microsoft.PowerShell.Commands.FileHashInfo"] = new[] { "Algorithm", "Hash" },
        ["System.Management.Automation.PSVariable"] = new[] { "Name", "Value", "Description", "Options" },
        ["System.Management.Automation.AliasInfo"] = new[] { "Name", "Definition" },
    };

    readonly string _tmp, _url;

    Oracle(string tmp, string url) { _tmp = tmp; _url = url; }

    // Opens a case's runspace. A host with an engine of its own puts its maker here.
    public static Func<Runspace> NewRunspace = () =>
    {
        Runspace space = RunspaceFactory.CreateRunspace(InitialSessionState.CreateDefault());
        space.Open();
        return space;
    };

    // One line of a case file in, one line of what happened out. Folders are made under root and removed.
    public static string RunLine(string line, string root, string url, Action<Runspace> prepare, int timeoutMs)
    {
        JsonNode given = JsonNode.Parse(line);
        string id = (string)given["id"], script = (string)given["script"];
        string folder = Path.Combine(root, id);
        Directory.CreateDirectory(folder);
        var all = new JsonObject { ["id"] = id, ["group"] = (string)given["group"], ["script"] = script };
        try
        {
            foreach (var part in Run(script, folder, url, prepare, timeoutMs)) all[part.Key] = part.Value?.DeepClone();
        }
        catch (Exception e) { all["harness_error"] = e.ToString(); }
        finally { Directory.Delete(folder, true); }
        return all.ToJsonString(Plain);
    }

    // tmp: an empty folder, the script's current location. url: the echo server, no trailing slash.
    public static JsonObject Run(string script, string tmp, string url, Action<Runspace> prepare, int timeoutMs)
    {
        var oracle = new Oracle(tmp, url);
        string text = script.Replace("{{TMP}}", tmp).Replace("{{URL}}", url);
        using Runspace space = NewRunspace();
        space.SessionStateProxy.Path.SetLocation(tmp);
        prepare?.Invoke(space);
        using PowerShell shell = PowerShell.Create();
        shell.Runspace = space;
        shell.AddScript(text);
        var output = new PSDataCollection<PSObject>();
        JsonObject end = null;
        try
        {
            IAsyncResult running = shell.BeginInvoke<PSObject, PSObject>(null, output);
            if (!running.AsyncWaitHandle.WaitOne(timeoutMs)) { shell.Stop(); throw new TimeoutException("case timed out"); }
            shell.EndInvoke(running);
        }
        catch (RuntimeException e) { end = oracle.Error(e.ErrorRecord); }

        var streams = new JsonObject {
            ["error"] = Each(shell.Streams.Error, oracle.Error),
            ["warning"] = Each(shell.Streams.Warning, r => oracle.Text(r.Message)),
            ["verbose"] = Each(shell.Streams.Verbose, r => oracle.Text(r.Message)),
            ["information"] = Each(shell.Streams.Information, oracle.Information) };
        if (shell.Streams.Debug.Count > 0) streams["debug"] = Each(shell.Streams.Debug, r => oracle.Text(r.Message));
        // Commands report progress of their own (web under random ids, copying with a blank name); only a script's is compared.
        var progress = shell.Streams.Progress
            .Where(r => r.Activity.Trim() != "" && !r.Activity.Contains("web re", StringComparison.OrdinalIgnoreCase)).ToList();
        if (progress.Count > 0) streams["progress"] = Each(progress, oracle.Progress);

        return new JsonObject {
            ["output"] = Each(output, o => oracle.Value(o, 0)),
            ["streams"] = streams,
            ["terminating"] = end == null ? null : end["message"].GetValue<string>(),
            ["terminating_id"] = end == null ? null : end["id"].GetValue<string>(),
            ["terminating_type"] = end == null ? null : end["exception"].GetValue<string>(),
        };
    }

    static JsonArray Each<T>(IEnumerable<T> items, Func<T, JsonNode> write) =>
        new(items.Select(write).ToArray());

    JsonNode Text(string s) => s == null ? null : JsonValue.Create(Local(s));

    string Local(string s)
    {
        if (_url.Length > 0) s = s.Replace(_url, "{{URL}}").Replace(_url.Substring(_url.IndexOf("//") + 2), "{{HOST}}");
        return s.Replace(_tmp, "{{TMP}}");
    }

    JsonObject Error(ErrorRecord r)
    {
        var o = new JsonObject {
            ["id"] = r.FullyQualifiedErrorId,
            ["message"] = Text(r.Exception.Message),
            ["category"] = r.CategoryInfo.Category.ToString(),
            ["exception"] = r.Exception.GetType().FullName };
        if (r.ErrorDetails?.Message != null) o["details"] = Text(r.ErrorDetails.Message);
        return o;
    }

    JsonNode Information(InformationRecord r)
    {
        var o = new JsonObject { ["text"] = Text(r.MessageData?.ToString() ?? ""), ["tags"] = Each(r.Tags, t => (JsonNode)t) };
        if (r.MessageData is HostInformationMessage h)
        {
            if (h.NoNewLine == true) o["nonewline"] = true;
            if (h.ForegroundColor is ConsoleColor f) o["foreground"] = f.ToString();
            if (h.BackgroundColor is ConsoleColor b) o["background"] = b.ToString();
        }
        return o;
    }

    JsonNode Progress(ProgressRecord r) => new JsonObject {
        ["id"] = r.ActivityId, ["activity"] = r.Activity, ["status"] = r.StatusDescription,
        ["percent"] = r.PercentComplete, ["type"] = r.RecordType.ToString() };

    JsonNode Value(object o, int depth)
    {
        if (o == null || o == System.Management.Automation.Internal.AutomationNull.Value) return null;
        var wrapped = o as PSObject;
        object inner = wrapped == null ? o : wrapped.BaseObject;
        if (depth > MaxDepth) return new JsonObject { ["$"] = "<too deep>" };

        JsonNode bare = Bare(inner, wrapped, depth);
        JsonArray notes = inner is PSCustomObject ? null : Notes(wrapped, depth);
        string name = TypeName(inner, wrapped);
        bool renamed = name != TypeName(inner, null);
        if (notes == null && !renamed) return bare;

        JsonObject tagged = bare as JsonObject;
        if (tagged == null)
            tagged = bare is JsonArray a ? new JsonObject { ["$"] = name, ["l"] = a } : new JsonObject { ["$"] = name, ["v"] = bare };
        tagged["$"] = name;
        if (notes != null) tagged["+"] = notes;
        return tagged;
    }

    static string TypeName(object inner, PSObject wrapped)
    {
        string first = wrapped != null && wrapped.TypeNames.Count > 0 ? wrapped.TypeNames[0] : inner.GetType().FullName;
        if (inner is PSCustomObject && first == "System.Management.Automation.PSCustomObject") return "PSCustomObject";
        // Arrays and generics name their element's assembly in FullName; ToString() does not.
        return wrapped == null || first == inner.GetType().FullName ? Short(inner.GetType()) : first;
    }

    static string Short(Type t) => t.IsGenericType || t.IsArray ? t.ToString() : t.FullName;

    JsonNode Bare(object o, PSObject wrapped, int depth)
    {
        var invariant = CultureInfo.InvariantCulture;
        switch (o)
        {
            case string s: return Text(s);
            case bool b: return b;
            case int i: return i;
            case PSCustomObject: return new JsonObject { ["$"] = TypeName(o, wrapped), ["p"] = Properties(wrapped, depth) };
            case double d: return Typed(o, d.ToString("R", invariant));
            case float f: return Typed(o, f.ToString("R", invariant));
            case DateTime t: return Typed(o, t.ToString("o", invariant));
            case DateTimeOffset t: return Typed(o, t.ToString("o", invariant));
            case TimeSpan t: return Typed(o, t.ToString("c", invariant));
            case Enum e: return Typed(o, e.ToString());
            case Uri u: return Typed(o, u.OriginalString);
            case Type t: return new JsonObject { ["$"] = "System.Type", ["v"] = Short(t) };
            case System.Xml.XmlNode x: return Typed(o, x.OuterXml);
            case FileSystemInfo f: return Typed(o, f.FullName);
            case PathInfo p: return Typed(o, p.Path);
            case ErrorRecord r: JsonObject e2 = Error(r); e2["$"] = Short(o.GetType()); return e2;
            case IDictionary d: return new JsonObject { ["$"] = Short(o.GetType()), ["d"] = Entries(d, depth) };
            case object[] a when o.GetType() == typeof(object[]): return Each(a, x => Value(x, depth + 1));
            case System.Security.SecureString: return new JsonObject { ["$"] = Short(o.GetType()) };
        }
        if (Shapes.TryGetValue(o.GetType().FullName, out string[] names)) return Shaped(wrapped ?? PSObject.AsPSObject(o), o, names, depth);
        if (o is IFormattable n) return Typed(o, n.ToString(null, invariant));
        if (o is IEnumerable l) return new JsonObject { ["$"] = Short(o.GetType()), ["l"] = Each(l.Cast<object>(), x => Value(x, depth + 1)) };
        return Typed(o, o.ToString());
    }

    JsonObject Typed(object o, string text) => new() { ["$"] = Short(o.GetType()), ["v"] = Text(text) };

    // In order for ordered dictionaries; otherwise sorted by the key's text, since a hashtable has no order.
    JsonArray Entries(IDictionary d, int depth)
    {
        IEnumerable<DictionaryEntry> all = d.Keys.Cast<object>().Select(k => new DictionaryEntry(k, d[k])).ToList();
        if (d is not System.Collections.Specialized.IOrderedDictionary && !d.GetType().Name.StartsWith("Ordered"))
            all = all.OrderBy(e => e.Key.ToString(), StringComparer.Ordinal);
        return Each(all, e => new JsonArray(Value(e.Key, depth + 1), Value(e.Value, depth + 1)));
    }

    JsonArray Properties(PSObject o, int depth) => Each(o.Properties.Where(p => !ProviderNotes.Contains(p.Name)), p => Pair(p, depth));

    JsonObject Shaped(PSObject o, object inner, string[] names, int depth) => new() {
        ["$"] = Short(inner.GetType()),
        ["p"] = Each(names.Select(n => o.Properties[n]).Where(p => p != null), p => Pair(p, depth)) };

    JsonArray Notes(PSObject o, int depth)
    {
        if (o == null) return null;
        var mine = o.Properties.Where(p => p.IsInstance && p is PSNoteProperty or PSScriptProperty or PSAliasProperty && p.IsInstance)
                               .Where(p => !ProviderNotes.Contains(p.Name)).ToList();
        return mine.Count == 0 ? null : Each(mine, p => Pair(p, depth));
    }

    JsonArray Pair(PSPropertyInfo p, int depth)
    {
        JsonNode v;
        try { v = Value(p.Value, depth + 1); }
        catch (GetValueException e) { v = new JsonObject { ["$"] = "<error>", ["v"] = Text(e.Message) }; }
        return new JsonArray(p.Name, v);
    }
}
