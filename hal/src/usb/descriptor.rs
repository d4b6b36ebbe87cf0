//! Where in a USB device its MIDI is: the interface of class 1, subclass 3, and its endpoints.
//!
//! Works on plain copies of the descriptors, so that what strange devices say can be tried without them.

/// The class of everything that has to do with sound.
const AUDIO: u8 = 1;
const AUDIO_CONTROL: u8 = 1;
const AUDIO_STREAMING: u8 = 2;
const MIDI_STREAMING: u8 = 3;
/// Class-specific descriptors of an interface and of an endpoint.
const CS_INTERFACE: u8 = 0x24;
const CS_ENDPOINT: u8 = 0x25;
/// The subtypes of the two that matter here.
const MS_HEADER: u8 = 1;
const MS_GENERAL: u8 = 1;
/// The release from which on packets are no longer those of MIDI 1.0.
const MIDI_2: u16 = 0x0200;
/// The direction bit of an endpoint's address: set for what comes from the device.
const IN: u8 = 0x80;

/// How an endpoint carries bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// When there is room: what MIDI uses.
    Bulk,
    /// At an interval: what some MIDI devices use instead.
    Interrupt,
    /// Anything else, which is not MIDI's.
    Other,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address, bit 7 set for what comes from the device.
    pub address: u8,
    /// How it carries bytes.
    pub carriage: Carriage,
    /// The class-specific descriptors behind it.
    pub extra: Vec<u8>,
}

/// One setting of one interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its number.
    pub number: u8,
    /// The alternate setting.
    pub setting: u8,
    /// Its class.
    pub class: u8,
    /// Its subclass.
    pub subclass: u8,
    /// Its endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The class-specific descriptors behind it.
    pub extra: Vec<u8>,
}

/// An endpoint that MIDI flows through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipe {
    /// The endpoint's address.
    pub address: u8,
    /// Interrupt instead of bulk transfers.
    pub interrupt: bool,
    /// Cables on it, 1 to 16.
    pub cables: u8,
}

/// The MIDI of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streaming {
    /// The interface to claim.
    pub interface: u8,
    /// The alternate setting to choose.
    pub setting: u8,
    /// From the device.
    pub input: Option<Pipe>,
    /// To the device.
    pub output: Option<Pipe>,
}

/// The first MIDI interface that speaks MIDI 1.0 and has an endpoint; none where the device has no such thing.
#[must_use]
pub fn midi(interfaces: &[Interface]) -> Option<Streaming> {
    let speaks = |it: &&Interface| it.class == AUDIO && it.subclass == MIDI_STREAMING && release(&it.extra) < MIDI_2;
    interfaces.iter().filter(speaks).find_map(|it| {
        let pipe = |way: u8| it.endpoints.iter().filter(|end| end.address & IN == way).find_map(pipe);
        let (input, output) = (pipe(IN), pipe(0));
        let has_any = input.is_some() || output.is_some();
        has_any.then_some(Streaming { interface: it.number, setting: it.setting, input, output })
    })
}

/// Whether the device also plays or records sound: then taking its MIDI takes the sound away from the kernel too.
#[must_use]
pub fn carries_sound(interfaces: &[Interface]) -> bool {
    interfaces.iter().any(|it| it.class == AUDIO && it.subclass == AUDIO_STREAMING)
}

/// The interfaces that the kernel's audio driver holds, the one it finds the others by first.
#[must_use]
pub fn held_by_kernel(interfaces: &[Interface]) -> Vec<u8> {
    let audio = interfaces.iter().filter(|it| it.class == AUDIO);
    let mut numbers: Vec<(bool, u8)> = audio.map(|it| (it.subclass != AUDIO_CONTROL, it.number)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().map(|(_, number)| number).collect()
}

fn pipe(end: &Endpoint) -> Option<Pipe> {
    let interrupt = match end.carriage {
        Carriage::Bulk => false,
        Carriage::Interrupt => true,
        Carriage::Other => return None,
    };
    // One jack a cable. A device that does not say has one.
    let jacks =
        parts(&end.extra).find(|it| it.len() > 3 && it[1] == CS_ENDPOINT && it[2] == MS_GENERAL).map(|it| it[3]);
    Some(Pipe { address: end.address, interrupt, cables: jacks.unwrap_or(1).clamp(1, 16) })
}

/// The release of the MIDI class that an interface speaks, 0 where it does not say.
fn release(extra: &[u8]) -> u16 {
    let header = parts(extra).find(|it| it.len() > 4 && it[1] == CS_INTERFACE && it[2] == MS_HEADER);
    header.map_or(0, |it| u16::from_le_bytes([it[3], it[4]]))
}

/// The descriptors that stand behind one another, up to the first that cannot be one.
fn parts(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let size = usize::from(*bytes.first()?);
        if size < 2 {
            return None;
        }
        let (part, rest) = bytes.split_at_checked(size)?;
        bytes = rest;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn end(address: u8, carriage: Carriage, extra: &[u8]) -> Endpoint {
        Endpoint { address, carriage, extra: extra.to_vec() }
    }

    fn interface(number: u8, subclass: u8, endpoints: Vec<Endpoint>) -> Interface {
        Interface { number, class: AUDIO, subclass, endpoints, ..Interface::default() }
    }

    /// As most small controllers are: audio control without endpoints, then MIDI with two bulk endpoints.
    fn small() -> Vec<Interface> {
        let ends =
            vec![end(0x01, Carriage::Bulk, &[5, 0x25, 1, 1, 1]), end(0x82, Carriage::Bulk, &[6, 0x25, 1, 2, 3, 4])];
        vec![interface(0, AUDIO_CONTROL, Vec::new()), interface(1, MIDI_STREAMING, ends)]
    }

    #[test]
    fn the_midi_interface_of_a_controller_is_found_with_its_cables() {
        let output = Some(Pipe { address: 1, interrupt: false, cables: 1 });
        let input = Some(Pipe { address: 0x82, interrupt: false, cables: 2 });
        assert_eq!(midi(&small()), Some(Streaming { interface: 1, setting: 0, input, output }));
        assert!(!carries_sound(&small()));
    }

    #[test]
    fn a_setting_that_speaks_midi_2_is_passed_over() {
        let mut interfaces = small();
        let mut second = interfaces[1].clone();
        (second.setting, second.extra) = (1, vec![7, CS_INTERFACE, MS_HEADER, 0x00, 0x02, 7, 0]);
        interfaces.insert(1, second);
        assert_eq!(midi(&interfaces).map(|it| it.setting), Some(0));
        interfaces.pop();
        assert_eq!(midi(&interfaces), None);
    }

    #[test]
    fn interrupt_endpoints_carry_midi_and_isochronous_ones_do_not() {
        let ends = vec![end(0x81, Carriage::Other, &[]), end(0x83, Carriage::Interrupt, &[])];
        let found = midi(&[interface(3, MIDI_STREAMING, ends)]).expect("an input");
        assert_eq!(found.input, Some(Pipe { address: 0x83, interrupt: true, cables: 1 }));
        assert_eq!((found.interface, found.output), (3, None));
    }

    #[test]
    fn devices_without_midi_have_none() {
        let mouse = Interface { class: 3, subclass: 1, ..interface(0, 1, vec![end(0x81, Carriage::Interrupt, &[])]) };
        let vendor = Interface { class: 0xff, ..small().remove(1) };
        let mute = interface(1, MIDI_STREAMING, Vec::new());
        assert_eq!(midi(&[mouse, vendor, mute]), None);
    }

    #[test]
    fn the_kernel_is_let_go_and_asked_back_by_its_control_interface() {
        let mut interfaces = small();
        interfaces.reverse();
        interfaces
            .extend([Interface { number: 5, class: 3, ..Interface::default() }, interface(1, MIDI_STREAMING, vec![])]);
        assert_eq!(held_by_kernel(&interfaces), [0, 1]);
        interfaces.push(interface(2, AUDIO_STREAMING, Vec::new()));
        assert!(carries_sound(&interfaces));
    }

    proptest! {
        #[test]
        fn no_descriptor_makes_it_fail(extra in prop::collection::vec(any::<u8>(), 0..64), more in prop::collection::vec(any::<u8>(), 0..64)) {
            let broken = Interface { extra, ..interface(1, MIDI_STREAMING, vec![end(0x81, Carriage::Bulk, &more)]) };
            if let Some(found) = midi(&[broken]) {
                prop_assert!((1..=16).contains(&found.input.expect("the only endpoint").cables));
            }
        }
    }
}
