"""Scenario 2: deployments of Core Web to Production tell New Relic, AppDynamics and Raygun: the alert is relaxed while they run, the version
marked when it is there. Targets that refuse, that are down for a while and across a restart, and one that is slow beside a fast one."""
import urllib.parse
from harness import *

sample = Sample()
sample.post("/sample/timing", {"QueueMs": 50, "RunMs": 300})
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
s.connect(sample, PollSeconds=1)
s.install(sample, "new-relic", "appdynamics", "raygun")
check("the tail has begun", s.tailing(), lambda w: bool(w))
ALL = ("new-relic-alert", "new-relic-version", "appdynamics-deployment", "raygun-version")
NOTES = "New: a \"quoted\" word, a back\\slash, ümläuts & <tags>, #{Octopus.Project.Id}"


def query(item):
    return {k: v[0] for k, v in urllib.parse.parse_qs(item["Query"]).items()}


def threshold(item):
    return item["Json"]["condition"]["terms"][0]["threshold"]


def settled(seconds=60):
    """Until every run there is has ended."""
    return until(lambda: not [r for r in s.items("/api/runs") if r["State"] not in FINAL], seconds)


# ---- one that succeeds

release = sample.release("Core Web", "3.1.0", ReleaseNotes=NOTES)
deployment = sample.deploy(release, "Production")
check("the deployment succeeds", sample.ended(deployment), "Success")
until(lambda: len(sample.received("newrelic")) >= 3 and len(sample.received("appdynamics")) >= 2 and len(sample.received("raygun")) >= 1, 30)
settled()
alerts = sample.received("newrelic", lambda i: i["Method"] == "PUT")
check("the alert is relaxed when it starts and tightened when it ends, in this order", [threshold(i) for i in alerts], ["50", "5"])
check("at the condition of the reaction", {i["Path"] for i in alerts}, {"/receivers/newrelic/v2/alerts_conditions/815.json"})
check("New Relic took all of it", [i["Status"] for i in sample.received("newrelic")], lambda all_: all(200 <= x < 300 for x in all_) and len(all_) == 3)
marker = sample.received("newrelic", lambda i: i["Method"] == "POST")
check("the version is marked once", [i["Path"] for i in marker], ["/receivers/newrelic/v2/applications/1234567/deployments.json"])
d = marker[0]["Json"]["deployment"] if marker else {}
check("the marker has the release, its notes as they are, who and what", (d.get("revision"), d.get("changelog"), d.get("user"), d.get("description")),
      ("3.1.0", NOTES, "admin", "Core Web 3.1.0 in Production"))
check("the key went with it", {i["Headers"].get("Api-Key") for i in sample.received("newrelic")}, {"NRAK-SAMPLE"})
appd = sample.received("appdynamics")
check("AppDynamics is told of both ends", [(query(i)["eventtype"], query(i)["severity"], query(i)["summary"]) for i in appd],
      [("APPLICATION_DEPLOYMENT", "INFO", "Core Web 3.1.0 started in Production"), ("APPLICATION_DEPLOYMENT", "INFO", "Core Web 3.1.0 succeeded in Production")])
check("and took it", [i["Status"] for i in appd], [200, 200])
raygun = sample.received("raygun")
check("Raygun knows the version", [(i["Path"], i["Status"], i["Json"]["version"], i["Json"]["ownerName"], i["Json"]["comment"]) for i in raygun],
      [("/receivers/raygun/v3/applications/api-key/corewebkey/deployments", 201, "3.1.0", "admin", NOTES)])
check("every run succeeded", {r["State"] for name in ALL for r in s.runs(name)}, {"Succeeded"})
run = s.get("/api/runs/" + s.runs("new-relic-version")[0]["Id"]).json
check("the request is kept, its secret masked", [h["Value"] for h in run["Attempts"][0]["Request"]["Headers"] if h["Name"] == "Api-Key"], lambda v: v and "NRAK" not in v[0])
check("the answer is kept, with timings", (run["Attempts"][0]["Response"]["Status"], run["Attempts"][0]["Timings"]["Total"] > 0), (201, True))
keys = [i["IdempotencyKey"] for name in ("newrelic", "appdynamics", "raygun") for i in sample.received(name)]
check("each request has a key of its own", (len(keys), len(set(keys))), (6, 6))

# ---- what is not wanted

before = [len(sample.received(n)) for n in ("newrelic", "appdynamics", "raygun")]
others = [sample.deploy(release, "Staging"), sample.deploy(sample.release("Web Shop", "3.1.1"), "Production")]
check("other deployments succeed", [sample.ended(o) for o in others], ["Success", "Success"])
last = others[1]["Id"]
until(lambda: [e for e in s.items("/api/events?type=DeploymentSucceeded") if last in e["Payload"]["RelatedDocumentIds"]], 20)
settled()
check("another environment and another project send nothing", [len(sample.received(n)) for n in ("newrelic", "appdynamics", "raygun")], before)

# ---- one that fails

sample.delete("/sample/received")
ERROR = "The step \"Deploy core\" failed: disk full & worse"
sample.post("/sample/fail", {"Project": "Core Web", "Error": ERROR})
check("a deployment fails", sample.ended(sample.deploy(sample.release("Core Web", "3.2.0"), "Production")), "Failed")
until(lambda: len(sample.received("appdynamics")) >= 2 and len(sample.received("newrelic")) >= 2, 30)
settled()
check("the alert is tightened again all the same", [threshold(i) for i in sample.received("newrelic")], ["50", "5"])
check("AppDynamics sees an error and its text", [(query(i)["severity"], query(i)["summary"], query(i)["comment"]) for i in sample.received("appdynamics")][1:],
      [("ERROR", "Core Web 3.2.0 failed in Production", ERROR)])
check("nothing marks a version that is not there", (len(sample.received("raygun")), len(sample.received("newrelic", lambda i: i["Method"] == "POST"))), (0, 0))
sample.post("/sample/fail", {"Project": "Core Web", "Error": ""})

# ---- a target that refuses is not asked again and again

sample.post("/sample/receivers", {"Receiver": "raygun", "Status": 422, "Times": 1, "Body": "no"})
sample.ended(sample.deploy(sample.release("Core Web", "3.3.0"), "Production"))
runs = s.ended_runs("raygun-version", 2)
check("a refusal ends the run, with its status", (runs[-1]["State"], runs[-1]["ErrorMessage"]), lambda t: t[0] == "Failed" and "422" in (t[1] or ""))
check("after one attempt", len(sample.received("raygun")), 1)
retried = s.must(s.post(f"/api/runs/{runs[-1]['Id']}/retry"))
again = until(lambda: (lambda r: r if r["State"] in FINAL and len(r["Attempts"]) == 2 else None)(s.get(f"/api/runs/{retried['Id']}").json), 30)
check("tried again by hand it succeeds, under the same key", (again and again["State"], len({i["IdempotencyKey"] for i in sample.received("raygun")})), ("Succeeded", 1))
settled()

# ---- down for 5 s: Raygun answers nothing useful; the others do not feel it

sample.delete("/sample/received")
sample.post("/sample/receivers", {"Receiver": "raygun", "Status": 0, "Times": 100000})
sample.ended(sample.deploy(sample.release("Core Web", "3.4.0"), "Production"))
check("the others are told while it is down", until(lambda: len(sample.received("newrelic")) == 3 and len(sample.received("appdynamics")) == 2, 20), True)
down = until(lambda: [r for r in s.runs("raygun-version") if r["State"] == "Waiting"], 20)
check("its run waits for a further attempt", [(r["State"], r["NextAttempt"] is not None) for r in down or []], [("Waiting", True)])
# ---- and across a restart
s.restart(signal.SIGKILL)
check("a killed server finds it again", [r["State"] in ("Waiting", "Running", "Queued") for r in s.runs("raygun-version", lambda r: r["Id"] == down[0]["Id"])], [True])
sample.post("/sample/receivers", {"Receiver": "raygun", "Status": 200, "Times": 0})
sent = until(lambda: [i for i in sample.received("raygun") if i["Status"] == 201], 90)
check("up again, it is delivered", [i["Json"]["version"] for i in sent or []], ["3.4.0"])
check("with the key of the first attempt", len({i["IdempotencyKey"] for i in sample.received("raygun")}), 1)
settled()
check("nothing was lost and nothing came twice", (len(sample.received("newrelic")), len(sample.received("appdynamics")), sample.get("/sample/received").json["Repeats"]), (3, 2, 0))

# ---- a slow one beside a fast one

sample.delete("/sample/received")
sample.post("/sample/receivers", {"Receiver": "newrelic", "DelayMs": 8000, "Times": 1})
sample.ended(sample.deploy(sample.release("Core Web", "3.5.0"), "Production"))
check("the fast one has all of it while the slow one's first request still waits for its answer",
      until(lambda: len(sample.received("appdynamics")) == 2 and len(sample.received("raygun")) == 1 and not sample.received("newrelic", lambda i: i["Method"] == "PUT"), 8), True)
check("the slow one gets both in order all the same", until(lambda: [threshold(i) for i in sample.received("newrelic", lambda i: i["Method"] == "PUT")] == ["50", "5"], 30), True)
settled()
check("in the end nothing failed", [r["ErrorMessage"] for name in ALL for r in s.runs(name) if r["State"] != "Succeeded"], [])
check("explain says why another was not meant", [p["Part"] for r in s.get(f"/api/events/{[e for e in s.items('/api/events?type=DeploymentStarted') if others[0]['Id'] in e['Payload']['RelatedDocumentIds']][0]['Id']}/explain").json["Reactions"]
                                                 if r["Verdict"] == "NotMatched" for p in r["Parts"] if not p["Passed"]], lambda parts: "Environments" in parts)
finish()
