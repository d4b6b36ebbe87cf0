//! What hands and machines did is what the displays show: gestures through the real conductor, surface side and view.

use std::time::Duration;

use engine::param::ParamId;
use hal::gesture::{FakeSurface, Motion};

use super::support_tests::{FIRST, Stage, note};
use crate::control::binding::MAIN;
use crate::display::messages::FaultKey;
use crate::display::status::{Listed, Status};
use crate::performance::threads::Pulse;
use crate::performance::view::FAULT_TURN;
use crate::settings::box_file::BoxConfig;

impl Stage {
    /// Hears once and draws; the status that the displays get.
    fn seen(&mut self, now: Duration) -> Status {
        self.hear();
        self.drawn(now)
    }

    /// Draws what stands before anybody was heard.
    fn drawn(&mut self, now: Duration) -> Status {
        let Self { surface_side, conductor, view, .. } = self;
        view.draw(conductor, &Pulse::default(), |status| surface_side.show(conductor, status), now);
        view.status().clone()
    }

    /// Hears and draws until the displays get what is asked for.
    fn until_seen(&mut self, is_it: impl Fn(&Status) -> bool) -> Status {
        loop {
            let status = self.seen(Duration::ZERO);
            if is_it(&status) {
                return status;
            }
        }
    }
}

fn number_of(id: ParamId) -> u8 {
    MAIN.iter().position(|it| *it == id).expect("a main parameter") as u8 + 1
}

#[test]
fn a_hand_on_an_encoder_moves_the_pages_value_and_its_needle() {
    let state = tempfile::tempdir().expect("a folder");
    let denoise = number_of(ParamId::Denoise);
    let patch = "[values]\ndenoise = 0.5\n[[map]]\nnote = 1\nto = \"panic\"\n";
    let surface = FakeSurface::default().replug().turn(denoise, 10).turn(denoise, 20);
    let mut stage = Stage::new(state.path(), surface, BoxConfig::default(), &[patch]);
    assert_eq!(stage.view.status().page, None, "no knob was touched yet");
    let knob = |status: &Status| status.page.as_ref().map(|it| it.knobs[it.touched].clone());
    let waits = stage.until_seen(|status| knob(status).is_some_and(|it| it.waiting == Some(20.0 / 127.0)));
    let page = waits.page.expect("a page");
    assert_eq!(page.knobs.len(), 8, "the row of the one in the hand");
    assert_eq!((page.knobs[page.touched].id, page.knobs[page.touched].place), (Some(ParamId::Denoise), 0.5));
    assert_eq!(page.knobs[0].id, Some(MAIN[usize::from((denoise - 1) / 8 * 8)]));
    // The hand goes on and passes the value: the knob has hold of it.
    stage.close();
    let surface = FakeSurface::default().replug().turn(denoise, 10).turn(denoise, 70).turn(denoise, 100);
    let mut stage = Stage::new(state.path(), surface, BoxConfig::default(), &[patch]);
    let held = stage.until_seen(|status| knob(status).is_some_and(|it| it.place == 100.0 / 127.0));
    assert_eq!(knob(&held).expect("a knob").waiting, None);
    assert_eq!((held.moved, held.values.get(ParamId::Denoise)), (Some(ParamId::Denoise), 100.0 / 127.0));
    stage.close();
}

#[test]
fn a_controller_that_goes_takes_its_page_with_it() {
    let state = tempfile::tempdir().expect("a folder");
    let surface = FakeSurface::default().replug().turn(1, 10).turn(1, 20);
    let mut stage = Stage::new(state.path(), surface, BoxConfig::default(), &[""]);
    stage.until_seen(|status| status.page.is_some());
    let gone = hal::gesture::Gesture { at: Duration::ZERO, surface: FIRST, motion: Motion::Disconnected };
    let mut acts = Vec::new();
    stage.conductor.play(&gone, &mut acts);
    stage.surface_side.answer_all(&mut acts, None, &mut stage.conductor, &mut stage.view);
    assert_eq!(stage.seen(Duration::ZERO).page, None);
    stage.close();
}

#[test]
fn a_step_in_the_set_list_moves_what_plays_and_what_comes_next_and_the_scenes_have_their_names() {
    let state = tempfile::tempdir().expect("a folder");
    let map = "[[map]]\nnote = 1\nto = \"next-patch\"\n[[map]]\nnote = 2\nto = \"scene-2\"\n";
    let patches = [
        format!("[scenes.1]\nname = \"in\"\ndenoise = 0.2\n{map}"),
        format!("[scenes.2]\nname = \"drop\"\ndenoise = 0.9\n{map}"),
        map.to_owned(),
    ];
    let patches: Vec<&str> = patches.iter().map(String::as_str).collect();
    let surface = FakeSurface::default().replug().say(note(1)).say(note(2)).say(note(1));
    let mut stage = Stage::new(state.path(), surface, BoxConfig::default(), &patches);
    let listed = |number: usize, name: &str| Some(Listed { number, name: name.to_owned() });
    let at = |status: &Status| status.set_list.clone().map(|it| (it.previous, it.playing, it.next, it.last));
    let first = stage.drawn(Duration::ZERO);
    assert_eq!(at(&first), Some((None, listed(0, "first").unwrap(), listed(1, "1"), 2)));
    let names = |status: &Status| -> Vec<(bool, Option<String>)> {
        status.scenes.iter().take(2).map(|it| (it.kept, it.name.clone())).collect()
    };
    assert_eq!(names(&first), [(true, Some("in".to_owned())), (false, None)]);
    let last = stage.until_seen(|status| status.set_list.as_ref().is_some_and(|it| it.playing.number == 2));
    assert_eq!(at(&last), Some((listed(1, "1"), listed(2, "2").unwrap(), None, 2)));
    assert_eq!((last.patch.as_str(), last.scene), ("2", None));
    stage.close();
    let surface = FakeSurface::default().replug().say(note(1)).say(note(2));
    let mut stage = Stage::new(state.path(), surface, BoxConfig::default(), &patches);
    let second = stage.until_seen(|status| status.scene == Some(1));
    assert_eq!(at(&second), Some((listed(0, "first"), listed(1, "1").unwrap(), listed(2, "2"), 2)));
    assert_eq!(names(&second), [(false, None), (true, Some("drop".to_owned()))]);
    stage.close();
}

#[test]
fn without_a_set_list_there_is_no_place_in_one() {
    let state = tempfile::tempdir().expect("a folder");
    let mut stage = Stage::new(state.path(), FakeSurface::default(), BoxConfig::default(), &[""]);
    let status = stage.seen(Duration::ZERO);
    assert_eq!((status.set_list, status.scenes.len()), (None, 9));
    stage.close();
}

#[test]
fn a_fault_stands_beside_the_mute_and_a_message_until_it_is_over_and_is_read_a_part_at_a_time() {
    let state = tempfile::tempdir().expect("a folder");
    let surface = FakeSurface::default().replug().say(note(59));
    let patch = "[[map]]\nnote = 59\nto = \"mute\"\n";
    let mut stage = Stage::new(state.path(), surface, BoxConfig::default(), &[patch]);
    stage.view.messages().fault(FaultKey::SoundDevice, "the sound device is away");
    let muted = stage.until_seen(|status| status.muted && status.message == "muted");
    assert_eq!((muted.fault(), muted.said()), (Some("the sound device is away"), "muted"));
    stage.view.messages().fault(FaultKey::Disk, "the disk is full");
    let begun = Duration::from_secs(100);
    let pages = [0, 1, 2, 7].map(|turns| {
        let status = stage.seen(begun + FAULT_TURN * turns);
        assert_eq!((status.faults.len(), status.muted), (2, true), "whatever is told meanwhile");
        status.fault_page
    });
    assert_eq!(pages, [0, 1, 2, 7]);
    stage.view.messages().over(&FaultKey::SoundDevice);
    let later = stage.seen(begun + FAULT_TURN * 9);
    assert_eq!((later.faults.as_slice(), later.fault_page), (&["the disk is full".to_owned()][..], 0));
    stage.view.messages().over(&FaultKey::Disk);
    assert_eq!(stage.seen(begun + FAULT_TURN * 9).faults, Vec::<String>::new());
    stage.close();
}
