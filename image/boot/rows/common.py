"""What rows of several stages ask."""

import shlex

MARKER = "kept from the first start"


def growing_room(guest):
    """Bytes of the file system on `data`, once it has grown."""
    blocks = int(guest.sh("df -k /data | tail -1 | awk '{print $2}'")) * 1024
    return blocks if 2.4e9 < blocks else None


def kernel_files(guest):
    """Names on the boot partition, once it can be read."""
    return guest.until("the boot partition", lambda: guest.sh("ls /efi/EFI/Linux").split(), 300)


def runs(guest):
    """The version that runs."""
    return guest.sh("sed -n 's/^IMAGE_VERSION=//p' /etc/os-release")


def told(guest, words, limit_s=600):
    """Waits until the engine has told the player something with these words in it; the line."""
    def seen():
        # What journalctl says of its own files is not what was told.
        return guest.sh(f"journalctl -b -u demon-engine --no-pager -o cat 2>/dev/null | grep -F {shlex.quote(words)} | tail -1 || true")
    return guest.until(f"`{words}` to be told", seen, limit_s)


def restart(guest):
    """Starts the machine again, in order, and waits for it."""
    guest.sh("systemctl --no-block reboot")
    guest.until_restart()


def mounted(guest, place="/var/lib/demon"):
    """Waits until a folder of data is where it is seen."""
    guest.until(f"{place} to be mounted", lambda: f" {place} " in guest.sh("cat /proc/mounts"), 600)


def midi_port(guest):
    """A MIDI port on paper: what is written to it is heard as a controller's."""
    guest.sh("modprobe snd-virmidi midi_devs=1")
    return guest.until("a MIDI port", lambda: guest.sh("ls /dev/snd | grep -i midi | tail -1 || true").strip(), 120)


def play(guest, port, messages):
    """Plays MIDI messages, each a few bytes."""
    data = "".join(f"\\{byte:03o}" for message in messages for byte in message)
    guest.sh(f"printf '{data}' >/dev/snd/{port}")
