//! What the fast threads tell and are told, without waiting for each other.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

use engine::live::TickSide;
use engine::ring::MAX_DEPTH;

use super::bell::Bell;
use super::trace::Trace;

/// A slot that is empty, in [`Pulse::slots`].
const EMPTY: u32 = u32::MAX;

/// What the fast threads tell, as counters and latest values.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Ends ticks and windows; see [`Self::end`]. The sound ends when somebody asks to leave, and before them.
    pub stop: AtomicBool,
    /// Turns of the conductor.
    pub conductor_turns: AtomicU64,
    /// Turns of the tick thread, whether it ticked or rested.
    pub tick_turns: AtomicU64,
    /// Turns of the decode thread, whether it decoded or rested.
    pub window_turns: AtomicU64,
    /// Ticks done.
    pub ticks: AtomicU64,
    /// Ticks that the backend could not compute.
    pub failed_ticks: AtomicU64,
    /// Latents finished.
    pub latents: AtomicU64,
    /// Slots given up because they were no longer finite.
    pub unsound: AtomicU64,
    /// Slots given up because their requests cannot be computed.
    pub refused: AtomicU64,
    /// Microseconds of the last tick.
    pub tick_us: AtomicU32,
    /// Whether ticks are left out because they would make nothing but what stands: until a hand moves, none are counted.
    pub ticks_rest: AtomicBool,
    /// Slots that are held back because ticks take too long: the player's depth less this many is played.
    pub held_back: AtomicU32,
    /// Panics of the tick thread that were caught.
    pub tick_crashes: AtomicU64,
    /// Windows sent to the tape.
    pub windows: AtomicU64,
    /// Windows that could not be sent.
    pub dropped: AtomicU64,
    /// Microseconds of the last window.
    pub window_us: AtomicU32,
    /// Whether no window is decoded because the tape stands.
    pub windows_rest: AtomicBool,
    /// The snapshot of the last line of the music that was met.
    pub line_met: AtomicU64,
    /// How many lines could not be met.
    pub lines_moved: AtomicU64,
    /// Panics of the decode thread that were caught.
    pub window_crashes: AtomicU64,
    /// Told to the decode thread: whether something is being prepared beside it.
    pub crowded: AtomicBool,
    /// The lead, in stereo samples.
    pub lead: AtomicUsize,
    /// Where the last window landed and ended, in stereo samples of the tape.
    pub window: [AtomicUsize; 2],
    /// Wakes the tick thread: rung when values or edges were sent to it.
    pub tick_bell: Bell,
    /// Wakes the decode thread: rung when values were sent to it, or a latent.
    pub window_bell: Bell,
    /// What was done when.
    pub trace: Trace,
    slots: [AtomicU32; MAX_DEPTH],
}

impl Pulse {
    /// Steps done of each slot of a ring of `depth`; `None` for an empty one.
    #[must_use]
    pub fn slots(&self, depth: usize) -> Vec<Option<u32>> {
        let steps = self.slots.iter().take(depth).map(|it| it.load(Relaxed));
        steps.map(|it| (it != EMPTY).then_some(it)).collect()
    }

    /// Ends ticks and windows.
    pub fn end(&self) {
        self.stop.store(true, Relaxed);
        self.tick_bell.ring();
        self.window_bell.ring();
    }

    /// Shows the slots of the ring.
    pub(super) fn show(&self, side: &TickSide) {
        for (place, slot) in side.performer().ring().slots().enumerate() {
            self.slots[place].store(slot.map_or(EMPTY, |it| it.step as u32), Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EMPTY, Pulse, Relaxed};

    #[test]
    fn an_empty_slot_has_done_no_steps_and_a_ring_has_as_many_as_it_is_deep() {
        let pulse = Pulse::default();
        [3, EMPTY, 5, 7].into_iter().zip(&pulse.slots).for_each(|(steps, slot)| slot.store(steps, Relaxed));
        assert_eq!(pulse.slots(3), [Some(3), None, Some(5)]);
    }
}
