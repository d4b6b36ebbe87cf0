//! A walk through the library while it plays: one thing after the other, by name, length and tempo, on every display's message line.
//!
//! What is there is looked at by a thread that gives way to everything else, since every recording is decoded for it; nobody waits for that.
//! A walk that begins after a rest looks anew: somebody may have added something.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use crate::display::status::LibraryPage;
use crate::service::slow::give_way;
use crate::settings::library::{Item, Library};

/// After so long a walk begins anew.
const REST: Duration = Duration::from_secs(60);
/// So long after the last step the list stands on the displays.
const SHOWN: Duration = Duration::from_secs(8);

/// Where a hand is in the library.
#[derive(Debug, Default)]
pub struct LibraryWalk {
    /// What is looked at now.
    looks: Option<Receiver<Vec<Item>>>,
    items: Arc<[Item]>,
    /// The one that is shown; none before the first step.
    at: Option<usize>,
    /// When the hand was last here.
    walked: Option<Duration>,
}

impl LibraryWalk {
    /// A hand goes on by one, at `now`; answers what is to be shown.
    pub fn step(&mut self, library: &Library, by: i8, now: Duration) -> String {
        let is_new = self.walked.replace(now).is_none_or(|it| REST < now.saturating_sub(it));
        if is_new && self.looks.is_none() {
            self.at = None;
            self.looks = look(library.clone());
        }
        if self.looks.is_some() {
            return "looking at the library".to_owned();
        }
        let count = self.items.len();
        self.at = match (self.at, by < 0) {
            (Some(at), false) => Some((at + 1).min(count.saturating_sub(1))),
            (Some(at), true) => Some(at.saturating_sub(1)),
            (None, _) => Some(0),
        };
        self.shown()
    }

    /// What is to be shown because it has been looked at, if that is so since the last call.
    pub fn come(&mut self) -> Option<String> {
        match self.looks.as_ref()?.try_recv() {
            Ok(items) => self.items = items.into(),
            // Whoever panicked has said so.
            Err(TryRecvError::Disconnected) => self.items = Arc::default(),
            Err(TryRecvError::Empty) => return None,
        }
        (self.looks, self.at) = (None, Some(0));
        Some(self.shown())
    }

    /// The list, while a hand is in it: until some seconds after its last step.
    #[must_use]
    pub fn page(&self, now: Duration) -> Option<LibraryPage> {
        let is_here = self.walked.is_some_and(|it| now.saturating_sub(it) < SHOWN) && !self.items.is_empty();
        let cursor = self.at.filter(|_| is_here)?;
        Some(LibraryPage { items: Arc::clone(&self.items), cursor })
    }

    /// The hand is done with it: the list goes, and the walk goes on where it was.
    pub fn leave(&mut self) {
        self.walked = self.walked.map(|it| it.saturating_sub(SHOWN));
    }

    /// What is shown now.
    #[must_use]
    pub fn item(&self) -> Option<&Item> {
        self.items.get(self.at?)
    }

    fn shown(&self) -> String {
        let at = self.at.unwrap_or(0);
        self.items.get(at).map_or_else(
            || "the library is empty: `demon library add`".to_owned(),
            |it| format!("{} of {}: {}", at + 1, self.items.len(), it.words()),
        )
    }
}

/// Begins to look; none where the system has no thread left.
fn look(library: Library) -> Option<Receiver<Vec<Item>>> {
    let (found, items) = channel();
    let work = move || {
        give_way();
        // Whoever walked may be gone by now.
        let _ = found.send(library.items());
    };
    std::thread::Builder::new().name("library".to_owned()).spawn(work).ok()?;
    Some(items)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::LibraryWalk;
    use crate::settings::library::Library;

    fn come(walk: &mut LibraryWalk) -> String {
        let begun = Instant::now();
        loop {
            if let Some(words) = walk.come() {
                return words;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "never looked at");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_hand_walks_through_the_library_and_what_is_broken_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let library = Library::at(folder.path().to_owned());
        let mut walk = LibraryWalk::default();
        let second = Duration::from_secs;
        assert_eq!(walk.step(&library, 1, second(1)), "looking at the library");
        assert_eq!(come(&mut walk), "the library is empty: `demon library add`");
        for (name, text) in [("recordings/a.wav", ""), ("patches/1_b.toml", "[prompt]\nbpm = 96\n")] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a disk");
            std::fs::write(path, text).expect("a disk");
        }
        // Within a minute it is the same walk.
        assert_eq!(walk.step(&library, 1, second(2)), "the library is empty: `demon library add`");
        assert_eq!(walk.step(&library, 1, second(90)), "looking at the library");
        let first = come(&mut walk);
        assert!(first.starts_with("1 of 2: a.wav: ") && walk.come().is_none(), "{first}");
        let page = |walk: &LibraryWalk, at| walk.page(second(at)).map(|it| (it.cursor, it.items.len()));
        assert_eq!((page(&walk, 90), page(&walk, 97), page(&walk, 98)), (Some((0, 2)), Some((0, 2)), None));
        let items = walk.page(second(90)).expect("it is shown").items;
        assert!(items[0].fault().is_some_and(|it| !it.is_empty()) && items[1].fault().is_none(), "{items:?}");
        assert_eq!((items[1].name.as_str(), items[1].known().join(", ").as_str()), ("1_b.toml", "96 bpm"));
        let way = [1, 1, -1, -1].map(|by| walk.step(&library, by, second(91)));
        assert_eq!(
            way,
            ["2 of 2: 1_b.toml, 96 bpm".to_owned(), "2 of 2: 1_b.toml, 96 bpm".to_owned(), first.clone(), first]
        );
        walk.step(&library, 1, second(92));
        walk.leave();
        assert_eq!(page(&walk, 92), None);
        assert_eq!(walk.step(&library, -1, second(93)).split(':').next(), Some("1 of 2"), "it goes on where it was");
        assert_eq!(page(&walk, 93), Some((0, 2)));
    }
}
