"""The optimiser for weight matrices, used by all trainings."""

import torch


class Muon:
    """Momentum whose direction is made orthogonal, for every weight that is a real matrix.

    A few thousand steps go further this way than by per-element scaling, at a fifth more time each. Matrices
    of one shape are worked on together.
    """

    def __init__(self, params, momentum=0.9):
        self.params, self.momentum = params, momentum
        self.velocity = [torch.zeros_like(p) for p in params]
        self.alike = {}
        for place, p in enumerate(params):
            self.alike.setdefault(tuple(p.flatten(1).shape), []).append(place)

    @torch.no_grad()
    def step(self, rate):
        for p, v in zip(self.params, self.velocity):
            if p.grad is not None:
                v.lerp_(p.grad, 1 - self.momentum)
        for shape, all_places in self.alike.items():
            # What is held has no gradient.
            places = [n for n in all_places if self.params[n].grad is not None]
            if not places:
                continue
            g = torch.stack([self.params[n].grad.lerp(self.velocity[n], self.momentum).flatten(1) for n in places])
            tall = shape[0] > shape[1]
            x = g.mT if tall else g
            # Half precision is enough for a direction, and twice as fast where the processor multiplies it.
            x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-9)).bfloat16()
            for _ in range(5):
                a = x @ x.mT
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            x = (x.mT if tall else x).float()
            # Scaled so that one element moves as far as Adam would move it at the same rate.
            for n, direction in zip(places, x):
                self.params[n].add_(direction.reshape(self.params[n].shape), alpha=-rate * 0.2 * max(shape) ** 0.5)
