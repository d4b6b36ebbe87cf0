//! Recordings that were read and encoded, kept as long as there is room: the way back to one costs no second listening.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use engine::latent::{SAMPLE_RATE_HZ, StereoFrame};

use crate::recording::Part;
use crate::settings::last_state::SoundSum;
use crate::settings::last_tape::TapeOrigin;

/// Sound that is kept at most, in bytes: ten minutes.
const MOST_BYTES: usize = 600 * SAMPLE_RATE_HZ as usize * size_of::<StereoFrame>();

/// A recording as it is played on.
#[derive(Debug)]
pub struct Heard {
    /// Its file.
    pub path: PathBuf,
    /// The part of it that this is; none where it is all of it.
    pub part: Option<Part>,
    /// Its name, for displays.
    pub name: String,
    /// Its sound: whole latent frames.
    pub sound: Arc<[StereoFrame]>,
    /// Its latent as a loop, `[frames, 64]`.
    pub latent: Arc<[f32]>,
    /// By which the last state knows it.
    pub sum: SoundSum,
    /// By which a kept tape knows it.
    pub origin: TapeOrigin,
    /// What was done to it, in sentences.
    pub notices: Vec<String>,
    /// The folder of the model that heard it; none for the start's.
    model: Option<PathBuf>,
    stamp: Option<Stamp>,
}

/// By what it is seen that a file is another by now.
pub(super) type Stamp = (u64, Option<SystemTime>);

impl Heard {
    /// A recording with its latent.
    #[must_use]
    pub fn new(path: &Path, name: String, sound: Arc<[StereoFrame]>, latent: Arc<[f32]>) -> Self {
        let (sum, origin) = (SoundSum::of(&sound), TapeOrigin::of(&sound));
        let (part, notices, model) = Default::default();
        Self { path: path.to_owned(), part, name, sound, latent, sum, origin, notices, model, stamp: stamp(path) }
    }

    pub(super) fn with(self, notices: Vec<String>) -> Self {
        Self { notices, ..self }
    }

    /// The same, as a part of its recording.
    #[must_use]
    pub fn part_of(self, part: Option<Part>) -> Self {
        Self { part, ..self }
    }

    /// The same, where another model than the start's heard it.
    pub(super) fn by(self, model: Option<PathBuf>) -> Self {
        Self { model, ..self }
    }

    /// Length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.sound.len() as f64 / f64::from(SAMPLE_RATE_HZ)
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.sound) + size_of_val(&*self.latent)
    }
}

/// Length and time of a file; none of what is no file.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().map(|it| (it.len(), it.modified().ok()))
}

/// The last ones, the newest last.
#[derive(Debug, Default)]
pub(super) struct Known(Vec<Arc<Heard>>);

impl Known {
    /// One that was heard before by a model, of a file that is as it was; of one that is gone, what it was.
    pub(super) fn find(&mut self, path: &Path, part: Option<Part>, model: Option<&Path>) -> Option<Arc<Heard>> {
        let is_it = |it: &Arc<Heard>| it.path == path && it.part == part && it.model.as_deref() == model;
        let at = self.0.iter().position(is_it)?;
        let known = self.0.remove(at);
        if stamp(path).is_some_and(|now| known.stamp != Some(now)) {
            return None;
        }
        self.0.push(Arc::clone(&known));
        Some(known)
    }

    /// Keeps one, and lets go of the oldest where there is no room.
    pub(super) fn keep(&mut self, heard: &Arc<Heard>) {
        self.0.push(Arc::clone(heard));
        let bytes = |it: &[Arc<Heard>]| it.iter().map(|it| it.bytes()).sum::<usize>();
        while MOST_BYTES < bytes(&self.0) {
            self.0.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(path: &Path, seconds: usize) -> Arc<Heard> {
        let sound = vec![[0.0; 2]; seconds * 48_000].into();
        Arc::new(Heard::new(path, "a".to_owned(), sound, vec![0.0; 64].into()))
    }

    #[test]
    fn a_recording_is_known_until_its_file_is_another_and_the_oldest_goes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let [a, b, c] = ["a", "b", "c"].map(|it| folder.path().join(it));
        std::fs::write(&a, "1").expect("a disk");
        let mut known = Known::default();
        known.keep(&heard(&a, 1));
        assert!(known.find(&a, None, None).is_some() && known.find(&b, None, None).is_none());
        assert!(known.find(&a, None, Some(&b)).is_none(), "another model hears something else");
        let part = Some(Part { start: 0, end: 48_000 });
        assert!(known.find(&a, part, None).is_none(), "a part is not all of it");
        known.keep(&Arc::new(
            Heard::new(&a, "a".to_owned(), vec![[0.0; 2]; 48_000].into(), vec![0.0; 64].into()).part_of(part),
        ));
        assert!(known.find(&a, part, None).is_some_and(|it| it.part == part));
        std::fs::write(&a, "22").expect("a disk");
        assert!(known.find(&a, None, None).is_none(), "another file by now");
        [&a, &b, &c].into_iter().for_each(|it| known.keep(&heard(it, 250)));
        std::fs::remove_file(&a).expect("it is there");
        let found = [&a, &b, &c].map(|it| known.find(it, None, None).is_some());
        assert_eq!(found, [false, true, true], "three do not find room; a file that is gone is what it was");
    }
}
