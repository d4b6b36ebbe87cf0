//! One parameter on its way: where it stands at a time, as a formula.
//!
//! A lane keeps where and when its last leg began and nothing that depends on how often somebody looked, so that looking
//! often and looking once give the same places to the bit. Places are of the knob's travel, 0 to 1.

use std::time::Duration;

use super::limits::AT_ONCE;

/// A straight leg to a target, and the rest after it.
#[derive(Clone, Copy, Debug)]
pub struct Lane {
    from: f64,
    target: f64,
    since: Duration,
    /// Travelled in the leg's first moment.
    at_once: f64,
    /// Travels a second after that.
    rate: f64,
    /// Travels a second at which a rest earns the next leg's first moment; `None` without a limit.
    slew: Option<f64>,
}

impl Lane {
    /// At rest, and rested.
    pub const fn resting(place: f64, slew: Option<f64>) -> Self {
        Self { from: place, target: place, since: Duration::ZERO, at_once: AT_ONCE, rate: 0.0, slew }
    }

    /// Where the leg leads.
    pub const fn target(&self) -> f64 {
        self.target
    }

    /// Where it stands, and whether that is the target. A time before the leg counts as its first moment.
    pub fn at(&self, now: Duration) -> (f64, bool) {
        let way = self.target - self.from;
        let walked = self.at_once + self.rate * self.seconds(now);
        if walked >= way.abs() { (self.target, true) } else { (self.from + walked.copysign(way), false) }
    }

    /// Sets out from where it stands: as fast as the limit allows, or evenly over a glide, if that is slower.
    pub fn set_out(&mut self, now: Duration, target: f64, glide: Duration) {
        let (from, at_once) = (self.at(now).0, self.rested(now));
        let even = (target - from).abs() / glide.as_secs_f64();
        let (at_once, rate) = match (glide.is_zero(), self.slew) {
            (true, None) => (f64::INFINITY, 0.0),
            (true, Some(slew)) => (at_once, slew),
            (false, slew) => (0.0, even.min(slew.unwrap_or(f64::INFINITY))),
        };
        // A clock that steps back must not make the leg that it finds walk again.
        *self = Self { from, target, since: self.since.max(now), at_once, rate, slew: self.slew };
    }

    /// Rests here from now on: it was put, it did not walk.
    pub const fn rest_at(&mut self, place: f64) {
        *self = Self::resting(place, self.slew);
    }

    /// Another limit, from the next leg on.
    pub const fn limit(&mut self, slew: Option<f64>) {
        self.slew = slew;
    }

    /// What may be travelled in the first moment of a leg that begins now: nothing on the way, and after it as much as
    /// the rest has earned.
    fn rested(&self, now: Duration) -> f64 {
        let way = (self.target - self.from).abs();
        let Some(slew) = self.slew.filter(|_| self.at(now).1) else { return 0.0 };
        let spare = self.at_once - way;
        // The leg ended when its walk was done, not when somebody looked.
        let walking = if spare >= 0.0 { 0.0 } else { -spare / self.rate };
        AT_ONCE.min(spare.max(0.0) + slew * (self.seconds(now) - walking).max(0.0))
    }

    fn seconds(&self, now: Duration) -> f64 {
        now.saturating_sub(self.since).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, Duration, Lane};

    #[test]
    fn a_rest_earns_from_the_moment_on_in_which_the_walk_was_done() {
        let ms = Duration::from_millis;
        let mut lane = Lane::resting(0.0, Some(2.0));
        lane.set_out(ms(0), 1.0, Duration::ZERO);
        // All of the way but what went at once, at two travels a second.
        let done = (1.0 - AT_ONCE) / 2.0;
        assert!(!lane.at(Duration::from_secs_f64(done - 0.001)).1 && lane.at(Duration::from_secs_f64(done + 0.001)).1);
        for (rest_ms, earned) in [(1_u64, 0.002), (5, 0.01), (100, AT_ONCE)] {
            let mut next = lane;
            let now = Duration::from_secs_f64(done) + ms(rest_ms);
            next.set_out(now, 0.0, Duration::ZERO);
            assert!((1.0 - next.at(now).0 - earned).abs() < 1e-6, "{} after {rest_ms} ms", 1.0 - next.at(now).0);
        }
    }
}
