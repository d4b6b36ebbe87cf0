"""The quick half: each test of appliance/tests/doors_*.rs is a row. They are run once, when the first is asked for."""

import functools
import os
import re
import subprocess

from door import HOUSE, Skipped

ROOT = HOUSE.parent.parent
SUITES = sorted(it.stem for it in (ROOT / "appliance/tests").glob("doors_*.rs"))
ENDED = re.compile(r"^test (\w+) \.\.\. (ok|FAILED|ignored)$", re.M)
FAULT = re.compile(r"^---- (\w+) stdout ----\n(.*?)(?=^----|^failures:)", re.M | re.S)


@functools.cache
def results(demon):
    """(how each test ended, its words where it failed)."""
    command = ["cargo", "test", "--locked", "--no-fail-fast", "-p", "appliance", *(word for it in SUITES for word in ("--test", it))]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ, DEMON_UNDER_TEST=demon), capture_output=True, text=True)
    ends = dict(ENDED.findall(done.stdout))
    assert ends, f"the tests did not run: {done.stderr[-2000:]}"
    return ends, {name: " ".join(words.split())[:300] for name, words in FAULT.findall(done.stdout)}


def row_of(test):
    def row(demon):
        ends, faults = results(demon)
        if ends.get(test) == "ignored":
            raise Skipped("the test is ignored")
        assert ends.get(test) == "ok", faults.get(test, "it did not run to its end")

    row.__name__, row.__doc__ = f"row_{test}", test.replace("_", " ")
    return row


def every_test():
    for suite in SUITES:
        text = (ROOT / f"appliance/tests/{suite}.rs").read_text()
        yield from re.findall(r"^#\[test\]\nfn (\w+)\(", text, re.M)


ROWS = [row_of(it) for it in every_test()]
