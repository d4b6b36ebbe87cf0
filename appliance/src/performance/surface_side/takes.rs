//! Takes: what hands wish of whoever records the music, and what that has to say.

use super::SurfaceSide;
use crate::display::messages::{FaultKey, Level};
use crate::performance::take_recorder::{TakeHand, TakeNews, TakesShown, Wish};
use crate::performance::view::View;

/// What is told where nobody records.
const NOBODY: &str = "nothing is recorded: there is no folder for it, or another performance has it";

impl SurfaceSide {
    /// Has what is played recorded from now on, as hands wish.
    pub fn record_takes(&mut self, hand: TakeHand) {
        self.takes = Some(hand);
    }

    /// How recording stands.
    pub(super) fn takes_shown(&self) -> TakesShown {
        self.takes.as_ref().map(TakeHand::shown).unwrap_or_default()
    }

    pub(super) fn wish_take(&self, wish: Wish, view: &mut View) {
        match &self.takes {
            Some(hand) => hand.wish(wish),
            None => view.messages().tell(Level::Warning, NOBODY),
        }
    }

    /// Tells what became of wishes.
    pub(super) fn hear_of_takes(&self, view: &mut View) {
        for news in self.takes.iter().flat_map(TakeHand::news) {
            match news {
                TakeNews::Said(words) => view.messages().tell(Level::Info, &words),
                TakeNews::Warning(words) => view.messages().tell(Level::Warning, &words),
                TakeNews::Fault(words) => view.messages().fault(FaultKey::Takes, &words),
                TakeNews::Over => view.messages().over(&FaultKey::Takes),
            }
        }
    }
}
