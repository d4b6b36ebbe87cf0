//! Analogue to digital: where the potentiometers of a hand-wired panel stand.
//!
//! A converter answers one channel at a time ([`Adc`]); the [`Smoother`] makes positions of its readings. On Linux it is a
//! chip of the MCP3008 family behind `/dev/spidev*` ([`Mcp`]); the fake ([`FakeSpi`]) stands in for the wire and not for
//! the chip's driver, so that the bits are tested too.

mod fake;
mod filter;
mod mcp;

pub use fake::{FakeSpi, Track};
pub use filter::{FULL, Smoother};
pub use mcp::{Mcp, McpKind, open_spidev};

/// A converter with several channels.
pub trait Adc: Send {
    /// The largest reading.
    fn full(&self) -> u16;

    /// What a channel (from 0) reads now.
    ///
    /// # Errors
    /// [`AdcFault`], sorted by what to do next.
    fn read(&mut self, channel: u8) -> Result<u16, AdcFault>;
}

/// Why there is no reading.
#[derive(Debug, thiserror::Error)]
pub enum AdcFault {
    /// The bus works and nobody answers. Once: try again; for long: the chip has no supply, or another chip select.
    #[error("{0} does not answer: is it wired to this chip select, and has it its supply?")]
    Silent(&'static str),
    /// The bus has gone. Close it and look for it again.
    #[error("the converter's bus failed: {0}")]
    Bus(String),
    /// There is no such channel. Correct the panel's description.
    #[error("{chip} has channels 0 to {last}, channel {asked} was asked for")]
    NoChannel {
        /// Which chip.
        chip: &'static str,
        /// Its last channel.
        last: u8,
        /// The one asked for.
        asked: u8,
    },
}
