#!/usr/bin/env python3
"""bench.py PROGRAM... - what one warm worker does: trivial scripts a second, `run` to `started`, memory.

PROGRAM is the built host (powershell/build DIR gives DIR/Reactions.Host). For comparison: the same script, one cold process for each run.
"""

import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/worker"))
from worker import Worker  # noqa: E402


def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) // 1024 for line in f if line.startswith("VmRSS"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def line(name, values, unit="ms"):
    values = sorted(values)
    print(f"{name:34} p50 {statistics.median(values):7.2f}  p90 {values[int(len(values) * 0.9)]:7.2f}  p99 {values[int(len(values) * 0.99)]:7.2f} {unit}")


def main(program, runs):
    cold = []
    for _ in range(5):
        begun = time.perf_counter()
        with Worker(program) as worker:
            asked = worker.start("1")
            worker.finish(asked)
            cold.append((time.perf_counter() - begun) * 1000)
    line("cold process, one trivial run", cold)

    payload = {"PackageIdentifier": "Acme.Web", "PackageVersion": "1.2.3", "PackageDetailsUrl": "https://example.com/" + "x" * 500}
    with Worker(program) as worker:
        for i in range(200):
            worker.finish(worker.start("$Payload.PackageVersion", Payload=payload))
        started, whole = [], []
        cpu, begun = cpu_seconds(worker.process.pid), time.perf_counter()
        for _ in range(runs):
            at = time.perf_counter()
            asked = worker.start("$Payload.PackageVersion", Payload=payload)
            while worker.receive()["Type"] != "started":
                pass
            started.append((time.perf_counter() - at) * 1000)
            worker.finish(asked)
            whole.append((time.perf_counter() - at) * 1000)
        seconds = time.perf_counter() - begun
        line("run -> started", started)
        line("run -> ready again", whole)
        print(f"{'runs per second, one worker':34} {runs / seconds:7.0f}")
        print(f"{'CPU of the worker a run':34} {(cpu_seconds(worker.process.pid) - cpu) / runs * 1000:7.2f} ms")
        print(f"{'cold / warm, to the end of a run':34} {statistics.median(cold) / statistics.median(whole):7.0f} times")
        busy = resident(worker.process.pid)
        time.sleep(4)
        print(f"{'resident after the runs / idle':34} {busy} / {resident(worker.process.pid)} MB")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:], int(os.environ.get("RUNS", "2000")))
