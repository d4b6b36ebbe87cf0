"""Makes states of a disk from a log of its writes and looks at each; a table at the end, and the first states that are wrong, to be made again by their number.

    python3 -m cutting.cut --disk DISK --log LOG [--states N] [--seed S] [--only NUMBER]

DISK is the disk as it was when the log began; a copy of it is changed. Sums of roots are computed once for what has not changed.
"""

import argparse
import struct
import sys
import tempfile
import time
from pathlib import Path

from boot import disks
from builder.told import Refused

from . import look, states
from .log import read

STATES = 1000
TELL_MOST = 10


class Looker:
    """Looks at one disk that was found; remembers the sums of what it has seen."""

    def __init__(self, scratch):
        self.scratch = Path(scratch)
        self.known = {}

    def wrong(self, disk):
        """What is wrong, in words; nothing where a start would go well."""
        esp, data = self.scratch / "esp", self.scratch / "data"
        if not look.copy_out(disk, "demon-esp", esp):
            return "the partition table is gone"
        try:
            kernels = look.kernels(esp, self.scratch)
        except ValueError as odd:
            return f"boot partition: {odd}"
        if not kernels:
            return "no kernel file is a program"
        name = look.first(kernels)
        told = self.slot(disk, name, kernels[name])
        if told is None and look.copy_out(disk, "demon-data", data):
            told = self.data(data)
        return told

    def slot(self, disk, name, kernel):
        try:
            salt, root, blocks = look.wanted(kernel)
        except (AttributeError, KeyError, ValueError, Refused, struct.error) as odd:
            return f"{name} is not whole: {odd!r}"
        letter = look.slot_of(disk, salt, self.scratch)
        if letter is None:
            return f"{name} starts, and no slot holds its hashes"
        place = self.scratch / "root"
        look.copy_out(disk, f"demon-root-{letter}", place)
        data = place.read_bytes()[:blocks * look.BLOCK]
        seen = (letter, hash(data), salt)
        if seen not in self.known:
            self.known[seen] = look.root_hash(data, None, blocks, salt)
        return None if self.known[seen] == root else f"{name} starts, and slot {letter} is not whole"

    @staticmethod
    def data(place):
        with open(place, "rb") as file:
            file.seek(1024 + 56)
            if file.read(2) != b"\x53\xef":
                # Not made yet: the first start makes it.
                return None
        return look.ext4(place)


def main():
    parser = argparse.ArgumentParser(prog="image/cuts", description="Cuts the power of a disk anywhere in a log of its writes.")
    parser.add_argument("--disk", type=Path, required=True, help="the disk as it was when the log began")
    parser.add_argument("--log", type=Path, required=True, help="what QEMU's blklogwrites has written")
    parser.add_argument("--states", type=int, default=STATES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="one state, by its number, left in target/image/cut.raw")
    given = parser.parse_args()
    writes = read(given.log)
    flushes = sum(it.flushes for it in writes)
    print(f"{len(writes)} entries, {sum(it.length for it in writes) / 1e6:.1f} MB, {flushes} flushes", flush=True)
    if not writes:
        print("0 passed, 1 failed, 0 skipped")
        return 1
    begun, failed = time.monotonic(), []
    chosen = sorted(enumerate(states.choose(writes, given.states, given.seed)), key=lambda it: it[1].cut)
    work = Path("target/image/cut.raw")
    work.parent.mkdir(parents=True, exist_ok=True)
    disks.copy(given.disk, work, -(-given.disk.stat().st_size >> 30) or 1)
    disk = states.Disk(work, given.log, writes)
    with tempfile.TemporaryDirectory() as scratch:
        looker = Looker(scratch)
        for number, state in chosen:
            if given.only not in (None, number):
                continue
            with disk.found(state):
                told = looker.wrong(work)
                if given.only == number:
                    disks.copy(work, work.with_name(f"state-{number}.raw"), -(-work.stat().st_size >> 30))
            if told:
                failed.append(number)
                if len(failed) <= TELL_MOST:
                    print(f"FAIL  state {number}, cut behind entry {state.cut}: {told}", flush=True)
    disk.close()
    count = len(chosen) if given.only is None else 1
    print(f"{count - len(failed)} passed, {len(failed)} failed, 0 skipped, {time.monotonic() - begun:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
