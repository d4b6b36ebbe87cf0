"""Makes states of a disk from a log of its writes and looks at each; a table at the end, and the first states that are wrong, to be made again by their number.

    python3 -m cutting.cut --disk DISK --log LOG [--states N] [--seed S] [--only NUMBER] [--deaf]

DISK is the disk as it was when the log began; a copy of it is changed. Sums of roots are computed once for what has not changed.
"""

import argparse
import struct
import sys
import tempfile
import time
from dataclasses import replace
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
        self.known, self.ledger = {}, None

    def state_of(self, disk):
        """The state of play that a disk holds, as it lies there; nothing where there is none."""
        data = self.scratch / "data"
        is_there = look.copy_out(disk, "demon-data", data) and look.is_ext4(data) and look.ext4(data) is None
        return look.file_of(data, look.Ledger.PLACE) if is_there else None

    def wrong(self, disk, cut=None):
        """What is wrong, in words; nothing where a start would go well. `cut`: behind which entry of the log the power went."""
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
            if told is None and self.ledger is not None and cut is not None:
                told = self.ledger.wrong(look.file_of(data, look.Ledger.PLACE) if look.is_ext4(data) else None, cut)
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
        # What is not made yet the first start makes.
        return look.ext4(place) if look.is_ext4(place) else None


class Cutting:
    """A disk, the log of what was written to it, and the states that are made of both."""

    def __init__(self, disk, log, count, seed, deaf=False):
        self.writes = read(log)
        if deaf:
            # A disk that says at once that everything is on it: what waits for it waits for nothing.
            self.writes = [replace(it, flushes=False, is_kept=False) for it in self.writes]
        self.log, self.count, self.seed = log, count, seed
        self.work = Path("target/image/cut.raw")
        self.work.parent.mkdir(parents=True, exist_ok=True)
        disks.copy(disk, self.work, -(-disk.stat().st_size >> 30) or 1)

    def about(self):
        flushes = sum(it.flushes for it in self.writes)
        return f"{len(self.writes)} entries, {sum(it.length for it in self.writes) / 1e6:.1f} MB, {flushes} flushes"

    def each(self, only=None):
        """Every state, in the order of its cut: its number, its cut and what is wrong with it, while the disk is as it is found."""
        chosen = sorted(enumerate(states.choose(self.writes, self.count, self.seed)), key=lambda it: it[1].cut)
        disk = states.Disk(self.work, self.log, self.writes)
        with tempfile.TemporaryDirectory() as scratch:
            looker = Looker(scratch)
            looker.ledger = look.Ledger(self.writes, self.log, looker.state_of(self.work))
            for number, state in chosen:
                if only is None or number in only:
                    with disk.found(state):
                        yield number, state.cut, looker.wrong(self.work, state.cut)
        disk.close()


def main():
    parser = argparse.ArgumentParser(prog="image/cuts", description="Cuts the power of a disk anywhere in a log of its writes.")
    parser.add_argument("--disk", type=Path, required=True, help="the disk as it was when the log began")
    parser.add_argument("--log", type=Path, required=True, help="what QEMU's blklogwrites has written")
    parser.add_argument("--states", type=int, default=STATES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="one state, by its number, left in target/image/state-NUMBER.raw")
    parser.add_argument("--deaf", action="store_true", help="a disk that forgets what it was asked to keep: states of it have to be wrong")
    given = parser.parse_args()
    begun, failed, count = time.monotonic(), [], 0
    cutting = Cutting(given.disk, given.log, given.states, given.seed, given.deaf)
    print(cutting.about(), flush=True)
    if not cutting.writes:
        print("0 passed, 1 failed, 0 skipped")
        return 1
    for number, cut, told in cutting.each(None if given.only is None else {given.only}):
        count += 1
        if given.only is not None:
            disks.copy(cutting.work, cutting.work.with_name(f"state-{number}.raw"), -(-cutting.work.stat().st_size >> 30))
        if told:
            failed.append(number)
            if len(failed) <= TELL_MOST:
                print(f"{'found' if given.deaf else 'FAIL'}  state {number}, cut behind entry {cut}: {told}", flush=True)
    took = time.monotonic() - begun
    if given.deaf:
        print(f"{len(failed)} of {count} states are wrong, as they have to be\n{int(bool(failed))} passed, {int(not failed)} failed, 0 skipped, {took:.0f} s")
        return 0 if failed else 1
    print(f"{count - len(failed)} passed, {len(failed)} failed, 0 skipped, {took:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
