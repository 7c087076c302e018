"""Signing in at an OpenID provider, which this test plays: the code flow with PKCE, and what a hostile answer can not do."""
import base64, hashlib, http.server, json, os, subprocess, threading, time, urllib.parse
from harness import *

home = folder()


def openssl(*words, given=None):
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout


def b64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    def __init__(self, kid):
        self.kid, self.path = kid, os.path.join(home, kid + ".pem")
        openssl("genrsa", "-out", self.path, "2048")
        modulus = openssl("rsa", "-in", self.path, "-noout", "-modulus").decode().strip().split("=")[1]
        self.jwk = {"kty": "RSA", "use": "sig", "kid": kid, "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}

    def sign(self, claims, kid=None, alg="RS256"):
        content = b64(json.dumps({"alg": alg, "kid": kid or self.kid}).encode()) + "." + b64(json.dumps(claims).encode())
        return content + "." + b64(openssl("dgst", "-sha256", "-sign", self.path, given=content.encode()))


class Provider(http.server.BaseHTTPRequestHandler):
    """What it answers next can be changed by the test."""
    protocol_version = "HTTP/1.1"
    keys, codes, change, signer, asked = [], {}, {}, None, []

    def answer(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        Provider.asked.append(self.path)
        if self.path == "/.well-known/openid-configuration":
            self.answer({"issuer": Provider.issuer, "authorization_endpoint": Provider.issuer + "/authorize", "token_endpoint": Provider.issuer + "/token", "jwks_uri": Provider.issuer + "/keys"})
        elif self.path == "/keys":
            self.answer({"keys": [k.jwk for k in Provider.keys]})
        else:
            self.answer({}, 404)

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        Provider.asked.append(self.path)
        kept = Provider.codes.pop(form.get("code"), None)
        proven = kept and b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest()) == kept["code_challenge"] and form["redirect_uri"] == kept["redirect_uri"] and form.get("client_secret") == "s3cret"
        if not proven:
            self.answer({"error": "invalid_grant"}, 400)
            return
        now = int(time.time())
        claims = {"iss": Provider.issuer, "aud": "reactions", "sub": kept["sub"], "nonce": kept["nonce"], "iat": now, "exp": now + 300, "preferred_username": kept["name"], "name": "Ann Author"}
        claims.update(Provider.change)
        self.answer({"access_token": "x", "token_type": "Bearer", "id_token": Provider.signer.sign(claims)})

    def log_message(self, *args):
        pass


provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=provider.serve_forever, daemon=True).start()
Provider.issuer = f"http://127.0.0.1:{provider.server_port}"
first, second, foreign = Key("first"), Key("second"), Key("foreign")
Provider.keys, Provider.signer = [first], first
secret = os.path.join(home, "secret")
with open(secret, "w") as f:
    f.write("s3cret\n")
env = {"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{provider.server_port}", "REACTIONS_OIDC_ISSUER": Provider.issuer, "REACTIONS_OIDC_CLIENT_ID": "reactions", "REACTIONS_OIDC_CLIENT_SECRET_FILE": secret}
s = Server(env=env)


def cookie(reply, name):
    for value in reply.headers.get_all("Set-Cookie") or []:
        if value.startswith(name + "="):
            return value
    return ""


def begin():
    r = s.get("/api/session/oidc", key=False)
    return r, dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(r.headers.get("Location", "")).query))


def come_back(reply, query, sub="subject-7", name="ann", state=None, flow=None, code=None):
    """The person says yes at the provider, and the browser is led back."""
    code = code or os.urandom(8).hex()
    Provider.codes[code] = {**query, "sub": sub, "name": name}
    where = "/api/session/oidc/callback?" + urllib.parse.urlencode({"code": code, "state": state or query.get("state", "")})
    return s.get(where, key=False, headers={"Cookie": flow if flow is not None else cookie(reply, "__Host-reactions-oidc").split(";")[0]})


def sign_in(**more):
    return come_back(*begin(), **more)


r, query = begin()
check("it leads to the provider", (r.status, r.headers.get("Location", "").split("?")[0]), (302, Provider.issuer + "/authorize"))
check("with code flow and PKCE", (query.get("response_type"), query.get("client_id"), query.get("code_challenge_method"), len(query.get("code_challenge", "")), query.get("scope")), ("code", "reactions", "S256", 43, "openid profile email"))
check("what it remembers is sealed in a cookie of this host", cookie(r, "__Host-reactions-oidc"), has("; Secure;", "; HttpOnly;", "SameSite=Lax", "Max-Age=600"))
check("the verifier is not in it to be read", query["state"] in cookie(r, "__Host-reactions-oidc"), False)
done = come_back(r, query)
session = cookie(done, "__Host-reactions").split(";")[0]
check("who the provider vouches for is signed in", (done.status, done.headers.get("Location"), session[:21]), (303, "/", "__Host-reactions=RXS-"))
check("the flow's cookie is used up", cookie(done, "__Host-reactions-oidc"), has("Max-Age=0"))
who = s.get("/api/session", key=False, headers={"Cookie": session}).json
check("under the provider's name, with no right at all", (who.get("Name"), who.get("Grants")), ("ann", []))
user = s.get("/api/users/ann").json
check("as a user of that source without a password", (user["Source"], user["DisplayName"], user["Password"]), ("Oidc", "Ann Author", {"HasValue": False}))
s.must(s.put("/api/users/ann", {**user, "Username": "ann.author", "Roles": [{"Role": "Viewer", "Space": "Spaces-1"}]}))
again = sign_in()
who = s.get("/api/session", key=False, headers={"Cookie": cookie(again, "__Host-reactions").split(";")[0]}).json
check("the same subject is the same user, whatever it is called since", (who.get("Name"), len(who.get("Grants", []))), ("ann.author", 1))
s.must(s.post("/api/users", {"Username": "root", "Password": "correct horse battery staple", "Roles": [{"Role": "Instance admin"}]}))
thief = sign_in(sub="subject-8", name="root")
who = s.get("/api/session", key=False, headers={"Cookie": cookie(thief, "__Host-reactions").split(";")[0]}).json
check("a name that is another's gives nothing of theirs", (who.get("Name"), who.get("Grants")), ("root-2", []))


def refused(claim, reply):
    check(claim, (reply.status, cookie(reply, "__Host-reactions")), (401, ""))


r, query = begin()
refused("another state", come_back(r, query, state="A" * 43))
r, query = begin()
refused("no cookie of this browser", come_back(r, query, flow=""))
r, query = begin()
other, _ = begin()
refused("another browser's cookie", come_back(r, query, flow=cookie(other, "__Host-reactions-oidc").split(";")[0]))
r, query = begin()
code = "used-code"
come_back(r, query, code=code)
where = "/api/session/oidc/callback?" + urllib.parse.urlencode({"code": code, "state": query["state"]})
refused("a code a second time", s.get(where, key=False, headers={"Cookie": cookie(r, "__Host-reactions-oidc").split(";")[0]}))
r, query = begin()
refused("another verifier", come_back(r, {**query, "code_challenge": "x" * 43}))
for claim, change in (("a token of another issuer", {"iss": "https://evil.example"}), ("one for somebody else", {"aud": "other"}), ("an expired one", {"exp": int(time.time()) - 3600}),
                      ("another sign-in's nonce", {"nonce": "old"}), ("one about nobody", {"sub": ""})):
    Provider.change = change
    refused(claim, sign_in())
Provider.change = {}
Provider.signer = foreign
foreign.kid = "first"
refused("a token signed with another key", sign_in())
Provider.keys, Provider.signer = [second], second
before = Provider.asked.count("/keys")
sign_in(), sign_in()
check("unknown keys are not asked for again and again", Provider.asked.count("/keys") - before, lambda n: n <= 1)
Provider.keys, Provider.signer = [first], first
s.must(s.put("/api/users/ann.author", {**s.get("/api/users/ann.author").json, "IsDisabled": True}))
refused("a user who is disabled here", sign_in())
rows = [e for e in s.get("/api/audit?take=200").json["Items"]]
check("the audit has the sign-ins and the failures", {"sign-in", "sign-in.failed", "user.create"} <= {e["Action"] for e in rows})
check("and no code, token or secret", any(x in json.dumps(rows) for x in ("used-code", "s3cret", "eyJ")), False)
plain = Server()
check("where no provider is configured there is no such route", (plain.get("/api/session/oidc", key=False).status, plain.get("/api/session/oidc").status), (401, 404))
plain.kill(), s.kill()
closed = Server(env={**env, "REACTIONS_EGRESS_ALLOW": ""})
check("the provider, too, is reached under the egress policy only", closed.get("/api/session/oidc", key=False).status, 503)
closed.kill()
provider.shutdown()
finish()
