//! MIDI clock out, on a thread of its own: a tick that waits for a hand or a display is a tick that trembles.
//!
//! The beats are the tape's own, from the patch's tempo; the playhead says where they are. Without a tempo nothing is sent.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use engine::latent::SAMPLE_RATE_HZ;
use engine::playback::Meters;
use hal::gesture::{Clock, Reply, SurfaceId, WallClock};

use crate::control::tempo::{ClockOut, Needle, TapeBeats, bytes};
use crate::surface::surfaces::Voices;

/// How often the needle is read: a tick trembles by no more than this.
const LOOK: Duration = Duration::from_millis(1);

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

/// The clock's thread.
#[derive(Debug)]
pub struct ClockSender {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl ClockSender {
    /// Starts the thread. Nothing is sent before a tempo, a lap and someone to tell are known.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(clock: WallClock, meters: Arc<Meters>, voices: Voices) -> std::io::Result<Self> {
        let (orders, taken) = channel();
        let run = move || Hand { voices, to: Vec::new(), out: None, lap: 0..0 }.run(&taken, clock, &meters);
        let thread = Builder::new().name("midi clock".to_owned()).spawn(run)?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    /// Tells the clock something.
    pub fn tell(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // It ends only with us.
            let _ = orders.send(order);
        }
    }
}

impl Drop for ClockSender {
    /// Receivers are told to stop.
    fn drop(&mut self) {
        self.tell(Order::Stop);
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A clock that crashed has nothing more to say.
            let _ = thread.join();
        }
    }
}

struct Hand {
    voices: Voices,
    to: Vec<SurfaceId>,
    out: Option<ClockOut>,
    lap: Range<u64>,
}

impl Hand {
    fn run(mut self, orders: &Receiver<Order>, clock: WallClock, meters: &Meters) {
        let mut needle = Needle::new(SAMPLE_RATE_HZ);
        loop {
            match orders.recv_timeout(LOOK) {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = clock.now();
            needle.see(now, meters.playhead());
            self.tick(needle.place(now, &self.lap));
        }
    }

    fn obey(&mut self, order: Order) {
        let mut said = Vec::new();
        let mut say = |message| said.extend(bytes(message));
        match (order, &mut self.out) {
            (Order::Start, Some(out)) => out.start(&mut say),
            (Order::Continue, Some(out)) => out.carry_on(),
            (Order::Stop, Some(out)) => out.stop(&mut say),
            (Order::Sought, Some(out)) => out.sought(),
            (Order::Beats(Some(beats)), Some(out)) => out.set_beats(beats),
            (Order::Beats(Some(beats)), out @ None) => *out = Some(ClockOut::new(beats)),
            (Order::Beats(None), out) => {
                if let Some(out) = out {
                    out.stop(&mut say);
                }
                self.out = None;
            }
            (Order::Lap(lap), _) => self.lap = lap,
            (Order::To(to), _) => self.to = to,
            (_, None) => {}
        }
        self.tell(said);
    }

    /// Says what is due with the needle at `place`.
    fn tick(&mut self, place: Option<u64>) {
        let (Some(out), Some(place)) = (&mut self.out, place.filter(|_| !self.lap.is_empty())) else { return };
        let mut said = Vec::new();
        out.advance(place, self.lap.clone(), &mut |message| said.extend(bytes(message)));
        self.tell(said);
    }

    fn tell(&mut self, said: Vec<u8>) {
        if said.is_empty() {
            return;
        }
        let reply = Reply::Midi(said);
        for to in &self.to {
            self.voices.tell(*to, &reply);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hand, Order};
    use crate::control::tempo::TapeBeats;
    use crate::surface::surfaces::Surfaces;
    use hal::gesture::{FakeSurface, Reply, SurfaceId};

    #[test]
    fn the_tape_sends_start_and_twenty_four_ticks_a_beat_to_those_who_want_them() {
        let mut surfaces = Surfaces::default();
        let surface = FakeSurface::default();
        let told = surface.told();
        surfaces.add(Box::new(surface)).expect("a thread");
        let mut hand = Hand { voices: surfaces.voices().clone(), to: Vec::new(), out: None, lap: 0..0 };
        let tape = 4 * 24_000;
        hand.obey(Order::Beats(Some(TapeBeats::new(120_000, tape, 48_000))));
        hand.obey(Order::Lap(0..tape));
        hand.obey(Order::To(vec![SurfaceId(2)]));
        hand.obey(Order::Start);
        // From just before the tape's start through a beat and a half.
        for place in (tape - 480..tape).chain(0..36_000).step_by(48) {
            hand.tick(Some(place));
        }
        hand.obey(Order::Stop);
        drop(hand);
        surfaces.close();
        let bytes: Vec<u8> = told
            .take()
            .into_iter()
            .flat_map(|(to, reply)| match reply {
                Reply::Midi(bytes) if to == SurfaceId(2) => bytes,
                other => panic!("the clock is told {other:?}"),
            })
            .collect();
        let start = bytes.iter().position(|byte| *byte == 0xfa).expect("a start");
        assert_eq!(bytes[start..].iter().filter(|byte| **byte == 0xf8).count(), 36);
        assert_eq!(bytes.last(), Some(&0xfc));
    }

    #[test]
    fn without_a_tempo_nothing_is_said() {
        let mut surfaces = Surfaces::default();
        let surface = FakeSurface::default();
        let told = surface.told();
        surfaces.add(Box::new(surface)).expect("a thread");
        let mut hand = Hand { voices: surfaces.voices().clone(), to: vec![SurfaceId(2)], out: None, lap: 0..96_000 };
        hand.obey(Order::Start);
        (0..96_000).step_by(480).for_each(|place| hand.tick(Some(place)));
        drop(hand);
        surfaces.close();
        assert!(told.take().is_empty());
    }
}
