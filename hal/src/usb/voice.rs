//! What is said to controllers on USB: lights, rings, motor faders, a clock.
//!
//! The surface puts lines in and takes them out as controllers come and go; the voice looks one up and lets go of the list
//! before it sends, so neither waits for the other. A device that takes nothing (many have an output and never read it) is
//! waited for a moment each time; how often it is tried is the caller's to say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bus::{Link, LinkFault};
use super::packet::{PACKET, pack};
use crate::gesture::{Reply, SurfaceError, SurfaceId, Voice};
use crate::midi::message::Whole;

/// How long a device is given to take one transfer: a full-speed device takes one a millisecond.
const WRITE: Duration = Duration::from_millis(20);
/// Bytes of one transfer: the packet size of a full-speed device, so that what was taken ends at a packet.
const TRANSFER: usize = 16 * PACKET;

/// The way to one cable of one device.
pub(super) struct Line<L> {
    pub(super) link: Arc<L>,
    pub(super) cable: u8,
    pub(super) words: String,
}

/// All lines, by surface. Clones are the same list.
pub(super) struct Lines<L>(Arc<Mutex<HashMap<SurfaceId, Arc<Line<L>>>>>);

impl<L> Clone for Lines<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L> Default for Lines<L> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<L> Lines<L> {
    pub(super) fn put(&self, surface: SurfaceId, line: Line<L>) {
        self.list().insert(surface, Arc::new(line));
    }

    pub(super) fn take(&self, surface: SurfaceId) {
        // Dropped after the list is free: closing a device may take a while.
        let line = self.list().remove(&surface);
        drop(line);
    }

    fn to(&self, surface: SurfaceId) -> Option<Arc<Line<L>>> {
        self.list().get(&surface).cloned()
    }

    fn list(&self) -> MutexGuard<'_, HashMap<SurfaceId, Arc<Line<L>>>> {
        // Whoever panicked while holding it left a list that is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sending half of a [`UsbMidi`](super::UsbMidi).
pub(super) struct UsbVoice<L>(pub(super) Lines<L>);

impl<L: Link> Voice for UsbVoice<L> {
    fn say(&mut self, to: SurfaceId, reply: &Reply) -> Result<(), SurfaceError> {
        let Reply::Midi(bytes) = reply else { return Ok(()) };
        let Some(line) = self.0.to(to) else { return Ok(()) };
        let mut packets = Vec::new();
        let mut whole = Whole::default();
        for byte in bytes {
            if let Some(message) = whole.feed(*byte) {
                pack(line.cable, message, &mut packets);
            }
        }
        match send(&*line.link, &packets) {
            // Its leaving is told by the half that listens.
            Ok(()) | Err(LinkFault::Gone) => Ok(()),
            Err(fault) => {
                let fault = format!("{}: lights and clock do not arrive, {fault}", line.words);
                Err(SurfaceError::Garbled { surface: "USB MIDI", fault })
            }
        }
    }

    fn another(&self) -> Box<dyn Voice> {
        Box::new(Self(self.0.clone()))
    }
}

fn send<L: Link>(link: &L, packets: &[u8]) -> Result<(), LinkFault> {
    for transfer in packets.chunks(TRANSFER) {
        let mut left = transfer;
        while !left.is_empty() {
            // A packet that was taken in part is finished before anything else is said.
            let taken = link.write(left, WRITE)?;
            if taken == 0 {
                return Err(LinkFault::Full);
            }
            left = &left[taken.min(left.len())..];
        }
    }
    Ok(())
}
