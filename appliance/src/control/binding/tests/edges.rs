//! Morphs on encoders and on faders turned round, buttons that step through choices, shift held while another goes.

use super::super::Deed;
use super::*;

/// Two scenes of nothing but denoise, at 0 and at 1; the second was kept last.
fn between_scenes(own: Vec<Entry>) -> Stage {
    let mut stage = Stage::new(own);
    for (place, value) in [(0, 0.0), (1, 1.0)] {
        stage.desk.turn(ParamId::Denoise, value, Duration::ZERO).expect("a number");
        stage.desk.capture(place);
    }
    stage
}

#[test]
fn an_encoder_moves_a_morph_by_its_detents_from_where_it_stands() {
    let usual = Entry::usual(On::Cc(90), Target::Morph(0, 1));
    let mut stage = between_scenes(vec![Entry { encoding: Encoding::TwosComplement, ..usual }]);
    assert_eq!(stage.turn(90, 112), Some(Act::Morphed(0, 1, Some(0.875))), "sixteen detents down from the upper scene");
    assert_eq!(stage.turn(90, 16), Some(Act::Morphed(0, 1, Some(1.0))));
    assert_eq!(stage.turn(90, 16), Some(Act::Morphed(0, 1, Some(1.0))), "held at the end");
}

#[test]
fn a_fader_of_a_morph_that_is_turned_round_takes_hold_and_moves_the_other_way() {
    let usual = Entry::usual(On::Cc(91), Target::Morph(0, 1));
    let mut stage = between_scenes(vec![Entry { travel: Travel { reversed: true, ..usual.travel }, ..usual }]);
    assert!(stage.desk.morph((0, 1), 0.5, Duration::ZERO));
    assert_eq!(stage.turn(91, 127), None, "the first word after a connect, at the lower scene");
    let crossed = 1.0 - 20.0 / 127.0;
    assert_eq!(stage.turn(91, 20), Some(Act::Morphed(0, 1, Some(crossed))), "it came by the middle");
    assert_eq!(stage.turn(91, 0), Some(Act::Morphed(0, 1, Some(1.0))));
    assert_eq!(stage.denoise(), 1.0);
}

#[test]
fn a_pressed_choice_goes_to_the_next_one_and_from_the_last_to_the_first() {
    let usual = Entry::usual(On::Note(6), Target::Param(ParamId::DcwMode));
    let mut stage = Stage::new(vec![Entry { press: Some(Press::Set), ..usual }]);
    let mut pressed = || {
        stage.note(6);
        stage.desk.store().value(ParamId::DcwMode)
    };
    assert_eq!([pressed(), pressed(), pressed()], [3.0, 0.0, 1.0]);
}

#[test]
fn shift_that_is_held_stays_when_another_controller_goes() {
    let mut stage = Stage::new(vec![Entry::usual(On::Note(5), Target::Deed(Deed::Shift))]);
    stage.note(5);
    let gone = Gesture { at: stage.now, surface: SurfaceId(8), motion: Motion::Disconnected };
    let mut acts = Vec::new();
    stage.binding.play(&gone, &mut stage.desk, &mut acts);
    assert_eq!((acts, stage.binding.playing().shift), (vec![Act::Went(SurfaceId(8))], true));
    assert_eq!(stage.say_all(Motion::Disconnected), [Act::Layer(0, false), Act::Went(SURFACE)]);
    assert!(!stage.binding.playing().shift);
}

#[test]
fn a_control_has_been_heard_from_its_first_word_until_its_controller_goes() {
    let (mut stage, control) = (Stage::new(vec![]), Control::Cc { channel: 3, number: 1 });
    assert!(!stage.binding.has_heard(SURFACE, control));
    stage.turn(1, 64);
    assert!(stage.binding.has_heard(SURFACE, control) && !stage.binding.has_heard(SurfaceId(8), control));
    stage.say(Motion::Disconnected);
    assert!(!stage.binding.has_heard(SURFACE, control));
}

#[test]
fn only_shift_and_learn_last_as_long_as_they_are_held() {
    assert!(Deed::Shift.is_held() && Deed::Learn.is_held());
    assert!(![Deed::Mute, Deed::Browse, Deed::Bank(1), Deed::Recall(0)].into_iter().any(Deed::is_held));
}

#[test]
fn a_button_on_a_morph_goes_to_the_other_scene() {
    let mut stage = between_scenes(vec![Entry::usual(On::Note(7), Target::Morph(0, 1))]);
    assert_eq!(stage.note(7), Some(Act::Morphed(0, 1, Some(0.0))), "from the upper scene, which was kept last");
    assert_eq!(stage.note(7), Some(Act::Morphed(0, 1, Some(1.0))));
}

#[test]
fn what_has_places_is_stepped_and_what_glides_is_not() {
    let stepped = [ParamId::Seed, ParamId::DcwMode, ParamId::DcwEnabled, ParamId::Denoise, ParamId::WindowS];
    assert_eq!(stepped.map(Travel::stepped), [true, true, true, false, false]);
}

#[test]
fn a_button_on_a_morph_that_stands_in_the_middle_goes_down() {
    let mut stage = between_scenes(vec![Entry::usual(On::Note(7), Target::Morph(0, 1))]);
    assert!(stage.desk.morph((0, 1), 0.5, Duration::ZERO));
    assert_eq!(stage.note(7), Some(Act::Morphed(0, 1, Some(0.0))));
}

#[test]
fn a_button_that_sends_control_changes_is_pressed_and_let_go_and_is_no_knob() {
    let usual = Entry::usual(On::Cc(92), Target::Param(ParamId::Denoise));
    for (press, up) in [(Press::Toggle, 1.0), (Press::Momentary, 0.5)] {
        let mut stage = Stage::new(vec![Entry { press: Some(press), ..usual }]);
        let mut value = |to| {
            stage.turn(92, to);
            stage.denoise()
        };
        assert_eq!([value(0), value(127), value(0)], [0.5, 1.0, up], "{press:?}");
    }
}

#[test]
fn a_knob_of_a_choice_waits_until_it_points_at_the_one_that_is_chosen() {
    let mut stage = Stage::new(vec![Entry::usual(On::Cc(93), Target::Param(ParamId::DcwMode))]);
    stage.turn(93, 0);
    assert!(matches!(stage.turn(93, 5), Some(Act::Waiting(ParamId::DcwMode, _))), "it points at another");
    assert_eq!(stage.turn(93, 66), Some(Act::Moved(ParamId::DcwMode)), "it points at the third of four");
    stage.turn(93, 127);
    assert_eq!(stage.desk.store().aims().label(ParamId::DcwMode), "pix");
}

#[test]
fn a_value_beyond_the_range_of_an_encoder_stays_until_it_is_turned_back() {
    let usual = Entry::usual(On::Cc(94), Target::Param(ParamId::Denoise));
    let travel = Travel { range: Some((0.2, 0.8)), ..usual.travel };
    for (start, outwards, inwards) in [(0.9, 1, 127), (0.1, 127, 1)] {
        let mut stage = Stage::new(vec![Entry { encoding: Encoding::TwosComplement, travel, ..usual }]);
        stage.desk.turn(ParamId::Denoise, start, Duration::ZERO).expect("a number");
        stage.desk.walk(Duration::from_secs(9));
        stage.turn(94, outwards);
        assert_eq!(stage.denoise(), start, "turned on");
        stage.turn(94, inwards);
        assert!((0.2..=0.8).contains(&stage.denoise()), "turned back: {}", stage.denoise());
    }
}
