"""The file `demon-NAME-VERSION.extension`: drivers and libraries that the image does not ship, for one kernel. `appliance/src/extension` is its reader.

A signed head (`signed`); then, each at a whole block, a file system (erofs) and the tree of hashes over it (dm-verity).
"""

from . import signed, verity
from .told import Refused

LINE = b"demon extension 1\n"
BLOCK = verity.BLOCK


def manifest(name, version, kernel, found, verity_bytes):
    """The text that is signed."""
    return (f'name = "{name}"\nversion = "{version}"\nkernel = "{kernel}"\nmachine = "x86_64"\nblocks = {found.blocks}\n'
            f'verity_blocks = {verity_bytes // BLOCK}\nroothash = "{found.hash}"\nsalt = "{found.salt}"\n').encode()


def write(owner, parts, text, place):
    """Writes the file of a manifest and its two parts; its size."""
    for path in parts:
        if path.stat().st_size % BLOCK:
            raise Refused(f"{path}: {path.stat().st_size} bytes are no whole blocks of {BLOCK}")
    return signed.write(owner, LINE, text, parts, place, BLOCK)


def make(owner, tree, about, epoch, tools, place):
    """An extension of a tree; `about` is its name, its version and the kernel that it is for. Its size."""
    name, version, kernel = about
    root, hashes = place.with_suffix(".root"), place.with_suffix(".verity")
    verity.erofs(tree, root, f"{name}-{version}", epoch, tools)
    found = verity.hashes(root, hashes, f"{name}-{version}", tools)
    size = write(owner, [root, hashes], manifest(name, version, kernel, found, hashes.stat().st_size), place)
    root.unlink()
    hashes.unlink()
    return size
