// The oracle of src/trigger/route*: real ASP.NET Core routing behind real Kestrel, asked over a socket
// with the bytes of a request line, so that percent decoding and dot segments are Kestrel's own.
//
//     routes CASES.jsonl [SEED] > rows.jsonl
//
// A case is {"templates": [...], "paths": [...]}; "difference" and "ours" are passed through to its rows
// (docs/routes.md lists them). After the hand-written cases come generated ones, the same for the same seed.
// A row: {"templates", "path", "expect": match|none|ambiguous|badpath|error, "index", "values"}.
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

var cases = new List<Case>();
foreach (var line in File.ReadLines(args[0]))
    if (line.Length > 0 && !line.StartsWith("//"))
        cases.Add(Case.Read(line));
cases.AddRange(Generator.Cases(seed: args.Length > 1 ? int.Parse(args[1]) : 20261122));

var oracle = await Oracle.Start();
var seen = new HashSet<string>();
using var stdout = Console.OpenStandardOutput();
foreach (var c in cases)
    foreach (var row in await oracle.Judge(c))
        if (seen.Add(row))
            stdout.Write(Encoding.UTF8.GetBytes(row + "\n"));

record Case(string[] Templates, string[] Paths, string? Difference, string? Ours)
{
    public static Case Read(string line)
    {
        var root = JsonDocument.Parse(line).RootElement;
        string[] Texts(string name) => root.TryGetProperty(name, out var v) ? v.EnumerateArray().Select(x => x.GetString()!).ToArray() : [];
        return new Case(Texts("templates"), Texts("paths"),
            root.TryGetProperty("difference", out var d) ? d.GetString() : null,
            root.TryGetProperty("ours", out var o) ? o.GetRawText() : null);
    }
}

sealed class Oracle
{
    static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    readonly Dictionary<string, bool> templateIsGood = [];
    volatile RequestDelegate current = _ => Task.CompletedTask;
    int port;
    NetworkStream? wire;

    public static async Task<Oracle> Start()
    {
        var o = new Oracle();
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        // Without this, WebApplication would put its own UseRouting in front.
        ((IApplicationBuilder)app).Properties["__GlobalEndpointRouteBuilder"] = null;
        app.Run(c => o.current(c));
        await app.StartAsync();
        o.port = new Uri(app.Urls.First()).Port;
        return o;
    }

    static RequestDelegate Build(string[] templates)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddRouting();
        services.AddSingleton<System.Diagnostics.DiagnosticListener>(new System.Diagnostics.DiagnosticListener("oracle"));
        var app = new ApplicationBuilder(services.BuildServiceProvider());
        app.UseRouting();
        app.UseEndpoints(e =>
        {
            for (var i = 0; i < templates.Length; i++)
            {
                var index = i;
                e.Map(templates[i], context => Answer(context, index));
            }
        });
        app.Run(async c => await c.Response.WriteAsync("{\"expect\":\"none\"}"));
        var run = app.Build();
        return async context =>
        {
            try
            {
                await run(context);
            }
            catch (Exception e) when (e.GetType().Name == "AmbiguousMatchException")
            {
                await context.Response.WriteAsync("{\"expect\":\"ambiguous\"}");
            }
            catch (Exception)
            {
                await context.Response.WriteAsync("{\"expect\":\"error\"}");
            }
        };
    }

    static async Task Answer(HttpContext context, int index)
    {
        var values = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var v in context.Request.RouteValues)
            if (v.Value != null)
                values[v.Key] = (string)v.Value;
        await context.Response.WriteAsync(JsonSerializer.Serialize(new { expect = "match", index, values }, Plain));
    }

    public async Task<List<string>> Judge(Case c)
    {
        var rows = new List<string>();
        for (var i = 0; i < c.Templates.Length; i++)
            if (!await IsGood(c.Templates[i]))
            {
                rows.Add(Row(c, null, $"{{\"expect\":\"error\",\"index\":{i}}}"));
                return rows;
            }
        current = Build(c.Templates);
        foreach (var path in c.Paths)
            rows.Add(Row(c, path, await Ask(path)));
        return rows;
    }

    async Task<bool> IsGood(string template)
    {
        if (!templateIsGood.TryGetValue(template, out var good))
        {
            try
            {
                current = Build([template]);
                good = !(await Ask("/")).Contains("\"error\"") && RegexesCompile(template);
            }
            catch (Exception)
            {
                good = false;
            }
            templateIsGood[template] = good;
        }
        return good;
    }

    // Real routing compiles a pattern when it is first used; a template whose pattern is wrong is wrong all the same.
    static bool RegexesCompile(string template)
    {
        foreach (var part in Microsoft.AspNetCore.Routing.Patterns.RoutePatternFactory.Parse(template).ParameterPolicies)
            foreach (var policy in part.Value)
                if (policy.Content!.StartsWith("regex(", StringComparison.OrdinalIgnoreCase))
                    _ = new System.Text.RegularExpressions.Regex(policy.Content[6..^1]);
        return true;
    }

    static string Row(Case c, string? path, string answer)
    {
        var row = new StringBuilder("{\"templates\":").Append(JsonSerializer.Serialize(c.Templates, Plain));
        if (path != null)
            row.Append(",\"path\":").Append(JsonSerializer.Serialize(path, Plain));
        row.Append(',').Append(answer.AsSpan(1, answer.Length - 2));
        if (c.Difference != null)
            row.Append(",\"difference\":").Append(JsonSerializer.Serialize(c.Difference, Plain)).Append(",\"ours\":").Append(c.Ours);
        return row.Append('}').ToString();
    }

    // One request over the socket. Anything but 200 is what Kestrel refused by itself.
    async Task<string> Ask(string path)
    {
        if (wire == null)
        {
            var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            wire = client.GetStream();
        }
        await wire.WriteAsync(Encoding.UTF8.GetBytes($"GET {path} HTTP/1.1\r\nHost: oracle\r\n\r\n"));
        var head = await Line();
        var isOk = head.Contains(" 200 ");
        int length = 0;
        var isChunked = false;
        for (string line; (line = await Line()).Length > 0;)
        {
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(line[15..]);
            isChunked |= line.StartsWith("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase);
        }
        var body = new List<byte>();
        if (isChunked)
        {
            for (int n; (n = Convert.ToInt32(await Line(), 16)) > 0; await Line())
                for (var i = 0; i < n; i++)
                    body.Add(await Byte());
            await Line();
        }
        else
            for (var i = 0; i < length; i++)
                body.Add(await Byte());
        if (isOk)
            return Encoding.UTF8.GetString(body.ToArray());
        wire.Dispose();
        wire = null;
        return "{\"expect\":\"badpath\"}";
    }

    readonly byte[] one = new byte[1];

    async Task<byte> Byte()
    {
        if (await wire!.ReadAsync(one) == 0)
            throw new EndOfStreamException();
        return one[0];
    }

    async Task<string> Line()
    {
        var line = new StringBuilder();
        for (byte b; (b = await Byte()) != '\n';)
            if (b != '\r')
                line.Append((char)b);
        return line.ToString();
    }
}

// Template sets and paths that meet each other: few words, many shapes.
static class Generator
{
    static readonly string[] Words = ["a", "b", "api", "Api", "v1", "hook", "x-y", "file.txt", "12", "-3", "0", "true", "a.b", "a-b-c", "ab", "2.5", "{{}}", "é"];
    static readonly string[] Texts = ["a", "b", "A", "api", "API", "v1", "V1", "hook", "x-y", "file.txt", "12", "-3", "+3", "0", "true", "FALSE", "a.b", "a.b.c", "a-b-c", "a--b", "ab", "abc", "2.5",
        "1,000", "1e3", "99999999999", "9223372036854775808", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "%20", "a%20b", "%41", "a%2Fb", "%C3%A9", "%c3%89", "%7B%7D", "-", ".", "..", "%2e%2e", "~", "a%", "%zz", "a+b", "" ];
    static readonly string[] Constraints = ["int", "long", "guid", "bool", "decimal", "double", "float", "alpha", "min(2)", "max(12)", "range(1,12)", "length(2)", "length(1,3)", "minlength(2)", "maxlength(2)", "required",
        "file", "nonfile", "regex(^a)", "regex(^\\d+$)", "int:min(1)", "alpha:length(1,3)", "INT", "Alpha"];
    static readonly string[] Names = ["x", "y", "z", "id"];

    public static IEnumerable<Case> Cases(int seed)
    {
        var r = new Random(seed);
        for (var n = 0; n < 600; n++)
        {
            var templates = Enumerable.Range(0, 1 + r.Next(5)).Select(_ => Template(r)).Distinct().ToArray();
            var paths = Enumerable.Range(0, 6).Select(i => i < 4 ? Instance(r, templates[r.Next(templates.Length)]) : Path(r)).Distinct().ToArray();
            yield return new Case(templates, paths, null, null);
        }
        // Templates that are mostly wrong.
        for (var n = 0; n < 300; n++)
        {
            var t = new StringBuilder();
            for (var i = 1 + r.Next(8); i > 0; i--)
                t.Append(Pick(r, "{", "}", "{{", "}}", "/", "*", "?", ":", "=", "(", ")", "a", "x", "int", ".", "-", "{x}", "{y:int}", "{z?}", "~", "length(1,2)", ","));
            yield return new Case([t.ToString()], ["/", "/a", "/x", "/5", "/a.x"], null, null);
        }
        // Precedence: pairs and triples of two or three segments, all shapes against each other.
        string[] shapes = ["a", "{p}", "{p:int}", "a{p}", "{p}.{q}", "{p?}", "{p=d}", "{*p}", "{*p:nonfile}", "{p:alpha}"];
        for (var n = 0; n < 260; n++)
        {
            string Two(string first, string second) => first.Contains('*') ? first : first + "/" + second.Replace("{p", "{r").Replace("{q", "{s").Replace("{*p", "{*r");
            var templates = Enumerable.Range(0, 2 + r.Next(3)).Select(_ => Two(Pick(r, shapes), Pick(r, shapes))).Distinct().ToArray();
            yield return new Case(templates, ["/a/a", "/5/5", "/a", "/5", "/ab/x.y", "/x.y/7", "/q/q/q"], null, null);
        }
    }

    static string Pick(Random r, params string[] of) => of[r.Next(of.Length)];

    static string Parameter(Random r, List<string> free, bool optional)
    {
        var name = free[0];
        free.RemoveAt(0);
        var constraint = r.Next(2) == 0 ? ":" + Pick(r, Constraints) : "";
        var end = !optional ? "" : r.Next(3) switch { 0 => "?", 1 => "=" + Pick(r, "7", "d", "ab"), _ => "" };
        return "{" + name + constraint + end + "}";
    }

    static string Template(Random r)
    {
        var free = Names.OrderBy(_ => r.Next()).ToList();
        var segments = new List<string>();
        var count = r.Next(4) + (r.Next(8) == 0 ? 0 : 1);
        for (var i = 0; i < count && free.Count > 1; i++)
            segments.Add(r.Next(10) switch
            {
                < 5 => Pick(r, Words),
                < 8 => Parameter(r, free, i == count - 1 || r.Next(6) == 0),
                8 => Pick(r, "a", "x-", "") is var p && p.Length > 0 ? p + Parameter(r, free, false) + Pick(r, "", ".txt", "-b") : Parameter(r, free, false) + Pick(r, ".", "-", "..") + Parameter(r, free, false),
                _ => Parameter(r, free, false) + "." + "{" + free[0] + "?}",
            });
        if (r.Next(6) == 0)
            segments.Add("{" + Pick(r, "*", "**") + "rest" + Pick(r, "", "", ":int", ":nonfile", ":required", "=d") + "}");
        return (r.Next(8) == 0 ? "/" : "") + string.Join("/", segments) + (r.Next(10) == 0 && segments.Count > 0 ? "/" : "");
    }

    static string Path(Random r) => "/" + string.Join("/", Enumerable.Range(0, r.Next(5)).Select(_ => Pick(r, Texts))) + (r.Next(5) == 0 ? "/" : "");

    // A path that has a good chance of fitting the template.
    static string Instance(Random r, string template)
    {
        var path = new StringBuilder();
        var depth = 0;
        var plain = template.Replace("{{", "%7B").Replace("}}", "%7D").TrimStart('/');
        for (var i = 0; i < plain.Length; i++)
        {
            if (plain[i] == '{')
            {
                depth++;
                var inside = plain[i..];
                path.Append(inside.StartsWith("{*") ? Path(r).TrimStart('/')
                    : inside.Contains(":int") || inside.Contains("min(") || inside.Contains("range") ? Pick(r, "12", "5", "0", "-3", "x", "13")
                    : Pick(r, Texts));
            }
            else if (plain[i] == '}')
                depth--;
            else if (depth == 0)
                path.Append(r.Next(20) == 0 ? char.ToUpperInvariant(plain[i]) : plain[i]);
        }
        var text = path.ToString();
        if (r.Next(6) == 0 && text.LastIndexOf('/') is var cut and > 0)
            text = text[..cut];
        return "/" + text.Replace("é", "%C3%A9").Replace("É", "%C3%89") + (r.Next(8) == 0 ? "/" : "");
    }
}
