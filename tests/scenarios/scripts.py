"""Scripts: what they find, how they end, and that a bad one stays alone."""
import base64, hashlib, json, re
from harness import *

sample = Sample()
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}"})
s.connect(sample)
os.chmod(s.home, 0o755)
marks = os.path.join(s.home, "marks")
os.mkdir(marks)
os.chmod(marks, 0o777)
keys, reactions = {}, {}


def script(name, text, action=None, route=None, **fields):
    s.trigger(name, Route=route or name) if route is None else s.must(s.post("/api/triggers", {"Name": name, "Route": route}))
    keys[name] = s.new_key(name)
    reactions[name] = s.reaction(text, name, name, action, **fields)


def run(name, body=b"{}", path=None, seconds=60, headers=None, query=""):
    r = s.fire(body, path or name, keys[name], headers, query)
    return s.run_of(r, seconds)


def once(name, text, body=b"{}", action=None, seconds=60, **fields):
    script(name, text, action, **fields)
    return run(name, body, seconds=seconds)


check("scripts are ready", s.wait_ready())

# ---- what a script finds ----
x = once("binds", "param([int]$Number, $Text, $Missing, $Flag)\n\"$($Number + 1)|$Text|$($null -eq $Missing)|$Flag\"", {"a": 1})
check("param() without values: defaults", (x["State"], x["Output"]), ("Succeeded", ["1||True|"]))
script("routed", "param([int]$Number, $Text, $Payload)\n\"$($Number + 1)|$Text|$($Payload.a)|$($Route.number)|$($Query.text)\"", route="routed/{number:int}")
x = run("routed", {"a": "b"}, path="routed/41", query="?text=" + "$(throw)%3B%20%27%22")
check("param() binds payload, route and query by name, as data", (x["State"], x["Output"]), ("Succeeded", ["42|$(throw); '\"|b|41|$(throw); '\""]))
x = once("payload", "$Payload.list[1].deep; $Payload.big.ToString(); $Payload.when.GetType().Name; $Payload.none -eq $null; $Payload.text", b'{"list":[1,{"deep":"x"}],"big":12345678901234567890,"when":"2026-01-02T03:04:05Z","none":null,"text":"$(Get-Date) `n \'"}')
check("$Payload is an object, values as they were sent", (x["State"], x["Output"]), ("Succeeded", ["x", "12345678901234567890", "String", True, "$(Get-Date) `n '"]))
x = once("cases", "$Payload.GetType().Name; $Payload['A']; $Payload['a']; $Payload['']", b'{"A":1,"a":2,"":3}')
check("keys that differ in case: an ordered hashtable", (x["State"], (x["Output"] or [None])[1:]), ("Succeeded", [1, 2, 3]))
script("finds", "$Request.Method; $Request.Path; $Request.Headers['X-Mark']; $Request.ContentType; $Request.Body; $Event.Id; $Event.Trigger; $Event.Payload.a; $SpaceId; $OctopusParameters['Mine']; $ErrorActionPreference.ToString(); $ProjectId -eq $null",
       Variables=[{"Name": "Mine", "Value": "yes"}])
r = s.fire({"a": 7}, "finds", keys["finds"], {"X-Mark": "m"}, "?q=1")
x = s.run_of(r)
o = x["Output"] or []
check("$Request, $Event, $SpaceId, $OctopusParameters", (x["State"], o[:3], o[4:8], o[9:]), ("Succeeded", ["POST", "/triggers/finds", "m"], ['{"a": 7}', r.json["EventId"], "finds", 7], ["yes", "Stop", True]))
check("$SpaceId is Octopus's or none", o[8:9], lambda got: got in ([None], ["Spaces-1"]))
x = run("finds", b"plain text", headers={"Content-Type": "text/plain"})
check("a text body is $Request.Body", (x["Output"] or [None] * 5)[4], "plain text")

# ---- how a script ends ----
x = once("outputs", "1; 'two'; @{three=3}; [pscustomobject]@{a=1;b=@(1,2)}; $null; $true; 1.5")
check("output is a JSON array of what it wrote", x["Output"], lambda o: o and o[:4] == [1, "two", {"three": 3}, {"a": 1, "b": [1, 2]}] and o[-2:] == [True, 1.5])
check("none is []", once("silent", "$x = 1")["Output"], [])
x = once("exits", "Write-Host 'before'; exit 3; Write-Host 'after'")
check("exit 3 fails the run with that code", (x["State"], x["Attempts"][0]["ExitCode"], x["Attempts"][0]["Outcome"]), ("Failed", 3, "Failed"))
check("... and what followed did not run", s.text_of(x), lambda t: "before" in t and "after" not in t)
check("exit 0 succeeds", once("exits0", "exit 0")["State"], "Succeeded")
x = once("throws", "\n\nthrow 'on purpose'")
check("throw fails the run and says so, with the line", (x["State"], x["ErrorMessage"]), lambda t: t[0] == "Failed" and "on purpose" in t[1])
x = once("nonterminating", "$ErrorActionPreference = 'Continue'; Write-Error 'a complaint'; 'went on'")
check("an error that stays in its stream does not fail the run", (x["State"], x["Output"]), ("Succeeded", ["went on"]))
check("... but is in the log as Error", [l for l in s.log_of(x) if l["Level"] == "Error" and "a complaint" in l["Text"]] != [])
x = once("streams", "Write-Host host; Write-Verbose -Verbose verbose; Write-Warning warning; Write-Highlight high; Write-Debug -Debug dbg; Set-OctopusVariable -Name A -Value b")
levels = {l["Text"]: l["Level"] for l in s.log_of(x)}
check("streams have their levels", (levels.get("host"), levels.get("verbose"), levels.get("warning"), levels.get("high")), lambda t: t[0] in ("Host", "Info") and t[1:] == ("Verbose", "Warning", "Highlight"))
check("log lines have attempt and time", [l for l in s.log_of(x) if l["Attempt"] != 1 or not l["Time"]], [])
check("Fail-Step fails", once("failstep", "Fail-Step 'no more'")["State"], "Failed")

# ---- bad scripts stay alone ----
script("good", "'good'")
def good(claim):
    x = run("good")
    check(claim + ": another reaction goes on", (x["State"], x["Output"]), ("Succeeded", ["good"]))

def processes(mark):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if mark.encode() in f.read() and int(pid) != os.getpid():
                    found.append(pid)
        except OSError:
            pass
    return found

x = once("endless", "Start-Process sleep -ArgumentList '987654'; while ($true) { Start-Sleep -Milliseconds 50 }", action={"TimeoutSeconds": 2})
check("a script without end is ended in time", (x["State"], x["Attempts"][0]["Outcome"]), ("Failed", "TimedOut"))
check("... with what it had started", until(lambda: not processes("987654"), 10))
good("after a timeout")
x = once("spins", "while ($true) { }", action={"TimeoutSeconds": 2})
check("a script that spins is ended too", x["Attempts"][0]["Outcome"], "TimedOut")
x = once("detaches", "& /bin/sh -c 'setsid sh -c \"setsid sleep 876543 >/dev/null 2>&1 </dev/null &\" >/dev/null 2>&1 </dev/null &'; throw 'left'", action={"Isolation": "Process"})
check("what detached itself is ended with its worker", until(lambda: not processes("876543"), 15), True)
x = once("eats", "$l = [System.Collections.ArrayList]::new(); while ($true) { $b = New-Object byte[] 50000000; for ($i = 0; $i -lt 50000000; $i += 4096) { $b[$i] = 1 }; [void]$l.Add($b) }", action={"MemoryMegabytes": 256, "TimeoutSeconds": 40})
check("a script that eats memory ends", x["State"], lambda st: st in ("Failed", "Interrupted"))
check("... and the run says memory", x["ErrorMessage"], lambda m: m is not None and "memory" in m.lower())
good("after a memory bomb")
x = once("floods", "1..200000 | ForEach-Object { Write-Host ('x' * 200) }", action={"TimeoutSeconds": 40})
check("a flood ends", x["State"], lambda st: st in FINAL)
lines = s.items(f"/api/runs/{x['Id']}/log")
size = len(json.dumps(s.get(f"/api/runs/{x['Id']}/log?take=1000").json))
check("... its log is bounded", s.text_of(x) != "" and size < 8_000_000)
x = once("big-output", "'y' * 60000000", action={"TimeoutSeconds": 40})
check("a huge output does not go through whole", (x["State"] in FINAL, len(json.dumps(x["Output"])) < 3_000_000), (True, True))
good("after floods")
x = once("binary", "& /bin/sh -c 'head -c 20000 /dev/urandom'; [Console]::OpenStandardOutput().Write([byte[]](0..255), 0, 256); Write-Host \"$([char]0)$([char]27)[31mred\"; 'end'")
check("binary output breaks nothing", (x["State"], x["Output"][-1:]), ("Succeeded", ["end"]))
# Only sockets and pipes: an open file is never opened anew here, it might be the machine's own.
x = once("garbage", """
$written = 0
foreach ($fd in 0..40) {
    $target = try { [IO.File]::ResolveLinkTarget("/proc/self/fd/$fd", $false).Name } catch { '' }
    if ($target -notlike 'socket:*' -and $target -notlike 'pipe:*') { continue }
    try {
        $handle = [Microsoft.Win32.SafeHandles.SafeFileHandle]::new([IntPtr]$fd, $false)
        $stream = [System.IO.FileStream]::new($handle, [System.IO.FileAccess]::Write, 0)
        $bytes = [byte[]](1..255); $stream.Write($bytes, 0, $bytes.Length); $stream.Flush(); $written++
    } catch { }
}
$written
""", action={"TimeoutSeconds": 10})
check("garbage to any descriptor ends in one of the states", x["State"], lambda st: st in FINAL)
good("after garbage")
script("killed", "$held = [IO.File]::Create('%s/pid'); Start-Sleep -Seconds 100" % marks, {"TimeoutSeconds": 60})
r = s.fire({}, "killed", keys["killed"])
def worker_of(mark):
    """The process that holds that file open: always one below our server. Its own number says nothing, it may live in a namespace."""
    def holder():
        for pid in descendants(s.pid):
            try:
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    if os.readlink(f"/proc/{pid}/fd/{fd}").endswith(f"/marks/{mark}"):
                        return pid
            except OSError:
                pass
        return None
    return until(holder, 30)
pid = worker_of("pid")
check("the worker was found", pid is not None)
if pid:
    os.kill(pid, signal.SIGKILL)
x = s.run_of(r)
check("a worker killed in the middle: Interrupted, not repeated", (x["State"], [a["Outcome"] for a in x["Attempts"]]), ("Interrupted", ["Interrupted"]))
good("after a killed worker")

# ---- isolation ----
script("leaves", """
$global:Left = 'left'; $env:LEFT_BEHIND = 'left'; Set-Location /; [System.Threading.Thread]::CurrentThread.CurrentCulture = 'de-DE'
[AppDomain]::CurrentDomain.SetData('left', 'left'); function global:Left-Behind { 'left' }; Set-Alias -Scope Global lb Get-Date
Set-Content -Path ([IO.Path]::GetTempPath() + '/left.txt') -Value left
Start-Job { Start-Sleep 100 } -ErrorAction SilentlyContinue | Out-Null
$PID
""")
finds = "\"$($global:Left)|$($env:LEFT_BEHIND)|$([AppDomain]::CurrentDomain.GetData('left'))|$(Get-Command Left-Behind -ErrorAction Ignore)|$(Get-Alias lb -ErrorAction Ignore)|$(Test-Path ([IO.Path]::GetTempPath() + '/left.txt'))|$((Get-Location).Path -eq '/')|$([cultureinfo]::CurrentCulture.Name -eq 'de-DE')\"; $PID"
script("looks", finds)
a, b = run("leaves"), run("looks")
check("the next run of another reaction sees nothing left behind", (b["State"], b["Output"][:1]), ("Succeeded", ["|||||False|False|False"]))
count = "$n = 1 + [int][AppDomain]::CurrentDomain.GetData('n'); [AppDomain]::CurrentDomain.SetData('n', $n); $n"
script("stays", count)
check("a reaction's runs share a worker", (run("stays")["Output"], run("stays")["Output"]), ([1], [2]))
script("alone", count, {"Isolation": "Process"})
check("Isolation Process: each run has its own", (run("alone")["Output"], run("alone")["Output"]), ([1], [1]))

# ---- modules ----
folder_of_modules = os.path.join(s.data, "modules", "Spaces-1")
os.makedirs(folder_of_modules, exist_ok=True)
content = b"function Get-Answer { 42 }\nExport-ModuleMember -Function Get-Answer\n"
with open(os.path.join(folder_of_modules, "Answer.psm1"), "wb") as f:
    f.write(content)
os.chmod(folder_of_modules, 0o755)
os.chmod(os.path.join(folder_of_modules, "Answer.psm1"), 0o644)
right = hashlib.sha256(content).hexdigest()
x = once("module", "Import-Module Answer.psm1; Get-Answer", action={"Modules": [{"Name": "Answer.psm1", "Sha256": right}]})
check("a module with the right hash is there", (x["State"], x["Output"], x["ErrorMessage"]), ("Succeeded", [42], None))
x = once("module-wrong", "Import-Module Answer.psm1; Get-Answer", action={"Modules": [{"Name": "Answer.psm1", "Sha256": "0" * 64}]})
check("with another hash it is not, and the run says why", (x["State"], x["ErrorMessage"]), lambda t: t[0] == "Failed" and "SHA-256" in t[1] and "Answer.psm1" in t[1])
x = once("module-gone", "1", action={"Modules": [{"Name": "Gone.psm1", "Sha256": right}]})
check("one that is not there is named", (x["State"], x["ErrorMessage"]), lambda t: t[0] == "Failed" and "Gone.psm1" in t[1])

# ---- the broker ----
x = once("no-identity", "Invoke-OctopusApi -Method GET -Path /api/Spaces-1/projects")
check("without an identity a call is refused with the reason", (x["State"], x["ErrorMessage"]), lambda t: t[0] == "Failed" and "identity" in t[1])
x = once("calls", "(Invoke-OctopusApi -Method GET -Path /api/Spaces-1/projects/all)[0].Name; (Get-OctopusProject -Name 'Web Shop').Id", Identity="bot")
check("with one it goes through", (x["State"], len(x["Output"] or [])), ("Succeeded", 2))
calls = x["Attempts"][0]["ApiCalls"]
check("the run records the calls", [(c["Method"], c["Status"], c["Withheld"]) for c in calls][:1], [("GET", 200, False)])
check("... with their paths", calls[0]["Path"] if calls else "", "/api/Spaces-1/projects/all")
x = once("creates", """
$p = Get-OctopusProject -Name 'Web Shop'
$r = Invoke-OctopusApi -Method POST -Path '/api/Spaces-1/releases' -Body @{ ProjectId = $p.Id; Version = '77.0.1'; ChannelId = (Invoke-OctopusApi -Method GET -Path "/api/Spaces-1/projects/$($p.Id)/channels").Items[0].Id; SelectedPackages = @(
   (Invoke-OctopusApi -Method GET -Path "/api/Spaces-1/deploymentprocesses/$($p.DeploymentProcessId)/template").Packages | ForEach-Object { @{ ActionName = $_.ActionName; PackageReferenceName = $_.PackageReferenceName; Version = (Invoke-OctopusApi -Method GET -Path "/api/Spaces-1/feeds/$($_.FeedId)/packages/versions?packageId=$($_.PackageId)&take=1").Items[0].Version } }) }
$r.Id
""", Identity="bot")
posts = [c for c in x["Attempts"][0]["ApiCalls"] if c["Method"] == "POST"]
check("a created release is recorded with its id", (x["State"], [c["Created"] for c in posts], x["ErrorMessage"]), ("Succeeded", [x["Output"]], None))
for claim, path in (("an absolute URL", "https://example.com/api"), ("another host", "//example.com/api"), ("a backslash", "/\\\\example.com/api"), ("user info", "http://a@b/api")):
    x = once("bad-path-%d" % len(keys), f"Invoke-OctopusApi -Method GET -Path '{path}'", Identity="bot")
    check(f"{claim} reaches nobody else", (x["State"], [c["Path"] for c in x["Attempts"][0]["ApiCalls"] if not c["Path"].startswith("/api")]), ("Failed", []))
x = once("own-key", "try { (Invoke-OctopusApi -Method GET -Path /api/users/me -Headers @{ 'X-Octopus-ApiKey' = '%s'; 'Authorization' = 'Bearer x' }).Username } catch { \"refused: $_\" }" % SAMPLE_KEY, Identity="bot")
check("a key header of the script's is not taken", x["Output"], lambda o: o and (o[0] == "release-bot" or o[0].startswith("refused") or "Headers" in o[0]))
x = once("out", "try { Invoke-RestMethod http://127.0.0.1:%d/api } catch { \"refused: $_\" }" % s.port)
check("a script's own request to loopback is refused", str(x["Output"]), has("refused"))

# ---- the server's own keys ----
x = once("server-keys", "foreach ($f in 'admin.key', 'master.key', 'reactions.db') { try { [IO.File]::ReadAllBytes('%s/' + $f).Length } catch { 'no' } }" % s.data)
check("a script cannot read the server's keys and database", (x["State"], x["Output"]), lambda t: t[0] == "Succeeded" and all(v in ("no", 0) for v in t[1]))

# ---- the key stays out ----
key = SAMPLE_KEY + "-BOT"
script("dumps", """
$text = (Get-ChildItem env: | ForEach-Object { "$($_.Name)=$($_.Value)" }) -join ';'
$text += (Get-Variable | ForEach-Object { "$($_.Name)=$($_.Value | Out-String)" }) -join ';'
$text += [IO.File]::ReadAllText('/proc/self/environ') + [IO.File]::ReadAllText('/proc/self/cmdline')
$text += ($OctopusParameters | ConvertTo-Json -Compress -Depth 3)
$null = Invoke-OctopusApi -Method GET -Path /api/users/me
$text.Contains('API-' + 'SAMPLE'); $text.Contains('RX' + 'A-'); $text.Length -gt 500
$held = [IO.File]::Create('%s/dump-pid')
while (-not (Test-Path '%s/scanned')) { Start-Sleep -Milliseconds 20 }
""".replace("%s", marks), Identity="bot")
r = s.fire({}, "dumps", keys["dumps"])
pid = worker_of("dump-pid")
found, read_bytes = [], 0
def scan(pid, needles):
    global read_bytes
    hits = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            area, flags = line.split()[:2]
            if "r" not in flags or "w" not in flags:
                continue
            start, end = (int(v, 16) for v in area.split("-"))
            try:
                mem.seek(start)
                while start < end:
                    part = mem.read(min(1 << 22, end - start))
                    if not part:
                        break
                    read_bytes += len(part)
                    hits += [n for n in needles if n in part]
                    start += len(part)
            except (OSError, ValueError):
                pass
    return hits
try:
    found = scan(pid, [key.encode(), key.encode("utf-16-le"), s.key.encode(), s.key.encode("utf-16-le")])
    check("the worker's memory was searched", read_bytes > 10_000_000)
    check("the identity's key and the management key are nowhere in it", found, [])
    for name in ("environ", "cmdline"):
        with open(f"/proc/{pid}/{name}", "rb") as f:
            text = f.read()
        check(f"nor in its {name}", (key.encode() in text, s.key.encode() in text, b"REACTIONS_MASTER" in text), (False, False, False))
except OSError as e:
    skip("the worker's memory", str(e))
open(marks + "/scanned", "w").close()
x = s.run_of(r)
check("a script finds no key in variables, environment, parameters", (x["State"], x["Output"]), ("Succeeded", [False, False, True]))
for child in ("environ", "cmdline"):
    with open(f"/proc/{s.pid}/{child}", "rb") as f:
        check(f"no key stands in the server's {child}", key.encode() in f.read(), False)

# ---- slow ones leave the others their share of the workers ----
script("waits", f"while (-not (Test-Path {marks}/enough)) {{ Start-Sleep -Milliseconds 50 }}", Concurrency={"Max": 100})
script("goes-on", "'through'")
for _ in range(3 * os.cpu_count() + 8):
    s.must(s.fire(trigger="waits", key=keys["waits"]))
check("as many of a slow one run as may", until(lambda: [r for r in s.runs("waits") if r["Started"]], 30), bool)
x = run("goes-on")
check("another's script runs meanwhile", (x["State"], x["Output"]), ("Succeeded", ["through"]))
check("and none of the slow ones had to end for it", {r["State"] for r in s.runs("waits")} <= {"Running", "Queued", "Waiting"})
open(marks + "/enough", "w").close()
check("all of them run in the end", until(lambda: {r["State"] for r in s.runs("waits")} == {"Succeeded"}, 60), True)

# ---- masking ----
value = "Pa$$w0rd-für-alle/9"
x = once("masked", """
Write-Host "plain $($OctopusParameters['Sec'])"; Write-Warning ([Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($OctopusParameters['Sec'])))
Write-Host ([uri]::EscapeDataString($OctopusParameters['Sec'])); $OctopusParameters['Sec']; @{ a = "x$($OctopusParameters['Sec'])y" }
throw "failed with $($OctopusParameters['Sec'])"
""", Variables=[{"Name": "Sec", "Value": value, "IsSensitive": True}])
check("the script got the secret and failed with it", x["State"], "Failed")
everything = json.dumps(x, ensure_ascii=False) + json.dumps(s.log_of(x), ensure_ascii=False)
check("secrets are masked in log, output and error", [v for v in (value, base64.b64encode(value.encode()).decode(), "Pa%24%24w0rd") if v in everything], [])
check("... where they stood", everything, has("plain ***"))
x = once("masked-secret", "$OctopusParameters['S2']", Variables=[])
s.must(s.post("/api/secrets", {"Name": "two", "Value": "another-secret-value"}))
x = once("masked-stored", "\"got $($OctopusParameters['S2'].Length) $($OctopusParameters['S2'])\"", Variables=[{"Name": "S2", "Secret": "two"}])
check("a stored secret is bound, and masked", x["Output"], ["got 20 ********"])
check("no secret is readable in what is stored", [n for n, c in s.stored_bytes().items() if value.encode() in c or b"another-secret-value" in c or key.encode() in c], [])
below = descendants(s.pid)
check("it ends in order", s.kill(signal.SIGTERM), 0)
check("... and leaves no process", until(lambda: not [p for p in below if os.path.exists(f"/proc/{p}")], 10))
finish()
