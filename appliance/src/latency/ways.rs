//! The way of one move through the instrument, found in what the fast threads noted.
//!
//! A step-class move is in every latent that leaves in a tick which has read it, or in a later one; a slot-class move in the first that
//! was born under it; a decode-class move in the first window whose turn began after it was told. A window is heard from its first
//! frame on.

use engine::param::Class;

use crate::latency::ear::Ear;
use crate::performance::threads::{Sent, Ticked};

/// A move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// What it moved.
    pub class: Class,
    /// When the hand moved, in microseconds of the trace.
    pub at_us: u64,
    /// When the fast threads had been told.
    pub told_us: u64,
    /// The first snapshot in which it is.
    pub generation: u64,
}

/// Its way, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    /// From the hand to the tick that reads it; a decode-class move needs none.
    pub hand_to_tick: Option<u64>,
    /// From that tick, or from the hand, until the first window with it is on its way.
    pub to_window: u64,
    /// From there to the ear.
    pub window_to_ear: u64,
    /// All of it.
    pub hand_to_ear: u64,
}

/// The window in which a move is first, and when the tick began that read it.
pub(super) fn window_of<'w>(of: &Move, ticks: &[Ticked], windows: &'w [Sent]) -> Option<(Option<u64>, &'w Sent)> {
    if of.class == Class::Decode {
        return Some((None, windows.iter().find(|it| of.told_us <= it.begun_us)?));
    }
    let reads = ticks.iter().find(|it| of.generation <= it.generation)?;
    let carries = |tick: &Ticked| {
        let (serial, born) = tick.left?;
        let is_in = of.generation <= if of.class == Class::Slot { born } else { tick.generation };
        is_in.then_some(serial)
    };
    let serial = ticks.iter().find_map(carries)?;
    Some((Some(reads.begun_us), windows.iter().find(|it| serial <= it.serial)?))
}

/// Its way; nothing where it is not to be found.
pub(super) fn way(of: &Move, ticks: &[Ticked], windows: &[Sent], ear: &Ear) -> Option<Gone> {
    let (tick_us, window) = window_of(of, ticks, windows)?;
    let heard_us = ear.heard_us(window.due)?;
    Some(Gone {
        hand_to_tick: tick_us.map(|it| it.saturating_sub(of.at_us)),
        to_window: window.sent_us.saturating_sub(tick_us.unwrap_or(of.at_us)),
        window_to_ear: heard_us.saturating_sub(window.sent_us),
        hand_to_ear: heard_us.saturating_sub(of.at_us),
    })
}

#[cfg(test)]
mod tests {
    use super::{Class, Ear, Gone, Move, Sent, Ticked, way};
    use crate::latency::ear::Told;
    use engine::playback::GUARD_LATENCY_FRAMES;

    /// Ticks of 40 ms from 0 on, one snapshot each; a latent leaves in every second one, and was born four ticks before.
    fn ticks() -> Vec<Ticked> {
        let tick = |it: u64| Ticked {
            begun_us: it * 40_000,
            generation: it,
            left: it.is_multiple_of(2).then(|| (it / 2 + 1, it.saturating_sub(4))),
        };
        (0..40).map(tick).collect()
    }

    /// The window of each latent begins 41 ms after the tick in which that left, is sent 20 ms later, and is due 50 ms after that.
    fn windows() -> Vec<Sent> {
        let window = |serial: u64| {
            let begun_us = (serial - 1) * 80_000 + 41_000;
            Sent { begun_us, sent_us: begun_us + 20_000, serial, due: (begun_us + 70_000) * 48 / 1_000 }
        };
        (1..20).map(window).collect()
    }

    /// A device that holds 10 ms, whose frame 0 was handed over at 0.
    fn ear() -> Ear {
        Ear::of((1..400).map(|it| Told { at_us: it * 5_000, played: it * 240, delay: 480 }).collect())
    }

    fn gone(class: Class, at_us: u64) -> Gone {
        // Tick n reads snapshot n; what is moved before it begins is in it.
        let generation = at_us.div_ceil(40_000);
        way(&Move { class, at_us, told_us: at_us + 100, generation }, &ticks(), &windows(), &ear())
            .expect("it is heard")
    }

    #[test]
    fn each_class_is_followed_by_its_own_rule_to_the_first_frame_that_has_it() {
        let near = |a: u64, b: u64| assert!(a.abs_diff(b) < 200, "{a} us, {b} us were to be");
        let to_ear = 50_000 + 10_000 + GUARD_LATENCY_FRAMES as u64 * 1_000 / 48;
        // At 210 ms: tick 6 reads it at 240 ms, in which latent 4 leaves; its window begins at 281 and is sent at 301 ms.
        let step = gone(Class::Step, 210_000);
        assert_eq!((step.hand_to_tick, step.to_window), (Some(30_000), 61_000));
        near(step.window_to_ear, to_ear);
        near(step.hand_to_ear, 91_000 + to_ear);
        // The latent that was born in tick 6 leaves in tick 10.
        let slot = gone(Class::Slot, 210_000);
        assert_eq!((slot.hand_to_tick, slot.to_window), (Some(30_000), 160_000 + 61_000));
        near(slot.window_to_ear, to_ear);
        // The next window begins at 281 ms.
        let decode = gone(Class::Decode, 210_000);
        assert_eq!((decode.hand_to_tick, decode.to_window), (None, 91_000));
        near(decode.hand_to_ear, 91_000 + to_ear);
    }

    #[test]
    fn what_was_not_heard_by_the_end_has_no_way() {
        let late = Move { class: Class::Step, at_us: 1_590_000, told_us: 1_590_000, generation: 40 };
        assert_eq!(way(&late, &ticks(), &windows(), &ear()), None);
    }
}
