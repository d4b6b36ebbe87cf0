"""Recordings that are made of others, as records are: layers of loops, players, rhythms and voices, finished in a studio that never does the same twice, at any
level. What a model has to bear that somebody's own recording is played to.
"""

import json

import numpy as np

import studio
from generator import FRAME, RATE

FRAMES = 300
BEFORE = 24000  # samples that effects hear before it begins
SEAM = 2400  # samples over which the end goes over into the beginning
ODDS = {"loop": 0.3, "band": 0.5, "rhythm": 0.12, "voice": 0.08}
LAYERS = [0.45, 0.37, 0.18]  # how often nothing, one and two more lie over the first
MOST_TAGS = 6


class Base:
    """The recordings that it is made of, read from disk as they are used."""

    def __init__(self, folder, kinds):
        self.folder, self.abouts = folder, json.loads((folder / "about.json").read_text())
        self.places = {kind: np.flatnonzero(np.array(kinds) == kind) for kind in ODDS}

    def stretch(self, rng, length):
        """A stretch of some recording [2, length], run round its end, and what is said of it."""
        which = int(rng.choice(self.places[rng.choice(list(ODDS), p=list(ODDS.values()))]))
        sound = np.load(self.folder / f"{which:04}.npy", mmap_mode="r")
        places = rng.integers(len(sound)) + np.arange(length)
        return np.take(sound, places, axis=0, mode="wrap").T / np.float32(32767), self.abouts[which]


def seamless(sound, length):
    """The first `length` samples, with what comes after them under their beginning, so that they wrap round."""
    fade = np.linspace(0, np.pi / 2, SEAM, dtype=np.float32)
    out = sound[:, :length].copy()
    out[:, :SEAM] = out[:, :SEAM] * np.sin(fade) + sound[:, length : length + SEAM] * np.cos(fade)
    return out


def loudness(rng):
    """Most as loud as a record; some as quiet as a room."""
    return studio.amplitude(rng.uniform(-24, -6) if rng.random() < 0.25 else rng.uniform(-6, 0))


def compose(base, seed):
    """One of them, sound [samples, 2] and what may be said about it: the words of its first layer, and some of the others'."""
    rng = np.random.default_rng([79, seed])
    length = FRAMES * FRAME
    sound, about = base.stretch(rng, BEFORE + length + SEAM)
    tags = list(about["tags"])
    layers = int(rng.choice(len(LAYERS), p=LAYERS))
    for _ in range(layers):
        more, other = base.stretch(rng, BEFORE + length + SEAM)
        sound = sound + more * studio.amplitude(rng.uniform(-14, 0))
        tags += other["tags"][1:]
    sound = studio.finished(sound, rng)
    if rng.random() < 0.06:
        sound = studio.crush(sound, rng)
    sound = seamless(sound[:, BEFORE:], length)
    peak = np.abs(sound).max() + 1e-6
    sound = sound * np.float32(min(1.0, rng.uniform(0.7, 0.99) / peak)) * loudness(rng)
    # Over others a layer keeps neither its key nor its time.
    known = about if layers == 0 else {**about, "bpm": "N/A", "key": "N/A"}
    return sound.T, {**known, "tags": list(dict.fromkeys(tags))[:MOST_TAGS], "frames": FRAMES}
