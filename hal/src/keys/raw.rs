//! The settings of the terminal that the keys come from: taken, and put back whatever happens.
//!
//! Keys arrive one by one and unechoed; how output is shown stays as it was, so that a line printed beside starts at the left.
//! The settings are put back by whoever ends first (the surface, the program's end, a panic), at once: no call here waits for
//! output that nobody reads.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsetattr,
};

use crate::display::TextWire;

/// Asks a terminal to mark what is pasted, and not to.
const MARK_PASTES: &[u8] = b"\x1b[?2004h";
const MARK_NO_PASTES: &[u8] = b"\x1b[?2004l";

/// The terminal that was taken, and its settings before.
static TAKEN: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

fn taken() -> MutexGuard<'static, Option<(OwnedFd, Termios)>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a terminal. It is put back by [`put_back`], and by a panic.
///
/// # Errors
/// As the system says; the terminal is then as it was.
pub(super) fn take(terminal: OwnedFd) -> std::io::Result<()> {
    put_back_on_panic();
    let before = tcgetattr(&terminal)?;
    let mut raw = before.clone();
    raw.local_modes -=
        LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG | LocalModes::IEXTEN;
    // Every key is ours, those of flow control too: a stray Ctrl-S must not stop the screen.
    raw.input_modes -=
        InputModes::IXON | InputModes::ICRNL | InputModes::INLCR | InputModes::IGNCR | InputModes::ISTRIP;
    (raw.special_codes[SpecialCodeIndex::VMIN], raw.special_codes[SpecialCodeIndex::VTIME]) = (1, 0);
    tcsetattr(&terminal, OptionalActions::Now, &raw)?;
    mark_pastes(&terminal, MARK_PASTES);
    *taken() = Some((terminal, before));
    Ok(())
}

/// Puts the terminal's settings back as they were found, if they were taken: at once, and from any thread. What was typed and
/// not read is thrown away, so that no shell gets it.
pub fn put_back() {
    if let Some((terminal, before)) = taken().take() {
        mark_pastes(&terminal, MARK_NO_PASTES);
        // A terminal that is gone needs no putting back.
        let _ = tcflush(&terminal, QueueSelector::IFlush);
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
    }
}

/// A terminal that takes nothing now, or knows no such thing, goes without.
fn mark_pastes(terminal: &OwnedFd, words: &[u8]) {
    if let Ok(wire) = TextWire::onto(terminal) {
        let _ = wire.offer(words);
    }
}

fn put_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            put_back();
            before(panic);
        }));
    });
}
