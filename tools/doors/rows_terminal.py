"""The terminal for longer than a test may take: sizes at random with every byte held against them, one that is read now and then,
keys at random."""

import random
import re
import signal
import time

from door import Demon

USUAL = (24, 80)
SEQUENCE = re.compile(rb"\x1b\[([?0-9;]*)([A-Za-z])")
# The last that the screen writes of its first picture.
DRAWN = b"leaves"


def places(text):
    """Row and column of every jump of the cursor."""
    for arguments, end in SEQUENCE.findall(text):
        if end == b"H" and arguments:
            row, column = arguments.split(b";")
            yield int(row), int(column)


def row_slow_sizes_at_random(demon):
    """300 sizes in half a minute, keys between them: nothing is drawn beyond the edge of the size it is drawn for."""
    dice, looked_at = random.Random(1), 0
    with Demon(demon, size=USUAL, events=False) as run:
        run.until(DRAWN)
        for turn in range(300):
            columns, rows = dice.randint(1, 220), dice.randint(1, 70)
            run.resize(rows, columns)
            run.types(dice.choice([b"\t", b"?", b"\x1b[A", b"a", b"u", b"1"]))
            # The last of some quick turns stays for a while, and what is drawn after the screen was cleared for it is looked at.
            if turn % 10 < 9:
                run.read_for(0.05)
                continue
            start = len(run.seen)
            run.read_for(0.5)
            drawn = run.seen[start:].rpartition(b"\x1b[2J")[2]
            for row, column in places(drawn):
                looked_at += 1
                assert row <= rows and column <= columns, f"{row};{column} was drawn on {columns}x{rows}"
        run.types(b"\x03")
        assert run.gone()[1] == 0
        run.settings_are_back()
    assert 100 < looked_at, f"only {looked_at} places were seen"
    return f"{looked_at} places drawn"


def row_slow_a_terminal_that_is_read_now_and_then(demon):
    """20,000 keys at a terminal that is read for a tenth of the time: all are heard, and the program leaves when asked."""
    with Demon(demon, size=(60, 200)) as run:
        run.until(DRAWN)
        for turn in range(200):
            run.types(b"\x1b[C" * 51 + b"\x1b[D" * 49)
            time.sleep(0.09)
            if turn % 10 == 0:
                run.read_for(0.1)
        run.types(b"u")
        run.read_for(0.5)
        # Only what changed is written: all is, at another size.
        start = len(run.seen)
        run.resize(60, 190)
        run.until(b"undone", start)
        run.process.send_signal(signal.SIGTERM)
        assert run.gone(reading=False)[1] == 0
        run.settings_are_back()


def row_slow_keys_at_random(demon):
    """5000 random pieces of keys, cut anywhere, without Ctrl-C and `q`: the program plays on and then leaves."""
    dice = random.Random(2)
    keys = [bytes([it]) for it in range(32, 127) if it != ord("q")]
    keys += [b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[5~", b"\x1bOA", b"\x1b", b"\xc3\xbc", b"\xe6\x9b\xb2", b"\xff"]
    keys += [b"\x1b[200~q q q\x1b[201~", b"\x1b[<0;1;1M", b"\x1bq", b"\r", b"\t", b"\x7f", b"\x00"]
    with Demon(demon, size=USUAL) as run:
        run.until(DRAWN)
        for _ in range(5000):
            piece = dice.choice(keys)
            cut = dice.randint(0, len(piece))
            run.types(piece[:cut])
            run.read_for(0.001)
            run.types(piece[cut:])
            assert run.process.poll() is None, f"it left after {piece!r}"
        # Half a paste or sequence may be under way: it is given up after a while.
        run.read_for(6.0)
        run.types(b"\x03")
        assert run.gone()[1] == 0
        run.settings_are_back()
