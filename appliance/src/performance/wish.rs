//! A wish of a hand that somebody else fulfils: a file in the runtime folder, which a unit of the image waits for.
//!
//! It is made by a second press, or by holding, so that no knock on a panel begins anything. A machine's power key says that it came up in the
//! moment that it went down: for such a key the second press is the only way.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::files::{FileError, write_whole};

/// A second press counts for so long.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// So long a control is held.
pub const HELD: Duration = Duration::from_secs(2);

/// What came of a press.
#[derive(Debug)]
pub enum Pressed {
    /// Once more makes it.
    Once,
    /// The file is there.
    Made,
    /// It could not be written.
    Failed(FileError),
}

/// One of them.
#[derive(Debug)]
pub struct Wish {
    path: PathBuf,
    /// When a hand pressed first.
    asked: Option<Duration>,
    /// Since when it holds.
    held: Option<Duration>,
}

impl Wish {
    /// Under this name in the runtime folder.
    #[must_use]
    pub fn of(runtime: &Path, name: &str) -> Self {
        Self { path: runtime.join(name), asked: None, held: None }
    }

    /// A hand presses, at `now`; `content` is what the file says.
    pub fn press(&mut self, now: Duration, content: &str) -> Pressed {
        let is_second = self.asked.take().is_some_and(|it| now.saturating_sub(it) <= PATIENCE);
        if is_second {
            return self.make(content);
        }
        (self.asked, self.held) = (Some(now), Some(now));
        Pressed::Once
    }

    /// It lets go: what was not held for long enough is no wish, and may still be pressed once more.
    pub fn let_go(&mut self) {
        self.held = None;
    }

    /// Makes it where it has been held for long enough by `now`; nothing where it was not.
    pub fn hold(&mut self, now: Duration, content: &str) -> Option<Pressed> {
        self.held.filter(|it| HELD <= now.saturating_sub(*it)).map(|_| self.make(content))
    }

    fn make(&mut self, content: &str) -> Pressed {
        (self.asked, self.held) = (None, None);
        write_whole(&self.path, content.as_bytes()).map_or_else(Pressed::Failed, |()| Pressed::Made)
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, HELD, PATIENCE, Pressed, Wish};

    const MOMENT: Duration = Duration::from_millis(1);

    #[test]
    fn a_second_press_makes_it_and_one_that_comes_late_is_a_first_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut wish, path) = (Wish::of(folder.path(), "wish"), folder.path().join("wish"));
        for now in [Duration::ZERO, PATIENCE + MOMENT] {
            assert!(matches!(wish.press(now, "what"), Pressed::Once) && !path.exists());
            wish.let_go();
        }
        assert!(matches!(wish.press(2 * PATIENCE + MOMENT, "what"), Pressed::Made));
        assert_eq!(std::fs::read(&path).expect("it is there"), b"what");
        std::fs::remove_file(&path).expect("it is there");
        assert!(
            matches!(wish.press(2 * PATIENCE + 2 * MOMENT, "what"), Pressed::Once) && !path.exists(),
            "a third is a first one"
        );
    }

    #[test]
    fn holding_makes_it_once_and_letting_go_before_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut wish, path) = (Wish::of(folder.path(), "wish"), folder.path().join("wish"));
        assert!(wish.hold(HELD, "what").is_none(), "nobody pressed");
        assert!(matches!(wish.press(Duration::ZERO, "what"), Pressed::Once));
        assert!(wish.hold(HELD - MOMENT, "what").is_none() && !path.exists());
        wish.let_go();
        assert!(wish.hold(HELD, "what").is_none() && !path.exists());
        let again = PATIENCE + MOMENT;
        assert!(matches!(wish.press(again, "what"), Pressed::Once));
        assert!(matches!(wish.hold(again + HELD, "what"), Some(Pressed::Made)) && path.exists());
        assert!(wish.hold(again + 2 * HELD, "what").is_none(), "it is made once");
    }

    #[test]
    fn what_cannot_be_written_is_told_and_may_be_wished_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut wish = Wish::of(&folder.path().join("gone"), "wish");
        for _ in 0..2 {
            assert!(matches!(wish.press(MOMENT, "what"), Pressed::Once));
            let Pressed::Failed(why) = wish.press(2 * MOMENT, "what") else { panic!("there is no folder") };
            assert!(why.to_string().contains("gone/wish"), "{why}");
        }
    }
}
