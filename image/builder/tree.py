"""The root's tree: unpacked packages less what nobody reads on a box, our program and units, `root/` over it, and what is switched on.

No script of a package runs, so what one would do stands here. Everything is root's and bears one time; nothing is set-uid, since nobody
logs in who would need it.
"""

import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from . import modules, users
from .lock import HERE
from .told import Refused

REPO = HERE.parent
# Read by nobody on a box, or made for another kind of start. Licences stay.
LEFT_OUT = (
    "boot usr/share/man usr/share/info usr/share/locale usr/share/lintian usr/share/bash-completion usr/share/zsh usr/share/bug "
    "usr/share/debconf usr/share/perl5 usr/share/doc-base usr/share/pixmaps usr/share/polkit-1 usr/share/initramfs-tools "
    "usr/lib/udev/hwdb.d usr/lib/systemd/boot usr/lib/systemd/catalog usr/lib/kernel usr/lib/pcrlock.d usr/lib/sysupdate.d "
    "usr/lib/tmpfiles.d/20-systemd-shell-extra.conf usr/lib/tmpfiles.d/20-systemd-ssh-generator.conf usr/lib/tmpfiles.d/20-systemd-stub.conf "
    "usr/lib/tmpfiles.d/credstore.conf usr/lib/tmpfiles.d/debian.conf usr/lib/tmpfiles.d/provision.conf usr/lib/tmpfiles.d/home.conf "
    "usr/lib/tmpfiles.d/x11.conf usr/lib/tmpfiles.d/systemd-network.conf usr/lib/tmpfiles.d/libselinux1.conf "
    "usr/lib/x86_64-linux-gnu/gconv usr/lib/x86_64-linux-gnu/perl usr/games usr/include usr/src usr/share/dict "
    "etc/apt etc/cron.d etc/init.d etc/rc0.d etc/rc1.d etc/rc2.d etc/rc3.d etc/rc4.d etc/rc5.d etc/rc6.d etc/rcS.d etc/kernel "
    "etc/ssh etc/update-motd.d etc/xdg etc/default etc/skel etc/profile.d var/cache var/lib var/log var/spool var/mail "
).split()
# Generators that would start what a box has not: consoles, other roots, debug shells, another system's scripts.
# `systemd-debug-generator` takes units from the firmware of a guest: `make image-test` asks the very image that is shipped.
GENERATORS_KEPT = {"systemd-fstab-generator", "systemd-bless-boot-generator", "systemd-debug-generator"}


def put(tree, place, content, mode=0o644):
    """Writes a file of the tree; what was there is replaced, never written into, since copies share their files."""
    path = tree / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)


def link(tree, place, target):
    path = tree / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def base(unpacked, tree):
    """The packages' tree, without what is left out."""
    shutil.rmtree(tree, ignore_errors=True)
    # Hard links: quick, and `put` never writes into a file.
    subprocess.run(["cp", "-al", unpacked, tree], check=True)
    (tree / ".stamp").unlink()
    for name in LEFT_OUT:
        path = tree / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path in (tree / "usr/share/doc").rglob("*"):
        if path.is_file() and path.name != "copyright":
            path.unlink()
    for kind in ("system-generators", "user-generators"):
        for path in (tree / "usr/lib/systemd" / kind).glob("*"):
            if path.name not in GENERATORS_KEPT:
                path.unlink()
    for name in ("boot", "data", "efi", "dev", "etc", "proc", "run", "sys", "tmp", "var", "var/tmp", "root", "srv", "etc/demon", "etc/default"):
        (tree / name).mkdir(parents=True, exist_ok=True)


def hardware(tree, unpacked, image_tools):
    """What udev's own rules look up of keyboards, pads and sound cards. Names of makers stay out: 9 MB that nobody reads, and our rules go by numbers.
    The older of its two forms, which holds no path of the folder that it was made in."""
    names = "usr/lib/udev/hwdb.d"
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        (root / names).mkdir(parents=True)
        found = [it for it in sorted((unpacked / names).glob("[678]*.hwdb")) if it.name != "80-ieee1394-unit-function.hwdb"]
        if not found:
            raise Refused(f"{unpacked / names}: there is no list of hardware in it")
        for path in found:
            shutil.copy(path, root / names)
        image_tools.run("udevadm", "hwdb", "--update", "--usr", "--strict", "--root", root)
        put(tree, "usr/lib/udev/hwdb.bin", (root / "usr/lib/udev/hwdb.bin").read_bytes())


def ours(tree, demon, version, keys, product):
    """Program, units, rules, users, the built-in model, `root/`, and who we are."""
    program = tree / "usr/bin/demon"
    stripped = subprocess.run(["strip", "--strip-debug", "-o", program, demon], capture_output=True, text=True)
    if stripped.returncode != 0:
        raise Refused(f"{demon}: strip failed: {stripped.stderr.strip()}")
    program.chmod(0o755)
    for place, folder in (("usr/lib/systemd/system", "systemd/system"), ("usr/lib/sysusers.d", "systemd/sysusers.d"),
                          ("usr/lib/udev/rules.d", "udev"), ("usr/share/doc/demon", "docs")):
        for path in sorted((REPO / folder).iterdir()):
            if path.is_file() and path.suffix not in (".ogg", ".png", ".csv"):
                put(tree, f"{place}/{path.name}", path.read_bytes())
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        put(tree, f"usr/share/doc/demon/{name}", (REPO / name).read_bytes())
    model = REPO / "models/house"
    for path in sorted(it for it in model.rglob("*") if it.is_file()):
        put(tree, f"usr/share/demon/models/house/{path.relative_to(model)}", path.read_bytes())
    over = HERE / "root"
    for path in sorted(it for it in over.rglob("*") if it.is_file()):
        runs = bool(path.stat().st_mode & stat.S_IXUSR)
        put(tree, path.relative_to(over), path.read_bytes(), 0o755 if runs else 0o644)
    for path in sorted((HERE / "repart.d").iterdir()):
        put(tree, f"usr/lib/repart.d/{path.name}", path.read_bytes())
    if keys is not None:
        put(tree, "usr/share/demon/update.pub", keys.update_public.read_bytes())
    os_release = (tree / "usr/lib/os-release").read_text()
    put(tree, "usr/lib/os-release", os_release + f'IMAGE_ID={product}\nIMAGE_VERSION={version}\n')
    put(tree, "etc/machine-id", "")
    put(tree, "etc/hostname", "demon\n")
    link(tree, "etc/os-release", "../usr/lib/os-release")
    link(tree, "etc/mtab", "../proc/self/mounts")
    link(tree, "etc/localtime", "../usr/share/zoneinfo/UTC")
    for name in ("sh", "sleep", "cat", "stty"):
        link(tree, f"usr/bin/{name}", "busybox")
    users.write(tree)


def switch_on(tree):
    """Units of `image/enabled` start, those with `-` never can; a unit that is not there is a fault."""
    system = "usr/lib/systemd/system"
    for line in modules.words(HERE / "enabled"):
        if line.startswith("-"):
            link(tree, f"etc/systemd/system/{line[1:].strip()}", "/dev/null")
            continue
        unit, target, how = [*line.split(), "wants"][:3]
        if not (tree / system / unit).is_file():
            raise Refused(f"image/enabled: there is no unit {unit}")
        link(tree, f"{system}/{target}.{how}/{unit}", f"../{unit}")
    link(tree, f"{system}/default.target", "multi-user.target")


def tidy(tree, epoch):
    """One owner's view of all: no set-uid, plain modes, one time."""
    for folder, names, files in os.walk(tree, topdown=False):
        for name in files + names:
            path = Path(folder) / name
            if not path.is_symlink():
                mode = stat.S_IMODE(path.lstat().st_mode)
                if mode & 0o7000 and path.is_file():
                    path.chmod(mode & 0o777)
            os.utime(path, (epoch, epoch), follow_symlinks=False)
    os.utime(tree, (epoch, epoch))
