"""Whoever takes something away as a whole is noted: configuration, audit, backup. And AuditView alone takes no audit away."""
import datetime
from harness import *

sample = Sample()
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
s.connect(sample)
s.trigger("hook")
s.reaction("1")
SOON = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def caller(name, role, **more):
    user = s.must(s.post("/api/users", {"Username": name, "IsService": True, "Roles": [{"Role": role, **more}]}))
    return s.must(s.post("/api/apikeys", {"User": user["Id"], "Label": "test", "Expires": SOON}))["Key"]


def noted(action):
    """Rows of that action, oldest first: who, what, how many."""
    return [(r["Actor"].split(" ")[0], r["Subject"], r["Particulars"].get("Documents")) for r in reversed(s.items("/api/audit")) if r["Action"] == action]


ada, adam, pia = caller("ada", "Auditor"), caller("adam", "Space admin", Space="Spaces-1"), caller("pia", "Author", Space="Spaces-1", Projects=["Projects-none"])

# ---- the configuration ----
code, out, err = s.cli("export")
check("the command exports", (code, out.count("Kind: ")), (0, 4))
check("each collection it read is a row", noted("config.export"), [("admin.key", k, 1 if k != "secrets" else 0) for k in ("connections", "identities", "secrets", "triggers", "reactions")])
r, listed = s.get("/api/export/reactions", key=adam), s.get("/api/reactions", key=adam)
check("what it has is what the list has", (r.status, r.json["Items"]), (200, listed.json["Items"]))
check("it is noted under the name of who took it", noted("config.export")[-1], ("adam", "reactions", 1))
check("who sees a part takes a part", (s.get("/api/export/reactions", key=pia).json["Items"], noted("config.export")[-1]), ([], ("pia", "reactions", 0)))
for i in range(3):
    s.must(s.post("/api/secrets", {"Name": f"s{i}", "Value": "canary-export"}))
before, path, seen = len(noted("config.export")), "/api/export/secrets?take=2", []
while path:
    page = s.get(path).json
    seen += [x["Name"] for x in page["Items"]]
    path = page["Links"].get("Page.Next")
check("page by page", sorted(seen), ["s0", "s1", "s2"])
check("each page is a row", [n for _, _, n in noted("config.export")[before:]], [2, 1])
check("a kind that is none is not there", (s.get("/api/export/users").status, s.get("/api/export/keys").status, len(noted("config.export"))), (404, 404, before + 2))
check("a query that is refused took nothing", (s.get("/api/export/secrets?take=x").status, len(noted("config.export"))), (400, before + 2))
check("no secret value is in it", "canary" in s.get("/api/export/secrets").text, False)

# ---- the audit ----
r = s.get("/api/audit/export", key=ada)
check("an auditor takes the audit away", (r.status, r.json["ItemType"]), (200, "AuditEntry"))
check("which is a row of it", noted("audit.export"), [("ada", "audit", len(r.json["Items"]))])
check("a Space admin sees it and takes it not", [s.get(p, key=adam).status for p in ("/api/audit", "/api/audit/export")], [200, 403])
check("that left no row", len(noted("audit.export")), 1)
code, out, err = s.cli("export", "audit")
rows = [json.loads(line) for line in out.splitlines()]
check("the command writes each row on a line, without a gap", (code, [r["Id"] for r in rows]), lambda t: t[0] == 0 and t[1] == list(range(t[1][0], 0, -1)))
check("with its hash", all(len(r["Hash"]) == 64 for r in rows))
check("it is noted too", noted("audit.export")[-1], ("admin.key", "audit", len(rows)))
check("another word is a usage error", s.cli("export", "everything")[0], 2)

# ---- the backup ----
check("a backup is a row", (s.post("/api/backup").status, until(lambda: noted("backup.create")) and [(a, sub) for a, sub, _ in noted("backup.create")]), lambda t: t[0] in (200, 201) and len(t[1]) == 1 and t[1][0][0] == "admin.key")
check("who may not leaves none", (s.post("/api/backup", key=ada).status, len(noted("backup.create"))), (403, 1))

# ---- two people must want it ----
ida, ivo = caller("ida", "Instance admin"), caller("ivo", "Instance admin")
settings = s.get("/api/settings").json
check("it is off unless it is set", settings["TwoPersons"], [])
check("only what has the option is taken", s.put("/api/settings", {**settings, "TwoPersons": ["UserAdmin"]}).status, 400)
r = s.put("/api/settings", {**settings, "TwoPersons": ["Backup", "KeyRotate"]}, key=ida)
check("one may turn it on", (r.status, r.json.get("TwoPersons")), (200, ["Backup", "KeyRotate"]))
backups = lambda: len([r for r in s.items("/api/audit") if r["Action"] == "backup.create"])
before = backups()
r = s.post("/api/backup", key=ida)
check("the first is noted", (r.status, r.json.get("Asked"), backups()), (202, "Backup", before))
check("and is not the second too", (s.post("/api/backup", key=ida).status, backups()), (409, before))
check("who may not take backups is neither", s.post("/api/backup", key=ada).status, 403)
check("the second gets it", s.post("/api/backup", key=ivo).status, 201)
code, out, err = s.cli("backup")
check("the command says that somebody else must ask", (code, "two people" in err), (1, True))
check("a rotation is another question", (s.post("/api/settings/rotate-master-key", key=ivo).status, s.post("/api/settings/rotate-master-key", key=ida).status), (202, 200))
r = s.put("/api/settings", {**s.get("/api/settings").json, "TwoPersons": []}, key=ida)
check("nobody turns it off alone", (r.status, s.get("/api/settings").json["TwoPersons"]), (202, ["Backup", "KeyRotate"]))
check("other settings need no second person", s.put("/api/settings", {"ApiKeys": {"MaxDays": 30}}, key=ida).json.get("TwoPersons"), ["Backup", "KeyRotate"])
check("two do", (s.put("/api/settings", {**s.get("/api/settings").json, "TwoPersons": []}, key=ivo).json.get("TwoPersons"), s.get("/api/settings").json["TwoPersons"]), ([], []))
check("then one is enough", s.post("/api/backup", key=ida).status, 201)
role = s.must(s.post("/api/roles", {"Name": "Settings only", "Permissions": ["InstanceSettings"]}))
sven = caller("sven", role["Id"])
s.must(s.put("/api/settings", {"Egress": {"Allow": ["192.0.2.1:80"]}}))
check("who has no EgressAdmin empties no list by leaving it out", (s.put("/api/settings", {"Paused": False}, key=sven).status, s.get("/api/settings").json["Egress"]["Allow"]), (403, ["192.0.2.1:80"]))
check("the chain holds", s.cli("verify-audit")[0], 0)
finish()
