"""$OctopusRepository: Octopus's own .NET client in a script. The package is not to be had where this is tested, so an assembly of the
same name and types, built here, stands in for it: it makes its requests with HttpClient, as the real one does."""
import hashlib, shutil
from harness import *

CLIENT = """
using System.Net.Http;
using System.Text;

namespace Octopus.Client;

public record OctopusServerEndpoint(string OctopusServer, string ApiKey);

public class OctopusRepository
{
    readonly HttpClient http = new();

    public OctopusServerEndpoint Endpoint { get; }

    public OctopusRepository(OctopusServerEndpoint endpoint)
    {
        Endpoint = endpoint;
        http.DefaultRequestHeaders.Add("X-Octopus-ApiKey", endpoint.ApiKey);
        http.DefaultRequestHeaders.Add("User-Agent", "OctopusClient-dotnet/14.3");
        http.DefaultRequestHeaders.Add("Accept-Encoding", "gzip");
    }

    public string Get(string path) => Send(new(HttpMethod.Get, Endpoint.OctopusServer + path));

    public string Post(string path, string json) =>
        Send(new(HttpMethod.Post, Endpoint.OctopusServer + path) { Content = new StringContent(json, Encoding.UTF8, "application/json") });

    string Send(HttpRequestMessage request)
    {
        using HttpResponseMessage got = http.Send(request);
        return (int)got.StatusCode + " " + got.Content.ReadAsStringAsync().Result;
    }
}
"""
PROJECT = '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>'

sample = Sample()
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
s.connect(sample)
os.chmod(s.home, 0o755)
built, modules = folder(), os.path.join(s.data, "modules", "Spaces-1")
for name, text in (("Octopus.Client.csproj", PROJECT), ("Client.cs", CLIENT)):
    with open(os.path.join(built, name), "w") as f:
        f.write(text)
done = subprocess.run(["dotnet", "build", built, "-c", "Release", "-o", os.path.join(built, "out"), "-v:quiet", "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false"], capture_output=True, text=True, timeout=300)
check("the assembly is built", (done.returncode, (done.stdout + done.stderr)[-600:]), lambda t: t[0] == 0)
os.makedirs(modules, exist_ok=True)
os.chmod(modules, 0o755)
assembly = os.path.join(modules, "Octopus.Client.dll")
shutil.copyfile(os.path.join(built, "out", "Octopus.Client.dll"), assembly)
os.chmod(assembly, 0o644)
with open(assembly, "rb") as f:
    listed = [{"Name": "Octopus.Client.dll", "Sha256": hashlib.sha256(f.read()).hexdigest()}]
check("scripts are ready", s.wait_ready())


def run(name, script, action=None, identity="bot"):
    s.trigger(name, Route=name)
    s.reaction(script, name, name, {"OctopusClient": True, "Modules": listed, **(action or {})}, Identity=identity)
    return s.run_of(s.fire({}, name, s.new_key(name)))


def calls(x):
    return [(c["Method"], c["Path"], c["Status"]) for c in x["Attempts"][0]["ApiCalls"]]


project = sample.call("GET", "/api/Spaces-1/projects/web-shop").json
x = first = run("reads", "$got = $OctopusRepository.Get('/api/Spaces-1/projects/web-shop'); $got.Substring(0, 3); ($got.Substring(4) | ConvertFrom-Json).Id; $OctopusRepository.GetType().FullName")
check("the client reads with the identity's rights", (x["State"], x["Output"], x["ErrorMessage"]), ("Succeeded", ["200", project["Id"], "Octopus.Client.OctopusRepository"], None))
check("the call stands in the run", calls(x), [("GET", "/api/Spaces-1/projects/web-shop", 200)])
x = run("writes", "$OctopusRepository.Post('/api/Spaces-1/releases', '%s').Substring(0, 3)" % json.dumps({"ProjectId": project["Id"], "Version": "7.7.7", "SelectedPackages": []}))
answer = (x["Output"] or [""])[0]
check("what Octopus refuses reaches the client as Octopus says it, and the run", (x["State"], answer, calls(x)), lambda t: t[0] == "Succeeded" and t[2] == [("POST", "/api/Spaces-1/releases", int(t[1]))])
x = run("creates", r"""
$template = Invoke-OctopusApi -Method GET -Path '/api/Spaces-1/projects/web-shop'
$process = Invoke-OctopusApi -Method GET -Path "/api/Spaces-1/deploymentprocesses/$($template.DeploymentProcessId)/template"
$release = @{ ProjectId = $template.Id; Version = '7.7.8'; SelectedPackages = @($process.Packages | ForEach-Object { @{ ActionName = $_.ActionName; PackageReferenceName = $_.PackageReferenceName; Version = '2.4.1' } }) }
$got = $OctopusRepository.Post('/api/Spaces-1/releases', ($release | ConvertTo-Json -Depth 5)); $got.Substring(0, 3)
""")
made = [c for c in x["Attempts"][0]["ApiCalls"] if c["Method"] == "POST"]
check("a release that the client made is there, and the run knows its id", (x["State"], x["Output"], x["ErrorMessage"], [(c["Status"], len(c["Created"])) for c in made]), ("Succeeded", ["201"], None, [(201, 1)]))
check("... in Octopus too", sample.call("GET", f"/api/Spaces-1/releases/{made[0]['Created'][0] if made and made[0]['Created'] else 'none'}").json.get("Version"), "7.7.8")

x = run("tells", "$e = $OctopusRepository.Endpoint; $e.OctopusServer; $e.ApiKey; ($e.ApiKey.ToCharArray() -join '.'); (Get-ChildItem Env: | Out-String).Contains($e.ApiKey)")
url, masked, spelt, in_environment = (x["Output"] or [None] * 4)
token = (spelt or "").replace(".", "")
check("the address is on this machine, the token no key of anything else", (x["State"], url, token), lambda t: t[0] == "Succeeded" and t[1].startswith("http://127.0.0.1:") and len(t[2]) == 64 and SAMPLE_KEY not in t[2])
check("the token is masked where it is told, and in no environment", (masked == token, in_environment), (False, False))
port = int((url or "http://127.0.0.1:1").rsplit(":", 1)[1])
for label, sent in (("the token of a run that is over", token), ("no token", ""), ("another", "0" * 64), ("the identity's key", SAMPLE_KEY + "-BOT")):
    check(f"{label} opens nothing", http_call(port, "GET", "/api/Spaces-1/projects", None, {"X-Octopus-ApiKey": sent} if sent else {}).status, 401)
x = run("elsewhere", "$OctopusRepository.Get('//example.com/api'); $OctopusRepository.Get('/api/../api/users/me').Substring(0, 3)")
check("only a path, whatever the client asks for", (x["Output"] or [""])[0], lambda t: t.startswith("502") and "one slash" in t)

x = run("unasked", "$null -eq $OctopusRepository", {"OctopusClient": False})
check("unasked it is not there", (x["State"], x["Output"]), ("Succeeded", [True]))
x = run("unlisted", "1", {"Modules": []})
check("without the assembly the run says what to list", (x["State"], x["ErrorMessage"]), lambda t: t[0] == "Failed" and "Octopus.Client.dll" in t[1])
x = run("nobody", "$null -eq $OctopusRepository", identity=None)
check("without an identity there is none", (x["State"], x["Output"]), ("Succeeded", [True]))
tried = s.post("/api/reactions/reads/test", {"EventId": first["EventId"]})
check("a dry run says that it has none", (tried.json or {}).get("Warnings"), lambda t: any("$OctopusRepository" in w for w in t or []))
finish()
