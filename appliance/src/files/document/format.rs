//! The formats of the files that a person or the box writes, and what becomes of a file that is newer than this program.
//!
//! Each kind of file has a number of its own, which a file says as `format = N`; where it says nothing it is 1. The number
//! goes up when a demon of the number before would misread the file, so one that is higher than what this program knows is
//! not guessed at: its keys are no faults and its values no values. It is refused with one word about the version, and
//! whoever asked for it goes on with what it has. Nothing here opens a file.

use std::fmt;

use toml::de::DeValue;

use super::{Fault, Item, Reader};

/// The key, in every kind of file.
pub(super) const KEY: &str = "format";

/// A kind of file. `appliance/tests/formats` has files of every kind in every format, and a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// All that a performance needs; a set list is a folder of these.
    Patch,
    /// What controllers have learnt: `maps.toml` in the state folder.
    LearntMaps,
    /// What a model of controller is made of.
    Profile,
    /// What is built into a box: `demon.toml`.
    BoxFile,
    /// What stands beside a plan of the graphics card.
    PlanSidecar,
    /// What a model says of the instrument that plays it: `instrument.toml` in its folder.
    Instrument,
    /// What was played last: `last-state.toml` in the state folder.
    LastState,
}

/// What is known of a kind.
#[derive(Clone, Copy)]
struct Row {
    format: Format,
    name: &'static str,
    /// The format that is written, and the newest that is read.
    newest: u32,
    /// What holds until the box is updated.
    until_then: &'static str,
}

const fn row(format: Format, name: &'static str, newest: u32, until_then: &'static str) -> Row {
    Row { format, name, newest, until_then }
}

/// The table, in the order of the kinds: one without a row is found with the first file of it.
const TABLE: [Row; 7] = [
    row(Format::Patch, "patch", 5, "it is not played"),
    row(Format::LearntMaps, "learnt maps", 1, "it stays as it is, and what is learnt is kept beside it"),
    row(Format::Profile, "profile", 1, "it is left out, and the usual map holds"),
    row(Format::BoxFile, "box file", 4, "the box is as it would be without it"),
    row(Format::PlanSidecar, "plan sidecar", 1, "the plan is built again"),
    row(Format::Instrument, "instrument", 2, "the knobs go as far as published, and usual words are offered"),
    row(Format::LastState, "last state", 5, "it is kept aside, and the patch plays as it is written"),
];

impl Format {
    /// Every kind.
    pub const ALL: [Self; TABLE.len()] = {
        let mut all = [Self::Patch; TABLE.len()];
        let mut place = 0;
        while place < all.len() {
            all[place] = TABLE[place].format;
            assert!(all[place] as usize == place, "the table is in the order of the kinds");
            place += 1;
        }
        all
    };

    const fn row(self) -> Row {
        TABLE[self as usize]
    }

    /// What the kind is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The format that is written, and the newest that is read.
    #[must_use]
    pub const fn newest(self) -> u32 {
        self.row().newest
    }
}

// Computed here, so that a table out of order does not compile.
const _: [Format; TABLE.len()] = Format::ALL;

/// The line that a file of this kind begins with.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{KEY} = {}", self.newest())
    }
}

impl Reader<'_> {
    /// Whether a document of this format is read; what stands there and is no format is a fault, and taken for 1.
    pub(super) fn reads(&mut self, format: Format, item: Item<'_, '_>) -> bool {
        let found = match item.get_ref() {
            // A number that no counter holds is newer than all that were ever written.
            DeValue::Integer(digits) if digits.as_str().starts_with('-') => None,
            DeValue::Integer(digits) => Some(u32::from_str_radix(digits.as_str(), digits.radix()).unwrap_or(u32::MAX)),
            _ => None,
        };
        match found {
            None | Some(0) => self.fault(KEY, item, "a whole number from 1 on"),
            Some(found) if found <= format.newest() => {}
            Some(_) => {
                self.fault(KEY, item, &format!("at most {} (the newest that this one reads)", format.newest()));
                if let Some(fault) = self.faults.last_mut() {
                    fault.found.push_str(" (written by a newer demon)");
                    fault.suggestion = Some(format!("updating the box; until then {}", format.row().until_then));
                    fault.newer = true;
                }
                return false;
            }
        }
        true
    }
}

/// Whether the faults say that a file is of a newer format: nothing of it was read, and nothing is to be written over it.
#[must_use]
pub fn is_newer(faults: &[Fault]) -> bool {
    faults.iter().any(|fault| fault.newer)
}
