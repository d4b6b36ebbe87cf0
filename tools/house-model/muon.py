"""The optimiser for weight matrices, used by both trainings."""

import torch


class Muon:
    """Momentum whose direction is made orthogonal, for every weight that is a real matrix.

    A few hundred steps go further this way than by per-element scaling, at a tenth more time each.
    """

    def __init__(self, params, momentum=0.9):
        self.params, self.momentum = params, momentum
        self.velocity = [torch.zeros_like(p) for p in params]

    @torch.no_grad()
    def step(self, rate):
        for p, v in zip(self.params, self.velocity):
            v.lerp_(p.grad, 1 - self.momentum)
            g = p.grad.lerp(v, self.momentum).flatten(1)
            wide = g if g.shape[0] <= g.shape[1] else g.T
            x = wide / (wide.norm() + 1e-9)
            for _ in range(5):
                a = x @ x.T
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            x = x if g.shape[0] <= g.shape[1] else x.T
            # Scaled so that one element moves as far as Adam would move it at the same rate.
            p.add_(x.reshape(p.shape), alpha=-rate * 0.2 * max(g.shape) ** 0.5)
