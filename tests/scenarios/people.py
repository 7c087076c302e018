"""People: signing in and out, sessions and what guards them, users, roles, API keys."""
import json, os, subprocess, time
from harness import *

PASSWORD = "correct horse battery staple"


class Browser:
    """Keeps the cookie and the CSRF token as a browser's page would."""

    def __init__(self, server):
        self.server, self.cookie, self.csrf = server, None, None

    def call(self, method, path, body=None, headers=None, csrf=True, origin=True):
        sent = {"Host": f"127.0.0.1:{self.server.port}"}
        if self.cookie:
            sent["Cookie"] = self.cookie
        if csrf and self.csrf and method != "GET":
            sent["X-CSRF-Token"] = self.csrf
        if origin and method != "GET":
            sent["Origin"] = f"http://127.0.0.1:{self.server.port}"
        sent.update(headers or {})
        r = self.server.call(method, path, body, headers=sent, key=False)
        got = r.headers.get("Set-Cookie")
        if got:
            self.cookie = got.split(";")[0]
            self.set_cookie = got
        return r

    def sign_in(self, name, password=PASSWORD):
        r = self.call("POST", "/api/session", {"Username": name, "Password": password})
        if r.status == 201:
            self.csrf = r.json["CsrfToken"]
        return r


def grant(role, space=None, projects=(), environments=()):
    return {"Role": role, "Space": space, "Projects": list(projects), "Environments": list(environments)}


def users():
    s = Server()
    r = s.call("POST", "/api/users", {"Username": "ann", "DisplayName": "Ann Author", "Password": PASSWORD, "Roles": [grant("Author", "Spaces-1")]})
    check("a user is created", r.status, 201)
    ann = r.json
    check("and says what roles it has", ann.get("Roles"), [grant("Roles-author", "Spaces-1")])
    check("its password does not come out", ann.get("Password"), {"HasValue": True})
    check("nor its hash", "argon2" in r.text, False)
    check("the same name again is a conflict, whatever its case", s.call("POST", "/api/users", {"Username": "ANN", "Password": PASSWORD}).status, 409)
    check("what a GET returned may be sent back", s.call("PUT", "/api/users/ann", s.call("GET", "/api/users/ann").json).status, 200)
    bad = s.call("POST", "/api/users", {"Username": "admin.key", "Password": "short", "Roles": [grant("God"), grant("Viewer", "Spaces-99")], "Colour": 1})
    check("all that is wrong is said with its path", bad.errors, has("Username: ", "Password: must have at least 12", "Roles[0].Role: there is no role", "Roles[1].Space: there is no space", "Colour: unknown field"))

    b = Browser(s)
    check("an unknown name is refused", b.sign_in("nobody").status, 401)
    unknown = b.sign_in("nobody")
    wrong = b.sign_in("ann", "wrong horse battery staple")
    check("a wrong password looks the same", (wrong.status, wrong.body), (unknown.status, unknown.body))
    check("and sets no cookie", wrong.headers.get("Set-Cookie"), None)
    r = b.sign_in("Ann")
    check("name and password sign in, the name's case does not count", (r.status, r.json.get("Name"), r.json.get("Kind")), (201, "ann", "Session"))
    check("the cookie is bound to host and path, secret from scripts, and not sent by other sites", b.set_cookie, has("__Host-reactions=RXS-", "; Path=/;", "; Secure;", "; HttpOnly;", "SameSite=Strict"))
    check("who am I: the same", b.call("GET", "/api/session").json.get("Grants", [{}])[0].get("Space"), "Spaces-1")
    check("the API answers to it", b.call("GET", "/api/reactions").status, 200)
    first = b.cookie
    b.sign_in("ann")
    check("each sign-in has a new id", b.cookie != first)

    check("a change without the token is refused", b.call("POST", "/api/triggers", {"Name": "x", "Route": "x"}, csrf=False).status, 403)
    check("with a wrong one too", b.call("POST", "/api/triggers", {"Name": "x", "Route": "x"}, headers={"X-CSRF-Token": "0" * 64}).status, 403)
    check("without evidence of our own page too", b.call("POST", "/api/triggers", {"Name": "x", "Route": "x"}, origin=False).status, 403)
    check("from another origin too", b.call("POST", "/api/triggers", {"Name": "x", "Route": "x"}, headers={"Origin": "https://evil.example"}).status, 403)
    check("from another site, whatever its Origin says, too", b.call("POST", "/api/triggers", {"Name": "x", "Route": "x"}, headers={"Sec-Fetch-Site": "cross-site"}).status, 403)
    check("a POST that stands for a DELETE is no way around", b.call("POST", "/api/session", headers={"X-HTTP-Method-Override": "DELETE"}, csrf=False).status, 403)
    check("with both it is done", b.call("POST", "/api/triggers", {"Name": "x", "Route": "x"}).status, 201)
    check("Sec-Fetch-Site alone is evidence", b.call("POST", "/api/triggers", {"Name": "y", "Route": "y"}, origin=False, headers={"Sec-Fetch-Site": "same-origin"}).status, 201)
    check("nobody is signed in from another site", b.call("POST", "/api/session", {"Username": "ann", "Password": PASSWORD}, headers={"Origin": "https://evil.example"}).status, 403)

    s.restart()
    check("a session survives a restart", b.call("GET", "/api/session").status, 200)
    other = Browser(s)
    other.sign_in("ann")
    check("signing out ends this session", (b.call("DELETE", "/api/session").status, b.call("GET", "/api/session").status), (204, 401))
    b.cookie = first
    check("only this one", (b.call("GET", "/api/session").status, other.call("GET", "/api/session").status), (200, 200))
    check("signing out everywhere ends all", (other.call("DELETE", "/api/sessions").status, b.call("GET", "/api/session").status, other.call("GET", "/api/session").status), (204, 401, 401))

    b, other = Browser(s), Browser(s)
    b.sign_in("ann"), other.sign_in("ann")
    check("the present password is asked for", b.call("POST", "/api/session/password", {"Password": "wrong", "NewPassword": PASSWORD + "!"}).status, 403)
    check("one's own password can be changed", b.call("POST", "/api/session/password", {"Password": PASSWORD, "NewPassword": PASSWORD + "!"}).status, 204)
    check("this session goes on, others end", (b.call("GET", "/api/session").status, other.call("GET", "/api/session").status), (200, 401))
    check("the old password opens nothing", other.sign_in("ann").status, 401)
    doc = s.call("GET", "/api/users/ann").json
    doc["IsDisabled"] = True
    check("a user is disabled", s.call("PUT", "/api/users/ann", doc).status, 200)
    check("its session ends at once", b.call("GET", "/api/session").status, 401)
    refused = b.sign_in("ann", PASSWORD + "!")
    check("and the right password looks wrong", (refused.status, refused.body), (401, unknown.body))
    actions = [e["Action"] for e in s.call("GET", "/api/audit?take=200").json["Items"]]
    for action in ("user.create", "user.update", "sign-in", "sign-in.failed", "sign-out", "sign-out.everywhere", "user.password"):
        check(f"the audit has {action}", action in actions)
    check("the audit's chain holds", s.call("GET", "/api/audit/verify").json.get("IsIntact"), True)
    check("no password is in the database", PASSWORD.encode() in open(s.data + "/reactions.db", "rb").read() + open(s.data + "/reactions.db-wal", "rb").read(), False)
    s.kill()


def throttled():
    s = Server()
    s.call("POST", "/api/users", {"Username": "ann", "Password": PASSWORD})
    b = Browser(s)
    answers = [b.sign_in("ann", "wrong horse battery staple") for _ in range(12)]
    check("ten tries, then no more", [a.status for a in answers], [401] * 10 + [429] * 2)
    check("it says when again", int(answers[-1].headers.get("Retry-After", 0)), lambda n: 800 < n <= 901)
    check("the right password has to wait too", b.sign_in("ann").status, 429)
    check("for a name nobody has it is the same", b.sign_in("nobody").status, 429)
    rows = [e for e in s.call("GET", "/api/audit?take=200").json["Items"] if e["Action"].startswith("sign-in.")]
    check("failures are noted with the address and without what was typed", rows[0]["Particulars"].get("Address") == "127.0.0.1" and "nobody" not in json.dumps(rows))
    check("the key of this host works on", s.call("GET", "/api/users").status, 200)
    for _ in range(60):
        s.call("GET", "/api/users", key="RXA-" + "0" * 61)
    rows = [e for e in s.call("GET", "/api/audit?take=200").json["Items"] if e["Action"] == "key.failed"]
    check("a flood of bad keys does not fill the audit", len(rows), lambda n: 0 < n <= 25)
    s.kill()


def roles():
    s = Server()
    listed = s.call("GET", "/api/roles").json
    check("the nine built-in roles are listed", [r["Name"] for r in listed["Items"]], ["Viewer", "Operator", "Filter editor", "Author", "Approver", "Key manager", "Space admin", "Instance admin", "Auditor"])
    check("they cannot be changed", s.call("PUT", "/api/roles/Roles-viewer", {"Name": "Viewer", "Permissions": []}).status, 409)
    check("nor deleted", s.call("DELETE", "/api/roles/Viewer").status, 409)
    r = s.call("POST", "/api/roles", {"Name": "Secret keeper", "Permissions": ["ReactionView", "secretcreate"]})
    check("one of one's own is made", (r.status, r.json.get("Permissions")), (201, ["ReactionView", "SecretCreate"]))
    check("an unknown permission is named", s.call("POST", "/api/roles", {"Name": "x", "Permissions": ["Fly"]}).errors, has('Permissions[0]: there is no permission "Fly"'))
    check("a built-in name is taken", s.call("POST", "/api/roles", {"Name": "author", "Permissions": []}).status, 400)
    s.call("POST", "/api/users", {"Username": "kim", "Password": PASSWORD, "Roles": [grant("Secret keeper", "Spaces-1")]})
    b = Browser(s)
    b.sign_in("kim")
    check("it gives what it says", b.call("POST", "/api/secrets", {"Name": "s", "Value": "v"}).status, 201)
    check("and nothing else", b.call("POST", "/api/triggers", {"Name": "x", "Route": "x"}).status, 403)
    check("a role somebody has stays", s.call("DELETE", "/api/roles/" + r.json["Id"]).errors, has("kim"))
    r = s.call("PUT", "/api/roles/" + r.json["Id"], {"Name": "Secret keeper", "Permissions": ["ReactionView"]})
    check("a changed role counts at once", (r.status, b.call("POST", "/api/secrets", {"Name": "t", "Value": "v"}).status), (200, 403))
    check("nobody gives themselves a role", (b.call("GET", "/api/users").status, b.call("POST", "/api/roles", {"Name": "x", "Permissions": []}).status), (403, 403))
    s.kill()


def keys():
    s = Server()
    s.call("POST", "/api/users", {"Username": "ann", "Password": PASSWORD, "Roles": [grant("Author", "Spaces-1")]})
    b = Browser(s)
    b.sign_in("ann")
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2 * 86400))
    check("a key needs its end", b.call("POST", "/api/apikeys", {"Label": "ci"}).errors, has("Expires: is needed"))
    check("and not too late a one", b.call("POST", "/api/apikeys", {"Label": "ci", "Expires": "2099-01-01T00:00:00Z"}).errors, has("Expires: must be 20"))
    r = b.call("POST", "/api/apikeys", {"Label": "ci", "Expires": soon})
    key = r.json.get("Key", "")
    check("a key is made and shown", (r.status, key[:4]), (201, "RXA-"))
    check("this once", "RXA-" in b.call("GET", "/api/apikeys").text, False)
    check("it acts as its owner", s.call("GET", "/api/session", key=key).json.get("Name"), "ann")
    check("without a CSRF token, being no cookie", s.call("POST", "/api/triggers", {"Name": "x", "Route": "x"}, key=key).status, 201)
    check("the audit says with which key", s.call("GET", "/api/audit?take=1").json["Items"][0]["Actor"], "ann with " + r.json["Id"])
    check("it can no more than its owner", s.call("GET", "/api/users", key=key).status, 403)
    check("a right the owner has not is refused by name", b.call("POST", "/api/apikeys", {"Expires": soon, "Permissions": ["UserAdmin"]}).errors, has("UserAdmin is more than the owner"))
    small = b.call("POST", "/api/apikeys", {"Expires": soon, "Permissions": ["ReactionView", "RunView"]}).json["Key"]
    check("a narrower key reads", s.call("GET", "/api/reactions", key=small).status, 200)
    check("and does not write", s.call("POST", "/api/triggers", {"Name": "z", "Route": "z"}, key=small).status, 403)
    check("it makes none that can more", s.call("POST", "/api/apikeys", {"Expires": soon, "Permissions": ["TriggerEdit"]}, key=small).status, 400)
    check("nor one that lives longer", s.call("POST", "/api/apikeys", {"Expires": later}, key=small).errors, has("longer than itself"))
    child = s.call("POST", "/api/apikeys", {"Expires": soon}, key=small)
    check("what it leaves out is what it has itself", child.json.get("Permissions"), ["ReactionView", "RunView"])
    s.call("POST", "/api/users", {"Username": "bob", "Password": PASSWORD, "Roles": [grant("Viewer", "Spaces-1")]})
    bob = Browser(s)
    bob.sign_in("bob")
    mine, none = bob.call("GET", "/api/apikeys/" + r.json["Id"]), bob.call("GET", "/api/apikeys/ApiKeys-999")
    check("another's key looks like none", (mine.status, mine.body), (none.status, none.body))
    check("nor is it listed", bob.call("GET", "/api/apikeys").json["TotalResults"], 0)
    check("nor can it be ended", bob.call("DELETE", "/api/apikeys/" + r.json["Id"]).status, 404)
    check("the last use is kept", until(lambda: b.call("GET", "/api/apikeys/" + r.json["Id"]).json.get("UseCount", 0) > 2))
    check("its owner ends it", b.call("DELETE", "/api/apikeys/" + r.json["Id"]).status, 204)
    check("at once", s.call("GET", "/api/session", key=key).status, 401)
    service = s.call("POST", "/api/users", {"Username": "robot", "IsService": True, "Roles": [grant("Operator", "Spaces-1")]}).json
    robot = s.call("POST", "/api/apikeys", {"User": service["Id"], "Expires": soon})
    check("a service's key is made by a user administrator", s.call("GET", "/api/session", key=robot.json.get("Key", "")).json.get("Name"), "robot")
    check("a person's is not", s.call("POST", "/api/apikeys", {"User": "Users-1", "Expires": soon}).status, 409)
    check("the user is deleted", s.call("DELETE", "/api/users/robot").status, 204)
    check("and the key with it", (s.call("GET", "/api/session", key=robot.json["Key"]).status, robot.json["Id"] in s.call("GET", "/api/apikeys").text), (401, False))
    s.call("PUT", "/api/settings", {"ApiKeys": {"MaxDays": 1}})
    check("the longest life is the administrator's to say", b.call("POST", "/api/apikeys", {"Expires": later}).status, 400)
    s.kill()


def projects():
    """Who holds a role for a project sees that project's reactions, runs and events, and no count of others."""
    s = Server()
    for name, project in (("one", "Projects-1"), ("two", "Projects-2"), ("wide", None)):
        made = s.call("POST", "/api/reactions", {"Name": name, "Trigger": {"Type": "Internal", "Events": ["DeploymentStarted"]}, "Scope": {"Projects": [project] if project else []},
                                                 "Action": {"Type": "Http", "Uri": "https://example.com/"}})
        check(f"the reaction {name} is there", made.status, 201)
    s.call("POST", "/api/users", {"Username": "pat", "Password": PASSWORD, "Roles": [grant("Author", "Spaces-1", ["Projects-1"])]})
    b = Browser(s)
    b.sign_in("pat")
    listed = b.call("GET", "/api/reactions").json
    check("one's own project's reactions are listed", [r["Name"] for r in listed["Items"]], ["one"])
    check("and counted", listed["TotalResults"], 1)
    foreign, unknown = b.call("GET", "/api/reactions/Reactions-2"), b.call("GET", "/api/reactions/Reactions-99")
    check("another project's looks like none", (foreign.status, foreign.body), (unknown.status, unknown.body))
    check("by its name too", b.call("GET", "/api/reactions/two").body, unknown.body)
    check("nor can it be changed", b.call("PUT", "/api/reactions/Reactions-2", foreign.json).status, 404)
    two = s.call("GET", "/api/reactions/two").json
    check("a reaction comes over from the other project", s.call("PUT", "/api/reactions/two", {**two, "Scope": {"Projects": ["Projects-1"]}, "Description": "moved"}).status, 200)
    check("it is seen now", b.call("GET", "/api/reactions/two").status, 200)
    check("what it was before is not", ([r["Number"] for r in b.call("GET", "/api/reactions/two/revisions").json["Items"]], b.call("GET", "/api/reactions/two/revisions").json["TotalResults"]), ([2], 1))
    check("nor by its number", (b.call("GET", "/api/reactions/two/revisions/1").status, b.call("POST", "/api/reactions/two/revisions/1/restore").status), (404, 404))
    s.call("POST", "/api/secrets", {"Name": "s", "Value": "v", "AllowedReactions": ["wide"]})
    check("a secret does not say what it is for", b.call("GET", "/api/secrets/s").json.get("AllowedReactions"), None)
    check("who sees the whole space is told", s.call("GET", "/api/secrets/s").json.get("AllowedReactions"), ["wide"])
    check("streams are for the signed in", raw(s.port, b"GET /api/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), has(b" 401 "))
    mine = b.call("GET", "/api/reactions/one").json
    check("one's own can", b.call("PUT", "/api/reactions/one", {**mine, "Description": "mine"}).status, 200)
    mine["Scope"] = {"Projects": ["Projects-1", "Projects-2"]}
    check("but not widened to another project", b.call("PUT", "/api/reactions/one", mine).status, 403)
    mine["Scope"] = {}
    check("nor to all", b.call("PUT", "/api/reactions/one", mine).status, 403)
    check("nor is one made for the whole space", b.call("POST", "/api/reactions", {"Name": "n", "Trigger": {"Type": "Internal", "Events": ["DeploymentStarted"]}, "Action": {"Type": "Http", "Uri": "https://example.com/"}}).status, 403)
    s.kill()


def first_start():
    s = Server(start=False)
    s.start()
    said = s.said()
    link = next((w for w in said.split() if "/setup#" in w), "")
    check("the first start tells a set-up link", link, has(f"http://127.0.0.1:{s.port}/setup#RXI-"))
    token = link.split("#")[-1]
    page = s.call("GET", "/setup", key=False)
    check("its page may run our script only", (page.status, "script-src 'self'" in page.headers.get("Content-Security-Policy", "")), (200, True))
    check("there is no default password", [s.call("POST", "/api/session", {"Username": n, "Password": p}, key=False).status for n, p in (("admin", "admin"), ("admin", "password"), ("root", "root"))], [401] * 3)
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    check("a wrong token makes nobody", s.call("POST", "/api/setup", {"Token": wrong, "Username": "root", "Password": PASSWORD}, key=False).status, 403)
    check("nor a short password", s.call("POST", "/api/setup", {"Token": token, "Username": "root", "Password": "short"}, key=False).status, 400)
    s.restart()
    check("the link is told once", "/setup#" in s.said()[len(said):], False)
    r = s.call("POST", "/api/setup", {"Token": token, "Username": "root", "Password": PASSWORD}, key=False)
    check("but works until it is used, also after a restart", (r.status, r.json.get("Name")), (201, "root"))
    check("and once", s.call("POST", "/api/setup", {"Token": token, "Username": "root2", "Password": PASSWORD}, key=False).status, 403)
    b = Browser(s)
    b.sign_in("root")
    check("who used it administers", b.call("GET", "/api/users").status, 200)
    s.kill()
    s = Server(start=False)
    first = listening(s, "0.0.0.0:0")
    check("without an administrator it listens on loopback, whatever it was told", (first, "no administrator yet" in s.said()), ("127.0.0.1", True))
    r = s.call("POST", "/api/users", {"Username": "root", "Password": PASSWORD, "Roles": [grant("Instance admin")]})
    check("one is made with the key of this host", r.status, 201)
    s.kill()
    check("then it listens where it was told", listening(s, "0.0.0.0:0"), "0.0.0.0")
    s.kill()


def listening(s, where):
    """Starts it with another --listen; the address it says."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("REACTIONS_")}
    s.run([REACTIONS, "serve", "--listen", where, "--data", s.data], env=env)
    s.port = s.port_of_line()
    with open(os.path.join(s.data, "admin.key")) as f:
        s.key = f.read().strip()
    return s.line.split("://")[1].rsplit(":", 1)[0]


def headers():
    s = Server()
    wanted = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store"}
    for method, path, key in (("GET", "/api", False), ("GET", "/api/reactions", True), ("GET", "/api/reactions/x", True), ("GET", "/api/reactions", False), ("POST", "/triggers/x", False), ("GET", "/healthz", False), ("GET", "/metrics", False), ("GET", "/nowhere", False), ("POST", "/api/session", False)):
        r = s.call(method, path, key=key)
        check(f"{method} {path} ({r.status}) is guarded", {n: r.headers.get(n) for n in wanted}, wanted)
        check(f"{method} {path} is for no other origin", [h for h in r.headers if h.lower().startswith("access-control")], [])
    r = s.call("OPTIONS", "/api/reactions", key=False, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"})
    check("a preflight is not answered with a permission", [h for h in r.headers if h.lower().startswith("access-control")], [])
    s.kill()


def command_line():
    s = Server()
    env = {**os.environ, "REACTIONS_API_KEY_FILE": s.data + "/admin.key", "REACTIONS_SERVER": s.url}

    def run(*words, given=None):
        p = subprocess.run([REACTIONS, *words], input=given, capture_output=True, text=True, env=env, timeout=60)
        return p.returncode, p.stdout + p.stderr

    check("user add reads the password from standard input", run("user", "add", "ann", "--role", "Author", "--in", "default", "--project", "Projects-1", given=PASSWORD + "\n"), lambda r: r[0] == 0 and '"HasValue": true' in r[1])
    check("the password signs in", Browser(s).sign_in("ann").status, 201)
    check("user list", run("user", "list"), lambda r: r[0] == 0 and "ann" in r[1])
    check("user grant adds a role", run("user", "grant", "ann", "Viewer"), lambda r: r[0] == 0 and "Roles-viewer" in r[1])
    check("user revoke takes one", run("user", "revoke", "ann", "author", "--in", "Spaces-1"), lambda r: r[0] == 0 and "Roles-author" not in r[1] and "Roles-viewer" in r[1])
    check("one that is not there is said", run("user", "revoke", "ann", "author"), lambda r: r[0] == 1 and "does not have that role" in r[1])
    check("user password", run("user", "password", "ann", given="another " + PASSWORD), lambda r: r[0] == 0)
    check("the new one signs in", Browser(s).sign_in("ann", "another " + PASSWORD).status, 201)
    check("user disable", run("user", "disable", "ann")[0], 0)
    check("ends that", Browser(s).sign_in("ann", "another " + PASSWORD).status, 401)
    check("a service needs no password", run("user", "add", "robot", "--service", "--role", "Viewer")[0], 0)
    code, key = run("apikey", "create", "--user", "Users-2", "--days", "1", "--permission", "ReactionView")
    check("apikey create prints the key alone", (code, key[:4], len(key.split())), (0, "RXA-", 1))
    check("it works", s.call("GET", "/api/reactions", key=key.strip()).status, 200)
    check("wrong usage is 2", (run("user")[0], run("user", "fly", "x")[0], run("apikey", "make")[0]), (2, 2, 2))
    check("user delete", run("user", "delete", "ann")[0], 0)
    s.kill()


def octopus():
    """A person's own Octopus API key: their Octopus says who they are and what they may."""
    sample = Sample()
    s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
    refused = s.call("POST", "/api/session", {"ApiKey": SAMPLE_KEY + "-ALICE"}, key=False)
    check("without a connection nobody is vouched for", refused.status, 401)
    s.must(s.post("/api/spaces", {"Name": "Elsewhere"}))
    s.connect(sample)
    web, core = sample.of("projects", "Web Shop"), sample.of("projects", "Core Web")
    for name, project in (("web", web), ("core", core)):
        s.must(s.post("/api/reactions", {"Name": name, "Trigger": {"Type": "Internal", "Events": ["DeploymentStarted"]}, "Scope": {"Projects": [project]}, "Action": {"Type": "Http", "Uri": "https://example.com/"}}))
    alice = SAMPLE_KEY + "-ALICE"
    who = s.call("GET", "/api/session", key=alice).json
    check("the key says who", (who.get("Name"), who.get("Kind"), who.get("UserId")), ("octopus/alice", "Octopus", None))
    check("what she sees there she sees here", [r["Name"] for r in s.call("GET", "/api/reactions", key=alice).json["Items"]], ["core", "web"])
    web_doc, core_doc = s.call("GET", "/api/reactions/web", key=alice).json, s.call("GET", "/api/reactions/core", key=alice).json
    check("what she edits there she edits here", s.call("PUT", "/api/reactions/web", {**web_doc, "Description": "hers"}, key=alice).status, 200)
    check("and no other project", s.call("PUT", "/api/reactions/core", {**core_doc, "Description": "hers"}, key=alice).status, 403)
    check("the audit says who", s.call("GET", "/api/audit?take=1").json["Items"][0]["Actor"], "octopus/alice")
    check("the connection is not hers to change", s.call("POST", "/api/secrets", {"Name": "x", "Value": "y"}, key=alice).status, 403)
    check("nor the instance's users", s.call("GET", "/api/users", key=alice).status, 403)
    space = [s.call("GET", f"/api/{name}/reactions", key=alice).status for name in ("Spaces-1", "Spaces-2")]
    check("a space of another or no Octopus vouches for nobody", space, [200, 401])
    limited = s.call("GET", "/api/reactions", key=SAMPLE_KEY + "-LIMITED").json
    check("who sees one project there sees one here", (limited.get("TotalResults"), [r["Name"] for r in limited.get("Items", [])]), lambda got: got[0] <= 1 and "core" not in got[1])
    check("who may nothing there may nothing here", s.call("GET", "/api/reactions", key=SAMPLE_KEY + "-NONE").status, 404)
    admin = s.call("GET", "/api/session", key=SAMPLE_KEY).json
    check("who administers that Octopus administers its spaces", ([g["Space"] for g in admin["Grants"]], "SpaceSettings" in admin["Grants"][0]["Permissions"]), (["Spaces-1"], True))
    check("but not this instance", s.call("GET", "/api/settings", key=SAMPLE_KEY).status, 403)
    check("a key Octopus does not know opens nothing", s.call("GET", "/api/reactions", key="API-NOBODYSKEY").status, 401)

    b = Browser(s)
    r = b.call("POST", "/api/session", {"ApiKey": alice})
    b.csrf = r.json.get("CsrfToken")
    check("it signs in too", (r.status, r.json.get("Name"), r.json.get("Kind")), (201, "octopus/alice", "Session"))
    check("with a session like any other", (b.call("GET", "/api/reactions").status, b.call("PUT", "/api/reactions/web", b.call("GET", "/api/reactions/web").json).status), (200, 200))
    check("guarded like any other", b.call("PUT", "/api/reactions/web", web_doc, csrf=False).status, 403)
    s.restart()
    check("that survives a restart", b.call("GET", "/api/session").json.get("Name"), "octopus/alice")
    check("the key is not readable in what is stored", alice.encode() in s.stored_bytes(), False)
    check("signing out ends it", (b.call("DELETE", "/api/session").status, b.call("GET", "/api/session").status), (204, 401))
    b.call("POST", "/api/session", {"ApiKey": alice})
    sample.kill()
    s.restart()
    check("while Octopus does not answer, nothing is known and nothing allowed", (b.call("GET", "/api/session").status, s.call("GET", "/api/reactions", key=alice).status), (401, 401))
    check("the server's own people are not touched by it", s.call("GET", "/api/users").status, 200)
    sample = Sample()
    fresh = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
    fresh.connect(sample)
    for _ in range(30):
        fresh.call("GET", "/api/reactions", key="API-WRONG")
    check("wrong keys are not passed on without end", fresh.call("GET", "/api/reactions", key=SAMPLE_KEY + "-ALICE").status, 401)
    fresh.kill(), s.kill(), sample.kill()


def main():
    octopus()
    first_start()
    headers()
    command_line()
    users()
    throttled()
    roles()
    keys()
    projects()
    finish()


main()
