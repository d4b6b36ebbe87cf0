"""Rhythms of recorded hits: drum kits, tablas, electronic and found sounds of Debian's `sonic-pi-samples` (CC0), sequenced here.

A pattern is a bar of sixteenths for three to six sounds, one of them often pitched to a scale; a long texture may lie below. The
samples whose origin is somebody's record (`loop_amen`) stay out.
"""

import functools
import pathlib

import numpy as np
import soundfile
from scipy.signal import resample_poly

import studio
from generator import FRAME, MAJOR, MINOR, RATE

FOLDER = pathlib.Path("/usr/share/sonic-pi/samples")
OUT = ("loop_amen", "rand-stream", "misc_burp")
KITS = {
    "drum kit": dict(kick=["drum_bass_hard", "drum_heavy_kick", "drum_bass_soft"], snare=["drum_snare_hard", "drum_snare_soft"],
                     hat=["drum_cymbal_closed", "drum_cymbal_pedal"], more=["drum_tom_", "drum_cymbal_open", "drum_splash", "drum_cowbell", "drum_roll"]),
    "electronic drums": dict(kick=["bd_"], snare=["sn_", "elec_snare", "elec_hi_snare", "elec_mid_snare"],
                             hat=["elec_tick", "elec_cymbal", "drum_cymbal_closed"], more=["elec_", "perc_"]),
    "tabla": dict(kick=["tabla_ghe"], snare=["tabla_na", "tabla_tas"], hat=["tabla_te", "tabla_ke"], more=["tabla_tun", "tabla_dhec", "tabla_re"]),
    "glitch": dict(kick=["elec_soft_kick", "elec_hollow_kick", "bd_"], snare=["glitch_perc", "perc_snap", "vinyl_"],
                   hat=["elec_blip", "elec_pop", "elec_tick"], more=["glitch_", "mehackit_", "vinyl_", "perc_"]),
}
PITCHED = ["bass_", "guit_", "elec_bell", "elec_chime", "elec_ping", "perc_bell", "ambi_piano", "elec_twang"]
TEXTURES = ["ambi_", "loop_"]


@functools.cache
def sample(name):
    sound, rate = soundfile.read(FOLDER / f"{name}.flac", dtype="float32", always_2d=True)
    sound = resample_poly(sound, RATE, rate, axis=0) if rate != RATE else sound
    sound = sound.T if sound.shape[1] == 2 else np.repeat(sound.T[:1], 2, axis=0)
    return np.ascontiguousarray(sound, dtype=np.float32)


@functools.cache
def names():
    found = sorted(it.stem for it in FOLDER.glob("*.flac"))
    return [it for it in found if not it.startswith(OUT)]


def one_of(rng, starts):
    fitting = [it for it in names() if it.startswith(tuple(starts))]
    return fitting[rng.integers(len(fitting))]


def pitched(sound, semitones):
    """Faster or slower, as on a record: [2, samples] of another length."""
    ratio = 2 ** (semitones / 12)
    at = np.arange(0, sound.shape[1] - 1, ratio)
    return np.stack([np.interp(at, np.arange(sound.shape[1]), it) for it in sound]).astype(np.float32)


def add(lap, sound, at, gain):
    place = (int(at) + np.arange(sound.shape[1])) % lap.shape[1]
    np.add.at(lap, (slice(None), place), sound * np.float32(gain))


def compose(seed):
    """A rhythm that wraps round, sound [samples, 2] and what may be said about it."""
    rng = np.random.default_rng([78, seed])
    kind = list(KITS)[rng.integers(len(KITS))]
    beat, bars = float(rng.uniform(8, 20)), int(rng.choice([2, 4]))
    frames = int(beat * 4 * bars)
    lap, step = np.zeros((2, frames * FRAME), np.float32), frames * FRAME / bars / 16
    kit = {part: sample(one_of(rng, starts)) for part, starts in KITS[kind].items() if part != "more"}
    extra = [sample(one_of(rng, KITS[kind]["more"])) for _ in range(rng.integers(0, 3))]
    odds = {"kick": [.9, .05, .1, .2] * 4, "snare": ([.02, .05, .05, .1] + [.9, .05, .1, .1]) * 2, "hat": [.8, .3, .9, .3] * 4}
    pattern = {part: rng.random(16) < np.array(odds[part]) for part in kit}
    swing = rng.uniform(0, 0.3) if rng.random() < 0.4 else 0.0
    when = lambda bar, s: (bar * 16 + s + (swing if s % 2 else 0)) * step
    for bar in range(bars):
        for part, hits in pattern.items():
            for s in np.flatnonzero(hits):
                add(lap, kit[part], when(bar, s), rng.uniform(0.6, 1.0) * (0.5 if part == "hat" else 0.9))
        for hit in extra:
            for s in rng.choice(16, rng.integers(1, 4), replace=False):
                add(lap, hit, when(bar, s), rng.uniform(0.2, 0.7))
    words = [kind]
    if rng.random() < 0.6:
        name, scale = one_of(rng, PITCHED), [MINOR, MAJOR][rng.integers(2)]
        root, melody = rng.integers(-7, 5), rng.choice(7, 4)
        for bar in range(bars):
            for s, tone in zip(sorted(rng.choice(16, 4, replace=False)), melody):
                add(lap, pitched(sample(name), root + scale[tone])[:, : int(6 * step)], when(bar, s), 0.6)
        words.append({"bass_": "synth bass", "guit_": "electric guitar"}.get(name.split("_")[0] + "_", "bell"))
    if rng.random() < 0.4:
        texture = pitched(sample(one_of(rng, TEXTURES)), rng.uniform(-5, 3))
        add(lap, texture, 0, rng.uniform(0.3, 0.8))
        words.append("texture")
    lap = studio.finished(lap, rng)
    bpm = round(1500 * bars * 4 / frames)
    about = {"style": "percussion", "tags": ["percussion", *words], "bpm": bpm, "key": "N/A", "frames": frames, "timesignature": "4"}
    return lap.T * np.float32(min(1.0, 0.707 / (np.abs(lap).max() + 1e-9))), about
