//! Everything that is in a library: name, length and tempo where they are known, and what is wrong with it.
//!
//! Slow work: every recording is decoded whole, because only then it is known to be sound. Nothing is changed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use engine::model::checkpoint::Checkpoint;
use engine::model::folder::ModelFolder;

use super::{Library, is_name};
use crate::files::document::is_text_of_ours;
use crate::files::{Kind, open_regular, shown};
use crate::recording::tempo::tempo_of;
use crate::recording::{Notice, load_source};

/// Longest part of a recording that is looked at, in seconds: more than is ever played of one.
pub const LOOKED_AT_S: f64 = 600.0;

/// One of the folders of a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// What is played on.
    Recordings,
    /// What a performance needs.
    Patches,
    /// What computes it.
    Models,
    /// What changes a model.
    Adapters,
}

impl Shelf {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Recordings, Self::Patches, Self::Models, Self::Adapters];

    /// Its folder in the library, which is what people call it too.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Recordings => "recordings",
            Self::Patches => "patches",
            Self::Models => "models",
            Self::Adapters => "adapters",
        }
    }
}

/// One thing of a library.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Where it stands.
    pub shelf: Shelf,
    /// Its name, as a patch names it.
    pub name: String,
    /// How long it is, in seconds, where it is a recording that can be played; of a longer one, [`LOOKED_AT_S`].
    pub seconds: Option<f64>,
    /// Its tempo: a patch's own, or of the first patch that plays on it.
    pub bpm: Option<u16>,
    /// The tempo that was heard in a recording; it counts where no patch says one.
    pub heard_bpm: Option<f64>,
    /// The recording that a patch plays on.
    pub source: Option<String>,
    /// What is wrong with it: it cannot be used, or not as it is meant.
    pub faults: Vec<String>,
}

impl Item {
    /// A thing of which nothing is known yet.
    #[must_use]
    pub fn named(shelf: Shelf, name: String) -> Self {
        Self { shelf, name, seconds: None, bpm: None, heard_bpm: None, source: None, faults: Vec::new() }
    }

    /// It in a line: name, length, tempo, recording, or the first of what is wrong with it.
    #[must_use]
    pub fn words(&self) -> String {
        match self.fault() {
            Some(fault) => format!("{}: {fault}", self.name),
            None => [self.name.clone()].into_iter().chain(self.known()).collect::<Vec<_>>().join(", "),
        }
    }

    /// The first of what is wrong with it, in a line.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.faults.first().and_then(|it| it.lines().next())
    }

    /// What is known of it: length, tempo, the recording of a patch.
    #[must_use]
    pub fn known(&self) -> Vec<String> {
        let length = self.seconds.map(|it| match LOOKED_AT_S <= it {
            true => format!("{LOOKED_AT_S:.0} s and more"),
            false => format!("{it:.1} s"),
        });
        let heard = || self.heard_bpm.map(|it| format!("{it:.1} bpm by ear"));
        let tempo = self.bpm.map(|it| format!("{it} bpm")).or_else(heard);
        [length, tempo, self.source.clone()].into_iter().flatten().collect()
    }
}

impl Library {
    /// Everything that is there, shelf by shelf, by name. What begins with a point is nothing.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        for shelf in Shelf::ALL {
            let mut paths: Vec<PathBuf> =
                std::fs::read_dir(self.folder(shelf)).into_iter().flatten().flatten().map(|it| it.path()).collect();
            paths.retain(|it| !it.file_name().unwrap_or_default().as_encoded_bytes().starts_with(b"."));
            paths.sort();
            items.extend(paths.iter().map(|it| self.item(shelf, it)));
        }
        let plays = |it: &Item| Some((it.source.clone()?, it.bpm?));
        let mut tempos: HashMap<String, u16> = HashMap::new();
        for (source, bpm) in items.iter().filter_map(plays) {
            tempos.entry(source).or_insert(bpm);
        }
        for item in items.iter_mut().filter(|it| it.shelf == Shelf::Recordings) {
            item.bpm = tempos.get(&item.name).copied();
        }
        items
    }

    fn item(&self, shelf: Shelf, path: &Path) -> Item {
        let name = shown(path.file_name().unwrap_or_default()).to_string();
        let mut item = Item::named(shelf, name);
        let end = std::fs::canonicalize(path);
        let is_inside = end.is_ok_and(|end| std::fs::canonicalize(&self.root).is_ok_and(|root| end.starts_with(root)));
        match () {
            () if !is_name(path) => item.faults.push("a name with control characters: no patch can name it".to_owned()),
            () if !is_inside => item.faults.push("a link that leads out of the library".to_owned()),
            () => self.look_at(path, &mut item),
        }
        item
    }

    fn look_at(&self, path: &Path, item: &mut Item) {
        match look(self, item.shelf, path) {
            Ok(found) => {
                (item.seconds, item.bpm, item.source) = (found.seconds, found.bpm, found.source);
                item.heard_bpm = found.heard_bpm;
                item.faults = found.faults;
            }
            Err(words) => item.faults.push(words),
        }
    }
}

/// What is known of a thing.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) seconds: Option<f64>,
    pub(super) bpm: Option<u16>,
    pub(super) heard_bpm: Option<f64>,
    pub(super) source: Option<String>,
    /// Of what can be used all the same.
    pub(super) faults: Vec<String>,
}

/// Looks at a thing as it is played.
///
/// # Errors
/// In words, where it cannot be used at all.
pub(super) fn look(library: &Library, shelf: Shelf, path: &Path) -> Result<Looked, String> {
    let words = |error: &dyn std::error::Error| {
        let whole = error.to_string();
        // Its name stands beside it.
        whole.strip_prefix(&format!("{}: ", shown(path))).map_or(whole.clone(), str::to_owned)
    };
    match shelf {
        Shelf::Recordings => {
            open_regular(path).map_err(|it| it.to_string())?;
            let source = load_source(path, LOOKED_AT_S, &mut |_| ()).map_err(|it| words(&it))?;
            let faults = source.notices.iter().filter(|it| is_loss(it)).map(ToString::to_string).collect();
            let seconds = source.origin.frames as f64 / f64::from(source.origin.rate_hz);
            Ok(Looked { seconds: Some(seconds), heard_bpm: tempo_of(&source.pcm), faults, ..Looked::default() })
        }
        Shelf::Patches if !is_text_of_ours(path) => Err("a patch's name ends in .toml".to_owned()),
        Shelf::Patches => {
            let read = library.load_patch(path).map_err(|it| words(&it))?;
            let source = read.patch.source.as_deref().and_then(Path::file_name).map(|it| shown(it).to_string());
            let faults = read.told.into_iter().chain(read.refused).collect();
            Ok(Looked { bpm: read.patch.prompt.bpm, source, faults, ..Looked::default() })
        }
        Shelf::Models => match std::fs::metadata(path).map(|it| Kind::of(&it)) {
            Ok(Kind::Folder) => ModelFolder::find(path).map(|_| Looked::default()).map_err(|it| words(&it)),
            _ => Err("no folder of a model".to_owned()),
        },
        Shelf::Adapters => {
            open_regular(path).map_err(|it| it.to_string())?;
            Checkpoint::open(path).map(|_| Looked::default()).map_err(|it| words(&it))
        }
    }
}

/// Whether something of a recording is not heard that its maker heard.
const fn is_loss(notice: &Notice) -> bool {
    matches!(
        notice,
        Notice::EndsEarly { .. }
            | Notice::BreaksOff { .. }
            | Notice::Damaged { .. }
            | Notice::LeftOut { .. }
            | Notice::Checksum
            | Notice::Unreadable { .. }
            | Notice::Silent
    )
}
