//! A wire with a converter of eight potentiometers at its end, which can be cut.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use embedded_hal::spi::{ErrorKind, ErrorType, Operation, SpiDevice};

use super::McpKind;

/// The potentiometers; clones turn the same ones.
#[derive(Clone, Debug, Default)]
pub struct Track(Arc<Mutex<Knobs>>);

#[derive(Debug, Default)]
struct Knobs {
    readings: [u16; 8],
    /// Peak, in readings; drawn from a small generator that always begins the same.
    noise: u16,
    dice: u32,
    unwired: bool,
    unplugged: bool,
}

impl Track {
    /// Turns the potentiometer of a channel (0 to 7) to a reading.
    pub fn set(&self, channel: u8, reading: u16) {
        self.knobs().readings[usize::from(channel & 7)] = reading;
    }

    /// From now on readings are wrong by up to `peak` either way.
    pub fn noise(&self, peak: u16) {
        self.knobs().noise = peak;
    }

    /// The bus stays and the chip does not answer.
    pub fn unwire(&self) {
        self.knobs().unwired = true;
    }

    /// The bus fails.
    pub fn unplug(&self) {
        self.knobs().unplugged = true;
    }

    /// All is well again.
    pub fn replug(&self) {
        let mut knobs = self.knobs();
        (knobs.unwired, knobs.unplugged) = (false, false);
    }

    /// Whether there is a bus.
    #[must_use]
    pub fn plugged(&self) -> bool {
        !self.knobs().unplugged
    }

    fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Knobs {
    fn reading(&mut self, channel: usize, full: u16) -> u16 {
        self.dice = self.dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let spread = u32::from(self.noise) * 2 + 1;
        let off = i32::try_from((self.dice >> 8) % spread).expect("small") - i32::from(self.noise);
        let reading = i32::from(self.readings[channel]) + off;
        u16::try_from(reading.clamp(0, i32::from(full))).expect("clamped")
    }
}

/// The chip as the wire shows it, bit by bit as in its data sheet.
#[derive(Debug)]
pub struct FakeSpi {
    kind: McpKind,
    track: Track,
}

impl FakeSpi {
    /// A chip of this kind, with these potentiometers.
    #[must_use]
    pub const fn new(kind: McpKind, track: Track) -> Self {
        Self { kind, track }
    }

    /// Clocks `bytes` through the chip: it waits for a start bit, takes four more (single-ended and three of the channel),
    /// samples for one clock, sends a zero, then the reading. Its line is pulled up while it does not drive it.
    fn clock(&self, bytes: &mut [u8]) {
        let mut knobs = self.track.knobs();
        if knobs.unwired {
            return bytes.fill(0xff);
        }
        let bits: u32 = if self.kind == McpKind::Mcp3008 { 10 } else { 12 };
        let (mut taken, mut command, mut reading): (Option<u32>, u8, u16) = (None, 0, 0);
        for byte in bytes {
            let asked = *byte;
            *byte = 0;
            for bit in (0..8).rev() {
                let (high, clock) = (asked >> bit & 1, taken.map(|taken| taken + 1));
                let sent = match clock {
                    None => {
                        taken = (high == 1).then_some(0);
                        true
                    }
                    Some(clock) => {
                        taken = Some(clock);
                        match clock {
                            1..=4 => command = command << 1 | high,
                            5 => reading = knobs.reading(usize::from(command & 7), (1 << bits) - 1),
                            _ => {}
                        }
                        match clock {
                            6 => false,
                            7.. if clock < 7 + bits => reading >> (bits + 6 - clock) & 1 == 1,
                            _ => true,
                        }
                    }
                };
                *byte |= u8::from(sent) << bit;
            }
        }
    }
}

impl ErrorType for FakeSpi {
    type Error = ErrorKind;
}

impl SpiDevice for FakeSpi {
    fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), ErrorKind> {
        if !self.track.plugged() {
            return Err(ErrorKind::Other);
        }
        for operation in operations {
            // The driver under test speaks and listens at once; whatever else it tried would show as an error.
            let Operation::TransferInPlace(bytes) = operation else { return Err(ErrorKind::FrameFormat) };
            self.clock(bytes);
        }
        Ok(())
    }
}
