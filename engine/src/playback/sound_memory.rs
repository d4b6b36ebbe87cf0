//! Memory for sound that the audio thread walks through, a lap at a time.
//!
//! A tape is read and written at three places at once, each of which was not looked at for a lap. In pages of 4 kB every few hundred
//! frames begin with a search for the page, in a virtual machine with two; in pages of 2 MB that happens once in five seconds of
//! sound. So it is asked for in large pages, which the system gives where it can, and is touched here and not on the audio thread.
//! Measured by `benches/boundary.rs`.

use std::ops::{Deref, DerefMut};

use memmap2::{Advice, MmapMut};

use crate::latent::StereoFrame;

/// A large page of the processors that Linux runs on.
const LARGE_PAGE_BYTES: usize = 2 << 20;

/// A fixed number of stereo samples on pages of their own, all of them touched.
#[derive(Debug, Default)]
pub(super) struct SoundMemory {
    /// None: no samples.
    map: Option<MmapMut>,
    bytes: usize,
}

impl SoundMemory {
    /// Silence.
    ///
    /// # Errors
    /// When the system has no memory.
    pub(super) fn silent(frames: usize) -> std::io::Result<Self> {
        let mut memory = Self::untouched(frames)?;
        memory.fill([0.0; 2]);
        Ok(memory)
    }

    /// The same samples.
    ///
    /// # Errors
    /// When the system has no memory.
    pub(super) fn copy_of(sound: &[StereoFrame]) -> std::io::Result<Self> {
        let mut memory = Self::untouched(sound.len())?;
        memory.copy_from_slice(sound);
        Ok(memory)
    }

    fn untouched(frames: usize) -> std::io::Result<Self> {
        let bytes = frames * size_of::<StereoFrame>();
        if bytes == 0 {
            return Ok(Self::default());
        }
        // Only whole large pages are laid where large pages may begin. Short sounds are not worth one.
        let is_long = LARGE_PAGE_BYTES / 2 <= bytes;
        let map = MmapMut::map_anon(if is_long { bytes.next_multiple_of(LARGE_PAGE_BYTES) } else { bytes })?;
        if is_long {
            // Where the system has none, small ones do.
            let _ = map.advise(Advice::HugePage);
        }
        Ok(Self { map: Some(map), bytes })
    }
}

impl Deref for SoundMemory {
    type Target = [StereoFrame];

    fn deref(&self) -> &[StereoFrame] {
        self.map.as_ref().map_or(&[], |map| bytemuck::cast_slice(&map[..self.bytes]))
    }
}

impl DerefMut for SoundMemory {
    fn deref_mut(&mut self) -> &mut [StereoFrame] {
        self.map.as_mut().map_or(&mut [], |map| bytemuck::cast_slice_mut(&mut map[..self.bytes]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_put_there_at_every_length() {
        for frames in [0, 1, 1920, LARGE_PAGE_BYTES / 16 - 1, LARGE_PAGE_BYTES / 16, LARGE_PAGE_BYTES / 8 + 1] {
            let sound: Vec<StereoFrame> = (0..frames).map(|i| [i as f32, -1.0]).collect();
            let mut memory = SoundMemory::copy_of(&sound).expect("memory");
            assert_eq!(&memory[..], sound);
            memory.iter_mut().for_each(|frame| frame[1] = 2.0);
            assert!(memory.iter().zip(&sound).all(|(is, was)| *is == [was[0], 2.0]));
            assert_eq!(&SoundMemory::silent(frames).expect("memory")[..], vec![[0.0; 2]; frames]);
        }
    }

    #[test]
    fn a_long_one_is_whole_large_pages() {
        let memory = SoundMemory::silent(LARGE_PAGE_BYTES / 8 - 5).expect("memory");
        let map = memory.map.as_ref().expect("it is not empty");
        assert_eq!(map.len(), LARGE_PAGE_BYTES);
    }

    #[test]
    fn what_no_system_has_is_an_error_and_no_end() {
        assert!(SoundMemory::untouched(usize::MAX / 64).is_err());
    }
}
