//! Who is plugged in: names to identities that outlive the plug.
//!
//! The sequencer's client numbers change with every plug, so identity is the device's name, and for equal devices their
//! order. A controller that comes back gets the identity that it had, and with it its map. Pure: what is connected is told
//! to it as a list.

use super::SurfaceId;

/// What has changed since the last list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The port at this place of the list is new: connect it.
    Came {
        /// Its identity, the same as before if it was here before.
        id: SurfaceId,
        /// Its name, with `#2` and so on behind equal ones.
        name: String,
        /// Its place in the list.
        place: usize,
    },
    /// This one is gone: let its connection go.
    Went(SurfaceId),
}

/// Everyone who was ever here.
#[derive(Debug, Default)]
pub struct Roster {
    /// Name and whether plugged in; the place is the identity.
    known: Vec<(String, bool)>,
}

impl Roster {
    /// Compares a list of port names (as the system says them, without client numbers) with the last one.
    pub fn update<S: AsRef<str>>(&mut self, ports: &[S]) -> Vec<Change> {
        let mut present = vec![false; self.known.len()];
        let mut came = Vec::new();
        for (place, port) in ports.iter().enumerate() {
            let equal_before = ports[..place].iter().filter(|other| other.as_ref() == port.as_ref()).count();
            let name = match equal_before {
                0 => port.as_ref().to_owned(),
                others => format!("{} #{}", port.as_ref(), others + 1),
            };
            let place_known = match self.known.iter().position(|(known, _)| *known == name) {
                Some(place_known) => place_known,
                None => {
                    self.known.push((name.clone(), false));
                    present.push(false);
                    self.known.len() - 1
                }
            };
            present[place_known] = true;
            if !self.known[place_known].1 {
                self.known[place_known].1 = true;
                came.push(Change::Came { id: identity(place_known), name, place });
            }
        }
        // Those who left are told first: a replugged device may need the port that it held.
        let mut changes = Vec::new();
        for (place_known, here) in present.into_iter().enumerate() {
            if self.known[place_known].1 && !here {
                self.known[place_known].1 = false;
                changes.push(Change::Went(identity(place_known)));
            }
        }
        changes.extend(came);
        changes
    }

    /// The name of an identity.
    #[must_use]
    pub fn name(&self, id: SurfaceId) -> Option<&str> {
        let place = id.0.checked_sub(SurfaceId::FIRST_LIVE.0)?;
        self.known.get(usize::from(place)).map(|(name, _)| name.as_str())
    }
}

fn identity(place: usize) -> SurfaceId {
    // 65 thousand different controllers do not fit on one stage.
    SurfaceId(SurfaceId::FIRST_LIVE.0.saturating_add(u16::try_from(place).unwrap_or(u16::MAX)))
}

#[cfg(test)]
mod tests {
    use super::{Change, Roster, SurfaceId};

    fn came(id: u16, name: &str, place: usize) -> Change {
        Change::Came { id: SurfaceId(id), name: name.to_owned(), place }
    }

    #[test]
    fn a_controller_that_comes_back_is_the_one_it_was() {
        let mut roster = Roster::default();
        assert_eq!(roster.update(&["nano", "x-touch"]), vec![came(2, "nano", 0), came(3, "x-touch", 1)]);
        assert_eq!(roster.update(&["x-touch"]), vec![Change::Went(SurfaceId(2))]);
        assert_eq!(roster.update(&["x-touch", "nano"]), vec![came(2, "nano", 1)]);
        assert_eq!(roster.update(&["x-touch", "nano"]), vec![]);
        assert_eq!(roster.name(SurfaceId(2)), Some("nano"));
    }

    #[test]
    fn two_equal_controllers_are_two() {
        let mut roster = Roster::default();
        assert_eq!(roster.update(&["nano", "nano"]), vec![came(2, "nano", 0), came(3, "nano #2", 1)]);
        assert_eq!(roster.update(&["nano"]), vec![Change::Went(SurfaceId(3))]);
    }
}
