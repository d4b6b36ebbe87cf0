"""Leaving: whoever asks for the end gets it within two seconds, at every moment and whatever hangs.

Each row runs the real program and raises AssertionError with words. `time_to_leave` asks at random moments and prints how long
the ends took; DEMON_MOMENTS says how many (200). `python3 tools/doors/rows_leaving.py PATH/TO/demon` runs all of them.
"""

import os
import pty
import random
import select
import signal
import subprocess
import sys
import tempfile
import time

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models/house")
LONGEST_S = 2.0


class Run:
    """One `demon run` in a folder of its own; its terminal is a pseudo-terminal when `terminal`, else there is none."""

    def __init__(self, demon, *more, terminal=False, before=None):
        self.folder = tempfile.TemporaryDirectory()
        place = self.folder.name
        self.take = os.path.join(place, "take.wav")
        with open(os.path.join(place, "asound.conf"), "w") as conf:
            conf.write("pcm.nopace { type null }\n")
        env = dict(os.environ, DEMON_MODEL=MODEL, DEMON_STATE=place, ALSA_CONFIG_PATH=os.path.join(place, "asound.conf"))
        line = [demon, "run", "--backend", "cpu", "--threads", "1", "--longest", "4", "--no-midi"]
        line += more or ["--wav", self.take]
        self.said = b""
        if terminal:
            self.out, slave = pty.openpty()
            kept = dict(stdin=slave, stdout=slave, stderr=slave)
        else:
            line.append("--plain")
            self.out, write = os.pipe()
            kept = dict(stdin=subprocess.DEVNULL, stdout=write, stderr=write)
            slave = write
        self.child = subprocess.Popen(line, cwd=place, env=env, preexec_fn=before or default_signals, **kept)
        os.close(slave)

    def until(self, part, patience_s=60.0):
        end = time.monotonic() + patience_s
        while part not in self.said:
            assert self.read(max(0.0, end - time.monotonic())), f"never said {part!r}: {self.said[-500:]!r}"

    def read(self, patience_s):
        """Takes what is said; false when nothing more comes."""
        if not select.select([self.out], [], [], patience_s)[0]:
            return False
        try:
            said = os.read(self.out, 65536)
        except OSError:
            return False
        self.said += said
        return bool(said)

    def rest(self, seconds):
        """Lets time pass, and reads meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self.read(left) and self.child.poll() is not None:
                return

    def gone(self, most_s=LONGEST_S):
        """Waits for the end; how long it took, and the exit code."""
        begun = time.monotonic()
        while self.child.poll() is None and time.monotonic() - begun < most_s:
            self.read(0.01)
        took, code = time.monotonic() - begun, self.child.poll()
        if code is None:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"still there after {most_s} s: {self.said[-300:]!r}")
        while self.read(0.2):
            pass
        return took, code


def default_signals():
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def row_signal_in_each_phase(demon):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        for phase in (b"reading the recording", b"playing demo", b"sound to"):
            run = Run(demon)
            run.until(phase)
            run.child.send_signal(number)
            _, code = run.gone()
            assert code == 0, f"{number.name} at {phase!r}: exit code {code}"


def row_unread_terminal(demon):
    run = Run(demon, terminal=True)
    run.until(b"playing demo")
    # Nobody reads any more: its buffer is full after a few pictures.
    time.sleep(3)
    run.child.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    while run.child.poll() is None and time.monotonic() - begun < LONGEST_S:
        time.sleep(0.01)
    if run.child.poll() is None:
        run.child.kill()
        raise AssertionError("still there before a terminal that reads nothing")


def row_closed_terminal(demon):
    for phase in (b"reading the recording", b"playing demo"):
        run = Run(demon, terminal=True)
        run.until(phase)
        os.close(run.out)
        begun = time.monotonic()
        while run.child.poll() is None and time.monotonic() - begun < LONGEST_S:
            time.sleep(0.01)
        if run.child.poll() is None:
            run.child.kill()
            raise AssertionError(f"still there after the terminal was closed at {phase!r}")


def row_nohup(demon):
    run = Run(demon, before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    run.until(b"sound to")
    run.child.send_signal(signal.SIGHUP)
    run.rest(2.5)
    assert run.child.poll() is None, "a hang-up ended it under nohup"
    run.child.send_signal(signal.SIGTERM)
    assert run.gone()[1] == 0


def row_no_pace_does_not_take_a_core(demon):
    run = Run(demon, "--device", "nopace")
    run.until(b"sound to")

    def audio_ticks():
        for task in os.listdir(f"/proc/{run.child.pid}/task"):
            with open(f"/proc/{run.child.pid}/task/{task}/stat") as stat:
                name, rest = stat.read().rsplit(")", 1)
            if name.endswith("(audio"):
                fields = rest.split()
                return int(fields[11]) + int(fields[12])
        raise AssertionError("there is no audio thread")

    before = audio_ticks()
    run.rest(3.0)
    share = (audio_ticks() - before) / os.sysconf("SC_CLK_TCK") / 3.0
    run.child.send_signal(signal.SIGTERM)
    run.gone()
    assert share < 0.2, f"the audio thread takes {100 * share:.0f} % of a core"


def row_time_to_leave(demon):
    moments, times, dice = int(os.environ.get("DEMON_MOMENTS", "200")), [], random.Random(13)
    for moment in range(moments):
        run = Run(demon)
        run.until(b"reading the recording")
        # Loading takes about a second; the rest is play.
        run.rest(dice.uniform(0.0, 3.0))
        run.child.send_signal(dice.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)))
        took, code = run.gone(10.0)
        assert code == 0, f"moment {moment}: exit code {code}"
        times.append(took)
    times.sort()
    at = lambda part: times[min(len(times) - 1, int(part * len(times)))]
    print(f"time to leave over {moments} moments: p50 {at(0.5):.3f} s, p99 {at(0.99):.3f} s, max {times[-1]:.3f} s")
    assert at(0.99) < 1.0, "p99 is to be under a second"


if __name__ == "__main__":
    failed = 0
    wanted = sys.argv[2:]
    for name, row in list(globals().items()):
        if name.startswith("row_") and (not wanted or name in wanted):
            try:
                row(os.path.abspath(sys.argv[1]))
                print(f"{name}: holds")
            except AssertionError as error:
                failed += 1
                print(f"{name}: FAILS: {error}")
    sys.exit(1 if failed else 0)
