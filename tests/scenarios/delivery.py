"""When runs start: debounce, throttle, delay, pauses, an order, the circuit and the loop breaker; what is promised holds over kill -9."""
from harness import *

sample = Sample()
arrived = []  # (time, path, body)
status_of = {}  # path -> status


def came(method, path, body):
    arrived.append((time.monotonic(), path, body))
    return status_of.get(path, 200)


target = Target(came)
here = target.url
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port},127.0.0.1:{target.port}"})
s.connect(sample, PollSeconds=1)
s.tailing()


def reaction(name, category, **fields):
    return s.must(s.post("/api/reactions", {
        "Name": name, "Trigger": {"Type": "Internal", "Events": [category]},
        "Action": {"Type": "Http", "Uri": here + "/" + name, "Body": "#{Octopus.Event.Message | JsonEscape}", "ContentType": "text/plain"}, **fields}))


def events(category, messages, related=("Projects-21",)):
    for message in messages:
        sample.post("/sample/events", {"Category": category, "RelatedDocumentIds": list(related), "Message": message})


def runs(name, state=None):
    return s.items(f"/api/runs?reaction={name}" + (f"&state={state}" if state else ""))


def bodies(name):
    return [b for _, path, b in list(arrived) if path == "/" + name]


# ---- debounce: only the last, for each key ----
reaction("debounced", "Modified", Concurrency={"Debounce": {"Seconds": 3, "By": "#{Octopus.Event.RelatedDocumentIds[0]}"}})
events("Modified", ["a1", "a2", "a3"], ["Projects-21"])
events("Modified", ["b1", "b2"], ["Projects-22"])
check("five runs were made", until(lambda: len(runs("debounced")) == 5), True)
waiting = runs("debounced", "Waiting")
check("the last of each key waits", len(waiting), 2)
s.restart()
check("they are sent, over a kill", until(lambda: len(bodies("debounced")) == 2, 30), True)
check("only the last ones", sorted(bodies("debounced")), ["a3", "b2"])
cancelled = runs("debounced", "Cancelled")
check("the others are cancelled, and say why", (len(cancelled), {("debounced" in (r["ErrorMessage"] or "")) for r in cancelled}), (3, {True}))
s.delete("/api/reactions/debounced")

# ---- throttle: so many in so long, the others wait ----
reaction("throttled", "MachineHealthy", Concurrency={"Throttle": {"Max": 3, "Seconds": 4}})
events("MachineHealthy", [f"t{i}" for i in range(8)], ["Machines-1"])
check("three are sent", until(lambda: len(bodies("throttled")) >= 3, 20), True)
until(lambda: len(runs("throttled")) == 8, 20)
until(lambda: len(runs("throttled", "Succeeded")) == 3, 20) # else what was sent and not yet stored as such may come once more after the kill
s.restart()
check("all are sent in the end", until(lambda: len(bodies("throttled")) == 8, 30), True)
times = [t for t, path, _ in arrived if path == "/throttled"]
# Counted at the claim; what is sent comes a moment later.
check("never more than three in four seconds, also over a kill", [i for i in range(len(times) - 3) if times[i + 3] - times[i] < 3.5], [])
s.delete("/api/reactions/throttled")

# ---- a delay, to the second over a restart ----
reaction("delayed", "MachineAdded", DelaySeconds=4)
events("MachineAdded", ["later"], ["Machines-1"])
run = until(lambda: runs("delayed"))[0]
s.restart()
check("it is sent", until(lambda: bodies("delayed"), 20), ["later"])
done = until(lambda: runs("delayed", "Succeeded"))
late = None
if done:
    from datetime import datetime
    at = lambda text: datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    late = at(done[0]["Started"]) - at(done[0]["Queued"])
check("after its delay and not a second later", late, lambda v: v is not None and 4.0 <= v < 5.0 + 1.0)
s.delete("/api/reactions/delayed")

# ---- runs that are due a moment apart ----
for i in range(50):
    reaction(f"apart-{i}", "Created", DelaySeconds=1)
events("Created", ["1", "2", "3", "4"], ["Projects-25"])
check("each is sent, also one that becomes due while another is claimed", until(lambda: sum(len(bodies(f"apart-{i}")) for i in range(50)) == 200, 20), True)
for i in range(50):
    s.delete(f"/api/reactions/apart-{i}")

# ---- pauses keep events ----
reaction("paused", "MachineDeleted")
for what, pause, resume in (("the reaction", "/api/reactions/paused/pause", "/api/reactions/paused/resume"), ("the space", "/api/spaces/Spaces-1/pause", "/api/spaces/Spaces-1/resume"),
                            ("the instance", "/api/settings/pause", "/api/settings/resume")):
    arrived.clear()
    s.must(s.post(pause))
    before = len(runs("paused"))
    events("MachineDeleted", ["kept"], ["Machines-1"])
    check(f"{what} is paused: a run is made", until(lambda: len(runs("paused")) == before + 1, 20), True)
    s.restart()
    events("MachineDeleted", ["kept too"], ["Machines-1"])
    check(f"{what}: after a kill too", until(lambda: len(runs("paused")) == before + 2, 20), True)
    check(f"{what}: it waits", {r["State"] for r in runs("paused")[:2]}, lambda got: got <= {"Waiting", "Queued"})
    check(f"{what}: nothing was sent", bodies("paused"), [])
    s.must(s.post(resume))
    check(f"{what}: resumed, both go", until(lambda: len(bodies("paused")) == 2, 20), True)
s.delete("/api/reactions/paused")

# ---- an order by a key ----
reaction("ordered", "Created", Concurrency={"OrderBy": "#{Octopus.Event.RelatedDocumentIds[0]}", "Max": 10}, Retry={"Schedule": [1]})
status_of["/ordered"] = 503
events("Created", ["1", "2", "3"], ["Projects-23"])
until(lambda: bodies("ordered"))
status_of["/ordered"] = 200
check("one that is tried again is not overtaken", until(lambda: [b for b in bodies("ordered") if b != "1"] == ["2", "3"], 20), True)
s.delete("/api/reactions/ordered")

# ---- the circuit ----
status_of["/down"] = 503
reaction("down", "Deleted", Retry={"Schedule": [1], "MaxAttempts": 100})
arrived.clear()
check("closed at first", s.get("/api/reactions/down").json["State"]["Circuit"], "Closed")
events("Deleted", [f"d{i}" for i in range(30)], ["Projects-24"])
check("it opens when many runs fail", until(lambda: s.get("/api/reactions/down").json["State"]["Circuit"] == "Open", 30), True)
# The API tells what is; a kill leaves what is stored: the circuit's state with the end of the attempt that opened it.
failed_attempts = lambda: [a for r in runs("down") for a in r["Attempts"] if a["Outcome"] == "Failed"]
check("what opened it is stored", until(lambda: len(failed_attempts()) >= 20 and not runs("down", "Running"), 30), True)
state = s.get("/api/reactions/down").json["State"]
check("and says until when, and since when it fails", (bool(state["OpenUntil"]), bool(state["FailingSince"])), (True, True))
arrived.clear()
s.restart()
state_of = lambda: s.get("/api/reactions/down").json["State"]
after = state_of()
check("a kill does not close it", (after["Circuit"] != "Closed", after["OpenUntil"] is not None and after["OpenUntil"] >= state["OpenUntil"], after["FailingSince"]), (True, True, state["FailingSince"]))
check("it opens once more", until(lambda: (state_of()["OpenUntil"] or "") > state["OpenUntil"], 30), True)
# Twenty had to fail, were it closed. Two: one that tried when the server was killed tries again.
check("after one has tried", len(bodies("down")), lambda n: 1 <= n <= 2)
used = max(len(r["Attempts"]) for r in runs("down"))
check("waiting costs no attempts", used, lambda n: n < 20)
status_of["/down"] = 200
check("it closes and everything is delivered", until(lambda: len(runs("down", "Succeeded")) == 30, 60), True)
state = s.get("/api/reactions/down").json["State"]
check("closed again", (state["Circuit"], state["FailingSince"]), ("Closed", None))
s.delete("/api/reactions/down")

# ---- 410 disables ----
status_of["/gone"] = 410
reaction("gone", "DeploymentFailed")
events("DeploymentFailed", ["x"])
check("410 disables", until(lambda: not s.get("/api/reactions/gone").json["Enabled"], 20), True)
check("the audit tells", [a for a in s.items("/api/audit") if a.get("Action") == "reaction.disable" and "410" in json.dumps(a)], lambda got: len(got) == 1)

# ---- a loop that was asked for ----
s.must(s.post("/api/reactions", {"Name": "loop", "Trigger": {"Type": "Internal", "Events": ["ReleaseCreated"]}, "Filter": {"Projects": ["Core Web"], "IncludeOwnEffects": True}, "Identity": "bot",
    "Action": {"Type": "PowerShell", "Script": """
        if ($OctopusParameters['Octopus.Release.Number'] -and $Event.CausedBy.Depth -ge 2) { return }
        1..8 | ForEach-Object { New-OctopusRelease -Project $ProjectId -Version "5.$([DateTime]::UtcNow.Ticks % 1000000000).$_-$([guid]::NewGuid().ToString('n').Substring(0,8))" | Out-Null }"""}}))
s.wait_ready()


def release(version):
    return sample.post("/api/Spaces-1/releases/create/v1", {"ProjectName": "Core Web", "ReleaseVersion": version})


made = release("5.0.0")
check("the first release", made.status, 201)
check("a loop is held beyond sixty a minute", until(lambda: len([r for r in runs("loop", "Waiting") if r["ErrorMessage"]]) >= 10, 120), True)
held = [r for r in runs("loop", "Waiting") if r["ErrorMessage"]]
check("with a clear message", held[0]["ErrorMessage"] if held else None, has("loop breaker", "60"))
check("and an instant", bool(held and held[0]["NextAttempt"]), True)
check("the reaction shows it", bool(s.get("/api/reactions/loop").json["State"]["HeldUntil"]), True)
started = [r for r in runs("loop") if r["Started"]]
check("at most sixty caused ones and the first began", len(started), lambda n: n <= 61)
until_before = s.get("/api/reactions/loop").json["State"]["HeldUntil"]
s.restart()
check("a kill lets none of the held ones go", [r["Id"] for r in runs("loop") if r["Started"] and r["Id"] in {h["Id"] for h in held}], [])
check("and is shown after it too", s.get("/api/reactions/loop").json["State"]["HeldUntil"], lambda at: bool(at) and at >= until_before)
before = len(runs("loop"))
release("5.0.1")


def by_hand():
    return [r for r in runs("loop") if r["Started"] and s.get("/api/events/" + r["EventId"]).json["CausedBy"]["RunId"] is None]


check("one made by hand starts at once", until(lambda: len(by_hand()) == 2, 40), True)
if held:
    check("a held run can be cancelled", s.post(f"/api/runs/{held[0]['Id']}/cancel").status, 202)
finish()
