"""Two measures of likeness that somebody else has made and that no training of ours has seen: ViSQOL (audio, 48 kHz; MOS-LQO, 1 to about 4.7) and
Zimtohrli (a mean opinion score, 1 to 5). Both from PyPI (`visqol-python`, `zimtohrli`). Audio is float32 [2, samples] at 48 kHz."""

import functools

import numpy as np

RATE = 48000


@functools.cache
def visqol():
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode="audio")
    return api


def opinions(copy, source):
    """ViSQOL of the middle of both channels, and Zimtohrli of the worse channel."""
    from zimtohrli import mos_from_signals

    mono = lambda it: np.ascontiguousarray(it.mean(0), np.float64)
    first = visqol().measure_from_arrays(mono(source), mono(copy), RATE)
    second = min(mos_from_signals(np.ascontiguousarray(a, np.float32), np.ascontiguousarray(b, np.float32)) for a, b in zip(source, copy))
    return float(first.moslqo), float(second)
