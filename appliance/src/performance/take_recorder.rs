//! Records what is played, on two threads that nobody waits for: an ear that copies what left the guard, and a writer that a disk may hold up.
//!
//! Between them a minute of sound may wait; what finds no room there is missing, and is said. Wishes wait in the same row as the sound, so that a
//! take ends where it was ended, however far the disk is behind. Making takes of what lies behind has a thread of its own while it lasts.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::latent::SAMPLE_RATE_HZ;

use crate::files::volume::{LEAST_ROOM, room};
use crate::files::{FileError, shown};
use crate::performance::ending::{End, Leave, Running};
use crate::performance::handed::Handed;
use crate::service::slow::give_way;
use crate::takes::{
    Behind, Ear, Interrupted, Loudness, MOST_BYTES_AN_HOUR, Piece, Segment, Taken, Taking, behind_folder, folder, keep,
    pending, words_of,
};

/// What the threads are called.
pub const EAR: &str = "take ear";
/// The same of the one that writes.
pub const WRITER: &str = "take writer";
/// The same of the one that makes takes of what lies behind.
pub const KEEPER: &str = "take keeper";
/// How often the ear listens: the tee holds five seconds.
const LISTENS: Duration = Duration::from_millis(50);
/// Sound that may wait for the disk, in stereo samples: a minute.
const WAITS_MOST: u64 = 60 * SAMPLE_RATE_HZ as u64;
/// A take begins so much before the press that began it, in stereo samples: whoever presses has begun to play.
const BEFORE: usize = SAMPLE_RATE_HZ as usize;
/// Until a disk that refused is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// What a hand wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A take begins, or the one that is being recorded ends.
    Press,
    /// What lies behind becomes a take.
    Keep,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub enum TakeNews {
    /// Said once.
    Said(String),
    /// The same, and it is no good news.
    Warning(String),
    /// The disk refuses; until it is over.
    Fault(String),
    /// It takes again.
    Over,
}

/// How it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TakesShown {
    /// How long the take is that is being recorded, in seconds.
    pub taking_s: Option<f64>,
    /// What lies behind, in seconds.
    pub behind_s: f64,
    /// How loud the last ten seconds were, in LUFS; none of silence, and of less than three seconds since it was to listen anew.
    pub lufs: Option<f64>,
}

/// What waits for the writer.
#[derive(Debug)]
enum Item {
    Piece(Piece),
    Wish(Wish),
    /// Takes were made of what lies behind.
    Kept(Result<Vec<Taken>, Interrupted>),
}

#[derive(Debug, Default)]
struct Slot {
    row: VecDeque<Item>,
    /// Stereo samples in it.
    waiting: u64,
    /// Stereo samples that found no room in it.
    lost: u64,
    news: Vec<TakeNews>,
    shown: TakesShown,
    /// How loud it is, is to be heard anew.
    anew: bool,
    /// The ear has ended.
    heard_all: bool,
    ends: bool,
}

impl Slot {
    fn hear(&mut self, piece: Piece) {
        if WAITS_MOST < self.waiting + piece.frames() {
            self.lost += piece.frames();
            return;
        }
        if 0 < self.lost {
            self.row.push_back(Item::Piece(Piece::Missing(std::mem::take(&mut self.lost))));
        }
        if let Piece::Sound(sound) = &piece {
            self.waiting += sound.len() as u64;
        }
        self.row.push_back(Item::Piece(piece));
    }

    fn next(&mut self) -> Option<Option<Item>> {
        let next = self.row.pop_front();
        if let Some(Item::Piece(Piece::Sound(sound))) = &next {
            self.waiting -= sound.len() as u64;
        }
        if next.is_some() { Some(next) } else { (self.ends && self.heard_all).then_some(None) }
    }
}

/// The end that hands wish at.
#[derive(Clone, Debug)]
pub struct TakeHand(Arc<Handed<Slot>>);

impl TakeHand {
    /// Wishes something.
    pub fn wish(&self, wish: Wish) {
        self.0.hand_over(|it| it.row.push_back(Item::Wish(wish)));
    }

    /// How loud it is, is heard anew: what comes is not what was.
    pub fn listen_anew(&self) {
        let mut slot = self.0.slot();
        (slot.anew, slot.shown.lufs) = (true, None);
    }

    /// What became of wishes, and of the disk, since the last call.
    #[must_use]
    pub fn news(&self) -> Vec<TakeNews> {
        std::mem::take(&mut self.0.slot().news)
    }

    /// How it stands.
    #[must_use]
    pub fn shown(&self) -> TakesShown {
        self.0.slot().shown
    }
}

/// The threads.
#[derive(Debug)]
pub struct TakeRecorder {
    hand: TakeHand,
    ear: Running<()>,
    writer: Running<()>,
}

impl TakeRecorder {
    /// Records into the folders of a state folder from now on; so many `minutes` lie behind, none where it is 0.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(ear: Ear, state: &Path, minutes: u32, leave: &Leave) -> std::io::Result<Self> {
        let shared = Arc::<Handed<Slot>>::default();
        let (its, heard) = (Arc::clone(&shared), Arc::clone(&shared));
        let ear = leave.spawn(EAR, move || listen(ear, &heard))?;
        let mut writer = Writer::new(its, state, minutes, leave);
        let writer = leave.spawn(WRITER, move || {
            give_way();
            writer.work();
        })?;
        Ok(Self { hand: TakeHand(shared), ear, writer })
    }

    /// For whoever wishes.
    #[must_use]
    pub fn hand(&self) -> TakeHand {
        self.hand.clone()
    }

    /// The sound has ended: writes what was heard of it, and ends; by the deadline it is left to itself. Answers what went wrong, or what is
    /// worth knowing.
    #[must_use]
    pub fn end(self, deadline: Instant) -> Vec<String> {
        self.hand.0.hand_over(|it| it.ends = true);
        let ear = self.ear.join_by(deadline);
        if !matches!(ear, End::Done(())) {
            self.hand.0.hand_over(|it| it.heard_all = true);
        }
        let writer = self.writer.join_by(deadline);
        let mut told: Vec<String> = self.hand.news().into_iter().filter_map(words).collect();
        if ![ear, writer].iter().all(|it| matches!(it, End::Done(()))) {
            told.push("the end of what was recorded was not written in time".to_owned());
        }
        told
    }
}

fn words(news: TakeNews) -> Option<String> {
    match news {
        TakeNews::Said(words) | TakeNews::Warning(words) | TakeNews::Fault(words) => Some(words),
        TakeNews::Over => None,
    }
}

fn listen(mut ear: Ear, shared: &Handed<Slot>) {
    let mut loudness = Loudness::default();
    loop {
        // What was played before the end was asked for is heard after that.
        let ends = shared.slot().ends;
        while let Some(piece) = ear.hear() {
            if std::mem::take(&mut shared.slot().anew) {
                loudness.forget();
            }
            if let Piece::Sound(sound) = &piece {
                loudness.hear(sound);
            }
            let lufs = loudness.lufs();
            shared.hand_over(|it| {
                if !it.anew {
                    it.shown.lufs = lufs;
                }
                it.hear(piece);
            });
        }
        if ends {
            return shared.hand_over(|it| it.heard_all = true);
        }
        std::thread::sleep(LISTENS);
    }
}

/// Writes what was heard.
struct Writer {
    shared: Arc<Handed<Slot>>,
    state: PathBuf,
    minutes: u32,
    leave: Leave,
    behind: Option<Behind>,
    taking: Option<Taking>,
    /// What was heard last: a take begins with it.
    before: VecDeque<i32>,
    words: Vec<i32>,
    /// Takes are being made of what lies behind.
    keeping: Option<Running<()>>,
    /// When the disk is tried again that refused.
    again: Option<Instant>,
}

impl Writer {
    fn new(shared: Arc<Handed<Slot>>, state: &Path, minutes: u32, leave: &Leave) -> Self {
        let (behind, taking, before, words, keeping, again) = Default::default();
        Self {
            shared,
            state: state.to_owned(),
            minutes,
            leave: leave.clone(),
            behind,
            taking,
            before,
            words,
            keeping,
            again,
        }
    }

    fn work(&mut self) {
        self.open();
        while let Some(item) = self.shared.next(Slot::next) {
            match item {
                Item::Piece(piece) => self.piece(&piece),
                Item::Wish(Wish::Press) => self.press(),
                Item::Wish(Wish::Keep) => self.keep(),
                Item::Kept(kept) => self.kept(kept),
            }
            self.show();
        }
        self.end_take();
        let closed = self.behind.as_mut().map_or(Ok(()), Behind::close);
        self.hear_disk(closed.map(|()| true));
    }

    /// Opens what lies behind, and goes on with what an earlier performance was to keep.
    fn open(&mut self) {
        if self.minutes == 0 {
            return;
        }
        let most = u64::from(self.minutes) * 60 * u64::from(SAMPLE_RATE_HZ);
        match Behind::open(&behind_folder(&self.state), most) {
            Ok(mut behind) => {
                let wanted = pending(&behind_folder(&self.state), &behind.hold());
                self.behind = Some(behind);
                if wanted.is_empty() { self.let_go() } else { self.make_takes(wanted) }
            }
            Err(error) => self.hear_disk(Err(error)),
        }
    }

    fn piece(&mut self, piece: &Piece) {
        if self.again.is_some_and(|it| Instant::now() < it) {
            return;
        }
        if self.behind.is_none() && 0 < self.minutes {
            self.open();
        }
        let done = match piece {
            Piece::Sound(sound) => {
                self.words.clear();
                words_of(sound, &mut self.words);
                self.before.extend(&self.words);
                let too_many = self.before.len().saturating_sub(2 * BEFORE);
                self.before.drain(..too_many);
                self.write()
            }
            Piece::Missing(frames) => {
                self.before.clear();
                self.behind.iter_mut().for_each(Behind::interrupt);
                self.say(TakeNews::Warning(format!(
                    "{:.1} s were not recorded: the disk is too slow",
                    seconds(*frames)
                )));
                self.taking.as_mut().map_or(Ok(()), |it| it.miss(*frames)).map(|()| false)
            }
        };
        self.hear_disk(done);
    }

    /// Writes what was heard; whether there is anything that takes it.
    fn write(&mut self) -> Result<bool, FileError> {
        let Self { behind, taking, words, .. } = self;
        let behind = behind.as_mut().map(|it| it.push(words));
        let taking = taking.as_mut().map(|it| it.push(words));
        let writes = behind.is_some() || taking.is_some();
        behind.into_iter().chain(taking).collect::<Result<(), _>>().map(|()| writes)
    }

    /// Tells what the disk says; a take that it takes no more of has ended. `Ok(true)`: it has taken something.
    fn hear_disk(&mut self, done: Result<bool, FileError>) {
        match done {
            Ok(false) => {}
            Ok(true) => {
                if self.again.take().is_some() {
                    self.say(TakeNews::Over);
                }
            }
            Err(error) => {
                // Each try meets another file; it is one fault.
                if self.again.replace(Instant::now() + AGAIN).is_none() {
                    self.say(TakeNews::Fault(format!("{error}; nothing is recorded")));
                }
                if let Some(taking) = self.taking.take() {
                    let (path, length) = (taking.path().to_owned(), seconds(taking.frames()));
                    // What is there is a recording, whether it can be said how long or not.
                    let _ = taking.end();
                    self.say(TakeNews::Warning(format!("{} ends after {length:.0} s", shown(&path))));
                }
            }
        }
    }

    fn press(&mut self) {
        if self.taking.is_some() {
            return self.end_take();
        }
        match self.begin_take() {
            Ok(words) => self.say(TakeNews::Said(words)),
            Err(error) => self.say(TakeNews::Warning(format!("no take was begun: {error}"))),
        }
    }

    fn begin_take(&mut self) -> anyhow::Result<String> {
        let free = room(&self.state)?.saturating_sub(LEAST_ROOM);
        if free < MOST_BYTES_AN_HOUR / 60 {
            anyhow::bail!("the disk is full ({} MB are free in {})", free / 1_000_000, shown(&self.state));
        }
        let mut taking = Taking::begin(&folder(&self.state))?;
        taking.push(self.before.make_contiguous())?;
        let words = format!("recording {}; room for {}", name(taking.path()), hours(free));
        self.taking = Some(taking);
        Ok(words)
    }

    fn end_take(&mut self) {
        let Some(taking) = self.taking.take() else { return };
        match taking.end() {
            Ok(Some(taken)) => self.say(TakeNews::Said(format!("recorded {}", of(&taken)))),
            Ok(None) => self.say(TakeNews::Said("nothing was recorded".to_owned())),
            Err(error) => self.say(TakeNews::Warning(error.to_string())),
        }
    }

    fn keep(&mut self) {
        if self.keeping.is_some() {
            return self.say(TakeNews::Said("the last minutes are being kept already".to_owned()));
        }
        let Some(behind) = &mut self.behind else {
            let words = "nothing lies behind: the box's file has [takes] behind_minutes = 0";
            return self.say(TakeNews::Warning(words.to_owned()));
        };
        match behind.close() {
            Ok(()) => {
                let segments = behind.hold();
                if segments.is_empty() {
                    behind.let_go();
                    return self.say(TakeNews::Said("nothing was played yet".to_owned()));
                }
                let length: u64 = segments.iter().map(|it| it.frames).sum();
                self.say(TakeNews::Said(format!("keeping the last {}", minutes(length))));
                self.make_takes(segments);
            }
            Err(error) => self.hear_disk(Err(error)),
        }
    }

    /// Has takes made of these, which are held.
    fn make_takes(&mut self, segments: Vec<Segment>) {
        let (behind, takes) = (behind_folder(&self.state), folder(&self.state));
        let (shared, leave) = (Arc::clone(&self.shared), self.leave.clone());
        let thread = self.leave.spawn(KEEPER, move || {
            give_way();
            let kept = keep(&behind, &segments, &takes, &|| leave.is_asked());
            shared.hand_over(|it| it.row.push_back(Item::Kept(kept)));
        });
        match thread {
            Ok(thread) => self.keeping = Some(thread),
            Err(error) => {
                self.let_go();
                self.say(TakeNews::Warning(format!("nothing was kept: {error}")));
            }
        }
    }

    fn kept(&mut self, kept: Result<Vec<Taken>, Interrupted>) {
        self.keeping = None;
        self.let_go();
        match kept {
            Ok(taken) => taken.iter().for_each(|it| self.say(TakeNews::Said(format!("kept {}", of(it))))),
            Err(Interrupted::Stopped) => {}
            Err(Interrupted::Failed(error)) => self.say(TakeNews::Warning(format!("not kept: {error}"))),
        }
    }

    fn let_go(&mut self) {
        self.behind.iter_mut().for_each(Behind::let_go);
    }

    fn say(&self, news: TakeNews) {
        self.shared.slot().news.push(news);
    }

    fn show(&self) {
        let taking_s = self.taking.as_ref().map(|it| seconds(it.frames()));
        let behind_s = self.behind.as_ref().map_or(0.0, |it| seconds(it.frames()));
        let shown = &mut self.shared.slot().shown;
        (shown.taking_s, shown.behind_s) = (taking_s, behind_s);
    }
}

fn seconds(frames: u64) -> f64 {
    frames as f64 / f64::from(SAMPLE_RATE_HZ)
}

fn name(path: &Path) -> String {
    shown(path.file_name().unwrap_or_default()).to_string()
}

fn of(taken: &Taken) -> String {
    let missing =
        if taken.missing == 0 { String::new() } else { format!(", {:.1} s of it missing", seconds(taken.missing)) };
    format!("{}, {}{missing}", name(&taken.path), minutes(taken.frames))
}

/// A length as a clock shows it: `1:05`.
fn minutes(frames: u64) -> String {
    let all = frames / u64::from(SAMPLE_RATE_HZ);
    format!("{}:{:02}", all / 60, all % 60)
}

/// How long can be recorded into so many bytes, at least.
fn hours(bytes: u64) -> String {
    match bytes / MOST_BYTES_AN_HOUR {
        0 => format!("{} min", bytes * 60 / MOST_BYTES_AN_HOUR),
        hours => format!("{hours} h"),
    }
}

#[cfg(test)]
#[path = "take_recorder_tests.rs"]
mod tests;
