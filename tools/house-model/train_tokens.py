"""Trains the audio tokenizer: python train_tokens.py WORK STEPS

Five frames pass through sixteen bits and come back as structure hints. Sixteen bits can say little of 320 latent
numbers, and what they say must be what the ear follows: so during training a second reader of the same bits has to
tell the loudness of 24 bands every 10 ms, and only what is left serves the latents. The tokenizer is then held:
computing hints once and for all saves a good part of every later step.
"""

import pathlib
import sys
import time

import numpy as np
import torch
from torch import nn

import library
from dit import CONFIG, Model
from generator import FRAME
from prepare_latents import offsets
from train_codec import mel_matrix
from training import cosine, write

GROUPS = 256  # groups of five frames a step
BANDS, LOOKS = 24, 4  # loudness values a latent frame: bands, and moments
PEAK_RATE = 2e-3
SEED = 12
MEL = mel_matrix(1024, BANDS)


def loudness(sound, offset):
    """Logarithmic band loudness [frames, LOOKS * BANDS] of a recording that is turned by `offset` samples."""
    mono = torch.from_numpy(np.roll(sound.mean(1, dtype=np.float32) / 32767, -offset))
    x = torch.stft(mono, 1024, FRAME // LOOKS, window=torch.hann_window(1024), return_complex=True).abs() / 19.6
    return torch.log(MEL @ x + 1e-2).T[: len(sound) // FRAME * LOOKS].reshape(-1, LOOKS * len(MEL)).half()


def draw(latents, heard, count):
    """Groups of five frames from anywhere, run round the ends: latents [count, 5, 64], loudness [count, 5 * LOOKS * BANDS]."""
    rows, wanted = [], []
    for which in torch.randint(len(latents), (count,)).tolist():
        loop = latents[which]
        places = (int(torch.randint(len(loop), ())) + torch.arange(5)) % len(loop)
        rows.append(loop[places])
        wanted.append(heard[which][places].flatten())
    return torch.stack(rows), torch.stack(wanted).float()


def main():
    work, steps = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(2)
    torch.manual_seed(SEED)
    stored = torch.load(work / "latents.pt")
    latents = stored["latents"] + stored["shifted"]
    sounds, _ = library.load(work)
    heard = [loudness(it, 0) for it in sounds] + [loudness(it, int(n)) for it, n in zip(sounds, offsets(len(sounds)))]
    level = torch.cat(heard[:: max(1, len(heard) // 200)]).float().unflatten(1, (LOOKS, -1))
    mean, spread = level.mean((0, 1)).repeat(5 * LOOKS), level.std((0, 1)).repeat(5 * LOOKS)
    model = Model(CONFIG)
    reader = nn.Sequential(nn.Linear(CONFIG["hidden_size"], 512), nn.SiLU(), nn.Linear(512, len(mean)))
    params = [*model.tokenizer.parameters(), *model.detokenizer.parameters(), *reader.parameters()]
    optimiser = torch.optim.AdamW(params, lr=PEAK_RATE, betas=(0.9, 0.97), weight_decay=0.01)
    log, totals, begin = [], torch.zeros(2), time.time()
    for step in range(1, steps + 1):
        rate = PEAK_RATE * min(1, step / 50) * cosine(step / steps)
        optimiser.param_groups[0]["lr"] = rate
        batch, wanted = draw(latents, heard, GROUPS)
        codes, _ = model.tokenizer(batch.flatten(0, 1)[None])
        made = model.detokenizer(codes)[0].unflatten(0, (-1, 5))
        error = (made - batch).square().mean()
        told = (reader(codes[0]) - (wanted - mean) / spread).square().mean()
        optimiser.zero_grad()
        (error + told).backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        optimiser.step()
        totals += torch.tensor([error.item(), told.item()])
        if step % 50 == 0:
            log.append((step, *(totals / 50).tolist()))
            print(f"tokens {step} of {steps}, {(time.time() - begin) / 60:.1f} min, error {log[-1][1]:.4f}, loudness {log[-1][2]:.4f}", flush=True)
            totals.zero_()
    parts = {name: getattr(model, name).state_dict() for name in ("tokenizer", "detokenizer")}
    write(work / "tokens.pt", {"parts": parts, "log": log})


if __name__ == "__main__":
    main()
