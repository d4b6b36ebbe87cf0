"""image/lock: every Debian package that goes into the image or builds it, by name, version and SHA-256.

A row is `SET NAME VERSION SHA256 PATH`; the path is relative to a mirror, so that the lock names no host. Nothing is installed that
is not here, and nothing that differs from what is here. A faulty row is told with its line.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from .told import Refused

HERE = Path(__file__).resolve().parent.parent
LOCK = HERE / "lock"
SETS = ("image", "kernel", "boot", "tools", "rt", "build", "source")
# What every image takes; the rest is fetched for a real-time kernel, or when an extension is built or tried.
OF_AN_IMAGE = SETS[:4]
HASH = re.compile(r"[0-9a-f]{64}")
PATH = re.compile(r"debian(-security)?/pool/[A-Za-z0-9/._+~%-]+\.deb")


@dataclass(frozen=True, order=True)
class Package:
    """A row of the lock."""

    group: str
    name: str
    version: str
    sha256: str
    path: str

    @property
    def file(self):
        """The name under which it is kept: by its content, so that a name that was used twice is no trap."""
        return f"{self.name}_{self.sha256[:16]}.deb"

    def row(self):
        return f"{self.group} {self.name} {self.version} {self.sha256} {self.path}"


@dataclass
class Lock:
    """The whole file: the release, the day on which it was made, the packages."""

    release: str
    day: str
    packages: list

    def of(self, *groups):
        return [it for it in self.packages if it.group in groups]

    def epoch(self):
        """The time that every file of the image bears, in seconds: the day of the lock."""
        import calendar
        import time

        return calendar.timegm(time.strptime(self.day, "%Y%m%dT%H%M%SZ"))

    def digest(self, *groups):
        """A short name of the rows of some sets: another one means another tree."""
        return hashlib.sha256("\n".join(it.row() for it in self.of(*groups)).encode()).hexdigest()[:16]


def faults_and_lock(text):
    """All that is wrong with a lock's text, line by line, and what is right with it."""
    faults, packages, heads, seen = [], [], {}, {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if len(words) == 2 and words[0] in ("release", "day"):
            heads[words[0]] = words[1]
        elif len(words) != 5 or words[0] not in SETS:
            faults.append(f"line {number}: expected SET NAME VERSION SHA256 PATH, SET one of {', '.join(SETS)}; found {line!r}")
        elif not HASH.fullmatch(words[3]):
            faults.append(f"line {number}: {words[1]}: {words[3]!r} is no SHA-256 (64 digits of 0-9a-f)")
        elif not PATH.fullmatch(words[4]) or ".." in words[4]:
            faults.append(f"line {number}: {words[1]}: {words[4]!r} is no path below a mirror (debian/pool/...deb)")
        elif (words[0], words[1]) in seen:
            faults.append(f"line {number}: {words[1]} stands on line {seen[words[0], words[1]]} already")
        else:
            seen[words[0], words[1]] = number
            packages.append(Package(*words))
    for head, like in (("release", r"[a-z]+"), ("day", r"\d{8}T\d{6}Z")):
        if not re.fullmatch(like, heads.get(head, "")):
            faults.append(f"the line `{head} ...` is {'missing' if head not in heads else 'not understood'}")
    return faults, Lock(heads.get("release", ""), heads.get("day", ""), packages)


def read(path=LOCK):
    """The lock; every fault at once, or `Refused`."""
    if not path.is_file():
        raise Refused(f"{path} is missing: `make image-lock` makes it")
    faults, lock = faults_and_lock(path.read_text())
    if faults:
        raise Refused(f"{path}:\n  " + "\n  ".join(faults))
    return lock


def wanted(path=HERE / "packages"):
    """image/packages: what was asked for, as set and names."""
    asked = {group: [] for group in SETS}
    for line in path.read_text().splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            asked[words[0]] += words[1:]
    return asked
