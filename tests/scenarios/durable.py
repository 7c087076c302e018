"""Accepted is durable: killed servers, full disks, failed syncs, a long queue, two servers on one folder."""
import json, random, re, subprocess
from harness import *

# ---- kill -9 right after the 202 ----
s = Server()
s.trigger("hook")
k = s.new_key("hook")
for i in range(5):
    r = s.fire({"n": i}, key=k)
    s.kill()
    s.start()
    check(f"kill {i}: an event answered 202 is there", s.event(r).get("Payload"), {"n": i})

# ---- kill -9 under load ----
known, lock = {}, threading.Lock()

def sender(port, stop, base):
    c, n = http.client.HTTPConnection("127.0.0.1", port, timeout=5), 0
    while not stop.is_set():
        n += 1
        body = json.dumps({"id": f"{base}-{n}"})
        try:
            c.request("POST", "/triggers/hook", body, {"X-Octopus-ApiKey": k, "Content-Type": "application/json"})
            r = c.getresponse()
            text = r.read()
            if r.status == 202:
                with lock:
                    known[json.loads(text)["EventId"]] = f"{base}-{n}"
        except (OSError, http.client.HTTPException):
            return

for round_ in range(4):
    stop = threading.Event()
    threads = [threading.Thread(target=sender, args=(s.port, stop, f"{round_}-{i}")) for i in range(8)]
    before = len(known)
    for t in threads:
        t.start()
    until(lambda: len(known) - before > random.randint(50, 600), 10, 0.001)
    s.kill()
    stop.set()
    for t in threads:
        t.join()
    s.start()
stored = {e["Id"]: (e["Payload"] or {}).get("id") for e in s.items("/api/events")}
note(f"{len(known)} acknowledged, {len(stored)} found")
check("there was load", len(known) > 200)
check("kill -9 under load: what was acknowledged is found, and is itself", [i for i, body in known.items() if stored.get(i) != body], [])

# ---- runs over a kill ----
marks = os.path.join(s.home, "marks")
os.mkdir(marks, 0o777)
os.chmod(marks, 0o777)
os.chmod(s.home, 0o755)
once = """
    $n = $Payload.n
    Add-Content -Path '%s/once-$n' -Value $OctopusParameters['Reactions.IdempotencyKey']
    while (-not (Test-Path '%s/go')) { Start-Sleep -Milliseconds 20 }
""".replace("'%s/once-$n'", '"%s/once-$n"').replace("%s", marks)
s.trigger("once")
s.trigger("again")
ko, ka = s.new_key("once"), s.new_key("again")
s.reaction(once, "once", "once")
s.reaction(once.replace("once-", "again-"), "again", "again", Retry={"Scripts": True, "Schedule": [0], "MaxAttempts": 5})
check("scripts can run here", s.wait_ready())
a, b = s.fire({"n": 1}, "once", ko), s.fire({"n": 1}, "again", ka)
def lines(name):
    try:
        return open(os.path.join(marks, name)).read().split()
    except OSError:
        return []
check("both scripts started", until(lambda: lines("once-1") and lines("again-1"), 40) != [])
s.kill()
queued = None
s.start()
check("it says what it recovered", s.said(), has("recovered", "interrupted"))
run = s.run_of(a)
check("a script that had started is Interrupted", run["State"], "Interrupted")
check("... its attempt too", [x["Outcome"] for x in run["Attempts"]], ["Interrupted"])
check("... and says so", run["ErrorMessage"], has("not repeated"))
until(lambda: len(lines("again-1")) == 2, 40)
open(os.path.join(marks, "go"), "w").close()
run2 = s.run_of(b)
check("with Retry.Scripts it is repeated", (run2["State"], [x["Outcome"] for x in run2["Attempts"]]), ("Succeeded", ["Interrupted", "Succeeded"]))
check("the attempts have one IdempotencyKey", lines("again-1"), [run2["IdempotencyKey"]] * 2)
check("the other was not repeated", lines("once-1"), [run["IdempotencyKey"]])
r = s.post(f"/api/runs/{run['Id']}/retry")
check("an interrupted run can be retried by hand", r.status, 202)
retried = s.run_of(a)
check("... the same run, key and event", (retried["State"], retried["Id"], retried["IdempotencyKey"], len(retried["Attempts"])), ("Succeeded", run["Id"], run["IdempotencyKey"], 2))

# ---- a run that waits for its worker has not started ----
s.kill()
s.start()
def stop_workers():
    for pid in descendants(s.pid):
        try:
            # Not before it has become the worker: the server waits for that moment.
            if os.readlink(f"/proc/{pid}/exe") != os.path.realpath(REACTIONS):
                os.kill(pid, signal.SIGSTOP)
        except OSError:
            pass
stop_workers()
r = s.fire({"n": 2}, "once", ko)
until(lambda: stop_workers() or s.get(f"/api/runs?event={r.json['EventId']}&state=Running").json["Items"], 20)
run = s.get(f"/api/runs?event={r.json['EventId']}").json["Items"][0]
check("a run is claimed while its worker is not ready", (run["State"], run["Started"]), ("Running", None))
below = descendants(s.pid)
s.kill()
for pid in below:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
s.start()
run = s.run_of(r)
check("after a kill it is taken up: it had not started", (run["State"], [x["Outcome"] for x in run["Attempts"]]), ("Succeeded", ["Succeeded"]))
check("... and ran once", lines("once-2"), [run["IdempotencyKey"]])

# ---- kills at random moments while runs go through: every run comes to its end ----
fast = "Add-Content -Path \"%s/fast-$($Payload.n)\" -Value x; 'done'" % marks
s.trigger("fast")
kf = s.new_key("fast")
s.reaction(fast, "fast", "fast", Concurrency={"Max": 4})
s.wait_ready()
fired = []
for round_ in range(3):
    for i in range(30):
        try:
            r = s.fire({"n": len(fired)}, "fast", kf)
            fired.append(r.json["EventId"])
        except (OSError, KeyError, http.client.HTTPException):
            break
    until(lambda: len(s.items("/api/runs?state=Succeeded")) > 10 * round_ + random.randint(0, 12), 20)
    s.kill()
    s.start()
def all_ended():
    runs = [r for r in s.items("/api/runs?reaction=fast")]
    return runs if len(runs) == len(fired) and all(r["State"] in FINAL for r in runs) else None
runs = until(all_ended, 60) or []
check("every accepted event has one run, and each run came to its end", len(runs), len(fired))
check("... Succeeded, or Interrupted by a kill", {r["State"] for r in runs} <= {"Succeeded", "Interrupted"})
check("no script ran twice", [n for n in range(len(fired)) if len(lines(f"fast-{n}")) > 1], [])
check("what succeeded did run", [r["Id"] for r in runs if r["State"] == "Succeeded" and not lines("fast-%d" % fired.index(r["EventId"]))], [])
check("most were not lost to the kills", sum(r["State"] == "Succeeded" for r in runs) >= len(fired) - 12)

# ---- two servers on one folder ----
p = subprocess.run([REACTIONS, "serve", "--listen", "127.0.0.1:0", "--data", s.data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=s.env, timeout=20)
check("a second server on one folder refuses", p.returncode, 1)
check("... and says why", p.stderr.decode(), has("lock", s.data))
check("the first serves on", s.get("/healthz").status, 200)
s.kill(signal.SIGTERM)

# ---- a failed sync: nothing is acknowledged falsely ----
if shutil.which("strace"):
    s = Server()
    s.must(s.post("/api/settings/pause"))
    s.trigger("hook")
    k = s.new_key("hook")
    s.kill(signal.SIGTERM)
    # Every sync of the database fails for a while, then all is well again.
    s.prefix = ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-e", "inject=fdatasync:error=EIO:when=12..30", "-o", os.path.join(s.home, "trace")]
    s.start()
    answers = [s.fire({"n": n}, key=k) for n in range(60)]
    accepted = [a.json["EventId"] for a in answers if a.status == 202]
    refused = [a for a in answers if a.status != 202]
    note(f"failed syncs: {len(accepted)} accepted, {len(refused)} refused")
    check("a failed sync is answered 503", {a.status for a in refused}, {503})
    check("... with Retry-After", all(a.headers.get("Retry-After") for a in refused))
    check("... and says that nothing was stored", all("not accepted" in a.text for a in refused))
    check("when syncs work again it accepts again, without a restart", answers[-1].status, 202)
    check("health does not lie for ever", s.get("/healthz").status, 200)
    # strace does not hand SIGKILL on: the server itself is killed.
    for child in open(f"/proc/{s.pid}/task/{s.pid}/children").read().split():
        os.kill(int(child), signal.SIGKILL)
    s.kill()
    s.prefix = []
    s.start()
    found = {e["Id"]: e["Payload"]["n"] for e in s.items("/api/events")}
    check("everything acknowledged is found after a kill", [i for i in accepted if i not in found], [])
    check("ids are never given twice", len(set(accepted)), len(accepted))
    s.kill(signal.SIGTERM)
else:
    skip("failed syncs", "there is no strace here")

# ---- a disk that cannot be read for a while fails no run ----
if shutil.which("strace"):
    s = Server()
    s.trigger("hook")
    k = s.new_key("hook")
    s.reaction("'done'", "late", "hook", DelaySeconds=2)
    s.wait_ready()
    r = s.fire({"pad": "x" * 200000}, key=k)
    until(lambda: s.get("/api/runs").json["Items"], 10)
    trace = os.path.join(s.home, "trace")
    p = subprocess.Popen(["strace", "-f", "-qq", "-p", str(s.pid), "-e", "trace=pread64", "-e", "inject=pread64:error=EIO", "-o", trace])
    def failed_reads():
        try:
            return open(trace).read().count("EIO")
        except OSError:
            return 0
    due = time.monotonic() + 2
    until(lambda: time.monotonic() > due and failed_reads() > 20, 30)
    p.send_signal(signal.SIGINT)
    p.wait()
    check("reads failed when the run was due", failed_reads() > 20)
    run = s.run_of(r)
    check("it waited, and ran when the disk could be read", (run["State"], [x["Outcome"] for x in run["Attempts"]]), ("Succeeded", ["Succeeded"]))
    s.kill(signal.SIGTERM)
else:
    skip("a disk that cannot be read", "there is no strace here")

# ---- a full disk, and room again ----
disk = folder()
if os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], stderr=subprocess.DEVNULL).returncode == 0:
    try:
        s = Server(data=os.path.join(disk, "data"))
        s.trigger("hook")
        k = s.new_key("hook")
        s.reaction("$Payload.n", "count", "hook")
        s.wait_ready()
        first = s.fire({"n": -1}, key=k)
        check("a run goes through while there is room", s.run_of(first)["State"], "Succeeded")
        s.trigger("wait")
        kw = s.new_key("wait")
        go = os.path.join(s.home, "go")
        os.chmod(s.home, 0o755)
        s.reaction(f"Write-Host begun; while (-not (Test-Path '{go}')) {{ Start-Sleep -Milliseconds 20 }}; 'ended'", "wait", "wait")
        waiting = s.fire(trigger="wait", key=kw)
        until(lambda: s.get("/api/runs?state=Running").json["Items"], 20)
        filler = os.path.join(disk, "filler")
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"\0" * 65536)
                    f.flush()
            except OSError:
                pass
        answers, accepted = [], [first.json["EventId"]]
        for n in range(400):
            r = s.fire({"n": n, "pad": "x" * 4000}, key=k)
            answers.append(r)
            if r.status == 202:
                accepted.append(r.json["EventId"])
            if sum(a.status == 503 for a in answers) > 5:
                break
        check("a full disk is answered 503", answers[-1].status, 503)
        check("... with Retry-After", answers[-1].headers.get("Retry-After", "") != "")
        check("... nothing else was answered", {a.status for a in answers} <= {202, 503})
        check("it lives", s.get("/healthz").status, 200)
        check("readyz says what is wrong", (s.get("/readyz").status, "full" in s.get("/readyz").text), (503, True))
        check("reading still works", s.get("/api/events?take=5").status, 200)
        def failed_commits():
            return int(re.search(r"^reactions_store_failed_commits_total (\d+)", s.get("/metrics").text, re.M)[1])
        before = failed_commits()
        open(go, "w").close()
        check("the end of a run cannot be stored now", until(lambda: failed_commits() > before, 20))
        check("a change of configuration is refused, not half done", s.post("/api/triggers", {"Name": "later", "Route": "later"}).status, 503)
        os.unlink(filler)
        r = until(lambda: (lambda x: x if x.status == 202 else None)(s.fire({"n": 1000}, key=k)), 20)
        check("with room again it accepts, without a restart", r is not None)
        accepted.append(r.json["EventId"])
        check("readyz is well again", until(lambda: s.get("/readyz").status == 200, 10))
        run = s.run_of(waiting)
        check("a run that ended while the disk was full is stored when there is room", (run["State"], run["Output"]), ("Succeeded", ["ended"]))
        def unsettled():
            by_event = {}
            for x in s.items("/api/runs"):
                by_event.setdefault(x["EventId"], []).append(x["State"])
            return [(i, by_event.get(i)) for i in accepted if by_event.get(i) not in (["Succeeded"], ["Interrupted"])]
        until(lambda: not unsettled(), 60, 0.2)
        check("nothing was lost: every accepted event ran to its end, without a restart", unsettled(), [])
        s.restart()
        found = {e["Id"] for e in s.items("/api/events")}
        check("... and is there after a kill", [i for i in accepted if i not in found], [])
        s.kill(signal.SIGTERM)
    finally:
        subprocess.run(["umount", "-l", disk])
else:
    skip("a full disk", "mounting a small disk needs root")
finish()
