"""A keyboard that is typed on, plugged and pulled from outside the guest: foot switches are such keyboards."""

from checks import gestures as g

# QEMU's names and the input subsystem's codes.
KEYS = {"a": 30, "f10": 68, "spc": 57}


def plug(machine, name: str, port: str):
    machine.outside("device_add", driver="usb-kbd", id=name, bus="usb.0", port=port, serial="P81")


def play(machine, check):
    plug(machine, "pedal", "1")
    probe = g.start(machine, "--input 0627:0001")

    with check("a keyboard that was there first is met") as saw:
        line = probe.until(g.came(r"\d+", "QEMU"))
        pedal = line.split()[0]
        saw.append(line)

    with check("keys struck outside go down and come up, in order") as saw:
        machine.press(*KEYS)
        wanted = [it(pedal, f"key {code}") for code in KEYS.values() for it in (g.pressed, g.released)]
        saw.append(probe.expect(*wanted))

    with check("a keyboard pulled with a key held lets go of it and went") as saw:
        machine.hold("a", True)
        probe.expect(g.pressed(pedal, "key 30"))
        machine.outside("device_del", id="pedal")
        saw.append(probe.expect(g.released(pedal, "key 30"), g.went(pedal)))

    with check("plugged into another port it is the one that it was") as saw:
        plug(machine, "pedal-again", "2")
        saw.append(probe.expect(g.came(pedal, "QEMU")))
        machine.press("a")
        saw.append(probe.expect(g.pressed(pedal, "key 30"), g.released(pedal, "key 30")))
