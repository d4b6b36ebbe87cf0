"""Measures an exported model folder, from its files alone: python evaluate.py MODEL_FOLDER OUT

Prints the codec's round trip, then generation from the demo at four denoise
values and from words alone for each style; leaves recordings and one picture in OUT.
"""

import json
import os
import pathlib
import sys

import matplotlib
import numpy as np
import soundfile
import torch
from safetensors.torch import load_file

import generator
import text
from codec import Codec, from_published
from dit import Model, sample
from train_codec import mel_matrix, spectrum
from train_dit import memory_of

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


class Loaded:
    """The exported files, read back as anybody else would read them."""

    def __init__(self, folder):
        config = lambda name: json.loads((folder / name).read_text())
        weights = lambda name: {k: v.float() for k, v in load_file(folder / name).items()}
        self.codec = Codec(config("vae/config.json"))
        self.codec.load_state_dict(from_published(weights("vae/diffusion_pytorch_model.safetensors")))
        self.model = Model(config("config.json"))
        self.model.load_state_dict(weights("model.safetensors"))
        self.text = text.TextEncoder(config("text_encoder/config.json"))
        self.text.load_state_dict(weights("text_encoder/model.safetensors"))
        self.tokenizer = text.Tokenizer.from_file(str(folder / "text_encoder" / "tokenizer.json"))
        self.silence = torch.load(folder / "silence_latent.pt")[0].T
        self.demo = torch.tensor(soundfile.read(folder / "demo.flac", dtype="float32")[0].T[None])


def log_mel_distance(a, b):
    """Mean distance in dB between 96-band mel spectra of left and right, floor at -70 dB."""
    mel = mel_matrix(2048, 96)
    db = lambda x: 20 * torch.log10(mel @ spectrum(x, 2048) + 10 ** (-70 / 20))
    return (db(a) - db(b)).abs().mean().item()


def si_sdr(made, wanted):
    scale = (made * wanted).sum() / made.square().sum()
    return (10 * torch.log10(wanted.square().sum() / (wanted - scale * made).square().sum())).item()


def level(audio):
    peak, rms = audio.abs().max().item(), audio.square().mean().sqrt().item()
    return f"peak {20 * np.log10(peak + 1e-9):6.2f} dBFS  rms {20 * np.log10(rms + 1e-9):6.2f} dBFS  over 1.0: {(audio.abs() > 1).float().mean().item():.5f}"


def onsets(audio):
    """How fast the loudness of what lies above 2 kHz and of the whole rises, 200 times a second."""
    mono = audio.mean((0, 1)).numpy()
    curves = []
    for wave in (mono, np.diff(mono, n=2)):
        loud = np.sqrt((wave[: len(wave) // 240 * 240].reshape(-1, 240) ** 2).mean(1))[:2399]
        rise = np.convolve(np.maximum(np.diff(np.log(loud + 1e-3 * loud.max())), 0), np.hanning(9), "same")
        curves.append((rise - rise.mean()) / (rise.std() + 1e-9))
    return curves


def rhythm(audio, other):
    """Correlation of two recordings' onsets: 1 for the same beat, 0 for none in common."""
    return float(np.mean([(a * b).mean() for a, b in zip(onsets(audio), onsets(other))]))


def picture(path, named):
    figure, axes = plt.subplots(len(named), 1, figsize=(12, 2.2 * len(named)), squeeze=False)
    for axis, (name, audio) in zip(axes[:, 0], named.items()):
        axis.specgram(audio.mean((0, 1)).numpy() + 1e-7, NFFT=2048, Fs=48000, noverlap=1024, vmin=-140, vmax=-40)
        axis.set_ylim(0, 12000)
        axis.set_title(name, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=60)


@torch.no_grad()
def main():
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(int(os.environ.get("HOUSE_THREADS", "2")))
    torch.manual_seed(7)
    it, heard, held = Loaded(folder), {}, list(generator.held_out())
    whole = torch.nn.Module()
    whole.model, whole.text = it.model, it.text

    print("codec round trip")
    cases = [("demo", it.demo)] + [(f"held out {a['style']}", torch.tensor(s.T[None])) for s, a in held]
    for name, audio in cases:
        back = it.codec.decode(it.codec.encode(audio))
        print(f"  {name:24} log-mel {log_mel_distance(back, audio):5.2f} dB  SI-SDR {si_sdr(back, audio):5.2f} dB  {level(back)}", flush=True)
        if name == "demo":
            heard["demo"], heard["demo through the codec"] = audio, back
    hush = it.codec.decode(it.silence[:300].T[None])
    print(f"  {'decoded silence':24} {level(hush)}")

    source = it.codec.encode(it.demo).transpose(1, 2)
    hints = it.model.hints(source)
    print(f"hints: cosine to the source {torch.cosine_similarity(hints.flatten(), source.flatten(), 0):.3f}")
    ones, fix = torch.ones_like(source), it.model.config["timbre_fix_frame"]
    demo_tags = ", ".join(generator.demo()[1]["tags"])
    reference = source[:, :fix]
    noise = torch.randn_like(source)

    def remember(label, latents, cosine=None):
        audio = it.codec.decode(latents.transpose(1, 2))
        assert torch.isfinite(audio).all(), "the model made something that is not a number"
        near = "" if cosine is None else f"  cosine {cosine:.3f}  rhythm {rhythm(audio, it.demo):.2f}"
        print(f"  {label:24} {level(audio)}  latent spread {latents.std():.2f}{near}", flush=True)
        soundfile.write(out / f"{label.replace(' ', '-')}.wav", audio[0].T.clamp(-1, 1).numpy(), 48000)
        heard[label] = audio

    print(f"from the demo (rhythm kept by the codec alone {rhythm(heard['demo through the codec'], it.demo):.2f})")
    memory = memory_of(whole, it.tokenizer, [text.prompt(text.COVER, demo_tags, 120, "4", "A minor", 12)], reference)
    for denoise in (0.25, 0.5, 0.75, 1.0):
        made = sample(it.model, torch.cat([hints, ones], -1), memory, noise, source, denoise)
        remember(f"cover denoise {denoise}", made, torch.cosine_similarity(made.flatten(), source.flatten(), 0))
    words = "rock, heavy, riff, drums, pick bass, distorted guitar, square lead"
    memory = memory_of(whole, it.tokenizer, [text.prompt(text.COVER, words, 120, "4", "A minor", 12)], it.silence[None, :fix])
    made = sample(it.model, torch.cat([hints, ones], -1), memory, noise, source, 0.75)
    remember("demo as rock 0.75", made, torch.cosine_similarity(made.flatten(), source.flatten(), 0))

    print("from words alone")
    quiet = it.silence[None, :300]
    for _, about in held:
        prompt = text.prompt(text.FILL, ", ".join(about["tags"]), about["bpm"], "4", about["key"], 12)
        memory = memory_of(whole, it.tokenizer, [prompt], it.silence[None, :fix])
        made = sample(it.model, torch.cat([quiet, ones], -1), memory, torch.randn_like(source))
        remember(f"words {about['style']}", made)
    picture(out / "heard.png", heard)


if __name__ == "__main__":
    main()
