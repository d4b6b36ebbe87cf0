"""Listeners that tell a decoder's sound from a recording, and what the decoder learns from them.

Three small networks look at complex spectra of mid and side at three resolutions, as published codecs' discriminators do
(arXiv 2210.13438, section 3.4); hinge losses and the distance of what they see inside. Narrow, since two processor cores train
them: a stretch of half a second is enough for a hiss to betray itself as a hum.
"""

import torch
import torch.nn.functional as F
from torch import nn

import codec

SIZES = (2048, 1024, 512)
WIDTH = 12


class Listener(nn.Module):
    """From sound [B, 2, T] to scores [B, 1, frames, bands], and what each layer saw."""

    def __init__(self, size):
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        layers, width = [nn.Conv2d(4, WIDTH, (3, 9), (1, 2), (1, 4))], WIDTH
        for dilation in (1, 2, 4):
            layers.append(nn.Conv2d(width, 2 * WIDTH, (3, 5), (1, 2), (dilation, 2), (dilation, 1)))
            width = 2 * WIDTH
        self.layers = nn.ModuleList(nn.utils.parametrizations.weight_norm(it) for it in layers)
        self.out = nn.utils.parametrizations.weight_norm(nn.Conv2d(width, 1, (3, 3), padding=(1, 1)))

    def forward(self, sound):
        both = torch.stack([sound[:, 0] + sound[:, 1], sound[:, 0] - sound[:, 1]], 1) * 0.7071
        x = torch.stft(both.flatten(0, 1), self.size, self.size // 4, window=self.window, return_complex=True)
        # Compressed, so that quiet highs count beside a loud bass.
        x = x / (0.375 * self.size) ** 0.5
        x = x * (x.abs() + 1e-4).pow(-0.6)
        x = torch.view_as_real(x).unflatten(0, (-1, 2)).permute(0, 1, 4, 3, 2).flatten(1, 2)
        seen = []
        with torch.autocast("cpu", torch.bfloat16, enabled=codec.HALF):
            x = x.contiguous(memory_format=torch.channels_last)
            for layer in self.layers:
                x = F.leaky_relu(layer(x), 0.2)
                seen.append(x)
            return self.out(x).float(), [it.float() for it in seen]


class Listeners(nn.Module):
    def __init__(self):
        super().__init__()
        self.each = nn.ModuleList(Listener(size) for size in SIZES)

    def forward(self, sound):
        return [it(sound) for it in self.each]


def own_loss(listeners, made, wanted):
    """What teaches the listeners to tell them apart."""
    total = 0.0
    for (fake, _), (real, _) in zip(listeners(made.detach()), listeners(wanted)):
        total = total + F.relu(1 + fake).mean() + F.relu(1 - real).mean()
    return total / len(SIZES)


def decoder_loss(listeners, made, wanted):
    """What teaches the decoder: to be taken for a recording, and to look like this one inside."""
    taken, alike = 0.0, 0.0
    with torch.no_grad():
        real = listeners(wanted)
    for (score, seen), (_, wished) in zip(listeners(made), real):
        taken = taken - score.mean()
        for a, b in zip(seen, wished):
            alike = alike + (a - b).abs().mean() / (b.abs().mean() + 1e-6) / len(seen)
    return taken / len(SIZES), alike / len(SIZES)
