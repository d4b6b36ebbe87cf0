//! The start as it is seen: every display and the terminal say from the first moment what is being done, and how far it is where that
//! is known. Lines, where there is no screen, go to standard error with the stages that they name.

use std::path::PathBuf;
use std::time::Duration;

use hal::gesture::Clock as _;

use super::View;
use crate::compute::progress::{Progress, ProgressLine};
use crate::display::messages::{FaultKey, Level};
use crate::display::status::Boot;
use crate::files::Remark;

/// How long a start that failed waits for displays to show why.
pub const LAST_WORDS: Duration = Duration::from_millis(300);

/// What the start has shown.
pub(super) struct Start {
    /// Where there is no screen.
    line: Option<ProgressLine>,
}

impl Start {
    pub(super) fn new(plain: bool) -> Self {
        Self { line: plain.then(ProgressLine::new) }
    }
}

impl Progress for View {
    fn tell(&mut self, stage: &str, done: usize, total: usize) {
        let Some(start) = &mut self.start else { return };
        if let Some(line) = &mut start.line {
            line.tell(stage, done, total);
        }
        // Of one piece it is not known how far it is before it is done. A hundred pictures of a stage are enough.
        let part = (total > 1 || done == total).then(|| (done * 100 / total.max(1)) as f32 / 100.0);
        if self.status.boot.as_ref().is_some_and(|it| it.words == stage && it.part == part) {
            return;
        }
        self.status.boot = Some(Boot { words: stage.to_owned(), part });
        self.show_start();
    }

    fn say(&mut self, sentence: &str) {
        self.say_found(sentence);
    }
}

impl View {
    /// Says what the start has found: printed at once, or when the screen is left, and a message for those who look at it.
    pub fn say_found(&mut self, words: &str) {
        self.print_found(words);
        self.messages.tell_printed(Level::Warning, words);
        self.show_start();
    }

    /// As [`Self::say_found`], of a file that is not in order: what is wrong with it stands until it is.
    pub fn say_wrong(&mut self, file: PathBuf, words: &str) {
        self.print_found(words);
        self.messages.fault_printed(FaultKey::File(file), words);
        self.show_start();
    }

    /// Says a remark as what it is.
    pub fn say_remark(&mut self, remark: &Remark) {
        match &remark.file {
            Some(file) => self.say_wrong(file.clone(), &remark.words),
            None => self.say_found(&remark.words),
        }
    }

    fn print_found(&mut self, words: &str) {
        match self.start.as_mut().and_then(|it| it.line.as_mut()) {
            // The message is an event of the journal already.
            _ if self.journal => {}
            Some(line) => words.lines().for_each(|it| line.say(it)),
            None => words.lines().for_each(|it| self.terminal.print(it)),
        }
    }

    /// A step of the start of which nobody knows how long it takes.
    pub fn step(&mut self, words: &str) {
        self.tell(words, 0, 1);
    }

    /// Takes the line of progress away: what follows is printed below it.
    pub fn end_progress(&self) {
        if let Some(line) = self.start.as_ref().and_then(|it| it.line.as_ref()) {
            line.done();
        }
    }

    /// Shows what the start is at.
    fn show_start(&mut self) {
        if self.status.boot.is_none() {
            return;
        }
        let now = self.clock.now();
        self.take_messages(self.epoch + now, now);
        self.show_on_displays(now);
        self.print_messages();
        // A line for each stage was printed already.
        if !self.terminal.is_plain() {
            self.terminal.show(&self.status);
        }
    }

    /// The start has failed: the displays say why, and stay so when the program has ended. Answers what shows it, for who waits.
    pub fn not_started(&mut self, why: &str) -> crate::display::displays::Displays {
        self.end_progress();
        self.status.boot = None;
        self.status.faults = vec![format!("not started: {why}")];
        self.status.fault_page = 0;
        self.show_on_displays(self.clock.now());
        self.terminal.close();
        std::mem::take(&mut self.displays)
    }
}

#[cfg(test)]
#[path = "start_tests.rs"]
mod tests;
