//! A player's side of the memory that it shares with an engine in another process.
//!
//! Nothing that comes from there is believed. A record is copied out and has to add up, to be of the engine that is attached, and
//! to speak of boxes, slots and places that there are; sound has to be finite while it is copied to the player's own box, which is
//! what is written to the tape. What is not so is refused, counted by its reason ([`Refusals`]), and the tape goes on. A step
//! looks at a bounded number of records, however many there are.
//!
//! Which engine is attached is a number ([`Grant`]) that the slow side gives and this side obeys between two windows: records of
//! any other are dropped. Only then may a new engine use the boxes.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use rtrb::{Consumer, Producer};

use super::deck::Order;
use super::head::SWAP_FADE_FRAMES;
use super::loader::{Load, Loaded};
use super::meters::{Meters, SharedMeters};
use super::moment::PlayedFrame;
use super::parcel::{Parcel, not_finite};
use super::refusal::{Grant, Refusals, Refused};
use super::sound_memory::SoundMemory;
use super::tape::{LoopBand, Tape, TapeId};
use super::transition::{DUE_FRAMES_MOST, Transition};
use super::window::WindowPlan;
use crate::boundary::{
    Arena, DESK_GAIN, DESK_MUTED, Event, Keeper, ORDERS, Order as Asked, Popped, REPORTS, Report, RingReader,
    RingWriter, Standing, Taken, Trace, WINDOWS, Window, Words as _,
};
use crate::latent::StereoFrame;

/// Orders and windows that are looked at in a step, at most.
const RECORDS_A_STEP: usize = 16;
/// The top of the gain's range, linear, and a little more: 12 dB.
const GAIN_MOST: f32 = 4.0;

/// What the player reads and writes there.
#[derive(Debug)]
pub(super) struct AttachedFeed {
    arena: Arena,
    windows: RingReader,
    orders: RingReader,
    reports: RingWriter,
    /// The one box of its own.
    spare: Option<Parcel>,
    grant: Grant,
    epoch: u64,
    /// How many records this step still looks at.
    left: usize,
    loads: Producer<Load>,
    loaded: Consumer<Loaded>,
    loading: bool,
    /// Whether what is being loaded was ordered by an engine that is gone.
    forgets: bool,
    /// What stands when the tape that was loaded plays.
    next: Option<Standing>,
    pub(super) retired: Producer<Tape>,
    standing: Standing,
    keeper: Keeper,
    trace: Trace,
    /// The moment of this step.
    now: PlayedFrame,
    gain: f32,
    /// The bits of the gain that was traced last.
    traced_gain: u32,
    /// The bits of a gain that was refused.
    refused_gain: u64,
    meters: SharedMeters,
    refusals: Arc<Refusals>,
}

/// The ends of the queues to the loader.
pub(super) struct LoaderEnds {
    pub(super) loads: Producer<Load>,
    pub(super) loaded: Consumer<Loaded>,
    pub(super) retired: Producer<Tape>,
}

impl AttachedFeed {
    /// Over this arena, playing what `standing` says. Nobody is attached.
    pub(super) fn new(
        arena: &Arena,
        standing: Standing,
        grant: Grant,
        refusals: Arc<Refusals>,
        ends: LoaderEnds,
    ) -> Self {
        let LoaderEnds { loads, loaded, retired } = ends;
        let sound = SoundMemory::silent(arena.sizes().window_frames).expect("memory for a window");
        Self {
            windows: RingReader::from_now_on(WINDOWS, arena),
            orders: RingReader::from_now_on(ORDERS, arena),
            reports: RingWriter::resume(REPORTS, arena),
            spare: Some(Parcel { sound, ..Parcel::default() }),
            grant,
            epoch: 0,
            left: 0,
            loads,
            loaded,
            loading: false,
            forgets: false,
            next: None,
            retired,
            keeper: Keeper::of(arena, &standing),
            standing,
            trace: Trace::resume(arena, SharedMeters::of(arena).playhead().played.count()),
            now: PlayedFrame::default(),
            gain: 1.0,
            traced_gain: 1.0_f32.to_bits(),
            refused_gain: 0,
            meters: SharedMeters::of(arena),
            refusals,
            arena: arena.clone(),
        }
    }

    pub(super) fn begin_step(&mut self, busy: bool, now: PlayedFrame) -> bool {
        (self.left, self.now) = (RECORDS_A_STEP, now);
        let asked = self.grant.asked();
        // A window that is being written is written whole: its box belongs to nobody else until then.
        let is_another = asked != self.epoch && !busy;
        if is_another {
            self.windows.skip(&self.arena);
            self.orders.skip(&self.arena);
            self.epoch = asked;
            self.forgets = self.loading;
            self.grant.obey(asked);
        }
        is_another
    }

    pub(super) fn orders_waiting(&self) -> usize {
        if self.loading || self.orders.waits(&self.arena) { self.left } else { 0 }
    }

    pub(super) fn next_order(&mut self, tape: TapeId, tape_frames: usize) -> Option<Order> {
        if self.loading {
            return self.what_was_loaded();
        }
        while 0 < self.left && !self.retired.is_full() {
            self.left -= 1;
            let asked = match self.orders.pop(&self.arena) {
                Popped::Nothing => return None,
                Popped::Wild => Err(Refused::Head),
                Popped::Record(record) => Asked::unpack(&record, self.epoch).map_err(Refused::Torn),
            };
            match asked.and_then(|it| self.order(&it, tape, tape_frames)) {
                Ok(Some(order)) => {
                    self.trace_order(&order);
                    return Some(order);
                }
                // The loader has it; what was ordered after it waits for it.
                Ok(None) => return None,
                Err(refused) => self.refuse(refused),
            }
        }
        None
    }

    /// What an order means on this tape; nothing when it goes to the loader first.
    fn order(&mut self, asked: &Asked, tape: TapeId, tape_frames: usize) -> Result<Option<Order>, Refused> {
        let of_this = |name: u32| if TapeId(name) == tape { Ok(()) } else { Err(Refused::OtherTape) };
        let place = |it: u64| usize::try_from(it).map_err(|_| Refused::OffTape);
        match *asked {
            Asked::Seek { tape: name, position } => {
                of_this(name)?;
                let position = place(position)?;
                (position < tape_frames).then_some(Some(Order::Seek(position))).ok_or(Refused::OffTape)
            }
            Asked::Band { tape: name, start, end } => {
                of_this(name)?;
                let band = LoopBand::new(place(start)?, place(end)?, tape_frames);
                Ok(Some(Order::Band(band.ok_or(Refused::OffTape)?)))
            }
            Asked::Swap { tape: name, slot, frames, position, sum, recording, band, due, fade } => {
                let (_, room) = self.arena.slot(slot as usize).ok_or(Refused::NoSlot)?;
                // The one that is being kept is not the spare one.
                if slot == self.standing.slot && self.standing.frames != 0 {
                    return Err(Refused::NoSlot);
                }
                if room < place(frames)? || frames <= position {
                    return Err(Refused::OffTape);
                }
                // An engine before this one says nothing of the rest.
                let [start, end] = if band == [0, 0] { [0, frames] } else { band };
                let band = LoopBand::new(place(start)?, place(end)?, place(frames)?).ok_or(Refused::OffTape)?;
                let due = due.checked_sub(1).map(PlayedFrame::new);
                let fade_frames = if fade == 0 { SWAP_FADE_FRAMES } else { place(fade)? };
                let how = Transition { position: place(position)?, band, due, fade_frames };
                if DUE_FRAMES_MOST < how.waits(self.now) {
                    return Err(Refused::Size);
                }
                let standing = Standing { slot, tape: name, frames, band: [start, end], sum, recording };
                let load = Load { standing, how };
                self.loading = self.loads.push(load).is_ok();
                if self.loading { Ok(None) } else { Err(Refused::Busy) }
            }
        }
    }

    fn what_was_loaded(&mut self) -> Option<Order> {
        if self.retired.is_full() {
            return None;
        }
        let loaded = self.loaded.pop().ok()?;
        self.loading = false;
        let forgets = std::mem::take(&mut self.forgets);
        match loaded {
            Loaded::Refused(refused) => {
                self.refuse(refused);
                None
            }
            Loaded::Tape { tape, .. } if forgets => {
                // There is room, as was seen above.
                let _ = self.retired.push(tape);
                None
            }
            Loaded::Tape { tape, load } => {
                self.next = Some(load.standing);
                Some(Order::Swap { tape, id: TapeId(load.standing.tape), how: load.how })
            }
        }
    }

    /// The tape that was loaded last plays.
    pub(super) fn swapped(&mut self, how: &Transition) {
        let Some(standing) = self.next.take() else { return };
        self.standing = standing;
        self.keeper = Keeper::of(&self.arena, &self.standing);
        self.standing.write(&self.arena);
        let (position, fade) = (how.position as u64, how.fade_frames as u64);
        self.trace(Event::Swap { sum: standing.sum, position, fade });
        if standing.band != [0, standing.frames] {
            self.trace(Event::Band(standing.band[0], standing.band[1]));
        }
    }

    pub(super) fn next_window(&mut self) -> Option<Parcel> {
        // Who is about to be detached is not heard any more.
        while 0 < self.left && self.spare.is_some() && self.grant.asked() == self.epoch {
            self.left -= 1;
            let asked = match self.windows.pop(&self.arena) {
                Popped::Nothing => return None,
                Popped::Wild => Err(Refused::Head),
                Popped::Record(record) => Window::unpack(&record, self.epoch).map_err(Refused::Torn),
            };
            match asked.and_then(|it| self.plan(&it).map(|plan| (it, plan))) {
                Ok((window, plan)) => {
                    let mut parcel = self.spare.take()?;
                    (parcel.plan, parcel.feedback, parcel.here) = (Some(plan), window.feedback, 0);
                    (parcel.sound_box, parcel.number, parcel.landing) = (window.sound_box, window.number, None);
                    return Some(parcel);
                }
                Err(refused) => self.refuse(refused),
            }
        }
        None
    }

    /// The plan of a window that can be; its place on the tape is the player's to judge.
    fn plan(&self, window: &Window) -> Result<WindowPlan, Refused> {
        let size = |it: u64| usize::try_from(it).ok().filter(|it| *it <= 1 << 32).ok_or(Refused::Size);
        let (_, room) = self.arena.sound_box(window.sound_box as usize).ok_or(Refused::NoBox)?;
        let (frames, run_up, keep) = (size(window.frames)?, size(window.run_up)?, size(window.keep)?);
        if frames == 0 || room < frames || frames < run_up {
            return Err(Refused::Size);
        }
        if !(0.0..=1.0).contains(&window.feedback) {
            return Err(Refused::Feedback);
        }
        let [due, planned] = [window.due, window.planned].map(PlayedFrame::new);
        Ok(WindowPlan { tape: TapeId(window.tape), land: size(window.land)?, frames, keep, run_up, due, planned })
    }

    pub(super) fn took(&mut self, parcel: &Parcel) {
        self.trace(Event::Window { epoch: self.epoch, number: parcel.number });
    }

    fn trace(&mut self, event: Event) {
        self.trace.take(&Taken { now: self.now.count(), event });
    }

    fn trace_order(&mut self, order: &Order) {
        match order {
            Order::Seek(position) => self.trace(Event::Seek(*position as u64)),
            Order::Band(band) => self.trace(Event::Band(band.start() as u64, band.end() as u64)),
            Order::Swap { .. } => {}
        }
    }

    pub(super) fn fetch(&mut self, parcel: &mut Parcel, frames: usize) -> usize {
        let frames = frames.min(parcel.sound.len());
        let from = parcel.here.min(frames);
        if let Some((begin, _)) = self.arena.sound_box(parcel.sound_box as usize) {
            let fresh = &mut parcel.sound[from..frames];
            self.arena.read_sound(begin + from, fresh);
            parcel.here = from + not_finite(fresh).unwrap_or(fresh.len());
        }
        if parcel.here < frames {
            self.refuse(Refused::NonFinite);
        }
        parcel.here
    }

    pub(super) fn send_home(&mut self, parcel: Parcel) {
        let report = Report::Home { sound_box: parcel.sound_box, landing: parcel.landing.map(|it| it.told()) };
        // Where nobody reads them they are left out: the boxes are all home for the next engine.
        self.reports.push(&self.arena, &report.pack(self.epoch));
        self.spare = Some(parcel);
    }

    pub(super) fn wrote(&mut self, tape: &[StereoFrame], place: usize, frames: usize, ends: bool) {
        self.keeper.keep(tape, place, frames, ends);
    }

    pub(super) fn loops(&mut self, band: LoopBand) {
        let band = [band.start() as u64, band.end() as u64];
        if self.standing.frames != 0 && self.standing.band != band {
            self.standing.band = band;
            self.standing.write(&self.arena);
        }
    }

    pub(super) fn played(&mut self, now: PlayedFrame, out: &[StereoFrame]) {
        self.trace.hear(now.count(), out);
    }

    pub(super) fn gain(&mut self, leaving: bool) -> f32 {
        let bits = self.arena.load(DESK_GAIN, Relaxed);
        let gain = f32::from_bits(bits as u32);
        if (0.0..=GAIN_MOST).contains(&gain) {
            self.gain = gain;
        } else if bits != self.refused_gain {
            self.refused_gain = bits;
            self.refuse(Refused::Gain);
        }
        let silent = leaving || self.arena.load(DESK_MUTED, Acquire) != 0;
        let gain = if silent { 0.0 } else { self.gain };
        if gain.to_bits() != self.traced_gain {
            self.traced_gain = gain.to_bits();
            self.trace(Event::Gain(self.traced_gain));
        }
        gain
    }

    fn refuse(&mut self, refused: Refused) {
        self.refusals.count(refused);
        Meters::add(&self.meters.refused, 1);
    }
}

/// Counts of one word; for whoever only asks.
pub(super) fn count(of: &AtomicU64) -> u64 {
    of.load(Relaxed)
}
