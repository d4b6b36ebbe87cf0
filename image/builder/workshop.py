"""A folder with a compiler and the headers of the image's kernel, from the lock's set `build`, and programs run in it as in a root of their own. What it
makes depends on no compiler of the machine that builds. Wants user namespaces (`unshare`), which Debian has switched on; not root."""

import os
import shutil
import subprocess
from pathlib import Path

from . import modules
from .told import Refused

WORK = "work"
# Whoever is in it sees devices and processes of the machine, and of its files nothing.
ENTER = 'for it in dev proc; do mount --rbind /$it "$0/$it"; done; exec chroot "$0" /usr/bin/env -i PATH=/usr/bin:/usr/sbin LC_ALL=C "$@"'


class Workshop:
    """One such folder."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        for name in ("dev", "proc", "tmp", WORK):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name, program in (("sh", "dash"), ("awk", "mawk"), ("gcc", "gcc-14"), ("cc", "gcc-14")):
            link = self.folder / "usr/bin" / name
            if not link.exists():
                link.unlink(missing_ok=True)
                link.symlink_to(program)

    def kernel(self):
        """The release whose headers it has."""
        found = [it.name for it in (self.folder / "usr/lib/modules").iterdir() if (it / "build").is_symlink() or (it / "build").exists()]
        if len(found) != 1:
            raise Refused(f"{self.folder}: expected the headers of one kernel, found {', '.join(found) or 'none'}")
        return found[0]

    def bring(self, source, name):
        """Copies a folder into it, as `/work/NAME`; the path there."""
        place = self.folder / WORK / name
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(source, place, symlinks=True)
        return place

    def run(self, log, *words):
        """Runs a program in it; what it says goes into `log`, and its last lines are told where it fails."""
        command = ["unshare", "--map-root-user", "--mount", "sh", "-euc", ENTER, str(self.folder), *map(str, words)]
        with open(log, "wb") as out:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        if done.returncode != 0:
            last = Path(log).read_bytes().decode(errors="replace").strip().splitlines()[-12:]
            raise Refused(f"{words[0]} failed in the workshop ({log}):\n  " + "\n  ".join(last))

    def modules(self, name, log, *more):
        """Builds the kernel modules of `/work/NAME`; their paths."""
        build = f"/usr/lib/modules/{self.kernel()}/build"
        self.run(log, "make", "-C", build, f"M=/{WORK}/{name}", f"-j{os.cpu_count()}", *more, "modules")
        return sorted((self.folder / WORK / name).rglob("*.ko"))


def needs(found, kernel, tools):
    """What modules of the image's own kernel these stand on, those first that stand on none; refused where the image does not keep one."""
    own = {it.stem.replace("-", "_") for it in found}
    wanted = []
    for path in found:
        for name in tools.run("modinfo", "-F", "depends", path).decode().strip().split(","):
            if name and name.replace("-", "_") not in own and name not in wanted:
                wanted.append(name)
    there = {path.rsplit("/", 1)[-1].split(".")[0].replace("-", "_") for path in modules.kept(kernel, tools)}
    lacks = [it for it in wanted if it.replace("-", "_") not in there]
    if lacks:
        raise Refused(f"the image keeps no module {', '.join(lacks)}: image/modules")
    return wanted
