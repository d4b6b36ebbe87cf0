//! Whether everything moves that has to: each part counts its turns, also those of a rest on purpose.
//!
//! Pure: who looks decides when. A part is well when its count is another than at the look before; one that stands is named.

use std::fmt;

struct Vital {
    name: &'static str,
    turns: Box<dyn Fn() -> u64 + Send>,
    last: Option<u64>,
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
    /// And this part, by its name for people; `turns` says how many it has done.
    #[must_use]
    pub fn with(mut self, name: &'static str, turns: impl Fn() -> u64 + Send + 'static) -> Self {
        self.0.push(Vital { name, turns: Box::new(turns), last: None });
        self
    }

    /// The parts that have not moved since the look before; at the first look none.
    pub fn look(&mut self) -> Vec<&'static str> {
        let mut still = Vec::new();
        for vital in &mut self.0 {
            let now = (vital.turns)();
            if vital.last == Some(now) {
                still.push(vital.name);
            }
            vital.last = Some(now);
        }
        still
    }
}

#[cfg(test)]
mod tests {
    use super::Vitals;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    #[test]
    fn a_part_that_stands_is_named_and_forgiven_when_it_moves() {
        let (ticks, hands) = (Arc::new(AtomicU64::new(7)), Arc::new(AtomicU64::new(0)));
        let turns = |of: &Arc<AtomicU64>| {
            let of = Arc::clone(of);
            move || of.load(Relaxed)
        };
        let mut vitals = Vitals::default().with("tick", turns(&ticks)).with("hands", turns(&hands));
        assert_eq!(vitals.look(), Vec::<&str>::new(), "the first look has nothing to compare with");
        assert_eq!(vitals.look(), ["tick", "hands"]);
        hands.store(1, Relaxed);
        assert_eq!(vitals.look(), ["tick"]);
        // A count that begins anew has moved.
        ticks.store(0, Relaxed);
        hands.store(2, Relaxed);
        assert_eq!(vitals.look(), Vec::<&str>::new());
    }
}
