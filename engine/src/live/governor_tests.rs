//! Ticks of a machine that is told how slow it is, in fake time.

use proptest::prelude::*;

use super::*;

/// A machine whose tick costs a little, and so much a row, and is so many times slower than usual.
struct Machine {
    governor: Governor,
    wanted: usize,
    slow: f64,
    fixed_ms: f64,
    row_ms: f64,
    work: u64,
    now: u64,
    /// What was told last: so many rows are in flight by now, since slots drain one a tick.
    rows: usize,
}

impl Machine {
    fn new(wanted: usize) -> Self {
        let governor = Governor::default();
        Self { governor, wanted, slow: 1.0, fixed_ms: 1.0, row_ms: 6.0, work: 7, now: 0, rows: 0 }
    }

    fn usual(&self, rows: usize) -> f64 {
        (self.fixed_ms + self.row_ms * rows as f64) * 1e3
    }

    /// One tick; answers the microseconds that it took.
    fn tick(&mut self) -> u64 {
        let depth = self.governor.depth().min(self.wanted);
        self.rows = if self.rows < depth { self.rows + 1 } else { depth.max(self.rows - 1) };
        let took_us = (self.usual(self.rows) * self.slow) as u64;
        self.now += took_us;
        self.governor.hear(Ticked { took_us, rows: self.rows, work: self.work, wanted: self.wanted });
        took_us
    }

    /// Ticks for so long; the depths that there were, in order and without repetition.
    fn play(&mut self, time: u64) -> Vec<usize> {
        let until = self.now + time;
        let mut depths = vec![self.governor.depth()];
        while self.now < until {
            self.tick();
            depths.push(self.governor.depth());
        }
        depths.dedup();
        depths
    }
}

const SECOND: u64 = 1_000_000;

#[test]
fn a_machine_that_is_well_is_played_as_deep_as_the_player_wants_and_follows_the_hand_at_once() {
    let mut machine = Machine::new(4);
    assert_eq!(machine.play(SECOND * 5), [8, 4]);
    for wanted in [1, 8, 3] {
        machine.wanted = wanted;
        machine.tick();
        assert_eq!(machine.governor.depth(), wanted);
        machine.play(SECOND);
        assert_eq!(machine.governor.depth(), wanted);
    }
}

#[test]
fn three_times_slower_for_twenty_seconds_halves_the_depth_within_four_ticks_and_is_forgotten_within_five_seconds() {
    let mut machine = Machine::new(8);
    machine.play(SECOND * 10);
    machine.slow = 3.0;
    let begun = machine.now;
    let ticks = (0..8).map(|_| machine.tick()).collect::<Vec<_>>();
    assert_eq!(machine.governor.depth(), 4, "{ticks:?}");
    // Those that were in flight drain, one a tick here.
    let most = (machine.usual(8) * (f64::from(MOST) + 0.1)) as u64;
    for _ in 0..100 {
        assert!(machine.tick() <= most, "at most half again as long as usual");
    }
    machine.play(begun + SECOND * 20 - machine.now);
    assert_eq!(machine.governor.depth(), 4, "it does not rise while it is slow");
    machine.slow = 1.0;
    let depths = machine.play(SECOND * 5);
    assert_eq!(depths, [4, 5, 6, 7, 8], "one by one");
}

#[test]
fn one_tick_that_was_held_up_and_one_that_was_lucky_move_nothing() {
    let mut machine = Machine::new(6);
    machine.play(SECOND * 3);
    for slow in [9.0, 0.2, 9.0, 0.2] {
        machine.slow = slow;
        machine.tick();
        machine.slow = 1.0;
        assert_eq!(machine.play(SECOND), [6]);
    }
}

#[test]
fn what_a_hand_makes_of_ticks_is_learnt_and_held_against_nobody_also_while_the_machine_is_slow() {
    let mut machine = Machine::new(6);
    machine.play(SECOND * 3);
    // Another prompt, guidance, wavelets: other work, four times as much.
    (machine.work, machine.row_ms) = (8, 24.0);
    assert_eq!(machine.play(SECOND * 10), [6]);
    machine.slow = 2.0;
    machine.play(SECOND * 2);
    let held = machine.governor.depth();
    assert!(held == 4 || held == 5, "{held}");
    (machine.work, machine.row_ms) = (9, 6.0);
    machine.play(SECOND * 3);
    assert!(machine.governor.depth().abs_diff(held) <= 1, "as slow as it was, whatever it computes");
    machine.slow = 1.0;
    machine.play(SECOND * 5);
    assert_eq!(machine.governor.depth(), 6);
}

#[test]
fn the_first_ticks_which_are_slow_because_all_is_cold_are_not_what_is_usual() {
    let mut machine = Machine::new(4);
    machine.slow = 4.0;
    (0..3).for_each(|_| _ = machine.tick());
    machine.slow = 1.0;
    machine.play(SECOND * 2);
    machine.slow = 3.0;
    machine.play(SECOND * 2);
    assert_eq!(machine.governor.depth(), 2, "three times as slow as when it was warm");
}

#[test]
fn the_players_depth_is_the_top_and_a_hand_that_goes_under_the_governors_is_followed() {
    let mut machine = Machine::new(8);
    machine.play(SECOND * 3);
    machine.slow = 3.0;
    machine.play(SECOND * 3);
    assert_eq!(machine.governor.depth(), 4);
    machine.wanted = 2;
    machine.tick();
    assert!(machine.governor.depth() <= 2);
    machine.wanted = 8;
    machine.slow = 1.0;
    machine.play(SECOND * 6);
    assert_eq!(machine.governor.depth(), 8);
}

#[test]
fn ticks_that_are_short_in_any_case_are_never_held_back() {
    let mut machine = Machine::new(8);
    (machine.fixed_ms, machine.row_ms) = (0.05, 0.02);
    machine.play(SECOND);
    machine.slow = 5.0;
    assert_eq!(machine.play(SECOND), [8]);
}

#[test]
fn work_is_another_for_a_choice_and_for_what_is_left_out_at_zero_and_no_other_for_a_hand_in_between() {
    let of = |changes: &[(ParamId, f64)]| {
        let mut values = Values::default();
        changes.iter().for_each(|&(id, value)| assert!(values.set(id, value), "{id:?} takes {value}"));
        work_of(&values)
    };
    let usual = of(&[]);
    for same in [(ParamId::Depth, 1.0), (ParamId::Seed, 9.0), (ParamId::WindowS, 0.2)] {
        assert_eq!(of(&[same]), usual, "{same:?}");
    }
    for other in [(ParamId::DcwWavelet, 3.0), (ParamId::CfgMode, 2.0), (ParamId::DcwMagPhase, 0.5)] {
        assert_ne!(of(&[other]), usual, "{other:?}");
    }
    assert_eq!(of(&[(ParamId::DcwMagPhase, 0.5)]), of(&[(ParamId::DcwMagPhase, 0.6)]));
}

#[test]
fn each_choice_and_each_end_of_a_number_is_work_of_its_own() {
    let of = |id: ParamId, value: f64| {
        let mut values = Values::default();
        values.set(id, value).then(|| work_of(&values))
    };
    let works = |id: &ParamId| id.row().class != Class::Decode && !matches!(id, ParamId::Depth | ParamId::Seed);
    for id in ParamId::all().filter(works) {
        let row = id.row();
        let mut kinds: Vec<u64> = match row.labels() {
            Some(labels) => (0..labels.len()).filter_map(|it| of(id, it as f64)).collect(),
            // Somewhere between, nothing, and the usual.
            // Nothing, the usual, and two that are neither and alike.
            None => {
                let between = [0.41, 0.43].map(|part| of(id, row.low + (row.high - row.low) * part));
                assert_eq!(between[0], between[1], "{id:?}");
                let ends = [0.0, row.default].into_iter().filter(|it| (row.low..=row.high).contains(it));
                let ends =
                    ends.filter(|it| *it != 0.0 || row.default != 0.0).chain((row.default == 0.0).then_some(0.0));
                ends.map(|it| of(id, it)).chain([between[0]]).flatten().collect()
            }
        };
        let all = kinds.len();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), all, "{id:?}");
    }
}

/// A tick of eight rows under one work.
fn tick(took_ms: u64, work: u64) -> Ticked {
    Ticked { took_us: took_ms * 1_000, rows: 8, work, wanted: 8 }
}

#[test]
fn other_work_is_learnt_under_the_slowness_of_that_moment() {
    let mut governor = Governor::default();
    (0..8).for_each(|_| _ = governor.hear(tick(80, 1)));
    (0..3).for_each(|_| _ = governor.hear(tick(160, 1)));
    assert_eq!((governor.slowness(), governor.depth()), (2.0, 6));
    governor.hear(tick(100, 2));
    assert_eq!((governor.usual[8], governor.slowness(), governor.depth()), (Some(50_000.0), 2.0, 6));
    // The machine is well again, and the other work with it.
    (0..3).for_each(|_| _ = governor.hear(tick(50, 2)));
    assert_eq!(governor.slowness(), 1.0);
    (0..20).for_each(|_| _ = governor.hear(tick(50, 2)));
    assert_eq!(governor.depth(), 8);
}

#[test]
fn shorter_ticks_are_the_usual_ones_as_soon_as_three_say_so() {
    let mut governor = Governor::default();
    governor.hear(tick(400, 1));
    (0..2).for_each(|_| _ = governor.hear(tick(100, 1)));
    assert_eq!(governor.usual[8], Some(400_000.0));
    governor.hear(tick(100, 1));
    assert_eq!((governor.usual[8], governor.late), (Some(100_000.0), [1.0; SURE]));
}

#[test]
fn a_tick_that_computed_nothing_says_nothing() {
    let mut governor = Governor::default();
    (0..4).for_each(|_| _ = governor.hear(tick(20, 1)));
    for took_ms in [10, 100, 100, 100, 100] {
        governor.hear(Ticked { rows: 0, ..tick(took_ms, 1) });
        assert_eq!(governor.depth(), 8);
    }
}

#[test]
fn short_is_what_the_players_depth_would_take_and_not_the_rows_that_there_are() {
    let governor = Governor::default();
    let short = |took_us, rows| governor.is_short(&Ticked { took_us, rows, work: 1, wanted: 8 });
    assert!(short(249, 1) && !short(250, 1), "eight times as long with eight slots");
    assert!(short(1_999, 8) && !short(2_000, 8) && !short(2_000, 24));
}

proptest! {
    #[test]
    fn whatever_is_told_the_depth_lies_between_one_and_the_players(
        told in prop::collection::vec((0..5_000_000_u64, 0..40_usize, 0..3_u64, 0..12_usize), 1..300)
    ) {
        let mut governor = Governor::default();
        for (us, rows, work, wanted) in told {
            let depth = governor.hear(Ticked { took_us: us, rows, work, wanted });
            prop_assert_eq!(depth, governor.depth());
            prop_assert!((1..=wanted.clamp(1, MAX_DEPTH)).contains(&depth));
        }
    }

    /// A machine that is a little slower or faster from tick to tick is well.
    #[test]
    fn jitter_is_no_slowness(jitter in prop::collection::vec(0.9..1.15_f64, 400), wanted in 1..=8_usize) {
        let mut machine = Machine::new(wanted);
        for (at, slow) in jitter.into_iter().enumerate() {
            machine.slow = slow;
            machine.tick();
            prop_assert!(at == 0 || machine.governor.depth() == wanted);
        }
    }
}

#[test]
fn how_slow_it_is_now_is_the_middle_of_the_last_ticks() {
    let slow = |late| Governor { late, ..Governor::default() }.slowness();
    assert_eq!([slow([3.0, 1.25, 2.0]), slow([1.5, 1.5, 1.0]), slow([0.5, 0.75, 2.0])], [2.0, 1.5, 1.0]);
}

#[test]
fn what_is_usual_falls_to_the_longest_of_the_last_ticks_and_one_shorter_tick_changes_nothing() {
    let mut governor = Governor::default();
    let mut hear = |took_us| {
        governor.hear(Ticked { took_us, rows: 4, work: 7, wanted: 4 });
        (governor.usual[4].expect("it was measured"), governor.late)
    };
    (0..SURE).for_each(|_| _ = hear(10_000));
    (0..SURE - 1).for_each(|_| _ = hear(5_000));
    assert_eq!(hear(5_000), (5_000.0, [1.0; SURE]), "all of them are shorter, and each is as usual now");
    assert_eq!(hear(4_500), (5_000.0, [1.0, 1.0, 0.9]));
}
