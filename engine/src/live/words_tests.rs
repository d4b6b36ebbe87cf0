//! Which prompts a slot is born with, and what becomes of words that leave.

use super::*;
use crate::ring::Request;

fn tokens(count: usize, level: f32) -> Arc<[f32]> {
    vec![level; 2 * count].into()
}

fn prompt(count: usize, level: f32) -> Prompt {
    Prompt { weight: 1.0, with_timbre: tokens(count, level), neutral: tokens(count, -level) }
}

fn words(levels: &[f32]) -> Words {
    Words::new(levels.iter().map(|level| prompt(1, *level)).collect(), 2).expect("sound prompts")
}

fn values(a: f64, b: f64, blend: f64) -> Values {
    let mut values = Values::default();
    for (id, value) in [(ParamId::PromptA, a), (ParamId::PromptB, b), (ParamId::PromptBlend, blend)] {
        assert!(values.set(id, value), "{id:?} takes {value}");
    }
    values
}

/// No weights: where nothing is drawn none are needed.
fn none() -> Shelf<[f32]> {
    Shelf::of_buffers(0, 0)
}

/// First number of each condition, and what it counts in each frame of what is drawn.
fn laid(words: &mut Words, values: &Values, curves: &[(ParamId, &[f32])]) -> Vec<(f32, Option<Vec<f32>>)> {
    let mut drawn = Drawn::default();
    curves.iter().for_each(|(id, curve)| drawn.set(*id, Some(Arc::from(*curve))));
    let frames = curves[0].1.len();
    let (mut weights, mut conditions) = (Shelf::of_buffers(PROMPTS, frames), Vec::new());
    words.write(values, &drawn, &mut weights, &mut conditions).expect("shelves are full");
    assert_eq!(conditions.len(), words.rows(values, &drawn), "as many rows as were told");
    let of = |it: &Curve| (0..frames).map(|frame| it.at(frame, frames)).collect();
    conditions.iter().map(|it| (it.tokens[0], it.weight.as_ref().map(of))).collect()
}

/// First number and weight of each condition.
fn heard(words: &mut Words, values: &Values) -> Vec<(f32, Option<f32>)> {
    let mut conditions = Vec::new();
    words.write(values, &Drawn::default(), &mut none(), &mut conditions).expect("shelves are full");
    assert_eq!(conditions.len(), words.rows(values, &Drawn::default()), "as many rows as were told");
    conditions.iter().map(|it| (it.tokens[0], it.weight.as_ref().map(|it| it.at(0, 1)))).collect()
}

#[test]
fn any_two_of_eight_prompts_are_under_the_blend_and_a_place_without_one_is_the_last() {
    let mut words = words(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    for (a, b) in (1..=8).flat_map(|a| (1..=8).map(move |b| (a, b))) {
        let [a, b] = [a, b].map(f64::from);
        assert_eq!(heard(&mut words, &values(a, b, 0.0)), [(a as f32, None)]);
        let between = heard(&mut words, &values(a, b, 0.25));
        let both = [(a as f32, Some(0.75)), (b as f32, Some(0.25))];
        assert_eq!(between, if a == b { vec![(a as f32, None)] } else { both.to_vec() });
        assert_eq!(heard(&mut words, &values(a, b, 1.0)), [(b as f32, None)]);
    }
    let mut three = self::words(&[1.0, 2.0, 3.0]);
    assert_eq!(heard(&mut three, &values(2.0, 7.0, 1.0)), [(3.0, None)]);
}

#[test]
fn a_prompt_acts_by_its_weight_beside_another_and_alone_as_if_it_had_none() {
    let heavy = |weight, level| Prompt { weight, ..prompt(1, level) };
    let mut words = Words::new(vec![heavy(3.0, 1.0), heavy(1.0, 2.0)], 2).expect("sound prompts");
    assert_eq!(heard(&mut words, &values(1.0, 2.0, 0.5)), [(1.0, Some(0.75)), (2.0, Some(0.25))]);
    assert_eq!(heard(&mut words, &values(1.0, 2.0, 0.0)), [(1.0, None)]);
    assert_eq!(heard(&mut words, &values(1.0, 2.0, 1.0)), [(2.0, None)]);
}

#[test]
fn prompts_that_are_drawn_have_a_row_each_and_count_where_they_stand() {
    let mut words = words(&[1.0, 2.0, 3.0, 4.0]);
    let blend = [0.0, 0.25, 1.0, 0.5];
    let between = laid(&mut words, &values(1.0, 2.0, 0.7), &[(ParamId::PromptBlend, &blend)]);
    assert_eq!(between, [(1.0, Some(vec![1.0, 0.75, 0.0, 0.5])), (2.0, Some(vec![0.0, 0.25, 1.0, 0.5]))]);
    let places = [1.0, 3.0, 9.0, 2.4];
    let one_by_one = laid(&mut words, &values(1.0, 2.0, 0.0), &[(ParamId::PromptA, &places)]);
    let only = |at: usize| Some((0..4).map(|frame| f32::from(u8::from(frame == at))).collect());
    assert_eq!(one_by_one, [(1.0, only(0)), (2.0, only(3)), (3.0, only(1)), (4.0, only(2))]);
    // The knob of the other end, and a blend that stands.
    let both = laid(&mut words, &values(1.0, 2.0, 0.25), &[(ParamId::PromptB, &[2.0, 3.0, 1.0])]);
    let rows = [(1.0, vec![0.75, 0.75, 1.0]), (2.0, vec![0.25, 0.0, 0.0]), (3.0, vec![0.0, 0.25, 0.0])];
    assert_eq!(both, rows.map(|(tokens, counts)| (tokens, Some(counts))));
}

#[test]
fn a_prompt_that_is_drawn_everywhere_is_alone_and_the_same_words_are_one_row() {
    let mut words = words(&[1.0, 2.0]);
    assert_eq!(laid(&mut words, &values(1.0, 2.0, 0.0), &[(ParamId::PromptA, &[2.0; 3])]), [(2.0, None)]);
    assert_eq!(laid(&mut words, &values(1.0, 2.0, 0.5), &[(ParamId::PromptBlend, &[1.0; 3])]), [(2.0, None)]);
    let one = prompt(1, 5.0);
    let mut same = Words::new(vec![one.clone(), prompt(1, 6.0), one], 2).expect("sound prompts");
    assert_eq!(laid(&mut same, &values(1.0, 3.0, 0.5), &[(ParamId::PromptBlend, &[0.0, 0.3])]), [(5.0, None)]);
    let heavy = |weight, level| Prompt { weight, ..prompt(1, level) };
    let mut uneven = Words::new(vec![heavy(3.0, 1.0), heavy(1.0, 2.0)], 2).expect("sound prompts");
    let drawn = laid(&mut uneven, &values(1.0, 2.0, 0.0), &[(ParamId::PromptBlend, &[0.5, 1.0])]);
    assert_eq!(
        drawn,
        [(1.0, Some(vec![0.75, 0.0])), (2.0, Some(vec![0.25, 1.0]))],
        "each by its weight, alone by none"
    );
    // Between its neutral and its source's timbre each as if it stood there.
    let mut half = values(1.0, 2.0, 0.0);
    assert!(half.set(ParamId::TimbreStrength, 0.75));
    let drawn = laid(&mut uneven, &half, &[(ParamId::PromptBlend, &[0.0, 1.0])]);
    assert_eq!(drawn, [(0.5, Some(vec![1.0, 0.0])), (1.0, Some(vec![0.0, 1.0]))]);
}

#[test]
fn words_that_left_are_let_go_when_no_slot_holds_them_and_not_before() {
    let mut words = words(&[1.0, 2.0]);
    let mut values = values(1.0, 2.0, 0.5);
    let mut born = |timbre| {
        let mut request = Request::new(1, tokens(64, 0.0), tokens(1, 0.0));
        request.conditions.clear();
        assert!(values.set(ParamId::TimbreStrength, timbre));
        words.write(&values, &Drawn::default(), &mut none(), &mut request.conditions).expect("shelves are full");
        request
    };
    let (whole, mixed) = (born(1.0), born(0.5));
    assert!(!words.let_go());
    let watched = Arc::downgrade(&mixed.conditions[0].tokens);
    drop(mixed);
    assert!(watched.upgrade().is_some(), "a slot's end frees nothing");
    assert!(!words.let_go(), "one slot still has tokens of a prompt");
    assert!(watched.upgrade().is_none(), "what no slot holds is freed already");
    drop(whole);
    assert!(words.let_go());
}

#[test]
fn prompts_that_share_their_tokens_are_let_go_together() {
    let one = prompt(1, 1.0);
    let mut words = Words::new(vec![one.clone(), one], 2).expect("sound prompts");
    assert!(words.let_go());
}

#[test]
fn a_weight_counts_on_either_side_of_the_blend() {
    let heavy = |weight, level| Prompt { weight, ..prompt(1, level) };
    let mut words = Words::new(vec![heavy(1.0, 1.0), heavy(3.0, 2.0)], 2).expect("sound prompts");
    assert_eq!(heard(&mut words, &values(1.0, 2.0, 0.5)), [(1.0, Some(0.25)), (2.0, Some(0.75))]);
    assert_eq!(words.prompts().iter().map(|it| it.weight).collect::<Vec<_>>(), [1.0, 3.0]);
    assert_eq!(format!("{words:?}"), "Words { prompts: 2, .. }");
}

#[test]
fn prompts_that_are_no_whole_number_of_tokens_are_refused_with_what_was_found() {
    let of = |numbers: usize| Prompt {
        weight: 1.0,
        with_timbre: vec![0.5; numbers].into(),
        neutral: vec![0.5; numbers].into(),
    };
    for (numbers, width) in [(0, 2), (3, 2), (1, 2), (2, 0)] {
        let found = Words::new(vec![of(2 * width.max(1)), of(numbers)], width).err();
        let what = if width == 0 { "prompt 1" } else { "prompt 2" };
        assert_eq!(found, Some(MaterialError::Tokens { what, found: numbers, width }), "{numbers} of {width}");
    }
    assert!(Words::new(vec![of(4)], 2).is_ok());
}

#[test]
fn the_longest_prompt_is_measured() {
    let words = Words::new(vec![prompt(3, 1.0), prompt(5, 1.0), prompt(4, 1.0)], 2).expect("sound prompts");
    let uneven = Prompt { neutral: tokens(7, 1.0), ..prompt(2, 1.0) };
    assert_eq!((words.longest(), longest(&[uneven]), longest(&[])), (10, 14, 0));
}
