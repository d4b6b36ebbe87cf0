//! A set made ready to play: model, patch and recording found, read, encoded and compiled.
//!
//! Slow work with a progress line: it reads files, allocates, and takes seconds. Every fault names the file and what
//! would mend it; nothing is half opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use engine::graph::cpu::Pool;
use engine::latent::{SAMPLE_RATE_HZ, StereoFrame};
use engine::live::{self, Latents, Material, Said, Stage};
use engine::model::folder::ModelFolder;
use engine::model::{self, Model, Packing};

use crate::compute::arguments::{BackendChoice, Misused, SetArgs, WhenLost};
use crate::compute::backend::{self, Chosen, Preparing};
use crate::compute::loader::{Base, Heard, Kit, Loader};
use crate::compute::progress::Progress;
use crate::compute::recovery::{Parts, Recovery};
use crate::files::document::{is_newer, lines};
use crate::files::{self, FileError, Kind, STREAM, Trouble, shown};
use crate::recording::{self, Source};
use crate::settings::last_state::SoundSum;
use crate::settings::model_settings::ModelSettings;
use crate::settings::patch::{Patch, Sources, Spoken};
use crate::settings::set_list::{Listed, name_of};

/// Where models are looked for when none is named, in this order. The last two are the source tree's.
const MODEL_PLACES: [&str; 4] =
    ["/var/lib/demon/models/current", "models/house", "../models/house", "/usr/share/demon/models/house"];
/// The patch that a model brings along: its own recording and words that it knows.
const OWN_PATCH: &str = "demo.toml";
/// The recording that a model brings along.
const OWN_RECORDING: &str = "demo.flac";

/// Everything that a performance starts with.
pub struct Set {
    /// Words, values, curves, scenes and mappings.
    pub patch: Patch,
    /// The patch's name, for the display.
    pub patch_name: String,
    /// Its file, where one was named.
    pub patch_file: Option<PathBuf>,
    /// The recording as the patch is to name it when it is saved: its own, or the one that was asked for. None for the model's.
    pub own_source: Option<PathBuf>,
    /// The recording's name, for the display.
    pub name: String,
    /// The recordings that play, which are those of the start or what was played last.
    pub sources: Sources,
    /// The recording of the start, by which a state is known to belong to it: its name, and its sound.
    pub start: (String, SoundSum),
    /// The folder of the start's model.
    pub start_model: PathBuf,
    /// What the tape starts as: whole latent frames.
    pub tape: Arc<[StereoFrame]>,
    /// The set as latents and tokens.
    pub material: Arc<Material>,
    /// Both sides, compiled.
    pub stage: Stage,
    /// What computes it, in a few words.
    pub computes: String,
    /// How far the model's knobs go.
    pub instrument: ModelSettings,
    /// Prepares other words while it plays.
    pub loader: Loader,
    /// How it is built again when its device was lost; `None` for the processor.
    pub recovery: Option<Recovery>,
    /// What the player should know, in sentences.
    pub notices: Vec<String>,
}

impl Set {
    /// Prepares the set.
    ///
    /// # Errors
    /// With the file and the fault, in words for a player.
    pub fn open(args: &SetArgs, line: &mut dyn Progress) -> anyhow::Result<Self> {
        let folder = model_folder(args.model.as_deref())?;
        let (patch, told) = patch(args, &folder)?;
        let (instrument, more, stops) = ModelSettings::open_strict(&folder);
        let lines: Vec<String> = told.lines.into_iter().chain(more).collect();
        if told.stops || stops {
            bail!(lines.join("\n"));
        }
        let (folder, more) = named_model(args, &patch.patch, folder);
        let mut set = Self::prepare(args, line, &folder, (patch, instrument), None)?;
        set.notices.splice(0..0, lines.into_iter().chain(more));
        Ok(set)
    }

    /// Prepares the set from as much of the patch as is sound: a stage starts with what there is. In place of a patch of a
    /// newer format the model's own is played. What is not sound is among the notices, a line a fault.
    ///
    /// # Errors
    /// As [`Set::open`].
    pub fn open_sound(args: &SetArgs, line: &mut dyn Progress) -> anyhow::Result<Self> {
        Self::open_on(args, None, line)
    }

    /// As [`Set::open_sound`], on the recordings that were played last in the place of the start's own.
    ///
    /// # Errors
    /// As [`Set::open`].
    pub fn open_on(args: &SetArgs, last: Option<&Sources>, line: &mut dyn Progress) -> anyhow::Result<Self> {
        let folder = model_folder(args.model.as_deref())?;
        let (patch, told) = patch(args, &folder)?;
        let (start, refused) = named_model(args, &patch.patch, folder);
        let folder = last.and_then(|it| it.model.clone()).unwrap_or_else(|| start.clone());
        let (instrument, more) = ModelSettings::open(&folder);
        let mut set = Self::prepare(args, line, &folder, (patch, instrument), last)?;
        set.start_model = start;
        set.notices.splice(0..0, told.lines.into_iter().chain(refused).chain(more));
        Ok(set)
    }

    fn prepare(
        args: &SetArgs,
        line: &mut dyn Progress,
        folder: &Path,
        (Listed { name: patch_name, mut patch, file: patch_file, .. }, instrument): (Listed, ModelSettings),
        last: Option<&Sources>,
    ) -> anyhow::Result<Self> {
        ModelFolder::find(folder)?;
        let Some(recording) = recording(args, &patch, folder) else {
            bail!("there is no recording to play on: give one with --source FILE, or name one in a patch")
        };
        let asked = args.source.as_deref().filter(|it| *it != Path::new(STREAM));
        let own_source = patch.source.take().or_else(|| asked.and_then(|it| std::path::absolute(it).ok()));
        patch.source = Some(recording.clone());
        let (chosen, why) = backend::choose(args.backend.unwrap_or(BackendChoice::Auto))?;
        line.tell("reading the recording", 0, 1);
        let (mut sources, source, start) = played_on(args, &patch, &recording, last)?;
        sources.model = Some(folder.to_owned());
        let threads = args.threads.unwrap_or_else(cores).max(1);
        let packing = if matches!(chosen, Chosen::Processor) { Packing::Everything } else { Packing::Conditioning };
        let tell = &mut |it: model::Progress| line.tell(&format!("reading the model: {}", it.stage), it.done, it.total);
        let model = Model::open_for(folder, &Pool::new(threads), packing, tell)
            .with_context(|| format!("the model in {} cannot be played", shown(folder)))?;
        let words = said(&patch.words(), source.seconds());
        let mut notices = notices(&source, &patch);
        let ear = Ear { chosen: &chosen, model: &model, folder, longest: args.longest };
        let (material, timbre) = ear.material(&source.pcm, &mut sources, &words, line, &mut notices)?;
        // The decode thread has threads of its own: a window must not wait for the end of a tick.
        let decode_side = model.on(Pool::new(threads.div_ceil(2)));
        let preparing = Preparing {
            folder,
            model: &model,
            decode_side: &decode_side,
            material: &material,
            stand_in: args.when_lost == WhenLost::Cpu,
            precision: args.precision,
        };
        let base = Base {
            room: preparing.room(&chosen)?,
            timbre,
            sources: sources.clone(),
            seconds: source.seconds(),
            material: Arc::clone(&material),
        };
        let kit = Kit::of(&model, &decode_side, matches!(chosen, Chosen::Processor), args.longest)
            .with_folder(folder.to_owned());
        let (name, tape) = (source.name, Arc::<[StereoFrame]>::from(source.pcm));
        let loader = loader(kit, base, &name, &tape);
        let (Parts { backend, decoder, words }, recovery) = preparing.parts(chosen, line)?;
        let stage = live::stage(Arc::clone(&material), backend, decoder);
        notices.extend(why);
        let computes = words;
        Ok(Self {
            patch,
            patch_name,
            patch_file,
            own_source,
            name,
            sources,
            start,
            start_model: folder.to_owned(),
            tape,
            material,
            stage,
            computes,
            instrument,
            loader,
            recovery,
            notices,
        })
    }

    /// Length of the tape in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.tape.len() as f64 / f64::from(SAMPLE_RATE_HZ)
    }
}

/// What is played on: the recordings, the first of them as it was read, and what the start itself would play on, which is another one
/// where `last` says so.
fn played_on(
    args: &SetArgs,
    patch: &Patch,
    recording: &Path,
    last: Option<&Sources>,
) -> anyhow::Result<(Sources, Source, (String, SoundSum))> {
    let (structure, timbre) = (patch.structure.clone(), patch.timbre.clone());
    let own = Sources { part: patch.part, structure, timbre, ..Sources::of(recording) };
    let mut sources = last.unwrap_or(&own).clone();
    let load = |of: &Sources| recording::load_part(&of.recording, of.part, args.longest, &mut |_| ());
    let source = load(&sources)?;
    let of = |it: &Source| (it.name.clone(), SoundSum::of(&it.pcm));
    let is_own = (&sources.recording, sources.part) == (&own.recording, own.part);
    let start = if is_own { of(&source) } else { of(&load(&own)?) };
    // Where the part is not there, all of it plays.
    sources.part = source.part;
    Ok((sources, source, start))
}

/// The worker beside a set that begins; the way back to its recording asks no file, which may be a pipe.
fn loader(kit: Kit, base: Base, name: &str, tape: &Arc<[StereoFrame]>) -> Loader {
    let (path, latent) = (&base.sources.recording, Arc::clone(&base.material.source));
    let heard = Heard::new(path, name.to_owned(), Arc::clone(tape), latent).part_of(base.sources.part);
    kit.knows(&Arc::new(heard));
    Loader::new(kit, base)
}

/// Who listens to recordings.
struct Ear<'a> {
    chosen: &'a Chosen,
    model: &'a Model,
    folder: &'a Path,
    longest: f64,
}

/// Latents of a set's recordings, each `[frames, 64]`.
struct Latent {
    source: Vec<f32>,
    structure: Option<Vec<f32>>,
    timbre: Option<Vec<f32>>,
}

impl Ear<'_> {
    /// The material of a set, and the latent that its timbre is taken from.
    fn material(
        &self,
        sound: &[StereoFrame],
        sources: &mut Sources,
        words: &[Said],
        line: &mut dyn Progress,
        notices: &mut Vec<String>,
    ) -> anyhow::Result<(Arc<Material>, Arc<[f32]>)> {
        let Latent { source, structure, timbre } = self.all(sound, sources, line, notices)?;
        let told = &mut |it: live::StageProgress| line.tell(it.stage, it.done, it.total);
        let latents = Latents {
            source: &source,
            structure: structure.as_ref().unwrap_or(&source),
            timbre: timbre.as_ref().unwrap_or(&source),
        };
        let material = Arc::new(live::material_with(self.model, latents, words, told, &|| false)?);
        let timbre = timbre.map_or_else(|| Arc::clone(&material.source), Arc::from);
        Ok((material, timbre))
    }

    /// The latents of all recordings. One beside the one that is played on is no reason to play nothing: it is told, and left out of
    /// `sources`.
    fn all(
        &self,
        sound: &[StereoFrame],
        sources: &mut Sources,
        line: &mut dyn Progress,
        notices: &mut Vec<String>,
    ) -> anyhow::Result<Latent> {
        let source = self.one(sound, line)?;
        let mut others = [None, None];
        let named = [("structure", &mut sources.structure), ("timbre", &mut sources.timbre)];
        for ((what, named), latent) in named.into_iter().zip(&mut others) {
            let Some(path) = named.clone() else { continue };
            match recording::load_source(&path, self.longest, &mut |_| ()) {
                Ok(other) => *latent = Some(self.one(&other.pcm, line)?),
                Err(error) => {
                    notices.push(format!("{error}: {what} is the recording's own"));
                    *named = None;
                }
            }
        }
        let [structure, timbre] = others;
        Ok(Latent { source, structure, timbre })
    }

    /// The latent of a recording as the loop that it is, by a card where one computes it.
    fn one(&self, sound: &[StereoFrame], line: &mut dyn Progress) -> anyhow::Result<Vec<f32>> {
        match self.chosen.listen(self.folder, sound, line)? {
            Some(latent) => Ok(latent),
            None => Ok(live::listen(self.model, sound, &mut |it| line.tell(it.stage, it.done, it.total), &|| false)?),
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The model's folder: the named one, `$DEMON_MODEL`, or the first that is found.
///
/// # Errors
/// When there is none, with the places that were tried.
pub fn model_folder(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let asked = named.map(Path::to_owned).or_else(|| std::env::var_os("DEMON_MODEL").map(PathBuf::from));
    if let Some(folder) = asked {
        let trouble = match std::fs::metadata(&folder) {
            Ok(about) if about.is_dir() => return Ok(folder),
            Ok(about) => Trouble::Kind { found: Kind::of(&about), expected: "the folder of a model" },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Trouble::MissingFolder,
            Err(error) => Trouble::System(error),
        };
        bail!(FileError::reading(&folder)(trouble));
    }
    // Beside the binary too: it runs from anywhere in a source tree.
    let beside =
        std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.parent()?.join("models/house")));
    let mut places: Vec<PathBuf> = MODEL_PLACES.iter().map(PathBuf::from).collect();
    places.extend(beside);
    let found = places.iter().find(|it| it.join("config.json").exists());
    found.cloned().with_context(|| {
        let tried: Vec<String> = places.iter().map(|it| shown(it).to_string()).collect();
        format!("there is no model: tried {} (name one with --model FOLDER or $DEMON_MODEL)", tried.join(", "))
    })
}

/// The model that a start is on: the patch's, where the command line names none. With it what is to be said where both name one, and not
/// the same.
fn named_model(args: &SetArgs, patch: &Patch, folder: PathBuf) -> (PathBuf, Option<String>) {
    let Some(named) = patch.model.clone() else { return (folder, None) };
    if args.model.is_none() {
        return (named, None);
    }
    let found = shown(&named).to_string();
    let words =
        || format!("the patch's model: found {found}, expected {} (--model): it is played on that", shown(&folder));
    let told = (!is_same(&named, &folder)).then(words);
    (folder, told)
}

/// What cannot be done whatever lies in the files.
///
/// # Errors
/// [`Misused`].
pub fn check(args: &SetArgs) -> Result<(), Misused> {
    let stdin = Some(Path::new(STREAM));
    if args.source.as_deref() == stdin && args.midi.as_deref() == stdin {
        return Err(Misused("--source - and --midi -: only one of them can be standard input".to_owned()));
    }
    Ok(())
}

/// Every file that a run reads, with what it is: nothing may be written over one of them. Reads the patch, and of the model
/// the names of its files.
///
/// # Errors
/// When there is no such model or patch.
pub fn sources(args: &SetArgs) -> anyhow::Result<Vec<(PathBuf, &'static str)>> {
    let folder = model_folder(args.model.as_deref())?;
    let (Listed { patch, .. }, _) = first_that_is_read(args, &folder)?;
    let mut sources = Vec::new();
    sources.extend(recording(args, &patch, &folder).map(|it| (it, "recording that is played")));
    sources.extend(args.patch.clone().map(|it| (it, "patch that is played")));
    sources.extend(args.midi.clone().map(|it| (it, "MIDI file that is played")));
    let model = ModelFolder::find(&folder)?;
    let configs = [&model.denoiser, &model.codec, &model.text].map(|it| it.config.as_path());
    for folder in configs.into_iter().filter_map(Path::parent).chain([folder.as_path()]) {
        let files = std::fs::read_dir(folder).map_err(FileError::reading(folder))?;
        sources.extend(files.filter_map(Result::ok).map(|it| (it.path(), "model that plays")));
    }
    Ok(sources)
}

/// The recording to play on: the one that was asked for, the patch's, the model's own.
fn recording(args: &SetArgs, patch: &Patch, model: &Path) -> Option<PathBuf> {
    let own = || Some(model.join(OWN_RECORDING)).filter(|it| files::is_there(it));
    args.source.clone().or_else(|| patch.source.clone()).or_else(own)
}

/// Whether two names lead to one file or folder; where one leads nowhere, whether they are the same.
fn is_same(one: &Path, other: &Path) -> bool {
    match [one, other].map(std::fs::canonicalize) {
        [Ok(one), Ok(other)] => one == other,
        _ => one == other,
    }
}

/// What is wrong with a patch, in lines, and whether something of it was lost.
#[derive(Default)]
struct Told {
    lines: Vec<String>,
    stops: bool,
}

/// The patch as far as it is sound, and everything that is wrong with it.
fn patch(args: &SetArgs, model: &Path) -> anyhow::Result<(Listed, Told)> {
    use engine::param::ParamId;
    let (mut listed, mut told) = first_that_is_read(args, model)?;
    let patch = &mut listed.patch;
    let is_elsewhere = |own: &Path| args.source.as_deref().is_some_and(|it| !is_same(own, it));
    if patch.source.as_deref().is_some_and(is_elsewhere) {
        patch.part = None;
        if patch.leave_meter_out() {
            let words = "tempo, time signature and key of the patch are its own recording's: they do not count here";
            told.lines.push(words.to_owned());
        }
    }
    if let Some(seed) = args.seed {
        patch.values.set(ParamId::Seed, f64::from(seed));
    }
    if let Some(depth) = args.depth {
        patch.values.set(ParamId::Depth, f64::from(depth));
    }
    Ok((listed, told))
}

/// The named patch, or the model's own; where neither is of a format that is read, none at all.
fn first_that_is_read(args: &SetArgs, model: &Path) -> anyhow::Result<(Listed, Told)> {
    let (own, mut told) = (model.join(OWN_PATCH), Told::default());
    if let Some(path) = args.patch.as_deref() {
        let read = args.library().load_patch(path)?;
        // With another recording on the command line, the patch's own is nobody's affair.
        let refused = read.refused.filter(|_| args.source.is_none());
        told.stops |= read.is_faulty || refused.is_some();
        told.lines.extend(read.told.into_iter().chain(refused));
        if !read.is_newer {
            return Ok((Listed::new(name_of(path), read.patch, Some(path.to_owned())), told));
        }
    }
    // A model may be named by links, and its own patch is trusted as it is.
    if own.exists() {
        let path = own.as_path();
        let (patch, faults) = Patch::load_sound(path)?;
        told.stops |= faults.iter().any(|it| !it.mended);
        told.lines.extend((!faults.is_empty()).then(|| lines(path, &faults)));
        if !is_newer(&faults) {
            return Ok((Listed::new(name_of(path), patch, None), told));
        }
    }
    Ok((Listed::new(name_of(&own), Patch::default(), None), told))
}

/// Prompts as the model reads them. Without words it follows the source alone.
pub(super) fn said(words: &[Spoken], seconds: f64) -> Vec<Said> {
    let nothing = || vec![Said::from(prompt("", "", None, None, None, seconds))];
    let of = |it: &Spoken| {
        let prompt = prompt(&it.tags, &it.lyrics, it.bpm, it.key.as_deref(), it.time_signature, seconds);
        Said { prompt, weight: it.weight }
    };
    if words.is_empty() { nothing() } else { words.iter().map(of).collect() }
}

fn prompt(
    tags: &str,
    lyrics: &str,
    bpm: Option<u16>,
    key: Option<&str>,
    time_signature: Option<u8>,
    seconds: f64,
) -> model::Prompt {
    let instrumental = lyrics.trim().is_empty();
    model::Prompt {
        caption: tags.to_owned(),
        bpm: bpm.map(u32::from),
        time_signature: time_signature.map(|it| it.to_string()).unwrap_or_default(),
        key: key.unwrap_or_default().to_owned(),
        seconds: seconds.round() as u32,
        lyrics: if instrumental { "[Instrumental]" } else { lyrics }.to_owned(),
        language: if instrumental { "unknown" } else { "en" }.to_owned(),
    }
}

fn notices(source: &Source, patch: &Patch) -> Vec<String> {
    let mut notices: Vec<String> = source.notices.iter().map(ToString::to_string).collect();
    if patch.words().is_empty() {
        notices.push("the patch has no prompt: the model follows the source alone".to_owned());
    }
    notices
}
