//! The worker that prepares what a running set goes on with, while it plays: other words, or another recording.
//!
//! It works on the slow side's blocking threads, gives way to everything else of ours, and computes on its own thread alone.
//! One thing is wanted at a time and the latest wins: what was wanted before is given up at the next look, and never handed out.
//! Whatever fails is a sentence; what plays is not touched. Who plays asks for what is ready ([`Loader::poll`]) and never waits.

mod heard;
mod kit;
mod models;
mod wish;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::live::StageProgress;
use engine::playback::Berth;

use self::kit::{Failed, Way};
use crate::compute::freed;
use crate::service::slow::Slow;
use crate::settings::model_settings::ModelSettings;
use crate::settings::patch::Sources;
pub use heard::Heard;
pub use kit::{Kit, longest_lead};
use wish::Prepared;
pub use wish::{Base, Ready, ReadySet, Wish};

/// Steps in which a part that takes long is told.
const STEPS: usize = 10;

/// What is wanted.
struct Job {
    number: u64,
    name: String,
    wish: Wish,
    base: Arc<Base>,
    /// Where the tape goes; none of what nobody has asked for yet.
    berth: Option<Berth>,
}

/// What was prepared before anybody asked for it, and what it builds on.
struct Ahead {
    wish: Wish,
    base: Arc<Base>,
    prepared: Prepared,
}

/// What became of it.
pub struct Answer {
    number: u64,
    /// What it is of: a patch, or a recording.
    pub name: String,
    /// What is to be taken over; or why there is nothing.
    pub ready: Result<Ready, String>,
}

/// How far the worker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it is of.
    pub name: String,
    /// What it does, in a few words.
    pub what: &'static str,
    /// Parts that are done.
    pub done: usize,
    /// Of so many.
    pub total: usize,
}

/// The worker, for whoever leads a performance.
pub struct Loader {
    slow: Option<Slow>,
    shared: Arc<Shared>,
    answers: Receiver<Answer>,
    base: Arc<Base>,
    /// Where tapes are put; none before it is known who plays.
    berth: Option<Berth>,
}

struct Shared {
    kit: Kit,
    wanted: Mutex<Wanted>,
    /// What was prepared ahead: one thing.
    ahead: Mutex<Option<Ahead>>,
    /// The number of what was wanted last.
    latest: AtomicU64,
    answers: Sender<Answer>,
}

#[derive(Default)]
struct Wanted {
    /// At most one waits.
    job: Option<Job>,
    works: bool,
    /// Whether what it works on was not asked for yet.
    is_ahead: bool,
    /// Each stage that it came through since somebody looked, once.
    readings: Vec<Reading>,
    /// Where it was last.
    last: Option<Reading>,
}

impl Wanted {
    fn note(&mut self, reading: Reading) {
        if self.last.as_ref() == Some(&reading) {
            return;
        }
        match self.readings.last_mut().filter(|it| it.what == reading.what) {
            Some(it) => it.clone_from(&reading),
            None => self.readings.push(reading.clone()),
        }
        self.last = Some(reading);
    }
}

impl Loader {
    /// A worker that sleeps, beside what plays.
    #[must_use]
    pub fn new(kit: Kit, base: Base) -> Self {
        let (shared, answers) = Shared::with(kit);
        Self { slow: None, shared, answers, base: Arc::new(base), berth: None }
    }

    /// Where the player takes tapes from.
    pub fn set_berth(&mut self, berth: Berth) {
        self.berth = Some(berth);
    }

    /// The same with another kit, for who checks what becomes of it.
    #[cfg(test)]
    pub fn work_with(&mut self, kit: Kit) {
        (self.shared, self.answers) = Shared::with(kit);
    }

    /// Whether something is prepared ahead.
    #[cfg(test)]
    pub fn has_ahead(&self) -> bool {
        self.shared.ahead().is_some()
    }

    /// The recordings of what plays.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.base.sources
    }

    /// Prepares this, in the place of whatever was wanted before.
    ///
    /// # Errors
    /// When the system has no thread for it, or nobody plays.
    pub fn prepare(&mut self, name: &str, wish: Wish) -> std::io::Result<()> {
        let berth = Some(self.berth.clone().ok_or_else(|| std::io::Error::other("nothing plays yet"))?);
        self.put(name, wish, berth)
    }

    /// Prepares this while nothing else is wanted, so that it is there when it is asked for. Nothing is said of it.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn prepare_ahead(&mut self, wish: Wish) -> std::io::Result<()> {
        self.put("", wish, None)
    }

    fn put(&mut self, name: &str, wish: Wish, berth: Option<Berth>) -> std::io::Result<()> {
        let slow = self.slow()?;
        let number = self.shared.latest.fetch_add(1, Relaxed) + 1;
        let job = Job { number, name: name.to_owned(), wish, base: Arc::clone(&self.base), berth };
        let mut wanted = self.shared.wanted();
        wanted.job = Some(job);
        if !std::mem::replace(&mut wanted.works, true) {
            let shared = Arc::clone(&self.shared);
            slow.work(move || shared.work());
        }
        Ok(())
    }

    fn slow(&mut self) -> std::io::Result<Slow> {
        let slow = match self.slow.take() {
            Some(slow) => slow,
            None => Slow::start()?,
        };
        self.slow = Some(slow.clone());
        Ok(slow)
    }

    /// Frees what plays no more, on a thread that nobody waits for.
    pub fn free(&mut self, spent: Box<dyn Any + Send>) {
        if let Ok(slow) = self.slow() {
            slow.work(move || {
                drop(spent);
                freed::give_back();
            });
        }
    }

    /// Nothing is wanted any more.
    pub fn cancel(&mut self) {
        self.shared.latest.fetch_add(1, Relaxed);
        self.shared.wanted().job = None;
    }

    /// What is ready, or failed; nothing that is not wanted any more. Words count as taken over.
    pub fn poll(&mut self) -> Option<Answer> {
        let latest = self.shared.latest.load(Relaxed);
        let (answer, spent): (Vec<Answer>, Vec<Answer>) = self.answers.try_iter().partition(|it| it.number == latest);
        if !spent.is_empty() {
            self.free(Box::new(spent));
        }
        let answer = answer.into_iter().next()?;
        if let Ok(Ready::Words { words, .. }) = &answer.ready {
            let tokens = words.longest() / self.base.material.token_width;
            let Base { material, timbre, sources, seconds, room } = &*self.base;
            let (material, timbre, sources) = (Arc::clone(material), Arc::clone(timbre), sources.clone());
            self.base = Arc::new(Base { material, timbre, sources, seconds: *seconds, room: tokens.max(*room) });
        }
        Some(answer)
    }

    /// A set was taken over: what is prepared from now on builds on it.
    pub fn took(&mut self, base: TakenBase) {
        self.base = Arc::new(base.0);
    }

    /// How far it came since this was asked last: each stage once, also one that was short.
    #[must_use]
    pub fn readings(&self) -> Vec<Reading> {
        std::mem::take(&mut self.shared.wanted().readings)
    }

    /// Whether it works at something, or is about to: also at what is prepared ahead.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let wanted = self.shared.wanted();
        wanted.works || wanted.job.is_some()
    }

    /// Whether it works at what was asked for.
    #[must_use]
    pub fn works(&self) -> bool {
        let wanted = self.shared.wanted();
        wanted.job.as_ref().is_some_and(|it| it.berth.is_some()) || wanted.works && !wanted.is_ahead
    }
}

/// What plays once a set was taken over.
pub struct TakenBase(Base);

/// The parts of a set, each for its side.
pub struct Parts {
    /// For the tick side.
    pub load: Box<engine::live::Load>,
    /// For the decode side.
    pub decode: Box<engine::live::DecodeSet>,
    /// What it plays on.
    pub recording: Arc<Heard>,
    /// What was asked for.
    pub wish: Wish,
    /// What another model says of its knobs and its words, where one plays.
    pub settings: Option<ModelSettings>,
    /// For the loader.
    pub base: TakenBase,
}

impl ReadySet {
    /// Its tape, and all the rest.
    #[must_use]
    pub fn apart(self) -> (engine::playback::Berthed, Parts) {
        let Self { load, decode, tape, recording, wish, settings, base, .. } = self;
        (tape, Parts { load, decode, recording, wish, settings, base: TakenBase(base) })
    }
}

impl Shared {
    /// Nothing is wanted yet; comes with where answers arrive.
    fn with(kit: Kit) -> (Arc<Self>, Receiver<Answer>) {
        let (sender, answers) = channel();
        (
            Arc::new(Self {
                kit,
                wanted: Mutex::default(),
                ahead: Mutex::default(),
                latest: AtomicU64::new(0),
                answers: sender,
            }),
            answers,
        )
    }

    /// Whoever panics with it leaves it as sound as it was: it is only ever replaced.
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until nothing is wanted.
    fn work(&self) {
        loop {
            let mut wanted = self.wanted();
            let Some(job) = wanted.job.take() else {
                (wanted.works, wanted.is_ahead) = (false, false);
                drop(wanted);
                return freed::give_back();
            };
            wanted.is_ahead = job.berth.is_none();
            wanted.readings.clear();
            wanted.last = None;
            drop(wanted);
            let done = catch_unwind(AssertUnwindSafe(|| self.prepare(&job)));
            let ready = match done {
                // Nobody has asked for it yet, and nobody hears of it.
                _ if job.berth.is_none() => continue,
                Ok(Err(Failed::Stopped) | Ok(None)) => continue,
                Ok(Ok(Some(ready))) => Ok(ready),
                Ok(Err(Failed::Said(why))) => Err(why),
                Err(_) => Err("what prepares it crashed; please report it".to_owned()),
            };
            // Who leads has ended: nobody wants it any more.
            let _ = self.answers.send(Answer { number: job.number, name: job.name, ready });
        }
    }

    /// What a job asks for; nothing where it is only kept.
    fn prepare(&self, job: &Job) -> Result<Option<Ready>, Failed> {
        let is_it = |it: &mut Ahead| it.wish == job.wish && Arc::ptr_eq(&it.base, &job.base);
        // Not held while something is prepared.
        let ahead = self.ahead().take_if(is_it);
        let prepared = match (ahead, &job.berth) {
            (Some(ahead), _) => ahead.prepared,
            (None, None) if !self.kit.has_plenty() => return Ok(None),
            (None, _) => {
                // Whatever else was prepared ahead makes room.
                drop(self.ahead().take());
                self.prepared(job)?
            }
        };
        match &job.berth {
            Some(berth) => prepared.berthed(berth).map(Some).map_err(Failed::Said),
            None => {
                *self.ahead() = Some(Ahead { wish: job.wish.clone(), base: Arc::clone(&job.base), prepared });
                Ok(None)
            }
        }
    }

    /// Whoever panics with it leaves it as sound as it was: it is only ever replaced.
    fn ahead(&self) -> MutexGuard<'_, Option<Ahead>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn prepared(&self, job: &Job) -> Result<Prepared, Failed> {
        let progress = &mut |it: StageProgress| {
            let what = match it.stage {
                "reading the prompts" => "reading its words",
                "listening to the source" => "listening to it",
                other => other,
            };
            if job.berth.is_none() {
                return;
            }
            // Every tick of a long listening is nobody's news.
            let (done, total) =
                if it.total <= STEPS { (it.done, it.total) } else { (it.done * STEPS / it.total, STEPS) };
            self.wanted().note(Reading { name: job.name.clone(), what, done, total });
        };
        let stops = &|| self.latest.load(Relaxed) != job.number && !self.is_wanted_now(job);
        self.kit.prepare(&job.wish, &job.base, &mut Way { progress, stops })
    }

    /// Whether what is prepared ahead has been asked for meanwhile: then it is gone on with.
    fn is_wanted_now(&self, job: &Job) -> bool {
        let is_it = |it: &Job| it.wish == job.wish && Arc::ptr_eq(&it.base, &job.base);
        job.berth.is_none() && self.wanted().job.as_ref().is_some_and(is_it)
    }
}
