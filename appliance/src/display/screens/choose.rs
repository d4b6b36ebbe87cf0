//! Which screen stands when.

use std::time::Duration;

use super::Screen;
use crate::display::status::Status;

/// How long a new fault stands before everything else: long enough to read it, too short to miss a cue.
pub const FAULT_FIRST: Duration = Duration::from_secs(4);

/// Chooses the screen; time is told, not read.
#[derive(Clone, Debug, Default)]
pub struct Chooser {
    fault: Option<(String, Duration)>,
}

impl Chooser {
    /// The screen for a status at the time `now`, where the player asked for `wish`.
    pub fn choose(&mut self, status: &Status, wish: Screen, now: Duration) -> Screen {
        self.fault = status.fault().map(|words| match self.fault.take() {
            Some((known, since)) if known == words => (known, since),
            _ => (words.to_owned(), now),
        });
        let news = self.fault.as_ref().is_some_and(|(_, since)| now.saturating_sub(*since) < FAULT_FIRST);
        match status {
            _ if news => Screen::Fault,
            Status { boot: Some(_), .. } => Screen::Boot,
            Status { learn: Some(_), .. } => Screen::Learn,
            Status { pick: Some(_), .. } | Status { library: Some(_), .. } | Status { text: Some(_), .. } => {
                Screen::Pick
            }
            _ => wish,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Chooser, FAULT_FIRST, Screen};
    use crate::display::status::{Boot, Pick, Status};

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_new_fault_stands_for_a_moment_and_then_gives_way() {
        let mut chooser = Chooser::default();
        let faulty = |words: &str| Status { faults: vec![words.to_owned()], ..Status::default() };
        assert_eq!(chooser.choose(&Status::default(), Screen::Levels, at(9)), Screen::Levels);
        let mut choose = |words: &str, now| chooser.choose(&faulty(words), Screen::Levels, now);
        assert_eq!(choose("no sound card", at(10)), Screen::Fault);
        assert_eq!(choose("no sound card", at(10) + FAULT_FIRST - Duration::from_nanos(1)), Screen::Fault);
        assert_eq!(choose("no sound card", at(10) + FAULT_FIRST), Screen::Levels);
        assert_eq!(choose("the card is hot", at(15)), Screen::Fault, "other words are news");
        assert_eq!(chooser.choose(&Status::default(), Screen::Play, at(16)), Screen::Play, "gone is gone at once");
        assert_eq!(chooser.choose(&faulty("the card is hot"), Screen::Play, at(17)), Screen::Fault, "back is news");
    }

    #[test]
    fn what_asks_for_a_hand_comes_before_what_only_tells() {
        let mut chooser = Chooser::default();
        let mut status = Status { pick: Some(Pick { list: Vec::new(), cursor: 0 }), ..Status::default() };
        assert_eq!(chooser.choose(&status, Screen::Machine, at(0)), Screen::Pick);
        status.learn = Some("turn a knob".to_owned());
        assert_eq!(chooser.choose(&status, Screen::Machine, at(0)), Screen::Learn);
        status.boot = Some(Boot { words: "model".to_owned(), part: Some(0.5) });
        assert_eq!(chooser.choose(&status, Screen::Machine, at(0)), Screen::Boot);
        status.faults = vec!["no model".to_owned()];
        assert_eq!(chooser.choose(&status, Screen::Machine, at(0)), Screen::Fault);
    }
}
