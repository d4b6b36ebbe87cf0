//! What a worker prepares for the running set, from the wish to the hand-over, and what is told of it.
//!
//! Runs on the conductor's thread and waits for nothing: every turn it takes up what is wanted, says how far the worker is, and
//! hands over what is ready. What fails leaves the words that play where they are.

use crate::compute::loader::{Answer, Loader, Reading, Ready};
use crate::display::messages::{Level, Messages};
use crate::performance::conductor::Conductor;
use crate::settings::patch::Spoken;
use engine::live::Swap;

/// The worker, and what it was told of.
pub struct Loading {
    loader: Loader,
    /// The words that play.
    words: Vec<Spoken>,
    told: Option<Reading>,
}

impl Loading {
    /// For a set that begins with these words.
    #[must_use]
    pub fn new(loader: Loader, words: Vec<Spoken>) -> Self {
        Self { loader, words, told: None }
    }

    /// Does what is due. `patch` is the name of the one that is played.
    pub fn look_after(&mut self, patch: &str, conductor: &mut Conductor, messages: &mut Messages) {
        if let Some(words) = conductor.wanted_words() {
            self.want(patch, words, conductor, messages);
        }
        if let Some(answer) = self.loader.poll() {
            self.take(answer, conductor, messages);
        }
        let reading = self.loader.reading();
        if let Some(now) = reading.as_ref().filter(|it| self.told.as_ref() != Some(it)) {
            messages.hand(&format!("{}: reading its words, {} of {}", now.patch, now.done, now.total));
        }
        self.told = reading;
    }

    fn want(&mut self, patch: &str, words: Vec<Spoken>, conductor: &mut Conductor, messages: &mut Messages) {
        if words == self.words {
            // Back before they were read.
            return self.loader.cancel();
        }
        if let Err(error) = self.loader.read(patch, words) {
            self.fail(patch, &error.to_string(), conductor, messages);
        }
    }

    fn take(&mut self, answer: Answer, conductor: &mut Conductor, messages: &mut Messages) {
        match answer.words {
            Ok(Ready { words, spoken, .. }) => {
                self.words = spoken;
                conductor.swap(Swap::Words(words));
                messages.hand(&format!("{}: its words play from the next generation on", answer.patch));
            }
            Err(why) => self.fail(&answer.patch, &why, conductor, messages),
        }
    }

    fn fail(&self, patch: &str, why: &str, conductor: &mut Conductor, messages: &mut Messages) {
        conductor.keep_words(self.words.clone());
        messages.tell(Level::Warning, &format!("{patch}: its words cannot be read: {why}; those before play on"));
    }

    /// Whether something is being prepared.
    #[must_use]
    pub fn works(&self) -> bool {
        self.loader.works()
    }
}

#[cfg(test)]
#[path = "loading_tests.rs"]
mod tests;
