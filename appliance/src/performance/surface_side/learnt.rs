//! What controllers have learnt: saved at once, and taken over from other programs that taught them.

use hal::gesture::{Clock, SurfaceId};

use super::{LOOK, SurfaceSide};
use crate::display::messages::FaultKey;
use crate::files::plain;
use crate::performance::conductor::Conductor;
use crate::performance::view::View;

impl SurfaceSide {
    /// Which control changes come as pairs, for all who play: the map may say something else now.
    pub(super) fn pair_up(&self, conductor: &Conductor) {
        let map = conductor.binding().map();
        // A MIDI file plays without ever having come.
        for surface in self.here.keys().chain(&[SurfaceId::SCORE, SurfaceId::RECORDED_HANDS]) {
            self.hardware.pairing.set(*surface, map.pairs(*surface));
        }
    }

    /// What a controller has learnt is saved at once.
    pub(super) fn remember(&mut self, surface: SurfaceId, conductor: &Conductor, view: &mut View) {
        let map = conductor.binding().map();
        self.hardware.pairing.set(surface, map.pairs(surface));
        let Some(identity) = self.hardware.roster.identity(surface) else { return };
        let kept = self.learnt.keep(identity, map.learnt(surface).to_vec());
        self.tell_kept(kept, view);
    }

    /// Whether what was learnt is on the disk.
    pub(super) fn tell_kept(&self, kept: Result<(), String>, view: &mut View) {
        match kept {
            Ok(()) => view.messages().over(&FaultKey::Disk),
            Err(words) => view.messages().fault(FaultKey::Disk, &words),
        }
    }

    /// What another program has taught meanwhile (`demon learn`) is in force here too.
    pub(super) fn hear_of_others(&mut self, conductor: &mut Conductor, view: &mut View) {
        if self.looked + LOOK < self.clock.now() {
            self.looked = self.clock.now();
            if view.messages().stands(&FaultKey::Disk) {
                let kept = self.learnt.keep_again();
                self.tell_kept(kept, view);
            }
            self.learnt.look_again();
            let file = FaultKey::File(self.learnt.path().to_owned());
            match self.learnt.fault() {
                Some(words) => view.messages().fault(file, words),
                None => view.messages().over(&file),
            }
            self.wrong_files.look(view.messages());
        }
        for (identity, entries) in self.learnt.take_news() {
            view.say(&format!("{}: what another program has taught is in force", plain(&identity.name)));
            let surface = self.hardware.roster.remember(identity);
            conductor.binding_mut().map_mut().set_learnt(surface, entries);
            self.hardware.pairing.set(surface, conductor.binding().map().pairs(surface));
        }
    }
}
