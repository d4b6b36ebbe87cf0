//! What is wrong with surfaces and wires, from their threads to the conductor.
//!
//! One place for each surface and each wire, so that no flood of errors grows anything: a standing fault is a state, whose
//! latest counts, and of what happened for once the latest is kept and the others are counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hal::gesture::SurfaceId;

/// Who has a fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A surface that listens, by name.
    Surface(String),
    /// The wire to a controller.
    Wire(SurfaceId),
}

/// What the player should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A fault stands from now on, in these words.
    Stands(Who, String),
    /// It is over; so many clocks were lost meanwhile.
    Over(Who, u64),
    /// Something went wrong for once, in these words, and so many other things that are not told.
    Once(String, u64),
}

/// The board on which they are written. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Troubles(Arc<Mutex<BTreeMap<Who, Place>>>);

#[derive(Default)]
struct Place {
    stands: Option<String>,
    /// What the conductor knows to stand.
    known: Option<String>,
    lost: u64,
    once: Option<String>,
    more: u64,
}

impl Troubles {
    fn places(&self) -> MutexGuard<'_, BTreeMap<Who, Place>> {
        // Every place is whole after every change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fault stands.
    pub(super) fn stands(&self, who: Who, words: String) {
        self.places().entry(who).or_default().stands = Some(words);
    }

    /// Nothing stands any more; so many clocks were lost.
    pub(super) fn over(&self, who: Who, lost: u64) {
        let mut places = self.places();
        let place = places.entry(who).or_default();
        (place.stands, place.lost) = (None, place.lost + lost);
    }

    /// Something went wrong for once.
    pub(super) fn once(&self, who: Who, words: String) {
        let mut places = self.places();
        let place = places.entry(who).or_default();
        if place.once.as_ref().is_some_and(|known| *known != words) {
            place.more += 1;
        }
        place.once = Some(words);
    }

    /// What changed since the last call.
    pub(super) fn take(&self) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        for (who, place) in self.places().iter_mut() {
            if let Some(words) = place.once.take() {
                troubles.push(Trouble::Once(words, std::mem::take(&mut place.more)));
            }
            if place.stands != place.known {
                place.known.clone_from(&place.stands);
                troubles.push(match &place.stands {
                    Some(words) => Trouble::Stands(who.clone(), words.clone()),
                    None => Trouble::Over(who.clone(), std::mem::take(&mut place.lost)),
                });
            }
        }
        troubles
    }
}

#[cfg(test)]
mod tests {
    use super::{Trouble, Troubles, Who};
    use hal::gesture::SurfaceId;

    #[test]
    fn a_fault_is_told_when_it_comes_and_when_it_goes_and_a_flood_is_counted() {
        let (troubles, wire) = (Troubles::default(), Who::Wire(SurfaceId(3)));
        for _ in 0..1000 {
            troubles.stands(wire.clone(), "it takes nothing".to_owned());
        }
        assert_eq!(troubles.take(), [Trouble::Stands(wire.clone(), "it takes nothing".to_owned())]);
        assert_eq!(troubles.take(), []);
        troubles.over(wire.clone(), 7);
        assert_eq!(troubles.take(), [Trouble::Over(wire, 7)]);
        for number in 0..1000 {
            troubles.once(Who::Surface("keys".to_owned()), format!("garbled {number}"));
        }
        assert_eq!(troubles.take(), [Trouble::Once("garbled 999".to_owned(), 999)]);
        assert_eq!(troubles.take(), []);
    }
}
