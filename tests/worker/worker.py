"""A worker process, seen from the server's side of the protocol (docs/worker-protocol.md)."""

import base64
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

MAXIMUM_FRAME = 32 * 1024 * 1024


class Gone(Exception):
    """The worker has closed its end."""


class Worker:
    def __init__(self, program, environment=None, wait_seconds=60):
        self.folder = tempfile.mkdtemp(prefix="worker-test-")
        self.wait_seconds = wait_seconds
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "HOME": self.folder, "TMPDIR": self.folder, "TZ": "UTC",
            "DOTNET_EnableDiagnostics": "0", "REACTIONS_PROTOCOL_FD": "3", "REACTIONS_WORK_DIR": os.path.join(self.folder, "work"),
        }
        for name in ("DOTNET_ROOT",):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update(environment or {})
        os.mkdir(env["REACTIONS_WORK_DIR"])
        self.errors = open(os.path.join(self.folder, "stderr"), "w+b")
        # The descriptor must be 3 in the child: a shell puts it there.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" 3<&{theirs.fileno()} {theirs.fileno()}<&-' if theirs.fileno() != 3 else 'exec "$@"', "sh", *program],
            env=env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.errors,
            pass_fds=(theirs.fileno(),), start_new_session=True)
        theirs.close()
        self.run_number = 0
        self.hello = self.receive()
        self.ready = self.receive()

    # --- frames

    def receive(self, seconds=None):
        return json.loads(self.receive_bytes(seconds))

    def receive_bytes(self, seconds=None):
        deadline = time.monotonic() + (seconds or self.wait_seconds)
        length = struct.unpack(">I", self._exactly(4, deadline))[0]
        if not 1 <= length <= MAXIMUM_FRAME:
            raise ValueError(f"a frame of {length} bytes")
        return self._exactly(length, deadline)

    def _exactly(self, count, deadline):
        data = bytearray()
        while len(data) < count:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise TimeoutError("the worker sent nothing")
            piece = self.socket.recv(min(count - len(data), 1 << 20))
            if not piece:
                raise Gone(self.error_text())
            data += piece
        return bytes(data)

    def send(self, frame):
        self.send_bytes(json.dumps(frame).encode())

    def send_bytes(self, data):
        self.socket.sendall(struct.pack(">I", len(data)) + data)

    # --- runs

    def start(self, script, **fields):
        self.run_number += 1
        frame = {
            "Type": "run", "RunId": f"Runs-{self.run_number}", "Fence": self.run_number + 100, "Script": script, "TimeoutSeconds": 300, "IsDryRun": False,
            "SpaceId": "Spaces-1", "ReactionId": "Reactions-1", "ReactionName": "A reaction", "Attempt": 1,
            "Event": {"Id": "Events-17", "SpaceId": "Spaces-1", "Source": "External", "Trigger": "test", "Type": "test", "Request": None},
            "PayloadKind": "json", "Payload": {}, "Query": {}, "Route": {},
            "Request": {"Method": "POST", "Path": "/triggers/test", "Headers": {"Content-Type": "application/json"}, "Body": "{}", "ContentType": "application/json", "RemoteAddress": "192.0.2.7"},
            "OctopusParameters": {}, "Ids": {"SpaceId": "Spaces-1"},
            "Octopus": {"Identity": "release-bot", "BaseUri": "https://octopus.example.com", "SpaceId": "Spaces-1", "SpaceName": "Default"},
            "NoClientReason": None, "OctopusClient": None, "Modules": [],
            "MaxLogLines": 10000, "MaxLogBytes": 4194304, "MaxLogLineBytes": 16384, "MaxOutputBytes": 1048576,
        }
        frame.update(fields)
        self.send(frame)
        return frame

    def run(self, script, answer=None, while_running=None, seconds=None, **fields):
        """Runs a script to its end and returns what came of it."""
        asked = self.start(script, **fields)
        return self.finish(asked, answer, while_running, seconds)

    def finish(self, asked, answer=None, while_running=None, seconds=None):
        result = Result()
        while True:
            frame = self.receive(seconds)
            kind = frame["Type"]
            if kind == "ready":
                result.ready = frame
                return result
            if (frame.get("RunId"), frame.get("Fence")) != (asked["RunId"], asked["Fence"]):
                raise ValueError(f"a {kind} frame of another run: {frame}")
            result.kinds.append(kind)
            if kind == "started":
                result.started = True
                if while_running:
                    while_running(self, asked)
            elif kind == "log":
                result.log += frame["Lines"]
            elif kind == "call":
                result.calls.append(frame)
                reply = answer(frame) if answer else {"Status": 0, "Error": "nobody answers"}
                if reply is not None:
                    self.send({"Type": "reply", "RunId": asked["RunId"], "Fence": asked["Fence"], "CallId": frame["CallId"], **reply})
            elif kind == "egress":
                result.egress.append(frame)
                reply = answer(frame) if answer else {"Allowed": False, "Reason": "nothing is allowed here"}
                self.send({"Type": "egress-reply", "RunId": asked["RunId"], "Fence": asked["Fence"], "CallId": frame["CallId"], **reply})
            elif kind == "done":
                result.done = frame

    def cancel(self, asked, reason="The time is up."):
        self.send({"Type": "cancel", "RunId": asked["RunId"], "Fence": asked["Fence"], "Reason": reason})

    def parse(self, script):
        self.send({"Type": "parse", "Id": "p", "Script": script})
        return self.receive()

    # --- its end

    def wait(self, seconds=20):
        return self.process.wait(seconds)

    def error_text(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")[-2000:]

    def close(self):
        self.socket.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        self.errors.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Result:
    def __init__(self):
        self.started, self.log, self.calls, self.egress, self.done, self.ready, self.kinds = False, [], [], [], None, None, []

    @property
    def outcome(self):
        return self.done["Outcome"]

    @property
    def output(self):
        return self.done["Output"]

    @property
    def error(self):
        return self.done["ErrorMessage"]

    def lines(self, *levels):
        return [line["Text"] for line in self.log if not levels or line["Level"] in levels]

    def levels(self):
        return [(line["Level"], line["Text"]) for line in self.log]


def json_body(value, status=200, headers=None):
    return {"Status": status, "Headers": {"Content-Type": "application/json", **(headers or {})}, "Body": json.dumps(value)}


def text_body(text, status=200, content_type="text/plain"):
    return {"Status": status, "Headers": {"Content-Type": content_type}, "Body": text}


def bytes_body(data, status=200, content_type="application/octet-stream"):
    return {"Status": status, "Headers": {"Content-Type": content_type}, "BodyBase64": base64.b64encode(data).decode()}
