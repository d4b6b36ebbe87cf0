"""A plain Debian with the same units, beside the image: both figures of one run, in one table."""

import json

from ..guest import machine
from . import start

Wrong = machine.Wrong


def starts(guest):
    said = start.player_plays_first(guest)
    window = guest.until_ready("demon-engine.service", 1500)
    names = guest.sh("systemctl list-units --no-legend --plain --state=active --type=service | wc -l").strip()
    ours = json.loads(guest.report.read_text())["rows"].get("the player's first sample comes before the engine starts", {}).get("saw", "not asked in this run")
    windows = json.loads(guest.report.read_text())["rows"].get("the engine sends its first window", {}).get("saw", "not asked in this run")
    return f"plain: {said}, first window {window:.1f} s, {names} services; the image: {ours}; {windows}"
