"""What a studio does to a sound on its way to a recording: rooms, colour, width, saturation, levelling, noise, low bit rates.

Sounds are float32 [2, samples] at 48 kHz. Everything is drawn from a generator that is handed in, so that a seed gives the
same recording again.
"""

import io

import numpy as np
import soundfile
from scipy.signal import fftconvolve, lfilter

RATE = 48000


def amplitude(decibels):
    return np.float32(10 ** (decibels / 20))


def shelf(sound, hertz, gain):
    """A first-order shelf: what lies above `hertz` is louder by `gain` dB."""
    w = np.tan(np.pi * hertz / RATE)
    low = lfilter([w / (1 + w), w / (1 + w)], [1, (w - 1) / (1 + w)], sound, axis=1)
    return (low + (sound - low) * amplitude(gain)).astype(np.float32)


def bell(sound, hertz, gain, width):
    """A peak or a dip of `gain` dB; `width` is its bandwidth in octaves."""
    a, w = 10 ** (gain / 40), 2 * np.pi * hertz / RATE
    alpha = np.sin(w) * np.sinh(np.log(2) / 2 * width * w / np.sin(w))
    b, c = [1 + alpha * a, -2 * np.cos(w), 1 - alpha * a], [1 + alpha / a, -2 * np.cos(w), 1 - alpha / a]
    return lfilter(b, c, sound, axis=1).astype(np.float32)


def colour(sound, rng):
    """Up to three bends of the spectrum, as an engineer's hand or a small speaker makes them."""
    for _ in range(rng.integers(0, 4)):
        hertz = float(np.exp(rng.uniform(np.log(80), np.log(12000))))
        if rng.random() < 0.5:
            sound = shelf(sound, hertz, rng.uniform(-8, 6))
        else:
            sound = bell(sound, hertz, rng.uniform(-8, 8), rng.uniform(0.5, 2))
    return sound


def room(sound, rng, seconds, share):
    """A reverberation of noise that dies away, sooner at the top; two ears hear different noise."""
    length = int(seconds * RATE)
    t = np.arange(length, dtype=np.float32) / RATE
    noise = rng.standard_normal((2, length)).astype(np.float32)
    dark = lfilter([0.35], [1, -0.65], noise, axis=1)
    response = noise * np.exp(-t * 11 / seconds) + dark * np.exp(-t * 6.9 / seconds)
    delay = int(rng.uniform(0.002, 0.03) * RATE)
    response = np.pad(response, ((0, 0), (delay, 0)))
    response /= np.sqrt((response**2).sum(1, keepdims=True)) + 1e-9
    wet = np.stack([fftconvolve(a, b)[: sound.shape[1]] for a, b in zip(sound, response)])
    return (sound * (1 - 0.5 * share) + wet * share).astype(np.float32)


def width(sound, rng):
    """Wider, narrower, to one side, or one ear a little later than the other."""
    mid, side = sound.mean(0), (sound[0] - sound[1]) / 2
    side = side * amplitude(rng.uniform(-12, 9))
    sound = np.stack([mid + side, mid - side])
    if rng.random() < 0.25:
        late = int(rng.uniform(0.0003, 0.02) * RATE)
        ear = rng.integers(2)
        sound[ear, late:] = sound[ear, :-late].copy()
    balance = np.clip(rng.normal(0, 0.25), -0.8, 0.8)
    return (sound * np.array([[min(1, 1 - balance)], [min(1, 1 + balance)]])).astype(np.float32)


def saturate(sound, rng):
    """Tape, valve or fuzz: the same curve, driven differently."""
    drive = np.sqrt((sound**2).mean() + 1e-12) * 10 ** rng.uniform(-0.3, 1.0)
    return (np.tanh(sound / drive) * drive).astype(np.float32)


def level(sound, rng):
    """A compressor of one band, as on most finished music."""
    power = (sound**2).mean(0)
    hold = np.exp(-1 / (rng.uniform(0.02, 0.2) * RATE))
    loud = np.sqrt(lfilter([1 - hold], [1, -hold], power) + 1e-8)
    over = np.maximum(loud / (np.sqrt(power.mean()) * rng.uniform(0.5, 1.2) + 1e-9), 1)
    return (sound * over ** -rng.uniform(0.2, 0.8)).astype(np.float32)


def hiss(sound, rng):
    """The noise of a tape or a cheap input, 35 to 75 dB below."""
    noise = rng.standard_normal(sound.shape)
    noise = lfilter([1], [1, -rng.uniform(0, 0.9)], noise, axis=1)
    share = np.sqrt((sound**2).mean() / ((noise**2).mean() + 1e-12)) * amplitude(rng.uniform(-75, -35))
    return (sound + noise * share).astype(np.float32)


def crush(sound, rng):
    """Through a lossy format at a low rate and back."""
    kind = ["MP3", "OGG"][rng.integers(2)]
    file = io.BytesIO()
    options = {"compression_level": float(rng.uniform(0.6, 0.95)), **({"bitrate_mode": "CONSTANT"} if kind == "MP3" else {})}
    with soundfile.SoundFile(file, "w", RATE, 2, format=kind, **options) as out:
        # In pieces: some versions of libsndfile fault on a long Vorbis write.
        for at in range(0, sound.shape[1], 4096):
            out.write(sound.T[at : at + 4096])
    file.seek(0)
    back, _ = soundfile.read(file, dtype="float32", always_2d=True)
    back = back.T[:, : sound.shape[1]]
    return np.pad(back, ((0, 0), (0, sound.shape[1] - back.shape[1])))


def finished(sound, rng):
    """Some of all that, in the order of a console, at a usual level."""
    if rng.random() < 0.6:
        sound = colour(sound, rng)
    if rng.random() < 0.35:
        sound = room(sound, rng, rng.uniform(0.3, 3.0), rng.uniform(0.1, 0.8))
    if rng.random() < 0.5:
        sound = width(sound, rng)
    if rng.random() < 0.25:
        sound = saturate(sound, rng)
    if rng.random() < 0.35:
        sound = level(sound, rng)
    if rng.random() < 0.2:
        sound = hiss(sound, rng)
    sound = sound * np.float32(0.16 / (np.sqrt((sound**2).mean()) + 1e-6))
    return np.tanh(sound).astype(np.float32)
