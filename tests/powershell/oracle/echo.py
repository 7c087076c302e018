"""A tiny server with known answers for the web commands. Usage: echo.py [PORT]; prints its port.

What each path answers is in docs/powershell.md."""

import base64, json, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit, parse_qsl

HIDDEN = {"host", "user-agent", "accept-encoding", "connection", "traceparent", "request-id", "correlation-context"}
attempts = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", kind="application/json", headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response_only(status)
        if kind and body:
            self.send_header("Content-Type", kind)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                data += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def handle_any(self):
        url = urlsplit(self.path)
        body = self.read_body()
        part = [p for p in url.path.split("/") if p]
        head = part[0] if part else ""
        n = part[1] if len(part) > 1 else ""
        if head == "echo":
            seen = {}
            for name in self.headers.keys():
                if name.lower() not in HIDDEN:
                    seen[name.lower()] = ", ".join(self.headers.get_all(name))
            self.answer(200, {"method": self.command, "path": url.path, "query": url.query,
                              "headers": dict(sorted(seen.items())), "body": body.decode("utf-8", "backslashreplace")})
        elif head == "status":
            code = int(n)
            self.answer(code, b"" if code in (204, 304) else {"error": "status %d" % code, "code": code})
        elif head == "statustext":
            self.answer(int(n), b"plain failure text", "text/plain")
        elif head == "statusempty":
            self.answer(int(n))
        elif head == "slow":
            time.sleep(int(n) / 1000)
            self.answer(200, {"slow": int(n)})
        elif head == "raw":
            kinds = {"text": ("text/plain; charset=utf-8", "plain text\nline two"), "html": ("text/html", "<html><body><a href=\"/x\">go</a></body></html>"),
                     "xml": ("application/xml", "<root><item id=\"1\">one</item><item id=\"2\">two</item></root>"),
                     "array": ("application/json", "[{\"n\":1},{\"n\":2},{\"n\":3}]"), "empty-array": ("application/json", "[]"),
                     "null": ("application/json", "null"), "number": ("application/json", "42"), "string": ("application/json", "\"hello\""),
                     "bad-json": ("application/json", "{not json"), "json-as-text": ("text/plain", "{\"a\":1}"),
                     "date": ("application/json", "{\"at\":\"2024-05-06T07:08:09Z\",\"day\":\"2024-05-06\"}"),
                     "big": ("application/json", "{\"n\":12345678901234567890,\"f\":1.5}"), "utf8": ("application/json", "{\"t\":\"h\u00e9llo \u2713\"}"),
                     "case-keys": ("application/json", "{\"a\":1,\"A\":2}"), "empty-key": ("application/json", "{\"\":1}")}
            kind, text = kinds[n]
            self.answer(200, text.encode(), kind)
        elif head == "latin1":
            self.answer(200, "caf\u00e9".encode("latin-1"), "text/plain; charset=iso-8859-1")
        elif head == "bytes":
            self.answer(200, bytes(range(8)), "application/octet-stream")
        elif head == "headers":
            self.answer(200, {"ok": True}, headers=[("X-One", "1"), ("X-Multi", "a"), ("X-Multi", "b"), ("ETag", "\"abc\"")])
        elif head == "redirect":
            left = int(n)
            if left > 0:
                self.answer(302, headers=[("Location", "/redirect/%d" % (left - 1))])
            else:
                self.answer(200, {"redirected": True, "method": self.command})
        elif head == "redirect307":
            self.answer(307, headers=[("Location", "/echo")])
        elif head == "auth":
            want = "Basic " + base64.b64encode(b"user:pass").decode()
            if self.headers.get("Authorization") == want:
                self.answer(200, {"user": "user"})
            else:
                self.answer(401, {"error": "no"}, headers=[("WWW-Authenticate", "Basic realm=\"t\"")])
        elif head == "setcookie":
            self.answer(200, {"set": True}, headers=[("Set-Cookie", "%s; Path=/" % "=".join(parse_qsl(url.query)[0]))])
        elif head == "cookies":
            self.answer(200, {"cookie": self.headers.get("Cookie", "")})
        elif head == "flaky":
            attempts[part[1]] = attempts.get(part[1], 0) + 1
            if attempts[part[1]] <= int(part[2]):
                self.answer(503, {"error": "busy"})
            else:
                self.answer(200, {"attempts": attempts[part[1]]})
        elif head == "pages":
            links = [] if int(n) >= 3 else [("Link", "<%s>; rel=\"next\"" % ("/pages/%d" % (int(n) + 1)))]
            self.answer(200, [{"page": int(n)}], headers=links)
        elif head == "agent":
            self.answer(200, {"agent": self.headers.get("User-Agent", "")})
        else:
            self.answer(404, {"error": "no such path"})

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass    # a client that gave up is what some cases are about


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()
