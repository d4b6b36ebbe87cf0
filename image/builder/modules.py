"""Kernel modules: those that the box keeps, and those that find and check its root.

`modules` beside this folder says which parts of the kernel's tree the box keeps; `initrd/modules` which few the initrd has, with all that they
stand on. Another tool's index (`depmod`) is made with the image's own kmod.
"""

import lzma
import shutil

from .lock import HERE
from .told import Refused


def words(path):
    return [line.split("#")[0].strip() for line in path.read_text().splitlines() if line.split("#")[0].strip()]


def release(kernel):
    """The kernel's release, as its folder of modules is called."""
    found = [it.name for it in (kernel / "usr/lib/modules").iterdir()]
    if len(found) != 1:
        raise Refused(f"{kernel}: expected one kernel, found {', '.join(found) or 'none'}")
    return found[0]


def index(root, name, image_tools):
    """Makes the index; what it holds in text as well is for people."""
    image_tools.run("depmod", "-b", root, name)
    for text in ("modules.alias", "modules.symbols"):
        (root / "usr/lib/modules" / name / text).unlink()


def kept(kernel, image_tools):
    """The modules that the box keeps: their places in the kernel's tree, and their files."""
    name = release(kernel)
    source = kernel / "usr/lib/modules" / name
    everything = {it.relative_to(source / "kernel").as_posix(): it for it in (source / "kernel").rglob("*.ko.xz")}
    wanted, unwanted = [], []
    for word in words(HERE / "modules"):
        (unwanted if word.startswith("-") else wanted).append(word.lstrip("-"))
    below = lambda path, parts: any(path == part or path.startswith(part + "/") for part in parts)
    for part in wanted + unwanted:
        if not any(below(path, [part]) for path in everything):
            raise Refused(f"image/modules: the kernel {name} has no module below {part!r}")
    chosen = {path for path in everything if below(path, wanted) and not below(path, unwanted)}
    # What they stand on comes too, wherever it lies.
    stands_on = dependencies(source, image_tools)
    for path in sorted(chosen):
        chosen.update(stands_on.get(path, []))
    return {path: everything[path] for path in sorted(chosen)}


def keep(kernel, root, image_tools):
    """Copies the parts that the box keeps below `root`; how many modules that are."""
    name = release(kernel)
    source, target = kernel / "usr/lib/modules" / name, root / "usr/lib/modules" / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for text in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copy(source / text, target / text)
    chosen = kept(kernel, image_tools)
    for path, file in chosen.items():
        place = target / "kernel" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    index(root, name, image_tools)
    return len(chosen)


def dependencies(source, image_tools):
    """What each module stands on, by an index that is made once."""
    if not (source / "modules.dep").is_file():
        image_tools.run("depmod", "-b", source.parents[3], source.name)
    found = {}
    for line in (source / "modules.dep").read_text().splitlines():
        one, _, others = line.partition(":")
        found[one.removeprefix("kernel/")] = [it.removeprefix("kernel/") for it in others.split()]
    return found


def few(kernel, root, image_tools):
    """The initrd's modules, unpacked, so that a small modprobe loads them."""
    name = release(kernel)
    source, target = kernel / "usr/lib/modules" / name, root / "usr/lib/modules" / name
    by_name = {it.name.split(".")[0].replace("_", "-"): it.relative_to(source / "kernel").as_posix()
               for it in (source / "kernel").rglob("*.ko.xz")}
    builtin = {line.rsplit("/", 1)[-1].split(".")[0].replace("_", "-") for line in (source / "modules.builtin").read_text().splitlines()}
    stands_on, chosen = dependencies(source, image_tools), set()
    for word in words(HERE / "initrd/modules"):
        word = word.replace("_", "-")
        if word in by_name:
            chosen.update([by_name[word], *stands_on.get(by_name[word], [])])
        elif word not in builtin:
            raise Refused(f"image/initrd/modules: the kernel {name} has no module {word!r}")
    for path in sorted(chosen):
        place = target / "kernel" / path.removesuffix(".xz")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(lzma.decompress((source / "kernel" / path).read_bytes()))
    for text in ("modules.builtin", "modules.order"):
        shutil.copy(source / text, target / text)
    image_tools.run("depmod", "-b", root, name)
    return len(chosen)
