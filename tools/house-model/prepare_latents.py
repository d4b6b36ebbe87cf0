"""Folds the latents' scale into the codec and encodes every loop: python prepare_latents.py WORK

Run once, between the two trainings. Later codec training must leave the encoder alone.
"""

import pathlib
import sys

import numpy as np
import torch

from codec import CONFIG, Codec, whiten
from generator import FRAME
from train_codec import load_loops

MARGIN = 20  # frames of the loop's other end on each side, so that the latents wrap round too


@torch.no_grad()
def encode_loop(codec, sound):
    """Latents [frames, 64] of a loop, encoded as if it had always been playing."""
    around = np.concatenate([sound[-MARGIN * FRAME :], sound, sound[: MARGIN * FRAME]])
    return codec.encode(torch.tensor(around.T[None]))[0, :, MARGIN:-MARGIN].T.contiguous()


@torch.no_grad()
def main():
    work = pathlib.Path(sys.argv[1])
    torch.set_num_threads(2)
    state = torch.load(work / "codec.pt")
    codec = Codec(CONFIG)
    codec.load_state_dict(state["average"])
    loops, _ = load_loops(work)
    latents = [encode_loop(codec, sound) for sound in loops]
    if not state.get("folded"):
        flat = torch.cat(latents)
        mean, std = flat.mean(0), flat.std(0).clamp_min(1e-3)
        print("latent spread before folding", std.sort().values[::9])
        whiten(codec, mean, std)
        latents = [(x - mean) / std for x in latents]
        again = encode_loop(codec, loops[0])
        print("folded encoder agrees to", (again - latents[0]).abs().max().item())
        state.update(average=codec.state_dict(), folded=True)
        torch.save(state, work / "codec.pt")
    silence = codec.encode(torch.zeros(1, 2, 1520 * FRAME))[:, :, 10:-10].contiguous()
    torch.save({"latents": latents, "silence": silence}, work / "latents.pt")


if __name__ == "__main__":
    main()
