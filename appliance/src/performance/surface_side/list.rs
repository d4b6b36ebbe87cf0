//! The set list: a hand or a machine goes from patch to patch.

use engine::param::{Mark, ParamId};
use hal::gesture::{Clock, SurfaceId};

use super::SurfaceSide;
use crate::display::messages::Level;
use crate::performance::conductor::{Conductor, Reason, Wanted};
use crate::performance::view::View;
use crate::settings::library::Shelf;
use crate::settings::patch::{Sources, Spoken};
use crate::settings::set_list::SetList;

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
        // A step counts from the patch that is on its way.
        let waits = self.on_a_line.filter(|_| conductor.awaits_patch()).map(|it| it.0);
        let from = self.coming.or(waits).unwrap_or(self.list.place());
        let number = place.or_else(|| self.list.beside_of(from, by).map(|it| it.0));
        let Some((number, listed)) = number.and_then(|it| Some((it, self.list.listed(it)?))) else {
            let refused = place.and_then(|place| self.list.unplayable(place));
            return match refused {
                Some(name) => {
                    view.messages().tell(Level::Warning, &format!("patch {name} cannot be played: see its faults"));
                }
                None => view.messages().hand("there is no such patch"),
            };
        };
        let (name, sources) = (listed.name.clone(), listed.sources(&self.plays));
        let listed_values = listed.played().values;
        if sources != self.plays {
            let band = [ParamId::LoopStart, ParamId::LoopEnd].map(|id| listed.patch.values.get(id));
            let words = Some(listed.patch.words()).filter(|it| !it.is_empty());
            let what = if sources.model == self.plays.model { "recording" } else { "model" };
            view.messages().hand(&format!("patch {name}: its {what} is being prepared"));
            (self.coming, self.sent_by) = (Some(number), sender);
            return conductor.want(Wanted::Set {
                patch: Some(number),
                name,
                sources,
                words,
                band: Some(band),
                reason: Reason::Asked,
            });
        }
        if self.coming.take().is_some() {
            conductor.want(Wanted::Stay);
        }
        let load = conductor.store().mark().load;
        if conductor.waits_with_patch(&listed_values, self.clock.now()) {
            self.on_a_line = Some((number, load, sender));
            return view.messages().hand(&format!("patch {name} with the beat"));
        }
        self.play_patch(number, load, conductor, view);
        self.send_program(self.list.place(), sender);
    }

    /// A patch that waited for its line of the music is played.
    pub(super) fn play_patch_on_its_line(&mut self, conductor: &mut Conductor, view: &mut View) {
        if let Some((number, load, sender)) = self.on_a_line.take() {
            self.play_patch(number, load, conductor, view);
            self.send_program(self.list.place(), sender);
        }
    }

    /// The recordings and the words of the next patch, where they are others than since the last call: what may be prepared ahead.
    pub(in crate::performance) fn next_to_prepare(&mut self, conductor: &Conductor) -> Option<(Sources, Vec<Spoken>)> {
        let now = (self.list.place(), self.list.revision(), conductor.store().mark().load);
        if self.looked_ahead.replace(now) == Some(now) {
            return None;
        }
        let (_, listed) = self.list.beside(1)?;
        let words = Some(listed.patch.words()).filter(|it| !it.is_empty());
        Some((listed.sources(&self.plays), words.unwrap_or_else(|| conductor.words().to_vec())))
    }

    /// Plays a patch of the list on the recordings that play, which undo knows by the number `load`.
    pub(super) fn play_patch(&mut self, number: usize, load: u32, conductor: &mut Conductor, view: &mut View) {
        let Some(listed) = self.list.go(number) else { return };
        let (name, patch) = (listed.name.clone(), listed.played());
        let mark = Mark { patch: u32::try_from(number).unwrap_or(0), load, ..conductor.store().mark() };
        conductor.load_as(&patch, mark, self.clock.now());
        view.messages().hand(&format!("patch {name}"));
        self.keep_scenes(conductor);
        self.pair_up(conductor);
        self.tell_beats(conductor);
    }

    /// What is shown of the library is to be played, under the patch and the words that play.
    pub(super) fn load_from_library(&mut self, conductor: &mut Conductor, view: &mut View) {
        let library = self.list.library();
        let Some(item) = self.walk.item() else {
            return view.messages().hand("walk to a recording of the library first");
        };
        let name = item.name.clone();
        if item.shelf != Shelf::Recordings {
            return view.messages().hand(&format!("{name} is no recording: patches are played from a set list"));
        }
        if item.seconds.is_none() {
            return view.messages().tell(Level::Warning, &format!("{}; what plays goes on", item.words()));
        }
        let sources = Sources { recording: library.folder(item.shelf).join(&name), part: None, ..self.plays.clone() };
        if sources == self.plays {
            self.coming = None;
            conductor.want(Wanted::Stay);
            return view.messages().hand(&format!("{name} plays already"));
        }
        view.messages().hand(&format!("{name} is being prepared"));
        (self.coming, self.sent_by) = (None, None);
        conductor.want(Wanted::Set { patch: None, name, sources, words: None, band: None, reason: Reason::Asked });
    }

    /// The number of the patch that is on its way, as the one who prepares it has it.
    pub(in crate::performance) fn awaits(&mut self, patch: Option<usize>) {
        self.coming = patch;
    }

    /// A prompt came to an end of the blend: by its name, where it has one.
    pub(super) fn name_prompt(&self, id: ParamId, conductor: &Conductor, view: &mut View) {
        let place = conductor.store().value(id) as usize - 1;
        if let Some(prompt) = conductor.words().get(place).or(conductor.words().last()) {
            view.messages().hand(&format!("{}: {}", id.row().words, prompt.name));
        }
    }
}
