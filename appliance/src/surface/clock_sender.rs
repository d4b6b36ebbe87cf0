//! MIDI clock out, on a thread of its own: a tick that waits for a hand or a display is a tick that trembles.
//!
//! The beats are the tape's own, from the patch's tempo; the playhead says where they are, and the sound device when they are
//! heard: a tick leaves as its frame reaches the ear. Every receiver has a song of its own, so that one that comes late, or whose
//! wire was stuck, is placed where the others are without disturbing them. Without a tempo nothing is sent.
//!
//! Orders are states, of each the latest: they need no queue, and the conductor never waits to give one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use engine::latent::SAMPLE_RATE_HZ;
use engine::playback::{Meters, Playhead, SharedMeters};
use hal::gesture::{Clock, SurfaceId, Transport, WallClock};

use super::outbox::Edge;
use super::voices::Voices;
use crate::control::tempo::{ClockOut, DelayLine, TapeBeats};

/// How often the needle is read: a tick trembles by no more than this.
const LOOK: Duration = Duration::from_millis(1);
/// The same while nobody is told anything: whoever comes is placed at the next sixteenth, and the needle is sharp by then.
const NOBODY_LISTENS: Duration = Duration::from_millis(10);

/// What the conductor tells the clock.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// The song begins with the tape's start.
    Start,
    /// The song goes on.
    Continue,
    /// The song stops; ticks go on.
    Stop,
    /// The tape was sent elsewhere.
    Sought,
    /// The part of the tape that loops, in stereo samples.
    Lap(Range<u64>),
    /// Another tempo; `None`: none, and no clock.
    Beats(Option<TapeBeats>),
    /// Who is told.
    To(Vec<SurfaceId>),
}

/// Orders that the clock has not seen yet: the latest of each kind.
#[derive(Debug, Default)]
struct Orders {
    lap: Option<Range<u64>>,
    beats: Option<Option<TapeBeats>>,
    to: Option<Vec<SurfaceId>>,
    /// Start, continue, stop: of two the later counts. A stop before a start is part of it.
    song: Option<Order>,
    sought: bool,
    over: bool,
}

impl Orders {
    fn put(&mut self, order: Order) {
        match order {
            Order::Lap(lap) => self.lap = Some(lap),
            Order::Beats(beats) => self.beats = Some(beats),
            Order::To(to) => self.to = Some(to),
            Order::Sought => self.sought = true,
            // It goes on by starting.
            Order::Continue if self.song == Some(Order::Start) => {}
            song => self.song = Some(song),
        }
    }

    /// In the order in which they are obeyed: to whom and in what tempo, before anything is said.
    fn take(&mut self) -> impl Iterator<Item = Order> + use<> {
        let taken = std::mem::take(self);
        self.over = taken.over;
        let beats = taken.beats.map(Order::Beats);
        let sought = taken.sought.then_some(Order::Sought);
        [beats, taken.lap.map(Order::Lap), taken.to.map(Order::To), taken.song, sought].into_iter().flatten()
    }

    const fn is_empty(&self) -> bool {
        let none = self.lap.is_none() && self.beats.is_none() && self.to.is_none() && self.song.is_none();
        none && !self.sought && !self.over
    }
}

#[derive(Debug, Default)]
struct Mailbox {
    orders: Mutex<Orders>,
    changed: Condvar,
}

impl Mailbox {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        // Whole after every order.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The clock's thread.
#[derive(Debug)]
pub struct ClockSender {
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
}

impl ClockSender {
    /// Starts the thread. Nothing is sent before a tempo, a lap and someone to tell are known.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(clock: WallClock, meters: SharedMeters, voices: Voices) -> std::io::Result<Self> {
        let mailbox = Arc::<Mailbox>::default();
        let orders = Arc::clone(&mailbox);
        let run = move || run(&orders, clock, &meters, &voices);
        let thread = Builder::new().name("midi clock".to_owned()).spawn(run)?;
        Ok(Self { mailbox, thread: Some(thread) })
    }

    /// Tells the clock something.
    pub fn tell(&self, order: Order) {
        self.mailbox.orders().put(order);
        self.mailbox.changed.notify_one();
    }
}

impl Drop for ClockSender {
    /// Receivers are told to stop.
    fn drop(&mut self) {
        let mut orders = self.mailbox.orders();
        orders.put(Order::Stop);
        orders.over = true;
        drop(orders);
        self.mailbox.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It waits for nothing but its orders. A clock that crashed has nothing more to say.
            let _ = thread.join();
        }
    }
}

fn run(mailbox: &Mailbox, clock: WallClock, meters: &Meters, voices: &Voices) {
    let mut song = Songs::new(SAMPLE_RATE_HZ);
    let mut say = |to, word| voices.edge(to, Edge::Song(word));
    loop {
        let look = if song.songs.is_empty() { NOBODY_LISTENS } else { LOOK };
        let waited = mailbox.changed.wait_timeout_while(mailbox.orders(), look, |orders| orders.is_empty());
        let mut orders = waited.unwrap_or_else(PoisonError::into_inner).0;
        let (taken, over) = (orders.take(), orders.over);
        drop(orders);
        taken.for_each(|order| song.obey(order, &mut say));
        if over {
            return;
        }
        song.place_anew(|to| voices.take_misplaced(to), &mut say);
        song.tick(clock.now(), meters.playhead(), meters.delay.load(std::sync::atomic::Ordering::Relaxed), &mut say);
    }
}

/// The songs of all receivers. Reads no clock and sends nothing.
pub(crate) struct Songs {
    heard: DelayLine,
    lap: Range<u64>,
    beats: Option<TapeBeats>,
    to: Vec<SurfaceId>,
    /// One for each receiver, while there is a tempo.
    songs: BTreeMap<SurfaceId, ClockOut>,
    plays: bool,
}

impl Songs {
    pub(crate) fn new(rate_hz: u32) -> Self {
        let (lap, beats, to, songs) = (0..0, None, Vec::new(), BTreeMap::new());
        Self { heard: DelayLine::new(rate_hz), lap, beats, to, songs, plays: false }
    }

    pub(crate) fn obey(&mut self, order: Order, say: &mut impl FnMut(SurfaceId, Transport)) {
        match order {
            Order::Lap(lap) => self.lap = lap,
            Order::Beats(beats) => {
                self.beats = beats;
                self.join(say);
                if let Some(beats) = beats {
                    self.songs.values_mut().for_each(|song| song.set_beats(beats));
                }
            }
            Order::To(to) => {
                self.to = to;
                self.join(say);
            }
            Order::Start | Order::Continue | Order::Stop | Order::Sought => {
                if order != Order::Sought {
                    self.plays = order != Order::Stop;
                }
                for (to, song) in &mut self.songs {
                    match order {
                        Order::Start => song.start(&mut |word| say(*to, word)),
                        Order::Continue => song.carry_on(),
                        Order::Stop => song.stop(&mut |word| say(*to, word)),
                        _ => song.sought(),
                    }
                }
            }
        }
    }

    /// A song for each who is told and has none; whoever is told no more is stopped.
    fn join(&mut self, say: &mut impl FnMut(SurfaceId, Transport)) {
        let (wanted, beats) = (&self.to, self.beats);
        self.songs.retain(|to, song| {
            let stays = beats.is_some() && wanted.contains(to);
            if !stays {
                song.stop(&mut |word| say(*to, word));
            }
            stays
        });
        let Some(beats) = beats else { return };
        for to in &self.to {
            let plays = self.plays;
            self.songs.entry(*to).or_insert_with(|| {
                let mut song = ClockOut::new(beats);
                if plays {
                    // It comes in at the next sixteenth.
                    song.carry_on();
                }
                song
            });
        }
    }

    /// Whoever has missed ticks is stopped, and goes on where the tape is.
    pub(crate) fn place_anew(
        &mut self,
        has_missed: impl Fn(SurfaceId) -> bool,
        say: &mut impl FnMut(SurfaceId, Transport),
    ) {
        for (to, song) in &mut self.songs {
            if has_missed(*to) && song.running() {
                song.stop(&mut |word| say(*to, word));
                song.carry_on();
            }
        }
    }

    /// Says what is due at `now`, when the player has told `playhead` and that it is heard `delay` frames later.
    pub(crate) fn tick(
        &mut self,
        now: Duration,
        playhead: Playhead,
        delay: u64,
        say: &mut impl FnMut(SurfaceId, Transport),
    ) {
        self.heard.see(now, playhead, delay);
        if let Some(place) = self.heard.place(now, &self.lap) {
            self.reach(place, say);
        }
    }

    /// Says what is due with this frame of the tape in the ear.
    fn reach(&mut self, place: u64, say: &mut impl FnMut(SurfaceId, Transport)) {
        if self.lap.is_empty() {
            return;
        }
        for (to, song) in &mut self.songs {
            song.advance(place, self.lap.clone(), &mut |word| say(*to, word));
        }
    }
}

#[cfg(test)]
#[path = "clock_sender_tests.rs"]
mod tests;
