"""`make image-lock`: asks the archive, through apt and its signatures, what image/packages means today, and writes image/lock.

apt runs with folders of its own, so the machine's package lists are left alone, and what is installed here means nothing.
"""

import subprocess
import time
from pathlib import Path
from urllib.parse import unquote

from . import fetch, lock
from .told import Refused, run_main, say

RELEASE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
HEAD = """\
# Every Debian package of the image and of its build: SET NAME VERSION SHA256 PATH. Written by `make image-lock`; image/packages
# says what was asked for. A path is relative to a mirror ($DEMON_MIRROR, else the archive's own).
"""


def apt(folder, *words):
    """Runs apt with its own folders; its output."""
    done = subprocess.run(list(words), env={"APT_CONFIG": str(folder / "apt.conf"), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(f"{' '.join(words[:3])}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def set_up(folder):
    """apt's folders and sources."""
    for name in ("lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").write_text("")
    base = fetch.mirror()
    (folder / "sources.list").write_text(
        f"deb [signed-by={KEYRING}] {base}/debian {RELEASE} main\n"
        f"deb [signed-by={KEYRING}] {base}/debian-security {RELEASE}-security main\n")
    (folder / "apt.conf").write_text(
        f'Dir::State "{folder}"; Dir::State::status "{folder}/status"; Dir::State::lists "{folder}/lists";\n'
        f'Dir::Cache "{folder}/cache"; Dir::Etc "{folder}/etc"; Dir::Etc::sourcelist "{folder}/sources.list";\n'
        'Dir::Etc::sourceparts "-"; APT::Architecture "amd64"; APT::Architectures {"amd64";};\n'
        'APT::Install-Recommends "false"; APT::Sandbox::User "root"; Acquire::Languages "none";\n')


def rows(group, folder, printed):
    """Packages of what apt prints with --print-uris ('URI' FILE SIZE HASH); SHA-256 is asked of the archive's signed list."""
    places = {}
    for line in printed.splitlines():
        words = line.split()
        if 3 <= len(words) and words[0].startswith("'"):
            name, version, _ = unquote(words[1]).split("_")
            uri = unquote(words[0].strip("'"))
            places[name, version] = uri[max(uri.find("/debian/pool/"), uri.find("/debian-security/pool/")) + 1:]
    shown = apt(folder, "apt-cache", "show", *(f"{name}={version}" for name, version in places))
    hashes = {}
    for stanza in shown.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" "))
        if fields:
            hashes[fields["Package"], fields["Version"]] = fields.get("SHA256", "")
    return [lock.Package(group, *which, hashes.get(which, ""), path) for which, path in places.items()]


def main():
    folder = Path("target/image/apt").resolve()
    set_up(folder)
    say(f"asking {fetch.mirror()} for {RELEASE}")
    apt(folder, "apt-get", "update", "-qq")
    found = []
    for group, names in lock.wanted().items():
        if group in ("kernel", "rt"):
            depends = apt(folder, "apt-cache", "depends", *names).split()
            names = [it for it in depends if it.startswith("linux-image-6") or it.startswith("linux-image-7")][:1]
        whole = group in ("image", "tools", "build")
        asked = ["install", "-y"] if whole else ["download"]
        found += rows(group, folder, apt(folder, "apt-get", "-qq", *asked, "--print-uris", *names))
    if not found:
        raise Refused("the archive answered with no package at all")
    before = lock.faults_and_lock(lock.LOCK.read_text())[1].packages if lock.LOCK.is_file() else []
    day = time.strftime("%Y%m%dT000000Z", time.gmtime())
    body = "\n".join(it.row() for it in sorted(found, key=lambda it: (lock.SETS.index(it.group), it.name)))
    lock.LOCK.write_text(f"{HEAD}release {RELEASE}\nday {day}\n{body}\n")
    lock.read()
    old = {(it.group, it.name): it.version for it in before}
    for it in sorted(found):
        had = old.pop((it.group, it.name), None)
        if had != it.version:
            say(f"  {it.group:<7}{it.name:<36}{had or 'new'} -> {it.version}")
    for group, name in sorted(old):
        say(f"  {group:<7}{name:<36}gone")
    say(f"{len(found)} packages in image/lock")
    return 0


if __name__ == "__main__":
    run_main(main)
