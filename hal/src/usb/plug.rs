//! What the kernel says of a USB device, read below `/sys`: model, serial number, port, name.
//!
//! Both ways to a controller ask here, the sequencer by its sound card and libusb by its port, so that one controller has
//! one identity by either. Reads only, and without permission: these files are everyone's.

use std::fs::read_to_string;
use std::path::Path;

use crate::gesture::Identity;

/// The kernel's view of the devices.
pub const SYS: &str = "/sys";

/// A USB device as its plug describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plug {
    /// The vendor's number.
    pub vendor: u16,
    /// The product's number.
    pub product: u16,
    /// The port path: `1-2.4` is the fourth port of the hub on the second port of bus 1.
    pub port: String,
    /// Its serial number, where it has one of its own.
    pub serial: Option<String>,
    /// What it calls itself.
    pub name: Option<String>,
}

impl Plug {
    /// The model, as [`Identity::model`] has it.
    #[must_use]
    pub fn model(&self) -> String {
        format!("usb {:04x}:{:04x}", self.vendor, self.product)
    }

    /// For people: the name if there is one, the numbers, the port.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { vendor, product, port, name, .. } = self;
        format!("{} ({vendor:04x}:{product:04x}, USB port {port})", name.as_deref().unwrap_or("USB MIDI controller"))
    }

    /// Who this is, by one of its cables (0 to 15). The first is the controller; a further one is a model of its own, so
    /// that its controls have a map of their own.
    #[must_use]
    pub fn identity(&self, cable: u8) -> Identity {
        let name = self.name.clone().unwrap_or_else(|| format!("{:04x}:{:04x}", self.vendor, self.product));
        let (name, model) = match cable {
            0 => (name, self.model()),
            _ => (format!("{name} {}", cable + 1), format!("{} cable {}", self.model(), cable + 1)),
        };
        Identity { name, model, serial: self.serial.clone(), port: Some(self.port.clone()) }
    }
}

/// The USB device behind a sound card, and whether that card also plays or records; none where the card is not on USB.
/// `sys` is [`SYS`].
#[must_use]
pub fn of_card(sys: &Path, card: u32) -> Option<(Plug, bool)> {
    let sys = sys.canonicalize().ok()?;
    let card = sys.join(format!("class/sound/card{card}"));
    // The card's device is an interface of the USB device, some folders below it.
    let interface = card.join("device").canonicalize().ok()?;
    let above = interface.ancestors().take_while(|it| it.starts_with(&sys));
    let plug = above.into_iter().find_map(read)?;
    let sound = card
        .read_dir()
        .is_ok_and(|files| files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("pcmC")));
    Some((plug, sound))
}

/// The USB device at a port path such as `1-2.4`. `sys` is [`SYS`].
#[must_use]
pub fn at_port(sys: &Path, port: &str) -> Option<Plug> {
    read(&sys.join("bus/usb/devices").join(port).canonicalize().ok()?)
}

fn read(folder: &Path) -> Option<Plug> {
    let line = |file: &str| Some(read_to_string(folder.join(file)).ok()?.trim().to_owned());
    let number = |file: &str| u16::from_str_radix(&line(file)?, 16).ok();
    let name = |file: &str| line(file).filter(|it| !it.is_empty());
    Some(Plug {
        vendor: number("idVendor")?,
        product: number("idProduct")?,
        port: folder.file_name()?.to_string_lossy().into_owned(),
        serial: line("serial").filter(|it| is_its_own(it)),
        name: name("product"),
    })
}

/// Whether a serial number can be one: many makers leave the example of their chip's vendor in.
#[must_use]
pub fn is_its_own(serial: &str) -> bool {
    let serial = serial.trim();
    let mut letters = serial.chars();
    let first = letters.next();
    let all_the_same = letters.all(|it| Some(it) == first);
    let counted = ["0123456789abcdef", "123456789abcdef", "1234567890abcdef"];
    let is_counted = serial.len() > 3 && counted.iter().any(|it| it.starts_with(&serial.to_ascii_lowercase()));
    !all_the_same && !is_counted && serial.trim_start_matches('0').len() > 1
}

/// Puts a USB device, which is sound card `card`, into a `/sys` for tests.
#[cfg(test)]
pub(crate) fn build(sys: &Path, card: u32, port: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
    use std::fs::{create_dir_all, write};
    use std::os::unix::fs::symlink;
    let device = sys.join("devices/pci0000:00/usb1").join(port);
    let sound = device.join(format!("{port}:1.0/sound/card{card}"));
    create_dir_all(sound.join(format!("midiC{card}D0"))).expect("the card");
    files.iter().for_each(|(file, text)| write(device.join(file), text).expect("a file"));
    symlink("../..", sound.join("device")).expect("the card's device");
    for (folder, name, at) in
        [("class/sound", format!("card{card}"), &sound), ("bus/usb/devices", port.to_owned(), &device)]
    {
        create_dir_all(sys.join(folder)).expect("a folder");
        symlink(at, sys.join(folder).join(name)).expect("a link");
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `/sys` with one USB device, which is sound card 2.
    fn tree(port: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
        let sys = tempfile::tempdir().expect("a folder");
        build(sys.path(), 2, port, files);
        sys
    }

    const NANO: [(&str, &str); 4] =
        [("idVendor", "0944\n"), ("idProduct", "0117\n"), ("product", "nanoKONTROL2\n"), ("serial", "\n")];

    #[test]
    fn a_card_and_a_port_are_the_same_controller() {
        let sys = tree("1-2.4", &NANO);
        let (plug, sound) = of_card(sys.path(), 2).expect("a USB card");
        assert_eq!(Some(&plug), at_port(sys.path(), "1-2.4").as_ref());
        assert!(!sound);
        let identity = plug.identity(0);
        assert_eq!((identity.to_string().as_str(), identity.name.as_str()), ("usb 0944:0117 at 1-2.4", "nanoKONTROL2"));
        assert_eq!(plug.identity(1).to_string(), "usb 0944:0117 cable 2 at 1-2.4");
        assert_eq!(plug.words(), "nanoKONTROL2 (0944:0117, USB port 1-2.4)");
    }

    #[test]
    fn a_serial_number_is_kept_if_it_is_one() {
        let mut files = NANO;
        files[3].1 = "A7F3019\n";
        let sys = tree("1-1", &files);
        assert_eq!(of_card(sys.path(), 2).expect("a card").0.identity(0).to_string(), "usb 0944:0117 serial A7F3019");
        for example in ["", "0", "000000000000", "0000000001", "123456", "0123456789ABCDEF", "FFFFFFFF"] {
            assert!(!is_its_own(example), "{example}");
        }
        for own in ["A7F3019", "0042", "12345689"] {
            assert!(is_its_own(own), "{own}");
        }
    }

    #[test]
    fn a_card_with_sound_says_so() {
        let sys = tempfile::tempdir().expect("a folder");
        let card = build(sys.path(), 2, "1-1", &NANO);
        std::fs::create_dir(card.join("pcmC2D0p")).expect("a stream");
        assert!(of_card(sys.path(), 2).expect("a card").1);
    }

    #[test]
    fn a_card_that_is_not_on_usb_is_none() {
        let sys = tree("1-1", &[("idVendor", "no number")]);
        assert_eq!(of_card(sys.path(), 2), None);
        assert_eq!(of_card(sys.path(), 7), None);
        assert_eq!(at_port(sys.path(), "3-1"), None);
    }
}
