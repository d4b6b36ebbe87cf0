"""What is asked of the image: a row is a sentence that is false when it fails, and a function of the guest.

It answers what was seen, raises `Wrong` with what is not as it should be, or `Skip` with the reason. Under emulation nothing is said of how fast
anything is: times are written down beside each other, never held to. Which disk a stage starts from is said in `stages`.
"""

from . import care, damage, data, devices, extension, hands, opened, plain, secure, start, sticks

ROWS = {
    "first": [
        ("the firmware hands over to our kernel", start.hands_over),
        ("the root is read-only and every block of it is checked", start.root_is_checked),
        ("data is made at the first start, on all that the disk has", start.data_is_made),
        ("the player's first sample comes before the engine starts", start.player_plays_first),
        ("the engine sends its first window", start.engine_sends_windows),
        ("what the sound card takes is not silence", start.sound_is_heard),
        ("a version that plays is blessed", start.version_is_blessed),
        ("nothing listens", start.nothing_listens),
        ("nobody can log in", start.nobody_logs_in),
        ("memory at play", start.memory_at_play),
        ("what is done is kept and the box switches off in order", start.something_is_kept),
    ],
    "second": [
        ("data grows when the disk has", start.data_has_grown),
        ("state and journal are back at the second start", start.state_is_back),
        ("a blessed version is not counted again", start.no_tries_are_counted),
    ],
    "hands": [
        ("hands play, keep scenes and save, and each stroke is on the disk", hands.strokes_are_kept),
    ],
    "care": [
        ("one press of the power key asks and switches nothing off", care.one_press_asks),
        ("settings with a fault are refused, and those before stay", care.faulty_settings_are_refused),
        ("settings with which it does not start are taken back by themselves", care.settings_that_do_not_start_are_taken_back),
        ("a stick that asks for a factory reset is offered, and does nothing yet", care.reset_is_offered),
        ("a second press saves and switches off", care.two_presses_save_and_switch_off),
    ],
    "reset": [
        ("the next start with that stick makes the box as new, and recordings stay", care.box_is_as_new),
    ],
    "open": [
        ("a shell is on the second console where the box's file asks for one", opened.shell_is_there),
        ("the network comes up for the clock where the box's file asks for it, and the time is asked", opened.clock_is_asked),
        ("nothing listens then either", opened.nothing_more_listens),
    ],
    "update": [
        ("a stick is mounted for reading, and nothing on it can be run", sticks.stick_is_mounted),
        ("a stick brings a recording and the box's file, and its update is offered", sticks.stick_brings),
        ("reports go home, and the stick is for reading again", sticks.stick_takes_home),
        ("an update is written while it plays", sticks.update_is_written_while_it_plays),
        ("the new version starts from the other slot and is blessed", sticks.new_version_starts_and_is_blessed),
        ("a hand goes back to the version before, and what was kept is there", sticks.hand_goes_back),
    ],
    "damage": [
        ("a root with one bit turned is refused three times and the other slot starts", damage.damaged_root_is_refused),
    ],
    "damage-of-a-fit-one": [
        ("a version that was fit and has one bit turned goes behind the other", damage.damaged_root_of_a_fit_version_goes_behind),
    ],
    "damage-late": [
        ("a bit turned in a block that is read late is found while it plays, and told", damage.late_damage_is_found_while_it_plays),
        ("the next start takes the other slot", damage.next_start_takes_the_other),
    ],
    "unfit": [
        ("a version that comes to no window is taken back after three tries", damage.unfit_version_is_taken_back),
    ],
    "data-gone": [
        ("without room for data it plays with defaults, and says that nothing is kept", data.plays_without_data),
    ],
    "data-corrupt": [
        ("with data that cannot be read it plays with defaults, and says that nothing is kept", data.plays_without_data),
    ],
    "data-full": [
        ("with data full it starts and plays, and says so", data.plays_with_data_full),
        ("it says when there is room again", data.room_is_told),
    ],
    "secure": [
        ("with an owner's keys enrolled the firmware starts our version, and the kernel is locked down", secure.firmware_checks),
        ("it plays there", secure.it_plays_there),
    ],
    "extension": [
        ("the firmware starts our version, and the kernel is locked down", secure.firmware_checks),
        ("an extension comes by a stick where it is signed with the box's key", extension.comes_by_a_stick),
        ("the next start loads its module under Secure Boot, from blocks that are checked", extension.module_is_loaded),
        ("a module that another's key has signed is refused by the kernel", extension.wrong_key_is_refused),
        ("an extension whose file was changed afterwards is refused", extension.spoiled_block_is_refused),
    ],
    "plain": [
        ("beside it, a plain Debian with the same units: the player's first sample, the engine's first window, bytes and units before the first sample",
         plain.starts),
    ],
    "devices": [
        ("the probes come by an extension", devices.prepared),
        ("buttons, encoders and lights on pins", devices.group("panel")),
        ("rights of devices are as the rules say, and udevadm finds no fault", devices.rules_fit),
        ("USB-MIDI controllers", devices.asked("controllers", devices.controllers)),
        ("keyboards and foot switches", devices.group("keys")),
        ("a screen, dot by dot", devices.group("screen")),
    ],
}
# Stages whose machine must not start, with the row that says so.
NO_START = {
    "secure-unsigned": "a version that nobody has signed is not started",
    "secure-foreign": "a version that another's key has signed is not started",
}
STAGES = [*ROWS, *NO_START]
def names(stage):
    """The rows of a stage."""
    return [NO_START[stage]] if stage in NO_START else [name for name, _ in ROWS[stage]]
