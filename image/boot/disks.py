"""Disks of the test: copies of the image, larger, with a version in the other slot, with one bit turned. Made from outside, without mounting."""

import struct
import subprocess
import zlib
from pathlib import Path

from builder import disk
from builder.verity import Verity


def copy(source: Path, target: Path, gibibytes: int):
    """A sparse copy of a disk, made larger."""
    subprocess.run(["cp", "--sparse=always", source, target], check=True)
    with open(target, "r+b") as file:
        file.truncate(gibibytes << 30)


def entries(file):
    """The partition table's entries as they are on the disk."""
    file.seek(2 * disk.SECTOR)
    return bytearray(file.read(disk.ENTRIES * disk.ENTRY_BYTES))


def place(file, name: str):
    """First byte of the partition with a name."""
    table = entries(file)
    for at in range(0, len(table), disk.ENTRY_BYTES):
        if table[at + 56:at + 128].decode("utf-16-le").rstrip("\0") == name:
            return struct.unpack_from("<Q", table, at + 32)[0] * disk.SECTOR
    raise LookupError(name)


def write_table(file, table):
    """Writes entries into both tables, with the sums that belong to them."""
    file.seek(disk.SECTOR + 32)
    other, = struct.unpack("<Q", file.read(8))
    for header_at in (disk.SECTOR, other * disk.SECTOR):
        file.seek(header_at)
        head = bytearray(file.read(92))
        entries_at, = struct.unpack_from("<Q", head, 72)
        struct.pack_into("<I", head, 88, zlib.crc32(table))
        struct.pack_into("<I", head, 16, 0)
        struct.pack_into("<I", head, 16, zlib.crc32(head))
        file.seek(header_at)
        file.write(head)
        file.seek(entries_at * disk.SECTOR)
        file.write(table)


def second_slot(target: Path, folder: Path, version: str, tools):
    """Puts a built version into the empty slot of a disk, as an update would."""
    root, hashes, kernel = (folder / f"demon_{version}.{it}" for it in ("root", "verity", "efi"))
    name = Verity(f"demon_{version}", (folder / f"demon_{version}.roothash").read_text().strip(), "", 0)
    with open(target, "r+b") as file:
        table = entries(file)
        for number, content, identity, label in ((3, root, name.partition_ids()[0], name.name),
                                                 (4, hashes, name.partition_ids()[1], f"{name.name}_verity")):
            at = number * disk.ENTRY_BYTES
            table[at + 16:at + 32] = identity.bytes_le
            table[at + 56:at + 128] = label.encode("utf-16-le").ljust(72, b"\0")
            first = struct.unpack_from("<Q", table, at + 32)[0] * disk.SECTOR
            disk.copy(content, file, first)
        write_table(file, table)
        esp = place(file, "demon-esp")
    tools.run("mcopy", "-i", f"{target}@@{esp}", kernel, f"::/EFI/Linux/demon_{version}+3.efi")


def turn_a_bit(target: Path, name: str, at: int):
    """Turns one bit of a partition."""
    with open(target, "r+b") as file:
        where = place(file, name) + at
        file.seek(where)
        byte = file.read(1)[0]
        file.seek(where)
        file.write(bytes([byte ^ 1]))
