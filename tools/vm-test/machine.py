"""The machine under test: a guest in QEMU, seen from outside.

A guest's second serial port is a shell that answers a line at a time, QEMU's own control port is the outside world that
types on keyboards, pulls plugs and photographs the screen. Every wait has a limit; none says how fast anything was.
"""

import json
import os
import re
import selectors
import socket
import subprocess
import tempfile
import time
from pathlib import Path

# Under emulation on a busy machine a boot takes a minute, and a command is given as long as a boot might be.
BOOT_S = 600
COMMAND_S = 120
PATIENCE_S = 60
# On a busy host an emulated timer ticks too late for the kernel's self-tests: it must not give up for that.
KERNEL_LINE = "console=ttyS0 panic=-1 quiet no_timer_check nowatchdog vt.global_cursor_default=0"


class Wrong(Exception):
    """What was seen is not what was expected."""


class Skip(Exception):
    """This cannot be asked here; the words say what is missing."""


class Dead(Exception):
    """The guest answers no more: nothing after this can be asked."""


class Machine:
    """A booted guest."""

    # Whether it has this machine's own kernel, which shows less.
    is_container = False
    # What waits for something slow under emulation waits this long.
    patience_s = 900

    def __init__(self, kernel: Path, initrd: Path, log: Path, memory_mb: int):
        self.log = log
        self._folder = tempfile.TemporaryDirectory()
        control = os.path.join(self._folder.name, "qmp")
        command = ["qemu-system-x86_64", "-machine", "pc", "-accel", "tcg", "-cpu", "max", "-smp", "2"]
        command += ["-m", str(memory_mb), "-nodefaults", "-no-reboot", "-display", "none", "-vga", "std"]
        command += ["-kernel", str(kernel), "-initrd", str(initrd), "-append", KERNEL_LINE]
        command += ["-device", "qemu-xhci,id=usb", "-serial", f"file:{log}", "-serial", "stdio"]
        command += ["-qmp", f"unix:{control},server=on,wait=off"]
        self._qemu = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._qemu.stdout, selectors.EVENT_READ)
        self._heard = b""
        self._control = socket.socket(socket.AF_UNIX)
        try:
            self._answer(BOOT_S, "boot")
            self._control.settimeout(COMMAND_S)
            self._control.connect(control)
            self._replies = self._control.makefile("r")
            self._replies.readline()
            self.outside("qmp_capabilities")
        except BaseException:
            self.close()
            raise

    def sh(self, line: str, limit_s: float = COMMAND_S) -> str:
        """What a shell line prints in the guest; `Wrong` when it fails."""
        status, said = self.ask(line, limit_s)
        if status:
            raise Wrong(f"`{line}` failed in the guest ({status}): {said}")
        return said

    def ask(self, line: str, limit_s: float = COMMAND_S) -> tuple[int, str]:
        """The status and the output of a shell line in the guest."""
        try:
            self._qemu.stdin.write(line.encode() + b"\n")
        except OSError as fault:
            raise Dead(f"the guest has ended: {fault} (its last words: {self.log})") from fault
        return self._answer(limit_s, line)

    def start(self, name: str, line: str) -> "Program":
        """A program that runs on in the guest."""
        log, told = f"/run/{name}.log", f"/run/{name}.told"
        # Opened to read and to write, so that the pipe waits for nobody and never ends.
        self.sh(f"rm -f {told}; mkfifo {told}; : >{log}")
        pid = self.sh(f"{line} 0<>{told} >{log} 2>&1 & echo $!")
        return Program(self, name, log, pid)

    def until(self, what: str, seen, limit_s: float = PATIENCE_S):
        """Asks `seen` again and again until it answers something; `Wrong` after the limit."""
        end = time.monotonic() + limit_s
        while True:
            found = seen()
            if found:
                return found
            if end < time.monotonic():
                raise Wrong(f"waited {limit_s:.0f} s for {what}")
            time.sleep(0.1)

    def card(self, is_there: bool):
        """Plugs the one sound card in, or pulls it."""
        self.sh("modprobe snd-dummy" if is_there else "modprobe -r snd-dummy")

    def outside(self, command: str, **arguments):
        """A command to QEMU itself."""
        words = {"execute": command, "arguments": {key.replace("_", "-"): it for key, it in arguments.items()}}
        try:
            self._control.sendall(json.dumps(words).encode() + b"\n")
            return self._reply(command)
        except (OSError, ValueError) as fault:
            raise Dead(f"QEMU does not answer to {command}: {fault}") from fault

    def press(self, *keys: str):
        """Strikes keys, one after the other, on the keyboard plugged in last."""
        for key in keys:
            self.hold(key, True)
            self.hold(key, False)

    def hold(self, key: str, down: bool):
        """A key goes down, or comes up."""
        event = {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}}
        self.outside("input-send-event", events=[event])

    def photograph(self, path: Path) -> tuple[int, int, bytes]:
        """The screen as it is now: width, height, and RGB bytes."""
        self.outside("screendump", filename=str(path))
        head, width, height, _, pixels = re.match(rb"(P6)\s+(\d+)\s+(\d+)\s+(\d+)\s(.*)", path.read_bytes(), re.S).groups()
        return int(width), int(height), pixels

    def close(self):
        """Takes the power away."""
        self._control.close()
        self._qemu.kill()
        self._qemu.wait()
        self._folder.cleanup()

    def _reply(self, command: str):
        while True:
            reply = json.loads(self._replies.readline())
            if "error" in reply:
                raise Wrong(f"QEMU refused {command}: {reply['error']['desc']}")
            if "return" in reply:
                return reply["return"]

    def _answer(self, limit_s: float, asked: str) -> tuple[int, str]:
        end = time.monotonic() + limit_s
        while not (found := re.search(rb"\n@@(\d+)\n", self._heard)):
            if not self._ready.select(max(0.0, end - time.monotonic())):
                raise Dead(f"no answer in {limit_s:.0f} s to: {asked} (the guest's own words: {self.log})")
            piece = os.read(self._qemu.stdout.fileno(), 65536)
            if not piece:
                raise Dead(f"the guest ended during: {asked} (its last words: {self.log})")
            self._heard += piece
        said, self._heard = self._heard[: found.start()], self._heard[found.end() :]
        return int(found[1]), said.decode(errors="replace").strip()


class Program:
    """A program running in the guest and what it has printed."""

    def __init__(self, machine: Machine, name: str, log: str, pid: str):
        self.machine, self.name, self.log, self.pid = machine, name, log, pid
        self.read = 0

    def lines(self) -> list[str]:
        """All that it has printed, in whole lines."""
        return self.machine.sh(f"cat {self.log}").splitlines()

    def tell(self, line: str):
        """Gives it a line on its standard input."""
        self.machine.sh(f"echo '{line}' >/run/{self.name}.told")

    def expect(self, *wanted: str, limit_s: float = PATIENCE_S) -> str:
        """The next lines are exactly `wanted` (regular expressions), in this order; answers them."""

        def enough():
            fresh = self.lines()[self.read :]
            return fresh if len(wanted) <= len(fresh) or self.ended() else None

        try:
            fresh = self.machine.until("", enough, limit_s)
        except Wrong:
            fresh = self.lines()[self.read :]
        self.read += len(fresh)
        good = len(fresh) == len(wanted) and all(re.fullmatch(want, line) for want, line in zip(wanted, fresh))
        if not good:
            raise Wrong(f"expected {' | '.join(wanted)}; {self.name} said {' | '.join(fresh) or 'nothing'}")
        return " | ".join(fresh)

    def until(self, pattern: str, limit_s: float = PATIENCE_S) -> str:
        """Waits for a line in which `pattern` is found, passing over those before it."""

        def found():
            lines = self.lines()
            for number in range(self.read, len(lines)):
                if re.search(pattern, lines[number]):
                    self.read = number + 1
                    return lines[number]
            if self.ended():
                raise Wrong(f"{self.name} ended; it said {' | '.join(lines[-5:])}")
            return None

        return self.machine.until(f"`{pattern}` from {self.name}", found, limit_s)

    def ended(self) -> bool:
        return self.machine.ask(f"kill -0 {self.pid}")[0] != 0

    def stop(self):
        """Asks it to end, and waits until it has."""
        self.machine.ask(f"kill {self.pid}")
        self.machine.until(f"{self.name} to end", self.ended)
