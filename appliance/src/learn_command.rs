//! `demon learn`: gives a control a meaning from the command line, and shows or forgets what was given.
//!
//! The same lesson as on the surface, without sound: it opens the controllers, waits for one to be turned or pressed, and
//! saves what it was.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use engine::param::Store;
use hal::gesture::{Clock, Roster, WallClock};

use crate::binding::{Act, Binding, Target, prompt};
use crate::cli::LearnArgs;
use crate::config::BoxConfig;
use crate::desk::Desk;
use crate::document::alike;
use crate::files::plain;
use crate::hands::{Hands, Wanted};
use crate::memory::{self, Memory};
use crate::run::leave_on_signals;

/// How long one look for a gesture takes; the program looks for a reason to leave between two.
const PATIENCE: Duration = Duration::from_millis(100);

/// Learns, lists or forgets.
///
/// # Errors
/// In words for a player: no such target, no controller, nothing learnt, or a file that cannot be written.
pub fn learn(args: &LearnArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let folder = memory::folder(args.state.as_deref());
    let (mut memory, faults) = Memory::open(&folder);
    for fault in faults {
        writeln!(out, "{fault}")?;
    }
    if args.list {
        return list(&memory, out);
    }
    let Some(name) = args.target.as_deref() else {
        bail!("name what is to be learnt: a parameter of `demon params`, or a deed (see `demon learn --help`)")
    };
    let target = target(name)?;
    if let Some(words) = memory.why_not_kept() {
        writeln!(out, "{words}")?;
    }
    if args.forget {
        return forget(&mut memory, target, out);
    }
    let (config, faults) = BoxConfig::open(args.config.as_deref())?;
    let (clock, roster, mut said) = (WallClock::start(), Roster::default(), faults);
    let wanted = Wanted { score: None, score_pairs: 0, midi: true, terminal: false };
    let hands = Hands::open(&config, wanted, clock, roster, &mut said)?;
    for words in said {
        writeln!(out, "{words}")?;
    }
    let stop = leave_on_signals()?;
    let learnt = teach(target, &hands, clock, (&mut memory, args.seconds), &stop, out);
    hands.surfaces.close();
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
    hands: &Hands,
    clock: WallClock,
    (memory, seconds): (&mut Memory, Option<f64>),
    stop: &AtomicBool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let (mut binding, mut desk) = (Binding::default(), Desk::new(Store::new().0));
    memory.recall(&hands.roster, binding.map_mut());
    binding.teach(target, clock.now());
    writeln!(out, "{} (Ctrl-C leaves)", prompt(Some(target)))?;
    let (begun, mut batch, mut acts) = (Instant::now(), Vec::new(), Vec::new());
    while !stop.load(Relaxed) && seconds.is_none_or(|most| begun.elapsed().as_secs_f64() < most) {
        hands.surfaces.take(PATIENCE, &mut batch);
        batch.drain(..).for_each(|gesture| binding.play(&gesture, &mut desk, &mut acts));
        for act in acts.drain(..) {
            if let Some(words) = act.words() {
                writeln!(out, "{words}")?;
            }
            if let Act::Learnt(surface, _) = act {
                let identity = hands.roster.identity(surface).context("the controller has left")?;
                let entries = binding.map().learnt(surface).to_vec();
                return memory.keep(identity, entries).map_err(anyhow::Error::msg);
            }
        }
        while let Some(fault) = hands.surfaces.take_fault() {
            writeln!(out, "{fault}")?;
        }
    }
    bail!("nothing learnt")
}

fn list(memory: &Memory, out: &mut impl Write) -> anyhow::Result<()> {
    if memory.controllers().is_empty() {
        writeln!(out, "nothing has been learnt")?;
    }
    for (identity, entries) in memory.controllers() {
        writeln!(out, "{}", plain(&format!("{} ({identity}):", identity.name)))?;
        for entry in entries {
            let channel = entry.channel.map_or_else(String::new, |channel| format!(" ch {channel}"));
            writeln!(out, "  {:<20} {}", format!("{}{channel}", entry.on), entry.target.name())?;
        }
    }
    Ok(())
}

fn forget(memory: &mut Memory, target: Target, out: &mut impl Write) -> anyhow::Result<()> {
    let mut forgotten = 0;
    for (identity, entries) in memory.controllers().to_vec() {
        let mut kept = entries.clone();
        kept.retain(|entry| entry.target != target);
        if kept.len() < entries.len() {
            forgotten += entries.len() - kept.len();
            memory.keep(identity, kept).map_err(anyhow::Error::msg)?;
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
    use super::{learn, target, teach};
    use crate::binding::Target;
    use crate::cli::LearnArgs;
    use crate::hands::Hands;
    use crate::memory::Memory;
    use crate::surfaces::Surfaces;
    use engine::param::ParamId;
    use hal::gesture::{FakeSurface, Identity, Roster, WallClock};
    use hal::midi::Pairing;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_knob_is_learnt_listed_and_forgotten_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut memory, _) = Memory::open(folder.path());
        let roster = Roster::default();
        let mut surfaces = Surfaces::default();
        roster.arrive(&Identity::new("fake", "fake"));
        surfaces.add(Box::new(FakeSurface::default().turn(74, 65).turn(74, 65).turn(74, 65))).expect("a thread");
        let hands = Hands { surfaces, roster, pairing: Pairing::default(), other_programs: None };
        let (stop, mut out) = (AtomicBool::new(false), Vec::new());
        let denoise = Target::Param(ParamId::Denoise);
        teach(denoise, &hands, WallClock::start(), (&mut memory, Some(30.0)), &stop, &mut out).expect("it was turned");
        hands.surfaces.close();
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
