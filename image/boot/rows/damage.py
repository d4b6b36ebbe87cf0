"""A root that is not what was built, and a version that does not play: the other slot, by itself."""

import re

from ..guest import machine
from .common import kernel_files, restart, runs, told

Wrong = machine.Wrong


def refusals(guest):
    """How often the initrd has said that a root is damaged."""
    return len(re.findall(r"^demon: .* is damaged and is not started", guest.words(), re.MULTILINE))


def damaged_root_is_refused(guest):
    version, names, refused = runs(guest), kernel_files(guest), refusals(guest)
    if version != guest.expected:
        raise Wrong(f"{version} runs, expected {guest.expected}")
    if not any("+0-3" in it for it in names) or refused != 3:
        raise Wrong(f"{names}, {refused} refusals")
    return f"{refused} refusals, then {version}; {' '.join(names)}"


def damaged_root_of_a_fit_version_goes_behind(guest):
    version, names, refused = runs(guest), kernel_files(guest), refusals(guest)
    behind = [it for it in names if "+0-1" in it]
    if version != guest.expected or refused != 1 or behind != [f"demon_{guest.following}+0-1.efi"]:
        raise Wrong(f"{version} runs after {refused} refusals; {names}")
    return f"{refused} refusal, then {version}; {' '.join(names)}"


def late_damage_is_found_while_it_plays(guest):
    if runs(guest) != guest.following:
        raise Wrong(f"{runs(guest)} runs, expected the damaged {guest.following}")
    guest.until_ready("demon-engine.service", 1500)
    code, said = guest.ask("systemctl start demon-whole.service", 900)
    words = told(guest, "damaged on its disk")
    names = kernel_files(guest)
    if code == 0 or f"demon_{guest.following}+0-1.efi" not in names:
        raise Wrong(f"{code} {said}; {words}; {names}")
    for unit in ("demon-player.service", "demon-engine.service"):
        if guest.when(unit) is None:
            raise Wrong(f"{unit} plays no more")
    return f"{words}; it plays on; {' '.join(names)}"


def next_start_takes_the_other(guest):
    restart(guest)
    if runs(guest) != guest.expected:
        raise Wrong(f"{runs(guest)} runs, expected {guest.expected}")
    guest.until_ready("demon-engine.service", 1500)
    code, said = guest.ask("systemctl start demon-whole.service", 900)
    if code:
        raise Wrong(f"its own root is said to be damaged: {said}")
    return f"{guest.expected}, and every block of its root is as it was built"


def unfit_version_is_taken_back(guest):
    tries = []
    while len(tries) < 5:
        version = runs(guest)
        if version == guest.expected:
            break
        tries.append(version)
        guest.until_restart()
    names = kernel_files(guest)
    if len(tries) != 3 or not any("+0-3" in it for it in names):
        raise Wrong(f"{len(tries)} tries, {names}")
    return f"{len(tries)} starts of {tries[0]}, then {version}; {' '.join(names)}"
