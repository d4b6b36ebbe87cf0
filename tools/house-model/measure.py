"""What can be measured of a recording: distances, onsets, levels. Audio is float [channels, samples] at 48 kHz."""

import numpy as np
import torch

from train_codec import mel_matrix, spectrum

RATE = 48000
ONSET_RATE = 200  # loudness values a second


def log_mel_distance(a, b):
    """Mean distance in dB between 96-band mel spectra of left and right, floor at -70 dB."""
    mel = mel_matrix(2048, 96)
    db = lambda x: 20 * torch.log10(mel @ spectrum(x[None], 2048) + 10 ** (-70 / 20))
    length = min(a.shape[1], b.shape[1])
    return (db(a[:, :length]) - db(b[:, :length])).abs().mean().item()


def si_sdr(made, wanted):
    """Scale-invariant signal to distortion ratio in dB."""
    scale = (made * wanted).sum() / wanted.square().sum()
    return (10 * torch.log10((scale * wanted).square().sum() / (made - scale * wanted).square().sum())).item()


def decibel(value):
    return 20 * np.log10(max(float(value), 1e-9))


def peak(audio):
    return decibel(audio.abs().max())


def rms(audio):
    return decibel(audio.square().mean().sqrt())


def clipping_run(audio):
    """The most samples in a row at or beyond full scale, in any channel."""
    longest = 0
    for channel in (audio.abs() >= 1.0).numpy():
        edges = np.flatnonzero(np.diff(np.concatenate([[0], channel.astype(np.int8), [0]])))
        longest = max(longest, int((edges[1::2] - edges[::2]).max(initial=0)))
    return longest


def quietest_second(audio):
    """Level of the quietest whole second in dBFS."""
    seconds = audio[:, : audio.shape[1] // 48000 * 48000].unflatten(1, (-1, 48000))
    return min(rms(seconds[:, n]) for n in range(seconds.shape[1]))


def onsets(audio):
    """How fast the loudness of the whole, and of what lies above about 2 kHz, rises."""
    mono = audio.mean(0).numpy()
    curves = []
    for wave in (mono, np.diff(mono, n=2)):
        step = 48000 // ONSET_RATE
        loud = np.sqrt((wave[: len(wave) // step * step].reshape(-1, step) ** 2).mean(1))
        rise = np.maximum(np.diff(np.log(loud[: len(mono) // step - 1] + 1e-2 * loud.max() + 1e-9)), 0)
        rise = np.convolve(rise, np.hanning(11), "same")
        curves.append((rise - rise.mean()) / (rise.std() + 1e-9))
    return curves


def onset_correlation(a, b):
    """1 for the same beat, about 0 for none in common."""
    pairs = zip(onsets(a), onsets(b))
    return float(np.mean([(x[: len(y)] * y[: len(x)]).mean() for x, y in pairs]))


def comb(audio, tones=(), spacing=25.0):
    """The strongest line that a frame rate could have left, in dBFS, up to 8 kHz, and how far it stands over its surroundings.

    Looked at are the multiples of the spacing, and what lies so many spacings beside each steady tone; not the
    tones themselves and their harmonics.
    """
    mono = audio.mean(0).numpy().astype(np.float64)
    window = np.hanning(len(mono))
    power = np.abs(np.fft.rfft(mono * window)) ** 2 / (window.sum() / 2) ** 2
    width = RATE / len(mono)
    lines = [k * spacing for k in range(1, 320)]
    lines += [tone + k * spacing for tone in tones for k in range(-20, 160) if tone + k * spacing > 20]
    own = np.array([tone * k for tone in tones for k in range(1, 40)] or [-1e9])
    strongest, excess = -180.0, 0.0
    for line in lines:
        if np.abs(own - line).min() < 4 or line > 8000:
            continue
        at, reach = round(line / width), round(spacing / 3 / width)
        near = np.concatenate([power[max(at - reach, 1) : at - 3], power[at + 4 : at + reach]])
        here = 10 * np.log10(power[at - 1 : at + 2].max() + 1e-18)
        if here > strongest:
            strongest, excess = here, here - 10 * np.log10(np.median(near) + 1e-18)
    return strongest, excess
