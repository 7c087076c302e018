"""By query: runs retried and cancelled, events replayed, Octopus's history run through a reaction. And causes by what a run created."""
from datetime import datetime, timedelta, timezone
from harness import *

sample = Sample()
arrived = []
status = {"now": 200}


def came(method, path, body):
    arrived.append(body)
    return status["now"]


target = Target(came)
here = target.url
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port},127.0.0.1:{target.port}"})


def event(message, category="Modified"):
    sample.post("/sample/events", {"Category": category, "RelatedDocumentIds": ["Projects-21"], "Message": message})


def runs(query=""):
    return s.items("/api/runs?" + query)


def iso(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# History, from before this server knew of Octopus.
began = datetime.now(timezone.utc) - timedelta(seconds=2)
for i in range(5):
    event(f"history {i}")
sample.post("/sample/events", {"Category": "Created", "RelatedDocumentIds": ["Projects-21"], "Message": "noise", "Count": 245})
s.connect(sample, PollSeconds=1)
s.tailing()


def reaction(name, category="Modified", **fields):
    return s.must(s.post("/api/reactions", {"Name": name, "Trigger": {"Type": "Internal", "Events": [category]}, "Retry": {"MaxAttempts": 1},
        "Action": {"Type": "Http", "Uri": here, "Body": name + ": #{Octopus.Event.Message}", "ContentType": "text/plain"}, **fields}))


reaction("tell")

# ---- backfill ----
ended = datetime.now(timezone.utc) + timedelta(seconds=2)
body = {"From": iso(began), "To": iso(ended), "Reactions": ["tell"]}
r = s.post("/api/events/backfill", body)
check("a backfill is a dry run at first", (r.status, r.json.get("DryRun"), len(r.json.get("Matches", [])), r.json.get("Runs")), (200, True, 5, []))
check("all of the history of that time was read", r.json.get("Events"), lambda n: n >= 250)
check("nothing was stored", (s.get("/api/events?source=internal").json["TotalResults"], len(runs())), (0, 0))
r = s.post("/api/events/backfill", {**body, "DryRun": False})
check("then it makes the runs", (r.status, len(r.json.get("Runs", []))), (202, 5))
check("they arrive in order of their events", until(lambda: len(arrived) == 5, 20) and sorted(arrived), [f"tell: history {i}" for i in range(5)])
check("each event is stored once, those that matched only", s.get("/api/events?source=internal").json["TotalResults"], 5)
r = s.post("/api/events/backfill", {**body, "DryRun": False})
check("a second time nothing is doubled", (len(r.json.get("Runs", ["?"])), {m["HasRun"] for m in r.json.get("Matches", [])}), (0, {True}))
r = s.post("/api/events/backfill", {**body, "Max": 10})
check("it is bounded and says so", (r.json.get("Events"), r.json.get("More")), (10, True))
for what, wrong, text in (("no reactions", {"From": iso(began)}, "Reactions"), ("no time", {"Reactions": ["tell"]}, "From"), ("another reaction", {**body, "Reactions": ["nobody"]}, "nobody"), ("an unknown field", {**body, "Form": 1}, "Form")):
    r = s.post("/api/events/backfill", wrong)
    check(f"{what} is refused", (r.status, text in r.errors), (400, True))
code, out, err = s.cli("backfill", "--from", iso(began), "--to", iso(ended), "--reaction", "tell")
check("the command shows it", (code, out), lambda t: t[0] == 0 and "0 runs would be made" in t[1] and "has a run already" in t[1])

# ---- retry by query ----
status["now"] = 400
arrived.clear()
for i in range(4):
    event(f"bad {i}")
check("four fail", until(lambda: len(runs("state=Failed")) == 4, 20), True)
check("a query must say which", s.post("/api/runs/retry", {}).status, 400)
check("and only states that allow it", s.post("/api/runs/retry", {"Reaction": "tell", "States": ["Succeeded"]}).status, 400)
r = s.post("/api/runs/retry", {"Reaction": "tell", "DryRun": True})
check("a dry run lists them", (r.status, len(r.json["Runs"]), r.json["Changed"]), (200, 4, 0))
status["now"] = 200
r = s.post("/api/runs/retry", {"Reaction": "tell", "Max": 3})
check("bounded", (r.status, len(r.json["Runs"]), r.json["Changed"], r.json["More"]), (202, 3, 3, True))
code, out, err = s.cli("runs", "retry", "--reaction", "tell", "--state", "Failed,DeadLettered")
check("the rest by the command", (code, "1 runs are tried again" in out), (0, True))
check("all succeed", until(lambda: len(runs("state=Succeeded")) == 9, 20), True)

# ---- dead letters by range ----
status["now"] = 503
from_here = iso(datetime.now(timezone.utc))
event("dead")
check("a dead letter", until(lambda: len(runs("state=DeadLettered")) == 1, 20), True)
status["now"] = 200
r = s.post("/api/runs/retry", {"From": from_here, "States": ["DeadLettered"]})
check("is tried again by its time", (r.json["Changed"], until(lambda: not runs("state=DeadLettered"), 20)), (1, True))

# ---- cancel by query ----
s.must(s.post("/api/reactions/tell/pause"))
for i in range(3):
    event(f"waits {i}")
until(lambda: len(runs("state=Queued,Waiting")) == 3, 20)
code, out, err = s.cli("runs", "cancel", "--reaction", "tell", "--dry-run")
check("a dry run of it", (code, "3 runs would be cancelled" in out, len(runs("state=Cancelled"))), (0, True, 0))
r = s.post("/api/runs/cancel", {"Reaction": "tell"})
check("all that wait are cancelled", (r.status, r.json["Changed"], len(runs("state=Cancelled"))), (202, 3, 3))
s.must(s.post("/api/reactions/tell/resume"))

# ---- replay by range ----
arrived.clear()
code, out, err = s.cli("replay", "--from", from_here, "--dry-run")
check("a replay of a time, tried first", (code, "4 runs would be made" in out, arrived), (0, True, []))
r = s.post("/api/events/replay", {"From": from_here, "Reactions": ["tell"]})
check("then done", (r.status, len(r.json["Runs"])), (202, 4))
check("each event once more", until(lambda: len(arrived) == 4, 20), True)
run = s.get("/api/runs/" + r.json["Runs"][0]).json
check("as a replay of the first run", (bool(run["ReplayOf"]), run["ReplayNumber"] >= 1), (True, True))
check("the audit tells of all that", {a["Action"] for a in s.items("/api/audit")} >= {"run.retry", "run.cancel", "event.replay", "event.backfill"}, True)

# ---- causes by what a run created ----
s.trigger("hook")
key = s.new_key()
s.reaction("$r = New-OctopusRelease -Project 'Core Web' -Version '8.0.0'; New-OctopusDeployment -Release $r -Environment Development | Out-Null", name="deployer", Identity="bot")
s.wait_ready()
run = s.run_of(s.fire({}, key=key))
check("a run releases and deploys", (run["State"], run["ErrorMessage"]), ("Succeeded", None))


def of_types(*types):
    return [e for e in s.items("/api/events?source=internal") if e["Type"] in types]


done = until(lambda: of_types("DeploymentSucceeded", "DeploymentFailed"), 40)
check("the deployment ends by itself, long after the run", bool(done), True)
caused = {e["Type"]: e["CausedBy"] for e in of_types("ReleaseCreated", "Created", "DeploymentQueued", "DeploymentStarted", "DeploymentSucceeded", "DeploymentFailed") if e["CausedBy"]["RunId"]}
check("its start and its end are effects of the run", [caused.get(t, {}).get("RunId") for t in ("DeploymentStarted", done[0]["Type"] if done else "none")], [run["Id"]] * 2)
check("one deep", {c["Depth"] for c in caused.values()}, {1})
event("by somebody")
other = until(lambda: [e for e in s.items("/api/events?source=internal") if (e["Payload"] or {}).get("Message") == "by somebody"], 20)
check("what others do is not", other[0]["CausedBy"]["RunId"] if other else "?", None)
finish()
