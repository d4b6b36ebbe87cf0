"""Rows of `make doors` on messages: a terminal that reads nothing holds up no gesture, and a fault is printed until it is over.

Each row is a function `row_...(demon)` that raises AssertionError with words, and prints its figures.
"""

import fcntl
import math
import os
import pty
import select
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import wave

GESTURES = 20_000
# Between two changes of the instrument that is played: so that both meet the same machine.
BLOCK = 100
# How long one gesture may take before the row gives up.
PATIENCE_S = 5.0
STARTING_S = 120.0


def recording(folder):
    """Four seconds of a quiet tone."""
    path = os.path.join(folder, "tone.wav")
    with wave.open(path, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(48_000)
        for at in range(4 * 48_000):
            value = int(3_000 * math.sin(at * 2 * math.pi * 220 / 48_000))
            out.writeframesraw(struct.pack("<hh", value, value))
    return path


class Instrument:
    """`demon run` in a pseudo-terminal that is read or not; its log tells what came of each key."""

    def __init__(self, demon, folder, name, is_read):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        command = [demon, "run", "--source", recording(folder), "--longest", "4", "--backend", "cpu", "--threads", "1"]
        command += ["--no-midi", "--wav", os.path.join(folder, name + ".wav"), "--state", os.path.join(folder, name)]
        self.child = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, env={**os.environ, "DEMON_LOG": "info"}
        )
        os.close(slave)
        self.stop = threading.Event()
        self.events = 0
        self.changed = threading.Condition()
        threading.Thread(target=self.hear, daemon=True).start()
        if is_read:
            threading.Thread(target=self.drain, daemon=True).start()

    def hear(self):
        for line in self.child.stderr:
            if b"muted" in line or b"playing again" in line:
                with self.changed:
                    self.events += 1
                    self.changed.notify()

    def drain(self):
        while not self.stop.is_set():
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    os.read(self.master, 65_536)
                except OSError:
                    return

    def mute(self, patience_s):
        """Seconds from the key to its event in the log; None if it does not come."""
        with self.changed:
            before = self.events
            begun = time.perf_counter()
            os.write(self.master, b" ")
            came = self.changed.wait_for(lambda: self.events > before, patience_s)
        return time.perf_counter() - begun if came else None

    def close(self):
        self.stop.set()
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        os.close(self.master)


def figures(times):
    times = sorted(times)
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))] * 1e3
    return f"p50 {at(0.5):.2f} ms, p99 {at(0.99):.2f} ms, max {times[-1] * 1e3:.2f} ms"


def row_unread_terminal_holds_up_no_gesture(demon):
    """20,000 gestures, by turns beside a terminal that reads nothing and beside one that does."""
    with tempfile.TemporaryDirectory() as folder:
        instruments = [Instrument(demon, folder, "unread", False), Instrument(demon, folder, "read", True)]
        times = [[], []]
        try:
            for instrument in instruments:
                assert instrument.mute(STARTING_S) is not None, "the instrument does not start"
            for block in range(2 * GESTURES // BLOCK):
                which = block % 2
                for gesture in range(BLOCK):
                    took = instruments[which].mute(PATIENCE_S)
                    name = ["a terminal that reads nothing", "a terminal that reads"][which]
                    done = len(times[which])
                    assert took is not None, f"beside {name} gesture {done} was not heard within {PATIENCE_S} s"
                    times[which].append(took)
        finally:
            for instrument in instruments:
                instrument.close()
    print(f"from a key to its event, unread: {figures(times[0])}; read: {figures(times[1])}")
    # The whole way from the key through pseudo-terminal, conductor, log and pipe: what both have is the machine's.
    blocked = sum(took > 0.005 for took in times[0])
    beside = sum(took > 0.005 for took in times[1])
    print(f"over 5 ms: {blocked} of {len(times[0])} unread, {beside} of {len(times[1])} read")
    assert max(times[0]) < 1.0, "a terminal that reads nothing holds a gesture up"


if __name__ == "__main__":
    import sys

    row_unread_terminal_holds_up_no_gesture(sys.argv[1])
