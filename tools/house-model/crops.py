"""What the codec hears in training: stretches of the library's recordings, layered, mixed anew and finished by a studio that never
does the same twice; now and then steady tones or nothing at all. Made ahead on a thread of its own.
"""

import queue
import threading

import numpy as np

import library
import studio
from generator import FRAME, RATE

CROP = 40  # latent frames
BEFORE = 24000  # samples that effects hear before the crop, so that a room has its tail
ODDS = {"loop": 0.25, "band": 0.45, "rhythm": 0.2, "voice": 0.1}
STEADY_SHARE = 0.06  # crops of steady tones, in which any trace of the frame rate would be heard
HISS_SHARE = 0.03  # and of noise of some colour, in which every line would


def steady(rng):
    """One to four tones that nothing disturbs, [2, samples]."""
    time = np.arange(CROP * FRAME) / RATE
    hertz, phases = np.exp(rng.uniform(np.log(50), np.log(5000), rng.integers(1, 5))), rng.uniform(0, 2 * np.pi, (4, 2))
    tones = [rng.uniform(0.05, 0.3) / len(hertz) ** 0.5 * np.sin(2 * np.pi * f * time + phase) for f, (phase, _) in zip(hertz, phases)]
    return np.float32(sum(tones)) * np.float32(rng.uniform(0.6, 1.0, (2, 1)))


def noise(rng):
    sound = studio.colour(rng.standard_normal((2, CROP * FRAME)).astype(np.float32), rng)
    return studio.width(sound * np.float32(0.1 / (np.sqrt((sound**2).mean()) + 1e-6)), rng)


def loudness(rng):
    """Mostly as it is; now and then quiet, or nothing at all, so that silence comes back as silence."""
    draw = rng.random()
    if draw < 0.03:
        return 0.0
    return 10 ** rng.uniform(-2.2, 0) if draw < 0.14 else rng.uniform(0.7, 1.1)


class Crops:
    """A queue of crops [2, CROP * FRAME]; `next()` waits for one."""

    def __init__(self, work, seed):
        self.sounds, abouts = library.load(work)
        kinds = [kind for kind, _ in library.jobs()]
        self.places = {kind: np.flatnonzero(np.array(kinds) == kind) for kind in ODDS}
        self.rng, self.ready = np.random.default_rng(seed), queue.Queue(12)
        threading.Thread(target=self._make, daemon=True).start()

    def next(self):
        return self.ready.get()

    def _make(self):
        while True:
            self.ready.put(np.ascontiguousarray(self.draw(self.rng), dtype=np.float32))

    def stretch(self, rng, length):
        """A stretch of some recording [2, length], run round its end; half begin on a latent frame, half anywhere."""
        kind = rng.choice(list(ODDS), p=list(ODDS.values()))
        # One loop in ten is the demo's or a relative's.
        places = self.places[kind]
        sound = self.sounds[places[rng.integers(library.DEMO_RELATIVES if kind == "loop" and rng.random() < 0.1 else len(places))]]
        start = rng.integers(len(sound) // FRAME) * FRAME if rng.random() < 0.5 else rng.integers(len(sound))
        return np.take(sound, start + np.arange(length), axis=0, mode="wrap").T / np.float32(32767)

    def draw(self, rng):
        kind = rng.random()
        if kind < STEADY_SHARE:
            return steady(rng) * np.float32(loudness(rng))
        if kind < STEADY_SHARE + HISS_SHARE:
            return noise(rng) * np.float32(loudness(rng))
        length = CROP * FRAME
        if rng.random() < 0.4:
            return self.stretch(rng, length) * np.float32(loudness(rng))
        sound = self.stretch(rng, BEFORE + length)
        for _ in range(rng.choice([0, 1, 2], p=[0.5, 0.35, 0.15])):
            sound = sound + self.stretch(rng, BEFORE + length) * studio.amplitude(rng.uniform(-14, 0))
        sound = studio.finished(sound, rng)
        sound = studio.crush(sound, rng) if rng.random() < 0.04 else sound
        peak = np.abs(sound).max() + 1e-6
        return sound[:, BEFORE:] * np.float32(loudness(rng) * min(1.0, rng.uniform(0.7, 0.99) / peak))
