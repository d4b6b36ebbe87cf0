//! Prompts under the blend, chosen by hands.

use super::*;

#[test]
fn a_prompt_is_chosen_by_knob_button_encoder_and_program_and_one_that_there_is_not_is_the_last() {
    let deed = |on, name: &str| Entry::usual(on, Target::from_name(name).expect("a deed"));
    let relative = Entry { encoding: Encoding::SignBit2, ..deed(On::Cc(71), "next-prompt-b") };
    let mut stage = Stage::new(vec![
        deed(On::Cc(70), "prompt_a"),
        relative,
        deed(On::Note(1), "prompt-a-3"),
        deed(On::Note(2), "next-prompt-a"),
        deed(On::Note(3), "previous-prompt-a"),
        deed(On::Note(4), "prompt-b-8"),
        deed(On::Program, "pick-prompt-b"),
    ]);
    stage.binding.set_prompts(4);
    let at = |stage: &Stage| [ParamId::PromptA, ParamId::PromptB].map(|id| stage.desk.store().value(id));
    assert_eq!(stage.note(1), Some(Act::Moved(ParamId::PromptA)));
    assert_eq!(at(&stage), [3.0, 2.0]);
    let round: Vec<f64> = [2, 2, 2, 3, 3].map(|note| (stage.note(note), at(&stage)[0]).1).to_vec();
    assert_eq!(round, [4.0, 1.0, 2.0, 1.0, 4.0], "round and round");
    stage.note(4);
    assert_eq!(at(&stage)[1], 4.0, "the last of four");
    stage.say(Motion::Pressed(Control::Program { channel: 1, number: 0 }, 127));
    assert_eq!(at(&stage)[1], 1.0, "program 1 is prompt 1");
    stage.turn(71, 65);
    assert_eq!(at(&stage)[1], 2.0);
    stage.turn(71, 1);
    stage.turn(71, 1);
    assert_eq!(at(&stage)[1], 4.0, "and back, round and round");
    stage.note(1);
    assert!(
        stage.desk.undo() && stage.desk.undo() && at(&stage) == [4.0, 2.0],
        "a stroke of one hand is one: {:?}",
        at(&stage)
    );
    stage.turn(70, 127);
    stage.turn(70, 0);
    stage.turn(70, 127);
    assert_eq!(at(&stage)[0], 8.0, "a knob has all eight places");
}
