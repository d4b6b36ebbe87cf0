"""USB-MIDI controllers: plugged, played, lit, pulled, two at a time. The same checks whoever reads them, the kernel's
driver and the sequencer (`midi`) or the box itself (`usb`)."""

from checks import gestures as g
from machine import Wrong

NAME, MODEL = "X-TOUCH MINI", (0x1397, 0x00B3)
SERIALS = ["A17", "B42"]
# How many movements one hand may send before anybody reads them: the sequencer holds 200.
FLOOD = 120


class Controller:
    """One made of the guest's device side of USB."""

    def __init__(self, machine, port: int, serial: str, name: str = NAME, model: tuple[int, int] = MODEL):
        self.machine, self.port, self.end = machine, port, ""
        machine.sh(f"gadget make {port} '{name}' {model[0]:#06x} {model[1]:#06x} {serial}")

    def becomes(self, serial: str):
        """Another one of the same model, in the same port."""
        self.machine.sh(f"gadget renumber {self.port} {serial}")

    def plug(self):
        self.end = self.machine.sh(f"gadget plug {self.port}")

    def unplug(self):
        self.machine.sh(f"gadget unplug {self.port}")

    def send(self, *data: int):
        octal = "".join(f"\\{byte:03o}" for byte in data)
        self.machine.sh(f"printf '{octal}' >{self.end}")

    def is_told(self, data: bytes, do) -> str:
        """What arrives at the controller while `do` is done; `Wrong` when it is not `data`."""
        kept = f"/run/told-{self.port}"
        reader = self.machine.sh(f"cat {self.end} >{kept} & echo $!")
        listens = f"grep -q 'Owner PID' /proc/asound/own{self.port}/midi0"
        self.machine.until("the controller to listen", lambda: self.machine.ask(listens)[0] == 0)
        do()
        read = lambda: bytes.fromhex(self.machine.sh(f"od -An -v -tx1 {kept}"))
        try:
            self.machine.until(f"{data.hex(' ')} at the controller", lambda: len(data) <= len(read()))
        finally:
            said = read()
            self.machine.ask(f"kill {reader}")
        if said != data:
            raise Wrong(f"expected {data.hex(' ')} at the controller, found {said.hex(' ')}")
        return said.hex(" ")


def play(machine, check, probe):
    first, second = (Controller(machine, port, serial) for port, serial in enumerate(SERIALS))
    ids = {}

    with check("a controller plugged in late is met by its name") as saw:
        first.plug()
        line = probe.until(g.came(r"\d+", NAME))
        ids[0] = line.split()[0]
        saw.append(line)

    with check("every kind of message arrives, whole and in order") as saw:
        knob = ids[0]
        first.send(0xB0, 1, 5, 1, 6, 0xF8, 0xB1, 2, 127)
        first.send(0x90, 36, 100, 36, 0, 0x80, 37, 64)
        first.send(0xF0, 0x7E, 1, 2, 3, 4, 5, 0xF7)
        first.send(0xA0, 36, 7, 0xC0, 3, 0xD0, 9, 0xE0, 1, 64)
        first.send(0xB0, 99, 3, 98, 4, 6, 10, 38, 11)
        first.send(0xFA, 0xFC)
        saw.append(
            probe.expect(
                g.turned(knob, g.cc(1), 5),
                g.turned(knob, g.cc(1), 6),
                g.transport(knob, "Clock"),
                g.turned(knob, g.cc(2, 2), 127),
                g.pressed(knob, g.note(36), 100),
                g.released(knob, g.note(36)),
                g.released(knob, g.note(37)),
                g.turned(knob, "pressure of note 36 ch 1", 7),
                g.pressed(knob, "program 3 ch 1"),
                g.turned(knob, "pressure ch 1", 9),
                g.turned_finely(knob, "bend ch 1", 64 << 7 | 1),
                g.turned_finely(knob, f"NRPN {3 << 7 | 4} ch 1", 10 << 7 | 11),
                g.transport(knob, "Start"),
                g.transport(knob, "Stop"),
            )
        )

    with check("a knob spun fast loses nothing and keeps its order") as saw:
        places = [number * 7 % 128 for number in range(FLOOD)]
        first.send(*[byte for place in places for byte in (0xB0, 1, place)])
        probe.expect(*[g.turned(ids[0], g.cc(1), place) for place in places])
        saw.append(f"{FLOOD} movements in order")

    with check("two equal controllers are two") as saw:
        second.plug()
        line = probe.until(g.came(r"\d+", NAME))
        ids[1] = line.split()[0]
        for turn in range(3):
            for controller, knob in ((first, ids[0]), (second, ids[1])):
                controller.send(0xB0, 1, turn)
                saw.append(probe.expect(g.turned(knob, g.cc(1), turn)))

    with check("lights are told to the controller that they are on, byte for byte") as saw:
        for controller, knob, light in ((first, ids[0], "90 08 01"), (second, ids[1], "b0 09 1b 90 00 02")):
            words = f"{knob} {light}"
            saw.append(controller.is_told(bytes.fromhex(light), lambda: probe.tell(words)))

    with check("the plug pulled in mid-message is a controller that went") as saw:
        first.send(0xB0, 1)
        first.unplug()
        saw.append(probe.expect(g.went(ids[0])))

    with check("the other one plays on") as saw:
        second.send(0xB0, 1, 99)
        saw.append(probe.expect(g.turned(ids[1], g.cc(1), 99)))

    with check("plugged in again it is the one that it was, and its half message is forgotten") as saw:
        first.plug()
        saw.append(probe.expect(g.came(ids[0], NAME)))
        first.send(0x90, 36, 1)
        saw.append(probe.expect(g.pressed(ids[0], g.note(36), 1)))

    with check("a plug that was out while the box was busy is heard again") as saw:
        machine.sh(f"kill -STOP {probe.pid}")
        first.unplug()
        first.plug()
        machine.sh(f"kill -CONT {probe.pid}")
        saw.append(probe.until(g.came(ids[0], NAME)))
        first.send(0xB0, 1, 11)
        saw.append(probe.expect(g.turned(ids[0], g.cc(1), 11)))
        second.send(0xB0, 1, 12)
        saw.append(probe.expect(g.turned(ids[1], g.cc(1), 12)))

    with check("two that swapped their ports are still told apart") as saw:
        either = f"({'|'.join(ids.values())})"
        for controller in (first, second):
            controller.unplug()
        probe.expect(*[g.went(either)] * 2)
        for controller, serial in ((first, SERIALS[1]), (second, SERIALS[0])):
            controller.becomes(serial)
            controller.plug()
        probe.expect(*[g.came(either, NAME)] * 2)
        for controller, knob in ((first, ids[1]), (second, ids[0])):
            controller.send(0xB0, 1, 13)
            saw.append(probe.expect(g.turned(knob, g.cc(1), 13)))
