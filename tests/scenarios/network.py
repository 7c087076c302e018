"""What a script may reach: where a network namespace can be had, what the egress rules let through the server's gateway, and nothing
else by whatever socket; where none can be had, what doctor says then."""
import secrets
from harness import *

BODY = '{"answer": 42}'
stranger = socket.socket()  # nobody listed it
stranger.bind(("127.0.0.1", 0))
stranger.listen(64)
strange = stranger.getsockname()[1]
hidden = "reactions-" + secrets.token_hex(8)  # an abstract Unix socket, which belongs to a network namespace too
abstract = socket.socket(socket.AF_UNIX)
abstract.bind("\0" + hidden)
abstract.listen(8)


def met(listener):
    """How many came to it."""
    listener.settimeout(0)
    n = 0
    while True:
        try:
            listener.accept()[0].close()
            n += 1
        except BlockingIOError:
            return n


class Redirecting(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        inside = self.path == "/inside"
        self.send_response(302 if inside else 200)
        self.send_header("Location", f"http://127.0.0.1:{strange}/") if inside else None
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "0" if inside else str(len(BODY)))
        self.end_headers()
        self.wfile.write(b"" if inside else BODY.encode())

    def log_message(self, *args):
        pass


target = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirecting)
target.daemon_threads = True
threading.Thread(target=target.serve_forever, daemon=True).start()
listed = target.server_port

COMMON = r"""
$p = $Payload
$here = "http://127.0.0.1:$($p.listed)"
$there = "http://127.0.0.1:$($p.strange)/"
function Raw($to, $port) {
    $client = [Net.Sockets.TcpClient]::new()
    try { if ($client.ConnectAsync($to, $port).Wait(3000)) { 'connected' } else { 'silence' } } catch { 'refused' } finally { $client.Dispose() }
}
function Client($uri, $direct) {
    $handler = [Net.Http.SocketsHttpHandler]::new()
    if ($direct) { $handler.UseProxy = $false }
    $client = [Net.Http.HttpClient]::new($handler)
    try { $got = $client.GetAsync($uri).GetAwaiter().GetResult(); "$([int]$got.StatusCode) $($got.Content.ReadAsStringAsync().Result)" } catch { "$_" } finally { $client.Dispose() }
}
function Web($uri) { try { (Invoke-RestMethod $uri).answer } catch { "$_" } }
"""
SCRIPT = r"""
function Gateway($text) {
    $client = [Net.Sockets.TcpClient]::new()
    try {
        $client.Connect('127.0.0.1', 3128)
        $stream = $client.GetStream()
        $bytes = [Text.Encoding]::ASCII.GetBytes($text + "`r`nHost: x`r`n`r`n")
        $stream.Write($bytes, 0, $bytes.Length)
        $reader = [IO.StreamReader]::new($stream)
        $reader.ReadLine()
    } catch { "$_" } finally { $client.Dispose() }
}
function Unix($name) {
    $socket = [Net.Sockets.Socket]::new('Unix', 'Stream', 'Unspecified')
    try { $socket.Connect([Net.Sockets.UnixDomainSocketEndPoint]::new([char]0 + $name)); 'connected' } catch { 'refused' } finally { $socket.Dispose() }
}
[pscustomobject]@{
    RawStranger = Raw '127.0.0.1' $p.strange; RawServer = Raw '127.0.0.1' $p.server; RawListed = Raw '127.0.0.1' $p.listed; RawV6 = Raw '::1' $p.strange
    RawMetadata = Raw '169.254.169.254' 80; RawOutside = Raw '192.0.2.1' 443; RawName = Raw 'localhost' $p.strange; Abstract = Unix $p.hidden
    DirectListed = Client "$here/" $true; DirectStranger = Client $there $true
    ClientListed = Client "$here/" $false; ClientStranger = Client $there $false; ClientTunnel = Client "https://127.0.0.1:$($p.strange)/" $false
    ClientRedirect = Client "$here/inside" $false
    WebListed = Web "$here/"; WebStranger = Web $there; WebName = Web "http://localhost:$($p.strange)/"; WebRedirect = Web "$here/inside"; WebServer = Web "http://127.0.0.1:$($p.server)/healthz"
    Connects = @($p.targets | ForEach-Object { Gateway "CONNECT $_ HTTP/1.1" })
    Requests = @($p.targets | ForEach-Object { Gateway "GET http://$_/ HTTP/1.1" })
    Allowed = Gateway "CONNECT 127.0.0.1:$($p.listed) HTTP/1.1"
    Curl = @(if (Get-Command curl -ErrorAction SilentlyContinue) { "$(& curl -s "$here/" 2>$null)", "$(& curl -s -o /dev/null -w '%{http_code}' $there 2>$null)", "$(& curl -s --noproxy '*' -o /dev/null -w '%{http_code}' "$here/" 2>$null)" })
}
$global:LASTEXITCODE = 0
"""
# Each is the stranger, the server itself, or what no script may reach, in some spelling.
TARGETS = ["127.0.0.1:{strange}", "localhost:{strange}", "LOCALHOST.:{strange}", "[::1]:{strange}", "[::ffff:127.0.0.1]:{strange}", "0.0.0.0:{strange}", "127.1.2.3:{strange}", "127.0.0.1:{server}",
           "localhost:{server}", "169.254.169.254:80", "[fd00:ec2::254]:80", "10.0.0.1:80", "2130706433:{strange}", "0x7f.1:{strange}", "017700000001:{strange}", "127.1:{strange}", "[::]:{strange}",
           "[64:ff9b::7f00:1]:{strange}", "u@127.0.0.1:{strange}", "127.0.0.1:{listed}@127.0.0.1:{strange}"]


def serve(network, **more):
    s = Server(env={"REACTIONS_EGRESS_ALLOW": f"127.0.0.1:{listed}", "REACTIONS_GRACE_SECONDS": "2", "REACTIONS_SCRIPTS_NETWORK": network, **more.pop("env", {})}, **more)
    s.wait_ready()
    return s


def run(s, script):
    s.trigger("hook")
    key = s.new_key("hook")
    s.reaction(script, name="network")
    targets = [t.format(strange=strange, server=s.port, listed=listed) for t in TARGETS]
    r = s.run_of(s.fire({"strange": strange, "server": s.port, "listed": listed, "hidden": hidden, "targets": targets}, key=key), 120)
    check("the script comes to its end", r["State"], "Succeeded")
    log = " | ".join(f"{line['Level']} {line['Text']}" for line in s.items(f"/api/runs/{r['Id']}/log"))
    return (r.get("Output") or s.get(f"/api/runs/{r['Id']}").json.get("Output") or [{}])[0], log, key


def isolated():
    s = serve("isolated")
    got, log, key = run(s, COMMON + SCRIPT)
    for name in ("RawStranger", "RawServer", "RawListed", "RawV6", "RawMetadata", "RawOutside", "RawName", "Abstract"):
        check(f"a socket of its own reaches nothing: {name}", got.get(name), "refused")
    check("HttpClient without the proxy reaches not even what is listed", got.get("DirectListed"), lambda t: not t.startswith("200"))
    check("nor anything else", got.get("DirectStranger"), lambda t: not t.startswith("200"))
    check("with it, what is listed", got.get("ClientListed"), has("200 ", '"answer": 42'))
    check("what is not listed is 403, with the rule and what to list", got.get("ClientStranger"), has("403 ", f"127.0.0.1:{strange}", "a loopback address", "Egress.Allow"))
    check("a tunnel there too", got.get("ClientTunnel"), has("403"))
    check("a redirect inside as well", got.get("ClientRedirect"), has("403 ", f"127.0.0.1:{strange}"))
    check("Invoke-RestMethod gets what is listed", got.get("WebListed"), 42)
    refusal = f"Not allowed to connect to 127.0.0.1 (127.0.0.1, port {strange}): the egress rules of this server refuse it. An administrator can list it under Egress.Allow."
    check("and is told in its own words what is not", got.get("WebStranger"), refusal)
    check("by the address that a name has", got.get("WebName"), lambda t: t.startswith("Not allowed to connect to localhost (") and f"port {strange}" in t)
    check("behind a redirect too", got.get("WebRedirect"), refusal)
    check("the server's own listener is none of it", got.get("WebServer"), has("Not allowed to connect to 127.0.0.1"))
    for spelling, line in zip(TARGETS, got.get("Connects") or [""] * len(TARGETS)):
        check(f"no tunnel to {spelling}", line, lambda t: t.startswith(("HTTP/1.1 403 ", "HTTP/1.1 400 ")))
    for spelling, line in zip(TARGETS, got.get("Requests") or [""] * len(TARGETS)):
        check(f"no request to {spelling}", line, lambda t: t.startswith(("HTTP/1.1 403 ", "HTTP/1.1 400 ")))
    check("a tunnel to what is listed", got.get("Allowed"), "HTTP/1.1 200 Connection established")
    if got.get("Curl"):
        check("curl goes the same way", (got["Curl"][0], got["Curl"][1]), (BODY, "403"))
        check("and not around it", got["Curl"][2], "000")
    else:
        skip("curl goes the same way", "there is no curl here")
    check("nobody came to the stranger", met(stranger), 0)
    check("nor to the abstract socket", met(abstract), 0)
    check("the log has what was refused", log, has(f"Warning Not allowed to connect to 127.0.0.1 (127.0.0.1, port {strange}): connecting to 127.0.0.1:{strange} (script) is refused", "169.254.169.254"))
    check("and how much there was", log, has("Verbose Network: ", " connections through the server, "))
    check("doctor says so", s.cli("doctor")[1], has("ok       network", "isolated: scripts connect through the server only"))
    # What one run holds open is closed before the next.
    s.must(s.delete("/api/reactions/network"))
    s.reaction(r"""
        if (-not ($client = [AppDomain]::CurrentDomain.GetData('kept'))) {
            $client = [Net.Sockets.TcpClient]::new('127.0.0.1', 3128)
            [AppDomain]::CurrentDomain.SetData('kept', $client)
            $bytes = [Text.Encoding]::ASCII.GetBytes("CONNECT 127.0.0.1:$($Payload.listed) HTTP/1.1`r`n`r`n")
            $client.GetStream().Write($bytes, 0, $bytes.Length)
            [IO.StreamReader]::new($client.GetStream()).ReadLine()
        } else {
            $buffer = [byte[]]::new(4096)
            while (($n = $(try { $client.GetStream().Read($buffer, 0, 4096) } catch { 0 })) -gt 0) { }
            'closed'
        }""", name="keeper")
    outputs = [s.get(f"/api/runs/{s.run_of(s.fire({'listed': listed}, key=key))['Id']}").json.get("Output") for _ in range(2)]
    check("a connection ends with its run", outputs, [["HTTP/1.1 200 Connection established"], ["closed"]])
    s.kill(signal.SIGTERM)


def shared():
    s = serve("shared")
    got, log, _ = run(s, COMMON + """
        [pscustomobject]@{ RawStranger = Raw '127.0.0.1' $p.strange; RawListed = Raw '127.0.0.1' $p.listed; WebListed = Web "$here/"; WebStranger = Web $there; ClientListed = Client "$here/" $false }""")
    check("shared, a socket of its own reaches this machine", (got.get("RawStranger"), got.get("RawListed")), ("connected", "connected"))
    check("HttpClient too", got.get("ClientListed"), has("200 "))
    check("the web commands ask all the same", got.get("WebListed"), 42)
    check("and are refused in the same words", got.get("WebStranger"), has(f"Not allowed to connect to 127.0.0.1 (127.0.0.1, port {strange}): the egress rules"))
    check("the log has it too", log, has(f"Warning Not allowed to connect to 127.0.0.1 (127.0.0.1, port {strange}): "))
    check("doctor warns", s.cli("doctor")[1], has("WARNING  network", "shared, as Scripts.Network says"))
    met(stranger)
    s.kill(signal.SIGTERM)


def without_namespaces():
    """A user namespace in which no network can be made stands for a machine on which none can."""
    prefix = ["unshare", "-Ur", "sh", "-c", 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"', "sh"]
    if subprocess.run([*prefix, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        skip("without namespaces it is shared", "no user namespace can be made here")
        return
    s = serve("auto", prefix=prefix, env={"REACTIONS_SCRIPTS_USER": "root"})
    s.trigger("hook")
    key = s.new_key("hook")
    s.reaction("(Invoke-RestMethod \"http://127.0.0.1:$($Payload.listed)/\").answer", name="plain")
    r = s.run_of(s.fire({"listed": listed}, key=key), 60)
    check("where none can be had scripts run as before", (r["State"], s.get(f"/api/runs/{r['Id']}").json.get("Output")), ("Succeeded", [42]))
    check("and doctor warns, with the reason", s.cli("doctor")[1], has("WARNING  network", "shared: a network namespace cannot be had here"))
    s.kill(signal.SIGTERM)
    s = Server(env={"REACTIONS_SCRIPTS_NETWORK": "isolated", "REACTIONS_SCRIPTS_USER": "root", "REACTIONS_GRACE_SECONDS": "2"}, prefix=prefix)
    s.trigger("hook")
    s.reaction("'ran'", name="plain")
    s.fire({}, key=s.new_key("hook"))
    said = until(lambda: s.get("/api/status").json["Scripts"]["Missing"])
    check("where it must be isolated nothing runs", (said, [r["State"] for r in s.items("/api/runs") if r["State"] == "Succeeded"]), (said if "Scripts.Network is isolated" in (said or "") else "its reason", []))
    check("which doctor calls a problem", s.cli("doctor")[1], has("PROBLEM  network", "no script runs while Scripts.Network is isolated"))
    s.kill(signal.SIGTERM)


probe = serve("auto")
can = probe.get("/api/status").json["Scripts"]
probe.kill(signal.SIGTERM)
if not can["IsAvailable"]:
    skip("what a script may reach", "there is no PowerShell here")
    finish()
if can["Network"].startswith("isolated"):
    isolated()
    without_namespaces()
else:
    skip("an isolated script reaches what is listed only", can["Network"])
shared()
finish()
