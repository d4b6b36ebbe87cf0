//! What the box's own services tell while it plays (updates, sticks), and the wish of a hand to take an update that is offered.
//!
//! The folders are looked at by a thread that gives way to everything else; nobody waits for it. An update is taken with a second press, so that no
//! knock on a panel begins one: the wish is an empty file that the image's `demon-update.path` waits for. Writing it, and everything behind it, is
//! somebody else's (`command::update`, as root); nothing here restarts anything.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::files::write_whole;
use crate::service::bulletin::{Bulletin, FOLDERS, Watched};
use crate::service::slow::give_way;

/// So often the folders are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// A second press counts for so long.
const PATIENCE: Duration = Duration::from_secs(10);
/// The wish, in the runtime folder.
const WISH: &str = "take-update";

/// What is told, and what is offered.
#[derive(Debug)]
pub struct BoxNews {
    news: Option<Receiver<(Vec<Bulletin>, Option<String>)>>,
    offer: Option<String>,
    /// When a hand asked first.
    asked: Option<Duration>,
    /// Where the wish is written.
    wish: PathBuf,
    ends: Arc<AtomicBool>,
}

impl BoxNews {
    /// Of nobody: nothing is told.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self::with_wish(PathBuf::from(WISH))
    }

    fn with_wish(wish: PathBuf) -> Self {
        Self { news: None, offer: None, asked: None, wish, ends: Arc::default() }
    }

    /// Begins to look at a box's folders, with the wish below `runtime`; where the system has no thread left nothing is told.
    #[must_use]
    pub fn begin(runtime: &std::path::Path) -> Self {
        let mut own = Self::with_wish(runtime.join(WISH));
        // Where there are no such folders there is no such box, as on a desk.
        let folders: Vec<PathBuf> = FOLDERS.iter().map(PathBuf::from).filter(|it| it.is_dir()).collect();
        if !folders.is_empty() {
            own.look_at(folders);
        }
        own
    }

    fn look_at(&mut self, folders: Vec<PathBuf>) {
        let (found, news) = channel();
        let ends = Arc::clone(&self.ends);
        let work = move || {
            give_way();
            let mut watched = Watched::of(folders);
            let mut offered = None;
            while !ends.load(Relaxed) {
                let news = watched.look();
                let offer = watched.offer().map(str::to_owned);
                if (!news.is_empty() || offer != offered) && found.send((news, offer.clone())).is_err() {
                    return;
                }
                offered = offer;
                std::thread::sleep(LOOK);
            }
        };
        self.news = std::thread::Builder::new().name("box news".to_owned()).spawn(work).ok().map(|_| news);
    }

    /// What was told since the last call.
    pub fn come(&mut self) -> Vec<Bulletin> {
        let mut all = Vec::new();
        while let Some((news, offer)) = self.news.as_ref().and_then(|it| it.try_recv().ok()) {
            all.extend(news);
            self.offer = offer;
        }
        all
    }

    /// A hand asks for the update that is offered, at `now`; answers what it is told.
    pub fn take(&mut self, now: Duration) -> String {
        let Some(version) = &self.offer else { return "no update is offered: put a stick with one in".to_owned() };
        if self.asked.take().is_none_or(|it| PATIENCE < now.saturating_sub(it)) {
            self.asked = Some(now);
            return format!("again writes demon {version} beside what plays");
        }
        match write_whole(&self.wish, version.as_bytes()) {
            Ok(()) => format!("demon {version} is going to be written"),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for BoxNews {
    fn drop(&mut self) {
        self.ends.store(true, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{BoxNews, WISH};
    use crate::service::bulletin::Bulletin;

    fn come(news: &mut BoxNews) -> Vec<Bulletin> {
        let begun = Instant::now();
        loop {
            let all = news.come();
            if !all.is_empty() {
                return all;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing was told");
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_a_stick_offers_is_told_and_taken_with_a_second_press() {
        let folder = tempfile::tempdir().expect("a folder");
        let wish = folder.path().join(WISH);
        let mut news = BoxNews::with_wish(wish.clone());
        let second = Duration::from_secs;
        assert_eq!(news.take(second(1)), "no update is offered: put a stick with one in");
        let offer = Bulletin { offer: Some("0.2.0".to_owned()), ..Bulletin::news("the stick has demon 0.2.0") };
        offer.put(folder.path(), "stick").expect("a disk");
        news.look_at(vec![folder.path().to_owned()]);
        assert_eq!(come(&mut news), [offer]);
        assert_eq!(news.take(second(2)), "again writes demon 0.2.0 beside what plays");
        assert_eq!(
            news.take(second(20)),
            "again writes demon 0.2.0 beside what plays",
            "too late to be a second press"
        );
        assert!(!wish.exists());
        assert_eq!(news.take(second(22)), "demon 0.2.0 is going to be written");
        assert_eq!(std::fs::read(&wish).expect("it is there"), b"0.2.0");
        // A stick that is pulled offers nothing.
        Bulletin::news("the stick is gone").put(folder.path(), "stick").expect("a disk");
        come(&mut news);
        assert_eq!(news.take(second(23)), "no update is offered: put a stick with one in");
    }
}
