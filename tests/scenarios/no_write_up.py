"""Nobody makes a reaction do what they could not do themselves; drafts and their approval (permissions.md, rules 1 and 2)."""
import datetime
from harness import *

sample = Sample()
s = Server(env={"REACTIONS_EGRESS_ALLOW": "127.0.0.0/8"})
s.connect(sample)
SOON = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
users = {}


def caller(name, *roles, **more):
    """A service with these roles in Spaces-1, and its key."""
    user = s.must(s.post("/api/users", {"Username": name, "IsService": True, "Roles": [{"Role": r, "Space": "Spaces-1", **more} for r in roles]}))
    users[name] = user["Id"]
    return s.must(s.post("/api/apikeys", {"User": user["Id"], "Label": "test", "Expires": SOON}))["Key"]


ann, bert, carl = caller("ann", "Author"), caller("bert", "Author"), caller("carl", "Approver")
fay, olga, vera, adam = caller("fay", "Filter editor"), caller("olga", "Operator"), caller("vera", "Viewer"), caller("adam", "Space admin")
s.must(s.put("/api/identities/bot", {"Name": "bot", "ApiKey": {"HasValue": True}, "GrantedTo": ["ann"]}))
s.must(s.post("/api/secrets", {"Name": "feed", "Value": "canary-feed"}))
s.must(s.post("/api/secrets", {"Name": "bound", "Value": "canary-bound", "AllowedHosts": [f"127.0.0.1:{sample.port}"]}))
s.must(s.post("/api/secrets", {"Name": "theirs", "Value": "canary-theirs", "AllowedReactions": ["their-reaction"]}))
s.trigger("hook")
TRIGGER = {"Type": "External", "Name": "hook"}


def script(name, text="1", **fields):
    return {"Name": name, "Trigger": TRIGGER, "Action": {"Type": "PowerShell", "Script": text}, **fields}


def http(name, uri=None, **fields):
    return {"Name": name, "Trigger": {"Type": "Internal", "Events": ["DeploymentFailed"]}, "Action": {"Type": "Http", "Uri": uri or f"{sample.url}/receivers/x"}, **fields}


# ---- by every way in which a definition comes into force ----
r = s.post("/api/reactions", script("acts", Identity="bot"), key=ann)
check("who was granted the identity may use it", r.status, 201)
refused = lambda reply, *words: check_refused(reply, words)


def check_refused(reply, words):
    return (reply.status, all(w in reply.errors for w in words))


check("who was not may not, and is told what is missing", refused(s.post("/api/reactions", script("steals", Identity="bot"), key=bert), "GrantedTo"), (403, True))
check("nothing was saved of it", s.get("/api/reactions/steals").status, 404)
check("neither by another's reaction: a new script", refused(s.put("/api/reactions/acts", script("acts", "2", Identity="bot"), key=bert), "GrantedTo"), (403, True))
check("nor by adding it to one's own", s.must(s.post("/api/reactions", script("own"), key=bert)) and refused(s.put("/api/reactions/own", script("own", Identity="bot"), key=bert), "GrantedTo"), (403, True))
check("nor under an id in the place of the name", refused(s.put("/api/reactions/own", script("own", Identity=s.get("/api/identities/bot").json["Id"]), key=bert), "GrantedTo"), (403, True))
check("nor in other letters", refused(s.put("/api/reactions/own", script("own", Identity="BOT"), key=bert), "GrantedTo"), (403, True))
check("an unknown field is refused, not passed by", refused(s.put("/api/reactions/own", script("own", identity="bot"), key=bert), "identity"), (400, True))
check("a member twice is refused", s.call("PUT", "/api/reactions/own", '{"Name":"own","Name":"own"}', key=bert).status, 400)
got = s.get("/api/reactions/acts", key=bert).json
got.update(Name="clone", Slug="clone")
check("a clone of it is refused", refused(s.post("/api/reactions", got, key=bert), "GrantedTo"), (403, True))
path = os.path.join(s.home, "import.yaml")
open(path, "w").write(json.dumps({"Kind": "Reaction", **script("imported", Identity="bot")}))
keyfile = os.path.join(s.home, "bert.key")
open(keyfile, "w").write(bert + "\n"); os.chmod(keyfile, 0o600)
check("an import is refused", s.cli("apply", path, "--api-key-file", keyfile), lambda t: t[0] == 1 and "GrantedTo" in t[1] + t[2])
# Revision 1 acts as the identity, revision 2 does not: whoever may not use it must not bring revision 1 back.
s.must(s.put("/api/reactions/acts", script("acts", "harmless"), key=ann))
check("a restore is refused", refused(s.post("/api/reactions/acts/revisions/1/restore", key=bert), "GrantedTo"), (403, True))
check("who may use it restores: a new revision", s.post("/api/reactions/acts/revisions/1/restore", key=ann).json.get("Revision"), 3)
check("X-HTTP-Method-Override opens no other way", s.post("/api/reactions/acts", script("acts", "2", Identity="bot"), key=bert, headers={"X-HTTP-Method-Override": "PUT"}).status, 403)
check("who manages identities needs no grant", s.put("/api/reactions/acts", script("acts", "3", Identity="bot"), key=adam).status, 200)

# ---- flags ----
check("a filter editor switches nothing on", s.must(s.put("/api/reactions/own", script("own", Enabled=False), key=bert)) and refused(s.put("/api/reactions/own", script("own", Enabled=True), key=fay), "ReactionEnable"), (403, True))
check("an operator does", s.post("/api/reactions/own/enable", key=olga).status, 200)
check("and writes nothing", s.put("/api/reactions/own", script("own", "2"), key=olga).status, 403)

# ---- scripts are seen by who may see them ----
seen = s.get("/api/reactions/own", key=vera).json
check("a viewer sees that there is a script", seen["Action"]["Script"], {"HasValue": True})
check("nor in a revision", s.get("/api/reactions/own/revisions/1", key=vera).json["Definition"]["Action"]["Script"], {"HasValue": True})
check("an approver reads it", s.get("/api/reactions/own", key=carl).json["Action"]["Script"], "1")
edited = s.get("/api/reactions/own", key=fay).json
edited["Description"] = "by fay"
check("who cannot see it sends it back and changes the rest", s.put("/api/reactions/own", edited, key=fay).status, 200)
check("and it is what it was", (s.get("/api/reactions/own").json["Action"]["Script"], s.get("/api/reactions/own").json["Description"]), ("1", "by fay"))

# ---- secrets and hosts ----
check("a secret of another reaction is refused when saved", refused(s.post("/api/reactions", script("mine", Variables=[{"Name": "K", "Secret": "theirs"}]), key=ann), "AllowedReactions"), (400, True))
check("the reaction it is for has it", s.post("/api/reactions", {**script("Their reaction", Variables=[{"Name": "K", "Secret": "theirs"}]), "Slug": "their-reaction"}, key=ann).status, 201)
check("a secret goes to no other host", refused(s.post("/api/reactions", http("leak", "https://evil.example/#{K}", Variables=[{"Name": "K", "Secret": "bound"}]), key=ann), "AllowedHosts"), (400, True))
check("nor to another port of it", refused(s.post("/api/reactions", http("leak", "http://127.0.0.1:1/", Variables=[{"Name": "K", "Secret": "bound"}]), key=ann), "AllowedHosts"), (400, True))
check("to its own it does", s.post("/api/reactions", http("good", Variables=[{"Name": "K", "Secret": "bound"}]), key=ann).status, 201)
check("a script has no host that could be seen", refused(s.post("/api/reactions", script("leak", Variables=[{"Name": "K", "Secret": "bound"}]), key=ann), "AllowedHosts"), (400, True))
s.must(s.post("/api/reactions", script("typed", Variables=[{"Name": "K", "Value": "canary-typed", "IsSensitive": True}]), key=ann))
role = s.must(s.post("/api/roles", {"Name": "No secrets", "Permissions": ["ReactionView", "ReactionCreate", "FilterEdit", "ScriptEdit", "ScriptView", "ReactionEnable"]}))
nina = caller("nina", role["Id"])
body = s.get("/api/reactions/typed", key=nina).json
body["Action"]["Script"] = "$OctopusParameters.K"
check("a value typed by another is reached by no new script of who may use no secrets", refused(s.put("/api/reactions/typed", body, key=nina), "SecretUse"), (403, True))

# ---- keys do not follow a connection to another server ----
other = Sample()
moved = {"Name": "octopus", "Url": other.url, "ReaderKey": {"HasValue": True}}
check("a connection that moves takes no kept key along", s.put("/api/connections/octopus", moved), lambda r: r.status == 400 and "ReaderKey" in r.errors)
check("nor with the field left out", s.put("/api/connections/octopus", {"Name": "octopus", "Url": other.url}).status, 400)
check("at the same server a path may change", s.put("/api/connections/octopus", {"Name": "octopus", "Url": sample.url + "/", "ReaderKey": {"HasValue": True}}).status, 200)
check("with the reader's key sent for it, it moves", s.put("/api/connections/octopus", {**moved, "ReaderKey": SAMPLE_KEY + "-READER"}).status, 200)
if s.wait_ready():
    s.reaction("Invoke-OctopusApi -Method Get -Path /api/users/me", name="asks", Identity="bot")
    s.fire({"a": 1}, key=s.new_key("hook"))
    asked = s.ended_runs("asks", 1)
    check("an identity's key is not sent to the new server", asked and asked[0]["ErrorMessage"], has("set the key of the identity again"))
    s.delete("/api/reactions/asks")
else:
    skip("an identity's key is not sent to the new server", "there is no PowerShell here")
s.must(s.put("/api/connections/octopus", {"Name": "octopus", "Url": sample.url, "ReaderKey": SAMPLE_KEY + "-READER"}))

# ---- approval ----
space = lambda **f: s.must(s.put("/api/spaces/Spaces-1", {"Name": "Default", "Slug": "default", **f}))
check("alone, nothing needs approval", s.get("/api/spaces/Spaces-1").json["ApprovalInForce"], "none")
for name in ("dora", "emil"):
    s.must(s.post("/api/users", {"Username": name, "Password": "correct horse battery " + name, "Roles": []}))
check("with a second person, sensitive changes do", s.get("/api/spaces/Spaces-1").json["ApprovalInForce"], "sensitive")
check("a policy that is none is refused", s.put("/api/spaces/Spaces-1", {"Name": "Default", "Slug": "default", "Approval": "some"}).status, 400)
space(Approval="sensitive")
check("it is kept", s.get("/api/spaces/Spaces-1").json["Approval"], "sensitive")
before = s.get("/api/reactions/own").json["Revision"]
r = s.put("/api/reactions/own", script("own", "'new'", Description="by fay"), key=bert)
draft = r.json.get("Draft") or {}
check("a new script is a draft", (r.status, r.json["Revision"], draft.get("Author")), (200, before, "bert"))
check("the active revision goes on", s.get("/api/reactions/own").json["Action"]["Script"], "1")
n = draft["Number"]
one = s.get(f"/api/reactions/own/revisions/{n}").json
check("it is shown as a draft, with what it changes", (one["State"], [d["Path"] for d in one["Differences"]]), ("Draft", ["Action.Script"]))
check("from and to", (one["Differences"][0]["Old"], one["Differences"][0]["New"]), ("1", "'new'"))
approve = lambda key, number, body=None: s.post(f"/api/reactions/own/revisions/{number}/approve", body, key=key)
check("its author approves it not, though allowed to approve", (s.must(s.put("/api/users/" + users["bert"], {"Username": "bert", "IsService": True, "Roles": [{"Role": "Author", "Space": "Spaces-1"}, {"Role": "Approver", "Space": "Spaces-1"}]})) and approve(bert, n).status), 403)
check("nor does one who may not approve", refused(approve(ann, n), "ReactionApprove"), (403, True))
check("nor by another hash than that read", approve(carl, n, {"Hash": "0" * 64}).status, 409)
r2 = s.put("/api/reactions/own", script("own", "'newer'", Description="by fay"), key=bert)
check("an edit makes another draft", r2.json["Draft"]["Number"], n + 1)
check("the one before can be approved no more", approve(carl, n).status, 409)
got = approve(carl, n + 1, {"Hash": r2.json["Draft"]["Hash"]})
check("somebody else approves", (got.status, got.json.get("Revision"), got.json.get("Draft")), (200, n + 1, None))
check("and it is in force", s.get("/api/reactions/own").json["Action"]["Script"], "'newer'")
check("who approved is kept", s.get(f"/api/reactions/own/revisions/{n + 1}").json["Approved"]["By"], "carl")
check("twice is refused", approve(carl, n + 1).status, 409)
r = s.put("/api/reactions/own", script("own", "'newer'", Description="plain words"), key=bert)
check("words need no approval", (r.json["Draft"], r.json["Description"]), (None, "plain words"))
r = s.post("/api/reactions/own/revisions/1/restore", key=bert)
check("a restore is a new revision, and a draft", (r.status, (r.json["Draft"] or {}).get("Author")), (200, "bert"))
s.must(s.put("/api/users/" + users["bert"], {"Username": "bert", "IsService": True, "Roles": [{"Role": "Viewer", "Space": "Spaces-1"}]}))
n = r.json["Draft"]["Number"]
check("what its author could not save any more is not approved", refused(approve(carl, n), "bert"), (409, True))
s.must(s.put("/api/users/" + users["bert"], {"Username": "bert", "IsService": True, "IsDisabled": True, "Roles": []}))
check("nor what a person who is gone wrote", refused(approve(carl, n), "bert"), (409, True))
space(Approval="all")
r = s.post("/api/reactions", script("fresh"), key=ann)
check("a new reaction under the policy all is a draft only", (r.status, r.json["Draft"]["Number"]), (201, 1))
key = s.new_key("hook")
event = s.fire({"a": 1}, key=key)
until(lambda: s.get(f"/api/events/{event.json['EventId']}/explain").json.get("Reactions"), 20)
check("which matches nothing", [x for x in s.get(f"/api/events/{event.json['EventId']}/explain").json["Reactions"] if x["ReactionId"] == r.json["Id"]], [])
check("words are a draft as well", s.put("/api/reactions/own", script("own", "'newer'", Description="other words"), key=ann).json["Draft"]["Author"], "ann")
check("the management key approves not its own", (s.must(s.put("/api/reactions/own", script("own", "'k'"))) and approve(True, s.get("/api/reactions/own").json["Draft"]["Number"]).status), 403)
check("it approves others'", s.post("/api/reactions/fresh/revisions/1/approve").status, 200)

# ---- a draft of which nothing was approved yet is about what it says ----
p1, p2 = sample.of("projects", "Web Shop"), sample.of("projects", "Core Web")
pia, paul, otto = caller("pia", "Author", Projects=[p1]), caller("paul", "Approver", Projects=[p1]), caller("otto", "Author", Projects=[p2])
r = s.post("/api/reactions", http("for-p1", Scope={"Projects": [p1]}), key=pia)
check("an author of one project makes a reaction of it", (r.status, (r.json.get("Draft") or {}).get("Author")), (201, "pia"))
check("sees it", s.get("/api/reactions/for-p1", key=pia).status, 200)
check("finds it in the list", [x["Slug"] for x in s.items("/api/reactions", key=pia)], ["for-p1"])
check("reads its revisions", [x["State"] for x in s.items("/api/reactions/for-p1/revisions", key=pia)], ["Draft"])
r = s.put("/api/reactions/for-p1", {**s.get("/api/reactions/for-p1", key=pia).json, "Description": "better"}, key=pia)
check("edits it", (r.status, r.json.get("Description"), r.json["Draft"]["Number"]), (200, "better", 2))
check("switches it off and on", [s.post(f"/api/reactions/for-p1/{verb}", key=pia).json.get("Enabled") for verb in ("disable", "enable")], [False, True])
check("does not approve it", refused(s.post("/api/reactions/for-p1/revisions/2/approve", key=pia), "ReactionApprove"), (403, True))
check("cannot move it out of the project", s.put("/api/reactions/for-p1", http("for-p1", Scope={"Projects": [p2]}), key=pia).status, 403)
event = {"Event": {"Category": "DeploymentFailed", "RelatedDocumentIds": ["Deployments-1", p1]}}
r = s.post("/api/reactions/for-p1/test", event, key=pia)
check("tries it without effects", (r.status, r.json.get("Matched")), (200, True))
unknown = [(x.status, x.body) for x in (s.get("/api/reactions/no-such", key=otto), s.put("/api/reactions/no-such", http("for-p1"), key=otto), s.post("/api/reactions/no-such/enable", key=otto),
                                        s.get("/api/reactions/no-such/revisions", key=otto), s.get("/api/reactions/no-such/revisions/1", key=otto))]
check("to the author of another project it looks like an unknown one", [(x.status, x.body) for x in (s.get("/api/reactions/for-p1", key=otto), s.put("/api/reactions/for-p1", http("for-p1"), key=otto),
      s.post("/api/reactions/for-p1/enable", key=otto), s.get("/api/reactions/for-p1/revisions", key=otto), s.get("/api/reactions/for-p1/revisions/1", key=otto))], unknown)
check("and is not in the list, nor in its count", (s.items("/api/reactions", key=otto), s.get("/api/reactions", key=otto).json["TotalResults"]), ([], 0))
check("the approver of the project approves it", (s.post("/api/reactions/for-p1/revisions/2/approve", key=paul).status, s.get("/api/reactions/for-p1", key=paul).json.get("Draft")), (200, None))
check("a draft that is none cannot be tried", s.post("/api/reactions/for-p1/test", {**event, "Draft": True}, key=pia).status, 409)
s.must(s.put("/api/reactions/for-p1", http("for-p1", f"{sample.url}/receivers/draft", Scope={"Projects": [p1]}), key=pia))
tried = lambda **more: ((s.post("/api/reactions/for-p1/test", {**event, **more}, key=pia).json.get("Request") or {}).get("Uri") or "")[-6:]
check("beside it a draft is tried where that is asked for", (tried(), tried(Draft=True), tried(Draft=False)), ("vers/x", "/draft", "vers/x"))
s.must(s.post("/api/reactions", script("acts-too", Identity="bot"), key=ann))
check("who was not granted the identity cannot let a dry run read with it", refused(s.post("/api/reactions/acts-too/test", {"Event": {"Payload": {}}}, key=caller("berta", "Author")), "GrantedTo"), (403, True))
check("who was can", s.post("/api/reactions/acts-too/test", {"Event": {"Payload": {}}}, key=ann).status, 200)
check("its author sees it as before", s.get("/api/reactions/for-p1", key=pia).json.get("Revision"), 2)
space(Approval="none")
check("without policy a save is active", s.put("/api/reactions/own", script("own", "'free'"), key=ann).json["Action"]["Script"], "'free'")
actions = [a["Action"] for a in s.items("/api/audit")]
check("approvals stand in the audit", actions.count("reaction.approve"), 3)
check("no secret value is in what was answered", "canary" in json.dumps([s.items("/api/reactions"), s.items("/api/reactions/typed/revisions"), s.items("/api/audit")]), False)
finish()
