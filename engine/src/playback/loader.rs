//! Copies a new tape out of its slot, on a slow thread of the player's process, and frees the tapes that were played.
//!
//! The slot is another process's to write until the player has the tape, so it is copied first and looked at then: its sum has to
//! be the one that was announced, and it has to be a tape. It allocates, and takes a few milliseconds a minute of sound.

use rtrb::{Consumer, Producer, RingBuffer};

use super::attached::LoaderEnds;
use super::refusal::Refused;
use super::tape::Tape;
use super::transition::Transition;
use crate::boundary::{Arena, Standing, Sum};

/// Tapes on their way: one is, and the one before may not have been freed.
const TAPES: usize = 4;

/// A tape to be loaded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) standing: Standing,
    pub(super) how: Transition,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Loaded {
    Tape { tape: Tape, load: Load },
    Refused(Refused),
}

/// The slow end.
#[derive(Debug)]
pub struct Loader {
    arena: Arena,
    loads: Consumer<Load>,
    loaded: Producer<Loaded>,
    retired: Consumer<Tape>,
}

impl Loader {
    pub(super) fn new(arena: &Arena) -> (Self, LoaderEnds) {
        let (loads, loads_out) = RingBuffer::new(1);
        let (loaded_in, loaded) = RingBuffer::new(1);
        let (retired, retired_out) = RingBuffer::new(TAPES);
        let loader = Self { arena: arena.clone(), loads: loads_out, loaded: loaded_in, retired: retired_out };
        (loader, LoaderEnds { loads, loaded, retired })
    }

    /// Loads what waits and frees what is played no more; answers whether there was anything to load. Call it every few milliseconds.
    pub fn poll(&mut self) -> bool {
        while self.retired.pop().is_ok() {}
        let Ok(load) = self.loads.pop() else { return false };
        let loaded = match self.load(&load.standing) {
            Ok(tape) => Loaded::Tape { tape, load },
            Err(refused) => Loaded::Refused(refused),
        };
        // One is asked for at a time, and the last one's answer was taken before.
        let _ = self.loaded.push(loaded);
        true
    }

    fn load(&self, standing: &Standing) -> Result<Tape, Refused> {
        let (begin, room) = self.arena.slot(standing.slot as usize).ok_or(Refused::NoSlot)?;
        let frames = usize::try_from(standing.frames).ok().filter(|it| *it <= room).ok_or(Refused::OffTape)?;
        let mut sound = vec![[0.0; 2]; frames];
        self.arena.read_sound(begin, &mut sound);
        if Sum::of_sound(&sound) != standing.sum {
            return Err(Refused::TapeSum);
        }
        Tape::new(sound).map_err(|_| Refused::Tape)
    }
}
