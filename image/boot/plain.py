"""A plain Debian of the image's release with our program, units, users and rules where a package puts them: what the image is measured beside.

Its configuration is `PACKAGES` and `ENABLED`; nothing else is changed of what Debian sets up. Its kernel and initrd are Debian's own, started by QEMU.
"""

import shutil
import subprocess
from pathlib import Path

from builder import lock, renew
from builder.fetch import mirror
from builder.told import Refused

PACKAGES = ["systemd-sysv", "udev", "dbus", "kmod", "busybox-static", "dmsetup", "linux-image-amd64", "initramfs-tools", "libasound2t64", "e2fsprogs"]
ENABLED = ["demon-player.service", "demon-engine.service", "demon-health.timer"]
GIBIBYTES = 3
REPO = lock.HERE.parent


def debian(work):
    """Its tree, fetched once."""
    place = work / "plain"
    if (place / ".whole").is_file():
        return place
    if not shutil.which("mmdebstrap"):
        from .guest import machine
        raise machine.Skip("mmdebstrap is missing: apt-get install mmdebstrap")
    shutil.rmtree(place, ignore_errors=True)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", f"--keyring={renew.KEYRING}", renew.RELEASE, place,
               f"deb [signed-by={renew.KEYRING}] {mirror()}/debian {renew.RELEASE} main"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(f"mmdebstrap: {done.stderr.strip()[-500:]}")
    (place / ".whole").write_text("")
    return place


def ours(root, demon):
    """What our package puts there."""
    subprocess.run(["strip", "--strip-debug", "-o", root / "usr/bin/demon", demon], check=True)
    (root / "usr/bin/demon").chmod(0o755)
    for place, folder in (("usr/lib/systemd/system", "systemd/system"), ("usr/lib/sysusers.d", "systemd/sysusers.d"), ("usr/lib/udev/rules.d", "udev")):
        (root / place).mkdir(parents=True, exist_ok=True)
        for path in (REPO / folder).iterdir():
            if path.is_file():
                shutil.copy(path, root / place / path.name)
    shutil.copytree(REPO / "models/house", root / "usr/share/demon/models/house", dirs_exist_ok=True)
    subprocess.run(["systemctl", f"--root={root}", "--quiet", "enable", *ENABLED], check=True)
    (root / "etc/fstab").write_text("/dev/vda / ext4 noatime 0 1\n")


def make(work, to, image):
    """A disk with it; and how QEMU starts it."""
    root = debian(work)
    demon = work / "tree/usr/bin/demon"
    if not demon.is_file():
        raise Refused(f"{demon} is not there: it comes of building {image.name}")
    ours(root, demon)
    disk = to / "plain-debian.raw"
    disk.unlink(missing_ok=True)
    with open(disk, "wb") as file:
        file.truncate(GIBIBYTES << 30)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", root, disk], check=True)
    kernel, initrd = (max((root / "boot").glob(it)) for it in ("vmlinuz-*", "initrd.img-*"))
    for path in (kernel, initrd):
        shutil.copy(path, to / path.name)
    return disk, (to / kernel.name, to / initrd.name, "root=/dev/vda ro quiet")
