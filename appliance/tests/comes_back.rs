//! Goal: whatever ended the last performance, the next start comes back to it; what cannot be believed is told and set aside; a file
//! that keeps the box from starting is passed over.
//! Method: the real program, killed and started again, asked by what it says and by what it leaves in its state folder.

mod doors_support;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use appliance::settings::last_state::{LastState, parse};
use appliance::settings::last_tape::sealed;
use doors_support::{Demon, PATIENCE, run, until};
use engine::param::{ParamId, Values};
use rustix::process::Signal;

/// What the hands have: a patch with buttons, and one more in the set list.
const HANDS: &str = "format = 2
[values]
gain_db = -20.0
[[map]]
note = 60
to = \"keep-scene-3\"
[[map]]
note = 61
to = \"mute\"
[[map]]
note = 62
to = \"bank-4\"
[[map]]
note = 63
to = \"next-patch\"
[[map]]
note = 64
to = \"undo\"
";
const BRIDGE: &str = "[values]\nshift = 4.0\ngain_db = -20.0\n";

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a disk");
}

/// Writes hands down: messages, an eighth of a second apart.
fn score(folder: &Path, name: &str, messages: &[[u8; 3]]) {
    let mut track: Vec<u8> = messages.iter().flat_map(|[a, b, c]| [120, *a, *b, *c]).collect();
    track.extend([0, 0xff, 0x2f, 0]);
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk".to_vec();
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    fs::write(folder.join(name), file).expect("a disk");
}

/// Hands that never rest: every main parameter at random, and now and then a scene kept or a stroke taken back.
fn restless(folder: &Path, seed: u64) {
    let mut dice = seed;
    let mut throw = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    let mut track = Vec::new();
    for _ in 0..4_000 {
        // 24 ticks are a fortieth of a second.
        let message = match throw(30) {
            0 => [0x90, 60, 100],
            1 => [0x90, 64, 100],
            2 => [0x90, 62, 100],
            _ => [0xb0, 1 + throw(16) as u8, throw(128) as u8],
        };
        track.extend([24].into_iter().chain(message));
    }
    track.extend([0, 0xff, 0x2f, 0]);
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk".to_vec();
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    fs::write(folder.join("restless.mid"), file).expect("a disk");
}

/// A folder with a patch, a set list and a sound device that is none.
fn stage() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    fs::create_dir(at.join("list")).expect("a disk");
    write(at, "hands.toml", HANDS);
    write(at, "list/1_bridge.toml", &format!("{}{}", BRIDGE, HANDS.split_once("gain_db = -20.0\n").expect("a map").1));
    write(at, "asound.conf", "pcm.none { type null }\n");
    folder
}

/// Plays on the folder's patch, through a device that is none.
fn plays(folder: &Path, more: &[&str]) -> Demon {
    let line = ["--device", "none", "--patch", "hands.toml", "--set-list", "list"];
    let mut demon = Demon::start(run(folder, &[&line[..], more].concat()));
    demon.until("sound to");
    demon
}

fn file(folder: &Path) -> PathBuf {
    folder.join("state/last-state.toml")
}

fn state(folder: &Path) -> Option<LastState> {
    parse(&fs::read_to_string(file(folder)).ok()?).ok()
}

/// Waits until such a state is on the disk.
fn kept(folder: &Path, what: &str, mut is: impl FnMut(&LastState) -> bool) -> LastState {
    let mut found = None;
    until(what, || {
        found = state(folder).filter(|it| is(it));
        found.is_some()
    });
    found.expect("it was found")
}

/// By which it is seen that a file is another: each is written anew.
fn number(folder: &Path) -> Option<u64> {
    fs::metadata(file(folder)).ok().map(|it| it.ino())
}

fn ends(demon: Demon) -> String {
    demon.signal(Signal::INT);
    let (code, said) = demon.end();
    assert_eq!(code, 0, "{said}");
    said
}

/// Kills it, and the player that would play on.
fn kill(folder: &Path, demon: Demon) {
    demon.signal(Signal::KILL);
    assert_eq!(demon.end().0, -Signal::KILL.as_raw());
    let mut stop = std::process::Command::new(doors_support::demon());
    doors_support::surround(stop.args(["player", "--stop"]), folder);
    assert!(stop.status().expect("it starts").success(), "its player has outlived it");
}

fn denoise(values: &Values) -> f64 {
    values.exact(ParamId::Denoise)
}

#[test]
fn after_a_kill_values_scenes_undo_patch_bank_and_mute_are_as_they_were() {
    let folder = stage();
    let folder = folder.path();
    // Goes on in the set list, moves denoise, keeps a scene, moves another and denoise again, mutes, and turns the bank.
    let hands = [
        [0x90, 63, 100],
        [0xb0, 1, 64],
        [0xb0, 1, 96],
        [0x90, 60, 100],
        [0xb0, 2, 40],
        [0xb0, 1, 32],
        [0x90, 61, 100],
        [0x90, 62, 100],
    ];
    score(folder, "hands.mid", &hands);
    let first = plays(folder, &["--midi", "hands.mid"]);
    let all = |it: &LastState| it.bank == 3 && it.muted && denoise(&it.kept.aims) == 32.0 / 127.0;
    let left = kept(folder, "everything that hands did", all);
    assert_eq!((left.playing.number, left.playing.name.as_str()), (1, "1_bridge"));
    let (before, scene) = (number(folder), left.kept.scenes[2].expect("a scene was kept"));
    assert_eq!((denoise(&scene), left.kept.done.len()), (96.0 / 127.0, 5), "the patch, a scene, and three strokes");
    kill(folder, first);

    let next = plays(folder, &[]);
    until("a state of the next one", || number(folder) != before);
    let back = state(folder).expect("it is whole");
    assert_eq!(
        (back.kept.aims, back.kept.scenes, &back.kept.done),
        (left.kept.aims, left.kept.scenes, &left.kept.done)
    );
    assert_eq!((back.playing, back.bank, back.muted, back.scene), (left.playing, 3, true, left.scene));
    let said = ends(next);
    assert!(!said.contains("last state"), "nothing is to be said of it: {said}");

    // And undo goes on from there.
    score(folder, "undo.mid", &[[0x90, 64, 100]]);
    let next = plays(folder, &["--midi", "undo.mid"]);
    let undone = kept(folder, "a stroke that is taken back", |it| it.kept.undone.len() == 1);
    assert_eq!((denoise(&undone.kept.aims), undone.kept.done.len()), (96.0 / 127.0, 4));
    ends(next);
}

/// Plays two seconds into a take and ends in order; its left side, and what was said.
fn take(folder: &Path, name: &str, more: &[&str]) -> (Vec<f32>, String) {
    let seconds = if more.contains(&"--seconds") { &[][..] } else { &["--seconds", "2"] };
    let line = ["--patch", "hands.toml", "--wav", name];
    let (code, said) = Demon::start(run(folder, &[&line[..], seconds, more].concat())).end_within(PATIENCE);
    assert_eq!(code, 0, "{said}");
    let take = hound::WavReader::open(folder.join(name)).expect("a whole file");
    (take.into_samples::<f32>().step_by(2).collect::<Result<_, _>>().expect("floats"), said)
}

/// How much of what is heard first is a tone of 1 kHz: 1 is all of it. It is faded in, so it is asked by halves of 30 ms, before a window can land.
fn share_of_tone(sound: &[f32]) -> f32 {
    const HALF: usize = 1_440;
    let begin = sound.iter().position(|it| 1e-6 < it.abs()).expect("it is heard") + 2_400;
    let at = |i: usize| i as f32 * 1_000.0 / 48_000.0 * std::f32::consts::TAU;
    let wave =
        |part: &[f32], wave: fn(f32) -> f32| part.iter().enumerate().map(|(i, it)| it * wave(at(i))).sum::<f32>();
    let of_tone = |part: &[f32]| (wave(part, f32::sin).powi(2) + wave(part, f32::cos).powi(2)) * 2.0 / HALF as f32;
    let sound = &sound[begin..begin + 2 * HALF];
    sound.chunks(HALF).map(of_tone).sum::<f32>() / sound.iter().map(|it| it * it).sum::<f32>()
}

/// The kept tape of the same recording as another, but all of it a tone of 1 kHz.
fn tone_for(left: &[u8]) -> Vec<u8> {
    let (frames, blocks) = (4 * 48_000, 47_u64);
    assert_eq!(left[16..24], u64::to_le_bytes(frames));
    let mut bytes = [&left[..24], &blocks.to_le_bytes(), &left[32..64]].concat();
    (0..blocks).for_each(|number| bytes.extend([&number.to_le_bytes()[..], &[0; 32]].concat()));
    bytes.extend([0; 32]);
    let wave = |at: u64| (at as f32 * 1_000.0 / 48_000.0 * std::f32::consts::TAU).sin() * 0.25;
    bytes.extend((0..frames).flat_map(|at| [wave(at).to_le_bytes(); 2].concat()));
    sealed(&bytes)
}

#[test]
fn the_tape_plays_on_as_it_was_left_and_one_that_is_damaged_is_told_and_set_aside() {
    let folder = stage();
    let folder = folder.path();
    let file = folder.join("state/last-tape");
    // Longer until a window has come, however busy the machine is.
    let fresh = ["2", "8", "30"].iter().find_map(|seconds| {
        let (fresh, _) = take(folder, "first.wav", &["--seconds", seconds]);
        file.exists().then_some(fresh)
    });
    assert!(share_of_tone(&fresh.expect("an end in order keeps the tape")) < 0.5, "the recording is music");
    // What a performance left, whatever the hands made of the tape: here a tone that no recording has.
    let left = fs::read(&file).expect("it is there");
    let keep = || fs::write(&file, tone_for(&left)).expect("a disk");
    keep();
    let (back, said) = take(folder, "back.wav", &[]);
    assert!(0.95 < share_of_tone(&back), "{}", share_of_tone(&back));
    assert!(!said.contains("last-tape") && !said.contains("is not kept"), "nothing is to be said of it: {said}");
    assert!(file.exists(), "it is kept again");

    // Damaged it is told, and the recording plays under the values that were left.
    keep();
    let mut damaged = fs::read(&file).expect("it is there");
    let at = damaged.len() - 1_000;
    damaged[at] ^= 4;
    fs::write(&file, &damaged).expect("a disk");
    let (usual, said) = take(folder, "usual.wav", &[]);
    assert!(share_of_tone(&usual) < 0.5, "{}: {said}", share_of_tone(&usual));
    let words = "last-tape: found sound at 3.9 s that is not as it was written; the tape begins as the recording, and it is kept as";
    assert_eq!(said.matches(words).count(), 1, "{said}");
    assert!(fs::read(folder.join("state/last-tape.aside")).expect("it is kept aside") == damaged);

    // Where the last state is not wanted its tape is not either, also at the start behind it.
    keep();
    let (source, said) = take(folder, "source.wav", &["--at-start", "source"]);
    assert!(share_of_tone(&source) < 0.5, "{said}");
    keep();
    let (one, said) = take(folder, "one.wav", &["--in-process"]);
    assert!(share_of_tone(&one) < 0.5 && !file.exists(), "one process keeps no tape and leaves none: {said}");
}

/// Where values go, but for those that the player, which has outlived the kill, knows better.
fn but_heard(state: &LastState) -> Values {
    let mut values = state.kept.aims;
    for heard in [ParamId::GainDb, ParamId::LoopStart, ParamId::LoopEnd] {
        values.set(heard, heard.row().default);
    }
    values
}

#[test]
fn after_each_of_many_kills_under_hands_that_never_rest_all_is_as_it_was() {
    // `DEMON_KILLS=100` for the figure; its end says how old the state was at a kill.
    let kills = std::env::var("DEMON_KILLS").ok().and_then(|it| it.parse().ok()).unwrap_or(2_u64);
    let folder = stage();
    let folder = folder.path();
    let mut ages = Vec::new();
    for kill in 0..kills {
        restless(folder, kill);
        let starts = |more: &[&str]| {
            let before = number(folder);
            let plays = plays(folder, &[&["--at-start", "last"], more].concat());
            until("a state of this one", || number(folder).is_some_and(|it| Some(it) != before));
            plays
        };
        let plays = starts(&["--midi", "restless.mid"]);
        let first = number(folder);
        until("something that hands have done", || number(folder).is_some_and(|it| Some(it) != first));
        // At any moment.
        plays.lasts(Duration::from_millis(kill * 379 % 2_000));
        plays.signal(Signal::KILL);
        let written = fs::metadata(file(folder)).and_then(|it| it.modified()).expect("it is there");
        ages.push(SystemTime::now().duration_since(written).unwrap_or_default());
        assert_eq!(plays.end().0, -Signal::KILL.as_raw());
        let left = state(folder).expect("whole at every moment");
        // Nobody is at it now: what it writes is what it has found.
        let rests = starts(&[]);
        let back = state(folder).expect("it is whole");
        assert_eq!(but_heard(&back), but_heard(&left), "after kill {kill}");
        assert_eq!(back.kept.scenes, left.kept.scenes, "after kill {kill}");
        assert_eq!((&back.kept.done, &back.kept.undone), (&left.kept.done, &left.kept.undone), "after kill {kill}");
        assert_eq!((back.bank, back.scene, back.muted), (left.bank, left.scene, left.muted), "after kill {kill}");
        rests.signal(Signal::KILL);
        assert_eq!(rests.end().0, -Signal::KILL.as_raw());
    }
    ages.sort_unstable();
    println!("{kills} kills; the state was {:?} old at most, {:?} at p50", ages.last(), ages.get(ages.len() / 2));
    let mut stop = std::process::Command::new(doors_support::demon());
    doors_support::surround(stop.args(["player", "--stop"]), folder);
    assert!(stop.status().expect("it starts").success(), "one player has outlived them all");
}

#[test]
fn what_is_not_whole_or_belongs_to_another_start_is_told_and_set_aside_and_the_patch_plays() {
    let folder = stage();
    let folder = folder.path();
    score(folder, "hands.mid", &[[0xb0, 1, 96]]);
    let first = plays(folder, &["--midi", "hands.mid"]);
    kept(folder, "what the hand did", |it| denoise(&it.kept.aims) == 96.0 / 127.0);
    ends(first);
    let whole = fs::read(file(folder)).expect("it is there");
    let aside = |it: u32| folder.join(format!("state/last-state.toml.aside-{it}"));
    let usual = denoise(&Values::default());

    for (at, (bytes, more, words)) in [
        (&whole[..whole.len() / 2], &[][..], "last-state.toml:3: digest: found a text that is not as it was written"),
        (b"format = 99\n", &[], "last-state.toml:1: format: found 99 (written by a newer demon)"),
        (&[0xff; 99], &[], "last-state.toml:1: digest: found no digest"),
        (&whole, &["--seed", "7"], "the last state is of another start (patch hands, recording demo): the patch plays"),
    ]
    .into_iter()
    .enumerate()
    {
        fs::write(file(folder), bytes).expect("a disk");
        let before = number(folder);
        let next = plays(folder, more);
        until("a state of the next one", || number(folder) != before && state(folder).is_some());
        assert_eq!(denoise(&state(folder).expect("it is whole").kept.aims), usual, "the patch as it is written");
        let said = ends(next);
        assert_eq!(said.matches(words).count(), 1, "{words}: {said}");
        assert_eq!(fs::read(aside(at as u32 + 1)).expect("it is kept"), bytes, "{said}");
    }
}

#[test]
fn after_three_crashes_in_a_minute_the_box_starts_without_the_last_state_and_says_so() {
    let folder = stage();
    let folder = folder.path();
    score(folder, "hands.mid", &[[0xb0, 1, 96]]);
    let first = plays(folder, &["--midi", "hands.mid"]);
    kept(folder, "what the hand did", |it| denoise(&it.kept.aims) == 96.0 / 127.0);
    let marks = || fs::read_to_string(folder.join("state/starts")).unwrap_or_default();
    assert_eq!(marks().lines().count(), 1, "a start that has not ended yet");
    kill(folder, first);
    assert_eq!(marks().lines().count(), 1, "a kill is no end in order");
    // Two more, as kills would have left them.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
    write(folder, "state/starts", &format!("{}\n{}\n{now}\n", now - 9_000, now - 5_000));
    let before = number(folder);
    let next = plays(folder, &[]);
    until("a state of the next one", || number(folder).is_some_and(|it| Some(it) != before));
    assert_eq!(denoise(&state(folder).expect("it is whole").kept.aims), denoise(&Values::default()));
    let said = ends(next);
    let words = "3 starts within a minute did not end in order: this one is without the last state; it is kept as";
    assert_eq!(said.matches(words).count(), 1, "{said}");
    assert!(folder.join("state/last-state.toml.aside-1").exists() && marks().is_empty(), "{said}");
}

#[test]
fn a_box_starts_as_its_file_says_and_the_command_line_comes_before_it() {
    let folder = stage();
    let folder = folder.path();
    let play = "patch = \"hands.toml\"\nset_list = \"list\"\nbackend = \"cpu\"\n";
    write(
        folder,
        "demon.toml",
        &format!("[play]\n{play}at_start = \"silence\"\n[audio]\ndevice = \"none\"\nperiod_frames = 128\n"),
    );
    let starts = |more: &[&str]| {
        let before = number(folder);
        let mut demon = Demon::start(run(folder, &[&["--config", "demon.toml"], more].concat()));
        demon.until("sound to none");
        until("its state", || number(folder).is_some_and(|it| Some(it) != before));
        (demon, state(folder).expect("it is whole"))
    };
    let (silent, state) = starts(&[]);
    assert!(state.muted && state.origin.patch == "hands", "{:?}", state.origin);
    ends(silent);
    let (last, state) = starts(&["--at-start", "last"]);
    assert!(state.muted, "a mute is remembered");
    ends(last);
    let (fresh, state) = starts(&["--at-start", "source"]);
    assert!(!state.muted);
    ends(fresh);
}

#[test]
fn a_second_performance_on_the_same_folder_keeps_nothing_and_harms_nothing() {
    let folder = stage();
    let folder = folder.path();
    let first = plays(folder, &[]);
    kept(folder, "its state", |_| true);
    let before = number(folder);
    let second = ["--patch", "hands.toml", "--wav", "take.wav", "--seconds", "1"];
    let (code, said) = Demon::start(run(folder, &second)).end_within(PATIENCE);
    assert_eq!((code, number(folder)), (0, before), "{said}");
    let words = format!("another performance (process {}) keeps its last state", first.pid().as_raw_nonzero());
    assert!(said.contains(&words), "{said}");
    ends(first);
}

/// Plays for a second with the box's file of the folder; exit code and what it said.
fn with_box_file(folder: &Path) -> (i32, String) {
    let line = ["--config", "demon.toml", "--wav", "take.wav", "--seconds", "1"];
    Demon::start(run(folder, &line)).end_within(PATIENCE)
}

#[test]
fn a_box_file_that_does_not_start_the_box_twice_is_passed_over_for_the_one_before() {
    let folder = stage();
    let folder = folder.path();
    write(folder, "demon.toml", "[play]\npatch = \"hands.toml\"\n");
    let mut plays = Demon::start(run(folder, &["--config", "demon.toml", "--wav", "take.wav"]));
    plays.until("sound to");
    let [good, tried] = ["state/box-file.good.toml", "state/box-file.tried"].map(|it| folder.join(it));
    until("the file has started the box", || good.exists() && !tried.exists());
    ends(plays);
    write(folder, "demon.toml", "[play]\npatch = \"nowhere.toml\"\n");
    for _ in 0..2 {
        let (code, said) = with_box_file(folder);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("nowhere.toml"), "{said}");
    }
    let (code, said) = with_box_file(folder);
    assert_eq!(code, 0, "{said}");
    let words = "demon.toml: the box did not start with it twice; starting with the one before (";
    assert_eq!(said.matches(words).count(), 1, "{said}");
}

#[test]
fn a_start_that_a_hand_breaks_off_says_nothing_about_the_box_file() {
    let folder = stage();
    let folder = folder.path();
    write(folder, "demon.toml", "[midi]\nfollow = false\n");
    // A recording that never comes: the start waits for it.
    let made = std::process::Command::new("mkfifo").arg(folder.join("never.wav")).status();
    assert!(made.expect("mkfifo of coreutils").success());
    let tried = folder.join("state/box-file.tried");
    // A service manager ends what takes too long, and that is no hand.
    for (signal, counts) in [(Signal::INT, false), (Signal::TERM, true)] {
        let line = ["--config", "demon.toml", "--wav", "take.wav", "--source", "never.wav"];
        let mut starts = Demon::start(run(folder, &line));
        starts.until("reading the recording");
        assert!(tried.exists(), "it is counted before anything is done with it");
        starts.signal(signal);
        let (code, said) = starts.end();
        assert_eq!((code, tried.exists()), (0, counts), "{said}");
    }
}
