"""`image/power`: power cuts in each phase that was logged, looked at by their hundreds and some of them booted to sound. Resumed: what was found of this very
image is not asked again.

    python3 -m boot.power [--states N] [--boot N] [--only PHASE]... [--again]

The logs are made by `image/test --only STAGE --log`.
"""

import argparse
import json
import time

from builder.told import Refused, run_main
from cutting.cut import Cutting

from . import disks, guest, stages
from .stages import TO

# Stage, and what happens while its log is kept.
PHASES = {"first": "the first start", "hands": "play and save", "update": "a stick, an update, its first start, and back"}
STATES, BOOTS = 340, 7
REPORT = TO / "power.json"
TELL_MOST = 5


def names(phase):
    what = PHASES[phase]
    return (f"power cuts in {what}: file systems mount, hashes hold, the state of play is whole and at most one stroke old",
            f"power cuts in {what}: a disk that forgets what it was asked to keep is found out",
            f"power cuts in {what}: booted to sound")


def read(key):
    found = json.loads(REPORT.read_text()) if REPORT.is_file() else {}
    return found if found.get("key") == key else {"key": key, "rows": {}}


def told(key):
    """Rows for the table of `make image-test`: name, result, what was seen."""
    rows = read(key)["rows"]
    for phase in PHASES:
        for name in names(phase):
            found = rows.get(name)
            yield (name, *found) if found else (name, "skipped", f"image/test --only {phase} --log --again, then image/power --only {phase}")


class Power:
    """One run."""

    def __init__(self, given, image):
        self.given, self.image = given, image
        self.data = read(stages.key(image))
        if given.again:
            self.data["rows"] = {}

    def note(self, name, result, saw):
        self.data["rows"][name] = [result, saw]
        print(f"  {result:<8}{name}\n          {saw}", flush=True)
        REPORT.write_text(json.dumps(self.data, indent=1) + "\n")

    def has(self, name):
        return self.data["rows"].get(name, [""])[0] == "pass"

    def phase(self, phase):
        whole, deaf, booted = names(phase)
        before, log = TO / f"{phase}.before.raw", TO / f"{phase}.writes"
        if not before.is_file() or not log.is_file():
            for name in (whole, deaf, booted):
                if not self.has(name):
                    self.note(name, "skipped", f"no log: image/test --only {phase} --log --again")
            return
        if not self.has(whole):
            cutting, failed, count = Cutting(before, log, self.given.states, 1), [], 0
            for number, cut, why in cutting.each():
                count += 1
                if why:
                    failed.append(f"state {number}, cut behind entry {cut}: {why}")
            saw = f"{count - len(failed)} of {count} states; {cutting.about()}" + "".join(f"; {it}" for it in failed[:TELL_MOST])
            self.note(whole, "FAIL" if failed or not count else "pass", saw)
        if not self.has(deaf):
            found = [why for _, _, why in Cutting(before, log, self.given.states // 4, 1, deaf=True).each() if why]
            self.note(deaf, "pass" if found else "FAIL", f"{len(found)} of {self.given.states // 4} states are wrong" + f": {found[0]}" * bool(found))
        if not self.has(booted):
            self.boot(phase, booted, Cutting(before, log, self.given.states, 1))

    def boot(self, phase, name, cutting):
        """Boots some of them, evenly over their numbers."""
        only = {it * cutting.count // self.given.boot for it in range(self.given.boot)}
        passed, failed = 0, []
        for number, cut, _ in cutting.each(only):
            place = TO / "cut-to-boot.raw"
            disks.copy(cutting.work, place, -(-cutting.work.stat().st_size >> 30))
            why = self.plays(place)
            passed += why is None
            if why is not None:
                failed.append(f"state {number}, cut behind entry {cut}: {why}")
            print(f"    {phase}: {passed + len(failed)} of {len(only)} booted, {len(failed)} failed", flush=True)
        self.note(name, "FAIL" if failed or not passed else "pass", f"{passed} of {len(only)}" + "".join(f"; {it}" for it in failed[:TELL_MOST]))

    @staticmethod
    def plays(disk):
        """Starts from a disk until sound and windows come; why they do not, or nothing."""
        variables = TO / "variables.fd"
        try:
            machine = guest.Guest(disk, variables, TO / "cut.log", TO / "cut.wav", stages.small_model(), 3 * guest.machine.BOOT_S)
        except guest.machine.Dead as dead:
            return str(dead)
        try:
            machine.until_ready("demon-player.service", 1500)
            machine.until_ready("demon-engine.service", 1500)
        except (guest.machine.Wrong, guest.machine.Dead) as why:
            return str(why)
        finally:
            machine.close()
        return None


def main():
    parser = argparse.ArgumentParser(prog="image/power", description="Cuts the power in every phase that was logged, looks at what is found, boots some of it.")
    parser.add_argument("--states", type=int, default=STATES, help=f"states a phase [default: {STATES}]")
    parser.add_argument("--boot", type=int, default=BOOTS, help=f"of these, so many are booted to sound [default: {BOOTS}]")
    parser.add_argument("--only", action="append", choices=list(PHASES), help="one phase; may be given again")
    parser.add_argument("--again", action="store_true", help="asks again what has passed")
    given = parser.parse_args()
    missing = guest.needs()
    if missing:
        raise Refused(missing)
    power, begun = Power(given, stages.built(stages.OUT, "the image (`make image ARGS=--test-keys`)")), time.monotonic()
    for phase in given.only or PHASES:
        print(phase, flush=True)
        power.phase(phase)
    found = [power.data["rows"].get(name, ["skipped"])[0] for phase in given.only or PHASES for name in names(phase)]
    print(f"{found.count('pass')} passed, {found.count('FAIL')} failed, {found.count('skipped')} skipped, {time.monotonic() - begun:.0f} s; {REPORT}")
    return 1 if "FAIL" in found else 0


if __name__ == "__main__":
    run_main(main)
