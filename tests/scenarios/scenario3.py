"""Scenario 3: a Tentacle registers; once it is healthy it gets what its environments and roles have, itself only, each once. Others
(SSH targets, machines that stay ill, that vanish, that are disabled, that come again) and other projects are left alone."""
from harness import *

sample = Sample()
sample.post("/sample/timing", {"QueueMs": 50, "RunMs": 200, "HealthMs": 300})
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
s.connect(sample, "release-bot", PollSeconds=1)
s.install(sample, "tentacle-catches-up")
s.wait_ready()
check("the tail has begun", s.tailing(), lambda w: bool(w))
NAME = "tentacle-catches-up"
done = 0


def machine(name, environments, roles, style="TentaclePassive", **more):
    r = sample.post("/sample/machines", {"Name": name, "Environments": environments, "Roles": roles, "CommunicationStyle": style, **more})
    check(f"{name} registers", r.status, 201)
    return r.json["Id"]


def next_run(seconds=60):
    """The next run of the reaction, at its end."""
    global done
    done += 1
    runs = s.ended_runs(NAME, done, seconds)
    return s.get("/api/runs/" + runs[done - 1]["Id"]).json if len(runs) >= done else {"State": "none", "ErrorMessage": None, "Id": "Runs-0", "Attempts": []}


def deployments_to(machine_id):
    found = sample.get("/api/Spaces-1/deployments?take=1000").json["Items"]
    return sorted((d for d in found if d["SpecificMachineIds"] == [machine_id]), key=lambda d: int(d["Id"].split("-")[1]))


def what(deployments):
    release = lambda d: sample.get(f"/api/Spaces-1/releases/{d['ReleaseId']}").json["Version"]
    return sorted((d["ProjectId"], release(d), d["EnvironmentId"]) for d in deployments)


# What runs where: Web Shop in Staging and Production, an older one before it; a newer one that failed; Core Web in Staging.
old, now, bad = (sample.release("Web Shop", v) for v in ("5.0.0", "5.1.0", "5.2.0"))
core = sample.release("Core Web", "6.0.0")
for release, environment in ((old, "Staging"), (old, "Production"), (now, "Staging"), (core, "Staging")):
    check("the scene: deployed", sample.ended(sample.deploy(release, environment)), "Success")
sample.post("/sample/fail", {"Environment": "Staging", "Error": "no"})
check("the scene: the newest failed", sample.ended(sample.deploy(bad, "Staging")), "Failed")
sample.post("/sample/fail", {"Environment": "Staging", "Error": ""})
web, staging, production = sample.of("projects", "Web Shop"), sample.of("environments", "Staging"), sample.of("environments", "Production")

# ---- two environments, one role

m = machine("web-07", ["Staging", "Production"], ["web-server"])
run = next_run()
check("the run succeeds", (run["State"], run["ErrorMessage"]), ("Succeeded", None))
check("it waited until the machine was healthy", sample.get(f"/api/Spaces-1/machines/{m}").json["HealthStatus"], "Healthy")
made = deployments_to(m)
check("each project gets the last release that succeeded there, for this machine only",
      [row for row in what(made) if row[0] in (web, core["ProjectId"]) and row[1] in ("5.0.0", "5.1.0", "5.2.0", "6.0.0")],
      sorted([(web, "5.1.0", staging), (web, "5.0.0", production), (core["ProjectId"], "6.0.0", staging)]))
check("no two for one project and environment", len(what(made)), len({(p, e) for p, v, e in what(made)}))
check("nothing of a project without a step for its role", [p for p, v, e in what(made) if p in (sample.of("projects", "Billing API"), sample.of("projects", "Warehouse"))], [])
check("all of them succeed", {sample.ended(d) for d in made}, {"Success"})
check("the run knows what it made", sorted(i for a in run["Attempts"] for c in a["ApiCalls"] for i in c["Created"]), lambda ids: set(d["Id"] for d in made) <= set(ids))
check("the log says it", s.text_of(run), has("web-07 is Healthy", "Web Shop 5.1.0 is being deployed to web-07"))
check("an output for each", len(run["Output"]), len(made))

# ---- the same event again makes no doubles; nor does a second reaction

event = run["EventId"]
s.must(s.post(f"/api/events/{event}/replay", {"Reactions": [], "Revision": None}))
again = next_run()
check("replayed: nothing twice", (again["State"], len(deployments_to(m))), ("Succeeded", len(made)))
check("and it says why", s.text_of(again), has("went there already"))
with open(os.path.join(ROOT, "integrations", NAME, "reaction.yaml"), encoding="utf-8") as f:
    twin = f.read().replace("Slug: tentacle-catches-up", "Slug: twin").replace("Name: A new Tentacle catches up", "Name: Twin").replace("TentacleRegistered", "MachineRegistered")
with open(os.path.join(s.home, "twin.yaml"), "w", encoding="utf-8") as f:
    f.write(twin)
check("another reaction for the same", s.cli("apply", os.path.join(s.home, "twin.yaml"))[0], 0)
s.must(s.post(f"/api/events/{event}/replay", {"Reactions": ["twin"], "Revision": None}))
twins = s.ended_runs("twin", 1)
check("two that match make no doubles", ([r["State"] for r in twins], len(deployments_to(m))), (["Succeeded"], len(made)))
s.must(s.delete("/api/reactions/twin"))

# ---- a failed one is tried again for the next asking, not for ever skipped

sample.post("/sample/fail", {"Project": "Core Web", "Error": "no space"})
m2 = machine("web-08", ["Staging"], ["web-server"], style="TentacleActive")
run = next_run()
check("a polling Tentacle, too", (run["State"], len(deployments_to(m2))), lambda t: t[0] == "Succeeded" and t[1] >= 2)
failed_one = [d for d in deployments_to(m2) if d["ProjectId"] == core["ProjectId"]]
check("one of its deployments fails", [sample.ended(d) for d in failed_one], ["Failed"])
sample.post("/sample/fail", {"Project": "Core Web", "Error": ""})
s.must(s.post(f"/api/events/{run['EventId']}/replay", {"Reactions": [NAME], "Revision": None}))
run = next_run()
check("a replay deploys what failed, once more", [sample.ended(d) for d in deployments_to(m2) if d["ProjectId"] == core["ProjectId"]], ["Failed", "Success"])

# ---- others

count = len(sample.get("/api/Spaces-1/deployments?take=1000").json["Items"])
ssh = machine("ssh-09", ["Staging"], ["web-server"], style="Ssh")
m3 = machine("db-01", ["Staging"], ["db-server"])
run = next_run()
check("a role that no step has: nothing", (run["State"], deployments_to(m3), s.text_of(run)), lambda t: t[0] == "Succeeded" and not t[1] and "Nothing that db-01" in t[2])
check("an SSH target is no Tentacle", deployments_to(ssh), [])
sample.post("/sample/timing", {"HealthMs": 60000})
m4 = machine("ill-01", ["Staging"], ["web-server"])
until(lambda: any("Waiting until ill-01" in s.text_of(r) for r in s.runs(NAME, lambda r: r["State"] == "Running")), 20)
check("a machine that is not healthy yet is waited for", (deployments_to(m4), [r["State"] for r in s.runs(NAME)][-1]), ([], "Running"))
sample.delete(f"/api/Spaces-1/machines/{m4}")
run = next_run()
check("removed while waited for: the run ends, and says so", (run["State"], s.text_of(run)), lambda t: t[0] == "Succeeded" and "was removed while it was waited for" in t[1])
sample.post("/sample/timing", {"HealthMs": 300})
m5 = machine("ill-01", ["Staging"], ["web-server"])
run = next_run()
check("registered again, it is another machine and gets everything", (run["State"], len(deployments_to(m5))), lambda t: t[0] == "Succeeded" and t[1] >= 2)
clone = machine("ill-02", ["Staging"], ["web-server"])
run = next_run()
check("a clone with the same thumbprint gets its own, and only its own", (sample.get(f"/api/Spaces-1/machines/{clone}").json["Thumbprint"] == sample.get(f"/api/Spaces-1/machines/{m5}").json["Thumbprint"],
      len(deployments_to(clone)), len(deployments_to(m5))), lambda t: t[0] and t[1] == t[2])
off = machine("off-01", ["Staging"], ["web-server"], IsDisabled=True)
run = next_run()
check("a disabled machine gets nothing", (run["State"], deployments_to(off), s.text_of(run)), lambda t: t[0] == "Succeeded" and not t[1] and "is disabled" in t[2])

# ---- one that stays ill: bounded

with open(os.path.join(s.home, NAME + ".yaml"), encoding="utf-8") as f:
    short = f.read().replace('Value: "600"', 'Value: "2"')
with open(os.path.join(s.home, "short.yaml"), "w", encoding="utf-8") as f:
    f.write(short)
check("with two seconds of patience", s.cli("apply", os.path.join(s.home, "short.yaml"))[0], 0)
sample.post("/sample/timing", {"HealthMs": 60000})
m6 = machine("ill-03", ["Staging"], ["web-server"])
run = next_run()
check("one that stays ill fails clearly and gets nothing", (run["State"], run["ErrorMessage"], deployments_to(m6)), lambda t: t[0] == "Failed" and "was not found healthy within 2 seconds" in (t[1] or "") and not t[2])
check("one registration is one run, however many events it wrote", len(s.runs(NAME)), done)
finish()
