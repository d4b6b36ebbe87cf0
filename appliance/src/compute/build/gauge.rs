//! TensorRT's nested phases as one number that only grows.

use tensorrt::Progress;

/// How far a build is.
#[derive(Default)]
pub struct Gauge {
    open: Vec<Phase>,
    furthest: usize,
}

struct Phase {
    name: String,
    steps: u32,
    done: u32,
}

impl Gauge {
    /// What a finished build reads.
    pub const WHOLE: usize = 1000;

    /// Takes in a report; gives how much is done, of [`Gauge::WHOLE`]. A phase's share is one step of the phase around it.
    pub fn hear(&mut self, now: Progress<'_>) -> usize {
        match now {
            Progress::Started { phase, parent, steps } => {
                let keep = parent.and_then(|parent| self.place(parent)).map_or(0, |at| at + 1);
                self.open.truncate(keep);
                self.open.push(Phase { name: phase.to_owned(), steps: steps.max(1), done: 0 });
            }
            Progress::Step { phase, done } => {
                if let Some(at) = self.place(phase) {
                    self.open.truncate(at + 1);
                    self.open[at].done = done.min(self.open[at].steps);
                }
            }
            Progress::Done { phase } => {
                if let Some(at) = self.place(phase) {
                    self.open.truncate(at);
                }
            }
        }
        let (mut share, mut part) = (0.0, 1.0);
        for phase in &self.open {
            part /= f64::from(phase.steps);
            share += part * f64::from(phase.done);
        }
        let now = (share * Self::WHOLE as f64) as usize;
        self.furthest = self.furthest.max(now).min(Self::WHOLE);
        self.furthest
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.open.iter().rposition(|it| it.name == name)
    }
}

#[cfg(test)]
mod tests {
    use tensorrt::Progress;

    use super::Gauge;

    #[test]
    fn a_phase_inside_another_fills_one_of_its_steps_and_nothing_goes_back() {
        let mut gauge = Gauge::default();
        let start = |phase, parent, steps| Progress::Started { phase, parent, steps };
        let step = |phase, done| Progress::Step { phase, done };
        assert_eq!(gauge.hear(start("Building", None, 4)), 0);
        assert_eq!(gauge.hear(step("Building", 1)), 250);
        assert_eq!(gauge.hear(start("Timing", Some("Building"), 5)), 250);
        assert_eq!(gauge.hear(step("Timing", 4)), 450);
        assert_eq!(gauge.hear(Progress::Done { phase: "Timing" }), 450);
        assert_eq!(gauge.hear(start("Another", None, 10)), 450, "a phase of its own does not start from nothing");
        assert_eq!(gauge.hear(step("never begun", 1)), 450);
    }

    #[test]
    fn a_finished_build_reads_whole() {
        let mut gauge = Gauge::default();
        gauge.hear(Progress::Started { phase: "Building", parent: None, steps: 2 });
        assert_eq!(gauge.hear(Progress::Step { phase: "Building", done: 2 }), Gauge::WHOLE);
    }
}
