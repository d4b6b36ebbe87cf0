//! What a save replaced, so that nothing is ever written over without a way back.
//!
//! A save has a number, and two files in the folder `saves` of the state folder: what stood there before it (`12.before.toml`, missing where
//! nothing did) and what it wrote (`12.after.toml`), byte for byte. Both are on the disk before the patch is touched. Taking a save back and
//! doing it again change the patch's file to the one or the other; what a person wrote there meanwhile takes the place of the copy first, so
//! that it comes back as well. The oldest copies go.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::{FileError, Place, Trouble, is_there, move_aside, read_regular, write_whole};

/// The folder's name in the state folder.
const FOLDER: &str = "saves";
/// Saves of which copies are kept: twice as many as undo knows strokes.
const MOST: u32 = 128;
/// Greatest file that is saved over, in bytes: what is larger is no patch of ours.
const LARGEST_BYTES: u64 = 1 << 20;

/// The copies of what saves replaced.
#[derive(Clone, Debug)]
pub struct Saves(PathBuf);

/// Which of its two sides a save's file is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What stood there before it.
    Before,
    /// What it wrote.
    After,
}

impl Side {
    const fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Before => Self::After,
            Self::After => Self::Before,
        }
    }
}

impl Saves {
    /// The copies of a state folder.
    #[must_use]
    pub fn of(state: &Path) -> Self {
        Self(state.join(FOLDER))
    }

    fn copy(&self, save: u32, side: Side) -> PathBuf {
        self.0.join(format!("{save}.{}.toml", side.word()))
    }

    /// The number of the newest save; 0 where there is none.
    #[must_use]
    pub fn newest(&self) -> u32 {
        let number = |it: fs::DirEntry| it.file_name().to_string_lossy().split('.').next()?.parse().ok();
        fs::read_dir(&self.0).into_iter().flatten().flatten().filter_map(number).max().unwrap_or(0)
    }

    /// Writes a file, after what it replaces was kept; answers the number of the save. The newest one was `newest`.
    ///
    /// # Errors
    /// [`FileError`]; the file is then as it was.
    pub fn save(&self, file: &Path, text: &[u8], newest: u32) -> Result<u32, FileError> {
        let place = Place::look(file)?;
        self.save_as(newest.max(self.newest()) + 1, file, text, |text| place.write(text))
    }

    /// As [`Self::save`], where nothing stands yet.
    ///
    /// # Errors
    /// [`FileError`]; of kind [`std::io::ErrorKind::AlreadyExists`] where something does.
    pub fn save_new(&self, file: &Path, text: &[u8], newest: u32) -> Result<u32, FileError> {
        let place = Place::look(file)?;
        if place.is_taken() {
            return Err(FileError::writing(file)(std::io::Error::from(std::io::ErrorKind::AlreadyExists)));
        }
        self.save_as(newest.max(self.newest()) + 1, file, text, |text| {
            let mut part = place.begin()?;
            std::io::Write::write_all(&mut part, text).map_err(FileError::writing(file))?;
            part.finish_new()
        })
    }

    fn save_as(
        &self,
        save: u32,
        file: &Path,
        text: &[u8],
        write: impl FnOnce(&[u8]) -> Result<(), FileError>,
    ) -> Result<u32, FileError> {
        self.keep(save, Side::Before, stands(file)?.as_deref())?;
        self.keep(save, Side::After, Some(text))?;
        write(text)?;
        self.forget(save.saturating_sub(MOST));
        Ok(save)
    }

    /// Gives a file what the side of a save has; answers what it has now, nothing where it is gone.
    ///
    /// # Errors
    /// [`FileError`]; the file is then as it was, and so is what was kept of it.
    pub fn turn_to(&self, side: Side, save: u32, file: &Path) -> Result<Option<Vec<u8>>, FileError> {
        // Without what it wrote there is no such save.
        let after = self.copy(save, Side::After);
        if !is_there(&after) {
            return Err(FileError::reading(&after)(Trouble::Missing));
        }
        let (stands, wanted) = (stands(file)?, self::stands(&self.copy(save, side))?);
        if stands != wanted {
            // What is gone already has nothing to keep, and its copy stays.
            stands.map_or(Ok(()), |it| self.keep(save, side.other(), Some(&it)))?;
            match &wanted {
                Some(text) => write_whole(file, text)?,
                // Its text is kept: that it has another name now is the way back.
                None => move_aside_or_away(file, &after)?,
            }
        }
        Ok(wanted)
    }

    /// Keeps a side of a save; nothing where nothing stood there.
    fn keep(&self, save: u32, side: Side, text: Option<&[u8]>) -> Result<(), FileError> {
        let copy = self.copy(save, side);
        match text {
            Some(text) => {
                // A folder that cannot be made is told by what cannot be written in it.
                let _ = fs::create_dir_all(&self.0);
                write_whole(&copy, text)
            }
            None => match fs::remove_file(&copy) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(FileError::writing(&copy)(error)),
                _ => Ok(()),
            },
        }
    }

    /// Takes the copies of a save and of those before it away.
    fn forget(&self, save: u32) {
        let old = |it: &fs::DirEntry| {
            let number = it.file_name().to_string_lossy().split('.').next().and_then(|it| it.parse::<u32>().ok());
            number.is_some_and(|it| it <= save)
        };
        for copy in fs::read_dir(&self.0).into_iter().flatten().flatten().filter(old) {
            let _ = fs::remove_file(copy.path());
        }
    }
}

/// Takes a file away, into a copy of the same text, or where that is on another disk for good.
fn move_aside_or_away(file: &Path, copy: &Path) -> Result<(), FileError> {
    move_aside(file, copy).or_else(|_| fs::remove_file(file).map_err(FileError::writing(file)))
}

/// What a file holds, byte for byte; nothing where there is none.
fn stands(file: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match read_regular(file, LARGEST_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Trouble::Missing) => Ok(None),
        Err(trouble) => Err(FileError::reading(file)(trouble)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{MOST, Saves, Side};

    fn folder() -> (tempfile::TempDir, Saves, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let (saves, file) = (Saves::of(&folder.path().join("state")), folder.path().join("a.toml"));
        (folder, saves, file)
    }

    fn text(file: &Path) -> Option<String> {
        fs::read(file).ok().map(|it| String::from_utf8_lossy(&it).into_owned())
    }

    #[test]
    fn a_save_is_taken_back_and_done_again_to_the_byte_also_what_is_no_text() {
        let (_folder, saves, file) = folder();
        fs::write(&file, [0xff, 0x00, b'x']).expect("a disk");
        assert_eq!(saves.save(&file, b"one", 0).expect("a disk"), 1);
        assert_eq!(saves.save(&file, b"two", 1).expect("a disk"), 2);
        assert_eq!((text(&file).as_deref(), saves.newest()), (Some("two"), 2));
        for (side, save, stands) in [
            (Side::Before, 2, &b"one"[..]),
            (Side::Before, 1, &[0xff, 0x00, b'x']),
            (Side::After, 1, b"one"),
            (Side::After, 2, b"two"),
        ] {
            assert_eq!(saves.turn_to(side, save, &file).expect("a disk").as_deref(), Some(stands));
            assert_eq!(fs::read(&file).expect("it is there"), stands);
        }
    }

    #[test]
    fn a_patch_that_was_saved_as_new_goes_and_comes_and_takes_no_others_place() {
        let (_folder, saves, file) = folder();
        assert_eq!(saves.save_new(&file, b"new", 0).expect("a disk"), 1);
        assert!(saves.save_new(&file, b"other", 1).is_err() && text(&file).as_deref() == Some("new"));
        assert_eq!(saves.turn_to(Side::Before, 1, &file).expect("a disk"), None);
        assert!(!file.exists());
        assert_eq!(saves.turn_to(Side::After, 1, &file).expect("a disk").as_deref(), Some(&b"new"[..]));
        assert_eq!(text(&file).as_deref(), Some("new"));
    }

    #[test]
    fn what_a_person_wrote_meanwhile_comes_back_too() {
        let (_folder, saves, file) = folder();
        fs::write(&file, "old").expect("a disk");
        saves.save(&file, b"new", 0).expect("a disk");
        fs::write(&file, "by hand").expect("a disk");
        saves.turn_to(Side::Before, 1, &file).expect("a disk");
        assert_eq!(text(&file).as_deref(), Some("old"));
        saves.turn_to(Side::After, 1, &file).expect("a disk");
        assert_eq!(text(&file).as_deref(), Some("by hand"));
    }

    #[test]
    fn what_cannot_be_kept_is_not_replaced() {
        let (folder, saves, file) = folder();
        fs::write(&file, "old").expect("a disk");
        // A file in the place of the folder: the same as a disk that takes nothing, for root too.
        fs::write(folder.path().join("state"), "").expect("a disk");
        let error = saves.save(&file, b"new", 0).expect_err("it cannot be kept").to_string();
        assert!(error.contains("cannot be written") && text(&file).as_deref() == Some("old"), "{error}");
        let error = saves.turn_to(Side::Before, 1, &file).expect_err("there is no such save").to_string();
        assert!(text(&file).as_deref() == Some("old"), "{error}");
    }

    #[test]
    fn the_oldest_copies_go_and_a_patch_under_a_link_is_saved_where_it_leads() {
        let (folder, saves, file) = folder();
        let link = folder.path().join("link.toml");
        fs::write(&file, "0").expect("a disk");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        for save in 1..=MOST + 2 {
            assert_eq!(saves.save(&link, save.to_string().as_bytes(), save - 1).expect("a disk"), save);
        }
        let copies = fs::read_dir(folder.path().join("state/saves")).expect("the folder").count();
        assert_eq!((copies, text(&file)), (2 * MOST as usize, Some((MOST + 2).to_string())));
        assert!(link.is_symlink());
    }
}
