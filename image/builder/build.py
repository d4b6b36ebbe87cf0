"""`make image`: all steps in their order. Prints what it does, how long it took, what came of it, and how to flash it.

    python3 -m builder.build --demon FILE [--keys FOLDER | --test-keys] [--version VERSION] [--to FOLDER]

What is unpacked is kept and taken again while the lock says the same, so that a second build takes only what our own files take.
"""

import argparse
import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import disk, esp, fetch, initrd, keys, lock, modules, sbom, tree, unpack, update, uki, verity
from .told import Refused, megabytes, run_main, say, step
from .tools import Tools

REPO = lock.HERE.parent
VERSION = re.compile(r"\d+\.\d+\.\d+([-.][a-z0-9]+)*")
COMMAND_LINE = lock.HERE / "command-line"


@dataclass
class Parts:
    """Where a build's parts lie."""

    work: Path
    out: Path
    version: str
    product: str = "demon"

    def file(self, ending):
        # The kernel file is named `demon_` whatever the product: the initrd and the boot loader look for that.
        return self.out / f"{self.product if ending == 'raw' else 'demon'}_{self.version}.{ending}"


def own_version():
    """The program's version, as the workspace has it."""
    found = re.search(r'^version = "([^"]+)"', (REPO / "Cargo.toml").read_text(), re.MULTILINE)
    return found.group(1)


def arguments():
    parser = argparse.ArgumentParser(prog="make image", description="Builds the box's image.")
    parser.add_argument("--demon", type=Path, required=True, help="the program, built for x86-64 Linux with glibc 2.41 or older")
    parser.add_argument("--keys", type=Path, help="a folder with boot.key, boot.crt, update.key, update.pub: see image/keys/README.md")
    parser.add_argument("--test-keys", action="store_true", help="sign with a throw-away pair below target/image")
    parser.add_argument("--rt", action="store_true", help="with Debian's real-time kernel, for a box without a card; a product of its own (demon_rt)")
    parser.add_argument("--version", default=own_version(), help="what the image is called, as 1.2.3 (default: the program's)")
    parser.add_argument("--to", type=Path, default=Path("target/image/out"), help="where the image goes [default: target/image/out]")
    given = parser.parse_args()
    if not given.demon.is_file():
        raise Refused(f"--demon: {given.demon} is no file (`make build` makes target/release/demon)")
    if given.demon.read_bytes()[:20] != b"\x7fELF\2\1\1" + given.demon.read_bytes()[7:16] + b"\3\0\x3e\0":
        raise Refused(f"--demon: {given.demon} is no position-independent program for x86-64")
    if not VERSION.fullmatch(given.version):
        raise Refused(f"--version: {given.version!r}, expected three numbers as 1.2.3, perhaps with -rc1 behind them")
    return given


def prepare(locked, work, groups=lock.OF_AN_IMAGE):
    """Packages fetched and unpacked; files by package, folders by set."""
    with step("packages") as note:
        files = fetch.all_of(locked.of(*groups), locked.day, work / "packages", note)
    folders = {}
    for group in groups:
        with step(f"unpack {group}") as note:
            folders[group] = work / "unpacked" / group
            unpack.into(folders[group], {k: v for k, v in files.items() if k.group == group}, locked.digest(group), note)
    return files, folders


def build_root(parts, folders, demon, owner, image_tools, tools, epoch):
    """The tree, its file system, and the hashes over it."""
    root = parts.work / "tree"
    with step("tree") as note:
        tree.base(folders["image"], root)
        tree.hardware(root, folders["image"], image_tools)
        tree.ours(root, demon, parts.version, owner, parts.product)
        count = modules.keep(folders["kernel"], root, image_tools)
        tree.switch_on(root)
        tree.tidy(root, epoch)
        note(f"{sum(1 for _ in root.rglob('*'))} names, {count} kernel modules")
    with step("root (erofs)") as note:
        size = verity.erofs(root, parts.file("root"), parts.version, epoch, tools)
        if disk.ROOT_MIB * disk.MIB < size:
            raise Refused(f"the root has {megabytes(size)}, a slot holds {disk.ROOT_MIB} MiB")
        note(megabytes(size))
    with step("hashes (dm-verity)") as note:
        found = verity.hashes(parts.file("root"), parts.file("verity"), parts.version, tools)
        parts.file("roothash").write_text(f"{found.hash}\n")
        note(found.hash[:16])
    return found


def build_boot(parts, folders, found, owner, image_tools, tools, epoch):
    """The initrd, the kernel's one file, the boot loader; signed where there are keys. The boot loader's path."""
    kernel = folders["kernel"]
    name = modules.release(kernel)
    with step("initrd") as note:
        packed, count = initrd.make(parts.work / "initrd", kernel, image_tools, tools, found, epoch)
        note(f"{megabytes(len(packed))}, {count} modules")
    with step("kernel, initrd, command line (UKI)") as note:
        firmware = folders["boot"] / "usr/lib/systemd/boot/efi"
        line = " ".join(modules.words(COMMAND_LINE))
        whole = uki.make((firmware / "linuxx64.efi.stub").read_bytes(), [
            (".osrel", uki.os_release((parts.work / "tree/usr/lib/os-release").read_bytes())), (".cmdline", line.encode()),
            (".uname", name.encode()), (".initrd", packed), (".linux", (kernel / f"boot/vmlinuz-{name}").read_bytes())])
        unsigned, loader = parts.work / "unsigned.efi", parts.work / "loader.efi"
        unsigned.write_bytes(whole)
        if owner is None:
            shutil.copy(unsigned, parts.file("efi"))
            shutil.copy(firmware / "systemd-bootx64.efi", loader)
        else:
            keys.sign_boot(owner, tools, unsigned, parts.file("efi"))
            keys.sign_boot(owner, tools, firmware / "systemd-bootx64.efi", loader)
        note(f"{megabytes(parts.file('efi').stat().st_size)}, {'unsigned' if owner is None else 'signed'}")
    return loader, name


def main():
    given = arguments()
    locked = lock.read()
    owner = keys.read(given.keys) if given.keys else None
    work = Path("target/image").resolve()
    out = given.to.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if owner is None and given.test_keys:
        owner = keys.for_tests(work / "test-keys")
    parts = Parts(work, out, given.version, "demon_rt" if given.rt else "demon")
    epoch = locked.epoch()
    say(f"demon {given.version} from image/lock of {locked.day[:8]}, {given.demon}")
    groups = ["rt" if it == "kernel" and given.rt else it for it in lock.OF_AN_IMAGE]
    files, folders = prepare(locked, work, groups)
    if given.rt:
        folders["kernel"] = folders.pop("rt")
    image_tools, tools = Tools(folders["image"], epoch), Tools(folders["tools"], epoch)
    found = build_root(parts, folders, given.demon, owner, image_tools, tools, epoch)
    loader, name = build_boot(parts, folders, found, owner, image_tools, tools, epoch)
    with step("disk (GPT)") as note:
        esp.make(work / "esp.fat", loader, parts.file("efi"), given.version, tools)
        size = disk.write(parts.file("raw"), disk.layout(work / "esp.fat", parts.file("root"), parts.file("verity")))
        note(f"{megabytes(size)}, {megabytes(parts.file('raw').stat().st_blocks * 512)} of them used")
    with step("list of parts (SBOM)") as note:
        shipped = {k: v for k, v in files.items() if k.group != "tools"}
        rows, owed = sbom.write(out, shipped, folders, locked.day, given.version, epoch)
        note(f"{len(rows)} parts, {owed} want their source offered")
    if owner is not None:
        with step("update for a stick") as note:
            files = [(part, parts.file(ending)) for part, ending in update.PARTS]
            about = (parts.product, parts.version, found.hash)
            size = update.write(owner, files, about, parts.out / f"{parts.product}-{parts.version}.update")
            note(megabytes(size))
    tell(parts, name, locked, owner)
    return 0


def tell(parts, kernel, locked, owner):
    """What came of it, and how it gets onto a disk."""
    say("")
    for ending, what in (("raw", "the disk"), ("root", "root"), ("verity", "its hashes"), ("efi", "kernel, initrd, command line")):
        path = parts.file(ending)
        if ending == "raw":
            say(f"  {path}  {megabytes(path.stat().st_size)}")
        else:
            with open(path, "rb") as file:
                say(f"  {what:<30}{megabytes(path.stat().st_size):>10}  sha256 {hashlib.file_digest(file, 'sha256').hexdigest()[:32]}")
    versions = {it.name: it.version for it in locked.packages}
    say(f"  kernel {kernel}, systemd {versions['systemd']}, Debian {locked.release}")
    say(f"  {parts.out / 'sbom.txt'}: what is in it, under which licences, and which source whoever ships it offers")
    if owner is None:
        say("  UNSIGNED: no keys were given. It starts where Secure Boot is off, and takes no update (image/keys/README.md).")
    elif owner.are_tests:
        say("  signed with the throw-away TEST keys: for tests, never for a box that leaves the house")
    say(f"flash it: dd if={parts.file('raw')} of=/dev/DISK bs=4M conv=fsync oflag=direct status=progress   (docs/install.md)")


if __name__ == "__main__":
    run_main(main)
