//! Who lives, who is born, who is done: the ring without a backend.

use std::sync::Arc;

use super::plan::PlanRow;
use super::plan::TickPlan;
use super::request::{CONTEXT_CHANNELS, Condition, GuidanceMode, MaskRequest, Request, RequestError};
use super::ring::{Emission, MAX_DEPTH, Ring, RingCounters, Shrink};
use crate::solver::curve::Curve;
use crate::solver::mask::MaskStrength;
use crate::solver::schedule::Sampling;

fn request(frames: usize) -> Arc<Request> {
    Arc::new(Request::new(frames, vec![0.0; frames * CONTEXT_CHANNELS].into(), vec![0.0; 4].into()))
}

fn ring(depth: usize, steps: usize) -> Ring {
    Ring::new(depth, Sampling { steps, ..Sampling::default() })
}

/// One tick without arithmetic; tickets that left.
fn tick(ring: &mut Ring, unsound: u8) -> Vec<u64> {
    let mut plan = TickPlan::new();
    let mut left = Vec::new();
    ring.begin(&mut plan, |_, view| left.push(view.ticket));
    ring.end(&plan, unsound, |_, view| left.push(view.ticket));
    left
}

fn tickets(ring: &Ring) -> Vec<Option<u64>> {
    ring.slots().take(ring.depth()).map(|it| it.map(|it| it.ticket)).collect()
}

#[test]
fn a_full_queue_drops_its_oldest_request() {
    let mut ring = ring(2, 4);
    let submitted: Vec<_> = (0..4).map(|_| ring.submit(request(2)).expect("sound").dropped).collect();
    assert_eq!(submitted, [None, None, Some(0), Some(1)]);
    assert_eq!(ring.waiting().collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn empty_slots_are_filled_in_index_order() {
    let mut ring = ring(3, 2);
    ring.submit(request(2)).expect("sound");
    tick(&mut ring, 0);
    ring.submit(request(2)).expect("sound");
    ring.submit(request(2)).expect("sound");
    assert_eq!(tick(&mut ring, 0), [0]);
    assert_eq!(tickets(&ring), [None, Some(1), Some(2)]);
}

#[test]
fn several_latents_leave_in_the_tick_that_finished_them() {
    let mut ring = ring(3, 2);
    for _ in 0..3 {
        ring.submit(request(2)).expect("sound");
    }
    assert!(tick(&mut ring, 0).is_empty());
    assert_eq!(tick(&mut ring, 0), [0, 1, 2]);
}

#[test]
fn the_published_order_lets_one_latent_leave_a_tick_later() {
    let mut ring = ring(3, 1);
    ring.emission = Emission::OneATick;
    for _ in 0..3 {
        ring.submit(request(2)).expect("sound");
    }
    let left: Vec<_> = (0..4).map(|_| tick(&mut ring, 0)).collect();
    assert_eq!(left, [vec![], vec![0], vec![1], vec![2]]);
}

#[test]
fn the_newest_request_decides_the_length() {
    let mut ring = ring(2, 4);
    ring.submit(request(2)).expect("sound");
    tick(&mut ring, 0);
    ring.submit(request(2)).expect("sound");
    ring.submit(request(3)).expect("sound");
    tick(&mut ring, 0);
    assert_eq!(tickets(&ring), [Some(2), None]);
    assert_eq!(ring.counters().slots_discarded, 1);
    assert_eq!(ring.counters().requests_dropped, 1);
}

#[test]
fn a_smaller_depth_lets_slots_finish_and_bears_nothing_in_them() {
    let mut ring = ring(4, 3);
    for _ in 0..4 {
        ring.submit(request(2)).expect("sound");
    }
    tick(&mut ring, 0);
    ring.set_depth(1);
    ring.submit(request(2)).expect("sound");
    tick(&mut ring, 0);
    assert_eq!(tick(&mut ring, 0), [0, 1, 2, 3]);
    tick(&mut ring, 0);
    assert_eq!(ring.slots().flatten().map(|it| it.ticket).collect::<Vec<_>>(), [4]);
    assert_eq!(ring.counters().slots_discarded, 0);
}

#[test]
fn a_discarding_ring_gives_slots_beyond_the_depth_up() {
    let mut ring = ring(4, 3);
    ring.shrink = Shrink::Discard;
    for _ in 0..4 {
        ring.submit(request(2)).expect("sound");
    }
    tick(&mut ring, 0);
    ring.set_depth(2);
    assert_eq!(ring.in_flight(), 2);
    assert_eq!(ring.counters().slots_discarded, 2);
}

#[test]
fn depth_stays_between_one_and_eight() {
    let mut ring = ring(0, 3);
    assert_eq!(ring.depth(), 1);
    ring.set_depth(99);
    assert_eq!(ring.depth(), MAX_DEPTH);
}

#[test]
fn an_unsound_slot_is_given_up_and_counted_and_its_neighbours_go_on() {
    let mut ring = ring(3, 2);
    for _ in 0..3 {
        ring.submit(request(2)).expect("sound");
    }
    tick(&mut ring, 0b010);
    assert_eq!(tickets(&ring), [Some(0), None, Some(2)]);
    assert_eq!(tick(&mut ring, 0), [0, 2]);
    assert_eq!(ring.counters().slots_unsound, 1);
}

#[test]
fn a_change_of_steps_or_shift_waits_for_the_next_birth() {
    let mut ring = ring(2, 4);
    ring.submit(request(2)).expect("sound");
    tick(&mut ring, 0);
    ring.sampling = Sampling { steps: 6, shift: 1.0, ..ring.sampling };
    ring.submit(request(2)).expect("sound");
    tick(&mut ring, 0);
    let lengths: Vec<usize> = ring.slots().flatten().map(|it| it.levels.len()).collect();
    assert_eq!(lengths, [5, 7]);
}

#[test]
fn a_request_that_contradicts_itself_is_refused_in_words() {
    let mut short = Request::clone(&request(3));
    short.source = Some(vec![0.0; 64].into());
    let refused = ring(1, 2).submit(Arc::new(short));
    let words = refused.map_err(|it| it.to_string());
    assert_eq!(words, Err("the source has 64 numbers, 3 frames need 192".into()));
    let mut curved = Request::clone(&request(3));
    curved.controls.ode_noise = Some(Curve::from(vec![f32::NAN]));
    assert_eq!(curved.check(), Err(RequestError::Curve("the ODE noise")));
}

#[test]
fn a_condition_acts_only_in_its_share_of_the_schedule() {
    let mut both = Request::clone(&request(2));
    let share = |steps| Condition { tokens: vec![0.0; 4].into(), weight: None, steps: Some(steps) };
    both.conditions = vec![share(0.0..0.5), share(0.25..0.75)];
    let mut ring = ring(1, 4);
    ring.submit(Arc::new(both)).expect("sound");
    let mut acting = Vec::new();
    for _ in 0..4 {
        let mut plan = TickPlan::new();
        ring.begin(&mut plan, |_, _| ());
        acting.push(plan.positive.iter().map(|it| it.condition).collect::<Vec<_>>());
        ring.end(&plan, 0, |_, _| ());
    }
    // Where none acts the primary one does.
    assert_eq!(acting, [vec![0], vec![0, 1], vec![1], vec![0]]);
}

/// A request of so many conditions and negatives, guided in this way where the guidance has a scale.
fn guided(mode: GuidanceMode, scale: Option<f32>, conditions: usize, negatives: usize) -> Request {
    let mut it = Request::clone(&request(2));
    let condition = || Condition::always(vec![0.0; 4].into());
    (it.conditions, it.negatives) = (vec![condition(); conditions], vec![condition(); negatives]);
    (it.guidance_mode, it.controls.guidance_scale) = (mode, scale.map(Curve::Scalar));
    it
}

#[test]
fn a_request_has_the_rows_that_its_guidance_computes() {
    // Mode, scale, negatives; whether guided, whether the negative is computed at steps 0 and 1, rows beside two conditions.
    for (mode, scale, negatives, is_guided, computed, rows) in [
        (GuidanceMode::Full, Some(2.0), 1, true, [true, true], 1),
        (GuidanceMode::Full, Some(2.0), 0, false, [false, false], 0),
        (GuidanceMode::Full, None, 1, false, [false, false], 0),
        (GuidanceMode::Initialize, Some(2.0), 2, true, [true, false], 2),
        (GuidanceMode::OwnNoise, Some(2.0), 0, true, [false, false], 0),
        (GuidanceMode::OwnNoise, Some(2.0), 1, true, [false, false], 0),
        (GuidanceMode::OwnNoise, None, 1, false, [false, false], 0),
    ] {
        let it = guided(mode, scale, 2, negatives);
        let found = (it.is_guided(), [0, 1].map(|step| it.needs_negative(step)), it.rows());
        assert_eq!(found, (is_guided, computed, 2 + rows), "{mode:?}, scale {scale:?}, {negatives} negatives");
    }
}

#[test]
fn the_start_is_mixed_from_the_source_or_from_what_a_mask_keeps() {
    let mut it = Request::clone(&request(2));
    assert!(it.clean().is_none());
    let [original, source] = [1.0, 2.0].map(|level| Arc::from(vec![level; 128]));
    let (curve, strength) = (Curve::Scalar(1.0), MaskStrength::FULL);
    it.mask = Some(MaskRequest { original: Arc::clone(&original), curve, strength, noise: None, seed: 0 });
    assert!(it.clean().is_some_and(|it| Arc::ptr_eq(it, &original)));
    it.source = Some(Arc::clone(&source));
    assert!(it.clean().is_some_and(|it| Arc::ptr_eq(it, &source)));
}

#[test]
fn a_slot_that_is_left_out_of_a_tick_leaves_its_neighbours_their_rows() {
    let mut ring = ring(4, 4);
    for conditions in [2, 1, 3, 1] {
        ring.submit(Arc::new(guided(GuidanceMode::Full, Some(2.0), conditions, conditions))).expect("sound");
    }
    let mut plan = TickPlan::new();
    ring.begin(&mut plan, |_, _| ());
    plan.leave_out(1);
    assert_eq!(plan.births.iter().map(|it| it.slot).collect::<Vec<_>>(), [0, 2, 3]);
    let row = |slot, condition| PlanRow { slot, condition };
    let rows = [row(0, 0), row(0, 1), row(2, 0), row(2, 1), row(2, 2), row(3, 0)];
    assert_eq!((&plan.positive[..], &plan.negative[..]), (&rows[..], &rows[..]));
    let parts: Vec<_> = plan.steps.iter().map(|it| (it.slot, it.positive.clone(), it.negative.clone())).collect();
    assert_eq!(parts, [(0, 0..2, 0..2), (2, 2..5, 2..5), (3, 5..6, 5..6)]);
}

#[test]
fn a_step_goes_from_its_noise_level_to_the_next_one_and_the_last_to_none() {
    let mut ring = ring(1, 4);
    ring.submit(request(2)).expect("sound");
    let mut levels = Vec::new();
    for step in 0..4 {
        let mut plan = TickPlan::new();
        ring.begin(&mut plan, |_, _| ());
        let it = &plan.steps[0];
        assert_eq!((it.step, it.steps, levels.last().is_none_or(|level| *level == it.span.now)), (step, 4, true));
        levels.push(it.span.next);
        assert!(it.span.next < it.span.now);
        ring.end(&plan, 0, |_, _| ());
    }
    assert_eq!(levels.last(), Some(&0.0));
}

#[test]
fn a_ring_counts_all_that_happens_to_requests_and_slots() {
    let mut ring = ring(3, 2);
    // Five for a queue of three, of which two finish; one slot is refused, which counts once however often it is said.
    (0..5).for_each(|_| _ = ring.submit(request(2)).expect("sound"));
    tick(&mut ring, 0);
    ring.refuse(1);
    ring.refuse(1);
    assert_eq!(tick(&mut ring, 0), [2, 4]);
    (0..3).for_each(|_| _ = ring.submit(request(2)).expect("sound"));
    tick(&mut ring, 0b100);
    ring.refuse(0);
    ring.submit(request(2)).expect("sound");
    ring.submit(request(2)).expect("sound");
    tick(&mut ring, 0);
    (0..3).for_each(|_| _ = ring.submit(request(2)).expect("sound"));
    let counted = ring.counters();
    let expected = RingCounters {
        ticks: 4,
        born: 8,
        finished: 3,
        requests_dropped: 2,
        slots_discarded: 0,
        slots_unsound: 1,
        slots_refused: 2,
    };
    assert_eq!(counted, expected);
    ring.clear();
    assert_eq!((ring.in_flight(), ring.waiting().len()), (0, 0));
    let cleared = RingCounters { requests_dropped: 5, slots_discarded: 2, ..expected };
    assert_eq!(ring.counters(), cleared);
}

#[test]
fn what_a_lost_device_held_begins_again_with_its_own_request_and_schedule() {
    let mut ring = ring(3, 3);
    (0..2).for_each(|_| _ = ring.submit(request(2)).expect("sound"));
    tick(&mut ring, 0);
    tick(&mut ring, 0);
    assert_eq!(
        [0, 1, 2].map(|slot| ring.slot(slot).map(|it| (it.ticket, it.step))),
        [Some((0, 2)), Some((1, 2)), None]
    );
    ring.sampling.steps = 5;
    ring.begin_again();
    let mut plan = TickPlan::new();
    ring.begin(&mut plan, |_, _| ());
    assert_eq!(plan.births.iter().map(|it| it.slot).collect::<Vec<_>>(), [0, 1]);
    assert!(
        plan.steps.iter().all(|it| (it.step, it.steps) == (0, 3)) && plan.births[0].start == plan.steps[0].span.now
    );
    ring.end(&plan, 0, |_, _| ());
    ring.refill(1);
    ring.begin(&mut plan, |_, _| ());
    assert_eq!(plan.births.iter().map(|it| it.slot).collect::<Vec<_>>(), [1], "the other goes on");
    assert_eq!(plan.steps.iter().map(|it| it.step).collect::<Vec<_>>(), [1, 0]);
    assert!(ring.slot(99).is_none());
}
