"""The image in a machine: QEMU with UEFI firmware and emulated processor, a disk, a sound card that is written to a file.

Nothing is added to the image. A shell on the second serial port comes in by the firmware of the guest (systemd takes units from there), which is
also how the engine is made small: one slot, a short song, and a model from another disk that is an eighth as wide as the one in the image, since an
emulator works out each product by itself.
"""

import base64
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from builder.lock import HERE
from builder.told import Refused

sys.path.insert(0, str(HERE.parent / "tools/vm-test"))
import machine  # noqa: E402

FIRMWARE = ((Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")),
            (Path("/usr/share/OVMF/OVMF_CODE.fd"), Path("/usr/share/OVMF/OVMF_VARS.fd")))
SECURE = ((Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")),)
SHELL = r"""[Unit]
DefaultDependencies=no
After=systemd-tmpfiles-setup-dev.service
[Service]
OOMScoreAdjust=-1000
ExecStart=/bin/busybox sh -c "busybox mkdir -p /run/bin; busybox --install -s /run/bin; PATH=/run/bin:/usr/bin:/usr/sbin; export PATH; stty -F /dev/ttyS1 raw -echo; exec </dev/ttyS1 >/dev/ttyS1 2>&1; printf '\n@@0\n'; while IFS= read -r line; do sh -c \"$$line\" </dev/null 2>&1; printf '\n@@%%d\n' $$?; done"
"""
ENGINE = "/usr/bin/demon run --plain --wait-for-player --power-key --backend cpu --longest 4 --depth 1 --model /run/model"
# Not mounted by the engine's unit: that may open no disk.
MODEL = """[Mount]
What=/dev/vdb
Where=/run/model
Type=vfat
Options=ro
"""
# Without a watchdog: emulated, nothing is in time.
SMALL = f"""[Unit]
Wants=run-model.mount
After=run-model.mount
[Service]
WatchdogSec=0
ExecStartPre=+/bin/busybox cp /sys/block/vda/stat /run/read-before-first-sample
ExecStart=
ExecStart={ENGINE}
"""
CREDENTIALS = {
    "systemd.extra-unit.image-test.service": SHELL,
    "systemd.unit-dropin.sysinit.target": "[Unit]\nWants=image-test.service\n",
    "systemd.extra-unit.run-model.mount": MODEL,
    "systemd.unit-dropin.demon-engine.service": SMALL,
    "systemd.unit-dropin.demon-player.service": "[Service]\nTimeoutStartSec=20min\nWatchdogSec=0\n",
}
# A version that never comes to a window, asked for half a minute only.
UNFIT = {
    "systemd.unit-dropin.demon-engine.service": SMALL + f"""ExecStart=
ExecStart=/bin/busybox sh -c "busybox grep -qx IMAGE_VERSION={{}} /etc/os-release && exit 1; exec {ENGINE}"
""",
    "systemd.unit-dropin.demon-gate.service": "[Service]\nExecStart=\nExecStart=/usr/lib/demon/gate 15\n",
}
LINE = "console=ttyS0 no_timer_check nowatchdog"


def firmware(secure=False):
    """Code and variables; `secure`: one that knows Secure Boot, with no key enrolled."""
    found = next((it for it in (SECURE if secure else FIRMWARE) if it[0].is_file() and it[1].is_file()), None)
    if found is None:
        raise Refused("UEFI firmware is missing: apt-get install ovmf")
    return found


def needs():
    """What is missing to run a guest, in words, or nothing."""
    from shutil import which
    if not which("qemu-system-x86_64"):
        return "qemu-system-x86_64 is missing: apt-get install qemu-system-x86"
    try:
        firmware()
    except Refused as refused:
        return str(refused)
    return None


def block_device(disk, writes):
    """The guest's disk; with `writes` everything that is written to it, and every flush, is logged there (`cutting.log`)."""
    if writes is None:
        return ["-drive", f"file={disk},if=virtio,format=raw"]
    writes.write_bytes(b"")
    nodes = [f"driver=file,node-name=disk,filename={disk}", f"driver=file,node-name=writes,filename={writes}",
             "driver=blklogwrites,node-name=logged,file=disk,log=writes"]
    return [word for it in nodes for word in ("-blockdev", it)] + ["-device", "virtio-blk-pci,drive=logged"]


class Guest(machine.Machine):
    """A guest that starts from a disk; `heard` are the bytes of its first serial port, where kernel and initrd speak."""

    def __init__(self, disk: Path, variables: Path, log: Path, wave: Path, model: Path, until_shell_s: float = machine.BOOT_S,
                 unfit: str | None = None, stick: Path | None = None, writes: Path | None = None, secure: bool = False,
                 direct: tuple[Path, Path, str] | None = None):
        """`direct`: kernel, initrd and command line, for a system that QEMU starts by itself."""
        self.log, self.wave, self.wire, self.sticks = log, wave, log.with_suffix(".pcap"), []
        self._folder = tempfile.TemporaryDirectory()
        control = os.path.join(self._folder.name, "qmp")
        # Firmware that keeps its variables from everybody else wants the processor's own mode for that.
        kind = "q35,smm=on" if secure else "q35"
        command = ["qemu-system-x86_64", "-machine", kind, "-accel", "tcg", "-cpu", "max,la57=off", "-smp", "2", "-m", "2048"]
        command += ["-nodefaults", "-display", "none", "-device", "VGA", "-qmp", f"unix:{control},server=on,wait=off"]
        command += ["-device", "qemu-xhci,id=usb"] + (["-global", "driver=cfi.pflash01,property=secure,value=on"] if secure else [])
        if direct is None:
            command += ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={firmware(secure)[0]}"]
            command += ["-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
        else:
            command += ["-kernel", str(direct[0]), "-initrd", str(direct[1]), "-append", f"{direct[2]} {LINE}"]
        # A network that would answer, and every frame on it kept.
        command += ["-netdev", "user,id=net", "-device", "e1000e,netdev=net,romfile=", "-object", f"filter-dump,id=wire,netdev=net,file={self.wire}"]
        command += block_device(disk, writes)
        command += ["-drive", f"file={model},if=virtio,format=raw,readonly=on"]
        if stick is not None:
            command += ["-drive", f"id=stick,if=none,format=raw,file={stick}", "-device", "usb-storage,drive=stick,bus=usb.0"]
        command += ["-audiodev", f"wav,id=ear,path={wave}", "-device", "intel-hda", "-device", "hda-output,audiodev=ear,mixer=off"]
        command += ["-serial", f"file:{log}", "-serial", "stdio"]
        command += ["-smbios", f"type=11,value=io.systemd.stub.kernel-cmdline-extra={LINE}"]
        broken = {name: text.replace("{}", unfit) for name, text in UNFIT.items()} if unfit else {}
        for name, text in {**CREDENTIALS, **broken}.items():
            packed = base64.b64encode(text.encode()).decode()
            command += ["-smbios", f"type=11,value=io.systemd.credential.binary:{name}={packed}"]
        self.begun = time.monotonic()
        self._qemu = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._qemu.stdout, selectors.EVENT_READ)
        self._heard = b""
        self._control = socket.socket(socket.AF_UNIX)
        try:
            self._answer(until_shell_s, "boot")
            self._control.settimeout(machine.COMMAND_S)
            self._control.connect(control)
            self._replies = self._control.makefile("r")
            self._replies.readline()
            self.outside("qmp_capabilities")
        except BaseException:
            self.close()
            raise
        self.shell_s = time.monotonic() - self.begun

    def until_restart(self, limit_s: float = 900):
        """Waits until the machine has started again, which its shell says with an answer that nobody asked for."""
        self._answer(limit_s, "start again")

    def until_off(self, limit_s: float = 180):
        """Waits until the machine has switched itself off."""
        try:
            self._qemu.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise machine.Wrong(f"not off after {limit_s:.0f} s") from None

    def plug(self, stick: Path):
        """Plugs a stick in."""
        name = f"stick{len(self.sticks)}"
        self.outside("blockdev-add", driver="raw", node_name=name, file={"driver": "file", "filename": str(stick)})
        self.outside("device_add", driver="usb-storage", id=name, drive=name, bus="usb.0", removable=True)
        self.sticks.append(name)

    def pull(self):
        """Pulls the one that was plugged in last."""
        self.outside("device_del", id=self.sticks[-1])

    def power_key(self):
        """Presses the machine's power key, and lets it go."""
        self.outside("system_powerdown")

    def close(self):
        """Takes the power away."""
        self._control.close()
        self._qemu.kill()
        self._qemu.wait()
        self._folder.cleanup()

    def switch_off(self, limit_s: float = 180):
        """Asks for an orderly end and waits until the machine is off."""
        os.write(self._qemu.stdin.fileno(), b"systemctl poweroff\n")
        self.until_off(limit_s)

    def words(self) -> str:
        """What kernel and initrd have said on the first serial port."""
        return self.log.read_bytes().decode(errors="replace")

    def when(self, unit: str) -> float | None:
        """Seconds from the kernel's start until a unit was ready; nothing when it is not."""
        said = self.sh(f"systemctl show -p ActiveState -p ActiveEnterTimestampMonotonic {unit}")
        fields = dict(it.split("=", 1) for it in said.splitlines() if "=" in it)
        return int(fields["ActiveEnterTimestampMonotonic"]) / 1e6 if fields.get("ActiveState") == "active" else None

    def until_ready(self, unit: str, limit_s: float = 900) -> float:
        """Waits until a unit is ready; when that was."""
        def seen():
            time.sleep(2)
            return self.when(unit)
        return self.until(f"{unit} to be ready", seen, limit_s)
