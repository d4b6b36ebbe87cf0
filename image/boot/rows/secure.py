"""Secure Boot with an owner's keys: enrolled by the boot loader, ours starts, what nobody or another has signed does not."""

import re

from ..guest import machine
from .common import runs

Wrong = machine.Wrong
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"


def variable(guest, name):
    """The one byte of a firmware variable, behind its four of attributes; the kernel reads one in a piece or not at all."""
    return guest.sh(f"cat /sys/firmware/efi/efivars/{name}-{GLOBAL} | od -An -tu1").split()[-1]


def firmware_checks(guest):
    found = {name: variable(guest, name) for name in ("SecureBoot", "SetupMode")}
    if found != {"SecureBoot": "1", "SetupMode": "0"}:
        raise Wrong(str(found))
    lock = guest.sh("cat /sys/kernel/security/lockdown")
    if "[integrity]" not in lock and "[confidentiality]" not in lock:
        raise Wrong(f"lockdown: {lock}")
    return f"SecureBoot 1, SetupMode 0, lockdown {lock}; {runs(guest)}"


def is_refused(words):
    """Whether the firmware has said on the first serial port that it does not start something; its words."""
    found = re.search(r"[^\r\n]*(?:Security Violation|Access Denied|security violation|access denied)[^\r\n]*", words)
    # The keys have to be in force, and it is the kernel file that is refused.
    if found is None or "demon:" in words or "Failed to write" in words:
        raise Wrong(f"not refused: {words[-300:]!r}")
    return found[0].strip()


def it_plays_there(guest):
    at = guest.until_ready("demon-engine.service", 1500)
    return f"first window {at:.1f} s (emulated)"
