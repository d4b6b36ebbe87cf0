//! The set list: a hand or a machine goes from patch to patch.

use engine::param::ParamId;
use hal::gesture::{Clock, SurfaceId};

use super::SurfaceSide;
use crate::display::messages::Level;
use crate::performance::conductor::Conductor;
use crate::performance::view::View;
use crate::settings::set_list::SetList;
use crate::surface::clock_sender::Order;

impl SurfaceSide {
    /// The set list, and where in it the player is.
    #[must_use]
    pub const fn list(&self) -> &SetList {
        &self.list
    }

    pub(super) fn go_to_patch(
        &mut self,
        place: Option<usize>,
        by: i8,
        sender: Option<SurfaceId>,
        conductor: &mut Conductor,
        view: &mut View,
    ) {
        self.keep_scenes(conductor);
        let gone = match place {
            Some(place) => self.list.go(place),
            None => self.list.go_by(by),
        };
        let is_there = gone.is_some();
        let (Some(started), Some(listed)) = (self.list.started(), self.list.playing().filter(|_| is_there)) else {
            let refused = place.and_then(|place| self.list.unplayable(place));
            return match refused {
                Some(name) => {
                    view.messages().tell(Level::Warning, &format!("patch {name} cannot be played: see its faults"));
                }
                None => view.messages().hand("there is no such patch"),
            };
        };
        conductor.load(&listed.played(), u32::try_from(self.list.place()).unwrap_or(0), self.clock.now());
        view.messages().hand(&format!("patch {}", listed.name));
        // What plays is still the recording of the start, whatever was gone through since. Words are read meanwhile.
        let plays = started.recording.as_ref().or(started.patch.source.as_ref());
        if listed.patch.source.is_some() && listed.patch.source.as_ref() != plays {
            let words = format!("{}: its recording needs a start with --patch", listed.name);
            view.messages().tell(Level::Warning, &words);
        }
        self.keep_scenes(conductor);
        self.pair_up(conductor);
        self.sender.tell(Order::Beats(conductor.beats()));
        self.send_program(self.list.place(), sender);
    }

    /// A prompt came to an end of the blend: by its name, where it has one.
    pub(super) fn name_prompt(&self, id: ParamId, conductor: &Conductor, view: &mut View) {
        let place = conductor.store().value(id) as usize - 1;
        if let Some(prompt) = conductor.words().get(place).or(conductor.words().last()) {
            view.messages().hand(&format!("{}: {}", id.row().words, prompt.name));
        }
    }
}
