"""Hands that play for a while, through a MIDI port on paper: what they do is on the disk, stroke by stroke."""

import time

from ..guest import machine
from .common import midi_port, play

Wrong = machine.Wrong
STROKES = 40
# Notes of the usual map (docs/surface.md): new seeds, and the first scene kept.
RESEED, KEEP = 36, 49
STATE = "/var/lib/demon/last-state.toml"


def strokes_are_kept(guest):
    guest.until_ready("demon-engine.service", 1500)
    port = midi_port(guest)
    seen = set()
    for number in range(STROKES):
        # A knob over its travel, new seeds now and then, a scene that is kept.
        messages = [(0xB0, 1 + number % 8, place) for place in range(0, 128, 16)]
        messages += [(0x90, RESEED, 100), (0x90, RESEED, 0)] if number % 3 == 0 else []
        messages += [(0x90, KEEP, 100), (0x90, KEEP, 0)] if number % 10 == 9 else []
        play(guest, port, messages)
        time.sleep(2)
        code, said = guest.ask(f"grep -m1 '^digest' {STATE}")
        seen.add(said if code == 0 else "")
    if len(seen) < STROKES // 3:
        raise Wrong(f"{len(seen)} states of play after {STROKES} strokes")
    return f"{STROKES} strokes through {port}, {len(seen)} states seen on the disk"
