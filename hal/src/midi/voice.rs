//! What is said to controllers by the sequencer: lights, rings, motor faders, a clock.
//!
//! The surface puts mouths in and takes them out as ports come and go; the voice takes one out of the list before it sends,
//! so neither waits for the other. The sequencer never waits either: where it has no room, it says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::message::Whole;
use super::sequencer::Mouth;
use crate::gesture::{Reply, SurfaceError, SurfaceId, Voice};

/// A mouth and whose ear it speaks into.
struct Line<M> {
    name: String,
    mouth: Mutex<M>,
}

/// All mouths, by surface. Clones are the same list.
pub(super) struct Mouths<M>(Arc<Mutex<HashMap<SurfaceId, Arc<Line<M>>>>>);

impl<M> Clone for Mouths<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Default for Mouths<M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<M> Mouths<M> {
    pub(super) fn put(&self, surface: SurfaceId, name: &str, mouth: M) {
        let line = Line { name: name.to_owned(), mouth: Mutex::new(mouth) };
        self.list().insert(surface, Arc::new(line));
    }

    pub(super) fn take(&self, surface: SurfaceId) {
        // Dropped after the list is free: closing a connection may take a while.
        let line = self.list().remove(&surface);
        drop(line);
    }

    fn list(&self) -> MutexGuard<'_, HashMap<SurfaceId, Arc<Line<M>>>> {
        // Whoever panicked while holding it left a list that is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The sending half of a [`LiveMidi`](super::LiveMidi).
pub(super) struct MidiVoice<M>(pub(super) Mouths<M>);

impl<M: Mouth> Voice for MidiVoice<M> {
    fn say(&mut self, to: SurfaceId, reply: &Reply) -> Result<(), SurfaceError> {
        let Reply::Midi(bytes) = reply else { return Ok(()) };
        let Some(line) = self.0.list().get(&to).cloned() else { return Ok(()) };
        // Only voices hold it, and each port is spoken to by one at a time.
        let mut mouth = line.mouth.lock().unwrap_or_else(PoisonError::into_inner);
        let mut whole = Whole::default();
        for byte in bytes {
            if let Some(message) = whole.feed(*byte) {
                mouth.send(message).map_err(|fault| {
                    let fault = format!("{}: lights and clock do not arrive, {fault}", line.name);
                    SurfaceError::Garbled { surface: "MIDI", fault }
                })?;
            }
        }
        Ok(())
    }

    fn another(&self) -> Box<dyn Voice> {
        Box::new(Self(self.0.clone()))
    }
}
