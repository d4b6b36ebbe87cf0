"""A judge of style that has heard nothing but the generator: a small network over mel spectra."""

import multiprocessing

import numpy as np
import torch
from torch import nn

import generator
from train_codec import mel_matrix, spectrum

STYLES = sorted(generator.STYLES)
SECONDS = 8
FRAMES = SECONDS * 48000 // 960
FIRST_SEED = 50000  # apart from those of training (100 and up) and of the held-out loops (90000 and up)


def features(audio):
    """Mel spectrum [64, FRAMES] in natural logarithms, of mono at an even level."""
    mono = audio.mean(0, keepdim=True)[None]
    mono = mono * 0.1 / (mono.square().mean().sqrt() + 1e-6)
    fill = SECONDS * 48000 - mono.shape[2]
    mono = torch.cat([mono] * (2 + fill // mono.shape[2]), 2) if fill > 0 else mono
    mel = mel_matrix(2048, 64) @ spectrum(mono[:, :, : SECONDS * 48000 + 2048], 2048)
    mel = torch.nn.functional.interpolate(torch.log(mel + 1e-3), size=FRAMES, mode="linear")
    return mel[0]


class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        layers, width = [], 64
        for _ in range(3):
            layers += [nn.Conv1d(width, 64, 7, stride=2, padding=3), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2)]
        self.layers, self.out = nn.Sequential(*layers), nn.Linear(128, len(STYLES))

    def forward(self, mel):
        heard = self.layers(mel)
        return self.out(torch.cat([heard.mean(2), heard.amax(2)], 1))


def heard(job):
    torch.set_num_threads(1)
    style, seed = job
    sound, _ = generator.compose(style, seed)
    return features(torch.tensor(sound.T)), STYLES.index(style)


def train(loops=50, held=10):
    """The judge, and its share of right answers on loops of the generator that it never heard."""
    jobs = [(style, FIRST_SEED + n) for n in range(loops + held) for style in STYLES]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        known = pool.map(heard, jobs, chunksize=8)
    split = loops * len(STYLES)
    x, y = torch.stack([it[0] for it in known]), torch.tensor([it[1] for it in known])
    torch.manual_seed(3)
    judge = Judge()
    optimiser = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.05)
    rng = np.random.default_rng(4)
    for _ in range(30):
        for at in torch.randperm(split).split(20):
            # Turned in time, a little louder or softer in each band, a little noise: what the codec may do is no style.
            batch = torch.roll(x[at], int(rng.integers(FRAMES)), 2) + 0.3 * torch.randn(len(at), 64, 1) + 0.2 * torch.randn(len(at), 64, FRAMES)
            loss = nn.functional.cross_entropy(judge(batch), y[at])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    judge.eval()
    with torch.no_grad():
        right = (judge(x[split:]).argmax(1) == y[split:]).float().mean().item()
    return judge, right


@torch.no_grad()
def name(judge, audio):
    return STYLES[int(judge(features(audio)[None]).argmax())]
