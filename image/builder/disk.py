"""The disk: a GPT with the boot partition and two places for a root; the place for data is made at the first start.

Offsets are in sectors of 512 bytes, partitions begin at whole mebibytes. The file is sparse; nothing is mounted to write it.
"""

import struct
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
MIB = 1 << 20
ENTRIES, ENTRY_BYTES = 128, 128
ESP = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
ROOT = uuid.UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
ROOT_VERITY = uuid.UUID("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5")
DISK = uuid.uuid5(uuid.NAMESPACE_DNS, "disk.demon.invalid")
ESP_MIB, ROOT_MIB, VERITY_MIB = 192, 512, 8
# Read-only, and no other system mounts it by itself.
READ_ONLY, NO_AUTO = 1 << 60, 1 << 63


@dataclass(frozen=True)
class Partition:
    """One partition: kind, identity, name, room in mebibytes, and the file that fills it."""

    kind: uuid.UUID
    identity: uuid.UUID
    name: str
    mebibytes: int
    attributes: int = 0
    content: Path | None = None


def layout(esp, root, root_hashes):
    """The box's partitions, the first slot filled, the second empty. An update never changes the table: which version a slot holds, its hashes say."""
    parts = [("esp", ESP, ESP_MIB, 0, esp)]
    for slot, (data, hashes) in (("a", (root, root_hashes)), ("b", (None, None))):
        parts.append((f"root-{slot}", ROOT, ROOT_MIB, READ_ONLY | NO_AUTO, data))
        parts.append((f"verity-{slot}", ROOT_VERITY, VERITY_MIB, READ_ONLY | NO_AUTO, hashes))
    return [Partition(kind, uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.demon.invalid"), f"demon-{name}", size, attributes, content)
            for name, kind, size, attributes, content in parts]


def entry(partition, first, last):
    name = partition.name.encode("utf-16-le").ljust(72, b"\0")
    return partition.kind.bytes_le + partition.identity.bytes_le + struct.pack("<QQQ", first, last, partition.attributes) + name


def header(here, there, entries_at, last_sector, entries):
    """One of the two headers; `here` and `there` are the sectors of this one and of the other."""
    def packed(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, here, there, 34, last_sector - 33,
                           DISK.bytes_le, entries_at, ENTRIES, ENTRY_BYTES, zlib.crc32(entries))
    return packed(zlib.crc32(packed(0))).ljust(SECTOR, b"\0")


def write(place, partitions):
    """Writes the whole disk; its size in bytes."""
    at, spans = MIB, []
    for it in partitions:
        spans.append((at // SECTOR, (at + it.mebibytes * MIB) // SECTOR - 1))
        at += it.mebibytes * MIB
    size = at + MIB
    last = size // SECTOR - 1
    entries = b"".join(entry(it, *span) for it, span in zip(partitions, spans)).ljust(ENTRIES * ENTRY_BYTES, b"\0")
    protective = bytes(446) + struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, min(last, 0xFFFFFFFF)) + bytes(48) + b"\x55\xaa"
    place.unlink(missing_ok=True)
    with open(place, "wb") as disk:
        disk.truncate(size)
        disk.write(protective + header(1, last, 2, last, entries) + entries)
        for it, (first, _) in zip(partitions, spans):
            if it.content is not None:
                copy(it.content, disk, first * SECTOR)
        disk.seek((last - 32) * SECTOR)
        disk.write(entries + header(last, 1, last - 32, last, entries))
    return size


def copy(source, disk, at):
    """Copies a file into the disk; blocks of nothing stay holes."""
    with open(source, "rb") as file:
        while block := file.read(MIB):
            if block.count(0) != len(block):
                disk.seek(at)
                disk.write(block)
            at += len(block)
