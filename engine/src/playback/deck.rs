//! Makes the ends of a player, and is the conductor's end: gain and mute as latest-wins values, seek, band and swap as
//! orders in a bounded queue.
//!
//! Policy when the order queue is full: the order comes back to the caller, who tries again after the next period;
//! orders are never lost and the audio thread never waits. A tape that was swapped out comes home to be freed here,
//! because the audio thread may not free.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use rtrb::{Consumer, Producer, RingBuffer};

use super::meters::{Meters, Playhead};
use super::moment::Course;
use super::parcel::{Packer, post};
use super::player::Player;
use super::tape::{LoopBand, Tape, TapeId};

/// Orders that fit between two periods. A hand makes a few a second.
const ORDERS: usize = 64;
/// Tapes on their way home. One swap in flight is usual; with all places taken a swap waits.
const RETIRED: usize = 4;
/// Faders at or below this are off.
const OFF_DB: f32 = -60.0;
/// Top of the gain's range.
const GAIN_MAX_DB: f32 = 12.0;

/// How much a deck can hold; fixed for its life, since boxes are made once.
#[derive(Clone, Copy, Debug)]
pub struct DeckSize {
    /// Window boxes in flight: the one being written, the one waiting, and one to fill is the least that flows.
    pub boxes: usize,
    /// The longest window, in stereo samples.
    pub window_frames: usize,
}

impl Default for DeckSize {
    /// Four boxes of 3 s, the longest window of the instrument: 4.6 MB.
    fn default() -> Self {
        Self { boxes: 4, window_frames: 144_000 }
    }
}

/// What an order asks of the audio thread.
#[derive(Debug)]
pub(super) enum Order {
    Seek(usize),
    Band(LoopBand),
    Swap { tape: Tape, id: TapeId, band: LoopBand, position: usize },
}

/// The latest-wins values of a player.
#[derive(Debug)]
pub(super) struct Desk {
    gain: AtomicU32,
    muted: AtomicBool,
}

impl Desk {
    /// The linear gain to play at: 0 when muted.
    pub(super) fn gain(&self) -> f32 {
        if self.muted.load(Relaxed) { 0.0 } else { f32::from_bits(self.gain.load(Relaxed)) }
    }
}

/// Why an order was not taken. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// 64 orders are waiting: the audio thread stands still or the caller runs wild. Try again after a period.
    #[error("the audio thread has not taken the last {ORDERS} orders yet")]
    Busy,
    /// The tape comes back with it.
    #[error("the audio thread has not taken the last {ORDERS} orders yet; the tape was not swapped")]
    SwapBusy(Tape),
    /// The position or band does not lie on the tape.
    #[error("{what} {found} lies beyond the tape's {most} stereo samples")]
    OffTape {
        /// What was asked for.
        what: &'static str,
        /// The stereo sample asked for.
        found: usize,
        /// Length of the tape.
        most: usize,
    },
}

/// The conductor's end of a player. Never blocks.
#[derive(Debug)]
pub struct Transport {
    orders: Producer<Order>,
    retired: Consumer<Tape>,
    desk: Arc<Desk>,
    meters: Arc<Meters>,
    tape_frames: usize,
    tape: TapeId,
    band: LoopBand,
}

/// A player of `tape`, its decode-thread end and its conductor's end. Playing starts at the tape's start, at unity gain,
/// looping the whole tape.
#[must_use]
pub fn deck(tape: Tape, size: DeckSize) -> (Player, Packer, Transport) {
    let meters = Arc::new(Meters::default());
    let desk = Arc::new(Desk { gain: AtomicU32::new(1.0_f32.to_bits()), muted: AtomicBool::new(false) });
    let (packer, post) = post(size.boxes.max(1), size.window_frames, Arc::clone(&meters));
    let (orders, orders_out) = RingBuffer::new(ORDERS);
    let (retired_in, retired) = RingBuffer::new(RETIRED);
    let (tape_frames, band) = (tape.len(), LoopBand::whole(tape.len()));
    let player = Player::new(tape, post, orders_out, retired_in, Arc::clone(&desk), Arc::clone(&meters));
    let transport = Transport { orders, retired, desk, meters, tape_frames, tape: TapeId::default(), band };
    (player, packer, transport)
}

impl Transport {
    /// Sets the output gain: -60 dB or less is off, 12 dB the most. What is not a number is refused (`false`).
    pub fn set_gain_db(&self, gain_db: f32) -> bool {
        if gain_db.is_nan() {
            return false;
        }
        let gain = if gain_db <= OFF_DB { 0.0 } else { 10.0_f32.powf(gain_db.min(GAIN_MAX_DB) / 20.0) };
        self.desk.gain.store(gain.to_bits(), Relaxed);
        true
    }

    /// Fades the output out (or back in): 99 % of the way in 23 ms. The tape goes on.
    pub fn set_muted(&self, muted: bool) {
        self.desk.muted.store(muted, Relaxed);
    }

    /// Whether the output is muted.
    #[must_use]
    pub fn muted(&self) -> bool {
        self.desk.muted.load(Relaxed)
    }

    /// Jumps to stereo sample `position`, brought into the band by whole turns.
    ///
    /// # Errors
    /// When the position is off the tape or the queue is full.
    pub fn seek(&mut self, position: usize) -> Result<(), TransportError> {
        if position >= self.tape_frames {
            return Err(TransportError::OffTape { what: "position", found: position, most: self.tape_frames });
        }
        self.orders.push(Order::Seek(position)).map_err(|_| TransportError::Busy)
    }

    /// Loops another part of the tape. A playhead outside of it is brought in by whole turns, so that the beat is kept.
    ///
    /// # Errors
    /// When the band is off the tape or the queue is full.
    pub fn set_band(&mut self, band: LoopBand) -> Result<(), TransportError> {
        if band.end() > self.tape_frames {
            return Err(TransportError::OffTape { what: "loop end", found: band.end(), most: self.tape_frames });
        }
        self.orders.push(Order::Band(band)).map_err(|_| TransportError::Busy)?;
        self.band = band;
        Ok(())
    }

    /// The band last set, which the player follows within a period.
    #[must_use]
    pub fn band(&self) -> LoopBand {
        self.band
    }

    /// Plays another tape from `position`, looping the whole of it. Returns the name that windows for it must carry;
    /// windows for the old tape are dropped from now on.
    ///
    /// # Errors
    /// When the position is off the new tape or the queue is full.
    pub fn swap(&mut self, tape: Tape, position: usize) -> Result<TapeId, TransportError> {
        if position >= tape.len() {
            return Err(TransportError::OffTape { what: "position", found: position, most: tape.len() });
        }
        self.collect();
        let (frames, band) = (tape.len(), LoopBand::whole(tape.len()));
        let id = TapeId(self.tape.0.wrapping_add(1));
        match self.orders.push(Order::Swap { tape, id, band, position }) {
            Ok(()) => {
                (self.tape_frames, self.tape, self.band) = (frames, id, band);
                Ok(id)
            }
            Err(rtrb::PushError::Full(Order::Swap { tape, .. })) => Err(TransportError::SwapBusy(tape)),
            Err(rtrb::PushError::Full(_)) => Err(TransportError::Busy),
        }
    }

    /// Frees tapes that were swapped out; returns how many. Call it now and then.
    pub fn collect(&mut self) -> usize {
        std::iter::from_fn(|| self.retired.pop().ok()).count()
    }

    /// The tape last swapped in.
    #[must_use]
    pub fn tape(&self) -> TapeId {
        self.tape
    }

    /// Length of the tape last swapped in, in stereo samples.
    #[must_use]
    pub fn tape_frames(&self) -> usize {
        self.tape_frames
    }

    /// Where the tape is being read.
    #[must_use]
    pub fn playhead(&self) -> Playhead {
        self.meters.playhead()
    }

    /// The way ahead, as far as the orders given so far say.
    #[must_use]
    pub fn course(&self) -> Course {
        Course::new(self.playhead(), self.band)
    }

    /// The counters and levels; clone the `Arc` for every thread that looks.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latent::SAMPLES_PER_LATENT_FRAME as FRAME;

    fn silence(frames: usize) -> Tape {
        Tape::new(vec![[0.0; 2]; frames]).expect("long enough")
    }

    #[test]
    fn a_band_may_end_where_the_tape_ends_and_not_beyond() {
        let (_player, _packer, mut transport) = deck(silence(4 * FRAME), DeckSize::default());
        let band = |end: usize| LoopBand::new(0, end, 8 * FRAME).expect("a band of a longer tape");
        assert!(transport.set_band(band(4 * FRAME)).is_ok() && transport.set_band(band(3 * FRAME)).is_ok());
        let refused = transport.set_band(band(4 * FRAME + 1));
        assert!(
            matches!(refused, Err(TransportError::OffTape { what: "loop end", found, .. }) if found == 4 * FRAME + 1)
        );
        assert_eq!(transport.band(), band(3 * FRAME), "nothing has changed");
    }

    #[test]
    fn the_conductor_is_told_what_it_asked_for_last() {
        let (_player, _packer, mut transport) = deck(silence(4 * FRAME), DeckSize::default());
        assert_eq!((transport.muted(), transport.tape_frames()), (false, 4 * FRAME));
        transport.set_muted(true);
        let id = transport.swap(silence(3 * FRAME), 0).expect("there is room");
        assert_eq!((transport.muted(), transport.tape_frames(), transport.tape()), (true, 3 * FRAME, id));
        assert_eq!(transport.band(), LoopBand::whole(3 * FRAME));
    }
}
