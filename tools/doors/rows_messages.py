"""A terminal that reads nothing holds up no gesture."""

import contextlib
import re
import select
import threading
import time

from door import PATIENCE_S, Demon, at_share

GESTURES = 20_000
# Between two changes of the instrument that is played: so that both meet the same machine.
BLOCK = 100
# What is kept of the log's end.
LOG = 65536
HELD_UP = re.compile(r"the conductor was held up ([\d.]+) ms at most \(([\w ]*)\), (\d+) of (\d+) turns over 5 ms")


class Instrument:
    """The program in a terminal that is read or not; its log tells what came of each key."""

    def __init__(self, run, is_read):
        self.run, self.events, self.changed, self.log = run, 0, threading.Condition(), b""
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.hear)] + ([threading.Thread(target=self.drain)] if is_read else [])
        for thread in self.threads:
            thread.start()

    def hear(self):
        # Raw reads of whole pieces: what Python keeps of a line would be waited for.
        while not self.stop.is_set():
            if select.select([self.run.process.stderr], [], [], 0.1)[0]:
                piece = self.run.process.stderr.read1(65536)
                if not piece:
                    return
                heard = piece.count(b"muted") + piece.count(b"playing again")
                self.log = (self.log + piece)[-LOG:]
                with self.changed:
                    self.events += heard
                    self.changed.notify()

    def drain(self):
        while not self.stop.is_set():
            with contextlib.suppress(OSError):
                self.run.read(0.1)
                self.run.seen = b""

    def mute(self):
        """Seconds from the key to its event in the log."""
        with self.changed:
            before = self.events
            begun = time.perf_counter()
            self.run.types(b" ")
            came = self.changed.wait_for(lambda: self.events > before, PATIENCE_S)
        assert came, f"a gesture was not heard within {PATIENCE_S} s"
        return time.perf_counter() - begun

    def leave(self):
        """Ends the program in order; what it says of its conductor: milliseconds held up at most, by what, and how often over 5 ms."""
        self.run.process.terminate()
        assert self.run.process.wait(PATIENCE_S) == 0, "the program did not end in order"
        self.threads[0].join(PATIENCE_S)
        said = HELD_UP.findall(self.log.decode(errors="replace"))
        assert said, f"the program says nothing of its conductor: {self.log[-300:]!r}"
        most, part, over, turns = said[-1]
        return float(most), part, int(over), int(turns)

    def close(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def row_slow_an_unread_terminal_holds_up_no_gesture(demon):
    """20,000 gestures, by turns beside a terminal that reads nothing and beside one that does: both are heard alike."""
    times = [[], []]
    size = (30, 100)
    with Demon(demon, size=size, events=True) as unread, Demon(demon, size=size, events=True) as read:
        instruments = [Instrument(unread, False), Instrument(read, True)]
        try:
            for instrument in instruments:
                instrument.mute()
            for block in range(2 * GESTURES // BLOCK):
                times[block % 2] += [instruments[block % 2].mute() for _ in range(BLOCK)]
            held = [instrument.leave() for instrument in instruments]
        finally:
            for instrument in instruments:
                instrument.close()

    def words(name, times, held):
        shares = ", ".join(f"p{100 * share:g} {at_share(times, share) * 1e3:.2f}" for share in (0.5, 0.99, 0.999))
        most, part, over, turns = held
        way = f"{name}: key to log {shares}, max {max(times) * 1e3:.2f} ms"
        return f"{way}; conductor held up {most:.2f} ms at most ({part}), {over} of {turns} turns over 5 ms"

    # The way of a key goes through pseudo-terminal, conductor, log and pipe, and each of them waits for a core, which is the machine's
    # affair. That somebody holds the conductor up is what the program counts itself, for every turn.
    figures = "; ".join(map(words, ("unread", "read"), times, held))
    turns = min(turns for _, _, _, turns in held)
    assert turns >= GESTURES, f"fewer turns than gestures: {figures}"
    assert not any(over for _, _, over, _ in held), f"the conductor is held up: {figures}"
    return figures
