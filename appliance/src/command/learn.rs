//! `demon learn`: gives a control a meaning from the command line, and shows or forgets what was given.
//!
//! The same lesson as on the surface, without sound: it opens the controllers, waits for one to be turned or pressed, and
//! saves what it was.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use engine::param::Store;
use hal::gesture::{Clock, Roster, WallClock};

use super::signals::listen;
use crate::compute::arguments::number;
use crate::control::binding::{Act, Binding, Target, prompt};
use crate::control::desk::Desk;
use crate::files::document::alike;
use crate::files::plain;
use crate::performance::ending::End;
use crate::settings::box_file::BoxConfig;
use crate::settings::learnt_maps::{self, LearntMaps};
use crate::surface::hardware::{Hardware, Wanted};
use crate::surface::troubles::Trouble;

/// `demon learn`.
#[derive(Args, Clone, Debug)]
pub struct LearnArgs {
    /// What is to be learnt: a parameter of `demon params`, or a deed: scene-1, keep-scene-1, morph-1-2, undo, redo, panic,
    /// revert, mute, reseed, start, tap, learn, shift-layer, bank-1, next-bank, next-patch, browse, selected, next-screen
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// Show what every controller has learnt
    #[arg(long)]
    pub list: bool,
    /// Forget what was learnt for TARGET
    #[arg(long)]
    pub forget: bool,
    /// What is built into the box [default: /etc/demon/demon.toml where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of what the box remembers [default: $DEMON_STATE, /var/lib/demon, or ~/.local/state/demon]
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
    /// Give up after so many seconds, above 0 [default: wait until Ctrl-C]
    #[arg(long, value_name = "SECONDS", value_parser = number(f64::MIN_POSITIVE, f64::MAX))]
    pub seconds: Option<f64>,
}

/// How long surfaces are given to end.
const CLOSING: Duration = Duration::from_secs(2);
/// How long one look for a gesture takes; the program looks for a reason to leave between two.
const PATIENCE: Duration = Duration::from_millis(100);

/// Learns, lists or forgets.
///
/// # Errors
/// In words for a player: no such target, no controller, nothing learnt, or a file that cannot be written.
pub fn learn(args: &LearnArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let folder = learnt_maps::folder(args.state.as_deref());
    let (mut learnt, faults) = LearntMaps::open(&folder);
    for fault in faults {
        writeln!(out, "{fault}")?;
    }
    if args.list {
        return list(&learnt, out);
    }
    let Some(name) = args.target.as_deref() else {
        bail!("name what is to be learnt: a parameter of `demon params`, or a deed (see `demon learn --help`)")
    };
    let target = target(name)?;
    if let Some(words) = learnt.why_not_kept() {
        writeln!(out, "{words}")?;
    }
    if args.forget {
        return forget(&mut learnt, target, out);
    }
    let leave = listen(1)?;
    let _lesson = leave.hold("the lesson");
    let (config, faults) = BoxConfig::open(args.config.as_deref())?;
    let (clock, roster, mut said) = (WallClock::start(), Roster::default(), faults);
    let wanted = Wanted { score: None, score_pairs: 0, midi: true, terminal: false, power_key: false };
    let hardware = Hardware::open(&config, wanted, clock, roster, &mut said)?;
    for words in said {
        writeln!(out, "{words}")?;
    }
    let learnt = teach(target, &hardware, clock, (&mut learnt, args.seconds), leave.flag(), out);
    let surfaces = leave.spawn("surfaces", move || hardware.surfaces.close(CLOSING))?;
    let hangs = match surfaces.join_by(leave.deadline()) {
        End::Done(names) => names,
        End::Not => vec!["surfaces".to_owned()],
        End::Crashed => Vec::new(),
    };
    for name in hangs {
        writeln!(out, "{name} did not end in time")?;
    }
    learnt
}

fn target(name: &str) -> anyhow::Result<Target> {
    if let Some(target) = Target::from_name(name) {
        return Ok(target);
    }
    let names = Target::names();
    match alike(name, names.iter().map(String::as_str)) {
        Some(alike) => bail!("'{name}' can not be learnt; did you mean {alike}?"),
        None => bail!("'{name}' can not be learnt; expected a parameter of `demon params`, or a deed like scene-1"),
    }
}

fn teach(
    target: Target,
    hardware: &Hardware,
    clock: WallClock,
    (learnt, seconds): (&mut LearntMaps, Option<f64>),
    stop: &AtomicBool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let (mut binding, mut desk) = (Binding::default(), Desk::new(Store::new().0));
    learnt.recall(&hardware.roster, binding.map_mut());
    binding.teach(target, clock.now());
    writeln!(out, "{} (Ctrl-C leaves)", prompt(Some(target)))?;
    let (begun, mut batch, mut acts) = (Instant::now(), Vec::new(), Vec::new());
    while !stop.load(Relaxed) && seconds.is_none_or(|most| begun.elapsed().as_secs_f64() < most) {
        hardware.surfaces.take(PATIENCE, &mut batch);
        batch.drain(..).for_each(|gesture| binding.play(&gesture, &mut desk, &mut acts));
        for act in acts.drain(..) {
            if let Some(words) = act.words() {
                writeln!(out, "{words}")?;
            }
            if let Act::Learnt(surface, _) = act {
                let identity = hardware.roster.identity(surface).context("the controller has left")?;
                let entries = binding.map().learnt(surface).to_vec();
                return learnt.keep(identity, entries).map_err(anyhow::Error::msg);
            }
        }
        for trouble in hardware.surfaces.take_troubles() {
            if let Trouble::Stands(_, words) | Trouble::Once(words, _) = trouble {
                writeln!(out, "{}", plain(&words))?;
            }
        }
    }
    bail!("nothing learnt")
}

fn list(learnt: &LearntMaps, out: &mut impl Write) -> anyhow::Result<()> {
    if learnt.controllers().is_empty() {
        writeln!(out, "nothing has been learnt")?;
    }
    for (identity, entries) in learnt.controllers() {
        writeln!(out, "{}", plain(&format!("{} ({identity}):", identity.name)))?;
        for entry in entries {
            let channel = entry.channel.map_or_else(String::new, |channel| format!(" ch {channel}"));
            writeln!(out, "  {:<20} {}", format!("{}{channel}", entry.on), entry.target.name())?;
        }
    }
    Ok(())
}

fn forget(learnt: &mut LearntMaps, target: Target, out: &mut impl Write) -> anyhow::Result<()> {
    let mut forgotten = 0;
    for (identity, entries) in learnt.controllers().to_vec() {
        let mut kept = entries.clone();
        kept.retain(|entry| entry.target != target);
        if kept.len() < entries.len() {
            forgotten += entries.len() - kept.len();
            learnt.keep(identity, kept).map_err(anyhow::Error::msg)?;
        }
    }
    if forgotten == 0 {
        bail!("no control has learnt {}", target.name());
    }
    writeln!(out, "{} is forgotten by {forgotten} controls", target.name())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::LearnArgs;
    use super::{learn, target, teach};
    use crate::control::binding::Target;
    use crate::settings::learnt_maps::LearntMaps;
    use crate::surface::hardware::Hardware;
    use crate::surface::surfaces::Surfaces;
    use engine::param::ParamId;
    use hal::gesture::{FakeSurface, Identity, Roster, WallClock};
    use hal::midi::Pairing;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_knob_is_learnt_listed_and_forgotten_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut learnt, _) = LearntMaps::open(folder.path());
        let roster = Roster::default();
        let mut surfaces = Surfaces::default();
        roster.arrive(&Identity::new("fake", "fake"));
        surfaces.add(Box::new(FakeSurface::default().turn(74, 65).turn(74, 65).turn(74, 65))).expect("a thread");
        let hardware = Hardware { surfaces, roster, pairing: Pairing::default(), other_programs: None };
        let (stop, mut out) = (AtomicBool::new(false), Vec::new());
        let denoise = Target::Param(ParamId::Denoise);
        teach(denoise, &hardware, WallClock::start(), (&mut learnt, Some(30.0)), &stop, &mut out)
            .expect("it was turned");
        assert_eq!(hardware.surfaces.close(std::time::Duration::from_secs(20)), Vec::<String>::new());
        let state = Some(folder.path().to_owned());
        let args = LearnArgs { target: None, list: true, forget: false, config: None, state, seconds: None };
        learn(&args, &mut out).expect("a list");
        let forget = LearnArgs { target: Some("denoise".to_owned()), list: false, forget: true, ..args };
        learn(&forget, &mut out).expect("it was learnt");
        let told = String::from_utf8(out).expect("text");
        for words in ["endless encoder", "fake (fake):", "cc 74 ch 1", "denoise is forgotten by 1 controls"] {
            assert!(told.contains(words), "{words}\n{told}");
        }
        assert!(learn(&forget, &mut Vec::new()).is_err(), "there is nothing left to forget");
    }

    #[test]
    fn a_misspelt_target_is_told_with_the_one_that_was_meant() {
        let told = target("denois").expect_err("a slip").to_string();
        assert!(told.contains("did you mean denoise?"), "{told}");
    }
}
