"""The training material, made once and kept below the work folder: python library.py WORK

Loops of the six styles come first (the demo is number 0), then clips of sampled instruments, then rhythms of recorded hits, then voices.
"""

import json
import multiprocessing
import pathlib
import sys

import numpy as np

import band
import generator
import samples
import voices

BAND_CLIPS = 600
RHYTHMS = 160
VOICES = 60
DEMO_RELATIVES = 10  # the demo itself among them


def jobs():
    loops = [("loop", recipe) for recipe in generator.recipes()]
    others = [("band", BAND_CLIPS), ("rhythm", RHYTHMS), ("voice", VOICES)]
    return loops + [(kind, seed) for kind, count in others for seed in range(count)]


MAKERS = {"loop": lambda recipe: generator.compose(**recipe), "band": band.play, "rhythm": samples.compose, "voice": voices.compose}


def make(numbered):
    path, (kind, what) = numbered
    sound, about = MAKERS[kind](what)
    np.save(path, np.round(sound * 32767).astype(np.int16))
    return about


def load(work):
    """Every recording as an int16 array [samples, 2], read from disk as it is used, and what is said of each."""
    folder = pathlib.Path(work) / "loops"
    if not (folder / "about.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        numbered = [(folder / f"{n:04}.npy", job) for n, job in enumerate(jobs())]
        with multiprocessing.Pool() as pool:
            abouts = []
            for about in pool.imap(make, numbered, chunksize=4):
                abouts.append(about)
                if len(abouts) % 50 == 0:
                    print(f"material {len(abouts)} of {len(numbered)}", flush=True)
        (folder / "about.json").write_text(json.dumps(abouts))
    abouts = json.loads((folder / "about.json").read_text())
    return [np.load(folder / f"{n:04}.npy", mmap_mode="r") for n in range(len(abouts))], abouts


if __name__ == "__main__":
    sounds, _ = load(sys.argv[1])
    print(f"{len(sounds)} recordings, {sum(map(len, sounds)) / generator.RATE / 60:.0f} minutes")
