"""What a decoder's strides leave in a sound: lines at multiples of each stage's rate, and energy that comes and goes with its step.

A decoder that makes the fine structure of a cell of 192 samples from one set of numbers tends to make it alike in every cell:
the ear hears a metallic buzz at 250 Hz in whatever key. Here it is measured, and made a loss. Audio is float [channels, samples]
or, for the loss, [batch, channels, samples]; all at 48 kHz.
"""

import functools

import numpy as np
import torch

RATE = 48000
# Samples that one step of each of the decoder's stages lasts, from the latent frame down.
STEPS = (1920, 192, 32, 8, 2)


def comb_share(audio, step, low=1500.0, high=12000.0):
    """Share (0 to 1) of the energy from `low` to `high` Hz that lies on multiples of the rate of `step`.

    On a multiple means within a hundredth of the rate of it, but at most 2 Hz: of noise that is 1 to 2 %.
    """
    rate = RATE / step
    sound = np.asarray(audio, dtype=np.float64)
    size = sound.shape[-1]
    power = (np.abs(np.fft.rfft(sound * np.hanning(size), axis=-1)) ** 2).sum(0)
    hertz = np.arange(len(power)) * RATE / size
    inside = (hertz >= low) & (hertz <= high)
    off = np.abs(hertz - np.round(hertz / rate) * rate)
    return float(power[inside & (off <= min(2.0, rate / 100))].sum() / (power[inside].sum() + 1e-12))


def swing(audio, step, low=2000.0):
    """Decibels between the loudest and the quietest place of a step, of the energy above `low` Hz folded at it."""
    sound = np.asarray(audio, dtype=np.float64)
    size = sound.shape[-1] // step * step
    spectrum = np.fft.rfft(sound[:, :size], axis=-1)
    spectrum[:, : int(low * size / RATE)] = 0
    folded = (np.fft.irfft(spectrum, size, axis=-1) ** 2).sum(0).reshape(-1, step).mean(0)
    # A twelfth of a step is as fine as is asked: of fewer cells the rest is chance.
    places = np.array([it.mean() for it in np.array_split(folded, min(step, 12))])
    return float(10 * np.log10((places.max() + 1e-15) / (places.min() + 1e-15)))


# The loss looks at three bands on their own, for the lower is always the louder.
BANDS = ((1200.0, 3000.0), (3000.0, 7000.0), (7000.0, 20000.0))
WINDOW = 5760  # samples that a likeness is taken over: 120 ms, three latent frames
LAGS = (192, 384, 96, 32, 64, 8, 16)


@functools.cache
def band_masks(size):
    """Smooth pass bands [bands, bins] for a real spectrum of `size` samples."""
    hertz = torch.arange(size // 2 + 1) * (RATE / size)
    edge = lambda at: torch.sigmoid((hertz / at).clamp_min(1e-4).log2() * 12)
    return torch.stack([edge(low) * (1 - edge(high)) for low, high in BANDS])


def bands(audio):
    """[B, C, T] as mid and side in three bands, [B, C, bands, T]."""
    both = torch.stack([audio[:, 0] + audio[:, 1], audio[:, 0] - audio[:, 1]], 1) * 0.5
    return torch.fft.irfft(torch.fft.rfft(both)[:, :, None] * band_masks(audio.shape[-1]), n=audio.shape[-1])


def likeness(split, lag):
    """How like itself a sound is `lag` samples later, window by window: -1 to 1, about 0 for noise and 1 for lines at that rate."""
    size = (split.shape[-1] - lag) // WINDOW * WINDOW
    now, later = split[..., :size].unflatten(-1, (-1, WINDOW)), split[..., lag : lag + size].unflatten(-1, (-1, WINDOW))
    energy = (now.square().mean(-1) * later.square().mean(-1) + 1e-14).sqrt()
    return (now * later).mean(-1) / energy


def loss(made, wanted):
    """Two distances from the source: of likeness to itself at each stage's step, and of the energy's course within a step."""
    made, wanted = bands(made), bands(wanted)
    like = sum((likeness(made, lag) - likeness(wanted, lag)).abs().mean() for lag in LAGS) / len(LAGS)
    course = 0.0
    for step in (192, 32, 8, 2):
        size = made.shape[-1] // step * step
        fold = lambda it: (it[..., :size].square().unflatten(-1, (-1, step)).mean(-2) + 1e-9).log()
        apart = fold(made) - fold(wanted)
        course = course + (apart - apart.mean(-1, keepdim=True)).abs().mean() / 4
    return like, course


# Edges of the bands whose levels are compared: octaves from 44 Hz up, and what lies above most recordings.
EDGES = [31.25 * 2 ** (n + 0.5) for n in range(9)] + [16000.0, 20000.0]
LEVEL_WINDOW = 19200  # samples: .4 s
FAR_BELOW = 1e-6  # of a window's whole: what lies under that is nothing beside it


@functools.cache
def octave_masks():
    hertz = torch.arange(LEVEL_WINDOW // 2 + 1) * (RATE / LEVEL_WINDOW)
    return torch.stack([((hertz >= low) & (hertz < high)).float() for low, high in zip(EDGES, EDGES[1:])])


def levels(audio, floor):
    """Decibels of each band of mid and side by windows, [B, 2, windows, bands]; `floor` [B, 1, windows, 1] is what counts as nothing."""
    both = torch.stack([audio[:, 0] + audio[:, 1], audio[:, 0] - audio[:, 1]], 1) * 0.5
    size = both.shape[-1] // LEVEL_WINDOW * LEVEL_WINDOW
    windows = both[..., :size].unflatten(-1, (-1, LEVEL_WINDOW)) * torch.hann_window(LEVEL_WINDOW)
    power = torch.view_as_real(torch.fft.rfft(windows)).square().sum(-1) / LEVEL_WINDOW
    return 10 * (power @ octave_masks().T + floor).log10()


def level_loss(made, wanted):
    """Mean difference of level in dB over bands of mid and side. Distances of spectra alone sink what is like noise, whose mean logarithm lies under its energy."""
    with torch.no_grad():
        size = wanted.shape[-1] // LEVEL_WINDOW * LEVEL_WINDOW
        whole = wanted[..., :size].unflatten(-1, (-1, LEVEL_WINDOW)).square().sum((1, 3))
        floor = (whole * FAR_BELOW + 1e-7)[:, None, :, None]
        want = levels(wanted, floor)
    return (levels(made, floor) - want).abs().mean()
