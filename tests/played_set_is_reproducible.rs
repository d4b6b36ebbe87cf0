//! Goal: a set that hands have played renders to the same bytes again, with everything that a hand can do in it: pickup,
//! scaling, a range, layers, a learnt encoder, scenes, a morph, undo, redo, panic.
//! Method: a MIDI file of hands over a patch, with the built-in model on a short tape. While values stand still every
//! latent that is born and finished is the same, so a latent's hash says which values made it. A second render puts the
//! values there at once, by scenes, and the played one must come by just those latents, in the order that was played.

use std::path::Path;

use appliance::command::render::RenderArgs;
use appliance::command::render::render;
use appliance::compute::arguments::{PlanPrecision, SetArgs, WhenLost};

/// Four ticks a latent and one slot: two latents later than values stand, one is theirs.
const TICK_MS: f64 = 40.0;
/// Scenes 1 and 2 are morphed between; the others are what the hands should have made. What they leave out is a default.
const PATCH: &str = r#"
[prompt]
a = "house, bright, drums, saw bass"

[values]
depth = 1
steps = 4
denoise = 0.4
x0_target = 0.5

[scenes.1]
denoise = 0.5
x0_target = 0.25

[scenes.2]
denoise = 0.75
x0_target = 0.75

[scenes.3]
denoise = 0.9
x0_target = 0.5

[scenes.9]

[[map]]
cc = 1
to = "denoise"
range = [0.2, 0.9]

[[map]]
cc = 2
to = "x0_target"
takeover = "scale"

[[map]]
cc = 4
shift = true
to = "shift"
takeover = "jump"

[[map]]
cc = 4
bank = 2
to = "velocity_scale"
reversed = true
takeover = "jump"
"#;

/// The patch, with the scenes whose values are not round numbers.
fn patch() -> String {
    let part = 64.0 / 127.0;
    // Half the knob's way up is half the value's way up.
    let scaled = 0.5 + 0.5 * part;
    let morphed = |low: f64, high: f64| high + (low - high) * (1.0 - part);
    let [denoise, lock] = [morphed(0.5, 0.75), morphed(0.25, 0.75)];
    let scene = |number: u8, denoise: f64, lock: f64, more: &str| {
        format!("[scenes.{number}]\ndenoise = {denoise:?}\nx0_target = {lock:?}\n{more}\n")
    };
    let slow = "shift = 6.0\nvelocity_scale = 0.5";
    [
        PATCH.to_owned(),
        scene(4, 0.9, scaled, ""),
        scene(5, denoise, lock, ""),
        scene(6, denoise, lock, "shift = 6.0"),
        scene(7, denoise, lock, slow),
        scene(8, 1.0, lock, slow),
    ]
    .join("\n")
}

/// The pads of the usual map.
const UNDO: u8 = 38;
const REDO: u8 = 39;
const PANIC: u8 = 58;
const LEARN: u8 = 61;
const SHIFT: u8 = 62;
const BANK_BEFORE: u8 = 63;
const NEXT_BANK: u8 = 64;

/// A Standard MIDI File, written as one plays: time goes on, and things happen.
#[derive(Default)]
struct Hands {
    track: Vec<u8>,
    waited_ms: u32,
}

impl Hands {
    fn wait(mut self, ms: u32) -> Self {
        self.waited_ms += ms;
        self
    }

    fn says(mut self, message: &[u8]) -> Self {
        // A tick is a millisecond: 500 of them in a quarter at 120. Times in groups of seven bits, the highest first.
        let ticks = std::mem::take(&mut self.waited_ms);
        for shift in [21, 14, 7] {
            if ticks >> shift > 0 {
                self.track.push(0x80 | (ticks >> shift) as u8 & 0x7f);
            }
        }
        self.track.push(ticks as u8 & 0x7f);
        self.track.extend(message);
        self
    }

    fn cc(self, number: u8, to: u8) -> Self {
        self.says(&[0xb0, number, to]).wait(20)
    }

    fn down(self, note: u8) -> Self {
        self.says(&[0x90, note, 100]).wait(20)
    }

    fn up(self, note: u8) -> Self {
        self.says(&[0x80, note, 0]).wait(20)
    }

    fn pad(self, note: u8) -> Self {
        self.down(note).up(note)
    }

    fn program(self, number: u8) -> Self {
        self.says(&[0xc0, number]).wait(20)
    }

    fn file(self) -> Vec<u8> {
        let track = [self.track.as_slice(), &[0x00, 0xff, 0x2f, 0x00]].concat();
        let length = u32::try_from(track.len()).expect("a short track").to_be_bytes();
        let header = [b"MThd".as_slice(), &[0, 0, 0, 6, 0, 0, 0, 1], &500_u16.to_be_bytes()].concat();
        [header, b"MTrk".to_vec(), length.to_vec(), track].concat()
    }
}

/// The whole set: everything that the promise names, and time after each for two latents.
fn played() -> Hands {
    let hands = Hands::default().wait(600);
    // A range and pickup: the fader waits above its value, then comes by, then is thrown to its end.
    let hands = hands.cc(1, 127).cc(1, 120).wait(700).cc(1, 60).cc(1, 30).cc(1, 127).wait(650);
    let hands = hands.pad(UNDO).wait(400).pad(REDO).wait(400);
    // In proportion: pickup would not have moved it.
    let hands = hands.cc(2, 0).cc(2, 64).wait(550);
    let hands = hands.program(0).wait(400);
    let hands = hands.cc(31, 5).cc(31, 0).cc(31, 40).cc(31, 90).cc(31, 127).wait(600).cc(31, 64).wait(550);
    let hands = hands.down(SHIFT).cc(4, 10).cc(4, 127).up(SHIFT).wait(550);
    let hands = hands.pad(NEXT_BANK).cc(4, 126).cc(4, 127).wait(650).pad(BANK_BEFORE);
    // Touch what is to be learnt, turn the new encoder slowly left; then turn it far right.
    let hands = hands.down(LEARN).cc(1, 126).cc(90, 65).cc(90, 65).cc(90, 65).wait(400).up(LEARN);
    let hands = hands.cc(90, 64).wait(650).pad(UNDO).wait(400);
    hands.pad(PANIC).wait(400)
}

/// By which values the played set must come: `P` the patch's, and scenes by their numbers.
const WAY: [char; 13] = ['P', '3', 'P', '3', '4', '1', '2', '5', '6', '7', '8', '7', '9'];

/// Every scene in its turn, put there at once.
fn recalled() -> Hands {
    (0..9).fold(Hands::default().wait(600), |hands, scene| hands.program(scene).wait(480))
}

/// Renders hands over the patch; answers the bytes of the recording, and the hashes of the latents in their order.
fn rendered(hands: Hands, seconds: f64, by_hand: bool, threads: usize) -> (Vec<u8>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("the folder takes files");
        path
    };
    let (out, latents) = (folder.path().join("set.wav"), folder.path().join("latents.jsonl"));
    let set = SetArgs {
        source: Some("models/house/demo.flac".into()),
        patch: Some(file("set.toml", patch().as_bytes())),
        library: None,
        any_path: false,
        model: Some("models/house".into()),
        seed: None,
        depth: None,
        midi: Some(file("hands.mid", &hands.file())),
        longest: 1.0,
        by_hand,
        backend: None,
        precision: PlanPrecision::Bf16,
        when_lost: WhenLost::Loop,
        threads: Some(threads),
    };
    render(&RenderArgs { set, seconds, out: out.clone(), tick_ms: TICK_MS, latents: Some(latents.clone()) })
        .expect("the set is sound");
    (std::fs::read(&out).expect("the take was written"), hashes(&latents))
}

fn hashes(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).expect("the log was written");
    text.lines().map(|line| line.rsplit('"').nth(1).expect("a hash ends the line").to_owned()).collect()
}

/// What each scene sounds like: its name and its latent. A hash that comes twice in a row is of values that stood still.
fn references() -> Vec<(char, String)> {
    let (_, log) = rendered(recalled(), 5.4, true, 1);
    let mut still: Vec<String> = log.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()).collect();
    still.dedup();
    assert_eq!(still.len(), 10, "the patch and nine scenes, each heard by itself: {log:?}");
    for (place, hash) in still.iter().enumerate() {
        assert!(!still[..place].contains(hash), "two of the scenes make the same latent: {still:?}");
    }
    ['P', '1', '2', '3', '4', '5', '6', '7', '8', '9'].into_iter().zip(still).collect()
}

/// The values that a performance came by and stayed at, of those that are known.
fn way(log: &[String], known: &[(char, String)]) -> Vec<char> {
    let name = |hash: &String| known.iter().find(|(_, known)| known == hash).map(|(name, _)| *name);
    let mut way: Vec<char> = log.iter().filter_map(name).collect();
    way.dedup();
    way
}

#[test]
fn a_played_set_comes_by_the_values_that_its_hands_meant_and_gives_the_same_bytes_again() {
    let known = references();
    let seconds = 10.0;
    let (wav, log) = rendered(played(), seconds, true, 1);
    assert_eq!(way(&log, &known), WAY, "{log:?}");
    let (again, log_again) = rendered(played(), seconds, true, 2);
    assert!(wav == again && log == log_again, "a second rendering on another number of threads is another set");
}

#[test]
fn a_recorded_fader_that_never_came_by_its_value_moves_nothing_unless_it_is_meant_at_once() {
    let faders = || Hands::default().wait(200).cc(1, 127).cc(1, 120);
    let (still, log) = rendered(faders(), 1.4, true, 1);
    assert!(log.len() > 4 && log.iter().all(|hash| *hash == log[0]), "{log:?}");
    let (moved, log_moved) = rendered(faders(), 1.4, false, 1);
    assert!(log_moved[0] == log[0] && log_moved.last() != log.last(), "{log_moved:?}");
    assert!(still != moved, "the tape did not hear of it");
}
