//! Where all surfaces meet: many threads that listen to devices, one conductor that plays.
//!
//! The inbox is the standard library's bounded channel. It wakes the conductor with the first gesture instead of at the
//! next round of a poll, keeps each surface's order, and when it is full the surface waits: a press is never lost, and a
//! controller that floods slows itself down. Nothing better was needed: crossbeam's channel is what stands inside it.
//!
//! The conductor takes what there is in one batch, and [`coalesce`] leaves out the positions that a fader has already
//! left again, so that a flood of them costs one move of the value and never delays the button pressed behind it. This
//! never looks at what a gesture means and never leaves out anything but such positions.

mod coalesce;

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use hal::gesture::Gesture;

pub use coalesce::coalesce;

/// Gestures that the inbox holds: a second and more of a full 31250-baud wire, some 300 kB. Also the largest batch, so
/// that a flood cannot keep the conductor from everything else.
pub const PLACES: usize = 4096;

/// The surfaces' end; every surface has a clone.
#[derive(Clone, Debug)]
pub struct GestureSender(SyncSender<Gesture>);

/// The conductor's end.
#[derive(Debug)]
pub struct Inbox(Receiver<Gesture>);

/// The other end is gone. A surface's thread ends; a conductor plays on without surfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end of the inbox is closed")]
pub struct Closed;

/// An empty inbox of [`PLACES`] places.
#[must_use]
pub fn inbox() -> (GestureSender, Inbox) {
    inbox_of(PLACES)
}

fn inbox_of(places: usize) -> (GestureSender, Inbox) {
    let (sender, receiver) = sync_channel(places);
    (GestureSender(sender), Inbox(receiver))
}

impl GestureSender {
    /// Puts a gesture in, waiting while the inbox is full, and wakes the conductor.
    ///
    /// # Errors
    /// [`Closed`]: the conductor has gone, and the gesture with it.
    pub fn put(&self, gesture: Gesture) -> Result<(), Closed> {
        self.0.send(gesture).map_err(|_| Closed)
    }
}

impl Inbox {
    /// Appends what has come to `batch`, waiting up to `patience` for the first, and never for a second. Answers how
    /// many came, at most [`PLACES`]; none when time ran out.
    ///
    /// # Errors
    /// [`Closed`]: every surface has gone and everything that they said has been taken.
    pub fn take(&self, patience: Duration, batch: &mut Vec<Gesture>) -> Result<usize, Closed> {
        match self.0.recv_timeout(patience) {
            Ok(first) => batch.push(first),
            Err(RecvTimeoutError::Timeout) => return Ok(0),
            Err(RecvTimeoutError::Disconnected) => return Err(Closed),
        }
        let before = batch.len();
        batch.extend(self.0.try_iter().take(PLACES - 1));
        Ok(1 + batch.len() - before)
    }
}

#[cfg(test)]
mod tests {
    use super::{Closed, GestureSender, PLACES, inbox, inbox_of};
    use hal::gesture::{Control, Gesture, Motion, SurfaceId};
    use std::sync::mpsc::TrySendError;
    use std::time::Duration;

    fn press(surface: u16, number: usize) -> Gesture {
        let control = Control::Nrpn { channel: 1, number: number as u16 };
        Gesture { at: Duration::ZERO, surface: SurfaceId(surface), motion: Motion::Pressed(control, 1) }
    }

    fn put_many(mouth: &GestureSender, surface: u16, count: usize) {
        for number in 0..count {
            mouth.put(press(surface, number)).expect("the conductor is there");
        }
    }

    /// Longer than any wait in these tests: whoever waits for it in vain fails.
    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn every_press_of_many_surfaces_arrives_once_and_in_its_order_though_the_inbox_is_small() {
        let (mouth, inbox) = inbox_of(3);
        let mut heard = Vec::new();
        std::thread::scope(|scope| {
            for surface in 0..4 {
                let mouth = mouth.clone();
                scope.spawn(move || put_many(&mouth, surface, 500));
            }
            drop(mouth);
            while inbox.take(PATIENCE, &mut heard).is_ok() {}
        });
        for surface in 0..4 {
            let of_one: Vec<Gesture> = heard.iter().filter(|it| it.surface.0 == surface).cloned().collect();
            assert_eq!(of_one, (0..500).map(|number| press(surface, number)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_full_inbox_holds_the_sender_back_and_a_place_taken_lets_it_go_on() {
        let (mouth, listener) = inbox();
        put_many(&mouth, 0, PLACES);
        assert!(matches!(mouth.0.try_send(press(0, 7)), Err(TrySendError::Full(_))));
        std::thread::scope(|scope| {
            scope.spawn(|| mouth.put(press(0, 8)).expect("the conductor is there"));
            let mut batch = Vec::new();
            while batch.len() <= PLACES {
                listener.take(PATIENCE, &mut batch).expect("the surface is there");
            }
            assert_eq!(batch.last(), Some(&press(0, 8)));
        });
    }

    #[test]
    fn a_batch_is_bounded_and_the_rest_waits() {
        let (mouth, inbox) = inbox_of(PLACES + 2);
        put_many(&mouth, 0, PLACES + 2);
        let mut batch = Vec::new();
        assert_eq!(inbox.take(Duration::ZERO, &mut batch), Ok(PLACES));
        assert_eq!(inbox.take(Duration::ZERO, &mut batch), Ok(2));
        assert_eq!(inbox.take(Duration::ZERO, &mut batch), Ok(0));
        assert_eq!(batch.len(), PLACES + 2);
    }

    #[test]
    fn what_was_said_before_the_last_surface_went_is_still_heard() {
        let (mouth, listener) = inbox();
        put_many(&mouth, 0, 2);
        drop(mouth);
        let mut batch = Vec::new();
        assert_eq!(listener.take(Duration::ZERO, &mut batch), Ok(2));
        assert_eq!(listener.take(Duration::ZERO, &mut batch), Err(Closed));
    }

    #[test]
    fn a_surface_learns_that_the_conductor_has_gone() {
        let (mouth, listener) = inbox();
        drop(listener);
        assert_eq!(mouth.put(press(0, 0)), Err(Closed));
    }
}
