"""Disks that may be found when the power comes back: cut anywhere in a log, everything before the last flush there, of the rest a random part.

A disk is changed in place and changed back, so that a thousand states of a large disk cost what their writes cost.
"""

import random
from contextlib import contextmanager
from dataclasses import dataclass

SECTOR = 512


@dataclass(frozen=True)
class State:
    """One of them: cut behind so many entries; of those behind the last flush these were kept, and one of them perhaps only in part."""

    cut: int
    kept: tuple
    torn: int | None = None


def last_flush(writes, cut):
    """How many entries are surely on the disk."""
    return next((it + 1 for it in range(cut - 1, -1, -1) if writes[it].flushes), 0)


def choose(writes, count, seed=1):
    """So many states, the cuts spread over the whole log: what is between two flushes is lost in every share, from none to all."""
    dice = random.Random(seed)
    for number in range(count):
        cut = dice.randint(1, len(writes)) if number else len(writes)
        open_ = [it for it in range(last_flush(writes, cut), cut) if writes[it].length and not writes[it].is_discard]
        share = dice.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        kept = tuple(it for it in open_ if dice.random() < share or writes[it].is_kept)
        torn = dice.choice(kept) if kept and dice.random() < 0.3 else None
        yield State(cut, kept, torn)


class Disk:
    """A disk, and the log of what was written to it."""

    def __init__(self, place, log, writes):
        self.disk, self.log, self.writes = open(place, "r+b"), open(log, "rb"), writes
        self.at = 0

    def data(self, write):
        if write.is_discard:
            return b""
        self.log.seek(write.data_at)
        return self.log.read(write.length)

    def put(self, at, data):
        self.disk.seek(at)
        self.disk.write(data)

    def forward(self, to):
        """Everything before this entry is on the disk for good; only ever forward."""
        if to < self.at:
            raise ValueError(f"the disk is at entry {self.at}, asked for {to}")
        for write in self.writes[self.at:to]:
            self.put(write.at, self.data(write))
        self.at = to

    @contextmanager
    def found(self, state):
        """The disk as it is found, until the end of the block."""
        self.forward(last_flush(self.writes, state.cut))
        before = []
        for number in state.kept:
            write = self.writes[number]
            data = self.data(write)
            if number == state.torn and SECTOR < len(data):
                # Sectors are written whole; a longer write may have begun.
                data = data[:len(data) // 2 // SECTOR * SECTOR or SECTOR]
            self.disk.seek(write.at)
            old = self.disk.read(len(data))
            # What was empty is remembered by its length: an erased partition is large.
            before.append((write.at, len(old) if old.count(0) == len(old) else old))
            self.put(write.at, data)
        self.disk.flush()
        try:
            yield
        finally:
            for at, old in reversed(before):
                self.put(at, bytes(old) if isinstance(old, int) else old)
            self.disk.flush()

    def close(self):
        self.disk.close()
        self.log.close()
