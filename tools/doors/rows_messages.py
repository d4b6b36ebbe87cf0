"""A terminal that reads nothing holds up no gesture."""

import contextlib
import pathlib
import select
import threading
import time

from door import PATIENCE_S, Demon, at_share

GESTURES = 20_000
# Between two changes of the instrument that is played: so that both meet the same machine.
BLOCK = 100
# The threads that a key passes on its way to the log: who reads keys, the conductor (the main thread), who writes the log.
PASSED = {"demon", "surface", "log"}


def queued_ns(places):
    """How long these threads were ready to run and had no core, in all: the machine's affair, and nobody's who held them up."""
    return sum(int(place.read_bytes().split()[1]) for place in places)


class Instrument:
    """The program in a terminal that is read or not; its log tells what came of each key."""

    def __init__(self, run, is_read):
        self.run, self.events, self.changed = run, 0, threading.Condition()
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.hear)] + ([threading.Thread(target=self.drain)] if is_read else [])
        for thread in self.threads:
            thread.start()
        tasks = [*pathlib.Path(f"/proc/{run.process.pid}/task").iterdir(), pathlib.Path("/proc/thread-self").resolve()]
        tasks.append(pathlib.Path(f"/proc/self/task/{self.threads[0].native_id}"))
        ours = len(tasks) - 2
        names = [(place / "comm").read_text().strip() for place in tasks[:ours]]
        self.places = [place / "schedstat" for place, name in zip(tasks, [*names, "log", "log"]) if name in PASSED]

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
        """Seconds from the key to its event in the log, and how many of them nobody on the way was without a core."""
        queued = queued_ns(self.places)
        with self.changed:
            before = self.events
            begun = time.perf_counter()
            self.run.types(b" ")
            came = self.changed.wait_for(lambda: self.events > before, PATIENCE_S)
        assert came, f"a gesture was not heard within {PATIENCE_S} s"
        took = time.perf_counter() - begun
        return took, took - (queued_ns(self.places) - queued) / 1e9

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

    def words(name, times):
        over = sum(took > 0.005 for took, _ in times)
        shares = ", ".join(f"p{100 * share:g} {at_share([took for took, _ in times], share) * 1e3:.2f}" for share in (0.5, 0.99, 0.999))
        most, held = (max(it) * 1e3 for it in zip(*times))
        return f"{name}: {shares}, max {most:.2f} ms, {over} over 5 ms; held up {held:.2f} ms at most"

    # The whole way from the key through pseudo-terminal, conductor, log and pipe. Waiting for a core is the machine's affair; all
    # else is somebody who holds the conductor up.
    figures = "; ".join(map(words, ("unread", "read"), times))
    held = max(held for _, held in times[0])
    assert held < 0.005, f"a terminal that reads nothing holds gestures up: {figures}"
    return figures
