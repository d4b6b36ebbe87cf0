"""MIDI as the kernel's sequencer hears it: a port that is written to from outside, and USB-MIDI controllers."""

from checks import controllers
from checks import gestures as g


def play(machine, check):
    probe = g.start(machine, "--midi")

    with check("a sequencer port that was there first is heard") as saw:
        port = probe.until(g.came(r"\d+", "VirMIDI")).split()[0]
        machine.sh(r"printf '\260\007\144\007\145' >/dev/snd/midiC0D0")
        saw.append(probe.expect(g.turned(port, g.cc(7), 100), g.turned(port, g.cc(7), 101)))

    controllers.play(machine, check, probe)
