"""Disks of the test: copies of the image, larger, with a version in the other slot, with one bit turned. Made from outside, without mounting."""

import random
import re
import struct
import subprocess
from pathlib import Path

from builder import disk


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


def second_slot(target: Path, folder: Path, version: str, tools, ending: str = "+3"):
    """Puts a built version into the empty slot of a disk, as an update would; `ending` says how it has done."""
    root, hashes, kernel = (folder / f"demon_{version}.{it}" for it in ("root", "verity", "efi"))
    with open(target, "r+b") as file:
        for content, name in ((root, "demon-root-b"), (hashes, "demon-verity-b")):
            disk.copy(content, file, place(file, name))
        esp = place(file, "demon-esp")
    tools.run("mcopy", "-i", f"{target}@@{esp}", kernel, f"::/EFI/Linux/demon_{version}{ending}.efi")


def stick(target: Path, files, tools, mebibytes: int = 384):
    """A stick: a FAT file system with files, each a pair of what it is and where it goes."""
    target.unlink(missing_ok=True)
    with open(target, "wb") as file:
        file.truncate(mebibytes << 20)
    tools.run("mkfs.vfat", "-F", "32", "-n", "STICK", target)
    made = set()
    for source, place in files:
        folder = ""
        for part in place.split("/")[:-1]:
            folder = f"{folder}/{part}"
            if folder not in made:
                tools.run("mmd", "-i", target, f"::{folder}")
                made.add(folder)
        tools.run("mcopy", "-i", target, source, f"::/{place}")


def put_on_esp(target: Path, files, tools):
    """Files on the boot partition, each a pair of what it is and where it goes; what is there is replaced."""
    with open(target, "rb") as file:
        esp = place(file, "demon-esp")
    there = f"{target}@@{esp}"
    for source, name in files:
        folder = ""
        for part in name.split("/")[:-1]:
            folder = f"{folder}/{part}"
            # A folder that is there already is kept.
            subprocess.run(tools.command("mmd", "-D", "s", "-i", there, f"::{folder}"), capture_output=True)
        tools.run("mcopy", "-o", "-i", there, source, f"::/{name}")


def place_of(root: Path, name: str, tools) -> int:
    """Where in a root (erofs) the first bytes of a file lie."""
    told = tools.run("dump.erofs", f"--path={name}", "-e", root).decode()
    # A line an extent: number, bytes of the file, length, bytes of the disk, length.
    found = re.search(r"^\s*0:\s*\d+\.\.\s*\d+ \|\s*\d+ :\s*(\d+)\.\.", told, re.MULTILINE)
    if found is None:
        raise LookupError(f"{name}: {told.strip()[-300:]}")
    return int(found[1]) + 32


def spoil(target: Path, name: str, length: int):
    """Writes noise over the beginning of a partition."""
    with open(target, "r+b") as file:
        file.seek(place(file, name))
        file.write(random.Random(1).randbytes(length))


def turn_a_bit(target: Path, name: str, at: int):
    """Turns one bit of a partition."""
    with open(target, "r+b") as file:
        where = place(file, name) + at
        file.seek(where)
        byte = file.read(1)[0]
        file.seek(where)
        file.write(bytes([byte ^ 1]))
