"""Rows of the doors' table about the terminal that take longer than a test may: sizes at random for half a minute with every byte
held against a small terminal, a terminal that is read now and then, and keys at random.

Each row is a function of the program's path. It raises AssertionError, with words, where the program fails."""

import fcntl
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

GIVE_UP_S = 60.0
PLAY = ["run", "--wav", "take.wav", "--state", "state", "--backend", "cpu", "--threads", "1", "--longest", "4", "--no-midi"]
SEQUENCE = re.compile(rb"\x1b\[([?0-9;]*)([A-Za-z])")


class Stage:
    """The program in a terminal of ours, which is its controlling one."""

    def __init__(self, demon, columns=80, rows=24, more=()):
        self.folder = tempfile.TemporaryDirectory()
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        environment = dict(os.environ, TERM="xterm-256color")
        environment.pop("NO_COLOR", None)
        self.child = subprocess.Popen(
            ["setsid", "--ctty", demon, *PLAY, *more], cwd=self.folder.name, env=environment,
            stdin=slave, stdout=slave, stderr=slave)
        self.seen = b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_for(self, seconds):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and select.select([self.master], [], [], left)[0]:
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:
                return

    def wait_for(self, words, start=0):
        until = time.monotonic() + GIVE_UP_S
        while words not in self.seen[start:]:
            assert time.monotonic() < until, f"{words!r} did not come"
            self.read_for(0.1)

    def types(self, keys):
        os.write(self.master, keys)

    def ends(self, reading=True):
        until = time.monotonic() + GIVE_UP_S
        while self.child.poll() is None:
            assert time.monotonic() < until, "it does not end"
            self.read_for(0.05) if reading else time.sleep(0.05)
        return self.child.returncode

    def settings_are_back(self):
        now = termios.tcgetattr(self.slave)
        assert now[:4] == self.before[:4], f"the terminal's settings were {self.before[:4]} and are {now[:4]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self.master)
        os.close(self.slave)
        self.folder.cleanup()


def places(text):
    """Row and column of every jump of the cursor."""
    for arguments, end in SEQUENCE.findall(text):
        if end == b"H" and arguments:
            row, column = arguments.split(b";")
            yield int(row), int(column)


def row_sizes_at_random(demon):
    """300 sizes in half a minute, keys between them: nothing is drawn beyond the edge of the size it is drawn for."""
    dice = random.Random(1)
    with Stage(demon) as stage:
        stage.wait_for(b"leaves")
        for turn in range(300):
            columns, rows = dice.randint(1, 220), dice.randint(1, 70)
            stage.resize(columns, rows)
            stage.types(dice.choice([b"\t", b"?", b"\x1b[A", b"a", b"u", b"1"]))
            # The last of some quick turns stays for a while, and what is drawn after the screen was cleared for it is looked at.
            if turn % 10 < 9:
                stage.read_for(0.05)
                continue
            start = len(stage.seen)
            stage.read_for(0.5)
            drawn = stage.seen[start:].rpartition(b"\x1b[2J")[2]
            for row, column in places(drawn):
                assert row <= rows and column <= columns, f"{row};{column} was drawn on {columns}x{rows}"
        stage.types(b"\x03")
        assert stage.ends() == 0
        stage.settings_are_back()


def row_a_terminal_that_is_read_now_and_then(demon):
    """20,000 keys at a terminal that is read for a tenth of the time: all are heard, and the program leaves when asked."""
    with Stage(demon, 200, 60) as stage:
        stage.wait_for(b"leaves")
        for turn in range(200):
            stage.types(b"\x1b[C" * 51 + b"\x1b[D" * 49)
            time.sleep(0.09)
            if turn % 10 == 0:
                stage.read_for(0.1)
        stage.types(b"u")
        stage.read_for(0.5)
        # Only what changed is written: all is, at another size.
        start = len(stage.seen)
        stage.resize(190, 60)
        stage.wait_for(b"undone", start)
        stage.child.send_signal(signal.SIGTERM)
        assert stage.ends(reading=False) == 0
        stage.settings_are_back()


def row_keys_at_random(demon):
    """5000 random pieces of keys, cut anywhere, without Ctrl-C and `q`: the program plays on and then leaves."""
    dice = random.Random(2)
    keys = [bytes([it]) for it in range(32, 127) if it != ord("q")]
    keys += [b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[5~", b"\x1bOA", b"\x1b", b"\xc3\xbc", b"\xe6\x9b\xb2", b"\xff",
             b"\x1b[200~q q q\x1b[201~", b"\x1b[<0;1;1M", b"\x1bq", b"\r", b"\t", b"\x7f", b"\x00"]
    with Stage(demon) as stage:
        stage.wait_for(b"leaves")
        for _ in range(5000):
            piece = dice.choice(keys)
            cut = dice.randint(0, len(piece))
            stage.types(piece[:cut])
            stage.read_for(0.001)
            stage.types(piece[cut:])
            assert stage.child.poll() is None, f"it left after {piece!r}"
        # Half a paste or sequence may be under way: it is given up after a while.
        stage.read_for(6.0)
        stage.types(b"\x03")
        assert stage.ends() == 0
        stage.settings_are_back()
