//! What crosses the memory, as plain numbers, and how each becomes the words of a record.
//!
//! The first word is the epoch of the engine that wrote it, the second says which kind it is, the last is a sum over the others
//! under the ring's own name, so that a record of one ring is none in another. A record that does not add up is [`Torn`] and
//! told as that; whether its numbers make sense is for the player to say, who knows the tape.

use super::arena::Sum;
use super::layout::RECORD_WORDS;
use super::ring::Record;

/// A record whose sum, kind or epoch is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Torn {
    /// It does not add up.
    Sum,
    /// There is no such kind in this ring.
    Kind,
    /// It is of an engine that is no longer attached, or never was.
    Epoch,
}

/// A decoded window: where it belongs, and the box that its sound lies in. Frames are stereo samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Window {
    /// Counts up by one, from 1; for the trace.
    pub number: u64,
    /// The box.
    pub sound_box: u32,
    /// The tape that it is for.
    pub tape: u32,
    /// Place on the tape.
    pub land: u64,
    /// Frames of it.
    pub frames: u64,
    /// Latent frames that were decoded.
    pub keep: u64,
    /// Frames at its start that are not promised to be heard at first.
    pub run_up: u64,
    /// The moment from which it is to be heard, and the one at which it was planned, in frames played.
    pub due: u64,
    /// See `due`.
    pub planned: u64,
    /// How much stays of what was heard, 0 to 1.
    pub feedback: f32,
}

/// What the engine asks of the player.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// Go to a place.
    Seek {
        /// The tape that it is meant for.
        tape: u32,
        /// Stereo sample.
        position: u64,
    },
    /// Loop another part.
    Band {
        /// The tape that it is meant for.
        tape: u32,
        /// First stereo sample.
        start: u64,
        /// One past the last.
        end: u64,
    },
    /// Play another tape, which lies in a slot.
    Swap {
        /// Its name from now on.
        tape: u32,
        /// The slot.
        slot: u32,
        /// Its length in stereo samples.
        frames: u64,
        /// Where to begin.
        position: u64,
        /// A sum over its sound.
        sum: u64,
        /// The same over the recording that it began as, by which it is known again. 0 of an engine before this one, which means `sum`.
        recording: u64,
        /// The part that loops; `[0, 0]` of an engine before this one, which means all of it.
        band: [u64; 2],
        /// One more than the moment at which it begins, in frames played; 0 for as soon as it can.
        due: u64,
        /// How long both tapes are heard, in stereo samples; 0 of an engine before this one, which means 100 ms.
        fade: u64,
    },
}

/// What the player answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A box came home.
    Home {
        /// The box.
        sound_box: u32,
        /// How its window landed; nothing where it was for another tape, or refused.
        landing: Option<Told>,
    },
}

/// A landing in numbers, as `playback::Landing` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The moment.
    pub met: u64,
    /// Frames played from planning to landing.
    pub delay: u64,
    /// Latent frames decoded.
    pub keep: u64,
    /// Frames that were left, negative where it was late; nothing when nobody waited for it.
    pub left: Option<i64>,
}

const WINDOWS_NAME: u64 = 0x5749_4e44;
const ORDERS_NAME: u64 = 0x4f52_4452;
const REPORTS_NAME: u64 = 0x5245_5054;

const WINDOW: u64 = 1;
const SEEK: u64 = 1;
const BAND: u64 = 2;
const SWAP: u64 = 3;
const HOME: u64 = 1;
/// Ways in which a window may have landed, in a report.
const NO_LANDING: u64 = 0;
const JUDGED: u64 = 1;
const VOID: u64 = 2;

impl Window {
    pub(crate) fn pack(&self, epoch: u64) -> Record {
        let names = u64::from(self.sound_box) | u64::from(self.tape) << 32;
        let feedback = u64::from(self.feedback.to_bits());
        let Self { number, land, frames, keep, run_up, due, planned, .. } = *self;
        seal(WINDOWS_NAME, &[epoch, WINDOW, number, names, land, frames, keep, run_up, due, planned, feedback])
    }

    pub(crate) fn unpack(record: &Record, epoch: u64) -> Result<Self, Torn> {
        let [_, kind, number, names, land, frames, keep, run_up, due, planned, feedback, ..] = *record;
        open(WINDOWS_NAME, record, epoch)?;
        if kind != WINDOW {
            return Err(Torn::Kind);
        }
        let (sound_box, tape, feedback) = (names as u32, (names >> 32) as u32, f32::from_bits(feedback as u32));
        Ok(Self { number, sound_box, tape, land, frames, keep, run_up, due, planned, feedback })
    }
}

impl Order {
    pub(crate) fn pack(&self, epoch: u64) -> Record {
        match *self {
            Self::Seek { tape, position } => seal(ORDERS_NAME, &[epoch, SEEK, tape.into(), position]),
            Self::Band { tape, start, end } => seal(ORDERS_NAME, &[epoch, BAND, tape.into(), start, end]),
            Self::Swap { tape, slot, frames, position, sum, recording, band: [start, end], due, fade } => {
                let (tape, slot) = (tape.into(), slot.into());
                seal(ORDERS_NAME, &[epoch, SWAP, tape, slot, frames, position, sum, recording, start, end, due, fade])
            }
        }
    }

    pub(crate) fn unpack(record: &Record, epoch: u64) -> Result<Self, Torn> {
        open(ORDERS_NAME, record, epoch)?;
        let [_, kind, tape, a, b, position, sum, recording, start, end, due, fade, ..] = *record;
        let tape = tape as u32;
        match kind {
            SEEK => Ok(Self::Seek { tape, position: a }),
            BAND => Ok(Self::Band { tape, start: a, end: b }),
            SWAP => {
                let band = [start, end];
                Ok(Self::Swap { tape, slot: a as u32, frames: b, position, sum, recording, band, due, fade })
            }
            _ => Err(Torn::Kind),
        }
    }
}

impl Report {
    pub(crate) fn pack(&self, epoch: u64) -> Record {
        let Self::Home { sound_box, landing } = *self;
        let (way, told) = match landing {
            None => (NO_LANDING, Told { met: 0, delay: 0, keep: 0, left: None }),
            Some(told) => (if told.left.is_some() { JUDGED } else { VOID }, told),
        };
        let left = told.left.unwrap_or(0) as u64;
        seal(REPORTS_NAME, &[epoch, HOME, sound_box.into(), way, told.met, told.delay, told.keep, left])
    }

    pub(crate) fn unpack(record: &Record, epoch: u64) -> Result<Self, Torn> {
        open(REPORTS_NAME, record, epoch)?;
        let [_, kind, sound_box, way, met, delay, keep, left, ..] = *record;
        if kind != HOME {
            return Err(Torn::Kind);
        }
        let left = (way == JUDGED).then_some(left as i64);
        let landing = matches!(way, JUDGED | VOID).then_some(Told { met, delay, keep, left });
        Ok(Self::Home { sound_box: sound_box as u32, landing })
    }
}

/// The words as a record, with the sum behind them.
pub(super) fn seal(name: u64, words: &[u64]) -> Record {
    let mut record = [0; RECORD_WORDS];
    record.iter_mut().zip(words).for_each(|(it, word)| *it = *word);
    record[RECORD_WORDS - 1] = sum(name, &record);
    record
}

/// Whether a record adds up and is of this epoch.
fn open(name: u64, record: &Record, epoch: u64) -> Result<(), Torn> {
    adds_up(name, record).then_some(()).ok_or(Torn::Sum)?;
    (record[0] == epoch).then_some(()).ok_or(Torn::Epoch)
}

pub(super) fn adds_up(name: u64, record: &Record) -> bool {
    record[RECORD_WORDS - 1] == sum(name, record)
}

fn sum(name: u64, record: &Record) -> u64 {
    let mut sum = Sum::default();
    sum.add(name);
    record[..RECORD_WORDS - 1].iter().for_each(|it| sum.add(*it));
    sum.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window() -> Window {
        let (number, land, due, planned) = (9, 5_000, 1 << 35, 77);
        Window { number, sound_box: 3, tape: 8, land, frames: 4_000, keep: 5, run_up: 12, due, planned, feedback: 0.25 }
    }

    #[test]
    fn every_record_comes_out_as_it_went_in() {
        assert_eq!(Window::unpack(&window().pack(4), 4), Ok(window()));
        let swap = Order::Swap {
            tape: 7,
            slot: 1,
            frames: 1_920,
            position: 3,
            sum: u64::MAX,
            recording: 9,
            band: [1, 1_920],
            due: 1 << 36,
            fade: 480_000,
        };
        let orders = [Order::Seek { tape: 2, position: 99 }, Order::Band { tape: 2, start: 5, end: 9_000 }, swap];
        orders.iter().for_each(|it| assert_eq!(Order::unpack(&it.pack(4), 4), Ok(*it)));
        let told = |left| Told { met: 7, delay: 8, keep: 9, left };
        for landing in [None, Some(told(None)), Some(told(Some(-5))), Some(told(Some(0)))] {
            let report = Report::Home { sound_box: 2, landing };
            assert_eq!(Report::unpack(&report.pack(4), 4), Ok(report));
        }
    }

    #[test]
    fn a_record_with_any_bit_flipped_is_torn() {
        let whole = window().pack(4);
        for at in 0..RECORD_WORDS * 64 {
            let mut record = whole;
            record[at / 64] ^= 1 << (at % 64);
            assert_eq!(Window::unpack(&record, 4), Err(Torn::Sum), "bit {at}");
        }
    }

    #[test]
    fn a_record_of_another_ring_kind_or_epoch_is_none() {
        let seek = Order::Seek { tape: 0, position: 0 }.pack(4);
        assert_eq!(Window::unpack(&seek, 4), Err(Torn::Sum));
        assert_eq!(Order::unpack(&seek, 5), Err(Torn::Epoch));
        assert_eq!(Order::unpack(&seal(ORDERS_NAME, &[4, 99]), 4), Err(Torn::Kind));
        assert_eq!(Window::unpack(&seal(WINDOWS_NAME, &[4, 2]), 4), Err(Torn::Kind));
        assert_eq!(Report::unpack(&seal(REPORTS_NAME, &[4, 2]), 4), Err(Torn::Kind));
        // Words that are all zero, as in new memory, are no record either.
        assert_eq!(Window::unpack(&[0; RECORD_WORDS], 0), Err(Torn::Sum));
    }
}
