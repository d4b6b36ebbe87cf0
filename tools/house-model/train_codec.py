"""Trains the autoencoder on generated loops: python train_codec.py WORK MINUTES [--decoder-only]

The schedule runs on the clock, not on a step count, because the machine it was
written for is shared: whatever the speed, the rate has come down at the end.
With --decoder-only the encoder stays as it is, so latents computed from it stay
valid while the decoder goes on learning.
"""

import json
import math
import os
import pathlib
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

import generator
from codec import CONFIG, Codec, careful_start
from muon import Muon

CROP = 24  # latent frames a crop, just under a second
BATCH = 2
# Latent noise while training, because the decoder must forgive the diffusion's small errors.
# Latents spread about 0.2 before their scale is folded into the weights and 1 after.
NOISE, FOLDED_NOISE = 0.04, 0.15


def load_loops(work):
    """The training loops as float arrays [samples, 2] with what is said of each; made once."""
    folder = work / "loops"
    if not (folder / "about.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        abouts = []
        for number, (sound, about) in enumerate(generator.library()):
            np.save(folder / f"{number:03}.npy", sound)
            abouts.append(about)
        (folder / "about.json").write_text(json.dumps(abouts))
    abouts = json.loads((folder / "about.json").read_text())
    return [np.load(folder / f"{n:03}.npy") for n in range(len(abouts))], abouts


def crop(sound, frames, rng):
    """A rotation of the loop, cut to length; longer crops run round again."""
    start = rng.integers(len(sound))
    return np.take(sound, start + np.arange(frames * generator.FRAME), axis=0, mode="wrap").T


def mel_matrix(size, bands):
    """Triangles evenly spaced in mel, each with unit sum."""
    top = 2595 * math.log10(1 + 20000 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    freqs = np.linspace(0, generator.RATE / 2, size // 2 + 1)
    rise = (freqs - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - freqs) / (edges[2:] - edges[1:-1])[:, None]
    tri = np.clip(np.minimum(rise, fall), 0, None)
    tri /= tri.sum(1, keepdims=True) + 1e-9
    return torch.tensor(tri[tri.sum(1) > 0.5], dtype=torch.float32)


# Window sizes from bass resolution to drum-hit resolution, with mel bands for each.
SCALES = [(4096, 128), (2048, 96), (1024, 64), (512, 40), (256, 20)]
WINDOWS = {n: torch.hann_window(n) for n, _ in SCALES}
MELS = {n: mel_matrix(n, bands) for n, bands in SCALES}


def spectrum(audio, n):
    x = torch.stft(audio.flatten(0, 1), n, n // 4, window=WINDOWS[n], return_complex=True)
    # Divided by the window's energy, so noise of level 1 measures about 1 at every size.
    return torch.view_as_real(x).square().sum(-1).add(1e-9).sqrt() / (0.375 * n) ** 0.5


def spectral_loss(made, wanted):
    """Log-mel distance and a magnitude distance, over mid and side."""
    total = 0.0
    rotate = lambda a: torch.stack([a[:, 0] + a[:, 1], a[:, 0] - a[:, 1]], 1) * 0.7071
    made, wanted = rotate(made), rotate(wanted)
    for n, _ in SCALES:
        a, b = spectrum(made, n), spectrum(wanted, n)
        mel_a, mel_b = MELS[n] @ a, MELS[n] @ b
        log_part = (torch.log(mel_a + 3e-3) - torch.log(mel_b + 3e-3)).abs().mean()
        # Compressed magnitudes keep quiet partials from drowning under the bass.
        root_part = (mel_a.sqrt() - mel_b.sqrt()).abs().mean() + 0.3 * ((a - b).square().sum() / (b.square().sum() + 1.0)).sqrt()
        total = total + log_part + root_part
    return total / len(SCALES)


def loss_of(codec, audio, decoder_only, noise):
    with torch.set_grad_enabled(not decoder_only):
        mean = codec.encode(audio)
    made = codec.decode(mean + noise * torch.randn_like(mean))
    spectral = spectral_loss(made, audio)
    wave = (made - audio).abs().mean()
    # The pull towards zero and the fixed noise together set each latent's scale.
    return spectral + 4.0 * wave + 0.02 * mean.square().mean(), spectral, wave


def average(slow, fast, decay):
    """Exponential average of the weights, which is what gets exported."""
    for name, tensor in fast.state_dict().items():
        slow[name].lerp_(tensor, 1 - decay)


def main():
    work, minutes = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    decoder_only = "--decoder-only" in sys.argv
    torch.set_num_threads(int(os.environ.get("HOUSE_THREADS", "2")))
    rng = np.random.default_rng(time.time_ns())
    loops, _ = load_loops(work)
    # The demo and its nine relatives come up about as often as two whole styles.
    odds = np.array([3.0] * 10 + [1.0] * (len(loops) - 10))
    odds /= odds.sum()
    codec = Codec(CONFIG)
    careful_start(codec)
    log, steps = [], 0
    saved, folded = work / "codec.pt", False
    if saved.exists():
        state = torch.load(saved)
        codec.load_state_dict(state["average"])
        log, steps, folded = state["log"], state["steps"], state.get("folded", False)
    assert decoder_only or not folded, "latents made from this encoder are in use"
    slow = {k: v.clone() for k, v in codec.state_dict().items()}
    params = list((codec.decoder if decoder_only else codec).parameters())
    peak = float(os.environ.get("HOUSE_RATE", 1.5e-3))
    matrices = [p for p in params if p.dim() == 3 and p.requires_grad and min(p.shape[:2]) >= 8]
    muon, taken = Muon(matrices), {id(p) for p in matrices}
    optimiser = torch.optim.Adam([p for p in params if id(p) not in taken], lr=peak, betas=(0.85, 0.98))
    begin = last_save = time.time()
    first, sums = steps, [0.0, 0.0, 0]
    while (spent := (time.time() - begin) / 60) < minutes:
        rate = peak * min(1, (steps - first + 1) / 60) * (0.04 + 0.96 * 0.5 * (1 + math.cos(math.pi * spent / minutes)))
        optimiser.param_groups[0]["lr"] = rate
        batch = []
        for _ in range(BATCH):
            gain = 0.0 if rng.random() < 0.01 else rng.uniform(0.8, 1.1)
            batch.append(crop(loops[rng.choice(len(loops), p=odds)], CROP, rng) * gain)
        loss, spectral, wave = loss_of(codec, torch.tensor(np.stack(batch), dtype=torch.float32), decoder_only, FOLDED_NOISE if folded else NOISE)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 3.0)
        optimiser.step()
        muon.step(rate)
        steps += 1
        average(slow, codec, min(0.995, (steps - first) / (steps - first + 10)))
        sums = [sums[0] + spectral.item(), sums[1] + wave.item(), sums[2] + 1]
        if sums[2] == 25:
            log.append((steps, sums[0] / 25, sums[1] / 25))
            print(f"{steps} {spent:.1f} min spectral {log[-1][1]:.4f} wave {log[-1][2]:.4f} rate {rate:.1e}", flush=True)
            sums = [0.0, 0.0, 0]
        if time.time() - last_save > 60 or (time.time() - begin) / 60 >= minutes:
            last_save = time.time()
            torch.save({"average": slow, "log": log, "steps": steps, "folded": folded}, work / "codec.new")
            os.replace(work / "codec.new", saved)
    torch.save({"average": slow, "log": log, "steps": steps, "folded": folded}, saved)


if __name__ == "__main__":
    main()
