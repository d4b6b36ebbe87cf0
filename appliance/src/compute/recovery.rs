//! What happens when the device that computes is lost: the tape plays on, and the device is opened again.
//!
//! Everything that lived on the device has to be dropped before it can be opened again, so the fast threads are first
//! given parts that compute nothing ([`engine::backend::Away`]). Then a worker builds anew, at once and every few seconds
//! until it succeeds; where the player wants it, the processor takes over meanwhile. The generations in flight wait in
//! the ring and are born again on whatever comes.
//!
//! The conductor asks for orders and carries them out; this file touches no queue and reads no clock.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::backend::{Away, AwayDecoder, Backend, BackendError};
use engine::live::WindowDecoder;

/// Between a loss and the first try: a driver needs a moment to see that a card is gone.
const FIRST: Duration = Duration::from_secs(1);
/// Between two tries.
const AGAIN: Duration = Duration::from_secs(5);

/// What computes a set: both sides.
pub struct Parts {
    /// For the tick side.
    pub backend: Box<dyn Backend + Send>,
    /// For the decode side.
    pub decoder: Box<dyn WindowDecoder + Send>,
    /// What it is, in a few words.
    pub words: String,
}

/// Builds parts; called on a worker, as often as it takes.
pub type Build = Box<dyn FnMut() -> anyhow::Result<Parts> + Send>;

/// What the conductor is to do.
pub enum Order {
    /// Tell the player that the device is away, in these words; it stands until it is back.
    Away(String),
    /// The device is back.
    Back(String),
    /// A tick failed for once; it stands until ticks have gone well again.
    Failed(String),
    /// Tell the player what plays meanwhile.
    Say(String),
    /// Give the fast threads these parts.
    Swap(Parts),
}

/// The way back.
pub struct Recovery {
    /// Builds on the device; away while a worker uses it.
    device: Option<Build>,
    /// Builds on the processor, where that is to take over; away while a worker uses it.
    processor: Option<Build>,
    keeps: Vec<usize>,
    state: State,
    /// What was said last of a failure, so that it is said once.
    said: String,
}

enum State {
    Well,
    Waiting { until: Instant },
    Building { on: On, worker: JoinHandle<(Build, anyhow::Result<Parts>)> },
}

#[derive(Clone, Copy, PartialEq)]
enum On {
    Device,
    Processor,
}

impl Recovery {
    /// For a set whose windows have these lengths. `processor` takes over while the device is away; without it the tape
    /// loops.
    #[must_use]
    pub fn new(keeps: Vec<usize>, device: Build, processor: Option<Build>) -> Self {
        Self { device: Some(device), processor, keeps, state: State::Well, said: String::new() }
    }

    /// Hears of a tick or a window that failed.
    pub fn hear(&mut self, error: &BackendError, now: Instant) -> Vec<Order> {
        if *error == BackendError::Away || !matches!(self.state, State::Well) {
            return Vec::new();
        }
        if !error.is_fatal() {
            return self.say_once(format!("a tick failed: {error}"), Order::Failed);
        }
        self.lose(&error.to_string(), now)
    }

    /// What computes is not to be trusted any more, for this reason: it is dropped and built again.
    pub fn lose(&mut self, why: &str, now: Instant) -> Vec<Order> {
        if !matches!(self.state, State::Well) {
            return Vec::new();
        }
        let away = Parts {
            backend: Box::new(Away),
            decoder: Box::new(AwayDecoder::new(self.keeps.clone())),
            words: "nothing".to_owned(),
        };
        self.state = match self.processor.take() {
            Some(build) => building(On::Processor, build),
            None => State::Waiting { until: now + FIRST },
        };
        vec![Order::Swap(away), Order::Away(format!("{why}: the tape plays on, trying again"))]
    }

    /// Looks whether something is due or done.
    pub fn poll(&mut self, now: Instant) -> Vec<Order> {
        match std::mem::replace(&mut self.state, State::Well) {
            State::Waiting { until } if until <= now => {
                self.state = match self.device.take() {
                    Some(build) => building(On::Device, build),
                    None => State::Well,
                };
                Vec::new()
            }
            State::Building { on, worker } if worker.is_finished() => self.built(on, worker, now),
            other => {
                self.state = other;
                Vec::new()
            }
        }
    }

    /// Whether a worker is at it.
    #[must_use]
    pub fn is_building(&self) -> bool {
        matches!(&self.state, State::Building { worker, .. } if !worker.is_finished())
    }

    fn built(&mut self, on: On, worker: JoinHandle<(Build, anyhow::Result<Parts>)>, now: Instant) -> Vec<Order> {
        let Ok((build, result)) = worker.join() else {
            // The builder died with its thread: there is no other.
            return vec![Order::Away("the device cannot be opened again: restart to try once more".to_owned())];
        };
        match on {
            On::Device => self.device = Some(build),
            On::Processor => self.processor = Some(build),
        }
        let is_well = result.is_ok() && on == On::Device;
        self.state = if is_well { State::Well } else { State::Waiting { until: now + AGAIN } };
        match result {
            Ok(parts) => {
                self.said.clear();
                let told = match on {
                    On::Device => Order::Back(format!("playing on {} again", parts.words)),
                    On::Processor => Order::Say(format!("{} takes over", parts.words)),
                };
                vec![Order::Swap(parts), told]
            }
            Err(error) => self.say_once(format!("still away: {error:#}"), Order::Away),
        }
    }

    fn say_once(&mut self, words: String, order: impl FnOnce(String) -> Order) -> Vec<Order> {
        if self.said == words {
            return Vec::new();
        }
        self.said.clone_from(&words);
        vec![order(words)]
    }
}

fn building(on: On, mut build: Build) -> State {
    let worker = std::thread::spawn(move || {
        let result = build();
        (build, result)
    });
    State::Building { on, worker }
}

#[cfg(test)]
mod tests {
    //! Goal: a lost device is left alone, tried again, and taken back; the player reads each thing once.

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use anyhow::bail;
    use engine::backend::DeviceError;

    use super::*;

    fn lost() -> BackendError {
        BackendError::Device(DeviceError::Lost { call: "cuEventSynchronize", words: "gone".to_owned() })
    }

    fn parts(words: &str) -> Parts {
        let decoder = Box::new(AwayDecoder::new(vec![5]));
        Parts { backend: Box::new(Away), decoder, words: words.to_owned() }
    }

    /// Comes back at the third try.
    fn device() -> (Build, Arc<AtomicUsize>) {
        let tries = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&tries);
        let build = move || if counted.fetch_add(1, Relaxed) < 2 { bail!("no card") } else { Ok(parts("the card")) };
        (Box::new(build), tries)
    }

    /// What the orders come to, in words.
    fn words(orders: Vec<Order>) -> Vec<String> {
        let word = |order| match order {
            Order::Away(words) | Order::Back(words) | Order::Failed(words) | Order::Say(words) => words,
            Order::Swap(parts) => format!("swap to {}", parts.words),
        };
        orders.into_iter().map(word).collect()
    }

    fn poll(recovery: &mut Recovery, now: Instant) -> Vec<String> {
        let mut orders = words(recovery.poll(now));
        while recovery.is_building() {
            std::thread::yield_now();
        }
        orders.extend(words(recovery.poll(now)));
        orders
    }

    #[test]
    fn a_lost_device_is_tried_until_it_is_back_and_every_failure_is_said_once() {
        let (build, tries) = device();
        let mut recovery = Recovery::new(vec![5], build, None);
        let start = Instant::now();
        let heard = words(recovery.hear(&lost(), start));
        assert_eq!(heard[0], "swap to nothing", "what holds the device is dropped first");
        assert!(heard[1].contains("the GPU is lost") && heard[1].contains("the tape plays on"), "{heard:?}");
        assert_eq!(recovery.hear(&lost(), start).len(), 0, "the decode side meets the same loss");
        assert_eq!(poll(&mut recovery, start), [""; 0], "not at once");
        assert_eq!(poll(&mut recovery, start + FIRST), ["still away: no card"]);
        assert_eq!(poll(&mut recovery, start + FIRST + AGAIN), [""; 0], "the same failure is not said again");
        assert_eq!(tries.load(Relaxed), 2);
        let back = poll(&mut recovery, start + FIRST + AGAIN + AGAIN);
        assert_eq!(back, ["swap to the card", "playing on the card again"]);
        assert_eq!(poll(&mut recovery, start + 10 * AGAIN), [""; 0]);
        assert_eq!(words(recovery.hear(&lost(), start + 10 * AGAIN)).len(), 2, "it may be lost again");
    }

    #[test]
    fn what_crashed_is_built_again_as_what_was_lost_is_and_once() {
        let (build, tries) = device();
        let mut recovery = Recovery::new(vec![5], build, None);
        let start = Instant::now();
        let heard = words(recovery.lose("the tick thread crashed", start));
        assert_eq!(heard, ["swap to nothing", "the tick thread crashed: the tape plays on, trying again"]);
        assert_eq!(recovery.lose("the decode thread crashed", start).len(), 0, "it is being built");
        for again in [start + FIRST, start + FIRST + AGAIN, start + FIRST + AGAIN + AGAIN] {
            poll(&mut recovery, again);
        }
        assert_eq!(tries.load(Relaxed), 3);
        assert!(matches!(recovery.state, State::Well));
    }

    #[test]
    fn the_processor_takes_over_where_the_player_wants_it_until_the_device_is_back() {
        let (build, _) = device();
        let mut recovery = Recovery::new(vec![5], build, Some(Box::new(|| Ok(parts("the processor")))));
        let start = Instant::now();
        recovery.hear(&lost(), start);
        assert_eq!(poll(&mut recovery, start), ["swap to the processor", "the processor takes over"]);
        assert_eq!(poll(&mut recovery, start + AGAIN), ["still away: no card"]);
        poll(&mut recovery, start + 2 * AGAIN);
        let back = poll(&mut recovery, start + 3 * AGAIN);
        assert_eq!(back, ["swap to the card", "playing on the card again"]);
    }

    #[test]
    fn a_tick_that_failed_for_once_is_said_and_nothing_is_swapped() {
        let (build, tries) = device();
        let mut recovery = Recovery::new(vec![5], build, None);
        let start = Instant::now();
        let once = BackendError::Device(DeviceError::Refused { call: "cuGraphLaunch", words: "busy".to_owned() });
        assert_eq!(words(recovery.hear(&once, start)), ["a tick failed: cuGraphLaunch: busy"]);
        assert_eq!(words(recovery.hear(&once, start)), [""; 0]);
        assert_eq!(words(recovery.hear(&BackendError::Away, start)), [""; 0]);
        poll(&mut recovery, start + 9 * AGAIN);
        assert_eq!(tries.load(Relaxed), 0);
    }
}
