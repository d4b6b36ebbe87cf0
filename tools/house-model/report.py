"""Measures an exported model folder on what it never saw, and says so: python report.py MODEL_FOLDER OUT [BENCH_JSON] [--final]

`--final` opens the two real recordings that are kept for the last run.

Writes OUT/report.md with its pictures and OUT/report.json. Each figure that the model must reach is a row of
the table at the top; the exit code is 1 when one of them is missed.
"""

import json
import pathlib
import sys
import time

import numpy as np
import soundfile
import torch

import classifier
import generator
import measure
import pictures
import real
import text
from loaded import Loaded

SOURCES = 10
WORD_PIECES = 100
# What somebody may type who does not know the model's words.
FREE_TEXT = ["", "a sad song about the sea", "punk polka with bagpipes", "zzz qqq xkcd", "日本の静かな朝", "🎹🔥", "HOUSE!!! FASTER", "music " * 400]
ALL_PIECES = 200


class Report:
    """Collects text, figures and verdicts."""

    def __init__(self, out):
        self.out, self.lines, self.verdicts, self.figures = out, [], [], {}
        out.mkdir(parents=True, exist_ok=True)

    def say(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def table(self, head, rows):
        self.say("| " + " | ".join(head) + " |")
        self.say("| " + " | ".join(["---"] * len(head)) + " |")
        for row in rows:
            self.say("| " + " | ".join(str(cell) for cell in row) + " |")
        self.say()

    def hold(self, name, what, found, fine):
        """A demand: what is asked, what was found, and whether that is enough (None: it could not be measured)."""
        self.figures[name] = {"asked": what, "found": found, "verdict": {True: "held", False: "missed", None: "skipped"}[fine]}
        self.verdicts.append((what, found, self.figures[name]["verdict"]))

    def write(self, title):
        head = [f"# {title}", "", "| asked | found | |", "| --- | --- | --- |"]
        head += [f"| {what} | {found} | {verdict} |" for what, found, verdict in self.verdicts] + [""]
        (self.out / "report.md").write_text("\n".join(head + self.lines) + "\n")
        (self.out / "report.json").write_text(json.dumps(self.figures, indent=1) + "\n")
        return all(verdict != "missed" for _, _, verdict in self.verdicts)


def held_out(count):
    """Loops of the six styles in turn, from seeds that belong to the report."""
    batches = (generator.held_out(n) for n in range(1000))
    return [(torch.tensor(sound.T), about) for _, batch in zip(range(-(-count // 6)), batches) for sound, about in batch][:count]


def prompt_of(about, words=None, frames=300):
    return text.prompt(text.COVER, words or ", ".join(about["tags"]), about["bpm"], "4", about["key"], frames / 25)


def codec(it, report):
    report.say("## Codec")
    report.say("Log-mel distance over 96 bands, floor at -70 dB; SI-SDR against the source.")
    report.say()
    cases = [("demo", it.demo)] + [(f"held-out {about['style']}", sound) for sound, about in held_out(6)]
    rows = []
    for name, audio in cases:
        back = it.decode(it.encode(audio))
        audio = audio[:, : back.shape[1]]
        rows.append([name, f"{measure.log_mel_distance(back, audio):.2f} dB", f"{measure.si_sdr(back, audio):.2f} dB",
                     f"{measure.peak(audio):.1f} / {measure.peak(back):.1f}", f"{measure.rms(audio):.1f} / {measure.rms(back):.1f}"])
    report.table(["round trip", "log-mel", "SI-SDR", "peak, source / back (dBFS)", "RMS, source / back (dBFS)"], rows)


def hop_rate(it, report):
    report.say("## Hop rate")
    report.say("Silent and sustained passages of eight seconds through the codec. The frame rate made audible would be lines at 25 Hz and its")
    report.say("harmonics, or lines 25, 50, 75 ... Hz beside a tone. The strongest such line up to 8 kHz, against the passage's own level.")
    report.say()
    seconds = np.arange(8 * 48000) / 48000
    tone = lambda *hz: torch.tensor(np.stack([sum(0.25 / len(hz) * np.sin(2 * np.pi * f * seconds) for f in hz)] * 2).astype(np.float32))
    chord = [generator.hertz(note) for note in (57, 60, 64)]
    organ = sum(generator.voice("organ", note, 8.0)[:, : 8 * 48000] for note in (57, 60, 64))
    # Tones at 233.08 Hz: nowhere near a multiple of 25.
    cases = {"silence": (torch.zeros(2, 8 * 48000), ()), "sine of 233 Hz": (tone(233.08), (233.08,)),
             "chord of three sines": (tone(*chord), chord), "organ chord": (torch.tensor(organ.astype(np.float32)), chord)}
    rows, spectra, under = [], {}, {}
    for name, (audio, tones) in cases.items():
        steady = slice(48000, 7 * 48000)
        back = it.decode(it.encode(audio))[:, steady]
        audio = audio[:, steady]
        line, excess = measure.comb(back, tones)
        before, _ = measure.comb(audio, tones)
        level = measure.rms(back)
        under[name] = level - line
        rows.append([name, f"{measure.rms(audio):.1f}", f"{level:.1f}", f"{line:.1f} ({excess:.0f} over its surroundings)", f"{before:.1f}", f"{under[name]:.1f} dB"])
        spectra[name] = (audio, back)
        if name == "silence":
            report.hold("silence", "silence comes back inaudible: under -66 dBFS RMS, no 25 Hz line above -75 dBFS", f"{level:.1f} dBFS, line {line:.1f} dBFS", level < -66 and line < -75)
    report.table(["passage", "RMS, source (dBFS)", "RMS, back", "strongest line (dBFS)", "in the source", "line under the passage by"], rows)
    pictures.spectra(report.out / "hop-rate.png", spectra)
    report.say("![spectra of the passages](hop-rate.png)")
    report.say()
    worst = min(v for k, v in under.items() if k != "silence")
    report.hold("hop", "no audible hop rate in a sustained passage: every such line at least 30 dB under it", f"{worst:.1f} dB under", worst >= 30)


def denoise_sweep(it, report, sources):
    report.say("## Denoise")
    report.say(f"{SOURCES} held-out sources with their own prompts, one seed each, eleven values. Distances from the source: latent (root mean square), mel (from the codec's round trip).")
    report.say()
    values = [n / 10 for n in range(11)]
    latent, mel, beats, cosine = (np.zeros((len(sources), 11)) for _ in range(4))
    for n, (audio, about) in enumerate(sources):
        source = it.encode(audio)
        plain = it.decode(source)
        for m, denoise in enumerate(values):
            made = source if denoise == 0 else it.cover(source, prompt_of(about, frames=len(source)), denoise, seed=100 + n)
            sound = it.decode(made)
            latent[n, m] = (made - source).square().mean().sqrt()
            mel[n, m] = measure.log_mel_distance(sound, plain)
            beats[n, m] = measure.onset_correlation(sound, audio)
            cosine[n, m] = torch.cosine_similarity(made.flatten(), source.flatten(), 0)
    rows = [[f"{v:.1f}", f"{latent[:, m].mean():.3f}", f"{mel[:, m].mean():.2f} dB", f"{cosine[:, m].mean():.3f}", f"{beats[:, m].mean():.2f}", f"{beats[:, m].min():.2f}"]
            for m, v in enumerate(values)]
    report.table(["denoise", "latent distance", "mel distance", "cosine", "onset correlation, mean", "lowest"], rows)
    pictures.curves(report.out / "denoise.png", values, {"latent distance": latent, "mel distance (dB)": mel, "onset correlation": beats})
    report.say("![denoise from 0 to 1](denoise.png)")
    report.say()
    rising = lambda curve: bool((np.diff(curve.mean(0)) > 0).all())
    each = int((np.diff(latent, axis=1) > 0).all(1).sum())
    report.hold("denoise_latent", "denoise moves the output away monotonically in ten steps: latent distance", f"{'every' if rising(latent) else 'not every'} step of the mean rises; {each} of {len(sources)} sources alone do", rising(latent))
    each = int((np.diff(mel, axis=1) > 0).all(1).sum())
    report.hold("denoise_mel", "the same: mel distance", f"{'every' if rising(mel) else 'not every'} step of the mean rises; {each} of {len(sources)} sources alone do", rising(mel))
    kept = int((beats[:, 5] > 0.5).sum())
    report.hold("beat", "at 0.5 the source's beat is there: onset correlation above .5 on 9 of 10", f"{kept} of {len(sources)}, lowest {beats[:, 5].min():.2f}", kept >= 9)


def blend_curve(it, report, sources):
    report.say("## Source-blend curve")
    report.say("Stochastic solver, denoise 0.9; the first half of the curve all source, the second half free. Distance from the source, frame by frame.")
    report.say()
    offsets, shown = [], {}
    for n, (audio, about) in enumerate(sources):
        source = it.encode(audio)
        half = len(source) // 2
        keep = torch.cat([torch.ones(half), torch.zeros(len(source) - half)])
        made = it.cover(source, prompt_of(about, frames=len(source)), 0.9, seed=300 + n, keep=keep)
        far = (made - source).square().mean(1).sqrt().numpy()
        # Where the distance crosses the middle of both halves' own levels.
        level = (np.median(far[: half - 8]) + np.median(far[half + 8 :])) / 2
        offsets.append(int(np.argmax(far > level)) - half)
        shown[f"{about['style']}: {np.median(far[: half - 8]):.3f} then {np.median(far[half + 8 :]):.3f}"] = (far, half)
    pictures.boundaries(report.out / "blend.png", dict(list(shown.items())[:4]))
    report.say("![distance from the source along the tape](blend.png)")
    report.say()
    report.say("Boundary, in frames from the middle: " + ", ".join(f"{it:+d}" for it in offsets) + ".")
    report.say()
    worst = max(map(abs, offsets))
    report.hold("blend", "a half-and-half blend curve has its boundary within 4 frames", f"at most {worst} frames off on {len(offsets)} sources", worst <= 4)


def words(it, report):
    report.say("## Prompts")
    judge, right = classifier.train()
    pieces, prompts = [], []
    for n in range(WORD_PIECES):
        style = classifier.STYLES[n % len(classifier.STYLES)]
        _, about = generator.compose(style, 95000 + n)
        # Every second prompt is the bare name of the style, without tempo or key.
        bare = n // len(classifier.STYLES) % 2 == 1
        prompts.append(text.prompt(text.COVER, style, "N/A", "4", "N/A", 12) if bare else prompt_of(about))
        pieces.append((style, bare))
    report.say(f"A judge trained on the generator's own loops alone names {100 * right:.0f} % of held-out loops rightly; chance is {100 / len(classifier.STYLES):.0f} %. It hears {WORD_PIECES} pieces of 12 s made from words alone")
    report.say("(denoise 1, structure and timbre from silence), half of them from the bare name of the style.")
    report.say()
    for guidance in (1.0, 2.5):
        made = it.from_words(prompts, 300, [1000 + n for n in range(len(prompts))], guidance)
        named = [classifier.name(judge, it.decode(latent)) for latent in made]
        table = {a: {b: 0 for b in classifier.STYLES} for a in classifier.STYLES}
        for (style, _), heard in zip(pieces, named):
            table[style][heard] += 1
        total = sum(table[s][s] for s in table)
        bare = [heard == style for (style, is_bare), heard in zip(pieces, named) if is_bare]
        report.say(f"Guidance {'off' if guidance == 1 else guidance}: {total} of {len(pieces)} named as asked ({sum(bare)} of {len(bare)} from the bare name).")
        report.say()
        report.table(["asked", *[f"heard {s}" for s in classifier.STYLES]], [[a, *[table[a][b] for b in classifier.STYLES]] for a in table])
        if guidance == 1.0:
            report.hold("words", "a judge of style names what was asked in 80 of 100 pieces from words (chance 17)", f"{total} of {len(pieces)}, guidance off", total >= 80)
        else:
            report.hold("words_guided", "the same with guidance 2.5", f"{total} of {len(pieces)}", total >= 80)


def pieces(it, report, sources):
    report.say("## Seeds, levels, faults")
    prompt = prompt_of(sources[0][1])
    source = it.encode(sources[0][0])
    a, b, c = (it.cover(source, prompt, 0.8, seed) for seed in (5, 5, 6))
    report.hold("seeds", "equal seeds are equal, others differ", f"equal: {(a - b).abs().max():.1g}; other seed: {(a - c).square().mean().sqrt():.2f} RMS", bool((a == b).all() and (a - c).abs().max() > 0.1))
    styles = [s for n in range(ALL_PIECES) for s in [classifier.STYLES[n % len(classifier.STYLES)]]]
    abouts = [generator.compose(s, 97000 + n)[1] if n < 12 else None for n, s in enumerate(styles)]
    prompts = [prompt_of(abouts[n] or {"tags": [s], "bpm": "N/A", "key": "N/A"}) for n, s in enumerate(styles)]
    made = it.from_words(prompts, 300, [5000 + n for n in range(ALL_PIECES)])
    rows, faults, shown = {s: [] for s in classifier.STYLES}, {"clipping run": 0, "silence": 0, "not finite": 0}, {}
    for n, (style, latent) in enumerate(zip(styles, made)):
        sound = it.decode(latent)
        faults["not finite"] += int(not torch.isfinite(sound).all())
        faults["clipping run"] += int(measure.clipping_run(sound) >= 3)
        faults["silence"] += int(measure.quietest_second(sound) < -60)
        rows[style].append((measure.peak(sound), measure.rms(sound), measure.quietest_second(sound)))
        if style not in shown:
            shown[style] = sound
            soundfile.write(report.out / f"words-{style.replace(' ', '-')}.ogg", sound.T.clamp(-1, 1).numpy(), 48000)
    report.table(["style", "pieces", "highest peak (dBFS)", "RMS, lowest to highest (dBFS)", "quietest second (dBFS)"],
                 [[s, len(v), f"{max(p for p, _, _ in v):.1f}", f"{min(r for _, r, _ in v):.1f} to {max(r for _, r, _ in v):.1f}", f"{min(q for _, _, q in v):.1f}"] for s, v in rows.items()])
    pictures.spectrograms(report.out / "words.png", shown)
    report.say("![one piece a style, from words alone](words.png)")
    report.say()
    report.hold("faults", "200 pieces without clipping run, silence or non-finite value", ", ".join(f"{v} {k}" for k, v in faults.items()), not any(faults.values()))


def lengths(it, report):
    """The shortest and the longest clip that training knew."""
    report.say("## Lengths")
    rows, fine = [], True
    for seconds in (4, 12, 30):
        prompts = [text.prompt(text.COVER, style, "N/A", "4", "N/A", seconds) for style in classifier.STYLES]
        for style, latent in zip(classifier.STYLES, it.from_words(prompts, 25 * seconds, range(40, 46))):
            sound = it.decode(latent)
            fine &= bool(torch.isfinite(sound).all()) and measure.clipping_run(sound) < 3 and measure.quietest_second(sound) > -60
            rows.append([f"{seconds} s", style, f"{latent.std():.2f}", f"{measure.peak(sound):.1f}", f"{measure.rms(sound):.1f}"])
    report.table(["length", "style", "latent spread", "peak (dBFS)", "RMS (dBFS)"], rows)
    report.hold("lengths", "pieces of 4 to 30 s without fault", f"{len(rows)} pieces", fine)


def free_text(it, report):
    report.say("## Free text")
    made = it.from_words([text.prompt(text.COVER, words, "N/A", "4", "N/A", 12) for words in FREE_TEXT], 300, range(len(FREE_TEXT)))
    rows, fine = [], True
    for words, latent in zip(FREE_TEXT, made):
        sound = it.decode(latent)
        good = bool(torch.isfinite(sound).all()) and measure.clipping_run(sound) < 3 and measure.quietest_second(sound) > -60
        fine &= good
        rows.append([f"`{words[:28]}`", f"{latent.std():.2f}", f"{measure.peak(sound):.1f}", f"{measure.rms(sound):.1f}", "sound" if good else "faulty"])
    report.table(["words", "latent spread", "peak (dBFS)", "RMS (dBFS)", ""], rows)
    report.hold("free_text", "free text degrades gracefully: sound without fault from any words", f"{sum(r[-1] == 'sound' for r in rows)} of {len(rows)} prompts", fine)


def covers(it, report, sources):
    """Pictures to look at: one source at rising denoise."""
    report.say("## One source, four values of denoise")
    audio, about = sources[0]
    source, shown = it.encode(audio), {"source": audio}
    for denoise in (0.0, 0.3, 0.5, 0.7, 1.0):
        made = source if denoise == 0 else it.cover(source, prompt_of(about, frames=len(source)), denoise, seed=1)
        shown[f"denoise {denoise}"] = it.decode(made)
    pictures.spectrograms(report.out / "covers.png", shown)
    report.say("![spectrograms](covers.png)")
    report.say()


def real_time(report, path):
    report.say("## Real time")
    if path is None or not path.exists():
        report.hold("real_time", "depth 4 at 12 s: a tick and a window leave half of the time free", "no bench figures (`make bench`)", None)
        return
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    figures = {line["name"]: line["value"] / 1e3 for line in lines if line.get("unit") == "us"}
    window = {k: figures.get(f"decode window of 1.00 s of 12 s {k}") for k in ("p50", "p99", "max")}
    ticks = {depth: {k: figures.get(f"tick, depth {depth}, 12 s {k}") for k in window} for depth in (1, 4, 8)}
    if None in window.values() or any(None in tick.values() for tick in ticks.values()):
        report.hold("real_time", "depth 4 at 12 s: a tick and a window leave half of the time free", f"{path} lacks the instrument's figures", None)
        return
    report.say("A tick, and the decode of a window of one second: what must be done for that second of the tape. `make bench` prints the same.")
    report.say()
    free = {depth: 100 * (1 - (tick["p99"] + window["p99"]) / 1e3) for depth, tick in ticks.items()}
    rows = [[depth, *[f"{tick[k]:.1f} ms" for k in window], f"{tick['p50'] + window['p50']:.1f} ms", f"{free[depth]:.0f} %"] for depth, tick in ticks.items()]
    report.table(["depth", "tick p50", "p99", "max", "tick and window, p50", "of that second free, at p99"], rows)
    report.say(f"Window of one second alone: {window['p50']:.1f} / {window['p99']:.1f} / {window['max']:.1f} ms.")
    report.say()
    report.hold("real_time", "depth 4 at 12 s: a tick and a 1 s window leave half of that second free", f"{free[4]:.0f} % free at p99", free[4] >= 50)


def main():
    final = "--final" in sys.argv
    named = [it for it in sys.argv[1:] if it != "--final"]
    folder, out = pathlib.Path(named[0]), pathlib.Path(named[1])
    torch.set_num_threads(2)
    began, it, report = time.time(), Loaded(folder), Report(out)
    sources = held_out(SOURCES)
    with torch.no_grad():
        codec(it, report)
        real.measure(it, report, final)
        hop_rate(it, report)
        denoise_sweep(it, report, sources)
        blend_curve(it, report, sources)
        covers(it, report, sources)
        pieces(it, report, sources)
        lengths(it, report)
        free_text(it, report)
    words(it, report)
    real_time(report, pathlib.Path(named[2]) if len(named) > 2 else None)
    fine = report.write("What the built-in model does")
    print(f"\n{(time.time() - began) / 60:.1f} minutes, report in {out / 'report.md'}")
    for what, found, verdict in report.verdicts:
        print(f"{verdict:8} {what}: {found}")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
