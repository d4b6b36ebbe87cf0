//! USB-MIDI controllers taken straight from the bus, past the kernel's driver and its sequencer.
//!
//! For boxes without the kernel's sound modules, and for players who want the shortest way from a knob. What a transfer
//! holds ([`packet`]), where a device keeps its MIDI ([`descriptor`]) and who it is ([`plug`]) are plain functions;
//! [`UsbMidi`] follows plugs and runs one thread a device over any [`Bus`]: libusb's ([`LibUsb`]) or the fake
//! ([`FakeBus`]). Gestures are never dropped: a full queue makes the device wait.

mod bus;
pub mod descriptor;
mod fake;
mod libusb;
mod live;
#[cfg(test)]
mod live_tests;
pub mod packet;
pub mod plug;
mod reader;
mod select;
mod voice;

pub use bus::{Bus, Found, Link, LinkFault, Refusal, Seat};
pub use fake::{FakeBus, FakeLink};
pub use libusb::{LibUsb, UsbLink};
pub use live::UsbMidi;
pub use select::{NoSelection, UsbSelect};
