//! One contact that bounces, told as one press and one release.
//!
//! The first edge is acted on at once: a debounce that waits for quiet makes every press late. After it the contact is
//! not listened to for a while, and then looked at: if it came to rest on the other side, that is told too, so that a tap
//! shorter than the lockout still ends. Pure: it reads no clock and no line.

use std::time::Duration;

/// For how long most contacts bounce; worn ones up to twice that, which the settling covers.
pub const LOCKOUT: Duration = Duration::from_millis(5);
/// A contact that never comes to rest is believed after this many lockouts.
const PATIENCE: u32 = 4;

/// The memory of one contact.
#[derive(Clone, Copy, Debug)]
pub struct Debounce {
    lockout: Duration,
    /// What was told last.
    told: bool,
    /// The level after the last edge.
    level: bool,
    locked: Option<Lock>,
}

#[derive(Clone, Copy, Debug)]
struct Lock {
    since: Duration,
    last_edge: Duration,
}

impl Debounce {
    /// A contact at rest on `level`, deaf for `lockout` after each change.
    #[must_use]
    pub const fn new(level: bool, lockout: Duration) -> Self {
        Self { lockout, told: level, level, locked: None }
    }

    /// What was told last.
    #[must_use]
    pub const fn told(&self) -> bool {
        self.told
    }

    /// An edge to `level` at `at`. Calls `tell` with the changes that it proves, oldest first: maybe two, since the settled
    /// level of an earlier lockout may not have been looked at yet.
    pub fn edge(&mut self, at: Duration, level: bool, mut tell: impl FnMut(Duration, bool)) {
        // What is told of one lockout begins another, which may be over too.
        while let Some(due) = self.due().filter(|due| *due <= at) {
            self.settle(due, self.level, &mut tell);
        }
        self.level = level;
        match &mut self.locked {
            Some(lock) => lock.last_edge = at.max(lock.last_edge),
            None => self.change(at, level, tell),
        }
    }

    /// When to look at the level next; `None` while the contact is at rest.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        let lock = self.locked?;
        Some((lock.last_edge + self.lockout).min(lock.since + self.lockout * PATIENCE))
    }

    /// The level as read from the line at `at`: what counts once the lockout is over, and what finds an edge that was
    /// lost on its way. During the lockout it is not believed.
    pub fn settle(&mut self, at: Duration, level: bool, tell: impl FnMut(Duration, bool)) {
        if self.due().is_some_and(|due| at < due) {
            return;
        }
        (self.locked, self.level) = (None, level);
        self.change(at, level, tell);
    }

    fn change(&mut self, at: Duration, level: bool, mut tell: impl FnMut(Duration, bool)) {
        if level != self.told {
            self.told = level;
            self.locked = Some(Lock { since: at, last_edge: at });
            tell(at, level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Debounce, Duration, LOCKOUT};
    use proptest::prelude::*;

    fn us(us: u64) -> Duration {
        Duration::from_micros(us)
    }

    /// What is told of edges at these microseconds, each to the other level, looked at whenever it is due.
    fn told(edges: &[u64], until: u64) -> Vec<(u64, bool)> {
        let (mut contact, mut told, mut level) = (Debounce::new(false, LOCKOUT), Vec::new(), false);
        let mut tell = |at: Duration, level| told.push((u64::try_from(at.as_micros()).unwrap(), level));
        for at in edges {
            while let Some(due) = contact.due().filter(|due| *due <= us(*at)) {
                contact.settle(due, level, &mut tell);
            }
            level = !level;
            contact.edge(us(*at), level, &mut tell);
        }
        while let Some(due) = contact.due().filter(|due| *due <= us(until)) {
            contact.settle(due, level, &mut tell);
        }
        told
    }

    #[test]
    fn the_first_edge_acts_at_once_and_its_bounces_do_not() {
        assert_eq!(
            told(&[1000, 1200, 1300, 1800, 2500, 90_000, 90_100, 90_300], 200_000),
            [(1000, true), (90_000, false)]
        );
    }

    #[test]
    fn a_tap_shorter_than_the_lockout_ends() {
        assert_eq!(told(&[1000, 3000], 100_000), [(1000, true), (8000, false)]);
    }

    #[test]
    fn a_contact_that_still_bounces_is_waited_for_but_not_for_ever() {
        let chatter: Vec<u64> = (0..40).map(|edge| 1000 + edge * 400).collect();
        assert_eq!(told(&chatter, 100_000), [(1000, true), (21_000, false)], "16 ms of chatter is one press");
        let broken: Vec<u64> = (0..1001).map(|edge| 1000 + edge * 400).collect();
        let told = told(&broken, 500_000);
        assert_eq!(told.last().map(|it| it.1), Some(true), "it came to rest closed");
        assert!(told.len() < 60, "a broken contact says no more than once in four lockouts: {}", told.len());
    }

    #[test]
    fn a_release_that_was_never_looked_at_is_told_before_the_next_press() {
        let (mut contact, mut told) = (Debounce::new(false, LOCKOUT), Vec::new());
        for (at, level) in [(1000, true), (3000, false), (50_000, true)] {
            contact.edge(us(at), level, |at, level| told.push((at, level)));
        }
        assert_eq!(told, [(us(1000), true), (us(8000), false), (us(50_000), true)]);
    }

    #[test]
    fn a_level_read_while_the_contact_bounces_is_not_believed() {
        let (mut contact, mut told) = (Debounce::new(false, LOCKOUT), Vec::new());
        contact.edge(us(1000), true, |at, level| told.push((at, level)));
        contact.settle(us(3000), false, |at, level| told.push((at, level)));
        contact.settle(us(6000), true, |at, level| told.push((at, level)));
        assert_eq!((told, contact.due()), (vec![(us(1000), true)], None));
    }

    #[test]
    fn a_lost_edge_is_found_by_looking() {
        let (mut contact, mut told) = (Debounce::new(true, LOCKOUT), Vec::new());
        contact.settle(us(7), false, |at, level| told.push((at, level)));
        assert_eq!((told, contact.told()), (vec![(us(7), false)], false));
    }

    proptest! {
        #[test]
        fn presses_and_releases_alternate_and_the_last_word_is_the_truth(gaps in prop::collection::vec(1_u64..20_000, 0..200)) {
            let edges: Vec<u64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
            let end = edges.last().copied().unwrap_or(0);
            let told = told(&edges, end + 1_000_000);
            prop_assert!(told.iter().enumerate().all(|(place, it)| it.1 == (place % 2 == 0)));
            prop_assert_eq!(told.last().is_some_and(|it| it.1), edges.len() % 2 == 1);
            prop_assert!(told.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 5000), "closer than a lockout");
        }
    }
}
