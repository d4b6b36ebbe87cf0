//! `demon latency`: how long a gesture takes from the hand to the ear, as a table or as JSON.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use clap::Args;
use hal::audio::{AlsaIn, AlsaOut, Ask, has_card, lock_memory};

use super::from_box::{AskArgs, fill_in};
use super::signals::{INTERRUPTED, listen};
use super::stdout::say;
use crate::compute::arguments::{Misused, SetArgs};
use crate::compute::progress::{Progress as _, ProgressLine};
use crate::compute::set::{self, Set};
use crate::files::shown;
use crate::latency::{ClassReport, Delay, Figures, Interrupted, Report, classes, kept, loopback, measure};
use crate::performance::output::DEFAULT_DEVICE;
use crate::settings::box_file::BoxConfig;
use crate::settings::learnt_maps;

/// `demon latency`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The instrument plays muted, and hands that nobody has move one parameter of each class at random moments. With --loopback a sweep of \
21 ms at -34 dB sounds five times, once it has been said: lay a cable from the output to the input, or hold a microphone to the \
loudspeaker. The figures are kept in the state folder, and the displays show them.\n\n\
Exit codes: 0 all that was asked for was measured; 1 something was not; 2 the command line asks for what cannot be done; 130 it was \
interrupted. The sound device has to be free: `demon player --stop` ends a player.")]
pub struct LatencyArgs {
    /// Source, patch, model.
    #[command(flatten)]
    pub set: SetArgs,
    /// ALSA device whose delay counts [default: the box's file's, `default`]
    #[arg(long, value_name = "PCM")]
    pub device: Option<String>,
    /// How the sound device is asked.
    #[command(flatten)]
    pub ask: AskArgs,
    /// ALSA device that hears the output by a cable or a microphone: the delay is measured too
    #[arg(long, value_name = "PCM")]
    pub loopback: Option<String>,
    /// Measure the sound device alone, by its loopback
    #[arg(long, requires = "loopback")]
    pub device_only: bool,
    /// Moves of each class, 1 to 1000
    #[arg(long, value_name = "COUNT", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub hands: u32,
    /// What is built into the box [default: /etc/demon/demon.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of what the box remembers [default: $DEMON_STATE, /var/lib/demon, or ~/.local/state/demon]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Something was to be measured and was not; what stands in the table.
#[derive(Debug, thiserror::Error)]
#[error("{0} of {1} rows were not measured")]
pub struct NotMeasured(usize, usize);

/// A device that takes everything and makes no sound, where there is none.
const NO_DEVICE: &str = "null";
/// From the words that say that something will sound until it does.
const BEFORE_IT_SOUNDS: Duration = Duration::from_millis(500);

/// Measures, keeps, and tells `out`.
///
/// # Errors
/// [`NotMeasured`]; [`Interrupted`]; in words, when the set cannot be played.
pub fn latency(args: &LatencyArgs, out: &mut impl Write) -> anyhow::Result<()> {
    if args.set.midi.is_some() {
        return Err(Misused("--midi: `demon latency` has hands of its own".to_owned()).into());
    }
    set::check(&args.set)?;
    let (config, faults) = BoxConfig::open(args.config.as_deref())?;
    faults.iter().for_each(|it| say(it));
    let mut args = args.clone();
    fill_in(&mut args.set, &config.play);
    args.ask = args.ask.or(&config.audio);
    let named = args.device.take().or(config.audio.device);
    let ask = args.ask.ask();
    let mut delay = Delay::default();
    let device = device(named, &mut delay);
    let leave = listen(INTERRUPTED.into())?;
    hear(&args, &device, ask, &mut delay);
    let report = if args.device_only {
        device_alone(&device, ask, delay)
    } else {
        let mut progress = ProgressLine::new();
        let set = Set::open_sound(&args.set, &mut progress)?;
        set.notices.iter().for_each(|it| progress.say(it));
        progress.done();
        play(&args, set, (device, ask), delay, &leave)?
    };
    tell(&report, args.json, out)?;
    // Displays show what was measured, and nothing by halves.
    if !args.device_only && report.failed() == 0 {
        let folder = learnt_maps::folder(args.state.as_deref());
        match kept::keep(&folder, &report) {
            Ok(path) if !args.json => writeln!(out, "kept in {}", shown(&path))?,
            Ok(_) => {}
            Err(error) => say(&format!("the figures are not kept: {error}")),
        }
    }
    out.flush()?;
    // The device is a row too.
    let rows = report.classes.len() + 1;
    match report.failed() {
        0 => Ok(()),
        failed => Err(NotMeasured(failed, rows).into()),
    }
}

/// The device that is measured, and what is skipped where there is none.
fn device(named: Option<String>, delay: &mut Delay) -> String {
    if named.is_some() || has_card() {
        return named.unwrap_or_else(|| DEFAULT_DEVICE.to_owned());
    }
    let words =
        "the sound device's own delay: there is no sound card; `demon latency --device NAME` where there is one";
    delay.skipped.push(words.to_owned());
    NO_DEVICE.to_owned()
}

/// Measures the device by its loopback, where that is asked for.
fn hear(args: &LatencyArgs, device: &str, ask: Ask, delay: &mut Delay) {
    let Some(input) = &args.loopback else {
        let words = "what the sound device really takes: lay a cable from its output to its input, and \
                     `demon latency --loopback NAME`";
        return delay.skipped.push(words.to_owned());
    };
    say(&format!("a quiet sweep sounds five times on {device} now, and is listened for on {input}"));
    std::thread::sleep(BEFORE_IT_SOUNDS);
    match loopback(&mut AlsaOut::new(device), &mut AlsaIn::new(input), ask) {
        Ok(round) => delay.take(&round),
        Err(error) => delay.failed = Some(error.to_string()),
    }
}

fn play(
    args: &LatencyArgs,
    set: Set,
    (device, ask): (String, Ask),
    mut delay: Delay,
    leave: &crate::performance::ending::Leave,
) -> anyhow::Result<Report> {
    let (computes, tape_s) = (set.computes.clone(), set.seconds());
    let _performance = leave.hold("the measurement");
    if let Err(refused) = lock_memory() {
        say(&refused.to_string());
    }
    let out = Box::new(AlsaOut::new(&device));
    let measured = match measure(set, out, ask, args.hands as usize, leave) {
        Err(error) if error.is::<Interrupted>() => return Err(error),
        done => done.context("nothing was measured")?,
    };
    measured.said.iter().for_each(|it| say(it));
    // Without it there are no figures of the way to the ear.
    delay.failed = delay.failed.or_else(|| measured.away.clone());
    delay.told = measured.device;
    let [depth, steps] = measured.depth;
    Ok(Report {
        depth,
        steps,
        tape_s,
        computes,
        classes: classes(&measured),
        late_windows: measured.late,
        underruns: measured.underruns,
        ..device_alone(&device, ask, delay)
    })
}

/// A report of nothing but the sound device.
fn device_alone(device: &str, ask: Ask, delay: Delay) -> Report {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Report {
        format: crate::latency::FORMAT,
        measured_at: since.as_secs(),
        computes: String::new(),
        depth: 0,
        steps: 0,
        tape_s: 0.0,
        device: (device.to_owned(), ask.period_frames, ask.periods),
        classes: Vec::new(),
        delay,
        late_windows: 0,
        underruns: 0,
    }
}

fn tell(report: &Report, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    if json {
        serde_json::to_writer_pretty(&mut *out, report)?;
        return Ok(writeln!(out)?);
    }
    let (device, period, periods) = &report.device;
    if !report.classes.is_empty() {
        writeln!(
            out,
            "{}, {} generations of {} steps in flight, {:.1} s of tape; sound to {device}, {periods} periods of {period}",
            report.computes, report.depth, report.steps, report.tape_s
        )?;
        writeln!(out, "{:<9} {:<16} {:>10} {:>10} {:>10}", "class", "way", "p50", "p99", "max")?;
    }
    report.classes.iter().try_for_each(|it| class(it, out))?;
    delay(report, out)?;
    let skipped = report.classes.iter().filter(|it| it.skipped.is_some()).count() + report.delay.skipped.len();
    let measured = report.classes.iter().filter(|it| it.is_measured()).count();
    let passed = measured + usize::from(report.delay.measured_ms.is_some());
    Ok(writeln!(out, "{passed} passed, {} failed, {skipped} skipped", report.failed())?)
}

fn class(of: &ClassReport, out: &mut impl Write) -> std::io::Result<()> {
    if let Some(why) = &of.skipped {
        return writeln!(out, "{:<9} skipped: {why}", of.class);
    }
    for (at, way) in of.ways.iter().enumerate() {
        let first = if at == 0 { of.class.as_str() } else { "" };
        writeln!(out, "{first:<9} {:<16} {}", way.way, three(&way.figures))?;
    }
    let [made, followed] = of.moves;
    if !of.is_measured() {
        writeln!(out, "{:<9} NOT MEASURED: {followed} of {made} moves were followed to the ear", of.class)?;
    }
    Ok(())
}

fn delay(report: &Report, out: &mut impl Write) -> std::io::Result<()> {
    let Delay { told, told_with_loopback_ms, measured_ms, spread_ms, skipped, failed } = &report.delay;
    if let Some(told) = told {
        writeln!(out, "{:<9} {:<16} {}", "device", "as it tells", three(told))?;
    }
    if let Some((measured, spread)) = measured_ms.zip(*spread_ms) {
        let told = told_with_loopback_ms.unwrap_or_default();
        writeln!(
            out,
            "{:<9} {:<16} {measured:>7.2} ms, within {spread:.2} ms; it tells {told:.2} ms",
            "device", "by the cable"
        )?;
    }
    failed.iter().try_for_each(|it| writeln!(out, "{:<9} NOT MEASURED: {it}", "device"))?;
    if report.late_windows + report.underruns > 0 {
        let (late, gaps) = (report.late_windows, report.underruns);
        writeln!(out, "{:<9} {late} windows came too late, {gaps} gaps of the device", "meanwhile")?;
    }
    skipped.iter().try_for_each(|it| writeln!(out, "{:<9} skipped: {it}", "device"))
}

fn three(of: &Figures) -> String {
    let ms = |ms: f64| format!("{ms:.1} ms");
    format!("{:>10} {:>10} {:>10}", ms(of.p50_ms), ms(of.p99_ms), ms(of.max_ms))
}
