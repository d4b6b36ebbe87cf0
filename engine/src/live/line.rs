//! A line of the music (a beat, a bar, the loop's end) from which on something is to be heard, and not before.
//!
//! Whoever turns something for a line lets it go before the line, so that the tick side can make what is heard from there on; the decode side
//! plays on under what was before, from the latent that it has, until the line is within reach of a window. That window lands on the line to the
//! sample. A line that cannot be met gives way to the next. Pure: what is ready and how late it is is handed in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::param::Values;
use crate::playback::PlayedFrame;

/// What has to be made before it can be heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: windows alone are another.
    #[default]
    Window,
    /// A latent that left a tick under the new values.
    Tick,
    /// A latent that was born under them.
    Birth,
}

/// From when on what is turned is to be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// The moment.
    pub at: PlayedFrame,
    /// From one such line to the next, in stereo samples; 0: there is no other, and what is late is heard late.
    pub every: usize,
    /// The number of the snapshot with which it was turned.
    pub generation: u64,
    /// What it takes.
    pub needs: Needs,
}

/// Under which snapshots the newest latent was made, for whoever must not take it yet.
#[derive(Clone, Debug, Default)]
pub struct Made(Arc<[AtomicU64; 2]>);

impl Made {
    /// The newest latent left a tick under one snapshot, and was born under another.
    pub(super) fn publish(&self, left: u64, born: u64) {
        self.0[0].store(left, Ordering::Release);
        self.0[1].store(born, Ordering::Release);
    }

    fn has(&self, line: &Line) -> bool {
        let since = |of: usize| line.generation <= self.0[of].load(Ordering::Acquire);
        match line.needs {
            Needs::Window => true,
            Needs::Tick => since(0),
            Needs::Birth => since(1),
        }
    }
}

/// Where the decode side is before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// No line: the newest counts.
    Free,
    /// A line is ahead: windows go on under what was before it.
    Before,
    /// The next window lands here.
    At(PlayedFrame),
    /// It is on its way: nothing lands before it.
    Behind,
}

/// Waits for lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    ahead: Option<Line>,
    /// What windows are planned under while a line is ahead.
    before: Values,
    newest: Values,
    /// The window on this line is on its way.
    sent: Option<PlayedFrame>,
    /// The snapshot of the last line that was met.
    met: u64,
    /// Lines that were not met.
    moved: u64,
}

impl Lines {
    /// These are the newest values, and they are to be heard from a line on; answers those that windows are planned under now. Without a line
    /// nothing waits any more.
    pub(super) fn hear(&mut self, values: &Values, line: Option<Line>) -> Values {
        match line {
            None => (self.ahead, self.sent) = (None, None),
            Some(line) if line.generation <= self.met => {}
            Some(line) if self.ahead.is_some_and(|it| it.generation == line.generation) => {}
            Some(line) => self.ahead = Some(line),
        }
        self.newest = *values;
        if self.ahead.is_none() {
            self.before = self.newest;
        }
        self.before
    }

    /// Whether no line is ahead, and none just met: the lead need not be known.
    pub(super) const fn are_free(&self) -> bool {
        self.ahead.is_none() && self.sent.is_none()
    }

    /// What to do at `now`, with windows that land `lead` stereo samples later at the earliest.
    pub(super) fn turn(&mut self, now: PlayedFrame, lead: usize, made: &Made) -> Turn {
        let lead = lead as i64;
        if let Some(line) = &mut self.ahead {
            while now.until(line.at) < lead && 0 < line.every {
                line.at = line.at.after(line.every);
                self.moved += 1;
            }
            // A window may be on its way for as long as another one takes before it.
            let is_near = now.until(line.at) <= 2 * lead;
            return match is_near && made.has(line) {
                true => Turn::At(if now.until(line.at) < lead { now.after(lead as usize) } else { line.at }),
                false => Turn::Before,
            };
        }
        self.sent = self.sent.filter(|at| lead < now.until(*at));
        if self.sent.is_some() { Turn::Behind } else { Turn::Free }
    }

    /// What is heard from the line on.
    pub(super) const fn newest(&self) -> &Values {
        &self.newest
    }

    /// The window on the line is on its way, or there is nothing to send for it.
    pub(super) fn met(&mut self) {
        if let Some(line) = self.ahead.take() {
            (self.met, self.sent, self.before) = (line.generation, Some(line.at), self.newest);
        }
    }

    /// Nothing is waited for: another set plays.
    pub(super) fn forget(&mut self) {
        (self.ahead, self.sent) = (None, None);
    }

    /// The snapshot of the last line that was met, and how many were not.
    pub(super) const fn told(&self) -> (u64, u64) {
        (self.met, self.moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::ParamId;

    const LEAD: usize = 1_000;

    fn at(count: u64) -> PlayedFrame {
        PlayedFrame::new(count)
    }

    fn line(at: u64, needs: Needs) -> Line {
        Line { at: PlayedFrame::new(at), every: 10_000, generation: 5, needs }
    }

    fn values(gain: f64) -> Values {
        let mut values = Values::default();
        values.set(ParamId::TapeFeedback, gain);
        values
    }

    #[test]
    fn what_waits_for_a_line_is_heard_from_there_on_and_nothing_lands_before_it() {
        let (mut lines, made) = (Lines::default(), Made::default());
        assert_eq!(lines.hear(&values(0.1), None), values(0.1));
        assert_eq!(lines.hear(&values(0.2), Some(line(50_000, Needs::Birth))), values(0.1), "what was before");
        // What hands do meanwhile waits too.
        assert_eq!(lines.hear(&values(0.3), Some(line(50_000, Needs::Birth))), values(0.1));
        assert_eq!(lines.turn(at(40_000), LEAD, &made), Turn::Before);
        made.publish(5, 4);
        assert_eq!(lines.turn(at(48_500), LEAD, &made), Turn::Before, "it was born before");
        made.publish(6, 5);
        assert_eq!(lines.turn(at(47_999), LEAD, &made), Turn::Before, "it is still far");
        assert_eq!(lines.turn(at(48_000), LEAD, &made), Turn::At(at(50_000)));
        assert_eq!(*lines.newest(), values(0.3));
        lines.met();
        assert_eq!(lines.hear(&values(0.3), Some(line(50_000, Needs::Birth))), values(0.3), "it is met");
        assert_eq!([48_000, 48_999].map(|it| lines.turn(at(it), LEAD, &made)), [Turn::Behind; 2]);
        assert_eq!(lines.turn(at(49_000), LEAD, &made), Turn::Free);
        assert_eq!(lines.told(), (5, 0));
    }

    #[test]
    fn a_line_that_cannot_be_met_gives_way_to_the_next_and_without_one_it_is_late() {
        let (mut lines, made) = (Lines::default(), Made::default());
        lines.hear(&values(0.2), Some(line(50_000, Needs::Tick)));
        assert_eq!(lines.turn(at(49_000), LEAD, &made), Turn::Before);
        assert_eq!(lines.turn(at(49_001), LEAD, &made), Turn::Before);
        made.publish(5, 0);
        assert_eq!(lines.turn(at(49_002), LEAD, &made), Turn::Before, "the next one is far");
        assert_eq!((lines.turn(at(58_001), LEAD, &made), lines.told()), (Turn::At(at(60_000)), (0, 1)));
        let mut lines = Lines::default();
        lines.hear(&values(0.2), Some(Line { every: 0, ..line(50_000, Needs::Tick) }));
        assert_eq!(lines.turn(at(49_900), LEAD, &made), Turn::At(at(50_900)));
        assert_eq!(lines.told(), (0, 0));
    }

    #[test]
    fn what_is_called_off_is_heard_at_once_and_another_line_takes_its_place() {
        let (mut lines, made) = (Lines::default(), Made::default());
        lines.hear(&values(0.2), Some(line(50_000, Needs::Window)));
        assert_eq!(lines.hear(&values(0.4), None), values(0.4));
        assert_eq!(lines.turn(at(40_000), LEAD, &made), Turn::Free);
        lines.hear(&values(0.5), Some(line(50_000, Needs::Window)));
        let other = Line { generation: 6, ..line(60_000, Needs::Window) };
        assert_eq!(lines.hear(&values(0.6), Some(other)), values(0.4), "neither has been heard");
        assert_eq!(lines.turn(at(49_000), LEAD, &made), Turn::Before);
        assert_eq!(lines.turn(at(58_500), LEAD, &made), Turn::At(at(60_000)));
        lines.forget();
        assert_eq!(lines.turn(at(58_500), LEAD, &made), Turn::Free);
    }
}
