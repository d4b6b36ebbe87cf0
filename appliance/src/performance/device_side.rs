//! The conductor's side of the device: what went wrong comes here, what takes over leaves from here.

use std::time::Instant;

use engine::backend::BackendError;
use engine::live::{Swap, WindowDecoder};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::compute::recovery::{Order, Recovery};
use crate::display::messages::{FaultKey, Level, Messages};
use crate::performance::conductor::Conductor;
use crate::performance::threads::DecodeQueues;
use crate::performance::view::View;

/// Troubles that can wait for the conductor, which looks a hundred times a second.
const TROUBLES: usize = 8;
/// Decoders on their way: one that computes nothing, and the one that takes over.
const DECODERS: usize = 4;

/// Troubles in, parts out.
pub struct DeviceSide {
    recovery: Option<Recovery>,
    troubles: [Consumer<BackendError>; 2],
    decoders: Producer<Box<dyn WindowDecoder + Send>>,
    home: Consumer<Box<dyn WindowDecoder + Send>>,
    /// The request's fault that was said last.
    said: Option<BackendError>,
}

impl DeviceSide {
    /// Comes with the tick side's end and the decode side's.
    #[must_use]
    pub fn new(recovery: Option<Recovery>) -> (Self, Producer<BackendError>, DecodeQueues) {
        let (tick_in, tick_out) = RingBuffer::new(TROUBLES);
        let (decode_in, decode_out) = RingBuffer::new(TROUBLES);
        let (decoders, incoming) = RingBuffer::new(DECODERS);
        let (home_in, home) = RingBuffer::new(DECODERS);
        let side = Self { recovery, troubles: [tick_out, decode_out], decoders, home, said: None };
        (side, tick_in, DecodeQueues { incoming, home: home_in, troubles: decode_in })
    }

    /// Reads what went wrong and does what is due.
    pub fn look_after(&mut self, conductor: &mut Conductor, view: &mut View) {
        let now = Instant::now();
        // Whoever held a device that is gone is dropped here, before it is opened again.
        while self.home.pop().is_ok() {}
        let messages = view.messages();
        for (side, key) in self.troubles.iter_mut().zip([FaultKey::EngineTick, FaultKey::EngineDecode]) {
            while let Ok(error) = side.pop() {
                // What the request is at fault for no other device would mend.
                if !error.is_of_the_device() {
                    say_once(&mut self.said, error, messages);
                    continue;
                }
                let Some(recovery) = &mut self.recovery else {
                    // Its end is seen by the counters of the fast threads.
                    messages.fault(key.clone(), &words(&error));
                    continue;
                };
                let orders = recovery.hear(&error, now);
                carry_out(orders, &mut self.decoders, conductor, (messages, &key));
            }
        }
        if let Some(recovery) = &mut self.recovery {
            let orders = recovery.poll(now);
            carry_out(orders, &mut self.decoders, conductor, (messages, &FaultKey::EngineTick));
        }
        conductor.tell_faults(messages);
    }
}

impl DeviceSide {
    /// A fast thread crashed over what computes: where the set can be built again, it is.
    pub fn build_again(&mut self, thread: &str, conductor: &mut Conductor, view: &mut View) {
        let Some(recovery) = &mut self.recovery else { return };
        let orders = recovery.lose(&format!("the {thread} thread crashed"), Instant::now());
        carry_out(orders, &mut self.decoders, conductor, (view.messages(), &FaultKey::EngineTick));
    }
}

/// Says what a request is at fault for, once as long as it is the same.
fn say_once(said: &mut Option<BackendError>, error: BackendError, messages: &mut Messages) {
    if said.as_ref() != Some(&error) {
        messages.tell(Level::Warning, &words(&error));
        *said = Some(error);
    }
}

/// What went wrong, as a player reads it.
fn words(error: &BackendError) -> String {
    if error.is_of_the_device() {
        format!("a tick failed: {error}")
    } else {
        format!("a generation was given up: {error}; the others go on")
    }
}

/// `side` is the one whose failure is told.
fn carry_out(
    orders: Vec<Order>,
    decoders: &mut Producer<Box<dyn WindowDecoder + Send>>,
    conductor: &mut Conductor,
    (messages, side): (&mut Messages, &FaultKey),
) {
    for order in orders {
        match order {
            Order::Away(words) => messages.fault(FaultKey::Card, &words),
            Order::Back(words) => messages.over_with(&FaultKey::Card, &words),
            Order::Failed(words) => messages.fault(side.clone(), &words),
            Order::Say(words) => messages.tell(Level::Info, &words),
            Order::Swap(parts) => {
                // A loss and a recovery are seconds apart, the decode thread looks every few milliseconds.
                if decoders.push(parts.decoder).is_err() {
                    messages.tell(Level::Warning, "the decode thread has not caught up");
                }
                conductor.swap(Swap::Backend(parts.backend));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use engine::backend::{BackendError, DenoiserError};

    #[test]
    fn a_request_that_cannot_be_computed_is_told_in_a_players_words() {
        let error = BackendError::Row(DenoiserError::TooManyTokens { found: 80, most: 75 });
        let told = super::words(&error);
        assert_eq!(told, "a generation was given up: 80 condition tokens, the plan holds 75; the others go on");
        assert_eq!(super::words(&BackendError::Away), "a tick failed: the device is away");
    }
}
