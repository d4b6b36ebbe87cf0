"""The first start and the second: firmware, root, data, sound, windows, who listens, who may log in, what is kept."""

import struct

from ..guest import machine
from .common import MARKER, growing_room, mounted

Wrong = machine.Wrong


def hands_over(guest):
    version = guest.sh("cat /proc/version").split()[2]
    entry = guest.sh("cat /sys/firmware/efi/efivars/LoaderEntrySelected-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f | tr -d '\\000' | tail -c +2")
    return f"{version}, {''.join(it for it in entry if it.isprintable())}, a shell after {guest.shell_s:.0f} s (emulated)"


def root_is_checked(guest):
    table = guest.sh("dmsetup table root")
    status = guest.sh("dmsetup status root").split()
    mount = guest.sh("grep ' / ' /proc/mounts")
    if " verity " not in table or status[-1] != "V" or "erofs ro" not in mount:
        raise Wrong(f"{table} | {status} | {mount}")
    code, said = guest.ask("touch /usr/bin/demon")
    if code == 0:
        raise Wrong("the root could be written to")
    return said.splitlines()[-1]


def data_is_made(guest):
    mounted(guest, "/data")
    size = int(guest.sh("cat /sys/class/block/$(basename $(readlink -f /dev/demon/data))/size")) * 512
    if size < 1 << 30:
        raise Wrong(f"{size} bytes")
    return f"{size / 1e9:.2f} GB, {guest.sh('ls /data').split()}"


def player_plays_first(guest):
    at = guest.until_ready("demon-player.service")
    def counted():
        code, said = guest.ask("cat /run/read-before-first-sample")
        return said if code == 0 else None
    read = int(guest.until("the engine to start", counted, 600).split()[2]) * 512
    names = guest.sh("systemctl show '*' -p Id -p ActiveEnterTimestampMonotonic | grep -B1 -A1 Monotonic=").split("\n\n")
    before = sum(0 < int((it.split("Monotonic=")[1].split() or ["0"])[0]) <= at * 1e6 for it in names if "Monotonic=" in it)
    initrd = float(guest.sh("cat /run/demon-disk/uptime 2>/dev/null || echo 0"))
    return f"initrd {initrd:.1f} s, first sample {at:.1f} s, {read / 1e6:.1f} MB read, {before} units before it (emulated)"


def engine_sends_windows(guest):
    at = guest.until_ready("demon-engine.service", 1500)
    if at < guest.when("demon-player.service"):
        raise Wrong("the engine was ready before the player")
    return f"first window {at:.1f} s after the kernel's start (emulated)"


def sound_is_heard(guest):
    def loudest():
        data = guest.wave.read_bytes()[44:]
        data = data[-(len(data) // 4 * 4) or len(data):][-8_000_000:]
        data = data[:len(data) // 2 * 2]
        return max(map(abs, struct.unpack(f"<{len(data) // 2}h", data)), default=0)
    level = guest.until("a sample that is not silence in the sound card's file", loudest, 300)
    return f"loudest sample {level} of 32767"


def version_is_blessed(guest):
    def blessed():
        names = guest.sh("ls /efi/EFI/Linux").split()
        return names if any("+" not in it for it in names) else None
    return " ".join(guest.until("a version without tries", blessed, 300))


def nothing_listens(guest):
    for kind in ("tcp", "tcp6", "udp", "udp6", "udplite", "raw", "raw6"):
        code, said = guest.ask(f"tail -n +2 /proc/net/{kind}")
        if code == 0 and said:
            raise Wrong(f"{kind}: {said.splitlines()[0]}")
    sent = frames(guest.wire)
    if sent:
        raise Wrong(f"{sent} frames were sent to the network")
    return f"no internet socket; of interfaces {guest.sh('ls /sys/class/net').split()} none has sent a frame to a network that would have answered"


def frames(wire):
    """How many frames a capture (pcap) holds."""
    data, at, count = wire.read_bytes(), 24, 0
    while at + 16 <= len(data):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
        count += 1
    return count


def nobody_logs_in(guest):
    for line in guest.sh("cat /etc/shadow").splitlines():
        if not line.split(":")[1].startswith("!"):
            raise Wrong(f"{line.split(':')[0]} has a password")
    running = guest.sh("ps -o comm")
    found = [it for it in ("getty", "login", "sshd", "sulogin", "agetty") if it in running.split()]
    if found:
        raise Wrong(f"{found} runs")
    special = guest.sh("find / -xdev -perm /6000 -type f | head -3")
    if special:
        raise Wrong(f"set-uid: {special}")
    return "no password, no getty, no set-uid file"


def memory_at_play(guest):
    rows = dict(it.split(":") for it in guest.sh("cat /proc/meminfo").splitlines())
    left, whole = (int(rows[it].split()[0]) / 1024 for it in ("MemAvailable", "MemTotal"))
    return f"{whole - left:.0f} MB of {whole:.0f} in use"


def something_is_kept(guest):
    guest.until("the last state to be written", lambda: "last" in guest.sh("ls -R /var/lib/demon"), 120)
    guest.sh(f"echo '{MARKER}' >/var/lib/demon/marker; journalctl --sync; sync")
    guest.switch_off()
    return "switched off in order"


def data_has_grown(guest):
    guest.until("/data to be mounted", lambda: " /data " in guest.sh("cat /proc/mounts"), 600)
    size = int(guest.sh("cat /sys/class/block/$(basename $(readlink -f /dev/demon/data))/size")) * 512
    room = guest.until("the file system to grow", lambda: growing_room(guest), 120)
    return f"{size / 1e9:.2f} GB, {room / 1e9:.2f} GB of them file system"


def state_is_back(guest):
    mounted(guest)
    if guest.sh("cat /var/lib/demon/marker") != MARKER:
        raise Wrong("the file is another")
    # The journal's folder is mounted by itself, a while later.
    mounted(guest, "/var/log/journal")
    boots = len(guest.sh("journalctl --list-boots --no-pager --quiet").splitlines())
    if boots < 2:
        raise Wrong(f"the journal knows {boots} start")
    guest.until_ready("demon-engine.service", 1500)
    said = guest.sh("journalctl -b -u demon-engine --no-pager -o cat | head -40")
    told = [it for it in said.splitlines() if "goes on" in it or "left" in it]
    return f"{boots} starts in the journal; the engine: {told[0] if told else said.splitlines()[0]}"


def no_tries_are_counted(guest):
    code, _ = guest.ask("ls /sys/firmware/efi/efivars/LoaderBootCountPath-*")
    if code == 0:
        raise Wrong("the boot loader still counts a version that was fit")
    return "demon-gate was not asked again"
