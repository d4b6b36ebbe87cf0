"""Programs of the tools' tree, run in place by that tree's own loader: no root, nothing installed, the same versions everywhere."""

import os
import subprocess
import time

from .told import Refused

LIBRARIES = "usr/lib/x86_64-linux-gnu"


class Tools:
    """Programs of one unpacked tree."""

    def __init__(self, folder, epoch):
        self.folder = folder
        self.epoch = epoch

    def command(self, name, *words):
        """The command line that runs `name` of the tree."""
        place = next((it for it in (self.folder / "usr/bin" / name, self.folder / "usr/sbin" / name) if it.exists()), None)
        if place is None:
            raise Refused(f"{name} is not in {self.folder}: image/packages lacks its package")
        libraries = f"{self.folder / LIBRARIES}:{self.folder / LIBRARIES / 'systemd'}"
        loader = self.folder / "usr/lib64/ld-linux-x86-64.so.2"
        return [str(loader), "--library-path", libraries, str(place), *map(str, words)]

    def run_dated(self, name, *words):
        """Runs a program that puts the time into what it writes, at the time that the image bears."""
        command = self.command(name, *words)
        preload = self.folder / LIBRARIES / "faketime/libfaketime.so.1"
        when = time.strftime("@%Y-%m-%d %H:%M:%S", time.gmtime(self.epoch))
        env = {"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C", "FAKETIME": when, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        done = subprocess.run([command[0], "--preload", preload, *command[1:]], capture_output=True, env=env)
        if done.returncode != 0:
            raise Refused(f"{name}: {done.stderr.decode(errors='replace').strip()[-2000:]}")

    def run(self, name, *words, **more):
        """Runs it and answers what it printed; what fails is told with its own words."""
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC", "SOURCE_DATE_EPOCH": str(self.epoch),
               "MTOOLS_SKIP_CHECK": "1", **more.pop("env", {})}
        done = subprocess.run(self.command(name, *words), capture_output=True, env=env, **more)
        if done.returncode != 0:
            raise Refused(f"{name}: {(done.stderr or done.stdout).decode(errors='replace').strip()[-2000:]}")
        return done.stdout

    def libraries(self, program):
        """The libraries that a program of the tree loads, as paths in the tree."""
        loader = self.folder / "usr/lib64/ld-linux-x86-64.so.2"
        done = subprocess.run([loader, "--library-path", self.folder / LIBRARIES, "--list", program], capture_output=True, text=True)
        if done.returncode != 0:
            raise Refused(f"{program}: {done.stderr.strip()}")
        found = [line.split("=>")[1].split()[0] for line in done.stdout.splitlines() if "=>" in line and "/" in line.split("=>")[1]]
        return sorted(it for it in found if it.startswith(str(self.folder)))
