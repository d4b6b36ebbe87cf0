"""Synthetic voices, speaking and on one note: Debian's espeak-ng (its output is nobody's but who runs it).

They are here for the codec, which must carry consonants and formants; nobody is imitated and no words can be asked for.
"""

import io
import subprocess

import numpy as np
import soundfile
from scipy.signal import resample_poly

import studio
from generator import FRAME, RATE

LANGUAGES = ["en-gb", "en-us", "de", "fr-fr", "es", "it", "pt-br", "sv", "pl", "fi", "hi", "ja", "cmn", "ru", "el", "tr"]
SYLLABLES = "la da ne ko mi su ra te vo shi ba ku lo fa ye zu go pe an or um is ta".split()
SECONDS = 12


def line(rng):
    words = ["".join(rng.choice(SYLLABLES, rng.integers(1, 4))) for _ in range(rng.integers(3, 9))]
    return " ".join(words) + rng.choice([".", "?", "!", ","])


def spoken(rng):
    """A few lines of nonsense in one of many voices, [2, samples]."""
    voice = f"{LANGUAGES[rng.integers(len(LANGUAGES))]}+{['m1', 'm3', 'm5', 'm7', 'f1', 'f2', 'f4', 'croak', 'whisper'][rng.integers(9)]}"
    said = " ".join(line(rng) for _ in range(6))
    command = ["espeak-ng", "-v", voice, "-s", str(rng.integers(90, 230)), "-p", str(rng.integers(10, 95)), "--stdout", said]
    made = subprocess.run(command, check=True, capture_output=True).stdout
    sound, rate = soundfile.read(io.BytesIO(made), dtype="float32")
    return np.repeat(resample_poly(sound, RATE, rate)[None], 2, axis=0).astype(np.float32)


def compose(seed):
    """One to three voices in a room, sound [samples, 2] and what may be said about it."""
    rng = np.random.default_rng([79, seed])
    lap = np.zeros((2, SECONDS * RATE // FRAME * FRAME), np.float32)
    for _ in range(rng.integers(1, 4)):
        voice = studio.width(spoken(rng), rng)[:, : lap.shape[1]]
        at = rng.integers(lap.shape[1])
        lap[:, (at + np.arange(voice.shape[1])) % lap.shape[1]] += voice
    lap = studio.finished(lap, rng)
    about = {"style": "voice", "tags": ["voice", "speech"], "bpm": "N/A", "key": "N/A", "frames": lap.shape[1] // FRAME, "timesignature": "4"}
    return lap.T * np.float32(min(1.0, 0.707 / (np.abs(lap).max() + 1e-9))), about
