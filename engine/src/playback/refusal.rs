//! What a player refuses of another process, by its reason; and which engine it obeys.
//!
//! Both are of the player's own process: the audio thread counts and obeys, a slow thread tells and gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::boundary::Torn;

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A record that does not add up, is of no kind, or of another engine.
    Torn(Torn),
    /// A ring's head that cannot be.
    Head,
    /// A box that there is not.
    NoBox,
    /// A slot that there is not, or that is not the spare one.
    NoSlot,
    /// Lengths that do not fit each other, or the box.
    Size,
    /// A share that is none.
    Feedback,
    /// A gain that is none.
    Gain,
    /// A sample that is not a finite number.
    NonFinite,
    /// A place that is not on the tape.
    OffTape,
    /// An order for another tape.
    OtherTape,
    /// A tape whose sound is not what was announced.
    TapeSum,
    /// A tape that cannot be one.
    Tape,
    /// The loader is not done with the ones before.
    Busy,
}

impl Refused {
    const ALL: [Self; 15] = [
        Self::Torn(Torn::Sum),
        Self::Torn(Torn::Kind),
        Self::Torn(Torn::Epoch),
        Self::Head,
        Self::NoBox,
        Self::NoSlot,
        Self::Size,
        Self::Feedback,
        Self::Gain,
        Self::NonFinite,
        Self::OffTape,
        Self::OtherTape,
        Self::TapeSum,
        Self::Tape,
        Self::Busy,
    ];

    /// In a player's words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Torn(Torn::Sum) => "a record that does not add up",
            Self::Torn(Torn::Kind) => "a record of no known kind",
            Self::Torn(Torn::Epoch) => "a record of an engine that is not attached",
            Self::Head => "a count of records that cannot be",
            Self::NoBox => "a window in a box that there is not",
            Self::NoSlot => "a tape in a slot that is not the spare one",
            Self::Size => "a window whose lengths do not fit",
            Self::Feedback => "a share of tape feedback outside of 0 to 1",
            Self::Gain => "a gain that is none",
            Self::NonFinite => "a window with a sample that is not a finite number",
            Self::OffTape => "a place that is not on the tape",
            Self::OtherTape => "an order for another tape",
            Self::TapeSum => "a tape whose sound is not what was announced",
            Self::Tape => "sound that cannot be a tape",
            Self::Busy => "a tape while another is being loaded",
        }
    }

    /// Whether it was only on its way when its engine left: nobody is at fault.
    #[must_use]
    pub const fn is_left_behind(self) -> bool {
        matches!(self, Self::Torn(Torn::Epoch))
    }

    fn place(self) -> usize {
        Self::ALL.iter().position(|it| *it == self).unwrap_or(0)
    }
}

/// How often something was refused, for each reason, since the player began.
#[derive(Debug, Default)]
pub struct Refusals([AtomicU64; Refused::ALL.len()]);

impl Refusals {
    pub(super) fn count(&self, refused: Refused) {
        self.0[refused.place()].fetch_add(1, Ordering::Relaxed);
    }

    /// Every reason that there was, with how often.
    pub fn told(&self) -> impl Iterator<Item = (Refused, u64)> + '_ {
        let counts = self.0.iter().map(super::attached::count);
        Refused::ALL.into_iter().zip(counts).filter(|it| 0 < it.1)
    }

    /// How often for this reason.
    #[must_use]
    pub fn of(&self, refused: Refused) -> u64 {
        super::attached::count(&self.0[refused.place()])
    }
}

/// Which engine a player obeys, as a number that no other bears; 0 is none. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Grant(Arc<[AtomicU64; 2]>);

impl Grant {
    /// From the next moment on at which no window is being written, this engine is obeyed and no other.
    pub fn give(&self, epoch: u64) {
        self.0[0].store(epoch, Ordering::Release);
    }

    /// Whether that moment has come.
    #[must_use]
    pub fn is_obeyed(&self, epoch: u64) -> bool {
        self.0[1].load(Ordering::Acquire) == epoch
    }

    pub(super) fn asked(&self) -> u64 {
        self.0[0].load(Ordering::Acquire)
    }

    pub(super) fn obey(&self, epoch: u64) {
        self.0[1].store(epoch, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::{Refused, Torn};

    #[test]
    fn every_reason_has_words_of_its_own_and_one_is_nobodys_fault() {
        let mut words = Refused::ALL.map(Refused::words).to_vec();
        assert!(words.iter().all(|it| it.contains(' ')), "{words:?}");
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Refused::ALL.len());
        let left_behind: Vec<_> = Refused::ALL.into_iter().filter(|it| it.is_left_behind()).collect();
        assert_eq!(left_behind, [Refused::Torn(Torn::Epoch)]);
    }
}
