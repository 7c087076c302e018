"""Scenario 5: a deployment process is changed; a message with a link and the author goes to chat. Also where Octopus leaves the project out."""
import re
from harness import *

sample = Sample()
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
s.connect(sample, PollSeconds=1)
s.install(sample, "chat-process-updated")
check("the tail has begun", s.tailing(), lambda w: bool(w))
NAME = "chat-process-updated"
changed = 0


def change(project, key=SAMPLE_KEY, **more):
    """Changes the process as a client does: read, edit, send back. The message it led to."""
    global changed
    changed += 1
    path = f"/api/Spaces-1/deploymentprocesses/deploymentprocess-{sample.of('projects', project)}"
    process = sample.get(path).json
    process["Steps"][0]["Name"] = f"Deploy {changed}"
    r = sample.call("PUT", path, process, key=key) if not more else sample.post("/sample/process", {"Project": project, **more})
    check(f"the process of {project} is changed", r.status, 200)
    items = until(lambda: (lambda i: i if len(i) >= changed else None)(sample.received("chat")), 20) or []
    return items[-1] if len(items) == changed else {"Json": {"text": f"{len(items)} messages"}, "Status": 0, "Path": ""}


def parts(item):
    m = re.fullmatch(r"<([^|>]*)\|([^>]*)> (.*)", item["Json"]["text"])
    return m.groups() if m else (None, None, item["Json"]["text"])


item = change("Web Shop", key=SAMPLE_KEY + "-ALICE")
link, text, rest = parts(item)
check("the chat takes it", (item["Status"], item["Path"]), (200, "/receivers/chat/services/T024BE7LH/B0CHAT/sampletoken"))
check("the message has a link to that process", (link, text), (f"{sample.url}/app#/Spaces-1/projects/web-shop/deployments/process", "The deployment process of Web Shop"))
check("and its author", rest, "was changed by alice.")
item = change("Core Web", WithoutProject=True)
check("an event without the project's id still names its project", parts(item), (f"{sample.url}/app#/Spaces-1/projects/core-web/deployments/process", "The deployment process of Core Web", "was changed by admin."))
project = sample.get("/api/Spaces-1/projects/core-web").json
project["Name"] = 'Core <Web> & "Friends" | <!channel>'
check("a project is renamed to something nasty", sample.call("PUT", "/api/Spaces-1/projects/" + project["Id"], project).status, 200)
s.restart(signal.SIGTERM)  # forgets the names it knew
item = change(project["Name"])
check("the name stays a text in the chat: no tag, no mention", item["Json"]["text"], lambda t: "&lt;Web&gt;" in t and "<!channel>" not in t and t.endswith("was changed by admin."))
sample.post("/sample/process", {"Project": "Web Shop"})
changed += 1
until(lambda: len(sample.received("chat")) >= changed, 20)

# ---- sad: the webhook was revoked, and gone

s.must(s.put("/api/secrets/chat-webhook", {"Name": "chat-webhook", "Value": "T024BE7LH/B0CHAT/revoked"}))
sample.post("/sample/process", {"Project": "Web Shop"})
runs = s.ended_runs(NAME, changed + 1)
check("a revoked webhook is a refusal, not retried", (runs[-1]["State"], len(runs[-1].get("Attempts") or [1]), runs[-1]["ErrorMessage"]), lambda t: t[0] == "Failed" and "404" in t[2])
s.must(s.put("/api/secrets/chat-webhook", {"Name": "chat-webhook", "Value": "T024BE7LH/B0CHAT/archived"}))
sample.post("/sample/process", {"Project": "Web Shop"})
runs = s.ended_runs(NAME, changed + 2)
check("an archived channel answers 410, which disables the reaction", (runs[-1]["State"], s.get(f"/api/reactions/{NAME}").json["Enabled"]), ("Failed", False))
check("the address of the webhook is in no log and no answer", [x for x in ("sampletoken", "B0CHAT") if x in s.said() or x in s.get(f"/api/runs/{runs[0]['Id']}").text], [])
finish()
