"""Scenario 4: a component gets a release; the dependent project gets one too, and it is deployed. Also behind scenario 1, with one service
account for both; and on into scenario 2. A reaction does not answer its own effects."""
import uuid
from harness import *

sample = Sample()
sample.post("/sample/timing", {"QueueMs": 50, "RunMs": 200})
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
s.connect(sample, "release-bot", PollSeconds=1)
s.install(sample, "dependent-release", "myget-release", "new-relic")
s.wait_ready()
check("the tail has begun", s.tailing(), lambda w: bool(w))
NAME = "core-web-follows-web-shop"
core, production = sample.of("projects", "Core Web"), sample.of("environments", "Production")


def releases():
    return [r for r in sample.get(f"/api/Spaces-1/projects/{core}/releases?take=1000").json["Items"]]


def deployed(release):
    return [d for d in sample.get("/api/Spaces-1/deployments?take=1000").json["Items"] if d["ReleaseId"] == release["Id"]]


# ---- somebody makes a release of the component

known = {r["Id"] for r in releases()}
sample.release("Web Shop", "7.0.0", ReleaseNotes="Faster search.")
run = (s.ended_runs(NAME, 1) or [{}])[0]
check("the run succeeds", (run.get("State"), run.get("ErrorMessage")), ("Succeeded", None))
new = [r for r in releases() if r["Id"] not in known]
check("one release of the dependent project", len(new), 1)
check("its notes say because of what", new[0]["ReleaseNotes"] if new else None, "Because of Web Shop 7.0.0.\n\nFaster search.")
check("it is deployed to Production, once, by the service account", [(d["EnvironmentId"], d["DeployedBy"]) for d in deployed(new[0])], [(production, "release-bot")])
check("and succeeds", sample.ended(deployed(new[0])[0]), "Success")
run = s.get("/api/runs/" + run["Id"]).json
check("the run knows both", [i.split("-")[0] for c in run["Attempts"][0]["ApiCalls"] for i in c["Created"] if i.split("-")[0] in ("Releases", "Deployments")], ["Releases", "Deployments"])
s.must(s.post(f"/api/events/{run['EventId']}/replay", {"Reactions": [NAME], "Revision": None}))
runs = s.ended_runs(NAME, 2)
check("replayed: no second release and no second deployment", ([r["State"] for r in runs], len([r for r in releases() if r["Id"] not in known]), len(deployed(new[0]))), (["Succeeded", "Succeeded"], 1, 1))

# ---- the release of another project is not its business, nor is its own

sample.release("Core Web", "8.0.0")
until(lambda: [e for e in s.items("/api/events?type=Created") if "Core Web" in (e["Payload"].get("Message") or "") and "8.0.0" in e["Payload"]["Message"]], 20)
check("a release of the dependent project itself starts nothing", len(s.runs(NAME)), 2)

# ---- scenario 1, then 4, then 2: one POST, one service account

sample.post("/sample/packages", {"Feed": "acme", "PackageId": "Acme.Web", "Version": "7.1.0", "ReleaseNotes": "From the feed."})
body = {"Identifier": str(uuid.uuid4()), "Username": "build-bot", "When": "2026-11-22T17:03:06.1234567Z", "PayloadType": "PackageAddedWebHookEventPayloadV1",
        "Payload": {"PackageType": "NuGet", "PackageIdentifier": "Acme.Web", "PackageVersion": "7.1.0", "PackageDownloadUrl": "x", "PackageMetadata": {"ReleaseNotes": None, "Authors": "Acme", "Size": 1},
                    "FeedIdentifier": "acme", "FeedUrl": sample.url + "/nuget/acme/v3/index.json"}}
r = s.fire(body, "mygetpackage", key=s.new_key("mygetpackage"), headers={"X-MyGet-EventIdentifier": body["Identifier"]})
first = s.run_of(r)
check("scenario 1 makes the release of the component", (first["State"], first["ErrorMessage"]), ("Succeeded", None))
second = s.ended_runs(NAME, 3)
check("which starts scenario 4, though both act with one account", [x["State"] for x in second], ["Succeeded"] * 3)
chained = [x for x in releases() if (x["ReleaseNotes"] or "").startswith("Because of Web Shop 7.1.0.")]
check("one release because of it", len(chained), 1)
check("with one deployment", [sample.ended(d) for d in deployed(chained[0])] if chained else None, ["Success"])
event = s.get("/api/events/" + second[-1]["EventId"]).json
check("its event names the run that caused it", event["CausedBy"], {"RunId": first["Id"], "Depth": 1})
version = chained[0]["Version"] if chained else "?"
marks = until(lambda: sample.received("newrelic", lambda i: i["Method"] == "POST" and i["Json"]["deployment"]["revision"] == version), 30)
check("and New Relic hears of it", [(i["Json"]["deployment"]["user"], i["Status"]) for i in marks or []], [("release-bot", 201)])
third = [r for r in s.runs("new-relic-version") if r["State"] == "Succeeded"][-1]
check("whose event two runs stand behind: the deployment was created by the second, which the first caused", s.get("/api/events/" + third["EventId"]).json["CausedBy"], {"RunId": second[-1]["Id"], "Depth": 2})

# ---- what goes wrong

sample.post("/sample/users", {"Username": "weak", "ApiKey": "API-WEAK", "IsService": True, "SpacePermissions": [{"Role": "viewer", "SpaceId": "Spaces-1"}]})
s.must(s.put("/api/identities/release-bot", {"Name": "release-bot", "ApiKey": SAMPLE_KEY + "-NONE"}))
before = len(releases())
sample.release("Web Shop", "7.2.0")
runs = s.ended_runs(NAME, 4)
check("an account without the right fails, and says which", (runs[-1]["State"], runs[-1]["ErrorMessage"]), lambda t: t[0] == "Failed" and ("403" in (t[1] or "") or "permission" in (t[1] or "").lower()))
check("and makes nothing", len(releases()), before)
finish()
