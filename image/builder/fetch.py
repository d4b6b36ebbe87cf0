"""Brings the packages of the lock below target/image/packages and believes nothing about them but their SHA-256.

The mirror is $DEMON_MIRROR (a base below which `debian/pool/...` lies), else the archive's own; what an archive has replaced since is asked of its
snapshot of the lock's day. What is there and right is not fetched again.
"""

import hashlib
import os
import urllib.error
import urllib.request
from pathlib import Path

from .told import Refused

DEFAULT = "http://deb.debian.org"
SNAPSHOT = "https://snapshot.debian.org/archive"
PATIENCE_S = 60


def mirror():
    return os.environ.get("DEMON_MIRROR", DEFAULT).rstrip("/")


def addresses(package, day):
    """Where a package may be had, in the order in which it is asked for."""
    archive, rest = package.path.split("/", 1)
    return [f"{mirror()}/{package.path}", f"{SNAPSHOT}/{archive}/{day}/{rest}"]


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def one(package, day, folder):
    """The package's file; fetched when it is not there. Answers path and bytes fetched."""
    place = folder / package.file
    if place.is_file():
        found = sha256(place)
        if found != package.sha256:
            raise Refused(f"{place}: SHA-256 {found}, but image/lock expects {package.sha256} of {package.name} "
                          f"{package.version}; remove the file and try again")
        return place, 0
    told = []
    for address in addresses(package, day):
        try:
            with urllib.request.urlopen(address.replace("+", "%2B"), timeout=PATIENCE_S) as answer:
                body = answer.read()
        except (urllib.error.URLError, OSError) as error:
            told.append(f"{address}: {error}")
            continue
        found = hashlib.sha256(body).hexdigest()
        if found != package.sha256:
            raise Refused(f"{package.name} {package.version}: {address} has SHA-256 {found}, but image/lock expects "
                          f"{package.sha256}; if the archive is right, `make image-lock` renews the lock")
        part = place.with_suffix(".part")
        part.write_bytes(body)
        part.rename(place)
        return place, len(body)
    raise Refused(f"{package.name} {package.version} could not be fetched; `make image-lock` renews the lock:\n  " + "\n  ".join(told))


def all_of(packages, day, folder, note):
    """Files of all packages, by package."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files, fetched, bytes_fetched = {}, 0, 0
    for package in packages:
        files[package], count = one(package, day, folder)
        fetched += count > 0
        bytes_fetched += count
    note(f"{len(packages)} packages, {fetched} fetched ({bytes_fetched / 1e6:.1f} MB)")
    return files
