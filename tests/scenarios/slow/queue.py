"""A long queue: 100 000 events that wait while the instance is paused; memory, and the start with them."""
import json
from harness import *

COUNT, THREADS = 100_000, 8
s = Server()
s.must(s.post("/api/settings/pause"))
s.trigger("hook")
k = s.new_key("hook")
s.wait_ready()
s.reaction("$Payload.n")
body = json.dumps({"n": 1, "pad": "x" * 690}).encode()


def send(i):
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=60)
    accepted = 0
    for _ in range(COUNT // THREADS):
        c.request("POST", "/triggers/hook", body, {"X-Octopus-ApiKey": k, "Content-Type": "application/json"})
        answer = c.getresponse()
        answer.read()
        accepted += answer.status == 202
    return accepted


began = time.monotonic()
check("all are accepted", sum(at_once(THREADS, send)), COUNT)
note(f"{COUNT / (time.monotonic() - began):.0f} a second")
check("all have their run, and it waits", until(lambda: s.get("/api/runs?take=1").json["TotalResults"] == COUNT, 120, 0.5))


def resident():
    with open(f"/proc/{s.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


note(f"resident with them waiting: {resident():.1f} MB (aim 40)")
check("they do not wait in memory", resident() < 150)
s.restart()
r = s.fire({"n": 2}, key=k)
check("after a kill it accepts at once", r.status, 202)
note(f"start to listening: {s.start_seconds * 1000:.0f} ms (aim 500); resident {resident():.1f} MB")
check("the start is quick", s.start_seconds < 10)
check("all are still there", s.get("/api/events?take=1").json["TotalResults"], COUNT + 1)
check("it ends in order", s.kill(signal.SIGTERM), 0)
finish()
