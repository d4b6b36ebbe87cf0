"""The part of the report on real recordings that no training hears: the codec alone, and the instrument at five places of its denoise knob.

At denoise 0 the instrument plays the recording itself, so the row of the knob's bottom is what the first windows beside it are measured on.
"""

import numpy as np
import torch

import ear
import fold
import judges
import pictures
import recordings
import text

FOLDER = "target/house-model/recordings"
DENOISE = (0.3, 0.5, 0.7, 1.0)
# At .5 the beat and the harmony of a recording are there on seven of eight.
ONSETS, CHROMA, ENOUGH = 0.5, 0.8, 7


def taken(final):
    return [(name, sound[:, : sound.shape[1] // 1920 * 1920], kind) for name, sound, kind in recordings.all_of(FOLDER, final)]


def worst(found):
    """The rate at which a copy stands out of its source most, in percentage points, and the fold with the greatest swing, in dB."""
    shares = {48000 // step: found[f"comb {48000 // step}"] - found[f"comb {48000 // step} of source"] for step in fold.STEPS[:-1]}
    swings = {step: found[f"swing {step}"] for step in fold.STEPS}
    rate, step = max(shares, key=shares.get), max(swings, key=swings.get)
    return f"{shares[rate]:+.1f} at {rate} Hz", f"{swings[step]:+.1f} at {step}"


def prompt_for(kind, frames):
    """What somebody says who knows what the recording is, and neither its tempo nor its key."""
    return text.prompt(text.COVER, kind, "N/A", "4", "N/A", frames / 25)


def sound_of(it, source, audio, kind, denoise, seed):
    made = it.cover(source, prompt_for(kind, len(source)), denoise, seed)
    return it.decode(made)[:, : audio.shape[1]].numpy()


def codec(it, report, sounds):
    report.say("## Codec on real recordings")
    report.say("The codec alone, uncompensated. Lines: how much more of the energy from 1.5 to 12 kHz lies on multiples of a stride's rate than in the source, the worst of all")
    report.say("rates. Swing: of the energy above 2 kHz folded at a stride's step, beyond the source's. Levels are copy minus source.")
    report.say()
    rows, faults, opinions, found_of = [], {}, [], {}
    for name, audio, _ in sounds:
        copy = it.decode(it.encode(torch.from_numpy(audio)))[:, : audio.shape[1]].numpy()
        found = ear.heard(copy, audio)
        found_of[name] = found
        faults[name] = ear.faults_of(found)
        opinions.append(judges.opinions(copy, audio))
        lines, swing = worst(found)
        rows.append([name, lines, swing, f"{found['side to mid']:+.1f}", f"{found['octave']:+.1f}", f"{found['air']:.0f}", f"{found['loudness']:+.1f}",
                     f"{found['onsets']:.2f}", f"{found['chroma']:.2f}", f"{found['SI-SDR']:.1f}", f"{opinions[-1][0]:.2f}", f"{opinions[-1][1]:.2f}", ", ".join(faults[name]) or "none"])
    report.table(["recording", "lines (points)", "swing (dB)", "side to mid (dB)", "worst octave (dB)", "16 to 20 kHz over (dB)", "loudness (LU)", "onsets", "chroma",
                  "SI-SDR (dB)", "ViSQOL", "Zimtohrli", "misses"], rows)
    count = len(sounds)
    for key, what, begins in (("real_lines", "no lines at a stride's rate: within twice the source's share or 3 points", "comb"), ("real_swing", "energy folded at each stride within 2 dB of the source's", "swing"),
                              ("real_width", "side to mid within 2 dB", "side"), ("real_octaves", "octave bands within 2 dB", "octave"), ("real_air", "16 to 20 kHz not above the source", "air"),
                              ("real_loudness", "loudness of the codec within 1 LU", "loudness")):
        clean = sum(not any(fault.startswith(begins) for fault in it) for it in faults.values())
        report.hold(key, f"{what}, on every real recording", f"{clean} of {count}", clean == count if count else None)
    if count:
        sdr = np.mean([it["SI-SDR"] for it in found_of.values()])
        report.say(f"Means: SI-SDR {sdr:.1f} dB, ViSQOL {np.mean([a for a, _ in opinions]):.2f}, Zimtohrli {np.mean([b for _, b in opinions]):.2f}.")
        report.say()
        report.figures["real_means"] = {"SI-SDR": round(float(sdr), 2), "ViSQOL": round(float(np.mean([a for a, _ in opinions])), 3), "Zimtohrli": round(float(np.mean([b for _, b in opinions])), 3)}


def knob(it, report, sounds):
    report.say("## Denoise on real recordings")
    report.say("The recording's own kind as its words, one seed each. Loudness against the recording, onset and chroma correlation with it. At denoise 0 the instrument plays the recording.")
    report.say()
    rows, louder, beats, harmony = [], [], [], []
    for number, (name, audio, kind) in enumerate(sounds):
        source = it.encode(torch.from_numpy(audio))
        cells = []
        for denoise in DENOISE:
            found = ear.heard(sound_of(it, source, audio, kind, denoise, 700 + number), audio)
            cells.append(f"{found['loudness']:+.1f} LU, {found['onsets']:.2f}, {found['chroma']:.2f}")
            louder.append(abs(found["loudness"]))
            if denoise == 0.5:
                beats.append(found["onsets"] > ONSETS)
                harmony.append(found["chroma"] > CHROMA)
        rows.append([name, *cells])
    report.table(["recording", *[f"{it}: loudness, onsets, chroma" for it in DENOISE]], rows)
    count = len(sounds)
    report.hold("real_level", "loudness within 1 LU of the recording at every denoise", f"at most {max(louder, default=0):.1f} LU off", max(louder) <= 1 if count else None)
    report.hold("real_beat", f"at .5 a real recording's beat is there: onset correlation above {ONSETS} on {ENOUGH} of 8", f"{sum(beats)} of {count}", sum(beats) * 8 >= ENOUGH * count if count else None)
    report.hold("real_harmony", f"at .5 its harmony is there: chroma correlation above {CHROMA}, likewise", f"{sum(harmony)} of {count}", sum(harmony) * 8 >= ENOUGH * count if count else None)


def pictures_of(it, report, sounds):
    """One recording: itself, the codec's copy, and two places of the knob."""
    name, audio, kind = sounds[0]
    source = it.encode(torch.from_numpy(audio))
    shown = {name: torch.from_numpy(audio), "codec": it.decode(source)[:, : audio.shape[1]]}
    for denoise in (0.5, 1.0):
        shown[f"denoise {denoise}"] = torch.from_numpy(sound_of(it, source, audio, kind, denoise, 700))
    pictures.spectrograms(report.out / "real.png", shown)
    report.say("![a real recording, its copy, and two places of the knob](real.png)")
    report.say()


@torch.no_grad()
def measure(it, report, final=False):
    sounds = taken(final)
    if not sounds:
        report.say("Real recordings: skipped, none could be fetched (`apt-get download` of the packages in recordings.json).")
    codec(it, report, sounds)
    if sounds:
        knob(it, report, sounds)
        pictures_of(it, report, sounds)
