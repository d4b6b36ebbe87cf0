#!/usr/bin/env python3
"""Plants in what a soak sees each thing that it is there to find, and what it is not to mind. `tests/soak_judges.rs` runs it.

Prints a line a case; exits 1 when one is not judged as it should be.
"""

import importlib.machinery
import importlib.util
import io
import pathlib
import sys
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("soak", str(HERE / "run"))
soak = importlib.util.module_from_spec(importlib.util.spec_from_loader("soak", loader))
loader.exec_module(soak)

FLAT = [(at, 40_000, 9_000 + at % 3) for at in range(0, 1200, 2)]
GROWING = [(at, 40_000 + 8 * at, 9_000 + 8 * at) for at in range(0, 1200, 2)]
# What is taken once in the first third is no growth.
WARMED = [(at, 60_000, 9_000 + (30_000 if at > 200 else 0)) for at in range(0, 1200, 2)]
GOES = "  2.9 s  {}  lead 40 ms  underruns {}  late {}  peak 0.36"


def look(memory=FLAT, lines=(), values=(), ends=0):
    """What was seen of a set of these."""
    seen = soak.Set(io.StringIO())
    engine = types.SimpleNamespace(name="engine-1", plays=True, late=0, underruns=0)
    seen.parameters, seen.seconds, seen.rests, seen.came_to_rest = 49, 1200, 1, 1
    for line in lines:
        seen.hear(line, engine, 0.0)
    for kept in values:
        seen.look_at_values(kept, 60.0)
    seen.late, seen.underruns = engine.late, engine.underruns
    seen.memory.append(("player", memory, soak.slope(memory)))
    seen.ends = [("engine-1", 0), ("engine-2", 0), ("player", ends)]
    return [what for what, _, good in soak.judge(seen, 2) if good is False]


def main():
    calm, wild = "patch: calm", "patch: wild"
    rests, ticks = (lambda late: GOES.format("rests", 0, late)), (lambda late: GOES.format("9.1 ticks/s  2.0 gen/s", 0, late))
    error = "2026-11-29T13:28:18Z ERROR appliance::display::messages: {} of=x standing=true"
    cases = [
        ("a set in order", [], look(lines=[wild, ticks(3), calm, ticks(4), rests(4), rests(4)], values=[{"a": "1"}, {"a": "1"}])),
        ("memory that grows", ["memory of player"], look(memory=GROWING)),
        ("memory that is taken once", [], look(memory=WARMED)),
        ("a window late at rest", ["windows late at rest"], look(lines=[calm, rests(4), rests(5)])),
        ("a window late on the way to rest", [], look(lines=[calm, rests(4), ticks(6), rests(6)])),
        ("an underrun", ["underruns"], look(lines=[GOES.format("rests", 1, 0)])),
        ("a value that moves by itself", ["values that moved by themselves"], look(lines=[calm], values=[{"a": "1"}, {"a": "2"}])),
        ("a value that a hand moves", [], look(lines=[wild], values=[{"a": "1"}, {"a": "2"}])),
        ("a fault", ["faults"], look(lines=[error.format("a tick failed")])),
        ("a pace that gives way", [], look(lines=[error.format("ticks are slow: 2 slots fewer until they keep up")])),
        ("an end that is none", ["orderly ends"], look(ends=None)),
    ]
    wrong = [(what, wanted, found) for what, wanted, found in cases if wanted != found]
    for what, wanted, found in cases:
        print(f"{'ok  ' if wanted == found else 'FAIL'} {what:<36} {', '.join(found) or 'nothing'}")
    print(f"{len(cases) - len(wrong)} passed, {len(wrong)} failed, 0 skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
