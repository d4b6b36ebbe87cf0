//! `demon run`: the instrument, live.
//!
//! The conductor's thread: it opens everything, starts the fast threads, then turns gestures into values and draws the
//! status until someone leaves. A missing controller, terminal or real-time permission is said once and played without;
//! a missing sound card turns into a WAV file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use engine::playback::Lead;
use hal::audio::{AlsaOut, Ask, AudioOut, WavFormat, WavOut, lock_memory};
use hal::gesture::{Roster, SurfaceId, WallClock};
use hal::midi::Score;

use super::score::read_score;
use super::signals::leave_on_signals;
use crate::compute::arguments::{Misused, SetArgs, number};
use crate::compute::health::{Poller, Watch};
use crate::compute::progress::ProgressLine;
use crate::compute::set::{self, Set};
use crate::display::displays::Displays;
use crate::display::terminal::Terminal;
use crate::files::{Place, STREAM, Take, shown};
use crate::performance::conductor::Conductor;
use crate::performance::device_side::DeviceSide;
use crate::performance::instrument::Instrument;
use crate::performance::surface_side::SurfaceSide;
use crate::performance::threads::{self, Pulse};
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
    /// ALSA device [default: `default`; where that does not open, sound goes to a WAV file]
    #[arg(long, value_name = "PCM")]
    pub device: Option<String>,
    /// Write a WAV file in real time instead of opening a sound card
    #[arg(long, value_name = "FILE", conflicts_with = "device")]
    pub wav: Option<PathBuf>,
    /// Stop after so many seconds [default: play until `q` twice or Ctrl-C]
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

/// How often the status is drawn.
const FRAME: Duration = Duration::from_millis(33);
/// Longest time that a decoded window is allowed to land ahead, in seconds of the tape.
const LEAD_MOST_S: usize = 8;
/// The device that is tried when none is named.
const DEFAULT_DEVICE: &str = "default";
/// Names that are tried for a take: beyond this the folder wants tidying.
const TAKES: u32 = 9999;

/// Plays until someone leaves.
///
/// # Errors
/// In words for a player, with the file or device and the fault.
pub fn run(args: &RunArgs) -> anyhow::Result<()> {
    if args.seconds.is_some_and(|it| !(it > 0.0 && it.is_finite())) {
        bail!(Misused("--seconds: expected a number above 0".to_owned()));
    }
    // Everything that can be refused is, before anything slow begins.
    set::check(&args.set)?;
    let mut progress = ProgressLine::new();
    let wanted = wanted(args)?;
    let mut missed = Vec::new();
    let say = &mut |words: &str| missed.push(words.to_owned());
    let score = args.set.midi.as_deref().map(|path| read_score(path, say)).transpose()?;
    let (config, faults) = BoxConfig::open(args.config.as_deref())?;
    let mut told = faults;
    let (list, faults) = SetList::of_folder(args.set_list.as_deref())?;
    told.extend(faults);
    let mut set = Set::open_sound(&args.set, &mut progress)?;
    let mut said = missed;
    said.append(&mut set.notices);
    said.append(&mut told);
    let computes = set.computes.clone();
    progress.done();
    let stop = leave_on_signals()?;
    said.extend(lock_memory().err().map(|it| it.to_string()));
    let list = list.starting_with(Listed { name: set.patch_name.clone(), patch: set.patch.clone() });
    let (out, place) = output(wanted, &progress)?;
    let mut stage = Stage::start(set, out, &mut said)?;
    let clock = WallClock::start();
    let displays = Displays::open(&config.displays, clock)?;
    let gpu = Watch::start(Poller::new(None, 0))?;
    let mut surface_side = begin(args, score, list, (config, clock), &mut stage.conductor, &mut said)?;
    // Above the status, where they stay: a message line would show them for a moment among others.
    said.iter().flat_map(|it| it.lines()).for_each(|it| progress.say(it));
    let terminal = Terminal::open(args.plain)?;
    let plain = terminal.is_plain();
    let mut view = View::new(terminal, &stage.name, stage.seconds, &computes, &place).with(displays, gpu);
    if !plain {
        // A screen stands over what was printed above it.
        said.iter().flat_map(|it| it.lines()).for_each(|it| view.say(it));
    }
    let played = stage.play(&mut surface_side, &mut view, args.seconds, &stop);
    surface_side.close();
    view.close();
    stage.finish(&view)?;
    played
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

/// Where the sound is to go.
enum Output {
    /// To a device, which opens.
    Device(AlsaOut, String),
    /// Into a file.
    File(Place),
    /// Into a take, since no device opens, for this reason.
    Take(String),
}

/// The named device, the WAV file asked for, or a take where no device opens. Makes no file yet.
fn wanted(args: &RunArgs) -> anyhow::Result<Output> {
    if let Some(path) = &args.wav {
        if path == Path::new(STREAM) {
            bail!(Misused("--wav -: what is played is told on standard output; give a name".to_owned()));
        }
        let place = Place::look(path)?;
        for (source, what) in sources(args)? {
            place.spare(&source, what)?;
        }
        return Ok(Output::File(place));
    }
    let name = args.device.as_deref().unwrap_or(DEFAULT_DEVICE);
    let mut device = AlsaOut::new(name);
    match device.open(Ask::default()) {
        Ok(_) => {
            device.close()?;
            Ok(Output::Device(device, name.to_owned()))
        }
        Err(error) if args.device.is_some() => Err(error).context("the sound device that was asked for does not open"),
        Err(error) => Ok(Output::Take(error.to_string())),
    }
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

/// The output and the words for it.
fn output(wanted: Output, progress: &ProgressLine) -> anyhow::Result<(Box<dyn AudioOut + Send>, String)> {
    let (take, words) = match wanted {
        Output::Device(device, name) => return Ok((Box::new(device), name)),
        Output::File(place) => (Take::at(&place)?, place.name()),
        Output::Take(why) => {
            let (take, path) = free_take(Path::new("."))?;
            progress.say(&format!("{why}: playing into {} instead", shown(&path)));
            (take, shown(&path).to_string())
        }
    };
    Ok((Box::new(WavOut::onto(&words, Box::new(take), WavFormat::F32)), words))
}

/// A take of a name that nobody else has.
fn free_take(folder: &Path) -> anyhow::Result<(Take, PathBuf)> {
    let names = (1..=TAKES).map(|number| folder.join(format!("demon-take-{number:04}.wav")));
    Take::first_of(names).context("no take can be begun")
}

/// The running threads and the conductor.
struct Stage {
    name: String,
    seconds: f64,
    conductor: Conductor,
    pulse: Arc<Pulse>,
    device: DeviceSide,
    audio: std::thread::JoinHandle<Result<(), hal::audio::OutError>>,
    others: Vec<std::thread::JoinHandle<()>>,
    opened: Receiver<Option<String>>,
}

impl Stage {
    fn start(mut set: Set, out: Box<dyn AudioOut + Send>, said: &mut Vec<String>) -> anyhow::Result<Self> {
        let (seconds, name, tape_frames) = (set.seconds(), set.name.clone(), set.tape.len());
        let (device, tick_troubles, queues) = DeviceSide::new(set.recovery.take());
        let ask = Ask::default();
        let most = (LEAD_MOST_S * ask.rate_hz as usize).min(tape_frames / 2);
        let Instrument { player, ticks, patcher, values, conductor } =
            Instrument::new(set, Lead::new(ask.period_frames, most))?;
        let meters = Arc::clone(conductor.transport().meters());
        let pulse = Arc::new(Pulse::default());
        let (tell, opened) = channel();
        // Sound first: the tape is the source itself, so there is something to hear before the first tick.
        let audio = threads::audio(out, ask, player, Arc::clone(&pulse), tell)?;
        if let Ok(Some(refused)) = opened.recv_timeout(Duration::from_secs(5)) {
            said.push(refused);
        }
        let others = vec![
            threads::ticks(ticks, tick_troubles, Arc::clone(&pulse))?,
            threads::windows(patcher, values, meters, tape_frames, queues, Arc::clone(&pulse))?,
        ];
        Ok(Self { name, seconds, conductor, pulse, device, audio, others, opened })
    }

    /// The conductor's loop.
    fn play(
        &mut self,
        surface_side: &mut SurfaceSide,
        view: &mut View,
        seconds: Option<f64>,
        stop: &AtomicBool,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut drawn = begun;
        while !stop.load(Relaxed) && seconds.is_none_or(|it| begun.elapsed().as_secs_f64() < it) {
            if self.audio.is_finished() {
                bail!("the output ended");
            }
            if surface_side.hear(&mut self.conductor, view) {
                break;
            }
            self.device.look_after(&mut self.conductor, view);
            if let Some(fault) = self.conductor.take_fault() {
                view.say(&fault);
            }
            if FRAME <= drawn.elapsed() {
                drawn = Instant::now();
                view.draw(&self.conductor, &self.pulse, surface_side.patch_name(), surface_side.now());
            }
        }
        Ok(())
    }

    /// Fades out, ends the threads, and says how it went.
    fn finish(self, view: &View) -> anyhow::Result<()> {
        self.conductor.transport().set_muted(true);
        std::thread::sleep(Duration::from_millis(60));
        self.pulse.stop.store(true, Relaxed);
        let sound = self.audio.join();
        let others: Vec<_> = self.others.into_iter().map(std::thread::JoinHandle::join).collect();
        drop(self.opened);
        view.farewell(&self.pulse, self.conductor.transport().meters());
        match sound {
            Ok(played) => played.context("the output failed")?,
            Err(_) => bail!("the audio thread crashed; please report it"),
        }
        if others.iter().any(Result::is_err) {
            bail!("the engine crashed; the tape played on. Please report it");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::free_take;

    #[test]
    fn two_takes_that_are_begun_at_once_have_two_names() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let takes = [(); 3].map(|()| free_take(folder.path()).expect("a name is free"));
        let names = takes.each_ref().map(|(_, path)| path.file_name().expect("a name").to_owned());
        assert_eq!(names, ["demon-take-0001.wav", "demon-take-0002.wav", "demon-take-0003.wav"]);
        drop(takes);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "takes without a sound go again");
    }
}
