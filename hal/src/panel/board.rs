//! What a panel is soldered to: lines that are listened to, lights, converters; opened together, lost together.

use std::time::Duration;

use embedded_hal::digital::OutputPin;

use super::PanelPlan;
use crate::adc::Adc;

/// The machine's chips.
pub trait Board: Send {
    /// Opens all that the plan names. What was opened is closed again if a part is missing.
    ///
    /// # Errors
    /// [`PanelFault`]; look again in a while, whatever it is.
    fn open(&mut self, plan: &PanelPlan) -> Result<Wired, PanelFault>;
}

/// An open panel.
pub struct Wired {
    /// The inputs, in the order of [`PanelPlan::inputs`].
    pub lines: Box<dyn Lines>,
    /// The lights, in the plan's order, all dark.
    pub lamps: Vec<Box<dyn Lamp>>,
    /// The converters.
    pub converters: Vec<Converter>,
}

/// A converter of a panel.
pub struct Converter {
    /// The chip.
    pub adc: Box<dyn Adc>,
    /// Which potentiometers it serves, by their places in the plan.
    pub pots: Vec<usize>,
}

/// One change of one input line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// When, on the surface's clock; by the kernel's own stamp.
    pub at: Duration,
    /// Which line, by its place in [`PanelPlan::inputs`].
    pub line: usize,
    /// The level after it.
    pub high: bool,
}

/// Input lines.
pub trait Lines: Send {
    /// Waits for edges up to `patience` and adds them to `edges`, oldest first. Answers how many were lost because nobody
    /// took them in time; the levels tell what they led to.
    ///
    /// # Errors
    /// [`PanelFault::Gone`] when a chip has left.
    fn wait(&mut self, patience: Duration, edges: &mut Vec<Edge>) -> Result<u64, PanelFault>;

    /// How the lines stand now.
    ///
    /// # Errors
    /// [`PanelFault::Gone`] when a chip has left, even one that said nothing of it.
    fn levels(&mut self) -> Result<Vec<bool>, PanelFault>;
}

/// A light. Whatever drives an output pin drives one.
pub trait Lamp: Send {
    /// Drives the pin high or low.
    ///
    /// # Errors
    /// The system's words.
    fn drive(&mut self, high: bool) -> Result<(), String>;
}

impl<P: OutputPin + Send> Lamp for P
where
    P::Error: std::fmt::Debug,
{
    fn drive(&mut self, high: bool) -> Result<(), String> {
        self.set_state(high.into()).map_err(|error| format!("{error:?}"))
    }
}

/// Why there is no panel. None of these ends the performance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PanelFault {
    /// A chip or device is not there. Look again: it may be plugged in any moment.
    #[error("{0}")]
    Absent(String),
    /// It is there and may not be opened. Look again, and say what to do about it.
    #[error("{what} may not be opened: the user must be in the group '{group}' (udev/71-demon-panel.rules)")]
    Forbidden {
        /// Which device.
        what: String,
        /// Who may.
        group: &'static str,
    },
    /// The plan and the wiring do not fit: no such line, or somebody else has it. Look again; the player must act.
    #[error("{0}")]
    Unfit(String),
    /// It was there and has left. Close it and look for it again.
    #[error("{0} has gone")]
    Gone(String),
}
