//! The keys of the terminal as a surface.
//!
//! The terminal is put into raw mode, so that keys arrive one by one and unechoed, and is put back when the surface is
//! dropped and also when the program panics: a player must never be left with a dead terminal.

use std::io::IsTerminal;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use crate::gesture::{Clock, Gesture, Key, Motion, Surface, SurfaceError, SurfaceId, WallClock};

/// Whether the terminal is ours now, for the panic hook.
static RAW: AtomicBool = AtomicBool::new(false);

/// The keys of the terminal.
#[derive(Debug)]
pub struct KeySurface {
    clock: WallClock,
}

impl KeySurface {
    /// Takes the terminal; gestures carry the time of `clock`.
    ///
    /// # Errors
    /// [`SurfaceError::Unavailable`] where the input is not a terminal, or will not be one.
    pub fn open(clock: WallClock) -> Result<Self, SurfaceError> {
        if !std::io::stdin().is_terminal() {
            return Err(SurfaceError::Unavailable("no keys: the input is not a terminal".to_owned()));
        }
        put_back_on_panic();
        enable_raw_mode()
            .map_err(|error| SurfaceError::Unavailable(format!("no keys: the terminal refuses raw mode ({error})")))?;
        RAW.store(true, Ordering::SeqCst);
        Ok(Self { clock })
    }
}

impl Surface for KeySurface {
    fn next_gesture(&mut self, patience: Duration) -> Result<Option<Gesture>, SurfaceError> {
        let garbled = |error: std::io::Error| SurfaceError::Garbled { surface: "keys", fault: error.to_string() };
        if !poll(patience).map_err(garbled)? {
            return Ok(None);
        }
        let Event::Key(event) = read().map_err(garbled)? else { return Ok(None) };
        let gesture = |key| Gesture { at: self.clock.now(), surface: SurfaceId::KEYS, motion: Motion::Struck(key) };
        Ok(named(event).map(gesture))
    }
}

impl Drop for KeySurface {
    fn drop(&mut self) {
        put_back();
    }
}

/// Our name for what was struck; none for keys that nobody plays.
fn named(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    Some(match event.code {
        KeyCode::Char('c' | 'd') if control => Key::Interrupt,
        KeyCode::Char(_) if control => return None,
        KeyCode::Char(character) => Key::Char(character),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Enter => Key::Enter,
        KeyCode::Tab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Esc => Key::Escape,
        _ => return None,
    })
}

fn put_back() {
    if RAW.swap(false, Ordering::SeqCst) {
        // A terminal that is gone needs no putting back.
        let _ = disable_raw_mode();
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

#[cfg(test)]
mod tests {
    use super::{Key, KeyCode, KeyEvent, KeyModifiers, named};

    #[test]
    fn a_letter_is_itself_and_control_c_is_the_way_out() {
        assert_eq!(named(KeyEvent::new(KeyCode::Char('R'), KeyModifiers::SHIFT)), Some(Key::Char('R')));
        assert_eq!(named(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Some(Key::Interrupt));
        assert_eq!(named(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::CONTROL)), None);
        assert_eq!(named(KeyEvent::new(KeyCode::PageUp, KeyModifiers::NONE)), Some(Key::PageUp));
    }
}
