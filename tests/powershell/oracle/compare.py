"""Compares what a worker did with what real PowerShell did. Usage: compare.py EXPECTED.jsonl ACTUAL.jsonl [-v]

A case passes when all of these hold (docs/powershell.md says why):
  - the output is equal, JSON value by JSON value;
  - errors and the terminating error are equal in number, order, category and id up to the first comma, and in
    message where the message stands in the script itself;
  - warning, verbose and debug agree in number, and in text where the text stands in the script;
  - information agrees completely."""

import json
import sys
from collections import Counter


def own(text, script):
    return text is not None and text.strip() != "" and text in script


def error_key(e, script):
    return (e["id"].split(",")[0], e["category"], e["message"] if own(e["message"], script) else None)


def key(case, script):
    s = case.get("streams", {})
    end = case.get("terminating")
    return {
        "output": case.get("output"),
        "error": [error_key(e, script) for e in s.get("error", [])],
        "terminating": None if end is None else ((case.get("terminating_id") or "").split(",")[0], end if own(end, script) else None),
        "information": s.get("information", []),
        **{n: [t if own(t, script) else None for t in s.get(n, [])] for n in ("warning", "verbose", "debug")},
    }


def read(path):
    with open(path, encoding="utf-8") as f:
        return {c["id"]: c for c in map(json.loads, filter(str.strip, f))}


def main():
    expected, actual = read(sys.argv[1]), read(sys.argv[2])
    good, all_of = Counter(), Counter()
    for id, want in expected.items():
        got = actual.get(id, {})
        a, b = key(want, want["script"]), key(got, want["script"])
        all_of[want["group"]] += 1
        if a == b:
            good[want["group"]] += 1
        elif "-v" in sys.argv:
            part = next(k for k in a if a[k] != b[k])
            print("%s %s\n  %s\n  want %s\n  got  %s" % (id, part, want["script"], json.dumps(a[part], ensure_ascii=False)[:300],
                                                       got.get("harness_error", json.dumps(b[part], ensure_ascii=False))[:300]))
    for g in all_of:
        print("%-24s %4d / %d" % (g, good[g], all_of[g]))
    print("%-24s %4d / %d" % ("all", sum(good.values()), sum(all_of.values())))
    sys.exit(0 if good == all_of else 1)


if __name__ == "__main__":
    main()
