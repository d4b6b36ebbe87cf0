"""The file of something that a box believes: a line with the format's number, the length of a manifest (4 bytes, the lowest first), an Ed25519 signature
over line and manifest, the manifest, and parts behind it. `appliance/src/update/head.rs` reads its head.
"""

import struct
import tempfile
from pathlib import Path

from . import keys


def write(owner, line, text, parts, place, block=1):
    """Writes the file of a first line, a manifest and parts, each of which begins at a whole block; its size."""
    with tempfile.TemporaryDirectory() as folder:
        message, signature = Path(folder) / "message", Path(folder) / "signature"
        message.write_bytes(line + text)
        keys.sign_update(owner, message, signature)
        head = line + struct.pack("<I", len(text)) + signature.read_bytes() + text
    part = place.with_suffix(".part")
    with open(part, "wb") as out:
        out.write(head)
        for path in parts:
            out.write(b"\0" * (-out.tell() % block))
            with open(path, "rb") as file:
                while piece := file.read(1 << 20):
                    out.write(piece)
    part.rename(place)
    return place.stat().st_size
