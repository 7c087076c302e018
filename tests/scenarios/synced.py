"""No acknowledgement before its sync, seen from the kernel: the server's system calls are traced while events are accepted.

For each event: its bytes were written to the database's log, then a sync of that log began and ended well, then the 202 was written
to the socket. Other orders are violations. Runs of it are matched, claimed and finished meanwhile, whose commits need no sync.
"""
import re
from harness import *

COUNT, SENDERS = int(os.environ.get("SYNCED_COUNT", "2000")), 16
if not shutil.which("strace"):
    skip("acknowledgements are traced", "there is no strace here")
    finish()
s = Server(start=False)
trace = os.path.join(s.home, "trace")
s.prefix = ["strace", "-f", "-qq", "-y", "-s", "6000", "-e", "trace=pwrite64,fdatasync,fsync,write,writev,sendmsg,sendto", "-e", "signal=none", "-o", trace]
s.start()
s.trigger("hook")
k = s.new_key("hook")
s.must(s.post("/api/reactions", {"Name": "watch", "Trigger": {"Type": "External", "Name": "hook"}, "Action": {"Type": "PowerShell", "Script": "1"}, "Filter": {"Condition": "#{Payload.never}"}}))
answers, lock = {}, threading.Lock()


def sender(i):
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=60)
    for n in range(i, COUNT, SENDERS):
        marker = f"mark-{n:06d}-"
        c.request("POST", "/triggers/hook", json.dumps({"m": marker, "pad": "x" * (n % 1200)}), {"X-Octopus-ApiKey": k, "Content-Type": "application/json"})
        r = c.getresponse()
        body = r.read()
        if r.status == 202:
            with lock:
                answers[json.loads(body)["EventId"]] = marker


at_once(SENDERS, sender)
check("every event is accepted", len(answers), COUNT)
for child in open(f"/proc/{s.pid}/task/{s.pid}/children").read().split():
    os.kill(int(child), signal.SIGTERM)
until(lambda: s.process.poll() is not None, 60)

written, syncing, synced, unsynced_acks, failed_syncs, seen, fsyncs = set(), {}, set(), [], 0, set(), 0
unfinished = {}
with open(trace, errors="replace") as f:
    for line in f:
        thread, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.startswith("<... fdatasync resumed") or rest.startswith("<... fsync resumed"):
            if rest.endswith("= 0"):
                synced |= syncing.pop(thread, set())
                fsyncs += 1
            else:
                failed_syncs += 1
        elif rest.startswith(("fdatasync(", "fsync(")):
            is_log = "-wal>" in rest
            if "<unfinished" in rest:
                syncing[thread] = set(written) if is_log else set()
            elif rest.endswith("= 0") and is_log:
                synced |= written
                fsyncs += 1
        elif rest.startswith("pwrite64(") and "-wal>" in rest:
            written.update(re.findall(r"mark-\d{6}-", rest))
        elif "EventId" in rest:
            for event in re.findall(r'EventId\\":\\"(Events-\d+)\\"', rest):
                seen.add(event)
                if answers.get(event) not in synced:
                    unsynced_acks.append(event)
note(f"{len(seen)} acknowledgements, {fsyncs} syncs")
check("every acknowledgement was seen in the trace", len(seen), COUNT)
check("each came after a sync that covers its event", unsynced_acks, [])
check("one sync served several", fsyncs < COUNT)
s.kill()
finish()
