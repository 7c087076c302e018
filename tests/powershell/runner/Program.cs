// CaseRunner: runs every case of a file in runspaces as the product's workers open them, with the bundled engine.
// See run-cases.
//
//   CaseRunner CASES OUT URL
//   CaseRunner --bench RUNS     what a run costs with and without our commands, as a line of JSON (bench/run commands)

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Net;
using System.Text.Json.Nodes;
using System.Threading;
using Reactions.PowerShell;

const int StackBytes = 16 << 20, CaseMilliseconds = 60_000;

if (args is ["--bench", var runs])
{
    Console.WriteLine(Bench.Compare(int.Parse(runs)).ToJsonString());
    return 0;
}
if (args.Length != 3)
{
    Console.Error.WriteLine("usage: CaseRunner CASES OUT URL");
    return 2;
}
string cases = args[0], to = args[1], url = args[2];

// Cases may reach their server and nothing else. Port 1, where nobody listens, is how they see a refused connection.
var server = new Uri(url);
WebPolicy.Allows = (host, address, port) => IPAddress.IsLoopback(address) && (port == server.Port || port == 1);

string root = Directory.CreateTempSubdirectory("cases-").FullName;
var engine = new BundledEngine();
Oracle.NewRunspace = () =>
{
    Runspace space = engine.Open(new ScriptHost(), root);
    // Workers start scripts with preferences of their own; the cases were recorded with those PowerShell starts with.
    space.SessionStateProxy.SetVariable("ErrorActionPreference", ActionPreference.Continue);
    space.SessionStateProxy.SetVariable("VerbosePreference", ActionPreference.SilentlyContinue);
    return space;
};

var results = new List<string>();
try
{
    foreach (string line in File.ReadLines(cases).Where(line => line.Trim() != "")) results.Add(RunOne(line));
}
finally
{
    File.WriteAllLines(to, results);
    Directory.Delete(root, true);
}
Environment.Exit(0);    // whatever threads scripts left behind
return 0;

// On a thread of its own, with a stack like a worker's. A case that does not end is reported and left to itself.
string RunOne(string line)
{
    string result = null;
    var thread = new Thread(() => result = Oracle.RunLine(line, root, url, null, CaseMilliseconds), StackBytes) { IsBackground = true };
    thread.Start();
    if (thread.Join(CaseMilliseconds)) return result;
    JsonNode given = JsonNode.Parse(line);
    return new JsonObject { ["id"] = (string)given["id"], ["group"] = (string)given["group"], ["script"] = (string)given["script"], ["harness_error"] = "the case did not end" }.ToJsonString();
}
