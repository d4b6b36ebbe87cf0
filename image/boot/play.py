"""Runs the stages, prints the table and writes target/image/test/report.json. What passed on this very image is not asked again.

    python3 -m boot.play [--only STAGE]... [--again] [--log] [--keep]
"""

import argparse
import json
import time

from builder.told import Refused, run_main

from . import disks, guest, power, rows, stages
from .rows import secure
from .stages import OUT, TO, built, version


class Report:
    """The rows so far; written after each, so that a run that was cut off goes on."""

    def __init__(self, image, again):
        self.path = TO / "report.json"
        self.data = {"image": image.name, "key": stages.key(image), "rows": {}}
        if self.path.is_file() and not again:
            before = json.loads(self.path.read_text())
            if before.get("key") == self.data["key"]:
                self.data = before

    def passed(self, names):
        return all(self.data["rows"].get(it, {}).get("result") == "pass" for it in names)

    def tell(self, name, result, saw):
        self.data["rows"][name] = {"result": result, "saw": saw}
        print(f"  {result:<8}{name}\n          {saw}", flush=True)
        self.path.write_text(json.dumps(self.data, indent=1) + "\n")

    def tell_all(self, names, result, saw):
        for name in names:
            self.tell(name, result, saw)


def ask(report, stage, machine):
    """All rows of a stage on one guest; a guest that is dead answers no more rows."""
    for name, row in rows.ROWS[stage]:
        try:
            report.tell(name, "pass", row(machine))
        except guest.machine.Skip as skip:
            report.tell(name, "skipped", str(skip))
        except guest.machine.Wrong as wrong:
            report.tell(name, "FAIL", str(wrong))
        except guest.machine.Dead as dead:
            report.tell(name, "FAIL", str(dead))
            break
        except (ValueError, LookupError, OSError) as odd:
            # What the guest said was not understood: that row has not passed, and the others can still be asked.
            report.tell(name, "FAIL", f"not understood: {odd!r}")


def start(stage, begun, expected, logged=False):
    writes = TO / f"{stage}.writes" if logged else None
    machine = guest.Guest(begun.disk, begun.variables, TO / f"{stage}.log", TO / f"{stage}.wav", stages.small_model(),
                          begun.patience * guest.machine.BOOT_S, begun.unfit, begun.stick, writes, begun.secure, begun.direct)
    machine.expected, machine.following, machine.sticks_at = expected, begun.following, begun.sticks_at
    machine.report = TO / "report.json"
    return machine


def play(report, stage, image, logged):
    """One stage, from its disk to its rows."""
    names = rows.names(stage)
    try:
        missing = guest.needs()
        if missing:
            raise guest.machine.Skip(missing)
        begun = stages.begin(stage, image)
        if logged:
            disks.copy(begun.disk, TO / f"{stage}.before.raw", -(-begun.disk.stat().st_size >> 30))
        if stage in rows.NO_START:
            return must_not_start(report, stage, begun, image)
        machine = start(stage, begun, version(image), logged)
    except (guest.machine.Skip, Refused) as skip:
        return report.tell_all(names, "skipped", str(skip))
    except guest.machine.Dead as dead:
        return report.tell_all(names, "FAIL", str(dead))
    try:
        ask(report, stage, machine)
    finally:
        machine.close()


def must_not_start(report, stage, begun, image):
    """A machine that has to stay where its firmware refuses."""
    name = rows.NO_START[stage]
    try:
        start(stage, begun, version(image)).close()
        report.tell(name, "FAIL", "it started")
    except guest.machine.Dead:
        words = (TO / f"{stage}.log").read_bytes().decode(errors="replace")
        try:
            report.tell(name, "pass", secure.is_refused(words))
        except guest.machine.Wrong as wrong:
            report.tell(name, "FAIL", str(wrong))


def main():
    parser = argparse.ArgumentParser(prog="make image-test")
    parser.add_argument("--only", action="append", choices=rows.STAGES, help="one stage; may be given again")
    parser.add_argument("--again", action="store_true", help="asks again what has passed")
    parser.add_argument("--log", action="store_true", help="keeps the disk as each stage began, and logs every write and flush: for image/cuts")
    parser.add_argument("--keep", action="store_true", help="keeps each stage's disk")
    given = parser.parse_args()
    TO.mkdir(parents=True, exist_ok=True)
    image = built(OUT, "the image (`make image ARGS=--test-keys`)")
    report = Report(image, given.again)
    begun = time.monotonic()
    for stage in given.only or rows.STAGES:
        print(f"{stage}", flush=True)
        if report.passed(rows.names(stage)):
            print(f"  passed before on this image: {len(rows.names(stage))} rows", flush=True)
            continue
        play(report, stage, image, given.log)
        if not given.keep:
            stages.forget(stage)
    for name, result, saw in power.told(report.data["key"]):
        report.tell(name, result, saw)
    for stage in given.only or rows.STAGES:
        for name in rows.names(stage):
            if name not in report.data["rows"]:
                report.tell(name, "skipped", f"not come to: image/test --only {stage}")
    found = [it["result"] for it in report.data["rows"].values()]
    print(f"{found.count('pass')} passed, {found.count('FAIL')} failed, {found.count('skipped')} skipped, "
          f"{time.monotonic() - begun:.0f} s; {report.path}")
    return 1 if "FAIL" in found else 0


if __name__ == "__main__":
    run_main(main)
