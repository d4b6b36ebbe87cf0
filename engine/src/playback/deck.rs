//! Makes the ends of a player, and is the conductor's end: gain and mute as latest-wins values, seek, band and swap as
//! orders in a bounded queue.
//!
//! Policy when the order queue is full: the order comes back to the caller, who tries again after the next period;
//! orders are never lost and the audio thread never waits. A tape that was swapped out comes home to be freed here,
//! because the audio thread may not free.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use rtrb::{Consumer, Producer, RingBuffer};

use super::attached_packer::{AttachedPacker, Epoch};
use super::berth::{Berth, Berthed};
use super::feed::{Feed, FeedHere};
use super::meters::{Playhead, SharedMeters};
use super::moment::Course;
use super::parcel::{Packer, post};
use super::player::Player;
use super::tape::{LoopBand, Tape, TapeId};
use super::transition::Transition;
use crate::boundary::{
    Arena, DESK_GAIN, DESK_MUTED, ORDERS as ORDER_RING, Order as Asked, RingWriter, Sizes, Standing, Sum, TapeReader,
    Trace, TraceReader, Words as _,
};

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
    Swap { tape: Tape, id: TapeId, how: Transition },
}

/// The latest-wins values of a player.
#[derive(Debug)]
pub(super) struct Desk {
    gain: AtomicU32,
    muted: AtomicBool,
    /// The tape that plays; written by the player.
    tape: AtomicU32,
}

impl Desk {
    /// Another tape plays.
    pub(super) fn plays(&self, tape: TapeId) {
        self.tape.store(tape.0, Release);
    }

    /// The linear gain to play at: 0 when muted.
    pub(super) fn gain(&self) -> f32 {
        if self.muted.load(Acquire) { 0.0 } else { f32::from_bits(self.gain.load(Relaxed)) }
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
    /// The player in another process has no room for such a tape.
    #[error(
        "the tape has {found} stereo samples, the player that runs has room for {most}; end it (demon player --stop) and start again"
    )]
    NoRoom {
        /// Stereo samples of the tape.
        found: usize,
        /// Stereo samples that the player has room for.
        most: usize,
    },
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
    way: Way,
    meters: SharedMeters,
    tape_frames: usize,
    tape: TapeId,
    band: LoopBand,
}

/// The way to the player.
#[derive(Debug)]
enum Way {
    /// Which is one of this process.
    /// `tee` holds the last seconds of what was played.
    Here { orders: Producer<Order>, retired: Consumer<Tape>, desk: Arc<Desk>, tee: Option<Arena> },
    /// Which is another process's. `told` is what it was attached as when the orders' ring was looked at last.
    Attached { arena: Arena, orders: RingWriter, epochs: Epoch, told: u64 },
}

/// A player of `tape`, its decode-thread end and its conductor's end. Playing starts at the tape's start, at unity gain,
/// looping the whole tape.
#[must_use]
pub fn deck(tape: Tape, size: DeckSize) -> (Player, Packer, Transport) {
    deck_with(tape, size, None)
}

/// The same, with a tee that keeps the last seconds of what was played ([`Transport::tee`]), as a player in a process of its own has it.
#[must_use]
pub fn deck_with_tee(tape: Tape, size: DeckSize) -> (Player, Packer, Transport) {
    // Only the front part of an arena and its tee are of use here.
    let arena = Arena::on_heap(Sizes { boxes: 1, window_frames: 1, tape_frames: 1 });
    deck_with(tape, size, Some(arena))
}

fn deck_with(tape: Tape, size: DeckSize, tee: Option<Arena>) -> (Player, Packer, Transport) {
    let meters = SharedMeters::default();
    let (gain, muted) = (AtomicU32::new(1.0_f32.to_bits()), AtomicBool::new(false));
    let desk = Arc::new(Desk { gain, muted, tape: AtomicU32::new(0) });
    let (packer, post) = post(size.boxes.max(1), size.window_frames, meters.clone());
    let (orders, orders_out) = RingBuffer::new(ORDERS);
    let (retired_in, retired) = RingBuffer::new(RETIRED);
    let (tape_frames, band) = (tape.len(), LoopBand::whole(tape.len()));
    let trace = tee.as_ref().map(|arena| Trace::resume(arena, 0));
    let feed = Feed::Here(FeedHere { post, orders: orders_out, retired: retired_in, desk: Arc::clone(&desk), trace });
    let player = Player::new(tape, feed, meters.clone());
    let way = Way::Here { orders, retired, desk, tee };
    let transport = Transport { way, meters, tape_frames, tape: TapeId::default(), band };
    (player, packer, transport)
}

/// The ends of an engine that is attached to the player of `arena`: as what, `epochs` says, now and after the player was started
/// again. They go on with the tape that plays.
#[must_use]
pub fn attach(arena: &Arena, epochs: &Epoch) -> (Packer, Transport) {
    let packer = Packer::attached(AttachedPacker::new(arena, epochs.clone()));
    let standing = Standing::read(arena).unwrap_or_default();
    // Of a player that has no tape yet the engine brings one.
    let tape_frames = usize::try_from(standing.frames).unwrap_or(0).clamp(LoopBand::FRAMES_MIN, Tape::FRAMES_MAX);
    let [start, end] = standing.band.map(|it| usize::try_from(it).unwrap_or(usize::MAX).min(tape_frames));
    let band = LoopBand::new(start, end, tape_frames).unwrap_or(LoopBand::whole(tape_frames));
    let orders = RingWriter::resume(ORDER_RING, arena);
    let way = Way::Attached { arena: arena.clone(), orders, epochs: epochs.clone(), told: epochs.now() };
    let meters = SharedMeters::of(arena);
    (packer, Transport { way, meters, tape_frames, tape: TapeId(standing.tape), band })
}

/// The sum by which a tape of this sound is known again ([`Standing::sum`]).
#[must_use]
pub fn sum_of(sound: &[crate::latent::StereoFrame]) -> u64 {
    Sum::of_sound(sound)
}

impl Transport {
    /// Sets the output gain: -60 dB or less is off, 12 dB the most. What is not a number is refused (`false`).
    pub fn set_gain_db(&self, gain_db: f32) -> bool {
        if gain_db.is_nan() {
            return false;
        }
        let gain = if gain_db <= OFF_DB { 0.0 } else { 10.0_f32.powf(gain_db.min(GAIN_MAX_DB) / 20.0) };
        match &self.way {
            Way::Here { desk, .. } => desk.gain.store(gain.to_bits(), Relaxed),
            Way::Attached { arena, .. } => arena.store(DESK_GAIN, gain.to_bits().into(), Relaxed),
        }
        true
    }

    /// Fades the output out (or back in): 99 % of the way in 23 ms. The tape goes on. A jump that was ordered before is made before the
    /// sound comes back, and unheard.
    pub fn set_muted(&self, muted: bool) {
        match &self.way {
            Way::Here { desk, .. } => desk.muted.store(muted, Release),
            Way::Attached { arena, .. } => arena.store(DESK_MUTED, muted.into(), Release),
        }
    }

    /// The output gain that was set last, linear; of a player that played before, what it plays at.
    #[must_use]
    pub fn gain(&self) -> f32 {
        match &self.way {
            Way::Here { desk, .. } => f32::from_bits(desk.gain.load(Relaxed)),
            Way::Attached { arena, .. } => f32::from_bits(arena.load(DESK_GAIN, Relaxed) as u32),
        }
    }

    /// Whether the output is muted.
    #[must_use]
    pub fn muted(&self) -> bool {
        match &self.way {
            Way::Here { desk, .. } => desk.muted.load(Relaxed),
            Way::Attached { arena, .. } => arena.load(DESK_MUTED, Relaxed) != 0,
        }
    }

    /// Jumps to stereo sample `position`, brought into the band by whole turns.
    ///
    /// # Errors
    /// When the position is off the tape or the queue is full.
    pub fn seek(&mut self, position: usize) -> Result<(), TransportError> {
        if position >= self.tape_frames {
            return Err(TransportError::OffTape { what: "position", found: position, most: self.tape_frames });
        }
        let asked = Asked::Seek { tape: self.tape.0, position: position as u64 };
        self.send(Order::Seek(position), &asked).map_err(|_| TransportError::Busy)
    }

    /// Loops another part of the tape. A playhead outside of it is brought in by whole turns, so that the beat is kept.
    ///
    /// # Errors
    /// When the band is off the tape or the queue is full.
    pub fn set_band(&mut self, band: LoopBand) -> Result<(), TransportError> {
        if band.end() > self.tape_frames {
            return Err(TransportError::OffTape { what: "loop end", found: band.end(), most: self.tape_frames });
        }
        let asked = Asked::Band { tape: self.tape.0, start: band.start() as u64, end: band.end() as u64 };
        self.send(Order::Band(band), &asked).map_err(|_| TransportError::Busy)?;
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
        self.swap_as(tape, 0, position)
    }

    /// As [`Self::swap`], with a tape that came back from a disk: `recording` is the sum ([`sum_of`]) of what it once began as, by which
    /// it is known again ([`Standing::recording`]).
    ///
    /// # Errors
    /// As [`Self::swap`].
    pub fn bring_back(&mut self, tape: Tape, recording: u64, position: usize) -> Result<TapeId, TransportError> {
        self.swap_as(tape, recording, position)
    }

    /// `recording` is 0 where the tape is the recording itself.
    fn swap_as(&mut self, tape: Tape, recording: u64, position: usize) -> Result<TapeId, TransportError> {
        if position >= tape.len() {
            return Err(TransportError::OffTape { what: "position", found: position, most: tape.len() });
        }
        let how = Transition::at_once(position, tape.len());
        let berthed = self.berth().keeping(tape, recording)?;
        match self.hand_over(berthed, &how) {
            Ok(id) => Ok(id),
            Err(Berthed { tape: Some(tape), .. }) => Err(TransportError::SwapBusy(tape)),
            Err(_) => Err(TransportError::Busy),
        }
    }

    /// Where a worker puts the next tape, so that [`Self::hand_over`] has little to do.
    #[must_use]
    pub fn berth(&self) -> Berth {
        Berth::of(match &self.way {
            Way::Here { .. } => None,
            Way::Attached { arena, .. } => Some(arena.clone()),
        })
    }

    /// Plays a tape that was brought to a berth of this transport, as `how` says; a position outside of the band is brought in by whole
    /// turns. Returns the name that windows for it must carry; [`Self::plays`] says from when on they are taken.
    ///
    /// # Errors
    /// It comes back when the queue is full, the band is not on it, or another tape has taken its place since it was brought.
    #[allow(clippy::result_large_err)] // a tape that comes back is not lost
    pub fn hand_over(&mut self, berthed: Berthed, how: &Transition) -> Result<TapeId, Berthed> {
        self.collect();
        let (frames, id) = (berthed.frames, TapeId(self.tape.0.wrapping_add(1)));
        if frames < how.band.end() {
            return Err(berthed);
        }
        let asked = match (&self.way, berthed.slot) {
            (Way::Attached { arena, .. }, Some(slot)) if !is_taken(arena, slot) => berthed.order(id, how),
            (Way::Here { .. }, None) => Asked::Seek { tape: id.0, position: 0 },
            _ => return Err(berthed),
        };
        let Berthed { tape, sum, slot, recording, .. } = berthed;
        // Another process has it already: what travels in this one is of no use there.
        let travels = tape.unwrap_or_default();
        match self.send(Order::Swap { tape: travels, id, how: *how }, &asked) {
            Err(Order::Swap { tape, .. }) => {
                Err(Berthed { tape: Some(tape).filter(|it| it.len() == frames), frames, sum, slot, recording })
            }
            Ok(()) | Err(_) => {
                (self.tape_frames, self.tape, self.band) = (frames, id, how.band);
                Ok(id)
            }
        }
    }

    /// Whether the player has come to this tape, which was handed over before.
    #[must_use]
    pub fn plays(&self, tape: TapeId) -> bool {
        match &self.way {
            Way::Here { desk, .. } => desk.tape.load(Acquire) == tape.0,
            Way::Attached { arena, .. } => Standing::read(arena).is_some_and(|it| it.tape == tape.0),
        }
    }

    /// The player has not taken a tape that was handed over: goes on with the one that it plays.
    pub fn go_on_with_what_plays(&mut self) {
        if let Some(Standing { tape, frames, band: [start, end], .. }) = self.standing() {
            let frames = usize::try_from(frames).unwrap_or(0).clamp(LoopBand::FRAMES_MIN, Tape::FRAMES_MAX);
            let [start, end] = [start, end].map(|it| usize::try_from(it).unwrap_or(usize::MAX).min(frames));
            (self.tape, self.tape_frames) = (TapeId(tape), frames);
            self.band = LoopBand::new(start, end, frames).unwrap_or(LoopBand::whole(frames));
        }
    }

    /// Sends an order, or the same one in another process's words; one that finds no room comes back.
    fn send(&mut self, order: Order, asked: &Asked) -> Result<(), Order> {
        match &mut self.way {
            Way::Here { orders, .. } => orders.push(order).map_err(|rtrb::PushError::Full(order)| order),
            Way::Attached { arena, orders, epochs, told } => {
                if *told != epochs.now() {
                    (*orders, *told) = (RingWriter::resume(ORDER_RING, arena), epochs.now());
                }
                if *told != 0 && orders.push(arena, &asked.pack(*told)) { Ok(()) } else { Err(order) }
            }
        }
    }

    /// What the player in another process has, as it stands there; nothing of one in this process.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        match &self.way {
            Way::Here { .. } => None,
            Way::Attached { arena, .. } => Standing::read(arena),
        }
    }

    /// Who can copy the tape while it plays; nobody of a player in this process.
    #[must_use]
    pub fn tape_reader(&self) -> Option<TapeReader> {
        match &self.way {
            Way::Here { .. } => None,
            Way::Attached { arena, .. } => Some(TapeReader::of(arena)),
        }
    }

    /// Who hears, beside the player and from now on, what was played; nobody of a player in this process without a tee.
    #[must_use]
    pub fn tee(&self) -> Option<TraceReader> {
        match &self.way {
            Way::Here { tee, .. } => tee.as_ref().map(TraceReader::from_now_on),
            Way::Attached { arena, .. } => Some(TraceReader::from_now_on(arena)),
        }
    }

    /// Frees tapes that were swapped out; returns how many. Call it now and then.
    pub fn collect(&mut self) -> usize {
        match &mut self.way {
            Way::Here { retired, .. } => std::iter::from_fn(|| retired.pop().ok()).count(),
            Way::Attached { .. } => 0,
        }
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

    /// The counters and levels; clone them for every thread that looks.
    #[must_use]
    pub fn meters(&self) -> &SharedMeters {
        &self.meters
    }
}

/// Whether the tape that plays lies in this slot.
fn is_taken(arena: &Arena, slot: u32) -> bool {
    Standing::read(arena).is_some_and(|it| it.slot == slot)
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
    fn a_player_with_a_tee_leaves_there_what_it_played_and_one_without_has_none() {
        let (_, _, transport) = deck(silence(4 * FRAME), DeckSize::default());
        assert!(transport.tee().is_none());
        let sound = (0..4 * FRAME).map(|it| [(it as f32 * 0.01).sin() * 0.5; 2]).collect::<Vec<_>>();
        let (mut player, _packer, transport) = deck_with_tee(Tape::new(sound).expect("a tape"), DeckSize::default());
        let tee = transport.tee().expect("it has one");
        let mut played = vec![[0.0; 2]; 3_000];
        played.chunks_mut(700).for_each(|period| player.fill(period));
        let mut heard = vec![[0.0; 2]; 4_000];
        assert_eq!((tee.head(), tee.hear(0, &mut heard)), (3_000, crate::boundary::Heard::Frames(3_000)));
        assert_eq!(heard[..3_000], played[..]);
        assert!(played.iter().any(|it| it[0] != 0.0));
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
