#!/usr/bin/env python3
"""What we, sox, ffmpeg and mido make of the same files, as a table. `compare.py OUR_PROGRAM FILE ...`

A recording passes when our length in frames is that of one of the others, or when what is missing is said. Where the others disagree
the table shows it. Two differences are ours and known: the end of a lossy file is exact to the frame here, where ffmpeg plays what
an encoder added (up to one packet), and several recordings in a row are all heard. A MIDI file passes when we play as many channel
messages as mido, which clips as we do, or when what is missing is said."""

import os
import pathlib
import shutil
import subprocess
import sys

ours, files = sys.argv[1], sys.argv[2:]
#: Longest packet of a lossy codec in frames at its own rate; encoders' delays are shorter than two.
PACKET = 4608
LOSSY = (".mp3", ".mp2", ".m4a", ".aac", ".ogg", ".opus", ".oga", ".caf")
#: ADPCM fills its last block; how many frames are sound stands in the header, which sox and ffmpeg do not ask.
BLOCKS = "adpcm"


def call(*command):
    try:
        return subprocess.run([str(it) for it in command], capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return None


def sox_frames(file):
    done = call("sox", file, "-t", "raw", "-e", "signed", "-b", "16", "-c", "1", "-")
    return len(done.stdout) // 2 if done and done.returncode == 0 and done.stdout else None


def ffmpeg_frames(file):
    # `-ac 1` also for more channels than ffmpeg has a layout for.
    rate = call("ffprobe", "-v", "error", "-select_streams", "a:0", "-show_entries", "stream=channels", "-of", "csv=p=0", file)
    channels = rate.stdout.decode().strip().splitlines() if rate and rate.returncode == 0 else []
    done = call("ffmpeg", "-v", "error", "-i", file, "-f", "s16le", "-")
    if not done or not channels or not done.stdout:
        return None
    return len(done.stdout) // 2 // int(channels[0].rstrip(","))


def mido_messages(file):
    try:
        import mido
    except ImportError:
        return None
    try:
        song = mido.MidiFile(file, clip=True)
    except Exception:  # it has no one kind of fault
        return None
    played = lambda it: not it.is_meta and it.type not in ("sysex", "clock", "active_sensing", "start", "stop", "continue")
    return sum(1 for track in song.tracks for it in track if played(it))


def judge(file, found, words, asked, others):
    known = [it for it in others if it is not None]
    if not asked:
        return "skipped"
    if not known:
        # Nobody else plays it.
        return "passed" if found is None else "passed, more"
    if found is None:
        # Refused with a word that says why: fine only where nobody else plays it.
        return "FAILED"
    if found in known:
        return "passed"
    if words:
        return "passed, said"
    near = any(abs(found - it) <= PACKET for it in known)
    if near and (file.suffix in LOSSY or BLOCKS in file.name):
        return "passed, exact"
    if found > max(known):
        return "passed, more"
    return "FAILED"


def main():
    programs = {"sox": shutil.which("sox"), "ffmpeg": shutil.which("ffmpeg") and shutil.which("ffprobe")}
    try:
        import mido

        programs["mido"] = mido
    except ImportError:
        programs["mido"] = None
    for name, there in programs.items():
        if not there:
            print(f"{name} is not installed: not compared with it")
    lines = call(ours, *files).stdout.decode().splitlines()
    print(f"{'file':36} {'ours':>8} {'sox':>8} {'ffmpeg':>8} {'mido':>5}  outcome")
    counts = {"passed": 0, "FAILED": 0, "skipped": 0}
    for line in lines:
        name, found, *rest = line.split("\t")
        file, words = pathlib.Path(name), rest[-1]
        found = None if found == "-" else int(found)
        is_midi = file.suffix == ".mid"
        sox = sox_frames(file) if programs["sox"] and not is_midi else None
        ffmpeg = ffmpeg_frames(file) if programs["ffmpeg"] and not is_midi else None
        mido = mido_messages(file) if programs["mido"] and is_midi else None
        asked = programs["mido"] if is_midi else programs["sox"] or programs["ffmpeg"]
        outcome = judge(file, found, words, asked, [sox, ffmpeg, mido])
        counts[outcome.split(",")[0]] += 1
        show = lambda it: "-" if it is None else it
        print(f"{file.name:36} {show(found):>8} {show(sox):>8} {show(ffmpeg):>8} {show(mido):>5}  {outcome}"
              f"{': ' + words if words else ''}")
    for name in os.environ.get("LEFT_OUT", "").split():
        counts["skipped"] += 1
        print(f"{name:36} {'-':>8} {'-':>8} {'-':>8} {'-':>5}  skipped: the program that was to write it knows no such format here")
    print(f"{counts['passed']} passed, {counts['FAILED']} failed, {counts['skipped']} skipped")
    sys.exit(1 if counts["FAILED"] else 0)


main()
