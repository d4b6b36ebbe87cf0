//! Takes: what hands wish of whoever records the music, and what that has to say.

use super::SurfaceSide;
use crate::display::messages::{FaultKey, Level};
use crate::performance::conductor::Conductor;
use crate::performance::take_recorder::{TakeHand, TakeNews, TakesShown, Wish};
use crate::performance::view::View;

/// What is told where nobody records.
const NOBODY: &str = "nothing is recorded: there is no folder for it, or another performance has it";

/// Nobody hears less, in LU.
const LEAST_LU: f64 = 0.5;

impl SurfaceSide {
    /// How loud `match-loudness` makes what plays, in LUFS.
    pub const fn match_to(&mut self, lufs: f64) {
        self.loudness_lufs = lufs;
    }

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

    /// The gain goes to where what plays has the loudness that is wanted; one stroke, which a scene or a patch keeps with the other values.
    pub(super) fn match_loudness(&self, conductor: &mut Conductor, view: &mut View) {
        let Some(hand) = &self.takes else {
            return view.messages().tell(Level::Warning, NOBODY);
        };
        let Some(lufs) = hand.shown().lufs else {
            let words = "how loud it is cannot be said yet: let three seconds of it be heard";
            return view.messages().tell(Level::Warning, words);
        };
        let by = self.loudness_lufs - lufs;
        if by.abs() < LEAST_LU {
            return view.messages().hand(&format!("{lufs:.1} LUFS: it is as loud as it is to be"));
        }
        let (before, after) = conductor.raise_gain(by, self.now());
        hand.listen_anew();
        let is_there = (after - before - by).abs() < LEAST_LU;
        let words = match is_there {
            true => format!("{lufs:.1} LUFS: the gain goes from {before:+.1} to {after:+.1} dB"),
            false => {
                format!("{lufs:.1} LUFS: the gain goes from {before:+.1} to {after:+.1} dB, which is as far as it goes")
            }
        };
        view.messages().hand(&words);
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
