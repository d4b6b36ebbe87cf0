"""Draws the loss curves: python plot.py WORK FOLDER"""

import pathlib
import sys

import matplotlib
import torch

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def draw(path, title, curves):
    figure, axis = plt.subplots(figsize=(7, 3.2))
    for name, points in curves.items():
        if points:
            axis.plot([p[0] for p in points], [p[1] for p in points], label=name, linewidth=1)
    axis.set(title=title, xlabel="step", yscale="log")
    axis.grid(alpha=0.3, which="both")
    axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main():
    work, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    codec, flow = torch.load(work / "codec.pt")["log"], torch.load(work / "dit.pt")["log"]
    draw(out / "loss-codec.png", "Codec", {"spectral": [(s, a) for s, a, _ in codec], "waveform L1 x 10": [(s, 10 * w) for s, _, w in codec]})
    draw(out / "loss-dit.png", "Velocity network and audio tokenizer", {"velocity error": flow["flow"], "token reconstruction": flow["tokens"]})


if __name__ == "__main__":
    main()
