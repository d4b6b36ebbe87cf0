"""The box's own partition gone, unreadable or full: it plays, with defaults where it has to, and says so."""

from ..guest import machine
from .common import midi_port, play, restart, told

Wrong = machine.Wrong


def it_plays(guest):
    """Both units, ready."""
    player, engine = guest.until_ready("demon-player.service"), guest.until_ready("demon-engine.service", 1500)
    return f"first sample {player:.0f} s, first window {engine:.0f} s (emulated)"


def plays_without_data(guest):
    played = it_plays(guest)
    if " /data " in guest.sh("cat /proc/mounts"):
        raise Wrong("/data is mounted")
    words = told(guest, "nothing of it is kept")
    # What is done is kept in memory, by the same code.
    guest.until("the last state to be written", lambda: "last" in guest.sh("ls -R /var/lib/demon"), 300)
    return f"{played}; {words}"


def plays_with_data_full(guest):
    guest.until_ready("demon-engine.service", 1500)
    guest.ask("busybox dd if=/dev/zero of=/data/filler bs=1M", 900)
    guest.sh("sync")
    free = guest.sh("df -k /data | tail -1 | awk '{print $4}'")
    restart(guest)
    played = it_plays(guest)
    words = told(guest, "nearly full")
    return f"{free} kB free; {played}; {words}"


def room_is_told(guest):
    guest.sh("rm /data/filler; sync")
    # The next state that is written looks: a hand makes one.
    port = midi_port(guest)
    for place in range(0, 128, 8):
        play(guest, port, [(0xB0, 1, place)])
    return told(guest, "there is room on the disk again", 900)
