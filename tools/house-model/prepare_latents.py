"""Folds the latents' scale into the codec and encodes all material: python prepare_latents.py WORK

Run once, between the two trainings. Later codec training must leave the encoder alone.
"""

import pathlib
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

import library
from codec import CONFIG, Codec, whiten
from generator import FRAME
from training import write

MARGIN = 20  # frames of the loop's other end on each side, so that the latents wrap round too


def offsets(count):
    """Where each recording's second encoding begins, in samples: between two frames, as a player's own would."""
    return np.random.default_rng(5).integers(1, FRAME, count)


@torch.no_grad()
def encode_loop(codec, sound, offset=0):
    """Latents [frames, 64] of a loop of whole frames that starts at sample `offset`, as if it had always been playing."""
    around = np.take(sound, np.arange(offset - MARGIN * FRAME, offset + len(sound) + MARGIN * FRAME), axis=0, mode="wrap")
    audio = torch.from_numpy(np.ascontiguousarray(around.T)[None])
    audio = audio.float() / 32767 if audio.dtype == torch.int16 else audio
    return codec.encode(audio)[0, :, MARGIN:-MARGIN].T.contiguous()


@torch.no_grad()
def main():
    work = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    state = torch.load(work / "codec.pt", weights_only=False)
    codec = Codec(CONFIG)
    codec.load_state_dict(state["average"])
    sounds, _ = library.load(work)
    with ThreadPoolExecutor(2) as pool:
        latents = list(pool.map(lambda it: encode_loop(codec, it), sounds))
        shifted = list(pool.map(lambda it: encode_loop(codec, *it), zip(sounds, offsets(len(sounds)))))
    if not state.get("folded"):
        flat = torch.cat(latents)
        mean, std = flat.mean(0), flat.std(0).clamp_min(1e-3)
        print("latent spread before folding", [round(float(it), 2) for it in std.sort().values[::9]])
        whiten(codec, mean, std)
        latents, shifted = ([(it - mean) / std for it in some] for some in (latents, shifted))
        again = encode_loop(codec, sounds[0])
        print("folded encoder agrees to", (again - latents[0]).abs().max().item())
        state.update(average=codec.state_dict(), folded=True)
        write(work / "codec.pt", state)
    silence = codec.encode(torch.zeros(1, 2, 1520 * FRAME))[:, :, 10:-10].contiguous()
    write(work / "latents.pt", {"latents": latents, "shifted": shifted, "silence": silence})


if __name__ == "__main__":
    main()
