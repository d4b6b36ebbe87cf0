//! Where everything lies in the memory, in words of 8 bytes.
//!
//! The front part is the same whatever the sizes. Behind it lie the boxes for windows, the slice that can be taken back, the tee,
//! and two slots for tapes: the one that plays as it stands, and a spare one for the next. Room is reserved for what is to
//! come (capture of a line input, a cue pair, what the device delays), so that it does not need another version: a word there
//! is 0 until somebody knows better.

/// Number of this layout. Another number is another layout: nothing of it is read.
pub const LAYOUT_VERSION: u64 = 1;
/// `DEMONBOX`, as its bytes lie in memory.
pub(super) const MAGIC: u64 = u64::from_le_bytes(*b"DEMONBOX");

/// Words of one record, the last of which is its checksum.
pub(super) const RECORD_WORDS: usize = 16;

pub(super) const HEADER_MAGIC: usize = 0;
pub(super) const HEADER_VERSION: usize = 1;
pub(super) const HEADER_WORDS: usize = 2;
pub(super) const HEADER_BOXES: usize = 3;
pub(super) const HEADER_WINDOW_FRAMES: usize = 4;
pub(super) const HEADER_TAPE_FRAMES: usize = 5;
/// Reserved: place and length of capture (16, 17), of the cue pair (18, 19), and of what is not yet thought of, up to 63.
const HEADER_END: usize = 64;

/// The word of the linear gain, as the bits of an `f32`. Reserved behind the next word up to 95: the cue pair's gain, the device's delay.
pub const DESK_GAIN: usize = HEADER_END;
/// The word that says whether it is muted; 0 is not.
pub const DESK_MUTED: usize = HEADER_END + 1;
/// Counters and levels of the player; as many words as `playback::Meters` has fields, and more for those to come.
pub(crate) const METERS: usize = 96;
pub(crate) const METERS_WORDS: usize = 32;
/// Which of two records says how the tape stands, and those records.
pub(super) const STANDING_CHOICE: usize = 128;
pub(super) const STANDING: [usize; 2] = [144, 160];
/// The slice that is being written to the standing tape: its slot and 1 (0: none), place and frames.
pub(super) const NOTE_VALID: usize = 176;
pub(super) const NOTE_PLACE: usize = 177;
pub(super) const NOTE_FRAMES: usize = 178;
/// One more than the place up to which a window is written that is not whole yet; 0 when none is.
pub(super) const EDGE: usize = 184;
/// Counts of frames in the tee and of entries in the trace.
pub(super) const TEE_HEAD: usize = 192;
pub(super) const TRACE_HEAD: usize = 200;

/// Heads and tails lie on cache lines of their own: each has another writer.
pub(crate) const WINDOWS: RingPlace = RingPlace { head: 256, tail: 264, records: 512, capacity: 16 };
pub(crate) const ORDERS: RingPlace = RingPlace { head: 272, tail: 280, records: 768, capacity: 64 };
pub(crate) const REPORTS: RingPlace = RingPlace { head: 288, tail: 296, records: 1792, capacity: 64 };

/// Entries of the trace, 8 words each: a minute of ten windows a second and more.
pub(super) const TRACE: usize = 2816;
pub(super) const TRACE_ENTRIES: usize = 1024;
pub(super) const TRACE_WORDS: usize = 8;
/// Frames of the tee: 5.5 s, so that who reads it may be late.
pub(super) const TEE_FRAMES: usize = 1 << 18;
/// Frames of a slice at most: what a step of 1024 frames may write.
pub(super) const NOTE_FRAMES_MOST: usize = 1 << 16;
/// The front part, rounded up to whole pages.
const FRONT: usize = 11_264;

/// Where a ring lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RingPlace {
    pub(crate) head: usize,
    pub(crate) tail: usize,
    pub(crate) records: usize,
    /// A power of two.
    pub(crate) capacity: u64,
}

/// How much the memory holds; fixed for its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Boxes for windows, 1 to 16.
    pub boxes: usize,
    /// The longest window, in stereo samples; at most 480 000, ten seconds.
    pub window_frames: usize,
    /// The longest tape, in stereo samples.
    pub tape_frames: usize,
}

impl Sizes {
    const BOXES_MOST: usize = 16;
    const WINDOW_FRAMES_MOST: usize = 480_000;
    const TAPE_FRAMES_MOST: usize = 1 << 28;

    /// Whether memory of these sizes can be.
    #[must_use]
    pub fn are_sound(&self) -> bool {
        (1..=Self::BOXES_MOST).contains(&self.boxes)
            && (1..=Self::WINDOW_FRAMES_MOST).contains(&self.window_frames)
            && (1..=Self::TAPE_FRAMES_MOST).contains(&self.tape_frames)
    }

    /// Words of 8 bytes that memory of these sizes has.
    #[must_use]
    pub fn words(&self) -> usize {
        Layout { sizes: *self }.end()
    }
}

/// The places that follow from the sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) sizes: Sizes,
}

impl Layout {
    /// Where a box begins; `None` when there is no such box.
    pub(super) fn sound_box(&self, at: usize) -> Option<usize> {
        (at < self.sizes.boxes).then(|| FRONT + at * self.sizes.window_frames)
    }

    pub(super) fn note(&self) -> usize {
        FRONT + self.sizes.boxes * self.sizes.window_frames
    }

    pub(super) fn tee(&self) -> usize {
        self.note() + NOTE_FRAMES_MOST
    }

    /// Where a tape's slot begins; `None` when there is no such slot.
    pub(super) fn slot(&self, at: usize) -> Option<usize> {
        (at < 2).then(|| self.tee() + TEE_FRAMES + at * self.sizes.tape_frames)
    }

    fn end(&self) -> usize {
        self.tee() + TEE_FRAMES + 2 * self.sizes.tape_frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_the_front_lies_on_another() {
        let ring = |it: RingPlace| (it.records, it.records + it.capacity as usize * RECORD_WORDS);
        let mut parts = vec![(0, HEADER_END), (DESK_GAIN, METERS), (METERS, METERS + METERS_WORDS)];
        parts.extend([(STANDING_CHOICE, STANDING[0]), (STANDING[0], STANDING[1]), (STANDING[1], NOTE_VALID)]);
        parts.extend([(NOTE_VALID, EDGE), (EDGE, TEE_HEAD), (TEE_HEAD, TRACE_HEAD), (TRACE_HEAD, WINDOWS.head)]);
        parts.extend([WINDOWS, ORDERS, REPORTS].iter().flat_map(|it| [(it.head, it.head + 8), (it.tail, it.tail + 8)]));
        parts.extend([WINDOWS, ORDERS, REPORTS].map(ring));
        parts.push((TRACE, TRACE + TRACE_ENTRIES * TRACE_WORDS));
        parts.push((FRONT, FRONT + 1));
        assert!(parts.windows(2).all(|it| it[0].1 <= it[1].0), "{parts:?}");
    }

    #[test]
    fn there_is_no_third_slot_and_no_box_beyond_the_last() {
        let layout = Layout { sizes: Sizes { boxes: 3, window_frames: 100, tape_frames: 1_000 } };
        assert_eq!((layout.sound_box(2), layout.sound_box(3)), (Some(FRONT + 200), None));
        assert_eq!((layout.slot(1).map(|it| it + 1_000), layout.slot(2)), (Some(layout.end()), None));
    }

    #[test]
    fn sizes_that_cannot_be_are_not_sound() {
        let sizes = |boxes, window_frames, tape_frames| Sizes { boxes, window_frames, tape_frames }.are_sound();
        assert!(sizes(16, 480_000, 1 << 28));
        assert!(![sizes(0, 1, 1), sizes(17, 1, 1), sizes(1, 480_001, 1), sizes(1, 1, (1 << 28) + 1)].contains(&true));
    }
}
