//! A chip that understands its bytes: it keeps the memory, the glass can be looked at, and it fails on cue.
//!
//! Models what the data sheets say of the commands that a panel needs, for both chips: segment and row order, first line,
//! rows driven, pump, page addressing, and that the SSD1306 turns columns round when they are written. A byte that the chip
//! does not know is a fault of the driver and is kept as such. Clones are the same chip: one end goes into the driver as
//! the bus (I2C, or SPI with its line), the other stays with the test. Time on the bus is counted, never waited for.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use embedded_hal::digital::{self, OutputPin};
use embedded_hal::i2c::{self, I2c, NoAcknowledgeSource, SevenBitAddress};
use embedded_hal::spi::{self, SpiDevice};

use super::Chip;
use crate::display::Frame;

/// Columns of the larger chip's memory.
const COLUMNS_MOST: usize = 132;

/// What a bus says when the panel does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FakeOledError {
    /// Nobody acknowledged.
    #[error("no device answers")]
    NoAnswer,
    /// Somebody holds the clock down.
    #[error("the bus is held")]
    Held,
}

impl i2c::Error for FakeOledError {
    fn kind(&self) -> i2c::ErrorKind {
        i2c::ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address)
    }
}

impl spi::Error for FakeOledError {
    fn kind(&self) -> spi::ErrorKind {
        spi::ErrorKind::Other
    }
}

impl digital::Error for FakeOledError {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

/// The chip, its glass and its plug.
#[derive(Clone, Debug)]
pub struct FakeOled(Arc<Mutex<Inside>>);

impl FakeOled {
    /// A chip just powered behind an address: dark, its memory full of noise.
    #[must_use]
    pub fn new(chip: Chip, half: bool, address: u8) -> Self {
        Self(Arc::new(Mutex::new(Inside::powered(chip, half, address))))
    }

    /// Pulls the plug: nothing answers, and the memory is lost.
    pub fn unplug(&self) {
        let mut inside = self.inside();
        let (clock, faults) = (inside.bus_bits, std::mem::take(&mut inside.unknown));
        *inside = Inside::powered(inside.chip, inside.half, inside.address);
        (inside.bus_bits, inside.unknown, inside.plugged) = (clock, faults, false);
    }

    /// Puts the plug back in.
    pub fn replug(&self) {
        self.inside().plugged = true;
    }

    /// A spark: powered off and on faster than any transfer, so that no error is ever seen.
    pub fn blink(&self) {
        self.unplug();
        self.replug();
    }

    /// Lets `after` transfers pass, then holds the bus for `transfers` of them.
    pub fn stall(&self, after: usize, transfers: usize) {
        (self.inside().stall_in, self.inside().stalled) = (after, transfers);
    }

    /// What the glass shows; `None` where it is dark.
    #[must_use]
    pub fn glass(&self) -> Option<Frame> {
        self.inside().glass()
    }

    /// Brightness.
    #[must_use]
    pub fn contrast(&self) -> u8 {
        self.inside().contrast
    }

    /// Commands that this chip does not know, since the beginning.
    #[must_use]
    pub fn unknown(&self) -> Vec<u8> {
        self.inside().unknown.clone()
    }

    /// Time on an I2C bus of `hz` since the beginning: nine bits a byte.
    #[must_use]
    pub fn bus_time(&self, hz: u32) -> Duration {
        Duration::from_nanos(self.inside().bus_bits * 1_000_000_000 / u64::from(hz))
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().expect("no test panics while it holds the chip")
    }
}

#[derive(Debug)]
struct Inside {
    chip: Chip,
    half: bool,
    address: u8,
    plugged: bool,
    stall_in: usize,
    stalled: usize,
    bus_bits: u64,
    unknown: Vec<u8>,
    /// By page, then by the segment that the column drives.
    memory: [[u8; COLUMNS_MOST]; 8],
    page: usize,
    column: usize,
    on: bool,
    pump: bool,
    segments_turned: bool,
    rows_turned: bool,
    page_addressing: bool,
    all_lit: bool,
    inverted: bool,
    rows: usize,
    first_line: usize,
    offset: usize,
    interleaved: bool,
    contrast: u8,
    /// The level of the data/command line, for SPI.
    data_line: bool,
}

impl Inside {
    fn powered(chip: Chip, half: bool, address: u8) -> Self {
        let noise = |page: usize, column: usize| (page * 37 + column * 101 + 5) as u8;
        Self {
            chip,
            half,
            address,
            plugged: true,
            stall_in: 0,
            stalled: 0,
            bus_bits: 0,
            unknown: Vec::new(),
            memory: std::array::from_fn(|page| std::array::from_fn(|column| noise(page, column))),
            page: 0,
            column: 0,
            on: false,
            pump: chip == Chip::Sh1106,
            segments_turned: false,
            rows_turned: false,
            page_addressing: true,
            all_lit: false,
            inverted: false,
            rows: 64,
            first_line: 0,
            offset: 0,
            interleaved: true,
            contrast: 0x7f,
            data_line: false,
        }
    }

    const fn columns(&self) -> usize {
        match self.chip {
            Chip::Ssd1306 => 128,
            Chip::Sh1106 => COLUMNS_MOST,
        }
    }

    fn transfer(&mut self, bytes: usize) -> Result<(), FakeOledError> {
        if !self.plugged {
            return Err(FakeOledError::NoAnswer);
        }
        self.bus_bits += 9 * bytes as u64;
        match self.stall_in.checked_sub(1) {
            Some(left) => self.stall_in = left,
            None if self.stalled > 0 => {
                self.stalled -= 1;
                return Err(FakeOledError::Held);
            }
            None => {}
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let segment = match (self.chip, self.segments_turned) {
                (_, false) | (Chip::Sh1106, true) => self.column,
                (Chip::Ssd1306, true) => self.columns() - 1 - self.column,
            };
            self.memory[self.page][segment] = *byte;
            let next = self.column + 1;
            // In page addressing the SSD1306 begins the page again; the SH1106 stays at its end.
            self.column = match self.chip {
                Chip::Ssd1306 => next % self.columns(),
                Chip::Sh1106 => next.min(self.columns() - 1),
            };
        }
    }

    fn commands(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.iter().copied();
        while let Some(command) = bytes.next() {
            let ssd1306 = self.chip == Chip::Ssd1306;
            let argument = if takes_argument(self.chip, command) { bytes.next() } else { None };
            match (command, argument) {
                (0x00..=0x0f, _) => self.column = (self.column & 0xf0) | usize::from(command & 0xf),
                (0x10..=0x1f, _) => self.column = (self.column & 0x0f) | usize::from(command & 0xf) << 4,
                (0x20, Some(mode)) if ssd1306 => self.page_addressing = mode & 3 == 2,
                (0x30..=0x33, _) if !ssd1306 => {}
                (0x40..=0x7f, _) => self.first_line = usize::from(command & 0x3f),
                (0x81, Some(level)) => self.contrast = level,
                (0x8d, Some(pump)) if ssd1306 => self.pump = pump & 4 != 0,
                (0xa0 | 0xa1, _) => self.segments_turned = command & 1 == 1,
                (0xa4 | 0xa5, _) => self.all_lit = command & 1 == 1,
                (0xa6 | 0xa7, _) => self.inverted = command & 1 == 1,
                (0xa8, Some(last)) => self.rows = usize::from(last & 0x3f) + 1,
                (0xad, Some(pump)) if !ssd1306 => self.pump = pump & 1 == 1,
                (0xae | 0xaf, _) => self.on = command & 1 == 1,
                (0xb0..=0xb7, _) => self.page = usize::from(command & 7),
                (0xc0 | 0xc8, _) => self.rows_turned = command & 8 != 0,
                (0xd3, Some(rows)) => self.offset = usize::from(rows & 0x3f),
                (0xda, Some(order)) => self.interleaved = order & 0x10 != 0,
                (0xd5 | 0xd9 | 0xdb, Some(_)) | (0xe3, _) => {}
                _ => self.unknown.push(command),
            }
        }
    }

    /// What shines. Modules are glued so that turned segments and turned rows stand upright.
    fn glass(&self) -> Option<Frame> {
        let glass_rows = if self.half { 32 } else { 64 };
        let driven = self.rows == glass_rows && self.interleaved != self.half && self.page_addressing;
        if !(self.on && self.pump && driven && self.plugged) {
            return None;
        }
        let mut frame = Frame::default();
        let side = (self.columns() - Frame::WIDTH) / 2;
        for (y, x) in (0..glass_rows).flat_map(|y| (0..Frame::WIDTH).map(move |x| (y, x))) {
            // The glass ends are wired to the segments from the last one down.
            let segment = self.columns() - 1 - side - x;
            let column = match (self.chip, self.segments_turned) {
                (Chip::Ssd1306, _) | (Chip::Sh1106, false) => segment,
                (Chip::Sh1106, true) => self.columns() - 1 - segment,
            };
            let driver = glass_rows - 1 - y;
            let scanned = if self.rows_turned { glass_rows - 1 - driver } else { driver };
            let line = (scanned + self.first_line + self.offset) % 64;
            let bit = self.memory[line / 8][column] >> (line % 8) & 1 == 1;
            frame.set(x, y, (bit || self.all_lit) != self.inverted);
        }
        Some(frame)
    }
}

/// Whether a chip takes a byte after this command.
const fn takes_argument(chip: Chip, command: u8) -> bool {
    match command {
        0x81 | 0xa8 | 0xd3 | 0xd5 | 0xd9 | 0xda | 0xdb => true,
        0x20 | 0x8d => matches!(chip, Chip::Ssd1306),
        0xad => matches!(chip, Chip::Sh1106),
        _ => false,
    }
}

impl i2c::ErrorType for FakeOled {
    type Error = FakeOledError;
}

impl I2c<SevenBitAddress> for FakeOled {
    fn transaction(&mut self, address: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), FakeOledError> {
        let mut inside = self.inside();
        if address != inside.address {
            return Err(FakeOledError::NoAnswer);
        }
        for operation in operations {
            let i2c::Operation::Write(bytes) = operation else { return Err(FakeOledError::NoAnswer) };
            inside.transfer(bytes.len() + 1)?;
            match bytes.split_first() {
                Some((0x00, commands)) => inside.commands(commands),
                Some((0x40, dots)) => inside.data(dots),
                Some((control, _)) => inside.unknown.push(*control),
                None => {}
            }
        }
        Ok(())
    }
}

impl spi::ErrorType for FakeOled {
    type Error = FakeOledError;
}

impl SpiDevice for FakeOled {
    fn transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), FakeOledError> {
        let mut inside = self.inside();
        for operation in operations {
            let spi::Operation::Write(bytes) = operation else { continue };
            inside.transfer(bytes.len())?;
            if inside.data_line { inside.data(bytes) } else { inside.commands(bytes) }
        }
        Ok(())
    }
}

impl digital::ErrorType for FakeOled {
    type Error = FakeOledError;
}

impl OutputPin for FakeOled {
    fn set_low(&mut self) -> Result<(), FakeOledError> {
        self.inside().data_line = false;
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), FakeOledError> {
        self.inside().data_line = true;
        Ok(())
    }
}
