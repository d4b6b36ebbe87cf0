#!/usr/bin/env python3
"""What the C library's heaps of a running process hold: used and free bytes of each, and the sizes of which most is used.

    tools/soak/heaps.py PID

Reads /proc/PID/mem, chunk by chunk (glibc, 64 bit), and stops nothing: taken twice, some minutes apart, it tells which blocks become more. What is larger
than `compute::freed` lets a heap have is mapped by itself and is no heap's; those blocks stand last.
"""

import collections
import pathlib
import struct
import sys

# Heaps beside the first one begin at multiples of that.
HEAP = 64 << 20
# A heap's own record, and the library's of threads that it serves.
LEAST, MOST = 2096, 2400
# The first block of a heap whose first thread is its own: a cache of 0x290 bytes.
CACHE = 0x290


def walk(name, data, at):
    used, free, blocks = collections.Counter(), 0, []
    while at + 16 <= len(data):
        size = struct.unpack_from("<Q", data, at + 8)[0]
        length = size & ~7
        if length < 32 or at + length > len(data):
            break
        blocks.append((length, size & 1))
        at += length
    # Whether a block is used stands in the one behind it.
    for (length, _), (_, before_is_used) in zip(blocks, blocks[1:]):
        if before_is_used:
            used[length] += length
        else:
            free += length
    print(f"{name} {len(data) / 1e6:.1f} MB: used {sum(used.values()) / 1e6:.1f}, free {free / 1e6:.1f}, {len(blocks)} blocks")
    print("    " + ", ".join(f"{total // length} of {length}" for length, total in used.most_common(10)))


def count_mapped(read, low, high, mapped):
    """Blocks that are mapped by themselves, one behind the other: whole pages, with a mark."""
    while low + 16 <= high:
        length = struct.unpack("<Q", read(low + 8, 8))[0]
        if length & 7 != 2 or length % 4096 != 2 or high < low + length - 2:
            return
        mapped[length - 2] += length - 2
        low += length - 2


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    folder = pathlib.Path("/proc") / sys.argv[1]
    mapped = collections.Counter()
    with open(folder / "mem", "rb", 0) as memory:
        def read(low, count):
            memory.seek(low)
            return memory.read(count)

        for line in (folder / "maps").read_text().splitlines():
            words = line.split()
            low, high = (int(it, 16) for it in words[0].split("-"))
            if words[-1] == "[heap]":
                walk("first", read(low, high - low), 0)
            elif len(words) == 5 and words[1] == "rw-p":
                record = struct.unpack("<Q", read(low, 8))[0] if low % HEAP == 0 else 0
                if low <= record < high:
                    data = read(low, high - low)
                    sizes = range(record - low + LEAST, record - low + MOST, 8)
                    begins = next((at for at in sizes if (struct.unpack_from("<Q", data, at + 8)[0] & ~7) == CACHE), None)
                    walk(f"{low:x}", data, begins if begins is not None else len(data))
                else:
                    count_mapped(read, low, high, mapped)
    print(f"mapped by themselves {sum(mapped.values()) / 1e6:.1f} MB")
    print("    " + ", ".join(f"{total // length} of {length}" for length, total in mapped.most_common(30)))


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"heaps: {error}: it ends, it freed that just now, or it is not yours; run again")
