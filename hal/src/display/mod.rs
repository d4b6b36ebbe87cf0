//! Displays: a small panel of 128 by 64 dots, and lines of text in a terminal.
//!
//! Who draws knows nothing of the device: a [`Frame`] takes any `embedded-graphics` drawing, a [`Screen`] shows it, and the
//! fake keeps it for tests. In a terminal a frame can be shown in braille, eight dots a character; the status of a set is
//! better read as text, and [`TextPanel`] shows that without flicker.

mod fake;
mod frame;
mod text;

pub use embedded_graphics as graphics;
pub use fake::FakeScreen;
pub use frame::Frame;
pub use text::{Line, Span, TextPanel, Tint};

/// Why a screen shows nothing. The sound goes on.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// The device is gone. Try to open it again now and then.
    #[error("the display is gone: {0}")]
    Gone(#[source] std::io::Error),
}

/// A small panel.
pub trait Screen {
    /// Shows a frame, whole.
    ///
    /// # Errors
    /// [`ScreenError`]; what was shown before may still stand.
    fn show(&mut self, frame: &Frame) -> Result<(), ScreenError>;
}
