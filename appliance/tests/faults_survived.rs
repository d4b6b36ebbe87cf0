//! Goal: whatever crashes or runs out beside the sound, the sound goes on, it is said in words, and what hands did is kept; and no value
//! changes by itself.
//! Method: the real program with a sound device that is a file, so that what is heard is how long the file is. Crashes on purpose (`--crash`);
//! a limit on the length of files, which refuses writes as a full disk does; a limit on memory; lives that end in random order.

mod doors_support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use appliance::recorder::{Entry, Kind, read};
use appliance::settings::last_state::{LastState, parse};
use doors_support::{Demon, PATIENCE, demon, goes_on, heard, run, surround, until, with_device};
use engine::param::ParamId;
use rustix::process::{Resource, Rlimit, Signal, prlimit};

/// Room above what a process has when its memory is limited.
const ROOM_BYTES: u64 = 64 << 20;

fn state(folder: &Path) -> Option<LastState> {
    parse(&fs::read_to_string(folder.join("state/last-state.toml")).ok()?).ok()
}

/// Hands that move the sixteen main parameters at random, forty times a second, for longer than any life here.
fn restless(folder: &Path, seed: u64) {
    let mut dice = Dice(seed);
    let moves = (0..8_000).flat_map(|_| [24, 0xb0, 1 + dice.throw(16) as u8, dice.throw(128) as u8]);
    let track: Vec<u8> = moves.chain([0, 0xff, 0x2f, 0]).collect();
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk".to_vec();
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    fs::write(folder.join("hands.mid"), file).expect("a disk");
}

/// One performance at a time: what is looked at here is what becomes of one, and not how twelve share a machine.
fn alone() -> MutexGuard<'static, ()> {
    static STAGE: Mutex<()> = Mutex::new(());
    STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Numbers without a pattern.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Starts to play through the device that is a file.
fn plays(folder: &Path, more: &[&str]) -> Demon {
    let mut demon = Demon::start(run(folder, &[&["--device", "kept", "--at-start", "last"], more].concat()));
    demon.has_said("sound to kept");
    demon
}

fn stop_player(folder: &Path) {
    let mut stop = Command::new(demon());
    surround(stop.args(["player", "--stop"]), folder);
    assert!(stop.status().expect("it starts").success(), "its player has outlived it");
}

fn ends(demon: Demon) -> (i32, String) {
    demon.signal(Signal::INT);
    demon.end()
}

fn report(folder: &Path) -> String {
    fs::read_to_string(folder.join("state/crash-report.txt")).unwrap_or_default()
}

#[test]
fn a_crash_of_tick_decode_conductor_or_a_writer_leaves_the_sound_and_is_reported() {
    let _alone = alone();
    for (who, thread, said) in [
        ("tick", "tick", "the tick thread crashed and begins again (1 so far)"),
        ("decode", "decode", "the decode thread crashed and begins again (1 so far)"),
        (
            "state-writer",
            "last state",
            "the thread that writes it crashed; please report it; what is played now is not kept",
        ),
    ] {
        let (folder, raw) = with_device();
        restless(folder.path(), 3);
        let mut demon = plays(folder.path(), &["--midi", "hands.mid", "--crash", who]);
        demon.has_said(said);
        goes_on(&raw);
        let begins = format!("the performance crashed: {thread}: on purpose, as --crash asked (");
        until("its report", || report(folder.path()).starts_with(&begins));
        let (code, said) = ends(demon);
        assert_eq!(code, 0, "{said}");
        let report = report(folder.path());
        assert!(report.contains(&format!(" panic    {thread}: on purpose")), "{report}");
    }
    // What writes the tape is asked at the end. The other says that both were asked.
    let (folder, raw) = with_device();
    let mut demon = plays(folder.path(), &["--crash", "tape-writer", "--crash", "tick"]);
    demon.has_said("the tick thread crashed");
    goes_on(&raw);
    let (code, said) = ends(demon);
    assert!(code == 0 && said.contains("the sound of the tape is not kept for the next start"), "{said}");
    assert!(state(folder.path()).is_some() && !folder.path().join("state/last-tape").exists(), "{said}");
    // The conductor takes its engine along, and nobody else.
    let (folder, raw) = with_device();
    let (code, said) = plays(folder.path(), &["--crash", "conductor"]).end_within(PATIENCE);
    assert!(code == 1 && said.contains("crashed while playing: conductor"), "{said}");
    goes_on(&raw);
    assert!(report(folder.path()).starts_with("the performance crashed: "), "{said}");
    let (code, said) = ends(plays(folder.path(), &[]));
    assert_eq!(code, 0, "the next one takes over: {said}");
}

#[test]
fn a_disk_that_is_full_is_said_and_costs_nothing_of_what_was_done_meanwhile() {
    let _alone = alone();
    let (folder, raw) = with_device();
    let at = folder.path();
    restless(at, 5);
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP", "--ignore-signal=XFSZ"]).arg(demon());
    command.args(["run", "--backend", "cpu", "--threads", "1", "--longest", "4", "--no-midi", "--plain"]);
    command.args(["--device", "kept", "--midi", "hands.mid"]);
    surround(&mut command, at);
    let mut demon = Demon::start(command);
    demon.has_said("sound to kept");
    until("a state", || state(at).is_some());
    let limit = |bytes| {
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(demon.pid()), Resource::Fsize, limit).expect("our child")
    };
    let before = limit(Some(100));
    demon.has_said("last-state.toml: cannot be written: File too large");
    let stays = state(at).expect("the last good one stays");
    goes_on(&raw);
    assert_eq!(state(at).expect("it is whole").kept.aims, stays.kept.aims);
    prlimit(Some(demon.pid()), Resource::Fsize, before).expect("our child");
    demon.until("the last state is kept again");
    assert!(state(at).expect("it is whole").kept.aims != stays.kept.aims, "what was done meanwhile is there");
    let (code, said) = ends(demon);
    let times = ["last-state.toml: cannot be written", "; nothing is recorded"].map(|it| said.matches(it).count());
    assert_eq!((code, times), (0, [1, 1]), "each is said once: {said}");
}

#[test]
fn memory_that_is_exhausted_is_said_with_its_code_and_the_player_plays_on() {
    let _alone = alone();
    let (folder, raw) = with_device();
    let at = folder.path();
    let demon = plays(at, &["--crash", "memory"]);
    // All of its threads are there: one that begins without memory for its stack takes the process along.
    until("a state", || state(at).is_some());
    let statm = fs::read_to_string(format!("/proc/{}/statm", demon.pid().as_raw_nonzero())).expect("it lives");
    let pages: u64 = statm.split(' ').next().and_then(|it| it.parse().ok()).expect("a number");
    let limit = Rlimit { current: Some(pages * 4096 + ROOM_BYTES), maximum: None };
    prlimit(Some(demon.pid()), Resource::As, limit).expect("our child");
    let (code, said) = demon.end_within(PATIENCE);
    assert_eq!(code, 1, "{said}");
    let words = "demon: memory is exhausted: ";
    assert!(said.contains(words) && said.contains("this process ends with code 1"), "{said}");
    goes_on(&raw);
    let (code, said) = ends(plays(at, &[]));
    assert_eq!(code, 0, "the next one takes over: {said}");
}

/// What was noted of values since the newest performance began: when, and as what a hand left it.
fn acts(folder: &Path) -> BTreeMap<String, Vec<(SystemTime, String)>> {
    let entries = read(&folder.join("state")).expect("a recorder");
    let begun = entries.iter().rposition(|it| it.kind == Kind::Start).expect("it began");
    let mut acts = BTreeMap::<String, Vec<_>>::new();
    for Entry { at, text, .. } in entries[begun..].iter().filter(|it| it.kind == Kind::Act) {
        if let Some((name, value)) = text.split_once(" = ") {
            acts.entry(name.to_owned()).or_default().push((*at, value.to_owned()));
        }
    }
    acts
}

/// Values of `now` that no hand has left so, where it was `before`; what the player knows better is left out.
fn changed_by_themselves(folder: &Path, before: Option<&LastState>, now: &LastState) -> Vec<String> {
    const HEARD: [ParamId; 3] = [ParamId::GainDb, ParamId::LoopStart, ParamId::LoopEnd];
    let written = fs::metadata(folder.join("state/last-state.toml")).and_then(|it| it.modified()).expect("it is there");
    let acts = acts(folder);
    let mut changed = Vec::new();
    for id in ParamId::all().filter(|it| !HEARD.contains(it)) {
        let (row, value) = (id.row(), now.kept.aims.exact(id));
        let of_hand = acts.get(row.name).map_or(&[][..], Vec::as_slice);
        // What a hand did just before it was written may be in it or not.
        let settled = of_hand.iter().rposition(|it| it.0 + Duration::from_secs(2) < written);
        let left = of_hand[settled.unwrap_or(0)..].iter().any(|it| it.1 == row.written(value));
        let as_it_was = settled.is_none() && before.is_none_or(|it| it.kept.aims.exact(id) == value);
        if !left && !as_it_was {
            changed.push(format!("{} is {}, hands left it at {:?}", row.name, row.written(value), of_hand.last()));
        }
    }
    changed
}

#[test]
fn in_random_order_no_value_changes_by_itself() {
    let _alone = alone();
    let minutes = std::env::var("DEMON_MINUTES").ok().and_then(|it| it.parse().ok()).unwrap_or(0.1_f64);
    let (folder, raw) = with_device();
    let at = folder.path();
    let (begun, mut dice, mut before, mut counts) = (Instant::now(), Dice(7), None, [0; 4]);
    let mut moves = 0;
    while begun.elapsed().as_secs_f64() < minutes * 60.0 || counts.iter().sum::<usize>() < 3 {
        restless(at, dice.throw(1 << 30));
        let demon = plays(at, &["--midi", "hands.mid"]);
        let life = Duration::from_millis(2_000 + dice.throw(4_000));
        assert!(demon.lasts(life), "it ended by itself");
        let deed = dice.throw(4) as usize;
        match deed {
            0 => drop(ends(demon)),
            1 => {
                stop_player(at);
                drop(demon.end());
            }
            _ => {
                if deed == 2 {
                    demon.signal(Signal::STOP);
                    goes_on(&raw);
                    demon.signal(Signal::CONT);
                    assert!(demon.lasts(Duration::from_millis(dice.throw(900))), "it ended by itself");
                }
                demon.signal(Signal::KILL);
                assert_eq!(demon.end().0, -Signal::KILL.as_raw());
            }
        }
        counts[deed] += 1;
        let now = state(at).expect("whole at every moment");
        let changed = changed_by_themselves(at, before.as_ref(), &now);
        assert!(changed.is_empty(), "after {counts:?}: {changed:#?}");
        moves += acts(at).values().map(Vec::len).sum::<usize>();
        before = Some(now);
    }
    assert!(100 < moves && 0 < heard(&raw), "{moves} moves");
    println!(
        "0 values changed by themselves: {:.1} minutes, {moves} moves; ends {}, with the player {}, hung and killed {}, killed {}",
        begun.elapsed().as_secs_f64() / 60.0,
        counts[0],
        counts[1],
        counts[2],
        counts[3]
    );
    let mut stop = Command::new(demon());
    surround(stop.args(["player", "--stop"]), at);
    drop(stop.output());
}
