//! Tap tempo: a foot or a finger says where the beats are.
//!
//! The tempo comes from the middle of the last intervals, so that one hasty tap is not heard; a switch that bounces, a
//! beat that was left out and a tap beside the beat are told from a new tempo. The first tap after a pause is the one of
//! a bar. This reads no clock: taps bring their time.

use std::time::Duration;

use super::{FASTEST_BPM, Grid, SLOWEST_BPM};

/// Nobody taps faster than this; a switch bounces, and a foot slips.
const BOUNCE: Duration = Duration::from_millis(100);
/// A pause longer than the slowest beat begins anew.
const PAUSE: Duration = Duration::from_secs(3);
/// Intervals remembered: two bars of four, after which an old tempo is forgotten.
const MOST: usize = 8;
/// A tap this far from its beat, in beats, still means it.
const NEAR: f64 = 0.2;
/// Beats that may be left out in a row.
const MOST_SKIPPED: f64 = 3.0;
/// Intervals of a new length before it is the new tempo: a stray tap between two beats makes two.
const CONVINCING: usize = 3;

/// What a tap did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tapped {
    /// It began a series, and is the first beat of a bar.
    First,
    /// It followed too soon on another to be meant.
    Bounced,
    /// The tempo is now this, in beats a minute, 20 to 420.
    Tempo(f64),
}

/// A series of taps, and the tempo that it made.
#[derive(Clone, Debug, Default)]
pub struct Taps {
    last: Option<Duration>,
    /// The last intervals, in seconds a beat, oldest first.
    intervals: Vec<f64>,
    /// Intervals that fitted nothing, in case they go on.
    odd: Vec<f64>,
    /// The last tap that fell on a beat, and its number.
    beat: Option<(Duration, f64)>,
    bpm: Option<f64>,
}

impl Taps {
    /// Takes a tap.
    pub fn tap(&mut self, at: Duration) -> Tapped {
        let Some(interval) = self.last.map(|last| at.saturating_sub(last)).filter(|it| *it <= PAUSE) else {
            self.last = Some(at);
            self.beat = Some((at, 0.0));
            self.intervals.clear();
            self.odd.clear();
            // The tempo stays until another is tapped; only the one of the bar is new.
            return Tapped::First;
        };
        if interval < BOUNCE {
            return Tapped::Bounced;
        }
        self.last = Some(at);
        let new_tempo = self.note(interval.as_secs_f64());
        let usual = middle(&self.intervals);
        let bpm = (60.0 / usual).clamp(SLOWEST_BPM, FASTEST_BPM);
        self.bpm = Some(bpm);
        let (before, beat) = self.beat.unwrap_or((at, 0.0));
        let beats = at.saturating_sub(before).as_secs_f64() / usual;
        if new_tempo {
            self.beat = Some((at, beat + 1.0));
        } else if (beats - beats.round()).abs() <= NEAR && beats >= 0.5 {
            self.beat = Some((at, beat + beats.round()));
        }
        Tapped::Tempo(bpm)
    }

    /// The beats as tapped, once there is a tempo; beat 0 was the first tap of the series.
    #[must_use]
    pub fn grid(&self) -> Option<Grid> {
        let ((at, beat), bpm) = (self.beat?, self.bpm?);
        Some(Grid { at, beat, bpm })
    }

    /// Forgets everything, the tempo too.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Notes an interval in seconds; answers whether it made a new tempo.
    fn note(&mut self, interval: f64) -> bool {
        if self.intervals.len() < 2 && !self.intervals.iter().any(|only| near(interval / only, 1.0)) {
            // Of one or two intervals nobody knows which was meant: the later one.
            self.intervals = vec![interval];
            return true;
        }
        let ratio = interval / middle(&self.intervals);
        if near(ratio, 1.0) {
            self.odd.clear();
            self.push(interval);
            return false;
        }
        self.odd.retain(|odd| near(interval / odd, 1.0));
        self.odd.push(interval);
        if self.odd.len() == CONVINCING {
            self.intervals = std::mem::take(&mut self.odd);
            return true;
        }
        let beats = ratio.round();
        if (2.0..=MOST_SKIPPED + 1.0).contains(&beats) && near(ratio, beats) {
            self.push(interval / beats);
        }
        false
    }

    fn push(&mut self, interval: f64) {
        if self.intervals.len() == MOST {
            self.intervals.remove(0);
        }
        self.intervals.push(interval);
    }
}

fn near(ratio: f64, beats: f64) -> bool {
    (ratio - beats).abs() <= NEAR
}

/// The mean of the middle half: as deaf to a hasty tap as a median, and finer.
fn middle(intervals: &[f64]) -> f64 {
    let mut sorted = intervals.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ends = if sorted.len() < 3 { 0 } else { (sorted.len() / 4).max(1) };
    let middle = &sorted[ends..sorted.len() - ends];
    middle.iter().sum::<f64>() / middle.len() as f64
}

#[cfg(test)]
mod tests {
    use super::{Tapped, Taps};
    use proptest::prelude::*;
    use std::time::Duration;

    /// Taps at these times in ms; answers the tempo after the last.
    fn tapped(times: &[u64]) -> (Taps, f64) {
        let mut taps = Taps::default();
        for at in times {
            taps.tap(Duration::from_millis(*at));
        }
        let bpm = taps.grid().expect("a tempo").bpm;
        (taps, bpm)
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} and not {expected}");
    }

    #[test]
    fn two_taps_make_a_tempo_and_the_first_is_the_one() {
        let mut taps = Taps::default();
        assert_eq!(taps.tap(Duration::from_millis(1000)), Tapped::First);
        assert_eq!(taps.grid(), None);
        assert_eq!(taps.tap(Duration::from_millis(1500)), Tapped::Tempo(120.0));
        let grid = taps.grid().expect("a tempo");
        close(grid.beat_at(Duration::from_millis(1000)), 0.0);
        close(grid.beat_at(Duration::from_millis(3000)), 4.0);
    }

    #[test]
    fn one_hasty_tap_is_not_heard() {
        close(tapped(&[0, 500, 1000, 1430]).1, 120.0);
        close(tapped(&[0, 500, 1000, 1430, 2000, 2500, 3000, 3500]).1, 120.0);
    }

    #[test]
    fn a_switch_that_bounces_is_not_heard() {
        let mut taps = Taps::default();
        for at in [0, 30, 500, 540, 599, 1000] {
            taps.tap(Duration::from_millis(at));
        }
        close(taps.grid().expect("a tempo").bpm, 120.0);
        assert_eq!(taps.tap(Duration::from_millis(1099)), Tapped::Bounced);
        close(taps.grid().expect("a tempo").beat_at(Duration::from_millis(1000)), 2.0);
    }

    #[test]
    fn a_beat_left_out_is_counted_and_leaves_the_tempo() {
        let (taps, bpm) = tapped(&[0, 500, 1000, 2000, 2500, 4000]);
        close(bpm, 120.0);
        close(taps.grid().expect("a tempo").beat_at(Duration::from_millis(4000)), 8.0);
    }

    #[test]
    fn beats_left_out_now_and_then_make_no_new_tempo() {
        close(tapped(&[0, 500, 1000, 2000, 2500, 3500, 4000, 5000]).1, 120.0);
    }

    #[test]
    fn a_tap_between_two_beats_leaves_the_tempo_and_the_beat() {
        let (taps, bpm) = tapped(&[0, 500, 1000, 1500, 1750]);
        close(bpm, 120.0);
        close(taps.grid().expect("a tempo").beat_at(Duration::from_millis(2000)), 4.0);
        let (taps, bpm) = tapped(&[0, 500, 1000, 1500, 1750, 2000, 2500]);
        close(bpm, 120.0);
        close(taps.grid().expect("a tempo").beat_at(Duration::from_millis(2500)), 5.0);
    }

    #[test]
    fn half_and_double_tempo_are_believed_the_third_time() {
        let (_, bpm) = tapped(&[0, 500, 1000, 1500, 2000, 3000, 4000]);
        close(bpm, 120.0);
        close(tapped(&[0, 500, 1000, 1500, 2000, 3000, 4000, 5000]).1, 60.0);
        close(tapped(&[0, 500, 1000, 1500, 2000, 2250, 2500, 2750]).1, 240.0);
    }

    #[test]
    fn of_two_unlike_intervals_the_later_counts() {
        close(tapped(&[0, 1300, 1800]).1, 120.0);
    }

    #[test]
    fn a_pause_begins_anew_keeps_the_tempo_and_moves_the_one() {
        let (mut taps, _) = tapped(&[0, 500, 1000]);
        assert_eq!(taps.tap(Duration::from_millis(4001)), Tapped::First);
        let grid = taps.grid().expect("the tempo stays");
        close(grid.bpm, 120.0);
        close(grid.beat_at(Duration::from_millis(4001)), 0.0);
        assert_eq!(taps.tap(Duration::from_millis(4601)), Tapped::Tempo(100.0));
        let mut slow = Taps::default();
        slow.tap(Duration::ZERO);
        assert_eq!(slow.tap(Duration::from_secs(3)), Tapped::Tempo(20.0), "the slowest beat is no pause");
    }

    proptest! {
        #[test]
        fn a_hand_that_is_a_fiftieth_off_is_heard_within_a_fiftieth(
            bpm in 20.0..420.0f64, slips in prop::collection::vec(-0.01..0.01f64, 2..40)
        ) {
            let beat = 60.0 / bpm;
            let mut taps = Taps::default();
            for (number, slip) in slips.iter().enumerate() {
                // Inside the slowest beat's pause, whatever the slip.
                let at = 10.0 + (number as f64 + slip) * beat * 0.98;
                taps.tap(Duration::from_secs_f64(at));
            }
            let grid = taps.grid().expect("a tempo");
            let expected = (bpm / 0.98).min(420.0);
            prop_assert!((grid.bpm / expected - 1.0).abs() < 0.0205, "{} and not {}", grid.bpm, expected);
            prop_assert_eq!(grid.beat, slips.len() as f64 - 1.0);
        }

        #[test]
        fn no_taps_make_a_tempo_outside_its_range(pauses in prop::collection::vec(0..4000u64, 0..60)) {
            let mut taps = Taps::default();
            let mut now = 0;
            for pause in pauses {
                now += pause;
                if let Tapped::Tempo(bpm) = taps.tap(Duration::from_millis(now)) {
                    prop_assert!((20.0..=420.0).contains(&bpm));
                }
            }
        }
    }
}
