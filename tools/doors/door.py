"""What the rows of tools/doors share: the program in a terminal or a pipe, and how it ends."""

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

HOUSE = pathlib.Path(__file__).resolve().parent.parent.parent / "models/house"
# A row asks the built-in model for as little as it can: four seconds of tape, one thread, no controllers.
CHEAP = ["run", "--backend", "cpu", "--threads", "1", "--longest", "4", "--no-midi", "--state", "state"]
# Marks every process that a row starts, so that none is left behind unseen.
MARK = f"DEMON_DOORS_{os.getpid()}"
# When a row gives up; no measure of speed.
PATIENCE_S = 60.0


class Skipped(Exception):
    """The row cannot be tried here; the words say why, and where it can."""


def signals_as_usual():
    """Whoever runs the rows may ignore signals; the program is not to inherit that."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Demon:
    """A `demon run` in a folder of its own, which knows of one sound device, `nopace`. Used as a context; what still runs at the end
    of it is killed. In a terminal of `size` (rows, columns), its controlling one, or else with its output in a pipe."""

    def __init__(self, demon, *more, size=None, events=False):
        self.folder = tempfile.TemporaryDirectory(prefix="demon-doors-")
        place = pathlib.Path(self.folder.name)
        (place / "asound.conf").write_text("pcm.nopace { type null }\n")
        environment = dict(os.environ, **{MARK: "1", "TERM": "xterm-256color", "DEMON_MODEL": str(HOUSE)})
        environment["ALSA_CONFIG_PATH"] = str(place / "asound.conf")
        environment["DEMON_RUNTIME"] = str(place / "runtime")
        environment.pop("NO_COLOR", None)
        if events:
            environment["DEMON_LOG"] = "info"
        line = [demon, *CHEAP, *(more or ["--wav", "take.wav"])]
        self.slave, self.before, self.seen = None, None, b""
        if size:
            self.out, self.slave = pty.openpty()
            self.resize(*size)
            self.before = termios.tcgetattr(self.slave)
            ends = {"stdin": self.slave, "stdout": self.slave, "stderr": subprocess.PIPE if events else self.slave}
        else:
            self.out, write = os.pipe()
            ends = {"stdin": subprocess.DEVNULL, "stdout": write, "stderr": write}
            line.append("--plain")
        self.process = subprocess.Popen(line, cwd=place, env=environment, preexec_fn=self.begin, **ends)
        if not size:
            os.close(write)

    def begin(self):
        signals_as_usual()
        os.setsid()
        if self.slave is not None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()
        for end in (self.slave, self.out):
            if end is not None:
                os.close(end)
        self.folder.cleanup()

    def resize(self, rows, columns):
        fcntl.ioctl(self.out, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def types(self, keys):
        os.write(self.out, keys)

    def read(self, patience_s):
        """Takes what is said; false when nothing comes in time, or ever again."""
        if not select.select([self.out], [], [], max(0.0, patience_s))[0]:
            return False
        with contextlib.suppress(OSError):
            said = os.read(self.out, 65536)
            self.seen += said
            return bool(said)
        return False

    def read_for(self, seconds):
        """Lets time pass, and reads meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not self.read(left):
                time.sleep(min(0.01, max(0.0, until - time.monotonic())))

    def until(self, words, start=0):
        """Waits for words after the byte `start` of all that was said."""
        end = time.monotonic() + PATIENCE_S
        while words not in self.seen[start:]:
            assert time.monotonic() < end, f"{words!r} did not come: {self.seen[-400:]!r}"
            assert self.read(0.2) or self.process.poll() is None, f"it ended with {self.process.returncode}: {self.seen[-400:]!r}"

    def gone(self, most_s=PATIENCE_S, reading=True):
        """Waits for the end; how long it took, and the exit code."""
        begun = time.monotonic()
        while self.process.poll() is None:
            assert time.monotonic() - begun < most_s, f"still there after {most_s} s: {self.seen[-300:]!r}"
            self.read(0.005) if reading else time.sleep(0.005)
        return time.monotonic() - begun, self.process.returncode

    def settings_are_back(self):
        now = termios.tcgetattr(self.slave)
        assert now[:4] == self.before[:4], f"the terminal's settings were {self.before[:4]} and are {now[:4]}"


def at_share(times, share):
    """The value that so much of them does not exceed."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def marked():
    """Processes that were started by a row and still run."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and f"{MARK}=".encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
    return found


def kill_what_is_left():
    """Ends what a row left running; answers how many."""
    left = marked()
    for process in left:
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)
    return len(left)
