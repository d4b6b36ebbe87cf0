//! Where the tape is being read between two reports of it.
//!
//! The audio thread reports its playhead once a period: up to twenty milliseconds apart, and never quite evenly. Clock
//! sent by those steps would tremble by as much. The needle moves on evenly at the sample rate and lets each report pull
//! it a little; a seek moves it at once, and when reports stop, so does it. This reads no clock.

use std::ops::Range;
use std::time::Duration;

use engine::playback::Playhead;

/// Reports whose differences the needle evens out. The first few count for more, so that it is soon where it belongs.
const EVENED: f64 = 8.0;
/// A difference beyond this, in seconds, is no unevenness: the card stood still, or ran on.
const LOST_S: f64 = 0.1;

/// The last report, and how far the needle stands before it.
#[derive(Clone, Copy, Debug)]
struct Report {
    at: Duration,
    playhead: Playhead,
    /// Frames by which the needle was ahead of the report when it came.
    ahead: f64,
    /// Which report this is; the first may be as old as a period, and counts for nothing once there is a second.
    number: f64,
}

/// The needle on the tape.
#[derive(Clone, Copy, Debug)]
pub struct Needle {
    rate_hz: f64,
    last: Option<Report>,
}

impl Needle {
    /// A needle for a card of so many frames a second.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        Self { rate_hz: f64::from(rate_hz), last: None }
    }

    /// Looks at the playhead; the more often, the nearer to the moment of its report. One seen before says nothing new.
    pub fn see(&mut self, now: Duration, playhead: Playhead) {
        let Some(last) = self.last else {
            self.last = Some(Report { at: now, playhead, ahead: 0.0, number: 0.0 });
            return;
        };
        if playhead == last.playhead {
            return;
        }
        let played = last.playhead.played.until(playhead.played) as f64;
        let ahead = last.ahead + self.frames_since(last.at, now) - played;
        let lost = ahead.abs() > LOST_S * self.rate_hz;
        let number = if lost { 1.0 } else { EVENED.min(last.number + 1.0) };
        let ahead = if lost { 0.0 } else { ahead * (1.0 - 1.0 / number) };
        self.last = Some(Report { at: now, playhead, ahead, number });
    }

    /// The frame of the tape under the needle, on a tape that turns in `lap`; none before the first report.
    #[must_use]
    pub fn place(&self, now: Duration, lap: &Range<u64>) -> Option<u64> {
        let last = self.last?;
        let position = last.playhead.position as u64;
        let since = self.frames_since(last.at, now).min(LOST_S * self.rate_hz);
        let moved = (last.ahead + since).round() as i64;
        let place = position.saturating_add_signed(moved);
        if !lap.contains(&position) {
            return Some(place);
        }
        // Behind the lap's start it has turned, or was sought there: either way that start is the next that is heard.
        let place = place.max(lap.start);
        Some(if place < lap.end { place } else { lap.start + (place - lap.end) % (lap.end - lap.start) })
    }

    fn frames_since(&self, then: Duration, now: Duration) -> f64 {
        now.saturating_sub(then).as_secs_f64() * self.rate_hz
    }
}

#[cfg(test)]
mod tests {
    use super::Needle;
    use crate::control::tempo::{ClockOut, TapeBeats};
    use engine::playback::{PlayedFrame, Playhead};
    use proptest::prelude::*;
    use std::time::Duration;

    const RATE: u32 = 48_000;

    /// A card that has played for so long in periods, of a tape of so many frames.
    fn report(now: Duration, period: u64, tape: u64) -> Playhead {
        let frames = (now.as_secs_f64() * f64::from(RATE)) as u64 / period * period;
        Playhead { position: (frames % tape) as usize, played: PlayedFrame::new(frames) }
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_seek_moves_it_at_once() {
        let mut needle = Needle::new(RATE);
        assert_eq!(needle.place(ms(0), &(0..100_000)), None);
        needle.see(ms(0), Playhead { position: 0, played: PlayedFrame::new(0) });
        needle.see(ms(10), Playhead { position: 50_000, played: PlayedFrame::new(480) });
        assert_eq!(needle.place(ms(10), &(0..100_000)), Some(50_000));
        assert_eq!(needle.place(ms(15), &(0..100_000)), Some(50_240));
    }

    #[test]
    fn it_turns_with_the_tape_and_stops_with_the_card() {
        let mut needle = Needle::new(RATE);
        needle.see(ms(0), Playhead { position: 99_900, played: PlayedFrame::new(0) });
        assert_eq!(needle.place(ms(5), &(20_000..100_000)), Some(20_140));
        assert_eq!(needle.place(ms(100), &(20_000..100_000)), needle.place(ms(5000), &(20_000..100_000)));
        assert_eq!(needle.place(ms(5), &(0..50_000)), Some(100_140), "outside the lap it goes on");
    }

    #[test]
    fn evened_out_it_never_falls_back_behind_the_turn() {
        let mut needle = Needle::new(RATE);
        for (at, position, played) in [(0, 99_000, 0), (10, 99_480, 480), (15, 20_000, 960)] {
            needle.see(ms(at), Playhead { position, played: PlayedFrame::new(played) });
        }
        assert_eq!(needle.place(ms(15), &(20_000..100_000)), Some(20_000));
    }

    #[test]
    fn a_card_that_stood_still_does_not_leave_it_behind() {
        let mut needle = Needle::new(RATE);
        needle.see(ms(0), Playhead { position: 0, played: PlayedFrame::new(0) });
        needle.see(ms(2000), Playhead { position: 480, played: PlayedFrame::new(480) });
        assert_eq!(needle.place(ms(2000), &(0..100_000)), Some(480));
    }

    proptest! {
        #[test]
        fn between_reports_it_is_where_the_card_is(
            period in prop::sample::select(vec![64u64, 128, 256, 441, 1024]),
            pauses in prop::collection::vec(500..3000u64, 400)
        ) {
            let mut needle = Needle::new(RATE);
            let mut now = ms(1000);
            for (count, pause) in pauses.into_iter().enumerate() {
                now += Duration::from_micros(pause);
                needle.see(now, report(now, period, 1 << 27));
                let place = needle.place(now, &(0..1 << 27)).expect("there were reports") as f64;
                let off = place / f64::from(RATE) - now.as_secs_f64();
                // It was looked at up to 3 ms after a report; the first report was anyone's guess.
                prop_assert!(count < 200 || off.abs() < 0.0035, "{} s off", off);
            }
        }
    }

    #[test]
    fn ticks_by_the_needle_are_even_where_the_reports_are_not() {
        // 120 a minute: a tick is 20.8 ms, as long as the period. Reports are seen up to 4 ms late.
        let lap = 0..48_000 * 60;
        let mut needle = Needle::new(RATE);
        let mut clock = ClockOut::new(TapeBeats::new(120_000, lap.end, RATE));
        let mut ticks = Vec::new();
        for step in 0..20_000 {
            let now = Duration::from_micros(step * 1000);
            let late = ms(step * 1000 * 48 / 1024 / 1000 * 7 % 5);
            needle.see(now, report(now.saturating_sub(late), 1024, lap.end));
            let place = needle.place(now, &lap).expect("there are reports");
            clock.advance(place, lap.clone(), &mut |_| ticks.push(now));
        }
        let late = ticks.windows(2).skip(50).map(|pair| (pair[1] - pair[0]).as_secs_f64() - 1000.0 / 48_000.0);
        let worst = late.map(f64::abs).fold(0.0, f64::max);
        assert!(worst < 0.002, "{worst} s off");
        assert_eq!(ticks.len(), 960, "20 s");
        assert_eq!(clock.skipped(), 0);
    }
}
