//! The way back to controllers and other machines: a queue and a thread for each wire.
//!
//! Whoever is told something has an [`Outbox`] of its own, and a thread that says what waits there through a voice of its own.
//! So a wire that takes its bytes slowly, or not at all, holds up no other, also not one of the same transport. What fails is
//! tried again, first at once and then ever less often; when the wire works again its lights are all told anew
//! ([`Voices::take_again`]) and a song that missed clocks is placed anew ([`Voices::take_misplaced`]).
//!
//! Telling never waits for a device.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hal::gesture::{Reply, SurfaceError, SurfaceId, Voice};

use super::outbox::{Edge, Item, Outbox};
use super::threads::Threads;
use super::troubles::{Troubles, Who};

/// Between a failure and the next try, and the longest: a clock at 120 beats a minute ticks every 21 ms.
const REST: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));

/// The speaking side: everything that lights up, moves or follows. Clones speak to the same.
#[derive(Clone, Default)]
pub struct Voices(Arc<Shared>);

#[derive(Default)]
struct Shared {
    wires: Mutex<Wires>,
    threads: Threads,
    troubles: Troubles,
}

#[derive(Default)]
struct Wires {
    /// One of each transport, of which each wire's thread gets its own.
    voices: Vec<Box<dyn Voice>>,
    wires: BTreeMap<SurfaceId, Arc<Wire>>,
    closing: bool,
}

/// One wire.
#[derive(Default)]
struct Wire {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    outbox: Outbox,
    closing: bool,
}

/// Takes a lock whose holder may have panicked: queues are whole after every change.
fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Voices {
    /// Whose faults are written on `troubles`.
    pub(super) fn new(troubles: Troubles) -> Self {
        Self(Arc::new(Shared { troubles, ..Shared::default() }))
    }

    /// Another transport. Wires that are spoken to already do not get it: add all before anyone is told anything.
    pub(super) fn add(&self, voice: Box<dyn Voice>) {
        lock(&self.0.wires).voices.push(voice);
    }

    /// Tells a controller, wherever it is plugged in, a state: a later word about the same light takes its place.
    pub fn light(&self, to: SurfaceId, reply: &Reply) {
        self.tell(to, |outbox| outbox.light(reply));
    }

    /// Tells a machine what happens once. It leaves before any light.
    pub fn edge(&self, to: SurfaceId, edge: Edge) {
        self.tell(to, |outbox| outbox.edge(edge));
    }

    /// Whose lights are all to be told again, each once.
    #[must_use]
    pub fn take_again(&self) -> Vec<SurfaceId> {
        let wires = lock(&self.0.wires);
        wires.wires.iter().filter(|(_, wire)| lock(&wire.state).outbox.take_again()).map(|(to, _)| *to).collect()
    }

    /// Whether a machine has missed clocks and works again; answered once.
    #[must_use]
    pub fn take_misplaced(&self, to: SurfaceId) -> bool {
        let wire = lock(&self.0.wires).wires.get(&to).cloned();
        wire.is_some_and(|wire| lock(&wire.state).outbox.take_misplaced())
    }

    fn tell(&self, to: SurfaceId, put: impl FnOnce(&mut Outbox)) {
        let Some(wire) = self.wire(to) else { return };
        put(&mut lock(&wire.state).outbox);
        wire.changed.notify_one();
    }

    /// The wire to a controller; it and its thread begin when something is said to it for the first time.
    fn wire(&self, to: SurfaceId) -> Option<Arc<Wire>> {
        let mut wires = lock(&self.0.wires);
        if let Some(wire) = wires.wires.get(&to) {
            return Some(Arc::clone(wire));
        }
        if wires.closing || wires.voices.is_empty() {
            return None;
        }
        let wire = Arc::new(Wire::default());
        let mut speaker = Speaker {
            wire: Arc::clone(&wire),
            voices: wires.voices.iter().map(|it| it.another()).collect(),
            to,
            troubles: self.0.troubles.clone(),
            rest: None,
        };
        let name = format!("the wire to controller {}", to.0);
        match self.0.threads.start("midi out", &name, move || speaker.run()) {
            Ok(()) => {
                wires.wires.insert(to, Arc::clone(&wire));
                Some(wire)
            }
            Err(error) => {
                // Tried again with the next word.
                let words = format!("lights and clock do not arrive: the system gives no thread ({error})");
                self.0.troubles.once(Who::Wire(to), words);
                None
            }
        }
    }

    /// Ends the threads; what was told before is still said on wires that work. Waits no longer than `patience`; answers who
    /// did not end.
    pub(super) fn close(&self, patience: Duration) -> Vec<String> {
        let mut wires = lock(&self.0.wires);
        wires.closing = true;
        for wire in std::mem::take(&mut wires.wires).into_values() {
            lock(&wire.state).closing = true;
            wire.changed.notify_one();
        }
        drop(wires);
        self.0.threads.wait(patience)
    }
}

/// The thread of one wire.
struct Speaker {
    wire: Arc<Wire>,
    /// Each knows who is its own, and passes over the others.
    voices: Vec<Box<dyn Voice>>,
    to: SurfaceId,
    troubles: Troubles,
    /// How long to wait before it is tried again; none while it works.
    rest: Option<Duration>,
}

impl Speaker {
    fn run(&mut self) {
        while let Some(item) = self.next() {
            let said = self.say(&item);
            let mut state = lock(&self.wire.state);
            match said {
                Ok(()) => {
                    self.rest = None;
                    if let Some(lost) = state.outbox.arrived() {
                        self.troubles.over(Who::Wire(self.to), lost);
                    }
                }
                Err(error) => {
                    state.outbox.failed(item);
                    self.rest = Some(self.rest.map_or(REST.0, |rest| (rest * 2).min(REST.1)));
                    self.troubles.stands(Who::Wire(self.to), error.to_string());
                }
            }
        }
    }

    /// Waits for what is to be said; none when it is over. One that is broken is not waited for at the end.
    fn next(&self) -> Option<Item> {
        let wire = &self.wire;
        let mut state = lock(&wire.state);
        if let Some(rest) = self.rest {
            let rested = wire.changed.wait_timeout_while(state, rest, |state| !state.closing);
            state = rested.unwrap_or_else(PoisonError::into_inner).0;
            if state.closing {
                return None;
            }
        }
        let idle = |state: &mut State| state.outbox.is_empty() && !state.closing;
        let mut state = wire.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        state.outbox.pop()
    }

    fn say(&mut self, item: &Item) -> Result<(), SurfaceError> {
        let reply = item.reply();
        self.voices.iter_mut().try_for_each(|voice| voice.say(self.to, &reply))
    }
}

#[cfg(test)]
#[path = "voices_tests.rs"]
mod tests;
