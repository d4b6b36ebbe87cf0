//! What a surface side hears, tells and remembers.

use std::time::Duration;

use engine::param::ParamId;
use engine::playback::POWER_ON_FADE_FRAMES;
use hal::gesture::{Control, FakeSurface, Identity, Motion, Reply, SurfaceId, Transport};

use super::support_tests::{FIRST, Stage, note, program};
use crate::control::binding::Act;
use crate::control::tempo::Quantise;
use crate::display::messages::FaultKey;
use crate::files::Remark;
use crate::performance::box_news::BoxNews;
use crate::performance::wrong_files::WrongFiles;
use crate::settings::box_file::BoxConfig;
use crate::settings::library::Library;
use crate::settings::profile::wrong_with;

#[test]
fn what_is_learnt_on_stage_is_known_the_next_evening() {
    let state = tempfile::tempdir().expect("a folder");
    // Learn down; the knob of denoise is touched; an encoder is turned left.
    let lesson = FakeSurface::default().replug().say(note(61)).turn(1, 9).turn(90, 127).turn(90, 127).turn(90, 127);
    let mut stage = Stage::new(state.path(), lesson, BoxConfig::default(), &[""]);
    stage.until(|conductor| !conductor.binding().map().learnt(FIRST).is_empty());
    stage.close();
    let next = FakeSurface::default().replug().turn(90, 1).turn(90, 1);
    let mut stage = Stage::new(state.path(), next, BoxConfig::default(), &[""]);
    let begin = stage.value(ParamId::Denoise);
    stage.until(|conductor| conductor.store().value(ParamId::Denoise) > begin + 1.5 / 128.0);
    stage.close();
}

/// What was told of programs.
fn programs(told: &[u8]) -> Vec<[u8; 2]> {
    told.windows(2).filter(|it| it[0] & 0xf0 == 0xc0).map(|it| [it[0], it[1]]).collect()
}

/// Programs go to the one controller, on channel 5.
fn sends_programs() -> BoxConfig {
    BoxConfig { program_channel: Some(5), out: vec!["fake".to_owned()], ..BoxConfig::default() }
}

#[test]
fn with_a_set_list_patches_go_out_as_programs_and_scenes_do_not() {
    let state = tempfile::tempdir().expect("a folder");
    let patches = [
        "[values]\ndenoise = 0.25\n[[map]]\nnote = 1\nto = \"next-patch\"\n[[map]]\nnote = 2\nto = \"scene-3\"\n",
        "[values]\ndenoise = 0.75\n[scenes.3]\ndenoise = 0.125\n[scenes.4]\ndenoise = 0.5\n[[map]]\nnote = 2\nto = \"scene-3\"\n",
    ];
    let surface = FakeSurface::default().replug().say(note(1)).say(note(2)).say(program(3));
    let mut stage = Stage::new(state.path(), surface, sends_programs(), &patches);
    stage.until(|conductor| conductor.store().value(ParamId::Denoise) == 0.5);
    assert_eq!(programs(&stage.close()), [[0xc4, 1]], "program 2 would be the scene, or the second patch");
}

#[test]
fn without_a_set_list_scenes_go_out_as_programs_and_not_to_the_machine_that_sent_one() {
    let state = tempfile::tempdir().expect("a folder");
    let patch = "[values]\ndenoise = 0.25\n[scenes.3]\ndenoise = 0.125\n[scenes.4]\ndenoise = 0.5\n[[map]]\nnote = 2\nto = \"scene-3\"\n";
    let surface = FakeSurface::default().replug().say(note(2)).say(program(3));
    let mut stage = Stage::new(state.path(), surface, sends_programs(), &[patch]);
    stage.until(|conductor| conductor.store().value(ParamId::Denoise) == 0.5);
    let told = stage.close();
    assert_eq!(programs(&told), [[0xc4, 2]], "no echo of the one that came in: {told:02x?}");
}

#[test]
fn a_scene_that_a_program_change_asked_for_is_not_sent_back_when_its_beat_has_come() {
    let state = tempfile::tempdir().expect("a folder");
    // Two machines, of which the second sends the program.
    let second = |motion| hal::gesture::Gesture { at: Duration::ZERO, surface: SurfaceId(3), motion };
    for (asked, told) in [(program(3), vec![FIRST]), (note(43), vec![FIRST, SurfaceId(3)])] {
        let surface = FakeSurface::default().replug();
        let config = BoxConfig { quantise: Quantise::Bar, ..sends_programs() };
        let patch = "[values]\ndenoise = 0.25\n[prompt]\nbpm = 300\n[scenes.4]\ndenoise = 0.5\n";
        let mut stage = Stage::new(state.path(), surface, config, &[patch]);
        stage.surface_side.here.extend([(FIRST, "fake".to_owned()), (SurfaceId(3), "fake too".to_owned())]);
        let mut acts = Vec::new();
        stage.player.fill(&mut vec![[0.0; 2]; 4_800]);
        stage.conductor.settle(stage.surface_side.now());
        let gesture = hal::gesture::Gesture { at: stage.surface_side.now(), ..second(asked) };
        stage.conductor.play(&gesture, &mut acts);
        assert!(!acts.contains(&crate::control::binding::Act::Recalled(3, true)), "it waits: {acts:?}");
        // The bar comes while the surfaces are heard.
        stage.until(|conductor| conductor.store().value(ParamId::Denoise) == 0.5);
        let everyone = stage.told.clone();
        stage.close_only();
        let mut to: Vec<SurfaceId> =
            everyone.take().into_iter().filter(|(_, reply)| is_program(reply)).map(|(to, _)| to).collect();
        to.sort_unstable();
        assert_eq!(to, told);
    }
}

fn is_program(reply: &Reply) -> bool {
    matches!(reply, Reply::Midi(bytes) if bytes[0] & 0xf0 == 0xc0)
}

#[test]
fn a_wire_that_fails_is_a_standing_fault_until_it_works_and_its_controller_is_told_all_again() {
    const LIT: [u8; 3] = [0xbf, 32, 127];
    let state = tempfile::tempdir().expect("a folder");
    let nano = Motion::Connected(Identity::new("nanoKONTROL2", "usb 0944:0117"));
    let surface = FakeSurface::default().say(nano).say(note(40));
    let told = surface.told();
    told.refuse(FIRST, true);
    let mut stage = Stage::new(state.path(), surface, BoxConfig::default(), &["[scenes.1]\ndenoise = 0.9\n"]);
    let key = FaultKey::Surface("nanoKONTROL2".to_owned());
    while !stage.view.messages().stands(&key) {
        stage.hear();
    }
    assert_eq!(stage.view.messages().worst(), Some("the fake surface: it takes nothing"));
    told.refuse(FIRST, false);
    let mut lit = false;
    while stage.view.messages().stands(&key) || !lit {
        stage.hear();
        lit |= told.take().contains(&(FIRST, Reply::Midi(LIT.to_vec())));
    }
    stage.close();
}

#[test]
fn a_slip_in_the_file_of_learnt_maps_is_a_fault_until_it_is_mended_and_so_is_a_disk_that_takes_nothing() {
    let state = tempfile::tempdir().expect("a folder");
    let file = state.path().join(crate::settings::learnt_maps::FILE);
    let mut stage = Stage::new(state.path(), FakeSurface::default(), BoxConfig::default(), &[""]);
    let mut until = |key: &FaultKey, stands: bool| {
        while stage.view.messages().stands(key) != stands {
            stage.hear();
        }
        stage.view.messages().worst().map(str::to_owned)
    };
    let key = FaultKey::File(file.clone());
    std::fs::write(&file, "controler = 1\n").expect("a disk");
    let told = until(&key, true).expect("a fault stands");
    assert!(told.contains("maps.toml:1") && told.contains("controller"), "{told}");
    std::fs::write(&file, "# mended\n").expect("a disk");
    assert_eq!(until(&key, false), None);
    // Something stands in the way of the file.
    std::fs::remove_file(&file).expect("a disk");
    std::fs::create_dir(&file).expect("a disk");
    stage
        .surface_side
        .tell_kept(Err("what was learnt is lost when the box is switched off".to_owned()), &mut stage.view);
    let mut until = |stands: bool| {
        while stage.view.messages().stands(&FaultKey::Disk) != stands {
            stage.hear();
        }
    };
    until(true);
    std::fs::remove_dir(&file).expect("a disk");
    until(false);
    stage.close();
}

#[test]
fn every_file_that_is_not_in_order_is_a_fault_until_it_is_mended_or_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = tempfile::tempdir().expect("a folder");
    let mut stage = Stage::new(state.path(), FakeSurface::default(), BoxConfig::default(), &[""]);
    let (patch, profile) = (folder.path().join("1.toml"), folder.path().join("mine.toml"));
    std::fs::write(&patch, "[values]\ndenoize = 1\n").expect("a disk");
    std::fs::write(&profile, "nam = \"mine\"\n").expect("a disk");
    let library = Library::default();
    let mut wrong = WrongFiles::default();
    wrong.add(&patch, Box::new(move |path| library.wrong_with_patch(path)));
    wrong.add(&profile, Box::new(wrong_with));
    let keys = [&patch, &profile].map(|it| FaultKey::File(it.clone()));
    for (key, file) in keys.iter().zip([&patch, &profile]) {
        stage.view.say_remark(&Remark::of(file, format!("{}: faulty", file.display())));
        assert!(stage.view.messages().stands(key));
    }
    stage.surface_side.watch_files(wrong);
    // Another mistake in its place is told.
    std::fs::write(&patch, "[values]\nnoise = 1\n").expect("a disk");
    while !stage.view.messages().standing().any(|it| it.contains("values.noise")) {
        stage.hear();
    }
    std::fs::write(&patch, "[values]\ndenoise = 1\n").expect("a disk");
    std::fs::remove_file(&profile).expect("a disk");
    while keys.iter().any(|key| stage.view.messages().stands(key)) {
        stage.hear();
    }
    assert_eq!(stage.view.messages().worst(), None);
    stage.close();
}

#[test]
fn a_sequencer_starts_and_stops_the_sound_and_the_tape_goes_on() {
    let state = tempfile::tempdir().expect("a folder");
    let surface = FakeSurface::default().say(Motion::Transport(Transport::Stop));
    let mut stage = Stage::new(state.path(), surface, BoxConfig::default(), &[""]);
    stage.until(|conductor| conductor.transport().muted());
    let before = stage.conductor.transport().playhead().played;
    stage.player.fill(&mut [[0.0; 2]; 256]);
    assert!(before.until(stage.conductor.transport().playhead().played) > 0);
    stage.close();
    let surface =
        FakeSurface::default().say(Motion::Transport(Transport::Stop)).say(Motion::Transport(Transport::Start));
    let deaf = BoxConfig { follow: false, ..BoxConfig::default() };
    let mut stage = Stage::new(state.path(), surface.turn(1, 1), deaf, &[""]);
    for _ in 0..20 {
        stage.hear();
    }
    assert!(!stage.conductor.transport().muted(), "a box that does not follow is not muted by others");
    stage.close();
}

#[test]
fn a_scene_waits_for_its_beat_and_a_later_word_counts() {
    let state = tempfile::tempdir().expect("a folder");
    let config = BoxConfig { quantise: Quantise::Bar, ..BoxConfig::default() };
    let patch = "[prompt]\nbpm = 120\n[scenes.1]\ndenoise = 0.875\n";
    let mut stage = Stage::new(state.path(), FakeSurface::default(), config, &[patch]);
    let mut acts = Vec::new();
    let at = |ms| Duration::from_millis(ms);
    let press = |ms, motion| hal::gesture::Gesture { at: at(ms), surface: FIRST, motion };
    // Half a second into the tape: a quarter of a bar has gone.
    stage.player.fill(&mut vec![[0.0; 2]; 24_000]);
    stage.conductor.settle(at(500));
    stage.conductor.play(&press(510, note(40)), &mut acts);
    stage.conductor.come_in(at(600), &mut acts);
    assert_ne!(stage.value(ParamId::Denoise), 0.875, "it waits: {acts:?}");
    stage.player.fill(&mut vec![[0.0; 2]; 72_480]);
    stage.conductor.settle(at(2_010));
    stage.conductor.come_in(at(2_010), &mut acts);
    assert_eq!(stage.value(ParamId::Denoise), 0.875, "the bar has come");
    // Panic is never made to wait, and what waits does not come after it.
    stage.conductor.play(&press(2_020, note(58)), &mut acts);
    stage.conductor.play(&press(2_030, note(40)), &mut acts);
    stage.conductor.play(&press(2_040, note(58)), &mut acts);
    stage.conductor.come_in(at(9_000), &mut acts);
    assert_eq!(stage.value(ParamId::Denoise), ParamId::Denoise.row().default);
    stage.close();
}

#[test]
fn an_unplugged_controller_changes_no_value_and_its_first_word_after_coming_back_neither() {
    let state = tempfile::tempdir().expect("a folder");
    let surface = FakeSurface::default().replug().turn(1, 60).turn(1, 70).unplug().replug().turn(1, 127).say(note(36));
    let mut stage = Stage::new(state.path(), surface, BoxConfig::default(), &[""]);
    stage.until(|conductor| conductor.store().value(ParamId::Denoise) == 70.0 / 127.0);
    for _ in 0..30 {
        stage.hear();
    }
    assert_eq!(stage.value(ParamId::Denoise), 70.0 / 127.0);
    stage.close();
}

#[test]
fn lights_follow_a_scene_that_moved_the_value_and_come_back_with_the_controller() {
    const NATIVE: [u8; 11] = [0xf0, 0x42, 0x40, 0x00, 0x01, 0x13, 0x00, 0x00, 0x00, 0x01, 0xf7];
    // Button S 1, control change 32, reaches scene 1.
    const LIT: [u8; 3] = [0xbf, 32, 127];
    let state = tempfile::tempdir().expect("a folder");
    let nano = Motion::Connected(Identity::new("nanoKONTROL2", "usb 0944:0117"));
    let surface = FakeSurface::default().say(nano.clone()).say(note(40)).unplug().say(nano);
    let mut stage = Stage::new(state.path(), surface, BoxConfig::default(), &["[scenes.1]\ndenoise = 0.9\n"]);
    let mut told = Vec::new();
    let count = |told: &[u8], what: &[u8]| told.windows(what.len()).filter(|it| *it == what).count();
    // Bounded, so that a light that never comes fails the test instead of holding it.
    for _ in 0..400 {
        stage.hear();
        told.extend(stage.told.take().into_iter().flat_map(|(_, reply)| match reply {
            Reply::Midi(bytes) => bytes,
            Reply::Led(..) => Vec::new(),
        }));
    }
    assert!(stage.conductor.desk().scene().is_some(), "the scene was recalled");
    assert!(count(&told, &NATIVE) >= 1, "it was asked for its lights: {told:02x?}");
    let back = told.windows(NATIVE.len()).rposition(|it| it == NATIVE).expect("counted above");
    assert_eq!(count(&told[back..], &LIT), 1, "and shows the scene after it came back: {told:02x?}");
    stage.close();
}

#[test]
fn a_start_is_never_louder_than_the_gain_that_was_kept() {
    let state = tempfile::tempdir().expect("a folder");
    let mut stage =
        Stage::new(state.path(), FakeSurface::default(), BoxConfig::default(), &["[values]\ngain_db = -20"]);
    let mut sound = vec![[0.0; 2]; 2 * POWER_ON_FADE_FRAMES];
    sound.chunks_mut(256).for_each(|period| stage.player.fill(period));
    let loudest = sound.iter().flatten().fold(0.0_f32, |loudest, it| loudest.max(it.abs()));
    // The tape reaches .1, and the gain is a tenth.
    assert!((0.009_9..=0.010_1).contains(&loudest), "the first sound reaches {loudest}");
    stage.close();
}

#[test]
fn the_power_key_asks_with_its_first_press_and_makes_the_wish_with_its_second() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut stage = Stage::new(folder.path(), FakeSurface::default(), BoxConfig::default(), &[""]);
    let news = BoxNews::of(folder.path(), vec![folder.path().join("told")]);
    stage.surface_side.hear_of_the_box(news);
    let (wish, key) = (folder.path().join("switch-off"), Control::Key(hal::input::POWER_KEY));
    for is_made in [false, true] {
        assert_eq!(stage.play(Motion::Pressed(key, 127), Duration::from_secs(1)), [Act::SwitchOff(true)]);
        assert_eq!(stage.play(Motion::Released(key), Duration::from_secs(1)), [Act::SwitchOff(false)]);
        assert_eq!(wish.exists(), is_made);
    }
    stage.close_only();
}
