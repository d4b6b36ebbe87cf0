//! What is heard now: reports of the playhead, held back by as long as the sound device holds the sound.
//!
//! The player tells its playhead while it fills a period; the ear has that period after the device's delay. Whoever follows the
//! playhead at once is ahead of the sound by as much. So every report waits for its moment, a jump of the playhead and a
//! turn of the tape with it. This reads no clock.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use engine::playback::Playhead;

use super::Needle;

/// Reports that may wait: those of five seconds in periods of 5 ms, more than any device holds. When more come, the oldest is
/// heard early.
const REPORTS: usize = 1024;

/// A needle that is where the ear is.
#[derive(Clone, Debug)]
pub struct DelayLine {
    needle: Needle,
    rate_hz: u32,
    /// When each is heard.
    waiting: VecDeque<(Duration, Playhead)>,
    last: Option<(Duration, Playhead)>,
}

impl DelayLine {
    /// For a device of so many frames a second.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        Self { needle: Needle::new(rate_hz), rate_hz, waiting: VecDeque::new(), last: None }
    }

    /// Looks at the playhead, which is heard `delay` frames later; the more often, the nearer to the moment of its report.
    pub fn see(&mut self, now: Duration, playhead: Playhead, delay: u64) {
        if self.last.is_none_or(|(_, last)| last != playhead) {
            let heard = now + Duration::from_secs_f64(delay as f64 / f64::from(self.rate_hz.max(1)));
            // A device that now holds less does not turn time round.
            let heard = self.last.map_or(heard, |(last, _)| heard.max(last));
            self.last = Some((heard, playhead));
            self.waiting.push_back((heard, playhead));
        }
        while let Some((heard, playhead)) = self.waiting.front().copied()
            && (heard <= now || self.waiting.len() > REPORTS)
        {
            self.needle.see(heard, playhead);
            self.waiting.pop_front();
        }
    }

    /// The frame of the tape that is heard now, on a tape that turns in `lap`; none before the first sound is.
    #[must_use]
    pub fn place(&self, now: Duration, lap: &Range<u64>) -> Option<u64> {
        self.needle.place(now, lap)
    }
}

#[cfg(test)]
mod tests {
    use super::{DelayLine, REPORTS};
    use engine::playback::{PlayedFrame, Playhead};
    use std::time::Duration;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn at(position: usize, played: u64) -> Playhead {
        Playhead { position, played: PlayedFrame::new(played) }
    }

    #[test]
    fn a_report_and_a_jump_are_heard_after_the_delay() {
        let mut line = DelayLine::new(48_000);
        let lap = 0..480_000;
        line.see(ms(0), at(480, 480), 4_800);
        assert_eq!(line.place(ms(50), &lap), None, "nothing is heard yet");
        line.see(ms(10), at(96_480, 960), 4_800);
        line.see(ms(100), at(96_480, 960), 4_800);
        assert_eq!(line.place(ms(100), &lap), Some(480));
        assert_eq!(line.place(ms(105), &lap), Some(720), "the sound before the jump");
        line.see(ms(110), at(96_480, 960), 4_800);
        assert_eq!(line.place(ms(110), &lap), Some(96_480));
    }

    #[test]
    fn a_delay_that_shrinks_or_is_absurd_neither_turns_time_round_nor_grows() {
        let mut line = DelayLine::new(48_000);
        line.see(ms(0), at(0, 0), 48_000);
        line.see(ms(10), at(480, 480), 0);
        assert_eq!(line.place(ms(500), &(0..480_000)), None, "the first is heard after a second");
        for report in 0..100_000u64 {
            line.see(ms(report), at(report as usize, report), u64::from(u32::MAX));
        }
        assert!(line.waiting.len() <= REPORTS);
    }
}
