"""Real recordings that no training hears, from Debian's packages: python recordings.py FOLDER

Each is a stretch of one file, named by package, version and the file's SHA-256, so that everybody measures on the same sound.
The last two are opened for the final figures only.
"""

import hashlib
import json
import pathlib
import subprocess
import sys

import numpy as np
import soundfile
from scipy.signal import resample_poly

RATE = 48000
SECONDS = 12
LIST = pathlib.Path(__file__).with_name("recordings.json")


def unpacked(folder, package):
    """The package's files below the folder, fetched and unpacked the first time, without installing it."""
    home = folder / package
    if not home.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-qq", "download", package], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        archive = next(folder.glob(f"{package}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", archive, home], check=True)
        archive.unlink()
    return home


def load(folder, entry):
    """One recording, float32 [2, samples] at 48 kHz, or None with the reason where it is not the file that the list names."""
    try:
        path = unpacked(pathlib.Path(folder), entry["package"]) / entry["file"]
        if hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
            return None, f"{entry['file']} of {entry['package']} is another version's"
    except (OSError, subprocess.CalledProcessError, StopIteration):
        return None, f"{entry['package']} cannot be fetched"
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    sound = sound[entry["start"] * rate : (entry["start"] + SECONDS) * rate]
    sound = resample_poly(sound, RATE, rate, axis=0).T.astype(np.float32)
    return (np.repeat(sound, 2, axis=0) if len(sound) == 1 else sound[:2]), None


def all_of(folder, final=False):
    """Name, sound and what kind of music it is, of each that can be had; the others' reasons are printed."""
    for entry in json.loads(LIST.read_text()):
        if entry.get("final") and not final:
            continue
        sound, why = load(folder, entry)
        if sound is None:
            print(f"skipped {entry['name']}: {why}", file=sys.stderr)
        else:
            yield entry["name"], sound, entry["kind"]


if __name__ == "__main__":
    for name, sound, kind in all_of(pathlib.Path(sys.argv[1]), final=True):
        print(f"{name}: {kind}, {sound.shape[1] / RATE:.1f} s, peak {np.abs(sound).max():.2f}")
