"""The published pipeline's shapes in PyTorch, with random weights: a denoiser step at batch 1, 2, 4 and 8, and the codec's
decoder; eager and compiled. Written from the formulas of our own graphs; nothing of the published code is in it.

Prints one JSON object a line, as it is measured: {"name", "p50", "p99", "max"} in milliseconds, {"name", "value", "unit"},
{"name", "words"}, or {"name", "skipped"}. `gpu` (benches/gpu) runs it beside its own figures, once `--way eager` and once
`--way compiled`, and may kill it at any time. Needs torch alone, and no network.
"""

import argparse
import ctypes
import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

# The 2B turbo model and its codec, as published.
SIZES = {
    "hidden": 2048, "intermediate": 6144, "layers": 24, "heads": 16, "kv_heads": 8, "head_dim": 128, "window": 128,
    "strides": [2, 4, 4, 6, 10], "multiples": [1, 2, 4, 8, 16], "base": 128,
}
# The same shapes for a run on a machine without a card.
SMALL = {
    **SIZES, "hidden": 64, "intermediate": 96, "layers": 2, "heads": 4, "kv_heads": 2, "head_dim": 16, "window": 4,
    "multiples": [1, 1, 1, 1, 1], "base": 4,
}
LATENT = 64


def say(**row):
    print(json.dumps(row), flush=True)


class Attention(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        inner, kept = s["heads"] * s["head_dim"], s["kv_heads"] * s["head_dim"]
        self.q, self.o = nn.Linear(s["hidden"], inner, bias=False), nn.Linear(inner, s["hidden"], bias=False)
        self.k, self.v = nn.Linear(s["hidden"], kept, bias=False), nn.Linear(s["hidden"], kept, bias=False)
        self.q_norm, self.k_norm = nn.RMSNorm(s["head_dim"], 1e-6), nn.RMSNorm(s["head_dim"], 1e-6)

    def heads(self, x, count):
        return x.unflatten(-1, (count, self.s["head_dim"])).transpose(1, 2)

    def forward(self, x, source, turn, near):
        q = self.q_norm(self.heads(self.q(x), self.s["heads"]))
        k = self.k_norm(self.heads(self.k(source), self.s["kv_heads"]))
        v = self.heads(self.v(source), self.s["kv_heads"])
        if turn is not None:
            q, k = (rotated(it, *turn) for it in (q, k))
        repeats = self.s["heads"] // self.s["kv_heads"]
        k, v = (it.repeat_interleave(repeats, 1) for it in (k, v))
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=near)
        return self.o(seen.transpose(1, 2).flatten(2))


def rotated(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Layer(nn.Module):
    def __init__(self, s):
        super().__init__()
        width = s["hidden"]
        self.table = nn.Parameter(torch.randn(1, 6, width) * 0.02)
        self.self_norm, self.cross_norm, self.mlp_norm = (nn.RMSNorm(width, 1e-6) for _ in range(3))
        self.self_attention, self.cross_attention = Attention(s), Attention(s)
        self.gate, self.up = (nn.Linear(width, s["intermediate"], bias=False) for _ in range(2))
        self.down = nn.Linear(s["intermediate"], width, bias=False)

    def forward(self, h, source, modulation, turn, near):
        m = (self.table + modulation).unsqueeze(2).unbind(1)
        y = self.self_norm(h) * (1 + m[1]) + m[0]
        h = h + m[2] * self.self_attention(y, y, turn, near)
        h = h + self.cross_attention(self.cross_norm(h), source, None, None)
        y = self.mlp_norm(h) * (1 + m[4]) + m[3]
        return h + m[5] * self.down(F.silu(self.gate(y)) * self.up(y))


class Time(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first, self.second = nn.Linear(256, width), nn.Linear(width, width)
        self.project = nn.Linear(width, 6 * width)

    def forward(self, t):
        frequencies = torch.exp(-9.210340371976184 * torch.arange(128, device=t.device, dtype=torch.float32) / 128)
        angle = 1000 * t.float()[:, None] * frequencies
        wave = torch.cat((angle.cos(), angle.sin()), -1).to(self.first.weight.dtype)
        e = self.second(F.silu(self.first(wave)))
        return e, self.project(F.silu(e)).unflatten(-1, (6, -1))


class Denoiser(nn.Module):
    def __init__(self, s, frames):
        super().__init__()
        width, patches = s["hidden"], (frames + 1) // 2
        self.patch_in = nn.Linear(2 * 3 * LATENT, width)
        self.patch_out = nn.Linear(width, 2 * LATENT)
        self.condition = nn.Linear(width, width)
        self.time, self.time_r = Time(width), Time(width)
        self.layers = nn.ModuleList(Layer(s) for _ in range(s["layers"]))
        self.norm = nn.RMSNorm(width, 1e-6)
        self.table = nn.Parameter(torch.randn(1, 2, width) * 0.02)
        half = torch.arange(0, s["head_dim"], 2, dtype=torch.float32) / s["head_dim"]
        angle = torch.arange(patches, dtype=torch.float32)[:, None] * 1e6**-half
        self.register_buffer("cos", angle.cos()[None, None])
        self.register_buffer("sin", angle.sin()[None, None])
        place = torch.arange(patches)
        self.register_buffer("near", (place[:, None] - place).abs() <= s["window"])

    def forward(self, x, context, tokens, t, t_minus_r):
        (e, p), (e_r, p_r) = self.time(t), self.time_r(t_minus_r)
        stacked = torch.cat((context, x), -1)
        if stacked.shape[1] % 2:
            stacked = F.pad(stacked, (0, 0, 0, 1))
        h = self.patch_in(stacked.unflatten(1, (-1, 2)).flatten(2))
        source, turn = self.condition(tokens), (self.cos.to(h.dtype), self.sin.to(h.dtype))
        for number, layer in enumerate(self.layers):
            h = layer(h, source, p + p_r, turn, self.near if number % 2 == 0 else None)
        shift, scale = (self.table + (e + e_r)[:, None]).unsqueeze(2).unbind(1)
        out = self.patch_out(self.norm(h) * (1 + scale) + shift)
        return out.unflatten(-1, (2, LATENT)).flatten(1, 2)[:, : x.shape[1]]


class Snake(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.alpha, self.beta = (nn.Parameter(torch.ones(1, width, 1)) for _ in range(2))

    def forward(self, x):
        return x + torch.sin(self.alpha * x).square() * self.beta


class Unit(nn.Module):
    def __init__(self, width, dilation):
        super().__init__()
        wide = nn.Conv1d(width, width, 7, padding=3 * dilation, dilation=dilation)
        self.inner = nn.Sequential(Snake(width), wide, Snake(width), nn.Conv1d(width, width, 1))

    def forward(self, x):
        return x + self.inner(x)


def decoder(s):
    widths = [s["base"] * it for it in reversed(s["multiples"])]
    parts = [nn.Conv1d(LATENT, widths[0], 7, padding=3)]
    for block, stride in enumerate(reversed(s["strides"])):
        width, after = widths[block], widths[min(block + 1, len(widths) - 1)]
        up = nn.ConvTranspose1d(width, after, 2 * stride, stride=stride, padding=stride // 2)
        parts += [Snake(width), up, *(Unit(after, dilation) for dilation in (1, 3, 9))]
    return nn.Sequential(*parts, Snake(widths[-1]), nn.Conv1d(widths[-1], 2, 7, padding=3, bias=False))


class Clock:
    def __init__(self, device):
        self.device = device

    def wait(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def runs(self, work, count):
        """Milliseconds of every run; three before are not counted."""
        times = []
        for run in range(count + 3):
            self.wait()
            start = time.perf_counter()
            work()
            self.wait()
            if 3 <= run:
                times.append((time.perf_counter() - start) * 1e3)
        return sorted(times)


def measure(name, clock, model, inputs, count, compiled):
    """Says how long the model takes, or why it did not run."""
    try:
        ready = torch.compile(model, mode="max-autotune-no-cudagraphs") if compiled else model
        with torch.inference_mode():
            times = clock.runs(lambda: ready(*inputs), count)
    except Exception as error:  # noqa: BLE001, whatever it was, the other rows are wanted
        return say(name=name, skipped=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    last = len(times) - 1
    say(name=name, p50=times[-(-last // 2)], p99=times[-(-last * 99 // 100)], max=times[-1])


def ceiling(clock, size):
    a, b = (torch.randn(size, size, device=clock.device, dtype=torch.bfloat16) for _ in range(2))
    with torch.inference_mode():
        best = clock.runs(lambda: [torch.matmul(a, b) for _ in range(8)], 10)[0] / 8
    say(name="bf16 matrix ceiling", value=2 * size**3 / best / 1e9, unit="TFLOP/s")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--frames", type=int, default=1500)
    arguments.add_argument("--runs", type=int, default=20)
    arguments.add_argument("--way", choices=["eager", "compiled", "both"], default="both")
    arguments.add_argument("--small", action="store_true", help="on the CPU, for a check of this script")
    it = arguments.parse_args()
    ways = [False, True] if it.way == "both" else [it.way == "compiled"]
    # PR_SET_PDEATHSIG: where whoever started this is killed, the card is not held for nobody.
    ctypes.CDLL(None).prctl(1, 9)
    if not it.small and not torch.cuda.is_available():
        sys.exit("torch sees no card")
    device, sizes = ("cpu", SMALL) if it.small else ("cuda", SIZES)
    clock, kind = Clock(device), torch.bfloat16
    say(name="versions", words=f"torch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}")
    if it.way != "compiled":
        ceiling(clock, 256 if it.small else 8192)
    torch.manual_seed(0)
    frames, tokens = it.frames, 256
    model = Denoiser(sizes, frames).to(device, kind).eval()
    for compiled in ways:
        way = "compiled" if compiled else "eager"
        for batch in (1, 2, 4, 8):
            def noise(*shape):
                return torch.randn(batch, *shape, device=device, dtype=kind)

            t = torch.full((batch,), 0.5, device=device)
            inputs = (noise(frames, LATENT), noise(frames, 2 * LATENT), noise(tokens, sizes["hidden"]), t, t * 0)
            measure(f"denoiser step, batch {batch}, {frames} frames, bf16, {way}", clock, model, inputs, it.runs, compiled)
    del model
    codec = decoder(sizes).to(device).eval()
    # As our own windows: 32 bits, products rounded to 10 bits where the card does that.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    for compiled in ways:
        way = "compiled" if compiled else "eager"
        for keep in (25, 75, frames):
            latents = torch.randn(1, LATENT, keep + 18, device=device)
            name = f"decode of {keep / 25:g} s and context, f32 (TF32), {way}"
            measure(name, clock, codec, (latents,), max(3, it.runs // 4), compiled)
    if device == "cuda":
        say(name="most memory of PyTorch", value=torch.cuda.max_memory_allocated() / 1e6, unit="MB")


if __name__ == "__main__":
    main()
