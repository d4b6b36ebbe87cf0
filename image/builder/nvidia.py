"""`image/nvidia/make`: from the vendor's installer, which the owner brings, a signed extension with the open kernel modules built for the image's kernel,
firmware, the driver's libraries, and TensorRT for RTX where its folder is named.

    python3 -m builder.nvidia --run NVIDIA-Linux-x86_64-VERSION.run [--tensorrt FOLDER] --keys FOLDER | --test-keys [--to FOLDER]

Nothing of the vendor's is in this repository, and what comes of it is for the owner's own box: its licence says what may be passed on.
"""

import argparse
import re
import shutil
import subprocess
from pathlib import Path

from . import build, extension, keys, lock, tree, workshop
from .told import Refused, megabytes, run_main, say, step
from .tools import Tools

NAME = "nvidia"
# In the order in which they are loaded; the others draw, and a box has no desktop.
MODULES = ("nvidia", "nvidia-uvm")
LIBRARIES = ("libcuda", "libnvidia-ml", "libnvidia-ptxjitcompiler", "libnvidia-nvvm", "libnvidia-gpucomp")
PROGRAMS = ("nvidia-modprobe", "nvidia-smi")
RUN = re.compile(r"NVIDIA-Linux-x86_64-(\d+(?:\.\d+)+)(?:-[a-z0-9-]+)?\.run")


def unpack(installer, folder):
    """Unpacks the installer; its version."""
    found = RUN.fullmatch(installer.name)
    if found is None or not installer.is_file():
        raise Refused(f"--run: {installer} is no file NVIDIA-Linux-x86_64-VERSION.run")
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run(["sh", installer, "--extract-only", "--target", folder], capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(f"{installer}: does not unpack: {done.stderr.strip()[-500:]}")
    if not (folder / "kernel-open").is_dir():
        raise Refused(f"{installer}: it has no open kernel modules (expected version 570 or newer)")
    return found[1]


def built(folder, shop, log):
    """The modules, built for the shop's kernel."""
    shop.bring(folder / "kernel-open", NAME)
    # Debian's headers are in two folders: what all flavours of a kernel share, and what is this one's.
    kernel = f"/usr/lib/modules/{shop.kernel()}"
    shop.run(log, "make", "-C", f"/work/{NAME}", f"SYSSRC={kernel}/source", f"SYSOUT={kernel}/build", f"KERNEL_UNAME={shop.kernel()}",
             f"NV_KERNEL_MODULES={' '.join(MODULES)}", "IGNORE_CC_MISMATCH=1", "modules")
    found = [shop.folder / "work" / NAME / f"{name}.ko" for name in MODULES]
    missing = [it.name for it in found if not it.is_file()]
    if missing:
        raise Refused(f"{', '.join(missing)} did not come of the build: see {log}")
    return found


def soname(path):
    """What a library is asked for as."""
    told = subprocess.run(["readelf", "-d", path], capture_output=True, text=True).stdout
    found = re.search(r"SONAME.*\[(.+)\]", told)
    return found[1] if found else path.name


def libraries(sources, there):
    """Copies libraries, and links them under the names that they are asked for by."""
    there.mkdir(parents=True, exist_ok=True)
    for path in sources:
        shutil.copy(path, there / path.name)
        name = soname(path)
        if name != path.name:
            (there / name).unlink(missing_ok=True)
            (there / name).symlink_to(path.name)


def lay_out(root, unpacked, version, found, needed, owner, tensorrt):
    """The tree of the extension."""
    shutil.rmtree(root, ignore_errors=True)
    (root / "modules").mkdir(parents=True)
    for path in found:
        place = root / "modules" / path.name
        subprocess.run(["strip", "--strip-debug", "-o", place, path], check=True)
        keys.sign_module(owner, place)
    (root / "needs").write_text("".join(f"{it}\n" for it in needed))
    firmware = sorted((unpacked / "firmware").glob("gsp_*.bin"))
    if not firmware:
        raise Refused(f"{unpacked}: it has no firmware/gsp_*.bin")
    for path in firmware:
        place = root / "firmware/nvidia" / version / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    wanted = {name: sorted(it for it in unpacked.glob(f"{name}.so.*") if it.is_file()) for name in LIBRARIES}
    if not wanted["libcuda"]:
        raise Refused(f"{unpacked}: it has no libcuda.so.{version}")
    libraries([it for group in wanted.values() for it in group], root / "lib")
    for name in PROGRAMS:
        if (unpacked / name).is_file():
            (root / "bin").mkdir(exist_ok=True)
            shutil.copy(unpacked / name, root / "bin" / name)
            (root / "bin" / name).chmod(0o755)
    if tensorrt is not None:
        more = sorted(it for it in tensorrt.rglob("lib*.so*") if it.is_file() and not it.is_symlink())
        if not any("nvinfer" in it.name or "tensorrt" in it.name for it in more):
            raise Refused(f"--tensorrt: {tensorrt} holds no library of TensorRT (expected lib/libtensorrt_rtx.so.*)")
        libraries(more, root / "lib")
    for path in (unpacked / "LICENSE", unpacked / "LICENSE.txt"):
        if path.is_file():
            shutil.copy(path, root / path.name)
    shutil.copy(lock.HERE / "nvidia/start", root / "start")
    (root / "start").chmod(0o755)


def arguments():
    parser = argparse.ArgumentParser(prog="image/nvidia/make", description="Makes the extension with which a box plays on an NVIDIA card.")
    parser.add_argument("--run", type=Path, required=True, help="the vendor's installer, NVIDIA-Linux-x86_64-VERSION.run, 570 or newer")
    parser.add_argument("--tensorrt", type=Path, help="the unpacked folder of TensorRT for RTX (Linux, x86-64)")
    parser.add_argument("--keys", type=Path, help="the owner's keys: see image/keys/README.md")
    parser.add_argument("--test-keys", action="store_true", help="sign with the throw-away pair below target/image")
    parser.add_argument("--to", type=Path, default=Path("target/image/out"), help="where it goes [default: target/image/out]")
    return parser.parse_args()


def main():
    given = arguments()
    work = Path("target/image").resolve()
    if given.keys is None and not given.test_keys:
        raise Refused("an extension is signed: --keys FOLDER (image/keys/README.md says how keys are made)")
    owner = keys.read(given.keys) if given.keys else keys.for_tests(work / "test-keys")
    locked = lock.read()
    given.to.mkdir(parents=True, exist_ok=True)
    _, folders = build.prepare(locked, work, ("image", "kernel", "tools", "build"))
    image_tools, tools = Tools(folders["image"], locked.epoch()), Tools(folders["tools"], locked.epoch())
    unpacked, root = work / "nvidia/unpacked", work / "nvidia/tree"
    with step("the vendor's installer") as note:
        version = unpack(given.run, unpacked)
        note(version)
    shop = workshop.Workshop(folders["build"])
    with step(f"modules for {shop.kernel()}") as note:
        found = built(unpacked, shop, work / "nvidia/build.log")
        needed = workshop.needs(found, folders["kernel"], image_tools)
        note(f"{', '.join(it.name for it in found)}, which stand on {', '.join(needed) or 'nothing'}")
    with step("tree") as note:
        lay_out(root, unpacked, version, found, needed, owner, given.tensorrt)
        tree.tidy(root, locked.epoch())
        note(f"{sum(1 for it in root.rglob('*') if it.is_file())} files")
    place = given.to / f"demon-{NAME}-{version}.extension"
    with step("extension") as note:
        note(megabytes(extension.make(owner, root, (NAME, version, shop.kernel()), locked.epoch(), tools, place)))
    say(f"  {place}: onto a stick as demon/extensions/{place.name}; it counts from the next start (docs/install.md)")
    return 0


if __name__ == "__main__":
    run_main(main)
