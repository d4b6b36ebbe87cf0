//! Other recordings play: what comes with them, and undo of it.
//!
//! Undo knows recordings by numbers ([`Loads`]). What it brings back is prepared like any other, beside the music; where that cannot be, it is said, what
//! plays goes on, and everything else of the stroke is back all the same.

use std::path::Path;

use hal::gesture::Clock as _;

use super::SurfaceSide;
use crate::performance::conductor::{Conductor, Reason, Wanted};
use crate::performance::loading::Arrived;
use crate::performance::view::View;
use crate::settings::last_state::Loads;
use crate::settings::patch::Sources;
use crate::surface::clock_sender::Order;

impl SurfaceSide {
    /// These recordings play, whatever the start's own are, and strokes speak of those.
    pub(crate) fn plays_on(&mut self, sources: Sources, loads: Loads, conductor: &mut Conductor) {
        (self.plays, self.loads) = (sources, loads);
        if self.is_elsewhere() {
            conductor.plays_elsewhere(true);
            conductor.count_again(self.clock.now());
        }
    }

    /// Whether what plays is not the recording that the patch names.
    fn is_elsewhere(&self) -> bool {
        let own = self.list.playing().and_then(|it| it.patch.source.as_ref());
        own.is_some_and(|it| *it != self.plays.recording)
    }

    /// What the numbers of recordings mean of which strokes speak.
    #[must_use]
    pub(in crate::performance) const fn loads(&self) -> &Loads {
        &self.loads
    }

    /// Other recordings play, and the patch that comes with them does from now on.
    pub(in crate::performance) fn arrived(&mut self, arrived: &Arrived, conductor: &mut Conductor, view: &mut View) {
        let (before, part) = (self.loads.number_of(&self.plays), self.plays.part);
        let after = self.loads.number_of(&arrived.sources);
        self.plays = arrived.sources.clone();
        match arrived.patch {
            Some(number) => {
                // What hands did until now belongs to the patch before.
                self.keep_scenes(conductor);
                conductor.plays_load(before);
                self.play_patch(number, after, conductor, view);
                let sent_by = self.sent_by.take();
                self.send_program(number, sent_by);
            }
            None => {
                match arrived.band {
                    Some(faders) => {
                        conductor.plays_load(before);
                        self.stand_on_part(part, faders, after, conductor);
                        self.keep_scenes(conductor);
                    }
                    None => self.note_load(before, after, conductor),
                }
                conductor.plays_elsewhere(self.is_elsewhere());
                conductor.count_again(self.clock.now());
                self.tell_beats(conductor);
            }
        }
        self.sender.tell(Order::Sought);
    }

    /// A stroke, where it was a hand that asked for the recordings and not undo or redo.
    fn note_load(&mut self, before: u32, after: u32, conductor: &mut Conductor) {
        let said = conductor.store().mark().load;
        // Undo may ask for others already while these were on their way.
        let is_asked = match conductor.awaits() {
            Some(Wanted::Set { sources, .. }) => self.loads.get(said) == Some(sources),
            _ => false,
        };
        if said != after && !is_asked {
            conductor.plays_load(before);
            conductor.note_load(after);
            self.keep_scenes(conductor);
        }
    }

    /// After undo or redo: the recordings of a number are to play again.
    pub(super) fn want_load(&mut self, load: u32, conductor: &mut Conductor, view: &mut View) {
        let Some(sources) = self.loads.get(load).cloned() else { return };
        let name = self.difference(&sources);
        if sources != self.plays {
            view.messages().hand(&format!("{name} is being prepared"));
        }
        self.coming = None;
        // Also where they play: others may be on their way.
        conductor.want(Wanted::Set { patch: None, name, sources, words: None, band: None, reason: Reason::History });
    }

    /// What displays call these recordings: the name of the one that is another than what plays.
    fn difference(&self, sources: &Sources) -> String {
        let name = |of: &Path| of.file_name().unwrap_or(of.as_os_str()).to_string_lossy().into_owned();
        let others = [(&sources.structure, &self.plays.structure), (&sources.timbre, &self.plays.timbre)];
        let other = others.into_iter().filter(|(it, plays)| it != plays).find_map(|(it, _)| it.as_deref());
        let model = sources.model.as_deref().filter(|_| sources.model != self.plays.model);
        match model.or(other).filter(|_| sources.recording == self.plays.recording) {
            Some(path) => name(path),
            None => name(&sources.recording),
        }
    }
}
