"""Reading lists: pages that end in time, cursors that lead on, ETags, and clients that read slowly or not at all."""
import re, struct
from harness import *

s = Server()
s.must(s.post("/api/settings/pause"))
s.trigger("hook", Body={"Split": ""}, MaxBodyBytes=25 << 20)
k = s.new_key("hook")


def add(count, size, first=0):
    r = s.fire([{"n": first + i, "pad": "x" * size} for i in range(count)], key=k)
    s.must(r, 202)


def walk(path):
    """Every page of a list: its items' numbers, and how many items each page had."""
    numbers, sizes = [], []
    while path:
        page = s.get(path)
        items = page.json["Items"]
        sizes.append((len(items), len(page.body)))
        numbers += [i["Payload"]["n"] for i in items]
        path = page.json["Links"].get("Page.Next")
    return numbers, sizes


# ---- pages ----
add(60, 10)
numbers, sizes = walk("/api/events?take=20")
check("a list is walked by its links", numbers, list(range(59, -1, -1)))
check("... and no page is empty though the last one was full", [n for n, _ in sizes], [20, 20, 20])
check("all on one page: no next one", s.get("/api/events?take=60").json["Links"].get("Page.Next"), None)
check("take=0 answers the count alone", (lambda j: (j["TotalResults"], j["Items"], j["Links"].get("Page.Next")))(s.get("/api/events?take=0").json), (60, [], None))
check("beyond the end: empty, no next", (lambda j: (j["Items"], j["Links"].get("Page.Next")))(s.get("/api/events?skip=60").json), ([], None))
first = s.get("/api/events?take=25&skip=5").json
add(7, 10, 60)
rest, _ = walk(first["Links"]["Page.Next"])
check("a walk is stable while events come in", [i["Payload"]["n"] for i in first["Items"]] + rest, list(range(54, -1, -1)))
second = s.get(first["Links"]["Page.Next"]).json
check("a page's own link leads to that page", [i["Id"] for i in s.get(second["Links"]["Self"]).json["Items"]], [i["Id"] for i in second["Items"]])

# ---- ETags ----
e = s.get("/api/events?take=1").json["Items"][0]["Id"]
r = s.get(f"/api/events/{e}")
tag = r.headers.get("ETag")
check("an event has an ETag", tag, lambda t: t and t.startswith('"'))
again = s.get(f"/api/events/{e}", headers={"If-None-Match": tag})
check("... asked with it: 304, nothing else", (again.status, again.body, again.headers.get("ETag")), (304, b"", tag))
check("... in a list, weakly: too", s.get(f"/api/events/{e}", headers={"If-None-Match": f'"other", W/{tag}'}).status, 304)
check("another one: the event", s.get(f"/api/events/{e}", headers={"If-None-Match": '"other"'}).status, 200)
r = s.get("/api/triggers/hook")
check("an object's version is its ETag", s.get("/api/triggers/hook", headers={"If-None-Match": r.headers["ETag"]}).status, 304)
s.must(s.put("/api/triggers/hook", {**r.json, "Name": "renamed"}))
check("... and another one when it has changed", s.get("/api/triggers/hook", headers={"If-None-Match": r.headers["ETag"]}).status, 200)
check("errors have none", s.get("/api/events/Events-999999").headers.get("ETag"), None)

# ---- large pages ----
add(3000, 4000, 1000)
numbers, sizes = walk("/api/events?take=1000")
check("pages of bytes: everything comes, once", numbers, list(range(3999, 999, -1)) + list(range(66, -1, -1)))
check("... in pages that are not empty", min(n for n, _ in sizes) > 0)
check("... nor larger than 4 MB and one item", max(b for _, b in sizes) < (4 << 20) + 20000)


def memory():
    with open(f"/proc/{s.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) / 1024


before = memory()
# 150 clients ask for 4 MB each and read nothing: 600 MB, if all of it were held.
request = f"GET /api/events?take=1000 HTTP/1.1\r\nHost: x\r\nX-Octopus-ApiKey: {s.key}\r\n\r\n".encode()
readers = []
for _ in range(150):
    c = socket.socket()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    c.connect(("127.0.0.1", s.port))
    c.sendall(request)
    readers.append(c)
refused = until(lambda: (lambda r: r if r.status == 503 else None)(s.get("/api/events?take=1")), 30)
check("too many unread answers: the next read is refused", refused and refused.status, 503)
check("... with Retry-After and a reason", refused and (refused.headers.get("Retry-After"), "read slowly" in refused.text), ("1", True))
r = s.fire([{"n": -1}], key=k)
check("... but events are accepted", r.status, 202)
check("... and health is told", s.get("/healthz").status, 200)
check("... and what changes is taken", s.post("/api/settings/pause").status, 200)
peak = memory()
note(f"150 clients that do not read: {before:.0f} MB before, {peak:.0f} MB with them")
OURS = not os.environ.get("SANITIZED")  # a sanitizer keeps what was freed
check("memory stays bounded", peak - before < 150, True) if OURS else skip("memory stays bounded", "a sanitizer's memory")
for c in readers:
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
check("when they have gone it answers again", until(lambda: s.get("/api/events?take=1").status == 200, 20), True)
check("... and the memory comes back", until(lambda: memory() - before < 60, 20, 0.2), True) if OURS else skip("the memory comes back", "a sanitizer's memory")
note(f"afterwards {memory():.0f} MB")

# One that stands still is let go.
c = socket.socket()
c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
c.connect(("127.0.0.1", s.port))
for _ in range(3):
    c.sendall(request)  # more than the kernel's own buffers take


def open_connections():
    return int(re.search(r"^reactions_http_connections (\d+)", s.get("/metrics").text, re.M)[1])


check("a client that stands still for ten seconds is let go", until(lambda: open_connections() == 1, 30, 0.3), True)
c.close()
s.kill(signal.SIGTERM)
finish()
