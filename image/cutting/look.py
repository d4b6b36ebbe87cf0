"""What is asked of a disk that was found: its file systems can be mended without loss, its slots that could start are whole, its files old or new.

Nothing is mounted; parts of the disk are copied out and asked with e2fsck, debugfs, mtools and veritysetup's own arithmetic.
"""

import hashlib
import re
import subprocess
from pathlib import Path

from boot import disks
from builder import disk as layout
from builder import uki

MIB = 1 << 20
BLOCK = 4096


def run(*command):
    done = subprocess.run([str(it) for it in command], capture_output=True)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def copy_out(disk, name, place):
    """Copies a partition out of a disk, holes as holes; answers whether it is there."""
    with open(disk, "rb") as file:
        table = disks.entries(file)
        for at in range(0, len(table), layout.ENTRY_BYTES):
            if table[at + 56:at + 128].decode("utf-16-le").rstrip("\0") == name:
                first, last = (int.from_bytes(table[at + 32 + it:at + 40 + it], "little") for it in (0, 8))
                break
        else:
            return False
        left = (last - first + 1) * layout.SECTOR
        file.seek(first * layout.SECTOR)
        with open(place, "wb") as out:
            out.truncate(left)
            at = 0
            while left and (block := file.read(min(MIB, left))):
                if block.count(0) != len(block):
                    out.seek(at)
                    out.write(block)
                at, left = at + len(block), left - len(block)
    return True


def ext4(place):
    """Whether a file system comes back as at a start: its journal is played, and then nothing is wrong. Wrong in words, or nothing."""
    # What a journal cannot mend is 4 and more; what preen mends by itself is 1.
    code, said = run("e2fsck", "-p", "-f", place)
    return None if code in (0, 1) else f"e2fsck answers {code}: {said.strip()[-300:]}"


def file_of(place, name):
    """A file of an ext4, or nothing."""
    code, said = run("debugfs", "-R", f"stat {name}", place)
    if code or "File not found" in said:
        return None
    return subprocess.run(["debugfs", "-R", f"cat {name}", place], capture_output=True).stdout


def kernels(place, scratch):
    """Kernel files of a boot partition that are programs: name to content."""
    code, said = run("mdir", "-b", "-i", place, "::/EFI/Linux")
    if code:
        raise ValueError(f"mdir: {said.strip()}")
    found = {}
    for line in said.splitlines():
        name = line.rsplit("/", 1)[-1].strip()
        if name.endswith(".efi"):
            target = Path(scratch) / "kernel"
            code, why = run("mcopy", "-n", "-o", "-i", place, f"::/EFI/Linux/{name}", target)
            if code == 0 and target.read_bytes()[:2] == b"MZ":
                found[name] = target.read_bytes()
    return found


def first(names):
    """The kernel file that the boot loader takes: the newest that is fit or has tries left."""
    def key(name):
        middle = name.removeprefix("demon_").removesuffix(".efi")
        version, _, counted = middle.partition("+")
        numbers, _, word = version.partition("-")
        return (not counted.startswith("0"), [int(it) for it in numbers.split(".")], word == "", word)
    return max(names, key=key)


def root_hash(data, hashes, blocks, salt):
    """Whether a root belongs to the tree of hashes over it: the root of the tree, computed from the data alone."""
    level = [hashlib.sha256(salt + data[at:at + BLOCK]).digest() for at in range(0, blocks * BLOCK, BLOCK)]
    while True:
        packed = b"".join(level)
        level = [hashlib.sha256(salt + packed[at:at + BLOCK].ljust(BLOCK, b"\0")).digest() for at in range(0, len(packed), BLOCK)]
        if len(level) == 1:
            return level[0]


def slot_of(disk, salt, scratch):
    """The letter of the slot whose hashes bear a salt."""
    for letter in "ab":
        place = Path(scratch) / f"verity-{letter}"
        if copy_out(disk, f"demon-verity-{letter}", place) and place.read_bytes()[88:120] == salt:
            return letter
    return None


def wanted(kernel):
    """Which root a kernel file starts: salt, root hash, blocks; from the cpio of its initrd."""
    packed = uki.read(kernel)[".initrd"]
    done = subprocess.run(["zstd", "-dc"], input=packed, capture_output=True)
    root, salt, blocks = re.search(rb"demon_\S+ ([0-9a-f]{64}) ([0-9a-f]{64}) (\d+)\n", done.stdout).groups()
    return bytes.fromhex(salt.decode()), bytes.fromhex(root.decode()), int(blocks)
