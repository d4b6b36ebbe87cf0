//! The MCP3008 (10 bits) and MCP3208 (12 bits): eight channels each, read over SPI in three bytes.
//!
//! The chip samples while it is addressed, then sends a zero bit and the reading, highest bit first. That zero is the only
//! sign of life it gives: with nobody on the wire a pulled-up line reads as ones. Any `SpiDevice` carries it; on Linux that is
//! linux-embedded-hal's.

use std::path::Path;

use embedded_hal::spi::SpiDevice;
use linux_embedded_hal::SpidevDevice;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};

use super::{Adc, AdcFault};

/// What the MCP3008 still follows at 2.7 V is 1.35 MHz, the MCP3208 1 MHz.
const CLOCK_HZ: u32 = 1_000_000;
const CHANNELS: u8 = 8;

/// Which chip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum McpKind {
    /// 10 bits.
    #[default]
    Mcp3008,
    /// 12 bits.
    Mcp3208,
}

impl McpKind {
    /// As printed on it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mcp3008 => "MCP3008",
            Self::Mcp3208 => "MCP3208",
        }
    }

    const fn bits(self) -> u32 {
        match self {
            Self::Mcp3008 => 10,
            Self::Mcp3208 => 12,
        }
    }

    /// Start bit, single-ended, channel; so placed that the reading ends with the third byte.
    fn question(self, channel: u8) -> [u8; 3] {
        let command = u32::from(0b1_1000 | channel) << (self.bits() + 2);
        let [_, question @ ..] = command.to_be_bytes();
        question
    }

    /// The reading, or `None` if the bit before it is not zero.
    fn answer(self, bytes: [u8; 3]) -> Option<u16> {
        let bits = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        let reading = bits & ((1 << self.bits()) - 1);
        (bits >> self.bits() & 1 == 0).then(|| u16::try_from(reading).expect("12 bits at most"))
    }
}

/// One chip on a bus.
#[derive(Debug)]
pub struct Mcp<S> {
    kind: McpKind,
    spi: S,
}

impl<S> Mcp<S> {
    /// A chip behind `spi`.
    pub const fn new(kind: McpKind, spi: S) -> Self {
        Self { kind, spi }
    }
}

impl<S: SpiDevice + Send> Adc for Mcp<S> {
    fn full(&self) -> u16 {
        (1 << self.kind.bits()) - 1
    }

    fn read(&mut self, channel: u8) -> Result<u16, AdcFault> {
        if channel >= CHANNELS {
            return Err(AdcFault::NoChannel { chip: self.kind.name(), last: CHANNELS - 1, asked: channel });
        }
        let mut bytes = self.kind.question(channel);
        // The error type of a bus in general says only that it failed; its debug form names the system's reason.
        self.spi.transfer_in_place(&mut bytes).map_err(|error| AdcFault::Bus(format!("{error:?}")))?;
        self.kind.answer(bytes).ok_or(AdcFault::Silent(self.kind.name()))
    }
}

/// Opens a chip behind a device of the kernel (`/dev/spidev0.0`).
///
/// # Errors
/// The system's reason; `PermissionDenied` wants the group `spi`.
pub fn open_spidev(path: &Path, kind: McpKind) -> std::io::Result<Mcp<SpidevDevice>> {
    // linux-embedded-hal keeps the system's error inside its own.
    let inner = |error: linux_embedded_hal::SPIError| std::io::Error::new(error.inner().kind(), error.to_string());
    let mut spi = SpidevDevice::open(path).map_err(inner)?;
    let options = SpidevOptions::new().bits_per_word(8).max_speed_hz(CLOCK_HZ).mode(SpiModeFlags::SPI_MODE_0).build();
    spi.configure(&options)?;
    Ok(Mcp::new(kind, spi))
}

#[cfg(test)]
mod tests {
    use super::super::{FakeSpi, Track};
    use super::{Adc, AdcFault, Mcp, McpKind};

    #[test]
    fn the_questions_are_those_of_the_data_sheets() {
        assert_eq!(McpKind::Mcp3008.question(0), [0x01, 0x80, 0]);
        assert_eq!(McpKind::Mcp3008.question(5), [0x01, 0xd0, 0]);
        assert_eq!(McpKind::Mcp3208.question(0), [0x06, 0x00, 0]);
        assert_eq!(McpKind::Mcp3208.question(7), [0x07, 0xc0, 0]);
    }

    #[test]
    fn every_reading_of_every_channel_comes_through_whole() {
        for (kind, full) in [(McpKind::Mcp3008, 1023), (McpKind::Mcp3208, 4095)] {
            let track = Track::default();
            let mut chip = Mcp::new(kind, FakeSpi::new(kind, track.clone()));
            assert_eq!(chip.full(), full);
            for reading in (0..=full).step_by(93).chain([1, full]) {
                for channel in 0..8 {
                    track.set(channel, reading);
                    track.set((channel + 1) % 8, full - reading);
                    assert_eq!(chip.read(channel).unwrap(), reading, "{kind:?} channel {channel}");
                }
            }
        }
    }

    #[test]
    fn a_chip_that_is_not_there_is_not_a_knob_turned_up() {
        let track = Track::default();
        let mut chip = Mcp::new(McpKind::Mcp3008, FakeSpi::new(McpKind::Mcp3008, track.clone()));
        track.unwire();
        assert!(matches!(chip.read(0), Err(AdcFault::Silent("MCP3008"))));
        track.unplug();
        assert!(matches!(chip.read(0), Err(AdcFault::Bus(_))));
        assert!(matches!(chip.read(8), Err(AdcFault::NoChannel { last: 7, asked: 8, .. })));
    }

    #[test]
    fn a_bus_that_is_not_there_is_said_by_the_system() {
        let error = super::open_spidev(std::path::Path::new("/dev/no-such-spidev"), McpKind::Mcp3008).err().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    }
}
