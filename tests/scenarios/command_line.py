"""The command line: its words, its exit statuses, files in and out, and that secrets come by standard input only."""
import json
from harness import *

s = Server()
sample = Sample()
code, out, err = s.cli("--help")
check("--help lists the commands", (code, [w for w in ("serve", "apply", "export", "check", "list", "show", "runs", "fire", "script", "replay", "trigger", "key", "connection", "identity", "secret", "doctor", "version") if w not in out]), (0, []))
check("no command is usage", s.cli()[0], 2)
check("an unknown command is usage, and is named", (lambda r: (r[0], "frobnicate" in r[2]))(s.cli("frobnicate")), (2, True))
check("version", s.cli("version")[0], 0)
for command in ("list", "show", "apply", "check", "fire", "replay", "key", "connection", "identity", "secret", "trigger"):
    check(f"{command}: an unknown flag is usage, and is named", (lambda r: (r[0], "--frobnicate" in r[2]))(s.cli(command, "--frobnicate")), (2, True))
    check(f"{command}: no words is usage", s.cli(command)[0], 2)
check("serve: an unknown flag is usage", s.cli("serve", "--frobnicate", "x")[0], 2)

SECRET = "cli-secret-value-17"
check("connection set", s.cli("connection", "set", "octopus", "--url", sample.url, stdin=(SECRET + "\n").encode())[0], 0)
check("identity set", s.cli("identity", "set", "bot", stdin=(SECRET + "\n").encode())[0], 0)
check("secret set", s.cli("secret", "set", "token", stdin=(SECRET + "\n").encode())[0], 0)
check("secret set again replaces", s.cli("secret", "set", "token", stdin=(SECRET + "2\n").encode())[0], 0)
check("without a value it fails", s.cli("secret", "set", "nothing")[0], 1)
check("a secret is no argument", s.cli("secret", "set", "token", "the-value")[0], 2)
check("trigger set", s.cli("trigger", "set", "hook")[0], 0)
code, out, err = s.cli("key", "create", "hook", "--label", "l")
check("key create prints the key alone", (code, out[:4], len(out.split())), (0, "RXT-", 1))
key_file = os.path.join(s.home, "key")
with open(key_file, "w") as f:
    f.write(out)
for kind in ("reactions", "triggers", "events", "runs", "spaces", "connections", "identities", "secrets", "audit"):
    code, out, err = s.cli("list", kind, "--output", "json")
    check(f"list {kind} as JSON", (code, isinstance(json.loads(out or "0"), list)), (0, True))
    code, out, err = s.cli("list", kind)
    check(f"list {kind} as a table", (code, out.startswith("Id")), (0, True))
    check(f"list {kind} tells no secret", SECRET in out, False)
check("show", (lambda r: (r[0], json.loads(r[1])["Slug"]))(s.cli("show", "Triggers-1")), (0, "hook"))
check("show of nothing is a failure", s.cli("show", "Triggers-99")[0], 1)

path = os.path.join(s.home, "one.yaml")
with open(path, "w") as f:
    f.write("Kind: Trigger\nName: From file\nRoute: from-file\n---\nKind: Reaction\nName: From file too\nTrigger:\n  Type: External\n  Name: from-file\nAction:\n  Type: PowerShell\n  Script: |\n    'x'\n")
s.wait_ready()
check("check without a server's help", s.cli("check", path)[0], 0)
code, out, err = s.cli("apply", "--dry-run", path)
check("a dry run says what it would do", (code, "from-file" in out.lower() or "From file" in out), (0, True))
check("... and does nothing", s.get("/api/reactions").json["Items"], [])
check("apply", s.cli("apply", path)[0], 0)
check("... does it", [r["Name"] for r in s.get("/api/reactions").json["Items"]], ["From file too"])
etag = s.get("/api/reactions/from-file-too").headers["ETag"]
check("apply again changes nothing", (s.cli("apply", path)[0], s.get("/api/reactions/from-file-too").json["Revision"]), (0, 1))
code, exported, err = s.cli("export")
check("export", (code, "Kind: Reaction" in exported or '"Kind"' in exported, SECRET in exported), (0, True, False))
out_path = os.path.join(s.home, "out.yaml")
with open(out_path, "w") as f:
    f.write(exported)
check("what was exported can be checked", s.cli("check", out_path)[0], 0)
code, out, err = s.cli("apply", out_path)
check("... and applied again", (code, err), (0, ""))
check("... changing nothing", s.get("/api/reactions/from-file-too").json["Revision"], 1)
check("... keeping secrets", s.get("/api/secrets/token").json["Value"], {"HasValue": True})
code, out, err = s.cli("apply", "--dry-run", "--prune", path)
check("prune in a dry run says what would go", (code, "hook" in out), (0, True))
check("... and removes nothing", s.get("/api/triggers/hook").status, 200)
bad = os.path.join(s.home, "bad.yaml")
for claim, text, word in (("broken YAML", "Kind: [", "bad.yaml"), ("an unknown kind", "Kind: Nonsense\n", "Kind"), ("an unknown field", "Kind: Trigger\nName: a\nRoute: a\nMehtods: [POST]\n", "Mehtods"), ("External with Http", "Kind: Reaction\nName: a\nTrigger: {Type: External, Name: x}\nAction: {Type: Http, Uri: 'https://x.example'}\n", "pass-through")):
    with open(bad, "w") as f:
        f.write(text)
    code, out, err = s.cli("check", bad)
    check(f"check refuses {claim} and says what", (code, word in out + err), (1, True))
check("a file that is not there is a failure", s.cli("check", "/nonexistent.yaml")[0], 1)

code, out, err = s.cli("fire", "from-file", "--payload", "-", "--key-file", key_file, stdin=b"{}")
check("fire with another trigger's key fails", code, 1)
code, out, err = s.cli("fire", "hook", "--payload", "-", "--key-file", key_file, stdin=b'{"a":1}')
check("fire", (code, "Events-" in out), (0, True))
check("runs", s.cli("runs")[0], 0)
event = out.split()[0] if out else "Events-1"
check("replay", s.cli("replay", event)[0], 0)
script = os.path.join(s.home, "s.ps1")
with open(script, "w") as f:
    f.write("\"got $($Payload.a)\"")
with open(os.path.join(s.home, "p.json"), "w") as f:
    f.write('{"a": 5}')
code, out, err = s.cli("script", script, "--payload", os.path.join(s.home, "p.json"))
check("script runs a script without the server", (code, "got 5" in out), (0, True))
with open(script, "w") as f:
    f.write("exit 3")
check("a script that fails is a failure", s.cli("script", script)[0], 1)
check("doctor", s.cli("doctor")[0], 0)
check("without a key it fails and says so", (lambda r: (r[0], "key" in r[2].lower()))(s.cli("list", "runs", key=False)), (1, True))
s.kill(signal.SIGTERM)
check("without a server it fails and says so", (lambda r: (r[0], s.url in r[2]))(s.cli("list", "runs")), (1, True))
check("doctor says that the server is away", s.cli("doctor")[0], 1)
finish()
