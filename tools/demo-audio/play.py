"""Plays set.csv on `demon render` and draws what was heard: python play.py DEMON WORK DOCS

The knob moves become a Standard MIDI File, which the instrument plays as its controller. Leaves DOCS/set.ogg,
DOCS/set.csv (the same moves) and DOCS/knobs.png.
"""

import csv
import json
import pathlib
import shutil
import subprocess
import sys
import tomllib

import matplotlib
import mido
import numpy as np
import soundfile

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

HERE = pathlib.Path(__file__).parent
MOVES_A_SECOND = 25
TAIL_S = 4  # after the last move, so that it is heard
TICKS = 480  # a beat of half a second, the default tempo


def moves():
    with (HERE / "set.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{**row, **{k: float(row[k]) for k in ("from_s", "to_s", "from", "to")}} for row in rows]


def score(path, rows, demon):
    """Every move as control changes, 25 a second."""
    patch = tomllib.loads((HERE / "set.toml").read_text())
    numbers = {entry["to"]: entry["cc"] for entry in patch["map"]}
    table = json.loads(subprocess.run([demon, "params", "--json"], check=True, capture_output=True, text=True).stdout)
    spans = {row["name"]: (row["low"], row["high"]) for row in table if row["name"] in numbers}
    events = []
    for row in rows:
        low, high = spans[row["knob"]]
        count = max(1, round((row["to_s"] - row["from_s"]) * MOVES_A_SECOND))
        for n in range(count + 1):
            value = row["from"] + (row["to"] - row["from"]) * n / count
            at = row["from_s"] + n / MOVES_A_SECOND
            events.append((at, numbers[row["knob"]], round(127 * (value - low) / (high - low))))
    midi, track = mido.MidiFile(ticks_per_beat=TICKS), mido.MidiTrack()
    midi.tracks.append(track)
    now, last = 0, {}
    for at, control, value in sorted(events, key=lambda it: it[0]):
        if last.get(control) == value:
            continue
        last[control], tick = value, round(at * 2 * TICKS)
        track.append(mido.Message("control_change", control=control, value=value, time=tick - now))
        now = tick
    midi.save(path)


def picture(path, sound, rows):
    figure, (above, below) = plt.subplots(2, 1, figsize=(14, 6.2), sharex=True, height_ratios=[3, 2])
    above.specgram(sound.mean(1) + 1e-7, NFFT=2048, Fs=48000, noverlap=1024, vmin=-140, vmax=-40)
    above.set(ylim=(0, 10000), ylabel="Hz", title="A set played by a MIDI file: spectrogram of what came out, and every knob below it")
    knobs = list(dict.fromkeys(row["knob"] for row in rows))
    for knob in knobs:
        own = [row for row in rows if row["knob"] == knob]
        xs, ys = [0.0], [own[0]["from"]]
        for row in own:
            xs += [row["from_s"], row["to_s"]]
            ys += [row["from"], row["to"]]
        below.plot(xs + [len(sound) / 48000], ys + [ys[-1]], label=knob)
    for n, row in enumerate(rows):
        above.axvline(row["from_s"], color="white", linewidth=0.5, alpha=0.6)
        above.text(row["from_s"] + 0.1, 9400 - 700 * (n % 3), row["heard"], color="white", fontsize=7)
    below.set(xlabel="seconds", ylabel="knob")
    below.legend(fontsize=7, ncols=len(knobs), loc="upper center")
    below.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=75)


def main():
    demon, work, docs = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    work.mkdir(parents=True, exist_ok=True)
    docs.mkdir(parents=True, exist_ok=True)
    rows = moves()
    score(work / "set.mid", rows, demon)
    seconds = max(row["to_s"] for row in rows) + TAIL_S
    subprocess.run([demon, "render", "--patch", HERE / "set.toml", "--midi", work / "set.mid", "--seconds", str(seconds),
                    "--out", work / "set.wav"], check=True)
    sound, _ = soundfile.read(work / "set.wav", dtype="float32")
    assert np.isfinite(sound).all(), "the set holds something that is no number"
    # Second by second: libsndfile's Vorbis writer overflows its stack on a whole set at once.
    with soundfile.SoundFile(docs / "set.ogg", "w", 48000, 2, format="OGG", subtype="VORBIS") as file:
        for at in range(0, len(sound), 48000):
            file.write(sound[at : at + 48000])
    shutil.copy(HERE / "set.csv", docs / "set.csv")
    picture(docs / "knobs.png", sound, rows)
    level = 20 * np.log10(np.sqrt((sound**2).mean()))
    print(f"{docs / 'set.ogg'}: {seconds:.0f} s, peak {20 * np.log10(np.abs(sound).max()):.1f} dBFS, RMS {level:.1f} dBFS; moves in {docs / 'set.csv'}, picture in {docs / 'knobs.png'}")


if __name__ == "__main__":
    main()
