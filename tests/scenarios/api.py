"""The management API: every route, its envelope, its refusals, and that secrets go in and never come out."""
import json, re, time
from harness import *

s = Server()
sample = Sample()
SECRET = "s3cr3t-Wert-0815"

# ---- the root, who may ask ----
root = s.get("/api", key=None)
check("the root is for anyone", (root.status, root.json.get("Application"), "Version" in root.json), (200, "Octopus Reactions", True))
check("the root links to what there is", [x for x in ("reactions", "triggers", "events", "runs", "spaces") if x not in root.json["Links"]], [])
check("a slash behind it does not matter", s.get("/api/", key=None).status, 200)
api = s.get("/api/openapi.json").json
routes = [(m.upper(), p) for p, ms in api["paths"].items() for m in ms]
check("the description lists the routes", len(routes) > 50)
for method, path in routes:
    where = re.sub(r"\{[^}]+\}", "1", path)
    if path != "/api":
        check(f"{method} {path} needs a key", (s.call(method, where, key=None).status, s.call(method, where, key="RXA-wrong").status), (401, 401))
check("a bearer key is taken too", s.get("/api/reactions", key=None, headers={"Authorization": "Bearer " + s.key}).status, 200)
check("an unknown path is 404", s.get("/api/nothing").status, 404)
check("a wrong method is 405", s.call("DELETE", "/api/runs").status, 405)
check("errors have one form", sorted(s.get("/api/nothing").json), ["ErrorMessage", "Errors"])
check("answers are not cached", s.get("/api/reactions").headers["Cache-Control"], "no-store")
check("a body that is no JSON is refused with its place", (lambda r: (r.status, "line 1" in r.errors))(s.post("/api/triggers", b"{", headers={"Content-Type": "application/json"})), (400, True))
check("a body that is no object is refused", s.post("/api/triggers", [1]).status, 400)
check("no body is refused", s.post("/api/triggers").status, 400)

# ---- the sample's objects ----
conn = s.post("/api/connections", {"Name": "octopus", "Url": sample.url, "ReaderKey": SECRET + "-reader"})
check("a connection is created", conn.status, 201)
ident = s.post("/api/identities", {"Name": "bot", "ApiKey": SECRET + "-identity"})
check("an identity is created", (ident.status, ident.json.get("Connection")), (201, "octopus"))
secret = s.post("/api/secrets", {"Name": "feed-key", "Value": SECRET + "-secret"})
check("a secret is created", secret.status, 201)
trig = s.post("/api/triggers", {"Name": "My Hook", "Route": "my-hook"})
check("a trigger is created with its slug", (trig.status, trig.json.get("Slug")), (201, "my-hook"))
body = {"Name": "First one", "Trigger": {"Type": "External", "Name": "my-hook"}, "Identity": "bot",
        "Action": {"Type": "PowerShell", "Script": "'hello'"}, "Variables": [{"Name": "Token", "Value": SECRET + "-variable", "IsSensitive": True}, {"Name": "Plain", "Value": "seen"}, {"Name": "Feed", "Secret": "feed-key"}]}
check("scripts can be checked", s.wait_ready())
reac = s.post("/api/reactions", body)
check("a reaction is created", (reac.status, reac.json.get("Slug"), reac.json.get("Revision")), (201, "first-one", 1))
space = s.post("/api/spaces", {"Name": "Second"})
check("a space is created", (space.status, space.json.get("Slug")), (201, "second"))

for body in ({"Name": "Events"}, {"Name": "x", "Slug": "reactions"}, {"Name": "spaces 7"}):
    r = s.post("/api/spaces", body)
    check(f"a space that would stand in a collection's or an id's way is refused: {body}", (r.status, "Slug: " in r.errors), (400, True))
r = s.post("/api/triggers", {"Name": "Triggers 7", "Route": "t7"})
check("... a trigger too", (r.status, "Slug: " in r.errors), (400, True))
made = {"connections": conn, "identities": ident, "secrets": secret, "triggers": trig, "reactions": reac, "spaces": space}
for collection, r in made.items():
    o = r.json
    path = f"/api/{collection}/{o['Id']}"
    check(f"{collection}: an id of its kind", re.fullmatch(r"[A-Z][A-Za-z]+-\d+", o["Id"]) is not None)
    check(f"{collection}: links to itself", o["Links"]["Self"], path)
    check(f"{collection}: creation gives an ETag", r.headers["ETag"] is not None)
    got = s.get(path)
    moving = {"Reactions": 0, "State": None, "Checked": None}  # what goes its own way meanwhile
    check(f"{collection}: reading gives the same", (got.status, {**got.json, **moving}), (200, {**o, **moving}))
    check(f"{collection}: by the other case too", s.get(path.lower()).status, 200)
    by_name = o.get("Slug") or o["Name"]
    check(f"{collection}: read by slug or name", s.get(f"/api/{collection}/{by_name}").json.get("Id"), o["Id"])
    check(f"{collection}: what is not there is 404", (s.get(f"/api/{collection}/{o['Id']}999").status, s.get(f"/api/{collection}/nothing-here").status), (404, 404))
    back = s.put(path, got.json)
    check(f"{collection}: what GET returned may be sent back", (back.status, back.errors if back.status != 200 else ""), (200, ""))
    check(f"{collection}: ... and changes nothing", {**back.json, **moving}, {**got.json, **moving})
    etag = s.get(path).headers["ETag"]
    check(f"{collection}: a stale If-Match is 412", s.put(path, got.json, headers={"If-Match": '"999"'}).status, 412)
    check(f"{collection}: nonsense as If-Match is 412", s.put(path, got.json, headers={"If-Match": "x"}).status, 412)
    check(f"{collection}: the right If-Match is taken", s.put(path, got.json, headers={"If-Match": etag}).status, 200)
    check(f"{collection}: a delete with a stale If-Match is 412", s.delete(path, headers={"If-Match": etag + "0"}).status, 412)
    r = s.put(path, {**got.json, "Unexpected": 1})
    check(f"{collection}: an unknown field is refused by its path", (r.status, "Unexpected" in r.errors), (400, True))
    r = s.put(path, {**{k: v for k, v in got.json.items() if k != "Name"}, "Nam": "x"})
    check(f"{collection}: ... with what may have been meant", r.errors, has("Nam", "did you mean", "Name"))
    r = s.put(path, {**got.json, "Name": 5})
    check(f"{collection}: a wrong type is refused by its path", (r.status, "Name" in r.errors), (400, True))
    r = s.put(path, {k: v for k, v in got.json.items() if k != "Name"})
    check(f"{collection}: a missing name is refused", (r.status, "Name" in r.errors), (400, True))
    check(f"{collection}: nothing of that was saved", s.get(path).json.get("Name"), o["Name"])
    page = s.get(f"/api/{collection}").json
    check(f"{collection}: the list has its envelope", [m for m in ("ItemType", "TotalResults", "ItemsPerPage", "NumberOfPages", "LastPageNumber", "Items", "Links") if m not in page], [])
    check(f"{collection}: it is in the list", o["Id"] in [i["Id"] for i in page["Items"]])
    check(f"{collection}: 30 a page", page["ItemsPerPage"], 30)
    check(f"{collection}: over 1000 is 1000", s.get(f"/api/{collection}?take=5000").json["ItemsPerPage"], 1000)
    check(f"{collection}: a negative take is refused", (s.get(f"/api/{collection}?take=-1").status, s.get(f"/api/{collection}?skip=x").status), (400, 400))
    if collection != "spaces":
        check(f"{collection}: SpaceId", o["SpaceId"], "Spaces-1")
        for name in ("Spaces-1", "default"):
            check(f"{collection}: below its space {name}", s.get(f"/api/{name}/{collection}/{o['Id']}").json.get("Id"), o["Id"])
        check(f"{collection}: not below another space", (s.get(f"/api/second/{collection}/{o['Id']}").status, s.get(f"/api/second/{collection}").json["Items"]), (404, []))
        check(f"{collection}: no such space", s.get(f"/api/Spaces-99/{collection}").status, 404)
        taken = s.post(f"/api/{collection}", {k: v for k, v in got.json.items() if k not in ("Id", "Links", "ReaderKey", "ApiKey", "Value", "Variables")})
        check(f"{collection}: the same name twice is refused", taken.status, 409)

# ---- secrets in, never out ----
for path, field in ((f"/api/connections/{conn.json['Id']}", "ReaderKey"), (f"/api/identities/{ident.json['Id']}", "ApiKey"), (f"/api/secrets/{secret.json['Id']}", "Value")):
    o = s.get(path).json
    check(f"{field} reads as HasValue", o[field], {"HasValue": True})
    check(f"{field}: sending that back keeps it", s.put(path, o).json[field], {"HasValue": True})
    check(f"{field}: leaving it out keeps it", s.put(path, {k: v for k, v in o.items() if k != field}).json[field], {"HasValue": True})
    check(f"{field}: null removes it", s.put(path, {**o, field: None}).json[field], None)
    r = s.put(path, {**o, field: {"HasValue": True}})
    check(f"{field}: what is not there cannot be kept", (r.status, field in r.errors), (400, True))
    r = s.put(path, {**o, field: 5})
    check(f"{field}: a number is no secret", (r.status, field in r.errors), (400, True))
    check(f"{field}: a new text is a new value", s.put(path, {**o, field: SECRET + "-again"}).json[field], {"HasValue": True})
rp = f"/api/reactions/{reac.json['Id']}"
v = s.get(rp).json["Variables"]
check("a sensitive variable reads as HasValue", v[0]["Value"], {"HasValue": True})
check("a plain one as it is", v[1]["Value"], "seen")
turned = {**s.get(rp).json, "Variables": [v[1], v[0]]}
check("variables in another order keep their secrets", s.put(rp, turned).json.get("Variables", [{}, {}])[1].get("Value"), {"HasValue": True})
check("a sensitive one cannot be made plain to be read", s.put(rp, {**turned, "Variables": [{**v[0], "IsSensitive": False}]}).status, 400)
for path in ("connections", "identities", "secrets", "reactions", "triggers", "spaces", "audit", "settings", "status"):
    check(f"no secret is told by {path}", SECRET in s.get(f"/api/{path}?take=1000").text, False)
check("... nor by revisions", SECRET in s.get(rp + "/revisions").text, False)
check("... nor kept readable on disk", [n for n, c in s.stored_bytes().items() if SECRET.encode() in c], [])

# ---- refusals that teach ----
def refuses(claim, path, sent, status, *parts):
    r = s.post(path, sent)
    check(claim + ": status", r.status, status)
    check(claim + ": it says why", r.errors, has(*parts))
http_action = {"Name": "x", "Trigger": {"Type": "External", "Name": "my-hook"}, "Action": {"Type": "Http", "Method": "POST", "Uri": "https://api.example.com/"}}
refuses("External with Http is refused", "/api/reactions", http_action, 400, "pass-through")
base = {"Name": "x", "Trigger": {"Type": "External", "Name": "my-hook"}, "Action": {"Type": "PowerShell", "Script": "1"}}
refuses("a script with a syntax error has its line and column", "/api/reactions", {**base, "Action": {"Type": "PowerShell", "Script": "'fine'\nif (1) {\n"}}, 400, "Action.Script", "line 2", "column")
refuses("an unknown trigger is named", "/api/reactions", {**base, "Trigger": {"Type": "External", "Name": "nope"}}, 400, "Trigger.Name", "nope")
refuses("an unknown identity is named", "/api/reactions", {**base, "Identity": "nope"}, 400, "Identity", "nope")
refuses("an unknown secret is named", "/api/reactions", {**base, "Variables": [{"Name": "a", "Secret": "nope"}]}, 400, "Variables[0].Secret", "nope")
refuses("a deep unknown field has its path", "/api/reactions", {**base, "Action": {**base["Action"], "Scirpt": ""}}, 400, "Action.Scirpt", "did you mean", "Script")
refuses("a deep wrong type has its path", "/api/reactions", {**base, "Filter": {"Projects": "Web"}}, 400, "Filter.Projects")
refuses("a list's wrong element has its path", "/api/reactions", {**base, "Filter": {"Projects": ["a", 5]}}, 400, "Filter.Projects[1]")
refuses("a missing action is named", "/api/reactions", {k: x for k, x in base.items() if k != "Action"}, 400, "Action")
refuses("a timeout out of range", "/api/reactions", {**base, "Action": {**base["Action"], "TimeoutSeconds": -1}}, 400, "Action.TimeoutSeconds")
refuses("a module without its hash", "/api/reactions", {**base, "Action": {**base["Action"], "Modules": [{"Name": "A.dll"}]}}, 400, "Action.Modules[0]")
refuses("a module outside its folder", "/api/reactions", {**base, "Action": {**base["Action"], "Modules": [{"Name": "../A.dll", "Sha256": "0" * 64}]}}, 400, "Action.Modules[0].Name")
refuses("a broken route", "/api/triggers", {"Name": "r", "Route": "a/{b"}, 400, "Route")
refuses("a route that clashes", "/api/triggers", {"Name": "r", "Route": "MY-hook"}, 409, "my-hook")
s.must(s.post("/api/triggers", {"Name": "With parameter", "Route": "p/{a}/{b:int}"}))
refuses("a parameter that clashes", "/api/triggers", {"Name": "r", "Route": "P/{x}/{y:int}"}, 409, "with-parameter")
check("a longer route is another", s.post("/api/triggers", {"Name": "r", "Route": "my-hook/{x}"}).status, 201)
s.must(s.post("/api/second/triggers", {"Name": "Theirs very private", "Route": "shared/{a}"}))
r = s.post("/api/triggers", {"Name": "ours", "Route": "shared/{b}"})
check("a clash across spaces names no owner", (r.status, "private" in r.text.lower(), "another trigger" in r.errors), (409, False, True))
refuses("a wrong source net", "/api/triggers", {"Name": "r", "Route": "r1", "Authentication": {"Sources": ["10.0.0.0/99"]}}, 400, "Authentication.Sources[0]")
refuses("a url with no host", "/api/second/connections", {"Name": "c", "Url": "nonsense"}, 400, "Url")
refuses("a second connection of a space", "/api/connections", {"Name": "c2", "Url": "https://x.example"}, 409, "connection already")
refuses("an identity where there is no connection", "/api/second/identities", {"Name": "i", "ApiKey": "x"}, 400, "connection")
check("what is used is not deleted: trigger", (lambda r: (r.status, "First one" in r.errors))(s.delete("/api/triggers/my-hook")), (409, True))
check("what is used is not deleted: identity", s.delete("/api/identities/bot").status, 409)
s.must(s.put(rp, {**s.get(rp).json, "Variables": [{"Name": "Feed", "Secret": "feed-key"}]}))
check("what is used is not deleted: secret", s.delete("/api/secrets/feed-key").status, 409)
check("what is used is not deleted: connection", s.delete("/api/connections/octopus").status, 409)
check("what is used is not deleted: space", s.delete("/api/spaces/second").status, 409)
check("the first space stays", s.delete("/api/spaces/Spaces-1").status, 409)

# ---- revisions ----
now = s.get(rp).json["Revision"]
check("a change makes a revision", s.put(rp, {**s.get(rp).json, "Description": "d"}).json["Revision"], now + 1)
check("no change makes none", s.put(rp, s.get(rp).json).json["Revision"], now + 1)
revs = s.get(rp + "/revisions").json
check("revisions are listed, newest first", [x["Number"] for x in revs["Items"]], list(range(now + 1, 0, -1)))
one = s.get(rp + "/revisions/1").json
check("the first is as it was", (one["Definition"]["Name"], one["State"], one["Definition"]["Variables"][0]["Name"]), ("First one", "Superseded", "Token"))
r = s.post(rp + "/revisions/1/restore")
check("an old one is restored as a new one", (r.status, r.json.get("Revision"), len(r.json.get("Variables", []))), (200, now + 2, 3))
check("no such revision", (s.get(rp + "/revisions/99").status, s.get(rp + "/revisions/x").status), (404, 404))

# ---- flags ----
for verb, member, value in (("disable", "Enabled", False), ("enable", "Enabled", True), ("pause", "Paused", True), ("resume", "Paused", False)):
    r = s.post(f"{rp}/{verb}")
    check(f"{verb} answers the reaction", (r.status, r.json.get(member)), (200, value))
check("flags make no revision", s.get(rp).json["Revision"], now + 2)

# ---- events and runs ----
k = s.new_key("my-hook")
r = s.fire({"n": 1}, "my-hook", k)
run = s.run_of(r)
check("a run goes through", (run["State"], run["Output"]), ("Succeeded", ["hello"]))
check("a run has the contract's members", [m for m in ("Id", "SpaceId", "ReactionId", "Revision", "RevisionHash", "EventId", "State", "IdempotencyKey", "ReplayOf", "ReplayNumber", "Queued", "Started", "Finished", "NextAttempt", "Output", "ErrorMessage", "Attempts") if m not in run], [])
check("an attempt too", [m for m in ("Number", "Started", "Finished", "Outcome", "Node", "ExitCode", "ErrorMessage", "Request", "Response", "Timings", "ApiCalls") if m not in run["Attempts"][0]], [])
ev = r.json["EventId"]
ex = s.get(f"/api/events/{ev}/explain").json
check("explain says why it fired", (ex["EventId"], ex["Reactions"][0]["Verdict"], ex["Reactions"][0]["RunId"]), (ev, "Matched", run["Id"]))
check("the event counts its verdicts", s.get(f"/api/events/{ev}").json["Verdicts"], {"Matched": 1, "NotMatched": 0, "Error": 0})
check("times have milliseconds and Z", re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", run["Queued"]) is not None)
s.must(s.post(rp + "/disable"))
r2 = s.fire({"n": 2}, "my-hook", k)
def verdict(reply):
    x = s.get(f"/api/events/{reply.json['EventId']}/explain").json.get("Reactions")
    return x[0]["Verdict"] if x else None
check("a disabled reaction says so", until(lambda: verdict(r2), 10), "Disabled")
check("... and has no run", s.get(f"/api/runs?event={r2.json['EventId']}").json["Items"], [])
s.must(s.post(rp + "/enable"))
r = s.post(f"/api/events/{r2.json['EventId']}/replay", {"Reactions": [], "Revision": None})
check("a replay makes a run of what matches now", (r.status, len(r.json.get("Runs", []))), (202, 1))
r = s.post(f"/api/events/{ev}/replay", {"Reactions": ["first-one"]})
again = s.runs_of(ev, 2)
check("a replay is a new run with a new key", (len(again), len({x["IdempotencyKey"] for x in again})), (2, 2))
check("... that says whose it is", (again[0]["ReplayOf"], again[0]["ReplayNumber"]), (run["Id"], 1))
check("a replay of an unknown reaction is refused", s.post(f"/api/events/{ev}/replay", {"Reactions": ["nope"]}).status, 400)
check("a replay's unknown field is refused", s.post(f"/api/events/{ev}/replay", {"Reaction": []}).status, 400)
check("a replay of an unknown event is 404", s.post("/api/events/Events-9999/replay", {}).status, 404)
check("a run that succeeded is not retried", (lambda r: (r.status, "Succeeded" in r.errors))(s.post(f"/api/runs/{run['Id']}/retry")), (409, True))
check("... nor cancelled", s.post(f"/api/runs/{run['Id']}/cancel").status, 409)
check("log of a run", s.get(f"/api/runs/{run['Id']}/log").status, 200)
for q, status in (("reaction=first-one", 200), ("state=Succeeded,failed", 200), ("state=nope", 400), ("event=x", 400), ("from=2026-01-01T00:00:00Z", 200), ("from=yesterday", 400), ("to=2020-01-01T00:00:00Z", 200)):
    check(f"runs?{q}", s.get("/api/runs?" + q).status, status)
check("a filter leaves out", s.get("/api/runs?to=2020-01-01T00:00:00Z").json["Items"], [])
for q, n in (("source=External", None), ("source=Internal", 0), ("type=my-hook", None), ("type=other", 0), ("trigger=my-hook", None), ("octopusEventId=Events-5", 0)):
    got = s.get("/api/events?" + q).json["TotalResults"]
    check(f"events?{q}", got > 0 if n is None else got == n)
check("events?source=x is refused", s.get("/api/events?source=x").status, 400)

# ---- cancel, retry ----
s.must(s.put(rp, {**s.get(rp).json, "Action": {"Type": "PowerShell", "Script": "Start-Sleep -Seconds 600"}}))
r = s.fire({"n": 3}, "my-hook", k)
until(lambda: s.get("/api/runs?state=Running").json["Items"], 20)
running = s.get("/api/runs?state=Running").json["Items"][0]
check("a running run is not retried", s.post(f"/api/runs/{running['Id']}/retry").status, 409)
check("a running run is cancelled", s.post(f"/api/runs/{running['Id']}/cancel").status, 202)
run = s.run_of(r)
check("... and says so", (run["State"], run["Attempts"][0]["Outcome"]), ("Cancelled", "Cancelled"))
check("a cancelled run is not retried", s.post(f"/api/runs/{running['Id']}/retry").status, 409)
s.must(s.put(rp, {**s.get(rp).json, "Action": {"Type": "PowerShell", "Script": "throw 'broken on purpose'"}}))
r = s.fire({"n": 4}, "my-hook", k)
run = s.run_of(r)
check("a script that throws ends Failed", (run["State"], run["Attempts"][0]["Outcome"]), ("Failed", "Failed"))
s.must(s.put(rp, {**s.get(rp).json, "Action": {"Type": "PowerShell", "Script": "'mended'"}}))
check("a failed run is retried", s.post(f"/api/runs/{run['Id']}/retry").status, 202)
until(lambda: len(s.get(f"/api/runs/{run['Id']}").json["Attempts"]) == 2 and s.get(f"/api/runs/{run['Id']}").json["State"] in FINAL, 30)
check("a retry keeps its revision", s.get(f"/api/runs/{run['Id']}").json["State"], "Failed")
s.must(s.post(f"/api/events/{r.json['EventId']}/replay", {}))
check("a replay takes the new one", s.runs_of(r.json["EventId"], 2)[0]["State"], "Succeeded")

# ---- pause and resume ----
for claim, pause, resume in (("reaction", rp + "/pause", rp + "/resume"), ("space", "/api/spaces/Spaces-1/pause", "/api/spaces/Spaces-1/resume"), ("instance", "/api/settings/pause", "/api/settings/resume")):
    check(f"pause of the {claim}", s.post(pause).status, 200)
    r = s.fire({"p": claim}, "my-hook", k)
    run = until(lambda: (s.get(f"/api/runs?event={r.json['EventId']}").json["Items"] or [None])[0], 10)
    check(f"{claim} paused: the run is made and waits", run is not None and run["State"], lambda x: x in ("Waiting", "Queued"))
    if claim == "reaction":
        check("a waiting run is cancelled", s.post(f"/api/runs/{run['Id']}/cancel").json.get("State"), "Cancelled")
        r = s.fire({"p": 2}, "my-hook", k)
        until(lambda: s.get(f"/api/runs?event={r.json['EventId']}").json["Items"], 10)
    check(f"{claim} paused: nothing started", [x for x in s.get(f"/api/runs?event={r.json['EventId']}").json["Items"] if x["Started"]], [])
    check(f"resume of the {claim}", s.post(resume).status, 200)
    check(f"{claim} resumed: the run goes through", s.run_of(r, 20)["State"], "Succeeded")

# ---- settings ----
st = s.get("/api/settings")
check("settings are read", (st.status, st.json.get("Egress"), st.json.get("Paused")), (200, {"Allow": []}, False))
r = s.put("/api/settings", {"Egress": {"Allow": ["127.0.0.1:8080", "10.0.0.0/8"]}})
check("egress is set", (r.status, r.json.get("Egress")), (200, {"Allow": ["127.0.0.1:8080", "10.0.0.0/8"]}))
r = s.put("/api/settings", {"Egress": {"Allow": ["not an address"]}})
check("a wrong entry is refused by its path", (r.status, "Egress.Allow" in r.errors), (400, True))
check("settings refuse unknown fields", s.put("/api/settings", {"Egres": {}}).status, 400)
check("settings: GET may be sent back", s.put("/api/settings", s.get("/api/settings").json).status, 200)
check("settings: stale If-Match", s.put("/api/settings", {}, headers={"If-Match": '"77"'}).status, 412)

# ---- X-HTTP-Method-Override ----
r = s.post(rp, {**s.get(rp).json, "Description": "by override"}, headers={"X-HTTP-Method-Override": "PUT"})
check("POST with the override PUT is a PUT", (r.status, r.json.get("Description")), (200, "by override"))
extra = s.must(s.post("/api/secrets", {"Name": "gone-soon", "Value": "x"}))
check("POST with the override DELETE is a DELETE", s.post(f"/api/secrets/{extra['Id']}", headers={"X-HTTP-Method-Override": "DELETE"}).status, 204)
check("... it is gone", s.get(f"/api/secrets/{extra['Id']}").status, 404)
check("the override of a GET is ignored", s.get("/api/secrets/feed-key", headers={"X-HTTP-Method-Override": "DELETE"}).status, 200)

# ---- paging, stable under insertion ----
for i in range(25):
    s.must(s.post("/api/secrets", {"Name": f"page-{i:02}", "Value": "x"}))
seen, path, pages = [], "/api/secrets?take=7", 0
while path and pages < 20:
    page = s.get(path).json
    seen += [i["Name"] for i in page["Items"]]
    pages += 1
    s.must(s.post("/api/secrets", {"Name": f"meanwhile-{pages}", "Value": "x"}))
    path = page["Links"].get("Page.Next")
check("pages follow one another, nothing twice, nothing missed, whatever is added meanwhile", seen, [f"page-{i:02}" for i in range(24, -1, -1)] + ["feed-key"])
check("skip and take", [i["Name"] for i in s.get("/api/secrets?skip=1&take=2").json["Items"]], [f"meanwhile-{pages - 1}", f"meanwhile-{pages - 2}"])
page = s.get("/api/secrets?take=10").json
check("the envelope counts", (page["NumberOfPages"], page["LastPageNumber"], page["TotalResults"]), (-(-page["TotalResults"] // 10), -(-page["TotalResults"] // 10) - 1, 26 + pages))
page = s.get("/api/runs?take=1&state=Succeeded").json
check("filters ride along", page["Links"]["Page.Next"], has("state=Succeeded"))
check("... without the key", "apikey" in s.get("/api/runs?take=1&apikey=" + s.key).text.lower(), False)

# ---- audit ----
rows = s.items("/api/audit")
actions = {x["Action"] for x in rows}
check("changes leave audit rows", [a for a in ("trigger.create", "reaction.create", "reaction.update", "reaction.pause", "identity.create", "secret.create", "secret.delete", "key.create", "settings.update", "instance.pause", "run.cancel", "run.retry", "event.replay", "space.create") if a not in actions], [])
check("rows name who and what", [x for x in rows if not x["Actor"] or not x["Subject"] or not x["Time"]], [])

# ---- deletion ----
for path in (rp, "/api/triggers/my-hook", "/api/identities/bot", "/api/secrets/feed-key", "/api/connections/octopus"):
    check(f"DELETE {path}", (s.delete(path).status, s.get(path).status), (204, 404))
check("a deleted trigger's key opens nothing", s.fire({}, "my-hook", k).status, 401)
check("runs of a deleted reaction can be read", s.get("/api/runs").json["TotalResults"] > 5)
check("the space's trigger, then the space", (s.delete("/api/second/triggers/theirs-very-private").status, s.delete("/api/spaces/second").status), (204, 204))
s.restart(signal.SIGTERM)
check("after a restart all is as it was", (s.get("/api/reactions").json["TotalResults"], s.get("/api/settings").json["Egress"]["Allow"]), (0, ["127.0.0.1:8080", "10.0.0.0/8"]))
finish()
