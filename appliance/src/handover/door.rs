//! The player's side of the socket: who may come in, one at a time.
//!
//! [`Door::look`] never waits for anybody. Whoever comes has to say what it wants at once; of an engine that is attached only
//! words are heard from then on, until its end of the socket is closed.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::boundary::LAYOUT_VERSION;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::geteuid;

use super::folder::{LOCK, SOCKET, make};
use super::socket::{Came, Peer, accept, listen_at, peer, receive, send};
use super::words::{Asked, Told};
use crate::files::{Held, Lock, shown};

/// Callers that have said nothing yet, at most; the oldest goes for a new one.
const CALLERS: usize = 8;

/// What happened at the door.
#[derive(Debug, PartialEq, Eq)]
pub enum Knock {
    /// An engine asks to be attached, and may: answer it with [`Door::welcome`].
    Engine(Peer),
    /// The engine that was attached is gone.
    Gone(Peer),
    /// Somebody asks for the end.
    Stop(Peer),
    /// Somebody was sent away, with these words.
    Refused(Peer, String),
}

/// The player's door.
#[derive(Debug)]
pub struct Door {
    listener: OwnedFd,
    socket: PathBuf,
    _lock: Lock,
    callers: Vec<OwnedFd>,
    engine: Option<(OwnedFd, Peer)>,
    /// Whether the engine was handed the memory: before that it listens for nothing else.
    welcomed: bool,
    /// Asked for the end, and waits to hear of it.
    waits_for_end: Vec<OwnedFd>,
}

impl Door {
    /// Opens the door in a folder.
    ///
    /// # Errors
    /// In words: a player is there already, or the folder cannot be used.
    pub fn open(folder: &Path) -> Result<Self, String> {
        make(folder)?;
        let lock = Lock::take(&folder.join(LOCK)).map_err(|held| match held {
            Held::By(process) => format!("a player runs already (process {process}); `demon player --stop` ends it"),
            Held::System(error) => format!("{}: {error}", shown(&folder.join(LOCK))),
        })?;
        let socket = folder.join(SOCKET);
        // With the lock in hand, whatever lies there was left by a player that died.
        let _ = std::fs::remove_file(&socket);
        let listener = listen_at(&socket).map_err(|error| format!("{}: {error}", shown(&socket)))?;
        Ok(Self {
            listener,
            socket,
            _lock: lock,
            callers: Vec::new(),
            engine: None,
            welcomed: false,
            waits_for_end: Vec::new(),
        })
    }

    /// Looks who is there, for so long at most when nobody is.
    pub fn look(&mut self, patience: Duration) -> Vec<Knock> {
        self.wait(patience);
        let mut knocks = Vec::new();
        while let Some(caller) = accept(self.listener.as_fd()) {
            if CALLERS <= self.callers.len() {
                self.callers.remove(0);
            }
            self.callers.push(caller);
        }
        self.hear_engine(&mut knocks);
        for caller in std::mem::take(&mut self.callers) {
            match receive(caller.as_fd()) {
                Came::Nothing => self.callers.push(caller),
                Came::End => {}
                Came::Message(text, _) => self.answer(caller, &text, &mut knocks),
            }
        }
        knocks
    }

    fn wait(&self, patience: Duration) {
        let engine = self.engine.as_ref().map(|it| it.0.as_fd());
        let all = self.callers.iter().map(AsFd::as_fd).chain(engine);
        let all: Vec<BorrowedFd<'_>> = all.chain([self.listener.as_fd()]).collect();
        let mut polled: Vec<PollFd<'_>> = all.iter().map(|it| PollFd::new(it, PollFlags::IN)).collect();
        let left = Timespec { tv_sec: patience.as_secs() as _, tv_nsec: patience.subsec_nanos().into() };
        let _ = poll(&mut polled, Some(&left));
    }

    fn hear_engine(&mut self, knocks: &mut Vec<Knock>) {
        let Some((socket, who)) = &self.engine else { return };
        match receive(socket.as_fd()) {
            Came::Nothing => {}
            Came::End => {
                knocks.push(Knock::Gone(*who));
                self.engine = None;
            }
            // Whatever else it says is of a version to come.
            Came::Message(text, _) => {
                if Asked::read(&text) == Some(Asked::Stop) {
                    knocks.push(Knock::Stop(*who));
                }
            }
        }
    }

    /// Answers somebody who has said what it wants.
    fn answer(&mut self, caller: OwnedFd, text: &str, knocks: &mut Vec<Knock>) {
        let Ok(who) = peer(caller.as_fd()) else { return };
        let ours = geteuid();
        let why = match Asked::read(text) {
            _ if who.user != ours.as_raw() && who.user != 0 => Some("it belongs to another user".to_owned()),
            Some(Asked::Stop) => {
                self.waits_for_end.push(caller);
                return knocks.push(Knock::Stop(who));
            }
            Some(Asked::Attach { layout }) if layout != LAYOUT_VERSION => Some(format!(
                "the player speaks layout {LAYOUT_VERSION} and the engine layout {layout}: it plays on; end it with `demon player \
                 --stop` and start again"
            )),
            Some(Asked::Attach { .. }) => self
                .engine
                .as_ref()
                .map(|(_, other)| format!("an engine is attached already (process {}); one at a time", other.process)),
            None => Some("the player does not understand it; it may be of another version".to_owned()),
        };
        if let Some(why) = why {
            let _ = send(caller.as_fd(), &Told::Refused(why.clone()).text(), None);
            return knocks.push(Knock::Refused(who, why));
        }
        (self.engine, self.welcomed) = (Some((caller, who)), false);
        knocks.push(Knock::Engine(who));
    }

    /// Lets the engine in that was told of last.
    pub fn welcome(&mut self, epoch: u64, place: &str, memory: BorrowedFd<'_>) {
        if let Some((socket, _)) = &self.engine {
            self.welcomed = true;
            let _ = send(socket.as_fd(), &Told::Welcome { epoch, place: place.to_owned() }.text(), Some(memory));
        }
    }

    /// Tells the engine something. One that does not read misses it, and so does one that is not let in yet.
    pub fn tell(&self, told: &Told) {
        if let Some((socket, _)) = self.engine.as_ref().filter(|_| self.welcomed) {
            let _ = send(socket.as_fd(), &told.text(), None);
        }
    }

    /// The last word, to the engine and to all who asked for the end.
    pub fn farewell(&self, not_arrived: Option<String>) {
        let told = Told::Ended(not_arrived);
        self.tell(&told);
        for caller in &self.waits_for_end {
            let _ = send(caller.as_fd(), &told.text(), None);
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}
