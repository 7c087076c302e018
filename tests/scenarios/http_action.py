"""The HTTP action: every example of docs/http-action.md renders to the request shown there; own CA, client certificates, HTTP/2, a proxy, gzip and
signatures are tried with servers that check them."""
import base64, gzip, hashlib, hmac, http.server, re, ssl, subprocess
from harness import *

sample = Sample()
proxied = []


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        cert = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        self.server.came.append({"Path": self.path, "Headers": dict(self.headers), "Body": body, "Subject": cert and dict(x[0] for x in cert["subject"])})
        answer, headers = b'{"ok": true}', {}
        if self.path.endswith("/packed"):
            answer, headers = gzip.compress(b"unpacked here"), {"Content-Encoding": "gzip"}
        if self.path.endswith("/bomb"):
            answer, headers = gzip.compress(b"0" * 50_000_000), {"Content-Encoding": "gzip"}
        try:
            self.send_response(200)
            for k, v in {**headers, "Content-Length": str(len(answer)), "X-Answered-By": "test"}.items():
                self.send_header(k, v)
            self.end_headers()
            self.wfile.write(answer)
        except OSError:
            self.close_connection = True  # it had read enough


class Sloppy(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        pass  # a peer that refuses our certificate


def serve(context=None):
    server = Sloppy(("127.0.0.1", 0), Quiet)
    server.came = []
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, server.server_address[1]


home = folder()


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], cwd=home, check=True, capture_output=True)


def read(name):
    with open(os.path.join(home, name)) as f:
        return f.read()


for name in ("ca", "other"):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN=Test {name}")
with open(os.path.join(home, "san"), "w") as f:
    f.write("subjectAltName=IP:127.0.0.1\n")
for name in ("server", "client"):
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN=the {name}")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", f"{name}.pem", "-extfile", "san")
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(os.path.join(home, "server.pem"), os.path.join(home, "server.key"))
mutual = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
mutual.load_cert_chain(os.path.join(home, "server.pem"), os.path.join(home, "server.key"))
mutual.load_verify_locations(os.path.join(home, "ca.pem"))
mutual.verify_mode = ssl.CERT_REQUIRED
(plain, plain_port), (secure, secure_port), (strict, strict_port) = serve(), serve(tls), serve(mutual)

s = Server(env={"REACTIONS_EGRESS_ALLOW": "127.0.0.0/8"})
s.connect(sample, PollSeconds=1)
check("the tail has begun", s.tailing(), lambda w: bool(w))
count = 0


def reaction(action, **more):
    global count
    count += 1
    body = {"Name": f"try {count}", "Trigger": {"Type": "Internal", "Events": ["DeploymentSucceeded"]}, "Action": {"Type": "Http", **action},
            "Variables": [{"Name": "Target.Key", "Value": "secret-target-key", "IsSensitive": True}], "Retry": {"MaxAttempts": 1}, **more}
    return s.must(s.post("/api/reactions", body))["Id"]


log = sample.get("/api/Spaces-1/events?eventCategories=DeploymentSucceeded&regarding=Deployments-503").json["Items"]
event = log[0]

# ---- the examples

page = open(os.path.join(ROOT, "docs", "http-action.md"), encoding="utf-8").read()
examples = re.findall(r"```yaml\n(.*?)```\n```http\n(.*?)```", page, re.S)
check("the page has examples", len(examples) >= 4)
for yaml, shown in examples:
    count += 1
    path = os.path.join(home, f"example-{count}.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"Kind: Reaction\nName: example {count}\nSlug: example-{count}\nTrigger: {{ Type: Internal, Events: [DeploymentSucceeded] }}\n"
                "Variables:\n  - { Name: Target.Key, Value: secret-target-key, IsSensitive: true }\nAction:\n  Type: Http\n" + "".join("  " + line + "\n" if line else "\n" for line in yaml.splitlines()))
    code, out, err = s.cli("apply", path)
    check(f"example {count} is applied", (code, err), (0, ""))
    head, _, body = shown.partition("\n\n")
    first, *headers = head.split("\n")
    tested = s.post(f"/api/reactions/example-{count}/test", {"Event": event}).json
    request = tested.get("Request") or {}
    check(f"example {count}: the request", f"{request.get('Method')} {request.get('Uri')}", first)
    check(f"example {count}: its headers", [h for h in headers if h not in [f"{x['Name']}: {x['Value']}" for x in request.get("Headers", [])]], [])
    check(f"example {count}: its body", (request.get("Body") or "").strip(), body.strip())
    check(f"example {count}: sends what is sent besides", {x["Name"] for x in request.get("Headers", [])}, lambda names: {"User-Agent", "Idempotency-Key", "traceparent"} <= names)
    s.must(s.delete(f"/api/reactions/example-{count}"))

# ---- sent for real

key = base64.b64encode(b"k" * 32).decode()
body = '{ "v": "#{Octopus.Release.Number | JsonEscape}" }'
pem = read("client.pem") + read("client.key")
tries = {
    "with its own CA": reaction({"Uri": f"https://127.0.0.1:{secure_port}/ca", "Body": body, "Tls": {"Ca": read("ca.pem")}}),
    "without it": reaction({"Uri": f"https://127.0.0.1:{secure_port}/no-ca", "Body": body}),
    "with another CA": reaction({"Uri": f"https://127.0.0.1:{secure_port}/other-ca", "Body": body, "Tls": {"Ca": read("other.pem")}}),
    "with a client certificate": reaction({"Uri": f"https://127.0.0.1:{strict_port}/mutual", "Body": body, "Tls": {"Ca": read("ca.pem"), "ClientCertificate": pem}}),
    "without the client certificate": reaction({"Uri": f"https://127.0.0.1:{strict_port}/nobody", "Body": body, "Tls": {"Ca": read("ca.pem")}}),
    "packed": reaction({"Uri": f"http://127.0.0.1:{plain_port}/packed", "Body": body}),
    "a bomb": reaction({"Uri": f"http://127.0.0.1:{plain_port}/bomb", "Body": body}),
    "Standard Webhooks": reaction({"Uri": f"http://127.0.0.1:{plain_port}/standard", "Body": body, "Signing": {"Scheme": "StandardWebhooks", "Secret": "whsec_" + key}}),
    "HMAC": reaction({"Uri": f"http://127.0.0.1:{plain_port}/hmac", "Body": body, "Signing": {"Scheme": "Hmac", "Algorithm": "hmac-sha256", "Header": "X-Hub-Signature-256", "Prefix": "sha256=", "Encoding": "hex", "Secret": "shared"}}),
}
H2 = """const h2 = require('http2'), fs = require('fs');
const server = h2.createSecureServer({ key: fs.readFileSync('server.key'), cert: fs.readFileSync('server.pem'), allowHTTP1: true }, (q, r) => { r.writeHead(200, { 'content-type': 'text/plain' }); r.end('version ' + q.httpVersion); });
server.listen(0, '127.0.0.1', () => console.log(server.address().port));"""
node = None
if shutil.which("node"):
    node = subprocess.Popen(["node", "-e", H2], cwd=home, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    tries["HTTP/2"] = reaction({"Uri": f"https://127.0.0.1:{int(node.stdout.readline())}/h2", "Body": body, "Tls": {"Ca": read("ca.pem")}})
else:
    skip("HTTP/2", "there is no node to serve it")
check("a client certificate does not come out again", s.get(f"/api/reactions/{tries['with a client certificate']}").text, lambda t: "PRIVATE KEY" not in t and "HasValue" in t)
deployment = sample.deploy(sample.release("Web Shop", "9.1.0"), "Production")
check("a deployment succeeds", sample.ended(deployment), "Success")
runs = {name: (s.ended_runs(id, 1, 60) or [{"State": "none", "Id": "Runs-0"}])[0] for name, id in tries.items()}
runs = {name: s.get("/api/runs/" + r["Id"]).json for name, r in runs.items()}


def response(name):
    return (runs[name]["Attempts"][-1]["Response"] or {}) if runs[name].get("Attempts") else {}


came = {i["Path"]: i for server in (plain, secure, strict) for i in server.came}
for name in ("with its own CA", "with a client certificate", "packed", "a bomb", "Standard Webhooks", "HMAC"):
    check(f"{name}: succeeds", (runs[name].get("State"), runs[name].get("ErrorMessage")), ("Succeeded", None))
for name, path in (("without it", "/no-ca"), ("with another CA", "/other-ca"), ("without the client certificate", "/nobody")):
    check(f"{name}: nothing is sent", (runs[name].get("State"), path in came, bool(runs[name].get("ErrorMessage"))), ("DeadLettered", False, True))
check("the target sees whose certificate it is", (came.get("/mutual") or {}).get("Subject"), {"commonName": "the client"})
check("gzip is unpacked", response("packed").get("Body"), "unpacked here")
check("what would unpack without end is cut", (len(response("a bomb").get("Body") or ""), response("a bomb").get("Truncated")), (65536, True))
std = came["/standard"]["Headers"]
want = base64.b64encode(hmac.new(b"k" * 32, f"{std['webhook-id']}.{std['webhook-timestamp']}.".encode() + came["/standard"]["Body"], hashlib.sha256).digest()).decode()
check("Standard Webhooks: the signature is right", std["webhook-signature"], "v1," + want)
check("its id is the run's key", (std["webhook-id"], std["Idempotency-Key"]), (runs["Standard Webhooks"]["IdempotencyKey"],) * 2)
check("HMAC: the signature is right", came["/hmac"]["Headers"]["X-Hub-Signature-256"], "sha256=" + hmac.new(b"shared", came["/hmac"]["Body"], hashlib.sha256).hexdigest())
timings = runs["with its own CA"]["Attempts"][0]["Timings"]
check("timings: TLS takes its part", 0 < timings["Connect"] <= timings["Tls"] <= timings["FirstByte"] <= timings["Total"])
check("the answer's headers are kept", {"Name": "X-Answered-By", "Value": "test"} in response("with its own CA")["Headers"])
if node:
    check("HTTP/2 is spoken where it can be", response("HTTP/2").get("Body"), "version 2.0")
    node.kill()
    node.wait()

# ---- a proxy


class Proxy(Quiet):
    def do_POST(self):
        proxied.append(self.path)
        super().do_POST()

    def do_GET(self):  # what the tail asks: answered by the sample
        r = http_call(sample.port, "GET", "/" + self.path.split("/", 3)[3], headers={"X-Octopus-ApiKey": self.headers["X-Octopus-ApiKey"] or ""})
        proxied.append(self.path)
        self.send_response(r.status)
        for k, v in r.headers.items():
            if k.lower() != "content-length":
                self.send_header(k, v)
        self.send_header("Content-Length", str(len(r.body)))
        self.end_headers()
        self.wfile.write(r.body)


proxy = Sloppy(("127.0.0.1", 0), Proxy)
proxy.came = []
threading.Thread(target=proxy.serve_forever, daemon=True).start()
s.kill(signal.SIGTERM)
s.extra_env["REACTIONS_EGRESS_PROXY"] = f"http://127.0.0.1:{proxy.server_address[1]}"
s.start()
id = reaction({"Uri": "http://nowhere.invalid/by-proxy", "Body": body})
sample.ended(sample.deploy(sample.release("Web Shop", "9.2.0"), "Production"))
run = (s.ended_runs(id, 1) or [{}])[0]
check("a request goes through the proxy, which resolves the name", (run.get("State"), "http://nowhere.invalid/by-proxy" in proxied), ("Succeeded", True))
check("and so does the tail", [p for p in proxied if "/events" in p] != [])
finish()
