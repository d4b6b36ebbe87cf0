"""Draws the loss curves, and writes the training log as text: python plot.py WORK FOLDER"""

import pathlib
import sys

import torch

import pictures
from train_codec import SHARES


def main():
    work, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    codec = torch.load(work / "codec.pt", weights_only=False)["log"]
    flow = torch.load(work / "dit.pt", weights_only=False)["log"]
    curves = {name: [(row[0], row[1 + place]) for row in codec] for place, name in enumerate(SHARES) if name != "taken"}
    pictures.losses(out / "loss-codec.png", "Codec", curves)
    pictures.losses(out / "loss-dit.png", "Velocity network and audio tokenizer", {"velocity error": flow["flow"], "token reconstruction": flow["tokens"], "loudness told": [(n, told) for n, _, told in flow["tokens"]]})
    with (out / "training-log.csv").open("w") as log:
        log.write(f"stage,step,error,error of loudness,{','.join(SHARES)}\n")
        log.writelines(f"codec,{row[0]},,,{','.join(f'{it:.4f}' for it in row[1:])}\n" for row in codec)
        log.writelines(f"tokens,{done},{error:.4f},{told:.4f}\n" for done, error, told in flow["tokens"])
        log.writelines(f"flow,{done},{error:.4f},\n" for done, error in flow["flow"])


if __name__ == "__main__":
    main()
