"""A target that is down: for 5 s, for 30 s, and across a kill of the server. Nothing is lost, each event is delivered afterwards, once; a slow target and a fast
one beside each other do not feel one another."""
from harness import *

MANY = 200
sample = Sample()
history = sample.get("/sample").json["LastAutoId"]
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
s.connect(sample, PollSeconds=1)
check("the tail has begun", s.tailing(), lambda w: bool(w))


def reaction(name, event, receiver, **more):
    s.must(s.post("/api/reactions", {"Name": name, "Trigger": {"Type": "Internal", "Events": [event]}, "Concurrency": {"Max": 10, "OrderBy": ""},
                                     "Action": {"Type": "Http", "Uri": f"{sample.url}/receivers/{receiver}/hook", "Body": '{ "event": "#{Octopus.Event.Id | JsonEscape}" }', "ContentType": "application/json", **more.pop("Action", {})},
                                     "Retry": {"MaxAttempts": 20, "Schedule": [1, 2, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5]}, **more}))


def happen(event, count=MANY):
    r = sample.post("/sample/events", {"Category": event, "Count": count, "RelatedDocumentIds": ["Projects-21"]})
    check(f"{count} events {event} are written", r.status, 201)


def delivered(receiver, event):
    """The ids of events that arrived, each as often as it was accepted."""
    return [i["Json"]["event"] for i in sample.received(receiver, lambda i: 200 <= i["Status"] < 300)]


def written(event):
    return {e["Id"] for e in sample.get(f"/sample/events?fromAutoId={history}").json if e["Category"] == event}


def down(receiver, how):
    sample.post("/sample/receivers", {"Receiver": receiver, "Times": 1000000, **how})


def up(receiver):
    sample.post("/sample/receivers", {"Receiver": receiver, "Status": 200, "Times": 0})


CASES = (("five", "DeploymentResumed", 5, {"Status": 0}, False), ("thirty", "MachineHealthy", 30, {"Status": 503}, False), ("restart", "MachineUnhealthy", 5, {"Status": 0}, True))
for receiver, event, seconds, how, kill in CASES:
    reaction(f"to {receiver}", event, receiver)
for receiver, event, seconds, how, kill in CASES:
    down(receiver, how)
    happen(event)
    check(f"{receiver}: it is tried, and fails", until(lambda: len(sample.received(receiver)) >= 5, 30), True)
    began = time.monotonic()
    if kill:
        s.restart(signal.SIGKILL)
    until(lambda: time.monotonic() - began >= seconds, seconds + 5)  # the time it is down is what is tried here
    check(f"{receiver}: nothing arrived while it was down", delivered(receiver, event), [])
    up(receiver)
    check(f"{receiver}: everything arrives afterwards", until(lambda: set(delivered(receiver, event)) == written(event), 120), True)
    until(lambda: not [r for r in s.runs(f"to-{receiver}") if r["State"] not in FINAL], 60)
    check(f"{receiver}: each once, each run at its end", (sorted(delivered(receiver, event)) == sorted(written(event)), len(s.runs(f"to-{receiver}")), {r["State"] for r in s.runs(f"to-{receiver}")}), (True, MANY, {"Succeeded"}))
check("no key was accepted twice", sample.get("/sample/received").json["Repeats"], 0)

# ---- a slow one (10 s) beside a fast one

reaction("slow", "MachineHasWarnings", "slow")
reaction("fast", "MachineHasWarnings", "fast")
down("slow", {"DelayMs": 10000})
happen("MachineHasWarnings", 30)
check("the fast one has everything before the slow one has its first answer", until(lambda: len(delivered("fast", "")) == 30 and not sample.received("slow"), 9), True)
up("slow")
check("the slow one gets everything, too", until(lambda: len(delivered("slow", "")) == 30, 60), True)
finish()
