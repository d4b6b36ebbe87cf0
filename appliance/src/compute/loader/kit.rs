//! What a worker prepares with, and how: words for the set that plays, or another set.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use engine::graph::cpu::Pool;
use engine::latent::{SAMPLE_RATE_HZ, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use engine::live::{
    self, CodecWindows, DecodeSet, Latents, Load, Material, Original, StageError, StageProgress, Unread, Words,
};
use engine::model::{self, Model};
use engine::playback::Tape;

use super::heard::{Heard, Known};
use super::models::bytes_of;
use super::wish::{Base, Prepared, ReadySet, Wish};
use crate::compute::set::said;
use crate::files::read_regular;
use crate::recording::{self, Part, Source};
use crate::settings::model_settings::ModelSettings;
use crate::settings::patch::Sources;

/// The longest lead of a window, in stereo samples of a tape of so many: eight seconds, and no more than half of the tape.
#[must_use]
pub const fn longest_lead(tape_frames: usize) -> usize {
    let (most, half) = (8 * SAMPLE_RATE_HZ as usize, tape_frames / 2);
    if half < most { half } else { most }
}

/// What a set of a second needs while it is prepared and plays beside the one before: its sound a few times, its latents on the shelves of
/// births, what the network computes with.
const BYTES_A_SECOND: f64 = 6e6;
/// The same whatever its length.
const BYTES: f64 = 64e6;
/// What has to be there before something is prepared that nobody has asked for yet: it is never the last.
const LEFT_OVER: f64 = 512e6;
/// What a model needs for a byte of its files: it is read, and packed for the processor.
const BYTES_OF_A_MODEL: f64 = 3.0;
/// Where Linux says how much memory can be had.
const MEMINFO: &str = "/proc/meminfo";

/// What a worker prepares with.
pub struct Kit {
    /// The model of the start.
    first: Arc<Models>,
    /// The other one that was opened last.
    other: Mutex<Option<Arc<Models>>>,
    /// Whether the processor computes: only there can another network be made while one plays.
    is_processor: bool,
    /// Longest part of a recording that is played, in seconds.
    longest: f64,
    known: Mutex<Known>,
    /// How many bytes can be had; nothing where nobody knows.
    memory: fn() -> Option<u64>,
}

/// A model on the threads that compute it.
#[derive(Clone)]
struct Models {
    folder: PathBuf,
    /// On a thread of its own: ticks are not to wait for it.
    own: Model,
    /// On the threads of the ticks, for a network that takes the place of theirs.
    of_ticks: Model,
    /// On the threads of the windows.
    of_windows: Model,
}

/// How a job stands.
pub(super) struct Way<'a> {
    pub(super) progress: &'a mut dyn FnMut(StageProgress),
    pub(super) stops: &'a dyn Fn() -> bool,
}

/// Why nothing was prepared.
pub(super) enum Failed {
    Stopped,
    Said(String),
}

impl Kit {
    /// For sets of a model on the threads of ticks and of windows; a recording is played for `longest` seconds at most.
    #[must_use]
    pub fn of(model: &Model, of_windows: &Model, is_processor: bool, longest: f64) -> Self {
        let (own, of_ticks, of_windows) = (model.on(Pool::new(1)), model.clone(), of_windows.clone());
        Self {
            first: Arc::new(Models { folder: PathBuf::new(), own, of_ticks, of_windows }),
            other: Mutex::default(),
            is_processor,
            longest,
            known: Mutex::default(),
            memory: available,
        }
    }

    /// The same, for a model of this folder.
    #[must_use]
    pub fn with_folder(self, folder: PathBuf) -> Self {
        Self { first: Arc::new(Models { folder, ..Models::clone(&self.first) }), ..self }
    }

    /// Another answer to the question how many bytes can be had.
    #[must_use]
    pub fn with_memory(self, memory: fn() -> Option<u64>) -> Self {
        Self { memory, ..self }
    }

    /// A recording that was heard already.
    pub fn knows(&self, heard: &Arc<Heard>) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).keep(heard);
    }

    /// All of what is wished for but the tape's place at the player.
    pub(super) fn prepare(&self, wish: &Wish, base: &Base, way: &mut Way<'_>) -> Result<Prepared, Failed> {
        if wish.sources == base.sources {
            return self.words(wish, base, way);
        }
        if !self.is_processor {
            let what = if wish.sources.model == base.sources.model { "recording" } else { "model" };
            return Err(said_that(format!("on a card another {what} is played from a start with it on")));
        }
        self.set(wish, base, way)
    }

    /// The models of a wish; where those cannot be had, the ones that play, with why in words: the rest of the wish is as good as before.
    fn models_or(
        &self,
        sources: &mut Sources,
        base: &Base,
        way: &mut Way<'_>,
    ) -> Result<(Arc<Models>, Option<String>), Failed> {
        match self.models(sources.model.as_deref(), way) {
            Err(Failed::Said(why)) if sources.model != base.sources.model => {
                sources.model.clone_from(&base.sources.model);
                Ok((self.models(sources.model.as_deref(), way)?, Some(why)))
            }
            models => Ok((models?, None)),
        }
    }

    /// The model of a folder, opened where it is not yet; none is the start's.
    fn models(&self, folder: Option<&Path>, way: &mut Way<'_>) -> Result<Arc<Models>, Failed> {
        let Some(folder) = folder.filter(|it| *it != self.first.folder) else { return Ok(Arc::clone(&self.first)) };
        let mut other = self.other.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(models) = other.as_ref().filter(|it| it.folder == folder) {
            return Ok(Arc::clone(models));
        }
        // One that is held and does not play makes room first.
        *other = None;
        self.has_memory(BYTES + BYTES_OF_A_MODEL * bytes_of(folder) as f64)?;
        let progress = &mut *way.progress;
        let mut tell = |it: model::Progress| {
            progress(StageProgress { stage: "reading its model", done: it.done, total: it.total.max(1) });
        };
        let own = Model::open_on(folder, &Pool::new(1), &mut tell).map_err(said_that)?;
        let [of_ticks, of_windows] =
            [&self.first.of_ticks, &self.first.of_windows].map(|it| own.on(Arc::clone(it.pool())));
        let models = Arc::new(Models { folder: folder.to_owned(), own, of_ticks, of_windows });
        *other = Some(Arc::clone(&models));
        Ok(models)
    }

    /// What a model says of its knobs and its words, where another one plays.
    fn settings(&self, model: Option<&Path>, base: &Base) -> Option<ModelSettings> {
        let is_another = model != base.sources.model.as_deref();
        is_another.then(|| ModelSettings::open(model.unwrap_or(&self.first.folder)).0)
    }

    fn words(&self, wish: &Wish, base: &Base, way: &mut Way<'_>) -> Result<Prepared, Failed> {
        let (material, words) = (&base.material, said(&wish.words, base.seconds));
        let models = self.models(wish.sources.model.as_deref(), way)?;
        let prompts = live::read(&models.own, &words, &base.timbre, way.progress, way.stops)?;
        let tokens = live::longest(&prompts) / material.token_width;
        let mut words = Words::new(prompts, material.token_width).map_err(said_that)?;
        if base.room < tokens {
            if !self.is_processor {
                let room = base.room;
                return Err(said_that(format!("a prompt has {tokens} tokens, the card was prepared for {room}")));
            }
            let network = models.of_ticks.denoiser(material.frames, tokens).map_err(said_that)?;
            words = words.with_network(Box::new(network));
        }
        Ok(Prepared::Words { words: Box::new(words), spoken: wish.words.clone() })
    }

    fn set(&self, wish: &Wish, base: &Base, way: &mut Way<'_>) -> Result<Prepared, Failed> {
        let mut wish = wish.clone();
        let (models, refused) = self.models_or(&mut wish.sources, base, way)?;
        let recording = self.hear(&wish.sources.recording, wish.sources.part, &models, way)?;
        // Where the part is not there, all of it plays.
        wish.sources.part = recording.part;
        let structure = self.latent_of(wish.sources.structure.as_deref(), &recording, &models, way)?;
        let timbre = self.latent_of(wish.sources.timbre.as_deref(), &recording, &models, way)?;
        self.has_memory_for(recording.sound.len())?;
        let latents = Latents { source: &recording.latent, structure: &structure, timbre: &timbre };
        let words = said(&wish.words, recording.seconds());
        let material = live::material_with(&models.own, latents, &words, way.progress, way.stops)?;
        (way.progress)(StageProgress { stage: "compiling", done: 0, total: 1 });
        let mut ready = self.join(&models, Arc::new(material), base, &recording, wish, timbre)?;
        ready.refused = refused;
        if (way.stops)() { Err(Failed::Stopped) } else { Ok(Prepared::Set(Box::new(ready))) }
    }

    fn join(
        &self,
        models: &Models,
        material: Arc<Material>,
        base: &Base,
        recording: &Arc<Heard>,
        wish: Wish,
        timbre: Arc<[f32]>,
    ) -> Result<ReadySet<Tape>, Failed> {
        // Words that found room before do again.
        let room = base.room.max(material.longest_prompt() / material.token_width);
        let backend = live::cpu_backend(&models.of_ticks, &material, room)?;
        let decoder = CodecWindows::prepare(&models.of_windows.codec(), material.frames).map_err(said_that)?;
        let stage = live::stage(Arc::clone(&material), backend, Box::new(decoder));
        let most_lead = longest_lead(material.frames * SAMPLES_PER_LATENT_FRAME);
        let original = Original::new(Arc::clone(&material.source), Arc::clone(&recording.sound));
        let decode = DecodeSet::new(stage.decoder, stage.latents, material.frames, most_lead).on(original);
        let tape = Tape::new(&recording.sound).map_err(said_that)?;
        let load: Load = stage.load;
        let settings = self.settings(wish.sources.model.as_deref(), base);
        let sources = wish.sources.clone();
        Ok(ReadySet {
            load: Box::new(load),
            decode: Box::new(decode),
            tape,
            recording: Arc::clone(recording),
            wish,
            settings,
            refused: None,
            base: Base { material, timbre, sources, seconds: recording.seconds(), room },
        })
    }

    /// The latent of another recording, where there is one; else of the one that is played on.
    fn latent_of(
        &self,
        other: Option<&Path>,
        own: &Heard,
        models: &Models,
        way: &mut Way<'_>,
    ) -> Result<Arc<[f32]>, Failed> {
        other
            .map_or_else(|| Ok(Arc::clone(&own.latent)), |it| Ok(Arc::clone(&self.hear(it, None, models, way)?.latent)))
    }

    /// A recording with its latent, from its file or as it was heard before by this model.
    fn hear(&self, path: &Path, part: Option<Part>, models: &Models, way: &mut Way<'_>) -> Result<Arc<Heard>, Failed> {
        let model = (models.folder != self.first.folder).then(|| models.folder.clone());
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).find(path, part, model.as_deref());
        if let Some(known) = known {
            return Ok(known);
        }
        (way.progress)(StageProgress { stage: "decoding", done: 0, total: 1 });
        let Source { pcm, name, notices, part, .. } =
            recording::load_part(path, part, self.longest, &mut |_| ()).map_err(said_that)?;
        self.has_memory_for(pcm.len())?;
        let latent = live::listen(&models.own, &pcm, way.progress, way.stops)?;
        let notices = notices.iter().map(ToString::to_string).collect();
        let sound: Arc<[StereoFrame]> = pcm.into();
        let heard = Arc::new(Heard::new(path, name, sound, latent.into()).part_of(part).with(notices).by(model));
        self.knows(&heard);
        Ok(heard)
    }

    /// A machine that runs out of memory ends programs: what would bring it there is not begun.
    fn has_memory_for(&self, frames: usize) -> Result<(), Failed> {
        self.has_memory(BYTES + BYTES_A_SECOND * frames as f64 / f64::from(SAMPLE_RATE_HZ))
    }

    /// Whether there is so much memory that what is not asked for yet may take some of it.
    pub(super) fn has_plenty(&self) -> bool {
        self.has_memory(LEFT_OVER).is_ok()
    }

    fn has_memory(&self, needs: f64) -> Result<(), Failed> {
        match (self.memory)().filter(|it| (*it as f64) < needs) {
            Some(has) => {
                let mega = |bytes: f64| (bytes / 1e6).ceil();
                Err(said_that(format!("it needs {} MB of memory, there are {}", mega(needs), mega(has as f64))))
            }
            None => Ok(()),
        }
    }
}

/// Bytes that Linux can give without taking them from somebody.
fn available() -> Option<u64> {
    let text = read_regular(Path::new(MEMINFO), 1 << 16).ok()?;
    let text = String::from_utf8(text).ok()?;
    let line = text.lines().find_map(|it| it.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|it| it * 1024)
}

fn said_that(why: impl ToString) -> Failed {
    Failed::Said(why.to_string())
}

impl From<Unread> for Failed {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Stopped => Self::Stopped,
            unread => Self::Said(unread.to_string()),
        }
    }
}

impl From<StageError> for Failed {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Words(unread) => unread.into(),
            error => Self::Said(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn linux_says_how_much_memory_there_is() {
        assert!(super::available().is_some_and(|it| 1 << 20 < it));
    }
}
