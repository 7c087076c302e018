"""compare.py WANT GOT - differences to standard error, rows that agree to standard output. By the rule of the cases: output and
error_kind are equal, and for missing tokens the error's text."""
import json
import sys


def equal(want, got):
    return (want["output"], want["error_kind"]) == (got["output"], got["error_kind"]) and (
        want["error_kind"] != "missing" or want["error"] == got["error"])


differences = rows = 0
for want, got in zip(map(json.loads, open(sys.argv[1])), map(json.loads, open(sys.argv[2]))):
    rows += 1
    if equal(want, got):
        print(json.dumps(want, ensure_ascii=False))
        continue
    differences += 1
    sys.stderr.write(f"{json.dumps(want['template'], ensure_ascii=False)} {json.dumps(want['variables'], ensure_ascii=False)}\n"
                     f"    original {want['error_kind']} {want['output']!r} {want['error']}\n"
                     f"    ours     {got['error_kind']} {got['output']!r} {got['error']}\n")
sys.stderr.write(f"{rows} rows, {differences} differ\n")
sys.exit(1 if differences else 0)
