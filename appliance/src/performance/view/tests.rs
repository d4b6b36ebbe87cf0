//! A view over a real conductor and a pulse that a test drives; nothing is drawn but lines.

use std::time::Duration;

use engine::live::{relay, set_queue};
use engine::param::{ParamId, edge_queue};
use engine::playback::{DeckSize, Tape, deck};
use hal::gesture::{SurfaceId, WallClock};

use super::View;
use crate::control::binding::Act;
use crate::display::displays::Displays;
use crate::display::messages::FaultKey;
use crate::display::terminal::{Ink, Terminal};
use crate::performance::conductor::{Conductor, EngineLinks};
use crate::performance::threads::Pulse;
use crate::settings::patch::Patch;

struct Stage {
    conductor: Conductor,
    pulse: Pulse,
    view: View,
}

impl Stage {
    fn new() -> Self {
        let tape = Tape::new(vec![[0.0; 2]; 1920 * 25]).expect("a second");
        let (_player, _packer, transport) = deck(tape, DeckSize { boxes: 2, window_frames: 1920 });
        let engine = EngineLinks { edges: edge_queue(8).0, decode_values: relay().0, sets: set_queue().0, transport };
        let conductor = Conductor::new(&Patch::default(), 25, engine).0;
        let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null").expect("it is there");
        let terminal = Terminal::onto(&nowhere, false, Ink::default()).expect("a thread");
        Self { conductor, pulse: Pulse::default(), view: View::new(terminal, Displays::default(), WallClock::start()) }
    }

    fn draw(&mut self) {
        self.view.draw(&self.conductor, &self.pulse, |status| status.patch = "a patch".to_owned(), Duration::ZERO);
    }
}

#[test]
fn a_sound_device_that_is_away_stands_whatever_hands_do_until_it_is_back() {
    let mut stage = Stage::new();
    stage.draw();
    assert_eq!(stage.view.status.fault(), None);
    stage.view.messages().fault(FaultKey::SoundDevice, "the sound device is away; playing on, waiting for it");
    for _ in 0..20 {
        stage.view.show(&Act::Mute, true);
        stage.view.say("news");
        stage.draw();
        let words = stage.view.status.fault();
        assert_eq!(words, Some("the sound device is away; playing on, waiting for it"));
    }
    stage.view.messages().fault(FaultKey::Disk, "the disk is full");
    stage.draw();
    assert_eq!(stage.view.status.faults.len(), 2);
    stage.view.messages().over_with(&FaultKey::SoundDevice, "the sound device is here");
    stage.draw();
    let status = &stage.view.status;
    assert_eq!((status.fault(), status.faults.len()), (Some("the disk is full"), 1));
}

#[test]
fn what_came_of_a_gesture_is_shown_at_once() {
    let mut stage = Stage::new();
    // What the start told has been read.
    stage.view.messages = crate::display::messages::Messages::new(false, []);
    stage.view.show(&Act::Mute, true);
    stage.draw();
    assert_eq!(stage.view.status.message, "muted");
    stage.view.show(&Act::Came(SurfaceId(2), "nano".to_owned()), false);
    stage.view.show(&Act::Waiting(ParamId::Denoise, 0.25), false);
    stage.draw();
    let status = &stage.view.status;
    assert_eq!((status.controllers, status.moved, status.waiting), (1, Some(ParamId::Denoise), Some(0.25)));
    assert_eq!((status.patch.as_str(), status.pick.is_some()), ("a patch", false));
    stage.view.show(&Act::Selected(ParamId::Seed), false);
    stage.draw();
    let status = &stage.view.status;
    assert_eq!((status.waiting, status.pick.is_some()), (None, true), "the list of parameters is open");
}

#[test]
fn slots_that_are_held_back_are_a_fault_which_a_rest_adds_nothing_to_and_a_rest_is_shown_as_one() {
    use std::sync::atomic::Ordering::Relaxed;
    let mut stage = Stage::new();
    stage.draw();
    assert!(!stage.view.status.rests);
    stage.pulse.held_back.store(3, Relaxed);
    stage.draw();
    assert_eq!(stage.view.status.fault(), Some("ticks are slow: 3 slots fewer until they keep up"));
    stage.pulse.ticks_rest.store(true, Relaxed);
    stage.pulse.held_back.store(2, Relaxed);
    stage.draw();
    let status = &stage.view.status;
    let before = Some("ticks are slow: 3 slots fewer until they keep up");
    assert_eq!((status.fault(), status.rests), (before, true), "at rest nobody is slow, and it is over after a while");
    stage.pulse.ticks_rest.store(false, Relaxed);
    stage.draw();
    assert_eq!(stage.view.status.fault(), Some("ticks are slow: 2 slots fewer until they keep up"));
}
