//! Goal: whatever comes from the surfaces, on whatever map: no panic, no value outside of its range, no value that moves
//! because a plug was pulled or put in, none of the load class that moves without a hand on it.
//! Method: random maps as text, through the reader of patches; random gestures of every kind on five surfaces, through
//! binding and desk, which are looked at after each.

use std::collections::HashSet;
use std::time::Duration;

use appliance::control::binding::{Act, Binding, Map, Target};
use appliance::control::desk::Desk;
use appliance::settings::patch::Patch;
use engine::param::{Class, Drawn, PARAMS, ParamId, SCENES, Store, Values};
use hal::gesture::{Control, Gesture, Identity, Key, Motion, Position, SurfaceId, Transport};
use proptest::prelude::*;

/// The last of them plays a score, which is meant from its first word; one has a profile and one has learnt something.
const SURFACES: [SurfaceId; 5] =
    [SurfaceId(2), SurfaceId(3), SurfaceId(4), SurfaceId::RECORDED_HANDS, SurfaceId::SCORE];
const PROFILED: SurfaceId = SURFACES[0];
const TAUGHT: SurfaceId = SURFACES[1];
/// Few numbers, so that gestures meet lines: most are of the usual map, some are of none.
const NUMBERS: [u16; 11] = [0, 1, 2, 9, 15, 31, 33, 36, 40, 61, 62];

/// Every key of the terminal that means something, and some that do not.
const KEYS: &str = "asdfghjklzxcvbnm+-=_1234!@#$%wuUrRptL{}[] q?";

fn number() -> impl Strategy<Value = u16> {
    prop_oneof![4 => prop::sample::select(&NUMBERS[..]), 1 => 0_u16..128]
}

/// One `[[map]]` of a patch, sound by itself.
fn line() -> impl Strategy<Value = String> {
    let on = prop_oneof![
        4 => number().prop_map(|it| (format!("cc = {it}"), it < 32, true)),
        2 => number().prop_map(|it| (format!("note = {it}"), false, false)),
        1 => prop::sample::select(vec!["bend = true", "pressure = true", "program = true"])
            .prop_map(|it| (it.to_owned(), false, false)),
        2 => (prop::sample::select(vec!["poly_pressure", "nrpn", "button", "encoder", "pot"]), number())
            .prop_map(|(key, it)| (format!("{key} = {it}"), false, false)),
        1 => number().prop_map(|it| (format!("key = {}", it + 1), false, false)),
    ];
    let range = prop::option::of((0.0..0.45, 0.55..1.0));
    let shape = (range, 0_usize..4, 0_usize..3, any::<bool>());
    let how = (0_usize..9, 0_usize..3, 0_usize..6, any::<bool>(), any::<bool>());
    let layer = (prop::option::of(1_u8..=8), prop::option::of(any::<bool>()), prop::option::of(1_u8..=3));
    (on, prop::sample::select(Target::names()), shape, how, layer).prop_map(
        |(
            (on, pairs, encodes),
            to,
            (range, curve, taper, reversed),
            (encoding, takeover, press, velocity, pair),
            layer,
        )| {
            let mut text = format!("[[map]]\n{on}\nto = \"{to}\"\nreversed = {reversed}\nvelocity = {velocity}\n");
            if let (Some(Target::Param(id)), Some((low, high))) = (Target::from_name(&to), range) {
                let row = id.row();
                let at = |part: f64| row.low + (row.high - row.low) * part;
                text += &format!("range = [{:?}, {:?}]\n", at(low), at(high));
            }
            text += &format!("curve = \"{}\"\n", ["linear", "slow", "fast", "s"][curve]);
            text += &format!("taper = \"{}\"\n", ["own", "linear", "log"][taper]);
            text += &format!("takeover = \"{}\"\n", ["pickup", "jump", "scale"][takeover]);
            // Mostly places: they have most to go wrong.
            let encodings = ["twos-complement", "binary-offset", "sign-bit", "sign-bit-2"];
            if let Some(encoding) = encodings.get(encoding).filter(|_| encodes) {
                text += &format!("encoding = \"{encoding}\"\n");
            }
            if let Some(press) = ["set", "momentary", "toggle", "latch"].get(press) {
                text += &format!("press = \"{press}\"\n");
            }
            if pair && pairs {
                text += "fourteen_bit = true\n";
            }
            let written =
                |key: &str, value: Option<String>| value.map_or(String::new(), |it| format!("{key} = {it}\n"));
            let (bank, shift, channel) = layer;
            text += &written("bank", bank.map(|it| it.to_string()));
            text += &written("shift", shift.map(|it| it.to_string()));
            text + &written("channel", channel.map(|it| it.to_string()))
        },
    )
}

/// A patch of random lines, as the box reads it.
fn patch() -> impl Strategy<Value = Patch> {
    prop::collection::vec(line(), 0..10).prop_map(|lines| {
        let (patch, faults) = Patch::parse_sound(&lines.concat());
        // The reader mends one thing by itself, and says so.
        let mended = faults.iter().all(|fault| fault.to_string().contains("that jumps to"));
        assert!(mended, "{faults:?}\n{}", lines.concat());
        patch
    })
}

fn control() -> impl Strategy<Value = Control> {
    let channel = || 1_u8..=3;
    prop_oneof![
        8 => (channel(), number()).prop_map(|(channel, number)| Control::Cc { channel, number: number as u8 }),
        4 => (channel(), number()).prop_map(|(channel, number)| Control::Note { channel, number: number as u8 }),
        1 => channel().prop_map(|channel| Control::Bend { channel }),
        1 => channel().prop_map(|channel| Control::Pressure { channel }),
        1 => (channel(), number()).prop_map(|(channel, number)| Control::Nrpn { channel, number }),
        1 => (channel(), 0_u8..12).prop_map(|(channel, number)| Control::Program { channel, number }),
        1 => (channel(), number()).prop_map(|(channel, it)| Control::PolyPressure { channel, number: it as u8 }),
        1 => number().prop_map(|number| Control::Button(number as u8)),
        1 => number().prop_map(|number| Control::Encoder(number as u8)),
        1 => number().prop_map(|number| Control::Pot(number as u8)),
        1 => number().prop_map(Control::Key),
    ]
}

fn position() -> impl Strategy<Value = Position> {
    // Small and equal numbers too: that is how encoders speak.
    let seven = prop_oneof![0_u8..128, prop::sample::select(vec![0_u8, 1, 63, 64, 65, 126, 127])];
    prop_oneof![
        6 => seven.prop_map(Position::Seven),
        1 => (0_u16..16_384).prop_map(Position::Fourteen),
        1 => (-3_i32..=3).prop_map(Position::Detents),
        1 => prop_oneof![Just(i32::MIN), Just(i32::MAX), any::<i32>()].prop_map(Position::Detents),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    use Key::*;
    let others = vec![Up, Down, Left, Right, PageUp, PageDown, Home, End, Enter, Tab, Backspace, Escape, Interrupt];
    let typed: Vec<Key> = KEYS.chars().map(Char).collect();
    prop_oneof![4 => prop::sample::select(typed), 1 => prop::sample::select(others)]
}

fn motion() -> impl Strategy<Value = Motion> {
    use Transport::*;
    let clocking = prop_oneof![Just(Clock), Just(Start), Just(Continue), Just(Stop), any::<u16>().prop_map(Position)];
    prop_oneof![
        12 => (control(), position()).prop_map(|(control, position)| Motion::Turned(control, position)),
        6 => (control(), 1_u8..128).prop_map(|(control, force)| Motion::Pressed(control, force)),
        4 => control().prop_map(Motion::Released),
        4 => key().prop_map(Motion::Struck),
        1 => clocking.prop_map(Motion::Transport),
        1 => Just(Motion::Connected(Identity::new("a controller", "usb 1:1"))),
        1 => Just(Motion::Disconnected),
    ]
}

/// On which surface, how long after the one before in milliseconds, and whether the values may walk in between.
fn gestures() -> impl Strategy<Value = Vec<(SurfaceId, u64, bool, Motion)>> {
    let waits = prop_oneof![Just(0_u64), 0_u64..30, 300_u64..2000];
    prop::collection::vec((prop::sample::select(&SURFACES[..]), waits, any::<bool>(), motion()), 1..120)
}

/// Values anywhere in their ranges, those of the load class too: what a scene may hold.
fn values() -> impl Strategy<Value = Values> {
    prop::collection::vec(0.0..=1.0, PARAMS).prop_map(|places| {
        let mut values = Values::default();
        for (id, place) in ParamId::all().zip(places) {
            values.set(id, id.row().at(place));
        }
        values
    })
}

/// What is known of the surfaces, beside the binding.
struct Watch {
    /// Controls that have spoken since their controller came.
    heard: HashSet<(SurfaceId, Control)>,
    /// What hands have moved of the load class.
    loaded: HashSet<ParamId>,
}

impl Watch {
    /// Looks at what one gesture has done.
    fn look(&mut self, gesture: &Gesture, first_place: bool, before: &Values, desk: &Desk, acts: &[Act]) {
        let (store, place) = (desk.store(), &gesture.motion);
        for id in ParamId::all() {
            let row = id.row();
            for value in [store.value(id), store.values().exact(id)] {
                assert!(value.is_finite() && row.nearest(value) == value, "{id:?} is {value} after {place:?}");
            }
        }
        let plug = matches!(gesture.motion, Motion::Connected(_) | Motion::Disconnected);
        assert!(!(plug || first_place) || store.aims() == before, "{place:?} moved a value: {acts:?}");
        for id in ParamId::all().filter(|id| id.row().class == Class::Load) {
            if store.value(id) == before.exact(id) {
                continue;
            }
            // Undo takes back what a hand has done, and only that.
            let undone = acts.iter().any(|act| matches!(act, Act::Undone(true) | Act::Redone(true)));
            let by_hand = acts.contains(&Act::Moved(id));
            assert!(by_hand || undone && self.loaded.contains(&id), "{id:?} was moved by {place:?}: {acts:?}");
            self.loaded.insert(id);
        }
    }

    /// Whether the gesture is the first place that a knob says since its controller came; a score has no such word.
    fn first_place(&mut self, gesture: &Gesture, map: &Map) -> bool {
        match gesture.motion {
            Motion::Connected(_) | Motion::Disconnected => {
                self.heard.retain(|(surface, _)| *surface != gesture.surface);
                false
            }
            Motion::Turned(_, Position::Detents(_)) => false,
            Motion::Turned(control, _) => {
                let first = self.heard.insert((gesture.surface, control));
                first && gesture.surface != SurfaceId::SCORE && map.is_place(gesture.surface, control)
            }
            _ => false,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_gesture_on_any_map_harms(
        own in patch(), learnt in patch(), profile in patch(),
        scenes in prop::collection::vec(prop::option::weighted(0.7, values()), SCENES),
        start in values(),
        gestures in gestures(),
    ) {
        let mut map = own.map;
        map.set_profile(PROFILED, profile.map.own().to_vec());
        map.set_learnt(TAUGHT, learnt.map.own().to_vec());
        let (mut binding, mut desk) = (Binding::new(map), Desk::new(Store::new().0));
        desk.load(&start, &scenes.try_into().expect("as many as there are places"), &Drawn::default(), 0);
        let mut watch = Watch { heard: HashSet::new(), loaded: HashSet::new() };
        let (mut now, mut acts) = (Duration::ZERO, Vec::new());
        for (surface, wait_ms, walks, motion) in gestures {
            now += Duration::from_millis(wait_ms);
            if walks {
                desk.walk(now);
            }
            let gesture = Gesture { at: now, surface, motion };
            let first_place = watch.first_place(&gesture, binding.map());
            let before = *desk.store().aims();
            acts.clear();
            binding.play(&gesture, &mut desk, &mut acts);
            watch.look(&gesture, first_place, &before, &desk, &acts);
        }
        desk.walk(now + Duration::from_secs(60));
        prop_assert!(desk.stands(), "every value arrives where a hand wanted it");
    }
}
