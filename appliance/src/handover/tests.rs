//! Goal: one engine at a time gets the memory, whoever else comes is told why not, and an end is noticed however it came.
//! Method: door and link in one process, each on its side of a socket in a folder of the test's own.

use std::time::Duration;

use engine::boundary::{LAYOUT_VERSION, Sizes};

use super::door::{Door, Knock};
use super::link::{Heard, Link, NotAttached, stop};
use super::memory::SharedArena;
use super::socket::{Came, connect_to, receive, send};
use super::words::{Asked, Told};

/// So long is waited for the other side at most.
const PATIENCE: Duration = Duration::from_secs(20);

fn shared() -> SharedArena {
    SharedArena::create(Sizes { boxes: 1, window_frames: 64, tape_frames: 64 }).expect("memory")
}

/// What happens at the door next.
fn next(door: &mut Door) -> Knock {
    (0..1_000).find_map(|_| door.look(Duration::from_millis(20)).pop()).expect("somebody comes")
}

/// Attaches while the door is looked after.
fn attach(door: &mut Door, folder: &std::path::Path, shared: &SharedArena, epoch: u64) -> Link {
    let there = folder.to_owned();
    let link = std::thread::spawn(move || Link::attach(&there));
    assert!(matches!(next(door), Knock::Engine(who) if who.process as u32 == std::process::id()));
    door.tell(&Told::News("said before it was let in".to_owned()));
    door.welcome(epoch, "a place with spaces", shared.descriptor());
    link.join().expect("it ends").expect("it is let in")
}

#[test]
fn an_engine_is_handed_the_memory_hears_what_is_told_and_its_end_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut door, shared) = (Door::open(folder.path()).expect("a door"), shared());
    let link = attach(&mut door, folder.path(), &shared, 77);
    assert_eq!((link.epoch, link.place.as_str()), (77, "a place with spaces"));
    assert_eq!(link.shared.arena.sizes(), shared.arena.sizes());
    door.tell(&Told::Away("gone".to_owned()));
    assert_eq!(link.hear(PATIENCE), Heard::Told(Told::Away("gone".to_owned())));
    assert_eq!(link.hear(Duration::ZERO), Heard::Nothing);
    link.ask_to_stop();
    assert!(matches!(next(&mut door), Knock::Stop(_)));
    door.farewell(None);
    assert_eq!(link.hear(PATIENCE), Heard::Told(Told::Ended(None)));
    drop(link);
    assert!(matches!(next(&mut door), Knock::Gone(_)));
    let link = attach(&mut door, folder.path(), &shared, 78);
    drop(door);
    assert_eq!(link.hear(PATIENCE), Heard::Gone);
}

#[test]
fn a_second_engine_another_layout_and_words_of_another_version_are_refused_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut door, shared) = (Door::open(folder.path()).expect("a door"), shared());
    let _link = attach(&mut door, folder.path(), &shared, 1);
    let there = folder.path().to_owned();
    let second = std::thread::spawn(move || Link::attach(&there));
    let Knock::Refused(_, why) = next(&mut door) else { panic!("it was let in") };
    let process = std::process::id();
    assert_eq!(why, format!("an engine is attached already (process {process}); one at a time"));
    let Err(NotAttached::Refused(told)) = second.join().expect("it ends") else { panic!("it was let in") };
    assert_eq!(told, why);
    let newer = Asked::Attach { layout: LAYOUT_VERSION + 1 }.text();
    for (text, expected) in
        [(newer.as_str(), "speaks layout 1 and the engine layout 2"), ("dance 3", "another version")]
    {
        use std::os::fd::AsFd as _;
        let caller = connect_to(&folder.path().join("player.sock")).expect("a socket");
        send(caller.as_fd(), text, None).expect("room");
        let Knock::Refused(_, why) = next(&mut door) else { panic!("it was let in") };
        assert!(why.contains(expected), "{why}");
        let Came::Message(text, None) = receive(caller.as_fd()) else { panic!("no answer") };
        assert_eq!(Told::read(&text), Some(Told::Refused(why)));
    }
}

#[test]
fn there_is_one_player_in_a_folder_and_what_a_dead_one_left_is_no_hindrance() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(Link::attach(folder.path()), Err(NotAttached::Nobody)));
    let door = Door::open(folder.path()).expect("a door");
    let told = Door::open(folder.path()).expect_err("one is there");
    assert!(told.starts_with("a player runs already (process "), "{told}");
    drop(door);
    std::fs::write(folder.path().join("player.sock"), "left behind").expect("a file");
    assert!(matches!(Link::attach(folder.path()), Err(NotAttached::Nobody)));
    Door::open(folder.path()).expect("a door");
}

#[test]
fn who_stops_a_player_hears_how_it_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut door = Door::open(folder.path()).expect("a door");
    let there = folder.path().to_owned();
    let stopping = std::thread::spawn(move || stop(&there, PATIENCE));
    assert!(matches!(next(&mut door), Knock::Stop(_)));
    door.farewell(Some("the disk is full".to_owned()));
    assert_eq!(stopping.join().expect("it ends").expect("it answers"), Some("the disk is full".to_owned()));
    drop(door);
    assert!(matches!(stop(folder.path(), PATIENCE), Err(NotAttached::Nobody)));
}

#[test]
fn callers_that_say_nothing_keep_nobody_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut door, shared) = (Door::open(folder.path()).expect("a door"), shared());
    let silent: Vec<_> = (0..20).map(|_| connect_to(&folder.path().join("player.sock"))).collect();
    while !door.look(Duration::ZERO).is_empty() {}
    drop(silent);
    attach(&mut door, folder.path(), &shared, 1);
}

#[test]
fn a_folder_that_others_may_write_to_is_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).expect("ours");
    let told = Door::open(folder.path()).expect_err("anybody could be the player there");
    assert!(told.ends_with("others may write there"), "{told}");
    let long = folder.path().join("a".repeat(120));
    assert!(Door::open(&long).expect_err("no room").contains("too long"));
}
