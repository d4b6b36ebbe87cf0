//! The decode thread's end of a player in another process.
//!
//! A window is decoded to memory of its own, looked at, and then copied to a box of the arena; its record follows. Boxes that are
//! not in a record are this side's. When the player died and another took its place, or was attached anew, all of them are
//! ([`Epoch`]): what was on its way then is heard by nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::landing::Landing;
use super::meters::SharedMeters;
use super::parcel::{Unsent, Witness, written};
use super::window::WindowPlan;
use crate::boundary::{Arena, Popped, REPORTS, Report, RingReader, RingWriter, WINDOWS, Window};
use crate::latent::StereoFrame;

/// The number under which this engine is attached now; all ends of it look at the same. 0: it is not.
#[derive(Clone, Debug, Default)]
pub struct Epoch(Arc<AtomicU64>);

impl Epoch {
    /// From now on it is attached as this.
    pub fn set(&self, epoch: u64) {
        self.0.store(epoch, Ordering::Release);
    }

    /// As what it is attached.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// The end that sends windows.
pub(super) struct AttachedPacker {
    arena: Arena,
    windows: RingWriter,
    reports: RingReader,
    /// Boxes that are here; with room for all.
    home: Vec<u32>,
    room: Box<[StereoFrame]>,
    number: u64,
    epoch: u64,
    epochs: Epoch,
    meters: SharedMeters,
    pub(super) witness: Option<Witness>,
}

impl std::fmt::Debug for AttachedPacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { home, number, epoch, .. } = self;
        write!(f, "AttachedPacker {{ home: {home:?}, number: {number}, epoch: {epoch} }}")
    }
}

impl AttachedPacker {
    pub(super) fn new(arena: &Arena, epochs: Epoch) -> Self {
        let sizes = arena.sizes();
        let mut packer = Self {
            windows: RingWriter::resume(WINDOWS, arena),
            reports: RingReader::from_now_on(REPORTS, arena),
            home: Vec::with_capacity(sizes.boxes),
            room: vec![[0.0; 2]; sizes.window_frames].into(),
            number: 0,
            epoch: 0,
            epochs,
            meters: SharedMeters::of(arena),
            arena: arena.clone(),
            witness: None,
        };
        packer.follow();
        packer
    }

    /// Begins anew when it is attached anew.
    fn follow(&mut self) {
        let epoch = self.epochs.now();
        if epoch != self.epoch {
            self.epoch = epoch;
            self.windows = RingWriter::resume(WINDOWS, &self.arena);
            self.reports.skip(&self.arena);
            self.home.clear();
            let boxes = if epoch == 0 { 0 } else { self.arena.sizes().boxes };
            self.home.extend(0..boxes as u32);
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn collect(&mut self, landed: &mut dyn FnMut(Landing)) -> bool {
        self.follow();
        // Whoever fills this ring without end is not waited for.
        for _ in 0..self.arena.sizes().boxes * 2 {
            let record = match self.reports.pop(&self.arena) {
                Popped::Nothing => break,
                Popped::Wild => continue,
                Popped::Record(record) => record,
            };
            let Ok(Report::Home { sound_box, landing }) = Report::unpack(&record, self.epoch) else { continue };
            landing.as_ref().and_then(Landing::from_told).into_iter().for_each(&mut *landed);
            if (sound_box as usize) < self.arena.sizes().boxes && !self.home.contains(&sound_box) {
                self.home.push(sound_box);
            }
        }
        !self.home.is_empty()
    }

    pub(super) fn send(
        &mut self,
        plan: &WindowPlan,
        feedback: f32,
        write: impl FnOnce(&mut [StereoFrame]),
    ) -> Result<(), Unsent> {
        let &sound_box = self.home.last().ok_or(Unsent::NoBox)?;
        let (begin, _) = self.arena.sound_box(sound_box as usize).ok_or(Unsent::NoBox)?;
        let sound = written(&mut self.room, plan.frames, write, &self.meters)?;
        self.number += 1;
        let window = Window {
            number: self.number,
            sound_box,
            tape: plan.tape.0,
            land: plan.land as u64,
            frames: plan.frames as u64,
            keep: plan.keep as u64,
            run_up: plan.run_up as u64,
            due: plan.due.count(),
            planned: plan.planned.count(),
            feedback,
        };
        if let Some(witness) = &mut self.witness {
            witness(self.epoch, &window, sound);
        }
        self.arena.write_sound(begin, sound);
        if !self.windows.push(&self.arena, &window.pack(self.epoch)) {
            return Err(Unsent::NoBox);
        }
        self.home.pop();
        Ok(())
    }
}
