"""`docs/performing.md` tried literally: its map, two encoders and four buttons on the pins of a simulated GPIO chip, the real program.

Each row of its table is done as it says, and waited for by what it says. The model is the small one of `small-model`: emulated, the
built-in one takes a quarter of an hour to its first window.
"""

import re
from pathlib import Path

from checks.box import SLOW_S, initrd  # noqa: F401, the guest is the same
from checks.panel import TURN_UP, Chip

MEMORY_MB = 2048
PAGE = Path(__file__).resolve().parents[3] / "docs" / "performing.md"
# Lines of the chip by number on the page.
ENCODERS, BUTTONS = {1: (2, 3), 2: (4, 5)}, {1: 6, 2: 7, 3: 8, 4: 9}
FOLDER = "/run/page"


def between(text: str, begin: str, end: str) -> str:
    return text.split(begin, 1)[1].split(end, 1)[0]


def rows(page: str):
    """What is wanted, what the hand does and the first of what the display says, of each row."""
    for row in between(page, "| --- | --- | --- | --- |\n", "\n\n").splitlines():
        wanted, do, _, says = (cell.strip() for cell in row.strip("|").split("|"))
        yield wanted or "it plays", do, says.split("`")[1]


def box_file() -> str:
    lines = ["[[panel]]", 'name = "front"']
    for number, line in BUTTONS.items():
        lines += ["[[panel.button]]", f"number = {number}", f'line = "vm-panel:{line}"', "active_low = true"]
    for number, (a, b) in ENCODERS.items():
        lines += ["[[panel.encoder]]", f"number = {number}", f'a = "vm-panel:{a}"', f'b = "vm-panel:{b}"', "steps = 4"]
    return "\n".join(lines)


class Hands:
    def __init__(self, chip: Chip):
        self.chip, self.held = chip, []

    def do(self, what: str):
        """A part of a cell: `turn encoder 2 to a word`, `hold button 4`, `press button 3`."""
        kind, number = re.match(r"(turn encoder|hold button|press button) (\d)", what).groups()
        if kind == "turn encoder":
            return self.chip.turn(ENCODERS[int(number)], TURN_UP)
        line = BUTTONS[int(number)]
        self.chip.pull((line, 0))
        if kind == "hold button":
            self.held.append(line)
        else:
            self.chip.pull((line, 1))

    def let_go(self):
        while self.held:
            self.chip.pull((self.held.pop(), 1))


def write(machine, name: str, text: str):
    """A file in the guest, line by line: a serial line is no place for long ones."""
    machine.sh(f"mkdir -p $(dirname {FOLDER}/{name}); : >{FOLDER}/{name}")
    for line in text.splitlines():
        machine.sh(f"echo '{line}' >>{FOLDER}/{name}")


def play(machine, check):
    page = PAGE.read_text()
    # Words are written behind those of the prompt that was chosen.
    words = '[prompt]\na = "house"\n[prompts.2]\nname = "night"\ntags = "drone"\n'
    start = "[values]\ndepth = 1\nsteps = 4\n"
    the_map = between(page, "```toml\n", "```")
    write(machine, "first.toml", words + start + the_map)
    write(machine, "set/1.toml", "[values]\ndenoise = 0.9\n" + the_map)
    write(machine, "box.toml", box_file())
    library = f"{FOLDER}/state/library/recordings"
    machine.sh(f"mkdir -p {library}; cp /models/small/demo.flac {library}/river.flac")
    chip = Chip(machine)
    hands = Hands(chip)
    # Contacts are open: their lines are pulled up.
    chip.pull(*[(line, 1) for line in [*BUTTONS.values(), *sum(ENCODERS.values(), ())]])
    folders = f"--config {FOLDER}/box.toml --state {FOLDER}/state --set-list {FOLDER}/set --patch {FOLDER}/first.toml"
    command = f"demon run --model /models/small --longest 2 --threads 2 --wav /run/page/take.wav --plain --no-midi {folders}"
    demon = machine.start("demon", command)

    with check("it starts, and the panel is there") as saw:
        saw.append(demon.until(r"^playing ", SLOW_S))
        saw.append(demon.until(r"connected: .*front", SLOW_S))

    for wanted, do, says in rows(page):
        with check(f"{wanted}: {do}") as saw:
            for part in do.split(", "):
                hands.do(part)
            # How long a recording is the page cannot know.
            saw.append(demon.until(re.escape(says.split(", ")[0]), SLOW_S).strip())
            hands.let_go()

    with check("asked to end it ends, and what was kept and written is in the patch") as saw:
        demon.stop()
        kept = machine.sh(f"cat {FOLDER}/first.toml")
        wanted = ["[scenes.1]", 'tags = "drone,']
        if not all(it in kept for it in wanted):
            raise AssertionError(f"not all of {wanted} in {kept}")
        saw.append(", ".join(wanted))
