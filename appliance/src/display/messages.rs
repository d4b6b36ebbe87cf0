//! What the player is told, by one call with a level, for the message line, the printed lines and the log alike.
//!
//! News come and go. A fault stands under its key until it is over, whatever is told meanwhile, and its end is told too. Every
//! message is also an event of the log with its level, so that a journal holds what happened and no status line.
//!
//! Three queues, each with a size and a policy, so that no flood grows memory and none hides what comes after it:
//!
//! * The message line. A message is shown for [`STAYS`], or for [`TURN`] once others wait. [`WAITING`] may wait; of more the
//!   oldest of the lowest level is left out, so that the newest is read within [`STAYS`] of being told. What a hand just did
//!   takes turns with them, and only its latest is kept. Help comes when nothing else does.
//! * Printed lines. [`LINES`] wait for whoever prints them; what does not fit is left out.
//! * Standing faults. [`STANDING`] are kept; a further one is told as news.
//!
//! What was left out is counted, and the count is told. Nothing here writes anywhere or reads a clock.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::files::shown;
use crate::recorder::{Kind, Recorder};

/// How long a message is shown while nothing else waits.
pub const STAYS: Duration = Duration::from_secs(4);
/// How long it is shown at least: as long as a few words take to read.
pub const TURN: Duration = Duration::from_millis(800);
/// Messages that may wait for the message line. Each waits for the one that is shown, those before it, and a hand's message
/// between any two: with two of them that is four turns, which are less than [`STAYS`].
pub const WAITING: usize = 2;
const _: () = assert!(TURN.as_millis() * 2 * WAITING as u128 <= STAYS.as_millis());
/// Lines that may wait to be printed.
pub const LINES: usize = 64;
/// Faults that may stand at once: more than a box has devices and files.
pub const STANDING: usize = 64;
/// Longest message in bytes: a screen of a terminal. What is longer is cut.
pub const LONGEST: usize = 1024;

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something happened, as it should.
    Info,
    /// Something is not as it was asked for, and the performance goes on.
    Warning,
    /// Something is broken.
    Fault,
}

/// What a fault is of. The order is that of what hurts a performance most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKey {
    /// The player in a process of its own.
    Player,
    /// The sound device.
    SoundDevice,
    /// The engine's ticks.
    EngineTick,
    /// The engine's windows.
    EngineDecode,
    /// The graphics card.
    Card,
    /// How fast the machine computes.
    Pace,
    /// What cannot be written.
    Disk,
    /// That little room is left on the disk.
    Room,
    /// What is played, for the next start.
    LastState,
    /// The sound of the tape, for the next start.
    LastTape,
    /// What is recorded of the music.
    Takes,
    /// A surface, or the wire to a controller, by name.
    Surface(String),
    /// A display, by name.
    Display(String),
    /// A file.
    File(PathBuf),
}

impl fmt::Display for FaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Player => f.write_str("the player"),
            Self::SoundDevice => f.write_str("the sound device"),
            Self::EngineTick => f.write_str("the engine"),
            Self::EngineDecode => f.write_str("the engine's decoder"),
            Self::Card => f.write_str("the graphics card"),
            Self::Pace => f.write_str("the machine's pace"),
            Self::Disk => f.write_str("the disk"),
            Self::Room => f.write_str("room on the disk"),
            Self::LastState => f.write_str("the last state"),
            Self::LastTape => f.write_str("the kept tape"),
            Self::Takes => f.write_str("the recording of the music"),
            Self::Surface(name) => f.write_str(name),
            Self::Display(name) => write!(f, "the display on {name}"),
            Self::File(path) => write!(f, "{}", shown(path)),
        }
    }
}

impl FaultKey {
    /// The end of such a fault, in words.
    fn ended(&self) -> String {
        match self {
            Self::SoundDevice | Self::Card | Self::Display(_) => format!("{self} is back"),
            Self::Disk => "what could not be written is on the disk".to_owned(),
            Self::Room => "there is room on the disk again".to_owned(),
            Self::LastState => "the last state is kept again".to_owned(),
            Self::LastTape => "the tape is kept again".to_owned(),
            Self::Takes => "the music is recorded again".to_owned(),
            Self::Pace => "ticks are no longer slow".to_owned(),
            Self::Player | Self::EngineTick | Self::EngineDecode | Self::Surface(_) => format!("{self} works again"),
            Self::File(_) => format!("{self} is in order again"),
        }
    }
}

/// What is on the message line.
struct Shown {
    words: String,
    of: Of,
    since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    News,
    Hand,
    Help,
}

/// All that the player is told.
pub struct Messages {
    standing: BTreeMap<FaultKey, String>,
    waiting: VecDeque<(Level, String)>,
    /// What a hand did last, while it waits for its turn.
    hand: Option<String>,
    help: VecDeque<String>,
    line: Option<Shown>,
    /// Messages that the line never showed, and that were not told of yet.
    unread: u64,
    /// Lines to be printed; none where nobody prints.
    printed: Option<VecDeque<String>>,
    /// Lines that were not printed, and that were not told of yet.
    unprinted: u64,
    recorder: Recorder,
}

impl Messages {
    /// Nothing told yet. With `prints` every message is a line for [`Self::next_line`] too. `help` comes when nothing else does.
    #[must_use]
    pub fn new(prints: bool, help: impl IntoIterator<Item = String>) -> Self {
        Self {
            standing: BTreeMap::new(),
            waiting: VecDeque::new(),
            hand: None,
            help: help.into_iter().collect(),
            line: None,
            unread: 0,
            printed: prints.then(VecDeque::new),
            unprinted: 0,
            recorder: Recorder::nowhere(),
        }
    }

    /// Notes from now on what is told, and what stands already.
    pub fn record_to(&mut self, recorder: Recorder) {
        self.standing.values().for_each(|it| recorder.note(Kind::Told, &format!("stands: {it}")));
        self.recorder = recorder;
    }

    /// Notes how it goes.
    pub fn note(&self, kind: Kind, words: &str) {
        self.recorder.note(kind, words);
    }

    /// Tells something.
    pub fn tell(&mut self, level: Level, words: &str) {
        let words = &*cut(words);
        log(level, words);
        self.recorder.note(Kind::Told, words);
        self.news(level, words);
    }

    /// Tells something that was printed already, before there was a display.
    pub fn tell_printed(&mut self, level: Level, words: &str) {
        let words = &*cut(words);
        log(level, words);
        self.recorder.note(Kind::Told, words);
        self.wait_for_the_line(level, words);
    }

    /// Tells what a hand just did.
    pub fn hand(&mut self, words: &str) {
        let words = &*cut(words);
        tracing::info!(hand = true, "{words}");
        self.print(Level::Info, words);
        self.hand = Some(first_line(words));
    }

    /// A fault stands from now on, in these words. It is told once as long as they are the same.
    pub fn fault(&mut self, key: FaultKey, words: &str) {
        let words = &*cut(words);
        if self.standing.get(&key).is_some_and(|known| known == words) {
            return;
        }
        tracing::error!(of = %key, standing = true, "{words}");
        self.recorder.note(Kind::Told, &format!("fault: {words}"));
        self.news(Level::Fault, words);
        if self.standing.len() < STANDING || self.standing.contains_key(&key) {
            self.standing.insert(key, words.to_owned());
        }
    }

    /// As [`Self::fault`], where only what stands on the displays is another by now: that is no news.
    pub fn fault_by_now(&mut self, key: FaultKey, words: &str) {
        match self.standing.get_mut(&key) {
            Some(known) => *known = cut(words).into_owned(),
            None => self.fault(key, words),
        }
    }

    /// As [`Self::fault`], of something that was printed already; of several lines the first stands, with the number of the others.
    pub fn fault_printed(&mut self, key: FaultKey, words: &str) {
        let printed = self.printed.take();
        self.fault(key, &first_line(words));
        self.printed = printed;
    }

    /// A fault is over; nothing happens where none stands.
    pub fn over(&mut self, key: &FaultKey) {
        self.over_with(key, &key.ended());
    }

    /// A fault is over, and its end is told in these words; nothing happens where none stands.
    pub fn over_with(&mut self, key: &FaultKey, words: &str) {
        if self.standing.remove(key).is_some() {
            let words = &*cut(words);
            tracing::info!(of = %key, standing = false, "{words}");
            self.recorder.note(Kind::Told, &format!("over: {words}"));
            self.news(Level::Info, words);
        }
    }

    /// Whether a fault of this key stands.
    #[must_use]
    pub fn stands(&self, key: &FaultKey) -> bool {
        self.standing.contains_key(key)
    }

    /// The words of the standing fault that hurts most.
    #[must_use]
    pub fn worst(&self) -> Option<&str> {
        self.standing.values().next().map(String::as_str)
    }

    /// The words of all standing faults, the one that hurts most first.
    pub fn standing(&self) -> impl Iterator<Item = &str> {
        self.standing.values().map(String::as_str)
    }

    /// What is on the message line at `now`; empty for nothing. Call it often: a message's time begins when it is asked for.
    pub fn line(&mut self, now: Instant) -> &str {
        let age = |it: &Shown| now.saturating_duration_since(it.since);
        let others = !self.waiting.is_empty() || self.hand.is_some();
        let is_done = match &self.line {
            None => true,
            Some(it) if it.of == Of::Help => others || STAYS <= age(it),
            // What a hand does next is shown in place of what it did before.
            Some(it) if it.of == Of::Hand && self.waiting.is_empty() => self.hand.is_some() || STAYS <= age(it),
            Some(it) => STAYS <= age(it) || (others && TURN <= age(it)),
        };
        if is_done {
            self.line = self.next(now);
        } else if let Some(it) = self.line.as_mut().filter(|it| it.of == Of::Hand)
            && let Some(words) = self.hand.take()
        {
            // Its turn goes on as it began, since others wait for its end.
            it.words = words;
        }
        self.line.as_ref().map_or("", |it| &it.words)
    }

    /// The next line to be printed, where anybody prints.
    pub fn next_line(&mut self) -> Option<String> {
        let line = self.printed.as_mut()?.pop_front();
        line.or_else(|| {
            let unprinted = std::mem::take(&mut self.unprinted);
            (unprinted > 0)
                .then(|| format!("{unprinted} messages were left out: they came faster than they are printed"))
        })
    }

    fn next(&mut self, now: Instant) -> Option<Shown> {
        let after_hand = self.line.as_ref().is_some_and(|it| it.of == Of::Hand);
        let mut hand = || self.hand.take().map(|words| (Of::Hand, words));
        let first = if after_hand { None } else { hand() };
        let next = first.or_else(|| self.waiting.pop_front().map(|(_, words)| (Of::News, words)));
        let (of, words) = next.or_else(hand).or_else(|| {
            let unread = std::mem::take(&mut self.unread);
            match unread {
                0 => self.help.pop_front().map(|words| (Of::Help, words)),
                unread => Some((Of::News, format!("{unread} messages came too fast to be shown"))),
            }
        })?;
        Some(Shown { words, of, since: now })
    }

    fn news(&mut self, level: Level, words: &str) {
        self.print(level, words);
        self.wait_for_the_line(level, words);
    }

    fn wait_for_the_line(&mut self, level: Level, words: &str) {
        let words = first_line(words);
        // What is read already, or is about to be, needs no second turn.
        let is_shown = self.line.as_ref().is_some_and(|it| it.of == Of::News && it.words == words);
        if is_shown || self.waiting.iter().any(|(_, waiting)| *waiting == words) {
            return;
        }
        if self.waiting.len() == WAITING {
            let least = self.waiting.iter().enumerate().min_by_key(|(place, (level, _))| (*level, *place));
            if let Some((place, _)) = least {
                self.waiting.remove(place);
                self.unread += 1;
            }
        }
        self.waiting.push_back((level, words));
    }

    fn print(&mut self, level: Level, words: &str) {
        let Some(printed) = &mut self.printed else { return };
        let mark = if level == Level::Fault { "fault: " } else { "" };
        for line in words.lines() {
            // The first lines tell how it began; a line from the middle of a flood tells little.
            if self.unprinted == 0 && printed.len() < LINES {
                printed.push_back(format!("{mark}{line}"));
            } else {
                self.unprinted += 1;
            }
        }
    }
}

fn log(level: Level, words: &str) {
    match level {
        Level::Info => tracing::info!("{words}"),
        Level::Warning => tracing::warn!("{words}"),
        Level::Fault => tracing::error!("{words}"),
    }
}

/// No more of the words than fit: of a longer message the middle goes, since what comes of it stands at its end.
fn cut(words: &str) -> Cow<'_, str> {
    const GAP: &str = " ... ";
    if words.len() <= LONGEST {
        return words.into();
    }
    let (most, tail) = (LONGEST - LONGEST / 4 - GAP.len(), words.len() - LONGEST / 4);
    let head = (0..=most).rev().find(|at| words.is_char_boundary(*at)).unwrap_or(0);
    let tail = (tail..=words.len()).find(|at| words.is_char_boundary(*at)).unwrap_or(words.len());
    format!("{}{GAP}{}", &words[..head], &words[tail..]).into()
}

/// The first line, and how many follow it.
fn first_line(words: &str) -> String {
    match (words.lines().next().unwrap_or_default(), words.lines().count()) {
        (first, 0 | 1) => first.to_owned(),
        (first, lines) => format!("{first} (+{})", lines - 1),
    }
}

#[cfg(test)]
#[path = "messages_tests.rs"]
mod tests;
