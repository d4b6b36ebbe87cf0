//! What is kept and saved: scenes stay with their patch, undo goes through patches and saves, and what a hand asks of a patch's file is passed
//! on to the keeper, who has a thread for it.

use std::path::Path;

use engine::param::Mark;
use hal::gesture::Clock;

use super::SurfaceSide;
use crate::display::messages::Level;
use crate::performance::conductor::{Conductor, Wanted};
use crate::performance::patch_jobs::{PatchDone, PatchJob};
use crate::performance::view::View;
use crate::settings::library::Library;
use crate::settings::patch::{Patch, Sources};
use crate::settings::saves::Side;
use crate::settings::set_list::KeptFile;

impl SurfaceSide {
    /// What was kept since the last call, by file.
    pub(in crate::performance) fn kept_files(&mut self, state: &Path) -> Vec<KeptFile> {
        self.list.kept_files(state)
    }

    /// What hands asked of patches' files since the last call.
    pub(in crate::performance) fn take_jobs(&mut self) -> Vec<PatchJob> {
        std::mem::take(&mut self.jobs)
    }

    /// Keeps the scenes of now with the patch that is played.
    pub(super) fn keep_scenes(&mut self, conductor: &Conductor) {
        self.list.keep(conductor.store().scenes());
        self.mark = conductor.store().mark();
    }

    /// After undo or redo: the patch that is played, and the file of one that was saved, are again what they were.
    pub(super) fn follow_history(&mut self, conductor: &mut Conductor, view: &mut View) {
        let (before, after) = (self.mark, conductor.store().mark());
        // The later save is the one that was taken back or done again.
        match before.save.cmp(&after.save) {
            std::cmp::Ordering::Less => self.turn(after.save, after.patch, Side::After, before.patch != after.patch),
            std::cmp::Ordering::Greater => {
                self.turn(before.save, before.patch, Side::Before, before.patch != after.patch);
            }
            std::cmp::Ordering::Equal => {}
        }
        if before.patch != after.patch {
            self.stand_in(after.patch as usize, conductor, view);
        } else if before.words != after.words
            && let Some(playing) = self.list.playing()
        {
            conductor.want_words(&playing.patch);
        }
        if before.load != after.load {
            self.want_load(after.load, conductor, view);
        }
        self.keep_scenes(conductor);
    }

    /// Asks for a patch's file to be what it was before or after a save; one that was saved as new goes or comes.
    fn turn(&mut self, save: u32, patch: u32, side: Side, is_new: bool) {
        let number = patch as usize;
        if is_new && side == Side::After {
            self.list.give_back(number);
        }
        let file = self.list.listed(number).and_then(|it| it.file.clone());
        self.jobs.extend(file.map(|file| PatchJob::Turn { number, file, save, side, is_new }));
        if is_new && side == Side::Before {
            self.list.take_back(number);
        }
    }

    /// Goes to a patch of which the values are there already.
    fn stand_in(&mut self, number: usize, conductor: &mut Conductor, view: &mut View) {
        match self.list.go(number).map(|it| (it.name.clone(), it.patch.clone())) {
            Some((name, patch)) => {
                conductor.stand_in(&patch, self.clock.now());
                // One that was on its way with its recordings is not wanted any more.
                if self.coming.take().is_some() {
                    conductor.want(Wanted::Stay);
                }
                view.messages().hand(&format!("patch {name}"));
            }
            None => view.messages().tell(Level::Warning, "the patch of these values is not in the set list any more"),
        }
        self.pair_up(conductor);
        self.tell_beats(conductor);
        self.send_program(self.list.place(), None);
    }

    /// A hand asks for the patch to be saved as it is now.
    pub(super) fn save(&mut self, as_new: bool, conductor: &Conductor, view: &mut View) {
        let (number, state, library) = (self.list.place(), conductor.store(), self.list.library().clone());
        let Some(listed) = self.list.listed_mut(number) else { return };
        let mut patch = Box::new(listed.under_hands(state));
        if conductor.written().is_some_and(|it| it.by_hand) {
            patch.take_words(conductor.own_words());
        }
        if listed.sources(&self.plays) != self.plays {
            // Loaded by hand: it is part of what is saved.
            let Sources { recording, part, structure, timbre, .. } = self.plays.clone();
            (patch.source, patch.part, patch.structure, patch.timbre) = (Some(recording), part, structure, timbre);
        }
        for named in patch.recordings_mut() {
            *named = named.take().map(|it| library.named(it));
        }
        patch.model = patch.model.take().map(|it| Library::name_of_model(&it));
        view.messages().hand("saving");
        let job = match listed.file.clone().filter(|_| !as_new) {
            Some(file) => {
                listed.will_be(listed.digest_with(&patch));
                PatchJob::Save { number, file, patch }
            }
            None => {
                let folder = listed.folder().map(Path::to_owned).or_else(|| self.list.folder().map(Path::to_owned));
                let name = self.list.playing().map(|it| it.name.clone()).unwrap_or_default();
                PatchJob::SaveNew { folder, name, patch }
            }
        };
        self.jobs.push(job);
    }

    /// A hand asks for the patch as its file has it.
    pub(super) fn reload(&mut self, conductor: &mut Conductor, view: &mut View) {
        let number = self.list.place();
        let Some(listed) = self.list.playing() else { return };
        match listed.file.clone() {
            Some(file) => {
                let library = self.list.library().clone();
                self.jobs.push(PatchJob::Read { number, file, library });
            }
            // It has no file: it is what it was when it began.
            None => {
                let patch = listed.patch.clone();
                self.load_again(number, &patch, conductor);
                view.messages().hand("as the patch began; undo brings yours back");
            }
        }
    }

    /// What came of what hands asked.
    pub(in crate::performance) fn take_done(&mut self, done: PatchDone, conductor: &mut Conductor, view: &mut View) {
        match done {
            PatchDone::Saved(number, save, patch) => self.is_saved(number, save, &patch, conductor, view),
            PatchDone::SavedNew(save, listed) => {
                let mut listed = *listed;
                let playing = self.list.playing();
                if let Some(playing) = playing {
                    listed.patch = std::mem::take(&mut listed.patch).on_recordings_of(&playing.patch);
                }
                let (name, patch) = (listed.name.clone(), listed.patch.clone());
                let number = self.list.take_in(listed);
                let mark = Mark { patch: u32::try_from(number).unwrap_or(0), ..saved_in(&patch, save, conductor) };
                conductor.note_save(&patch, mark);
                self.keep_scenes(conductor);
                view.messages().hand(&format!("saved as new: {name}"));
            }
            PatchDone::Turned(number, side, patch) => {
                if let (Some(listed), Some(patch)) = (self.list.listed_mut(number), patch) {
                    listed.is_saved(*patch);
                    let patch = listed.patch.clone();
                    if number == self.list.place() {
                        conductor.stand_in(&patch, self.clock.now());
                    }
                }
                view.messages().hand(match side {
                    Side::Before => "the save is taken back",
                    Side::After => "saved again",
                });
            }
            PatchDone::Read(number, patch, faults) => {
                if let Some(words) = faults {
                    view.messages().tell(Level::Warning, &words);
                }
                if number == self.list.place() {
                    self.load_again(number, &patch, conductor);
                    view.messages().hand("as the patch's file has it; undo brings yours back");
                }
            }
            PatchDone::Failed(words) => view.messages().tell(Level::Warning, &words),
        }
    }

    fn is_saved(&mut self, number: usize, save: u32, patch: &Patch, conductor: &mut Conductor, view: &mut View) {
        let is_playing = number == self.list.place();
        if let Some(listed) = self.list.listed_mut(number) {
            listed.is_saved(patch.clone());
            view.messages().hand(&format!("saved: {}", listed.name));
        }
        // Where another is played by now, undo of the save would come after undo of the way there: it has no place between.
        if is_playing {
            let mark = saved_in(patch, save, conductor);
            conductor.note_save(patch, mark);
            self.keep_scenes(conductor);
        }
    }

    /// Plays a patch as it was read, scenes and all, in one stroke.
    fn load_again(&mut self, number: usize, patch: &Patch, conductor: &mut Conductor) {
        if let Some(listed) = self.list.listed_mut(number) {
            listed.is_read(patch.clone());
        }
        conductor.load(patch, u32::try_from(number).unwrap_or(0), self.clock.now());
        self.keep_scenes(conductor);
        self.pair_up(conductor);
        self.tell_beats(conductor);
    }
}

/// The mark behind a save: what was written is the patch's own from now on, where it is not written anew by then.
fn saved_in(patch: &Patch, save: u32, conductor: &Conductor) -> Mark {
    let mark = conductor.store().mark();
    let words = if conductor.own_words() == patch.own_words() { 0 } else { mark.words };
    Mark { save, words, ..mark }
}
