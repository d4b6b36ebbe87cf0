//! Who lives, who is born, who is done: the ring without a backend.

use std::sync::Arc;

use super::plan::TickPlan;
use super::request::{CONTEXT_CHANNELS, Condition, Request, RequestError};
use super::ring::{Emission, MAX_DEPTH, Ring, Shrink};
use crate::solver::curve::Curve;
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
