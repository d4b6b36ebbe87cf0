//! The player's process: sound device, tape, splices, guard and meters, and nothing else. No model, no surface.
//!
//! Two threads: the audio thread, which is the very one of a performance in one process, fed from shared memory; and this one, which
//! opens the door to engines, loads tapes and says what happens. Whatever becomes of an engine, the audio thread plays on: that it
//! is gone is only a number to obey. Memory is locked, and the audio thread allocates nothing, waits for nobody and makes no system
//! call but those of its device.

mod line;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use engine::boundary::{Arena, Sizes};
use engine::playback::{AttachedPlayer, Grant, Loader, Player, Refusals, SharedMeters};
use hal::audio::{Ask, AudioOut, lock_memory};
use rtrb::{Consumer, RingBuffer};

use crate::display::messages::Level;
use crate::handover::door::{Door, Knock};
use crate::handover::memory::SharedArena;
use crate::handover::words::Told;
use crate::performance::ending::{End, Leave, NotEnded, Running, SOUND};
use crate::performance::threads::{self, AudioNews, NotPlayed};
use crate::service::attendant::{Looked, Words, attend};
use crate::service::systemd::Systemd;
use crate::service::vitals::Vitals;
pub use line::{DEVICE, ENGINE, Line};

/// How long a look at the door may take: a tape is loaded so soon after it came.
const LOOK: Duration = Duration::from_millis(5);
/// News of the audio thread that may wait.
const NEWS: usize = 16;
/// How often what was refused is told at most, in looks.
const TELL_EVERY: u32 = 200;

/// What a player's process is made of.
pub struct Parts {
    /// The door, open.
    pub door: Door,
    /// What it shares with engines.
    pub shared: SharedArena,
    /// Where the sound goes.
    pub out: Box<dyn AudioOut + Send>,
    /// How it is asked.
    pub ask: Ask,
    /// Where the sound goes, for people.
    pub place: String,
    /// What every engine is to know of that.
    pub notice: Option<String>,
    /// Whether it ends when its engine is gone: a file that nobody hears is not to grow for ever.
    pub ends_with_engine: bool,
    /// Who started it.
    pub manager: Systemd,
}

/// Plays until somebody asks for the end, and says how it went.
///
/// # Errors
/// When the output did not take all of the sound, or hangs.
pub fn play(parts: Parts, leave: &Leave, say: &mut dyn FnMut(&Line)) -> anyhow::Result<()> {
    let Parts { door, shared, out, ask, place, notice, ends_with_engine, manager } = parts;
    let _process = leave.hold("the player");
    let AttachedPlayer { player, loader, grant, refusals } = Player::attached(&shared.arena);
    touch(&shared.arena);
    if let Err(refused) = lock_memory() {
        say(&Line::new(Level::Warning, refused.to_string()));
    }
    let (tell, news) = RingBuffer::new(NEWS);
    let audio = threads::audio(out, ask, player, tell, leave)?;
    let looks = Arc::new(AtomicU64::new(0));
    let words = attended(manager, &shared, &looks, leave)?;
    words.say(&format!("plays to {place}; no engine"));
    let mut host = Host {
        door,
        shared,
        place,
        loader,
        grant,
        refusals,
        told: 0,
        faults: 0,
        looks,
        words,
        unlooked: 0,
        epoch: begin(),
        pending: None,
        standing: notice.map(Told::News).into_iter().collect(),
        ends_with_engine,
    };
    let played = host.serve(audio, news, leave, say);
    host.words.end();
    played
}

/// Has the service manager told that the clock runs and the door is answered.
fn attended(manager: Systemd, shared: &SharedArena, looks: &Arc<AtomicU64>, leave: &Leave) -> io::Result<Words> {
    let (meters, looks, leave) = (SharedMeters::of(&shared.arena), Arc::clone(looks), leave.clone());
    // The memory may be a player's before this one.
    let begun = meters.playhead().played;
    let clock = meters.clone();
    let vitals = Vitals::default()
        .with("the clock", move || clock.playhead().played.count())
        .with("the door", move || looks.load(Relaxed));
    let ready = Box::new(move || meters.playhead().played != begun);
    let looked = Looked { ready, ends: Box::new(move || leave.is_asked()), vitals, note: Box::new(|_| ()) };
    attend(manager, looked)
}

/// A number that no engine of an earlier player was attached as: the clock, and counted up from there.
fn begin() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (now.as_nanos() as u64).max(1)
}

/// Has every page of boxes and tee at hand before the first sound: the audio thread is not to wait for one.
fn touch(arena: &Arena) {
    let front = Sizes { tape_frames: 1, ..arena.sizes() }.words();
    let words = arena.memory().words().iter().take(front).step_by(512);
    std::hint::black_box(words.fold(0, |sum: u64, it| sum ^ it.load(Relaxed)));
}

/// The slow side.
struct Host {
    door: Door,
    shared: SharedArena,
    place: String,
    loader: Loader,
    grant: Grant,
    refusals: Arc<Refusals>,
    /// Looks at the door so far.
    looks: Arc<AtomicU64>,
    /// For who started it.
    words: Words,
    /// Refusals that were told, and looks since.
    told: u64,
    unlooked: u32,
    /// Those of them that are somebody's fault.
    faults: u64,
    /// As what the engine is attached, or was last.
    epoch: u64,
    /// An engine that is let in when it is obeyed.
    pending: Option<u64>,
    /// What an engine that comes later is told too.
    standing: Vec<Told>,
    ends_with_engine: bool,
}

impl Host {
    fn serve(
        &mut self,
        mut audio: Running<Result<(), NotPlayed>>,
        mut news: Consumer<AudioNews>,
        leave: &Leave,
        say: &mut dyn FnMut(&Line),
    ) -> anyhow::Result<()> {
        while audio.look().is_none() {
            self.loader.poll();
            self.looks.fetch_add(1, Relaxed);
            for knock in self.door.look(LOOK) {
                self.answer(knock, leave, say);
            }
            if let Some(epoch) = self.pending.filter(|it| self.grant.is_obeyed(*it)) {
                self.pending = None;
                self.door.welcome(epoch, &self.place, self.shared.descriptor());
                self.standing.iter().for_each(|it| self.door.tell(it));
            }
            while let Ok(it) = news.pop() {
                self.hand_on(it.told(), say);
            }
            self.tell_refusals(say);
        }
        while let Ok(it) = news.pop() {
            self.hand_on(it.told(), say);
        }
        match audio.join_by(leave.deadline()) {
            End::Done(played) => {
                self.door.farewell(played.as_ref().err().map(ToString::to_string));
                played.map_err(|why| anyhow::Error::from(why).context("not all of the sound arrived"))
            }
            End::Crashed => {
                self.door.farewell(Some("the audio thread crashed".to_owned()));
                Err(anyhow::anyhow!("crashed while playing: {SOUND}; please report it"))
            }
            End::Not => Err(NotEnded { names: vec![SOUND] }.into()),
        }
    }

    fn answer(&mut self, knock: Knock, leave: &Leave, say: &mut dyn FnMut(&Line)) {
        match knock {
            Knock::Engine(who) => {
                self.epoch += 1;
                self.grant.give(self.epoch);
                self.pending = Some(self.epoch);
                let words = format!("an engine is attached (process {})", who.process);
                say(&Line::new(Level::Info, words).of_engine(who.process));
                self.words.say(&format!("plays to {}; engine {}", self.place, who.process));
            }
            Knock::Gone(who) => {
                self.grant.give(0);
                self.pending = None;
                let words = format!("the engine is gone (process {}); playing on", who.process);
                say(&Line::new(Level::Info, words).of_engine(who.process));
                self.words.say(&format!("plays to {}; no engine", self.place));
                if self.ends_with_engine {
                    leave.ask();
                }
            }
            Knock::Stop(who) => {
                say(&Line::new(Level::Info, format!("asked to end (process {})", who.process)));
                leave.ask();
            }
            Knock::Refused(who, why) => {
                let words = format!("sent process {} away: {why}", who.process);
                say(&Line::new(Level::Warning, words).of_engine(who.process));
            }
        }
    }

    /// Says what the audio thread told, to the engine and here. It stands for engines that come, as long as it is so: what a device
    /// is like, or that nobody gave it priority, is told before any engine can be there.
    fn hand_on(&mut self, told: Told, say: &mut dyn FnMut(&Line)) {
        self.tell(&told, say);
        if matches!(told, Told::Away(_) | Told::Over(_) | Told::Back) {
            self.standing.retain(|it| matches!(it, Told::News(_)));
        }
        if told != Told::Back && !self.standing.contains(&told) {
            self.standing.push(told);
        }
    }

    /// Says it to the engine and here.
    fn tell(&self, told: &Told, say: &mut dyn FnMut(&Line)) {
        say_of(told, say);
        self.door.tell(told);
    }

    fn tell_refusals(&mut self, say: &mut dyn FnMut(&Line)) {
        self.unlooked = self.unlooked.saturating_add(1);
        let all: u64 = self.refusals.told().map(|it| it.1).sum();
        if all == self.told || self.unlooked < TELL_EVERY {
            return;
        }
        (self.told, self.unlooked) = (all, 0);
        let faults = || self.refusals.told().filter(|it| !it.0.is_left_behind());
        let count: u64 = faults().map(|it| it.1).sum();
        if count == self.faults {
            // What an engine had on its way when it left is no fault of it, and nothing to the next.
            return say(&Line::new(Level::Info, "passed over what an engine had on its way when it left").of(ENGINE));
        }
        self.faults = count;
        let each: Vec<String> = faults().map(|(why, count)| format!("{count} of {}", why.words())).collect();
        let words = format!("refused of the engine: {}", each.join(", "));
        say(&Line::new(Level::Warning, words.clone()).of(ENGINE));
        // Of this engine, and nothing to the next.
        self.door.tell(&Told::News(words));
    }
}

/// Says here what was told: what is of the device stands as it does in a performance.
fn say_of(told: &Told, say: &mut dyn FnMut(&Line)) {
    match told {
        Told::News(words) => say(&Line::new(Level::Warning, words.clone())),
        Told::Away(words) | Told::Over(words) => {
            say(&Line::new(Level::Fault, words.clone()).of(DEVICE).standing(true));
        }
        Told::Back => say(&Line::new(Level::Info, "the sound device is here").of(DEVICE).standing(false)),
        Told::Welcome { .. } | Told::Refused(_) | Told::Ended(_) => {}
    }
}

#[cfg(test)]
mod tests;
