"""Whose account an identity's key belongs to, and what is to be said against it: asked of Octopus when it is saved, and again."""
from harness import *

sample = Sample()
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
s.connect(sample)


def checked(name="bot", fits=lambda c: True):
    return until(lambda: (lambda c: c if c and fits(c) else None)(s.get(f"/api/identities/{name}").json.get("Checked")), 30) or s.get(f"/api/identities/{name}").json.get("Checked")


def of_key(name, suffix):
    s.must(s.post("/api/identities", {"Name": name, "ApiKey": SAMPLE_KEY + suffix}))
    return checked(name)


c = checked()
check("a service account without more rights than it needs", (c["Username"], c["IsService"], c["Warnings"]), ("release-bot", True, []))
check("it says when", c["At"], lambda at: at.startswith("20") and "T" in at)
before = s.get("/api/identities/bot")
check("the key is in no answer", SAMPLE_KEY + "-BOT" not in before.text)
check("the list shows it too", [i["Checked"]["Username"] for i in s.items("/api/identities")], ["release-bot"])
out = s.cli("identity", "list")
check("so does the command", (out[0], "release-bot" in out[1]), (0, True))

c = of_key("person", "-ALICE")
check("a person's account", (c["Username"], c["IsService"]), ("alice", False))
check("is warned of", c["Warnings"], lambda w: any("service account" in x for x in w))
c = of_key("chief", "")
check("an administrator is warned of", (c["Username"], any("administrator" in x for x in c["Warnings"])), ("admin", True))
c = of_key("wrong", "-NOBODY")
check("a key that Octopus refuses is saved, and warned of", (c["Username"], c["IsService"], len(c["Warnings"]), "refuses" in c["Warnings"][0]), (None, None, 1, True))
c = of_key("poor", "-NONE")
check("an account without rights is warned of", c["Warnings"], lambda w: any("space" in x for x in w))
c = of_key("limited", "-LIMITED")
check("an account that sees a part has nothing against it", c["Warnings"], [])
s.must(s.post("/api/reactions", {"Name": "beyond", "Trigger": {"Type": "Internal", "Events": ["DeploymentFailed"]}, "Filter": {"Projects": ["Core Web", "Web Shop"]},
                                 "Action": {"Type": "PowerShell", "Script": "1"}, "Identity": "limited"}))
s.must(s.put("/api/identities/limited", {"Name": "limited", "ApiKey": {"HasValue": True}, "GrantedTo": ["ann"]}))
c = checked("limited", lambda c: c["Warnings"])
check("until a reaction names a project that it does not see", c["Warnings"], lambda w: len(w) == 1 and "ProjectView" in w[0] and "beyond" in w[0])

# ---- it is beside the identity, not in it ----
r = s.get("/api/identities/bot")
check("a check makes no new version", r.headers["ETag"], before.headers["ETag"])
r = s.put("/api/identities/bot", {**r.json, "GrantedTo": ["ann"]}, headers={"If-Match": r.headers["ETag"]})
check("what was read, with Checked, may be sent again", r.status, 200)
check("it is asked anew", checked()["Username"], "release-bot")
s.must(s.put("/api/identities/wrong", {"Name": "wrong", "ApiKey": SAMPLE_KEY + "-BOT"}))
check("another key is another account", checked("wrong")["Username"], "release-bot")
s.must(s.delete("/api/identities/wrong"), 204)

at = checked()["At"]
s.restart(signal.SIGTERM)
check("a restart keeps what Octopus said", (s.get("/api/identities/bot").json["Checked"] or {}).get("At"), at)

# ---- least privilege ----
s.trigger("hook")
k = s.new_key("hook")
check("scripts can run", s.wait_ready())
before = s.get("/api/identities/bot/usage").json
check("nothing was used yet", (before["Used"], before["Reactions"]), ([], []))
check("what it has is known", before["Has"], lambda has: "ReleaseCreate" in has and "EventView" in has)
s.reaction("$r = Invoke-OctopusApi 'releases?take=1'; $x = Invoke-OctopusApi \"releases/$($r.Items[0].Id)\"; Invoke-OctopusApi -Method GET -Path /api/users/me; $x.Id", Identity="bot")
run = s.run_of(s.fire({}, key=k))
check("a reaction acts as it", run["State"], "Succeeded")
u = s.get("/api/identities/bot/usage").json
check("its calls are counted by their pattern", [(c["Method"], c["Path"], c["Count"], c["Permission"]) for c in u["Reactions"][0]["Calls"] if c["Path"] in ("releases", "releases/{id}")],
      lambda rows: sorted(rows) == [("GET", "releases", 1, "ReleaseView"), ("GET", "releases/{id}", 1, "ReleaseView")])
check("of that reaction", (u["Reactions"][0]["Reaction"], u["Reactions"][0]["Runs"], u["Reactions"][0]["IsWhole"]), ("react", 1, True))
check("the permissions it needs", "ReleaseView" in u["Used"] and "ReleaseCreate" not in u["Used"])
check("and those it has beyond", ("ReleaseView" in u["Unused"], "ReleaseCreate" in u["Unused"]), (False, True))
check("told in one sentence", u["Summary"], f"bot has {len(u['Has'])} permissions; its reactions used {len(u['Used'])} in 90 days")
check("the role to create is what was used", (u["Role"]["GrantedSpacePermissions"], u["Role"]["GrantedSystemPermissions"], u["IsWhole"], u["Unknown"]), (u["Used"], [], True, []))
check("another identity used nothing of it", s.get("/api/identities/chief/usage").json["Used"], [])
out = s.cli("identity", "usage", "bot")
check("the command shows it", (out[0], out[1].split("\n")[0], "\nrole to create: " in out[1]), (0, u["Summary"], True))
s.must(s.put("/api/reactions/react", {**s.get("/api/reactions/react").json, "Action": {"Type": "PowerShell", "Script": "try { Invoke-OctopusApi 'whatisthis' } catch { 'no' }"}}))
s.run_of(s.fire({"n": 2}, key=k))
u = s.get("/api/identities/bot/usage").json
check("where a call's permission is not known, no role is proposed", (u["Unknown"], u["Role"], "ReleaseView" in u["Used"]), (["GET whatisthis"], None, True))

# ---- Octopus is away, or may not be reached ----
port = sample.port
sample.kill()
began = time.monotonic()
r = s.put("/api/identities/bot", {"Name": "bot", "ApiKey": SAMPLE_KEY + "-BOT"})
check("saving does not need Octopus", r.status, 200)
c = checked()
check("that it could not be asked is a warning", (c["Username"], len(c["Warnings"]), "asked again later" in c["Warnings"][0]), (None, 1, True))
sample = Sample("--listen", f"127.0.0.1:{port}")
check("it is back at its place", sample.port, port)
c = checked("bot", lambda c: c["Username"])
check("and was asked again", (c["Username"], c["Warnings"]), ("release-bot", []))
s.kill()

s = Server()
s.connect(sample)
c = checked()
check("the egress rules hold: nothing was asked", (c["Username"], len(c["Warnings"])), (None, 1))
check("and the warning says so", c["Warnings"][0], lambda w: "egress" in w.lower() or "loopback" in w.lower() or "allow" in w.lower())
s.kill()
sample.kill()
finish()
