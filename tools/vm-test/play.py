"""Plays the surface from outside and prints what was seen: `tools/vm-test/run` calls it when the guest is built.

One guest a group of checks, so that a group that kills its guest costs the others nothing. Exits 0 only when every check
of the groups asked for passed. Serial logs and report.json are left in target/vm-test.
"""

import argparse
import importlib
import json
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from container import Container
from machine import Dead, Machine, Skip, Wrong

GROUPS = ["midi", "usb", "panel", "keys", "screen", "box", "page", "units"]


class Table:
    """What was asked and what was seen."""

    def __init__(self):
        self.rows = []
        self.group = ""

    @contextmanager
    def check(self, name: str):
        """A check: it passes unless something is raised within; what it saw goes into the list that it is given."""
        saw, begun = [], time.monotonic()
        try:
            yield saw
            self.add(name, "pass", "; ".join(saw), begun)
        except Skip as missing:
            self.add(name, "skipped", str(missing), begun)
        except Wrong as wrong:
            self.add(name, "FAIL", str(wrong), begun)
        except Dead as dead:
            self.add(name, "FAIL", str(dead), begun)
            raise
        except Exception as broken:
            # Mostly of one that stands on another which failed.
            self.add(name, "FAIL", f"could not be asked: {broken!r}", begun)

    def add(self, name: str, result: str, seen: str, begun: float):
        row = {"group": self.group, "check": name, "result": result, "seen": seen}
        self.rows.append(row | {"seconds": round(time.monotonic() - begun, 1)})
        print(f"{result:8}{self.group:8}{name}\n{'':16}{seen[:300]}", flush=True)


def play_group(table: Table, name: str, folder: Path, container: bool):
    """Boots a guest, or a container, and plays a group in it."""
    table.group = name
    group = importlib.import_module(f"checks.{name}")
    machine = None
    begun = time.monotonic()
    try:
        log = folder / f"serial-{name}.log"
        if container:
            machine = Container(folder / name, log)
        else:
            (kernel,) = folder.glob("kernel/boot/vmlinuz-*")
            initrd = group.initrd(folder) if hasattr(group, "initrd") else folder / "initrd.gz"
            machine = Machine(kernel, initrd, log, getattr(group, "MEMORY_MB", 512))
        group.play(machine, table.check)
    except (Dead, Skip, Wrong) as why:
        # Outside any check, or of a guest that is dead: what would have come after it is not passed.
        result = "skipped" if isinstance(why, Skip) else "FAIL"
        table.add("all checks of the group were reached", result, str(why), begun)
    except Exception as broken:
        table.add("all checks of the group were reached", "FAIL", f"the harness broke: {broken!r}", begun)
    finally:
        if machine:
            machine.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="plays the surface of a guest from outside")
    parser.add_argument("--only", action="append", choices=GROUPS, help="a group to play; may stand several times")
    parser.add_argument("--folder", type=Path, required=True, help="where the guest was built")
    parser.add_argument("--container", action="store_true", help="in a container on this kernel: the group units alone")
    asked = parser.parse_args()
    if asked.container:
        asked.only = ["units"]
    # Told to end, it takes its guest with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    table, begun = Table(), time.monotonic()
    for name in asked.only or GROUPS:
        play_group(table, name, asked.folder, asked.container)
    count = {result: sum(row["result"] == result for row in table.rows) for result in ("pass", "FAIL", "skipped")}
    took = round(time.monotonic() - begun)
    report = {"counts": count, "seconds": took, "checks": table.rows}
    (asked.folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    print(f"{count['pass']} passed, {count['FAIL']} failed, {count['skipped']} skipped, in {took} s")
    return 0 if table.rows and count["pass"] == len(table.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
