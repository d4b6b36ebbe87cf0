"""What the rows of tools/doors share: starting the program in a terminal or a pipe, and seeing how it ends."""

import contextlib
import fcntl
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

# A row asks the built-in model for as little as it can: four seconds of tape, one thread, no controllers.
CHEAP = ["--backend", "cpu", "--threads", "1", "--longest", "4", "--no-midi"]
# Marks every process that a row starts, so that none is left behind unseen.
MARK = f"DEMON_DOORS_{os.getpid()}"


class Skipped(Exception):
    """The row cannot be tried here; the words say why, and where it can."""


def environment(**more):
    return {**os.environ, MARK: "1", "TERM": "xterm-256color", **more}


@contextlib.contextmanager
def home():
    """A folder of its own, with a state folder in it."""
    with tempfile.TemporaryDirectory(prefix="demon-doors-") as folder:
        (pathlib.Path(folder) / "state").mkdir()
        yield pathlib.Path(folder)


def playing(folder, *more):
    """Arguments of a cheap run that plays into a file of the folder."""
    return ["run", *CHEAP, "--state", str(folder / "state"), "--wav", str(folder / "take.wav"), *more]


class Terminal:
    """The program in a pseudo-terminal of its own session."""

    def __init__(self, demon, arguments, size=(24, 80), read=True, cwd=None, **more):
        self.master, slave = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(slave)
        self.slave, self.reads, self.seen = slave, read, b""
        self.process = subprocess.Popen(
            [demon, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=environment(**more),
            preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)),
        )

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def write(self, data):
        os.write(self.master, data)

    def read_for(self, seconds):
        """Takes what comes for so long; answers all that was ever seen."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select([self.master], [], [], left)
            if not ready:
                break
            try:
                data = os.read(self.master, 65536)
            except OSError:
                break
            if not data:
                break
            self.seen += data
        return self.seen

    def wait_for(self, word, seconds=60):
        until = time.monotonic() + seconds
        while word not in self.seen:
            assert time.monotonic() < until, f"{word!r} was not seen after {seconds} s: {self.seen[-400:]!r}"
            assert self.process.poll() is None or self.read_for(0.2), f"it ended with {self.process.returncode}: {self.seen[-400:]!r}"
            self.read_for(0.1)
        return self.seen

    def ended(self, seconds):
        """The exit code; reads on meanwhile where the row reads at all."""
        until = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < until, f"still running after {seconds} s"
            if self.reads:
                self.read_for(0.05)
            else:
                time.sleep(0.02)
        return self.process.returncode

    def hang_up(self):
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = None

    def settings_are_restored(self):
        return termios.tcgetattr(self.slave) == self.before

    def close(self):
        for end in (self.slave, self.master):
            if end is not None:
                os.close(end)


def marked():
    """Processes that were started by a row and still run."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"{MARK}=".encode() in (folder / "environ").read_bytes() and "Z" not in (folder / "stat").read_text().split(")")[-1][:4]:
                    found.append(int(folder.name))
    return found


def kill_what_is_left():
    """Ends what a row left running; answers how many."""
    left = marked()
    for process in left:
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)
    return len(left)
