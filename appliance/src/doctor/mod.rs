//! What is wrong with the box, looked for while nothing plays: a table in plain words, each fault with what would mend it.
//!
//! A check is a file of this room and a function from a [`Machine`] to a [`Finding`]; it looks, changes nothing, and asks the
//! machine through the trait alone, so that a test plants a fault in files and answers and meets the same check. [`examine`] is
//! all of them, in the order in which one would look by hand: the card, what it plays from, the sound, the hands, the box itself.
//! Nothing here plays, repairs, or prints; `demon doctor` does the printing.

mod card;
mod clock;
mod disk;
mod finding;
mod hands;
mod machine;
mod model;
mod panels;
mod rights;
mod sound;
#[cfg(test)]
mod tests;
mod units;

use std::path::PathBuf;

pub use finding::{Finding, Verdict};
pub use machine::{Machine, Space, ThisMachine};

use crate::settings::box_file::BoxConfig;

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The box's file as far as it is sound, and what is wrong with it, a line a fault.
    pub config: (BoxConfig, Vec<String>),
    /// The sound device that would play.
    pub device: String,
    /// The model's folder, or why there is none.
    pub model: Result<PathBuf, String>,
    /// Folder of the plans.
    pub plans: PathBuf,
    /// Folder of what the box remembers.
    pub state: PathBuf,
}

/// Every check, a row each.
#[must_use]
pub fn examine(patient: &Patient, machine: &dyn Machine) -> Vec<Finding> {
    let (config, faults) = &patient.config;
    vec![
        card::card(machine),
        card::driver(machine),
        card::plans(machine, &patient.plans),
        model::model(patient.model.as_deref()),
        sound::sound(machine, &patient.device),
        hands::controllers(machine, &config.usb),
        panels::panels(machine, config),
        panels::box_file(faults),
        rights::rights(machine),
        rights::processor(machine),
        clock::clock(machine),
        disk::disk(machine, &patient.state),
        units::units(machine),
    ]
}
