"""The real server and the real sample Octopus over real sockets, and claims about what they do.

A Server starts `reactions serve` on a port of its own with a data folder of its own, and speaks to it: API calls with the
management key of that folder, posts to triggers, raw bytes. Waits ask again until it is so, or until a deadline: no fixed sleeps.
"""
import atexit, http.client, http.server, json, os, shutil, signal, socket, subprocess, sys, tempfile, threading, time, urllib.parse

BUILD = os.environ.get("BUILD") or os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "build"))
REACTIONS = os.path.join(BUILD, "reactions")
SAMPLE = os.path.join(BUILD, "octopus-sample")
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "harness"))
import keeper

SAMPLE_KEY = "API-SAMPLE"
FINAL = ("Succeeded", "Failed", "Interrupted", "DeadLettered", "Cancelled")

claims = failed = skipped = 0
_folders = []
_last = time.monotonic()


def check(claim, got, want=True):
    """One claim: what was got is what was wanted (or fits it, where that is a function)."""
    global claims, failed, _last
    claims += 1
    now = time.monotonic()
    if os.environ.get("SCENARIO_TIMES") and now - _last > 0.5:
        note(f"{now - _last:.1f} s before: {claim}")
    _last = now
    ok = want(got) if callable(want) else got == want
    if not ok:
        failed += 1
        shown = "what fits" if callable(want) else repr(want)
        print(f"not so: {claim}: got {got!r:.600}, wanted {shown:.300}", flush=True)
    return ok


def has(*parts):
    """Every part stands in the text."""
    return lambda got: got is not None and all(p in got for p in parts)


def skip(claim, why):
    global skipped
    skipped += 1
    print(f"skipped: {claim}: {why}", flush=True)


def note(text):
    print(f"        {text}", flush=True)


def finish():
    line = f"{claims} claims, {failed} failed"
    print(line + (f", {skipped} skipped" if skipped else ""), flush=True)
    sys.exit(1 if failed else 0)


def folder():
    path = tempfile.mkdtemp(prefix="scenario-")
    os.chmod(path, 0o755)  # workers may run as another user
    _folders.append(path)
    keeper.keep_folder(path)
    return path


@atexit.register
def _tidy():
    for path in _folders:
        shutil.rmtree(path, ignore_errors=True)


def until(what, seconds=20, every=0.02):
    """Asks until the answer is true; the last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(every)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def errors(self):
        j = self.json
        return " | ".join([j.get("ErrorMessage") or ""] + (j.get("Errors") or []))

    def __repr__(self):
        return f"{self.status} {self.text[:300]}"


def http_call(port, method, path, body=None, headers=None, timeout=60):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        try:
            c.request(method, path, body, headers or {})
        except (BrokenPipeError, ConnectionResetError):
            # Refused before the body was through: the answer is there all the same.
            c._HTTPConnection__state = "Request-sent"
        r = c.getresponse()
        return Reply(r.status, r.headers, r.read())
    finally:
        c.close()


def raw(port, data, timeout=20, half_close=False):
    """Sends bytes, reads until the peer closes or is silent; what came."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as s:
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        out = b""
        try:
            while True:
                part = s.recv(65536)
                if not part:
                    break
                out += part
        except OSError:
            pass
        return out


class Target:
    """What requests go to, in this process. `came(method, path, body)` is told of each, and gives the status or (status, JSON text)."""

    def __init__(self, came):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                got = came(self.command, self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
                status, text = got if isinstance(got, tuple) else (got, "")
                self.send_response(status)
                if text:
                    self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.port = server.server_port
        self.url = f"http://127.0.0.1:{self.port}"


class Process:
    def __init__(self):
        self.process = None

    def run(self, arguments, env=None, prefix=()):
        self.log_path = os.path.join(self.home, f"{self.name}.log")
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen([*prefix, *arguments], stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, env=env, start_new_session=True)
        keeper.keep_process(self.process.pid)
        atexit.register(self.kill)
        self.line = ""
        reader = threading.Thread(target=self._read_line, daemon=True)
        reader.start()
        until(lambda: self.line or self.process.poll() is not None, 30, 0.005)

    def _read_line(self):
        while not self.line and self.process:
            text = self.process.stdout.readline()
            if not text:
                return
            text = text.decode()
            if "http" in text:
                self.line = text.strip()

    def port_of_line(self):
        for word in self.line.split():
            if word.startswith("http"):
                return urllib.parse.urlsplit(word).port
        raise RuntimeError(f"{self.name} did not start: {self.said()[-2000:]}")

    def said(self):
        self.log.flush()
        with open(self.log_path, "rb") as f:
            return f.read().decode("utf-8", "replace")

    @property
    def pid(self):
        return self.process.pid

    def kill(self, how=signal.SIGKILL, wait=60):
        if self.process is None:
            return None
        process, self.process = self.process, None
        if process.poll() is None:
            try:
                os.kill(process.pid, how)
            except ProcessLookupError:
                pass
            try:
                process.wait(wait)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                print(f"        {self.name} had to be killed", flush=True)
        keeper.let_go(process.pid)
        process.stdout.close()
        self.log.close()
        atexit.unregister(self.kill)
        return process.returncode


class Sample(Process):
    """octopus-sample in memory."""
    name = "sample"

    def __init__(self, *options):
        super().__init__()
        self.home = folder()
        self.run([SAMPLE, "--listen", "127.0.0.1:0", "--api-key", SAMPLE_KEY, *options])
        self.port = self.port_of_line()
        self.url = f"http://127.0.0.1:{self.port}"

    def call(self, method, path, body=None, key=SAMPLE_KEY, headers=None):
        sent = {"X-Octopus-ApiKey": key, **(headers or {})}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        return http_call(self.port, method, path, body, sent)

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.call("POST", path, body, **more)

    def delete(self, path, **more):
        return self.call("DELETE", path, **more)

    # ---- what happens in it ----

    def received(self, receiver, fits=lambda item: True):
        """What came to a receiver, oldest first; its Json is the body parsed."""
        items = self.get(f"/sample/received?take=100000&receiver={receiver}").json.get("Items", [])
        for item in items:
            try:
                item["Json"] = json.loads(item.get("Body") or "null")
            except ValueError:
                item["Json"] = None
        return [i for i in items if fits(i)]

    def of(self, collection, name):
        """The id of what has that name."""
        return next(o["Id"] for o in self.get(f"/api/Spaces-1/{collection}?take=1000").json["Items"] if name in (o.get("Name"), o.get("Version")))

    def release(self, project, version, key=SAMPLE_KEY, **fields):
        """Publishes the project's package in that version and makes the release."""
        packages = {"Web Shop": ("Acme.Web", "Deploy web"), "Core Web": ("Acme.Core", "Deploy core")}
        package, step = packages[project]
        self.post("/sample/packages", {"Feed": "acme", "PackageId": package, "Version": version, "ReleaseNotes": fields.get("ReleaseNotes")})
        body = {"ProjectId": self.of("projects", project), "Version": version, "SelectedPackages": [{"ActionName": step, "PackageReferenceName": "", "Version": version}], **fields}
        return self.post("/api/Spaces-1/releases", body, key=key).json

    def deploy(self, release, environment, key=SAMPLE_KEY, **fields):
        return self.post("/api/Spaces-1/deployments", {"ReleaseId": release["Id"], "EnvironmentId": self.of("environments", environment), **fields}, key=key).json

    def ended(self, deployment, seconds=30):
        """Waits until the deployment's task has ended; its state."""
        state = lambda: self.get(f"/api/tasks/{deployment['TaskId']}").json.get("State")
        until(lambda: state() in ("Success", "Failed", "Canceled", "TimedOut"), seconds)
        return state()


# Where the reactions of integrations/ send to, and who plays it in the sample.
PLAYED = {"https://api.newrelic.com": "newrelic", "https://acme.saas.appdynamics.com": "appdynamics", "https://api.raygun.com": "raygun", "https://hooks.slack.com": "chat"}
PLAYED_SECRETS = {"newrelic-key": b"NRAK-SAMPLE", "appdynamics-credentials": b"cmVhZGVyQGN1c3RvbWVyMTpzYW1wbGU=", "raygun-token": b"raygun-sample-token", "chat-webhook": b"T024BE7LH/B0CHAT/sampletoken"}


class Server(Process):
    """reactions serve, with a folder of its own. env adds REACTIONS_* variables."""
    name = "reactions"

    def __init__(self, data=None, env=None, flags=(), prefix=(), start=True):
        super().__init__()
        self.home = folder()
        self.data = data or os.path.join(self.home, "data")
        self.extra_env, self.flags, self.prefix = env or {}, list(flags), list(prefix)
        if start:
            self.start()

    def start(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("REACTIONS_")}
        env.update({"REACTIONS_GRACE_SECONDS": "5", **self.extra_env})
        self.env = env
        began = time.monotonic()
        self.run([REACTIONS, "serve", "--listen", "127.0.0.1:0", "--data", self.data, *self.flags], env=env, prefix=self.prefix)
        self.port = self.port_of_line()
        self.start_seconds = time.monotonic() - began
        with open(os.path.join(self.data, "admin.key")) as f:
            self.key = f.read().strip()
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def restart(self, how=signal.SIGKILL):
        self.kill(how)
        return self.start()

    # ---- the API ----

    def call(self, method, path, body=None, headers=None, key=True, timeout=60):
        sent = dict(headers or {})
        if key:
            sent["X-Octopus-ApiKey"] = self.key if key is True else key
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        return http_call(self.port, method, path, body, sent, timeout)

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.call("POST", path, body, **more)

    def put(self, path, body=None, **more):
        return self.call("PUT", path, body, **more)

    def delete(self, path, **more):
        return self.call("DELETE", path, **more)

    def items(self, path, key=True):
        """Every item of a list, page by page."""
        found, path = [], path + ("&" if "?" in path else "?") + "take=1000"
        while path:
            page = self.get(path, key=key).json
            found += page.get("Items", [])
            path = page.get("Links", {}).get("Page.Next")
        return found

    def must(self, reply, *wanted):
        if reply.status not in (wanted or (200, 201, 202, 204)):
            raise RuntimeError(f"the scene could not be set: {reply!r}\n{self.said()[-1500:]}")
        return reply.json

    # ---- what most scenes need ----

    def trigger(self, name="hook", space="", **fields):
        return self.must(self.post(f"/api{space}/triggers", {"Name": name, "Route": name, **fields}))

    def new_key(self, trigger="hook", **fields):
        return self.must(self.post(f"/api/triggers/{trigger}/keys", fields))["Key"]

    def reaction(self, script, name="react", trigger="hook", action=None, space="", **fields):
        action = {"Type": "PowerShell", "Script": script, **(action or {})}
        return self.must(self.post(f"/api{space}/reactions", {"Name": name, "Trigger": {"Type": "External", "Name": trigger}, "Action": action, **fields}))

    def fire(self, body=b"{}", trigger="hook", key=None, headers=None, query="", timeout=60):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        if key:
            sent["X-Octopus-ApiKey"] = key
        return http_call(self.port, "POST", f"/triggers/{trigger}{query}", body, sent, timeout)

    def event(self, reply):
        return self.get("/api/events/" + reply.json.get("EventId", "none")).json

    def runs_of(self, event_id, count=1, seconds=60):
        """The runs of an event, once there are so many and all are at their end."""
        def ended():
            runs = self.get(f"/api/runs?event={event_id}").json.get("Items", [])
            return runs if len(runs) >= count and all(r["State"] in FINAL for r in runs) else None
        return until(ended, seconds) or self.get(f"/api/runs?event={event_id}").json.get("Items", [])

    def run_of(self, reply, seconds=60):
        runs = self.runs_of(reply.json.get("EventId", "Events-0"), 1, seconds)
        return runs[0] if runs else {"State": "none", "Attempts": [], "Output": None, "Id": "Runs-0", "ErrorMessage": None}

    def log_of(self, run):
        return self.get(f"/api/runs/{run['Id']}/log").json.get("Items", [])

    def text_of(self, run):
        return "\n".join(line["Text"] for line in self.log_of(run))

    def wait_ready(self, seconds=60):
        """Until scripts can run."""
        return until(lambda: self.get("/readyz").status == 200, seconds)

    def connect(self, sample, identity="bot", key=SAMPLE_KEY + "-BOT", space="", **connection):
        self.must(self.post(f"/api{space}/connections", {"Name": "octopus", "Url": sample.url, "ReaderKey": SAMPLE_KEY + "-READER", **connection}))
        self.must(self.post(f"/api{space}/identities", {"Name": identity, "ApiKey": key}))

    def tailing(self, seconds=30):
        """Until the tail has read its log once: what happens from now on is seen."""
        return until(lambda: (self.get("/api/connections/octopus").json.get("State") or {}).get("Watermark"), seconds)

    def install(self, sample, *names, change=lambda text: text):
        """Applies integrations/NAME, with the sample in the place of those they send to."""
        for name, value in PLAYED_SECRETS.items():
            self.must(self.post("/api/secrets", {"Name": name, "Value": value.decode()}), 201, 400, 409)
        for name in names:
            with open(os.path.join(ROOT, "integrations", name, "reaction.yaml"), encoding="utf-8") as f:
                text = f.read()
            for real, played in PLAYED.items():
                text = text.replace(real, f"{sample.url}/receivers/{played}")
            path = os.path.join(self.home, name + ".yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(change(text))
            check(f"the integration {name} is applied", self.cli("apply", path)[::2], (0, ""))

    def runs(self, reaction, fits=lambda run: True):
        """The runs of a reaction, oldest first."""
        return [r for r in reversed(self.items(f"/api/runs?reaction={reaction}")) if fits(r)]

    def ended_runs(self, reaction, count, seconds=60):
        """The runs of a reaction, once there are so many at their end."""
        return until(lambda: (lambda runs: runs if len(runs) >= count and all(r["State"] in FINAL for r in runs) else None)(self.runs(reaction)), seconds) or self.runs(reaction)

    def cli(self, *arguments, stdin=b"", timeout=120, key=True):
        """The command line against this server: exit status, output, errors."""
        env = {**self.env, "REACTIONS_SERVER": self.url}
        if key:
            env["REACTIONS_API_KEY_FILE"] = os.path.join(self.data, "admin.key")
        p = subprocess.run([REACTIONS, *arguments], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, timeout=timeout, cwd=self.home)
        return p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")

    def stored_bytes(self):
        """Everything the server keeps on disk."""
        out = {}
        for base, _, files in os.walk(self.data):
            for name in files:
                path = os.path.join(base, name)
                try:
                    with open(path, "rb") as f:
                        out[os.path.relpath(path, self.data)] = f.read()
                except OSError:
                    pass
        return out


def descendants(pid):
    """Every process below one of ours: {pid: its number in its own namespace}."""
    parents, inner = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/status") as f:
                status = dict(line.split(":", 1) for line in f.read().splitlines() if ":" in line)
            parents[int(name)] = int(status["PPid"])
            inner[int(name)] = int(status.get("NSpid", name).split()[-1])
        except (OSError, KeyError, ValueError):
            pass
    found = {}
    for one in parents:
        at = one
        while at in parents and at != pid:
            at = parents[at]
        if at == pid and one != pid:
            found[one] = inner[one]
    return found


def at_once(count, fn):
    """fn(0..count-1) in parallel; the answers (an exception stands for its answer)."""
    answers, start = [None] * count, threading.Barrier(count)

    def one(i):
        start.wait()
        try:
            answers[i] = fn(i)
        except Exception as e:  # noqa: BLE001 - the scene judges it
            answers[i] = e
    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return answers
