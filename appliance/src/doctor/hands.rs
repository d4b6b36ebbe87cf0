//! Controllers: by the kernel's sequencer, or straight from the bus.

use std::path::PathBuf;

use hal::usb::UsbSelect;

use super::{Finding, Machine};
use crate::files::{plain, shown};

const BUS: &str = "/sys/bus/usb/devices";
const SEQUENCER: &str = "/dev/snd/seq";
const ROW: &str = "controllers";

/// A controller on the bus.
struct Controller {
    name: String,
    node: PathBuf,
    model: (u16, u16),
    carries_sound: bool,
}

/// Every USB device with a MIDI interface: class 01, subclass 03.
fn on_the_bus(machine: &dyn Machine) -> Vec<Controller> {
    let names = machine.names(BUS);
    let text = |place: &str, name: &str| machine.text(&format!("{BUS}/{place}/{name}"));
    let has = |device: &str, subclasses: &[&str]| {
        let mine = names.iter().filter(|it| it.split_once(':').is_some_and(|(of, _)| of == device));
        mine.clone().any(|it| {
            let subclass = text(it, "bInterfaceSubClass");
            text(it, "bInterfaceClass").as_deref() == Some("01")
                && subclass.is_some_and(|it| subclasses.contains(&it.as_str()))
        })
    };
    let of = |device: &String| {
        let hex = |name| u16::from_str_radix(&text(device, name)?, 16).ok();
        let whole = |name| text(device, name)?.parse::<u32>().ok();
        let node = format!("/dev/bus/usb/{:03}/{:03}", whole("busnum")?, whole("devnum")?);
        let model = (hex("idVendor")?, hex("idProduct")?);
        let name = text(device, "product").unwrap_or_else(|| format!("{:04x}:{:04x}", model.0, model.1));
        Some(Controller { name, node: node.into(), model, carries_sound: has(device, &["02"]) })
    };
    names.iter().filter(|it| !it.contains(':') && has(it, &["03"])).filter_map(of).collect()
}

/// Whether they can be heard.
pub(super) fn controllers(machine: &dyn Machine, select: &UsbSelect) -> Finding {
    let found = on_the_bus(machine);
    let taken = |it: &&Controller| select.takes(it.model.0, it.model.1, it.carries_sound);
    for controller in found.iter().filter(taken) {
        if let Err(error) = machine.may_use(&controller.node) {
            let found = format!("{} at {}: {error}", plain(&controller.name), shown(&controller.node));
            return Finding::fault(ROW, found, "install udev/70-demon-usb-midi.rules and plug the controller in again");
        }
    }
    if let Some(error) = machine.may_use(SEQUENCER.as_ref()).err().filter(|_| !found.iter().all(|it| taken(&it))) {
        return Finding::fault(
            ROW,
            format!("{SEQUENCER}: {error}; {} are plugged in", found.len()),
            "load the kernel module snd-seq, and put the player's user into the group `audio`",
        );
    }
    match found.as_slice() {
        [] => Finding::absent(ROW, "no MIDI controller is plugged in"),
        some => Finding::well(ROW, some.iter().map(|it| plain(&it.name).to_string()).collect::<Vec<_>>().join(", ")),
    }
}
