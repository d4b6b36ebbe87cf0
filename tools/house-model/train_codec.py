"""Trains the autoencoder on the material: python train_codec.py WORK STEPS [--from MODEL_FOLDER]

With --from it begins from a model that is there, widened without a change of its sound. From ALONE steps on listeners
(`adversary.py`) say what is still heard to be made. A training that was cut off goes on from its last saved step.
"""

import math
import pathlib
import sys
import time

import numpy as np
import torch
from safetensors.torch import load_file

import adversary
import fold
from codec import CONFIG, Codec, careful_start, from_published, halved, widened
from crops import CROP, Crops
from generator import FRAME, RATE
from muon import Muon
from training import average, cosine, write
from two import Pair

NOISE = 0.2  # most latent noise while training, as a share of a latent's spread: the decoder must forgive the diffusion's errors
PEAK_RATE = 1.2e-3
LISTENER_RATE = 3e-4
ALONE = 300  # steps before the listeners are heard
HELD = 0.5  # share of the steps after which the encoder is held: latents are made from it, while the decoder learns on
HEARD = 24000  # samples of a crop that they hear
# What each distance counts; the waveform's is relative to the level, so what is quiet must be as true as what is loud.
SHARES = {"spectral": 1.0, "wave": 1.5, "like": 2.0, "course": 0.5, "level": 0.06, "taken": 0.15, "alike": 0.6}
SEED = 21


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


def loss_of(scale, listeners, seen, held):
    """For `Pair`: the codec's loss on half a batch, and each distance in it; what was made goes into `seen`. `held`: the encoder learns no more."""
    def loss(codec, half):
        audio, noise, sizes, at = half
        with torch.set_grad_enabled(not held):
            mean = codec.encode(audio)
        made = codec.decode(mean + noise)
        like, course = fold.loss(made, audio)
        parts = {"spectral": spectral_loss(made, audio, sizes), "wave": (made - audio).abs().mean() / (audio.abs().mean() + 0.01), "like": like, "course": course,
                 "level": fold.level_loss(made, audio)}
        if listeners is not None:
            parts["taken"], parts["alike"] = adversary.decoder_loss(listeners, made[:, :, at : at + HEARD], audio[:, :, at : at + HEARD])
        seen.append((mean.detach(), made.detach()[:, :, at : at + HEARD], audio[:, :, at : at + HEARD]))
        total = sum(SHARES[name] * part for name, part in parts.items()) + (0.0 if held else 0.2 * scale.pull(mean))
        return total, tuple(float(parts[name].detach()) if name in parts else 0.0 for name in SHARES)
    return loss


def listening(listeners, half):
    """For `Pair`: the listeners' own loss."""
    loss = adversary.own_loss(listeners, *half)
    return loss, (loss.item(),)


class Training:
    """The codec, its listeners and their optimisers, and where they are."""

    def __init__(self, start=None):
        torch.manual_seed(SEED)
        self.codec, self.listeners, self.scale = Codec(CONFIG), adversary.Listeners(), Scale()
        careful_start(self.codec)
        if start is not None:
            weights = load_file(start / "vae" / "diffusion_pytorch_model.safetensors")
            widened(self.codec, from_published({k: v.float() for k, v in weights.items()}))
        params = list(self.codec.parameters())
        matrices = [p for p in params if p.dim() == 3 and min(p.shape[:2]) >= 8]
        taken = {id(p) for p in matrices}
        self.params, self.muon = params, Muon(matrices)
        self.adam = torch.optim.Adam([p for p in params if id(p) not in taken], lr=PEAK_RATE, betas=(0.85, 0.98))
        self.listeners_adam = torch.optim.Adam(self.listeners.parameters(), lr=LISTENER_RATE, betas=(0.8, 0.99))
        self.slow, self.done, self.log = {k: v.clone() for k, v in self.codec.state_dict().items()}, 0, []

    def save(self, path):
        write(path, {"average": self.slow, "weights": self.codec.state_dict(), "adam": self.adam.state_dict(), "muon": self.muon.velocity,
                     "listeners": self.listeners.state_dict(), "listeners_adam": self.listeners_adam.state_dict(),
                     "scale": (self.scale.mean, self.scale.var), "log": self.log, "done": self.done, "folded": False})

    def load(self, path):
        state = torch.load(path, weights_only=False)
        assert not state["folded"], "latents made from this encoder are in use"
        self.codec.load_state_dict(state["weights"])
        self.listeners.load_state_dict(state["listeners"])
        self.slow, self.done, self.log = state["average"], state["done"], state["log"]
        self.scale.mean, self.scale.var = state["scale"]
        # A compact state (`compact.py`) has no optimiser's memory: it is soon made again.
        if "adam" in state:
            self.adam.load_state_dict(state["adam"])
            self.listeners_adam.load_state_dict(state["listeners_adam"])
            self.muon.velocity = state["muon"]

    def step(self, halves, pair, listeners_pair, rate, held):
        heard = self.done >= ALONE
        self.adam.param_groups[0]["lr"] = rate
        self.listeners.requires_grad_(False)
        seen = []
        numbers = pair.step(loss_of(self.scale, self.listeners if heard else None, seen, held), halves)
        torch.nn.utils.clip_grad_norm_(self.params, 3.0)
        self.adam.step()
        self.muon.step(rate)
        for mean, _, _ in seen if not held else ():
            self.scale.update(mean)
        # The listeners learn at every second step: they are quick learners as it is.
        if heard and self.done % 2 == 0 or self.done >= ALONE - 100 and not heard:
            self.listeners.requires_grad_(True)
            listeners_pair.step(listening, [it[1:] for it in seen])
            torch.nn.utils.clip_grad_norm_(self.listeners.parameters(), 3.0)
            self.listeners_adam.step()
        self.done += 1
        average(self.slow, self.codec, self.done, 0.998)
        return numbers


def batch(crops, rng):
    """Two crops, each with its latent noise; the windows of the spectral distance, and what the listeners hear, are drawn for both."""
    sizes, at = [SCALES[n][0] for n in rng.choice(5, 2, replace=False)], int(rng.integers(CROP * FRAME - HEARD))
    noise = lambda: torch.from_numpy(rng.standard_normal((1, 64, CROP), dtype=np.float32)) * float(rng.uniform(0, NOISE))
    return [(torch.from_numpy(crops.next())[None], noise(), sizes, at) for _ in range(2)]


def main():
    work, steps = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    start = pathlib.Path(sys.argv[sys.argv.index("--from") + 1]) if "--from" in sys.argv else None
    torch.set_num_threads(1)
    print("convolutions in", "halves" if halved() else "32 bits", flush=True)
    saved, training = work / "codec.pt", Training(start)
    if saved.exists():
        training.load(saved)
    torch.manual_seed(SEED + training.done)
    rng, crops = np.random.default_rng([SEED, training.done]), Crops(work, [SEED, training.done, 1])
    pair, listeners_pair = Pair(training.codec), Pair(training.listeners)
    sums, begin, last_save, first = np.zeros(len(SHARES)), time.time(), time.time(), training.done
    while training.done < steps:
        rate = PEAK_RATE * min(1, (training.done - first + 1) / 60) * cosine(training.done / steps)
        sums += training.step(batch(crops, rng), pair, listeners_pair, rate, training.done >= HELD * steps)
        if training.done % 50 == 0:
            training.log.append((training.done, *(sums / 50)))
            shown = ", ".join(f"{name} {value:.4f}" for name, value in zip(SHARES, sums / 50))
            spent = time.time() - begin
            print(f"{training.done} of {steps}, {spent / 60:.1f} min, {spent / (training.done - first):.2f} s a step, {shown}, "
                  f"latent spread {training.scale.var.mean().sqrt():.2f}, rate {rate:.1e}", flush=True)
            sums[:] = 0
        if time.time() - last_save > 120:
            last_save = time.time()
            training.save(saved)
    training.save(saved)


if __name__ == "__main__":
    main()
