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


def is_ext4(place):
    """Whether a partition bears the mark of an ext4."""
    with open(place, "rb") as file:
        file.seek(1024 + 56)
        return file.read(2) == b"\x53\xef"


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


class Ledger:
    """The states of play that were written to a disk while a log was kept, in their order. Each names its own digest, so no two are alike."""

    BEGINS = b"# What was played last."
    PLACE = "/demon/last-state.toml"

    def __init__(self, writes, log, before):
        self.known = [] if before is None else [(-1, before)]
        with open(log, "rb") as file:
            for number, write in enumerate(writes):
                if write.length and not write.is_discard:
                    file.seek(write.data_at)
                    self._take(number, file.read(write.length))

    def _take(self, number, data):
        at = data.find(self.BEGINS)
        while at >= 0:
            if at % BLOCK == 0:
                text = data[at:].split(b"\0", 1)[0]
                if not self.known or self.known[-1][1] != text:
                    self.known.append((number, text))
            at = data.find(self.BEGINS, at + 1)

    def wrong(self, found, cut):
        """What is wrong with the state that is found behind a cut, in words. One writes them, one after the other, and each is synchronised before the next is
        begun: where the next one's bytes are on their way, the one before is on the disk."""
        begun = [it for it, (number, _) in enumerate(self.known) if number < cut]
        if found is None:
            return "no state of play is there" if len(begun) > 1 else None
        place = next((it for it in reversed(range(len(self.known))) if self.known[it][1] == found), None)
        if place is None:
            return f"the state of play is none that was written: {found[:60]!r}"
        behind = len(begun) - 1 - place
        return f"the state of play is {behind} strokes behind" if behind > 1 else None
