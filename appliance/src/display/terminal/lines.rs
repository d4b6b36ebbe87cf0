//! What is worth a line where there is no screen: what changed, and how it goes now and then. Faults and their ends are told with
//! all other messages ([`crate::display::messages`]).
//!
//! A value is told once it rests, not on its way. Pure: who plays brings the status and the time.

use std::time::Duration;

use engine::param::{ParamId, Values};

use crate::display::status::{Status, written};

/// A value that rests this long has arrived.
const REST: Duration = Duration::from_millis(500);
/// More values than these at once came from a scene or a patch: they are counted.
const NAMED: usize = 4;
/// How often it is told how it goes.
const STATUS_EVERY: Duration = Duration::from_secs(10);
/// Underruns and the like are told no more often than this, all that came meanwhile at once.
const TROUBLE_EVERY: Duration = Duration::from_secs(2);

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Changes {
    begun: bool,
    patch: String,
    told: Values,
    /// The values of the last look, and since when they are these.
    seen: Values,
    since: Duration,
    trouble: [u64; 3],
    trouble_at: Duration,
    status_at: Duration,
}

impl Changes {
    /// The lines that `status` is worth at `now`, in the order in which they are to be read.
    pub(super) fn lines(&mut self, status: &Status, now: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.begun {
            let (told, seen, patch) = (status.values, status.values, status.patch.clone());
            (self.begun, self.told, self.seen, self.patch) = (true, told, seen, patch);
            (self.since, self.trouble_at, self.status_at) = (now, now, now);
        }
        if self.patch != status.patch {
            self.patch.clone_from(&status.patch);
            lines.push(format!("patch: {}", self.patch));
        }
        lines.extend(self.values(status, now));
        lines.extend(self.trouble(status, now));
        if STATUS_EVERY <= now.saturating_sub(self.status_at) {
            self.status_at = now;
            lines.push(how_it_goes(status));
        }
        lines
    }

    fn values(&mut self, status: &Status, now: Duration) -> Vec<String> {
        if self.seen != status.values {
            (self.seen, self.since) = (status.values, now);
        }
        if self.told == self.seen || now.saturating_sub(self.since) < REST {
            return Vec::new();
        }
        let differs = |id: &ParamId| self.told.exact(*id).to_bits() != self.seen.exact(*id).to_bits();
        let moved: Vec<ParamId> = ParamId::all().filter(differs).collect();
        self.told = self.seen;
        if NAMED < moved.len() {
            return vec![format!("{} values changed", moved.len())];
        }
        moved.iter().map(|id| format!("{}: {}", id.row().words, written(*id, &self.told))).collect()
    }

    fn trouble(&mut self, status: &Status, now: Duration) -> Option<String> {
        let counts = [status.xruns, status.late, status.non_finite];
        if self.trouble == counts || now.saturating_sub(self.trouble_at) < TROUBLE_EVERY {
            return None;
        }
        let words = ["underruns", "late windows", "samples that were no numbers"];
        let more = words.iter().zip(counts).zip(self.trouble).filter(|((_, now), before)| now > before);
        let more: Vec<String> = more.map(|((word, now), before)| format!("{word}: {} more", now - before)).collect();
        (self.trouble, self.trouble_at) = (counts, now);
        (!more.is_empty()).then(|| more.join(", "))
    }
}

fn how_it_goes(status: &Status) -> String {
    let pace = match status.rests {
        true => "rests".to_owned(),
        false => format!("{:.1} ticks/s  {:.1} gen/s", status.ticks_per_s, status.finished_per_s),
    };
    format!(
        "{:5.1} s  {pace}  lead {:.0} ms  underruns {}  late {}  peak {:.2}",
        f64::from(status.position) * status.seconds,
        status.lead_ms,
        status.xruns,
        status.late,
        status.peaks[0].max(status.peaks[1]),
    )
}

#[cfg(test)]
mod tests {
    use super::{Changes, REST, STATUS_EVERY, Status, TROUBLE_EVERY};
    use engine::param::ParamId;
    use std::time::Duration;

    /// Looks thirty times a second until `until`.
    fn watch(changes: &mut Changes, status: &Status, now: &mut Duration, until: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        while *now < until {
            lines.extend(changes.lines(status, *now));
            *now += Duration::from_millis(33);
        }
        lines
    }

    #[test]
    fn while_nothing_changes_it_says_how_it_goes_every_ten_seconds_and_nothing_else() {
        let (mut changes, mut now) = (Changes::default(), Duration::from_secs(70));
        let until = now + 3 * STATUS_EVERY + Duration::from_secs(1);
        let lines = watch(&mut changes, &Status::default(), &mut now, until);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines.iter().all(|it| it.contains("ticks/s")), "{lines:?}");
    }

    #[test]
    fn a_value_is_told_when_it_rests_and_a_scene_is_counted() {
        let (mut changes, mut now, mut status) = (Changes::default(), Duration::ZERO, Status::default());
        assert_eq!(changes.lines(&status, now), Vec::<String>::new());
        for step in 1..=20 {
            now += Duration::from_millis(100);
            status.values.set(ParamId::Denoise, f64::from(step) / 20.0);
            assert_eq!(changes.lines(&status, now), Vec::<String>::new(), "on its way");
        }
        assert_eq!(changes.lines(&status, now + REST), ["Denoise: 1.00"]);
        assert_eq!(changes.lines(&status, now + 2 * REST), Vec::<String>::new(), "once");
        for id in crate::control::binding::MAIN {
            status.values.set(id, id.row().high);
        }
        now += 3 * REST;
        changes.lines(&status, now);
        let lines = changes.lines(&status, now + REST);
        assert!(lines.len() == 1 && lines[0].ends_with(" values changed"), "{lines:?}");
    }

    #[test]
    fn underruns_are_told_together_and_not_one_by_one() {
        let (mut changes, mut now, mut status) = (Changes::default(), Duration::ZERO, Status::default());
        changes.lines(&status, now);
        let mut lines = Vec::new();
        for count in 1..=60 {
            now += TROUBLE_EVERY / 60;
            (status.xruns, status.late) = (count, count / 60);
            lines.extend(changes.lines(&status, now));
        }
        lines.extend(watch(&mut changes, &status, &mut now, 2 * TROUBLE_EVERY + Duration::from_millis(100)));
        assert_eq!(lines, ["underruns: 60 more, late windows: 1 more"]);
    }
}
