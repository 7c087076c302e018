"""What a test starts ends with it, in whatever way it ends: kill -9 leaves no server and no folder behind.

One small process for each test program reads a pipe that only the test holds open. At its end it kills the processes that were
named there, if they are still the same ones, and removes the folders. (PR_SET_PDEATHSIG would look at the thread that started them.)"""
import subprocess, sys

PROGRAM = r"""
import os, shutil, signal, sys
def born(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[19]
    except OSError:
        return None
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
processes, folders = {}, []
for line in sys.stdin:
    kind, what = line.rstrip("\n").split(" ", 1)
    if kind == "process":
        processes[int(what)] = born(what)
    elif kind == "ended":
        processes.pop(int(what), None)
    else:
        folders.append(what)
for pid, start in processes.items():
    if start and born(pid) == start:
        os.kill(pid, signal.SIGKILL)
for path in folders:
    for again in range(50):  # what was killed may still write
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.exists(path):
            break
"""
_keeper = None


def _tell(line):
    global _keeper
    if _keeper is None:
        _keeper = subprocess.Popen([sys.executable, "-E", "-S", "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, text=True)
    _keeper.stdin.write(line + "\n")
    _keeper.stdin.flush()


def keep_process(pid):
    _tell(f"process {pid}")


def let_go(pid):
    """It has ended, and its number may become another's."""
    _tell(f"ended {pid}")


def keep_folder(path):
    _tell(f"folder {path}")
