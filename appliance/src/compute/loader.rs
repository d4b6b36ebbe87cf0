//! The worker that prepares what a running set goes on with, while it plays.
//!
//! It works on the slow side's blocking threads, gives way to everything else of ours, and computes on its own thread alone.
//! One thing is wanted at a time and the latest wins: what was wanted before is given up at the next look, and never handed out.
//! Whatever fails is a sentence; what plays is not touched. Who plays asks for what is ready ([`Loader::poll`]) and never waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::graph::cpu::Pool;
use engine::live::{self, Material, Unread, Words};
use engine::model::Model;

use crate::compute::set::said;
use crate::service::slow::Slow;
use crate::settings::patch::Spoken;

/// What a worker prepares words with.
pub struct Kit {
    /// On a thread of its own: ticks are not to wait for it.
    model: Model,
    /// On the threads of the ticks, for a network that takes the place of theirs.
    of_ticks: Model,
    material: Arc<Material>,
    /// Length of the recording, which the model is told.
    seconds: f64,
    /// Whether a network with more room can take the place of the one that plays.
    grows: bool,
}

impl Kit {
    /// For a set; it `grows` where the processor computes it.
    #[must_use]
    pub fn of(model: &Model, material: &Arc<Material>, seconds: f64, grows: bool) -> Self {
        let own = model.on(Pool::new(1));
        Self { model: own, of_ticks: model.clone(), material: Arc::clone(material), seconds, grows }
    }
}

/// What is wanted.
struct Job {
    number: u64,
    patch: String,
    words: Vec<Spoken>,
    /// Tokens that the network has room for.
    room: usize,
}

/// What became of it.
pub struct Answer {
    number: u64,
    /// The patch whose words they are.
    pub patch: String,
    /// The words, to be taken over; or why there are none.
    pub words: Result<Ready, String>,
}

/// Words that were read.
pub struct Ready {
    /// To be handed to the tick side.
    pub words: Box<Words>,
    /// What was read.
    pub spoken: Vec<Spoken>,
    /// Tokens that the network has room for when they are in force.
    room: usize,
}

/// How far the worker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The patch whose words they are.
    pub patch: String,
    /// Prompts that were read.
    pub done: usize,
    /// Of so many.
    pub total: usize,
}

/// The worker, for whoever leads a performance.
pub struct Loader {
    slow: Option<Slow>,
    shared: Arc<Shared>,
    answers: Receiver<Answer>,
    room: usize,
}

struct Shared {
    kit: Kit,
    wanted: Mutex<Wanted>,
    /// The number of what was wanted last.
    latest: AtomicU64,
    answers: Sender<Answer>,
}

#[derive(Default)]
struct Wanted {
    /// At most one waits.
    job: Option<Job>,
    works: bool,
    reading: Option<Reading>,
}

impl Loader {
    /// A worker that sleeps. `room`: condition tokens that the network which plays has room for.
    #[must_use]
    pub fn new(kit: Kit, room: usize) -> Self {
        let (sender, answers) = channel();
        let shared = Shared { kit, wanted: Mutex::default(), latest: AtomicU64::new(0), answers: sender };
        Self { slow: None, shared: Arc::new(shared), answers, room }
    }

    /// Reads these words, in the place of whatever was wanted before.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn read(&mut self, patch: &str, words: Vec<Spoken>) -> std::io::Result<()> {
        let slow = match self.slow.take() {
            Some(slow) => slow,
            None => Slow::start()?,
        };
        let number = self.shared.latest.fetch_add(1, Relaxed) + 1;
        let job = Job { number, patch: patch.to_owned(), words, room: self.room };
        let mut wanted = self.shared.wanted();
        wanted.job = Some(job);
        if !std::mem::replace(&mut wanted.works, true) {
            let shared = Arc::clone(&self.shared);
            slow.work(move || shared.work());
        }
        drop(wanted);
        self.slow = Some(slow);
        Ok(())
    }

    /// Nothing is wanted any more.
    pub fn cancel(&mut self) {
        self.shared.latest.fetch_add(1, Relaxed);
        self.shared.wanted().job = None;
    }

    /// What is ready, or failed; nothing that is not wanted any more.
    pub fn poll(&mut self) -> Option<Answer> {
        let latest = self.shared.latest.load(Relaxed);
        let answer = self.answers.try_iter().find(|it| it.number == latest)?;
        if let Ok(ready) = &answer.words {
            self.room = ready.room;
        }
        Some(answer)
    }

    /// How far it is, while it works.
    #[must_use]
    pub fn reading(&self) -> Option<Reading> {
        self.shared.wanted().reading.clone()
    }

    /// Whether it works.
    #[must_use]
    pub fn works(&self) -> bool {
        self.shared.wanted().works
    }
}

impl Shared {
    /// Whoever panics with it leaves it as sound as it was: it is only ever replaced.
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until nothing is wanted.
    fn work(&self) {
        loop {
            let mut wanted = self.wanted();
            wanted.reading = None;
            let Some(job) = wanted.job.take() else {
                wanted.works = false;
                return;
            };
            drop(wanted);
            let done = catch_unwind(AssertUnwindSafe(|| self.read(&job)));
            let words = match done {
                Ok(Err(Failed::Stopped)) => continue,
                Ok(Ok(ready)) => Ok(ready),
                Ok(Err(Failed::Said(why))) => Err(why),
                Err(_) => Err("what reads words crashed; please report it".to_owned()),
            };
            // Who leads has ended: nobody wants it any more.
            let _ = self.answers.send(Answer { number: job.number, patch: job.patch, words });
        }
    }

    fn read(&self, job: &Job) -> Result<Ready, Failed> {
        let Kit { model, of_ticks, material, seconds, grows } = &self.kit;
        let words = said(&job.words, *seconds);
        let progress = &mut |it: live::StageProgress| {
            self.wanted().reading = Some(Reading { patch: job.patch.clone(), done: it.done, total: it.total });
        };
        let stops = || self.latest.load(Relaxed) != job.number;
        let prompts = live::read(model, &words, &material.source, progress, &stops)?;
        let tokens = live::longest(&prompts) / material.token_width;
        let mut words = Words::new(prompts, material.token_width).map_err(|error| Failed::Said(error.to_string()))?;
        if job.room < tokens {
            if !grows {
                let room = job.room;
                return Err(Failed::Said(format!("a prompt has {tokens} tokens, the card was prepared for {room}")));
            }
            let network = of_ticks.denoiser(material.frames, tokens);
            let network = network.map_err(|error| Failed::Said(error.to_string()))?;
            words = words.with_network(Box::new(network));
        }
        Ok(Ready { words: Box::new(words), spoken: job.words.clone(), room: job.room.max(tokens) })
    }
}

/// Why words were not read.
enum Failed {
    Stopped,
    Said(String),
}

impl From<Unread> for Failed {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Stopped => Self::Stopped,
            unread => Self::Said(unread.to_string()),
        }
    }
}
