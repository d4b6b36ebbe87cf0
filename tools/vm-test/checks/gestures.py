"""The probe and its words for gestures: the only place that knows how hal/examples/surface_probe.rs prints them."""

import re


def start(machine, flags: str):
    """The probe, listening."""
    probe = machine.start("probe", f"surface_probe {flags}")
    probe.until("^listening$")
    return probe


def turned(surface: str, control: str, value: int) -> str:
    return f"{surface} {control} = {value}"


def turned_finely(surface: str, control: str, value: int) -> str:
    return f"{surface} {control} = {value} of 16383"


def stepped(surface: str, control: str, detents: int) -> str:
    return re.escape(f"{surface} {control} {detents:+}")


def pressed(surface: str, control: str, velocity: int = 127) -> str:
    return f"{surface} {control} down {velocity}"


def released(surface: str, control: str) -> str:
    return f"{surface} {control} up"


def transport(surface: str, what: str) -> str:
    return f"{surface} transport {what}"


def came(surface: str, name: str) -> str:
    return rf"{surface} connected .*{name}.* \(.*\)"


def went(surface: str) -> str:
    return f"{surface} disconnected"


def cc(number: int, channel: int = 1) -> str:
    return f"CC {number} ch {channel}"


def note(number: int, channel: int = 1) -> str:
    return f"note {number} ch {channel}"
