#!/usr/bin/env python3
"""Makes the files that are compared: the fixtures as they are, joined, cut and with tags, WAV headers of every kind, MIDI files; and,
where sox and ffmpeg are installed, what they write in other formats. `make.py FOLDER FIXTURES` prints the names of files that a
program which is installed cannot write here."""

import math
import pathlib
import shutil
import struct
import subprocess
import sys

out, fixtures = map(pathlib.Path, sys.argv[1:3])
RATE = 24_000
SOUND = b"".join(struct.pack("<h", round(12_000 * math.sin(2 * math.pi * 440 * n / RATE))) for n in range(2 * RATE))
ENDLESS = 0xFFFFFFFF


def chunk(name, body, size=None):
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def riff(body, size=None, name=b"RIFF"):
    return name + struct.pack("<I", len(body) + 4 if size is None else size) + b"WAVE" + body


def waves():
    fmt = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
    head, data = chunk(b"fmt ", fmt), chunk(b"data", SOUND)
    ds64 = chunk(b"ds64", struct.pack("<QQQI", len(SOUND) + 72, len(SOUND), len(SOUND) // 2, 0))
    many = struct.pack("<HHIIHH", 1, 32, RATE, 64 * RATE, 64, 16)
    return {
        "plain": riff(head + data),
        "riff_small": riff(head + data, len(SOUND) + 28),
        "riff_0": riff(head + data, 0),
        "both_0": riff(head + chunk(b"data", SOUND, 0), 0),
        "both_endless": riff(head + chunk(b"data", SOUND, ENDLESS), ENDLESS),
        "fmt_20": riff(chunk(b"fmt ", fmt + b"\2\0\0\0") + data),
        "fmt_18": riff(chunk(b"fmt ", fmt + b"\0\0") + data),
        "list_bad_len": riff(head + chunk(b"LIST", b"INFOISFT" + struct.pack("<I", 500) + b"Lavf\0\0") + data),
        "list_too_long": riff(head + chunk(b"LIST", b"INFOISFT", 30_000) + data),
        "pipe": riff(head + chunk(b"data", SOUND, 0x7FFFFFFF - 36), 0x7FFFFFFF),
        "rf64": riff(ds64 + head + chunk(b"data", SOUND, ENDLESS), ENDLESS, b"RF64"),
        "bw64": riff(ds64 + head + chunk(b"chna", bytes(44)) + chunk(b"data", SOUND, ENDLESS), ENDLESS, b"BW64"),
        "junk": riff(chunk(b"JUNK", bytes(28)) + head + chunk(b"bext", bytes(858)) + data + chunk(b"cue ", bytes(28))),
        "channels_32": riff(chunk(b"fmt ", many) + chunk(b"data", SOUND * 32)),
        "cut": riff(head + data)[:60_044],
    }


def tracks():
    return {
        "running_across_meta": "00b0010a00ff0102686983600128836001508360017800ff2f00",
        "running_across_sysex": "00b0010a00f0037e7ff783600128836001508360017800ff2f00",
        "clock_in_stream": "00b0010a8170f88170b0012800fe8360b001508360b0017800ff2f00",
        "realtime_fe": "00b0010a0afe0ab001280ab0015000ff2f00",
        "cc_value_high": "00b0010a8360b001a88360b0015000ff2f00",
        "data_before_status": "00014000b0010a8360b001288360b001508360b0017800ff2f00",
        "tempo": "00b0010a60b0011400ff51030f424060b0012800ff2f00",
        "notes": "00903c408360803c4000e000408360c00500ff2f00",
    }


def midi(track, format=0, extra=b"", count=1):
    body = bytes.fromhex(track)
    head = b"MThd" + struct.pack(">IHHH", 6, format, count, 480)
    return head + extra + b"MTrk" + struct.pack(">I", len(body)) + body


def run(*command):
    """The last word is the file. A program that was built without a format makes half of one: it goes, and its name is told."""
    file = command[-1]
    done = subprocess.run([str(it) for it in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if done.returncode:
        file.unlink(missing_ok=True)
        print(file.name)


def written_by_others():
    plain = out / "wav_plain.wav"
    if shutil.which("sox"):
        for ending in ("aiff", "au", "w64", "caf", "aifc", "flac", "ogg", "mp3"):
            run("sox", plain, out / f"sox.{ending}")
        for encoding in ("a-law", "mu-law", "ms-adpcm", "ima-adpcm", "floating-point"):
            run("sox", plain, "-e", encoding, out / f"sox_{encoding}.wav")
        for bits in (8, 24, 32):
            run("sox", plain, "-b", bits, out / f"sox_{bits}.wav")
        with open(out / "sox_pipe.wav", "wb") as piped:
            subprocess.run(["sox", plain, "-t", "wav", "-"], check=True, stdout=piped, stderr=subprocess.DEVNULL)
    if shutil.which("ffmpeg"):
        for name in ("f32.wav:-c:a pcm_f32le", "f64.wav:-c:a pcm_f64le", "rf64.wav:-rf64 always", "alac.m4a:-c:a alac",
                     "aac.m4a:-c:a aac", "alac.caf:-c:a alac", "ogg.opus:-c:a libopus", "mp2.mp2:-c:a mp2", "adts.aac:-c:a aac",
                     "six.wav:-ac 6", "eight.flac:-ac 8", "vorbis.ogg:-c:a libvorbis", "lame.mp3:-c:a libmp3lame"):
            name, options = name.split(":", 1)
            run("ffmpeg", "-y", "-i", plain, *options.split(), out / f"ffmpeg_{name}")
        with open(out / "ffmpeg_pipe.wav", "wb") as piped:
            subprocess.run(["ffmpeg", "-i", plain, "-f", "wav", "-"], check=True, stdout=piped, stderr=subprocess.DEVNULL)


for name, body in waves().items():
    (out / f"wav_{name}.wav").write_bytes(body)
for name, track in tracks().items():
    (out / f"{name}.mid").write_bytes(midi(track))
FOUR = tracks()["running_across_meta"]
(out / "two_tracks.mid").write_bytes(midi(FOUR, 1, midi(FOUR)[14:], 2))
(out / "no_end.mid").write_bytes(midi(FOUR[:-8]))
for file in [*fixtures.glob("*.*"), *(fixtures / "cases").glob("*.*")]:
    if file.suffix not in (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".caf", ".aac"):
        continue
    body = file.read_bytes()
    (out / file.name).write_bytes(body)
    if file.suffix in (".flac", ".ogg", ".oga", ".opus", ".mp3"):
        (out / f"twice_{file.name}").write_bytes(body + body)
        (out / f"tag_{file.name}").write_bytes(body + b"TAG" + bytes(125))
        (out / f"cut_{file.name}").write_bytes(body[: len(body) * 9 // 10])
written_by_others()
