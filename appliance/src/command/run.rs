//! `demon run`: the instrument, live.
//!
//! Arguments, what is refused of them, and the order in which everything is opened; what is opened then plays in
//! [`crate::performance`]. Whatever can be refused is refused before a model is loaded. A missing controller, terminal, sound
//! device or real-time permission is said once and played without.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use hal::audio::lock_memory;
use hal::gesture::{Roster, SurfaceId, WallClock};
use hal::midi::Score;

use super::score::read_score;
use super::signals::listen;
use crate::compute::arguments::{Misused, SetArgs, number};
use crate::compute::health::{Poller, Watch};
use crate::compute::progress::ProgressLine;
use crate::compute::set::{self, Set};
use crate::display::displays::Displays;
use crate::display::messages::Level;
use crate::display::terminal::Terminal;
use crate::files::{Place, STREAM, append};
use crate::handover::folder;
use crate::handover::link::somebody;
use crate::performance::conductor::Conductor;
use crate::performance::ending::SOUND;
use crate::performance::output::Output;
use crate::performance::remote::{NotStarted, Remote, StartPlayer, own_folder};
use crate::performance::stage::{Sound, Stage};
use crate::performance::surface_side::SurfaceSide;
use crate::performance::view::View;
use crate::settings::box_file::{self, BoxConfig};
use crate::settings::learnt_maps::{self, LearntMaps};
use crate::settings::profile::Profiles;
use crate::settings::set_list::{Listed, SetList};
use crate::surface::hardware::{Hardware, Wanted};

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
    /// Engine and sound in one process: the sound ends with it, however it ends
    #[arg(long)]
    pub in_process: bool,
    /// Folder in which the player is found or started [default: $DEMON_RUNTIME, $XDG_RUNTIME_DIR/demon, /run/demon or /tmp/demon-USER]
    #[arg(long, value_name = "FOLDER")]
    pub runtime: Option<PathBuf>,
    /// Write down in this folder whatever is sent to the player, for who checks what was heard (`make survive`)
    #[arg(long, value_name = "FOLDER", hide = true, conflicts_with = "in_process")]
    pub witness: Option<PathBuf>,
    /// Stop after so many seconds, above 0 [default: play until `q` twice or Ctrl-C]
    #[arg(long, value_name = "SECONDS", value_parser = number(f64::MIN_POSITIVE, f64::MAX))]
    pub seconds: Option<f64>,
    /// Draw no screen; print what changes, every fault, and how it goes every ten seconds
    #[arg(long)]
    pub plain: bool,
    /// Open no live MIDI ports
    #[arg(long)]
    pub no_midi: bool,
    /// What is built into the box: panels, displays, keys, USB MIDI [default: /etc/demon/demon.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of what the box remembers: learnt maps [default: $DEMON_STATE, /var/lib/demon, or ~/.local/state/demon]
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
    let leave = listen(ASKED)?;
    // Everything that can be refused is, before anything slow begins.
    set::check(&args.set)?;
    let mut progress = ProgressLine::new();
    let checked = output(args)?;
    let mut said = Vec::new();
    let score =
        args.set.midi.as_deref().map(|path| read_score(path, &mut |it| said.push(it.to_owned()))).transpose()?;
    let (config, faults) = BoxConfig::open(args.config.as_deref())?;
    let (list, more) = SetList::of_folder(args.set_list.as_deref())?;
    let mut set = Set::open_sound(&args.set, &mut progress)?;
    said.append(&mut set.notices);
    said.extend(faults.into_iter().chain(more));
    let computes = set.computes.clone();
    progress.done();
    // From here on the end has an order.
    let _performance = leave.hold("the performance");
    said.extend(lock_memory().err().map(|it| it.to_string()));
    let list = list.starting_with(Listed { name: set.patch_name.clone(), patch: set.patch.clone() });
    let (sound, place) = sound(args, checked, set.tape.len(), &mut said)?;
    let stage = Stage::start(set, sound, &leave)?;
    let played = play(args, stage, (score, list, config, said), (&computes, &place), &progress);
    if played.is_err() {
        // Whatever failed around it: the sound ends in order.
        leave.ask();
        let until = leave.deadline();
        while leave.still_there().contains(&SOUND) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    played
}

/// What was read of the command line and the files that it names.
type Read = (Option<Score>, SetList, BoxConfig, Vec<String>);

/// Opens hands and displays around a stage that sounds already, and plays until someone leaves.
fn play(
    args: &RunArgs,
    mut stage: Stage,
    (score, list, config, mut said): Read,
    (computes, place): (&str, &str),
    progress: &ProgressLine,
) -> anyhow::Result<()> {
    let clock = WallClock::start();
    let displays = Displays::open(&config.displays, clock)?;
    let gpu = Watch::start(Poller::new(None, 0))?;
    let mut surface_side = begin(args, score, list, (config, clock), stage.conductor(), &mut said)?;
    // Above the status, where they stay: a message line would show them for a moment among others.
    said.iter().flat_map(|it| it.lines()).for_each(|it| progress.say(it));
    let (name, seconds) = stage.playing();
    let mut view = View::new(Terminal::open(args.plain)?, name, seconds, computes, place).with(displays, gpu);
    said.iter().for_each(|it| view.messages().tell_printed(Level::Warning, it));
    stage.play(&mut surface_side, &mut view, args.seconds);
    stage.finish(surface_side, view)
}

/// Who plays, and where: a player that is there or is started, or this process where it is asked for or cannot be otherwise.
fn sound(
    args: &RunArgs,
    checked: Option<Output>,
    tape_frames: usize,
    said: &mut Vec<String>,
) -> anyhow::Result<(Sound, String)> {
    let runtime = folder::folder(args.runtime.as_deref());
    // A take is this run's own as a file is, so that several runs have one each; but whoever plays already is joined.
    let takes = || args.device.is_none() && !somebody(&runtime) && Output::to_device(None).is_file();
    let own = args.wav.is_some() || !args.in_process && takes();
    let folder = if own { own_folder(&runtime) } else { runtime };
    if args.in_process {
        return here(args, checked, None, said);
    }
    if let Err(why) = folder::make(&folder) {
        return here(args, checked, Some(&why), said);
    }
    let option = |name: &str, value: OsString| vec![OsString::from(name), value];
    let wav = args.wav.clone().map(|it| option("--wav", it.into()));
    let output = wav.or_else(|| args.device.clone().map(|it| option("--device", it.into()))).unwrap_or_default();
    let program = std::env::current_exe().context("this program's own file")?;
    let (mut remote, found) = match Remote::find_or_start(StartPlayer { program, output, folder, own }, tape_frames) {
        Ok(found) => found,
        // What cannot be here either, such as a file that cannot be written, is said again by who tries it.
        Err(error) => return here(args, checked, Some(&error.downcast::<NotStarted>()?.to_string()), said),
    };
    if let Some(folder) = &args.witness {
        remote.write_down(append(&folder.join(format!("{}.log", std::process::id())))?);
    }
    let place = remote.place().to_owned();
    if found {
        let asked =
            args.device.as_ref().filter(|it| **it != place).map_or(String::new(), |it| format!(", not to {it}"));
        said.push(format!("the player that runs (process {}) plays to {place}{asked}", remote.process()));
    }
    Ok((Sound::Remote(Box::new(remote)), place))
}

/// This process plays, since that is asked for, or for this reason.
fn here(
    args: &RunArgs,
    checked: Option<Output>,
    why: Option<&str>,
    said: &mut Vec<String>,
) -> anyhow::Result<(Sound, String)> {
    said.extend(why.map(|it| format!("{it}: engine and sound are one process, and end together")));
    let output = checked.unwrap_or_else(|| Output::to_device(args.device.as_deref()));
    let (out, place, words) = output.make()?;
    said.extend(words);
    Ok((Sound::Here(out), place))
}

/// Opens the hands' side: what controllers have learnt, every surface.
fn begin(
    args: &RunArgs,
    score: Option<Score>,
    list: SetList,
    (config, clock): (BoxConfig, WallClock),
    conductor: &mut Conductor,
    said: &mut Vec<String>,
) -> anyhow::Result<SurfaceSide> {
    let (learnt, faults) = LearntMaps::open(&learnt_maps::folder(args.state.as_deref()));
    said.extend(faults);
    said.extend(learnt.why_not_kept());
    let score = score.map(|score| (score, args.set.by_hand));
    let score_pairs = conductor.binding().map().pairs(SurfaceId::SCORE);
    let wanted = Wanted { score, score_pairs, midi: !args.no_midi, terminal: true };
    let hardware = Hardware::open(&config, wanted, clock, Roster::default(), said)?;
    let (profiles, faults) = Profiles::with_folder(&profile_folder(args));
    said.extend(faults);
    Ok(SurfaceSide::begin(hardware, learnt, list, clock, (config, profiles), conductor)?)
}

/// Where further profiles of controllers are: beside the box's file.
fn profile_folder(args: &RunArgs) -> PathBuf {
    let file = args.config.clone().unwrap_or_else(|| box_file::BOX_FILE.into());
    file.with_file_name("profiles")
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
