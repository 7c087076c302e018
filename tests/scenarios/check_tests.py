"""Tests of reactions as data: run by `reactions check` without a server, with a difference that can be read."""
from harness import *

home = folder()


def check_files(files, *more):
    where = os.path.join(home, f"case-{len(os.listdir(home))}")
    os.mkdir(where)
    for name, text in files.items():
        with open(os.path.join(where, name), "w") as f:
            f.write(text)
    p = subprocess.run([REACTIONS, "check", where, *more], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, cwd=home)
    return p.returncode, p.stdout.decode()


for name in sorted(os.listdir(os.path.join(ROOT, "integrations"))):
    where = os.path.join(ROOT, "integrations", name)
    if os.path.exists(os.path.join(where, "reaction.tests.yaml")):
        p = subprocess.run([REACTIONS, "check", where], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        check(f"the tests of {name} hold", (p.returncode, p.stdout.decode()), lambda t: t[0] == 0 and " 0 failed" in t[1])

REACTION = """
Kind: Reaction
Name: Tell
Trigger: { Type: Internal, Events: [DeploymentStarted] }
Filter: { Projects: [Shop] }
Variables: [{ Name: Key, Value: { HasValue: true }, IsSensitive: true }, { Name: Other, Secret: kept-elsewhere }]
Action:
  Type: Http
  Uri: https://example.com/#{Octopus.Project.Name | UriEscape}
  Headers: [{ Name: Key, Value: "#{Key}" }, { Name: Other, Value: "#{Other}" }]
  Body: '{ "project": "#{Octopus.Project.Name | JsonEscape}", "n": 1 }'
"""
EVENT = "Event: { Category: DeploymentStarted, RelatedDocumentIds: [Projects-1] }"


def tests(*cases, documents="Documents: [{ Id: Projects-1, Name: Shop }]"):
    return "Kind: Tests\n" + documents + "\nTests:\n" + "".join(f"  - {{ Name: case, {c} }}\n" for c in cases)


code, out = check_files({"a.yaml": REACTION, "a.tests.yaml": tests(EVENT + ", Expect: { Request: { Method: POST, Uri: 'https://example.com/Shop', Headers: { Key: '********', Other: '********' }, Body: { n: 1, project: Shop } } }")})
check("a test that holds; the only reaction need not be named", (code, out), lambda t: t[0] == 0 and "1 tests, 0 failed" in t[1])
code, out = check_files({"a.yaml": REACTION, "a.tests.yaml": tests(EVENT + ", Expect: { Request: { Uri: 'https://example.com/x', Headers: { Key: plain, No: x }, Body: { n: 2, project: Shop } } }")})
check("one that does not: the command fails", code, 1)
check("it says which, and how they differ", out, has("a.tests.yaml: case", 'Request.Uri: wanted "https://example.com/x", got "https://example.com/Shop"', "Request.Headers.No", "(absent)", "~ n: 2 -> 1", "1 tests, 1 failed"))
code, out = check_files({"a.yaml": REACTION, "a.tests.yaml": tests(EVENT + ", Expect: { Verdict: Matched }", documents="Documents: [{ Id: Projects-1, Name: Other }]")})
check("a verdict that is another shows which part said no", (code, out), lambda t: t[0] == 1 and 'wanted "Matched", got "NotMatched"' in t[1] and "no  Projects" in t[1])
code, out = check_files({"a.yaml": REACTION, "event.txt": '{"Category": "DeploymentStarted", "RelatedDocumentIds": ["Projects-1"]}', "a.tests.yaml": tests("EventFile: event.txt, Expect: { Verdict: Matched }")})
check("an event in a file beside", (code, out), lambda t: t[0] == 0)
code, out = check_files({"a.yaml": REACTION, "a.tests.yaml": tests("EventFile: events/one.json, Expect: { Verdict: Matched }")})
check("an event's file that is not there", (code, out), lambda t: t[0] == 1 and "events/one.json" in t[1])
for what, case, wanted in (("no event", "Expect: { Verdict: Matched }", "Event: is required"), ("no expectation", EVENT, "Expect: is required"), ("an unknown field", EVENT + ", Expct: {}, Expect: {}", '"Expct" is not known'),
                           ("an unknown expectation", EVENT + ", Expect: { Requst: {} }", '"Requst" is not known'), ("another reaction", "Reaction: nobody, " + EVENT + ", Expect: {}", 'no reaction "nobody"')):
    code, out = check_files({"a.yaml": REACTION, "a.tests.yaml": tests(case)})
    check(f"{what} is said", (code, out), lambda t: t[0] == 1 and wanted in t[1])

SCRIPT = """
Kind: Reaction
Name: Script
Identity: bot
Trigger: { Type: External, Name: hook }
Action:
  Type: PowerShell
  Script: |
    $m = Invoke-OctopusApi machines/Machines-1
    Invoke-OctopusApi "machines/$($m.Id)" -Method PUT -Body @{ Name = $Payload.name } | Out-Null
    Invoke-RestMethod -Method Post -Uri https://example.com/told -Body '{"a":1}' | Out-Null
    $m.Name
"""
ANSWERS = "Answers: [{ Path: /api/Spaces-1/machines/Machines-1, Body: { Id: Machines-1, Name: old } }]"
WANTED = "ApiCalls: [{ Method: PUT, Path: /api/Spaces-1/machines/Machines-1, Body: { Name: new } }, { Method: POST, Path: 'https://example.com/told', Body: { a: 1 } }]"
code, out = check_files({"s.yaml": SCRIPT, "s.tests.yaml": tests("Event: { name: new }, Expect: { Output: [old], " + WANTED + " }", documents=ANSWERS)})
check("a script with its answers", (code, out), lambda t: t[0] == 0 and "1 tests, 0 failed" in t[1])
code, out = check_files({"s.yaml": SCRIPT, "s.tests.yaml": tests("Event: { name: other }, Expect: { Output: [old], " + WANTED + " }", documents=ANSWERS)})
check("another body shows", (code, out), lambda t: t[0] == 1 and "ApiCalls[0].Body" in t[1] and '~ Name: "new" -> "other"' in t[1])
code, out = check_files({"s.yaml": SCRIPT, "s.tests.yaml": tests("Event: { name: new }, Expect: { Output: [old] }", documents="Documents: []")})
check("a read without an answer names it", (code, out), lambda t: t[0] == 1 and "GET /api/Spaces-1/machines/Machines-1" in t[1])
code, out = check_files({"s.yaml": SCRIPT, "s.tests.yaml": tests("Event: { name: new }, Expect: { ErrorMessage: no answer }", documents="Documents: []")})
check("a failure can be what is wanted", (code, out), lambda t: t[0] == 0)
finish()
