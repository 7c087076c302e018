"""Counts claims, as the C harness does: each names itself, says what differs, and the last line sums up."""

import sys
import traceback


class Claims:
    def __init__(self):
        self.total, self.failed = 0, 0

    def that(self, name, passed, detail=""):
        self.total += 1
        if not passed:
            self.failed += 1
            print(f"FAILED {name}{': ' + str(detail) if detail != '' else ''}", flush=True)
        return passed

    def equal(self, name, got, wanted):
        return self.that(name, got == wanted and type(got) is type(wanted), f"got {got!r}, wanted {wanted!r}")

    def has(self, name, text, part):
        return self.that(name, text is not None and part in text, f"{part!r} is not in {text!r}")

    def group(self, function, *arguments):
        """Runs a function of claims; that it breaks is one failed claim."""
        try:
            function(self, *arguments)
        except Exception as e:  # noqa: BLE001 - whatever breaks a group is reported and the others go on
            here = [f.lineno for f in traceback.extract_tb(e.__traceback__) if f.filename.endswith("_test.py")]
            self.that(function.__name__, False, f"{type(e).__name__} {e} at lines {here}")

    def end(self):
        print(f"{self.total} claims, {self.failed} failed")
        sys.exit(1 if self.failed else 0)
