"""What a build says while it works, and how it gives up: one plain line, no traceback.

A step says its name when it begins and how long it took; one that found its work done already says so.
"""

import sys
import time
from contextlib import contextmanager


class Refused(Exception):
    """Something that whoever builds has to mend; the text says what was found, what was expected and what mends it."""


def say(words):
    """A line of progress."""
    print(words, flush=True)


@contextmanager
def step(name):
    """A step of the build; `step.note(words)` adds what came of it."""
    notes = []
    print(f"  {name:<34}", end="", flush=True)
    begun = time.monotonic()
    try:
        yield notes.append
    except BaseException:
        print("FAILED", flush=True)
        raise
    print(f"{time.monotonic() - begun:6.1f} s  {', '.join(notes)}", flush=True)


def run_main(main):
    """Runs `main`; what is refused is one line and exit code 2."""
    try:
        sys.exit(main())
    except Refused as refused:
        print(f"image: {refused}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def megabytes(count):
    """Bytes in words: 12.3 MB."""
    return f"{count / 1e6:.1f} MB"
