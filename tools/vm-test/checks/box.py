"""The real program with the built-in model, played by a controller while it plays: `demon run --plain` into a file.

Emulated, a pass of the network takes seconds: nothing here says how fast, only that gestures arrive and sound goes on.
"""

import math
import shutil
import struct
from pathlib import Path

from checks.controllers import Controller
from machine import Skip, Wrong

MEMORY_MB = 2048
# Loading and listening to the source are arithmetic, which the emulator does slowly on a busy machine.
SLOW_S = 900
# A model that no profile knows: it plays the usual map.
NAME, MODEL = "PLAIN KNOBS", (0x1209, 0x0001)
TAKE = "/run/take.wav"


def initrd(folder: Path) -> Path:
    """The guest with the program and the model on top."""
    box, both = folder / "box.gz", folder / "guest-box.gz"
    if not box.exists():
        raise Skip("the guest was built without the program")
    with both.open("wb") as out:
        for part in (folder / "initrd.gz", box):
            with part.open("rb") as archive:
                shutil.copyfileobj(archive, out)
    return both


def play(machine, check):
    command = f"demon run --model /models/house --longest 2 --depth 1 --threads 2 --wav {TAKE} --plain"
    demon = machine.start("demon", command)
    knobs = Controller(machine, 0, "K1", NAME, MODEL)

    with check("it starts and plays") as saw:
        saw.append(demon.until(r"^playing ", SLOW_S))

    with check("it meets a controller that is plugged in while it plays") as saw:
        knobs.plug()
        saw.append(demon.until(f"connected: .*{NAME}", SLOW_S))

    with check("a knob turned to its end moves its parameter there") as saw:
        # By way of the value, so that it takes hold of it, and one by one: of places that come at once the last counts.
        for place in (0, 2, 4, 8, 64, 127):
            knobs.send(0xB0, 2, place)
        saw.append(demon.until(r"Source blend 1.00$", SLOW_S).strip())

    with check("pads do what they say, in order") as saw:
        for note, words in ((36, "^new seeds$"), (37, "^muted$"), (37, "^playing again$")):
            knobs.send(0x90, note, 100, note, 0)
            saw.append(demon.until(words, SLOW_S))

    with check("generations are born and finished") as saw:
        saw.append(demon.until(r" (?!0\.0)\d+\.\d gen/s|  rests  ", SLOW_S).strip())

    with check("a controller pulled is said, and the sound goes on, finite and not silent") as saw:
        knobs.unplug()
        saw.append(demon.until("a controller is gone", SLOW_S))
        saw.append(sound(machine))

    with check("asked to end it ends, and says what it played") as saw:
        demon.stop()
        saw.append(demon.until("generations, ", SLOW_S))


def sound(machine) -> str:
    """A second of the take from now on."""
    size = lambda: int(machine.sh(f"wc -c <{TAKE}"))
    begun = size()
    machine.until("another second of sound", lambda: 48_000 * 8 <= size() - begun, SLOW_S)
    # Every hundredth frame of the last second: a serial line is slow.
    data = machine.sh(f"tail -c +{begun - begun % 8 + 44 + 1} {TAKE} | head -c 384000 | od -An -v -tx1 -w800 | cut -c 1-24")
    samples = [it for line in data.splitlines() for it in struct.unpack("<2f", bytes.fromhex(line)[:8])]
    peak = max(map(abs, samples), default=0.0)
    if not samples or not all(map(math.isfinite, samples)) or not 0.001 < peak <= 1.0:
        raise Wrong(f"of {len(samples)} samples the greatest is {peak}")
    return f"{len(samples)} samples, the greatest {peak:.2f}"
