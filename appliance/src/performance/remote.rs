//! The sound of a performance in a process of its own: found or started, watched, started again with its tape, and ended.
//!
//! The memory that both share is kept here too, so a player that dies loses nothing: another is started on it, and the ends of the
//! engine notice by their [`Epoch`] that all boxes are theirs again. Where the sound goes into a file, the player is this engine's
//! alone and ends with it; a sound device is anybody's who comes next.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use engine::boundary::Standing;
use engine::latent::StereoFrame;
use engine::playback::{Epoch, Packer, SharedMeters, Tape, Transport, attach, sum_of};
use rtrb::Producer;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Signal, kill_process};

use crate::handover::link::{Heard, Link, NotAttached};
use crate::handover::memory::{SharedArena, sizes};
use crate::handover::witness::{write_tape, write_window};
use crate::handover::words::Told;
use crate::performance::beginning::Beginning;
use crate::performance::ending::{Leave, Running, SOUND};
use crate::performance::standstill::{Clock, Standstill};
use crate::performance::threads::{AudioNews, NotPlayed};
use crate::service::systemd::ADDRESSED;

/// How long a player may take from its start until it answers: it opens a device, and the machine may be busy.
const TO_START: Duration = Duration::from_secs(10);
/// How long a player is waited for that somebody else starts: a device may come late, and systemd rests between two tries.
const TO_COME: Duration = Duration::from_secs(30);
/// Between two looks whether it answers.
const AGAIN: Duration = Duration::from_millis(10);
/// Between two questions of one that refuses: it tells each.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// Between two tries to start one that does not start: from this on twice as long each time. One that was killed may hold its lock
/// for a moment, until the last of its threads is gone.
const FIRST_REST: Duration = Duration::from_millis(10);
/// See [`FIRST_REST`]; never longer than this.
const LAST_REST: Duration = Duration::from_millis(500);
/// How long the player's words are waited for before the wish to leave is looked at again.
const LOOK: Duration = Duration::from_millis(15);
/// How long the process of a player that has said that it ended is waited for.
const TO_GO: Duration = Duration::from_millis(300);
/// What a player said before it failed, at most.
const WORDS: u64 = 4096;

/// No player can be started, for this reason.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotStarted(String);

/// How a player is started.
#[derive(Clone, Debug)]
pub struct StartPlayer {
    /// This program.
    pub program: PathBuf,
    /// Where its sound goes and how a device is asked: `--device` or `--wav` with what belongs to it, or nothing.
    pub output: Vec<OsString>,
    /// The folder of its socket.
    pub folder: PathBuf,
    /// Whether it and the folder are this engine's own, and end with it.
    pub own: bool,
    /// None is started here: who keeps the player (the system's service manager) does, and it is waited for.
    pub waits: bool,
}

/// A player in another process, and this engine attached to it.
#[derive(Debug)]
pub struct Remote {
    link: Link,
    epochs: Epoch,
    start: StartPlayer,
    child: Option<Started>,
    witness: Option<File>,
}

/// A player that was started here, and the file that its standard error goes to.
#[derive(Debug)]
struct Started {
    child: Child,
    said: File,
}

impl StartPlayer {
    fn spawn(&self, memory: BorrowedFd<'_>) -> io::Result<Started> {
        // A file without a name: nobody has to read it, and it outlives this process.
        let said = File::from(memfd_create("demon-player-said", MemfdFlags::CLOEXEC)?);
        let mut command = Command::new(&self.program);
        ADDRESSED.iter().for_each(|it| _ = command.env_remove(it));
        command.args(["player", "--memory", if self.own { "--own" } else { "--for-one" }]);
        command.arg("--runtime").arg(&self.folder).args(&self.output);
        command.stdin(Stdio::from(memory.try_clone_to_owned()?)).stdout(Stdio::null()).stderr(said.try_clone()?);
        Ok(Started { child: command.spawn()?, said })
    }

    /// What becomes of a player whose clock stands, in words.
    const fn stands(&self) -> &'static str {
        match (self.own, self.waits) {
            // A file that is begun again would be empty: a slow disk is waited for.
            (true, _) => "its file takes nothing",
            (_, true) => "the system starts it again",
            (false, false) => "it is started again",
        }
    }

    /// Waits until a player is there that lets this engine in, and attaches to it. One that refuses (of another layout, or with an
    /// engine that is about to end) plays on, and may be another the next time; what it says is told once.
    fn wait(&self, tell: &mut dyn FnMut(&str)) -> anyhow::Result<Link> {
        let until = Instant::now() + TO_COME;
        let mut refused = None;
        loop {
            match Link::attach(&self.folder) {
                Err(NotAttached::Nobody) if Instant::now() < until => std::thread::sleep(AGAIN),
                Err(NotAttached::Refused(why)) if Instant::now() < until => {
                    if refused.as_ref() != Some(&why) {
                        tell(&format!("{why}; waiting for another player"));
                    }
                    refused = Some(why);
                    std::thread::sleep(ASK_AGAIN);
                }
                Err(NotAttached::Nobody) => {
                    return Err(anyhow!(
                        "no player came within {} s; `demon doctor` and `systemctl status demon-player` say why",
                        TO_COME.as_secs()
                    ));
                }
                done => return Ok(done?),
            }
        }
    }

    /// Starts a player on this memory and attaches to it, or to one that somebody else was quicker to start.
    fn start(&self, memory: BorrowedFd<'_>) -> anyhow::Result<(Started, Link)> {
        let cannot = |error: io::Error| NotStarted(format!("a player cannot be started ({error})"));
        let mut started = self.spawn(memory).map_err(cannot)?;
        let until = Instant::now() + TO_START;
        loop {
            let ended = started.child.try_wait()?.is_some();
            match Link::attach(&self.folder) {
                Ok(link) => return Ok((started, link)),
                Err(NotAttached::Nobody) => {}
                Err(error) => {
                    started.kill();
                    return Err(error.into());
                }
            }
            if ended {
                return Err(NotStarted(started.last_words()).into());
            }
            if until < Instant::now() {
                started.kill();
                return Err(NotStarted(format!("the player did not answer within {} s", TO_START.as_secs())).into());
            }
            std::thread::sleep(AGAIN);
        }
    }
}

impl Started {
    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What it said when it failed.
    fn last_words(&mut self) -> String {
        let mut said = String::new();
        let _ = self.said.rewind();
        let _ = (&self.said).take(WORDS).read_to_string(&mut said);
        let words: Vec<&str> = said.lines().filter_map(|it| it.strip_prefix("demon: ")).collect();
        if words.is_empty() { "the player ended without a word".to_owned() } else { words.join("\n") }
    }
}

impl Remote {
    /// Attaches to the player that runs, or starts one with room for a tape of so many stereo samples; whether it was there. What is
    /// waited for is told.
    ///
    /// # Errors
    /// In words: the player has an engine already, or is of another version. [`NotStarted`] when there is none and none can be started.
    pub fn find_or_start(
        start: StartPlayer,
        tape_frames: usize,
        tell: &mut dyn FnMut(&str),
    ) -> anyhow::Result<(Self, bool)> {
        let epochs = Epoch::default();
        let (link, child) = match Link::attach(&start.folder) {
            Err(NotAttached::Nobody | NotAttached::Refused(_)) if start.waits => (start.wait(tell)?, None),
            Ok(link) => (link, None),
            Err(NotAttached::Nobody) => {
                let shared = SharedArena::create(sizes(tape_frames))?;
                let (child, link) = start.start(shared.descriptor())?;
                (link, Some(child))
            }
            Err(error) => return Err(error.into()),
        };
        epochs.set(link.epoch);
        let found = child.is_none();
        Ok((Self { link, epochs, start, child, witness: None }, found))
    }

    /// Where the sound goes.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.link.place
    }

    /// The player's process.
    #[must_use]
    pub fn process(&self) -> i32 {
        self.link.player.process
    }

    /// Has everything that is sent written to the end of this file before the player can see it.
    pub fn write_down(&mut self, witness: File) {
        self.witness = Some(witness);
    }

    /// Whether the tape that plays is the one that began as `tape`.
    #[must_use]
    pub fn stands(&self, tape: &[StereoFrame]) -> bool {
        let standing = Standing::read(&self.link.shared.arena);
        // The length first: the sum goes over all of the sound.
        standing.is_some_and(|it| it.frames == tape.len() as u64 && it.recording == sum_of(tape))
    }

    /// The engine's ends, and whether it plays already. The tape that plays is taken as it is where it began as `tape`, and so are level, mute
    /// and band: nothing that is heard changes. Else what `tape` had become is played, or `tape` itself, from where `beginning` says.
    ///
    /// # Errors
    /// When the recording cannot be a tape, the player has no room for it, or what is sent cannot be written down.
    pub fn ends(&self, tape: &[StereoFrame], beginning: &Beginning) -> anyhow::Result<(Packer, Transport, bool)> {
        let (mut packer, mut transport) = attach(&self.link.shared.arena, &self.epochs);
        if let Some(witness) = &self.witness {
            let (mut tapes, mut windows) = (witness.try_clone()?, witness.try_clone()?);
            [tape].into_iter().chain(beginning.tape.as_deref()).try_for_each(|it| write_tape(&mut tapes, it))?;
            // What cannot be written is missed by whoever checks.
            packer.set_witness(Box::new(move |epoch, window, sound| {
                drop(write_window(&mut windows, epoch, window, sound))
            }));
        }
        let stands = self.stands(tape);
        if !stands {
            transport.set_muted(beginning.muted);
            let sound = beginning.tape.as_deref().unwrap_or(tape);
            transport.bring_back(Tape::new(sound)?, sum_of(tape), beginning.position(tape.len()))?;
        }
        Ok((packer, transport, stands))
    }

    /// Watches over the player until it has ended, and starts it again when it is gone or its clock stands; asks it to when somebody wants to leave, unless the sound is to be left, or the player
    /// is kept by somebody else.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn watch(mut self, mut news: Producer<AudioNews>, leave: &Leave) -> io::Result<Running<Result<(), NotPlayed>>> {
        let leaving = leave.clone();
        leave.spawn(SOUND, move || {
            let (mut asked, mut standstill) = (false, Standstill::new(self.played(), Instant::now()));
            let mut tell = move |told: AudioNews| drop(news.push(told));
            loop {
                // A player that is this engine's alone ends with it in any case; one that is kept by somebody else stays for the next.
                let stays = leaving.leaves_the_sound() && !self.start.own || leaving.is_asked() && self.start.waits;
                if stays {
                    return Ok(());
                }
                if leaving.is_asked() && !asked {
                    asked = true;
                    self.link.ask_to_stop();
                }
                match self.link.hear(LOOK) {
                    Heard::Nothing if asked => {}
                    Heard::Nothing => match standstill.look(self.played(), Instant::now()) {
                        Clock::Goes => {}
                        Clock::GoesAgain => tell(AudioNews::PlaysAgain(self.process())),
                        Clock::Stands if self.start.own || self.start.waits => {
                            tell(AudioNews::Stands(self.process(), self.start.stands()));
                        }
                        Clock::Stands => {
                            tell(AudioNews::Stands(self.process(), self.start.stands()));
                            self.kill_it();
                            self.start_again(&leaving).map_err(|it| NotPlayed::Remote(it.to_string()))?;
                            tell(AudioNews::PlaysAgain(self.process()));
                            standstill = Standstill::new(self.played(), Instant::now());
                        }
                    },
                    Heard::Told(Told::Ended(words)) => {
                        self.see_it_go();
                        return words.map_or(Ok(()), |it| Err(NotPlayed::Remote(it)));
                    }
                    Heard::Told(told) => tell(AudioNews::Told(told)),
                    Heard::Gone if asked => {
                        return Err(NotPlayed::Remote("the player did not say how it ended".to_owned()));
                    }
                    Heard::Gone => {
                        let words = format!("the player (process {}) is gone; it is started again", self.process());
                        tell(AudioNews::Told(Told::News(words)));
                        self.start_again(&leaving).map_err(|it| NotPlayed::Remote(it.to_string()))?;
                        tell(AudioNews::Told(Told::News(format!(
                            "the player plays again (process {})",
                            self.process()
                        ))));
                        standstill = Standstill::new(self.played(), Instant::now());
                    }
                }
            }
        })
    }

    /// Frames that the player has played.
    fn played(&self) -> u64 {
        SharedMeters::of(&self.link.shared.arena).playhead().played.count()
    }

    /// Ends a player that hangs, whoever started it. Its door is open, so the process is still that one.
    fn kill_it(&self) {
        if let Some(process) = Pid::from_raw(self.process()) {
            let _ = kill_process(process, Signal::KILL);
        }
    }

    /// Starts another player on the same memory, as often as it takes, or waits for who keeps it to do so.
    fn start_again(&mut self, leaving: &Leave) -> anyhow::Result<()> {
        self.epochs.set(0);
        if let Some(mut dead) = self.child.take() {
            // It is no more, or hangs beyond help: one that has closed its socket plays for nobody.
            dead.kill();
        }
        let mut rest = FIRST_REST;
        loop {
            // Somebody else may have been quicker, a unit of the system for instance.
            let started = match Link::attach(&self.start.folder) {
                Ok(link) => Ok((None, link)),
                Err(error) if self.start.waits => Err(error.into()),
                Err(_) => self.start.start(self.link.shared.descriptor()).map(|(child, link)| (Some(child), link)),
            };
            match started {
                // The ends of the engine are threads' own by now, and cannot be of other memory.
                Ok((_, link)) if !link.shared.is_same_as(&self.link.shared) => {
                    return Err(anyhow!("the player that came back has lost the tape; the engine has to start again"));
                }
                Ok((child, link)) => {
                    self.epochs.set(link.epoch);
                    (self.child, self.link) = (child, link);
                    return Ok(());
                }
                Err(_) if leaving.is_asked() => {
                    return Err(anyhow!("the player was gone and could not be started again"));
                }
                Err(_) => {
                    std::thread::sleep(rest);
                    rest = LAST_REST.min(rest * 2);
                }
            }
        }
    }

    fn see_it_go(&mut self) {
        let until = Instant::now() + TO_GO;
        while let Some(started) = &mut self.child
            && !matches!(started.child.try_wait(), Ok(Some(_)))
            && Instant::now() < until
        {
            std::thread::sleep(AGAIN);
        }
    }
}

/// The folder of a player that plays into a file: nobody else is to find it.
#[must_use]
pub fn own_folder(runtime: &Path) -> PathBuf {
    runtime.join(format!("own-{}", std::process::id()))
}
