//! What a player's hands do to the ring, asked of the very [`Performer`] that plays.

use std::any::Any;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::backend::{CpuBackend, Denoiser, DenoiserError, DenoiserRow, exchange};
use crate::latent::LATENT_CHANNELS;
use crate::live::{Prompt, latents};
use crate::ring::plan::{Birth, TickPlan};

const FRAMES: usize = 3;
const WIDTH: usize = 2;

/// A velocity that depends on latent, context, tokens and time.
struct Weave;

impl Denoiser for Weave {
    fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
        let prompt: f32 = row.tokens.iter().enumerate().map(|(at, it)| it * (1.0 + at as f32 * 0.1)).sum();
        for (at, out) in out.iter_mut().enumerate() {
            *out = row.x[at] * 0.9 - 0.4 * row.context[2 * at] + 0.3 * (prompt + at as f32).sin() * row.t;
        }
        Ok(())
    }
}

/// What a backend was asked.
#[derive(Default)]
struct Asked {
    /// Tick and seed of every birth. Not the request: who keeps those empties the shelves.
    births: Vec<(usize, u64)>,
    ticks: usize,
    most_in_flight: usize,
}

struct Witness<B> {
    inner: B,
    asked: Arc<Mutex<Asked>>,
}

impl<B: Backend> Backend for Witness<B> {
    fn fill(&mut self, birth: &Birth) -> Result<(), BackendError> {
        let mut asked = self.asked.lock().expect("one thread");
        let tick = asked.ticks;
        asked.births.push((tick, birth.request.seed));
        self.inner.fill(birth)
    }

    fn advance(&mut self, plan: &TickPlan, shared: &StepControls) -> Result<u8, BackendError> {
        let mut asked = self.asked.lock().expect("one thread");
        asked.most_in_flight = asked.most_in_flight.max(plan.steps.len());
        self.inner.advance(plan, shared)
    }

    fn latent(&mut self, slot: usize) -> &[f32] {
        self.inner.latent(slot)
    }

    fn exchange(&mut self, network: &mut Box<dyn Any + Send>) -> bool {
        self.inner.exchange(network)
    }
}

fn wave(len: usize, seed: f32) -> Arc<[f32]> {
    (0..len).map(|at| (at as f32 * 0.37 + seed).sin()).collect()
}

fn material() -> Material {
    let latent = |seed| wave(FRAMES * LATENT_CHANNELS, seed);
    let prompt = |tokens: usize, seed: f32| Prompt {
        weight: 1.0,
        with_timbre: wave(tokens * WIDTH, seed),
        neutral: wave(tokens * WIDTH, seed + 0.5),
    };
    Material {
        frames: FRAMES,
        token_width: WIDTH,
        source: latent(0.0),
        hints: latent(1.0),
        silence: latent(2.0),
        prompts: vec![prompt(2, 3.0), prompt(5, 4.0)],
        unconditional: wave(WIDTH, 5.0),
    }
}

/// A performer on any backend, and what that is asked.
fn performer_on(backend: impl Backend + Send + 'static) -> (Performer, Arc<Mutex<Asked>>) {
    let asked = Arc::new(Mutex::new(Asked::default()));
    let witness = Witness { inner: backend, asked: Arc::clone(&asked) };
    let (writer, _reader) = latents(FRAMES * LATENT_CHANNELS);
    (Performer::new(Load::new(Arc::new(material()), Box::new(witness), writer)), asked)
}

fn performer() -> (Performer, Arc<Mutex<Asked>>) {
    performer_on(CpuBackend::new(Weave))
}

/// Computes nothing: for questions of when, not of what.
struct Nothing([f32; FRAMES * LATENT_CHANNELS]);

impl Backend for Nothing {
    fn fill(&mut self, _birth: &Birth) -> Result<(), BackendError> {
        Ok(())
    }

    fn advance(&mut self, _plan: &TickPlan, _shared: &StepControls) -> Result<u8, BackendError> {
        Ok(0)
    }

    fn latent(&mut self, _slot: usize) -> &[f32] {
        &self.0
    }
}

/// Holds so many rows and computes nothing.
struct Narrow(usize);

impl Backend for Narrow {
    fn fill(&mut self, birth: &Birth) -> Result<(), BackendError> {
        let (found, most) = (birth.request.rows(), self.0);
        if most < found { Err(BackendError::TooManyRows { found, most }) } else { Ok(()) }
    }

    fn advance(&mut self, plan: &TickPlan, _shared: &StepControls) -> Result<u8, BackendError> {
        let (found, most) = (plan.positive.len(), self.0);
        if most < found { Err(BackendError::TooManyRows { found, most }) } else { Ok(0) }
    }

    fn latent(&mut self, _slot: usize) -> &[f32] {
        &[0.0; FRAMES * LATENT_CHANNELS]
    }

    fn most_rows(&self) -> usize {
        self.0
    }
}

fn with(changes: &[(ParamId, f64)]) -> Values {
    let mut values = Values::default();
    changes.iter().for_each(|&(id, value)| assert!(values.set(id, value), "{id:?} takes {value}"));
    values
}

/// Ticks at which slots were born: `ticks` under one depth and step count, then as many under another.
fn births(settings: &[(usize, usize)], ticks: usize) -> (Vec<usize>, usize) {
    let (mut performer, asked) = performer_on(Nothing([0.0; FRAMES * LATENT_CHANNELS]));
    for &(depth, steps) in settings {
        let values = with(&[(ParamId::Depth, depth as f64), (ParamId::Steps, steps as f64)]);
        for _ in 0..ticks {
            performer.tick(&values, |_, _| ()).expect("nothing cannot fail");
            asked.lock().expect("one thread").ticks += 1;
        }
    }
    let asked = asked.lock().expect("one thread");
    (asked.births.iter().map(|it| it.0).collect(), asked.most_in_flight)
}

fn gaps(births: &[usize]) -> Vec<usize> {
    births.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// Shortest and longest gap that an even spread has.
fn pace(depth: usize, steps: usize) -> (usize, usize) {
    let depth = depth.min(steps);
    (steps / depth, steps.div_ceil(depth))
}

#[test]
fn births_are_even_and_the_ring_is_full_at_every_depth_and_step_count() {
    for depth in 1..=8 {
        for steps in 1..=16 {
            let (born, most) = births(&[(depth, steps)], 10 * steps);
            let (shortest, longest) = pace(depth, steps);
            assert!(
                gaps(&born).iter().all(|it| (shortest..=longest).contains(it)),
                "depth {depth}, {steps} steps: {:?}",
                gaps(&born)
            );
            assert_eq!(born.len(), 10 * depth.min(steps), "depth {depth}, {steps} steps: so many in ten schedules");
            assert_eq!(most, depth.min(steps), "depth {depth}, {steps} steps: every slot is in flight");
        }
    }
}

proptest! {
    #[test]
    fn a_change_of_depth_or_steps_leaves_births_even(
        before in (1..=8usize, 1..=16usize), after in (1..=8usize, 1..=16usize), ticks in 17..60usize
    ) {
        let (born, most) = births(&[before, after], ticks);
        let [(a, b), (c, d)] = [before, after].map(|(depth, steps)| pace(depth, steps));
        // While slots of the old kind drain the gaps are of either pace; none is shorter or longer than both.
        for gap in gaps(&born) {
            prop_assert!((a.min(c)..=b.max(d)).contains(&gap), "{before:?} then {after:?}: {:?}", gaps(&born));
        }
        let drained = ticks + before.1 + after.1;
        let settled: Vec<usize> = born.iter().copied().filter(|it| drained <= *it).collect();
        prop_assert!(gaps(&settled).iter().all(|it| (c..=d).contains(it)), "{before:?} then {after:?}: {settled:?}");
        prop_assert!(most <= before.0.max(after.0), "never more in flight than either depth allows");
    }
}

#[test]
fn a_reseed_moves_every_birth_after_it_along_the_series_until_the_seed_is_turned() {
    let (mut performer, asked) = performer();
    let mut values = with(&[(ParamId::Depth, 1.0), (ParamId::Steps, 1.0), (ParamId::Seed, 7.0)]);
    let mut finished = Vec::new();
    for turn in 0..5 {
        if turn == 1 || turn == 2 {
            performer.obey(Edge::Reseed);
        }
        if turn == 4 {
            values.set(ParamId::Seed, 100.0);
        }
        performer.tick(&values, |_, latent| finished.push(latent.to_vec())).expect("the set fits");
    }
    let seeds: Vec<u64> = asked.lock().expect("one thread").births.iter().map(|it| it.1).collect();
    assert_eq!(seeds, [7, 8, 9, 9, 100], "a turned knob means that seed");
    assert!(finished[0] != finished[1] && finished[1] != finished[2] && finished[2] == finished[3]);
}

#[test]
fn births_wait_for_room_in_the_batch_and_what_would_not_fit_alone_is_refused_and_told() {
    let played = |most: usize| {
        let (writer, _reader) = latents(FRAMES * LATENT_CHANNELS);
        let mut performer = Performer::new(Load::new(Arc::new(material()), Box::new(Narrow(most)), writer));
        let values = with(&[(ParamId::Depth, 8.0), (ParamId::Steps, 8.0), (ParamId::PromptBlend, 0.5)]);
        let (mut finished, mut refused, mut told) = (0, 0, None);
        for _ in 0..80 {
            let report = performer.tick(&values, |_, _| ()).expect("no device is at fault");
            (finished, refused) = (finished + report.finished, refused + report.refused);
            told = report.refusal.or(told);
        }
        (finished, refused, told)
    };
    assert_eq!(played(16), (73, 0, None), "two rows a slot: the ring is full");
    assert_eq!(played(5).1, 0, "two slots at a time");
    assert!((18..=20).contains(&played(5).0), "{:?}", played(5));
    let (finished, refused, told) = played(1);
    assert_eq!((finished, told), (0, Some(BackendError::TooManyRows { found: 2, most: 1 })));
    assert_eq!(refused, 80, "each birth by itself; none is taken again");
}

#[test]
fn the_room_of_a_greater_depth_is_given_up_when_the_last_slot_born_under_it_has_left() {
    let (mut performer, _) = performer_on(Nothing([0.0; FRAMES * LATENT_CHANNELS]));
    let deep = with(&[(ParamId::Depth, 4.0), (ParamId::Steps, 8.0)]);
    (0..24).for_each(|_| _ = performer.tick(&deep, |_, _| ()).expect("nothing cannot fail"));
    let since = performer.ring().next_ticket();
    let shallow = with(&[(ParamId::Depth, 2.0), (ParamId::Steps, 8.0)]);
    let mut waited = 0;
    while performer.ring().slots().flatten().any(|slot| slot.ticket < since) {
        performer.tick(&shallow, |_, _| ()).expect("nothing cannot fail");
        assert_eq!(performer.room, 4, "a slot of the old depth is in flight");
        waited += 1;
    }
    assert!(waited <= 8 && performer.ring().slots().flatten().any(|slot| slot.ticket == since), "{waited}");
    performer.tick(&shallow, |_, _| ()).expect("nothing cannot fail");
    assert_eq!(performer.room, 2, "the first slot of the new depth is none of the old");
}

#[test]
fn a_tick_is_sampled_steered_and_counted_by_the_values_it_runs_under() {
    let law = |schedule: f64| sampling(&with(&[(ParamId::Schedule, schedule)])).law;
    assert_eq!([law(0.0), law(1.0)], [ScheduleLaw::Continuous, ScheduleLaw::Stepped]);
    let (mut performer, _) = performer_on(Nothing([0.0; FRAMES * LATENT_CHANNELS]));
    let values = with(&[(ParamId::Method, 1.0), (ParamId::Steps, 2.0), (ParamId::Depth, 1.0)]);
    (0..4).for_each(|_| _ = performer.tick(&values, |_, _| ()).expect("nothing cannot fail"));
    assert_eq!(performer.controls(&values).method, Some(crate::solver::step::Method::Sde));
    let counters = performer.counters();
    assert_eq!((counters.ticks, counters.born, counters.finished), (4, 2, 2));
}

#[test]
fn a_swap_says_what_it_is() {
    let (writer, _reader) = latents(FRAMES * LATENT_CHANNELS);
    let backend = || Box::new(Nothing([0.0; FRAMES * LATENT_CHANNELS]));
    let load = Load::new(Arc::new(material()), backend(), writer);
    assert_eq!(format!("{:?}", Swap::Set(Box::new(load))), "Set(Load { frames: 3, .. })");
    assert_eq!(format!("{:?}", Swap::Backend(backend())), "Backend");
}

/// Fails as it is told, in fills and in advances, and computes nothing.
#[derive(Default)]
struct Failing {
    fills: Vec<BackendError>,
    advances: Vec<BackendError>,
    calls: Arc<Mutex<usize>>,
}

impl Backend for Failing {
    fn fill(&mut self, _birth: &Birth) -> Result<(), BackendError> {
        self.fills.pop().map_or(Ok(()), Err)
    }

    fn advance(&mut self, _plan: &TickPlan, _shared: &StepControls) -> Result<u8, BackendError> {
        *self.calls.lock().expect("one thread") += 1;
        self.advances.pop().map_or(Ok(0), Err)
    }

    fn latent(&mut self, _slot: usize) -> &[f32] {
        &[0.0; FRAMES * LATENT_CHANNELS]
    }
}

/// A performer with two slots in flight, whose backend then fails so.
fn failing(advances: Vec<BackendError>) -> (Performer, Values, Arc<Mutex<usize>>) {
    let calls = Arc::new(Mutex::new(0));
    let backend = Failing { advances: Vec::new(), fills: Vec::new(), calls: Arc::clone(&calls) };
    let (mut performer, _) = performer_on(backend);
    let values = with(&[(ParamId::Depth, 2.0), (ParamId::Steps, 8.0)]);
    (0..6).for_each(|_| _ = performer.tick(&values, |_, _| ()).expect("nothing fails yet"));
    assert_eq!(performer.ring().in_flight(), 2);
    let (writer, _reader) = latents(FRAMES * LATENT_CHANNELS);
    performer.stage.backend = Box::new(Failing { advances, fills: Vec::new(), calls: Arc::clone(&calls) });
    performer.stage.latents = writer;
    *calls.lock().expect("one thread") = 0;
    (performer, values, calls)
}

#[test]
fn what_is_the_devices_fault_costs_no_slot_and_the_tick_is_taken_again() {
    let (mut performer, values, _) = failing(vec![BackendError::Away]);
    assert_eq!(performer.tick(&values, |_, _| ()), Err(BackendError::Away));
    let report = performer.tick(&values, |_, _| ()).expect("it is back");
    assert_eq!((report.advanced, report.refused, performer.counters().slots_refused), (2, 0, 0));

    let (mut performer, _) = performer_on(Failing { fills: vec![BackendError::Away], ..Failing::default() });
    assert_eq!(performer.tick(&values, |_, _| ()), Err(BackendError::Away));
    let report = performer.tick(&values, |_, _| ()).expect("it is back");
    assert_eq!((report.born, report.advanced, report.refused), (1, 1, 0), "the birth is filled again");
}

#[test]
fn a_row_that_cannot_be_computed_costs_its_slot_and_a_fault_of_nobody_costs_all() {
    let row_of = |slot| BackendError::RowOf { slot, error: DenoiserError::TooManyTokens { found: 9, most: 1 } };
    let (mut performer, values, calls) = failing(vec![row_of(1)]);
    let report = performer.tick(&values, |_, _| ()).expect("the other goes on");
    assert_eq!((report.advanced, report.refused, report.refusal), (1, 1, Some(row_of(1))));
    assert_eq!(*calls.lock().expect("one thread"), 2, "asked again without it");
    // A slot that is not in the plan, and no slot at all: asked once more it would say the same.
    let many = || BackendError::TooManyRows { found: 9, most: 1 };
    for error in [&|| row_of(7), &many as &dyn Fn() -> BackendError] {
        let (mut performer, values, calls) = failing((0..3).map(|_| error()).collect());
        let report = performer.tick(&values, |_, _| ()).expect("no device is at fault");
        assert_eq!((report.advanced, report.refused, report.refusal), (0, 2, Some(error())));
        assert_eq!((*calls.lock().expect("one thread"), performer.ring().in_flight()), (1, 0));
    }
}

#[test]
fn latents_that_leave_a_tick_later_are_told_by_that_tick() {
    let (mut performer, _) = performer_on(Nothing([0.0; FRAMES * LATENT_CHANNELS]));
    performer.ring.emission = crate::ring::Emission::OneATick;
    let values = with(&[(ParamId::Depth, 1.0), (ParamId::Steps, 1.0)]);
    let finished: Vec<usize> =
        (0..3).map(|_| performer.tick(&values, |_, _| ()).expect("nothing cannot fail").finished).collect();
    assert_eq!(finished[..2], [0, 1]);
}

/// The first number of the tokens of every slot in flight, by ticket.
fn words_in_flight(performer: &Performer) -> Vec<(u64, f32)> {
    let slots = performer.ring().slots().flatten();
    let mut words: Vec<_> = slots.map(|slot| (slot.ticket, slot.request.conditions[0].tokens[0])).collect();
    words.sort_by_key(|it| it.0);
    words
}

fn spoken(level: f32, tokens: usize) -> Prompt {
    let side = |level: f32| -> Arc<[f32]> { vec![level; tokens * WIDTH].into() };
    Prompt { weight: 1.0, with_timbre: side(level), neutral: side(-level) }
}

#[test]
fn other_words_cost_no_slot_and_the_very_next_birth_has_them() {
    let (mut performer, asked) = performer();
    let (mut still, _) = self::performer();
    let values = with(&[(ParamId::Depth, 4.0), (ParamId::Steps, 8.0)]);
    for turn in 0..60 {
        let told = asked.lock().expect("one thread").births.len();
        if turn % 10 == 5 {
            let before = words_in_flight(&performer);
            let level = 10.0 + turn as f32;
            let words = Words::new(vec![spoken(level, 1 + turn % 7)], WIDTH).expect("sound words");
            performer.obey(Edge::Load(Swap::Words(Box::new(words))));
            assert_eq!(words_in_flight(&performer), before, "slots live on with the words that they were born with");
            let ticket = performer.ring().next_ticket();
            let report = performer.tick(&values, |_, _| ()).expect("the set fits");
            if 0 < report.born {
                assert!(words_in_flight(&performer).contains(&(ticket, level)));
            }
        } else {
            performer.tick(&values, |_, _| ()).expect("the set fits");
        }
        still.tick(&values, |_, _| ()).expect("the set fits");
        let level = 10.0 + usize::saturating_sub(turn, (turn + 5) % 10) as f32;
        let born = told < asked.lock().expect("one thread").births.len();
        assert!(turn < 5 || !born || words_in_flight(&performer).last().is_some_and(|it| it.1 == level), "{turn}");
    }
    assert_eq!(
        performer.counters(),
        still.counters(),
        "as many were born, advanced and finished as without other words"
    );
}

#[test]
fn words_that_leave_are_freed_where_they_come_home_when_the_last_slot_has_left() {
    let (mut performer, _) = performer();
    let values = with(&[(ParamId::Depth, 4.0), (ParamId::Steps, 8.0), (ParamId::TimbreStrength, 0.5)]);
    let change = |performer: &mut Performer, level: f32| {
        let words = Words::new(vec![spoken(level, 3)], WIDTH).expect("sound words");
        let Edge::Load(Swap::Words(old)) = performer.obey(Edge::Load(Swap::Words(Box::new(words)))) else {
            panic!("words come home as words")
        };
        old
    };
    change(&mut performer, 1.0);
    (0..20).for_each(|_| _ = performer.tick(&values, |_, _| ()).expect("the set fits"));
    let mut old = change(&mut performer, 2.0);
    let last = performer.ring().next_ticket();
    let mut waited = 0;
    while performer.ring().slots().flatten().any(|slot| slot.ticket < last) {
        assert!(!old.let_go(), "a slot in flight was born with them");
        performer.tick(&values, |_, _| ()).expect("the set fits");
        waited += 1;
    }
    assert!((1..=8).contains(&waited), "the youngest of them lived through its steps: {waited}");
    // The backend keeps a slot's request until the slot is filled again.
    (0..8).for_each(|_| _ = performer.tick(&values, |_, _| ()).expect("the set fits"));
    assert!(old.let_go(), "nobody has them any more");
}

#[test]
fn words_that_need_more_room_bring_their_network_and_slots_in_flight_are_the_same_to_the_bit() {
    struct Roomy(usize);
    impl Denoiser for Roomy {
        fn check(&self, _frames: usize, tokens: &[f32]) -> Result<(), DenoiserError> {
            DenoiserError::count_tokens(tokens.len(), WIDTH, self.0).map(|_| ())
        }

        fn velocity(&mut self, row: &DenoiserRow<'_>, out: &mut [f32]) -> Result<(), DenoiserError> {
            Weave.velocity(row, out)
        }

        fn exchange(&mut self, other: &mut Box<dyn Any + Send>) -> bool {
            exchange(self, other)
        }
    }
    let played = |network: Option<usize>| {
        let (mut performer, _) = performer_on(CpuBackend::new(Roomy(5)));
        let values = with(&[(ParamId::Depth, 2.0), (ParamId::Steps, 4.0)]);
        let (mut finished, mut refused) = (Vec::new(), 0);
        for turn in 0..20 {
            if turn == 7 {
                let mut words = Words::new(vec![spoken(1.0, 9)], WIDTH).expect("sound words");
                if let Some(most) = network {
                    words = words.with_network(Box::new(Roomy(most)));
                }
                performer.obey(Edge::Load(Swap::Words(Box::new(words))));
            }
            let report = performer.tick(&values, |_, latent| finished.push(latent.to_vec())).expect("no device");
            refused += report.refused;
        }
        (finished, refused)
    };
    let (without, refused) = played(None);
    assert!(0 < refused, "nine tokens do not fit where there is room for five");
    let (with, none) = played(Some(9));
    assert_eq!(none, 0);
    assert!(without.len() < with.len() && with[..without.len()] == without, "slots in flight never know");
}
