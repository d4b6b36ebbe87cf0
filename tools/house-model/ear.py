"""What an ear would miss or mind in a sound beside its source: lines, swing, width, bands, loudness, beat, harmony.

    python ear.py CODEC_OR_MODEL [--final]      the codec alone on real recordings and held-out loops, a table

CODEC_OR_MODEL is a model folder or a training's `codec.pt`. Audio is float32 [2, samples] at 48 kHz, source and copy of one length.
"""

import pathlib
import sys

import numpy as np
import pyloudnorm
import torch

import fold
import measure

RATE = 48000
OCTAVES = [31.25 * 2**n for n in range(1, 10)]  # centres, 62.5 Hz to 16 kHz
# A band that lies this far under the whole cannot be heard beside it, and is not compared.
FAR_BELOW = 50.0


def power(audio):
    """Energy by frequency, and the frequencies."""
    spectrum = (np.abs(np.fft.rfft(audio * np.hanning(audio.shape[1]), axis=1)) ** 2).sum(0)
    return spectrum, np.arange(len(spectrum)) * RATE / audio.shape[1]


def band_levels(audio, edges):
    spectrum, hertz = power(audio)
    return np.array([10 * np.log10(spectrum[(hertz >= low) & (hertz < high)].sum() + 1e-12) for low, high in edges])


def octave_error(copy, source):
    """The largest difference of level in an octave band, in dB, of the bands that can be heard; negative where the copy lacks it."""
    edges = [(c / 2**0.5, c * 2**0.5) for c in OCTAVES]
    want, have = band_levels(source, edges), band_levels(copy, edges)
    differences = np.where(want > want.max() - FAR_BELOW, have - want, 0.0)
    return float(differences[np.abs(differences).argmax()])


def air(copy, source):
    """How far the copy lies above the source from 16 to 20 kHz, in dB; 0 where it does not, or lies 70 dB under its own whole."""
    whole = band_levels(copy, [(20, 20000)])[0]
    have, want = band_levels(copy, [(16000, 20000)])[0], band_levels(source, [(16000, 20000)])[0]
    return float(max(have - max(want, whole - 70.0), 0.0))


def side_to_mid(audio):
    """In dB; -60 for mono."""
    mid, side = audio[0] + audio[1], audio[0] - audio[1]
    return float(max(10 * np.log10((side**2).mean() / ((mid**2).mean() + 1e-12) + 1e-12), -60.0))


def loudness(audio):
    """Integrated loudness of ITU-R BS.1770-4 in LUFS."""
    return float(pyloudnorm.Meter(RATE).integrated_loudness(audio.T.astype(np.float64)))


def chroma(audio):
    """How much of each of twelve pitch classes sounds, by time: [12, frames of 100 ms]."""
    size, hop, mono = 16384, 4800, audio.mean(0)
    frames = np.lib.stride_tricks.sliding_window_view(mono, size)[::hop] * np.hanning(size)
    spectrum = np.abs(np.fft.rfft(frames, axis=1)) ** 0.5
    hertz = np.arange(spectrum.shape[1]) * RATE / size
    inside = (hertz > 100) & (hertz < 4000)
    pitch = np.round(12 * np.log2(hertz[inside] / 440)).astype(int) % 12
    return np.stack([spectrum[:, inside][:, pitch == n].sum(1) for n in range(12)])


def chroma_correlation(copy, source):
    a, b = (it - it.mean(0, keepdims=True) for it in (chroma(copy), chroma(source)))
    return float((a * b).sum() / (np.sqrt((a**2).sum() * (b**2).sum()) + 1e-12))


def heard(copy, source):
    """All of it, by name. Differences are copy minus source."""
    found = {f"comb {RATE // step}": 100 * fold.comb_share(copy, step) for step in fold.STEPS[:-1]}
    found |= {f"comb {RATE // step} of source": 100 * fold.comb_share(source, step) for step in fold.STEPS[:-1]}
    found |= {f"swing {step}": fold.swing(copy, step) - fold.swing(source, step) for step in fold.STEPS}
    tensors = torch.from_numpy(np.ascontiguousarray(copy)), torch.from_numpy(np.ascontiguousarray(source))
    return found | {
        "side to mid": side_to_mid(copy) - side_to_mid(source), "octave": octave_error(copy, source), "air": air(copy, source),
        "loudness": loudness(copy) - loudness(source), "onsets": measure.onset_correlation(*tensors), "chroma": chroma_correlation(copy, source),
        "SI-SDR": measure.si_sdr(*tensors), "log-mel": measure.log_mel_distance(*tensors),
    }


def faults_of(found):
    """Which of the demands on a codec a sound misses, by name."""
    over = []
    for step in fold.STEPS[:-1]:
        have, source = found[f"comb {RATE // step}"], found[f"comb {RATE // step} of source"]
        if have > max(2 * source, source + 3):
            over.append(f"comb {RATE // step}")
    over += [f"swing {step}" for step in fold.STEPS if found[f"swing {step}"] > 2]
    over += [name for name in ("side to mid", "octave") if abs(found[name]) > 2]
    return over + [name for name, most in (("air", 0.0), ("loudness", 1.0)) if abs(found[name]) > most]


SHOWN = {"comb 250": "{:.0f}", "comb 250 of source": "{:.0f}", "comb 1500": "{:.0f}", "comb 6000": "{:.1f}", "swing 192": "{:+.1f}", "swing 1920": "{:+.1f}", "swing 32": "{:+.1f}",
         "side to mid": "{:+.1f}", "octave": "{:+.1f}", "air": "{:.0f}", "loudness": "{:+.1f}", "onsets": "{:.2f}", "chroma": "{:.2f}", "SI-SDR": "{:.1f}", "log-mel": "{:.1f}"}


def codec_of(path):
    """The codec of a model folder, or of a training's state."""
    from codec import CONFIG, Codec

    if path.is_dir():
        from loaded import Loaded

        return Loaded(path).codec
    codec = Codec(CONFIG)
    codec.load_state_dict({k: v.float() for k, v in torch.load(path, weights_only=False)["average"].items()})
    return codec.eval()


def sounds(final=False):
    import generator
    import recordings

    yield from ((name, sound) for name, sound, _ in recordings.all_of("target/house-model/recordings", final))
    for sound, about in generator.held_out():
        yield f"loop: {about['style']}", np.ascontiguousarray(sound.T[:, : 12 * RATE])


@torch.no_grad()
def main():
    torch.set_num_threads(2)
    codec = codec_of(pathlib.Path(sys.argv[1]))
    print(f"{'':26}" + "".join(f"{name:>9.9}" for name in SHOWN))
    totals = []
    for name, source in sounds("--final" in sys.argv):
        source = source[:, : source.shape[1] // 1920 * 1920]
        copy = codec.decode(codec.encode(torch.from_numpy(source)[None]))[0].numpy()
        found = heard(copy, source)
        totals.append([found[it] for it in SHOWN])
        print(f"{name:26.26}" + "".join(f"{form.format(found[it]):>9}" for it, form in SHOWN.items()) + "  " + ", ".join(faults_of(found)), flush=True)
    print(f"{'mean':26}" + "".join(f"{form.format(it):>9}" for form, it in zip(SHOWN.values(), np.mean(totals, axis=0))))


if __name__ == "__main__":
    main()
