"""40 canaries in every field that holds a secret, everything switched on that talks; then none of them is anywhere it should not be.

Looked for raw, as base64 (three alignments, both alphabets), hex, URL, JSON and as UTF-16, in: the database with its log, a backup, every
other file of the data folder, what the server says, every list and object of the API, the export, the stream, the metrics, and the command
line and environment of every process below the server."""
import base64, secrets, threading, urllib.parse
from harness import *

sample = Sample()
s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{sample.port}", "REACTIONS_GRACE_SECONDS": "2"})
canaries = []


def canary(plain=False):
    value = f"cnry{len(canaries):02d}{secrets.token_hex(7)}" + ("" if plain else '<&"é')
    canaries.append(value)
    return value


# ---- where secrets can be put ----
reader, identity = canary(True), canary(True)
s.must(s.post("/api/connections", {"Name": "octopus", "Url": sample.url, "ReaderKey": reader, "PollSeconds": 1}))
s.must(s.post("/api/identities", {"Name": "bot", "ApiKey": identity}))
s.trigger("hook")
s.must(s.post("/api/triggers", {"Name": "signed", "Route": "signed", "Authentication": {"Schemes": ["Signature"], "Signature": {"Preset": "github", "Secrets": [canary(True), canary(True)]}}}), 201, 400)
bound = {}
for n in range(14):
    value = canary(n < 7)
    s.must(s.post("/api/secrets", {"Name": f"secret{n}", "Value": value}))
    bound[f"S{n}"] = value
pem = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(canary(True) + canary(True) for _ in range(3)) + "\n-----END PRIVATE KEY-----\n"
s.must(s.post("/api/secrets", {"Name": "pem", "Value": pem}))
variables = [{"Name": k, "Secret": k.replace("S", "secret")} for k in bound] + [{"Name": "PEM", "Secret": "pem"}]
typed = {f"T{n}": canary(n < 5) for n in range(10)}
variables += [{"Name": k, "Value": v, "IsSensitive": True} for k, v in typed.items()]
signing = "whsec_" + base64.b64encode(canary(True).encode()).decode()
s.must(s.post("/api/reactions", {"Name": "sends", "Trigger": {"Type": "Internal", "Events": ["ReleaseCreated"]}, "Variables": variables,
    "Action": {"Type": "Http", "Uri": f"{sample.url}/receivers/x?key=#{{S0}}", "Headers": [{"Name": "Api-Key", "Value": "#{S1}"}, {"Name": "Authorization", "Value": "Bearer #{T0}"}],
               "Body": '{"a": "#{S8 | JsonEscape}", "b": "#{T6 | JsonEscape}", "pem": "#{PEM | JsonEscape}", "e": "#{S2 | ToBase64}"}', "Signing": {"Scheme": "StandardWebhooks", "Secret": signing}}}))
s.must(s.post("/api/users", {"Username": "ann", "Password": canary(True) + " long enough", "Roles": [{"Role": "Viewer"}]}))
while len(canaries) < 40:
    canary(True)
    s.must(s.post("/api/secrets", {"Name": f"more{len(canaries)}", "Value": canaries[-1]}))
key = s.new_key("hook")
canaries += [key, s.key]
check("there are forty", len(canaries) >= 40)

# ---- everything that talks ----
LEAKS = r"""
$all = @($OctopusParameters.GetEnumerator() | Where-Object { $_.Key -match '^([ST]\d+|PEM)$' } | ForEach-Object { $_.Value })
$VerbosePreference = 'Continue'; $DebugPreference = 'Continue'; $ErrorActionPreference = 'Continue'
foreach ($v in $all) {
    $b = [Text.Encoding]::UTF8.GetBytes($v); $w = [Text.Encoding]::Unicode.GetBytes($v)
    Write-Host "raw $v"; Write-Verbose "verbose $v"; Write-Warning $v; Write-Debug $v; Write-Error $v; Write-Highlight $v
    Write-Host ([Convert]::ToBase64String($b)); Write-Host ([Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes("a$v"))); Write-Host ([Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes("ab$v")))
    Write-Host ([Convert]::ToBase64String($w)); Write-Host ([BitConverter]::ToString($b)); Write-Host ([BitConverter]::ToString($b).Replace('-', '').ToLower())
    Write-Host ([Uri]::EscapeDataString($v)); Write-Host (ConvertTo-Json $v); Write-Host ([Security.SecurityElement]::Escape($v)); Write-Host ([Text.Encoding]::GetEncoding('latin1').GetString($w))
    $half = [int]($v.Length / 2)
    Write-Host $v.Substring(0, $half) -NoNewline; Write-Host $v.Substring($half)
    Write-Host $v.Substring(0, $half); Write-Host $v.Substring($half)
    [Console]::Out.Write($v.Substring(0, $half)); [Console]::Out.WriteLine($v.Substring($half))
    Write-Host ($v.Substring(0, $half) + "$([char]27)[31m" + $v.Substring($half) + "$([char]27)[0m")
    [pscustomobject]@{ Value = $v; $v.Substring(0, 10) = 1; Nested = @(@{ v = "x$v" }) }
    try { Invoke-OctopusApi -Method Get -Path "/api/x?key=$v" } catch { Write-Host "$_" }
}
foreach ($line in $OctopusParameters['PEM'] -split "`n") { Write-Host "line: $line" }
[IO.File]::WriteAllText('started', '1')
$until = [DateTime]::UtcNow.AddSeconds(20)
while (-not [IO.File]::Exists('__GO__') -and [DateTime]::UtcNow -lt $until) { [Threading.Thread]::Sleep(50) }
throw "thrown: $($all -join ' ')"
"""
go = os.path.join(s.home, "go")
s.reaction(LEAKS.replace("__GO__", go), name="talks", Identity="bot", Variables=variables)
streamed = []


def listen():
    try:
        c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=120)
        c.request("GET", "/api/stream", headers={"X-Octopus-ApiKey": s.key})
        r = c.getresponse()
        while True:
            part = r.read1(65536)
            if not part:
                return
            streamed.append(part)
    except Exception:
        pass


listener = threading.Thread(target=listen, daemon=True)
listener.start()
scripts = s.wait_ready()
event = s.fire({"a": 1}, key=key)
s.fire({"a": 2}, query=f"?apikey={key}")
s.fire({"a": 3}, query="?apikey=RXT-wrong")
s.post("/triggers/signed", b"{}", headers={"X-Hub-Signature-256": "sha256=00"}, key=False)
s.post("/api/reactions/sends/test", {"Event": {"Type": "ReleaseCreated"}})
s.put("/api/secrets/secret1", {"Name": "secret1", "Value": 5})
s.post("/api/secrets", {"Name": "secret1", "Value": bound["S1"]})
s.get("/api/reactions", key=canaries[0])
s.post("/api/reactions/talks/test", {"Event": {"Source": "External", "Type": "hook", "Payload": {}}}, timeout=90) if scripts else None

# ---- processes, while a script has them all ----
def below(pid):
    found, grew = {pid}, True
    parents = {}
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            parents[int(p)] = int(open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    while grew:
        new = {p for p, parent in parents.items() if parent in found} - found
        grew, found = bool(new), found | new
    return found


seen = {}
talked = until(lambda: any("line: -----END" in line["Text"] or "line: ***" in line["Text"] for r in s.items("/api/runs") for line in s.log_of(r)), 60) if scripts else None
for pid in below(s.pid):
    for what in ("cmdline", "environ"):
        try:
            seen[f"/proc/{pid}/{what}"] = open(f"/proc/{pid}/{what}", "rb").read()
        except OSError:
            pass
check("processes were looked at", len(seen) >= (4 if scripts else 2))
open(go, "w").close()
os.chmod(go, 0o644)
run = s.run_of(event)
if scripts:
    check("the script came to its end, and threw", run["State"], "Failed")
    shown = s.text_of(run)
    check("what it wrote is there, masked", shown.count("********") > 300)
else:
    skip("what a script says", "there is no PowerShell here")
used = [a for a in s.items("/api/audit") if a["Action"] == "secret.use" and a["Subject"] == s.get("/api/reactions/talks").json["Id"]]
check("the audit names what the run was given", [(u["Particulars"]["Identity"], len(u["Particulars"]["Secrets"]), len(u["Particulars"]["Variables"])) for u in used], lambda got: got and got[0] == ("bot", 15, 10))
kept = [a["Particulars"] for a in s.items("/api/audit") if a["Action"] == "key.use"]
check("and which keys were used, a row a minute", (len(kept), bool(kept) and kept[0]["Keys"]), lambda got: got[0] == 1 and got[1] == ["TriggerKeys-1"])
s.must(s.post("/api/settings/rotate-master-key"))
s.must(s.post("/api/backup"))
status, exported, errors = s.cli("export")
check("it exports", status, 0)

# ---- the look ----
def forms(value):
    raw = value.encode()
    out = {raw, value.encode("utf-16-le"), value.encode("utf-16-be"), raw.hex().encode(), raw.hex().upper().encode(), urllib.parse.quote(value, safe="").encode(), json.dumps(value)[1:-1].encode(), json.dumps(value, ensure_ascii=False)[1:-1].encode()}
    for data in (raw, value.encode("utf-16-le")):
        for shift in range(3):
            text = base64.b64encode(b"\0" * shift + data)
            inner = text[(shift and shift + 1):(len(data) + shift) * 8 // 6]
            out |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return out


places = {f"file {name}": data for name, data in s.stored_bytes().items() if os.path.basename(name) not in ("admin.key", "master.key", "master.key.previous")}
places.update(seen)
places["what the server says"] = s.said().encode() + s.line.encode()
places["export"] = (exported + errors).encode()
places["stream"] = b"".join(streamed)
places["metrics"] = s.get("/metrics").body
for collection in ("reactions", "triggers", "events", "runs", "spaces", "connections", "identities", "secrets", "users", "roles", "apikeys", "audit", "settings", "status", "openapi.json"):
    places[f"GET {collection}"] = json.dumps(s.get(f"/api/{collection}?take=1000").json, ensure_ascii=False).encode()
for collection in ("reactions", "triggers", "events", "runs", "connections", "identities", "secrets", "users"):
    for item in s.items(f"/api/{collection}"):
        for tail in ("", "/revisions", "/revisions/1", "/log?take=1000", "/explain", "/body", "/keys"):
            r = s.get(f"/api/{collection}/{item['Id']}{tail}")
            if r.status == 200:
                places[f"GET {collection}/{item['Id']}{tail}"] = r.body + (json.dumps(r.json, ensure_ascii=False).encode() if tail != "/body" else b"")
log = [line["Text"] for r in s.items("/api/runs") for line in s.log_of(r)]
places["all log lines, put together"] = "".join(log).encode()
places["all log lines, without colours"] = "".join(log).replace("\033[31m", "").replace("\033[0m", "").encode()
for i, value in enumerate(canaries):
    wanted = forms(value)
    hits = sorted(place for place, data in places.items() if any(f in data for f in wanted))
    check(f"canary {i} is nowhere", hits, [])
check("places were looked at", len(places) > 40)
note(f"{len(canaries)} canaries, {sum(len(forms(c)) for c in canaries)} forms, {len(places)} places, {sum(map(len, places.values())) >> 10} KiB")

# ---- a sealed value that is moved does not open ----
s.kill(signal.SIGTERM)
import sqlite3
db = sqlite3.connect(os.path.join(s.data, "reactions.db"))
docs = {json.loads(d)["Name"]: (i, json.loads(d)) for i, d in db.execute("select id, doc from objects where doc like '%\"Sealed\"%' and doc like '%\"Name\":\"secret%'")}
moved = docs["secret0"][1]
moved["Value"] = docs["secret1"][1]["Value"]
db.execute("update objects set doc = ? where id = ? and doc like '%\"Name\":\"secret0\"%'", (json.dumps(moved), docs["secret0"][0]))
db.commit(), db.close()
s.start()
s.reaction("'got ' + $OctopusParameters['K']", name="uses", Variables=[{"Name": "K", "Secret": "secret0"}])
runs = s.runs_of(s.fire({"a": 9}, key=key).json["EventId"], 2) if scripts else []
mine = next((r for r in runs if r["ReactionId"] == s.get("/api/reactions/uses").json["Id"]), {"State": "Failed", "ErrorMessage": "another record"})
check("a value moved to another record does not open, and the run says why", (mine["State"], mine["ErrorMessage"]), lambda t: t[0] == "Failed" and "another record" in t[1])
finish()
