//! What the box's own services (updates, sticks) have to tell the player: a small file each in a folder, replaced whole, that the engine looks at.
//!
//! They run as other users and for moments only, so nothing is open between them. The first line is the level (`news` or `warning`), the
//! second the words; of a stick that holds an update the third is `offer` and what is offered. A file that is taken away tells that nothing is offered
//! any more. Whatever else stands there is no bulletin and tells nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::files::{FileError, plain, read_regular, write_whole};

/// The folders that are looked at on a box: of who writes updates, and of who looks at sticks.
pub const FOLDERS: [&str; 2] = ["/run/demon-update", "/run/demon-stick/told"];
/// Largest file that is one.
const MOST_BYTES: u64 = 4096;

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bulletin {
    /// Whether something is not as it was asked for.
    pub is_warning: bool,
    /// A line for the player.
    pub words: String,
    /// What could be taken when a hand asks for it: a version of the box.
    pub offer: Option<String>,
}

impl Bulletin {
    /// Something happened, as it should.
    #[must_use]
    pub fn news(words: &str) -> Self {
        Self { words: words.to_owned(), ..Self::default() }
    }

    /// Something is not as it was asked for.
    #[must_use]
    pub fn warning(words: &str) -> Self {
        Self { is_warning: true, ..Self::news(words) }
    }

    /// Puts it in the place of the one before, as `name` of a folder.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn put(&self, folder: &Path, name: &str) -> Result<(), FileError> {
        let level = if self.is_warning { "warning" } else { "news" };
        let line = |it: &str| plain(it).replace(['\n', '\t'], " ");
        let mut text = format!("{level}\n{}\n", line(&self.words));
        if let Some(offer) = &self.offer {
            text += &format!("offer {}\n", line(offer));
        }
        write_whole(&folder.join(name), text.as_bytes())
    }

    fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut lines = text.lines();
        let is_warning = match lines.next()? {
            "news" => false,
            "warning" => true,
            _ => return None,
        };
        let words = plain(lines.next()?).into_owned();
        let offer = lines.next().and_then(|it| it.strip_prefix("offer ")).map(|it| plain(it).into_owned());
        Some(Self { is_warning, words, offer })
    }
}

/// Looks at folders again and again, and tells what is another.
#[derive(Debug, Default)]
pub struct Watched {
    folders: Vec<PathBuf>,
    known: BTreeMap<PathBuf, Bulletin>,
}

impl Watched {
    /// Of these folders; what stands there already is told at the first look.
    pub fn of(folders: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { folders: folders.into_iter().collect(), known: BTreeMap::new() }
    }

    /// What is another since the look before, in the order of names.
    pub fn look(&mut self) -> Vec<Bulletin> {
        let mut now = BTreeMap::new();
        for folder in &self.folders {
            for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
                let path = entry.path();
                // Hidden ones are not whole yet.
                let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                let text = (!is_hidden).then(|| read_regular(&path, MOST_BYTES).ok()).flatten();
                if let Some(it) = text.and_then(|it| Bulletin::read(&it)) {
                    now.insert(path, it);
                }
            }
        }
        let news = now.iter().filter(|(path, it)| self.known.get(*path) != Some(it)).map(|it| it.1.clone()).collect();
        self.known = now;
        news
    }

    /// What is offered, as it was looked at last.
    #[must_use]
    pub fn offer(&self) -> Option<&str> {
        self.known.values().find_map(|it| it.offer.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::{Bulletin, Watched};

    #[test]
    fn what_is_put_is_told_once_and_an_offer_stands_until_it_is_taken_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut watched = Watched::of([folder.path().to_owned(), folder.path().join("missing")]);
        assert_eq!(watched.look(), Vec::new());
        let first = Bulletin { offer: Some("0.2.0".to_owned()), ..Bulletin::news("the stick has demon 0.2.0") };
        first.put(folder.path(), "stick").expect("a disk");
        assert_eq!((watched.look(), watched.offer()), (vec![first], Some("0.2.0")));
        assert_eq!((watched.look(), watched.offer()), (Vec::new(), Some("0.2.0")));
        Bulletin::warning("one\ntwo\u{1b}[2J").put(folder.path(), "update").expect("a disk");
        assert_eq!(watched.look(), [Bulletin::warning("one two\\u{1b}[2J")]);
        std::fs::remove_file(folder.path().join("stick")).expect("a disk");
        assert_eq!((watched.look(), watched.offer()), (Vec::new(), None));
    }

    #[test]
    fn whatever_is_no_bulletin_tells_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in
            [("a", &b""[..]), ("b", b"news"), ("c", b"fault\nwords\n"), ("d", &[0xff; 9]), ("e", &[b'x'; 5000])]
        {
            std::fs::write(folder.path().join(name), text).expect("a disk");
        }
        std::fs::write(folder.path().join(".part"), "news\nwords\n").expect("a disk");
        std::fs::create_dir(folder.path().join("f")).expect("a disk");
        assert_eq!(Watched::of([folder.path().to_owned()]).look(), Vec::new());
    }
}
