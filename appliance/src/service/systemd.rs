//! The service manager's socket and what it keeps for us, by way of `libsystemd`.
//!
//! Telling may wait when the manager does not read; so only the slow side tells. What cannot be told is not told again: who
//! listens will find that the watchdog is not fed.

use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, IntoRawFd as _, OwnedFd};
use std::time::Duration;

use libsystemd::activation::receive_descriptors_with_names;
use libsystemd::daemon::{self, NotifyState};

/// Words of the environment by which a service manager speaks to the process that it starts, and to none of its children.
pub const ADDRESSED: [&str; 6] =
    ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"];

/// Who started us, where that is somebody who wants to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Systemd {
    listens: bool,
    watchdog: Option<Duration>,
}

/// How it is with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'a> {
    /// What we are there for has begun.
    Ready,
    /// In words, for `systemctl status`.
    Status(&'a str),
    /// Everything moves.
    Alive,
    /// The end was asked for.
    Ends,
}

impl Systemd {
    /// As the environment has it.
    #[must_use]
    pub fn of_environment() -> Self {
        let listens = std::env::var_os("NOTIFY_SOCKET").is_some_and(|it| !it.is_empty());
        Self { listens, watchdog: daemon::watchdog_enabled(false) }
    }

    /// Whether anybody wants to be told.
    #[must_use]
    pub const fn listens(&self) -> bool {
        self.listens
    }

    /// How long it waits for [`State::Alive`] before it ends us; `None` when it does not.
    #[must_use]
    pub const fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Tells it.
    pub fn tell(&self, states: &[State<'_>]) {
        if self.listens {
            let states: Vec<NotifyState> = states.iter().map(|it| it.as_said()).collect();
            let _ = daemon::notify(false, &states);
        }
    }

    /// Has it keep a descriptor under this name until we are stopped on purpose; answers whether it was asked to.
    #[must_use]
    pub fn keep(&self, name: &str, descriptor: BorrowedFd<'_>) -> bool {
        let said = [NotifyState::Fdstore, NotifyState::Fdname(name.to_owned())];
        self.listens && daemon::notify_with_fds(false, &said, &[descriptor.as_raw_fd()]).unwrap_or(false)
    }

    /// Has it let go of what it keeps under this name.
    pub fn let_go(&self, name: &str) {
        if self.listens {
            let said = [NotifyState::FdstoreRemove, NotifyState::Fdname(name.to_owned())];
            let _ = daemon::notify(false, &said);
        }
    }
}

impl State<'_> {
    fn as_said(&self) -> NotifyState {
        match self {
            Self::Ready => NotifyState::Ready,
            // A line of the protocol is a line.
            Self::Status(words) => NotifyState::Status(words.lines().next().unwrap_or_default().to_owned()),
            Self::Alive => NotifyState::Watchdog,
            Self::Ends => NotifyState::Stopping,
        }
    }
}

/// What the manager kept under a name, or was told to open for us. Asked for once, at the start; whatever else came is closed.
#[must_use]
pub fn kept(name: &str) -> Option<OwnedFd> {
    let all = receive_descriptors_with_names(false).ok()?;
    let mut found = None;
    for (descriptor, called) in all {
        let owned = own(descriptor.into_raw_fd());
        if called == name {
            found = Some(owned);
        }
    }
    found
}

/// A descriptor that was handed to this process when it began.
#[expect(unsafe_code, reason = "the manager hands descriptors over by number")]
fn own(raw: i32) -> OwnedFd {
    // SAFETY: the manager opened it for this very process (`LISTEN_PID`), and nobody here has it: `kept` is called once, before
    // anything else that could own a descriptor that was there at the start.
    unsafe { OwnedFd::from_raw_fd(raw) }
}
