//! Who is plugged in: identities that outlive the plug.
//!
//! A controller that comes back is the one it was, and with it come its map and its lights: by its serial number, or else
//! by its model and port, or else, when it was moved to another port, as the one of its model that has been away the
//! longest. Two equal controllers without serial numbers are told apart by their ports. All transports share one roster,
//! since a controller may come by the kernel's sequencer today and straight by USB tomorrow.
//!
//! Known controllers may be remembered from a file ([`Roster::remember`]), so that all this holds across a restart.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Identity, SurfaceId};

/// Everyone who was ever here. Clones are the same roster.
#[derive(Clone, Debug, Default)]
pub struct Roster(Arc<Mutex<Vec<Known>>>);

#[derive(Debug)]
struct Known {
    /// As it was first met: the key of its map.
    first: Identity,
    /// As it was last met.
    last: Identity,
    here: bool,
    /// Counts departures, so that the one away the longest is known.
    left: u64,
}

impl Roster {
    /// Someone from earlier days, who is not here now. Answers the identity's number.
    pub fn remember(&self, identity: Identity) -> SurfaceId {
        let mut known = self.known();
        let place = known.iter().position(|it| it.first == identity).unwrap_or_else(|| {
            known.push(Known { first: identity.clone(), last: identity, here: false, left: 0 });
            known.len() - 1
        });
        number(place)
    }

    /// A controller came: who is it?
    pub fn arrive(&self, identity: &Identity) -> SurfaceId {
        let mut known = self.known();
        let place = recognised(&known, identity).unwrap_or_else(|| {
            known.push(Known { first: identity.clone(), last: identity.clone(), here: false, left: 0 });
            known.len() - 1
        });
        known[place].here = true;
        known[place].last = identity.clone();
        number(place)
    }

    /// A controller went.
    pub fn leave(&self, id: SurfaceId) {
        let mut known = self.known();
        let left = known.iter().map(|it| it.left).max().unwrap_or(0) + 1;
        if let Some(it) = place(id).and_then(|place| known.get_mut(place)) {
            (it.here, it.left) = (false, left);
        }
    }

    /// Whether a controller is plugged in.
    #[must_use]
    pub fn here(&self, id: SurfaceId) -> bool {
        place(id).is_some_and(|place| self.known().get(place).is_some_and(|it| it.here))
    }

    /// Who a controller is, as it was first met: what its map is kept under.
    #[must_use]
    pub fn identity(&self, id: SurfaceId) -> Option<Identity> {
        place(id).and_then(|place| self.known().get(place).map(|it| it.first.clone()))
    }

    fn known(&self) -> MutexGuard<'_, Vec<Known>> {
        // Whoever panicked while holding it left a list that is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of the one that `identity` is, if it was here before.
fn recognised(known: &[Known], identity: &Identity) -> Option<usize> {
    let absent = |it: &&(usize, &Known)| !it.1.here && it.1.last.model == identity.model;
    let all: Vec<(usize, &Known)> = known.iter().enumerate().collect();
    let by_serial = |it: &&(usize, &Known)| identity.serial.is_some() && it.1.last.serial == identity.serial;
    let by_port = |it: &&(usize, &Known)| it.1.last.serial == identity.serial && it.1.last.port == identity.port;
    // A serial number that was here before and is another one belongs to another device.
    let no_stranger = |it: &&(usize, &Known)| it.1.last.serial.is_none() || identity.serial.is_none();
    let found = all.iter().filter(absent).find(by_serial);
    let found = found.or_else(|| all.iter().filter(absent).find(by_port));
    let found = found.or_else(|| all.iter().filter(absent).filter(no_stranger).min_by_key(|it| it.1.left));
    found.map(|(place, _)| *place)
}

fn place(id: SurfaceId) -> Option<usize> {
    id.0.checked_sub(SurfaceId::FIRST_LIVE.0).map(usize::from)
}

fn number(place: usize) -> SurfaceId {
    // 65 thousand different controllers do not fit on one stage.
    SurfaceId(SurfaceId::FIRST_LIVE.0.saturating_add(u16::try_from(place).unwrap_or(u16::MAX)))
}

#[cfg(test)]
mod tests {
    use super::{Identity, Roster};

    fn plug(model: &str, serial: Option<&str>, port: &str) -> Identity {
        Identity {
            serial: serial.map(str::to_owned),
            port: Some(port.to_owned()),
            ..Identity::new("a controller", model)
        }
    }

    #[test]
    fn a_controller_that_comes_back_is_the_one_it_was() {
        let roster = Roster::default();
        let (nano, touch) = (plug("usb 1:1", None, "1-1"), plug("usb 2:2", None, "1-2"));
        let (first, second) = (roster.arrive(&nano), roster.arrive(&touch));
        assert_ne!(first, second);
        roster.leave(first);
        assert!(!roster.here(first) && roster.here(second));
        assert_eq!(roster.arrive(&nano), first);
    }

    #[test]
    fn a_controller_on_another_port_is_the_one_it_was() {
        let roster = Roster::default();
        let first = roster.arrive(&plug("usb 1:1", None, "1-1"));
        roster.leave(first);
        assert_eq!(roster.arrive(&plug("usb 1:1", None, "1-4.2")), first);
        assert_eq!(roster.identity(first).and_then(|it| it.port).as_deref(), Some("1-1"), "as it was first met");
    }

    #[test]
    fn two_equal_controllers_are_told_apart_by_their_ports_and_stay_two() {
        let roster = Roster::default();
        let [left, right] = ["1-1", "1-2"].map(|port| plug("usb 1:1", None, port));
        let ids = [roster.arrive(&left), roster.arrive(&right)];
        ids.iter().for_each(|id| roster.leave(*id));
        assert_eq!([roster.arrive(&right), roster.arrive(&left)], [ids[1], ids[0]]);
    }

    #[test]
    fn equal_controllers_that_swapped_their_ports_are_known_by_their_serial_numbers() {
        let roster = Roster::default();
        let ids =
            [("A", "1-1"), ("B", "1-2")].map(|(serial, port)| roster.arrive(&plug("usb 1:1", Some(serial), port)));
        ids.iter().for_each(|id| roster.leave(*id));
        assert_eq!(roster.arrive(&plug("usb 1:1", Some("B"), "1-1")), ids[1]);
        assert_eq!(roster.arrive(&plug("usb 1:1", Some("A"), "1-2")), ids[0]);
    }

    #[test]
    fn another_serial_number_is_another_controller() {
        let roster = Roster::default();
        let first = roster.arrive(&plug("usb 1:1", Some("A"), "1-1"));
        roster.leave(first);
        assert_ne!(roster.arrive(&plug("usb 1:1", Some("B"), "1-1")), first);
    }

    #[test]
    fn one_moved_while_its_twin_is_here_is_still_the_one_that_left() {
        let roster = Roster::default();
        let ids = ["1-1", "1-2"].map(|port| roster.arrive(&plug("usb 1:1", None, port)));
        roster.leave(ids[0]);
        assert_eq!(roster.arrive(&plug("usb 1:1", None, "1-9")), ids[0]);
        assert_eq!(roster.arrive(&plug("usb 1:1", None, "1-7")).0, ids[1].0 + 1, "a third one is new");
    }

    #[test]
    fn one_remembered_from_a_file_is_met_again() {
        let roster = Roster::default();
        let identity = plug("usb 1:1", None, "1-1");
        let id = roster.remember(identity.clone());
        assert!(!roster.here(id));
        assert_eq!(roster.arrive(&identity), id);
        assert_eq!(roster.remember(identity), id, "and is not doubled");
    }
}
