"""The pictures of the report and of the README."""

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


def spectrogram(axis, audio, top=12000):
    mono = audio.mean(0).numpy() if hasattr(audio, "numpy") else audio.mean(0)
    axis.specgram(mono + 1e-7, NFFT=2048, Fs=48000, noverlap=1024, vmin=-140, vmax=-40)
    axis.set_ylim(0, top)


def spectrograms(path, named):
    figure, axes = plt.subplots(len(named), 1, figsize=(11, 1.9 * len(named)), squeeze=False)
    for axis, (name, audio) in zip(axes[:, 0], named.items()):
        spectrogram(axis, audio)
        axis.set_title(name, fontsize=8)
    save(figure, path)


def spectra(path, named):
    """Source and round trip of steady passages, with the comb's lines marked."""
    figure, axes = plt.subplots(len(named), 1, figsize=(11, 2.4 * len(named)), squeeze=False)
    for axis, (name, pair) in zip(axes[:, 0], named.items()):
        for label, audio in zip(("source", "through the codec"), pair):
            mono = audio.mean(0).numpy().astype(np.float64)
            window = np.hanning(len(mono))
            level = 20 * np.log10(np.abs(np.fft.rfft(mono * window)) / (window.sum() / 2) + 1e-9)
            hertz = np.arange(len(level)) * 48000 / len(mono)
            shown = hertz < 1000
            axis.plot(hertz[shown], level[shown], linewidth=0.6, label=label)
        axis.set(xlim=(0, 1000), ylim=(-150, 0), ylabel="dBFS")
        axis.set_xticks(np.arange(0, 1001, 25), minor=True)
        axis.grid(alpha=0.3, which="both")
        axis.set_title(f"{name} (grid every 25 Hz)", fontsize=8)
        axis.legend(fontsize=7)
    save(figure, path)


def curves(path, values, named):
    figure, axes = plt.subplots(1, len(named), figsize=(4 * len(named), 3))
    for axis, (name, rows) in zip(axes, named.items()):
        axis.plot(values, rows.T, color="gray", linewidth=0.6)
        axis.plot(values, rows.mean(0), linewidth=2)
        axis.set(title=name, xlabel="denoise")
        axis.grid(alpha=0.3)
    save(figure, path)


def boundaries(path, named):
    figure, axes = plt.subplots(len(named), 1, figsize=(9, 1.8 * len(named)), squeeze=False)
    for axis, (name, (far, half)) in zip(axes[:, 0], named.items()):
        axis.plot(far, linewidth=1)
        axis.axvspan(half - 4, half + 4, alpha=0.2)
        axis.set_title(name, fontsize=8)
    save(figure, path)


def losses(path, title, curves):
    figure, axis = plt.subplots(figsize=(7, 3.2))
    for name, points in curves.items():
        if points:
            axis.plot([p[0] for p in points], [p[1] for p in points], label=name, linewidth=1)
    axis.set(title=title, xlabel="step", yscale="log")
    axis.grid(alpha=0.3, which="both")
    axis.legend()
    save(figure, path)
