"""What a script may try against its server: an escape corpus, as the user workers run as by default here, and (as root) as root.

Each line is a shell command that a script runs. It must come back without what it was after; what a mechanism needs and this machine
does not give is skipped, and said."""
import base64, secrets
from harness import *

CANARY = "canary" + secrets.token_hex(8)


def quiet(text):
    """As a program for PowerShell: no quoting of ours can be misread by it."""
    return "& /bin/sh -c \"$([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('" + base64.b64encode(text.encode()).decode() + "')))\" 2>&1 | ForEach-Object { \"$_\" }; $global:LASTEXITCODE = 0"


def corpus(s):
    D, pid = s.data, s.pid
    own = lambda text: CANARY in text
    key = open(os.path.join(D, "master.key")).read().strip()
    admin = open(os.path.join(D, "admin.key")).read().strip()
    anchor = until(lambda: os.path.exists(os.path.join(D, "audit.anchor")) and open(os.path.join(D, "audit.anchor")).read().split()[1])
    config = os.path.join(s.home, "reactions.yaml")
    return [
        # claim, command, what must not be in the answer
        ("the database is not read", f"head -c 15 {D}/reactions.db", "SQLite"),
        ("nor its log", f"strings {D}/reactions.db-wal 2>/dev/null || cat {D}/reactions.db-wal", "Reactions"),
        ("nor the master key", f"cat {D}/master.key", key),
        ("nor the management key", f"cat {D}/admin.key", admin),
        ("nor the audit's anchor", f"cat {D}/audit.anchor", anchor),
        ("nor the settings file", f"cat {config}", CANARY),
        ("nor through the server's root", f"cat /proc/{pid}/root{D}/master.key", key),
        ("nor through its descriptors", f"for f in /proc/{pid}/fd/*; do [ -f $f ] && head -c 15 $f; done 2>/dev/null", "SQLite"),
        ("nor through those of any process", "for f in /proc/[0-9]*/fd/*; do [ -f $f ] && head -c 15 $f 2>/dev/null; done", "SQLite format"),
        ("nor over a symbolic link of its own", f"ln -s {D}/master.key link && cat link", key),
        ("nor over a hard link", f"ln {D}/master.key hard && cat hard", key),
        ("nor after taking away what covers it", f"umount -l {D}/master.key; cat {D}/master.key", key),
        ("nor with another mount", f"mkdir -p m && mount --bind {D} m && cat m/master.key", key),
        ("nor in a namespace of its own", f"unshare -Urm sh -c 'umount -l {D}/master.key; cat {D}/master.key'", key),
        ("nor by moving it", f"mv {D}/master.key taken && cat taken", key),
        ("nor by opening its mode", f"chmod 666 {D}/master.key; cat {D}/master.key", key),
        ("nor a backup", f"cat {D}/backups/* | head -c 15", "SQLite"),
        ("the data folder takes nothing", f"echo x > {D}/planted && echo PLANTED", "PLANTED"),
        ("modules are not written", f"echo x > {D}/modules/evil.dll && echo PLANTED", "PLANTED"),
        ("the worker's program is not changed", f"echo x > {BUILD}/powershell/planted && echo PLANTED", "PLANTED"),
        ("nor over an open descriptor", f"for f in /proc/$PPID/fd/*; do t=$(readlink $f); case $t in {BUILD}/*) (: >> $f) 2>/dev/null && echo PLANTED $t;; esac; done", "PLANTED"),
        ("the server's memory is not read", f"dd if=/proc/{pid}/mem bs=1 count=1 2>&1 | wc -c; cat /proc/{pid}/maps && echo MAPPED", "MAPPED"),
        ("nor its environment", f"cat /proc/{pid}/environ", CANARY),
        ("nor its command line's folder", f"ls -l /proc/{pid}/cwd 2>&1; ls /proc/{pid}/task && echo SEEN", "SEEN"),
        ("it is not traced", f"python3 -c \"import ctypes; l = ctypes.CDLL(None, use_errno=True); print('TRACED' if l.ptrace(16, {pid}, 0, 0) == 0 else 'refused')\"", "TRACED"),
        ("nor read with process_vm_readv", f"python3 -c \"import ctypes; l = ctypes.CDLL(None, use_errno=True); b = ctypes.create_string_buffer(8); io = (ctypes.c_void_p * 2)(ctypes.addressof(b), 8); print('READ' if l.process_vm_readv({pid}, io, 1, io, 1, 0) > 0 else 'refused')\"", "READ"),
        ("it takes no signal", f"kill -0 {pid} && echo REACHED; kill -9 {pid} && echo KILLED; kill -9 -{pid} && echo KILLED", "ED\n"),
        ("nor all there are", "kill -0 -1 && true; echo done", "never"),
        ("its own environment has nothing of the server's", "env; tr '\\0' '\\n' < /proc/self/environ", CANARY),
        ("nor settings", "env | grep -c ^REACTIONS_.*=", "REACTIONS_DATA"),
        ("no descriptor leads out", "ls -l /proc/self/fd /proc/$PPID/fd 2>/dev/null", "reactions.db"),
        ("setuid gives nothing", "cp /bin/sh own && chmod 4755 own && ./own -p -c 'id -u; cat /etc/shadow'", "root:"),
        ("nor does sudo", "sudo -n cat /etc/shadow", "root:"),
        ("nor su", "su root -c 'cat /etc/shadow' < /dev/null", "root:"),
        ("no capability is left", "grep -E 'CapEff|CapBnd|CapAmb' /proc/self/status | grep -v '0000000000000000$' && echo LEFT", "LEFT"),
        ("and none can be had", "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t0"),
        ("no core is written", "ulimit -c", "unlimited"),
        ("the kernel's memory is not opened", "head -c 1 /dev/mem && echo OPENED; head -c 1 /proc/kcore && echo OPENED", "OPENED"),
        ("no module is loaded", "insmod x.ko && echo LOADED", "LOADED"),
        ("no clock is set", "date -s '2030-01-01' && echo SET", "SET"),
        ("no other worker's folder is listed", f"ls {D}/work && echo LISTED", "LISTED"),
        ("the API is not open to it", f"wget -qO- http://127.0.0.1:{s.port}/api/reactions || curl -s http://127.0.0.1:{s.port}/api/reactions || true", "Items"),
        ("the server's own sockets are not there", f"ls -la /proc/{pid}/net/tcp && echo SEEN", "SEEN"),
    ]


ONLY_OTHER_USER = {"nor the audit's anchor", "nor over a hard link", "the data folder takes nothing", "modules are not written", "setuid gives nothing", "nor does sudo", "nor su", "no other worker's folder is listed", "the kernel's memory is not opened"}


def attack(title, env, is_root):
    home = folder()
    os.chmod(home, 0o755)
    s = Server(env={"SERVER_CANARY": CANARY, "REACTIONS_GRACE_SECONDS": "2", **env}, start=False)
    config = os.path.join(s.home, "reactions.yaml")
    with open(config, "w") as f:
        f.write(f"# {CANARY}\nListen: 127.0.0.1:0\n")
    os.chmod(config, 0o600)
    s.flags += ["--config", config]
    s.start()
    if not s.wait_ready():
        skip(title, "there is no PowerShell here")
        return
    s.post("/api/backup")
    s.trigger("hook")
    key = s.new_key("hook")
    s.reaction("$Payload.commands | ForEach-Object { Invoke-Expression $_; '=====' }", name="attacker")
    first = s.run_of(s.fire({"commands": [quiet("cat /proc/1/comm")]}, key=key))
    has_pids = "reactions-guard" in json.dumps(s.get(f"/api/runs/{first['Id']}").json.get("Output"))
    note(f"{title}: {s.get('/api/status').json['Scripts']['Containment']}")
    rows = corpus(s)
    run = s.run_of(s.fire({"commands": [quiet(c) for _, c, _ in rows]}, key=key), 120)
    check(f"{title}: the corpus ran", run["State"], "Succeeded")
    output = s.get(f"/api/runs/{run['Id']}").json.get("Output") or []
    answers = "\n".join(str(o) for o in output).split("=====")
    check(f"{title}: to its end", len(answers) - 1, len(rows))
    for (claim, _, forbidden), answer in zip(rows, answers):
        if is_root and claim in ONLY_OTHER_USER:
            skip(f"{title}: {claim}", "as root, root's files are its own: doctor warns")
            continue
        if not has_pids and claim.startswith(("nor through", "nor after", "it takes")) and is_root:
            skip(f"{title}: {claim}", "no PID namespace on this machine")
            continue
        check(f"{title}: {claim}", answer.strip()[:300], lambda got: forbidden not in answer + "\n")
    # Another reaction's temporary files, and a process that stays behind.
    s.reaction("[IO.File]::WriteAllText([IO.Path]::Combine([IO.Path]::GetTempPath(), 'left.txt'), '" + CANARY + "'); [IO.Path]::GetTempPath()", name="leaver", action={"Isolation": "Process"})
    detached = "sleep-" + secrets.token_hex(4)
    s.reaction(quiet(f"cp /bin/sleep {detached}; (setsid ./{detached} 300 > /dev/null 2>&1 < /dev/null &) ; (nohup ./{detached} 300 >/dev/null 2>&1 &); python3 -c 'import os\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0: os.execv(\"./{detached}\", [\"{detached}\", \"300\"])' >/dev/null 2>&1 </dev/null; pgrep -f {detached} | wc -l"), name="detacher", action={"Isolation": "Process"})
    reply = s.fire({"commands": []}, key=key)
    s.runs_of(reply.json["EventId"], 3)
    # The name may stand in the guard's arguments nowhere: only in the processes themselves.
    alive = lambda: [p for p in os.listdir("/proc") if p.isdigit() and detached.encode() in _read(f"/proc/{p}/cmdline")]
    check(f"{title}: nobody stays behind a run of its own process", until(lambda: not alive(), 20), True)
    left = [r for r in s.items("/api/runs") if r["State"] == "Succeeded" and r.get("Output") is not None]
    temp = next((str(o) for r in left for o in (s.get(f"/api/runs/{r['Id']}").json.get("Output") or []) if "/work/" in str(o)), "")
    again = s.run_of(s.fire({"commands": [quiet(f"cat {temp}/left.txt; grep -rs {CANARY} {s.data}/work /tmp/*.txt /var/tmp 2>/dev/null | head -c 200")]}, key=key))
    check(f"{title}: what another run left is not found", CANARY in json.dumps(s.get(f"/api/runs/{again['Id']}").json.get("Output")), False)
    check(f"{title}: the server goes on", s.get("/healthz").status, 200)
    doctor = s.cli("doctor", "--config", config)[1]
    check(f"{title}: doctor warns of root, and only then", "SCRIPTS RUN AS ROOT" in doctor, is_root)
    s.kill(signal.SIGTERM)


def _read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return b""


if os.geteuid() == 0:
    attack("as nobody", {}, False)
    attack("as root", {"REACTIONS_SCRIPTS_USER": "root"}, True)
else:
    attack("as the server's user", {}, False)
finish()
