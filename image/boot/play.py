"""Runs the stages, prints the table and writes target/image/test/report.json. What passed on this very image is not asked again.

    python3 -m boot.play [--only STAGE]... [--again]
"""

import argparse
import functools
import hashlib
import json
import shutil
import subprocess
import time
from pathlib import Path

from builder import lock
from builder.lock import read as read_lock
from builder.told import Refused, run_main
from builder.tools import Tools

from . import disks, guest, rows

OUT, NEXT, TO = (Path(f"target/image/{it}").resolve() for it in ("out", "next", "test"))


def built(folder, what):
    found = sorted(folder.glob("demon_*.raw")) if folder.is_dir() else []
    if not found:
        raise Refused(f"{what} is not there: {folder}/demon_VERSION.raw")
    return found[-1]


def version(image):
    return image.name.removeprefix("demon_").removesuffix(".raw")


def key(image):
    """What makes results of another image worth nothing here."""
    text = image.with_suffix(".roothash").read_bytes() + hashlib.sha256(image.with_suffix(".efi").read_bytes()).digest()
    return hashlib.sha256(text).hexdigest()[:16]


class Report:
    """The rows so far; written after each, so that a run that was cut off goes on."""

    def __init__(self, image, again):
        self.path = TO / "report.json"
        self.data = {"image": image.name, "key": key(image), "rows": {}}
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


def ask(report, stage, machine):
    """All rows of a stage on one guest; a guest that is dead answers no more rows."""
    for name, row in rows.STAGES[stage]:
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


def tools():
    """The programs of the lock that make file systems."""
    return Tools(Path("target/image/unpacked/tools").resolve(), read_lock().epoch())


def brought(following):
    """The stick of the stage `update`: the next version, a recording, the box's file, and the wish for reports."""
    update = following.with_name(f"demon-{version(following)}.update")
    if not update.is_file():
        raise Refused(f"{update} is not there: it is built with keys only")
    box_file, wish = TO / "demon.toml", TO / "wish"
    box_file.write_text("[midi]\nfollow = false\n")
    wish.write_text("")
    recording = lock.HERE.parent / "models/house/demo.flac"
    files = [(update, update.name), (box_file, "demon/demon.toml"), (wish, "demon-reports/put-them-here"), (recording, "demon/recordings/demo.flac")]
    disks.stick(TO / "stick.fat", files, tools())
    return TO / "stick.fat"


@functools.cache
def small_model():
    """A disk with the model that the engine plays with in a guest."""
    folder = TO / "small-model"
    subprocess.run([lock.HERE.parent / "tools/vm-test/small-model", lock.HERE.parent / "models/house", folder], check=True)
    files = [(path, str(path.relative_to(folder))) for path in sorted(folder.rglob("*")) if path.is_file()]
    disks.stick(TO / "small-model.fat", files, tools(), mebibytes=64)
    return TO / "small-model.fat"


def start(stage, disk, expected, until_shell_s=guest.machine.BOOT_S, logged=False):
    variables = TO / "variables.fd"
    if stage == "first" or not variables.is_file():
        shutil.copy(guest.firmware()[1], variables)
    unfit = version(built(NEXT, "a second version")) if stage == "unfit" else None
    following = built(NEXT, "a second version") if stage == "update" else None
    stick = brought(following) if following else None
    writes = TO / f"{stage}.writes" if logged else None
    machine = guest.Guest(disk, variables, TO / f"{stage}.log", TO / f"{stage}.wav", small_model(), until_shell_s, unfit, stick, writes)
    machine.expected = expected
    machine.following = following and version(following)
    return machine


def prepare(stage, image):
    """The disk that a stage starts from."""
    kept, disk = TO / "first.raw", TO / f"{stage}.raw"
    if stage == "first":
        disks.copy(image, disk, 3)
    elif stage == "update" and not kept.is_file():
        # Its first start is as good as another.
        disks.copy(image, disk, 3)
    elif not kept.is_file():
        raise guest.machine.Skip("the first start has left no disk")
    elif stage in ("second", "update"):
        disks.copy(kept, disk, 4)
    else:
        following = built(NEXT, "a second version (image/make --version ... --to target/image/next)")
        disks.copy(kept, disk, 3)
        disks.second_slot(disk, NEXT, version(following), tools())
        if stage == "damage":
            # In the file system's first block, which is read before anything else.
            disks.turn_a_bit(disk, "demon-root-b", 1024 + 17)
    return disk


def main():
    parser = argparse.ArgumentParser(prog="make image-test")
    parser.add_argument("--only", action="append", choices=list(rows.STAGES), help="one stage; may be given again")
    parser.add_argument("--again", action="store_true", help="asks again what has passed")
    parser.add_argument("--log", action="store_true", help="keeps the disk as each stage began, and logs every write and flush: for image/cuts")
    given = parser.parse_args()
    TO.mkdir(parents=True, exist_ok=True)
    image = built(OUT, "the image (`make image ARGS=--test-keys`)")
    report = Report(image, given.again)
    missing = guest.needs()
    begun = time.monotonic()
    for stage in given.only or rows.STAGES:
        names = [name for name, _ in rows.STAGES[stage]]
        print(f"{stage}", flush=True)
        if report.passed(names):
            print(f"  passed before on this image: {len(names)} rows", flush=True)
            continue
        try:
            if missing:
                raise guest.machine.Skip(missing)
            disk = prepare(stage, image)
            if given.log:
                disks.copy(disk, TO / f"{stage}.before.raw", -(-disk.stat().st_size >> 30))
            patience = 4 if stage == "damage" else 1
            machine = start(stage, disk, version(image), patience * guest.machine.BOOT_S, given.log)
        except (guest.machine.Skip, Refused) as skip:
            for name in names:
                report.tell(name, "skipped", str(skip))
            continue
        except guest.machine.Dead as dead:
            for name in names:
                report.tell(name, "FAIL", str(dead))
            continue
        try:
            ask(report, stage, machine)
        finally:
            machine.close()
    for name, reason in rows.NOT_YET:
        report.tell(name, "skipped", reason)
    for stage in given.only or rows.STAGES:
        for name, _ in rows.STAGES[stage]:
            if name not in report.data["rows"]:
                report.tell(name, "skipped", f"not come to: image/test --only {stage}")
    found = [it["result"] for it in report.data["rows"].values()]
    print(f"{found.count('pass')} passed, {found.count('FAIL')} failed, {found.count('skipped')} skipped, "
          f"{time.monotonic() - begun:.0f} s; {report.path}")
    return 1 if "FAIL" in found else 0


if __name__ == "__main__":
    run_main(main)
