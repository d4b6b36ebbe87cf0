"""A panel of buttons, encoders and lights on the pins of a simulated GPIO chip."""

from checks import gestures as g

CHIP = "vm-panel"
BUTTONS, ENCODER, LIGHT = (2, 3), (4, 5), 6
# An encoder's contacts between two detents when it is turned up: the second one closes first.
TURN_UP = [(1, 0), (0, 0), (0, 1), (1, 1)]


class Chip:
    """Sixteen lines."""

    def __init__(self, machine):
        self.machine = machine
        machine.sh("mkdir -p /sys/kernel/config/gpio-sim/panel/bank0")
        self.set("bank0/num_lines", "16")
        self.set("bank0/label", CHIP)
        self.plug()

    def set(self, name: str, value: str):
        self.machine.sh(f"echo {value} >/sys/kernel/config/gpio-sim/panel/{name}")

    def plug(self):
        self.set("live", "1")
        device, chip = self.machine.sh("cd /sys/kernel/config/gpio-sim/panel; cat dev_name bank0/chip_name").split()
        self.lines = f"/sys/devices/platform/{device}/{chip}"

    def unplug(self):
        self.set("live", "0")

    def pull(self, *moves: tuple[int, int]):
        """Pulls lines up (1) and down (0), one after the other, as slowly as a hand does."""
        for line, high in moves:
            self.machine.sh(f"echo pull-{'up' if high else 'down'} >{self.lines}/sim_gpio{line}/pull; usleep 20000")

    def turn(self, lines: tuple[int, int], states: list[tuple[int, int]]):
        """Turns an encoder by one detent: the contact that does not change is not touched."""
        last = (1, 1)
        for state in states:
            self.pull(*[(line, now) for line, was, now in zip(lines, last, state) if was != now])
            last = state

    def lit(self, line: int) -> bool:
        return self.machine.sh(f"cat {self.lines}/sim_gpio{line}/value") == "1"


def play(machine, check):
    chip = Chip(machine)
    buttons = " ".join(f"--button {number}={CHIP}:{line}" for number, line in enumerate(BUTTONS, 1))
    encoder = f"--encoder 1={CHIP}:{ENCODER[0]},{ENCODER[1]}"
    probe = g.start(machine, f"{buttons} {encoder} --led 1={CHIP}:{LIGHT}")
    panel = probe.until(g.came(r"\d+", "probe")).split()[0]

    with check("buttons go down and come up, in order") as saw:
        for number, line in enumerate(BUTTONS, 1):
            chip.pull((line, 0))
            saw.append(probe.expect(g.pressed(panel, f"button {number}")))
            chip.pull((line, 1))
            saw.append(probe.expect(g.released(panel, f"button {number}")))

    with check("a light is lit while its button is held, and dark after") as saw:
        chip.pull((BUTTONS[0], 0))
        machine.until("the light", lambda: chip.lit(LIGHT))
        saw.append("lit")
        chip.pull((BUTTONS[0], 1))
        machine.until("the dark", lambda: not chip.lit(LIGHT))
        saw.append("dark")
        probe.expect(g.pressed(panel, "button 1"), g.released(panel, "button 1"))

    with check("an encoder is heard by detents, up and down") as saw:
        for detents, turn in ((1, TURN_UP), (-1, [(b, a) for a, b in TURN_UP])):
            for _ in range(3):
                saw.append(spin(chip, probe, panel, turn, detents))

    with check("a chip that leaves lets go of what was held, and comes back as it was") as saw:
        chip.pull((BUTTONS[1], 0))
        probe.expect(g.pressed(panel, "button 2"))
        chip.unplug()
        saw.append(probe.expect(g.released(panel, "button 2"), g.went(panel)))
        chip.plug()
        saw.append(probe.until(g.came(panel, "probe")))
        chip.pull((BUTTONS[0], 0), (BUTTONS[0], 1))
        probe.expect(g.pressed(panel, "button 1"), g.released(panel, "button 1"))


def spin(chip, probe, panel: str, turn, detents: int) -> str:
    """One detent, and what is heard of it."""
    chip.turn(ENCODER, turn)
    return probe.expect(g.stepped(panel, "encoder 1", detents))
