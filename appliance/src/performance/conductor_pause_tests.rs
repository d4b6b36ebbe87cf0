//! A pause plays on where it was made, to a period, and everything that brings the sound back ends it.

use hal::gesture::{Motion, Transport as Word};

use super::{Stage, TAPE};

impl Stage {
    /// So many periods of the player.
    fn turns(&mut self, periods: usize) {
        (0..periods).for_each(|_| _ = self.head());
    }

    fn is_muted(&self) -> bool {
        self.conductor.transport().muted()
    }

    fn shown(&self) -> usize {
        (self.conductor.place() * TAPE as f64).round() as usize
    }
}

#[test]
fn a_pause_plays_on_where_it_was_made() {
    let mut stage = Stage::new("");
    stage.turns(40);
    let left = stage.head();
    stage.strike('0');
    assert!(stage.is_muted());
    stage.turns(100);
    assert_eq!(stage.shown(), left, "the display stands");
    stage.strike('0');
    assert!(!stage.is_muted());
    assert_eq!(stage.head(), left + 256);
    assert_eq!(stage.shown(), left + 256);
}

#[test]
fn a_seek_in_a_pause_is_where_it_plays_on_and_a_start_is_the_start() {
    let mut stage = Stage::new("");
    stage.turns(10);
    stage.strike('0');
    let left = stage.shown();
    stage.turns(10);
    stage.strike(']');
    let ahead = stage.shown();
    assert!(left < ahead && stage.is_muted());
    stage.turns(10);
    stage.strike('0');
    assert_eq!(stage.head(), ahead + 256);
    stage.strike('0');
    stage.play(Motion::Struck(hal::gesture::Key::Home));
    stage.turns(10);
    assert_eq!((stage.shown(), stage.is_muted()), (0, true));
    stage.strike('0');
    assert_eq!(stage.head(), 256);
}

#[test]
fn whatever_brings_the_sound_back_ends_a_pause_where_it_was_made() {
    for back in [' ', 'p', 'c', 's'] {
        let mut stage = Stage::new("");
        stage.turns(20);
        let left = stage.head();
        stage.strike('0');
        stage.turns(20);
        match back {
            'c' => stage.play(Motion::Transport(Word::Continue)),
            's' => stage.play(Motion::Transport(Word::Start)),
            key => stage.strike(key),
        }
        let from = if back == 's' { 0 } else { left };
        assert_eq!((stage.head(), stage.is_muted()), (from + 256, false), "{back:?}");
        stage.turns(3);
        assert_eq!(stage.shown(), from + 4 * 256, "it is no pause any more");
    }
}

#[test]
fn what_is_muted_is_paused_where_it_is_by_then() {
    let mut stage = Stage::new("");
    stage.strike(' ');
    stage.turns(30);
    let there = stage.head();
    stage.strike('0');
    stage.turns(30);
    stage.strike('0');
    assert_eq!((stage.head(), stage.is_muted()), (there + 256, false));
}
