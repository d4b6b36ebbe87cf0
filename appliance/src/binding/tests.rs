//! Gestures in, store and acts out.

use std::time::Duration;

use engine::param::{ParamId, Store};
use hal::gesture::{Control, FakeSurface, Gesture, Identity, Key, Motion, Position, Surface, SurfaceId};

use super::{Act, Binding, Encoding, Entry, Map, On, Takeover, Target};

struct Stage {
    binding: Binding,
    store: Store,
    now: Duration,
}

impl Stage {
    fn new(own: Vec<Entry>) -> Self {
        Self { binding: Binding::new(Map::with(own)), store: Store::new().0, now: Duration::ZERO }
    }

    fn say(&mut self, motion: Motion) -> Option<Act> {
        self.now += Duration::from_millis(10);
        let gesture = Gesture { at: self.now, surface: SurfaceId(7), motion };
        self.binding.play(&gesture, &mut self.store)
    }

    fn turn(&mut self, number: u8, to: u8) -> Option<Act> {
        self.say(Motion::Turned(Control::Cc { channel: 3, number }, Position::Seven(to)))
    }

    fn strike(&mut self, key: Key) -> Option<Act> {
        self.say(Motion::Struck(key))
    }

    fn denoise(&self) -> f64 {
        self.store.value(ParamId::Denoise)
    }
}

#[test]
fn the_first_thing_a_knob_says_moves_nothing_even_at_its_value() {
    let mut stage = Stage::new(vec![]);
    assert_eq!(stage.turn(1, 64), Some(Act::Waiting(ParamId::Denoise, 64.0 / 127.0)));
    assert_eq!(stage.denoise(), 0.5);
}

#[test]
fn a_score_is_meant_from_its_first_word() {
    let mut stage = Stage::new(vec![]);
    let motion = Motion::Turned(Control::Cc { channel: 1, number: 1 }, Position::Seven(127));
    let gesture = Gesture { at: Duration::ZERO, surface: SurfaceId::SCORE, motion };
    assert_eq!(stage.binding.play(&gesture, &mut stage.store), Some(Act::Moved(ParamId::Denoise)));
    assert_eq!(stage.denoise(), 1.0);
}

#[test]
fn a_knob_takes_hold_when_it_comes_by_its_value() {
    let mut stage = Stage::new(vec![]);
    stage.turn(1, 10);
    assert!(matches!(stage.turn(1, 40), Some(Act::Waiting(..))));
    assert_eq!(stage.denoise(), 0.5);
    assert_eq!(stage.turn(1, 61), Some(Act::Moved(ParamId::Denoise)), "within 3 of 128");
    assert_eq!(stage.turn(1, 127), Some(Act::Moved(ParamId::Denoise)));
    assert_eq!(stage.denoise(), 1.0);
}

#[test]
fn a_fast_knob_takes_hold_when_it_crosses_its_value() {
    let mut stage = Stage::new(vec![]);
    stage.turn(1, 10);
    assert_eq!(stage.turn(1, 100), Some(Act::Moved(ParamId::Denoise)));
    assert_eq!(stage.denoise(), 100.0 / 127.0);
}

#[test]
fn after_a_scene_every_knob_must_come_by_again() {
    let mut stage = Stage::new(vec![]);
    stage.store.capture(0);
    stage.turn(1, 60);
    stage.turn(1, 100);
    assert_eq!(stage.strike(Key::Char('1')), Some(Act::Recalled(0, true)));
    assert!(matches!(stage.turn(1, 101), Some(Act::Waiting(..))));
    assert_eq!(stage.denoise(), 0.5);
    assert_eq!(stage.turn(1, 30), Some(Act::Moved(ParamId::Denoise)));
}

#[test]
fn a_scene_that_hardly_moves_a_value_lets_its_knob_go_too() {
    let mut stage = Stage::new(vec![]);
    stage.store.set(ParamId::Denoise, 0.515).expect("a number");
    stage.store.capture(0);
    stage.turn(1, 60);
    stage.turn(1, 64);
    stage.store.recall(0);
    assert!(matches!(stage.turn(1, 55), Some(Act::Waiting(..))));
    assert_eq!(stage.denoise(), 0.515);
}

#[test]
fn a_value_that_other_hands_moved_is_let_go() {
    let mut stage = Stage::new(vec![]);
    stage.turn(1, 60);
    stage.turn(1, 64);
    stage.strike(Key::Char('a'));
    stage.strike(Key::PageUp);
    let value = stage.denoise();
    assert!(matches!(stage.turn(1, 65), Some(Act::Waiting(..))));
    assert_eq!(stage.denoise(), value);
}

#[test]
fn a_replugged_controller_says_its_first_thing_again() {
    let mut stage = Stage::new(vec![]);
    stage.turn(1, 60);
    stage.turn(1, 64);
    assert_eq!(stage.say(Motion::Disconnected), Some(Act::Went(SurfaceId(7))));
    assert_eq!(stage.say(Motion::Connected(Identity::new("nano", "nano"))), Some(Act::Came("nano".to_owned())));
    let before = stage.denoise();
    assert!(matches!(stage.turn(1, 65), Some(Act::Waiting(..))));
    assert_eq!(stage.denoise(), before);
}

#[test]
fn a_jumping_knob_moves_with_its_second_word() {
    let entry = Entry { takeover: Takeover::Jump, ..Entry::usual(On::Cc(70), Target::Param(ParamId::Denoise)) };
    let mut stage = Stage::new(vec![entry]);
    assert!(matches!(stage.turn(70, 0), Some(Act::Waiting(..))));
    assert_eq!(stage.turn(70, 1), Some(Act::Moved(ParamId::Denoise)));
    assert_eq!(stage.denoise(), 1.0 / 127.0);
}

#[test]
fn an_encoder_moves_from_where_the_value_is_and_never_waits() {
    let encoding = Encoding::TwosComplement;
    let encoder = |on, id| Entry { encoding, ..Entry::usual(on, Target::Param(id)) };
    let mut stage = Stage::new(vec![encoder(On::Cc(70), ParamId::Denoise), encoder(On::Cc(71), ParamId::DcwMode)]);
    assert_eq!(stage.turn(70, 2), Some(Act::Moved(ParamId::Denoise)));
    assert_eq!(stage.denoise(), 0.5 + 2.0 / 128.0);
    stage.turn(71, 3);
    assert_eq!(stage.store.values().label(ParamId::DcwMode), "pix", "one place a message, however fast");
    for _ in 0..9 {
        stage.turn(71, 127);
    }
    assert_eq!((stage.store.values().label(ParamId::DcwMode), stage.store.clamped()), ("low", 0));
}

#[test]
fn a_patchs_own_entry_wins_and_keeps_to_its_channel() {
    let own = Entry { channel: Some(5), ..Entry::usual(On::Cc(1), Target::Param(ParamId::Shift)) };
    let mut stage = Stage::new(vec![own]);
    let on = |channel| Motion::Turned(Control::Cc { channel, number: 1 }, Position::Seven(0));
    assert!(matches!(stage.say(on(5)), Some(Act::Waiting(ParamId::Shift, _))));
    assert!(matches!(stage.say(on(4)), Some(Act::Waiting(ParamId::Denoise, _))));
}

#[test]
fn pads_and_programs_do_their_deeds_once_a_press() {
    let mut stage = Stage::new(vec![]);
    let press = |number| Motion::Pressed(Control::Note { channel: 10, number }, 99);
    assert_eq!(stage.say(press(36)), Some(Act::Reseed));
    assert_eq!(stage.say(Motion::Released(Control::Note { channel: 10, number: 36 })), None);
    assert_eq!(stage.say(press(37)), Some(Act::Panic));
    assert_eq!(stage.say(press(49)), Some(Act::Captured(0)));
    assert_eq!(stage.say(press(40)), Some(Act::Recalled(0, true)));
    let program = |number| Motion::Pressed(Control::Program { channel: 1, number }, 127);
    assert_eq!(stage.say(program(0)), Some(Act::Recalled(0, true)));
    assert_eq!(stage.say(program(77)), Some(Act::Recalled(77, false)));
}

#[test]
fn a_button_that_sends_control_changes_acts_when_it_goes_down() {
    let mut stage = Stage::new(vec![Entry::usual(On::Cc(41), Target::Deed(super::Deed::Reseed))]);
    let acts: Vec<_> = [127, 127, 0, 127].map(|to| stage.turn(41, to)).into_iter().collect();
    assert_eq!(acts, vec![Some(Act::Reseed), None, None, Some(Act::Reseed)]);
}

#[test]
fn one_move_of_a_fader_is_one_thing_to_undo_and_a_rest_begins_another() {
    let mut stage = Stage::new(vec![]);
    for to in [60, 64, 80, 100] {
        stage.turn(1, to);
    }
    stage.now += Duration::from_secs(2);
    stage.turn(1, 120);
    assert_eq!(stage.strike(Key::Char('u')), Some(Act::Undone(true)));
    assert_eq!(stage.denoise(), 100.0 / 127.0);
    assert_eq!(stage.strike(Key::Char('u')), Some(Act::Undone(true)));
    assert_eq!((stage.denoise(), stage.strike(Key::Char('u'))), (0.5, Some(Act::Undone(false))));
    assert_eq!(stage.strike(Key::Char('U')), Some(Act::Redone(true)));
    assert_eq!(stage.denoise(), 100.0 / 127.0);
}

#[test]
fn keys_select_walk_move_and_put_back() {
    let mut stage = Stage::new(vec![]);
    assert_eq!(stage.strike(Key::Char('s')), Some(Act::Selected(ParamId::SourceBlend)));
    assert_eq!(stage.strike(Key::Up), Some(Act::Moved(ParamId::SourceBlend)));
    assert_eq!(stage.store.value(ParamId::SourceBlend), 1.0 / 128.0);
    assert_eq!(stage.strike(Key::Backspace), Some(Act::Moved(ParamId::SourceBlend)));
    assert_eq!(stage.store.value(ParamId::SourceBlend), 0.0);
    assert_eq!(stage.strike(Key::Left), Some(Act::Selected(ParamId::Method)));
    assert_eq!(stage.strike(Key::Left), Some(Act::Selected(ParamId::Steps)), "around the end");
    assert_eq!(stage.strike(Key::Char('q')), Some(Act::Quit));
}

#[test]
fn w_and_a_digit_keep_a_scene_once() {
    let mut stage = Stage::new(vec![]);
    assert_eq!(stage.strike(Key::Char('w')), Some(Act::WillCapture));
    assert_eq!(stage.strike(Key::Char('4')), Some(Act::Captured(3)));
    assert_eq!(stage.strike(Key::Char('4')), Some(Act::Recalled(3, true)));
    assert_eq!(stage.strike(Key::Char('5')), Some(Act::Recalled(4, false)));
}

#[test]
fn a_whole_performance_of_the_fake_surface_moves_the_store() {
    let mut surface = FakeSurface::default().after(Duration::from_millis(5)).turn(1, 60).turn(1, 127).unplug().replug();
    let (mut binding, (mut store, mut reader)) = (Binding::default(), Store::new());
    while let Some(gesture) = surface.next_gesture(Duration::from_millis(5)).expect("nothing fails here") {
        binding.play(&gesture, &mut store);
    }
    assert_eq!(reader.latest().values.get(ParamId::Denoise), 1.0);
}
