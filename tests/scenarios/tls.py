"""Our own TLS, and what is said only over it: Strict-Transport-Security."""
import ssl, subprocess
from harness import *

home = folder()
cert, key = os.path.join(home, "cert.pem"), os.path.join(home, "key.pem")
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
TLS = {"REACTIONS_TLS_CERT": cert, "REACTIONS_TLS_KEY": key}


def get(server, path, headers=None, method="GET"):
    c = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=20, context=ssl.create_default_context(cafile=cert))
    try:
        c.request(method, path, headers=headers or {})
        r = c.getresponse()
        return Reply(r.status, r.headers, r.read())
    finally:
        c.close()


def hsts(reply):
    return reply.headers.get_all("Strict-Transport-Security")


s = Server(env={**TLS, "REACTIONS_TLS_HSTS_SECONDS": "31536000"})
r = get(s, "/healthz")
check("the server answers over TLS", r.status, 200)
check("and asks for TLS from then on", hsts(r), ["max-age=31536000"])
for claim, reply in (("a refusal", get(s, "/api/reactions")), ("the API", get(s, "/api/reactions", {"X-Octopus-ApiKey": s.key})), ("a trigger", get(s, "/triggers/none", method="POST")), ("a page", get(s, "/setup")), ("what is not there", get(s, "/nope"))):
    check(f"so does {claim}", hsts(reply), ["max-age=31536000"])
check("what comes in the clear gets no answer that could be read", b"Strict" in raw(s.port, b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), False)
s.kill()

s = Server(env=TLS)
check("it is not said unless it is set", hsts(get(s, "/healthz")), None)
s.kill()
s = Server()
check("nor in the clear", hsts(s.get("/healthz")), None)
s.kill()
out = subprocess.run([REACTIONS, "serve", "--listen", "127.0.0.1:0", "--data", os.path.join(home, "data")], env={**os.environ, "REACTIONS_TLS_HSTS_SECONDS": "1"}, capture_output=True, text=True, timeout=30)
check("without a certificate of ours the setting is refused", (out.returncode != 0, out.stderr), lambda t: t[0] and "Tls.HstsSeconds" in t[1])
out = subprocess.run([REACTIONS, "serve", "--listen", "127.0.0.1:0", "--data", os.path.join(home, "data")], env={**os.environ, **TLS, "REACTIONS_TLS_HSTS_SECONDS": "a year"}, capture_output=True, text=True, timeout=30)
check("what is no number is refused", (out.returncode != 0, out.stderr), lambda t: t[0] and "HSTS_SECONDS" in t[1])
finish()
