//! `demon run`: the instrument, live.
//!
//! The conductor's thread: it opens everything, starts the fast threads, then turns gestures into values and draws the
//! status until someone leaves. A missing controller, terminal or real-time permission is said once and played without;
//! a missing sound card turns into a WAV file.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use engine::playback::Lead;
use hal::audio::{AlsaOut, Ask, AudioOut, WavFormat, WavOut, lock_memory};
use hal::gesture::{Clock, Roster, WallClock};
use hal::keys::KeySurface;
use hal::midi::{LiveMidi, Pairing, ScoreSurface};
use hal::usb::UsbSelect;

use crate::binding::Act;
use crate::cli::RunArgs;
use crate::conductor::Conductor;
use crate::device_side::DeviceSide;
use crate::fast::{self, Pulse};
use crate::hearing::Hearing;
use crate::progress::ProgressLine;
use crate::render::read_score;
use crate::rig::Rig;
use crate::set::Set;
use crate::surfaces::Surfaces;
use crate::view::View;

/// How often the status is drawn.
const FRAME: Duration = Duration::from_millis(100);
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
        bail!("--seconds: expected a number above 0");
    }
    let score = args.set.midi.as_deref().map(read_score).transpose()?;
    let mut progress = ProgressLine::new();
    let (out, place) = output(args, &progress)?;
    let mut set = Set::open(&args.set, &mut progress)?;
    let mut said = std::mem::take(&mut set.notices);
    let computes = set.computes.clone();
    progress.done();
    let stop = leave_on_signals()?;
    said.extend(lock_memory().err().map(|it| it.to_string()));
    let mut stage = Stage::start(set, out, &mut said)?;
    let clock = WallClock::start();
    let mut surfaces = Surfaces::default();
    if let Some(score) = score {
        let score = ScoreSurface::new(score, clock);
        surfaces.add(Box::new(if args.set.by_hand { score.by_hand() } else { score }))?;
    }
    let roster = Roster::default();
    if !args.no_midi {
        let midi = LiveMidi::open(clock, &roster, &Pairing::default(), UsbSelect::None);
        surfaces.add_opened(midi, &mut said);
    }
    surfaces.add_opened(KeySurface::open(clock), &mut said);
    let plain = args.plain || !std::io::stdout().is_terminal();
    let mut view = View::new(plain, &stage.name, stage.seconds, &computes, &place);
    said.iter().for_each(|it| view.say(it));
    let played = stage.play(&mut surfaces, clock, &mut view, args.seconds, &stop);
    surfaces.close();
    view.close();
    stage.finish(&view)?;
    played
}

/// The output and the words for it: the named device, the WAV file asked for, or a WAV file where no device opens.
fn output(args: &RunArgs, progress: &ProgressLine) -> anyhow::Result<(Box<dyn AudioOut + Send>, String)> {
    if let Some(path) = &args.wav {
        return Ok((Box::new(WavOut::paced(path, WavFormat::F32)), path.display().to_string()));
    }
    let name = args.device.as_deref().unwrap_or(DEFAULT_DEVICE);
    let mut device = AlsaOut::new(name);
    match device.open(Ask::default()) {
        Ok(_) => {
            device.close()?;
            Ok((Box::new(device), name.to_owned()))
        }
        Err(error) if args.device.is_some() => Err(error).context("the sound device that was asked for does not open"),
        Err(error) => {
            let path = free_take(Path::new("."))?;
            progress.say(&format!("{error}: playing into {} instead", path.display()));
            let words = path.display().to_string();
            Ok((Box::new(WavOut::paced(&path, WavFormat::F32)), words))
        }
    }
}

/// A name for a take that is not there yet.
fn free_take(folder: &Path) -> anyhow::Result<PathBuf> {
    let names = (1..=TAKES).map(|number| folder.join(format!("demon-take-{number:04}.wav")));
    names.into_iter().find(|path| !path.exists()).context("demon-take-0001.wav to demon-take-9999.wav all exist")
}

/// A flag that goes up when somebody wants the program to end.
pub(crate) fn leave_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
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
    hearing: Hearing,
    acts: Vec<Act>,
}

impl Stage {
    fn start(mut set: Set, out: Box<dyn AudioOut + Send>, said: &mut Vec<String>) -> anyhow::Result<Self> {
        let (seconds, name, tape_frames) = (set.seconds(), set.name.clone(), set.tape.len());
        let (device, tick_troubles, queues) = DeviceSide::new(set.recovery.take());
        let ask = Ask::default();
        let most = (LEAD_MOST_S * ask.rate_hz as usize).min(tape_frames / 2);
        let Rig { player, performer, snapshots, edges, patcher, values, conductor } =
            Rig::new(set, Lead::new(ask.period_frames, most))?;
        let meters = Arc::clone(conductor.transport().meters());
        let pulse = Arc::new(Pulse::default());
        let (tell, opened) = channel();
        // Sound first: the tape is the source itself, so there is something to hear before the first tick.
        let audio = fast::audio(out, ask, player, Arc::clone(&pulse), tell)?;
        if let Ok(Some(refused)) = opened.recv_timeout(Duration::from_secs(5)) {
            said.push(refused);
        }
        let others = vec![
            fast::ticks(performer, snapshots, edges, tick_troubles, Arc::clone(&pulse))?,
            fast::windows(patcher, values, meters, tape_frames, queues, Arc::clone(&pulse))?,
        ];
        Ok(Self {
            name,
            seconds,
            conductor,
            pulse,
            device,
            audio,
            others,
            opened,
            hearing: Hearing::default(),
            acts: Vec::new(),
        })
    }

    /// The conductor's loop.
    fn play(
        &mut self,
        surfaces: &mut Surfaces,
        clock: WallClock,
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
            if self.hear(surfaces, view) {
                break;
            }
            self.conductor.settle(clock.now());
            self.device.look_after(&mut self.conductor, view);
            if let Some(fault) = self.conductor.take_fault() {
                view.say(&fault);
            }
            if FRAME <= drawn.elapsed() {
                drawn = Instant::now();
                view.draw(&self.conductor, &self.pulse);
            }
        }
        Ok(())
    }

    /// Plays every gesture that is there, after waiting a moment for one; answers whether to leave.
    fn hear(&mut self, surfaces: &mut Surfaces, view: &mut View) -> bool {
        let mut acts = std::mem::take(&mut self.acts);
        self.hearing.wait(surfaces, &self.conductor);
        self.hearing.play(&mut self.conductor, &mut acts);
        let muted = self.conductor.transport().muted();
        let leave = acts.contains(&Act::Quit);
        acts.drain(..).for_each(|act| view.show(&act, muted));
        while let Some(fault) = surfaces.take_fault() {
            view.say(&fault);
        }
        self.acts = acts;
        leave
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
    fn a_take_never_overwrites_another() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let first = free_take(folder.path()).expect("a name is free");
        std::fs::write(&first, b"a take").expect("the folder takes files");
        let second = free_take(folder.path()).expect("a name is free");
        assert_ne!(first, second);
    }
}
