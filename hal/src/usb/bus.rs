//! What the surface needs of USB: who is plugged in, a way in, and bytes to and fro. libusb is one, the fake another.

use std::time::Duration;

use super::descriptor::{Interface, Streaming};
use super::plug::Plug;

/// Where the bus has put a device: another one after every plug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seat {
    /// The bus.
    pub bus: u8,
    /// The address on it.
    pub address: u8,
}

/// A device that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is now.
    pub seat: Seat,
    /// What it is.
    pub plug: Plug,
    /// What it offers.
    pub interfaces: Vec<Interface>,
}

/// Why a device was not opened. All but the first may pass: try again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It left in the meantime. Forget it.
    #[error("it was unplugged")]
    Gone,
    /// The system does not let this user in.
    #[error("permission denied")]
    Denied,
    /// Another program holds it.
    #[error("another program holds it")]
    Busy,
    /// Something else.
    #[error("{0}")]
    Failed(String),
}

/// Why bytes did not go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// It was unplugged. Close it.
    #[error("it was unplugged")]
    Gone,
    /// The endpoint stands still until its stall is cleared.
    #[error("it stalled")]
    Stalled,
    /// It took nothing for as long as it was given.
    #[error("it takes nothing")]
    Full,
    /// A transfer went wrong; the next may not.
    #[error("{0}")]
    Failed(String),
}

/// All USB devices of the machine.
pub trait Bus: Send + Sync + 'static {
    /// An open device.
    type Link: Link;

    /// Who is plugged in now.
    ///
    /// # Errors
    /// In words, where the bus cannot be listed.
    fn devices(&self) -> Result<Vec<Found>, String>;

    /// Takes a device from the kernel's driver and claims its MIDI. Dropping the link gives it back.
    ///
    /// # Errors
    /// [`Refusal`]. The kernel's driver then has the device as before.
    fn open(&self, found: &Found, streaming: &Streaming) -> Result<Self::Link, Refusal>;

    /// Waits until something may have been plugged or unplugged, and no longer than `patience`.
    fn wait(&self, patience: Duration);
}

/// An open device. Reading and writing at the same time is fine.
pub trait Link: Send + Sync + 'static {
    /// Waits up to `patience` for one transfer from the device; 0 bytes when none came.
    ///
    /// # Errors
    /// [`LinkFault`].
    fn read(&self, transfer: &mut [u8], patience: Duration) -> Result<usize, LinkFault>;

    /// Sends bytes, waiting up to `patience` for the device to take some; answers how many it took.
    ///
    /// # Errors
    /// [`LinkFault`].
    fn write(&self, bytes: &[u8], patience: Duration) -> Result<usize, LinkFault>;

    /// Makes an input that stalled go on.
    ///
    /// # Errors
    /// [`LinkFault`], when it will not.
    fn clear_stall(&self) -> Result<(), LinkFault>;
}
