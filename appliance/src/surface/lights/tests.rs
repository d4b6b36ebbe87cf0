//! What is said to whom, and when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::param::{ParamId, Values};
use hal::gesture::{Control, Gesture, Motion, Position, Reply, SurfaceId};
use proptest::prelude::*;

use super::{LightState, Lights, Panel, REST, look};
use crate::control::binding::{Entry, Map, On, Playing, Target, Travel};
use crate::settings::profile::{Profile, Profiles};

const ONE: SurfaceId = SurfaceId(2);
const TWO: SurfaceId = SurfaceId(3);

/// A controller with everything that may move by itself.
const MOVING: &str = r#"
sets_knobs = true
rate = 20
control = [
    { name = "Motor 1", kind = "motor-fader", channel = 1, bend = true, to = "denoise", light = "motor" },
    { name = "Motor 2", kind = "motor-fader", channel = 2, bend = true, to = "denoise", light = "motor" },
    { name = "Motor 3", kind = "motor-fader", channel = 3, bend = true, light = "motor" },
    { name = "Switch", kind = "button", note = 1, to = "dcw_enabled", light = "button" },
    { name = "Scene", kind = "button", note = 2, to = "scene-1", light = "button" },
    { name = "Both", kind = "button", note = 3, to = ["mute", "scene-2"], light = "plain" },
]
[light.motor]
send = "bend"
place = [0, 16383]
[light.button]
send = "note"
off = 0
on = 1
blink = 2
[light.plain]
send = "note"
off = 0
on = 1
"#;

struct Stage {
    lights: Lights,
    map: Map,
    playing: Playing,
    values: Values,
    panel: Panel,
    now: Duration,
}

impl Stage {
    fn new() -> Self {
        Self {
            lights: Lights::default(),
            map: Map::default(),
            playing: Playing::default(),
            values: Values::default(),
            panel: Panel::default(),
            now: Duration::from_secs(10),
        }
    }

    fn with(profile: Profile) -> Self {
        let mut stage = Self::new();
        stage.plug(ONE, Arc::new(profile));
        stage
    }

    fn plug(&mut self, surface: SurfaceId, profile: Arc<Profile>) {
        self.map.set_profile(surface, profile.entries());
        self.lights.came(surface, profile);
    }

    fn tell(&mut self) -> Vec<(SurfaceId, Reply)> {
        let (values, panel) = (self.values, self.panel);
        let mut replies = Vec::new();
        let show = |entry: &Entry| look(entry, &values, ParamId::Denoise, &panel);
        self.lights.tell(self.now, &self.map, self.playing, show, &mut replies);
        replies
    }

    /// The bytes that are said now, to whomever.
    fn bytes(&mut self) -> Vec<Vec<u8>> {
        self.tell().into_iter().map(|(_, reply)| bytes(&reply)).collect()
    }

    /// Goes on in steps of 20 ms until nothing waits; what was said.
    fn rest(&mut self) -> Vec<(SurfaceId, Reply)> {
        let mut said = Vec::new();
        for _ in 0..1000 {
            said.extend(self.tell());
            if !self.lights.waits() {
                return said;
            }
            self.wait(20);
        }
        panic!("after 20 s something still waits");
    }

    fn wait(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    fn hand(&mut self, motion: Motion) {
        self.lights.heard(&Gesture { at: self.now, surface: ONE, motion });
    }

    fn slide(&mut self, channel: u8, to: u16) {
        self.hand(Motion::Turned(Control::Bend { channel }, Position::Fourteen(to)));
    }
}

fn bytes(reply: &Reply) -> Vec<u8> {
    match reply {
        Reply::Midi(bytes) => bytes.clone(),
        Reply::Led(number, on) => vec![*number, u8::from(*on)],
    }
}

fn moving() -> Profile {
    let (profile, faults) = Profile::parse_sound("moving", MOVING);
    assert!(faults.is_empty(), "{faults:?}");
    profile
}

fn shipped(key: &str) -> Arc<Profile> {
    let profiles = Profiles::built_in();
    profiles.all().find(|it| it.key == key).map(Arc::clone).expect("a built-in profile")
}

const MIDDLE: [u8; 2] = [0, 0x40];

#[test]
fn a_controller_that_comes_is_told_all_once_and_then_only_what_changes() {
    let mut stage = Stage::with(moving());
    let first = stage.rest();
    assert_eq!(first.len(), 5, "{first:?}");
    stage.wait(1000);
    assert_eq!(stage.bytes(), Vec::<Vec<u8>>::new(), "nothing is said twice");
    stage.values.set(ParamId::DcwEnabled, 0.0);
    assert_eq!(stage.bytes(), [[0x90, 1, 0]]);
    stage.lights.all_again(ONE);
    assert_eq!(stage.rest().len(), 5, "a message was lost: all of it again");
    stage.lights.came(ONE, Arc::new(moving()));
    assert_eq!(stage.rest().len(), 5, "it was away: all of it again");
    stage.lights.went(ONE);
    stage.values.set(ParamId::Denoise, 0.9);
    assert_eq!(stage.bytes(), Vec::<Vec<u8>>::new(), "nobody is there");
}

#[test]
fn every_control_of_a_parameter_follows_it_and_the_first_of_many_meanings_decides() {
    let mut stage = Stage::with(moving());
    stage.rest();
    stage.wait(1000);
    stage.values.set(ParamId::Denoise, 1.0);
    assert_eq!(stage.bytes(), [[0xe0, 127, 127], [0xe1, 127, 127]]);
    stage.panel.scene = Some((1, false));
    assert_eq!(stage.bytes(), Vec::<Vec<u8>>::new(), "mute comes first, and it is not muted");
    stage.panel.muted = true;
    assert_eq!(stage.bytes(), [[0x90, 3, 1]]);
    let learnt = Entry::usual(On::Note(3), Target::Param(ParamId::DcwEnabled));
    stage.panel.muted = false;
    stage.map.set_learnt(ONE, vec![learnt]);
    assert_eq!(stage.bytes(), Vec::<Vec<u8>>::new(), "what was learnt is shown: it is on as it was");
}

#[test]
fn a_fader_in_the_hand_is_left_alone_until_it_rests_and_then_told_where_it_should_be() {
    let mut stage = Stage::with(moving());
    stage.rest();
    stage.wait(1000);
    // Denoise is at its middle; the hand slides away from it without taking hold.
    stage.slide(1, 3);
    stage.values.set(ParamId::Denoise, 1.0);
    assert_eq!(stage.bytes(), [[0xe1, 127, 127]], "the other one follows at once");
    stage.wait(299);
    assert_eq!(stage.bytes(), Vec::<Vec<u8>>::new());
    assert!(stage.lights.waits());
    stage.slide(1, 2);
    stage.wait(299);
    assert_eq!(stage.bytes(), Vec::<Vec<u8>>::new(), "the hand has moved it again");
    stage.wait(1);
    assert_eq!(stage.bytes(), [[0xe0, 127, 127]]);
    // It stands somewhere else than it was told: told again, though the value has not changed.
    stage.slide(1, 9000);
    stage.wait(REST.as_millis() as u64);
    assert_eq!(stage.bytes(), [[0xe0, 127, 127]]);
}

#[test]
fn the_ring_of_an_encoder_that_goes_by_detents_follows_the_hand_at_once() {
    let mut stage = Stage::new();
    stage.plug(ONE, shipped("behringer-x-touch-mini-mc"));
    stage.rest();
    stage.wait(1000);
    stage.hand(Motion::Turned(Control::Cc { channel: 1, number: 16 }, Position::Seven(1)));
    stage.values.set(ParamId::Denoise, 1.0);
    assert_eq!(stage.bytes(), [[0xb0, 48, 43]]);
    stage.hand(Motion::Turned(Control::Cc { channel: 1, number: 16 }, Position::Seven(1)));
    assert_eq!(stage.bytes(), Vec::<Vec<u8>>::new(), "the ring is as it was");
}

#[test]
fn a_button_that_was_pressed_is_told_again_because_it_may_have_lit_itself() {
    let mut stage = Stage::with(moving());
    stage.rest();
    stage.wait(1000);
    let control = Control::Note { channel: 5, number: 1 };
    stage.hand(Motion::Pressed(control, 100));
    assert_eq!(stage.bytes(), [[0x90, 1, 1]], "at once, without waiting for rest");
    stage.hand(Motion::Released(control));
    assert_eq!(stage.bytes(), [[0x90, 1, 1]]);
}

#[test]
fn a_fader_that_is_bound_to_nothing_stays_and_a_button_goes_dark_on_a_layer_without_it() {
    let mut stage = Stage::with(moving());
    let said = stage.rest();
    assert!(said.iter().all(|(_, reply)| bytes(reply)[0] != 0xe2), "{said:?}");
    stage.wait(1000);
    let entry = Entry::usual(On::Note(1), Target::Param(ParamId::DcwEnabled));
    let layer = crate::control::binding::Layer { bank: None, shift: Some(false) };
    stage.map.set_profile(ONE, vec![Entry { layer, ..entry }]);
    stage.panel.scene = Some((0, false));
    stage.rest();
    stage.wait(1000);
    stage.playing.shift = true;
    assert_eq!(stage.bytes(), [[0x90, 1, 0]]);
}

#[test]
fn a_flood_never_exceeds_the_rate_and_the_latest_arrives() {
    let mut stage = Stage::with(moving());
    let mut said: Vec<(Duration, Vec<u8>)> = Vec::new();
    for turn in 0..2000_u32 {
        stage.values.set(ParamId::Denoise, f64::from(turn % 101) / 100.0);
        stage.values.set(ParamId::DcwEnabled, f64::from(turn / 7 % 2));
        let now = stage.now;
        said.extend(stage.bytes().into_iter().map(|bytes| (now, bytes)));
        stage.wait(5);
    }
    for (first, (from, _)) in said.iter().enumerate() {
        let within = said[first..].iter().take_while(|(at, _)| *at - *from < Duration::from_secs(1)).count();
        assert!(within <= 20, "{within} messages in the second from {from:?}");
    }
    assert!(said.len() > 140, "what may be said is said: {} messages in 10 s", said.len());
    for lamp in [vec![0xe0], vec![0xe1], vec![0x90, 1]] {
        let count = said.iter().filter(|(_, bytes)| bytes.starts_with(&lamp)).count();
        assert!(count > 10, "{lamp:?} was told {count} times: the others starved it");
    }
    stage.values.set(ParamId::Denoise, 0.5);
    stage.values.set(ParamId::DcwEnabled, 1.0);
    let last = stage.rest().into_iter().map(|(_, reply)| bytes(&reply));
    said.extend(last.map(|bytes| (stage.now, bytes)));
    for lamp in [0xe0, 0xe1] {
        let last = said.iter().rev().find(|(_, bytes)| bytes[0] == lamp).expect("it was told something");
        assert_eq!(last.1[1..], MIDDLE);
    }
}

#[test]
fn setup_comes_first_and_counts_and_a_farewell_darkens_what_was_lit_and_sets_back() {
    let mut stage = Stage::new();
    stage.plug(ONE, shipped("korg-nanokontrol2"));
    let first = stage.bytes();
    assert_eq!(first[0], [0xf0, 0x42, 0x40, 0, 1, 0x13, 0, 0, 0, 1, 0xf7]);
    assert_eq!(first.len(), 1 + 16, "of 20 messages at once, the setup is as long as 4");
    stage.rest();
    let dark = stage.lights.farewell();
    assert_eq!(dark.len(), 24 + 6 + 1);
    assert_eq!(bytes(&dark[0].1), [0xbf, 32, 0]);
    assert_eq!(bytes(&dark[30].1), [0xf0, 0x42, 0x40, 0, 1, 0x13, 0, 0, 0, 0, 0xf7]);
    assert_eq!(stage.lights.farewell(), Vec::new());
    stage.plug(ONE, Arc::new(moving()));
    stage.rest();
    let motors = stage.lights.farewell().iter().filter(|(_, reply)| bytes(reply)[0] >= 0xe0).count();
    assert_eq!(motors, 0, "faders stay where they are");
    stage.plug(ONE, Arc::new(moving()));
    assert_eq!(stage.lights.farewell(), Vec::new(), "it was told nothing yet");
}

#[test]
fn the_layer_of_a_controllers_own_is_known_by_what_is_touched_and_shares_its_lamps() {
    let mut stage = Stage::new();
    stage.plug(ONE, shipped("behringer-x-touch-mini"));
    stage.values.set(ParamId::Denoise, 0.0);
    stage.values.set(ParamId::Feedback, 1.0);
    let ring = |said: Vec<(SurfaceId, Reply)>| {
        let said: Vec<_> = said.iter().map(|(_, reply)| bytes(reply)).filter(|it| it[..2] == [0xb0, 9]).collect();
        said.last().cloned()
    };
    let said = stage.rest();
    assert_eq!(said.len(), 10 + 24, "setup, 8 rings and 16 buttons");
    assert_eq!(ring(said), Some(vec![0xb0, 9, 1]), "layer A: denoise");
    stage.hand(Motion::Pressed(Control::Note { channel: 11, number: 40 }, 127));
    let said = stage.rest();
    assert_eq!(said.len(), 24, "the layer was turned without a word: all of it again");
    assert_eq!(ring(said), Some(vec![0xb0, 9, 13]), "layer B: feedback");
}

#[test]
fn a_controller_that_forgets_is_told_all_again_every_so_often() {
    let mut stage = Stage::new();
    stage.plug(ONE, shipped("behringer-x-touch-mini"));
    stage.rest();
    let began = stage.now;
    let mut said = 0;
    while stage.now < began + Duration::from_secs(10) {
        said += stage.tell().len();
        stage.wait(20);
    }
    assert_eq!(said, 5 * 24);
}

#[test]
fn a_scene_is_lit_while_it_is_played_and_blinks_when_it_was_left_and_a_plain_light_blinks_by_hand() {
    let mut stage = Stage::with(moving());
    stage.rest();
    stage.wait(1000);
    stage.panel.scene = Some((0, false));
    assert_eq!(stage.bytes(), [[0x90, 2, 1]]);
    stage.panel.scene = Some((0, true));
    assert_eq!(stage.bytes(), [[0x90, 2, 2]]);
    // A light without a blinking of its own: half a second on and off, by the clock.
    let scene = Entry::usual(On::Note(3), Target::Deed(crate::control::binding::Deed::Recall(0)));
    stage.map.set_learnt(ONE, vec![scene]);
    let mut shown = Vec::new();
    stage.now = Duration::from_secs(20);
    for _ in 0..8 {
        shown.extend(stage.bytes());
        stage.wait(125);
    }
    assert_eq!(shown, [[0x90, 3, 1], [0x90, 3, 0], [0x90, 3, 1], [0x90, 3, 0]]);
}

#[test]
fn a_ring_blinks_while_its_knob_has_not_come_by_the_value() {
    let mut stage = Stage::new();
    stage.plug(ONE, shipped("behringer-x-touch-mini"));
    stage.rest();
    stage.wait(1000);
    let (map, values, panel) = (stage.map.clone(), stage.values, stage.panel);
    let mut replies = Vec::new();
    let waiting = |entry: &Entry| LightState {
        blink: entry.target == Target::Param(ParamId::Denoise),
        ..look(entry, &values, ParamId::Denoise, &panel)
    };
    stage.lights.tell(stage.now, &map, Playing::default(), waiting, &mut replies);
    assert_eq!(replies, [(ONE, Reply::Midi(vec![0xb0, 9, 20]))]);
}

#[test]
fn two_equal_controllers_are_told_each_its_own() {
    let mut stage = Stage::with(moving());
    stage.plug(TWO, Arc::new(moving()));
    stage.rest();
    stage.wait(1000);
    stage.map.set_learnt(TWO, vec![Entry::usual(On::Note(1), Target::Deed(crate::control::binding::Deed::Mute))]);
    stage.panel.muted = true;
    stage.slide(1, 77);
    stage.values.set(ParamId::Denoise, 1.0);
    let said: Vec<_> = stage.tell().into_iter().map(|(surface, reply)| (surface, bytes(&reply))).collect();
    let one = said.iter().filter(|(surface, _)| *surface == ONE).count();
    assert_eq!((one, said.len() - one), (2, 3), "{said:?}");
}

#[test]
fn every_meaning_looks_as_the_panel_has_it() {
    let kept = Panel { scene: Some((1, false)), scenes_kept: 0b110, bank: 2, ..Panel::default() };
    let full = Panel { muted: true, learning: true, shift: true, ..kept };
    let morph = Panel { scene: Some((1, true)), morphs: Some(((0, 1), 0.75)), ..kept };
    for (name, panel, place, on, blink, dim) in [
        ("denoise", kept, 0.5, false, false, false),
        ("selected", kept, 0.5, false, false, false),
        ("dcw_enabled", kept, 1.0, true, false, false),
        ("dcw_mode", kept, 2.0 / 3.0, true, false, false),
        ("method", kept, 0.0, false, false, false),
        ("morph-1-2", morph, 0.75, true, false, false),
        ("morph-2-1", morph, 0.0, false, false, false),
        ("scene-1", kept, 0.0, false, false, false),
        ("scene-2", kept, 1.0, true, false, true),
        ("scene-2", morph, 1.0, true, true, true),
        ("scene-3", kept, 0.0, false, false, true),
        ("keep-scene-3", kept, 0.0, false, false, true),
        ("mute", kept, 0.0, false, false, false),
        ("mute", full, 1.0, true, false, false),
        ("learn", full, 1.0, true, true, false),
        ("shift-layer", full, 1.0, true, false, false),
        ("bank-3", kept, 1.0, true, false, false),
        ("bank-1", kept, 0.0, false, false, false),
        ("next-bank", kept, 1.0, true, false, false),
        ("panic", full, 0.0, false, false, false),
    ] {
        let entry = Entry::usual(On::Cc(1), Target::from_name(name).expect("a target"));
        let state = look(&entry, &Values::default(), ParamId::Denoise, &panel);
        assert_eq!(state, LightState { place, on, blink, dim }, "{name}");
    }
    let travel = Travel { range: Some((0.0, 0.5)), reversed: true, ..Travel::default() };
    let entry = Entry { travel, ..Entry::usual(On::Cc(1), Target::Param(ParamId::Denoise)) };
    assert_eq!(look(&entry, &Values::default(), ParamId::Denoise, &kept).place, 0.0, "where the knob would stand");
}

/// Which lamp a reply is for.
fn lamp(reply: &Reply) -> Vec<u8> {
    let bytes = bytes(reply);
    match bytes[0] {
        0xe0.. => bytes[..1].to_vec(),
        0x90..=0x9f => vec![0x90, bytes[1]],
        _ => bytes[..2].to_vec(),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Set(ParamId, f64),
    Scene(Option<(usize, bool)>),
    Mute(bool),
    Slide(u8, u16),
    Press(u8),
    Lost,
    Wait(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0.0..=1.0).prop_map(|value| Step::Set(ParamId::Denoise, value)),
        (0_u8..2).prop_map(|on| Step::Set(ParamId::DcwEnabled, f64::from(on))),
        prop::option::of((0_usize..3, any::<bool>())).prop_map(Step::Scene),
        any::<bool>().prop_map(Step::Mute),
        (1_u8..4, 0_u16..16_384).prop_map(|(channel, to)| Step::Slide(channel, to)),
        (1_u8..4).prop_map(Step::Press),
        Just(Step::Lost),
        (0_u64..400).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn once_all_rests_every_light_was_last_told_what_it_should_show(steps in prop::collection::vec(any_step(), 0..80)) {
        let mut stage = Stage::with(moving());
        // What the lights of the device show: what they were told, or what the hand made of them.
        let mut shown: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Set(id, value) => { stage.values.set(id, value); }
                Step::Scene(scene) => stage.panel.scene = scene,
                Step::Mute(muted) => stage.panel.muted = muted,
                Step::Slide(channel, to) => {
                    stage.slide(channel, to);
                    let moved = vec![0xe0 | (channel - 1), (to & 0x7f) as u8, (to >> 7) as u8];
                    shown.insert(moved[..1].to_vec(), moved);
                }
                Step::Press(number) => {
                    stage.hand(Motion::Released(Control::Note { channel: 1, number }));
                    shown.insert(vec![0x90, number], vec![0x90, number, 0]);
                }
                Step::Lost => {
                    // What is said now does not arrive.
                    stage.tell();
                    stage.lights.all_again(ONE);
                }
                Step::Wait(ms) => stage.wait(ms),
            }
            for (_, reply) in stage.tell() {
                shown.insert(lamp(&reply), bytes(&reply));
            }
        }
        for (_, reply) in stage.rest() {
            shown.insert(lamp(&reply), bytes(&reply));
        }
        // The wanted state, worked out anew.
        let place = (stage.values.exact(ParamId::Denoise) * 16_383.0).round() as u16;
        let motor = |status: u8| vec![status, (place & 0x7f) as u8, (place >> 7) as u8];
        let scene = match stage.panel.scene { Some((0, false)) => 1, Some((0, true)) => 2, _ => 0 };
        let switch = stage.values.exact(ParamId::DcwEnabled) as u8;
        for wanted in [
            motor(0xe0), motor(0xe1), vec![0x90, 1, switch], vec![0x90, 2, scene], vec![0x90, 3, u8::from(stage.panel.muted)],
        ] {
            let lamp = lamp(&Reply::Midi(wanted.clone()));
            prop_assert_eq!(shown.get(&lamp), Some(&wanted));
        }
    }
}
