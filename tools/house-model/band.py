"""Makes clips of sampled instruments, so that codec and network have met more than our own oscillators.

The notes are drawn here; Debian's fluidsynth plays them with the Fluid R3 and MuseScore General soundfonts (both MIT
licence). Every clip is played twice over and the second pass is kept, so that it wraps round like the loops. The first
PLAIN clips are a trio with drums as it comes out of the sampler; the others have any tempo, more parts, swing and ghost
notes, and have been through a studio.
"""

import pathlib
import subprocess
import tempfile

import mido
import numpy as np
import soundfile

import studio
from generator import FRAME, MAJOR, MINOR, NOTES, PROGRESSIONS, RATE, chord_notes

SOUNDFONTS = ["/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/sounds/sf3/MuseScore_General_Full.sf3"]
PLAIN = 120  # clips that were made in the first way
TICKS = 480  # MIDI ticks in a beat

# General MIDI programs (counted from 0) under the word that a prompt uses for them.
CHORDS = {"piano": [0, 1], "electric piano": [4, 5], "organ": [16, 19], "acoustic guitar": [24, 25], "electric guitar": [26, 27],
          "strings": [48, 49], "choir": [52, 53], "brass": [61], "synth pad": [88, 89, 90]}
LEADS = {"flute": [73], "violin": [40], "trumpet": [56], "saxophone": [65, 66], "clarinet": [71], "vibraphone": [11],
         "marimba": [12], "glockenspiel": [9], "harp": [46], "synth lead": [80, 81], "whistle": [78], "cello": [42]}
BASSES = {"acoustic bass": [32], "electric bass": [33, 34], "synth bass": [38, 39]}
# What the later clips have besides: a second part under the chords, and other colours.
MORE_CHORDS = {"distorted guitar": [29, 30], "harpsichord": [6], "accordion": [21, 22, 23], "choir": [52, 53, 54], "orchestra": [48, 60, 61],
               "synth pad": list(range(88, 96)), "banjo": [105], "sitar": [104], "mallets": [11, 12, 13]}
MORE_LEADS = {"electric guitar": [27, 28, 29, 30], "synth lead": list(range(80, 88)), "oboe": [68], "trombone": [57], "horn": [60], "pan flute": [75],
              "music box": [10], "steel drum": [114], "violin": [40, 41, 110], "voice": [52, 53, 54, 85], "piano": [0, 1, 3]}
KITS = [0, 8, 16, 24, 25, 32, 40, 48]  # programs of the drum channel
KICK, SNARE, RIM, HAT, OPEN, RIDE, CRASH, TOM = 36, 38, 37, 42, 46, 51, 49, 45


def pick(rng, table):
    word = list(table)[rng.integers(len(table))]
    return word, int(table[word][rng.integers(len(table[word]))])


def notes_of(rng, beat, bars, kind):
    """Events (tick, length in ticks, channel, note, velocity), the program of each channel, and what was drawn."""
    root, mode = int(rng.integers(12)), ["minor", "major"][rng.integers(2)]
    scale, line = (MINOR if mode == "minor" else MAJOR), PROGRESSIONS[mode][rng.integers(4)]
    chord, lead, bass = pick(rng, CHORDS), pick(rng, LEADS), pick(rng, BASSES)
    sixteenth, bar = TICKS // 4, TICKS * 4
    strum = sorted(rng.choice(np.arange(1, 16), rng.integers(0, 5), replace=False).tolist())
    groove = sorted(rng.choice([2, 3, 4, 6, 8, 10, 11, 12, 14], rng.integers(1, 5), replace=False).tolist())
    motif = sorted(rng.choice(16, rng.integers(3, 8), replace=False).tolist())
    tones = rng.choice([0, 1, 2, 2, 4, 4, 5, 7], len(motif)).tolist()
    kicks, cymbal = [0] + sorted(rng.choice([3, 6, 7, 8, 10, 11], 2, replace=False).tolist()), [HAT, RIDE, HAT][rng.integers(3)]
    events = []
    for n in range(bars):
        at, degree = n * bar, line[n % 4]
        chord_at = [0] if kind == "drone" else [0] + strum
        for here, after in zip(chord_at, chord_at[1:] + [16]):
            events += [(at + here * sixteenth, int((after - here) * sixteenth * 0.95), 0, note, int(rng.integers(60, 100)))
                       for note in chord_notes(scale, root, degree, 4)]
        low = 36 + (root + scale[degree % 7]) % 12
        bass_at = [0] if kind == "drone" else [0] + groove
        events += [(at + here * sixteenth, int((after - here) * sixteenth * 0.9), 1, low, 95)
                   for here, after in zip(bass_at, bass_at[1:] + [16])]
        if n % 4 != 3 and kind != "drone":
            for here, after, tone in zip(motif, motif[1:] + [16], tones):
                step = degree + tone
                note = 72 + (root + scale[step % 7]) % 12
                events.append((at + here * sixteenth, int(min(after - here, 6) * sixteenth * 0.95), 2, note, int(rng.integers(70, 110))))
        if kind == "full":
            hits = [(s, KICK, 110) for s in kicks] + [(4, SNARE, 105), (12, SNARE, 105)] + [(s, cymbal, 70 + 20 * (s % 4 == 0)) for s in range(0, 16, 2)]
            hits += [(0, CRASH, 90)] if n == 0 else [(14, TOM, 95), (15, TOM, 80)] if n % 4 == 3 else []
            events += [(at + s * sixteenth, sixteenth, 9, note, velocity) for s, note, velocity in hits]
    programs = {0: chord[1], 1: bass[1], 2: lead[1]}
    words = [chord[0], bass[0]] + ([] if kind == "drone" else [lead[0]]) + (["drum kit"] if kind == "full" else ["no drums"])
    return events, programs, words, f"{NOTES[root]} {mode}"


def wide_notes_of(rng, bars):
    """As `notes_of`, with more parts, other colours, hands that are not a machine's, and the drum kit's program."""
    kind = rng.choice(["full", "full", "full", "full", "quiet", "drone"])
    events, programs, words, key = notes_of(rng, 12, bars, kind)
    for channel, table in ((0, {**CHORDS, **MORE_CHORDS}), (2, {**LEADS, **MORE_LEADS})):
        if rng.random() < 0.7:
            word, programs[channel] = pick(rng, table)
            words[0 if channel == 0 else 2 if kind != "drone" else 0] = word
    octave, swing = int(rng.choice([-12, 0, 0, 0, 12])), int(rng.uniform(0, TICKS / 10)) if rng.random() < 0.3 else 0
    if rng.random() < 0.5:
        # A pad, an organ or strings hold what the chords strike.
        word, programs[3] = pick(rng, {**CHORDS, **MORE_CHORDS})
        held = {(at // (TICKS * 4), note) for at, _, channel, note, _ in events if channel == 0}
        events += [(bar * TICKS * 4, TICKS * 4 - 20, 3, note + octave, int(rng.integers(40, 80))) for bar, note in sorted(held)]
        words.append(word)
    if kind == "full":
        programs[9] = int(rng.choice(KITS))
        ghosts = rng.choice(16, rng.integers(0, 7), replace=False)
        drums = [int(rng.choice([RIM, TOM, 41, 54, 56, 62, 63, 69, 70, 75, 39, 44])) for _ in ghosts]
        events += [(bar * TICKS * 4 + int(s) * TICKS // 4, 60, 9, drum, int(rng.integers(35, 90))) for bar in range(bars) for s, drum in zip(ghosts, drums)]
    human = lambda at: max(0, at + int(rng.normal(0, 5)) + (swing if at // (TICKS // 4) % 2 else 0))
    events = [(human(at), length, channel, note, int(np.clip(velocity + rng.normal(0, 8), 1, 127))) for at, length, channel, note, velocity in events]
    return events, programs, words, key


def midi_file(path, events, programs, bpm, bars):
    midi, track = mido.MidiFile(ticks_per_beat=TICKS), mido.MidiTrack()
    midi.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm)))
    track += [mido.Message("program_change", channel=channel, program=program) for channel, program in programs.items()]
    lap, messages = bars * 4 * TICKS, []
    for turn in range(2):
        for at, length, channel, note, velocity in events:
            messages.append((turn * lap + at, 1, mido.Message("note_on", channel=channel, note=note, velocity=velocity)))
            messages.append((turn * lap + at + length, 0, mido.Message("note_off", channel=channel, note=note)))
    now = 0
    for at, _, message in sorted(messages, key=lambda m: m[:2]):
        track.append(message.copy(time=at - now))
        now = at
    midi.save(path)


def render(soundfont, events, programs, bpm, bars, frames):
    """What the sampler makes of it, float64 [samples, 2], its tail in its beginning."""
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = pathlib.Path(folder) / "clip.mid", pathlib.Path(folder) / "clip.wav"
        midi_file(midi, events, programs, bpm, bars)
        options = ["-g", "0.6", "-r", str(RATE), "-o", "synth.dynamic-sample-loading=1"]
        subprocess.run(["fluidsynth", "-ni", "-q", *options, "-F", str(wav), soundfont, str(midi)],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        sound, _ = soundfile.read(wav, dtype="float64")
    size = frames * FRAME
    # fluidsynth stops soon after the last note: a short second lap is filled up with nothing.
    return np.pad(sound, ((0, max(0, 2 * size - len(sound))), (0, 0)))[size : 2 * size]


def play(seed):
    """One clip, sound [samples, 2] and what may be said about it."""
    rng = np.random.default_rng([77, seed])
    if seed < PLAIN:
        kind = rng.choice(["full", "full", "full", "quiet", "drone"])
        beat, bars = float(rng.choice([9, 10, 11, 12, 12.5, 13, 15, 18])), int(rng.choice([4, 6]))
        soundfont, notes = SOUNDFONTS[0], notes_of(rng, beat, bars, kind)
    else:
        bars = int(rng.choice([2, 4, 4, 6]))
        # Whole frames a loop: any tempo, but for a hundredth.
        beat = round(float(rng.uniform(8, 24)) * 4 * bars) / (4 * bars)
        soundfont, notes = SOUNDFONTS[seed % 2], wide_notes_of(rng, bars)
    events, programs, words, key = notes
    frames = int(round(beat * 4 * bars))
    sound = render(soundfont, events, programs, 1500 / beat, bars, frames)
    if seed < PLAIN:
        sound = np.tanh(sound * (0.14 / (np.sqrt((sound**2).mean()) + 1e-9)))
    else:
        sound = studio.finished(sound.T.astype(np.float32), rng)
        sound = (studio.crush(sound, rng) if rng.random() < 0.12 else sound).T
    sound *= min(1.0, 0.707 / (np.abs(sound).max() + 1e-9))
    about = {"style": "acoustic", "tags": ["acoustic", *words], "bpm": round(1500 / beat), "key": key, "frames": frames, "timesignature": "4"}
    return sound.astype(np.float32), about
