"""The same controllers, taken from the kernel's driver and read by the box itself."""

from checks import controllers
from checks import gestures as g

MODEL = "{:04x}:{:04x}".format(*controllers.MODEL)
DRIVER = "/sys/bus/usb/drivers/snd-usb-audio"


def play(machine, check):
    probe = g.start(machine, f"--midi --usb {MODEL}")
    port = probe.until(g.came(r"\d+", "VirMIDI")).split()[0]

    controllers.play(machine, check, probe)

    with check("controllers that the box reads itself are not heard a second time") as saw:
        machine.sh(r"printf '\260\007\144' >/dev/snd/midiC0D0")
        saw.append(probe.expect(g.turned(port, g.cc(7), 100)))

    with check("while the box reads it the kernel's driver has no hold of a controller") as saw:
        held = machine.sh(f"ls {DRIVER}")
        machine.until("the driver to have let go", lambda: "-1:1.1" not in machine.sh(f"ls {DRIVER}"), 10)
        saw.append(f"the driver holds: {' '.join(held.split())}")

    with check("killed outright and started again, the box has its controllers as before") as saw:
        machine.sh(f"kill -KILL {probe.pid}")
        machine.until("the probe to be dead", probe.ended)
        probe = g.start(machine, f"--usb {MODEL}")
        saw += [probe.until(g.came(r"\d+", controllers.NAME)) for _ in range(2)]

    with check("the driver has its controllers back when the box ends") as saw:
        probe.tell("quit")
        probe.until("^closed$")
        machine.until("two controllers with the driver", lambda: machine.sh(f"ls {DRIVER}").count("-1:1.1") == 2)
        saw.append("both")
