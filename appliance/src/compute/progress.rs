//! The progress line of slow work, on standard error; plain lines where that is no terminal.

use std::io::{IsTerminal, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

use crate::files::plain;

/// Whoever is told how far slow work is.
pub trait Progress: Send {
    /// What is being done, how much of it is done, of how much. Of 1 it is not known how far it is.
    fn tell(&mut self, stage: &str, done: usize, total: usize);

    /// A sentence that stays.
    fn say(&mut self, sentence: &str);
}

/// One line that says what is being done and how far it is.
pub struct ProgressLine {
    bar: ProgressBar,
    stage: String,
    plain: bool,
}

impl Default for ProgressLine {
    fn default() -> Self {
        Self::new()
    }
}

impl ProgressLine {
    /// A line that says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with("{msg:<28} {bar:32} {percent:>3} %")
    }

    /// A line that also says how long it may still take: for work of minutes.
    #[must_use]
    pub fn with_time_left() -> Self {
        Self::with("{msg:<40} {bar:24} {percent:>3} %  {eta:>4} left")
    }

    fn with(template: &str) -> Self {
        let style = ProgressStyle::with_template(template);
        let bar = ProgressBar::new(0).with_style(style.expect("the template is checked by a test"));
        Self { bar, stage: String::new(), plain: !std::io::stderr().is_terminal() }
    }

    /// Takes the line away.
    pub fn done(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for ProgressLine {
    fn tell(&mut self, stage: &str, done: usize, total: usize) {
        let new = self.stage != stage;
        if new {
            stage.clone_into(&mut self.stage);
            self.bar.set_message(self.stage.clone());
            if self.plain {
                self.say(stage);
            }
        }
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
    }

    fn say(&mut self, sentence: &str) {
        let sentence = plain(sentence);
        if self.plain {
            // A terminal or a pipe that is gone is no reason to stop.
            let _ = writeln!(std::io::stderr(), "{sentence}");
        } else {
            self.bar.println(&*sentence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress as _, ProgressLine};

    #[test]
    fn the_line_can_be_drawn() {
        for mut line in [ProgressLine::new(), ProgressLine::with_time_left()] {
            line.tell("reading", 1, 2);
            line.done();
        }
    }
}
