//! How the graphics card is: load, temperature, and whether it slows itself down.
//!
//! NVIDIA's management library says it, where it is installed; elsewhere there is nothing to say and nobody is troubled.
//! Asking can take tens of milliseconds, so a thread of its own asks once a second and others read its last answer. A card
//! that falls off the bus is asked for again with every poll: after a reset it is back under a new handle.

mod nvml;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use nvml::NvmlError;
use nvml::{Card, Nvml};

/// How often the card is asked. Temperature moves slower than that.
const POLL: Duration = Duration::from_secs(1);

/// Why a card runs slower than it could.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brake {
    /// It is too hot.
    Heat,
    /// Its supply or its plug says stop.
    Supply,
    /// It draws all the power it may; common under full load, and harmless while ticks come in time.
    PowerLimit,
}

impl Brake {
    /// For the display.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Heat => "slowed by heat",
            Self::Supply => "slowed by supply",
            Self::PowerLimit => "at power limit",
        }
    }

    /// From the library's bits: the worst one that is set, since one line has room for one.
    const fn of(reasons: u64) -> Option<Self> {
        const SW_POWER_CAP: u64 = 0x04;
        const HW_SLOWDOWN: u64 = 0x08;
        const SW_THERMAL: u64 = 0x20;
        const HW_THERMAL: u64 = 0x40;
        const HW_POWER_BRAKE: u64 = 0x80;
        // A slowdown of the hardware alone does not say why; on stage it is heat more often than not.
        match reasons {
            bits if bits & (SW_THERMAL | HW_THERMAL) != 0 => Some(Self::Heat),
            bits if bits & HW_POWER_BRAKE != 0 => Some(Self::Supply),
            bits if bits & HW_SLOWDOWN != 0 => Some(Self::Heat),
            bits if bits & SW_POWER_CAP != 0 => Some(Self::PowerLimit),
            _ => None,
        }
    }
}

/// How a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GpuHealth {
    /// Share of the last second in which it computed, 0 to 100.
    pub load_percent: u8,
    /// Temperature of the chip.
    pub celsius: u32,
    /// What slows it down.
    pub brake: Option<Brake>,
}

/// Asks one card, whenever told to; the thread's work without the thread.
#[derive(Debug)]
pub struct Poller {
    library: Option<PathBuf>,
    index: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    New,
    Open(Nvml, Option<Card>),
    /// There is no library: that does not change while the box runs.
    Absent,
}

impl Poller {
    /// The card `index` in the library's order (that of the bus); `library` instead of the system's `libnvidia-ml.so.1`.
    #[must_use]
    pub const fn new(library: Option<PathBuf>, index: u32) -> Self {
        Self { library, index, state: State::New }
    }

    /// How the card is now; `None` where nobody can say.
    pub fn poll(&mut self) -> Option<GpuHealth> {
        if matches!(self.state, State::New) {
            let opened = Nvml::open(self.library.as_deref());
            self.state = match opened {
                Ok(nvml) => State::Open(nvml, None),
                Err(NvmlError::NoLibrary(_)) => State::Absent,
                // A driver that is only being loaded is there a second later.
                Err(_) => State::New,
            };
        }
        let State::Open(nvml, card) = &mut self.state else { return None };
        let asked = match *card {
            Some(card) => Ok(card),
            None => nvml.card(self.index),
        };
        let read = asked.and_then(|found| {
            *card = Some(found);
            nvml.read(found)
        });
        // Lost or never there: asked for anew with the next poll.
        read.inspect_err(|_| *card = None).ok()
    }
}

/// Asks once a second on a thread of its own. Dropped, it lets the thread end when it can: a library that hangs holds up nobody.
#[derive(Debug)]
pub struct Watch {
    last: Arc<Mutex<Option<GpuHealth>>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(mut poller: Poller) -> std::io::Result<Self> {
        let last = Arc::new(Mutex::new(None));
        let theirs = Arc::clone(&last);
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("gpu health".to_owned()).spawn(move || {
            loop {
                let health = poller.poll();
                *theirs.lock().unwrap_or_else(PoisonError::into_inner) = health;
                if stopped.recv_timeout(POLL) != Err(RecvTimeoutError::Timeout) || matches!(poller.state, State::Absent)
                {
                    break;
                }
            }
        })?;
        Ok(Self { last, stop: Some(stop), thread: Some(thread) })
    }

    /// One that asks nobody: the answer is always this. For who shows how a card looks that is not there.
    #[must_use]
    pub fn of(health: Option<GpuHealth>) -> Self {
        Self { last: Arc::new(Mutex::new(health)), stop: None, thread: None }
    }

    /// The last answer.
    #[must_use]
    pub fn last(&self) -> Option<GpuHealth> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the thread and waits for it: for as long as the library takes for an answer, which may be for ever.
    pub fn close(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A watcher that crashed has nothing more to say.
            let _ = thread.join();
        }
    }
}
