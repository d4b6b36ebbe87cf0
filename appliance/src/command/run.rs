//! `demon run`: the instrument, live.
//!
//! Arguments, what is refused of them, and the order in which everything is opened; what is opened then plays in
//! [`crate::performance`]. Whatever can be refused is refused before a model is loaded. A missing controller, terminal, sound
//! device or real-time permission is said once and played without.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use engine::param::ParamId;
use hal::audio::lock_memory;
use hal::gesture::{Roster, SurfaceId, WallClock};
use hal::midi::Score;

use super::come_back::come_back;
use super::from_box::AskArgs;
use super::recording::Recording;
use super::score::read_score;
use super::signals::listen_with;
use super::sound::sound;
use super::stdout::say;
use super::tape_back::{PlayerIs, tape_back};
use crate::compute::arguments::{Misused, SetArgs, number};
use crate::compute::health::{Poller, Watch};
use crate::compute::set::{self, Set};
use crate::display::displays::Displays;
use crate::display::messages::{FaultKey, Messages};
use crate::display::terminal::Terminal;
use crate::files::{Place, STREAM};
use crate::handover::folder::folder;
use crate::latency::kept;
use crate::performance::beginning::Beginning;
use crate::performance::box_news::BoxNews;
use crate::performance::conductor::Conductor;
use crate::performance::ending::{Hold, Leave, SOUND};
use crate::performance::keeper::{Keeper, Kept};
use crate::performance::on_purpose::Who;
use crate::performance::output::Output;
use crate::performance::stage::{Crashed, Sound, Stage};
use crate::performance::surface_side::SurfaceSide;
use crate::performance::take_recorder::TakeRecorder;
use crate::performance::tape_keeper::TapeKept;
use crate::performance::view::{LAST_WORDS, View};
use crate::performance::wrong_files::WrongFiles;
use crate::recorder::Kind;
use crate::service::attendant::{Looked, attend};
use crate::service::systemd::Systemd;
use crate::settings::box_file::{AtStart, BOX_FILE, BoxConfig};
use crate::settings::last_state::Shelf;
use crate::settings::learnt_maps::{self, LearntMaps};
use crate::settings::patch::{Patch, Sources};
use crate::settings::profile::{self, Profiles};
use crate::settings::set_list::{Listed, SetList};
use crate::surface::hardware::{Hardware, Wanted};
use crate::takes::Ear;

/// `demon run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// Source, patch, model.
    #[command(flatten)]
    pub set: SetArgs,
    /// ALSA device, waited for while it is absent or busy [default: `default`; on a machine without any sound card the sound goes
    /// into demon-take-NNNN.wav until there is one]
    #[arg(long, value_name = "PCM")]
    pub device: Option<String>,
    /// Write a WAV file in real time instead of opening a sound card
    #[arg(long, value_name = "FILE", conflicts_with = "device")]
    pub wav: Option<PathBuf>,
    /// How the sound device is asked.
    #[command(flatten)]
    pub ask: AskArgs,
    /// What is played first [default: the box's file's, `last`: values, scenes, undo, patch, bank, mute, screen and the sound of the tape as they were left, where
    /// they belong to the same patch and recording]
    #[arg(long, value_enum)]
    pub at_start: Option<AtStart>,
    /// Whether the command line itself asks for what was played last: whoever types that wants it, whatever came of it before.
    #[arg(skip)]
    pub wants_last: bool,
    /// Engine and sound in one process: the sound ends with it, however it ends
    #[arg(long)]
    pub in_process: bool,
    /// Start no player: wait for the one that the system keeps, and for it again when it is gone
    #[arg(long, conflicts_with_all = ["in_process", "wav", "device"])]
    pub wait_for_player: bool,
    /// Folder in which the player is found or started [default: $DEMON_RUNTIME, $XDG_RUNTIME_DIR/demon, /run/demon or /tmp/demon-USER]
    #[arg(long, value_name = "FOLDER")]
    pub runtime: Option<PathBuf>,
    /// Write down in this folder whatever is sent to the player, for who checks what was heard (`make survive`)
    #[arg(long, value_name = "FOLDER", hide = true, conflicts_with = "in_process")]
    pub witness: Option<PathBuf>,
    /// Who crashes once windows come, for who checks what becomes of it (`make survive`)
    #[arg(long, value_enum, value_name = "WHO", hide = true)]
    pub crash: Vec<Who>,
    /// Stop after so many seconds, above 0 [default: play until `q` twice or Ctrl-C]
    #[arg(long, value_name = "SECONDS", value_parser = number(f64::MIN_POSITIVE, f64::MAX))]
    pub seconds: Option<f64>,
    /// Draw no screen; print what changes, every fault, and how it goes every ten seconds
    #[arg(long)]
    pub plain: bool,
    /// Open no live MIDI ports
    #[arg(long)]
    pub no_midi: bool,
    /// Hear the machine's power key: held, or pressed twice, it is `switch-off`, for boxes whose system leaves it to us
    #[arg(long)]
    pub power_key: bool,
    /// What is built into the box: panels, displays, keys, USB MIDI [default: /etc/demon/demon.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of what the box remembers: learnt maps, the last state [default: $DEMON_STATE, /var/lib/demon, or ~/.local/state/demon]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// Patches to change to while playing, by program change or `{` and `}`: the .toml files of a folder, by the number that
    /// their names begin with, else by name
    #[arg(long, value_name = "FOLDER")]
    pub set_list: Option<PathBuf>,
}

/// Exit code of a run that was asked to end: that is how it ends.
const ASKED: i32 = 0;

/// Plays until someone leaves.
///
/// # Errors
/// In words for a player, with the file or device and the fault.
pub fn run(args: &RunArgs) -> anyhow::Result<()> {
    // From here on a signal ends it, also while something slow is read.
    let (leave, broken_off) = listen_with(ASKED)?;
    set::check(&args.set)?;
    // The box's file first: it says on what the start is shown.
    let state = learnt_maps::folder(args.state.as_deref());
    let (config, faults, trial) = BoxConfig::open_on_trial(args.config.as_deref(), &state)?;
    let breaks_off = trial.clone();
    let _ = broken_off.send(Box::new(move || breaks_off.broken_off()));
    let args = &args.or(&config);
    // What goes into a file is recorded already.
    let minutes = if args.wav.is_some() { 0 } else { config.takes.behind_minutes };
    let loudness_lufs = config.audio.loudness_lufs;
    let clock = WallClock::start();
    let displays = Displays::open(&config.displays, clock)?;
    let mut view = View::new(Terminal::open(args.plain, config.terminal_high_contrast)?, displays, clock);
    view.measured(kept::shown(&state));
    match start(args, (config, faults), clock, &leave, &mut view) {
        Ok(Begun { mut stage, mut surface_side, recording, kept, kept_tape, performance: _performance }) => {
            recording.begin();
            stage.crash_on_purpose(&args.crash);
            let recorder = recording.recorder().clone();
            let note = Box::new(move |words: &str| recorder.note(Kind::Told, words));
            let words = attend(Systemd::of_environment(), Looked { note, ..stage.looked() })?;
            words.say(&format!("plays {}", stage.playing().0));
            // Whoever keeps the state has the folder of takes.
            let keeps = kept.is_some();
            let mut keeper = Keeper::begin(trial, kept, &leave, view.messages());
            keeper.keep_tape(kept_tape, view.messages());
            let ear = stage.conductor().transport().tee().map(Ear::new).filter(|_| keeps);
            surface_side.match_to(loudness_lufs);
            let takes = record_takes(ear, (&state, minutes), &mut surface_side, &leave, view.messages());
            stage.play(&mut surface_side, &mut view, &mut keeper, args.seconds);
            let ended = stage.finish(surface_side, view);
            let crashed = ended.as_ref().is_err_and(anyhow::Error::is::<Crashed>);
            keeper.end(crashed).iter().for_each(|it| say(it));
            takes.into_iter().flat_map(|it| it.end(leave.deadline())).for_each(|it| say(&it));
            recording.end(&ended);
            words.end();
            ended
        }
        Err(error) => {
            let displays = view.not_started(&format!("{error:#}"));
            let shown = leave.spawn("displays", move || displays.leave_shown())?;
            let _ = shown.join_by(Instant::now() + LAST_WORDS);
            Err(error)
        }
    }
}

/// A performance that sounds, with hands.
struct Begun {
    stage: Stage,
    surface_side: SurfaceSide,
    recording: Recording,
    /// What is kept of it for the next start.
    kept: Option<Kept>,
    /// The same of its tape.
    kept_tape: Option<TapeKept>,
    /// From here on the end has an order.
    performance: Hold,
}

/// Everything from the box's file to the first sound, told on the displays as it goes.
fn start(
    args: &RunArgs,
    (config, faults): (BoxConfig, Vec<String>),
    clock: WallClock,
    leave: &Leave,
    view: &mut View,
) -> anyhow::Result<Begun> {
    // Everything that can be refused is, before anything slow begins; and before a screen stands, which a refusal would sweep away.
    let checked = output(args)?;
    let (mut said, mut wrong) = (Vec::new(), WrongFiles::default());
    let score =
        args.set.midi.as_deref().map(|path| read_score(path, &mut |it| said.push(it.to_owned()))).transpose()?;
    let (list, more) = SetList::of_folder_in(args.set_list.as_deref(), args.set.library())?;
    view.step("starting");
    if !faults.is_empty() {
        view.say_wrong(box_file(args), &faults.join("\n"));
        wrong.add(&box_file(args), Box::new(wrong_with_box_file));
    }
    for remark in more {
        view.say_remark(&remark);
        let library = args.set.library();
        let check = move |path: &Path| library.wrong_with_patch(path);
        remark.file.into_iter().for_each(|it| wrong.add(&it, Box::new(check.clone())));
    }
    said.drain(..).for_each(|it| view.say_found(&it));
    // Nothing was made up to here: a refusal leaves nothing behind.
    let state = learnt_maps::folder(args.state.as_deref());
    let at_start = args.at_start.unwrap_or_default();
    let mut played_last = if at_start == AtStart::Last { Shelf::peek(&state) } else { None };
    let mut set = open(args, &mut played_last, view, &mut said)?;
    let computes = set.computes.clone();
    let (recording, why_not) = Recording::open(&state);
    view.messages().record_to(recording.recorder().clone());
    said.extend(why_not);
    view.step("opening the sound");
    // From here on the end has an order.
    let performance = leave.hold("the performance");
    said.extend(lock_memory().err().map(|it| it.to_string()));
    let mut list = list.starting_with(first(&args.set, &set));
    said.extend(list.take_kept(&state));
    // What was kept of it plays; what its file says is the list's affair.
    set.patch.scenes = list.started().map(|it| it.scenes).unwrap_or_default();
    let (sound, place) = sound(args, checked, set.tape.len(), &mut said, &mut |it| view.say_found(it))?;
    // Only with the sound nothing can be refused any more: a start that was refused is no crash.
    let player = player_is(&sound, &set);
    let (mut kept, last) = come_back(args, &set.start.0, set.start.1, &mut list, &mut said);
    if last.is_none() && played_last.take().is_some() {
        // What was played last does not come back, and so neither does what it was played on.
        let scenes = std::mem::take(&mut set.patch.scenes);
        set = open(args, &mut None, view, &mut said)?;
        set.patch.scenes = scenes;
    }
    kept.iter_mut().for_each(|it| it.begins_on(played_last.as_ref(), &set.start_model));
    let (tape, file) = tape_back(args, &set.tape, player, (kept.is_some(), last.is_some()), &mut said);
    let screens = last.as_ref().map(|it| it.state.screens.clone()).unwrap_or_default();
    let muted = last.as_ref().map_or(at_start == AtStart::Silence, |it| it.state.muted);
    let sources = set.sources.clone();
    let loads = last.as_ref().map(|it| it.state.loads.clone()).unwrap_or_default();
    let tape_sum = engine::playback::sum_of(&set.tape);
    let mut stage = Stage::start(set, sound, Beginning { ask: args.ask.ask(), muted, last, tape }, leave)?;
    let kept_tape = file.zip(stage.conductor().transport().tape_reader());
    let kept_tape = kept_tape.map(|(file, reader)| TapeKept { file, recording: tape_sum, reader });
    view.displays().put(&screens);
    let around = around(args, (score, list, config, said), wrong, clock, &mut stage, view);
    let (mut surface_side, gpu) = around.inspect_err(|_| end_in_order(leave))?;
    surface_side.plays_on(sources, loads, stage.conductor());
    surface_side.record_to(recording.recorder().clone());
    surface_side.hear_of_the_box(BoxNews::begin(&folder(args.runtime.as_deref())));
    view.begin(stage.playing(), &computes, &place, gpu);
    Ok(Begun { stage, surface_side, recording, kept, kept_tape, performance })
}

/// Has what is played recorded; where there is no thread for that, it is told.
fn record_takes(
    ear: Option<Ear>,
    (state, minutes): (&Path, u32),
    surface_side: &mut SurfaceSide,
    leave: &Leave,
    messages: &mut Messages,
) -> Option<TakeRecorder> {
    match TakeRecorder::start(ear?, state, minutes, leave) {
        Ok(recorder) => {
            surface_side.record_takes(recorder.hand());
            Some(recorder)
        }
        Err(error) => {
            messages.fault(FaultKey::Takes, &format!("nothing is recorded: {error}"));
            None
        }
    }
}

/// Opens the set on what was played last, where that can be; else on what the start itself plays on, and that is said.
fn open(args: &RunArgs, last: &mut Option<Sources>, view: &mut View, said: &mut Vec<String>) -> anyhow::Result<Set> {
    let mut set = match Set::open_on(&args.set, last.as_ref(), view) {
        Err(error) if last.take().is_some() => {
            said.push(format!("{error:#}: it was played last; the start's own recording plays"));
            Set::open_on(&args.set, None, view)?
        }
        opened => opened?,
    };
    said.append(&mut set.notices);
    Ok(set)
}

/// Who is to play a set.
fn player_is(sound: &Sound, set: &Set) -> PlayerIs {
    match sound {
        Sound::Here(_) => PlayerIs::Here,
        Sound::Remote(remote) if remote.stands(&set.tape) => PlayerIs::PlayingOn,
        Sound::Remote(_) => PlayerIs::New,
    }
}

/// The patch that is started with, as its file has it.
fn first(args: &SetArgs, set: &Set) -> Listed {
    let patch = Patch { source: set.own_source.clone(), ..set.patch.clone() };
    let seed = args.seed.map(|it| (ParamId::Seed, f64::from(it)));
    let over = seed.into_iter().chain(args.depth.map(|it| (ParamId::Depth, f64::from(it)))).collect();
    let mut first = Listed::new(set.patch_name.clone(), patch, set.patch_file.clone());
    (first.over, first.recording) = (over, set.patch.source.clone());
    first
}

/// What was read of the command line and the files that it names.
type Read = (Option<Score>, SetList, BoxConfig, Vec<String>);

/// Opens hands and the card's watch around a stage that sounds already.
fn around(
    args: &RunArgs,
    (score, list, config, mut said): Read,
    mut wrong: WrongFiles,
    clock: WallClock,
    stage: &mut Stage,
    view: &mut View,
) -> anyhow::Result<(SurfaceSide, Watch)> {
    view.step("opening controllers");
    let gpu = Watch::start(Poller::new(None, 0))?;
    let (profiles, remarks) = Profiles::with_folder(&profile_folder(args));
    let settings = (config, profiles);
    let mut surface_side = begin(args, score, list, (settings, clock), stage.conductor(), &mut said)?;
    view.end_progress();
    said.iter().for_each(|it| view.say_found(it));
    for remark in remarks {
        view.say_remark(&remark);
        remark.file.into_iter().for_each(|it| wrong.add(&it, Box::new(profile::wrong_with)));
    }
    surface_side.watch_files(wrong);
    Ok((surface_side, gpu))
}

/// Whatever failed around it: the sound ends in order.
fn end_in_order(leave: &Leave) {
    leave.ask();
    let until = leave.deadline();
    while leave.still_there().contains(&SOUND) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Opens the hands' side: what controllers have learnt, every surface.
fn begin(
    args: &RunArgs,
    score: Option<Score>,
    list: SetList,
    ((config, profiles), clock): ((BoxConfig, Profiles), WallClock),
    conductor: &mut Conductor,
    said: &mut Vec<String>,
) -> anyhow::Result<SurfaceSide> {
    let (learnt, faults) = LearntMaps::open(&learnt_maps::folder(args.state.as_deref()));
    said.extend(faults);
    said.extend(learnt.why_not_kept());
    let score = score.map(|score| (score, args.set.by_hand));
    let score_pairs = conductor.binding().map().pairs(SurfaceId::SCORE);
    let wanted = Wanted { score, score_pairs, midi: !args.no_midi, terminal: true, power_key: args.power_key };
    let hardware = Hardware::open(&config, wanted, clock, Roster::default(), said)?;
    Ok(SurfaceSide::begin(hardware, learnt, list, clock, (config, profiles), conductor)?)
}

/// Where further profiles of controllers are: beside the box's file.
fn profile_folder(args: &RunArgs) -> PathBuf {
    box_file(args).with_file_name("profiles")
}

/// What is wrong with a box's file, in words.
fn wrong_with_box_file(path: &Path) -> Option<String> {
    let told = BoxConfig::open(Some(path)).map_or_else(|error| vec![error.to_string()], |it| it.1);
    (!told.is_empty()).then(|| told.join("\n"))
}

/// Where the box's file is.
fn box_file(args: &RunArgs) -> PathBuf {
    args.config.clone().unwrap_or_else(|| BOX_FILE.into())
}

/// Of a file that the sound is to go to: whether it can. Makes none yet.
fn output(args: &RunArgs) -> anyhow::Result<Option<Output>> {
    let Some(path) = &args.wav else { return Ok(None) };
    if path == Path::new(STREAM) {
        bail!(Misused("--wav -: what is played is told on standard output; give a name".to_owned()));
    }
    let place = Place::look(path)?;
    for (source, what) in sources(args)? {
        place.spare(&source, what)?;
    }
    Ok(Some(Output::File(place)))
}

/// Every file that this run reads, with what it is.
fn sources(args: &RunArgs) -> anyhow::Result<Vec<(PathBuf, &'static str)>> {
    let mut sources = set::sources(&args.set)?;
    sources.extend(args.config.clone().map(|it| (it, "box file")));
    sources.push((learnt_maps::folder(args.state.as_deref()).join(learnt_maps::FILE), "learnt maps"));
    for folder in args.set_list.iter().cloned().chain([profile_folder(args)]) {
        let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        sources.extend(files.map(|it| (it.path(), "set list or the profiles")));
    }
    Ok(sources)
}
