//! Figures of one thing that was measured many times: the usual one, the one that all but a hundredth keep under, the worst.

use serde::{Deserialize, Serialize};

/// Figures, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// How often it was measured.
    pub count: usize,
    /// Half took no longer.
    pub p50_ms: f64,
    /// All but one in a hundred took no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Figures {
    /// Of times in microseconds; nothing of none.
    #[must_use]
    pub fn of(mut times_us: Vec<u64>) -> Option<Self> {
        times_us.sort_unstable();
        let last = times_us.len().checked_sub(1)?;
        let at = |share: f64| times_us[(last as f64 * share).ceil() as usize] as f64 / 1e3;
        Some(Self { count: times_us.len(), p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::Figures;

    #[test]
    fn half_and_all_but_a_hundredth_and_all_took_no_longer() {
        let figures = Figures::of((1..=1_000).rev().map(|it| it * 1_000).collect());
        assert_eq!(figures, Some(Figures { count: 1_000, p50_ms: 501.0, p99_ms: 991.0, max_ms: 1_000.0 }));
        let one = Figures::of(vec![7]);
        assert_eq!(one, Some(Figures { count: 1, p50_ms: 0.007, p99_ms: 0.007, max_ms: 0.007 }));
        assert_eq!(Figures::of(Vec::new()), None);
    }
}
