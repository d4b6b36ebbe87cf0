"""Hands for a soak: a MIDI file that moves every parameter over its whole travel, and the patches that it plays between."""

import pathlib
import random

# Ticks of a quarter note; 120 a minute, so 960 ticks a second.
DIVISION = 480
SECOND = 960
# A phase of moves, and one of none: longer than a generation of every slot and a lap take.
MOVES_S, REST_S = 30, 40
# Moves a second.
RATE = 30
# Deeds of notes 1 and up. Mute goes last and twice, so that it is off again.
DEEDS = ["reseed", "undo", "redo", "panic", "revert", "start", "scene-1", "scene-2", "keep-scene-1", "keep-scene-2", "tap", "mute"]
CALM, WILD = 1, 2


def write_patches(place: pathlib.Path, names: list[str]):
    """The calm patch has every value at its default; the wild one begins with what never rests."""
    folder = place / "list"
    folder.mkdir()
    lines = [f'[[map]]\ncc = {number % 120}\nchannel = {1 + number // 120}\nto = "{name}"\n' for number, name in enumerate(names)]
    lines += [f'[[map]]\nnote = {number}\nto = "{name}"\n' for number, name in enumerate(DEEDS, 1)]
    lines.append('[[map]]\nprogram = true\nto = "patch"\n')
    maps = '[prompt]\na = "warm house, rhodes"\nb = "dark drone"\n' + "".join(lines)
    (folder / "01_calm.toml").write_text(f"format = 2\n{maps}")
    wild = "[values]\nfeedback = 0.3\ntape_feedback = 0.2\ndenoise = 0.7\n"
    (folder / "02_wild.toml").write_text(f"format = 2\n{wild}{maps}")


def write_hands(path: pathlib.Path, names: list[str], seconds: float, seed: int) -> int:
    """Phases of moves and of rest for so long; answers how many moves there are."""
    dice, events, at = random.Random(seed), [], 2.0
    while at < seconds:
        events.append((at, bytes([0xC0, WILD])))
        moves = phase(dice, names)
        for number, message in enumerate(moves):
            events.append((at + 0.5 + number * (MOVES_S - 1) / len(moves), message))
        at += MOVES_S
        events.append((at, bytes([0xC0, CALM])))
        at += REST_S
    # What comes behind the end would be heard by nobody; a calm patch is the last word.
    events = [it for it in events if it[0] < seconds]
    path.write_bytes(midi(events))
    return len(events)


def phase(dice: random.Random, names: list[str]) -> list[bytes]:
    """Each parameter up and down its whole travel, all of them at once; between them deeds, and bands of all lengths."""
    rounds = max(1, MOVES_S * RATE // (len(names) * 6))
    ways = {number: [0, 40, 80, 127, dice.randrange(128), dice.randrange(128)] * rounds for number in range(len(names))}
    order = [number for number, way in ways.items() for _ in way]
    dice.shuffle(order)
    moves = []
    for number in order:
        moves.append(bytes([0xB0 + number // 120, number % 120, ways[number].pop(0)]))
        if dice.random() < 0.04:
            moves.append(note(dice.randrange(1, len(DEEDS))))
    # Bands open and close; the calm patch opens the whole tape again.
    for name in ("loop_start", "loop_end"):
        number = names.index(name)
        for place in range(20, len(moves), 60):
            moves.insert(place, bytes([0xB0 + number // 120, number % 120, dice.randrange(128)]))
    mute = len(DEEDS)
    middle = len(moves) // 2
    return [*moves[:middle], note(mute), *moves[middle:middle + 30], note(mute), *moves[middle + 30:]]


def note(number: int) -> bytes:
    return bytes([0x90, number, 100])


def midi(events: list[tuple[float, bytes]]) -> bytes:
    track, before = bytearray(), 0
    for at, message in sorted(events, key=lambda it: it[0]):
        now = int(at * SECOND)
        track += length(now - before) + message
        before = now
    track += b"\x00\xff\x2f\x00"
    head = b"MThd\0\0\0\x06\0\0\0\x01" + DIVISION.to_bytes(2, "big")
    return head + b"MTrk" + len(track).to_bytes(4, "big") + bytes(track)


def length(ticks: int) -> bytes:
    """As MIDI files write numbers: seven bits a byte."""
    parts = [ticks & 0x7F]
    while ticks := ticks >> 7:
        parts.append(0x80 | ticks & 0x7F)
    return bytes(reversed(parts))
