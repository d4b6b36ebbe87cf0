//! One patch of the list: what its file says, and what was kept of it since.
//!
//! Scenes belong to their patch and stay with it while others are played. What its file says is known apart from that, so that it can be
//! seen what was kept and is not in the file ([`super::kept`]), and so that a state is known to be of this patch whatever was kept.

use std::path::{Path, PathBuf};

use engine::param::{Breakpoints, ParamId, SCENES, Store, Values};

use crate::settings::last_state::SAVED;
use crate::settings::patch::{Patch, Sources};

/// The scenes of a patch, from 0.
pub type Scenes = [Option<Values>; SCENES];

/// One patch of the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// Its name: the file's, without its end.
    pub name: String,
    /// The patch as its file has it, as far as it is sound.
    pub patch: Patch,
    /// Its file, where it has one that may be written.
    pub file: Option<PathBuf>,
    /// The scenes that are kept now.
    pub scenes: Scenes,
    /// Their names, where a person gave them one.
    pub scene_names: [Option<String>; SCENES],
    /// What its digest was or is about to be, the newest last.
    pub saved: Vec<String>,
    /// What the command line says in the place of the patch.
    pub over: Vec<(ParamId, f64)>,
    /// The recording that is played where it is not the patch's own.
    pub recording: Option<PathBuf>,
    /// What tells its file of kept scenes from another patch's of the same name.
    pub(super) place: String,
    /// Whether what was kept is to be written.
    pub(super) changed: bool,
}

impl Listed {
    /// A patch as its file has it.
    #[must_use]
    pub fn new(name: String, patch: Patch, file: Option<PathBuf>) -> Self {
        let (scenes, scene_names) = (patch.scenes, patch.scene_names.clone());
        Self { name, patch, file, scenes, scene_names, ..Self::default() }
    }

    /// What a state of it is known by: its text as it was read, with what the command line says.
    #[must_use]
    pub fn digest(&self) -> String {
        self.digest_with(&self.patch)
    }

    /// The digest that it will have when its file has this.
    #[must_use]
    pub fn digest_with(&self, patch: &Patch) -> String {
        let mut patch = patch.clone();
        self.over.iter().for_each(|(id, value)| _ = patch.values.set(*id, *value));
        patch.digest()
    }

    /// Takes the scenes that are kept now.
    pub fn keep(&mut self, scenes: &Scenes) {
        if self.scenes != *scenes {
            (self.scenes, self.changed) = (*scenes, true);
        }
    }

    /// Takes scenes that were kept before, and their names, over those of its file.
    pub fn take_kept(&mut self, kept: &Patch) {
        for (place, scene) in kept.scenes.iter().enumerate() {
            if scene.is_some() {
                self.scenes[place] = *scene;
                self.scene_names[place].clone_from(&kept.scene_names[place]);
            }
        }
    }

    /// What was kept and is not in its file, as a patch of nothing else; nothing where there is no such scene.
    #[must_use]
    pub fn kept(&self) -> Option<Patch> {
        let mut kept = Patch::default();
        for (place, scene) in self.scenes.iter().enumerate() {
            if scene.is_some() && *scene != self.patch.scenes[place] {
                kept.scenes[place] = *scene;
                kept.scene_names[place].clone_from(&self.scene_names[place]);
            }
        }
        kept.scenes.iter().any(Option::is_some).then_some(kept)
    }

    /// The patch as it is played, with what was kept.
    #[must_use]
    pub fn played(&self) -> Patch {
        Patch { scenes: self.scenes, scene_names: self.scene_names.clone(), ..self.patch.clone() }
    }

    /// The patch as it is under the hands now, for saving.
    #[must_use]
    pub fn under_hands(&self, store: &Store) -> Patch {
        let mut patch = self.played();
        patch.take_from(store);
        patch.curves = ParamId::all().filter_map(|id| Some((id, self.curve(id, store.drawn().get(id)?)?))).collect();
        patch
    }

    /// The points of a curve that is drawn: the patch's own where it is that one.
    fn curve(&self, id: ParamId, drawn: &[f32]) -> Option<Breakpoints> {
        let own = self.patch.curves.iter().find(|it| it.0 == id).map(|it| &it.1);
        let own = own.filter(|it| *it.resample(drawn.len()) == *drawn).cloned();
        own.or_else(|| Breakpoints::through(id, drawn).ok())
    }

    /// It is about to have this digest.
    pub fn will_be(&mut self, digest: String) {
        if !self.saved.contains(&digest) {
            self.saved.push(digest);
        }
        self.saved.drain(..self.saved.len().saturating_sub(SAVED));
    }

    /// Its file has this now, which was not read for its recording: that is where it was.
    pub fn is_saved(&mut self, patch: Patch) {
        let patch = patch.on_recordings_of(&self.patch);
        self.is_read(patch);
    }

    /// Its file has this now.
    pub fn is_read(&mut self, patch: Patch) {
        self.will_be(self.digest());
        // A name that the file does not have was given to a scene that was kept beside it.
        for (name, of_file) in self.scene_names.iter_mut().zip(&patch.scene_names) {
            *name = of_file.clone().or(name.take());
        }
        (self.patch, self.changed) = (patch, true);
    }

    /// The recordings and the model that it is played on; those of `plays` where it names none.
    #[must_use]
    pub fn sources(&self, plays: &Sources) -> Sources {
        let own = self.recording.clone().or_else(|| self.patch.source.clone());
        let Patch { part, structure, timbre, model, .. } = self.patch.clone();
        // One that names nothing stays with the part that plays.
        let part = part.or(plays.part.filter(|_| own.is_none()));
        let recording = own.unwrap_or_else(|| plays.recording.clone());
        Sources { recording, part, structure, timbre, model: model.or_else(|| plays.model.clone()) }
    }

    /// The folder that its file is in.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.file.as_deref().map(|it| it.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new(".")))
    }
}

#[cfg(test)]
mod tests {
    use engine::param::{ParamId, Store};

    use super::Listed;
    use crate::settings::patch::Patch;

    fn listed() -> Listed {
        let text = "[curves]\nsource_blend = [[0.0, 0.2], [1.0, 0.8]]\n[scenes.1]\nname = \"drop\"\ndenoise = 0.25\n";
        Listed::new("a".to_owned(), Patch::parse(text).expect("a patch"), None)
    }

    #[test]
    fn what_was_kept_is_what_its_file_has_not_and_comes_back_over_it() {
        let mut listed = listed();
        assert_eq!(listed.kept(), None);
        let mut scenes = listed.scenes;
        scenes[3] = Some(listed.patch.values);
        listed.keep(&scenes);
        assert!(listed.changed);
        let kept = listed.kept().expect("one scene");
        assert_eq!((kept.scenes[0], kept.scenes[3]), (None, scenes[3]));
        let mut again = self::listed();
        again.take_kept(&Patch::parse(&kept.to_text()).expect("a patch"));
        assert_eq!((again.scenes, &again.scene_names), (scenes, &listed.scene_names));
        // Saved, it is in the file and nowhere else; and the digest of before is known.
        let (patch, before) = (listed.played(), listed.digest());
        listed.is_saved(patch);
        assert_eq!((listed.kept(), listed.saved.contains(&before)), (None, true));
    }

    #[test]
    fn under_the_hands_are_values_scenes_and_the_curves_that_are_drawn_by_their_own_points() {
        let listed = listed();
        let mut store = Store::new().0;
        let mut drawn = engine::param::Drawn::default();
        drawn.set(ParamId::SourceBlend, Some(listed.patch.curves[0].1.resample(25)));
        drawn.set(ParamId::X0Target, Some(vec![0.5; 25].into()));
        store.take(&listed.patch.values, &drawn);
        store.set(ParamId::Denoise, 0.75).expect("a number");
        store.capture(1);
        let saved = Patch::parse(&listed.under_hands(&store).to_text()).expect("a patch");
        assert_eq!((saved.values.exact(ParamId::Denoise), saved.scenes[1]), (0.75, Some(*store.aims())));
        let curve = |id| saved.curves.iter().find(|it| it.0 == id).map(|it| it.1.clone()).expect("it is drawn");
        assert_eq!(curve(ParamId::SourceBlend), listed.patch.curves[0].1);
        assert_eq!(*curve(ParamId::X0Target).resample(25), [0.5; 25]);
    }

    #[test]
    fn what_the_command_line_says_is_part_of_the_digest_also_of_what_is_saved() {
        let mut listed = listed();
        let without = listed.digest();
        listed.over = vec![(ParamId::Seed, 7.0)];
        let mut saved = listed.patch.clone();
        saved.values.set(ParamId::Seed, 7.0);
        assert_eq!((listed.digest() == without, listed.digest_with(&saved)), (false, listed.digest()));
    }
}
