"""What is closed unless the box's file says otherwise: a shell, and the network for the time of day."""

from .. import clock
from ..guest import machine
from .common import restart, told

Wrong = machine.Wrong


def shell_is_there(guest):
    guest.until_ready("demon-engine.service", 1500)
    # Whether it was asked for is asked of the box's file, which takes a while.
    guest.until("no console", lambda: guest.sh("systemctl is-active demon-console.service || true") == "inactive", 300)
    if int(guest.sh("ps -o comm,tty 2>/dev/null | grep -c tty2 || true")):
        raise Wrong("somebody has the second console")
    guest.plug(guest.sticks_at["open"])
    told(guest, "the box's file counts from the next start")
    guest.pull()
    guest.server = clock.Server()
    restart(guest)
    guest.until_ready("demon-engine.service", 1500)
    state = guest.until("the console", lambda: guest.sh("systemctl is-active demon-console.service || true") == "active", 300)
    text = guest.until("a prompt", lambda: guest.sh("tr -d '\\000' </dev/vcs2 2>/dev/null | grep -F '#' || true"), 300)
    return f"active: {state}; {text.strip()[:40]}"


def clock_is_asked(guest):
    address = guest.until("an address", lambda: guest.sh("ip -4 addr 2>/dev/null | grep -o 'inet 10.0.2[^ ]*' || true"), 600)
    guest.until("the server to be asked", lambda: guest.server.asked, 600)
    year = guest.until("the time to be taken", lambda: guest.sh("date +%Y") == str(clock.YEAR), 300)
    guest.server.end()
    return f"{address}; asked {guest.server.asked} times; the year {clock.YEAR} was taken: {year}"


def nothing_more_listens(guest):
    told_by = guest.sh("cat /proc/net/tcp /proc/net/tcp6 | grep ' 0A ' || true")
    # A lease is asked for from port 68.
    open_ports = {int(line.split()[1].rsplit(":", 1)[1], 16) for line in guest.sh("tail -qn +2 /proc/net/udp /proc/net/udp6").splitlines() if line.strip()}
    if told_by or any(it < 1024 and it not in (68, 123) for it in open_ports):
        raise Wrong(f"{told_by}; {sorted(open_ports)}")
    return f"no TCP port is open; UDP {sorted(open_ports)}"
