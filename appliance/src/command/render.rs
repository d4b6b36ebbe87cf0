//! `demon render`: the instrument on a virtual clock, into a file.
//!
//! The same engine as `demon run`, stepped by one thread: a tick takes [`RenderArgs::tick_ms`] of virtual time, gestures of
//! the MIDI file come at their own. No wall clock is read, so the same input gives the same bytes on every machine.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use engine::latent::{LATENT_CHANNELS, SAMPLE_RATE_HZ, StereoFrame};
use engine::live::Patched;
use engine::playback::{GUARD_LATENCY_FRAMES, Lead};
use hal::audio::{WavFormat, wav_header};
use hal::gesture::{Clock, Surface, SurfaceId, VirtualClock};
use hal::midi::{Pairing, Score, ScoreSurface};

use super::score::read_score;
use super::signals::{INTERRUPTED, listen};
use crate::compute::arguments::{BackendChoice, LONGEST_S, Misused, SetArgs, number};
use crate::compute::progress::{Progress as _, ProgressLine};
use crate::compute::set::{self, Set};
use crate::control::binding::Act;
use crate::files::{self, FileError, Part, Place, shown};
use crate::performance::ending::Leave;
use crate::performance::instrument::Instrument;

/// `demon render`.
#[derive(Args, Clone, Debug)]
pub struct RenderArgs {
    /// Source, patch, model.
    #[command(flatten)]
    pub set: SetArgs,
    /// Length of the result, above 0, at most 86400
    #[arg(long, value_name = "SECONDS", value_parser = number(f64::MIN_POSITIVE, LONGEST_S))]
    pub seconds: f64,
    /// WAV file to write (48 kHz, stereo, 32-bit float), `-` for standard output; past 4 GiB an RF64 file
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Time that one tick takes on the virtual clock, in milliseconds, 1 to 60000
    #[arg(long, value_name = "MS", default_value_t = 40.0, value_parser = number(1.0, 60_000.0))]
    pub tick_ms: f64,
    /// Also write every finished latent's number and hash, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub latents: Option<PathBuf>,
}

/// Stereo samples between two looks at clock, gestures and decoder: 5.3 ms.
const PERIOD: usize = 256;

/// What a render did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Ticks of the ring.
    pub ticks: u64,
    /// Latents that finished.
    pub latents: u64,
    /// Windows decoded and spliced in.
    pub windows: u64,
    /// Gestures played.
    pub gestures: u64,
}

/// Somebody ended a render before it was whole. What stood in its place still does.
#[derive(Debug, thiserror::Error)]
#[error("interrupted: nothing was written")]
pub struct Interrupted;

/// Renders into `args.out`. A file is written beside its place and moved there when it is whole; what cannot be written is
/// said before anything else is done.
///
/// # Errors
/// In words for a player, with the file and the fault.
pub fn render(args: &RenderArgs) -> anyhow::Result<Rendered> {
    if !(0.0 < args.seconds && args.seconds <= LONGEST_S) {
        bail!(Misused(format!("--seconds {}: expected more than 0 and at most {LONGEST_S}", args.seconds)));
    }
    if !(1.0..=60_000.0).contains(&args.tick_ms) {
        bail!(Misused(format!("--tick-ms {}: expected 1 to 60000", args.tick_ms)));
    }
    let (out, latents) = places(args)?;
    let mut progress = ProgressLine::new();
    let score = args.set.midi.as_deref().map(|path| read_score(path, &mut |words| progress.say(words))).transpose()?;
    let set = Set::open(&on_the_processor(&args.set), &mut progress)?;
    for notice in &set.notices {
        progress.say(notice);
    }
    // A file is begun: from here on whoever ends the program lets it take that away. What goes out as it comes needs no such
    // care, and a reader that stalls must not hold up the end.
    let leave = if out.is_stream() { Leave::new()? } else { listen(INTERRUPTED.into())? };
    let _file = leave.hold("the file");
    let log = latents.map(|it| it.begin()).transpose()?.map(BufWriter::new);
    let mut offline = Offline::new(set, (score, args.set.by_hand), args.tick_ms, log)?;
    write_wav(&out, args.seconds, &mut offline, &mut progress, leave.flag())?;
    progress.done();
    Ok(offline.rendered)
}

/// Where the sound goes, and the latents; neither is what is read, nor are they one.
fn places(args: &RenderArgs) -> anyhow::Result<(Place, Option<Place>)> {
    let out = Place::look(&args.out)?;
    let latents = args.latents.as_deref().map(Place::look).transpose()?;
    if latents.as_ref().is_some_and(|it| it.is_same(&out)) {
        bail!(Misused(format!("{}: named by --out and by --latents; give two names", out.name())));
    }
    set::check(&args.set)?;
    for (source, what) in set::sources(&args.set)? {
        std::iter::once(&out).chain(&latents).try_for_each(|it| it.spare(&source, what))?;
    }
    Ok((out, latents))
}

/// The name of a result, fit for a line.
#[must_use]
pub fn name_of(out: &Path) -> String {
    if out == Path::new(files::STREAM) { "standard output".to_owned() } else { shown(out).to_string() }
}

/// The whole instrument on one thread.
struct Offline {
    instrument: Instrument,
    score: ScoreSurface<VirtualClock>,
    clock: VirtualClock,
    log: Option<BufWriter<Part>>,
    /// Stereo samples from tick to tick.
    tick_frames: f64,
    next_tick: f64,
    now: u64,
    acts: Vec<Act>,
    rendered: Rendered,
}

impl Offline {
    fn new(
        set: Set,
        (score, by_hand): (Option<Score>, bool),
        tick_ms: f64,
        log: Option<BufWriter<Part>>,
    ) -> anyhow::Result<Self> {
        // On a virtual clock a decode takes no time at all: once that is measured, windows land a period ahead.
        let lead = Lead::new(PERIOD, set.tape.len());
        let mut instrument = Instrument::new(set, lead)?;
        // A file is no loudspeaker: its first beat is whole.
        instrument.player.open_at_once();
        let clock = VirtualClock::default();
        let pairing = Pairing::default();
        for surface in [SurfaceId::SCORE, SurfaceId::RECORDED_HANDS] {
            pairing.set(surface, instrument.engine.conductor.binding().map().pairs(surface));
        }
        let score = ScoreSurface::new(score.unwrap_or_default(), clock.clone(), &pairing);
        Ok(Self {
            instrument,
            score: if by_hand { score.by_hand() } else { score },
            clock,
            log,
            tick_frames: tick_ms / 1e3 * f64::from(SAMPLE_RATE_HZ),
            next_tick: 0.0,
            now: 0,
            acts: Vec::new(),
            rendered: Rendered::default(),
        })
    }

    /// Plays one period.
    fn period(&mut self, out: &mut [StereoFrame]) -> anyhow::Result<()> {
        self.clock.set(Duration::from_secs_f64(self.now as f64 / f64::from(SAMPLE_RATE_HZ)));
        while let Some(gesture) = self.score.next_gesture(Duration::ZERO)? {
            self.rendered.gestures += 1;
            self.acts.clear();
            self.instrument.engine.conductor.play(&gesture, &mut self.acts);
        }
        // Nobody is told of programs here.
        let _ = self.instrument.engine.conductor.come_in(self.clock.now(), &mut self.acts);
        self.instrument.engine.conductor.settle(self.clock.now());
        while self.next_tick <= self.now as f64 {
            self.tick()?;
            self.next_tick += self.tick_frames;
        }
        let values = self.instrument.engine.values.latest();
        let course = self.instrument.engine.conductor.transport().course();
        if let Patched::Sent { .. } = self.instrument.engine.patcher.patch(&values, &course) {
            self.rendered.windows += 1;
        }
        self.instrument.player.fill(out);
        self.now += out.len() as u64;
        Ok(())
    }

    fn tick(&mut self) -> anyhow::Result<()> {
        let (log, rendered) = (&mut self.log, &mut self.rendered);
        let mut failed = None;
        let report = self.instrument.engine.ticks.tick(|serial, latent| {
            rendered.latents += 1;
            if let Some(log) = log {
                failed = failed.take().or(write_latent(log, serial, latent).err());
            }
        })?;
        // A file is rendered whole or not at all: there is nobody who could hear that generations are missing.
        if let Some(refusal) = report.refusal {
            bail!("a generation cannot be computed: {refusal}");
        }
        rendered.ticks += 1;
        failed.map_or(Ok(()), |error| Err(error).context("the latent log cannot be written"))
    }
}

/// One line of the latent log: number, frames, and a hash of every bit.
fn write_latent(log: &mut impl Write, serial: u64, latent: &[f32]) -> std::io::Result<()> {
    // FNV-1a over the bits: no security is asked of it, only that two different latents are told apart.
    let hash = latent.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, value| {
        (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0100_0000_01b3)
    });
    let frames = latent.len() / LATENT_CHANNELS;
    writeln!(log, r#"{{"serial": {serial}, "frames": {frames}, "hash": "{hash:016x}"}}"#)
}

fn write_wav(
    place: &Place,
    seconds: f64,
    offline: &mut Offline,
    progress: &mut ProgressLine,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let unwritable = FileError::writing::<std::io::Error>(place.path());
    let total = (seconds * f64::from(SAMPLE_RATE_HZ)).round() as usize;
    let mut wav = BufWriter::new(place.begin()?);
    wav.write_all(&wav_header(WavFormat::F32, SAMPLE_RATE_HZ, Some(total as u64))).map_err(&unwritable)?;
    // The guard's look-ahead comes out first; leaving it out puts sample 0 of the file on sample 0 of the tape.
    let mut early = GUARD_LATENCY_FRAMES;
    let mut written = 0;
    let mut period = [[0.0; 2]; PERIOD];
    let mut bytes = Vec::new();
    while written < total {
        if stop.load(Relaxed) {
            bail!(Interrupted);
        }
        offline.period(&mut period)?;
        let skipped = early.min(PERIOD);
        early -= skipped;
        let heard = &period[skipped..];
        let heard = &heard[..heard.len().min(total - written)];
        bytes.clear();
        WavFormat::F32.append(heard, &mut bytes);
        wav.write_all(&bytes).map_err(&unwritable)?;
        written += heard.len();
        progress.tell("rendering", written / 48, total / 48);
    }
    finish(wav).map_err(&unwritable)??;
    match offline.log.take() {
        Some(log) => Ok(finish(log).context("the latent log cannot be written")??),
        None => Ok(()),
    }
}

/// What is still on its way is written, and the file takes its place.
fn finish(part: BufWriter<Part>) -> std::io::Result<Result<(), FileError>> {
    Ok(part.into_inner().map_err(std::io::IntoInnerError::into_error)?.finish())
}

/// A rendering is to give the same bytes on every machine, unless somebody asks for a card.
fn on_the_processor(args: &SetArgs) -> SetArgs {
    SetArgs { backend: args.backend.or(Some(BackendChoice::Cpu)), ..args.clone() }
}
