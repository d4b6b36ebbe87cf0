"""The file `demon-VERSION.update`: what a stick brings to a box. `appliance/src/update` is its reader and says what each byte is.

    python3 -m builder.update --keys FOLDER --from FOLDER --version VERSION

A signed head (`signed`), and the parts one behind the other.
"""

import argparse
import hashlib
from pathlib import Path

from . import keys, signed
from .told import megabytes, run_main, say

LINE = b"demon update 1\n"
PARTS = (("root", "root"), ("verity", "verity"), ("kernel", "efi"))


def manifest(files, product, version, roothash):
    """The text that is signed."""
    text = f'product = "{product}"\nmachine = "x86_64"\nversion = "{version}"\nroothash = "{roothash}"\n'
    for name, path in files:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        text += f'[[part]]\nname = "{name}"\nbytes = {path.stat().st_size}\nsha256 = "{digest}"\n'
    return text.encode()


def write(owner, files, about, place):
    """Writes the file; `about` is product, version and root hash. Its size."""
    text = manifest(files, *about)
    return signed.write(owner, LINE, text, [path for _, path in files], place)


def main():
    parser = argparse.ArgumentParser(prog="builder.update")
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--from", dest="folder", type=Path, required=True, help="a folder with a built version")
    parser.add_argument("--version", required=True)
    given = parser.parse_args()
    files = [(name, given.folder / f"demon_{given.version}.{ending}") for name, ending in PARTS]
    roothash = (given.folder / f"demon_{given.version}.roothash").read_text().strip()
    place = given.folder / f"demon-{given.version}.update"
    size = write(keys.read(given.keys), files, ("demon", given.version, roothash), place)
    say(f"{place}  {megabytes(size)}")
    return 0


if __name__ == "__main__":
    run_main(main)
