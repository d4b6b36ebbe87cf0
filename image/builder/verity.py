"""The root as erofs, and the tree of hashes over it. Both come out the same to the bit from the same tree: seed, salt and times are fixed."""

import hashlib
import uuid
from dataclasses import dataclass

BLOCK = 4096


@dataclass(frozen=True)
class Verity:
    """What the initrd has to know of a root."""

    name: str
    hash: str
    salt: str
    blocks: int


def erofs(tree, place, version, epoch, tools):
    """Writes the file system; what it is called comes from the version."""
    place.unlink(missing_ok=True)
    identity = uuid.uuid5(uuid.NAMESPACE_DNS, f"root.{version}.demon.invalid")
    tools.run("mkfs.erofs", "-zlz4hc,12", "-C65536", "--all-root", f"-T{epoch}", f"-U{identity}", "-L", "demon", "--quiet", place, tree)
    return place.stat().st_size


def hashes(root, place, version, tools):
    """Writes the tree of hashes and answers the root of it."""
    place.unlink(missing_ok=True)
    salt = hashlib.sha256(f"demon {version}".encode()).hexdigest()
    identity = uuid.uuid5(uuid.NAMESPACE_DNS, f"verity.{version}.demon.invalid")
    blocks = root.stat().st_size // BLOCK
    text = tools.run("veritysetup", "format", f"--salt={salt}", f"--uuid={identity}", "--hash=sha256",
                     f"--data-blocks={blocks}", root, place).decode()
    found = next(line.split()[-1] for line in text.splitlines() if line.startswith("Root hash:"))
    return Verity(f"demon_{version}", found, salt, blocks)
