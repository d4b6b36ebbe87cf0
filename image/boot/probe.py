"""An extension for the test: a real out-of-tree module (a GPIO chip on paper, which Debian does not build), the device side of USB from the kernel's own
package, and the programs that say what they hear and draw (`hal/examples`). Made by the steps that make the card's extension, signed with the test's keys."""

import functools
import lzma
import shutil
import subprocess
import tarfile
from pathlib import Path

from builder import build, extension, keys, lock, modules, tree, workshop
from builder.told import Refused
from builder.tools import Tools

NAME, VERSION = "probe", "1"
# The device side of USB, in the order of loading.
USB = ("udc-core", "dummy_hcd", "libcomposite", "usb_f_midi")
# Two controllers at a time.
OPTIONS = {"dummy_hcd.ko": "num=2"}
PROGRAMS = ("surface_probe", "screen_probe")
SOURCES = ("drivers/gpio/gpio-sim.c", "drivers/gpio/dev-sync-probe.c", "kernel/irq/irq_sim.c")
VM_TEST = lock.HERE.parent / "tools/vm-test"
START = """#!/bin/sh
at=$1
while read -r it; do modprobe -q "$it"; done <"$at/needs"
while read -r it options; do
    # shellcheck disable=SC2086
    insmod "$at/modules/$it" $options || { echo "the kernel does not take $it"; exit 1; }
done <"$at/order"
"""


def sources(folder, package):
    """The few files of the kernel's source that are built, and headers beside them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name = next(it for it in subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout.split() if it.endswith(".tar.xz"))
    outer = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
    inner = subprocess.Popen(["tar", "-x", "-O", name], stdin=outer.stdout, stdout=subprocess.PIPE)
    with tarfile.open(fileobj=inner.stdout, mode="r|xz") as files:
        for it in files:
            path = it.name.split("/", 1)[-1]
            if path in SOURCES or path.startswith("drivers/gpio/") and path.endswith(".h"):
                (folder / Path(path).name).write_bytes(files.extractfile(it).read())
    outer.wait()
    inner.wait()
    simulated = folder / "irq_sim.c"
    if not simulated.is_file():
        raise Refused(f"{package}: it has no kernel/irq/irq_sim.c")
    # What the simulated interrupts call is exported to no module; what it does for this chip is.
    text = simulated.read_text().replace("handle_simple_irq(irq_to_desc(irqnum));", "generic_handle_irq(irqnum);")
    simulated.write_text(text.replace("handle_simple_irq(irq_to_desc(irq_ctx->irq));", "generic_handle_irq(irq_ctx->irq);"))
    parts = " ".join(f"{Path(it).stem}.o" for it in SOURCES if (folder / Path(it).name).is_file())
    (folder / "Kbuild").write_text(f"obj-m := demon-gpio-sim.o\ndemon-gpio-sim-objs := {parts}\n")


@functools.cache
def chip(work):
    """The module, built for the image's kernel; and the folders of the lock's sets."""
    locked = lock.read()
    files, folders = build.prepare(locked, work, (*lock.OF_AN_IMAGE, "build"))
    found = build.fetch.all_of(locked.of("source"), locked.day, work / "packages", lambda _: None)
    (package,) = found.values()
    sources(work / "probe/gpio", package)
    shop = workshop.Workshop(folders["build"])
    shop.bring(work / "probe/gpio", "gpio")
    (made,) = shop.modules("gpio", work / "probe/gpio.log")
    return made, folders, locked, shop.kernel()


def programs(root):
    """The probes, and their libraries from this machine where the box may have others."""
    built = lock.HERE.parent / "target/release/examples"
    (root / "bin").mkdir()
    for name in PROGRAMS:
        if not (built / name).is_file():
            raise Refused(f"{built / name} is not there: cargo build --release -p hal --example {' --example '.join(PROGRAMS)}")
        subprocess.run(["strip", "--strip-debug", "-o", root / "bin" / name, built / name], check=True)
    shutil.copy(VM_TEST / "gadget", root / "bin/gadget")


def lay_out(root, made, folders, owner):
    """The tree: everything signed by whom the kernel trusts."""
    shutil.rmtree(root, ignore_errors=True)
    (root / "modules").mkdir(parents=True)
    place = root / "modules" / made.name
    subprocess.run(["strip", "--strip-debug", "-o", place, made], check=True)
    keys.sign_module(owner, place)
    kernel = folders["kernel"] / "usr/lib/modules" / modules.release(folders["kernel"])
    for name in USB:
        found = [it for it in kernel.rglob("*.ko.xz") if it.name.split(".")[0].replace("_", "-") == name.replace("_", "-")]
        # What is built into the kernel needs no file.
        for path in found:
            (root / "modules" / f"{name}.ko").write_bytes(lzma.decompress(path.read_bytes()))
    order = [f"{it}.ko" for it in USB if (root / "modules" / f"{it}.ko").is_file()] + [made.name]
    (root / "order").write_text("".join(f"{it} {OPTIONS.get(it, '')}\n" for it in order))
    programs(root)
    (root / "start").write_text(START)
    (root / "start").chmod(0o755)
    return [root / "modules" / it for it in order]


def make(work, place, owner, kernel=None, beside=None):
    """Makes the extension at `place`; `kernel`: for which it says that it is, else for the one it is built for; `beside`: whose key signs the same module once
    more, in the folder `strange`."""
    made, folders, locked, built_for = chip(work)
    image_tools, tools = Tools(folders["image"], locked.epoch()), Tools(folders["tools"], locked.epoch())
    root = work / "probe/tree"
    found = lay_out(root, made, folders, owner)
    (root / "needs").write_text("".join(f"{it}\n" for it in workshop.needs(found, folders["kernel"], image_tools)))
    if beside is not None:
        (root / "strange").mkdir()
        place_of_it = root / "strange" / made.name
        subprocess.run(["strip", "--strip-debug", "-o", place_of_it, made], check=True)
        keys.sign_module(beside, place_of_it)
    tree.tidy(root, locked.epoch())
    return extension.make(owner, root, (NAME, VERSION, kernel or built_for), locked.epoch(), tools, place)
