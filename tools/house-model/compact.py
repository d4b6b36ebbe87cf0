"""A training's state small enough to take elsewhere: python compact.py pack WORK FILE | unpack FILE WORK

Under 10 MB: the averaged weights, the codec's in sixteen bits, the network's in eight with a scale a row; where each training is and
its log. Left out is what comes back by itself within a hundred steps (the optimisers' memories) or by its seed (the material, its latents).
"""

import pathlib
import sys

import torch

from training import write

MOST_BYTES = 10_000_000


def small(tensor):
    """Matrices in eight bits with a scale a row, what has few numbers in sixteen."""
    if tensor.dim() < 2 or tensor.numel() < 4096 or not tensor.is_floating_point():
        return tensor.half() if tensor.is_floating_point() else tensor
    scale = tensor.flatten(1).abs().amax(1).clamp_min(1e-12) / 127
    return (tensor.flatten(1) / scale[:, None]).round().to(torch.int8), scale.half(), tuple(tensor.shape)


def whole(stored):
    if not isinstance(stored, tuple):
        return stored.float() if stored.is_floating_point() else stored
    levels, scale, shape = stored
    return (levels.float() * scale.float()[:, None]).view(shape)


def pack(work, file):
    state = {}
    codec = torch.load(work / "codec.pt", weights_only=False)
    state["codec"] = {"average": {k: v.half() for k, v in codec["average"].items()}, **{k: codec[k] for k in ("scale", "log", "done", "folded")}}
    state["codec"]["listeners"] = {k: v.half() for k, v in codec["listeners"].items()}
    for name in ("tokens", "dit"):
        path = work / f"{name}.pt"
        if path.exists():
            kept = torch.load(path, weights_only=False)
            parts = kept.pop("parts" if name == "tokens" else "average")
            packed = {part: {k: small(v) for k, v in it.items()} for part, it in parts.items()} if name == "tokens" else {k: small(v) for k, v in parts.items()}
            state[name] = {"weights": packed, "log": kept["log"], "done": kept.get("done")}
    write(file, state)
    size = file.stat().st_size
    print(f"{file}: {size / 1e6:.2f} MB, codec at step {state['codec']['done']}" + (f", network at {state['dit']['done']}" if "dit" in state else ""))
    if size > MOST_BYTES:
        sys.exit(f"{file} has {size} bytes (at most {MOST_BYTES})")


def unpack(file, work):
    work.mkdir(parents=True, exist_ok=True)
    state = torch.load(file, weights_only=False)
    codec = state["codec"]
    average = {k: v.float() for k, v in codec["average"].items()}
    listeners = {k: v.float() for k, v in codec["listeners"].items()}
    write(work / "codec.pt", {**codec, "average": average, "weights": {k: v.clone() for k, v in average.items()}, "listeners": listeners})
    if "tokens" in state:
        parts = {part: {k: whole(v) for k, v in it.items()} for part, it in state["tokens"]["weights"].items()}
        write(work / "tokens.pt", {"parts": parts, "log": state["tokens"]["log"]})
    if "dit" in state:
        average = {k: whole(v) for k, v in state["dit"]["weights"].items()}
        write(work / "dit.pt", {"average": average, "weights": {k: v.clone() for k, v in average.items()}, "log": state["dit"]["log"], "done": state["dit"]["done"]})


if __name__ == "__main__":
    order, source, target = sys.argv[1], *map(pathlib.Path, sys.argv[2:4])
    {"pack": pack, "unpack": unpack}[order](source, target)
