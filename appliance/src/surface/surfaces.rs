//! The surfaces, each on a thread of its own, and the way back to their lights.
//!
//! A gesture wakes the conductor at once, whatever other surface is being waited for. The way back is [`Voices`]. What goes
//! wrong is a [`Trouble`]. Nobody waits for ever for their end: see [`Surfaces::close`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use hal::gesture::{Gesture, Surface, SurfaceError};

use super::inbox::{Closed, GestureSender, Inbox, inbox};
use super::threads::Threads;
use super::troubles::{Trouble, Troubles, Who};
use super::voices::Voices;

/// How long a surface waits for a gesture before it looks whether it should end.
const PATIENCE: Duration = Duration::from_millis(100);
/// A surface that errs rests this long: an error that repeats must not eat a core.
const REST: Duration = Duration::from_millis(50);

/// The listening side, for the conductor.
pub struct Surfaces {
    inbox: Inbox,
    mouth: GestureSender,
    troubles: Troubles,
    stop: Arc<AtomicBool>,
    threads: Threads,
    voices: Voices,
    /// The names of all: two panels of one name are two.
    names: Vec<String>,
}

impl Default for Surfaces {
    fn default() -> Self {
        let (mouth, inbox) = inbox();
        let (troubles, stop, threads) = <(Troubles, Arc<AtomicBool>, Threads)>::default();
        let voices = Voices::new(troubles.clone());
        Self { inbox, mouth, troubles, stop, threads, voices, names: Vec::new() }
    }
}

impl Surfaces {
    /// Listens to a surface from now on.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn add(&mut self, surface: Box<dyn Surface>) -> std::io::Result<()> {
        self.add_named("a surface", surface)
    }

    /// The same, with the name that a player knows it by.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn add_named(&mut self, name: &str, mut surface: Box<dyn Surface>) -> std::io::Result<()> {
        if let Some(voice) = surface.voice() {
            self.voices.add(voice);
        }
        let numbered = |number| if number == 1 { name.to_owned() } else { format!("{name} ({number})") };
        let name = (1..).map(numbered).find(|it| !self.names.contains(it)).expect("numbers do not end");
        self.names.push(name.clone());
        let mut ear = Ear {
            name: name.clone(),
            mouth: self.mouth.clone(),
            troubles: self.troubles.clone(),
            stop: Arc::clone(&self.stop),
        };
        self.threads.start("surface", &name, move || ear.listen(surface.as_mut()))
    }

    /// Adds what was opened; what was not is left out, and said in words.
    pub fn add_opened<S: Surface + 'static>(
        &mut self,
        name: &str,
        opened: Result<S, SurfaceError>,
        said: &mut Vec<String>,
    ) {
        let added = match opened {
            Ok(surface) => self.add_named(name, Box::new(surface)).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        said.extend(added.err());
    }

    /// The gestures that have come, waiting up to `patience` for the first.
    pub fn take(&self, patience: Duration, batch: &mut Vec<Gesture>) {
        // We hold a mouth ourselves: it is never closed.
        let _: Result<usize, Closed> = self.inbox.take(patience, batch);
    }

    /// What the player should read, since the last call.
    #[must_use]
    pub fn take_troubles(&self) -> Vec<Trouble> {
        self.troubles.take()
    }

    /// The speaking side.
    #[must_use]
    pub const fn voices(&self) -> &Voices {
        &self.voices
    }

    /// Ends the threads; what was told before is still said. Answers, at the latest after `deadline`, the names of those that
    /// did not end: they are left to themselves.
    #[must_use]
    pub fn close(self, deadline: Duration) -> Vec<String> {
        let begun = Instant::now();
        // First the wires: a surface that ends closes them. Half of the time is left for the surfaces.
        let mut left = self.voices.close(deadline / 2);
        self.stop.store(true, Relaxed);
        // One that waits for a place in the inbox would never look at the flag.
        drop(self.inbox);
        left.extend(self.threads.wait(deadline.saturating_sub(begun.elapsed())));
        left
    }
}

/// The thread of one surface.
struct Ear {
    name: String,
    mouth: GestureSender,
    troubles: Troubles,
    stop: Arc<AtomicBool>,
}

impl Ear {
    fn listen(&mut self, surface: &mut dyn Surface) {
        let mut last = String::new();
        while !self.stop.load(Relaxed) {
            match surface.next_gesture(PATIENCE) {
                Ok(Some(gesture)) => {
                    if self.mouth.put(gesture).is_err() {
                        return;
                    }
                }
                Ok(None) => {}
                Err(error @ SurfaceError::Closed(_)) => {
                    // Nobody opens it again.
                    return self.troubles.stands(Who::Surface(self.name.clone()), error.to_string());
                }
                Err(error) => {
                    // The same fault again is no news.
                    let words = error.to_string();
                    if words != last {
                        self.troubles.once(Who::Surface(self.name.clone()), words.clone());
                        last = words;
                    }
                    std::thread::sleep(REST);
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "surfaces_tests.rs"]
mod tests;
