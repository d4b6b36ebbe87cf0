//! One program, two programs, faulty files and full disks.

use super::{FILE, LearntMaps, parse};
use crate::control::binding::{Encoding, Entry, Map, On, Target};
use engine::param::ParamId;
use hal::gesture::{Identity, Roster};

fn nano() -> Identity {
    Identity { port: Some("1-2.4".to_owned()), ..Identity::new("nano \"K\"", "usb 0944:0117") }
}

fn knob() -> Entry {
    Entry { encoding: Encoding::SignBit, ..Entry::usual(On::Cc(7), Target::Param(ParamId::Denoise)) }
}

#[test]
fn what_was_learnt_is_known_after_a_restart_also_on_another_port() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut learnt, told) = LearntMaps::open(&folder.path().join("state"));
    assert!(told.is_empty());
    learnt.keep(nano(), vec![knob()]).expect("a disk");
    let (again, told) = LearntMaps::open(&folder.path().join("state"));
    assert_eq!((again.controllers(), told.len()), (&[(nano(), vec![knob()])][..], 0));
    let (roster, mut map) = (Roster::default(), Map::default());
    again.recall(&roster, &mut map);
    let moved = Identity { port: Some("3-1".to_owned()), ..nano() };
    assert_eq!(map.learnt(roster.arrive(&moved)), [knob()]);
}

#[test]
fn a_faulty_file_is_told_read_as_far_as_it_is_sound_and_never_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(FILE);
    let text = "[[controller]]\nname = \"a\"\nmodel = \"m\"\nsocket = \"1\"\n[[controller.map]]\ncc = 1\nto = \"denoise\"\n\
                [[controller.map]]\ncc = 2\nto = \"denoize\"\n[[controller]]\nname = \"b\"\n";
    std::fs::write(&path, text).expect("a disk");
    let (mut learnt, told) = LearntMaps::open(folder.path());
    let told: Vec<&str> = told.iter().flat_map(|it| it.lines()).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("maps.toml:4:") && told[1].contains("try denoise") && told[2].contains("no `model`"));
    assert_eq!(learnt.controllers()[0].1.len(), 1);
    learnt.keep(nano(), vec![knob()]).expect("a disk");
    let kept = std::fs::read_to_string(folder.path().join("maps.toml.faulty-1")).expect("it was put aside");
    assert_eq!(kept, text);
    assert_eq!(LearntMaps::open(folder.path()).0.controllers().len(), 2);
}

#[test]
fn a_place_that_cannot_be_written_is_told_and_the_map_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("state"), b"a file in the way").expect("a disk");
    let (mut learnt, _) = LearntMaps::open(&folder.path().join("state"));
    let told = learnt.keep(nano(), vec![knob()]).expect_err("no folder can be made there");
    assert!(told.contains("maps.toml") && told.contains("cannot be written"), "{told}");
    assert_eq!(learnt.controllers().len(), 1);
}

#[test]
fn two_programs_on_one_file_lose_nothing_of_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = Identity { port: Some("2-1".to_owned()), ..Identity::new("uc4", "usb 16c0:0001") };
    let on = |cc: u8, id: ParamId| Entry::usual(On::Cc(cc), Target::Param(id));
    let (mut run, _) = LearntMaps::open(folder.path());
    run.keep(nano(), vec![on(1, ParamId::Denoise)]).expect("a disk");
    let (mut learn, _) = LearntMaps::open(folder.path());
    // Both go on from here: the second on another controller and on the same one, the first forgets something.
    learn.keep(other.clone(), vec![on(9, ParamId::Shift)]).expect("a disk");
    learn.keep(nano(), vec![on(1, ParamId::Denoise), on(2, ParamId::GainDb)]).expect("a disk");
    run.keep(nano(), vec![on(3, ParamId::Seed)]).expect("a disk");
    let expected = [(nano(), vec![on(2, ParamId::GainDb), on(3, ParamId::Seed)]), (other, vec![on(9, ParamId::Shift)])];
    let (again, told) = LearntMaps::open(folder.path());
    assert_eq!((again.controllers(), told.len()), (&expected[..], 0));
    assert_eq!(run.controllers(), expected);
    // The first has heard of it, and the second does when it looks.
    assert_eq!(run.take_news().len(), 2);
    assert_eq!((learn.look_again(), learn.take_news()), (vec![], vec![expected[0].clone()]));
    assert_eq!((learn.look_again(), learn.take_news()), (vec![], vec![]), "it is told once");
    // What one forgets, the other forgets.
    learn.keep(nano(), vec![]).expect("a disk");
    assert_eq!((run.look_again(), run.take_news()), (vec![], vec![(nano(), vec![])]));
    assert_eq!(run.controllers().len(), 1);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left there");
}

#[test]
fn what_could_not_be_saved_is_saved_with_what_is_learnt_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    std::fs::write(&state, b"in the way").expect("a disk");
    let (mut learnt, _) = LearntMaps::open(&state);
    assert!(learnt.why_not_kept().expect("a file is in the way").contains("state: what is learnt cannot be kept"));
    learnt.keep(nano(), vec![knob()]).expect_err("a file is in the way");
    std::fs::remove_file(&state).expect("a disk");
    assert_eq!(learnt.why_not_kept(), None);
    learnt.keep_again().expect("a disk");
    assert_eq!(LearntMaps::open(&state).0.controllers(), [(nano(), vec![knob()])], "also without learning more");
    let other = Identity::new("uc4", "usb 16c0:0001");
    learnt.keep(other.clone(), vec![knob()]).expect("a disk");
    assert_eq!(LearntMaps::open(&state).0.controllers(), [(nano(), vec![knob()]), (other, vec![knob()])]);
}

#[test]
fn rubbish_is_told_and_not_believed() {
    let (controllers, faults) = parse("controller = 3\nx = 1\n[[");
    assert!(controllers.is_empty() && faults.len() >= 3, "{faults:?}");
}
