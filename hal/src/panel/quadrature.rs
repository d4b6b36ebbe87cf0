//! Two contacts of an encoder to detents, without ever running backwards.
//!
//! The contacts go 00, 01, 11, 10 and round again; one way is up, the other down. Each pair of old and new state is one
//! row of a table: a step up, a step down, nothing, or a jump over two states, whose direction nobody can know. A
//! bouncing contact steps forth and back and so cancels out. Detents are told when the contacts come to the state in
//! which the knob rests, and as many as were truly turned. Pure: it reads no clock and no line.

use std::time::Duration;

/// By old and new state (`old << 2 | new`, a state is `a << 1 | b`): quarter steps, or [`JUMP`].
const TABLE: [i8; 16] = [0, 1, -1, JUMP, -1, 0, JUMP, 1, 1, JUMP, 0, -1, JUMP, -1, 1, 0];
/// Both contacts changed at once: an edge was lost.
const JUMP: i8 = 2;
/// Where in the round each state stands.
const PHASE: [u8; 4] = [0, 1, 3, 2];
/// A knob that was left alone for so long lies in its detent.
const AT_REST: Duration = Duration::from_millis(500);

/// How many states of the four an encoder passes from one detent to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetentSteps {
    /// Every state is a detent, or the encoder has none.
    One = 1,
    /// Two: detents with both contacts open and both closed.
    Two = 2,
    /// A whole round: the usual.
    Four = 4,
}

/// The memory of one encoder.
#[derive(Clone, Debug)]
pub struct Quadrature {
    steps: i32,
    state: u8,
    /// The state in which the knob rests, as a phase.
    rest: u8,
    /// Quarter steps since the last detent.
    count: i32,
    last_edge: Duration,
    jumps: u64,
}

impl Quadrature {
    /// An encoder whose contacts stand at `a` and `b`, resting in a detent.
    #[must_use]
    pub const fn new(a: bool, b: bool, steps: DetentSteps) -> Self {
        let state = state(a, b);
        let rest = PHASE[state as usize];
        Self { steps: steps as i32, state, rest, count: 0, last_edge: Duration::ZERO, jumps: 0 }
    }

    /// How the contacts stand.
    #[must_use]
    pub const fn contacts(&self) -> (bool, bool) {
        (self.state & 2 != 0, self.state & 1 != 0)
    }

    /// How often both contacts changed at once: edges that the machine was too slow for, or a broken wire.
    #[must_use]
    pub const fn jumps(&self) -> u64 {
        self.jumps
    }

    /// When a contact last changed.
    #[must_use]
    pub const fn last_edge(&self) -> Duration {
        self.last_edge
    }

    /// The contacts as they stand at `at`: the detents that this completes, up positive, mostly none.
    pub fn contacts_at(&mut self, at: Duration, a: bool, b: bool) -> i32 {
        let new = state(a, b);
        if new == self.state {
            return 0;
        }
        if at.saturating_sub(self.last_edge) >= AT_REST {
            // Learned anew each time, since the program may have started while the knob was held between two detents.
            (self.rest, self.count) = (PHASE[usize::from(self.state)], 0);
        }
        match TABLE[usize::from(self.state << 2 | new)] {
            JUMP => self.jumps += 1,
            quarter => self.count += i32::from(quarter),
        }
        (self.state, self.last_edge) = (new, at);
        self.detents()
    }

    fn detents(&mut self) -> i32 {
        let phase = i32::from(PHASE[usize::from(self.state)]) - i32::from(self.rest);
        if phase.rem_euclid(self.steps) != 0 {
            return 0;
        }
        // To the nearest: a jump loses two quarters of a detent that was nevertheless turned.
        let detents = (2 * self.count + self.count.signum() * self.steps) / (2 * self.steps);
        self.count = 0;
        detents
    }
}

const fn state(a: bool, b: bool) -> u8 {
    (a as u8) << 1 | b as u8
}

#[cfg(test)]
mod tests {
    use super::{DetentSteps, Duration, Quadrature};
    use proptest::prelude::*;

    /// The round, upwards.
    const ROUND: [(bool, bool); 4] = [(false, false), (false, true), (true, true), (true, false)];

    fn place(contacts: (bool, bool)) -> usize {
        ROUND.iter().position(|it| *it == contacts).unwrap()
    }

    #[test]
    fn all_sixteen_transitions_go_the_right_way() {
        for (from, old) in ROUND.iter().enumerate() {
            for (to, new) in ROUND.iter().enumerate() {
                let mut encoder = Quadrature::new(old.0, old.1, DetentSteps::One);
                let detents = encoder.contacts_at(Duration::ZERO, new.0, new.1);
                let (expected, jumps) = match (to + 4 - from) % 4 {
                    0 => (0, 0),
                    1 => (1, 0),
                    3 => (-1, 0),
                    _ => (0, 1),
                };
                assert_eq!((detents, encoder.jumps()), (expected, jumps), "{old:?} to {new:?}");
            }
        }
    }

    /// Walks the contacts by quarter steps from both open.
    fn walked(steps: DetentSteps, walk: &[i32]) -> Vec<i32> {
        let (mut encoder, mut at) = (Quadrature::new(true, true, steps), place((true, true)));
        let told = walk.iter().map(|step| {
            at = (at as i32 + step).rem_euclid(4) as usize;
            encoder.contacts_at(Duration::from_millis(1), ROUND[at].0, ROUND[at].1)
        });
        told.filter(|detents| *detents != 0).collect()
    }

    #[test]
    fn a_detent_is_told_once_and_a_bounce_on_it_not_at_all() {
        assert_eq!(walked(DetentSteps::Four, &[1, 1, 1, 1, -1, 1, -1, 1, 1, 1, 1, 1]), [1, 1]);
        assert_eq!(walked(DetentSteps::Four, &[1, 1, -1, -1]), [0; 0], "half way and back is nothing");
        assert_eq!(walked(DetentSteps::Two, &[1, 1, -1, 1, -1, -1]), [1, -1]);
        assert_eq!(walked(DetentSteps::One, &[1, 1, -1]), [1, 1, -1]);
    }

    #[test]
    fn a_lost_edge_costs_no_detent_and_never_turns_it_round() {
        assert_eq!(walked(DetentSteps::Four, &[1, 2, 1, 1, 1, 1, 1]), [1, 1]);
        assert_eq!(walked(DetentSteps::Four, &[-1, 2, -1]), [-1]);
    }

    #[test]
    fn a_knob_held_between_detents_at_the_start_is_learned_once_it_rests() {
        let mut encoder = Quadrature::new(false, true, DetentSteps::Four);
        let second = Duration::from_secs(1);
        assert_eq!(encoder.contacts_at(Duration::ZERO, true, true), 0, "it slips into its detent");
        let up = [(true, false), (false, false), (false, true), (true, true)];
        let told: Vec<i32> = up.iter().map(|it| encoder.contacts_at(second, it.0, it.1)).collect();
        assert_eq!(told, [0, 0, 0, 1], "and from then on tells in it");
    }

    proptest! {
        #[test]
        fn a_knob_turned_up_with_bouncing_contacts_never_runs_backwards(
            bounces in prop::collection::vec(0_usize..6, 4..400), steps in prop::sample::select(vec![DetentSteps::Two, DetentSteps::Four]),
        ) {
            // Each quarter step is made, then bounces back and forth some times.
            let walk: Vec<i32> = bounces.iter().flat_map(|bounces| std::iter::once(1).chain([-1, 1].repeat(*bounces))).collect();
            let told = walked(steps, &walk);
            prop_assert!(told.iter().all(|detents| *detents == 1), "{:?}", told);
            prop_assert_eq!(told.len(), bounces.len() / steps as usize);
        }

        #[test]
        fn a_run_of_lost_edges_costs_detents_and_never_turns_them_round(from in 0_usize..40, lost in 0_usize..40) {
            let (mut encoder, mut told) = (Quadrature::new(false, false, DetentSteps::Four), Vec::new());
            for step in 1..100_usize {
                if (from..from + lost).contains(&step) {
                    continue;
                }
                // An edge tells of its own contact; the other stays as it was last heard of.
                let (new, known) = (ROUND[step % 4], encoder.contacts());
                let (a, b) = if ROUND[(step - 1) % 4].0 == new.0 { (known.0, new.1) } else { (new.0, known.1) };
                told.push(encoder.contacts_at(Duration::from_millis(1), a, b));
            }
            prop_assert!(told.iter().all(|detents| *detents >= 0), "{:?}", told);
            let lost_detents = lost.div_ceil(4) + 1;
            prop_assert!(told.iter().sum::<i32>() >= 24 - i32::try_from(lost_detents).unwrap(), "{:?}", told);
        }

        #[test]
        fn whatever_the_contacts_do_the_detents_add_up_to_where_they_went(walk in prop::collection::vec(prop::sample::select(vec![-1, 1]), 0..500)) {
            let sum: i32 = walked(DetentSteps::Four, &walk).iter().sum();
            let went: i32 = walk.iter().sum();
            prop_assert!((went - 4 * sum).abs() < 4, "went {} quarters, told {}", went, sum);
        }
    }
}
