//! Everything that hands and other machines reach the box by, and are answered through.
//!
//! In the order of a gesture: the hardware is opened ([`hardware`]), each surface is listened to on a thread of its own
//! ([`surfaces`]), gestures meet in the [`inbox`]. The way back: [`lights`] and MIDI clock ([`clock_sender`]) speak through
//! [`voices`], a queue ([`outbox`]) and a thread for each wire. What goes wrong is on one board ([`troubles`]). What a gesture
//! means is not known here; that is [`crate::control`]'s.

pub mod clock_sender;
pub mod hardware;
pub mod inbox;
pub mod lights;
pub mod outbox;
pub mod surfaces;
mod threads;
pub mod troubles;
pub mod voices;
