//! What the box's own services tell while it plays (updates, sticks), and what hands wish of them: to take an update that is offered, to switch the
//! box off.
//!
//! The folders are looked at by a thread that gives way to everything else; nobody waits for it. The wishes are files that `demon-update.path` and
//! `demon-switch-off.path` of the image wait for. What comes of them is somebody else's, as root; nothing here writes an update or ends anything.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::performance::wish::{Pressed, Wish};
use crate::service::bulletin::{Bulletin, FOLDERS, Watched};
use crate::service::slow::give_way;

/// So often the folders are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// The wishes, in the runtime folder.
const TAKE_UPDATE: &str = "take-update";
const SWITCH_OFF: &str = "switch-off";
/// What is told where nobody fulfils it.
const NO_SWITCH: &str = "this machine is switched off by its own switch";

/// What is told, and what is offered.
#[derive(Debug)]
pub struct BoxNews {
    news: Option<Receiver<(Vec<Bulletin>, Option<String>)>>,
    offer: Option<String>,
    take_update: Wish,
    switch_off: Wish,
    ends: Arc<AtomicBool>,
}

impl BoxNews {
    /// Of nobody: nothing is told.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self::with_wishes(Path::new(""))
    }

    fn with_wishes(runtime: &Path) -> Self {
        let [take_update, switch_off] = [TAKE_UPDATE, SWITCH_OFF].map(|name| Wish::of(runtime, name));
        Self { news: None, offer: None, take_update, switch_off, ends: Arc::default() }
    }

    /// Begins to look at a box's folders, with the wishes below `runtime`; where the system has no thread left nothing is told.
    #[must_use]
    pub fn begin(runtime: &Path) -> Self {
        // Where there are no such folders there is no such box, as on a desk.
        Self::of(runtime, FOLDERS.iter().map(PathBuf::from).filter(|it| it.is_dir()).collect())
    }

    /// As [`Self::begin`], of these folders.
    pub(super) fn of(runtime: &Path, folders: Vec<PathBuf>) -> Self {
        let mut own = Self::with_wishes(runtime);
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
        match self.take_update.press(now, version) {
            Pressed::Once => format!("again writes demon {version} beside what plays"),
            Pressed::Made => format!("demon {version} is going to be written"),
            Pressed::Failed(error) => error.to_string(),
        }
    }

    /// The box's switch is pressed at `now`, or let go; answers what is told.
    pub fn switch(&mut self, now: Duration, is_pressed: bool) -> Option<String> {
        if !is_pressed {
            self.switch_off.let_go();
            return None;
        }
        Some(if self.is_of_a_box() { told(self.switch_off.press(now, "")) } else { NO_SWITCH.to_owned() })
    }

    /// Looks at `now` whether the switch is held; answers what is told.
    pub fn switch_held(&mut self, now: Duration) -> Option<String> {
        self.switch_off.hold(now, "").map(told)
    }

    /// Whether there are services that fulfil wishes.
    fn is_of_a_box(&self) -> bool {
        self.news.is_some()
    }
}

fn told(pressed: Pressed) -> String {
    match pressed {
        Pressed::Once => "hold, or again: saves and switches off".to_owned(),
        Pressed::Made => "saving and switching off".to_owned(),
        Pressed::Failed(error) => error.to_string(),
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

    use super::{BoxNews, NO_SWITCH, SWITCH_OFF, TAKE_UPDATE};
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
        let wish = folder.path().join(TAKE_UPDATE);
        let mut news = BoxNews::with_wishes(folder.path());
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

    #[test]
    fn the_switch_is_held_or_pressed_twice_and_says_so_and_where_there_is_no_box_nothing_is_wished() {
        let folder = tempfile::tempdir().expect("a folder");
        let wish = folder.path().join(SWITCH_OFF);
        let mut news = BoxNews::with_wishes(folder.path());
        let second = Duration::from_secs;
        let told = |words: &str| Some(words.to_owned());
        for now in [1, 2] {
            assert_eq!(news.switch(second(now), true), told(NO_SWITCH));
            assert_eq!((news.switch(second(now), false), news.switch_held(second(now + 9))), (None, None));
        }
        assert!(!wish.exists());
        news.look_at(vec![folder.path().join("told")]);
        assert_eq!(news.switch(second(20), true), told("hold, or again: saves and switches off"));
        assert_eq!((news.switch_held(second(21)), news.switch(second(21), false)), (None, None));
        assert!(news.switch_held(second(23)).is_none() && !wish.exists(), "it was let go");
        assert_eq!(news.switch(second(25), true), told("saving and switching off"));
        std::fs::remove_file(&wish).expect("it is there");
        assert_eq!(news.switch(second(40), true), told("hold, or again: saves and switches off"));
        assert_eq!(news.switch_held(second(42)), told("saving and switching off"));
        assert!(wish.exists());
    }
}
