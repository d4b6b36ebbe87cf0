//! The memory under its layout: every access goes through here, and is held against its length.
//!
//! Sizes are read from the header once and kept; what the other side writes there later moves nothing. A word outside reads
//! as 0 and takes nothing, which no call from these rooms ever sees.

use std::sync::Arc;
use std::sync::atomic::Ordering::{self, Relaxed, Release};

use super::layout::{
    HEADER_BOXES, HEADER_MAGIC, HEADER_TAPE_FRAMES, HEADER_VERSION, HEADER_WINDOW_FRAMES, HEADER_WORDS, LAYOUT_VERSION,
    Layout, MAGIC, Sizes,
};
use super::memory::{HeapMemory, Memory};
use super::ring::Words;
use crate::latent::StereoFrame;

/// Why memory is not an arena that can be used. It is not touched.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ArenaFault {
    /// Not ours, or never finished.
    #[error("the shared memory is not a player's")]
    Foreign,
    /// Of another version of this program.
    #[error("the shared memory is of layout {found}, this program knows layout {LAYOUT_VERSION}")]
    Version {
        /// The layout found.
        found: u64,
    },
    /// Its sizes do not fit it.
    #[error("the shared memory has {found} words of 8 bytes, its own header asks for {expected}")]
    Length {
        /// Words found.
        found: usize,
        /// Words that its sizes come to; 0 where they cannot be.
        expected: usize,
    },
}

/// The shared memory. Clones are the same memory.
#[derive(Clone, Debug)]
pub struct Arena {
    memory: Arc<dyn Memory>,
    layout: Layout,
    #[cfg(test)]
    life: Option<Arc<Life>>,
}

/// How many stores a writer has left until it is dead. Its later ones are never made.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Life {
    left: std::sync::atomic::AtomicU64,
}

impl Arena {
    /// Writes the header of a new arena into zeroed memory. The magic comes last: whoever finds it finds the rest.
    ///
    /// # Errors
    /// When the sizes cannot be, or the memory is of another length.
    pub fn create(memory: Arc<dyn Memory>, sizes: Sizes) -> Result<Self, ArenaFault> {
        let arena = Self::over(memory, sizes)?;
        let header = [
            (HEADER_VERSION, LAYOUT_VERSION),
            (HEADER_WORDS, sizes.words() as u64),
            (HEADER_BOXES, sizes.boxes as u64),
            (HEADER_WINDOW_FRAMES, sizes.window_frames as u64),
            (HEADER_TAPE_FRAMES, sizes.tape_frames as u64),
        ];
        header.into_iter().for_each(|(at, value)| arena.store(at, value, Relaxed));
        arena.store(super::DESK_GAIN, u64::from(1.0_f32.to_bits()), Relaxed);
        arena.store(HEADER_MAGIC, MAGIC, Release);
        Ok(arena)
    }

    /// A new arena in memory of this process alone: for tests, and wherever there is one process.
    ///
    /// # Panics
    /// When the sizes cannot be.
    #[must_use]
    pub fn on_heap(sizes: Sizes) -> Self {
        Self::create(Arc::new(HeapMemory::zeroed(sizes.words())), sizes).expect("of the right length")
    }

    /// Opens an arena that somebody else has made.
    ///
    /// # Errors
    /// See [`ArenaFault`].
    pub fn open(memory: Arc<dyn Memory>) -> Result<Self, ArenaFault> {
        let word = |at: usize| memory.words().get(at).map_or(0, |it| it.load(Ordering::Acquire));
        if word(HEADER_MAGIC) != MAGIC {
            return Err(ArenaFault::Foreign);
        }
        if word(HEADER_VERSION) != LAYOUT_VERSION {
            return Err(ArenaFault::Version { found: word(HEADER_VERSION) });
        }
        let size = |at: usize| usize::try_from(word(at)).unwrap_or(usize::MAX);
        let [boxes, window_frames, tape_frames] = [HEADER_BOXES, HEADER_WINDOW_FRAMES, HEADER_TAPE_FRAMES].map(size);
        Self::over(memory, Sizes { boxes, window_frames, tape_frames })
    }

    fn over(memory: Arc<dyn Memory>, sizes: Sizes) -> Result<Self, ArenaFault> {
        let (found, expected) = (memory.words().len(), if sizes.are_sound() { sizes.words() } else { 0 });
        if found != expected {
            return Err(ArenaFault::Length { found, expected });
        }
        Ok(Self {
            memory,
            layout: Layout { sizes },
            #[cfg(test)]
            life: None,
        })
    }

    /// How much it holds.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        self.layout.sizes
    }

    /// The memory itself, as whoever maps it sees it.
    #[must_use]
    pub fn memory(&self) -> &Arc<dyn Memory> {
        &self.memory
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// This arena for a writer that dies after `stores` stores: of those that follow none is made.
    #[cfg(test)]
    pub(crate) fn dying_after(&self, stores: u64) -> Self {
        Self { life: Some(Arc::new(Life { left: stores.into() })), ..self.clone() }
    }

    /// Whether a writer that is to die has died.
    #[cfg(test)]
    pub(crate) fn is_dead(&self) -> bool {
        self.life.as_ref().is_some_and(|it| it.left.load(Relaxed) == 0)
    }

    /// Copies the sound at word `at` out, as far as it is there; the rest is left as it is.
    pub(crate) fn read_sound(&self, at: usize, out: &mut [StereoFrame]) {
        let words = at.checked_add(out.len()).and_then(|end| self.memory.words().get(at..end)).unwrap_or_default();
        for (frame, word) in out.iter_mut().zip(words) {
            *frame = unpack(word.load(Relaxed));
        }
    }

    /// Copies sound in from word `at` on, as far as there is room.
    pub(crate) fn write_sound(&self, at: usize, sound: &[StereoFrame]) {
        #[cfg(test)]
        if self.life.is_some() {
            return sound.iter().enumerate().for_each(|(i, frame)| self.store(at + i, pack(*frame), Relaxed));
        }
        let words = at.checked_add(sound.len()).and_then(|end| self.memory.words().get(at..end)).unwrap_or_default();
        for (frame, word) in sound.iter().zip(words) {
            word.store(pack(*frame), Relaxed);
        }
    }

    /// Where box `at` begins and how many frames it has.
    pub(crate) fn sound_box(&self, at: usize) -> Option<(usize, usize)> {
        self.layout.sound_box(at).map(|it| (it, self.layout.sizes.window_frames))
    }

    /// Where slot `at` begins and how many frames it has.
    pub(crate) fn slot(&self, at: usize) -> Option<(usize, usize)> {
        self.layout.slot(at).map(|it| (it, self.layout.sizes.tape_frames))
    }
}

impl Words for Arena {
    fn load(&self, at: usize, order: Ordering) -> u64 {
        self.memory.words().get(at).map_or(0, |it| it.load(order))
    }

    fn store(&self, at: usize, value: u64, order: Ordering) {
        #[cfg(test)]
        if let Some(life) = &self.life {
            let spend = life.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
            if spend.is_err() {
                return;
            }
        }
        if let Some(word) = self.memory.words().get(at) {
            word.store(value, order);
        }
    }
}

fn pack(frame: StereoFrame) -> u64 {
    u64::from_le(bytemuck::cast(frame))
}

fn unpack(word: u64) -> StereoFrame {
    bytemuck::cast(word.to_le())
}

/// A running sum of words: for accidents, not against malice. One flipped bit, or two words in each other's place, change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sum(u64);

impl Default for Sum {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Sum {
    pub(crate) fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93);
        self.0 ^= self.0 >> 32;
    }

    pub(crate) fn value(self) -> u64 {
        self.0
    }

    pub(crate) fn of_words(words: &[u64]) -> u64 {
        let mut sum = Self::default();
        words.iter().for_each(|it| sum.add(*it));
        sum.value()
    }

    pub(crate) fn of_sound(sound: &[StereoFrame]) -> u64 {
        let mut sum = Self::default();
        sound.iter().for_each(|it| sum.add(pack(*it)));
        sum.value()
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::HeapMemory;
    use super::*;

    const SIZES: Sizes = Sizes { boxes: 2, window_frames: 64, tape_frames: 128 };

    fn made() -> Arc<HeapMemory> {
        let memory = Arc::new(HeapMemory::zeroed(SIZES.words()));
        Arena::create(memory.clone(), SIZES).expect("of the right length");
        memory
    }

    #[test]
    fn what_one_side_made_the_other_opens() {
        let arena = Arena::open(made()).expect("an arena");
        assert_eq!(arena.sizes(), SIZES);
    }

    #[test]
    fn memory_that_is_not_ours_of_another_layout_or_length_is_refused_by_name() {
        assert_eq!(Arena::open(Arc::new(HeapMemory::zeroed(9_999))).unwrap_err(), ArenaFault::Foreign);
        assert_eq!(Arena::open(Arc::new(HeapMemory::zeroed(0))).unwrap_err(), ArenaFault::Foreign);
        let with = |at: usize, value: u64| {
            let memory = made();
            memory.words()[at].store(value, Relaxed);
            Arena::open(memory).unwrap_err()
        };
        assert_eq!(with(HEADER_VERSION, 2), ArenaFault::Version { found: 2 });
        let found = SIZES.words();
        assert_eq!(with(HEADER_BOXES, 3), ArenaFault::Length { found, expected: found + 64 });
        assert_eq!(with(HEADER_BOXES, u64::MAX), ArenaFault::Length { found, expected: 0 });
        assert_eq!(with(HEADER_TAPE_FRAMES, 1 << 40), ArenaFault::Length { found, expected: 0 });
    }

    #[test]
    fn sizes_are_those_that_were_checked_whatever_the_other_side_writes_there_later() {
        let memory = made();
        let arena = Arena::open(memory.clone()).expect("an arena");
        let places = |arena: &Arena| (arena.sound_box(1), arena.sound_box(2), arena.slot(1), arena.slot(2));
        let before = places(&arena);
        for at in [HEADER_WORDS, HEADER_BOXES, HEADER_WINDOW_FRAMES, HEADER_TAPE_FRAMES] {
            memory.words()[at].store(16, Relaxed);
        }
        assert_eq!((arena.sizes(), places(&arena)), (SIZES, before));
        assert_eq!((before.1, before.3), (None, None));
    }

    #[test]
    fn outside_of_the_memory_there_is_nothing_to_read_and_nothing_is_written() {
        let arena = Arena::open(made()).expect("an arena");
        let end = SIZES.words();
        let mut out = [[7.0; 2]; 4];
        for at in [end, end - 3, usize::MAX, usize::MAX - 2] {
            arena.write_sound(at, &[[1.0; 2]; 4]);
            arena.read_sound(at, &mut out);
            arena.store(at.max(end), 5, Relaxed);
            assert_eq!((out, arena.load(at.max(end), Relaxed)), ([[7.0; 2]; 4], 0));
        }
        assert_eq!(arena.load(end - 1, Relaxed), 0);
    }

    #[test]
    fn a_sum_sees_a_flipped_bit_and_words_in_each_others_place() {
        let words = [1_u64, 2, 3, 0, 0];
        let sum = Sum::of_words(&words);
        for at in 0..words.len() * 64 {
            let mut other = words;
            other[at / 64] ^= 1 << (at % 64);
            assert_ne!(Sum::of_words(&other), sum, "bit {at}");
        }
        assert_ne!(Sum::of_words(&[2, 1, 3, 0, 0]), sum);
    }
}
