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
//! Saved at once, beside the old file and renamed over it. A file with faults is read as far as it is sound, and is kept
//! beside the new one under another name before anything is written over it: nothing that a hand wrote is lost. A file of a
//! newer format is left alone: what is learnt then is kept in a file of its own, `maps.format-1.toml`, from one evening to the
//! next, until the box is updated.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hal::gesture::{Identity, Roster};

use crate::binding::{Entry, Map, entries, write_entry};
use crate::document::{self, Fault, Format, Item, Reader, is_newer, lines, quoted};

/// The file's name in the state folder.
const FILE: &str = "maps.toml";
/// Where the state of an appliance is.
const BOX_FOLDER: &str = "/var/lib/demon";
/// Greatest file in bytes.
const LARGEST_BYTES: u64 = 1 << 20;
const KEYS: [&str; 5] = ["name", "model", "serial", "port", "map"];

/// What controllers have learnt.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    controllers: Vec<(Identity, Vec<Entry>)>,
    /// The file on the disk holds more than was understood.
    faulty: bool,
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

impl Memory {
    /// Reads what is remembered in a folder; with it, what is wrong with the file, a line a fault.
    #[must_use]
    pub fn open(folder: &Path) -> (Self, Vec<String>) {
        let mut told = Vec::new();
        let (mut memory, newer) = Self::of_file(folder.join(FILE), &mut told);
        if newer {
            // Of a second file that is newer, too, the old way holds: it is put aside before anything is written.
            memory = Self::of_file(folder.join(beside(Format::LearntMaps.newest())), &mut told).0;
        } else {
            let left = (1..=Format::LearntMaps.newest()).map(|format| folder.join(beside(format)));
            told.extend(left.filter(|path| path.exists()).map(|path| {
                let path = path.display();
                format!("{path}: learnt while {FILE} was of a newer format, and not used; move its controllers there")
            }));
        }
        (memory, told)
    }

    /// What a file remembers, and whether it is of a newer format; what is wrong with it is added to `told`.
    fn of_file(path: PathBuf, told: &mut Vec<String>) -> (Self, bool) {
        let mut memory = Self { path, controllers: Vec::new(), faulty: false };
        let mut newer = false;
        match read(&memory.path) {
            Ok(text) => {
                let (controllers, faults) = parse(&text);
                newer = is_newer(&faults);
                (memory.controllers, memory.faulty) = (controllers, !faults.is_empty());
                told.extend(memory.faulty.then(|| lines(&memory.path, &faults)));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                memory.faulty = true;
                let path = memory.path.display();
                told.push(format!("{path}: cannot be read: {error}; what was learnt is not known"));
            }
        }
        (memory, newer)
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
        self.save().map_err(|error| format!("{}: what was learnt cannot be saved: {error}", self.path.display()))
    }

    fn save(&mut self) -> std::io::Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if std::mem::take(&mut self.faulty) {
            let kept = (1..).map(|number| self.path.with_extension(format!("toml.faulty-{number}")));
            let kept = kept.into_iter().find(|path| !path.exists()).expect("numbers do not end");
            std::fs::rename(&self.path, kept)?;
        }
        document::save(&self.path, text(&self.controllers).as_bytes())
    }
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

fn read(path: &Path) -> std::io::Result<String> {
    if std::fs::metadata(path)?.len() > LARGEST_BYTES {
        return Err(std::io::Error::new(ErrorKind::InvalidData, format!("larger than {LARGEST_BYTES} bytes")));
    }
    std::fs::read_to_string(path)
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
    use super::{FILE, Memory, parse};
    use crate::binding::{Encoding, Entry, Map, On, Target};
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
        let (mut memory, told) = Memory::open(&folder.path().join("state"));
        assert!(told.is_empty());
        memory.keep(nano(), vec![knob()]).expect("a disk");
        let (again, told) = Memory::open(&folder.path().join("state"));
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
        let (mut memory, told) = Memory::open(folder.path());
        let told: Vec<&str> = told.iter().flat_map(|it| it.lines()).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].contains("maps.toml:4:") && told[1].contains("try denoise") && told[2].contains("no `model`"));
        assert_eq!(memory.controllers()[0].1.len(), 1);
        memory.keep(nano(), vec![knob()]).expect("a disk");
        let kept = std::fs::read_to_string(folder.path().join("maps.toml.faulty-1")).expect("it was put aside");
        assert_eq!(kept, text);
        assert_eq!(Memory::open(folder.path()).0.controllers().len(), 2);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_told_and_the_map_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("state"), b"a file in the way").expect("a disk");
        let (mut memory, _) = Memory::open(&folder.path().join("state"));
        let told = memory.keep(nano(), vec![knob()]).expect_err("no folder can be made there");
        assert!(told.contains("maps.toml") && told.contains("cannot be saved"), "{told}");
        assert_eq!(memory.controllers().len(), 1);
    }

    #[test]
    fn rubbish_is_told_and_not_believed() {
        let (controllers, faults) = parse("controller = 3\nx = 1\n[[");
        assert!(controllers.is_empty() && faults.len() >= 3, "{faults:?}");
    }
}
