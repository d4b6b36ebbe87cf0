//! Who tells the service manager how it is: ready, alive, what to read, and that the end was asked for.
//!
//! A task of the slow side. It is told nothing by those that it looks after but counts and one line of words, so that none of them
//! waits for it, or for a manager that does not read.

use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::slow::Slow;
use super::systemd::{State, Systemd};
use super::vitals::Vitals;

/// So often it is looked whether we are ready, or asked to end.
const LOOK: Duration = Duration::from_millis(20);
/// Of the time that the manager waits, how many signs of life there are: a part may be slow and still be well.
const SIGNS: u32 = 4;

/// What is looked after.
pub struct Looked {
    /// Whether what the service is there for has begun.
    pub ready: Box<dyn Fn() -> bool + Send>,
    /// Whether the end was asked for.
    pub ends: Box<dyn Fn() -> bool + Send>,
    /// What has to move, from then on.
    pub vitals: Vitals,
    /// Hears what does not move, once as long as it is the same: it may be the last that is known of a process.
    pub note: Box<dyn Fn(&str) + Send>,
}

/// How long the end of a process waits for who tells that it ends.
const LAST_WORD: Duration = Duration::from_millis(200);

/// Where the words of how it goes are laid down; the latest wins.
#[derive(Debug)]
pub struct Words(Option<Attended>);

#[derive(Debug)]
struct Attended {
    words: watch::Sender<String>,
    /// The end was told.
    ended: Receiver<()>,
}

impl Words {
    /// How it goes now.
    pub fn say(&self, words: &str) {
        if let Some(Attended { words: sender, .. }) = &self.0 {
            sender.send_if_modified(|it| {
                let other = it != words;
                if other {
                    words.clone_into(it);
                }
                other
            });
        }
    }
}

impl Words {
    /// The process ends now: waits until that was told, a moment at most.
    pub fn end(self) {
        if let Some(Attended { ended, .. }) = self.0 {
            // A manager that does not read finds out by itself.
            let _ = ended.recv_timeout(LAST_WORD);
        }
    }
}

/// Begins to tell the manager of this, on the slow side; where nobody listens, nothing is begun.
///
/// # Errors
/// When the system has no thread or descriptor left.
pub fn attend(manager: Systemd, looked: Looked) -> io::Result<Words> {
    if !manager.listens() {
        return Ok(Words(None));
    }
    let slow = Slow::start()?;
    let ((words, told), (end, ended)) = (watch::channel(String::new()), channel());
    slow.spawn(async move {
        tell(manager, looked, told).await;
        let _ = end.send(());
    });
    Ok(Words(Some(Attended { words, ended })))
}

async fn tell(manager: Systemd, mut looked: Looked, mut words: watch::Receiver<String>) {
    let (mut ready, mut stood) = (false, String::new());
    let every = manager.watchdog().map(|it| it / SIGNS);
    let mut next_sign = Instant::now();
    while !(looked.ends)() {
        if !ready && (looked.ready)() {
            ready = true;
            manager.tell(&[State::Ready]);
            next_sign = Instant::now();
        }
        if words.has_changed().unwrap_or(false) {
            let said = words.borrow_and_update().clone();
            manager.tell(&[State::Status(&said)]);
        }
        if let Some(every) = every.filter(|_| ready && next_sign <= Instant::now()) {
            next_sign = Instant::now() + every;
            match looked.vitals.look().as_slice() {
                [] => {
                    stood.clear();
                    manager.tell(&[State::Alive]);
                }
                still => {
                    let words = format!("does not move: {}", still.join(", "));
                    if words != stood {
                        (looked.note)(&words);
                    }
                    manager.tell(&[State::Status(&words)]);
                    stood = words;
                }
            }
        }
        sleep_until(Instant::now() + LOOK).await;
    }
    manager.tell(&[State::Ends]);
}
