//! The slow hand over the fast threads: gestures become values and edges, and the transport follows the values.
//!
//! Owns the store and the binding. It may wait, allocate and log; the threads behind it may not, so everything that
//! reaches them goes through a triple buffer, a bounded queue or an atomic.

use std::collections::VecDeque;
use std::time::Duration;

use engine::live::{Swap, ValuesWriter};
use engine::param::{Edge, EdgeSender, PARAMS, ParamId, SnapshotReader, Store, Unsent, Values};
use engine::playback::{LoopBand, Transport};
use hal::gesture::{Gesture, Motion, Transport as Clocking};

use crate::binding::{Act, Binding};
use crate::desk::Desk;
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
    desk: Desk,
    binding: Binding,
    reins: Reins,
    /// Length of the tape in latent frames: curves are drawn over it.
    frames: usize,
    /// Which parameters have a curve now.
    drawn: [bool; PARAMS],
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
        let (store, reader) = Store::new();
        let mut desk = Desk::new(store);
        // Loading a patch is where a set begins: there is nothing before it to go back to.
        desk.load(&patch.values, &patch.scenes);
        let (binding, told) = (Binding::new(patch.map.clone()), Values::default());
        let mut conductor =
            Self { desk, binding, reins, frames, drawn: [false; PARAMS], held: VecDeque::new(), told, fault: None };
        conductor.draw(patch);
        conductor.settle(Duration::ZERO);
        (conductor, reader)
    }

    /// The patch's curves, and none but those.
    fn draw(&mut self, patch: &Patch) {
        for id in ParamId::all().filter(|id| id.row().curve) {
            let drawn = patch.curves.iter().find(|(of, _)| *of == id);
            let curve = drawn.map(|(_, curve)| curve.resample(self.frames));
            if curve.is_some() || self.drawn[id as usize] {
                self.drawn[id as usize] = curve.is_some();
                self.held.push_back(Edge::SetCurve(id, curve));
            }
        }
    }

    /// Plays another patch: its values, scenes, curves and map at once, in one stroke that undo takes back. Its recording
    /// and words are a worker's affair and not of this call.
    pub fn load(&mut self, patch: &Patch, now: Duration) {
        self.desk.load(&patch.values, &patch.scenes);
        self.binding.map_mut().set_own(patch.map.own().to_vec());
        self.draw(patch);
        self.settle(now);
    }

    /// Plays one gesture, and adds what came of it to `acts` for the display; [`Act::Quit`] is for the caller.
    pub fn play(&mut self, gesture: &Gesture, acts: &mut Vec<Act>) {
        let before = acts.len();
        self.binding.play(gesture, &mut self.desk, acts);
        for act in &acts[before..] {
            match *act {
                Act::Reseed => self.held.push_back(Edge::Reseed),
                Act::Mute => {
                    let muted = self.reins.transport.muted();
                    self.reins.transport.set_muted(!muted);
                }
                Act::Panicked => self.reins.transport.set_muted(false),
                Act::Seek(place) => self.seek(f64::from(place)),
                Act::SeekBy(part) => {
                    let transport = &self.reins.transport;
                    let now = transport.playhead().position as f64 / transport.tape_frames() as f64;
                    self.seek((now + f64::from(part)).rem_euclid(1.0));
                }
                _ => {}
            }
        }
        if let Motion::Transport(clocking) = gesture.motion {
            self.follow(clocking);
        }
        self.settle(gesture.at);
    }

    /// A sequencer starts, stops, goes on: the sound comes and goes, and the tape turns on underneath.
    fn follow(&mut self, clocking: Clocking) {
        match clocking {
            Clocking::Start => {
                self.seek(0.0);
                self.reins.transport.set_muted(false);
            }
            Clocking::Continue => self.reins.transport.set_muted(false),
            Clocking::Stop => self.reins.transport.set_muted(true),
            Clocking::Clock | Clocking::Position(_) => {}
        }
    }

    /// Brings the fast side up to date at `now`: values on their way, edges that waited, values of the tape. Call it often
    /// even when nothing moves.
    pub fn settle(&mut self, now: Duration) {
        self.desk.walk(now);
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
        let values = *self.desk.store().values();
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
    }

    /// The values of now.
    #[must_use]
    pub const fn store(&self) -> &Store {
        self.desk.store()
    }

    /// The values under the hands.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The binding.
    #[must_use]
    pub const fn binding(&self) -> &Binding {
        &self.binding
    }

    /// The binding, to give a controller its map.
    pub fn binding_mut(&mut self) -> &mut Binding {
        &mut self.binding
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
