//! The thread of one device: transfers in, gestures into the queue.
//!
//! A full queue holds the thread up; it then asks for no transfer, and the device keeps what it has to say until it is
//! asked. So nothing is lost between the knob and the conductor, however long that one is busy. A transfer that goes wrong
//! is tried again; a device that only ever goes wrong is given up.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use super::bus::{Link, LinkFault, Seat};
use super::packet::Unpacker;
use crate::gesture::{Clock, Gesture};
use crate::midi::{SharedEar, lock};

/// Room for one transfer: the largest packet of a bulk endpoint, and a multiple of every smaller one, since a transfer that
/// does not fit is lost as a whole.
const TRANSFER: usize = 1024;
/// How long a read waits before the thread looks whether it should end.
const READ: Duration = Duration::from_millis(100);
/// Transfers that may go wrong in a row.
const STRIKES: u32 = 8;
/// Rest between two of them: a burst of interference is over by the last.
const REST: Duration = Duration::from_millis(25);

/// What readers and the watcher say to the surface.
pub(super) enum Heard {
    Gesture(Gesture),
    /// Something may have been plugged or unplugged.
    Look,
    /// A reader has ended; the fault is for the player, and none where the device was unplugged.
    Ended(Seat, Option<String>),
}

/// One reader.
pub(super) struct Reader<C> {
    pub(super) seat: Seat,
    pub(super) clock: C,
    /// By cable; at least one.
    pub(super) ears: Vec<SharedEar>,
    pub(super) queue: SyncSender<Heard>,
    pub(super) dropped: std::sync::Arc<AtomicU64>,
}

impl<C: Clock> Reader<C> {
    /// Reads until the device goes, or `stop`; then says that it has ended.
    pub(super) fn run<L: Link>(mut self, link: &L, stop: &AtomicBool) {
        let fault = self.read(link, stop);
        // It errs only when the surface is gone, and then nobody is interested.
        let _ = self.queue.send(Heard::Ended(self.seat, fault));
    }

    fn read<L: Link>(&mut self, link: &L, stop: &AtomicBool) -> Option<String> {
        let mut transfer = [0; TRANSFER];
        let mut strikes = 0;
        while !stop.load(Relaxed) {
            let fault = match link.read(&mut transfer, READ) {
                Ok(0) => continue,
                Ok(size) => {
                    strikes = 0;
                    if !self.tell(&transfer[..size.min(TRANSFER)]) {
                        return None;
                    }
                    continue;
                }
                Err(fault) => fault,
            };
            let cleared = if fault == LinkFault::Stalled { link.clear_stall() } else { Ok(()) };
            if fault == LinkFault::Gone || cleared == Err(LinkFault::Gone) {
                return None;
            }
            strikes += 1;
            if strikes == STRIKES {
                return Some(fault.to_string());
            }
            self.clock.wait(REST);
        }
        None
    }

    /// Whether there is still somebody to tell.
    fn tell(&mut self, transfer: &[u8]) -> bool {
        let now = self.clock.now();
        let last = self.ears.len() - 1;
        let (ears, queue) = (&self.ears, &self.queue);
        let mut listened = true;
        let mut unpacker = Unpacker::default();
        unpacker.transfer(transfer, |cable, byte| {
            // A cable that the device did not announce is still somebody's knob.
            // Not held while the queue is waited for: whoever reads the queue looks at the ears.
            let told = lock(&ears[usize::from(cable).min(last)]).hear(byte, now);
            for gesture in told {
                listened &= queue.send(Heard::Gesture(gesture)).is_ok();
            }
        });
        self.dropped.fetch_add(unpacker.garbled + unpacker.cut, Relaxed);
        listened
    }
}
