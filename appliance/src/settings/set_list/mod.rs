//! The patches of a performance, in order: a program change or a foot switch goes from one to another.
//!
//! A patch of the list brings its values, scenes, curves and map at once, and its words a moment later; one with another recording is
//! prepared beside the music and comes whole. A patch that cannot be played keeps its place and its number, and is passed over:
//! what plays, plays on.
//!
//! A number is a patch's own: the one that its file's name begins with, from 1 (`07_bridge.toml` is 7, whatever lies beside
//! it). Files whose names begin with none follow after the highest, by name. Where two names begin with one number, the first
//! by name has it; the other gets the next that is free, and that is said, as of a number that a program change cannot send.

mod kept;
mod listed;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::files::document::is_text_of_ours;
use crate::files::{FileError, Kind, Remark, Trouble, shown};
use crate::settings::library::Library;
pub use kept::KeptFile;
pub use listed::{Listed, Scenes};

/// The highest number that a program change sends; 0 is the patch of the start.
const HIGHEST: usize = 127;

/// The list, and where in it the player is.
#[derive(Clone, Debug, Default)]
pub struct SetList {
    /// By number: a patch, or the name of what cannot be played.
    patches: BTreeMap<usize, Result<Listed, String>>,
    /// Patches that were saved as new and taken back: redo brings them again.
    taken_back: BTreeMap<usize, Listed>,
    at: usize,
    revision: u64,
    /// The folder whose patches these are.
    folder: Option<PathBuf>,
    library: Library,
}

impl SetList {
    /// The patch that was started with, and after it those of a folder; with what is wrong with them.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn open(first: Listed, folder: Option<&Path>) -> Result<(Self, Vec<Remark>), FileError> {
        let (list, faults) = Self::of_folder(folder)?;
        Ok((list.starting_with(first), faults))
    }

    /// The patches of a folder, before it is known which one is started with.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn of_folder(folder: Option<&Path>) -> Result<(Self, Vec<Remark>), FileError> {
        Self::of_folder_in(folder, Library::default())
    }

    /// As [`Self::of_folder`], where patches name what lies in a library too.
    ///
    /// # Errors
    /// As [`Self::of_folder`].
    pub fn of_folder_in(folder: Option<&Path>, library: Library) -> Result<(Self, Vec<Remark>), FileError> {
        let (mut patches, mut faults) = (BTreeMap::new(), Vec::new());
        let files = folder.map(files_of).transpose()?.unwrap_or_default();
        for (number, path) in numbered(files, &mut faults) {
            let name = name_of(&path);
            let listed = match library.load_patch(&path) {
                Ok(read) => {
                    faults.extend(read.told.into_iter().chain(read.refused).map(|it| Remark::of(&path, it)));
                    if read.is_newer { Err(name) } else { Ok(Listed::new(name, read.patch, Some(path))) }
                }
                Err(error) => {
                    faults.push(Remark::of(&path, error.to_string()));
                    Err(name)
                }
            };
            patches.insert(number, listed);
        }
        Ok((Self { patches, folder: folder.map(Path::to_owned), library, ..Self::default() }, faults))
    }

    /// The list with its beginning.
    #[must_use]
    pub fn starting_with(mut self, first: Listed) -> Self {
        self.patches.insert(0, Ok(first));
        self
    }

    /// The patch that is played.
    #[must_use]
    pub fn playing(&self) -> Option<&Listed> {
        self.patches.get(&self.at)?.as_ref().ok()
    }

    /// The patch that was started with.
    #[must_use]
    pub fn started(&self) -> Option<&Listed> {
        self.patches.get(&0)?.as_ref().ok()
    }

    /// The folder whose patches these are.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Another library than its patches name, for who checks what becomes of it.
    #[cfg(test)]
    pub fn set_library(&mut self, library: Library) {
        self.library = library;
    }

    /// The library that its patches name.
    #[must_use]
    pub const fn library(&self) -> &Library {
        &self.library
    }

    /// The patch of a number.
    #[must_use]
    pub fn listed(&self, place: usize) -> Option<&Listed> {
        self.patches.get(&place)?.as_ref().ok()
    }

    /// The patch of a number, to say what became of it.
    pub fn listed_mut(&mut self, place: usize) -> Option<&mut Listed> {
        self.revision += 1;
        self.patches.get_mut(&place)?.as_mut().ok()
    }

    /// Keeps scenes of the patch that is played.
    pub fn keep(&mut self, scenes: &Scenes) {
        if let Some(Ok(listed)) = self.patches.get_mut(&self.at) {
            listed.keep(scenes);
        }
    }

    /// A number that is another as soon as what its files have or are about to have is.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Takes a patch in that was saved as new, and goes there; answers its number.
    pub fn take_in(&mut self, listed: Listed) -> usize {
        let own = listed.file.as_deref().and_then(number_of).filter(|it| (1..=HIGHEST).contains(it));
        let is_free = |it: &usize| !self.patches.contains_key(it) && !self.taken_back.contains_key(it);
        let last = self.last().max(self.taken_back.last_key_value().map_or(0, |it| *it.0));
        let number = own.and_then(|it| (it..=last).find(is_free)).unwrap_or(last + 1);
        self.patches.insert(number, Ok(listed));
        (self.at, self.revision) = (number, self.revision + 1);
        number
    }

    /// A patch that was saved as new is taken back: nobody goes there any more.
    pub fn take_back(&mut self, place: usize) {
        self.revision += 1;
        if let Some(Ok(listed)) = self.patches.remove(&place) {
            self.taken_back.insert(place, listed);
        }
    }

    /// And is there again.
    pub fn give_back(&mut self, place: usize) {
        self.revision += 1;
        if let Some(listed) = self.taken_back.remove(&place) {
            self.patches.insert(place, Ok(listed));
        }
    }

    /// The numbers and names of all, as `7 bridge`: by the names a number is found again that another start gave another.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let name = |it: &Result<Listed, String>| it.as_ref().map_or_else(Clone::clone, |it| it.name.clone());
        self.patches.range(1..).map(|(number, it)| format!("{number} {}", name(it))).collect()
    }

    /// The number that a patch has here which had one in a list of these names; 0 stays what it is.
    #[must_use]
    pub fn number_now(&self, number: usize, names: &[String]) -> Option<usize> {
        let name = |it: &String| Some((it.split_once(' ')?.0.parse::<usize>().ok()?, it.split_once(' ')?.1.to_owned()));
        let was = names.iter().filter_map(name).find(|it| it.0 == number);
        let is_now = |of: &str| self.patches.range(1..).find(|(_, it)| it.as_ref().is_ok_and(|it| it.name == of));
        if number == 0 { Some(0) } else { was.and_then(|(_, name)| Some(*is_now(&name)?.0)) }
    }

    /// Whether there is anything beside the patch that was started with.
    #[must_use]
    pub fn has_others(&self) -> bool {
        self.patches.len() > 1
    }

    /// Its number; 0 is the start.
    #[must_use]
    pub const fn place(&self) -> usize {
        self.at
    }

    /// Goes to a number; `None` where no patch can be played, and then nothing has changed.
    pub fn go(&mut self, place: usize) -> Option<&Listed> {
        let found = self.patches.get(&place)?.as_ref().ok()?;
        self.at = place;
        Some(found)
    }

    /// Goes on by some patches, passes over what cannot be played, and stops at the ends: after the last song there is no
    /// first.
    pub fn go_by(&mut self, by: i8) -> Option<&Listed> {
        let place = self.beside(by)?.0;
        self.go(place)
    }

    /// Where a step of some patches leads to, with its number.
    #[must_use]
    pub fn beside(&self, by: i8) -> Option<(usize, &Listed)> {
        self.beside_of(self.at, by)
    }

    /// The same from another one.
    #[must_use]
    pub fn beside_of(&self, from: usize, by: i8) -> Option<(usize, &Listed)> {
        let mut place = from;
        for _ in 0..by.unsigned_abs() {
            let played = |it: &(&usize, &Result<Listed, String>)| it.1.is_ok();
            let next = if by < 0 {
                self.patches.range(..place).rev().find(played)
            } else {
                self.patches.range(place + 1..).find(played)
            };
            place = *next?.0;
        }
        Some((place, self.patches.get(&place)?.as_ref().ok()?))
    }

    /// The highest number of the list.
    #[must_use]
    pub fn last(&self) -> usize {
        self.patches.last_key_value().map_or(0, |it| *it.0)
    }

    /// The name of what has a number and cannot be played.
    #[must_use]
    pub fn unplayable(&self, place: usize) -> Option<&str> {
        self.patches.get(&place)?.as_ref().err().map(String::as_str)
    }
}

/// What a folder has of patches, by name.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let read = || {
        if !folder.is_dir() {
            let about = std::fs::metadata(folder).map_err(|_| Trouble::MissingFolder)?;
            return Err(Trouble::Kind { found: Kind::of(&about), expected: "a folder of patches" });
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            files.push(entry?.path());
        }
        Ok(files)
    };
    let mut files = read().map_err(FileError::reading(folder))?;
    files.retain(|path| is_text_of_ours(path));
    // By names without their end: what was saved as new (`3_c-2`) comes behind what it was.
    files.sort_by_cached_key(|it| (it.file_stem().map(ToOwned::to_owned), it.clone()));
    Ok(files)
}

/// Each file with its number.
fn numbered(files: Vec<PathBuf>, faults: &mut Vec<Remark>) -> BTreeMap<usize, PathBuf> {
    let (mut numbers, mut second, mut none) = (BTreeMap::new(), Vec::new(), Vec::new());
    let names: Vec<String> = files.iter().map(|it| stem_of(it)).collect();
    for path in files {
        match number_of(&path) {
            Some(number @ 1..=HIGHEST) if !numbers.contains_key(&number) => {
                numbers.insert(number, path);
            }
            Some(number @ 0..=HIGHEST) => second.push((number, path)),
            _ => none.push(path),
        }
    }
    // Only when all who have a number of their own have it.
    for (number, path) in second {
        let free = (number + 1..).find(|it| !numbers.contains_key(it)).expect("numbers do not end");
        let why = if number == 0 { "0 is the patch of the start" } else { "another patch has its number" };
        // Of one that the box itself saved as new that is no mistake.
        let is_saved_as_new = saved_from(&stem_of(&path)).is_some_and(|it| names.iter().any(|name| name == it));
        if !is_saved_as_new {
            faults.push(format!("{}: {why}; it is number {free}", shown(&path)).into());
        }
        numbers.insert(free, path);
    }
    for path in none {
        let next = numbers.last_key_value().map_or(1, |(last, _)| last + 1);
        numbers.insert(next, path);
    }
    numbers
}

fn stem_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name of the patch that one of this name was saved as new from: `bridge` for `bridge-2`.
#[must_use]
pub fn saved_from(name: &str) -> Option<&str> {
    name.rsplit_once('-').filter(|(_, number)| number.parse::<u32>().is_ok()).map(|it| it.0)
}

/// The number that a file's name begins with.
fn number_of(path: &Path) -> Option<usize> {
    let name = path.file_stem()?.to_string_lossy();
    let digits = name.len() - name.trim_start_matches(|it: char| it.is_ascii_digit()).len();
    name[..digits].parse().ok()
}

/// The name of a patch's file, fit for a display.
#[must_use]
pub fn name_of(path: &Path) -> String {
    path.file_stem().map_or_else(|| "patch".to_owned(), |stem| shown(stem).to_string())
}

#[cfg(test)]
mod tests {
    use super::{Listed, SetList};
    use crate::settings::patch::Patch;

    #[test]
    fn patches_come_by_name_and_a_faulty_one_keeps_its_sound_part() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [
            ("2-b.toml", "[values]\ndenoise = 0.25\nnoise = 1\n"),
            ("1-a.toml", "[values]\ndenoise = 0.75\n"),
            ("notes.txt", "no patch"),
        ] {
            std::fs::write(folder.path().join(name), text).expect("a disk");
        }
        let first = Listed::new("start".to_owned(), Patch::default(), None);
        let (mut list, faults) = SetList::open(first, Some(folder.path())).expect("a folder");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("2-b.toml:3: values.noise"), "{faults:?}");
        let mut names = vec![list.playing().map(|it| it.name.clone())];
        names.extend([1, 1, 1].map(|by| list.go_by(by).map(|it| it.name.clone())));
        assert_eq!(
            names,
            ["start", "1-a", "2-b"].map(|it| Some(it.to_owned())).into_iter().chain([None]).collect::<Vec<_>>()
        );
        assert_eq!(list.playing().map(|it| it.patch.values.exact(engine::param::ParamId::Denoise)), Some(0.25));
        assert!(list.go(9).is_none() && list.place() == 2);
        assert_eq!(list.started().map(|it| it.name.as_str()), Some("start"));
    }

    /// The numbers of a folder of such files, as `number name`.
    fn numbers(names: &[&str]) -> (Vec<String>, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        for name in names {
            std::fs::write(folder.path().join(name), "").expect("a disk");
        }
        let (list, told) = SetList::of_folder(Some(folder.path())).expect("a folder");
        let name = |it: &Result<Listed, String>| it.as_ref().map_or_else(Clone::clone, |it| it.name.clone());
        let told = told.into_iter().map(|it| it.words).collect();
        (list.patches.iter().map(|(number, it)| format!("{number} {}", name(it))).collect(), told)
    }

    #[test]
    fn a_number_is_in_the_name_and_nothing_that_lies_about_changes_it() {
        let list = ["01_a.toml", "02_b.toml", "03_C.TOML", "12 end.toml"];
        let expected = ["1 01_a", "2 02_b", "3 03_C", "12 12 end"];
        assert_eq!(numbers(&list), (expected.map(str::to_owned).to_vec(), vec![]));
        let lying_about = [".00_backup.toml", "._02_b.toml", ".toml", "02_b.toml~", "02_b.toml.bak", "notes.txt"];
        assert_eq!(numbers(&[&list[..], &lying_about].concat()).0, expected);
        // One is taken away: the others stay.
        assert_eq!(numbers(&list[1..]).0, expected[1..]);
        assert_eq!(numbers(&["b.toml", "a.toml"]).0, ["1 a", "2 b"]);
    }

    #[test]
    fn without_a_number_a_patch_follows_after_the_highest_and_two_of_one_number_are_told() {
        let (found, told) =
            numbers(&["03_a.toml", "3_b.toml", "04_c.toml", "x.toml", "909 kick.toml", "00_intro.toml"]);
        assert_eq!(found, ["1 00_intro", "3 03_a", "4 04_c", "5 3_b", "6 909 kick", "7 x"]);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].ends_with("00_intro.toml: 0 is the patch of the start; it is number 1"), "{told:?}");
        assert!(told[1].ends_with("3_b.toml: another patch has its number; it is number 5"), "{told:?}");
    }

    #[test]
    fn a_patch_that_was_saved_as_new_takes_no_number_away_and_is_no_mistake() {
        let (found, told) = numbers(&["3_c-2.toml", "3_c.toml", "3_c-10.toml", "4_d.toml", "5_e-2.toml", "5_f.toml"]);
        assert_eq!(found, ["3 3_c", "4 4_d", "5 5_e-2", "6 3_c-10", "7 3_c-2", "8 5_f"]);
        assert!(
            told.len() == 1 && told[0].ends_with("5_f.toml: another patch has its number; it is number 8"),
            "{told:?}"
        );
    }

    #[test]
    fn what_is_no_file_keeps_its_number_and_is_told_and_a_folder_that_is_none_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("1_folder.toml")).expect("a disk");
        std::os::unix::fs::symlink("nowhere", folder.path().join("2_gone.toml")).expect("a link");
        std::fs::write(folder.path().join("3_a.toml"), "").expect("a disk");
        let first = Listed::new("start".to_owned(), Patch::default(), None);
        let (mut list, told) = SetList::open(first.clone(), Some(folder.path())).expect("a folder");
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].ends_with("1_folder.toml: cannot be read: a folder (expected a file)"), "{told:?}");
        assert_eq!((list.unplayable(1), list.unplayable(2)), (Some("1_folder"), Some("2_gone")));
        assert_eq!(list.go_by(1).map(|it| it.name.as_str()), Some("3_a"));
        assert_eq!(list.place(), 3);
        let missing = folder.path().join("nope");
        let error = SetList::open(first, Some(&missing)).expect_err("it is not there").to_string();
        assert_eq!(error, format!("{}: cannot be read: there is no such folder", missing.display()));
    }
}
