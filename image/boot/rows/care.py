"""What hands do to a box: a power key, settings on a stick, a factory reset."""

from ..guest import machine
from .common import MARKER, mounted, told

Wrong = machine.Wrong


def one_press_asks(guest):
    guest.until_ready("demon-engine.service", 1500)
    guest.until("the power key to be ours", lambda: "handle-power-key" in guest.sh("systemd-inhibit --list --no-pager || true"), 300)
    guest.power_key()
    words = told(guest, "hold, or again", 120)
    if guest.sh("systemctl is-system-running || true") == "stopping":
        raise Wrong("one press switches off")
    return words


def faulty_settings_are_refused(guest):
    before = guest.sh("cat /etc/demon/demon.toml 2>/dev/null || true")
    guest.plug(guest.sticks_at["faulty"])
    words = told(guest, "refused: demon/demon.toml")
    if guest.sh("cat /etc/demon/demon.toml 2>/dev/null || true") != before:
        raise Wrong("the box's file is another")
    guest.pull()
    return words


def settings_that_do_not_start_are_taken_back(guest):
    guest.plug(guest.sticks_at["hopeless"])
    told(guest, "the box's file counts from the next start")
    guest.pull()
    guest.sh("systemctl restart demon-engine.service --no-block")
    words = told(guest, "did not start with it twice", 1500)
    guest.until_ready("demon-engine.service", 1500)
    return words


def reset_is_offered(guest):
    guest.sh(f"echo '{MARKER}' >/var/lib/demon/marker; mkdir -p /var/lib/demon/library/recordings; echo night >/var/lib/demon/library/recordings/night.wav; sync")
    guest.plug(guest.sticks_at["reset"])
    return told(guest, "makes the box as new")


def two_presses_save_and_switch_off(guest):
    guest.power_key()
    told(guest, "hold, or again", 120)
    # Emulated, a press takes its time to be heard; ten seconds are those of the guest.
    guest.power_key()
    guest.until_off(600)
    return "saved and off"


def box_is_as_new(guest):
    mounted(guest)
    left = guest.sh("find /var/lib/demon -type f")
    code, _ = guest.ask("ls /data/reset-wanted")
    if "recordings/night.wav" not in left or "marker" in left or code == 0:
        raise Wrong(f"{left.split()}; the wish {'stands' if code == 0 else 'is gone'}")
    guest.until_ready("demon-engine.service", 1500)
    return "recordings are there, nothing else is; it plays"
