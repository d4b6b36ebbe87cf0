//! The slow hand over the fast threads: gestures become values and edges, and the transport follows the values.
//!
//! Owns the store and the binding. It may wait, allocate and log; the threads behind it may not, so everything that
//! reaches them goes through a triple buffer, a bounded queue or an atomic.

use std::collections::VecDeque;

use engine::live::{Swap, ValuesWriter};
use engine::param::{Edge, EdgeSender, ParamId, SnapshotReader, Store, Unsent, Values};
use engine::playback::{LoopBand, Transport};
use hal::gesture::Gesture;

use crate::binding::{Act, Binding};
use crate::patch::Patch;

/// What the conductor needs from the fast side.
pub struct Reins {
    /// Edges to the tick side.
    pub edges: EdgeSender<Swap>,
    /// Values to the decode side.
    pub decode_values: ValuesWriter,
    /// Seek, band, gain and mute of the tape.
    pub transport: Transport,
}

/// Owns what the player's hands decide.
pub struct Conductor {
    store: Store,
    binding: Binding,
    reins: Reins,
    /// Edges that found the queue full: sent again before any other, so that none is lost or overtaken.
    held: VecDeque<Edge<Swap>>,
    /// What the fast side was told last.
    told: Values,
    fault: Option<String>,
}

impl Conductor {
    /// Takes the reins under a patch; comes with the tick side's end of the values.
    #[must_use]
    pub fn new(patch: &Patch, frames: usize, reins: Reins) -> (Self, SnapshotReader) {
        let (mut store, reader) = Store::new();
        patch.apply(&mut store);
        // Loading a patch is where a set begins: there is nothing before it to go back to.
        let told = Values::default();
        let mut conductor =
            Self { store, binding: Binding::new(patch.map.clone()), reins, held: VecDeque::new(), told, fault: None };
        for (id, curve) in &patch.curves {
            conductor.held.push_back(Edge::SetCurve(*id, Some(curve.resample(frames))));
        }
        conductor.settle();
        (conductor, reader)
    }

    /// Plays one gesture. What came of it is for the display; [`Act::Quit`] is for the caller.
    pub fn play(&mut self, gesture: &Gesture) -> Option<Act> {
        let act = self.binding.play(gesture, &mut self.store)?;
        match act {
            Act::Reseed => self.held.push_back(Edge::Reseed),
            Act::Panic => {
                let muted = self.reins.transport.muted();
                self.reins.transport.set_muted(!muted);
            }
            Act::Seek(place) => self.seek(f64::from(place)),
            Act::SeekBy(part) => {
                let now = self.reins.transport.playhead().position as f64 / self.reins.transport.tape_frames() as f64;
                self.seek((now + f64::from(part)).rem_euclid(1.0));
            }
            _ => {}
        }
        self.settle();
        Some(act)
    }

    /// Brings the fast side up to date: edges that waited, values of the tape. Call it now and then even when nothing
    /// moves.
    pub fn settle(&mut self) {
        while let Some(edge) = self.held.pop_front() {
            match self.reins.edges.send(edge) {
                Ok(()) => {}
                Err(Unsent::Full(edge)) => {
                    self.held.push_front(edge);
                    break;
                }
                Err(Unsent::Stopped(_)) => self.fault = Some("the engine has stopped".to_owned()),
            }
        }
        self.reins.edges.clear_home();
        self.reins.transport.collect();
        let values = *self.store.values();
        if values == self.told {
            return;
        }
        self.reins.decode_values.write(&values);
        self.reins.transport.set_gain_db(values.get(ParamId::GainDb));
        let band = |of: &Values| [of.get(ParamId::LoopStart), of.get(ParamId::LoopEnd)];
        let mut told = values;
        if band(&values) != band(&self.told) {
            let [start, end] = band(&values);
            let tape_frames = self.reins.transport.tape_frames();
            let order = self.reins.transport.set_band(LoopBand::from_faders(start, end, tape_frames));
            if order.is_err() {
                // The audio thread has not caught up: the band is tried again at the next call.
                told.set(ParamId::LoopStart, self.told.exact(ParamId::LoopStart));
                told.set(ParamId::LoopEnd, self.told.exact(ParamId::LoopEnd));
            }
        }
        self.told = told;
    }

    fn seek(&mut self, place: f64) {
        let frames = self.reins.transport.tape_frames();
        let to = ((place.clamp(0.0, 1.0) * frames as f64) as usize).min(frames - 1);
        if self.reins.transport.seek(to).is_err() {
            self.fault = Some("the audio thread has not caught up; seek again".to_owned());
        }
    }

    /// Hands the tick side what a worker prepared.
    pub fn swap(&mut self, swap: Swap) {
        self.held.push_back(Edge::Load(swap));
        self.settle();
    }

    /// The values of now.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The binding.
    #[must_use]
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// The tape's transport.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.reins.transport
    }

    /// A fault that the player should read, once.
    pub fn take_fault(&mut self) -> Option<String> {
        self.fault.take()
    }
}
