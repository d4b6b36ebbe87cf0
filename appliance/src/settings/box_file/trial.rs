//! A box's file that does not start the box twice in a row is passed over for the one before.
//!
//! In the state folder lies a copy of the last file with which a start went well. A file that is another is on trial: the starts with it are
//! counted by its digest before anything else is done with it, and the count goes when a start went well. At the third start that would be
//! with a file that was counted twice, the copy is taken in its place, or nothing where there is none. The file itself is not touched: it is
//! tried again as soon as it is changed. A start that a hand broke off counts for nothing.

use std::path::{Path, PathBuf};

use super::{BOX_FILE, BoxConfig, LARGEST_BYTES};
use crate::files::document::lines;
use crate::files::{FileError, Trouble, read_text, shown, write_whole};

/// The copy, in the state folder.
pub const GOOD: &str = "box-file.good.toml";
/// The digest of a file on trial and how many starts with it there were, in the state folder.
pub const TRIED: &str = "box-file.tried";
/// Starts that did not go well, after which a file is passed over.
const MOST: u32 = 2;
/// Greatest file of a count in bytes.
const COUNT_BYTES: u64 = 256;

/// A start with a box's file.
#[derive(Clone, Debug)]
pub struct Trial {
    state: PathBuf,
    /// The file's text, where it is on trial.
    text: Option<String>,
    /// Starts with it that were counted before this one.
    before: u32,
}

impl BoxConfig {
    /// As [`BoxConfig::open`], for a start that is counted in the state folder `state`; a file that did not start the box twice is passed
    /// over. With the configuration, what is to be told.
    ///
    /// # Errors
    /// When a file that was named cannot be read.
    pub fn open_on_trial(named: Option<&Path>, state: &Path) -> Result<(Self, Vec<String>, Trial), FileError> {
        let path = named.map_or_else(|| PathBuf::from(BOX_FILE), Path::to_owned);
        // What cannot be read is told by the reading below.
        let Ok(text) = read_text(&path, LARGEST_BYTES).map(|it| it.text) else {
            let (config, told) = Self::open(named)?;
            return Ok((config, told, Trial::of_nothing(state)));
        };
        let good = read_text(&state.join(GOOD), LARGEST_BYTES).map(|it| it.text);
        let trial = Trial::begin(state, text, good.as_ref().ok());
        if trial.is_over() {
            let (config, told) = Self::before(&path, state, good);
            return Ok((config, told, Trial::of_nothing(state)));
        }
        let (config, told) = Self::open(named)?;
        Ok((config, told, trial))
    }

    /// The configuration before a file that is passed over, and what is to be told of it.
    fn before(path: &Path, state: &Path, good: Result<String, Trouble>) -> (Self, Vec<String>) {
        let Ok(good) = good else {
            let words = format!(
                "{}: the box did not start with it twice; starting without it until it is changed",
                shown(path)
            );
            return (Self::default(), vec![words]);
        };
        let (mut config, faults) = Self::parse(&good);
        // It stood where the other stands now.
        config.play.beside(path.parent().unwrap_or(Path::new("")));
        let copy = state.join(GOOD);
        let words = format!(
            "{}: the box did not start with it twice; starting with the one before ({}) until it is changed",
            shown(path),
            shown(&copy)
        );
        let told = (!faults.is_empty()).then(|| lines(&copy, &faults));
        (config, std::iter::once(words).chain(told).collect())
    }
}

impl Trial {
    /// Of no file, or of one that is not tried.
    #[must_use]
    pub fn of_nothing(state: &Path) -> Self {
        Self { state: state.to_owned(), text: None, before: 0 }
    }

    /// Counts a start with a file of this text, unless a start with it went well before. Where nothing can be written nothing is counted.
    fn begin(state: &Path, text: String, good: Option<&String>) -> Self {
        if good == Some(&text) {
            return Self::of_nothing(state);
        }
        let before = counted(state, &digest(&text));
        let trial = Self { state: state.to_owned(), text: Some(text), before };
        if !trial.is_over() {
            trial.count(before + 1);
        }
        trial
    }

    /// Whether the file did not start the box often enough.
    fn is_over(&self) -> bool {
        self.text.is_some() && MOST <= self.before
    }

    /// Whether there is a file on trial.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.text.is_some()
    }

    fn count(&self, starts: u32) {
        let Some(text) = &self.text else { return };
        let path = self.state.join(TRIED);
        // A folder that cannot be made or written is told by everybody else who writes there.
        let _ = std::fs::create_dir_all(&self.state);
        let _ = match starts {
            0 => std::fs::remove_file(path).map_err(drop),
            starts => write_whole(&path, format!("{} {starts}\n", digest(text)).as_bytes()).map_err(drop),
        };
    }

    /// The start went well: the file is the one that the next is held against. Waits for the disk.
    pub fn went_well(self) {
        if let Some(text) = &self.text {
            // The copy first: were the power lost between, the file would only be tried again.
            let _ = write_whole(&self.state.join(GOOD), text.as_bytes());
            self.count(0);
        }
    }

    /// A hand broke the start off, and it says nothing about the file.
    pub fn broken_off(self) {
        self.count(self.before);
    }
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// How many starts with a file of this digest were counted.
fn counted(state: &Path, digest: &str) -> u32 {
    let told = read_text(&state.join(TRIED), COUNT_BYTES).map(|it| it.text).unwrap_or_default();
    told.trim().split_once(' ').filter(|it| it.0 == digest).and_then(|it| it.1.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{BoxConfig, GOOD, TRIED, Trial};

    const FIRST: &str = "[midi]\nfollow = false\n[play]\npatch = \"a.toml\"\n";
    const SECOND: &str = "[midi]\nfollow = false\nprogram_channel = 3\n";

    /// A folder with a box's file, and a state folder in it that is not there yet.
    fn stage() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, state) = (folder.path().join("demon.toml"), folder.path().join("state"));
        (folder, file, state)
    }

    fn start(file: &Path, state: &Path) -> (BoxConfig, Vec<String>, Trial) {
        BoxConfig::open_on_trial(Some(file), state).expect("it is there")
    }

    #[test]
    fn a_file_that_does_not_start_the_box_twice_is_passed_over_for_the_one_before() {
        let (folder, file, state) = stage();
        std::fs::write(&file, FIRST).expect("a disk");
        let (config, told, trial) = start(&file, &state);
        assert!(!config.follow && told.is_empty());
        trial.went_well();
        assert!(state.join(GOOD).exists() && !state.join(TRIED).exists());

        std::fs::write(&file, SECOND).expect("a disk");
        for _ in 0..2 {
            let (config, told, _crashes) = start(&file, &state);
            assert_eq!((config.program_channel, told), (Some(3), Vec::new()));
        }
        for _ in 0..2 {
            let (config, told, trial) = start(&file, &state);
            assert_eq!((config.follow, config.program_channel), (false, None), "the one before");
            assert_eq!(config.play.patch, Some(folder.path().join("a.toml")), "beside where it stood");
            let [words] = &told[..] else { panic!("{told:?}") };
            assert!(words.contains("did not start with it twice") && words.contains(GOOD), "{words}");
            // That the one before starts the box says nothing for the file.
            trial.went_well();
        }
        std::fs::write(&file, format!("{SECOND}# mended\n")).expect("a disk");
        let (config, told, trial) = start(&file, &state);
        assert_eq!((config.program_channel, told), (Some(3), Vec::new()), "it is tried again when it is changed");
        trial.went_well();
        assert_eq!(std::fs::read_to_string(state.join(GOOD)).expect("a copy"), format!("{SECOND}# mended\n"));
    }

    #[test]
    fn without_one_before_the_box_starts_as_without_a_file() {
        let (_folder, file, state) = stage();
        std::fs::write(&file, FIRST).expect("a disk");
        (0..2).for_each(|_| drop(start(&file, &state)));
        let (config, told, _) = start(&file, &state);
        assert_eq!(config, BoxConfig::default());
        assert!(told[0].contains("did not start with it twice; starting without it"), "{told:?}");
    }

    #[test]
    fn a_start_between_that_went_well_or_was_broken_off_by_a_hand_counts_for_nothing() {
        let (_folder, file, state) = stage();
        std::fs::write(&file, FIRST).expect("a disk");
        drop(start(&file, &state));
        for _ in 0..5 {
            let (config, told, trial) = start(&file, &state);
            assert!(!config.follow && told.is_empty(), "{told:?}");
            trial.broken_off();
        }
        start(&file, &state).2.went_well();
        for _ in 0..5 {
            let (config, told, _crashes) = start(&file, &state);
            assert!(!config.follow && told.is_empty(), "a file that has started the box is not at fault: {told:?}");
        }
    }

    #[test]
    fn where_nothing_can_be_written_nothing_is_counted_and_the_file_holds() {
        let (_folder, file, state) = stage();
        std::fs::write(&file, FIRST).expect("a disk");
        std::fs::write(&state, "a file").expect("a disk");
        for _ in 0..4 {
            let (config, told, trial) = start(&file, &state);
            assert!(!config.follow && told.is_empty(), "{told:?}");
            trial.went_well();
        }
    }
}
