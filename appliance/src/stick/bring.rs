//! What a stick brings: looked at, copied into the library and beside the box's file, one thing after the other; what is refused is told.

use std::path::{Path, PathBuf};

use super::{Stick, called, kind};
use crate::extension::look;
use crate::files::document::lines;
use crate::files::volume::room;
use crate::files::{Kind, copy_over, is_there, read_regular, read_text, shown, write_whole};
use crate::settings::box_file::BoxConfig;
use crate::settings::learnt_maps::{self, LearntMaps};
use crate::settings::library::{Added, Library, Shelf};
use crate::settings::profile::Profile;
use crate::update::Version;

/// Bytes that stay free on the box whatever a stick brings: for what is kept while it plays.
pub const RESERVE: u64 = 128 << 20;
/// Largest text.
const TEXT_MOST: u64 = 1 << 20;
/// Folders in the folder of a model that are looked into, and files of it.
const DEEP: usize = 4;
/// Where extensions are, on a stick and in the state folder.
const EXTENSIONS: &str = "extensions";
/// The ending of the box's file before.
const BEFORE: &str = "toml.before";

/// Where a box keeps what it is brought.
#[derive(Clone, Debug)]
pub struct Home {
    /// The library.
    pub library: Library,
    /// The state folder.
    pub state: PathBuf,
    /// The box's file; profiles are beside it.
    pub box_file: PathBuf,
    /// The key that extensions are signed with.
    pub key: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brought {
    /// What is new on the box, by name.
    pub new: Vec<String>,
    /// How many things were there already.
    pub there: usize,
    /// What was refused, each with its reason.
    pub refused: Vec<String>,
    /// Whether the box's file is another: it counts from the next start on.
    pub box_file: bool,
}

impl Brought {
    /// It in a line; nothing where the stick brought nothing.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let mut parts = Vec::new();
        match &self.new[..] {
            [] => {}
            [one] => parts.push(format!("{one} is new")),
            [first, rest @ ..] => parts.push(format!("{first} and {} more are new", rest.len())),
        }
        if 0 < self.there {
            parts.push(format!("{} there already", self.there));
        }
        match &self.refused[..] {
            [] => {}
            [one] => parts.push(format!("refused: {one}")),
            [first, rest @ ..] => parts.push(format!("refused: {first} (+{})", rest.len())),
        }
        if self.box_file {
            parts.push("the box's file counts from the next start".to_owned());
        }
        (!parts.is_empty()).then(|| format!("stick: {}", parts.join("; ")))
    }
}

/// That it has an update, in a line.
#[must_use]
pub fn offers(version: &Version) -> String {
    format!("the stick has demon {version}: take-update writes it beside what plays")
}

/// That there was nothing to bring.
pub const NOTHING: &str = "stick: nothing for the box";

impl Stick {
    /// Brings everything; `told` hears each name before it is looked at.
    pub fn bring(&self, home: &Home, told: &mut dyn FnMut(&str)) -> Brought {
        let mut brought = Brought::default();
        // Patches behind recordings: what they name may be among these.
        for shelf in [Shelf::Recordings, Shelf::Models, Shelf::Adapters, Shelf::Patches] {
            for path in self.brings(shelf.folder()) {
                told(&called(&path));
                match to_library(&home.library, shelf, &path) {
                    Ok(Added::New(shelf, name, _)) => brought.new.push(format!("{}/{name}", shelf.folder())),
                    Ok(Added::There(..)) => brought.there += 1,
                    Err(why) => brought.refused.push(why),
                }
            }
        }
        let folder = home.box_file.with_file_name("profiles");
        for path in self.brings("profiles") {
            told(&called(&path));
            take(profile(&path, &folder), &called(&path), &mut brought);
        }
        if let Some(path) = self.brings("maps").into_iter().find(|it| it.ends_with(learnt_maps::FILE)) {
            told(&called(&path));
            take(maps(&path, &home.state), &called(&path), &mut brought);
        }
        for path in self.brings(EXTENSIONS) {
            told(&called(&path));
            take(extension(&path, home), &called(&path), &mut brought);
        }
        if let Some(path) = self.box_file() {
            told(&called(&path));
            let taken = box_file(&path, &home.box_file);
            brought.box_file = matches!(taken, Ok(true));
            take(taken, &called(&path), &mut brought);
        }
        brought
    }
}

fn take(taken: Result<bool, String>, name: &str, brought: &mut Brought) {
    match taken {
        Ok(true) => brought.new.push(name.to_owned()),
        Ok(false) => brought.there += 1,
        Err(why) => brought.refused.push(format!("{name}: {why}")),
    }
}

/// A thing for a shelf: of the kind that belongs there, without a link in it, and where there is room.
fn to_library(library: &Library, shelf: Shelf, path: &Path) -> Result<Added, String> {
    let name = called(path);
    let bytes = bytes_of(path, DEEP).map_err(|why| format!("{name}: {why}"))?;
    let expected = if shelf == Shelf::Models { Kind::Folder } else { Kind::File };
    let ends_in = |end: &str| path.extension().is_some_and(|it| it.eq_ignore_ascii_case(end));
    let is_wanted = match shelf {
        Shelf::Models => true,
        Shelf::Patches => ends_in("toml"),
        Shelf::Adapters => ends_in("safetensors"),
        Shelf::Recordings => !ends_in("toml") && !ends_in("safetensors"),
    };
    if kind(path) != Some(expected) || !is_wanted {
        return Err(format!("{name}: does not belong into {}", shelf.folder()));
    }
    std::fs::create_dir_all(library.root()).map_err(|why| format!("{name}: {why}"))?;
    has_room(library.root(), bytes).map_err(|why| format!("{name}: {why}"))?;
    library.add(path).map_err(|why| why.to_string())
}

/// An extension of the system, where it is whole and signed: one for each kernel, and the newest that came stays.
fn extension(path: &Path, home: &Home) -> Result<bool, String> {
    let bytes = bytes_of(path, 0)?;
    let found = look(path, &home.key, false).map_err(|why| why.to_string())?;
    let folder = home.state.join(EXTENSIONS);
    std::fs::create_dir_all(&folder).map_err(|why| why.to_string())?;
    let to = folder.join(found.file_name());
    if look(&to, &home.key, true).is_ok_and(|it| it == found) {
        return Ok(false);
    }
    has_room(&folder, bytes)?;
    copy_over(path, &to).map_err(|why| why.to_string())?;
    Ok(true)
}

/// Whether so many bytes more leave the box what it plays on.
fn has_room(folder: &Path, bytes: u64) -> Result<(), String> {
    let free = room(folder).map_err(|why| why.to_string())?;
    if bytes + RESERVE <= free {
        return Ok(());
    }
    let (needs, free) = (bytes >> 20, free.saturating_sub(RESERVE) >> 20);
    Err(format!("wants {needs} MB, and there is room for {free}"))
}

/// Bytes of a file or folder of files; a link or anything else in it is refused.
fn bytes_of(path: &Path, deep: usize) -> Result<u64, String> {
    let of = |it: &Path| shown(it.file_name().unwrap_or_default()).to_string();
    match kind(path) {
        Some(Kind::File) => Ok(std::fs::symlink_metadata(path).map_err(|why| why.to_string())?.len()),
        Some(Kind::Folder) if 0 < deep => {
            let mut bytes = 0;
            for entry in std::fs::read_dir(path).map_err(|why| why.to_string())?.take(super::MOST_NAMES) {
                bytes += bytes_of(&entry.map_err(|why| why.to_string())?.path(), deep - 1)?;
            }
            Ok(bytes)
        }
        Some(Kind::Folder) => Err(format!("{} lies too deep", of(path))),
        Some(other) => Err(format!("{} is {}", of(path), other.noun())),
        None => Err(format!("{} is a link, and none is followed", of(path))),
    }
}

/// A profile of a controller, where it is sound and none of its name is there.
fn profile(path: &Path, folder: &Path) -> Result<bool, String> {
    let name = plain_name(path, "toml")?;
    let text = text_of(path)?;
    let key = name.strip_suffix(".toml").unwrap_or(&name);
    let (_, faults) = Profile::parse_sound(key, &text);
    if !faults.is_empty() {
        return Err(lines(Path::new(&name), &faults));
    }
    let to = folder.join(&name);
    if is_there(&to) {
        return match read_regular(&to, TEXT_MOST).is_ok_and(|it| it == text.as_bytes()) {
            true => Ok(false),
            false => Err("another of this name is on the box, and nothing is written over (rename one)".to_owned()),
        };
    }
    std::fs::create_dir_all(folder).map_err(|why| why.to_string())?;
    write_whole(&to, text.as_bytes()).map_err(|why| why.to_string())?;
    Ok(true)
}

/// What controllers have learnt: each of them has learnt that from now on.
fn maps(path: &Path, state: &Path) -> Result<bool, String> {
    // Read as the box reads its own; the folder is the stick's and is only read.
    text_of(path)?;
    let (theirs, faults) = LearntMaps::open(path.parent().unwrap_or(Path::new("")));
    if let Some(fault) = faults.first() {
        return Err(fault.clone());
    }
    let (mut ours, faults) = LearntMaps::open(state);
    if let Some(fault) = faults.first() {
        return Err(fault.clone());
    }
    let mut is_new = false;
    for (identity, entries) in theirs.controllers() {
        let known = ours.controllers().iter().any(|it| it.0 == *identity && it.1 == *entries);
        if !known {
            ours.keep(identity.clone(), entries.clone())?;
            is_new = true;
        }
    }
    Ok(is_new)
}

/// The box's file, where nothing is wrong with it; the one before stays beside it.
fn box_file(path: &Path, to: &Path) -> Result<bool, String> {
    let text = text_of(path)?;
    let (_, faults) = BoxConfig::parse(&text);
    if !faults.is_empty() {
        return Err(lines(Path::new("demon.toml"), &faults));
    }
    let before = read_regular(to, TEXT_MOST).ok();
    if before.as_deref() == Some(text.as_bytes()) {
        return Ok(false);
    }
    std::fs::create_dir_all(to.parent().unwrap_or(Path::new("/"))).map_err(|why| why.to_string())?;
    if let Some(before) = before {
        write_whole(&to.with_extension(BEFORE), &before).map_err(|why| why.to_string())?;
    }
    write_whole(to, text.as_bytes()).map_err(|why| why.to_string())?;
    Ok(true)
}

/// A text that stands on the stick itself.
fn text_of(path: &Path) -> Result<String, String> {
    if kind(path) != Some(Kind::File) {
        return Err("is no file".to_owned());
    }
    Ok(read_text(path, TEXT_MOST).map_err(|why| why.to_string())?.text)
}

/// A name that is one word of text and steers nothing.
fn plain_name(path: &Path, end: &str) -> Result<String, String> {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let is_plain = name == shown(name).to_string() && Path::new(name).extension().is_some_and(|it| it == end);
    if is_plain { Ok(name.to_owned()) } else { Err(format!("a name that cannot be one (expected NAME.{end})")) }
}
