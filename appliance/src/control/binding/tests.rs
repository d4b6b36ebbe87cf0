//! Gestures in, store and acts out.

use std::time::Duration;

use engine::param::{ParamId, Store};
use hal::gesture::{Control, FakeSurface, Gesture, Identity, Key, Motion, Position, Surface, SurfaceId};

use super::{Act, Binding, Encoding, Ends, Entry, Layer, Map, On, Press, Takeover, Target, Travel, Travels};
use crate::control::desk::Desk;

mod edges;
mod lessons;
mod prompts;

const SURFACE: SurfaceId = SurfaceId(7);

struct Stage {
    binding: Binding,
    desk: Desk,
    now: Duration,
}

impl Stage {
    fn new(own: Vec<Entry>) -> Self {
        Self { binding: Binding::new(Map::with(own)), desk: Desk::new(Store::new().0), now: Duration::ZERO }
    }

    fn say(&mut self, motion: Motion) -> Option<Act> {
        self.say_all(motion).pop()
    }

    fn say_all(&mut self, motion: Motion) -> Vec<Act> {
        self.now += Duration::from_millis(10);
        let gesture = Gesture { at: self.now, surface: SURFACE, motion };
        let mut acts = Vec::new();
        self.binding.play(&gesture, &mut self.desk, &mut acts);
        acts
    }

    fn note(&mut self, number: u8) -> Option<Act> {
        self.say(Motion::Pressed(Control::Note { channel: 10, number }, 99))
    }

    fn let_go(&mut self, number: u8) -> Option<Act> {
        self.say(Motion::Released(Control::Note { channel: 10, number }))
    }

    fn turn(&mut self, number: u8, to: u8) -> Option<Act> {
        self.say(Motion::Turned(Control::Cc { channel: 3, number }, Position::Seven(to)))
    }

    fn strike(&mut self, key: Key) -> Option<Act> {
        self.say(Motion::Struck(key))
    }

    fn denoise(&self) -> f64 {
        self.desk.store().value(ParamId::Denoise)
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
    let mut acts = Vec::new();
    stage.binding.play(&gesture, &mut stage.desk, &mut acts);
    assert_eq!(acts, [Act::Moved(ParamId::Denoise)]);
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
    stage.desk.capture(0);
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
    stage.desk.turn(ParamId::Denoise, 0.515, Duration::ZERO).expect("a number");
    stage.desk.capture(0);
    stage.turn(1, 60);
    stage.turn(1, 64);
    stage.desk.recall(0);
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
    assert_eq!(stage.say(Motion::Disconnected), Some(Act::Went(SURFACE)));
    assert_eq!(
        stage.say(Motion::Connected(Identity::new("nano", "nano"))),
        Some(Act::Came(SURFACE, "nano".to_owned()))
    );
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
    assert_eq!(stage.desk.store().aims().label(ParamId::DcwMode), "pix", "one place a message, however fast");
    for _ in 0..9 {
        stage.turn(71, 127);
    }
    assert_eq!((stage.desk.store().aims().label(ParamId::DcwMode), stage.desk.store().clamped()), ("low", 0));
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
    assert_eq!(stage.say(press(37)), Some(Act::Mute));
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
    assert_eq!(stage.desk.store().value(ParamId::SourceBlend), 1.0 / 128.0);
    assert_eq!(stage.strike(Key::Backspace), Some(Act::Moved(ParamId::SourceBlend)));
    assert_eq!(stage.desk.store().value(ParamId::SourceBlend), 0.0);
    assert_eq!(stage.strike(Key::BackTab), Some(Act::Selected(ParamId::Method)));
    assert_eq!(stage.strike(Key::BackTab), Some(Act::Selected(ParamId::Key)), "around the end");
    assert_eq!(stage.strike(Key::Tab), Some(Act::Selected(ParamId::Method)));
}

#[test]
fn all_four_arrows_turn_the_value_in_the_hand() {
    let mut stage = Stage::new(vec![]);
    stage.strike(Key::Char('s'));
    for (key, detents) in [(Key::Right, 1.0), (Key::Up, 2.0), (Key::Left, 1.0), (Key::Down, 0.0)] {
        assert_eq!(stage.strike(key), Some(Act::Moved(ParamId::SourceBlend)));
        assert_eq!(stage.desk.store().value(ParamId::SourceBlend), detents / 128.0, "{key:?}");
    }
}

#[test]
fn leaving_asks_and_only_a_second_q_in_time_leaves() {
    let mut stage = Stage::new(vec![]);
    let q_after = |stage: &mut Stage, ms: u64| {
        stage.now += Duration::from_millis(ms);
        stage.strike(Key::Char('q'))
    };
    assert_eq!(q_after(&mut stage, 0), Some(Act::WillQuit));
    assert_eq!(q_after(&mut stage, 2001), Some(Act::WillQuit), "too late: it asks again");
    assert_eq!(q_after(&mut stage, 1990), Some(Act::Quit));
    assert_eq!(q_after(&mut stage, 100), Some(Act::WillQuit));
    assert_eq!(stage.strike(Key::Char('r')), Some(Act::Reseed));
    assert_eq!(q_after(&mut stage, 100), Some(Act::WillQuit), "another key between takes it back");
    assert_eq!(q_after(&mut stage, 0), None, "what comes at once was no hand");
    assert_eq!(q_after(&mut stage, 100), Some(Act::Quit));
    assert_eq!(stage.strike(Key::Interrupt), Some(Act::Quit));
}

#[test]
fn escape_closes_what_is_open_and_never_leaves() {
    let mut stage = Stage::new(vec![]);
    assert_eq!(stage.strike(Key::Char('?')), Some(Act::KeyList(1)));
    assert_eq!(stage.strike(Key::Char('?')), Some(Act::KeyList(2)));
    stage.strike(Key::Char('L'));
    assert_eq!(stage.strike(Key::Escape), Some(Act::NotLearnt), "the lesson first");
    assert_eq!(stage.strike(Key::Escape), Some(Act::Closed));
    assert_eq!(stage.strike(Key::Escape), Some(Act::Closed));
    assert_eq!(stage.strike(Key::Char('?')), Some(Act::KeyList(1)), "it was closed");
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
    let (store, mut reader) = Store::new();
    let (mut binding, mut desk, mut acts) = (Binding::default(), Desk::new(store), Vec::new());
    while let Some(gesture) = surface.next_gesture(Duration::from_millis(5)).expect("nothing fails here") {
        binding.play(&gesture, &mut desk, &mut acts);
    }
    assert!(reader.latest().values.get(ParamId::Denoise) < 1.0, "a fast hand is followed, not jumped after");
    desk.walk(Duration::from_secs(5));
    assert_eq!(reader.latest().values.get(ParamId::Denoise), 1.0);
}

#[test]
fn a_range_a_curve_and_a_direction_are_kept_by_the_knob() {
    let travel = Travel { range: Some((0.2, 0.8)), reversed: true, ..Travel::default() };
    let entry = Entry { travel, takeover: Takeover::Jump, ..Entry::usual(On::Cc(70), Target::Param(ParamId::Denoise)) };
    let mut stage = Stage::new(vec![entry]);
    stage.turn(70, 64);
    let ends = [127, 0].map(|to| {
        stage.turn(70, to);
        stage.denoise()
    });
    assert_eq!(ends, [0.2, 0.8]);
}

#[test]
fn one_control_moves_many_and_many_controls_move_one() {
    let on = |cc, id| Entry { takeover: Takeover::Jump, ..Entry::usual(On::Cc(cc), Target::Param(id)) };
    let mut stage = Stage::new(vec![on(70, ParamId::Denoise), on(70, ParamId::SourceBlend), on(71, ParamId::Denoise)]);
    stage.turn(70, 1);
    let knob = Motion::Turned(Control::Cc { channel: 3, number: 70 }, Position::Seven(127));
    assert_eq!(stage.say_all(knob), [Act::Moved(ParamId::Denoise), Act::Moved(ParamId::SourceBlend)]);
    stage.turn(71, 1);
    stage.turn(71, 0);
    assert_eq!((stage.denoise(), stage.desk.store().value(ParamId::SourceBlend)), (0.0, 1.0));
}

#[test]
fn a_momentary_button_comes_back_and_leaves_nothing_to_undo() {
    let pad = |press, velocity| Entry {
        press: Some(press),
        velocity,
        ..Entry::usual(On::Note(60), Target::Param(ParamId::Denoise))
    };
    let mut stage = Stage::new(vec![pad(Press::Momentary, false)]);
    stage.note(60);
    assert_eq!(stage.denoise(), 1.0);
    stage.let_go(60);
    assert_eq!((stage.denoise(), stage.strike(Key::Char('u'))), (0.5, Some(Act::Undone(false))));

    let mut stage = Stage::new(vec![pad(Press::Momentary, true)]);
    stage.note(60);
    assert_eq!(stage.denoise(), 99.0 / 127.0, "as hard as it was struck");
    stage.say(Motion::Disconnected);
    assert_eq!(stage.denoise(), 99.0 / 127.0, "a controller that goes changes no value");
}

#[test]
fn toggle_goes_between_the_ends_and_latch_comes_back_to_what_was() {
    for (press, heard) in [(Press::Toggle, [1.0, 0.0, 1.0]), (Press::Latch, [1.0, 0.5, 1.0])] {
        let entry = Entry { press: Some(press), ..Entry::usual(On::Note(60), Target::Param(ParamId::Denoise)) };
        let mut stage = Stage::new(vec![entry]);
        let found = [(); 3].map(|()| {
            stage.note(60);
            stage.let_go(60);
            stage.denoise()
        });
        assert_eq!(found, heard, "{press:?}");
    }
}

#[test]
fn a_foot_switch_and_a_panel_are_controls_like_all_others() {
    let key = Entry { press: Some(Press::Momentary), ..Entry::usual(On::Key(30), Target::Param(ParamId::Denoise)) };
    let encoder = Entry::usual(On::Encoder(2), Target::Param(ParamId::Denoise));
    let browse = Entry::usual(On::Encoder(1), Target::Deed(super::Deed::Browse));
    let selected = Entry::usual(On::Encoder(3), Target::Selected);
    let mut stage = Stage::new(vec![key, encoder, browse, selected]);
    stage.say(Motion::Pressed(Control::Key(30), 127));
    assert_eq!(stage.denoise(), 1.0);
    stage.say(Motion::Released(Control::Key(30)));
    let turn = |number, by| Motion::Turned(Control::Encoder(number), Position::Detents(by));
    stage.say(turn(2, -8));
    assert_eq!(stage.denoise(), 0.5 - 8.0 / 128.0);
    let next = engine::param::TABLE[ParamId::Denoise as usize + 1].id;
    assert_eq!(stage.say(turn(1, 3)), Some(Act::Selected(next)));
    assert_eq!(stage.say(turn(3, 1)), Some(Act::Moved(next)));
}

#[test]
fn shift_and_banks_are_layers_and_knobs_come_by_again_on_each() {
    let shifted = Entry {
        layer: Layer { bank: None, shift: Some(true) },
        ..Entry::usual(On::Cc(1), Target::Param(ParamId::Shift))
    };
    let banked = Entry {
        layer: Layer { bank: Some(1), shift: None },
        ..Entry::usual(On::Cc(1), Target::Param(ParamId::Feedback))
    };
    let mut stage = Stage::new(vec![shifted, banked, Entry::usual(On::Note(1), Target::Deed(super::Deed::Shift))]);
    stage.turn(1, 60);
    assert_eq!(stage.turn(1, 64), Some(Act::Moved(ParamId::Denoise)));
    assert_eq!(stage.note(1), Some(Act::Layer(0, true)));
    assert_eq!(stage.turn(1, 0), Some(Act::Moved(ParamId::Shift)), "it crossed the value on its way");
    assert_eq!(stage.let_go(1), Some(Act::Layer(0, false)));
    let before = stage.denoise();
    assert!(matches!(stage.turn(1, 1), Some(Act::Waiting(ParamId::Denoise, _))), "and waits on the ground layer now");
    assert_eq!(stage.denoise(), before);
    // Seven notes from the first are deeds; bank after is the last of them.
    assert_eq!(stage.say(Motion::Pressed(Control::Note { channel: 1, number: 64 }, 1)), Some(Act::Layer(1, false)));
    assert!(matches!(stage.turn(1, 9), Some(Act::Waiting(ParamId::Feedback, _))));
}

#[test]
fn a_shift_that_is_unplugged_while_held_is_let_go() {
    let mut stage = Stage::new(vec![Entry::usual(On::Note(1), Target::Deed(super::Deed::Shift))]);
    stage.note(1);
    assert_eq!(stage.say_all(Motion::Disconnected), [Act::Layer(0, false), Act::Went(SURFACE)]);
}

#[test]
fn panic_is_safe_in_one_press_and_taken_back_in_one() {
    let mut stage = Stage::new(vec![]);
    for (id, value) in
        [(ParamId::VelocityScale, 2.0), (ParamId::Feedback, 0.9), (ParamId::Seed, 7.0), (ParamId::GainDb, -20.0)]
    {
        stage.desk.turn(id, value, Duration::ZERO).expect("a number");
        stage.desk.end_stroke();
    }
    let before = *stage.desk.store().aims();
    assert_eq!(stage.strike(Key::Char('p')), Some(Act::Panicked));
    let values = *stage.desk.store().values();
    assert_eq!(values.exact(ParamId::VelocityScale), ParamId::VelocityScale.row().default);
    assert_eq!(values.exact(ParamId::Feedback), ParamId::Feedback.row().default);
    assert_eq!((values.exact(ParamId::Seed), values.exact(ParamId::GainDb)), (7.0, -20.0), "no louder, the same piece");
    assert_eq!(stage.strike(Key::Char('u')), Some(Act::Undone(true)));
    assert_eq!(*stage.desk.store().aims(), before);
}

#[test]
fn revert_is_the_patch_again() {
    let mut stage = Stage::new(vec![]);
    stage.strike(Key::Char('a'));
    stage.strike(Key::PageUp);
    assert_ne!(stage.denoise(), 0.5);
    assert_eq!(stage.strike(Key::Char('R')), Some(Act::Reverted));
    assert_eq!(stage.denoise(), 0.5);
}

#[test]
fn a_morph_takes_hold_without_a_jump_and_its_ends_are_the_scenes() {
    let mut stage = Stage::new(vec![]);
    let set = |stage: &mut Stage, value| stage.desk.turn(ParamId::Denoise, value, Duration::ZERO).expect("a number");
    set(&mut stage, 0.2);
    stage.desk.capture(0);
    set(&mut stage, 0.8);
    stage.desk.capture(1);
    set(&mut stage, 0.3);
    assert_eq!(stage.turn(31, 100), None, "the first word after a connect");
    stage.turn(31, 101);
    assert!((stage.denoise() - 0.3).abs() < 0.03, "{}", stage.denoise());
    stage.turn(31, 127);
    assert_eq!(stage.denoise(), 0.8);
    stage.turn(31, 64);
    let middle = 0.2 + 0.6 * 64.0 / 127.0;
    assert!((stage.denoise() - middle).abs() < 1e-9, "{}", stage.denoise());
    stage.turn(31, 0);
    assert_eq!(stage.denoise(), 0.2);
    assert_eq!(stage.strike(Key::Char('u')), Some(Act::Undone(true)));
    assert_eq!(stage.denoise(), 0.3, "the whole move of the fader is one stroke");
}

#[test]
fn a_morph_between_scenes_that_are_not_there_moves_nothing() {
    let mut stage = Stage::new(vec![]);
    stage.turn(31, 100);
    assert_eq!(stage.turn(31, 20), Some(Act::Morphed(0, 1, None)));
}

#[test]
fn a_keystone_channel_is_taken_from_where_its_group_is() {
    let knob = Entry::usual(On::Cc(70), Target::Param(ParamId::Ch14));
    let encoder = Entry::usual(On::Encoder(1), Target::Param(ParamId::Ch14));
    let mut stage = Stage::new(vec![knob, encoder]);
    stage.desk.turn(ParamId::ChG1, 1.6, Duration::ZERO).expect("a number");
    stage.turn(70, 30);
    assert!(matches!(stage.turn(70, 55), Some(Act::Waiting(ParamId::Ch14, _))), "1 is not where it is heard");
    let detent = Motion::Turned(Control::Encoder(1), Position::Detents(1));
    assert_eq!(stage.say(detent), Some(Act::Moved(ParamId::Ch14)));
    let moved = stage.desk.store().value(ParamId::Ch14);
    assert!((moved - 1.6 - 2.3 / 128.0).abs() < 1e-9, "{moved}");
}

#[test]
fn knobs_of_the_channel_gains_go_as_far_as_the_model_says_whatever_moves_them() {
    let jump = |id, on| Entry { takeover: Takeover::Jump, ..Entry::usual(on, Target::Param(id)) };
    let mut stage = Stage::new(vec![
        jump(ParamId::ChG0, On::Cc(1)),
        jump(ParamId::ChG2, On::Cc(2)),
        Entry { encoding: Encoding::TwosComplement, ..jump(ParamId::ChG2, On::Cc(3)) },
    ]);
    let ends = |stage: &mut Stage, number| {
        stage.turn(number, 64);
        [0, 127].map(|to| {
            stage.turn(number, to);
            stage.desk.store().value([ParamId::ChG0, ParamId::ChG2][usize::from(number) - 1])
        })
    };
    assert_eq!((ends(&mut stage, 1), ends(&mut stage, 2)), ([0.0, 2.2], [2.3, 0.0]), "as published");
    // An encoder that is turned right goes down where the knob is turned round, and stops at the top.
    let before = stage.desk.store().value(ParamId::ChG2);
    stage.turn(3, 120);
    assert!(before < stage.desk.store().value(ParamId::ChG2), "left is up");
    (0..200).for_each(|_| _ = stage.turn(3, 127));
    assert_eq!(stage.desk.store().value(ParamId::ChG2), 2.3);
    let mut travels = Travels::default();
    travels.set(ParamId::ChG0, Ends { top: 3.0, reversed: true });
    stage.binding.set_travels(travels);
    assert_eq!(ends(&mut stage, 1), [3.0, 0.0], "as the model says");
}

#[test]
fn a_fourteen_bit_knob_sets_a_keystone_to_one_and_the_group_does_not_speak_for_it() {
    let travel = Travel { range: Some((0.0, 3.0)), ..Travel::default() };
    let on = |on, id| Entry { takeover: Takeover::Jump, travel, ..Entry::usual(on, Target::Param(id)) };
    let mut stage = Stage::new(vec![on(On::Cc(1), ParamId::Ch13), on(On::Cc(2), ParamId::ChG1)]);
    let mut turn = |number, to: u16| {
        stage.say(Motion::Turned(Control::Cc { channel: 3, number }, Position::Fourteen(to)));
        stage.desk.walk(stage.now + Duration::from_secs(9));
        stage.now += Duration::from_secs(10);
        stage.desk.store().values().channel_gains()[13]
    };
    turn(2, 0);
    assert_eq!(turn(2, 2 * 5461), 2.0, "until it is set, it follows its group");
    turn(1, 5460);
    assert_eq!(turn(1, 5461), 1.0);
    assert_eq!(turn(2, 16_383), 1.0, "and then it does not");
}
