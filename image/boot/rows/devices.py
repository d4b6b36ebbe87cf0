"""The surface in the very image: the checks of `make vm-test` (tools/vm-test/checks), on the image's kernel with the image's own drivers."""

import importlib
from contextlib import contextmanager

from ..guest import machine
from .common import told

Wrong = machine.Wrong


def prepared(guest):
    """Brings the probes' extension, and leaves processor and devices to them."""
    guest.until_ready("demon-engine.service", 1500)
    guest.plug(guest.sticks_at["extension"])
    told(guest, "probe.extension is new", 900)
    guest.pull()
    guest.sh("systemctl stop demon-engine.service")
    said = guest.sh("/usr/lib/demon/extensions", 300)
    # The checks find their programs by name, and modprobe what the image keeps.
    guest.sh("for it in /run/demon-extension/probe/bin/*; do ln -sf $it /run/bin/; done; modprobe snd-seq; modprobe snd-seq-midi; modprobe snd-usb-audio; "
             "modprobe configfs; grep -q configfs /proc/mounts || mount -t configfs configfs /sys/kernel/config")
    return said.strip().splitlines()[-1]


def asked(name, play):
    """A row that is all checks of a group."""
    def row(guest):
        passed = []

        @contextmanager
        def check(words):
            yield []
            passed.append(words)
        play(guest, check)
        if not passed:
            raise Wrong(f"nothing was asked of {name}")
        return f"{len(passed)} checks, the last: {passed[-1]}"
    return row


def group(name):
    """A group of `make vm-test`."""
    return asked(name, lambda guest, check: importlib.import_module(f"checks.{name}").play(guest, check))


def controllers(guest, check):
    """USB-MIDI controllers through the sequencer; the port on paper that `make vm-test` has beside them is not here."""
    from checks import controllers as theirs
    from checks import gestures
    theirs.play(guest, check, gestures.start(guest, "--midi"))


def rules_fit(guest):
    """What udev makes of each kind of device that a box is played on."""
    wanted = {"/dev/input/event0": ("input", "/sys/class/input/event0"), "/dev/fb0": ("video", "/sys/class/graphics/fb0"),
              "/dev/gpiochip0": ("gpio", "/sys/bus/gpio/devices/gpiochip0"), "/dev/snd/controlC0": ("audio", "/sys/class/sound/controlC0")}
    found = {}
    for node, (group, place) in wanted.items():
        code, said = guest.ask(f"stat -c '%G %a' {node}")
        words = said.split()
        if code or words[0] != group or words[1][1] != "6":
            raise Wrong(f"{node}: {said.strip()}, expected {group}, reading and writing for it")
        code, said = guest.ask(f"udevadm test {place} >/run/udevadm.test 2>&1; grep -ic 'error\\|invalid' /run/udevadm.test")
        if said.strip() != "0":
            raise Wrong(f"udevadm test {place}: {guest.sh('grep -i -m3 -e error -e invalid /run/udevadm.test')}")
        found[node] = " ".join(words)
    return str(found)
