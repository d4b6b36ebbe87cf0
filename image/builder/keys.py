"""Keys of an owner: one pair with which firmware knows what it may start, one with which a box knows its updates.

`image/keys/README.md` says how they are made and kept. Without them an image is unsigned, and that is said; the throw-away pair that
`--test-keys` makes is for tests, and an image that is signed with it says so too.
"""

import shutil
import struct
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from .told import Refused

# The kernel's number of such a signature.
PKCS7 = 2
# A signature of this kind, as firmware's variables name it.
PKCS7_GUID = uuid.UUID("4aafd29d-68df-49ee-8aa9-347d375665a7").bytes_le
# Who has enrolled a key, as a number that firmware keeps beside it.
OWNER = "7a6f7d7b-8f3c-4d5e-9b1a-2f64656d6f6e"
NAMES = ("boot.key", "boot.crt", "update.key", "update.pub")


@dataclass(frozen=True)
class Keys:
    """The four files, and whose they are."""

    boot_key: Path
    boot_certificate: Path
    update_key: Path
    update_public: Path
    are_tests: bool


def openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(f"openssl {words[0]}: {done.stderr.strip()}")
    return done.stdout


def make(folder, name):
    """Makes both pairs in `folder`, readable by nobody else; what is there is never replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    there = [it for it in NAMES if (folder / it).exists()]
    if there:
        raise Refused(f"{folder} holds {', '.join(there)} already; keys are never replaced, name another folder")
    openssl("req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "3650", "-subj", f"/CN={name}",
            "-keyout", folder / "boot.key", "-out", folder / "boot.crt")
    openssl("genpkey", "-algorithm", "ed25519", "-out", folder / "update.key")
    openssl("pkey", "-in", folder / "update.key", "-pubout", "-outform", "DER", "-out", folder / "update.der")
    # The last 32 bytes are the key; a box reads a line of digits.
    (folder / "update.pub").write_text((folder / "update.der").read_bytes()[-32:].hex() + "\n")
    (folder / "update.der").unlink()
    for it in ("boot.key", "update.key"):
        (folder / it).chmod(0o600)


def read(folder, are_tests=False):
    """The keys of a folder; what is missing is named."""
    missing = [it for it in NAMES if not (folder / it).is_file()]
    if missing:
        raise Refused(f"{folder} lacks {', '.join(missing)} (image/keys/README.md says how they are made)")
    return Keys(*(folder / it for it in NAMES), are_tests)


def for_tests(folder):
    """The throw-away pair, made once."""
    if not (folder / "update.pub").is_file():
        make(folder, "demon TEST keys, never for a box")
    return read(folder, are_tests=True)


def sign_boot(keys, tools, source, target):
    """Signs what firmware starts, and asks the signature whether it is one."""
    # A signature bears its time; with the image's own it is the same twice.
    tools.run_dated("sbsign", "--key", keys.boot_key, "--cert", keys.boot_certificate, "--output", target, source)
    tools.run("sbverify", "--cert", keys.boot_certificate, target)


# The names of the variables, with the number of whoever they belong to.
GLOBAL, SECURITY = "8be4df61-93ca-11d2-aa0d-00e098032b8c", "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
VARIABLES = {"PK": GLOBAL, "KEK": GLOBAL, "db": SECURITY}
# Non-volatile, for boot and run time, written with a time that is signed; never appended: the signature covers this word.
ATTRIBUTES = 0x27


def enrolment(keys, tools, folder):
    """Files with which the boot loader enrols the certificate: as the platform's owner (PK), as who may change what is trusted (KEK), and as what is
    trusted (db). Each is signed with the same key. Source of the format: UEFI 2.10, 8.2.2, EFI_VARIABLE_AUTHENTICATION_2."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    plain, lists = folder / "certificate.der", folder / "certificate.esl"
    openssl("x509", "-in", keys.boot_certificate, "-outform", "DER", "-out", plain)
    tools.run("sbsiglist", "--owner", OWNER, "--type", "x509", "--output", lists, plain)
    when = time.gmtime(tools.epoch)
    stamp = struct.pack("<HBBBBB9x", when.tm_year, when.tm_mon, when.tm_mday, when.tm_hour, when.tm_min, when.tm_sec)
    made = []
    for name, owner in VARIABLES.items():
        place, text = folder / f"{name}.auth", folder / f"{name}.text"
        text.write_bytes(name.encode("utf-16-le") + uuid.UUID(owner).bytes_le + struct.pack("<I", ATTRIBUTES) + stamp + lists.read_bytes())
        openssl("cms", "-sign", "-binary", "-noattr", "-nosmimecap", "-md", "sha256", "-signer", keys.boot_certificate, "-inkey", keys.boot_key,
                "-outform", "DER", "-in", text, "-out", folder / f"{name}.p7")
        signed = within((folder / f"{name}.p7").read_bytes())
        head = struct.pack("<IHH", 24 + len(signed), 0x0200, 0x0EF1) + PKCS7_GUID
        place.write_bytes(stamp + head + signed + lists.read_bytes())
        made.append(place)
    return made


def within(content):
    """SignedData out of a ContentInfo, which firmware does not want around it."""
    def inner(data):
        long = data[1] & 0x7F if data[1] & 0x80 else 0
        length = int.from_bytes(data[2:2 + long], "big") if long else data[1]
        return data[2 + long:2 + long + length]
    body = inner(content)
    # An object identifier, then the content in a tag of its own.
    return inner(body[2 + body[1]:])


def sign_update(keys, message, target):
    """An Ed25519 signature (64 bytes) of a file's content."""
    openssl("pkeyutl", "-sign", "-rawin", "-inkey", keys.update_key, "-in", message, "-out", target)


def sign_module(keys, path):
    """Signs a kernel module as the kernel's own `sign-file` does: a detached PKCS#7 signature behind it, then the twelve bytes of `struct module_signature`
    (include/linux/module_signature.h), then the mark."""
    signature = path.with_suffix(".p7s")
    openssl("cms", "-sign", "-binary", "-noattr", "-nosmimecap", "-nocerts", "-md", "sha256", "-signer", keys.boot_certificate, "-inkey", keys.boot_key,
            "-outform", "DER", "-in", path, "-out", signature)
    content = signature.read_bytes()
    with open(path, "ab") as file:
        file.write(content + struct.pack(">BBBBB3xI", 0, 0, PKCS7, 0, 0, len(content)) + b"~Module signature appended~\n")
    signature.unlink()
