//! What a surface says: a knob moved, a pad was pressed, a key was struck, a controller came or went.
//!
//! A gesture names the control and how it moved, never what that means; meanings belong to the binding. Its time comes
//! from the caller's clock, so that a recorded performance plays again to the same moment. A surface never decides that a
//! gesture may be left out.
//!
//! A surface also takes replies: what lights up, turns or moves on it when a value was moved elsewhere.

mod clock;
mod fake;
mod identity;
mod roster;

use std::fmt;
use std::time::Duration;

pub use clock::{Clock, VirtualClock, WallClock};
pub use fake::{FakeSurface, Told};
pub use identity::Identity;
pub use roster::Roster;

/// One controller, or keyboard, or score: stable for as long as the program runs, also across unplugging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SurfaceId(pub u16);

impl SurfaceId {
    /// The keys of the terminal.
    pub const KEYS: Self = Self(0);
    /// A Standard MIDI File.
    pub const SCORE: Self = Self(1);
    /// A Standard MIDI File that was recorded from hands, and is to be treated as hands are.
    pub const RECORDED_HANDS: Self = Self(u16::MAX);
    /// The first of the live controllers; the [`Roster`] numbers upwards from here.
    pub const FIRST_LIVE: Self = Self(2);
}

/// One thing that happened on a surface.
#[derive(Clone, Debug, PartialEq)]
pub struct Gesture {
    /// When, on the surface's clock.
    pub at: Duration,
    /// Where.
    pub surface: SurfaceId,
    /// What.
    pub motion: Motion,
}

/// How something moved.
#[derive(Clone, Debug, PartialEq)]
pub enum Motion {
    /// A knob or fader stands at a position, or was turned by some detents.
    Turned(Control, Position),
    /// A pad or button went down; how hard, 1 to 127.
    Pressed(Control, u8),
    /// A pad or button came up.
    Released(Control),
    /// A key was struck.
    Struck(Key),
    /// Transport: clock ticks (24 a quarter note), start, continue, stop, position in sixteenths.
    Transport(Transport),
    /// A controller came. Where its knobs stand is not known yet.
    Connected(Identity),
    /// A controller went.
    Disconnected,
}

/// Which control. Channels are 1 to 16 as on the panel, numbers 0 to 127 as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Control {
    /// A control change.
    Cc {
        /// 1 to 16.
        channel: u8,
        /// 0 to 127.
        number: u8,
    },
    /// A note, of a pad or button.
    Note {
        /// 1 to 16.
        channel: u8,
        /// 0 to 127.
        number: u8,
    },
    /// The pitch wheel, often a fader.
    Bend {
        /// 1 to 16.
        channel: u8,
    },
    /// Pressure on the whole channel.
    Pressure {
        /// 1 to 16.
        channel: u8,
    },
    /// A non-registered parameter number.
    Nrpn {
        /// 1 to 16.
        channel: u8,
        /// 0 to 16383.
        number: u16,
    },
    /// A program change: the program is a press of its own.
    Program {
        /// 1 to 16.
        channel: u8,
        /// 0 to 127.
        number: u8,
    },
    /// Pressure of a single pad or key.
    PolyPressure {
        /// 1 to 16.
        channel: u8,
        /// 0 to 127.
        number: u8,
    },
    /// A button of the panel, numbered as in the panel's description.
    Button(u8),
    /// An encoder of the panel.
    Encoder(u8),
    /// A potentiometer or fader of the panel.
    Pot(u8),
    /// A key of a computer keyboard or foot switch, by its code of the input subsystem (`KEY_A` is 30).
    Key(u16),
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cc { channel, number } => write!(f, "CC {number} ch {channel}"),
            Self::Note { channel, number } => write!(f, "note {number} ch {channel}"),
            Self::Bend { channel } => write!(f, "bend ch {channel}"),
            Self::Pressure { channel } => write!(f, "pressure ch {channel}"),
            Self::Nrpn { channel, number } => write!(f, "NRPN {number} ch {channel}"),
            Self::Program { channel, number } => write!(f, "program {number} ch {channel}"),
            Self::PolyPressure { channel, number } => write!(f, "pressure of note {number} ch {channel}"),
            Self::Button(number) => write!(f, "button {number}"),
            Self::Encoder(number) => write!(f, "encoder {number}"),
            Self::Pot(number) => write!(f, "pot {number}"),
            Self::Key(code) => write!(f, "key {code}"),
        }
    }
}

/// Where a knob stands. Whether 7 bits are a place or an encoder's step is not on the wire: the binding knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// 0 to 127.
    Seven(u8),
    /// 0 to 16383.
    Fourteen(u16),
    /// Detents; up is positive.
    Detents(i32),
}

/// A key of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A character as typed.
    Char(char),
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the start.
    Home,
    /// To the end.
    End,
    /// Return.
    Enter,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Escape.
    Escape,
    /// Control and C: the player wants out.
    Interrupt,
}

/// Messages of a clock or a sequencer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One of 24 in a quarter note.
    Clock,
    /// From the beginning.
    Start,
    /// From where it stopped.
    Continue,
    /// Stop.
    Stop,
    /// Go to this sixteenth.
    Position(u16),
}

/// Why there is no gesture. None of these ends the performance.
#[derive(Debug, thiserror::Error)]
pub enum SurfaceError {
    /// This machine has no such surface. Say it once, and play on without.
    #[error("{0}")]
    Unavailable(String),
    /// The surface is closed and will never say anything again. Stop asking.
    #[error("{0} has closed")]
    Closed(&'static str),
    /// One reading went wrong. Count it and ask again.
    #[error("{surface}: {fault}")]
    Garbled {
        /// Which.
        surface: &'static str,
        /// What went wrong.
        fault: String,
    },
}

/// What a surface is told: bytes for its wire, or a light of a panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Whole MIDI messages, in order.
    Midi(Vec<u8>),
    /// A light of the panel, by its number, on or off.
    Led(u8, bool),
}

/// Anything with knobs. Each runs on a thread of its own, so it may block for as long as it was given patience.
pub trait Surface: Send {
    /// The oldest gesture not yet told, waiting up to `patience` for one; `None` if there was none.
    ///
    /// # Errors
    /// [`SurfaceError`], sorted by what to do next.
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError>;

    /// The sending half, once: `None` where the surface has nothing that lights up or moves, and after the first call.
    fn voice(&mut self) -> Option<Box<dyn Voice>> {
        None
    }
}

/// The half of a surface that is spoken to. It belongs to another thread than the half that listens, so that a clock or a
/// light never waits for a hand.
pub trait Voice: Send {
    /// Says something to a controller of this surface. One that has left, or has no ear for it, is passed over: its
    /// lights are told anew when it comes back.
    ///
    /// # Errors
    /// [`SurfaceError::Garbled`] each time that the device refused it, or took a part of it only. What was said before stands.
    fn say(&mut self, to: SurfaceId, reply: &Reply) -> Result<(), SurfaceError>;

    /// Another voice of the same surface, for a thread of its own: one that waits for a slow wire holds up no other wire.
    fn another(&self) -> Box<dyn Voice>;
}
