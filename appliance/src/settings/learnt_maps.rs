//! What the box remembers of its controllers across a restart: what each has learnt.
//!
//! ```toml
//! format = 1                 # of this file; 1 where it is left out
//!
//! [[controller]]
//! name = "X-TOUCH MINI"
//! model = "usb 1397:00b3"   # vendor and product; never a client number
//! port = "1-2.4"            # or serial = "..."
//!
//! [[controller.map]]        # as in a patch
//! cc = 1
//! channel = 11
//! to = "denoise"
//! ```
//!
//! Saved at once, beside the old file and renamed over it. A file with faults is read as far as it is sound, and a copy of it
//! is made under another name before it is written over: nothing that a hand wrote is lost, also when the disk is full. Several
//! programs may share the file (`demon learn` beside `demon run`): each writes what it changed into what stands there, under a
//! lock on the folder, and looks now and then whether another has written ([`LearntMaps::look_again`]). A file of a
//! newer format is left alone: what is learnt then is kept in a file of its own, `maps.format-1.toml`, from one start to the
//! next, until the box is updated.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use hal::gesture::{Identity, Roster};

use crate::control::binding::{Entry, Map, entries, write_entry};
use crate::files::document::{self, Fault, Format, Item, Reader, is_newer, lines, quoted};
use crate::files::{self, FileError, Held, Lock, Place, Trouble, read_text, shown};

/// The file's name in the state folder.
pub const FILE: &str = "maps.toml";
/// Where the state of an appliance is.
const BOX_FOLDER: &str = "/var/lib/demon";
/// Greatest file in bytes.
const LARGEST_BYTES: u64 = 1 << 20;
const KEYS: [&str; 5] = ["name", "model", "serial", "port", "map"];

/// What one controller has learnt, and who it is.
type Learnt = (Identity, Vec<Entry>);

/// What controllers have learnt.
#[derive(Debug)]
pub struct LearntMaps {
    path: PathBuf,
    controllers: Vec<Learnt>,
    /// What the file held when it was last read or written.
    filed: Vec<Learnt>,
    /// By which it is seen that another has written it.
    stamp: Stamp,
    /// The file on the disk holds more than was understood.
    faulty: bool,
    /// What came from another program and was not asked for yet.
    news: Vec<Learnt>,
}

/// Number, time and size of a file; nothing where there is none.
type Stamp = Option<(u64, i64, i64, u64)>;

fn stamp(path: &Path) -> Stamp {
    let about = std::fs::metadata(path).ok()?;
    Some((about.ino(), about.mtime(), about.mtime_nsec(), about.len()))
}

/// The folder of state: the named one, `$DEMON_STATE`, the box's own where there is one, or the user's.
#[must_use]
pub fn folder(named: Option<&Path>) -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
    if let Some(folder) = named.map(Path::to_owned).or_else(|| variable("DEMON_STATE")) {
        return folder;
    }
    let of_box = PathBuf::from(BOX_FOLDER);
    if of_box.is_dir() {
        return of_box;
    }
    let home = || variable("HOME").unwrap_or_else(|| PathBuf::from(".")).join(".local/state");
    variable("XDG_STATE_HOME").unwrap_or_else(home).join("demon")
}

impl LearntMaps {
    /// Reads what is remembered in a folder; with it, what is wrong with the file, a line a fault.
    #[must_use]
    pub fn open(folder: &Path) -> (Self, Vec<String>) {
        let mut told = Vec::new();
        let (mut learnt, newer) = Self::of_file(folder.join(FILE), &mut told);
        if newer {
            // Of a second file that is newer, too, the old way holds: it is put aside before anything is written.
            learnt = Self::of_file(folder.join(beside(Format::LearntMaps.newest())), &mut told).0;
        } else {
            let left = (1..=Format::LearntMaps.newest()).map(|format| folder.join(beside(format)));
            told.extend(left.filter(|path| path.exists()).map(|path| {
                let path = shown(&path);
                format!("{path}: learnt while {FILE} was of a newer format, and not used; move its controllers there")
            }));
        }
        (learnt, told)
    }

    /// What a file remembers, and whether it is of a newer format; what is wrong with it is added to `told`.
    fn of_file(path: PathBuf, told: &mut Vec<String>) -> (Self, bool) {
        let (controllers, filed, news) = Default::default();
        let mut learnt = Self { path, controllers, filed, stamp: None, faulty: false, news };
        let newer = learnt.read(told);
        learnt.controllers.clone_from(&learnt.filed);
        (learnt, newer)
    }

    /// Reads the file; answers whether it is of a newer format. What cannot be read leaves what is known as it is.
    fn read(&mut self, told: &mut Vec<String>) -> bool {
        // Before the reading: what is written meanwhile is seen with the next look.
        self.stamp = stamp(&self.path);
        match read_text(&self.path, LARGEST_BYTES) {
            Ok(text) => {
                let (controllers, faults) = parse(&text.text);
                let faults = text.with(faults);
                (self.filed, self.faulty) = (controllers, !faults.is_empty());
                told.extend(self.faulty.then(|| lines(&self.path, &faults)));
                is_newer(&faults)
            }
            Err(Trouble::Missing) => {
                (self.filed, self.faulty) = (Vec::new(), false);
                false
            }
            Err(trouble) => {
                self.faulty = true;
                let error = FileError::reading(&self.path)(trouble);
                told.push(format!("{error}; what was learnt is not known"));
                false
            }
        }
    }

    /// Why nothing that is learnt could be kept, in words for the start; `None` where it can be.
    #[must_use]
    pub fn why_not_kept(&self) -> Option<String> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let trouble = files::why_not_writable(folder)?;
        Some(format!("{}: what is learnt cannot be kept there: {trouble}", shown(folder)))
    }

    /// Looks whether another program has written the file, and takes in what it says; what is wrong with it is answered. What
    /// changed is then in [`Self::take_news`].
    pub fn look_again(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        if stamp(&self.path) != self.stamp {
            let before = self.filed.clone();
            // A format that was raised meanwhile is another program's: what this one knows stays in force, and is not filed.
            if self.read(&mut told) {
                self.filed = before;
            } else {
                self.join(&before);
            }
        }
        told
    }

    /// What others have changed since the last call: every controller that has now learnt something else.
    pub fn take_news(&mut self) -> Vec<Learnt> {
        std::mem::take(&mut self.news)
    }

    /// Joins what this program changed since the file held `before` with what it holds now.
    fn join(&mut self, before: &[Learnt]) {
        let of = |all: &[Learnt], who: &Identity| {
            all.iter().find(|(it, _)| it == who).map_or_else(Vec::new, |(_, entries)| entries.clone())
        };
        let ours = std::mem::take(&mut self.controllers);
        let mut everyone: Vec<Identity> = Vec::new();
        for (who, _) in self.filed.iter().chain(&ours) {
            if !everyone.contains(who) {
                everyone.push(who.clone());
            }
        }
        for who in everyone {
            let known = of(&ours, &who);
            let joined = joined(&of(before, &who), &known, &of(&self.filed, &who));
            if joined != known {
                self.news.retain(|(it, _)| *it != who);
                self.news.push((who.clone(), joined.clone()));
            }
            if !joined.is_empty() {
                self.controllers.push((who, joined));
            }
        }
    }

    /// Introduces every remembered controller to the roster, and gives the map what it has learnt.
    pub fn recall(&self, roster: &Roster, map: &mut Map) {
        for (identity, entries) in &self.controllers {
            map.set_learnt(roster.remember(identity.clone()), entries.clone());
        }
    }

    /// What is remembered.
    #[must_use]
    pub fn controllers(&self) -> &[(Identity, Vec<Entry>)] {
        &self.controllers
    }

    /// Remembers what a controller has learnt, and saves it.
    ///
    /// # Errors
    /// In words for a player; it is known until the box is switched off, and saved with the next thing learnt.
    pub fn keep(&mut self, identity: Identity, entries: Vec<Entry>) -> Result<(), String> {
        let known = self.controllers.iter_mut().find(|(known, _)| *known == identity);
        match known {
            Some((_, old)) => *old = entries,
            None => self.controllers.push((identity, entries)),
        }
        self.controllers.retain(|(_, entries)| !entries.is_empty());
        self.save().map_err(|error| format!("{error}; what was learnt is lost when the box is switched off"))
    }

    fn save(&mut self) -> Result<(), FileError> {
        if let Some(folder) = self.path.parent().filter(|it| !it.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(FileError::writing(&self.path))?;
        }
        // Nobody reads, changes and writes while this does.
        let folder = self.path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _lock = Lock::folder(folder).map_err(|held| match held {
            Held::System(error) => FileError::writing(&self.path)(error),
            busy @ Held::By(_) => FileError::writing(&self.path)(std::io::Error::other(busy)),
        })?;
        // Its faults were told at the start, or are with the next look.
        let _ = self.look_again();
        let place = Place::look(&self.path)?;
        let mut part = place.begin()?;
        let written = part.write_all(text(&self.controllers).as_bytes());
        written.map_err(FileError::writing(&self.path))?;
        let mut aside = None;
        if self.faulty && files::is_there(&self.path) {
            // Only when the new one is safe on the disk: a full disk loses nothing that was there.
            part.sync()?;
            let names = (1..).map(|number| self.path.with_extension(format!("toml.faulty-{number}")));
            aside = Some(files::copy_aside(&self.path, names)?);
        }
        part.finish().inspect_err(|_| {
            // The file itself is still there: the copy of it says nothing.
            let _ = aside.map(std::fs::remove_file);
        })?;
        self.filed.clone_from(&self.controllers);
        (self.faulty, self.stamp) = (false, stamp(&self.path));
        Ok(())
    }
}

/// What two programs have learnt on one controller: of what `theirs` holds all but what was forgotten here since `before`,
/// and what was learnt here since then, which takes the place of what they have on the same control.
fn joined(before: &[Entry], ours: &[Entry], theirs: &[Entry]) -> Vec<Entry> {
    if theirs == before {
        return ours.to_vec();
    }
    let new: Vec<&Entry> = ours.iter().filter(|it| !before.contains(it)).collect();
    let forgotten = |entry: &Entry| before.contains(entry) && !ours.contains(entry);
    let on_same = |entry: &Entry| {
        let control = |it: &Entry| (it.on, it.channel, it.layer);
        new.iter().any(|it| control(it) == control(entry))
    };
    let kept = theirs.iter().filter(|it| !forgotten(it) && !on_same(it));
    kept.chain(new.iter().copied()).cloned().collect()
}

/// What controllers have learnt as text; [`parse`] reads the same from it.
#[must_use]
pub fn text(controllers: &[(Identity, Vec<Entry>)]) -> String {
    let format = Format::LearntMaps;
    let mut out = format!("# What controllers have learnt. Written by the box; may be mended by hand.\n{format}\n");
    for (identity, entries) in controllers {
        // Writing to a string cannot fail.
        let _ = write_controller(&mut out, identity, entries);
    }
    out
}

/// The name of what is learnt in a format while the file itself is of a newer one, which is not touched.
fn beside(format: u32) -> String {
    format!("maps.format-{format}.toml")
}

fn write_controller(out: &mut String, identity: &Identity, entries: &[Entry]) -> std::fmt::Result {
    writeln!(out, "\n[[controller]]\nname = {}\nmodel = {}", quoted(&identity.name), quoted(&identity.model))?;
    for (key, value) in [("serial", &identity.serial), ("port", &identity.port)] {
        if let Some(value) = value {
            writeln!(out, "{key} = {}", quoted(value))?;
        }
    }
    entries.iter().try_for_each(|entry| write_entry(out, "controller.map", entry))
}

/// Reads the text of the file as far as it is sound, and everything that is wrong with it.
#[must_use]
pub fn parse(text: &str) -> (Vec<(Identity, Vec<Entry>)>, Vec<Fault>) {
    document::read(Format::LearntMaps, text, |reader, document| {
        let mut controllers = Vec::new();
        for (key, item) in document {
            match (key.get_ref().as_ref(), item.get_ref().as_array()) {
                ("controller", Some(items)) => {
                    controllers.extend(items.iter().filter_map(|item| controller(reader, item)));
                }
                ("controller", None) => reader.fault("controller", item, "controllers under [[controller]]"),
                _ => reader.unknown("", key, &["controller"]),
            }
        }
        controllers
    })
}

fn controller(reader: &mut Reader<'_>, item: Item<'_, '_>) -> Option<(Identity, Vec<Entry>)> {
    let (mut identity, mut map) = (Identity::default(), Vec::new());
    reader.table("controller", item, |reader, key, item| {
        let name = key.get_ref().as_ref();
        let path = format!("controller.{name}");
        match name {
            "name" => identity.name = reader.words(&path, item).unwrap_or_default(),
            "model" => identity.model = reader.words(&path, item).unwrap_or_default(),
            "serial" => identity.serial = reader.words(&path, item),
            "port" => identity.port = reader.words(&path, item),
            "map" => entries(reader, "map", item, &mut map),
            _ => reader.unknown("controller.", key, &KEYS),
        }
    });
    if identity.model.is_empty() {
        reader.note("controller", item, "no `model`".to_owned(), "a model as in \"usb 1397:00b3\"");
        return None;
    }
    Some((identity, map))
}

#[cfg(test)]
mod tests {
    use super::{FILE, LearntMaps, parse};
    use crate::control::binding::{Encoding, Entry, Map, On, Target};
    use engine::param::ParamId;
    use hal::gesture::{Identity, Roster};

    fn nano() -> Identity {
        Identity { port: Some("1-2.4".to_owned()), ..Identity::new("nano \"K\"", "usb 0944:0117") }
    }

    fn knob() -> Entry {
        Entry { encoding: Encoding::SignBit, ..Entry::usual(On::Cc(7), Target::Param(ParamId::Denoise)) }
    }

    #[test]
    fn what_was_learnt_is_known_after_a_restart_also_on_another_port() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut learnt, told) = LearntMaps::open(&folder.path().join("state"));
        assert!(told.is_empty());
        learnt.keep(nano(), vec![knob()]).expect("a disk");
        let (again, told) = LearntMaps::open(&folder.path().join("state"));
        assert_eq!((again.controllers(), told.len()), (&[(nano(), vec![knob()])][..], 0));
        let (roster, mut map) = (Roster::default(), Map::default());
        again.recall(&roster, &mut map);
        let moved = Identity { port: Some("3-1".to_owned()), ..nano() };
        assert_eq!(map.learnt(roster.arrive(&moved)), [knob()]);
    }

    #[test]
    fn a_faulty_file_is_told_read_as_far_as_it_is_sound_and_never_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        let text = "[[controller]]\nname = \"a\"\nmodel = \"m\"\nsocket = \"1\"\n[[controller.map]]\ncc = 1\nto = \"denoise\"\n\
                    [[controller.map]]\ncc = 2\nto = \"denoize\"\n[[controller]]\nname = \"b\"\n";
        std::fs::write(&path, text).expect("a disk");
        let (mut learnt, told) = LearntMaps::open(folder.path());
        let told: Vec<&str> = told.iter().flat_map(|it| it.lines()).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("maps.toml:4:") && told[1].contains("try denoise") && told[2].contains("no `model`"));
        assert_eq!(learnt.controllers()[0].1.len(), 1);
        learnt.keep(nano(), vec![knob()]).expect("a disk");
        let kept = std::fs::read_to_string(folder.path().join("maps.toml.faulty-1")).expect("it was put aside");
        assert_eq!(kept, text);
        assert_eq!(LearntMaps::open(folder.path()).0.controllers().len(), 2);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_and_the_map_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("state"), b"a file in the way").expect("a disk");
        let (mut learnt, _) = LearntMaps::open(&folder.path().join("state"));
        let told = learnt.keep(nano(), vec![knob()]).expect_err("no folder can be made there");
        assert!(told.contains("maps.toml") && told.contains("cannot be written"), "{told}");
        assert_eq!(learnt.controllers().len(), 1);
    }

    #[test]
    fn two_programs_on_one_file_lose_nothing_of_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let other = Identity { port: Some("2-1".to_owned()), ..Identity::new("uc4", "usb 16c0:0001") };
        let on = |cc: u8, id: ParamId| Entry::usual(On::Cc(cc), Target::Param(id));
        let (mut run, _) = LearntMaps::open(folder.path());
        run.keep(nano(), vec![on(1, ParamId::Denoise)]).expect("a disk");
        let (mut learn, _) = LearntMaps::open(folder.path());
        // Both go on from here: the second on another controller and on the same one, the first forgets something.
        learn.keep(other.clone(), vec![on(9, ParamId::Shift)]).expect("a disk");
        learn.keep(nano(), vec![on(1, ParamId::Denoise), on(2, ParamId::GainDb)]).expect("a disk");
        run.keep(nano(), vec![on(3, ParamId::Seed)]).expect("a disk");
        let expected =
            [(nano(), vec![on(2, ParamId::GainDb), on(3, ParamId::Seed)]), (other, vec![on(9, ParamId::Shift)])];
        let (again, told) = LearntMaps::open(folder.path());
        assert_eq!((again.controllers(), told.len()), (&expected[..], 0));
        assert_eq!(run.controllers(), expected);
        // The first has heard of it, and the second does when it looks.
        assert_eq!(run.take_news().len(), 2);
        assert_eq!((learn.look_again(), learn.take_news()), (vec![], vec![expected[0].clone()]));
        assert_eq!((learn.look_again(), learn.take_news()), (vec![], vec![]), "it is told once");
        // What one forgets, the other forgets.
        learn.keep(nano(), vec![]).expect("a disk");
        assert_eq!((run.look_again(), run.take_news()), (vec![], vec![(nano(), vec![])]));
        assert_eq!(run.controllers().len(), 1);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left there");
    }

    #[test]
    fn what_could_not_be_saved_is_saved_with_what_is_learnt_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state");
        std::fs::write(&state, b"in the way").expect("a disk");
        let (mut learnt, _) = LearntMaps::open(&state);
        assert!(learnt.why_not_kept().expect("a file is in the way").contains("state: what is learnt cannot be kept"));
        learnt.keep(nano(), vec![knob()]).expect_err("a file is in the way");
        std::fs::remove_file(&state).expect("a disk");
        assert_eq!(learnt.why_not_kept(), None);
        let other = Identity::new("uc4", "usb 16c0:0001");
        learnt.keep(other.clone(), vec![knob()]).expect("a disk");
        assert_eq!(LearntMaps::open(&state).0.controllers(), [(nano(), vec![knob()]), (other, vec![knob()])]);
    }

    #[test]
    fn rubbish_is_told_and_not_believed() {
        let (controllers, faults) = parse("controller = 3\nx = 1\n[[");
        assert!(controllers.is_empty() && faults.len() >= 3, "{faults:?}");
    }
}
