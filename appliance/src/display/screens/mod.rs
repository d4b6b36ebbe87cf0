//! The screens of a small panel: 128 by 64 dots, to be read from a step away.
//!
//! Each screen is a pure function from the [`Status`] to a [`sheet`] of texts and boxes, so that tests can measure what a
//! player would see: no text runs off, none lies on another. [`Chooser`] says which screen stands when: a fault that is new
//! comes before everything for a moment, what asks for a hand comes before what only tells.

mod choose;
mod foot;
mod large;
mod lists;
mod low;
mod numbers;
mod page;
mod play;
mod sheet;
mod short;
#[cfg(test)]
mod tests;
mod words;

use hal::display::graphics::pixelcolor::BinaryColor;
use hal::display::graphics::prelude::DrawTarget;

pub use crate::settings::box_file::Screen;
pub use choose::{Chooser, FAULT_FIRST};
pub use short::short;

use crate::display::status::Status;
use crate::settings::box_file::{DisplayPlan, Face};
use sheet::Sheet;

/// How a screen is laid out and lettered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// For a panel of 128 by 32 dots, which shows the upper half of a frame.
    pub low: bool,
    /// For eyes that want it large: less of it, twice the size. On 64 rows.
    pub large: bool,
    /// Every letter is bold.
    pub strong: bool,
}

impl Look {
    /// What the box's file asks for.
    #[must_use]
    pub const fn of(plan: &DisplayPlan) -> Self {
        Self { low: plan.low(), large: matches!(plan.face, Face::Large), strong: plan.high_contrast }
    }
}

/// Draws a screen onto a panel of 128 by 64 dots.
///
/// # Errors
/// What the target errs with.
pub fn draw<D: DrawTarget<Color = BinaryColor>>(
    status: &Status,
    screen: Screen,
    look: Look,
    target: &mut D,
) -> Result<(), D::Error> {
    let sheet = match (look.low, look.large) {
        (true, _) => low::on_sheet(status, screen),
        (false, true) => large::on_sheet(status, screen),
        (false, false) => on_sheet(status, screen),
    };
    sheet.draw(look.strong, target)
}

fn on_sheet(status: &Status, screen: Screen) -> Sheet {
    match screen {
        Screen::Play => play::play(status),
        Screen::Page => page::page(status),
        Screen::SetList => lists::set_list(status),
        Screen::Scenes => lists::scenes(status),
        Screen::Levels => numbers::levels(status),
        Screen::Machine => numbers::machine(status),
        Screen::Learn => words::learn(status),
        Screen::Pick => words::pick(status),
        Screen::Fault => words::fault(status),
        Screen::Boot => words::boot(status),
    }
}
