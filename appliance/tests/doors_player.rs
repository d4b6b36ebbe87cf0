//! Goal: what a performer meets of the two processes: the sound stays when the engine goes, is taken over by the next one, comes back
//! when its own process is killed, and after an orderly end nothing is left.
//! Method: the real program, killed and asked to end from outside, on a device that writes down what it was given.

mod doors_support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use appliance::performance::beginning::Beginning;
use appliance::performance::ending::{End, Leave, SOUND};
use appliance::performance::remote::{Remote, StartPlayer};
use doors_support::{Demon, PATIENCE, demon, goes_on, run, surround, until, with_device};
use rustix::process::{Pid, Signal, kill_process};

fn playing(folder: &Path) -> Demon {
    let mut demon = Demon::start(run(folder, &["--device", "kept"]));
    demon.plays();
    demon
}

/// `demon player` with these arguments, to its end.
fn player(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(demon());
    surround(&mut command, folder);
    command.arg("player").args(arguments).output().expect("it starts")
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The player that a run has started.
fn player_of(run: &Demon) -> Pid {
    // The thread that started it is its parent.
    let threads = fs::read_dir(format!("/proc/{}/task", run.pid().as_raw_nonzero())).expect("it runs");
    let children = |it: fs::DirEntry| fs::read_to_string(it.path().join("children")).unwrap_or_default();
    let all: String = threads.filter_map(Result::ok).map(children).collect();
    all.split_whitespace().next().and_then(|it| Pid::from_raw(it.parse().ok()?)).expect("it has a player")
}

/// Waits until a process is no more. One whose parent is gone may have nobody who waits for it.
fn is_gone(process: Pid) {
    let stat = || fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()));
    until("the player is gone", || stat().map_or(true, |it| it.contains(") Z ")));
}

#[test]
fn an_engine_that_is_killed_leaves_its_sound_and_the_next_one_takes_it_over() {
    let (folder, raw) = with_device();
    let first = playing(folder.path());
    let process = player_of(&first);
    first.signal(Signal::KILL);
    assert_eq!(first.end().0, -9);
    goes_on(&raw);
    let mut next = playing(folder.path());
    let found = format!("the player that runs (process {}) plays to kept", process.as_raw_nonzero());
    next.has_said(&found);
    // One at a time: whoever else comes is told so, and nothing comes of it.
    let (code, said) = Demon::start(run(folder.path(), &["--device", "kept"])).end_within(PATIENCE);
    assert_eq!(code, 1, "{said}");
    let engine = next.pid().as_raw_nonzero();
    assert!(said.ends_with(&format!("an engine is attached already (process {engine}); one at a time")), "{said}");
    next.plays();
    goes_on(&raw);
    next.signal(Signal::INT);
    let (code, said) = next.end();
    assert_eq!(code, 0, "{said}");
    is_gone(process);
    let none = player(folder.path(), &["--stop"]);
    assert_eq!((none.status.code(), words(&none).trim()), (Some(1), "demon: no player runs; nothing is to be ended"));
}

#[test]
fn a_player_that_is_killed_is_started_again_and_said() {
    let (folder, raw) = with_device();
    let mut run = playing(folder.path());
    let process = player_of(&run);
    kill_process(process, Signal::KILL).unwrap();
    run.until("is gone; it is started again");
    run.until("the player plays again (process ");
    goes_on(&raw);
    assert_ne!(player_of(&run), process);
    run.signal(Signal::TERM);
    assert_eq!(run.end().0, 0);
}

#[test]
fn a_player_that_hangs_is_a_fault_is_ended_and_started_again_with_its_tape() {
    let (folder, raw) = with_device();
    let mut run = playing(folder.path());
    let process = player_of(&run);
    kill_process(process, Signal::STOP).unwrap();
    run.until(&format!("the player (process {}) stands still; it is started again", process.as_raw_nonzero()));
    run.until("the player plays again (process ");
    goes_on(&raw);
    is_gone(process);
    assert_ne!(player_of(&run), process);
    run.signal(Signal::TERM);
    let (code, said) = run.end();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_player_that_was_found_and_hangs_is_ended_as_one_that_was_started() {
    let (folder, raw) = with_device();
    let first = playing(folder.path());
    let process = player_of(&first);
    first.signal(Signal::KILL);
    assert_eq!(first.end().0, -9);
    let mut next = playing(folder.path());
    kill_process(process, Signal::STOP).unwrap();
    next.until("stands still; it is started again");
    next.until("the player plays again (process ");
    goes_on(&raw);
    is_gone(process);
    next.signal(Signal::TERM);
    let (code, said) = next.end();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn who_stops_the_player_ends_its_engine_too_and_a_terminal_that_goes_ends_both() {
    let (folder, _) = with_device();
    let run = playing(folder.path());
    let process = player_of(&run);
    let stopped = player(folder.path(), &["--stop"]);
    assert_eq!((stopped.status.code(), words(&stopped).as_str()), (Some(0), ""));
    let (code, said) = run.end();
    assert_eq!(code, 0, "{said}");
    is_gone(process);
    let run = playing(folder.path());
    let process = player_of(&run);
    run.signal(Signal::HUP);
    assert_eq!(run.end().0, 0);
    is_gone(process);
}

#[test]
fn a_player_that_stands_alone_waits_for_engines_and_ends_when_it_is_asked_to() {
    let (folder, raw) = with_device();
    let mut command = Command::new(demon());
    surround(&mut command, folder.path());
    let mut alone = Demon::start({
        command.args(["player", "--device", "kept"]);
        command
    });
    alone.until("playing to kept");
    goes_on(&raw);
    let second = player(folder.path(), &["--device", "kept"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(words(&second).contains("a player runs already (process "), "{}", words(&second));
    let engine = playing(folder.path());
    engine.signal(Signal::KILL);
    assert_eq!(engine.end().0, -9);
    alone.until("the engine is gone (process ");
    goes_on(&raw);
    alone.signal(Signal::INT);
    assert_eq!(alone.end().0, 0);
}

/// What the system starts beside another version's player, or a moment before the engine before it is gone.
#[test]
fn an_engine_that_waits_for_its_player_waits_for_one_that_refuses_it() {
    let (folder, raw) = with_device();
    let mut command = Command::new(demon());
    surround(&mut command, folder.path());
    command.args(["player", "--device", "kept"]);
    let mut player = Demon::start(command);
    player.until("playing to kept");
    let waiting = || Demon::start(run(folder.path(), &["--wait-for-player"]));
    let mut first = waiting();
    first.plays();
    let mut second = waiting();
    second.until("one at a time; waiting for another player");
    goes_on(&raw);
    first.signal(Signal::TERM);
    assert_eq!(first.end().0, 0);
    second.plays();
    goes_on(&raw);
    second.signal(Signal::TERM);
    assert_eq!(second.end().0, 0);
    player.signal(Signal::TERM);
    assert_eq!(player.end().0, 0);
}

#[test]
fn where_there_is_no_player_to_be_had_one_process_plays_and_it_is_said() {
    let (folder, raw) = with_device();
    let runtime = folder.path().join("runtime");
    let too_long = folder.path().join("a".repeat(120)).display().to_string();
    // A file in the folder's place, a folder in the lock's, and a name that no socket may have.
    fs::write(&runtime, "no folder").unwrap();
    let is_said = |mut demon: Demon| {
        demon.until("engine and sound are one process, and end together");
        demon.plays();
        goes_on(&raw);
        demon.signal(Signal::INT);
        let (code, said) = demon.end();
        assert_eq!(code, 0, "{said}");
    };
    is_said(Demon::start(run(folder.path(), &["--device", "kept"])));
    fs::remove_file(&runtime).unwrap();
    fs::create_dir_all(runtime.join("player.lock")).unwrap();
    is_said(Demon::start(run(folder.path(), &["--device", "kept"])));
    is_said(Demon::start(run(folder.path(), &["--device", "kept", "--runtime", &too_long])));
}

#[test]
fn a_take_ends_with_its_engine_and_is_whole() {
    let (folder, _) = with_device();
    let mut run = Demon::start(run(folder.path(), &["--wav", "take.wav"]));
    run.plays();
    doors_support::sounds(&folder.path().join("take.wav"));
    let process = player_of(&run);
    run.signal(Signal::KILL);
    assert_eq!(run.end().0, -9);
    is_gone(process);
    doors_support::faded(&folder.path().join("take.wav"));
}

#[test]
fn a_conductor_that_crashes_leaves_the_player_playing_and_an_orderly_end_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let attach = |leave: &Leave| {
        let output = ["--device", "null"].map(Into::into).to_vec();
        let start =
            StartPlayer { program: demon(), output, folder: folder.path().to_owned(), own: false, waits: false };
        let (remote, found) = Remote::find_or_start(start, 48_000, &mut |_| ()).expect("a player");
        let process = Pid::from_raw(remote.process()).expect("a process");
        let beginning = Beginning::default();
        remote.ends(&vec![[0.1; 2]; 48_000], &beginning).expect("a tape");
        (remote.watch(rtrb::RingBuffer::new(16).0, leave).expect("a thread"), process, found)
    };
    let until = || Instant::now() + PATIENCE;
    let leave = Leave::new().expect("a descriptor");
    let (sound, first, found) = attach(&leave);
    assert!(!found && leave.still_there() == [SOUND]);
    assert!(!leave.lead(|| panic!("as the test asked")));
    assert!(matches!(sound.join_by(until()), End::Done(Ok(()))), "the engine's side ends in order");
    let leave = Leave::new().expect("a descriptor");
    let (sound, process, found) = attach(&leave);
    assert!(found && process == first, "it plays on, and the next engine finds it");
    assert!(leave.lead(|| ()));
    leave.ask();
    assert!(matches!(sound.join_by(until()), End::Done(Ok(()))));
    is_gone(first);
}
