"""The group `units` on this machine's own kernel: systemd as the first process of a container, asked from outside.

Minutes instead of an hour, and none of what only a kernel of its own can show: sound cards, devices that are forbidden.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from machine import BOOT_S, COMMAND_S, Dead, Machine, Skip, Wrong

NAME = "demon-units"
# What stands for a sound card: a file in a folder that is there or is not. It takes sound at once, so that the clock sets the pace.
SOUND = "/run/demon/card"
CARD = 'pcm.!default {{ type file slave.pcm {{ type null }} file "{}/heard.raw" format "raw" }}\nctl.!default {{ type null }}\n'


class Container(Machine):
    """A booted container; what is asked of it is asked by entering it."""

    is_container = True
    patience_s = 60

    def __init__(self, tree: Path, log: Path):
        if os.geteuid() != 0 or not shutil.which("systemd-nspawn"):
            raise Skip("a container wants root and systemd-nspawn (Debian: systemd-container); `make vm-test` boots a guest")
        self.log, self._tree = log, tree.parent / "container"
        shutil.rmtree(self._tree, ignore_errors=True)
        subprocess.run(["cp", "-a", str(tree), str(self._tree)], check=True)
        (self._tree / "etc/asound.conf").write_text(CARD.format(SOUND))
        (self._tree / "etc/tmpfiles.d/card.conf").write_text(f"d {SOUND} 0700 demon demon\n")
        command = ["systemd-nspawn", "-q", "-D", str(self._tree), "-M", NAME, "--register=no", "--keep-unit"]
        command += ["--private-network", "--console=pipe", "-b"]
        out = log.open("wb")
        self._nspawn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self._leader = None
        try:
            end = time.monotonic() + BOOT_S
            while not self._is_up():
                if self._nspawn.poll() is not None or end < time.monotonic():
                    raise Dead(f"the container did not boot (its last words: {log})")
                time.sleep(0.1)
        except BaseException:
            self.close()
            raise

    def ask(self, line: str, limit_s: float = COMMAND_S) -> tuple[int, str]:
        enter = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-n", "-p", "--", "/bin/sh", "-c", line]
        try:
            done = subprocess.run(enter, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s)
        except subprocess.TimeoutExpired as late:
            raise Wrong(f"no answer in {limit_s:.0f} s to: {line}") from late
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace").strip()

    def card(self, is_there: bool):
        if is_there:
            self.sh(f"install -d -o demon -g demon -m 700 {SOUND}")
        else:
            self.sh(f"rm -rf {SOUND}")

    def close(self):
        if self._leader:
            # To the first process of a container, as it has it: halt at once.
            for _ in range(2):
                try:
                    os.kill(self._leader, signal.SIGRTMIN + 13)
                except ProcessLookupError:
                    break
        try:
            self._nspawn.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._nspawn.pid, signal.SIGKILL)
            self._nspawn.wait()
        shutil.rmtree(self._tree, ignore_errors=True)

    def _is_up(self) -> bool:
        if not self._leader:
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            named = [it for it in children if Path(f"/proc/{it}/comm").read_text().strip() == "systemd"]
            self._leader = int(named[0]) if named else None
        return bool(self._leader) and self.ask("systemctl is-active -q demon-engine.service demon-player.service")[0] in (0, 3)
