//! A FLAC file that grows: a recording at every moment, whose length is written at its end.

use std::path::Path;

use super::flac::{Encoder, head};
use crate::files::FileError;
use crate::files::volume::{Volume, sync_folder};

/// The file.
#[derive(Debug)]
pub struct Growing {
    volume: Volume,
    encoder: Encoder,
    bytes: u64,
}

impl Growing {
    /// Begins it.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn begin(path: &Path) -> Result<Self, FileError> {
        let head = head(0);
        let growing = Self { volume: Volume::make(path)?, encoder: Encoder::default(), bytes: head.len() as u64 };
        growing.volume.write_at(0, &head).map_err(FileError::writing(path))?;
        Ok(growing)
    }

    /// Its name.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.volume.path()
    }

    /// Stereo samples so far.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.encoder.frames()
    }

    /// Adds samples, left and right in turn.
    ///
    /// # Errors
    /// [`FileError`]; what was written before is a recording.
    pub fn push(&mut self, words: &[i32]) -> Result<(), FileError> {
        let blocks = self.encoder.push(words);
        self.write(&blocks)
    }

    /// Adds what is no whole block; nothing is pushed behind it.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(&mut self) -> Result<(), FileError> {
        let blocks = self.encoder.finish();
        self.write(&blocks)?;
        self.volume.write_at(0, &head(self.frames())).map_err(FileError::writing(self.path()))?;
        self.sync()
    }

    /// Waits until file and name are on the disk.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn sync(&self) -> Result<(), FileError> {
        self.volume.sync().map_err(FileError::writing(self.path()))?;
        sync_folder(self.path())
    }

    fn write(&mut self, blocks: &[u8]) -> Result<(), FileError> {
        self.volume.write_at(self.bytes, blocks).map_err(FileError::writing(self.volume.path()))?;
        self.bytes += blocks.len() as u64;
        Ok(())
    }
}
