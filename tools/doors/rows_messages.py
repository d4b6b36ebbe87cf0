"""A terminal that reads nothing holds up no gesture."""

import contextlib
import select
import threading
import time

from door import PATIENCE_S, Demon, at_share

GESTURES = 20_000
# Between two changes of the instrument that is played: so that both meet the same machine.
BLOCK = 100


class Instrument:
    """The program in a terminal that is read or not; its log tells what came of each key."""

    def __init__(self, run, is_read):
        self.run, self.events, self.changed = run, 0, threading.Condition()
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
        finally:
            for instrument in instruments:
                instrument.close()

    # The whole way from the key through pseudo-terminal, conductor, log and pipe: what both have is the machine's.
    def words(name, times):
        over = sum(took > 0.005 for took in times)
        shares = ", ".join(f"p{100 * share:g} {at_share(times, share) * 1e3:.2f}" for share in (0.5, 0.99, 0.999))
        return f"{name}: {shares}, max {max(times) * 1e3:.2f} ms, {over} over 5 ms"

    figures = "; ".join(map(words, ("unread", "read"), times))
    slow, usual = (sorted(it)[-len(it) // 1000] for it in times)
    assert slow < max(0.005, 3 * usual), f"a terminal that reads nothing holds gestures up: {figures}"
    return figures
