// The oracle of src/template: the real Octostache. Reads cases as JSON lines ("template", "variables", "haltOnError"),
// writes them with "output", "error" and "error_kind" as in tests/templates/cases.jsonl. Run it with TZ=UTC.
//
//     oracle < CASES.jsonl > answers.jsonl
//     oracle bench CASE.json          ns per Evaluate, the text's parse cached and the text new each time
using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Octostache;

static class Program
{
    static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    static VariableDictionary Bind(JsonNode variables)
    {
        var set = new VariableDictionary();
        foreach (var v in variables?.AsObject() ?? new JsonObject())
            set.Set(v.Key, v.Value?.ToString());
        return set;
    }

    static JsonObject Answer(JsonNode line)
    {
        string output = null, error = null, kind = null;
        var halts = line["haltOnError"] == null || (bool)line["haltOnError"];
        try
        {
            output = Bind(line["variables"]).Evaluate((string)line["template"], out error, halts);
            if (error != null)
                kind = error.StartsWith("The following tokens were unable") ? "missing" : "parse";
        }
        catch (Exception e)
        {
            (output, error, kind) = (null, e.GetType().Name + ": " + e.Message, "exception");
        }
        var answer = line.DeepClone().AsObject();
        answer["output"] = output;
        answer["error"] = error;
        answer["error_kind"] = kind;
        return answer;
    }

    // The best of many short stretches: on a busy machine a long one says how busy it was.
    static double NanosecondsPerCall(Action<int> call)
    {
        var clock = Stopwatch.StartNew();
        for (var i = 0; clock.ElapsedMilliseconds < 1500; i++)
            call(i);
        var best = double.MaxValue;
        for (var stretch = 0; stretch < 200; stretch++)
        {
            var begin = clock.ElapsedTicks;
            var n = 0;
            for (; n == 0 || clock.ElapsedTicks - begin < Stopwatch.Frequency / 200; n++)
                call(1_000_000 + stretch * 100_000 + n);
            best = Math.Min(best, (clock.ElapsedTicks - begin) * 1e9 / Stopwatch.Frequency / n);
        }
        return best;
    }

    static int Main(string[] args)
    {
        if (args.Length == 2 && args[0] == "bench")
        {
            var one = JsonNode.Parse(File.ReadLines(args[1]).First());
            var (set, text) = (Bind(one["variables"]), (string)one["template"]);
            Console.WriteLine($"cached {NanosecondsPerCall(_ => set.Evaluate(text)):F0}");
            Console.WriteLine($"new {NanosecondsPerCall(i => set.Evaluate(text + i)):F0}");
            return 0;
        }
        using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        using var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false));
        for (string line; (line = input.ReadLine()) != null;)
        {
            if (line == "")
                continue;
            // Nested blocks without an end take the original exponential time.
            var answer = Task.Run(() => Answer(JsonNode.Parse(line)));
            if (answer.Wait(5000))
                output.WriteLine(answer.Result.ToJsonString(Plain));
        }
        return 0;
    }
}
