"""A log of everything that was written to a disk, in its order, with the flushes between: the format of the kernel's dm-log-writes, which QEMU writes too.

    -blockdev driver=blklogwrites,node-name=logged,file=DISK-NODE,log=LOG-NODE
"""

import struct
from dataclasses import dataclass

MAGIC, VERSION = 0x6A736677736872, 1
HEAD = struct.Struct("<QQQI")
ENTRY = struct.Struct("<QQQQ")
PIECE = 1 << 20
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8


@dataclass(frozen=True)
class Write:
    """One entry: bytes at a place, or none; `at` and `length` in bytes. `flushes`: what was written before is on the disk when this is done."""

    at: int
    length: int
    data_at: int
    flushes: bool
    is_kept: bool
    is_discard: bool


def read(place):
    """All entries of a log."""
    found = []
    with open(place, "rb") as file:
        magic, version, count, sector = HEAD.unpack(file.read(HEAD.size))
        if magic != MAGIC or version != VERSION:
            raise ValueError(f"{place}: no log of writes (expected {MAGIC:#x} version {VERSION}, found {magic:#x} version {version})")
        at = sector
        for _ in range(count):
            file.seek(at)
            head = file.read(ENTRY.size)
            if len(head) < ENTRY.size:
                break
            first, sectors, flags, _ = ENTRY.unpack(head)
            has_data = not flags & (DISCARD | MARK) and 0 < sectors
            found.extend(pieces(first * sector, sectors * sector, at + sector, flags))
            at += sector + (sectors * sector if has_data else 0)
    return found


def pieces(at, length, data_at, flags):
    """An entry, and a long one in parts: whoever erases a partition asks for gigabytes at once, which a disk never writes as one."""
    for begin in range(0, length or 1, PIECE):
        part = min(PIECE, length - begin)
        yield Write(at + begin, part, data_at + begin, bool(flags & FLUSH), bool(flags & FUA), bool(flags & DISCARD))


class Writer:
    """Writes such a log: for disks on paper."""

    def __init__(self, place, sector=512):
        self.file, self.sector, self.count = open(place, "wb"), sector, 0
        self.file.write(bytes(sector))

    def add(self, at, data=b"", flags=0):
        """An entry; `data` is whole sectors at a whole sector."""
        head = ENTRY.pack(at // self.sector, len(data) // self.sector, flags, 0)
        self.file.write(head.ljust(self.sector, b"\0") + data)
        self.count += 1

    def close(self):
        self.file.seek(0)
        self.file.write(HEAD.pack(MAGIC, VERSION, self.count, self.sector))
        self.file.close()
