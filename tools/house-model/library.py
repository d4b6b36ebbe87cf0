"""The training material, made once and kept below the work folder: python library.py WORK

Loops of the six styles come first (the demo is number 0), then clips of sampled instruments, rhythms of recorded hits, voices, and at last what is mixed of all these.
"""

import json
import multiprocessing
import pathlib
import sys

import numpy as np

import band
import generator
import mixes
import samples
import voices

BAND_CLIPS = 600
RHYTHMS = 160
VOICES = 60
MIXES = 900
DEMO_RELATIVES = 10  # the demo itself among them


def jobs():
    loops = [("loop", recipe) for recipe in generator.recipes()]
    others = [("band", BAND_CLIPS), ("rhythm", RHYTHMS), ("voice", VOICES), ("mix", MIXES)]
    return loops + [(kind, seed) for kind, count in others for seed in range(count)]


MAKERS = {"loop": lambda recipe: generator.compose(**recipe), "band": band.play, "rhythm": samples.compose, "voice": voices.compose,
          "mix": lambda seed: mixes.compose(BASE, seed)}


def begin(folder):
    """What a process that makes mixes reads from."""
    global BASE
    BASE = mixes.Base(folder, [kind for kind, _ in jobs()]) if (folder / "about.json").exists() else None


def make(numbered):
    path, (kind, what) = numbered
    sound, about = MAKERS[kind](what)
    np.save(path, np.round(sound * 32767).astype(np.int16))
    return about


def load(work):
    """Every recording as an int16 array [samples, 2], read from disk as it is used, and what is said of each."""
    folder = pathlib.Path(work) / "loops"
    folder.mkdir(parents=True, exist_ok=True)
    listed, all_jobs = folder / "about.json", jobs()
    # Mixes are made of what is there before them; a list that ends early is gone on with.
    for ends in (len(all_jobs) - MIXES, len(all_jobs)):
        abouts = json.loads(listed.read_text()) if listed.exists() else []
        if ends <= len(abouts):
            continue
        numbered = [(folder / f"{n:04}.npy", all_jobs[n]) for n in range(len(abouts), ends)]
        with multiprocessing.Pool(initializer=begin, initargs=(folder,)) as pool:
            for about in pool.imap(make, numbered, chunksize=4):
                abouts.append(about)
                if len(abouts) % 50 == 0:
                    print(f"material {len(abouts)} of {len(all_jobs)}", flush=True)
        listed.write_text(json.dumps(abouts))
    abouts = json.loads((folder / "about.json").read_text())
    return [np.load(folder / f"{n:04}.npy", mmap_mode="r") for n in range(len(abouts))], abouts


if __name__ == "__main__":
    sounds, _ = load(sys.argv[1])
    print(f"{len(sounds)} recordings, {sum(map(len, sounds)) / generator.RATE / 60:.0f} minutes")
