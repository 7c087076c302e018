"""Senders that sign: what a good signature gets, once or again, and what is told of it."""
import hashlib, hmac
from harness import *

s = Server()
s.must(s.post("/api/settings/pause"))


def signed(body, secret, **more):
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(), **more}


def github(name, replay_days=0, **fields):
    return s.trigger(name, Authentication={"Schemes": ["Signature"], "Signature": {"Preset": "github", "Secrets": ["first-secret", "second-secret"], "ReplayDays": replay_days}}, **fields)


def uses(name):
    return [(u["UseCount"], u["LastUsedAddress"], u["LastUsed"] is not None) for u in s.get(f"/api/triggers/{name}").json["SignatureSecrets"]]


# ---- which secret is in use ----
github("plain")
check("no secret was used yet", uses("plain"), [(0, None, False), (0, None, False)])
body = b'{"a":1}'
check("a good signature is accepted", s.fire(body, "plain", headers=signed(body, "second-secret")).status, 202)
check("... without ReplayDays: again, as another event", s.fire(body, "plain", headers=signed(body, "second-secret")).json.get("Duplicate"), False)
check("a wrong one is not", s.fire(body, "plain", headers=signed(body, "third-secret")).status, 401)
check("the secret that fitted has its use told, the other has none", until(lambda: uses("plain")[1][0] == 2, 10) and uses("plain"), [(0, None, False), (2, "127.0.0.1", True)])
t = s.get("/api/triggers/plain").json
check("what was read may be sent back, with its secrets kept", (s.put("/api/triggers/plain", t).status, s.fire(body, "plain", headers=signed(body, "second-secret")).status), (200, 202))
check("a secret's use stays its own when another one goes", (lambda r: (r.status, [u["UseCount"] for u in s.get("/api/triggers/plain").json["SignatureSecrets"]]))(
    s.put("/api/triggers/plain", {**t, "Authentication": {**t["Authentication"], "Signature": {"Preset": "github", "Secrets": ["second-secret"]}}})), lambda got: got[0] == 200 and got[1][0] >= 2)

# ---- why it was refused: for who may edit the trigger ----
s.trigger("why", Authentication={"Schemes": ["ApiKey", "Signature"], "Signature": {"Preset": "stripe", "Secrets": ["first-secret"]}, "Sources": ["127.0.0.0/8"]})
other = s.new_key("plain")
old = s.must(s.post("/api/triggers/why/keys", {}))
s.must(s.post(f"/api/triggers/why/keys/{old['Id']}/revoke"))
def stripe(at, secret):
    return {"Stripe-Signature": f"t={at},v1=" + hmac.new(secret.encode(), f"{at}.{{}}".encode(), hashlib.sha256).hexdigest()}
now = int(time.time())
tries = [({"X-Octopus-ApiKey": "nonsense"}, "key", "cut"), ({"X-Octopus-ApiKey": other}, "key", "another trigger's"), ({"X-Octopus-ApiKey": old["Key"]}, "key", "revoked"), ({}, "missing", ""),
    (stripe(now, "other"), "signature", "fits none"), (stripe(now - 4000, "first-secret"), "timestamp", "old"), ({"Stripe-Signature": f"t={now},v1=zz"}, "malformed", "")]
answers = [s.fire(b"{}", "why", headers=headers) for headers, _, _ in tries]
check("whatever is wrong, the sender hears the same", {(a.status, a.body) for a in answers}, lambda got: len(got) == 1)
state = s.get("/api/triggers/why").json["State"]
check("each try is told with its reason, the newest first", [r["Reason"] for r in state["Refused"]][::-1], [reason for _, reason, _ in tries])
check("... and in words", [detail for (_, _, detail), r in zip(tries, state["Refused"][::-1]) if detail not in r["Detail"]], [])
check("... from where", {r["RemoteAddress"] for r in state["Refused"]}, {"127.0.0.1"})
check("... and counted", state["RefusedCount"], len(tries))
check("no key stands in it", other in json.dumps(state), False)

# ---- a captured request ----
github("once", 30, DeliveryId={"Parts": [{"Header": "X-GitHub-Delivery"}]})
first = s.fire(body, "once", headers=signed(body, "first-secret", **{"X-GitHub-Delivery": "d-1"}))
check("ReplayDays: the first delivery is accepted", first.status, 202)
again = s.fire(body, "once", headers=signed(body, "first-secret", **{"X-GitHub-Delivery": "d-1"}))
check("... the sender's own retry of it is a duplicate, not an attack", (again.status, again.json.get("Duplicate"), again.json.get("EventId")), (202, True, first.json["EventId"]))
replay = s.fire(body, "once", headers=signed(body, "first-secret", **{"X-GitHub-Delivery": "d-2"}))
check("... under another name it is refused: the one same 401", (replay.status, replay.body), (401, s.fire(body, "once").body))
check("... another body is another delivery", s.fire(b'{"a":2}', "once", headers=signed(b'{"a":2}', "first-secret", **{"X-GitHub-Delivery": "d-2"})).status, 202)
s.restart()
check("... also after a kill", s.fire(body, "once", headers=signed(body, "first-secret", **{"X-GitHub-Delivery": "d-3"})).status, 401)
github("batch", 1, Body={"Split": ""})
two = b'[{"a":1},{"a":2}]'
check("a batch is remembered as one", [s.fire(two, "batch", headers=signed(two, "first-secret")).status for _ in range(2)], [202, 401])
check("... and none of it came twice", s.get("/api/events?trigger=batch").json["TotalResults"], 2)

# ---- handshakes are told ----
s.trigger("shake", Authentication={"Schemes": ["Signature"], "Signature": {"Preset": "github", "Secrets": ["first-secret"]}}, Handshake={"Preset": "slack"})
hello = b'{"type":"url_verification","challenge":"abc"}'
check("a handshake with a proof is answered", (lambda r: (r.status, r.text))(s.fire(hello, "shake", headers=signed(hello, "first-secret"))), (200, "abc"))
check("... without one it is the same 401", s.fire(hello, "shake").status, 401)
check("... it makes no event", s.get("/api/events?trigger=shake").json["TotalResults"], 0)
check("... and is in the audit log", until(lambda: [a["Action"] for a in s.get("/api/audit?take=5").json["Items"] if a["Action"] == "trigger.handshake"], 10), ["trigger.handshake"])
check("... and counted", s.get("/metrics").text, has("reactions_handshakes_total 1\n"))
# ---- each preset, saved, read back and asked, by a key ----
def shaken(name, method, body=None, headers=None, query="", **handshake):
    t = s.trigger(name, Handshake=handshake)
    key = s.new_key(name)
    check(f"{name}: what was read may be sent back", s.put(f"/api/triggers/{name}", t).status, 200)
    s.restart(signal.SIGTERM)
    check(f"{name}: it is in force", s.get("/api/status").json["Problems"], [])
    headers = {"Content-Type": "application/json", **(headers or {})}
    check(f"{name}: without a proof 401", http_call(s.port, method, f"/triggers/{name}{query}", body, headers).status, 401)
    return http_call(s.port, method, f"/triggers/{name}{query}", body, {**headers, "X-Octopus-ApiKey": key})

r = shaken("eventgrid", "POST", b'[{"data":{"validationCode":"c-1"}}]', {"aeg-event-type": "SubscriptionValidation"}, Preset="eventgrid")
check("eventgrid: its code comes back", (r.status, r.json), (200, {"validationResponse": "c-1"}))
r = shaken("cloudevents", "OPTIONS", None, {"WebHook-Request-Origin": "events.example.com", "WebHook-Request-Rate": "120"}, Preset="cloudevents")
check("cloudevents: the origin is allowed", (r.status, r.headers.get("WebHook-Allowed-Origin"), r.headers.get("WebHook-Allowed-Rate"), r.headers.get("Allow")), (200, "events.example.com", "120", "POST"))
r = shaken("head", "HEAD", Preset="head")
check("head: 200", r.status, 200)
r = shaken("graph", "POST", b"", query="?validationToken=a%3Cb", Preset="echo-query", Parameter="validationToken")
check("echo-query: the token comes back, as text", (r.status, r.text, r.headers.get("Content-Type", "")[:10], r.headers.get("X-Content-Type-Options")), (200, "a<b", "text/plain", "nosniff"))
r = shaken("sns", "POST", b'{"Type":"SubscriptionConfirmation","TopicArn":"arn:x","SubscribeURL":"https://sns.eu-west-1.amazonaws.com/?Action=x"}', {"x-amz-sns-message-type": "SubscriptionConfirmation"}, Preset="sns")
check("sns: a key alone confirms nothing, and the log says why", (r.status, until(lambda: [a["Particulars"]["Detail"] for a in s.get("/api/audit?take=3").json["Items"] if a["Action"] == "trigger.handshake"], 10)), (200, ["not confirmed: only a good signature confirms"]))
meta = s.trigger("meta", Methods=["GET", "POST"], Handshake={"Preset": "echo-query", "Parameter": "hub.challenge", "VerifyToken": "t-o-k"})
check("a token is not shown", meta["Handshake"]["VerifyToken"], {"HasValue": True})
ask = lambda token: http_call(s.port, "GET", f"/triggers/meta?hub.challenge=42&hub.verify_token={token}")
check("echo-query with a token: that is its proof", ((lambda r: (r.status, r.text))(ask("t-o-k")), ask("other").status), ((200, "42"), 401))
check("... it is kept by what was read", (s.put("/api/triggers/meta", s.get("/api/triggers/meta").json).status, ask("t-o-k").status), (200, 200))
s.kill(signal.SIGTERM)
finish()
