"""Two halves of a batch on two threads, one copy of the weights.

PyTorch splits one small convolution badly between two cores; two whole passes side by side keep both
busy. The twin shares every weight with the original and has gradients of its own, which are then added,
always in the same order.
"""

import copy
import threading


class Pair:
    def __init__(self, module):
        self.module, self.twin = module, copy.deepcopy(module)
        for ours, theirs in zip(module.parameters(), self.twin.parameters()):
            theirs.data = ours.data
            theirs.requires_grad_(ours.requires_grad)
        self.trained = [(a, b) for a, b in zip(module.parameters(), self.twin.parameters()) if a.requires_grad]

    def step(self, loss_of, halves):
        """Calls loss_of(module, half) for both halves, leaves the mean gradient, returns what was measured.

        loss_of returns the loss and a tuple of numbers; the numbers come back as their means.
        """
        measured, faults = [None, None], []

        def run(module, half, place):
            try:
                for p in module.parameters():
                    p.grad = None
                loss, numbers = loss_of(module, half)
                (loss * 0.5).backward()
                measured[place] = numbers
            except BaseException as fault:  # a thread's fault must end the training
                faults.append(fault)

        other = threading.Thread(target=run, args=(self.twin, halves[1], 1))
        other.start()
        run(self.module, halves[0], 0)
        other.join()
        if faults:
            raise faults[0]
        for ours, theirs in self.trained:
            if theirs.grad is not None:
                ours.grad = theirs.grad if ours.grad is None else ours.grad.add_(theirs.grad)
        return [(a + b) / 2 for a, b in zip(*measured)]
