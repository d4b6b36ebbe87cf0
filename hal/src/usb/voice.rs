//! What is said to controllers on USB: lights, rings, motor faders, a clock.
//!
//! The surface puts lines in and takes them out as controllers come and go; the voice looks one up and lets go of the list
//! before it sends, so neither waits for the other. A device that takes nothing (many have an output and never read it) is
//! waited for once and then ever less often: it must not hold up the clock of the others.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
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
/// Most replies that a device which takes nothing misses before it is tried again.
const MOST_MISSED: u32 = 1024;

/// The way to one cable of one device.
pub(super) struct Line<L> {
    pub(super) link: Arc<L>,
    pub(super) cable: u8,
    pub(super) words: String,
    /// Replies still to be left out.
    missing: AtomicU32,
    /// How many will be left out the next time it takes nothing.
    patience: AtomicU32,
}

impl<L> Line<L> {
    pub(super) fn new(link: Arc<L>, cable: u8, words: String) -> Self {
        Self { link, cable, words, missing: AtomicU32::new(0), patience: AtomicU32::new(1) }
    }
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
        let missing = line.missing.load(Relaxed);
        if missing > 0 {
            line.missing.store(missing - 1, Relaxed);
            return Ok(());
        }
        let mut packets = Vec::new();
        let mut whole = Whole::default();
        for byte in bytes {
            if let Some(message) = whole.feed(*byte) {
                pack(line.cable, message, &mut packets);
            }
        }
        match send(&*line.link, &packets) {
            Ok(()) => {
                line.patience.store(1, Relaxed);
                Ok(())
            }
            // Its leaving is told by the half that listens.
            Err(LinkFault::Gone) => Ok(()),
            Err(fault) => {
                let patience = line.patience.load(Relaxed);
                line.missing.store(patience, Relaxed);
                line.patience.store((patience * 2).min(MOST_MISSED), Relaxed);
                // Said once, not with every light.
                let is_new = patience == 1;
                let fault = format!("{}: lights and clock do not arrive, {fault}", line.words);
                if is_new { Err(SurfaceError::Garbled { surface: "USB MIDI", fault }) } else { Ok(()) }
            }
        }
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
