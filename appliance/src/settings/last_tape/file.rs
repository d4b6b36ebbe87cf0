//! The file of the kept tape. It is this performance's own as the last state is, whose lock it shares. What is set aside has one name, so that
//! there are never more than three such files: this one, the one aside, and one that is being written.

use std::path::{Path, PathBuf};

use engine::latent::StereoFrame;

use super::{Changes, DIGEST_BYTES, ENTRY_BYTES, FRAME_BYTES, HEADER_BYTES, TapeOrigin, read, write};
use crate::files::{FileError, Place, Trouble, is_there, move_aside, read_regular, shown, sweep_parts};

/// The file's name in the state folder.
pub const FILE: &str = "last-tape";
/// What is not to be used is called so.
const ASIDE: &str = "last-tape.aside";

/// The file of a state folder, for a tape of this origin.
#[derive(Clone, Debug)]
pub struct TapeFile {
    path: PathBuf,
    origin: TapeOrigin,
}

/// What was found.
#[derive(Debug)]
pub enum Found {
    /// There is none.
    Nothing,
    /// The tape, as it was left.
    Sound(Vec<StereoFrame>),
    /// It is not to be believed, in words.
    Refused(String),
}

impl TapeFile {
    /// In this folder. What a process that was killed while it wrote has left is taken away.
    #[must_use]
    pub fn of(folder: &Path, origin: TapeOrigin) -> Self {
        let path = folder.join(FILE);
        sweep_parts(&path);
        Self { path, origin }
    }

    /// The same file for a tape of another origin.
    #[must_use]
    pub fn with_origin(self, origin: TapeOrigin) -> Self {
        Self { origin, ..self }
    }

    /// What its tape belongs to.
    #[must_use]
    pub const fn origin(&self) -> &TapeOrigin {
        &self.origin
    }

    /// Whether there is one, whatever it is.
    #[must_use]
    pub fn is_there(&self) -> bool {
        is_there(&self.path)
    }

    /// Reads the tape that began as this recording.
    #[must_use]
    pub fn found(&self, recording: &[StereoFrame]) -> Found {
        let blocks = self.origin.blocks.len();
        let most = HEADER_BYTES + DIGEST_BYTES + blocks * ENTRY_BYTES + self.origin.frames * FRAME_BYTES;
        let refused = |trouble: Trouble| Found::Refused(FileError::reading(&self.path)(trouble).to_string());
        match read_regular(&self.path, most as u64) {
            Err(Trouble::Missing) => Found::Nothing,
            Err(trouble) => refused(trouble),
            Ok(bytes) => match read(&self.origin, recording, &bytes) {
                Ok(tape) => Found::Sound(tape),
                Err(fault) => Found::Refused(format!("{}: {fault}", shown(&self.path))),
            },
        }
    }

    /// Writes the tape, in the place of the one before, which stays where this one cannot be whole on the disk.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, tape: &[StereoFrame], changes: &Changes) -> Result<(), FileError> {
        let mut part = Place::look(&self.path)?.begin()?;
        write(&self.origin, tape, changes, &mut part, |part| part.sync().map_err(|it| it.trouble.into()))
            .map_err(FileError::writing(&self.path))?;
        part.finish()
    }

    /// Gives the file another name, in the place of what was set aside before; answers in words what became of it, and nothing where there is
    /// none.
    #[must_use]
    pub fn set_aside(&self) -> Option<String> {
        if !self.is_there() {
            return None;
        }
        let to = self.path.with_file_name(ASIDE);
        Some(match move_aside(&self.path, &to) {
            Ok(()) => format!("it is kept as {}", shown(&to)),
            Err(error) => format!("it stays where it is ({error})"),
        })
    }
}
