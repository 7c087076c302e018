"""Scenario 1: a package arrives in a feed, a script reads its notes and creates the release. Other feeds, other projects, unchanged script."""
import json, uuid
from harness import *

sample = Sample()
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
s.connect(sample, "release-bot")
code, out, err = s.cli("apply", os.path.join(ROOT, "integrations", "myget-release"))
check("the integration is applied", code, 0)
code, out, err = s.cli("key", "create", "mygetpackage", "--label", "sample")
check("a key is created by the command", (code, out[:4]), (0, "RXT-"))
key = out.strip()
s.wait_ready()


def publish(feed, package, version, notes):
    r = sample.post("/sample/packages", {"Feed": feed, "PackageId": package, "Version": version, "ReleaseNotes": notes})
    check(f"{package} {version} is in the feed {feed}", r.status, lambda st: st in (200, 201))


def payload(feed_url, package, version, notes=None):
    return {"Identifier": str(uuid.uuid4()), "Username": "build-bot", "When": "2026-11-22T17:03:06.1234567Z", "PayloadType": "PackageAddedWebHookEventPayloadV1",
            "Payload": {"PackageType": "NuGet", "PackageIdentifier": package, "PackageVersion": version, "PackageDownloadUrl": "x",
                        "PackageMetadata": {"ReleaseNotes": notes, "Authors": "Acme", "Size": 1}, "FeedIdentifier": "acme", "FeedUrl": feed_url}}


def post(body):
    return s.fire(body, "mygetpackage", headers={"Content-Type": "application/vnd.myget.webhooks.v1+json", "X-MyGet-EventIdentifier": body["Identifier"], "User-Agent": "MyGet Web Hook/1.0"}, query="?apikey=" + key)


NOTES = "### What is new\n- Search finds \"crème brûlée\".\n- A <tag> & an $(expression) stay as they are."


def release_of(version):
    return [r for r in sample.get("/api/Spaces-1/releases?take=1000").json["Items"] if r["Version"] == version]


def told(claim, feed, feed_url, package, version, **more):
    publish(feed, package, version, NOTES)
    body = payload(feed_url, package, version)
    r = post(body)
    check(f"{claim}: accepted", r.status, 202)
    run = s.run_of(r)
    check(f"{claim}: the run succeeded", (run["State"], run["ErrorMessage"]), ("Succeeded", None))
    found = release_of(version)
    check(f"{claim}: one release", len(found), 1)
    check(f"{claim}: its notes are those of the nuspec", found[0]["ReleaseNotes"].replace("\r\n", "\n").strip() if found else None, NOTES)
    calls = run["Attempts"][0]["ApiCalls"] if run["Attempts"] else []
    check(f"{claim}: the run knows what it created", [c["Created"] for c in calls if c["Method"] == "POST" and c["Status"] == 201], [[found[0]["Id"]]] if found else None)
    again = post(body)
    check(f"{claim}: delivered twice is one event", (again.json.get("EventId"), again.json.get("Duplicate")), (r.json["EventId"], True))
    return run


run = told("v3 feed", "acme", sample.url + "/nuget/acme/v3/index.json", "Acme.Web", "9.1.0")
check("the log tells the story", s.text_of(run), has("Acme.Web", "Created release 9.1.0"))
check("what a script wrote is the output", json.dumps(run["Output"]), has("9.1.0"))
told("v2 feed", "acme", sample.url + "/nuget/acme/v2", "Acme.Web", "9.2.0")
r = post(payload(sample.url + "/nuget/acme/v3/index.json", "Nobody.Uses.This", "1.0.0", "notes given"))
run = s.run_of(r)
check("a package nobody uses creates nothing", (run["State"], run["Output"]), ("Succeeded", []))
body = payload("x", "Acme.Web", "9.9.9")
body["PayloadType"] = "PackageDeletedWebHookEventPayloadV1"
run = s.run_of(post(body))
check("another kind of event creates nothing", (run["State"], release_of("9.9.9")), ("Succeeded", []))
publish("acme", "Acme.Web", "9.3.0", "from the feed")
run = s.run_of(post(payload(sample.url + "/nuget/acme/v3/index.json", "Acme.Web", "9.3.0", "from the sender")))
check("notes that the sender gives are taken", [x["ReleaseNotes"] for x in release_of("9.3.0")], ["from the sender"])
run = s.run_of(post(payload(sample.url + "/nuget/acme/v3/index.json", "Acme.Web", "9.9.7")))
check("a version the feed does not have fails clearly", (run["State"], run["ErrorMessage"]), lambda t: t[0] == "Failed" and "9.9.7" in (t[1] or ""))
run = s.run_of(post(payload("http://127.0.0.1:9/v3/index.json", "Acme.Web", "9.9.8")))
check("a feed at a forbidden address is refused", (run["State"], run["ErrorMessage"]), lambda t: t[0] == "Failed" and "127.0.0.1" in (t[1] or ""))
code, out, err = s.cli("runs")
check("the command lists the runs", (code, "Succeeded" in out), (0, True))
finish()
