"""Sticks and updates: what a stick brings, what goes home on it, an update that is written while it plays, and a hand that goes back."""

from ..guest import machine
from .common import MARKER, mounted

Wrong = machine.Wrong


def stick_is_mounted(guest):
    line = guest.until("the stick to be mounted", lambda: guest.sh("grep demon-stick/at /proc/mounts || true"), 600)
    options = line.split()[3].split(",")
    if not {"ro", "nosuid", "nodev", "noexec"} <= set(options):
        raise Wrong(line)
    return line


def stick_brings(guest):
    told = guest.until("the stick to be looked at", lambda: guest.sh("grep -s offer /run/demon-stick/told/stick || true"), 900)
    new = guest.sh("ls /var/lib/demon/library/recordings /etc/demon").split()
    if "demon.toml" not in new or "demo.flac" not in new:
        raise Wrong(f"{told}; {new}")
    return f"{told}; {' '.join(new)}"


def stick_takes_home(guest):
    def taken():
        code, said = guest.ask("ls /run/demon-stick/at/*/demon-reports")
        return said if code == 0 and "demon-report.txt" in said else None
    said = guest.until("reports on the stick", taken, 300)
    line = guest.until("the stick to be read-only again", lambda: guest.sh("grep 'demon-stick/at.* ro,' /proc/mounts || true"), 60)
    return f"{' '.join(said.split())}; {line.split()[3][:2]} again"


def played(guest):
    """Starts of player and engine so far, and what the player's journal says of gaps."""
    starts = guest.sh("systemctl show -p NRestarts --value demon-player demon-engine").split()
    gaps = guest.sh("journalctl -b -u demon-player --no-pager -o cat | grep -c -i -e underrun -e 'ran dry' || true")
    return starts, gaps


def update_is_written_while_it_plays(guest):
    guest.until_ready("demon-engine.service", 1500)
    guest.until("this version to be blessed", lambda: guest.sh("ls /efi/EFI/Linux | grep -v + || true"), 600)
    guest.sh(f"echo '{MARKER}' >/var/lib/demon/marker; sync")
    before = played(guest)
    guest.sh("touch /run/demon/take-update")
    told = guest.until("the update to be written", lambda: guest.sh("grep -s -e 'is written' -e 'not taken' /run/demon-update/update || true"), 3000)
    if "is written" not in told or played(guest) != before:
        raise Wrong(f"{told}; before {before}, after {played(guest)}")
    status = guest.sh("demon update --status")
    if f"the next start takes demon {guest.following}" not in status:
        raise Wrong(status)
    return f"{told}; starts and gaps {before} as before; {status.splitlines()[-1]}"


def new_version_starts_and_is_blessed(guest):
    guest.sh("systemctl --no-block reboot")
    guest.until_restart()
    version = guest.sh("grep IMAGE_VERSION /etc/os-release")
    if version != f"IMAGE_VERSION={guest.following}":
        raise Wrong(version)
    names = guest.until("the new version to be blessed", lambda: blessed(guest, guest.following), 1500)
    return f"{version}, slot {guest.sh('cat /run/demon-disk/slot')}; {names}"


def blessed(guest, version):
    names = guest.sh("ls /efi/EFI/Linux").split()
    return " ".join(names) if f"demon_{version}.efi" in names else None


def hand_goes_back(guest):
    said = guest.sh("demon update --back")
    guest.sh("systemctl --no-block reboot")
    guest.until_restart()
    version = guest.sh("grep IMAGE_VERSION /etc/os-release")
    if version != f"IMAGE_VERSION={guest.expected}":
        raise Wrong(f"{said}; {version}")
    mounted(guest)
    kept = guest.sh("cat /var/lib/demon/marker")
    guest.until_ready("demon-engine.service", 1500)
    if kept != MARKER:
        raise Wrong(kept)
    return f"{said}; {version}; what was kept is there"
