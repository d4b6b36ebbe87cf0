//! All profiles that the box knows: those that are built in, and those of a folder.

use std::path::Path;
use std::sync::Arc;

use hal::gesture::Identity;

use super::Profile;
use crate::files::document::{is_text_of_ours, lines};
use crate::files::{Remark, read_text, shown};

/// Greatest profile file in bytes: ten times the longest that is built in.
const LARGEST_BYTES: u64 = 1 << 18;
/// Most files that are read from a folder.
const MOST_FILES: usize = 256;

/// The key of the profile that stands in for all others.
const GENERIC: &str = "generic";

/// Profiles that are built in, by key. Where two know one controller, the earlier is taken.
pub(super) const BUILT_IN: [(&str, &str); 8] = [
    ("behringer-x-touch-mini", include_str!("../../../profiles/behringer-x-touch-mini.toml")),
    ("behringer-x-touch-mini-mc", include_str!("../../../profiles/behringer-x-touch-mini-mc.toml")),
    ("novation-launch-control-xl", include_str!("../../../profiles/novation-launch-control-xl.toml")),
    ("akai-apc-mini-mk2", include_str!("../../../profiles/akai-apc-mini-mk2.toml")),
    ("korg-nanokontrol2", include_str!("../../../profiles/korg-nanokontrol2.toml")),
    ("faderfox-uc4", include_str!("../../../profiles/faderfox-uc4.toml")),
    ("gpio-panel", include_str!("../../../profiles/gpio-panel.toml")),
    (GENERIC, include_str!("../../../profiles/generic.toml")),
];

/// All profiles that the box knows.
#[derive(Clone, Debug)]
pub struct Profiles {
    known: Vec<Arc<Profile>>,
    generic: Arc<Profile>,
}

impl Default for Profiles {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Profiles {
    /// Those that are built in.
    #[must_use]
    pub fn built_in() -> Self {
        // A test holds that none of them has a fault.
        let known: Vec<_> = BUILT_IN.iter().map(|(key, text)| Arc::new(Profile::parse_sound(key, text).0)).collect();
        let generic = known.iter().find(|it| it.key == GENERIC).expect("the list above names it");
        Self { generic: Arc::clone(generic), known }
    }

    /// Those that are built in, and every `*.toml` of a folder before them: one of the same file name takes the place of what
    /// is built in. Comes with what is wrong with the files, in words; a file that holds no profile at all is left out, and a
    /// folder that is not there is no fault.
    #[must_use]
    pub fn with_folder(folder: &Path) -> (Self, Vec<Remark>) {
        let (mut profiles, mut said) = (Self::built_in(), Vec::new());
        let mut paths: Vec<_> = match std::fs::read_dir(folder) {
            Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()).collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                said.push(format!("{}: {error}; the profiles that are built in are used", shown(folder)).into());
                Vec::new()
            }
        };
        paths.retain(|path| is_text_of_ours(path));
        paths.sort();
        // Backwards, since each comes before all others: the first of the alphabet is asked first.
        for path in paths.iter().take(MOST_FILES).rev() {
            match load(path) {
                Ok((profile, faults)) => {
                    said.extend(faults.map(|it| Remark::of(path, it)));
                    profiles.add(profile);
                }
                Err(words) => said.push(Remark::of(path, words)),
            }
        }
        (profiles, said)
    }

    fn add(&mut self, profile: Profile) {
        let profile = Arc::new(profile);
        self.known.retain(|it| it.key != profile.key);
        if profile.key == GENERIC {
            self.generic = Arc::clone(&profile);
        }
        self.known.insert(0, profile);
    }

    /// Takes a profile before all others that know the same controller; answers whether there is one of that key.
    pub fn prefer(&mut self, key: &str) -> bool {
        let place = self.known.iter().position(|it| it.key == key);
        if let Some(place) = place {
            self.known[..=place].rotate_right(1);
        }
        place.is_some()
    }

    /// All profiles, in the order in which they are asked.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Profile>> {
        self.known.iter()
    }

    /// What is taken for a controller of which nothing is known.
    #[must_use]
    pub const fn usual(&self) -> &Arc<Profile> {
        &self.generic
    }

    /// The profile of a controller: by its model, then by its name, then the generic one.
    #[must_use]
    pub fn for_identity(&self, identity: &Identity) -> &Arc<Profile> {
        let model = identity.model.as_str();
        let usb = model.strip_prefix("usb ").map(str::to_ascii_lowercase);
        let by_model = |it: &&Arc<Profile>| {
            it.known_by.model.iter().any(|known| begins(model, known))
                || usb.as_ref().is_some_and(|usb| it.known_by.usb.contains(usb))
        };
        if let Some(found) = self.known.iter().find(by_model) {
            return found;
        }
        // A second wire of a controller ("usb 1235:0061 cable 2") has its name, but not its knobs and lights.
        if usb.is_some_and(|usb| usb.contains(' ')) {
            return &self.generic;
        }
        let name = identity.name.to_lowercase();
        let by_name = |it: &&Arc<Profile>| it.known_by.name.iter().any(|known| name.contains(known.as_str()));
        self.known.iter().find(by_name).unwrap_or(&self.generic)
    }
}

/// Whether a model begins with these words, whole.
fn begins(model: &str, words: &str) -> bool {
    model.strip_prefix(words).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// What is wrong with a profile's file, in words.
#[must_use]
pub fn wrong_with(path: &Path) -> Option<String> {
    load(path).map_or_else(Some, |(_, faults)| faults)
}

/// A profile of a file and its faults in words, or why there is none.
fn load(path: &Path) -> Result<(Profile, Option<String>), String> {
    let said = |words: &dyn std::fmt::Display| format!("{}: {words}; the profile is left out", shown(path));
    let text = read_text(path, LARGEST_BYTES).map_err(|trouble| said(&trouble))?;
    let key = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let (profile, faults) = Profile::parse_sound(&key, &text.text);
    let faults = text.with(faults);
    let words = (!faults.is_empty()).then(|| lines(path, &faults));
    if profile.parts.is_empty() && profile.setup.is_empty() {
        return Err(words.unwrap_or_else(|| said(&"no control in it")));
    }
    Ok((profile, words))
}
