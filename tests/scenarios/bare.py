"""Without .NET everything else serves; and what the server needs of the machine's memory."""
import json
from harness import *

# ---- no .NET ----
empty = folder()
# In a mount namespace of its own, where the usual places of .NET are empty: the machine's stay as they are.
hide = "for d in /usr/share/dotnet /usr/lib/dotnet /usr/local/share/dotnet; do [ ! -d $d ] || /bin/mount -t tmpfs none $d || exit 9; done; exec \"$@\""
alone = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", hide, "sh"]
can_hide = os.geteuid() == 0 and subprocess.run([*alone, "/bin/true"], stderr=subprocess.DEVNULL).returncode == 0
s = Server(env={"PATH": empty, "HOME": empty, "DOTNET_ROOT": empty, **({} if can_hide else {"REACTIONS_SCRIPTS_RUNTIME": empty})}, prefix=alone if can_hide else ())
check("it starts", s.get("/healthz").status, 200)
r = until(lambda: (lambda x: x if "install" in x.text.lower() else None)(s.get("/readyz")), 20) or s.get("/readyz")
if can_hide:
    check("readyz is 503 and says what to install", (r.status, r.text), lambda t: t[0] == 503 and "Install" in t[1] and "dotnet-runtime" in t[1])
else:
    skip("readyz says what to install", "hiding .NET needs root")
code, out, err = s.cli("doctor")
check("doctor names it as a problem and what to do", (code, out), lambda t: t[0] == 1 and "PROBLEM  scripts" in t[1] and ("Install" in t[1] or not can_hide))
s.trigger("hook")
k = s.new_key("hook")
made = s.post("/api/reactions", {"Name": "later", "Trigger": {"Type": "External", "Name": "hook"}, "Action": {"Type": "PowerShell", "Script": "'x'"}})
check("a reaction can be saved, with a warning", (made.status, "not checked" in json.dumps(made.json.get("Warnings"))), (201, True))
r = s.fire({"a": 1}, key=k)
check("events are accepted", r.status, 202)
run = until(lambda: (lambda x: x[0] if x else None)(s.get(f"/api/runs?event={r.json['EventId']}").json["Items"]), 10)
check("their runs are made", run is not None)
check("it ends in order", s.kill(signal.SIGTERM), 0)
check("what waits is not lost", s.data and os.path.exists(os.path.join(s.data, "reactions.db")))

# ---- memory ----
def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024

s = Server()
s.wait_ready()
idle = resident(s.pid)
note(f"resident, idle: {idle:.1f} MB (aim 22)")
check("the idle server is small", idle < 60)
s.must(s.post("/api/settings/pause"))
s.trigger("hook")
k = s.new_key("hook")
# Slow readers: the log of the database stays bounded while they hang on.
sockets = []
for i in range(1000):
    c = socket.create_connection(("127.0.0.1", s.port))
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sockets.append(c)
body = json.dumps({"pad": "x" * 5000}).encode()
for n in range(200):
    s.fire(body, key=k)
for c in sockets:
    c.sendall(f"GET /api/events?take=100 HTTP/1.1\r\nHost: x\r\nX-Octopus-ApiKey: {s.key}\r\n\r\n".encode())
biggest = 0
def writer(i):
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=30)
    for n in range(200):
        c.request("POST", "/triggers/hook", body, {"X-Octopus-ApiKey": k, "Content-Type": "application/json"})
        answer = c.getresponse()
        answer.read()
        if answer.status != 202:
            return answer.status
    return 202
check("events are accepted beside a thousand slow readers", at_once(8, writer), [202] * 8)
wal = os.path.getsize(os.path.join(s.data, "reactions.db-wal"))
note(f"WAL beside 1000 slow readers and 1600 writes: {wal / 1e6:.1f} MB; resident {resident(s.pid):.1f} MB")
check("the log is bounded", wal < 100_000_000)
for c in sockets:
    c.close()
check("it lives", s.get("/healthz").status, 200)
finish()
