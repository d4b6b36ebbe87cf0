//! Displays: a small panel of 128 by 64 dots, a Linux framebuffer, a picture in a file, and text in a terminal.
//!
//! Who draws knows nothing of the device: a [`Frame`] takes any `embedded-graphics` drawing, a [`Screen`] shows it, and the
//! fakes keep it for tests. A screen may take its time: a [`ScreenThread`] stands between it and who draws, shows the
//! latest frame at most thirty times a second, and [`Reopening`] tries a screen that went away again now and then.
//! [`TextWire`] brings text to a terminal or a pipe that may not be read.

mod fake;
mod frame;
mod framebuffer;
mod oled;
mod picture;
mod reopening;
mod thread;
mod wire;

pub use embedded_graphics as graphics;
pub use fake::FakeScreen;
pub use frame::Frame;
pub use framebuffer::{Channel, FakeGlass, Framebuffer, Glass, PixelLayout, Tones};
pub use oled::{Chip, DataLine, FakeOled, FakeOledError, I2cBus, I2cOled, Oled, OledBus, OledSetup, SpiBus, SpiOled};
pub use picture::{PictureError, png_bytes, read_png};
pub use reopening::{REOPEN_EVERY, Reopening};
pub use thread::{FRAME_LEAST, Painter, ScreenCounts, ScreenThread, TEND_EVERY};
pub use wire::TextWire;

/// Why a screen shows nothing. The sound goes on.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// The device is gone, or was never there. Try to open it again now and then.
    #[error("the display is gone: {0}")]
    Gone(#[source] std::io::Error),
    /// The device is there and cannot be drawn on as it is set up. Trying again changes nothing; someone must.
    #[error("the display {device} cannot be used: found {found}, expected {expected}")]
    Unfit {
        /// Its file.
        device: String,
        /// What it said of itself.
        found: String,
        /// What can be drawn on.
        expected: &'static str,
    },
}

/// A small panel.
pub trait Screen {
    /// Shows a frame, whole.
    ///
    /// # Errors
    /// [`ScreenError`]; what was shown before may still stand.
    fn show(&mut self, frame: &Frame) -> Result<(), ScreenError>;

    /// Looks after the panel while nothing changes: finds out that it went away, mends what it forgot. Call it about once
    /// a second. A screen that cannot go wrong quietly does nothing here.
    ///
    /// # Errors
    /// [`ScreenError`], as for a frame.
    fn tend(&mut self) -> Result<(), ScreenError> {
        Ok(())
    }
}

impl<S: Screen + ?Sized> Screen for Box<S> {
    fn show(&mut self, frame: &Frame) -> Result<(), ScreenError> {
        (**self).show(frame)
    }

    fn tend(&mut self) -> Result<(), ScreenError> {
        (**self).tend()
    }
}
