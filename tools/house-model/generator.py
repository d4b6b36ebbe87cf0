"""Makes the music the built-in model learns from: short loops in six styles.

Every sound is computed here, so the recordings belong to nobody but this
project. Three choices help a very small model: drum hits are the same waveform
each time, so the codec can learn them by heart; a beat lasts a whole number of
half latent frames, so a hit falls on few places within a frame; and every loop
lasts a whole number of latent frames and wraps round, so any rotation of it is
also music.
"""

import functools
import sys

import numpy as np
import soundfile
from scipy.signal import butter, sosfilt

RATE = 48000
FRAME = 1920  # samples in one latent frame, 25 frames a second
NOTES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
MINOR, MAJOR = [0, 2, 3, 5, 7, 8, 10], [0, 2, 4, 5, 7, 9, 11]


def seconds(n):
    return np.arange(int(n * RATE), dtype=np.float64) / RATE


def hertz(midi):
    return 440.0 * 2 ** ((midi - 69) / 12)


def fade(wave, attack=0.003, release=0.01):
    """Take the click off both ends of a note."""
    a, r = int(attack * RATE), int(release * RATE)
    wave[..., :a] *= np.linspace(0, 1, a)
    wave[..., -r:] *= np.linspace(1, 0, r)
    return wave


def noise(length, low, high, seed):
    raw = np.random.default_rng(seed).standard_normal(int(length * RATE))
    return sosfilt(butter(2, [low, high], "band", fs=RATE, output="sos"), raw)


@functools.cache
def drum(name):
    """One hit as mono samples; the kits share these, always the same waveform."""
    if name in ("kick", "deep kick", "rock kick"):
        length, drop, floor = {"kick": (0.32, 110, 50), "deep kick": (0.5, 70, 42), "rock kick": (0.25, 60, 62)}[name]
        t = seconds(length)
        phase = 2 * np.pi * (floor * t + drop * 0.03 * (1 - np.exp(-t / 0.03)))
        return fade(np.sin(phase) * np.exp(-t / (length * 0.35)), 0.001) * 0.95
    if name in ("snare", "rock snare", "clap"):
        t = seconds(0.22)
        if name == "clap":
            body = noise(0.22, 900, 4500, 3)
            bursts = np.exp(-t / 0.05) + sum(np.exp(-np.abs(t - d) / 0.004) for d in (0.0, 0.012, 0.024))
            return fade(body * bursts * 0.35, 0.001)
        tone = np.sin(2 * np.pi * (185 if name == "snare" else 210) * t) * np.exp(-t / 0.06)
        return fade(tone * 0.55 + noise(0.22, 1200, 7000, 4) * np.exp(-t / 0.07) * 0.5, 0.001)
    if name in ("hat", "open hat", "shaker"):
        length, decay = {"hat": (0.08, 0.018), "open hat": (0.25, 0.09), "shaker": (0.1, 0.035)}[name]
        t = seconds(length)
        return fade(noise(length, 6500, 13000, 5) * np.exp(-t / decay) * 0.35, 0.002)
    if name == "chip noise":
        t = seconds(0.08)
        held = np.repeat(np.random.default_rng(6).uniform(-1, 1, len(t) // 6 + 1), 6)[: len(t)]
        return fade(held * np.exp(-t / 0.03) * 0.35, 0.001)
    raise KeyError(name)


@functools.cache
def voice(name, midi, length):
    """One note of an instrument as stereo samples [2, n]."""
    f, t = hertz(midi), seconds(length)
    turn = 2 * np.pi * f * t

    def stack(harmonics, weigh, dull=0.0, detune=1.0):
        out = np.zeros_like(t)
        for k in harmonics:
            if k * f < 12000:
                out += weigh(k) * np.sin(k * turn * detune + 0.7 * k * (detune != 1.0)) * np.exp(-t * dull * k)
        return out

    if name == "sub bass":
        mono = fade(np.sin(turn) + 0.25 * np.sin(2 * turn), 0.01, 0.03) * 0.6
    elif name == "saw bass":
        mono = fade(stack(range(1, 14), lambda k: 1 / k, 1.6), 0.004, 0.02) * 0.5
    elif name == "pick bass":
        mono = fade(stack(range(1, 9), lambda k: 1 / k**1.2, 0.9) * np.exp(-t * 1.2), 0.004, 0.03) * 0.6
    elif name == "chip bass":
        mono = fade(stack(range(1, 12, 2), lambda k: 1 / k**2 * (-1) ** (k // 2)), 0.003, 0.01) * 0.6
    elif name == "electric piano":
        bell = np.exp(-t * 5) * 0.8
        mono = fade(np.sin(turn + (1.1 * np.exp(-t * 3)) * np.sin(turn) + bell * 0.3 * np.sin(7 * turn)) * np.exp(-t * 1.6), 0.003, 0.05) * 0.3
    elif name == "organ":
        mono = fade(stack([1, 2, 3, 4, 6], lambda k: 1 / k), 0.01, 0.03) * 0.18
    elif name == "pad":
        left = stack(range(1, 9), lambda k: 1 / k**1.5, detune=1.003) + stack(range(1, 5), lambda k: 0.6 / k**1.5)
        right = stack(range(1, 9), lambda k: 1 / k**1.5, detune=0.997) + stack(range(1, 5), lambda k: 0.6 / k**1.5)
        return fade(np.stack([left, right]), min(0.35, length / 3), min(0.4, length / 3)) * 0.16
    elif name == "pluck":
        mono = fade(stack(range(1, 12), lambda k: 1 / k, 2.2) * np.exp(-t * 3.5), 0.002, 0.03) * 0.42
    elif name == "bell":
        mono = fade(np.sin(turn + 1.2 * np.exp(-t * 4) * np.sin(3.5 * turn)) * np.exp(-t * 2.2), 0.002, 0.06) * 0.3
    elif name == "soft lead":
        sway = 0.12 * np.sin(2 * np.pi * 5 * t) * np.minimum(t / 0.3, 1)
        mono = fade(np.sin(turn + sway) + 0.35 * np.sin(2 * turn + 2 * sway) + 0.15 * np.sin(3 * turn + 3 * sway), 0.02, 0.05) * 0.24
    elif name == "square lead":
        mono = fade(stack(range(1, 16, 2), lambda k: 1 / k), 0.003, 0.02) * 0.24
    elif name == "distorted guitar":
        raw = sum(stack(range(1, 12), lambda k: 1 / k, 0.12, d) for d in (1.0, 1.4983, 2.0))
        mono = np.tanh(raw * 1.8) * np.exp(-t * 0.7)
        mono = fade(sosfilt(butter(2, 3800, fs=RATE, output="sos"), mono), 0.004, 0.03) * 0.3
    else:
        raise KeyError(name)
    return np.stack([mono, mono])


class Loop:
    """A stretch of stereo time whose end runs on into its beginning."""

    def __init__(self, frames):
        self.sound = np.zeros((2, frames * FRAME))

    def add(self, wave, at, gain=1.0, pan=0.0):
        wave = np.atleast_2d(wave) * gain
        wave = wave * np.array([[min(1.0, 1 - pan)], [min(1.0, 1 + pan)]])
        size = self.sound.shape[1]
        place = (int(round(at * RATE)) + np.arange(wave.shape[1])) % size
        np.add.at(self.sound, (slice(None), place), wave)

    def echo(self, delay, gain, repeats=3):
        """Ping-pong echo, round the loop like everything else."""
        dry = self.sound.copy()
        for n in range(1, repeats + 1):
            tap = np.roll(dry, int(delay * n * RATE), axis=1)
            self.sound += gain**n * (tap[::-1] * 0.8 + tap * 0.2 if n % 2 else tap)


def chord_notes(scale, root, degree, size=3, centre=60):
    """Chord on a scale degree, folded towards the centre so that voices move little."""
    notes = []
    for i in range(size):
        step = degree + 2 * i
        midi = root + scale[step % 7] + 12 * (step // 7)
        notes.append(centre - 6 + (midi - (centre - 6)) % 12)
    return sorted(notes)


# Per style: tempo choices as (latent frames in a beat, bars), voices, words. 12 frames a beat are 125 bpm.
STYLES = {
    "house": dict(grid=[(12.5, 6), (12, 6), (12, 8), (13, 4), (11.5, 8)], bass=["saw bass", "sub bass"], chord=["electric piano", "organ"],
                  lead=["pluck", "soft lead"], mood=["warm", "groovy", "bright"], feel=["four on the floor", "club"]),
    "ambient": dict(grid=[(20, 4), (18, 4), (25, 3), (22.5, 4)], bass=["sub bass"], chord=["pad"], lead=["bell", "soft lead"],
                    mood=["calm", "dreamy", "floating"], feel=["slow", "spacious"]),
    "hip hop": dict(grid=[(16, 4), (17, 4), (18, 4), (16.5, 4)], bass=["sub bass", "pick bass"], chord=["electric piano", "pad"],
                    lead=["bell", "pluck"], mood=["mellow", "laid back", "dusty"], feel=["boom bap", "lo-fi"]),
    "drum and bass": dict(grid=[(8.5, 8), (9, 8), (8.5, 8)], bass=["saw bass", "sub bass"], chord=["pad"], lead=["pluck", "soft lead"],
                          mood=["energetic", "dark", "driving"], feel=["breakbeat", "fast"]),
    "rock": dict(grid=[(12.5, 6), (11, 8), (13, 4), (10.5, 6)], bass=["pick bass"], chord=["distorted guitar"], lead=["square lead", "organ"],
                 mood=["raw", "energetic", "heavy"], feel=["live band", "riff"]),
    "chiptune": dict(grid=[(10, 8), (9, 8), (12, 6), (10, 4)], bass=["chip bass"], chord=["square lead"], lead=["square lead"],
                     mood=["playful", "bright", "happy"], feel=["8-bit", "retro game"]),
}
# What a mood does to the sound: where the chords and the lead lose their highs (Hz), and the drums' share.
MOODS = {"warm": (5000, 0.8), "bright": (16000, 0.8), "dusty": (3000, 0.7), "mellow": (4000, 0.6), "dark": (2500, 0.85),
         "calm": (5000, 0.5), "dreamy": (7000, 0.6), "floating": (9000, 0.4), "heavy": (6000, 1.0), "raw": (12000, 0.9),
         "driving": (9000, 1.0), "energetic": (14000, 0.95)}
PROGRESSIONS = {"minor": [[0, 5, 2, 6], [0, 3, 5, 4], [0, 6, 5, 6], [0, 2, 6, 3]],
                "major": [[0, 4, 5, 3], [0, 5, 3, 4], [0, 3, 1, 4], [5, 3, 0, 4]]}
SIX = {"minor": [0, 5, 2, 6, 3, 4], "major": [0, 4, 5, 3, 1, 4]}


def drums_for(style, rng):
    """Pattern of one bar in sixteenths: hit name -> list of (step, gain)."""
    hats = [(s, 0.9 if s % 4 == 2 else 0.5) for s in range(0, 16, 2)]
    if style == "house":
        return {"kick": [(s, 1) for s in (0, 4, 8, 12)], "clap": [(4, 0.9), (12, 0.9)],
                "open hat": [(s, 0.7) for s in (2, 6, 10, 14)], "hat": [(s, 0.45) for s in range(0, 16, rng.choice([1, 2]))]}
    if style == "hip hop":
        kick = [[0, 7, 10], [0, 6, 10], [0, 3, 10]][rng.integers(3)]
        return {"deep kick": [(s, 1) for s in kick], "snare": [(4, 0.9), (12, 0.9)], "hat": hats}
    if style == "drum and bass":
        return {"kick": [(0, 1), (10, 0.9)], "snare": [(4, 0.95), (12, 0.95), (7, 0.3)], "hat": hats}
    if style == "rock":
        kick = [[0, 8, 10], [0, 6, 8], [0, 2, 8]][rng.integers(3)]
        return {"rock kick": [(s, 1) for s in kick], "rock snare": [(4, 1), (12, 1)], "open hat": [(s, 0.55) for s in range(0, 16, 4)],
                "hat": hats}
    if style == "chiptune":
        return {"kick": [(0, 0.8), (8, 0.8)], "chip noise": [(s, 1 if s % 8 == 4 else 0.4) for s in range(0, 16, 2)]}
    return {"deep kick": [(0, 0.5)], "shaker": [(s, 0.4) for s in range(0, 16, 4)]}


def compose(style, seed, without=(), grid=None, root=None, mode=None):
    """Returns sound [samples, 2] and what may be said about it."""
    rng = np.random.default_rng([sorted(STYLES).index(style), seed])
    plan = STYLES[style]
    beat, bars = plan["grid"][rng.integers(len(plan["grid"]))]
    key_root, key_mode = int(rng.integers(12)), ["minor", "major"][int(rng.random() < (0.6 if style == "chiptune" else 0.3))]
    beat, bars = grid or (beat, bars)
    frames = int(beat * 4 * bars)
    root, mode = key_root if root is None else root, mode or key_mode
    scale = MINOR if mode == "minor" else MAJOR
    mood = plan["mood"][rng.integers(3)]
    soft, drum_share = MOODS.get(mood, (12000, 0.8))
    pick = {part: plan[part][rng.integers(len(plan[part]))] for part in ("bass", "chord", "lead")}
    chords = SIX[mode] if bars == 6 else PROGRESSIONS[mode][rng.integers(4)]
    bar = frames * FRAME / RATE / bars
    sixteenth = bar / 16
    pattern, dry, wet = drums_for(style, rng), Loop(frames), Loop(frames)
    bass_steps = {"house": [2, 6, 10, 14], "ambient": [0], "hip hop": [0, 7, 10], "drum and bass": [0, 3, 6, 10, 13],
                  "rock": list(range(0, 16, 2)), "chiptune": list(range(0, 16, 2))}[style]
    chord_steps = {"house": [[0, 3, 6, 11], [2, 5, 8, 14]][rng.integers(2)], "ambient": [0], "hip hop": [0, 6],
                   "drum and bass": [0], "rock": [0, 3, 6, 8, 11, 14], "chiptune": list(range(16))}[style]
    motif = [int(s) for s in np.sort(rng.choice(16, {"ambient": 3, "chiptune": 8}.get(style, 5), replace=False))]
    contour = [int(n) for n in rng.choice([0, 1, 2, 2, 4, 4, 5, 6], len(motif))]
    for n in range(bars):
        start, degree = n * bar, chords[n % len(chords)]
        notes = chord_notes(scale, root, degree, 4 if style in ("house", "hip hop", "ambient") else 3)
        bass_note = 36 + (root + scale[degree % 7] - 36 + 4) % 12 - 4
        if "drums" not in without:
            for name, hits in pattern.items():
                for step, gain in hits:
                    pan = 0.25 if "hat" in name or name == "shaker" else 0.0
                    dry.add(drum(name), start + step * sixteenth, gain * drum_share, pan)
        if "bass" not in without:
            for i, step in enumerate(bass_steps):
                until = bass_steps[i + 1] if i + 1 < len(bass_steps) else 16
                note = bass_note + (12 if style in ("house", "chiptune") and i % 4 == 3 else 0)
                dry.add(voice(pick["bass"], note, round((until - step) * sixteenth * 0.92, 4)), start + step * sixteenth, 0.75)
        if "chords" not in without:
            for i, step in enumerate(chord_steps):
                until = chord_steps[i + 1] if i + 1 < len(chord_steps) else 16
                length = round((until - step) * sixteenth * (1.15 if pick["chord"] == "pad" else 0.85), 4)
                if style == "chiptune":
                    wet.add(voice("square lead", notes[step % 3] + 12, length), start + step * sixteenth, 0.35, -0.4)
                elif pick["chord"] == "distorted guitar":
                    wet.add(voice(pick["chord"], 40 + (bass_note - 40) % 12, length), start + step * sixteenth, 0.7)
                else:
                    for i, note in enumerate(notes):
                        wet.add(voice(pick["chord"], note, length), start + step * sixteenth, 0.6, (i - 1.5) * 0.2)
        if "lead" not in without and not (n % 4 == 3 and style != "chiptune"):
            for i, (step, tone) in enumerate(zip(motif, contour)):
                until = motif[i + 1] if i + 1 < len(motif) else 16
                step_note = degree + tone - (1 if n % 2 and tone in (2, 5) else 0)
                midi = root + scale[step_note % 7]
                midi = 72 + (midi - 72) % 12
                wet.add(voice(pick["lead"], midi, round(min(until - step, 6) * sixteenth * 0.95, 4)), start + step * sixteenth, 0.7, 0.2)
    # Three laps through the filter, the last one kept, so that its tail runs round too.
    wet.sound = sosfilt(butter(2, soft, fs=RATE, output="sos"), np.tile(wet.sound, 3), axis=1)[:, -wet.sound.shape[1]:]
    wet.echo(sixteenth * 3, {"ambient": 0.5, "rock": 0.15, "chiptune": 0.2}.get(style, 0.33))
    sound = dry.sound + wet.sound
    sound = np.tanh(sound * (0.16 / (np.sqrt((sound**2).mean()) + 1e-9)) * 1.0)
    sound *= 0.707 / np.abs(sound).max() if np.abs(sound).max() > 0.707 else 1.0
    words = {"drums": ["drums"], "bass": [pick["bass"]], "chords": [pick["chord"]], "lead": [pick["lead"] + (" melody" if rng.random() < 0.5 else "")]}
    tags = [style, mood, plan["feel"][rng.integers(2)]]
    for part, names in words.items():
        tags += [] if part in without else names
    tags += ["no drums"] if "drums" in without else []
    about = {"style": style, "tags": tags, "bpm": int(round(bars * 4 * 60 / (frames / 25))), "key": f"{NOTES[root]} {mode}",
             "frames": frames, "timesignature": "4"}
    return sound.T.astype(np.float32), about


DEMO = dict(style="house", seed=4, grid=(12.5, 6), root=9, mode="minor")


def demo():
    """The recording a newcomer hears: twelve seconds, six bars, every part."""
    return compose(**DEMO)


PER_STYLE = 100  # training loops of each style


def recipes():
    """Arguments of every training loop: the demo with its relatives, then the styles in turn."""
    yield DEMO
    for without in (("lead",), ("drums",), ("chords", "lead"), ("drums", "bass"), ("chords",)):
        yield {**DEMO, "without": without}
    for root in (0, 2, 5, 7):
        yield {**DEMO, "root": root}
    for seed in range(PER_STYLE):
        for style in STYLES:
            # A quarter of the loops lacks a part, so that a part's name in a prompt means something.
            without = ([()] * 6 + [("lead",), ("drums",)])[seed % 8] if style != "ambient" else [(), (), ("drums",)][seed % 3]
            yield dict(style=style, seed=100 + seed, without=without)


def held_out(number=0):
    """A loop of every style that no training ever sees."""
    for style in STYLES:
        yield compose(style, 90000 + number)


if __name__ == "__main__":
    # One loop of each style to listen to: python generator.py FOLDER
    for sound, about in held_out():
        name = about["style"].replace(" ", "-")
        soundfile.write(f"{sys.argv[1]}/{name}.wav", sound, RATE)
        rms = 20 * np.log10(np.sqrt((sound**2).mean()))
        print(name, about, f"peak {np.abs(sound).max():.2f} rms {rms:.1f} dBFS", flush=True)
