//! Whether everything moves that has to: each part counts, or says that it rests.
//!
//! Pure: who looks decides when. A part is well when its count is another than at the look before; one that moved on neither count
//! nor word is named.

use std::fmt;

/// What a part says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It counts while it works: this far.
    Count(u64),
    /// It has nothing to do, on purpose.
    Rests,
}

struct Vital {
    name: &'static str,
    read: Box<dyn Fn() -> Sign + Send>,
    last: Option<Sign>,
}

/// Everything that has to move.
#[derive(Default)]
pub struct Vitals(Vec<Vital>);

impl fmt::Debug for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|it| (it.name, it.last))).finish()
    }
}

impl Vitals {
    /// And this part, by its name for people.
    #[must_use]
    pub fn with(mut self, name: &'static str, read: impl Fn() -> Sign + Send + 'static) -> Self {
        self.0.push(Vital { name, read: Box::new(read), last: None });
        self
    }

    /// The parts that have not moved since the look before; at the first look none.
    pub fn look(&mut self) -> Vec<&'static str> {
        let mut still = Vec::new();
        for vital in &mut self.0 {
            let now = (vital.read)();
            if now != Sign::Rests && vital.last == Some(now) {
                still.push(vital.name);
            }
            vital.last = Some(now);
        }
        still
    }
}

#[cfg(test)]
mod tests {
    use super::{Sign, Vitals};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    #[test]
    fn a_part_that_neither_counts_nor_rests_is_named_and_forgiven_when_it_moves() {
        let ticks = Arc::new(AtomicU64::new(7));
        let hands = Arc::new(AtomicU64::new(0));
        // The last number of all stands for a rest here.
        let sign = |of: &Arc<AtomicU64>| {
            let of = Arc::clone(of);
            move || match of.load(Relaxed) {
                u64::MAX => Sign::Rests,
                count => Sign::Count(count),
            }
        };
        let mut vitals = Vitals::default().with("tick", sign(&ticks)).with("hands", sign(&hands));
        assert_eq!(vitals.look(), Vec::<&str>::new(), "the first look has nothing to compare with");
        assert_eq!(vitals.look(), ["tick", "hands"]);
        hands.store(1, Relaxed);
        assert_eq!(vitals.look(), ["tick"]);
        ticks.store(u64::MAX, Relaxed);
        hands.store(2, Relaxed);
        assert_eq!(vitals.look(), Vec::<&str>::new());
        hands.store(3, Relaxed);
        assert_eq!(vitals.look(), Vec::<&str>::new(), "a rest may last");
        // It goes on from where it was: that it rested in between is a sign.
        ticks.store(7, Relaxed);
        hands.store(4, Relaxed);
        assert_eq!(vitals.look(), Vec::<&str>::new());
        assert_eq!(vitals.look(), ["tick", "hands"]);
    }
}
