//! What was measured, for people, programs and the displays: one form, written as JSON and kept.

use engine::param::{Class, ParamId};
use serde::{Deserialize, Serialize};

use crate::latency::figures::Figures;
use crate::latency::hands::MOVED;
use crate::latency::loopback::Round;
use crate::latency::measure::Measured;

/// The form of the file.
pub const FORMAT: u32 = 1;
/// What each part of a way is called; the second of a decode-class move begins at the hand.
const WAYS: [&str; 4] = ["hand to tick", "tick to window", "window to ear", "hand to ear"];
const HAND_TO_WINDOW: &str = "hand to window";
/// Of the moves of a class, how many have to have been followed: one in ten may be lost with its window.
const FOLLOWED: f64 = 0.9;

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// See [`FORMAT`].
    pub format: u32,
    /// When, in seconds since 1970.
    pub measured_at: u64,
    /// What computed.
    pub computes: String,
    /// Generations in flight.
    pub depth: usize,
    /// Steps of each.
    pub steps: usize,
    /// Length of the tape in seconds.
    pub tape_s: f64,
    /// The sound device, as it was asked: its name, stereo samples of a period, periods.
    pub device: (String, usize, usize),
    /// A part for each class, in the order of [`Class::ALL`].
    pub classes: Vec<ClassReport>,
    /// What the sound device adds.
    pub delay: Delay,
    /// Windows that came too late meanwhile.
    pub late_windows: u64,
    /// Gaps of the sound device meanwhile.
    pub underruns: u64,
}

/// One class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// Its word.
    pub class: String,
    /// The parameter that was moved.
    pub parameter: Option<String>,
    /// How often it was moved, and how many of the moves were followed to the ear.
    pub moves: [usize; 2],
    /// Its way.
    pub ways: Vec<Way>,
    /// Why it was not measured.
    pub skipped: Option<String>,
}

/// A part of a way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// From where to where.
    pub way: String,
    /// How long that took.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What the sound device adds to the way to the ear.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delay {
    /// As it tells it; it is in the figures.
    pub told: Option<Figures>,
    /// As it told it beside the sweep, in milliseconds.
    pub told_with_loopback_ms: Option<f64>,
    /// As the sweep found it.
    pub measured_ms: Option<f64>,
    /// From the shortest to the longest of the sweeps.
    pub spread_ms: Option<f64>,
    /// Why a part of it was not measured, and what measures it.
    pub skipped: Vec<String>,
    /// What went wrong.
    pub failed: Option<String>,
}

impl ClassReport {
    /// Whether enough of its moves were followed.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.moves[0] > 0 && self.moves[0] as f64 * FOLLOWED <= self.moves[1] as f64
    }

    /// The figures of one part.
    #[must_use]
    pub fn figures(&self, way: &str) -> Option<&Figures> {
        self.ways.iter().find(|it| it.way == way).map(|it| &it.figures)
    }
}

impl Delay {
    /// Puts down what the sweep found.
    pub fn take(&mut self, round: &Round) {
        self.told_with_loopback_ms = Some(round.told_ms);
        self.measured_ms = Some(round.measured_ms());
        self.spread_ms = Some(round.spread_ms());
    }
}

impl Report {
    /// The usual time from the hand to the ear, by class, in milliseconds.
    #[must_use]
    pub fn hand_to_ear_ms(&self, class: Class) -> Option<f64> {
        let of = self.classes.iter().find(|it| it.class == class.word())?;
        Some(of.figures(WAYS[3])?.p50_ms)
    }

    /// What was to be measured and was not.
    #[must_use]
    pub fn failed(&self) -> usize {
        let classes = self.classes.iter().filter(|it| it.skipped.is_none() && !it.is_measured()).count();
        classes + usize::from(self.delay.failed.is_some())
    }
}

/// The parts of all classes.
#[must_use]
pub fn classes(measured: &Measured) -> Vec<ClassReport> {
    Class::ALL.into_iter().map(|class| class_report(class, measured)).collect()
}

fn class_report(class: Class, measured: &Measured) -> ClassReport {
    let moved = MOVED.iter().find(|it| it.0 == class).map(|it| name(it.1));
    let Some(parameter) = moved else {
        let skipped = "heard when a worker has prepared it, however long that takes; the sound goes on".to_owned();
        let class = class.word().to_owned();
        return ClassReport { class, parameter: None, moves: [0; 2], ways: Vec::new(), skipped: Some(skipped) };
    };
    let followed: Vec<_> = measured.ways.iter().filter(|it| it.0 == class).map(|it| it.1).collect();
    let ways = (0..WAYS.len()).filter_map(|part| {
        let way = if part == 1 && class == Class::Decode { HAND_TO_WINDOW } else { WAYS[part] };
        let figures = Figures::of(followed.iter().filter_map(|it| it[part]).collect())?;
        Some(Way { way: way.to_owned(), figures })
    });
    let moves = [measured.asked.iter().filter(|it| **it == class).count(), followed.len()];
    ClassReport {
        class: class.word().to_owned(),
        parameter: Some(parameter),
        moves,
        ways: ways.collect(),
        skipped: None,
    }
}

fn name(id: ParamId) -> String {
    id.row().name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Class, Measured, classes};

    #[test]
    fn a_class_that_is_not_followed_is_not_measured_and_one_that_nobody_can_wait_for_is_skipped() {
        let way = |hand: Option<u64>| [hand, Some(40_000), Some(30_000), Some(70_000 + hand.unwrap_or(0))];
        let mut ways = vec![(Class::Step, way(Some(10_000))); 10];
        ways.extend(vec![(Class::Slot, way(Some(10_000))); 8]);
        ways.extend(vec![(Class::Decode, way(None)); 10]);
        let asked = [Class::Step, Class::Slot, Class::Decode].into_iter().flat_map(|it| [it; 10]).collect();
        let (late, underruns) = (0, 0);
        let measured =
            Measured { ways, asked, device: None, late, underruns, depth: [4, 8], said: Vec::new(), away: None };
        let all = classes(&measured);
        assert_eq!(all.iter().map(super::ClassReport::is_measured).collect::<Vec<_>>(), [true, false, true, false]);
        assert_eq!(all.iter().map(|it| it.skipped.is_some()).collect::<Vec<_>>(), [false, false, false, true]);
        assert_eq!(all[0].figures("hand to ear").map(|it| it.p50_ms), Some(80.0));
        let names = |at: usize| all[at].ways.iter().map(|it| it.way.as_str()).collect::<Vec<_>>();
        assert_eq!(names(0), ["hand to tick", "tick to window", "window to ear", "hand to ear"]);
        assert_eq!(names(2), ["hand to window", "window to ear", "hand to ear"]);
    }
}
