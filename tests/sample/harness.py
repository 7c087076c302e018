"""One octopus-sample under test, and claims about what it answers."""
import atexit, json, os, select, signal, subprocess, sys, time, urllib.parse, http.client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
import keeper

KEY = "API-TEST"
claims = failed = 0


def check(claim, got, want=True):
    global claims, failed
    claims += 1
    if got != want:
        failed += 1
        print(f"FAILED: {claim}: got {got!r}, want {want!r}", flush=True)
    return got == want


def finish():
    print(f"{claims} claims, {failed} failed")
    sys.exit(1 if failed else 0)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()

    def errors(self):
        j = self.json
        return " ".join([j.get("ErrorMessage") or ""] + (j.get("Errors") or []))


class Sample:
    def __init__(self, binary, *options):
        self.binary, self.options = binary, options
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.binary, "--listen", "127.0.0.1:0", "--api-key", KEY, *self.options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        keeper.keep_process(self.process.pid)
        atexit.register(self.kill)
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        self.line = self.process.stdout.readline().strip() if ready else ""
        self.url = self.line.split(" ")[0]
        self.port = int(self.url.rsplit(":", 1)[1]) if self.url else 0

    def kill(self, how=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(20)
        keeper.let_go(self.process.pid)
        self.process.stdout.close()
        self.process.stderr.close()
        atexit.unregister(self.kill)

    def call(self, method, path, body=None, key=KEY, headers=None, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        sent = dict(headers or {})
        if key is not None:
            sent["X-Octopus-ApiKey"] = key
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        try:
            connection.request(method, path, body, sent)
            r = connection.getresponse()
            return Reply(r.status, r.headers, r.read())
        finally:
            connection.close()

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.call("POST", path, body, **more)

    def items(self, path, **more):
        return self.get(path, **more).json["Items"]


def until(what, seconds=20):
    """Asks again until it is true; the last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.02)


def binary():
    here = os.path.dirname(os.path.abspath(__file__))
    build = os.environ.get("BUILD") or os.path.join(here, "..", "..", "build")
    return os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(build, "octopus-sample"))
