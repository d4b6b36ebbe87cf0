//! The two ways to a panel: I2C, where a control byte says what follows, and SPI, where a line does.
//!
//! The protocols are written over `embedded-hal`, so that the fake chip sees the very bytes; the Linux devices are opened
//! at the end of this file. A transfer blocks as long as the bus takes: call it from a thread that may wait.

use std::io;
use std::path::Path;

use embedded_hal::digital::{ErrorType, OutputPin};
use embedded_hal::i2c::I2c;
use embedded_hal::spi::SpiDevice;
use gpiocdev::Request;
use gpiocdev::line::Value;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};
use linux_embedded_hal::{I2cdev, SpidevDevice};

use super::{Oled, OledSetup};
use crate::display::ScreenError;

/// Carries commands and dots.
pub trait OledBus {
    /// Sends commands with their arguments, in one transfer.
    ///
    /// # Errors
    /// What the bus said.
    fn command(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Sends dots, in one transfer.
    ///
    /// # Errors
    /// What the bus said.
    fn data(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A panel on I2C.
#[derive(Debug)]
pub struct I2cBus<I> {
    i2c: I,
    address: u8,
}

impl<I> I2cBus<I> {
    /// The panel at `address`: 0x3c, or 0x3d where its jumper is moved.
    pub const fn new(i2c: I, address: u8) -> Self {
        Self { i2c, address }
    }
}

impl<I: I2c> I2cBus<I>
where
    I::Error: std::error::Error + Send + Sync + 'static,
{
    fn send(&mut self, control: u8, bytes: &[u8]) -> io::Result<()> {
        let mut message = Vec::with_capacity(bytes.len() + 1);
        message.push(control);
        message.extend(bytes);
        self.i2c.write(self.address, &message).map_err(io::Error::other)
    }
}

impl<I: I2c> OledBus for I2cBus<I>
where
    I::Error: std::error::Error + Send + Sync + 'static,
{
    fn command(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send(0x00, bytes)
    }

    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send(0x40, bytes)
    }
}

/// A panel on SPI, with the line that says whether dots or commands are sent (D/C, A0 or RS on the module).
#[derive(Debug)]
pub struct SpiBus<S, P> {
    spi: S,
    line: P,
}

impl<S, P> SpiBus<S, P> {
    /// The panel behind a chip select and a line.
    pub const fn new(spi: S, line: P) -> Self {
        Self { spi, line }
    }
}

impl<S: SpiDevice, P: OutputPin> OledBus for SpiBus<S, P>
where
    S::Error: std::error::Error + Send + Sync + 'static,
    P::Error: std::error::Error + Send + Sync + 'static,
{
    fn command(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.set_low().map_err(io::Error::other)?;
        self.spi.write(bytes).map_err(io::Error::other)
    }

    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.line.set_high().map_err(io::Error::other)?;
        self.spi.write(bytes).map_err(io::Error::other)
    }
}

/// A GPIO line as an output.
#[derive(Debug)]
pub struct DataLine(Request);

/// A line that did not obey.
#[derive(Debug, thiserror::Error)]
#[error("the data/command line did not switch: {0}")]
pub struct LineStuck(#[from] gpiocdev::Error);

impl embedded_hal::digital::Error for LineStuck {
    fn kind(&self) -> embedded_hal::digital::ErrorKind {
        embedded_hal::digital::ErrorKind::Other
    }
}

impl ErrorType for DataLine {
    type Error = LineStuck;
}

impl OutputPin for DataLine {
    fn set_low(&mut self) -> Result<(), LineStuck> {
        Ok(self.0.set_lone_value(Value::Inactive)?)
    }

    fn set_high(&mut self) -> Result<(), LineStuck> {
        Ok(self.0.set_lone_value(Value::Active)?)
    }
}

/// A panel on a Linux I2C bus.
pub type I2cOled = Oled<I2cBus<I2cdev>>;
/// A panel on a Linux SPI bus.
pub type SpiOled = Oled<SpiBus<SpidevDevice, DataLine>>;

impl I2cOled {
    /// Opens the bus (`/dev/i2c-1`) and asks whether anything answers at `address`.
    ///
    /// # Errors
    /// [`ScreenError::Gone`], with the file and what it said.
    pub fn open(bus: &Path, address: u8, setup: OledSetup) -> Result<Self, ScreenError> {
        let words = |error: &dyn std::fmt::Display| {
            gone(format!("{}, address 0x{address:02x}: {error}; expected an OLED panel on this I2C bus", bus.display()))
        };
        let mut i2c = I2cBus::new(I2cdev::new(bus).map_err(|error| words(&error))?, address);
        // NOP: changes nothing in a panel that works, and is acknowledged by one that is there.
        i2c.command(&[0xe3]).map_err(|error| words(&error))?;
        Ok(Self::new(i2c, setup))
    }
}

impl SpiOled {
    /// Opens the device (`/dev/spidev0.0`) at `speed_hz` (10 MHz is what the chips allow at most) and the line `offset` of
    /// `chip` (`/dev/gpiochip0`). SPI has no answer, so a panel that is not there is not missed.
    ///
    /// # Errors
    /// [`ScreenError::Gone`], with the file and what it said.
    pub fn open(device: &Path, speed_hz: u32, chip: &Path, offset: u32, setup: OledSetup) -> Result<Self, ScreenError> {
        let words = |error: &dyn std::fmt::Display| {
            gone(format!("{}: {error}; expected an SPI device for the OLED panel", device.display()))
        };
        let mut spi = SpidevDevice::open(device).map_err(|error| words(&error))?;
        let options =
            SpidevOptions::new().bits_per_word(8).max_speed_hz(speed_hz).mode(SpiModeFlags::SPI_MODE_0).build();
        spi.configure(&options).map_err(|error| words(&error))?;
        let line = Request::builder()
            .on_chip(chip)
            .with_consumer("demon display")
            .with_line(offset)
            .as_output(Value::Inactive)
            .request()
            .map_err(|error| {
                let (chip, free) = (chip.display(), "expected a free line for the display's D/C");
                gone(format!("{chip}, line {offset}: {error}; {free}"))
            })?;
        Ok(Self::new(SpiBus::new(spi, DataLine(line)), setup))
    }
}

fn gone(words: String) -> ScreenError {
    ScreenError::Gone(io::Error::new(io::ErrorKind::NotFound, words))
}
