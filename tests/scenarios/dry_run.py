"""What a reaction would do with an event, and nothing of it happens: the verdict, the request, the script with its writes withheld."""
from harness import *

sample = Sample()
arrived = []


def came(method, path, body):
    arrived.append((method, path))
    return 200, '{"answer": 42}'


target = Target(came)
here = target.url

s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port},127.0.0.1:{target.port}"})
s.connect(sample)
s.trigger("hook")
s.trigger("other")
key = s.new_key()
s.wait_ready()


def test(reaction, body):
    return s.post(f"/api/reactions/{reaction}/test", body)


def nothing_was_made():
    return (s.get("/api/runs").json["TotalResults"], s.get("/api/events?source=external").json["TotalResults"])


# ---- an HTTP action on an Octopus event ----
s.must(s.post("/api/reactions", {
    "Name": "tell", "Trigger": {"Type": "Internal", "Events": ["DeploymentStarted"]}, "Filter": {"Projects": ["Core Web"], "Environments": ["Production"]},
    "Action": {"Type": "Http", "Method": "POST", "Uri": here + "/deployments", "Headers": [{"Name": "Api-Key", "Value": "#{Api.Key}"}],
               "Body": "{\"project\": \"#{Octopus.Project.Name | JsonEscape}\", \"key\": \"#{Api.Key | JsonEscape}\"}", "ContentType": "application/json"},
    "Variables": [{"Name": "Api.Key", "Value": "very-secret-value", "IsSensitive": True}]}))
projects = {p["Name"]: p["Id"] for p in sample.get("/api/Spaces-1/projects?take=1000").json["Items"]}
environments = {e["Name"]: e["Id"] for e in sample.get("/api/Spaces-1/environments?take=1000").json["Items"]}
core, production = projects["Core Web"], environments["Production"]
started = {"Category": "DeploymentStarted", "RelatedDocumentIds": ["Deployments-1", core, environments["Production"]]}
r = test("tell", {"Event": started})
check("a given Octopus event matches", (r.status, r.json.get("Matched"), r.json.get("Verdict")), (200, True, "Matched"))
request = r.json.get("Request") or {}
check("the request is rendered", (request.get("Method"), request.get("Uri")), ("POST", here + "/deployments"))
check("with the names that Octopus has", request.get("Body"), has('"project": "Core Web"'))
check("and its secrets masked", ("very-secret-value" in r.text, [h["Value"] for h in request.get("Headers", []) if h["Name"] == "Api-Key"]), (False, ["********"]))
check("it has no script", r.json.get("Script", "absent"), None)
r = test("tell", {"Event": {**started, "RelatedDocumentIds": ["Deployments-1", core, [i for n, i in environments.items() if n != "Production"][0]]}})
parts = {p["Part"]: p["Passed"] for p in r.json.get("Parts", [])}
check("another environment does not match, and that part says so", (r.json.get("Matched"), parts.get("Environments"), r.json.get("Request")), (False, False, None))
r = test("tell", {"Event": {"Payload": {"a": 1}, "Source": "External"}})
check("an external event is none of its own", (r.json.get("Matched"), [p["Part"] for p in r.json.get("Parts", [])]), (False, ["Source"]))
check("nothing was sent", arrived, [])

# ---- a stored event ----
sample.post("/sample/events", {"Category": "DeploymentStarted", "RelatedDocumentIds": ["Deployments-1", core, production], "Message": "x", "Count": 1})
stored = until(lambda: s.get("/api/events?source=internal&type=DeploymentStarted").json["Items"])
until(lambda: s.get("/api/runs").json["TotalResults"] == 1 and arrived)
runs, arrived[:] = s.get("/api/runs").json["TotalResults"], []
r = test("tell", {"EventId": stored[0]["Id"]})
check("a stored Octopus event is taken by its id", (r.json.get("Matched"), bool(r.json.get("Request"))), (True, True))
r = test("tell", {"EventId": stored[0]["OctopusEventId"]})
check("or by Octopus's own", r.json.get("Matched"), True)
check("neither made a run nor sent anything", (s.get("/api/runs").json["TotalResults"], arrived), (runs, []))

# ---- a script ----
s.reaction("""
    $project = Get-OctopusProject 'Core Web'
    Write-Host "found $($project.Name)"
    $release = New-OctopusRelease -Project $project.Id -Version '77.0.0'
    Invoke-OctopusApi "machines/Machines-1" -Method DELETE | Out-Null
    $posted = Invoke-RestMethod -Method Post -Uri "$($Payload.url)/post?token=1" -Body '{"x":1}' -ContentType application/json
    $got = Invoke-RestMethod -Uri "$($Payload.url)/get"
    [pscustomobject]@{ Answer = $got.answer; Release = $release.Version; Posted = [bool]$posted }
""", name="script", Identity="bot")
made = nothing_was_made()
r = test("script", {"Event": {"url": here}})
script = r.json.get("Script") or {}
calls = [(c["Method"], c["Withheld"]) for c in script.get("ApiCalls", [])]
check("a payload alone is an event for an external reaction", (r.status, r.json.get("Matched")), (200, True))
check("the script ran to its end", (script.get("Outcome"), script.get("ErrorMessage")), ("Succeeded", None))
check("its output", script.get("Output"), [{"Answer": 42, "Release": "77.0.0", "Posted": False}])
check("its log", "\n".join(line["Text"] for line in script.get("Log", [])), has("found Core Web", "was not sent"))
check("reads went through", ("GET", False) in calls, True)
check("every write was withheld", sorted(c for c in calls if c[0] != "GET"), [("DELETE", True), ("POST", True), ("POST", True)])
check("what would have been sent is shown", [c.get("Body", {}).get("Version") for c in script.get("ApiCalls", []) if c["Path"].endswith("releases") or "releases?" in c["Path"]], lambda got: "77.0.0" in got)
check("a token in a URL is not", "token=1" in json.dumps(script.get("ApiCalls")), False)
check("Octopus has no such release", [x for x in sample.get("/api/Spaces-1/releases?take=1000").json["Items"] if x["Version"] == "77.0.0"], [])
check("only the read arrived", arrived, [("GET", "/get")])
check("nothing was stored", nothing_was_made(), made)

# ---- no other way out ----
arrived[:] = []
port = target.port
s.reaction(f"""
    try {{ $c = [Net.Sockets.TcpClient]::new('127.0.0.1', {port}); $b = [Text.Encoding]::ASCII.GetBytes("GET /socket HTTP/1.0`r`n`r`n"); $c.GetStream().Write($b, 0, $b.Length); Start-Sleep -Milliseconds 200; 'out' }} catch {{ 'kept in' }}
    & /bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && printf "GET /bash HTTP/1.0\\r\\n\\r\\n" >&3' 2>$null
    $global:LASTEXITCODE = 0
""", name="socket")
r = test("socket", {"Event": {}})
warned = any("direct sockets" in w for w in r.json.get("Warnings", []))
if warned:
    skip("no way out by a socket", "this machine gives a process no network of its own; the result says so")
else:
    check("no way out by a socket", (r.json["Script"]["Output"], [x for x in arrived if x[1] in ("/socket", "/bash")]), (["kept in"], []))

# ---- what goes wrong ----
check("neither an id nor an event", test("tell", {}).status, 400)
check("both", test("tell", {"EventId": "Events-1", "Event": {}}).status, 400)
check("an unknown field is refused", test("tell", {"Event": started, "Evnt": 1}).errors, has("Evnt"))
check("an event that is not there", test("tell", {"EventId": "Events-99999999"}).errors, has("Events-99999999"))
check("an unknown field of a given event", test("script", {"Event": {"Source": "External", "Payload": {}, "Paylod": 1}}).errors, has("Event.Paylod"))
check("a reaction that is not there", test("nobody", {"Event": {}}).status, 404)
s.reaction("throw 'no luck'", name="thrower")
r = test("thrower", {"Event": {}})
check("a script that throws says so", (r.json["Script"]["Outcome"], r.json["Script"]["ErrorMessage"]), lambda t: t[0] == "Failed" and "no luck" in t[1])
s.must(s.post("/api/reactions", {"Name": "undefined", "Trigger": {"Type": "Internal", "Events": ["DeploymentStarted"]}, "Action": {"Type": "Http", "Uri": here + "/#{Nothing.Here}"}}))
r = test("undefined", {"Event": started})
check("a request that could not be rendered is a warning", (r.json.get("Request"), " ".join(r.json.get("Warnings", []))), lambda t: t[0] is None and "Nothing.Here" in t[1])

# ---- the command ----
path = os.path.join(s.home, "event.json")
with open(path, "w") as f:
    json.dump(started, f)
code, out, err = s.cli("test", "tell", "--event", path)
check("the command tells it", (code, out), lambda t: t[0] == 0 and "matched   yes" in t[1] and "POST " + here in t[1] and "very-secret" not in t[1])
code, out, err = s.cli("test", "tell", "--event", stored[0]["Id"], "--output", "json")
check("as JSON too, by id", (code, json.loads(out or "{}").get("Matched")), (0, True))
check("without an event it is wrong usage", s.cli("test", "tell")[0], 2)
finish()
