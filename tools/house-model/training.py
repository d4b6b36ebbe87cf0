"""What the three trainings share: how the rate falls, the averaged weights, saving so that a cut-off run loses nothing."""

import math
import os

import torch


def cosine(through):
    """Share of the peak rate when `through` (0 to 1) of the steps are done: from 1 down to a fiftieth."""
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * through))


@torch.no_grad()
def average(slow, module, done, most):
    """Leads the averaged weights, which are what is exported, after the module's; quickly in the first steps."""
    decay = min(most, done / (done + 10))
    for name, tensor in module.state_dict().items():
        slow[name].lerp_(tensor, 1 - decay)


def write(path, state):
    """Saves beside the old file and renames: whatever happens, one of both is whole."""
    part = path.with_suffix(".new")
    torch.save(state, part)
    os.replace(part, path)
