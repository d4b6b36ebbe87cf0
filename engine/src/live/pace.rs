//! When the next slot is born: births spread evenly over the schedule, for every depth and step count.
//!
//! A ring of `depth` slots of `steps` steps bears `depth / steps` slots a tick, which is seldom whole. Every tick owes its
//! share of a slot; a birth is due when a whole one is owed, and what is left over counts on. So gaps between births differ
//! by at most one tick, and a change of depth or steps keeps what is owed. Exact: the share is counted in parts that every
//! step count divides. At most one birth a tick, since two of one tick would make the same latent twice.

/// Parts of one slot: the least common multiple of 1 to 16, the step counts that a player can choose.
const SLOT: u32 = 720_720;

/// What is owed, in parts of a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace(u32);

impl Pace {
    /// The first birth is due in the first tick.
    pub(super) const fn new() -> Self {
        Self(SLOT)
    }

    /// A tick passes; whether a birth is due in it. One that could not be taken stays due, and owes nothing for its wait:
    /// the births after it are spread as evenly as if it had come when it did.
    pub(super) fn tick(&mut self, depth: usize, steps: usize) -> bool {
        let (depth, steps) = (depth.min(steps).max(1) as u32, steps.max(1) as u32);
        self.0 = if self.0 < SLOT { self.0 + SLOT * depth / steps } else { SLOT };
        SLOT <= self.0
    }

    /// The birth that was due has come.
    pub(super) fn born(&mut self) {
        self.0 = self.0.saturating_sub(SLOT);
    }
}
