"""Accepting: what a sender may send, what it is told, and that no key is ever kept."""
import hashlib, json, re, time
from harness import *

s = Server()
s.must(s.post("/api/settings/pause"))  # nothing runs here
s.trigger("hook")
k = s.new_key("hook", Label="first")

# ---- the shape of a 202 ----
r = s.fire({"a": 1}, key=k)
check("a good post is answered 202", r.status, 202)
check("it names its event", re.fullmatch(r"Events-\d+", r.json.get("EventId", "")) is not None)
check("it is no duplicate", r.json.get("Duplicate"), False)
check("it links to the event", r.json.get("Links"), {"Self": "/api/events/" + r.json["EventId"]})
check("nothing else is in it", sorted(r.json), ["Duplicate", "EventId", "Links"])
check("it is JSON", r.headers["Content-Type"], has("application/json"))
check("nobody may cache it", r.headers["Cache-Control"], "no-store")
e = s.event(r)
check("the event keeps the payload", e["Payload"], {"a": 1})
check("the event keeps its trigger's slug", (e["Trigger"], e["Type"], e["Source"], e["Connection"]), ("hook", "hook", "External", None))
check("the event keeps the request", (e["Request"]["Method"], e["Request"]["Path"], e["Request"]["BodyBytes"]), ("POST", "/triggers/hook", 8))
check("the event keeps the body's hash", e["Request"]["BodySha256"], hashlib.sha256(b'{"a": 1}').hexdigest())
check("the event keeps which key opened", e["Request"]["KeyId"], has("TriggerKeys-"))
check("the address is the peer's", e["Request"]["RemoteAddress"], "127.0.0.1")
check("the contract's members are all there", [m for m in ("Id", "SpaceId", "OctopusEventId", "DeliveryId", "Occurred", "Received", "CausedBy", "Verdicts") if m not in e], [])

# ---- content types ----
for claim, ctype, body, payload in (
    ("application/json is JSON", "application/json", b'{"x":[1,2]}', {"x": [1, 2]}),
    ("a charset does not matter", "application/json; charset=utf-8", b'{"x":1}', {"x": 1}),
    ("text/json is JSON", "text/json", b"[1]", [1]),
    ("MyGet's own type is JSON", "application/vnd.myget.webhooks.v1+json", b'{"Identifier":"7"}', {"Identifier": "7"}),
    ("any +json is JSON, in any case", "Application/CloudEvents+JSON", b'"t"', "t"),
    ("a form is its fields", "application/x-www-form-urlencoded", b"a=1&b=x%20y&a=2", {"a": ["1", "2"], "b": "x y"}),
    ("XML is kept as text", "application/xml", b"<a>1</a>", "<a>1</a>"),
    ("text is text", "text/plain", "käse".encode(), "käse"),
    ("anything else is bytes", "application/octet-stream", b"\x00\xff", "AP8="),
    ("no type is bytes", None, b"abc", "YWJj"),
):
    headers = {"Content-Type": ctype} if ctype else {}
    r = http_call(s.port, "POST", "/triggers/hook", body, {"X-Octopus-ApiKey": k, **headers})
    check(claim + ": accepted", r.status, 202)
    if r.status == 202:
        check(claim, s.event(r).get("Payload"), payload)
        check(claim + ": the raw bytes are kept", s.get(f"/api/events/{r.json['EventId']}/body").body, body)
r = http_call(s.port, "POST", "/triggers/hook", b"", {"X-Octopus-ApiKey": k})
check("an empty body is accepted", r.status, 202)
check("its payload is null", s.event(r).get("Payload", "absent"), None)

# ---- broken bodies ----
def refused(claim, body, status, *parts, ctype="application/json"):
    before = s.get("/api/events?take=1").json["TotalResults"]
    r = s.fire(body, key=k, headers={"Content-Type": ctype})
    check(claim + ": status", r.status, status)
    check(claim + ": it says why", r.errors, has(*parts))
    check(claim + ": nothing is kept", s.get("/api/events?take=1").json["TotalResults"], before)

refused("broken JSON has its line and column", b'{\n  "a": 1,\n  "b": tru\n}', 400, "line 3", "column 8")
refused("an unclosed object is refused", b'{"a": [1, 2', 400, "line 1")
refused("exact duplicate keys are refused with their path", b'{"a":{"b":1,"b":2}}', 400, "a.b", "twice")
refused("a million brackets are refused", b"[" * 1000000, 400, "deep")
refused("a million nested objects are refused", b'{"a":' * 1000000, 400, "deep")
refused("bytes that are not UTF-8 are refused", b'{"a":"\xff"}', 400, "UTF-8")
refused("a lone surrogate escape is refused", b'{"a":"\\ud800"}', 400, "line 1")
refused("two values are refused", b"{} {}", 400, "line 1")
refused("text that is not UTF-8 is refused", b"\xff\xfe", 400, "UTF-8", ctype="text/plain")
refused("a form with a broken escape is refused", b"a=%zz", 400, "escape", ctype="application/x-www-form-urlencoded")
r = s.fire(b'{"A":1,"a":2,"":3}', key=k)
check("keys that differ in case and empty keys are accepted", (r.status, s.event(r).get("Payload")), (202, {"A": 1, "a": 2, "": 3}))
big = b'{"n":123456789012345678901234567890.10,"d":"2026-01-01T00:00:00Z"}'
r = s.fire(big, key=k)
check("numbers keep their digits", b"123456789012345678901234567890.10" in s.get("/api/events/" + r.json["EventId"]).body)

# ---- size ----
s.trigger("small", MaxBodyBytes=1000)
ks = s.new_key("small")
r = s.fire(b'"' + b"a" * 998 + b'"', trigger="small", key=ks)
check("a body of exactly the limit is accepted", r.status, 202)
head = f"POST /triggers/small HTTP/1.1\r\nHost: x\r\nX-Octopus-ApiKey: {ks}\r\nContent-Type: application/json\r\n".encode()
got = raw(s.port, head + b"Connection: close\r\nContent-Length: 1001\r\n\r\n")
check("a declared length over the limit is 413 before the body", got[:12], b"HTTP/1.1 413")
got = raw(s.port, head + b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
check("... and no 100 is sent first", got[:12], b"HTTP/1.1 413")
got = raw(s.port, head + b"Transfer-Encoding: chunked\r\n\r\n" + b"200\r\n" + b"a" * 512 + b"\r\n200\r\n" + b"a" * 512 + b"\r\n0\r\n\r\n")
check("a chunked body over the limit is 413", got[:12], b"HTTP/1.1 413")
got = raw(s.port, head + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n")
check("a chunked body below it is accepted", got[:12], b"HTTP/1.1 202")
got = raw(s.port, head + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\n[1,2]\r\n0\r\n\r\n")
check("a body with two lengths is refused", got[:12], b"HTTP/1.1 400")
body = b'"' + b"a" * (5 * 1024 * 1024 - 2) + b'"'
check("five megabytes are accepted by default", s.fire(body, key=k).status, 202)
check("one byte more is not", s.fire(body + b" ", key=k).status, 413)

# ---- the one same 401 ----
s.trigger("other")
other = s.new_key("other")
s.trigger("off", IsDisabled=True)
off = s.new_key("off")
revoked = s.must(s.post("/api/triggers/hook/keys", {}))
s.must(s.post(f"/api/triggers/hook/keys/{revoked['Id']}/revoke"))
short = s.must(s.post("/api/triggers/hook/keys", {"Expires": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 2)) + ".000Z"}))
check("a key works before it expires", s.fire(key=short["Key"]).status, 202)
until(lambda: s.fire(key=short["Key"]).status == 401, 10)

def answer(path, key=None, method="POST", extra=b"", how="header"):
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
    if key and how == "header":
        head += f"X-Octopus-ApiKey: {key}\r\n"
    if key and how == "bearer":
        head += f"Authorization: Bearer {key}\r\n"
    got = raw(s.port, head.encode() + b"Content-Length: 2\r\n" + extra + b"\r\n{}")
    return re.sub(rb"Date: [^\r]*\r\n", b"", got)

the_one = answer("/triggers/nothing-here")
check("an unknown trigger is a 401", the_one[:12], b"HTTP/1.1 401")
wrong = k[:-1] + ("A" if k[-1] != "A" else "B")
for claim, args in {
    "an unknown trigger with a good key of another": ("/triggers/nothing-here", k),
    "no key": ("/triggers/hook",),
    "an empty key": ("/triggers/hook?apikey=",),
    "a key that is no key": ("/triggers/hook", "x"),
    "a wrong key with a known public part": ("/triggers/hook", wrong),
    "an expired key": ("/triggers/hook", short["Key"]),
    "a revoked key": ("/triggers/hook", revoked["Key"]),
    "another trigger's key": ("/triggers/hook", other),
    "a disabled trigger": ("/triggers/off", off),
    "the wrong method": ("/triggers/hook", k, "PUT"),
    "GET": ("/triggers/hook", k, "GET"),
    "DELETE": ("/triggers/hook", k, "DELETE"),
    "the management key": ("/triggers/hook", s.key),
    "a wrong key in the query": ("/triggers/hook?apikey=" + wrong,),
    "a path below the trigger": ("/triggers/hook/more", k),
    "the folder itself": ("/triggers", k),
    "the folder with a slash": ("/triggers/", k),
    "a broken escape in the path": ("/triggers/%zz", k),
    "a very long key": ("/triggers/hook", "RXT-" + "a" * 3000),
}.items():
    check(f"{claim}: the same 401, byte for byte", answer(*args), the_one)
check("a wrong bearer key: the same", answer("/triggers/hook", wrong, how="bearer"), the_one)
got = re.sub(rb"Date: [^\r]*\r\n", b"", raw(s.port, b"POST /triggers/hook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 99000000\r\n\r\n"))
check("no key and a body far too large: the same", got, the_one)

# ---- where a key may stand ----
for claim, kw in {
    "header": {"key": k}, "header in lower case": {"headers": {"x-octopus-apikey": k}}, "bearer": {"headers": {"Authorization": "Bearer " + k}},
    "bearer in lower case": {"headers": {"authorization": "bearer " + k}},
    "query": {"query": "?apikey=" + k}, "query in other case": {"query": "?ApiKey=" + k}, "access_token": {"query": "?access_token=" + k}, "query, escaped": {"query": "?api%6Bey=" + k},
}.items():
    check(f"a key is taken: {claim}", s.fire(**kw).status, 202)
s.trigger("header-only", Authentication={"AllowKeyInQuery": False})
kh = s.new_key("header-only")
check("not from the query where that is not allowed", s.fire(trigger="header-only", query="?apikey=" + kh).status, 401)
check("but from the header there", s.fire(trigger="header-only", key=kh).status, 202)
r = s.fire(query=f"?a=1&apikey={k}&b=2&APIKEY={k}&access_token=x", key=k)
e = s.event(r)
check("the key is gone from the stored query", e["Request"]["Query"], {"a": "1", "b": "2"})
check("no header with a key is stored", [h for h in e["Request"]["Headers"] if h.lower() in ("x-octopus-apikey", "authorization", "cookie")], [])
r = s.fire(headers={"Authorization": "Bearer " + k, "Cookie": "session=verysecretcookie", "X-Extra": "kept"})
check("other headers are stored", s.event(r)["Request"]["Headers"].get("X-Extra"), "kept")
everything = json.dumps(s.items("/api/events"))
check("no event tells a key", any(x in everything for x in (k, other, ks, kh)), False)
s.cli("fire", "hook", "--payload", "-", stdin=b"{}")
secret_parts = [x[16:40].encode() for x in (k, ks, kh, other, short["Key"])] + [b"verysecretcookie"]
for name, content in s.stored_bytes().items():
    check(f"no key stands in {name}", [p for p in secret_parts if p in content], [])
check("no key stands in what the server said", [p for p in secret_parts if p.decode() in s.said()], [])

# ---- Idempotency-Key ----
def idem(key_text, body=b'{"n":1}'):
    return s.fire(body, key=k, headers={"Idempotency-Key": key_text})
first, again, other_body = idem("one"), idem("one"), idem("one", b'{"n":2}')
check("the first of a key is new", (first.status, first.json["Duplicate"]), (202, False))
check("the same key and body is the same event", (again.status, again.json["EventId"], again.json["Duplicate"]), (202, first.json["EventId"], True))
check("the same key with another body is 422", (other_body.status, bool(other_body.errors)), (422, True))
check("a key with spaces in front of it is that key", idem("  one").json.get("EventId"), first.json["EventId"])
check("another key is another event", idem("two").json["EventId"] != first.json["EventId"])
check("keys are of one trigger", s.fire(b'{"n":1}', trigger="other", key=other, headers={"Idempotency-Key": "one"}).json.get("Duplicate"), False)
check("a key over 255 bytes is refused", idem("x" * 256).status, 400)
answers = at_once(100, lambda i: idem("parallel"))
check("100 at once: all are accepted", [a for a in answers if not isinstance(a, Reply) or a.status != 202], [])
check("100 at once: one event", len({a.json["EventId"] for a in answers}), 1)
check("100 at once: one is no duplicate", sum(not a.json["Duplicate"] for a in answers), 1)
s.restart()
check("a restart forgets no key", idem("one").json.get("EventId"), first.json["EventId"])

# ---- DeliveryId ----
s.trigger("myget", DeliveryId={"Parts": [{"Header": "X-MyGet-EventIdentifier"}, {"Pointer": "/PayloadType"}]})
km = s.new_key("myget")
def deliver(i, t, more=""):
    return s.fire(json.dumps({"PayloadType": t, "More": more}).encode(), trigger="myget", key=km, headers={"X-MyGet-EventIdentifier": i} if i else {})
a, b = deliver("id-1", "Added"), deliver("id-1", "Added")
check("the same delivery is one event", (b.status, b.json["EventId"], b.json["Duplicate"]), (202, a.json["EventId"], True))
check("another part makes another delivery", deliver("id-1", "Pushed").json["Duplicate"], False)
c = deliver("id-1", "Added", "changed")
check("a reused id with another body is a new event", (c.status, c.json["Duplicate"], c.json["EventId"] != a.json["EventId"]), (202, False, True))
check("... marked so", s.event(c).get("IsReusedDelivery"), True)
check("the event shows its delivery id", s.event(a)["DeliveryId"], has("id-1", "Added"))
check("without the header it is no delivery id", [deliver(None, "Added").json["Duplicate"], deliver(None, "Added").json["Duplicate"]], [False, False])
answers = at_once(100, lambda i: deliver("parallel", "Added"))
check("100 deliveries at once are one event", len({x.json["EventId"] for x in answers}), 1)

# ---- keys over their life ----
s.trigger("keys")
made = [s.must(s.post("/api/triggers/keys/keys", {"Label": f"n{i}"})) for i in range(5)]
check("a key begins with RXT-", all(m["Key"].startswith("RXT-") for m in made))
r = s.post("/api/triggers/keys/keys", {"Label": "sixth"})
check("a sixth active key is refused", (r.status, "5" in r.errors), (409, True))
check("all five open", [s.fire(trigger="keys", key=m["Key"]).status for m in made], [202] * 5)
r = s.post(f"/api/triggers/keys/keys/{made[0]['Id']}/revoke")
check("a key is revoked", (r.status, r.json["IsRevoked"]), (200, True))
check("it opens nothing at once", s.fire(trigger="keys", key=made[0]["Key"]).status, 401)
check("then there is room for another", s.post("/api/triggers/keys/keys", {}).status, 201)
s.must(s.post(f"/api/triggers/keys/keys/{made[1]['Id']}/revoke"))
r = s.post(f"/api/triggers/keys/keys/{made[2]['Id']}/rotate", {"OverlapSeconds": 60})
check("a key is rotated", (r.status, r.json.get("Key", "")[:4]), (201, "RXT-"))
check("both work meanwhile", [s.fire(trigger="keys", key=x).status for x in (made[2]["Key"], r.json["Key"])], [202, 202])
old = s.get(f"/api/triggers/keys/keys/{made[2]['Id']}").json
check("the old one has an end", old["Expires"] is not None and old["Expires"] < r.json["Expires"])
s.must(s.post(f"/api/triggers/keys/keys/{made[3]['Id']}/revoke"))
r2 = s.post(f"/api/triggers/keys/keys/{made[4]['Id']}/rotate", {"OverlapSeconds": 0})
check("without overlap the old one ends at once", [s.fire(trigger="keys", key=x).status for x in (made[4]["Key"], r2.json.get("Key"))], [401, 202])
check("a revoked key is not rotated", s.post(f"/api/triggers/keys/keys/{made[0]['Id']}/rotate", {}).status, 409)
check("a key cannot expire in the past", s.post("/api/triggers/keys/keys", {"Expires": "2020-01-01T00:00:00Z"}).status, 400)
listed = s.get("/api/triggers/keys/keys").json["Items"]
check("no list shows a key", [x for x in listed if "Key" in x or "Hash" in x], [])
used = until(lambda: next((x for x in s.get("/api/triggers/keys/keys").json["Items"] if x["Id"] == made[2]["Id"] and x["UseCount"] == 2), None), 10)
check("uses are counted", used is not None and used["UseCount"], 2)
check("the last use has its time and address", used is not None and (used["LastUsed"] is not None, used["LastUsedAddress"]), (True, "127.0.0.1"))
s.restart(signal.SIGTERM)
check("keys work after a restart", s.fire(trigger="keys", key=made[2]["Key"]).status, 202)
check("revoked keys stay revoked", s.fire(trigger="keys", key=made[0]["Key"]).status, 401)

# ---- one noisy sender leaves the others alone ----
s.trigger("limited", RateLimit={"PerSecond": 1, "Burst": 2})
noisy, quiet = s.new_key("limited"), s.new_key("limited")


def from_elsewhere(key):
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=20, source_address=("127.0.0.2", 0))
    try:
        c.request("POST", "/triggers/limited", b"{}", {"Content-Type": "application/json", "X-Octopus-ApiKey": key})
        return c.getresponse().status
    finally:
        c.close()


came = [s.fire(trigger="limited", key=noisy) for _ in range(30)]
refused = [r for r in came if r.status == 429]
check("so many a second are taken of a sender", (came[0].status, bool(refused), {r.status for r in came} <= {202, 429}), (202, True, True))
check("it is told when to come again", refused[0].headers.get("Retry-After") if refused else None, "1")
check("another key has room", s.fire(trigger="limited", key=quiet).status, 202)
check("another address with that key has room", from_elsewhere(noisy), 202)
check("who shows no key gets the same 401 as ever", [s.fire(trigger="limited").status for _ in range(5)], [401] * 5)
check("and uses up nobody's room", s.fire(trigger="limited", key=quiet).status, 202)
check("it ends in order", s.kill(signal.SIGTERM), 0)
finish()
