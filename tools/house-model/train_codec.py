"""Trains the autoencoder on the material: python train_codec.py WORK STEPS [--decoder-only]

With --decoder-only the encoder stays as it is, so latents computed from it stay valid while the decoder
goes on learning. A training that was cut off goes on from its last saved step.
"""

import math
import pathlib
import sys
import time

import numpy as np
import torch

import library
from codec import CONFIG, Codec, careful_start
from generator import FRAME, RATE
from muon import Muon
from training import average, cosine, write
from two import Pair

CROP = 40  # latent frames a crop; the decoder hears 9 frames to each side
NOISE = 0.3  # most latent noise while training, as a share of a latent's spread: the decoder must forgive the diffusion's errors
BAND_SHARE = 0.35  # crops of sampled instruments
STEADY_SHARE = 0.06  # crops of steady tones, in which any trace of the frame rate would be heard
PEAK_RATE = 1.5e-3
SEED = 11


def crop(sound, rng):
    """A stretch of the recording [2, samples], run round its end; half begin on a latent frame, half anywhere."""
    start = rng.integers(len(sound) // FRAME) * FRAME if rng.random() < 0.5 else rng.integers(len(sound))
    return np.take(sound, start + np.arange(CROP * FRAME), axis=0, mode="wrap").T / np.float32(32767)


def steady(rng):
    """One to four tones that nothing disturbs, [2, samples]."""
    time = np.arange(CROP * FRAME) / RATE
    hertz, phases = np.exp(rng.uniform(np.log(50), np.log(5000), rng.integers(1, 5))), rng.uniform(0, 2 * np.pi, (4, 2))
    tones = [rng.uniform(0.05, 0.3) / len(hertz) ** 0.5 * np.sin(2 * np.pi * f * time + phase) for f, (phase, _) in zip(hertz, phases)]
    return np.float32(sum(tones)) * np.float32(rng.uniform(0.6, 1.0, (2, 1)))


def loudness(rng):
    """Mostly as it is; now and then quiet, or nothing at all, so that silence comes back as silence."""
    draw = rng.random()
    if draw < 0.04:
        return 0.0
    return 10 ** rng.uniform(-2.2, 0) if draw < 0.16 else rng.uniform(0.7, 1.1)


def mel_matrix(size, bands):
    """Triangles evenly spaced in mel, each with unit sum."""
    top = 2595 * math.log10(1 + 20000 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    freqs = np.linspace(0, RATE / 2, size // 2 + 1)
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


def spectral_loss(made, wanted, sizes):
    """Log-mel, root-mel and bin-by-bin distances over mid and side."""
    total = 0.0
    rotate = lambda a: torch.stack([a[:, 0] + a[:, 1], a[:, 0] - a[:, 1]], 1) * 0.7071
    made, wanted = rotate(made), rotate(wanted)
    for n in sizes:
        a, b = spectrum(made, n), spectrum(wanted, n)
        mel_a, mel_b = MELS[n] @ a, MELS[n] @ b
        log_part = (torch.log(mel_a + 1e-3) - torch.log(mel_b + 1e-3)).abs().mean()
        # Compressed magnitudes keep quiet partials from drowning under the bass.
        root_part = (mel_a.sqrt() - mel_b.sqrt()).abs().mean() + 0.3 * ((a - b).square().sum() / (b.square().sum() + 1.0)).sqrt()
        # A wide mel band cannot tell noise from evenly spaced lines, which the ear hears as a buzz; single bins can.
        bin_part = (torch.log(a + 3e-3) - torch.log(b + 3e-3)).abs().mean()
        total = total + log_part + root_part + 0.3 * bin_part
    return total / len(sizes)


class Scale:
    """Running mean and variance of the latents, and the pull that keeps them at 0 and 1."""

    def __init__(self):
        self.mean, self.var = torch.zeros(64), torch.ones(64)

    def pull(self, latents):
        second, first = latents.square().mean((0, 2)), latents.mean((0, 2))
        return ((self.var - 1) * second).mean() + 2 * (self.mean * first).mean()

    def update(self, latents):
        with torch.no_grad():
            self.mean.lerp_(latents.mean((0, 2)), 0.01)
            self.var.lerp_((latents - self.mean[:, None]).square().mean((0, 2)), 0.01)


def loss_of(scale, decoder_only, seen):
    def loss(codec, half):
        audio, noise, sizes = half
        with torch.set_grad_enabled(not decoder_only):
            mean = codec.encode(audio)
        made = codec.decode(mean + noise)
        spectral = spectral_loss(made, audio, sizes)
        # Relative to the level: what is quiet must be as true as what is loud.
        wave = (made - audio).abs().mean() / (audio.abs().mean() + 0.01)
        seen.append(mean.detach())
        pull = 0.0 if decoder_only else 0.2 * scale.pull(mean)
        return spectral + 1.5 * wave + pull, (spectral.item(), wave.item())
    return loss


def main():
    work, steps = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    decoder_only = "--decoder-only" in sys.argv
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    sounds, _ = library.load(work)
    loops = len(sounds) - library.BAND_CLIPS
    codec, scale = Codec(CONFIG), Scale()
    careful_start(codec)
    saved = work / "codec.pt"
    state = torch.load(saved, weights_only=False) if saved.exists() else {"log": [], "phase": "whole"}
    phase = "decoder" if decoder_only else "whole"
    if state["phase"] == phase and state.get("done", 0) >= steps:
        print(f"codec: all {steps} steps of this phase are done")
        return
    if "average" in state:
        codec.load_state_dict(state["average"] if state["phase"] != phase else state["weights"])
    assert decoder_only or not state.get("folded"), "latents made from this encoder are in use"
    params = list((codec.decoder if decoder_only else codec).parameters())
    for p in codec.encoder.parameters():
        p.requires_grad_(not decoder_only)
    matrices = [p for p in params if p.dim() == 3 and min(p.shape[:2]) >= 8]
    muon, taken = Muon(matrices), {id(p) for p in matrices}
    optimiser = torch.optim.Adam([p for p in params if id(p) not in taken], lr=PEAK_RATE, betas=(0.85, 0.98))
    slow, done = {k: v.clone() for k, v in codec.state_dict().items()}, 0
    if "average" in state and state["phase"] == phase:
        slow, done = state["average"], state["done"]
        optimiser.load_state_dict(state["adam"])
        muon.velocity, scale.mean, scale.var = state["muon"], *state["scale"]
    rng = np.random.default_rng([SEED, done, decoder_only])
    pair, log, sums, begin, last_save = Pair(codec), state["log"], np.zeros(3), time.time(), time.time()

    def save():
        write(saved, {"average": slow, "weights": codec.state_dict(), "adam": optimiser.state_dict(), "muon": muon.velocity,
                      "scale": (scale.mean, scale.var), "log": log, "done": done, "phase": phase, "folded": state.get("folded", False)})

    while done < steps:
        rate = (0.4 if decoder_only else 1.0) * PEAK_RATE * min(1, (done + 1) / 60) * cosine(done / steps)
        optimiser.param_groups[0]["lr"] = rate
        sizes = [SCALES[n][0] for n in rng.choice(5, 2, replace=False)]
        halves, seen = [], []
        for _ in range(2):
            kind = rng.random()
            if kind < BAND_SHARE:
                sound = sounds[loops + rng.integers(library.BAND_CLIPS)]
            else:
                # One crop in ten is the demo's or a relative's.
                sound = sounds[rng.integers(library.DEMO_RELATIVES) if rng.random() < 0.1 else rng.integers(loops)]
            wave = steady(rng) if kind > 1 - STEADY_SHARE else crop(sound, rng)
            audio = torch.from_numpy(wave * np.float32(loudness(rng)))[None]
            noise = torch.from_numpy(rng.standard_normal((1, 64, CROP), dtype=np.float32)) * float(rng.uniform(0, NOISE))
            halves.append((audio, noise, sizes))
        spectral, wave = pair.step(loss_of(scale, decoder_only, seen), halves)
        torch.nn.utils.clip_grad_norm_(params, 3.0)
        optimiser.step()
        muon.step(rate)
        for latents in seen:
            scale.update(latents)
        done += 1
        average(slow, codec, done, 0.997)
        sums += (spectral, wave, 1)
        if sums[2] == 50:
            log.append((phase, done, sums[0] / 50, sums[1] / 50))
            print(f"{phase} {done} of {steps}, {(time.time() - begin) / 60:.1f} min, spectral {log[-1][2]:.4f}, wave {log[-1][3]:.4f}, "
                  f"latent spread {scale.var.mean().sqrt():.2f}, rate {rate:.1e}", flush=True)
            sums[:] = 0
        if time.time() - last_save > 120:
            last_save = time.time()
            save()
    save()


if __name__ == "__main__":
    main()
