"""Draws the loss curves, and writes the training log as text: python plot.py WORK FOLDER"""

import pathlib
import sys

import torch

import pictures


def main():
    work, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    codec = torch.load(work / "codec.pt", weights_only=False)["log"]
    flow = torch.load(work / "dit.pt", weights_only=False)["log"]
    whole = [row for row in codec if row[0] == "whole"]
    # A decoder trained further goes on where both ended.
    last = whole[-1][1] if whole else 0
    steps = [(done if phase == "whole" else last + done, spectral, wave) for phase, done, spectral, wave in codec]
    pictures.losses(out / "loss-codec.png", "Codec", {"spectral": [(n, a) for n, a, _ in steps], "waveform, relative": [(n, w) for n, _, w in steps]})
    pictures.losses(out / "loss-dit.png", "Velocity network and audio tokenizer", {"velocity error": flow["flow"], "token reconstruction": flow["tokens"], "loudness told": [(n, told) for n, _, told in flow["tokens"]]})
    with (out / "training-log.csv").open("w") as log:
        log.write("stage,step,error,error of waveform or loudness\n")
        log.writelines(f"codec {phase},{done},{spectral:.4f},{wave:.4f}\n" for phase, done, spectral, wave in codec)
        log.writelines(f"tokens,{done},{error:.4f},{told:.4f}\n" for done, error, told in flow["tokens"])
        log.writelines(f"flow,{done},{error:.4f},\n" for done, error in flow["flow"])


if __name__ == "__main__":
    main()
