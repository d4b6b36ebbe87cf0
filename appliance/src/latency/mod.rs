//! How long a gesture takes from the hand to the ear, measured on the very threads that play.
//!
//! [`measure`] starts an instrument, muted, gives it virtual [`hands`] that move one parameter of each class at random moments, and
//! follows each move by what the fast threads note ([`Trace`](crate::performance::threads::Trace)): the tick that reads it, the first
//! window that it is in ([`ways`]), and when that is heard by what the sound device tells of itself ([`ear`]). What a device tells may be
//! wrong: [`loopback`] plays a sweep into a cable and finds it in what comes back. [`kept`] lays the figures down for the displays.
//!
//! Nothing here judges a figure, and nothing sounds but the sweep that was asked for.

mod ear;
mod figures;
mod hands;
pub mod kept;
mod loopback;
mod measure;
mod report;
mod ways;

pub use figures::Figures;
pub use loopback::{NotHeard, Round, loopback};
pub use measure::{Interrupted, Measured, measure};
pub use report::{ClassReport, Delay, FORMAT, Report, Way, classes};
