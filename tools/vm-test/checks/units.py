"""Our units under a real systemd: order of start, watchdogs, what is kept, crash loops, faulty files, no card, what is forbidden.

Emulated, seconds say nothing: what is held is order, counts and words. Times are those of the guest's own first process.
"""

import json
from pathlib import Path

from machine import Wrong

MEMORY_MB = 3072
PLAYER, ENGINE = "demon-player.service", "demon-engine.service"
# Tries, inside a unit's own walls, what must not be possible, and what must.
PROBE = """
import os, socket
def tried(name, what):
    try:
        what(); print(name, 'done', flush=True)
    except OSError as why:
        print(name, 'refused', why.errno, flush=True)
def write(path):
    open(path, 'w').close()
tried('internet', lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
tried('internet6', lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
tried('packet', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
tried('unix', lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
for path in ('/etc/x', '/usr/x', '/var/x', '/root/x', '/home/x', '/var/lib/demon/x', '/run/demon/x'):
    tried(path, lambda: write(path))
tried('memory', lambda: open('/dev/mem', 'rb'))
tried('kernel_log', lambda: open('/dev/kmsg', 'rb'))
tried('realtime', lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(70)))
tried('root', lambda: os.setuid(0))
tried('mount', lambda: os.chroot('/'))
"""


def initrd(folder: Path) -> Path:
    """The guest with systemd."""
    return folder / "units.gz"


def play(machine, check):
    slow_s = machine.patience_s

    def show(unit: str, *names: str) -> list[str]:
        said = machine.sh(f"systemctl show {unit} " + " ".join(f"-p {name}" for name in names))
        found = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
        return [found[name] for name in names]

    def number(unit: str, name: str) -> int:
        return int(show(unit, name)[0])

    def active(unit: str):
        machine.until(f"{unit} to be active", lambda: show(unit, "ActiveState", "SubState") == ["active", "running"], slow_s)

    def journal(unit: str, since: str = "") -> str:
        return machine.sh(f"journalctl -q --no-pager -o cat -u {unit} {since}")

    def said(unit: str, words: str, times: int = 1):
        machine.until(f"`{words}` of {unit}", lambda: times <= journal(unit).count(words), slow_s)

    def restarted(unit: str, before: int):
        machine.until(f"{unit} to be started again", lambda: before < number(unit, "NRestarts"), slow_s)
        active(unit)

    with check("both become ready, the player's first sound before the engine's process") as saw:
        for unit in (PLAYER, ENGINE):
            active(unit)
        sound, engine, window = (
            number(PLAYER, "ActiveEnterTimestampMonotonic"),
            number(ENGINE, "ExecMainStartTimestampMonotonic"),
            number(ENGINE, "ActiveEnterTimestampMonotonic"),
        )
        saw.append(f"sound {sound / 1e6:.1f} s, engine {engine / 1e6:.1f} s, window {window / 1e6:.1f} s after the kernel")
        if not sound < engine < window:
            raise Wrong(saw[0])
        after = set(show(PLAYER, "After")[0].split())
        if after & {"basic.target", "sysinit.target", "network.target", "sound.target"}:
            raise Wrong(f"the player waits for {after}")

    with check("each runs as its own user, with its limits, and the audio thread has its priority") as saw:
        for unit in (PLAYER, ENGINE):
            main = number(unit, "MainPID")
            user = machine.sh(f"stat -c %U /proc/{main}")
            locked = machine.sh(f"grep -i 'locked memory' /proc/{main}/limits")
            saw.append(f"{unit}: {user}")
            # A container may not have its limits raised.
            if user != "demon" or "unlimited" not in locked and not machine.is_container:
                raise Wrong(f"{user}, {locked}")
        threads = machine.sh(f"for it in /proc/{number(PLAYER, 'MainPID')}/task/*; do cat $it/comm; cut -d' ' -f41 $it/stat; done").split()
        saw.append(" ".join(threads))
        if "audio 1" not in " ".join(threads) and not machine.is_container:
            raise Wrong(f"policy 1 is SCHED_FIFO: {threads}")

    with check("events are entries with level and fields, and no line a second") as saw:
        entries = [json.loads(it) for it in machine.sh(f"journalctl -q --no-pager -o json -u {ENGINE}").splitlines()]
        ours = [it for it in entries if it.get("_TRANSPORT") == "journal"]
        saw.append(f"{len(ours)} of {len(entries)} entries are ours")
        if not any(it.get("CODE_MODULE", "").startswith("appliance") and it["PRIORITY"] == "6" for it in ours):
            raise Wrong("no entry with a level and a module")
        ticker = [it["MESSAGE"] for it in entries if "ticks/s" in str(it.get("MESSAGE"))]
        if ticker:
            raise Wrong(f"a ticker: {ticker[0]}")

    with check("the memory of the player is kept by systemd") as saw:
        kept = number(PLAYER, "NFileDescriptorStore")
        saw.append(f"{kept} descriptor")
        if kept != 1:
            raise Wrong(f"{kept} descriptors")

    with check("a player that is killed plays its tape on, under the same engine") as saw:
        before, engine = number(PLAYER, "NRestarts"), number(ENGINE, "MainPID")
        machine.sh(f"systemctl kill -s KILL {PLAYER}")
        restarted(PLAYER, before)
        said(PLAYER, "the tape of the player before this one plays on")
        said(ENGINE, "the player plays again")
        if number(ENGINE, "MainPID") != engine:
            raise Wrong("the engine was started again")
        saw.append(f"{number(PLAYER, 'NRestarts')} restart")

    with check("a player that hangs is ended by its watchdog and plays on") as saw:
        before = number(PLAYER, "NRestarts")
        machine.sh(f"systemctl kill -s STOP {PLAYER}")
        restarted(PLAYER, before)
        said(PLAYER, "Watchdog timeout")
        said(PLAYER, "the tape of the player before this one plays on", 2)
        saw.append("Watchdog timeout")

    with check("an engine that hangs is ended by its watchdog, and the player never notices more than that it is gone") as saw:
        before, player = number(ENGINE, "NRestarts"), number(PLAYER, "MainPID")
        machine.sh(f"systemctl kill -s STOP {ENGINE}")
        restarted(ENGINE, before)
        said(ENGINE, "Watchdog timeout")
        if number(PLAYER, "MainPID") != player:
            raise Wrong("the player was started again")
        saw.append(show(PLAYER, "StatusText")[0])

    with check("a crash loop is never given up") as saw:
        before = number(ENGINE, "NRestarts")
        for _ in range(7):
            main = number(ENGINE, "MainPID")
            machine.ask(f"systemctl kill -s KILL {ENGINE}")
            machine.until("another process", lambda: number(ENGINE, "MainPID") not in (0, main), slow_s)
        active(ENGINE)
        saw.append(f"{number(ENGINE, 'NRestarts') - before} restarts")

    with check("a faulty box file and one that is no file are told, and it plays") as saw:
        for words, told in (("[tempo]\\nquantize = 1\\n", "found an unknown key"), ("\\0\\377 rubbish", "demon.toml")):
            machine.sh(f"mkdir -p /etc/demon; printf '{words}' > /etc/demon/demon.toml; systemctl restart {ENGINE}", slow_s)
            active(ENGINE)
            said(ENGINE, told)
            saw.append(told)
        machine.sh(f"rm /etc/demon/demon.toml; mkdir /etc/demon/demon.toml; systemctl restart {ENGINE}", slow_s)
        active(ENGINE)
        machine.sh("rmdir /etc/demon/demon.toml")

    with check("without a card the player runs all the same, and plays when one comes") as saw:
        machine.sh(f"systemctl stop {PLAYER}", slow_s)
        machine.card(False)
        before = journal(PLAYER).count("the sound device is here")
        machine.sh(f"systemctl start {PLAYER}", slow_s)
        active(PLAYER)
        machine.card(True)
        said(PLAYER, "the sound device is here", before + 1)
        active(ENGINE)
        saw.append("the sound device is here")

    with check("the engine gives way to an update, and the player plays on") as saw:
        player = number(PLAYER, "MainPID")
        machine.sh("systemctl start demon-update.target", slow_s)
        machine.until("the engine to be stopped", lambda: show(ENGINE, "ActiveState") == ["inactive"], slow_s)
        if number(PLAYER, "MainPID") != player:
            raise Wrong("the player was started again")
        machine.sh(f"systemctl start {ENGINE}", slow_s)
        active(ENGINE)
        if show("demon-update.target", "ActiveState") != ["inactive"]:
            raise Wrong("both are active")

    with check("doctor finds the units in order and the health unit says so") as saw:
        machine.ask("systemctl start demon-health.service", slow_s)
        rows = journal("demon-health.service")
        line = next((it for it in rows.splitlines() if "units" in it), "")
        saw.append(line.strip())
        if "demon-engine.service, demon-player.service run" not in line:
            raise Wrong(line or rows)

    with check("what the player says has a level, and is of something") as saw:
        entries = [json.loads(it) for it in machine.sh(f"journalctl -q --no-pager -o json -u {PLAYER}").splitlines()]
        levels = {it["MESSAGE"]: it["PRIORITY"] for it in entries if it.get("DEMON_ENGINE") and "is attached" in it["MESSAGE"]}
        faults = [it for it in entries if it.get("DEMON_OF") == "the sound device" and it["PRIORITY"] == "3"]
        saw.append(f"{len(levels)} engines, {len(faults)} faults of the sound device")
        if set(levels.values()) != {"6"} or not faults:
            raise Wrong(f"{levels} {faults}")

    if not machine.is_container:
        loopback(machine, check, slow_s)

    for unit, writes in ((PLAYER, {"/run/demon/x"}), (ENGINE, {"/run/demon/x", "/var/lib/demon/x"})):
        with check(f"inside {unit} the internet and writing elsewhere are refused") as saw:
            probe(machine, unit, writes, saw)

    with check("an orderly end takes both, and nothing is left") as saw:
        machine.sh(f"systemctl stop {ENGINE} {PLAYER}", slow_s)
        left = machine.ask("pgrep -a demon")[1]
        saw.append(", ".join(show(PLAYER, "Result") + show(ENGINE, "Result")))
        if left or show(PLAYER, "Result") != ["success"] or show(ENGINE, "Result") != ["success"]:
            raise Wrong(f"{left} {saw}")


def loopback(machine, check, slow_s: float):
    with check("a loopback card's delay is found, and is what the card tells") as saw:
        machine.sh("modprobe snd-aloop index=1 id=Loopback")
        line = "demon latency --device-only --json --device plughw:Loopback,0 --loopback plughw:Loopback,1"
        # Its clock goes by the kernel's tick, and the kernel's by an emulator, which is held up now and then: what is asked three times
        # is answered once without that.
        for _ in range(3):
            told = json.loads(machine.sh(f"{line} 2>/run/latency.txt", slow_s))["delay"]
            measured, tells, spread = (told[it] for it in ("measured_ms", "told_with_loopback_ms", "spread_ms"))
            saw.append(f"measured {measured:.2f} ms, told {tells:.2f} ms, within {spread:.2f} ms")
            if abs(measured - tells) < 20 and spread < 10:
                return
        raise Wrong("; ".join(saw))


def probe(machine, unit: str, writes: set[str], saw: list[str]):
    """Runs the probe as a copy of the unit with nothing changed but what is started."""
    lines = PROBE.replace("\\", "\\\\").replace("'", "'\\''").replace("\n", "\\n")
    machine.sh(f"printf '{lines}' >/usr/local/bin/probe.py")
    keep = "grep -vE '^(Type|ExecStart|WatchdogSec|Restart|RestartSec|FileDescriptorStoreMax|WantedBy|Conflicts)='"
    machine.sh(
        f"{keep} /usr/lib/systemd/system/{unit} | sed 's|^\\[Service\\]|[Service]\\nType=oneshot\\n"
        "ExecStart=/usr/bin/python3 /usr/local/bin/probe.py|' >/run/systemd/system/probe.service; systemctl daemon-reload"
    )
    begun = machine.sh("date +%s.%N").strip()
    machine.sh("systemctl start probe.service", machine.patience_s)
    said = machine.sh(f"journalctl -q --no-pager -o cat -u probe.service -t python3 --since @{begun}")
    found = {line.split()[0]: line.split()[1] for line in said.splitlines() if len(line.split()) >= 2}
    wanted = dict.fromkeys(("internet", "internet6", "packet", "memory", "root", "mount"), "refused")
    wanted |= dict.fromkeys(("/etc/x", "/usr/x", "/var/x", "/root/x", "/home/x"), "refused")
    wanted |= {path: "done" if path in writes else "refused" for path in ("/run/demon/x", "/var/lib/demon/x")}
    wanted |= {"unix": "done"}
    if not machine.is_container:
        wanted |= {"realtime": "done"}
    wrong = {name: found.get(name) for name, want in wanted.items() if found.get(name) != want}
    if wrong:
        raise Wrong(f"{wrong} of: {said}")
    saw.append(", ".join(f"{name} {what}" for name, what in found.items()))
