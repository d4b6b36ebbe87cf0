//! An engine's side of the socket.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use engine::boundary::LAYOUT_VERSION;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::folder::SOCKET;
use super::memory::SharedArena;
use super::socket::{Came, Peer, connect_to, peer, receive, send};
use super::words::{Asked, Told};

/// How long a player may take to answer: it writes a window to its end first.
const ANSWER: Duration = Duration::from_secs(5);

/// Why an engine is not attached.
#[derive(Debug, thiserror::Error)]
pub enum NotAttached {
    /// No player is there.
    #[error("no player runs")]
    Nobody,
    /// It does not want this engine, in its own words.
    #[error("{0}")]
    Refused(String),
    /// It is there and does not answer.
    #[error("the player (process {0}) does not answer")]
    Silent(i32),
    /// What it handed over cannot be used.
    #[error(transparent)]
    Memory(#[from] super::memory::MemoryFault),
}

/// What the player told.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing.
    Nothing,
    /// This.
    Told(Told),
    /// It is gone.
    Gone,
}

/// An engine that is attached.
#[derive(Debug)]
pub struct Link {
    socket: OwnedFd,
    /// What they share.
    pub shared: SharedArena,
    /// As what it is attached.
    pub epoch: u64,
    /// Where the sound goes.
    pub place: String,
    /// The player's process.
    pub player: Peer,
}

impl Link {
    /// Attaches to the player of a folder.
    ///
    /// # Errors
    /// See [`NotAttached`].
    pub fn attach(folder: &Path) -> Result<Self, NotAttached> {
        let (socket, player) = call(folder, &Asked::Attach { layout: LAYOUT_VERSION })?;
        let until = Instant::now() + ANSWER;
        loop {
            match await_message(&socket, until) {
                Came::Message(text, memory) => match (Told::read(&text), memory) {
                    (Some(Told::Welcome { epoch, place }), Some(memory)) => {
                        let shared = SharedArena::open(memory)?;
                        return Ok(Self { socket, shared, epoch, place, player });
                    }
                    (Some(Told::Refused(why)), _) => return Err(NotAttached::Refused(why)),
                    _ => {}
                },
                Came::End => return Err(NotAttached::Nobody),
                Came::Nothing => return Err(NotAttached::Silent(player.process)),
            }
        }
    }

    /// What the player says, waited for until `patience` is over.
    pub fn hear(&self, patience: Duration) -> Heard {
        loop {
            match await_message(&self.socket, Instant::now() + patience) {
                Came::Nothing => return Heard::Nothing,
                Came::End => return Heard::Gone,
                // A word of a version to come is no word.
                Came::Message(text, _) => {
                    if let Some(told) = Told::read(&text) {
                        return Heard::Told(told);
                    }
                }
            }
        }
    }

    /// Asks the player to fade out and end.
    pub fn ask_to_stop(&self) {
        let _ = send(self.socket.as_fd(), &Asked::Stop.text(), None);
    }
}

/// Whether somebody listens in a folder.
#[must_use]
pub fn somebody(folder: &Path) -> bool {
    connect_to(&folder.join(SOCKET)).is_ok()
}

/// Asks the player of a folder to end, and waits for that as long as it may take.
///
/// # Errors
/// When no player is there, or it does not end; the words with which it ended, where not all of the sound arrived.
pub fn stop(folder: &Path, patience: Duration) -> Result<Option<String>, NotAttached> {
    let (socket, player) = call(folder, &Asked::Stop)?;
    let until = Instant::now() + patience;
    loop {
        match await_message(&socket, until) {
            Came::Message(text, _) => match Told::read(&text) {
                Some(Told::Ended(words)) => return Ok(words),
                Some(Told::Refused(why)) => return Err(NotAttached::Refused(why)),
                _ => {}
            },
            // It ended without a word: somebody else was quicker.
            Came::End => return Ok(None),
            Came::Nothing => return Err(NotAttached::Silent(player.process)),
        }
    }
}

fn call(folder: &Path, asked: &Asked) -> Result<(OwnedFd, Peer), NotAttached> {
    let socket = connect_to(&folder.join(SOCKET)).map_err(|_| NotAttached::Nobody)?;
    let player = peer(socket.as_fd()).map_err(|_| NotAttached::Nobody)?;
    if player.user != rustix::process::geteuid().as_raw() && player.user != 0 {
        return Err(NotAttached::Refused(format!("the player (process {}) belongs to another user", player.process)));
    }
    send(socket.as_fd(), &asked.text(), None).map_err(|_| NotAttached::Nobody)?;
    Ok((socket, player))
}

/// The next message, until `until`.
fn await_message(socket: &OwnedFd, until: Instant) -> Came {
    loop {
        match receive(socket.as_fd()) {
            Came::Nothing => {}
            came => return came,
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Came::Nothing;
        }
        let left = Timespec { tv_sec: left.as_secs() as _, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&left)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return Came::End,
        }
    }
}
