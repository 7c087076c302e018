#!/usr/bin/env python3
"""worker_test.py [PROGRAM...] - plays the server to a worker process: scripts and what must come of them.

Without PROGRAM the worker is built into build/powershell first. Needs the .NET SDK.
"""

import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
from claims import Claims  # noqa: E402
from fake_octopus import NOTES, FakeOctopus  # noqa: E402
from worker import Gone, Worker, json_body  # noqa: E402

CANCELLED = "The time is up."


class Case:
    """One script; what is given is claimed, what is not is not looked at. Every case also claims its outcome."""

    def __init__(self, name, script, output=None, error=None, code=None, log=None, not_in_log=None, line=None, column=None, fails=None, **fields):
        self.name, self.script, self.output, self.error, self.code, self.log, self.not_in_log = name, script, output, error, code, log, not_in_log
        self.line, self.column, self.fields = line, column, fields
        self.fails = fails if fails is not None else error is not None or code not in (None, 0)

    def check(self, claims, worker):
        result = worker.run(self.script, **self.fields)
        claims.that(f"{self.name}: outcome", result.outcome == ("Failed" if self.fails else "Succeeded"), (result.outcome, result.error, result.lines("Error")))
        if self.output is not None:
            claims.that(f"{self.name}: output", same(result.output, self.output), f"got {result.output!r}, wanted {self.output!r}")
        if self.error is not None:
            claims.has(f"{self.name}: message", result.error, self.error)
        if self.code is not None:
            claims.equal(f"{self.name}: exit code", result.done["ExitCode"], self.code)
        if self.line is not None:
            claims.equal(f"{self.name}: line", result.done["ErrorLine"], self.line)
        if self.column is not None:
            claims.equal(f"{self.name}: column", result.done["ErrorColumn"], self.column)
        if self.log is not None:
            claims.that(f"{self.name}: log", [entry for entry in result.levels() if entry[0] != "Output"] == self.log, result.levels())
        if self.not_in_log is not None:
            claims.that(f"{self.name}: log keeps quiet", all(self.not_in_log not in line for line in result.lines()), result.levels())


def same(got, wanted):
    """JSON equality that tells 1 from 1.0 and from true."""
    return json.dumps(got) == json.dumps(wanted)


# --- what scripts find

PAYLOAD = {
    "name": "Acme.Web", "big": 12345678901234567890123, "int": 9007199254740993, "float": 1.5, "date": "2024-05-06T07:08:09Z", "flag": True, "nothing": None,
    "list": [1, "two", [3]], "empty": [], "inner": {"Count": 5, "Keys": "k"}, "case": {"A": 1, "a": 2}, "blank": {"": "x"}, "uni": "Ü✓\U0001F600",
}

VARIABLES = [
    Case("a property of the payload", "$Payload.name", ["Acme.Web"], Payload=PAYLOAD),
    Case("a large integer is whole", '"$($Payload.big)"', ["12345678901234567890123"], Payload=PAYLOAD),
    Case("a large integer is a BigInteger", "$Payload.big.GetType().Name", ["BigInteger"], Payload=PAYLOAD),
    Case("an integer beyond double precision", "$Payload.int + 1", [9007199254740994], Payload=PAYLOAD),
    Case("an integer is an Int64", "$Payload.int.GetType().Name", ["Int64"], Payload=PAYLOAD),
    Case("a fraction", "$Payload.float * 2", [3.0], Payload=PAYLOAD),
    Case("a date stays text", "$Payload.date.GetType().Name; $Payload.date", ["String", "2024-05-06T07:08:09Z"], Payload=PAYLOAD),
    Case("a flag, null, a missing member", "$Payload.flag; $null -eq $Payload.nothing; $null -eq $Payload.absent", [True, True, True], Payload=PAYLOAD),
    Case("lists are arrays", "$Payload.list.Count; $Payload.list[2][0]; $Payload.empty.Count", [3, 3, 0], Payload=PAYLOAD),
    Case("members named as an object's own", "$Payload.inner.Count; $Payload.inner.Keys", [5, "k"], Payload=PAYLOAD),
    Case("keys that differ in case: an ordered dictionary", "$Payload.case.GetType().Name; $Payload.case['A']; $Payload.case['a']", ["OrderedDictionary", 1, 2], Payload=PAYLOAD),
    Case("an empty key: an ordered dictionary", "$Payload.blank['']", ["x"], Payload=PAYLOAD),
    Case("an object is a PSCustomObject", "$Payload.inner -is [pscustomobject]", [True], Payload=PAYLOAD),
    Case("the whole payload goes through unchanged", "$Payload", [PAYLOAD], Payload=PAYLOAD),
    Case("a payload that is an array", "$Payload.Count; $Payload[1].a", [2, 7], Payload=[1, {"a": 7}]),
    Case("a payload that is a number", "$Payload + 1", [43], Payload=42),
    Case("a payload that is null", "$null -eq $Payload", [True], Payload=None),
    Case("a name PowerShell keeps for itself", "$Payload.a['psobject']", [1], Payload={"a": {"psobject": 1}}),
    Case("a form", "$Payload.a; $Payload.b.Count", ["x", 2], PayloadKind="form", Payload={"a": "x", "b": ["y", "z"]}),
    Case("text", "$Payload.Length", [5], PayloadKind="text", Payload="hello"),
    Case("text that looks like JSON stays text", "$Payload", ['{"a":1}'], PayloadKind="text", Payload='{"a":1}'),
    Case("XML", "$Payload.GetType().Name; $Payload.a.b", ["XmlDocument", "1"], PayloadKind="xml", Payload='<?xml version="1.0"?><a b="1"/>'),
    Case("XML defines no entities", "$Payload.DocumentElement.OuterXml", ["<a></a>"], PayloadKind="xml", Payload='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a></a>'),
    Case("XML that is none stays text", "$Payload", ["<a>"], PayloadKind="xml", Payload="<a>"),
    Case("bytes", "$Payload.GetType().Name; $Payload.Length; $Payload[2]", ["Byte[]", 3, 255], PayloadKind="bytes", Payload=base64.b64encode(b"\0\1\xff").decode()),
    Case("no payload", "$null -eq $Payload", [True], PayloadKind="none", Payload=None),
    Case("query, without case", "$Query.Name; $Query['NAME']; $null -eq $Query['x']; $null -eq $Query.x", ["1", "1", True, True], Query={"name": "1"}),
    Case("a query name that came twice", "$Query['n'].Count; $Query['n'][1]", [2, "b"], Query={"n": ["a", "b"]}),
    Case("route values", "$Route.feed", ["main"], Route={"feed": "main"}),
    Case("the request", "$Request.Method; $Request.Path; $Request.Headers['content-TYPE']; $Request.RemoteAddress; $Request.ContentType; $Request.Body",
         ["POST", "/triggers/test", "application/json", "192.0.2.7", "application/json", "{}"]),
    Case("a binary request body", "$Request.Body.GetType().Name; $Request.Body.Length", ["Byte[]", 2], Request={"Method": "POST", "BodyBase64": "AAE="}),
    Case("no request", "$null -eq $Request", [True], Request=None),
    Case("the event", "$Event.Id; $Event.Payload.x; $Event.Trigger", ["Events-17", 1, "test"], Payload={"x": 1}),
    Case("the event's payload is the payload", "[object]::ReferenceEquals($Event.Payload, $Payload)", [True], Payload={"x": 1}),
    Case("ids", "$ReleaseId; $null -eq $TenantId; $SpaceId; $TaskId", ["Releases-1", True, "Spaces-1", "ServerTasks-1"], Ids={"ReleaseId": "Releases-1", "TenantId": None, "SpaceId": "Spaces-1", "TaskId": "ServerTasks-1"}),
    Case("ids are there in strict mode", "Set-StrictMode -Version Latest; $null -eq $MachineId", [True]),
    Case("Octopus parameters", "$OctopusParameters['octopus.release.NUMBER']; $null -eq $OctopusParameters['x']; $OctopusParameters.ContainsKey('x')", ["1.2.3", True, False], OctopusParameters={"Octopus.Release.Number": "1.2.3"}),
    Case("without punctuation", "$OctopusReleaseNumber; $MyFeedKey_2", ["1.2.3", "k"], OctopusParameters={"Octopus.Release.Number": "1.2.3", "My.Feed-Key_2": "k"}),
    Case("a variable takes no name of ours", "$Payload.a; $OctopusParameters['Payload']", [1, "stolen"], Payload={"a": 1}, OctopusParameters={"Payload": "stolen"}),
    Case("a variable takes no name of the engine's", "$ErrorActionPreference.ToString(); $true; $PID -gt 1", ["Stop", True, True], OctopusParameters={"Error.Action.Preference": "Ignore", "true": "no", "PID": "0"}),
    Case("a value is data, whatever it says", "$OctopusX", ["$(1+1); `n 'quoted\" #{y}"], OctopusParameters={"Octopus.X": "$(1+1); `n 'quoted\" #{y}"}),
    Case("the client names itself", "$Octopus.SpaceId; $Octopus.SpaceName; $Octopus.BaseUri; $Octopus.Identity; \"$Octopus\"", ["Spaces-1", "Default", "https://octopus.example.com", "release-bot", "https://octopus.example.com"]),
    Case("preferences", "\"$ErrorActionPreference $VerbosePreference $ProgressPreference\"", ["Stop Continue SilentlyContinue"]),
]

PARAMETERS = [
    Case("a parameter from the query", "param($a) $a", ["q"], Query={"a": "q"}),
    Case("route before query", "param($a) $a", ["r"], Query={"a": "q"}, Route={"a": "r"}),
    Case("a variable before the route", "param($a) $a", ["v"], Query={"a": "q"}, Route={"a": "r"}, OctopusParameters={"a": "v"}),
    Case("a name of ours before all", "param($Payload) $Payload.x", [1], Payload={"x": 1}, Query={"Payload": "q"}),
    Case("an id", "param($ReleaseId) $ReleaseId", ["Releases-1"], Ids={"ReleaseId": "Releases-1"}),
    Case("a variable without its punctuation", "param($OctopusReleaseNumber) $OctopusReleaseNumber", ["1"], OctopusParameters={"Octopus.Release.Number": "1"}),
    Case("names have no case", "param($ABC) $ABC", ["1"], Query={"abc": "1"}),
    Case("an alias", "param([Alias('other')]$a) $a", ["1"], Query={"other": "1"}),
    Case("a default", "param($a = 5) $a", [5]),
    Case("a typed integer", "param([int]$a) $a + 1", [8], Query={"a": "7"}),
    Case("a typed date", "param([datetime]$a) $a.Year", [2024], Query={"a": "2024-05-06"}),
    Case("a typed version", "param([version]$a) $a.Minor", [5], Query={"a": "1.5"}),
    Case("a list", "param([string[]]$a) $a.Count", [2], Query={"a": ["x", "y"]}),
    Case("a switch", "param([switch]$a) $a.IsPresent", [True], Query={"a": ""}),
    Case("a switch that is off", "param([switch]$a) $a.IsPresent", [False], Query={"a": "false"}),
    Case("a bool", "param([bool]$a) $a", [True], Query={"a": "1"}),
    Case("a validation", "param([ValidateSet('x','y')]$a) $a", error="does not belong to the set", Query={"a": "z"}),
    Case("what cannot be converted", "param([int]$a) $a", error="a", Query={"a": "seven"}),
    Case("a mandatory parameter", "param([Parameter(Mandatory)]$a) $a", ["1"], Query={"a": "1"}),
    Case("a mandatory parameter without a value", "param([Parameter(Mandatory)]$Missing) $Missing", error="'Missing' is mandatory"),
    Case("text is never code", "param($a) $a", ["$(throw 'x')'; throw 'y'"], Query={"a": "$(throw 'x')'; throw 'y'"}),
    Case("an advanced script", "[CmdletBinding()] param([string]$a) process { $a } end { 'end' }", ["x", "end"], Query={"a": "x"}),
]

STREAMS = [
    Case("Write-Host", "Write-Host hello world; Write-Host 1 2 -Separator ','", [], log=[("Host", "hello world"), ("Host", "1,2")]),
    Case("Write-Host without a new line", "Write-Host -NoNewline a; Write-Host -NoNewline b; Write-Host c; Write-Host -NoNewline d", log=[("Host", "abc"), ("Host", "d")]),
    Case("Write-Host captured", "$x = Write-Host a 6>&1; \"<$x>\"", ["<a>"], log=[]),
    Case("Write-Verbose", "Write-Verbose v", log=[("Verbose", "v")]),
    Case("Write-Verbose can be silenced", "$VerbosePreference = 'SilentlyContinue'; Write-Verbose v", log=[]),
    Case("Write-Debug is silent at first", "Write-Debug d; $DebugPreference = 'Continue'; Write-Debug e", log=[("Debug", "e")]),
    Case("Write-Warning", "Write-Warning w", log=[("Warning", "w")]),
    Case("Write-Information", "Write-Information i", log=[("Info", "i")]),
    Case("Write-Highlight", "Write-Highlight h; 'p' | Write-Highlight", log=[("Highlight", "h"), ("Highlight", "p")]),
    Case("Write-Wait and Update-Progress", "Write-Wait w; Update-Progress 30 'a third'", log=[("Info", "w"), ("Verbose", "30 % a third")]),
    Case("Write-Progress is no log line", "Write-Progress -Activity a -Status b", log=[]),
    Case("the host's own interface", "$Host.UI.WriteLine('u'); $Host.UI.WriteWarningLine('w'); $Host.UI.WriteErrorLine('e')", log=[("Host", "u"), ("Warning", "w"), ("Error", "e")]),
    Case("the console", "[Console]::Write('a'); [Console]::WriteLine('b'); [Console]::Error.WriteLine('c')", log=[("Host", "ab"), ("Error", "c")]),
    Case("an error that does not end the script", "Write-Error e -ErrorAction Continue; 'on'", ["on"], fails=False),
    Case("an error stream that is quiet", "$ErrorActionPreference = 'SilentlyContinue'; Write-Error e; 'on'", ["on"], log=[]),
    Case("several lines stay one entry", "Write-Host \"a`nb\"", log=[("Host", "a\nb")]),
    Case("text that is no valid UTF-16", "Write-Host ('x' + [char]0xD800 + 'y')", log=[("Host", "x\ufffdy")]),
    Case("control characters", "Write-Host \"a$([char]0)b$([char]27)[31mc\"", log=[("Host", "a\0b\x1b[31mc")]),
    Case("what a program writes", "sh -c 'echo out; echo err >&2'", ["out"], log=[("Error", "err")]),
    Case("order between the streams", "Write-Host 1; Write-Warning 2; Write-Verbose 3; Write-Host 4", log=[("Host", "1"), ("Warning", "2"), ("Verbose", "3"), ("Host", "4")]),
]

OUTCOMES = [
    Case("nothing at all", "", [], code=0, log=[]),
    Case("only comments", "# hello", []),
    Case("throw", "1\n  throw 'boom'", [1], error="boom", line=2, column=3),
    Case("throw of an object", "throw @{ a = 1 }", error="Hashtable"),
    Case("throw in a function", "function f {\n  throw 'deep'\n}\nf", error="deep", line=2),
    Case("Write-Error under Stop", "Write-Error 'bad'\n'not here'", [], error="bad"),
    Case("a .NET exception", "[int]::Parse('x')", error="was not in a correct format", line=1, column=1),
    Case("an unknown command", "'a'\nNo-SuchCommand", ["a"], error="No-SuchCommand", line=2, column=1),
    Case("a caught error", "try { throw 'x' } catch { \"caught $_\" }", ["caught x"]),
    Case("errors kept by preference", "$ErrorActionPreference = 'Continue'; Get-Item /no/such; 'on'", ["on"], fails=False),
    Case("division by zero", "1/0", error="divide by zero"),
    Case("strict mode", "Set-StrictMode -Version Latest; $nope", error="nope"),
    Case("exit 3", "'a'; exit 3; 'b'", ["a"], code=3, error="exited with code 3"),
    Case("exit 0", "'a'; exit 0", ["a"], code=0),
    Case("exit in a function", "function f { exit 4 }; f; 'b'", [], code=4),
    Case("exit in a try", "try { exit 5 } finally { Write-Host f }", code=5),
    Case("exit in a pipeline", "1..3 | ForEach-Object { if ($_ -eq 2) { exit 6 }; $_ }", [1], code=6),
    Case("a negative exit code", "exit -2", code=-2),
    Case("the last program's exit code, as in Octopus", "sh -c 'exit 7'", code=7, error="exited with code 7"),
    Case("a program's exit code forgiven", "sh -c 'exit 7'; exit 0", code=0),
    Case("Fail-Step", "Fail-Step 'not today'; 'b'", [], error="not today", code=-1),
    Case("Fail-Step without a message", "Fail-Step", error="Fail-Step", code=-1),
    Case("Fail-Step is not caught", "try { Fail-Step 'really' } catch { 'caught' }", [], error="really"),
    Case("Read-Host has nobody to ask", "$Host.UI.ReadLine()", error="needs a person"),
    Case("Stop-like preferences ask nobody", "Write-Warning w -WarningAction Inquire", error="", fails=True),
    Case("deep recursion ends", "function f { f }; f", error="call depth"),
    Case("a pipeline that is stopped early", "1..1000000 | Select-Object -First 2", [1, 2]),
]

OUTPUT = [
    Case("scalars", "1; 'a'; $true; $null; 1.5; 2.0; [decimal]1.10; [long]::MaxValue; [bigint]::Pow(10, 25); [char]'c'", [1, "a", True, None, 1.5, 2.0, 1.10, 9223372036854775807, 10 ** 25, "c"]),
    Case("an object, in order", "[pscustomobject]@{ b = 1; a = @{ x = 1 }; c = @(1, 2); d = @() }", [{"b": 1, "a": {"x": 1}, "c": [1, 2], "d": []}]),
    Case("arrays are spread by the pipeline", "@(1, @(2, 3))", [1, [2, 3]]),
    Case("an array kept together", ", @(1, 2)", [[1, 2]]),
    Case("dates and spans", "[datetime]::new(2024, 5, 6, 7, 8, 9, [DateTimeKind]::Utc); [timespan]'01:02:03'; [guid]::Empty; [version]'1.2'; [uri]'http://a/b'", ["2024-05-06T07:08:09Z", "01:02:03", "00000000-0000-0000-0000-000000000000", "1.2", "http://a/b"]),
    Case("not a number", "[double]::NaN; [double]::PositiveInfinity", ["NaN", "Infinity"]),
    Case("bytes, XML, files, types", ", [byte[]](1, 2); [xml]'<a/>'; [IO.FileInfo]'/etc/hosts'; [int]; { code }", ["AQI=", "<a />", "/etc/hosts", "System.Int32", " code "]),
    Case("an enum is its number", "[DayOfWeek]::Friday", [5]),
    Case("text that is no valid UTF-16 in output", "'x' + [char]0xDC00", ["x\ufffd"]),
    Case("a cycle", "$a = @{}; $a.self = $a; $a.n = 1; $x = $a; $o = [pscustomobject]@{ a = $x }; ($o | ForEach-Object { $_ }) | Out-Null; $o.a.Count", [2]),
    Case("a cycle is written down", "$a = [ordered]@{ n = 1 }; $a.self = $a; $a", [{"n": 1, "self": "System.Collections.Specialized.OrderedDictionary"}]),
    Case("a cycle of objects", "$p = [pscustomobject]@{ c = $null }; $p.c = $p; $p.c.GetType().Name", ["PSCustomObject"]),
    Case("a property that throws", "$o = [pscustomobject]@{ a = 1 }; Add-Member -InputObject $o ScriptProperty b { throw 'x' }; $o", [{"a": 1, "b": None}]),
    Case("an endless list", "$l = [Collections.Generic.List[object]]::new(); $l.Add($l); , $l", [["System.Collections.Generic.List`1[System.Object]"]]),
    Case("a secure string tells nothing", "ConvertTo-SecureString -AsPlainText -Force hidden", ["System.Security.SecureString"]),
    Case("an error record", "try { throw 'x' } catch { $_ }", ["x"]),
    Case("objects of .NET", "[Collections.Generic.KeyValuePair[string,int]]::new('k', 1)", [{"Key": "k", "Value": 1}]),
    Case("keys that are no text", "@{ 1 = 'a' }", [{"1": "a"}]),
]

VARIABLE_COMMANDS = [
    Case("a switch parameter as in Octopus", "Set-OctopusVariable -name a -value b", []),
    Case("the home of a script is its folder", "(Get-Location).Path -eq [Environment]::CurrentDirectory; \"$PWD\" -eq (Get-Location).Path", [True, True]),
    Case("files by a relative path", "Set-Content x.txt hello; Get-Content ./x.txt; [IO.File]::Exists('x.txt')", ["hello", True]),
    Case("drives", "(Get-PSDrive -PSProvider FileSystem).Name -contains '/'; $env:HOME.Length -gt 0; Test-Path Env:PATH; (Get-Item function:prompt).Name; Test-Path /etc/../etc/hosts", [True, True, True, "prompt", True]),
    Case("changing folder", "Set-Location /; Set-Location etc; (Get-Location).Path; Set-Location ..; (Get-Location).Path", ["/etc", "/"]),
    Case("classes", "class P { [int]$X = 3; [int] Twice() { return $this.X * 2 } }; [P]::new().Twice()", [6]),
    Case("JSON both ways", "('{\"a\":[1]}' | ConvertFrom-Json).a[0]; @{ a = 1 } | ConvertTo-Json -Compress", [1, '{"a":1}']),
    Case("everyday commands", "3, 1, 2 | Sort-Object -Descending | Select-Object -First 1; (1..4 | Measure-Object -Sum).Sum; (New-Object Text.StringBuilder 'x').Length", [3, 10.0, 1]),
    Case("the types of the engine", "(Get-Item /tmp).Mode.Length; ([datetime]'2024-05-06').DateTime.Length -gt 5; @(1, 2).Count", [5, True, 2]),
    Case("an answer of its own: $Octopus in a function", "function f { $Octopus.SpaceId }; f", ["Spaces-1"]),
    Case("help of a command: synopsis", "(Get-Help Select-Object).Synopsis; (Get-Help irm).Name", ["Selects objects from a pipeline, or properties of objects.", "Invoke-RestMethod"]),
    Case("help of a command: its parameters", "(Get-Help Sort-Object -Parameter Stable).description.Text; (Get-Help Remove-Item -Parameter WhatIf).aliases; [bool](Get-Help Get-Item -Full | Out-String).Contains('-LiteralPath <string[]>')", ["What is equal keeps the order it came in.", "wi", True]),
    Case("help of commands of every module", "'Get-Item', 'Write-Host', 'ConvertTo-SecureString', 'Compress-Archive' | ForEach-Object { $h = Get-Help $_; \"$($h.Name) $($h.Synopsis.Contains('[')) $([bool]$h.parameters.parameter[0].description.Text)\" }", ["Get-Item False True", "Write-Host False True", "ConvertTo-SecureString False True", "Compress-Archive False True"]),
    Case("functions that Octopus has", "(Get-Command Write-Highlight, Fail-Step, Set-OctopusVariable, New-OctopusArtifact, Invoke-OctopusApi, Get-OctopusProject, Get-OctopusRelease, New-OctopusRelease, New-OctopusDeployment, Wait-OctopusTask, Get-OctopusMachine, Get-OctopusEnvironment, Find-FeedPackage, Get-FeedReleaseNotes, Update-Progress, Write-Wait, Set-OctopusSensitiveVariable).Count", [17]),
]


def check_cases(claims, worker):
    for group in (VARIABLES, PARAMETERS, STREAMS, OUTCOMES, OUTPUT, VARIABLE_COMMANDS):
        for case in group:
            try:
                case.check(claims, worker)
            except (Gone, TimeoutError) as e:
                claims.that(f"{case.name}: the worker answers", False, repr(e))
                return


# --- the protocol

def check_protocol(claims, worker):
    claims.equal("hello: protocol", worker.hello["Protocol"], 1)
    claims.that("hello: type, engine, version", (worker.hello["Type"], worker.hello["Engine"] in ("bundled", "pwsh"), worker.hello["PSVersion"][:2]) == ("hello", True, "7."), worker.hello)
    claims.equal("hello: pid", worker.hello["Pid"], worker.process.pid)
    claims.that("hello: Missing is a list of names", isinstance(worker.hello["Missing"], list) and all(isinstance(n, str) for n in worker.hello["Missing"]), worker.hello)
    present = worker.run("param($names) @($names | Where-Object { Get-Command $_ -ErrorAction SilentlyContinue }).Count", Query={"names": worker.hello["Missing"] or ["No-Such"]})
    claims.equal("hello: what it names as missing is missing", present.output, [0])
    claims.that("ready: working set", 10 << 20 < worker.ready["WorkingSetBytes"] < 400 << 20, worker.ready)

    result = worker.run("Write-Host a; 1")
    claims.equal("frames of a run, in order", result.kinds, ["started", "log", "done"])
    claims.equal("done: all fields", sorted(result.done), sorted(["Type", "RunId", "Fence", "Outcome", "ExitCode", "Output", "OutputTruncated", "ErrorMessage", "ErrorLine", "ErrorColumn", "Variables", "SensitiveVariables", "WorkingSetBytes", "Recycle"]))
    claims.that("log lines: time in UTC", all(line["Time"].endswith("Z") and len(line["Time"]) == 24 for line in result.log), result.log)
    claims.that("done: a good run needs no recycling", result.done["Recycle"] is False, result.done)

    # Answers and cancels of runs that are over, or never were, are dropped.
    for frame in ({"Type": "reply", "CallId": 1, "Status": 200}, {"Type": "cancel", "Reason": "late"}, {"Type": "egress-reply", "CallId": 1, "Allowed": True}):
        worker.send({"RunId": "Runs-0", "Fence": 1, **frame})
    claims.equal("late frames are dropped", worker.run("'fine'").output, ["fine"])
    asked = worker.start("Start-Sleep -Milliseconds 300; 'kept'")
    worker.send({"Type": "cancel", "RunId": asked["RunId"], "Fence": asked["Fence"] - 1, "Reason": "older fence"})
    claims.equal("a cancel with an older fence is dropped", worker.finish(asked).output, ["kept"])
    claims.equal("unknown fields are ignored", worker.run("1", SomethingNew={"a": 1}).output, [1])
    claims.equal("missing fields have defaults", minimal_run(worker).output, [1])
    claims.equal("a script of 1 MB", worker.run("# " + "x" * (1 << 20) + "\n'big'").output, ["big"])
    claims.equal("a payload of 8 MB", worker.run("$Payload.t.Length", Payload={"t": "y" * (8 << 20)}).output, [8 << 20])
    deep = 1
    for _ in range(60):
        deep = [deep]
    claims.equal("a payload as deep as it may be", worker.run("$d = 0; $p = $Payload; while ($p -is [array]) { $p = $p[0]; $d++ }; $d", Payload=deep).output, [60])


def minimal_run(worker):
    asked = {"Type": "run", "RunId": "Runs-m", "Fence": 1, "Script": "1"}
    worker.send(asked)
    return worker.finish(asked)


def check_parse(claims, worker):
    good = worker.parse("param([int]$A, [string]$B)\n$x = $Payload.a + $env:HOME + $global:y; \"$z $($w.q)\"; foreach ($i in 1..2) { ${my var} }")
    claims.equal("parse: type and id", (good["Type"], good["Id"]), ("parsed", "p"))
    claims.equal("parse: no errors", good["Errors"], [])
    claims.equal("parse: parameters", good["Parameters"], ["A", "B"])
    claims.that("parse: variables, also in text", {"Payload", "x", "y", "z", "w", "i", "my var"} <= set(good["Variables"]) and "HOME" not in good["Variables"], good["Variables"])
    bad = worker.parse("if (1) {\n  'a'\n")
    claims.equal("parse: an open brace, line", bad["Errors"][0]["Line"], 1)
    claims.has("parse: an open brace, message", bad["Errors"][0]["Message"], "}")
    several = worker.parse("$a = \n)\nforeach")
    claims.that("parse: several errors with places", len(several["Errors"]) > 1 and all(e["Line"] > 0 and e["Column"] > 0 for e in several["Errors"]), several)
    claims.equal("parse: nothing", worker.parse("")["Errors"], [])
    claims.that("parse: binary", isinstance(worker.parse("\0\1\2\x7f\ufffd")["Errors"], list))
    nested = worker.parse("(" * 20000 + "1" + ")" * 20000)
    claims.that("parse: nested beyond reason is an error, not an end", len(nested["Errors"]) > 0, nested)
    claims.equal("parse: it does not run", worker.parse("exit 3; throw 'x'")["Errors"], [])
    claims.equal("after all that the worker serves", worker.run("'on'").output, ["on"])
    result = worker.run("foreach {")
    claims.equal("a run of a script that does not parse never starts", result.started, False)
    claims.equal("a run of a script that does not parse: place", (result.outcome, result.done["ErrorLine"], result.done["ErrorColumn"]), ("Failed", 1, 8))


# --- bounds

def check_bounds(claims, worker):
    result = worker.run("1..50 | ForEach-Object { Write-Host \"line $_\" }", MaxLogLines=10)
    claims.equal("log lines: at most as many as allowed", len(result.log), 10)
    claims.has("log lines: the last one says so", result.log[-1]["Text"], "10 lines")
    result = worker.run("1..50 | ForEach-Object { Write-Host ('x' * 100) }", MaxLogBytes=1000)
    claims.that("log bytes: bounded", sum(len(t) for t in result.lines("Host")) <= 1000 and "1000 bytes" in result.log[-1]["Text"], result.log[-1])
    result = worker.run("Write-Host ('é' * 100)", MaxLogLineBytes=50)
    claims.that("a long line is cut at a character", len(result.log[0]["Text"].encode()) <= 50 and result.log[0]["Text"].startswith("ééé") and result.log[0]["Text"].endswith("[cut]"), result.log)
    result = worker.run("Write-Host -NoNewline ('x' * 1000000); 1..100 | ForEach-Object { Write-Host -NoNewline ('y' * 100000) }", MaxLogLineBytes=16384)
    claims.that("a line that never ends is cut", all(len(t) <= 16384 for t in result.lines()), [len(t) for t in result.lines()])
    result = worker.run("1..1000000 | ForEach-Object { 'x' * 1000 }", MaxOutputBytes=10000)
    claims.that("huge output: truncated, and said so", result.done["OutputTruncated"] is True and 5 < len(result.output) < 12, len(result.output))
    claims.equal("huge output: the run succeeds", result.outcome, "Succeeded")
    result = worker.run("'é' * 100000; 'more'", MaxOutputBytes=10000)
    claims.that("a huge text: its beginning is kept", result.done["OutputTruncated"] is True and result.output[0].startswith("ééé") and len(json.dumps(result.output, ensure_ascii=False).encode()) <= 10000, [len(o) for o in result.output])
    result = worker.run("'a'; @{ x = 'y' * 100000 }; 'b'", MaxOutputBytes=1000)
    claims.that("a huge object: left out whole", result.output == ["a"] and result.done["OutputTruncated"] is True, result.output)
    result = worker.run("$d = 'leaf'; 1..500 | ForEach-Object { $d = @{ d = $d } }; $d")
    claims.that("deep output ends", result.outcome == "Succeeded" and 20 < json_depth(result.output) < 64, json_depth(result.output))
    result = worker.run("$d = 'leaf'; 1..5000 | ForEach-Object { $d = , $d }; , $d")
    claims.that("deep lists end", result.outcome == "Succeeded" and json_depth(result.output) < 64, result.error)
    result = worker.run("$h = @{}; 1..300000 | ForEach-Object { $h[$_] = $_ }; $h", MaxOutputBytes=1000)
    claims.that("a wide object is given up early", result.done["OutputTruncated"] is True and result.output == [], result.output)
    result = worker.run("1..1200 | ForEach-Object { Set-OctopusVariable \"v$_\" x }")
    claims.has("output variables: bounded", result.error, "at most 1000")
    result = worker.run("while ($true) { Write-Host ('x' * 500) }", while_running=lambda w, a: w.cancel(a), MaxLogLines=50)
    claims.equal("an endless flood ends with a cancel", result.outcome, "Failed")


def json_depth(value):
    if isinstance(value, dict):
        return 1 + max((json_depth(v) for v in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((json_depth(v) for v in value), default=0)
    return 0


def check_cancel(claims, worker):
    for name, script in [("a loop", "while ($true) { }"), ("a sleep", "Start-Sleep 3600"), ("a loop that catches", "while ($true) { try { throw 'x' } catch { } }"),
                         ("a program", "sleep 3600"), ("a wait for a task", "Wait-OctopusTask ServerTasks-7 -PollSeconds 60")]:
        result = worker.run(script, while_running=lambda w, a: w.cancel(a), answer=FakeOctopus())
        claims.equal(f"cancel of {name}: outcome", (result.outcome, result.error), ("Failed", CANCELLED))
    result = worker.run("$Octopus.Get('/api/users/me')", answer=lambda call: worker.cancel({"RunId": call["RunId"], "Fence": call["Fence"]}))
    claims.equal("cancel of a call that nobody answers", (result.outcome, result.error), ("Failed", CANCELLED))
    asked = worker.start("'ran'")
    worker.cancel(asked)
    result = worker.finish(asked)
    claims.that("a cancel right behind its run ends it, or came too late", (result.outcome, result.error) == ("Failed", CANCELLED) or result.output == ["ran"], result.done)
    claims.equal("after cancels the worker serves", worker.run("'on'").output, ["on"])


# --- what a run leaves

LEFT_BEHIND = [
    ("a variable", "$global:left = 1", "$null -eq $global:left", True),
    ("a function", "function global:left { 1 }", "Test-Path function:left", False),
    ("an alias", "Set-Alias left Get-Date -Scope Global", "Test-Path alias:left", False),
    ("a preference", "$global:ErrorActionPreference = 'SilentlyContinue'", "\"$ErrorActionPreference\"", "Stop"),
    ("an environment variable", "$env:LEFT = 'x'; $env:PATH = '/nowhere'; Remove-Item Env:LANG", "\"$env:LEFT|$($env:PATH -eq '/nowhere')|$env:LANG\"", "|False|C.UTF-8"),
    ("the current folder", "Set-Location /; [Environment]::CurrentDirectory = '/'", "(Get-Location).Path -eq '/' -or [Environment]::CurrentDirectory -eq '/'", False),
    ("a file in its folder", "Set-Content left.txt x; New-Item -ItemType Directory d | Out-Null; Set-Content d/e x", "@(Get-ChildItem -Force).Count", 0),
    ("a culture", "[Globalization.CultureInfo]::CurrentCulture = 'de-DE'; [Globalization.CultureInfo]::DefaultThreadCurrentCulture = 'de-DE'", "[Globalization.CultureInfo]::CurrentCulture.Name + [Globalization.CultureInfo]::DefaultThreadCurrentCulture", ""),
    ("a console encoding", "[Console]::OutputEncoding = [Text.Encoding]::Unicode", "[Console]::OutputEncoding.WebName", "utf-8"),
    ("a console writer", "[Console]::SetOut([IO.StringWriter]::new())", "[Console]::Out.GetType().FullName -like '*StringWriter*'", False),
    ("connection settings", "[Net.ServicePointManager]::DefaultConnectionLimit = 77; [Net.ServicePointManager]::ServerCertificateValidationCallback = { $true }",
     "[Net.ServicePointManager]::DefaultConnectionLimit -eq 77 -or $null -ne [Net.ServicePointManager]::ServerCertificateValidationCallback", False),
    ("a drive", "New-PSDrive -Name left -PSProvider FileSystem -Root /tmp | Out-Null", "@(Get-PSDrive left -ErrorAction SilentlyContinue).Count", 0),
    ("a module", "New-Module -Name left { function Get-Left { 1 } } | Import-Module", "$null -eq (Get-Module left)", True),
    ("an event subscriber", "Register-EngineEvent -SourceIdentifier left -Action { } | Out-Null", "@(Get-EventSubscriber).Count", 0),
    ("strict mode", "Set-StrictMode -Version Latest", "$null -eq $undefinedVariable", True),
    ("a type's members", "Update-TypeData -TypeName System.String -MemberName Left -MemberType ScriptProperty -Value { 1 }", "$null -eq 'x'.Left", True),
    ("an exit code", "sh -c 'exit 9'; exit 0", "$null -eq $LASTEXITCODE", True),
    ("an error list", "Write-Error e -ErrorAction SilentlyContinue", "$Error.Count", 0),
]


def check_left_behind(claims, worker):
    for name, first, second, wanted in LEFT_BEHIND:
        before = worker.run(first)
        claims.equal(f"left behind: {name}: the first run succeeds", (before.outcome, before.error), ("Succeeded", None))
        claims.that(f"left behind: {name}", same(worker.run(second).output, [wanted]), worker.run(second).output)


def check_recycle(claims, program):
    for name, script, reason in [
            ("a process", "Start-Process sleep 3600", "processes"),
            ("a detached process", "sh -c '(setsid sleep 3600 >/dev/null 2>&1 &)'", "processes"),
            ("a thread", "$r = [runspacefactory]::CreateRunspace([initialsessionstate]::CreateDefault2()); $r.Open(); $p = [PowerShell]::Create().AddScript('[Threading.Thread]::Sleep(3600000)'); $p.Runspace = $r; $null = $p.BeginInvoke()", "threads"),
            ("a timer", "$global:t = [Threading.Timer]::new([Threading.TimerCallback]{ }, $null, 3600000, 3600000)", "timers")]:
        with Worker(program) as worker:
            worker.run("1")
            result = worker.run(script)
            claims.that(f"{name} that stays: recycle, with the reason", result.done["Recycle"] is True and reason in result.done.get("RecycleReason", ""), result.done)
            if reason == "processes":
                claims.equal(f"{name} is gone with its run", descendants(worker.process.pid), [])


def descendants(pid):
    found = subprocess.run(["ps", "-o", "pid=,stat=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout.splitlines()
    return [line for line in found if line.split()[1][0] != "Z"]


# --- robustness

PROTOCOL_GARBAGE = """
    64..200 | Where-Object { [IO.File]::ResolveLinkTarget("/proc/self/fd/$_", $false) -like '*socket:*' } | ForEach-Object {
        try {
            $stream = [IO.FileStream]::new([Microsoft.Win32.SafeHandles.SafeFileHandle]::new([IntPtr]$_, $false), [IO.FileAccess]::Write, 1)
            $stream.Write([byte[]](255, 255, 255, 255), 0, 4)
            $stream.Flush()
        } catch { }
    }
    1
    """

def check_hostile(claims, program):
    with Worker(program) as worker:
        for name, script in [
                ("binary on standard output", "$o = [Console]::OpenStandardOutput(); $o.Write([byte[]](0..255), 0, 256); 1"),
                ("binary from a program", "sh -c 'head -c 100000 /dev/urandom' | Out-Null; 1"),
                ("garbage to descriptor 3", "sh -c 'echo garbage >&3' 2>$null; $global:LASTEXITCODE = 0; 1"),
                ("closing the standard streams", "[Console]::OpenStandardOutput().Close(); [Console]::Out.Close(); 1"),
                ("the protocol's variable", "[int]($null -eq $env:REACTIONS_PROTOCOL_FD)"),
                ("standard input is empty", "sh -c 'cat | wc -c' | ForEach-Object { 1 + [int]$_ }"),
                ("an exception in another thread's event", "try { [AppDomain]::CurrentDomain.add_FirstChanceException({ }) } catch { }; 1")]:
            result = worker.run(script)
            claims.that(f"{name}: the run ends as it should", result.output == [1], (result.output, result.error))
        claims.equal("the worker serves on", worker.run("2").output, [2])

    for name, script in [("[Environment]::Exit", "[Environment]::Exit(4)"), ("FailFast", "[Environment]::FailFast('bye')"), ("killing itself", "Stop-Process -Id $PID -Force -ErrorAction SilentlyContinue; sh -c \"kill -9 $PID\"; Start-Sleep 10")]:
        with Worker(program) as worker:
            try:
                worker.run(script)
                gone = False
            except Gone:
                gone = True
            claims.that(f"{name} ends the process, which the server sees", gone)

    # Garbage goes to the socket alone: other descriptors of a worker are files of the machine, which root could overwrite.
    with Worker(program) as worker:
        try:
            worker.run(PROTOCOL_GARBAGE)
            broken = False
        except ValueError:
            broken = True
        claims.that("garbage on the protocol's own socket: the server sees broken framing", broken)

    with Worker(program) as worker:
        worker.socket.shutdown(socket.SHUT_WR)
        claims.equal("the server gone: the worker ends by itself", worker.wait(), 0)
    with Worker(program) as worker:
        worker.send({"Type": "exit"})
        claims.equal("exit: the worker ends", worker.wait(), 0)
    with Worker(program) as worker:
        worker.start("while ($true) { }")
        worker.receive()
        worker.socket.close()
        claims.that("the server gone while a script runs: the worker ends", worker.wait() is not None)
    for name, data in [("a frame of no length", struct.pack(">I", 0)), ("a frame too long", struct.pack(">I", 0xFFFFFFFF)), ("no JSON", struct.pack(">I", 3) + b"abc")]:
        with Worker(program) as worker:
            worker.socket.sendall(data)
            claims.that(f"{name} from the server: the worker ends, it does not hang", worker.wait() is not None)
    refused = subprocess.run(program, env={"PATH": os.environ["PATH"], **({"DOTNET_ROOT": os.environ["DOTNET_ROOT"]} if "DOTNET_ROOT" in os.environ else {})}, capture_output=True, text=True, timeout=60, check=False)
    claims.that("started by hand it says what it is", refused.returncode == 2 and "reactions script" in refused.stderr, refused)


# --- modules

def build_modules(folder):
    """A library that needs another one, built here by the real compiler."""
    for name, code, reference in [
            ("Octopus.Client", "namespace Octopus.Client; public record OctopusServerEndpoint(string Url, string Token); public record OctopusRepository(OctopusServerEndpoint Endpoint);", None),
            ("Acme.Core", "namespace Acme; public static class Core { public static int Count; public static string Name => \"core \" + ++Count; }", None),
            ("Acme.Api", "namespace Acme; public class Api { public string Hello(string who) => \"hello \" + who + \" from \" + Core.Name; }", "Acme.Core Octopus.Client")]:
        project = os.path.join(folder, name)
        os.makedirs(project)
        include = "".join(f'<ItemGroup><ProjectReference Include="../{r}/{r}.csproj" /></ItemGroup>' for r in (reference or "").split())
        with open(os.path.join(project, f"{name}.csproj"), "w") as f:
            f.write(f'<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework><GenerateAssemblyInfo>true</GenerateAssemblyInfo></PropertyGroup>{include}</Project>')
        with open(os.path.join(project, "Code.cs"), "w") as f:
            f.write(code)
    done = subprocess.run(["dotnet", "build", os.path.join(folder, "Acme.Api"), "-c", "Release", "-o", os.path.join(folder, "out"), "-v:quiet", "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false"], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    with open(os.path.join(folder, "out", "Tools.psm1"), "w") as f:
        f.write("function Get-Tool { param($Name)\n  \"tool $Name\"\n}\nfunction Stop-Tool {\n  throw 'inside the module'\n}\n")
    return os.path.join(folder, "out")


def check_modules(claims, program):
    folder = tempfile.mkdtemp(prefix="worker-modules-")
    try:
        built = build_modules(folder)
        modules = [{"Name": name, "Path": os.path.join(built, name)} for name in ("Acme.Api.dll", "Acme.Core.dll", "Tools.psm1")]
        for name, script, wanted in [
                ("Add-Type by a relative path", "Add-Type -Path Acme.Api.dll; [Acme.Api]::new().Hello('x')", "hello x from core 1"),
                ("Add-Type by $Modules", "Add-Type -Path $Modules['Acme.Api.dll']; [Acme.Api]::new().Hello('x')", "hello x from core 1"),
                ("Import-Module of an assembly by path", "Import-Module ./Acme.Api.dll; [Acme.Api]::new().Hello('x')", "hello x from core 1"),
                ("Import-Module of an assembly by name", "Import-Module Acme.Api; [Acme.Api]::new().Hello('x')", "hello x from core 1"),
                ("New-Object of a type of a module", "Add-Type -Path Acme.Api.dll; (New-Object Acme.Api).Hello('y')", "hello y from core 1"),
                ("Import-Module of a script module", "Import-Module Tools; Get-Tool a", "tool a"),
                ("Import-Module with its extension", "Import-Module Tools.psm1; Get-Tool a", "tool a"),
                ("a module's command without importing it", "Get-Tool a", "tool a")]:
            with Worker(program) as worker:
                result = worker.run(script, Modules=modules)
                claims.that(f"modules: {name}", result.output == [wanted], (result.output, result.error))
        with Worker(program) as worker:
            result = worker.run("Import-Module Tools\n\n Stop-Tool", Modules=modules)
            claims.equal("modules: an error inside, placed where the script called", (result.error, result.done["ErrorLine"]), ("inside the module", 3))
            claims.that("modules: not listed, not found", "Tools" in (worker.run("Import-Module Tools").error or ""))
            client = [{"Name": "Octopus.Client.dll", "Path": os.path.join(built, "Octopus.Client.dll")}]
            result = worker.run("$OctopusRepository.GetType().FullName; $OctopusRepository.Endpoint.Url; $OctopusRepository.Endpoint.Token", Modules=client, OctopusClient={"Url": "http://127.0.0.1:9", "Token": "t-1"})
            claims.equal("the .NET client gets the broker's address and token", result.output, ["Octopus.Client.OctopusRepository", "http://127.0.0.1:9", "t-1"])
            claims.has("the .NET client without its assembly", worker.run("1", OctopusClient={"Url": "http://127.0.0.1:9", "Token": "t-1"}).error, "lists no module Octopus.Client.dll")
            claims.equal("the .NET client is not there unasked", worker.run("$null -eq $OctopusRepository", Modules=client).output, [True])
            missing = worker.run("1", Modules=[{"Name": "Gone.dll", "Path": "/no/such/Gone.dll"}])
            claims.has("modules: a file that is gone", missing.error, "Gone.dll")
            escaping = worker.run("1", Modules=[{"Name": "../x.dll", "Path": os.path.join(built, "Acme.Api.dll")}])
            claims.has("modules: a name that is a path", escaping.error, "is not the name of a module file")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- Octopus

def check_client(claims, worker):
    def run(script, octopus=None, **fields):
        octopus = octopus or FakeOctopus()
        return worker.run(script, answer=octopus, **fields), octopus

    result, octopus = run("$Octopus.Get('/api/users/me').Username")
    claims.equal("client: Get", result.output, ["bot"])
    call = result.calls[0]
    claims.equal("client: the call frame", (call["Purpose"], call["Method"], call["Path"], call["CallId"], call["Body"]), ("octopus", "GET", "/api/users/me", 1, None))
    claims.that("client: no key anywhere", "Key" not in json.dumps(call), call)
    for given, wanted in [("projects/web-shop", "/api/Spaces-1/projects/web-shop"), ("/api/Spaces-1/projects{/id}{?name,skip,take}", "/api/Spaces-1/projects"),
                          ("~/api/users/me", "/api/users/me"), ("api/users/me", "/api/users/me"), ("projects?take=1{&skip}", "/api/Spaces-1/projects?take=1")]:
        result, _ = run(f"try {{ $Octopus.Get('{given}') | Out-Null }} catch {{ }}")
        claims.equal(f"client: the path {given}", result.calls[0]["Path"], wanted)
    result, _ = run("$Octopus.Put('/api/echo', @{ a = 1; b = @(1, $null, $true); c = [pscustomobject]@{ d = 'ü' } }).Body")
    claims.equal("client: a body is JSON", json.loads(result.output[0]), {"a": 1, "b": [1, None, True], "c": {"d": "ü"}})
    claims.equal("client: a text is a body as it is", run("$Octopus.Put('/api/echo', '[1]').Body")[0].output, ["[1]"])
    claims.equal("client: content type", run("$Octopus.Put('/api/echo', '[1]').ContentType")[0].output, ["application/json"])
    claims.equal("client: Delete without an answer", run("$null -eq $Octopus.Delete('/api/echo')")[0].output, [True])
    claims.equal("client: an answer that is no JSON", run("$Octopus.Get('/api/text')")[0].output, ["plain words"])
    claims.has("client: not found", run("$Octopus.Get('/api/nope')")[0].error, "Octopus answered 404 (NotFound) to GET /api/nope: The resource /api/nope was not found.")
    claims.has("client: errors of Octopus in full", run("$Octopus.Post('/api/Spaces-1/releases', @{ Version = '1.4.0' })")[0].error, "Release 1.4.0 already exists for this project.")
    claims.has("client: a page instead of an answer", run("$Octopus.Get('/api/html')")[0].error, "503 (ServiceUnavailable)")
    claims.has("client: no answer", run("$Octopus.Get('/api/nobody')")[0].error, "the host is not allowed")
    claims.equal("client: an error can be told apart", run("try { $Octopus.Get('/api/nope') } catch { $_.Exception.InnerException.StatusCode }")[0].output, [404])
    result = worker.run("$Octopus.Get('/api/users/me')", Octopus=None, NoClientReason="The reaction has no identity: choose one.")
    claims.has("client: without an identity it says why", result.error, "The reaction has no identity: choose one.")
    claims.equal("client: without an identity nothing is asked", result.calls, [])
    claims.has("functions: without an identity too", worker.run("Get-OctopusProject x", Octopus=None, NoClientReason="choose one").error, "choose one")
    result, _ = run("1..5 | ForEach-Object { $null = $Octopus.Get('/api/users/me') }; Write-Host done")
    claims.equal("client: calls are counted", [c["CallId"] for c in result.calls], [1, 2, 3, 4, 5])
    result, _ = run("Write-Host before; $null = $Octopus.Get('/api/users/me')")
    claims.equal("client: what was logged before a call is sent before it", result.kinds, ["started", "log", "call", "done"])
    result, octopus = run("$Octopus.Post('/api/Spaces-1/releases', @{ Version = '2.0' }) | Out-Null; 'on'", FakeOctopus(is_dry_run=True), IsDryRun=True)
    claims.equal("dry run: a write is withheld and the script goes on", result.output, ["on"])
    claims.has("dry run: the log says so", "\n".join(result.lines("Info")), "was not sent")

    result, _ = run("Invoke-OctopusApi -Method PUT /api/echo @{ x = 2 } | Select-Object -ExpandProperty Body")
    claims.equal("Invoke-OctopusApi: method and body", result.output, ['{"x":2}'])
    result, octopus = run("Invoke-OctopusApi projects -Query @{ name = 'a b&c' } -ErrorAction SilentlyContinue | Out-Null")
    claims.equal("Invoke-OctopusApi: query", octopus.paths(), ["/api/Spaces-1/projects?name=a%20b%26c"])
    result, octopus = run("Invoke-OctopusApi -Method DELETE /api/echo -WhatIf")
    claims.equal("Invoke-OctopusApi -WhatIf: nothing is asked", (result.outcome, octopus.requests), ("Succeeded", []))
    claims.has("Invoke-OctopusApi -WhatIf: the log says what", "\n".join(result.lines("Host")), "DELETE")
    claims.has("Invoke-OctopusApi: an error ends the script", run("Invoke-OctopusApi /api/nope; 1")[0].error, "404")
    result, octopus = run("(Invoke-OctopusApi 'HTTPS://Octopus.example.com:443/api/users/me?x=1' -ErrorAction SilentlyContinue) | Out-Null; $null = $Octopus.Get($Octopus.BaseUri + '/api/users/me')")
    claims.equal("Invoke-OctopusApi: an address in full on the connection's server", octopus.paths(), ["/api/users/me?x=1", "/api/users/me"])
    for address in ("https://elsewhere.example.com/api/users/me", "http://octopus.example.com/api/users/me", "https://octopus.example.com:8443/api", "https://x@octopus.example.com/api/users/me"):
        result, octopus = run(f"Invoke-OctopusApi {address}")
        claims.has(f"Invoke-OctopusApi: {address} is refused with a reason", result.error, f"{address} is not on this reaction's Octopus server, https://octopus.example.com")
        claims.equal(f"Invoke-OctopusApi: {address} is not called", octopus.requests, [])
    claims.equal("Invoke-OctopusApi: an error can be passed over", run("Invoke-OctopusApi /api/nope -ErrorAction SilentlyContinue; 1")[0].output, [1])


def check_reading(claims, worker):
    def output(script):
        return worker.run(script, answer=FakeOctopus()).output

    def error(script):
        return worker.run(script, answer=FakeOctopus()).error

    for name, given, wanted in [("id", "Projects-21", "Web Shop"), ("slug", "web-shop", "Web Shop"), ("name", "web shop", "Web Shop"), ("a name with signs", "Billing & Co", "Billing & Co"), ("a name on a later page", "Starved", "Starved")]:
        claims.equal(f"Get-OctopusProject by {name}", output(f"(Get-OctopusProject '{given}').Name"), [wanted])
    claims.equal("Get-OctopusProject: all, over the pages", output("@(Get-OctopusProject).Count"), [6])
    claims.equal("Get-OctopusProject by wildcard", output("(Get-OctopusProject 'B*').Id"), ["Projects-22"])
    claims.has("Get-OctopusProject: none", error("Get-OctopusProject nope"), "There is no project with the id, slug or name 'nope' in the space Default")
    claims.equal("Get-OctopusProject: none, quietly", output("$null -eq (Get-OctopusProject nope -ErrorAction SilentlyContinue)"), [True])
    claims.equal("Get-OctopusEnvironment", output("(Get-OctopusEnvironment Production).Id; @(Get-OctopusEnvironment).Count"), ["Environments-2", 2])
    claims.equal("Get-OctopusMachine by name", output("(Get-OctopusMachine web02).Id"), ["Machines-42"])
    claims.equal("Get-OctopusMachine by environment and role", output("(Get-OctopusMachine -Environment Production -Role db).Name; @(Get-OctopusMachine -Role web).Count; @(Get-OctopusMachine -Environment Development -Role db).Count"), ["web02", 2, 0])
    claims.equal("Get-OctopusRelease by id", output("(Get-OctopusRelease Releases-301).Version"), ["1.4.0"])
    claims.equal("Get-OctopusRelease by project and version", output("(Get-OctopusRelease 'Web Shop' 1.4.0).Id"), ["Releases-301"])
    claims.equal("Get-OctopusRelease: all and the latest", output("@(Get-OctopusRelease web-shop).Count; (Get-OctopusRelease web-shop -Latest).Version"), [1, "1.4.0"])
    claims.has("Get-OctopusRelease: none", error("Get-OctopusRelease web-shop 9.9"), "has no release 9.9")
    claims.equal("Wait-OctopusTask", output("(Wait-OctopusTask ServerTasks-1 -PollSeconds 0.05).State"), ["Success"])
    claims.has("Wait-OctopusTask: a failed task is an error", error("Wait-OctopusTask ServerTasks-666"), "ended as Failed: The disk is full.")
    claims.has("Wait-OctopusTask: not for ever", error("Wait-OctopusTask ServerTasks-7 -TimeoutSeconds 0.1 -PollSeconds 0.05"), "has not ended within 0.1 seconds")
    claims.has("Wait-OctopusTask: what is no task", error("Wait-OctopusTask Projects-1"), "is not a task")
    claims.has("Wait-OctopusTask: warns of an interruption", "\n".join(worker.run("Wait-OctopusTask ServerTasks-7 -TimeoutSeconds 0.1 -PollSeconds 0.05", answer=FakeOctopus()).lines("Warning")), "waits for somebody")


def check_releases(claims, worker):
    def run(script, **fields):
        octopus = FakeOctopus(is_dry_run=fields.get("IsDryRun", False))
        return worker.run(script, answer=octopus, **fields), octopus

    def packages(octopus):
        return {p["ActionName"] + (":" + p["PackageReferenceName"] if p["PackageReferenceName"] else ""): p["Version"] for p in octopus.bodies()[-1]["SelectedPackages"]}

    for by in ("Projects-21", "web-shop", "Web Shop"):
        result, octopus = run(f"(New-OctopusRelease '{by}' -Version 2.0.0 -PackageVersion 1.2.3 -ReleaseNotes 'notes').Id")
        claims.equal(f"New-OctopusRelease of {by}", (result.output, octopus.bodies()[-1]["ProjectId"] if octopus.bodies() else result.error), (["Releases-900"], "Projects-21"))
    claims.equal("New-OctopusRelease: what is sent", {k: octopus.bodies()[-1][k] for k in ("Version", "ChannelId", "ReleaseNotes")}, {"Version": "2.0.0", "ChannelId": "Channels-21", "ReleaseNotes": "notes"})
    claims.equal("New-OctopusRelease: -PackageVersion for each step that names none itself", packages(octopus), {"Deploy web": "1.2.3", "Deploy web:Tools": "1.2.3"})
    claims.equal("New-OctopusRelease: channel rules are heeded", octopus.paths("POST"), ["/api/Spaces-1/releases?ignoreChannelRules=False"])
    result, octopus = run("New-OctopusRelease web-shop | Out-Null")
    claims.equal("New-OctopusRelease: the newest packages, the proposed number", (packages(octopus), octopus.bodies()[-1]["Version"]), ({"Deploy web": "1.9.0", "Deploy web:Tools": "5.5.5"}, "1.4.1"))
    result, octopus = run("New-OctopusRelease 'Billing & Co' | Out-Null")
    claims.equal("New-OctopusRelease: a number taken from a package", octopus.bodies()[-1]["Version"], "1.9.0")
    for name, given in [("texts", "'Deploy web:Tools:7.0', 'Deploy web:6.0'"), ("a dictionary", "@{ 'Deploy web' = '6.0'; 'Acme.Tools' = '7.0' }"), ("by package", "'Acme.Web:6.0', 'Acme.Tools=7.0'")]:
        result, octopus = run(f"New-OctopusRelease web-shop -Packages {given} | Out-Null")
        claims.equal(f"New-OctopusRelease: -Packages as {name}", packages(octopus), {"Deploy web": "6.0", "Deploy web:Tools": "7.0"})
    result, octopus = run("New-OctopusRelease web-shop 3.0 -Channel beta -IgnoreChannelRules | Out-Null")
    claims.equal("New-OctopusRelease: a channel by name, and its rule", (octopus.bodies()[-1]["ChannelId"], packages(octopus)["Deploy web"]), ("Channels-9", "2.0.0-beta.1"))
    claims.equal("New-OctopusRelease: -IgnoreChannelRules", octopus.paths("POST"), ["/api/Spaces-1/releases?ignoreChannelRules=True"])
    result, octopus = run("New-OctopusRelease nothing | Out-Null")
    claims.equal("New-OctopusRelease: no package step", (octopus.bodies()[-1]["SelectedPackages"], octopus.bodies()[-1]["Version"]), ([], "3.0.0"))
    result, octopus = run("New-OctopusRelease from-git | Out-Null")
    claims.equal("New-OctopusRelease: a project in Git", octopus.bodies()[-1]["Version"], "7.0.0")
    result, octopus = run("New-OctopusRelease from-git -GitRef trunk | Out-Null")
    claims.equal("New-OctopusRelease: a reference", octopus.bodies()[-1]["VersionControlReference"], {"GitRef": "trunk"})
    for name, script, wanted in [
            ("an unknown project names those there are", "New-OctopusRelease nope", "There are: Web Shop, Billing & Co"),
            ("an unknown channel", "New-OctopusRelease web-shop -Channel x", "has no channel 'x'. It has: Beta, Default."),
            ("an unknown package", "New-OctopusRelease web-shop -Packages 'Wrong:1.0'", "-Packages names 'Wrong', which is no package step or package of this process. There are: Deploy web (Acme.Web)"),
            ("a package without a version", "New-OctopusRelease web-shop -Packages 'Deploy web'", "should be a step or a package, a colon and a version"),
            ("a package without any version in its feed", "New-OctopusRelease starved", "The feed has no version for the step 'Deploy web' (package Acme.None, feed MyGet)"),
            ("a package known only later", "New-OctopusRelease dynamic", "is known only when it is deployed"),
            ("a version that exists", "New-OctopusRelease web-shop 1.4.0 -PackageVersion 1.0", "Release 1.4.0 already exists"),
            ("no project", "New-OctopusRelease ''", "No project is named")]:
        result, octopus = run(script)
        claims.has(f"New-OctopusRelease: {name}", result.error, wanted)
    result, octopus = run("(New-OctopusRelease web-shop 1.4.0 -PackageVersion 1.0 -IgnoreIfExists).Id")
    claims.equal("New-OctopusRelease -IgnoreIfExists", (result.output, octopus.paths("POST")), (["Releases-301"], []))
    result, octopus = run("New-OctopusRelease web-shop 2.0 -PackageVersion 1.0 -WhatIf; 'on'")
    claims.equal("New-OctopusRelease -WhatIf: nothing is written", (result.output, octopus.paths("POST")), (["on"], []))
    claims.has("New-OctopusRelease -WhatIf: says what", "\n".join(result.lines("Host")), "Create release 2.0")
    result, octopus = run("$r = New-OctopusRelease web-shop 2.0 -PackageVersion 1.0; $d = New-OctopusDeployment $r Development; $d | Wait-OctopusTask; $r.Version", IsDryRun=True)
    claims.equal("a dry run goes through to its end", (result.outcome, result.output), ("Succeeded", ["2.0"]))
    claims.equal("a dry run: both writes asked, both withheld", octopus.paths("POST"), ["/api/Spaces-1/releases?ignoreChannelRules=False", "/api/Spaces-1/deployments"])

    result, octopus = run("(New-OctopusDeployment Releases-301 Development -Comments c -FormValues @{ a = 'b' }).TaskId")
    claims.equal("New-OctopusDeployment by release id", result.output, ["ServerTasks-900"])
    claims.equal("New-OctopusDeployment: what is sent", {k: octopus.bodies()[-1][k] for k in ("ReleaseId", "EnvironmentId", "Comments", "FormValues")}, {"ReleaseId": "Releases-301", "EnvironmentId": "Environments-1", "Comments": "c", "FormValues": {"a": "b"}})
    result, octopus = run("New-OctopusDeployment -Project web-shop -Version 1.4.0 -Environment Development -Tenant Acme -Machine web01 | Out-Null")
    claims.equal("New-OctopusDeployment by project, tenant, machine", {k: octopus.bodies()[-1][k] for k in ("TenantId", "SpecificMachineIds")}, {"TenantId": "Tenants-1", "SpecificMachineIds": ["Machines-41"]})
    result, octopus = run("New-OctopusRelease web-shop 2.1 -PackageVersion 1.0 | New-OctopusDeployment -Environment Development | Wait-OctopusTask -PollSeconds 0.05 | ForEach-Object State")
    claims.equal("release, deploy, wait in one pipeline", result.output, ["Success"])
    claims.has("New-OctopusDeployment: forbidden", run("New-OctopusDeployment Releases-301 Production")[0].error, "403 (Forbidden) to POST /api/Spaces-1/deployments: You do not have permission")
    claims.has("New-OctopusDeployment: an unknown environment", run("New-OctopusDeployment Releases-301 Mars")[0].error, "There is no environment with the id, slug or name 'Mars' in the space Default. There are: Development, Production.")
    claims.equal("New-OctopusDeployment -WhatIf", run("New-OctopusDeployment Releases-301 Development -WhatIf")[1].paths("POST"), [])
    claims.has("New-OctopusDeployment: no release", run("New-OctopusDeployment Releases-999 Development")[0].error, "There is no release 'Releases-999'")

    result, octopus = run("Set-Content a.txt hello; New-OctopusArtifact a.txt 'the name'", Ids={"TaskId": "ServerTasks-9"})
    claims.equal("New-OctopusArtifact: made for the task", octopus.bodies("POST"), [{"Filename": "the name", "ServerTaskId": "ServerTasks-9"}])
    claims.equal("New-OctopusArtifact: its bytes", [base64.b64decode(r["BodyBase64"]) for r in octopus.requests if r["Method"] == "PUT"], [b"hello\n"])
    result, octopus = run("Set-Content a.txt hello; New-OctopusArtifact a.txt")
    claims.that("New-OctopusArtifact: no task, a warning", octopus.requests == [] and "no server task" in result.lines("Warning")[0], result.log)
    claims.has("New-OctopusArtifact: no file", run("New-OctopusArtifact nope.txt", Ids={"TaskId": "ServerTasks-9"})[0].error, "There is no file")

    result, _ = run("Set-OctopusVariable -name A -value 1; Set-OctopusVariable B 'two'; Set-OctopusVariable a '3'; Set-OctopusVariable N $null")
    claims.equal("Set-OctopusVariable", result.done["Variables"], {"A": "3", "B": "two", "N": ""})
    result, _ = run("Set-OctopusVariable P 'hunter22' -Sensitive; Set-OctopusSensitiveVariable Q 'swordfish'; Write-Host 'x hunter22 y'; throw 'swordfish'")
    claims.that("sensitive variables are masked in the log", "x ******** y" in result.lines("Host") and all("hunter22" not in t and "swordfish" not in t for t in result.lines()), result.log)
    claims.equal("sensitive variables are masked in the message, and named", (result.error, sorted(result.done["SensitiveVariables"])), ("********", ["P", "Q"]))


def check_feeds(claims, worker):
    def run(script):
        octopus = FakeOctopus()
        return worker.run(script, answer=octopus), octopus

    def output(script):
        return run(script)[0].output

    credential = "([pscredential]::new('Ann', (ConvertTo-SecureString -AsPlainText -Force 'pa:ss wörd')))"
    for version, feed in (("3", "https://feed.example.com/v3/index.json"), ("2", "https://feed.example.com/api/v2"), ("2 with a slash", "https://feed.example.com/api/v2/"), ("3, found below", "https://feed.example.com/v3/")):
        claims.equal(f"feed {version}: notes, as the package has them", output(f"Get-FeedReleaseNotes {feed} Acme.Web 1.2.3"), [NOTES])
    result, octopus = run("Get-FeedReleaseNotes https://feed.example.com/v3/index.json ACME.Web 01.2.3.0 | Out-Null")
    claims.equal("feed 3: ids and versions in their normal form", [r["Url"] for r in octopus.requests], ["https://feed.example.com/v3/index.json", "https://feed.example.com/flat/acme.web/1.2.3/acme.web.nuspec"])
    claims.equal("feed 3: only reads", {(r["Purpose"], r["Method"]) for r in octopus.requests}, {("feed", "GET")})
    claims.equal("feed 3: a package without notes", output("Get-FeedReleaseNotes https://feed.example.com/v3/index.json Acme.Bare 1.0"), [""])
    claims.equal("feed 2: a quote in a name", output("Get-FeedReleaseNotes https://feed.example.com/api/v2 \"O'Hara\" 1.0.0"), ["it's"])
    claims.equal("feed 3: versions, newest first", output("(Find-FeedPackage https://feed.example.com/v3/index.json Acme.Web).Version"), ["1.10.0", "1.9.0", "1.2.3", "bad"])
    claims.equal("feed 3: with pre-releases", output("(Find-FeedPackage https://feed.example.com/v3/index.json Acme.Web -Prerelease -First 3).Version"), ["2.0.0-beta.11", "2.0.0-beta.2", "1.10.0"])
    claims.equal("feed 3: the latest", output("(Find-FeedPackage https://feed.example.com/v3/index.json Acme.Web -Latest).Version"), ["1.10.0"])
    claims.equal("feed 3: a package it has not", output("@(Find-FeedPackage https://feed.example.com/v3/index.json No.Such).Count"), [0])
    claims.equal("feed 2: versions over the pages", output("(Find-FeedPackage https://feed.example.com/api/v2 Acme.Web).Version"), ["1.10.0", "1.2.3"])
    claims.equal("feed: one version", output("(Find-FeedPackage https://feed.example.com/api/v2 Acme.Web 1.2.3).ReleaseNotes"), [NOTES])
    claims.equal("feed: piped on", output("Find-FeedPackage https://feed.example.com/v3/index.json Acme.Web 1.2.3 | Get-FeedReleaseNotes https://feed.example.com/v3/index.json"), [NOTES])
    claims.equal("feed: basic authentication", output(f"Get-FeedReleaseNotes https://secret.example.com/v3/index.json Acme.Web 1.2.3 -Credential {credential}"), [NOTES])
    claims.equal("feed: a key", output("Get-FeedReleaseNotes https://secret.example.com/api/v2 Acme.Web 1.2.3 -ApiKey key-1"), [NOTES])
    claims.has("feed: refused without", run("Get-FeedReleaseNotes https://secret.example.com/v3/index.json Acme.Web 1.2.3")[0].error, "answered 401 (Unauthorized) to GET https://secret.example.com/v3/index.json. It wants -Credential or -ApiKey.")
    claims.has("feed: refused with a wrong one", run("Get-FeedReleaseNotes https://secret.example.com/api/v2 Acme.Web 1.2.3 -ApiKey wrong")[0].error, "not accepted")
    result, octopus = run(f"Get-FeedReleaseNotes https://feed.example.com/cdn/index.json Acme.Web 1.2.3 -Credential {credential}")
    claims.equal("feed: the credential stays with the feed's own host", [("Authorization" in r["Headers"]) for r in octopus.requests], [True, False])
    for name, script, wanted in [
            ("no such version", "Get-FeedReleaseNotes https://feed.example.com/api/v2 Acme.Web 9.9", "has no package Acme.Web 9.9"),
            ("not an address", "Get-FeedReleaseNotes ftp://x/y Acme.Web 1", "is not the address of a feed"),
            ("no resource", "Get-FeedReleaseNotes https://feed.example.com/empty/index.json Acme.Web 1", "lists no resource of the type PackageBaseAddress/3.0.0"),
            ("not an index", "Get-FeedReleaseNotes https://feed.example.com/broken/index.json Acme.Web 1", "is not JSON"),
            ("not there", "Get-FeedReleaseNotes https://down.example.com/x/index.json Acme.Web 1", "could not resolve the host")]:
        claims.has(f"feed: {name}", run(script)[0].error, wanted)
    claims.equal("feed: an error can be passed over", output("Get-FeedReleaseNotes https://feed.example.com/api/v2 Acme.Web 9.9 -ErrorAction SilentlyContinue; 1"), [1])
    script = """
        param($feed)
        $notes = Get-FeedReleaseNotes -FeedUri "https://feed.example.com/$feed" -PackageId $Payload.Payload.PackageIdentifier -Version $Payload.Payload.PackageVersion
        $release = New-OctopusRelease -Project 'Web Shop' -Version $Payload.Payload.PackageVersion -PackageVersion $Payload.Payload.PackageVersion -ReleaseNotes $notes
        Write-Highlight "Created $($release.Version)"
        """
    octopus = FakeOctopus()
    result = worker.run(script, answer=octopus, Payload={"PayloadType": "PackageAddedWebHookEventPayloadV1", "Payload": {"PackageIdentifier": "Acme.Web", "PackageVersion": "1.2.3"}}, Query={"feed": "v3/index.json"})
    claims.equal("scenario 1: the notes of the package are those of the release", (result.outcome, octopus.bodies()[-1]["ReleaseNotes"], result.lines("Highlight")), ("Succeeded", NOTES, ["Created 1.2.3"]))


def check_egress(claims, worker):
    """The bundled engine's web commands ask before they connect."""
    if worker.hello["Engine"] != "bundled":
        return
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    try:
        result = worker.run(f"Invoke-RestMethod http://127.0.0.1:{port}/x")
        claims.equal("egress: asked with host, address, port", [(e["Host"], e["Address"], e["Port"]) for e in result.egress], [("127.0.0.1", "127.0.0.1", port)])
        claims.has("egress: refused", result.error, "egress rules")
        claims.has("egress: the log has the server's reason", "\n".join(result.lines("Warning")), "nothing is allowed here")
        listener.settimeout(0.2)
        try:
            listener.accept()
            connected = True
        except TimeoutError:
            connected = False
        claims.equal("egress: nothing connected", connected, False)
    finally:
        listener.close()


def check_memory(claims, program):
    with Worker(program) as worker:
        for _ in range(300):
            worker.run("$Payload.a; Get-Date | Out-Null", Payload={"a": 1})
        first = worker.run("1").ready["WorkingSetBytes"]
        for _ in range(1200):
            worker.run("$Payload.a; Get-Date | Out-Null", Payload={"a": 1})
        second = worker.run("1").ready["WorkingSetBytes"]
        claims.that("memory is flat over many runs", second < first + (40 << 20), (first >> 20, second >> 20))


def main():
    program = sys.argv[1:]
    if not program:
        target = os.path.join(ROOT, "build", "powershell")
        subprocess.run([os.path.join(ROOT, "powershell", "build"), target], check=True)
        program = [os.path.join(target, "Reactions.Host")]
    claims = Claims()
    for check in (check_protocol, check_cases, check_parse, check_bounds, check_cancel, check_left_behind, check_client, check_reading, check_releases, check_feeds, check_egress):
        with Worker(program, wait_seconds=40) as worker:
            claims.group(check, worker)
    for check in (check_recycle, check_hostile, check_modules, check_memory):
        claims.group(check, program)
    claims.end()


if __name__ == "__main__":
    main()
