//! A surface that says what hands say, by the clock on the wall and as often as it is told, and counts what it said.
//!
//! Of ten words seven are places of its four faders, one is a detent and two are a pad that goes down and comes up. Each
//! word is stamped when it leaves, as the live surfaces stamp theirs when they read them. Sleeps between its packets.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hal::gesture::{Clock, Control, Gesture, Identity, Motion, Position, Surface, SurfaceError, SurfaceId, WallClock};

/// Faders of one surface: control changes 1 to 4 on its own channel.
pub const FADERS: usize = 4;
/// The pad that makes new seeds.
pub const RESEED: u8 = 36;
/// The pad that holds a switch.
pub const HELD: u8 = 99;
/// The encoder that every surface has.
pub const ENCODER: u8 = 1;

/// How fast a surface speaks: words in a packet, and the time from packet to packet; zero is as fast as it is heard.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Words that leave at once.
    pub words: u64,
    /// From packet to packet.
    pub every: Duration,
}

/// What a surface has said, counted by itself.
#[derive(Debug, Default)]
pub struct Said {
    /// All words.
    pub words: AtomicU64,
    /// Presses of the pad that makes new seeds.
    pub reseeds: AtomicU64,
    /// Presses and releases of the pad that holds a switch.
    pub held: AtomicU64,
    /// Detents, all upwards.
    pub detents: AtomicU64,
    /// Where each fader was left; 128 before its first word.
    pub left: Mutex<[u8; FADERS]>,
    /// How late each packet left, in microseconds: the machine's share, before any of ours.
    pub late_us: Mutex<Vec<f64>>,
}

/// The surface.
pub struct PacedSurface {
    id: SurfaceId,
    channel: u8,
    pace: Pace,
    clock: WallClock,
    begun: Option<Duration>,
    ends: Duration,
    word: u64,
    said: Arc<Said>,
}

impl PacedSurface {
    /// The surface at `place`, from 0: it speaks on channel `place + 1` from its first look at the clock on, for `span`.
    pub fn new(place: u8, pace: Pace, span: Duration, clock: WallClock) -> (Self, Arc<Said>) {
        let said = Arc::new(Said { left: Mutex::new([128; FADERS]), ..Said::default() });
        let id = SurfaceId(SurfaceId::FIRST_LIVE.0 + u16::from(place));
        let surface =
            Self { id, channel: place + 1, pace, clock, begun: None, ends: span, word: 0, said: Arc::clone(&said) };
        (surface, said)
    }

    /// The next word, from 0: a connect, and then hands.
    fn motion(&mut self) -> Motion {
        let (round, place) = ((self.word - 1) / 10, (self.word - 1) % 10);
        let pad = |number| Control::Note { channel: self.channel, number };
        let held = round % 2 == 0;
        match place {
            7 => {
                self.said.detents.fetch_add(1, Relaxed);
                Motion::Turned(Control::Encoder(ENCODER), Position::Detents(1))
            }
            8 if held => {
                self.said.held.fetch_add(2, Relaxed);
                Motion::Pressed(pad(HELD), 100)
            }
            8 => {
                self.said.reseeds.fetch_add(1, Relaxed);
                Motion::Pressed(pad(RESEED), 100)
            }
            9 => Motion::Released(pad(if held { HELD } else { RESEED })),
            _ => {
                let fader = ((round + place) % FADERS as u64) as usize;
                // Up and down the whole travel, a place at a time.
                let step = (self.word / FADERS as u64 % 254) as u8;
                let to = if step < 127 { step } else { 254 - step };
                self.said.left.lock().expect("nobody panics with it")[fader] = to;
                Motion::Turned(Control::Cc { channel: self.channel, number: fader as u8 + 1 }, Position::Seven(to))
            }
        }
    }
}

impl Surface for PacedSurface {
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let now = self.clock.now();
        let begun = *self.begun.get_or_insert(now);
        // Whole rounds only, so that every pad that went down comes up.
        if self.word % 10 == 1 && self.word > 1 && now >= begun + self.ends {
            return Err(SurfaceError::Closed("the paced surface"));
        }
        let packet = self.word / self.pace.words;
        let due = begun + self.pace.every * u32::try_from(packet).expect("a bench ends before that");
        if due > now + patience {
            self.clock.wait(patience);
            return Ok(None);
        }
        if due > now {
            self.clock.wait(due - now);
        }
        let at = self.clock.now();
        if packet * self.pace.words == self.word && !self.pace.every.is_zero() {
            let late_us = at.saturating_sub(due).as_secs_f64() * 1e6;
            self.said.late_us.lock().expect("nobody panics with it").push(late_us);
        }
        let motion = if self.word == 0 { Motion::Connected(Identity::default()) } else { self.motion() };
        self.word += 1;
        self.said.words.fetch_add(1, Relaxed);
        Ok(Some(Gesture { at, surface: self.id, motion }))
    }
}
