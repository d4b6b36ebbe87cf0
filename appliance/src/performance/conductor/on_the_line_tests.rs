//! Goal: a scene that waits for a beat is first heard on it, however long ticks take, and before it not one sample is another than without it.
//! Method: the built-in model and the parts that play, on a virtual clock, beside a twin that nobody asks for anything; phases and the time
//! that each tick takes are drawn. What the decode thread does in a turn is its own code.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use engine::latent::StereoFrame;
use engine::playback::{GUARD_LATENCY_FRAMES, JUMP_FADE_FRAMES, Lead, Player};
use hal::gesture::{Control, Gesture, Motion, SurfaceId};

use crate::compute::progress::ProgressLine;
use crate::compute::set::Set;
use crate::control::binding::Act;
use crate::control::tempo::Quantise;
use crate::performance::instrument::{EngineParts, Instrument};
use crate::performance::loading::tests::args;
use crate::performance::threads::{Pulse, patch_newest};
use crate::settings::box_file::BoxConfig;

/// Stereo samples of a turn: 5 ms.
const TURN: usize = 240;
const BEAT: usize = 24_000;
/// As near to a line as nobody hears: a millisecond.
const ON_IT: usize = 48;
/// What a tick takes, in turns; each takes between half and one and a half times as long.
const TICK: usize = 4;
const PATCH: &str = "[prompt]\na = \"house\"\nbpm = 120\n[values]\ndepth = 2\nsteps = 4\nwindow_s = 0.5\n\
                     [scenes.1]\ndenoise = 0.75\n[scenes.2]\nvelocity_scale = 0.5\n[scenes.3]\ngain_db = -6.0\n\
                     [[map]]\nnote = 1\nto = \"scene-1\"\n[[map]]\nnote = 2\nto = \"scene-2\"\n\
                     [[map]]\nnote = 3\nto = \"scene-3\"\n[[map]]\nnote = 4\nto = \"reseed\"\n";

struct World {
    parts: EngineParts,
    player: Player,
    pulse: Arc<Pulse>,
    turns: usize,
    /// Turns until the tick that is computed is done.
    ticking: usize,
    drawn: u64,
    heard: Vec<StereoFrame>,
    acts: Vec<Act>,
}

impl World {
    fn new(quantise: Quantise, seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("patch.toml"), PATCH).expect("a disk");
        let mut args = args(folder.path().join("patch.toml"));
        args.longest = 2.0;
        let set = Set::open(&args, &mut ProgressLine::new()).expect("the built-in model");
        let lead = Lead::new(TURN, set.tape.len() / 2);
        let Instrument { mut player, engine: mut parts } = Instrument::new(set, lead).expect("a tape");
        player.open_at_once();
        let pulse = Arc::<Pulse>::default();
        pulse.tick_us.store((TICK * TURN * 1_000_000 / 48_000) as u32, Relaxed);
        parts.conductor.set_up(&BoxConfig { quantise, ..BoxConfig::default() });
        parts.conductor.look_at(Arc::clone(&pulse));
        let (heard, acts) = Default::default();
        Self { parts, player, pulse, turns: 0, ticking: 0, drawn: seed, heard, acts }
    }

    fn now(&self) -> Duration {
        Duration::from_secs_f64((self.turns * TURN) as f64 / 48_000.0)
    }

    fn draw(&mut self, below: usize) -> usize {
        self.drawn = self.drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.drawn >> 33) as usize % below
    }

    fn turn(&mut self) {
        let now = self.now();
        self.parts.conductor.come_in(now, &mut self.acts);
        self.parts.conductor.settle(now);
        if self.ticking == 0 {
            if !self.parts.ticks.rests() {
                self.parts.ticks.tick(|_, _| ()).expect("the processor does not fail");
                self.ticking = TICK / 2 + self.draw(TICK + 1);
            }
        } else {
            self.ticking -= 1;
        }
        let EngineParts { patcher, values, conductor, .. } = &mut self.parts;
        patch_newest(patcher, values, conductor.transport().playhead(), &self.pulse);
        let mut out = [[0.0; 2]; TURN];
        self.player.fill(&mut out);
        self.heard.extend(out);
        self.turns += 1;
    }

    /// Until nothing moves any more.
    fn rest(&mut self) {
        for _ in 0..4_000 {
            self.turn();
            if self.parts.ticks.rests() && self.pulse.windows_rest.load(Relaxed) {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    fn press(&mut self, note: u8) {
        let control = Control::Note { channel: 0, number: note };
        let gesture = Gesture { at: self.now(), surface: SurfaceId(9), motion: Motion::Pressed(control, 100) };
        self.parts.conductor.play(&gesture, &mut self.acts);
    }
}

/// Two that are the same, at rest, the same moment of the music.
fn twins(quantise: Quantise, seed: u64) -> [World; 2] {
    let mut twins = [World::new(quantise, seed), World::new(quantise, seed)];
    twins.iter_mut().for_each(World::rest);
    assert_eq!(twins[0].turns, twins[1].turns);
    twins
}

/// Where the first differs from the second, in stereo samples that were played.
fn differs(twins: &[World; 2]) -> Option<usize> {
    twins[0].heard.iter().zip(&twins[1].heard).position(|(a, b)| a.map(f32::to_bits) != b.map(f32::to_bits))
}

#[test]
fn a_scene_and_new_seeds_are_first_heard_on_their_beat_and_nothing_before_it_is_another() {
    for (case, note) in [1, 2, 4, 1, 2, 4].into_iter().enumerate() {
        let mut twins = twins(Quantise::Beat, 3 + case as u64);
        let phase = twins[0].draw(BEAT / TURN);
        twins.iter_mut().for_each(|it| (0..phase).for_each(|_| it.turn()));
        let pressed = twins[0].turns * TURN;
        twins[0].press(note);
        let place = usize::from(note) - 1;
        let (will, has) = match note {
            4 => (Act::WillReseed, Act::Reseed),
            _ => (Act::WillRecall(place), Act::Recalled(place, true)),
        };
        assert_eq!(twins[0].acts, [will], "{case}");
        twins.iter_mut().for_each(|it| (0..500).for_each(|_| it.turn()));
        let first = differs(&twins).expect("it is heard") - GUARD_LATENCY_FRAMES;
        assert!(first % BEAT <= ON_IT, "{case}: {first}, {} after a beat", first % BEAT);
        // Nothing takes a second here: it is the first beat that it could be.
        assert!(first < pressed + 2 * BEAT, "{case}: pressed at {pressed}, heard at {first}");
        assert_eq!(twins[0].pulse.lines_moved.load(Relaxed), 0, "{case}");
        assert!(twins[0].acts.contains(&has));
    }
}

#[test]
fn a_scene_that_waits_for_the_loops_end_is_heard_from_there_and_its_level_follows_no_sooner() {
    for note in [1, 3] {
        let mut twins = twins(Quantise::Loop, 17);
        twins[0].press(note);
        twins.iter_mut().for_each(|it| (0..900).for_each(|_| it.turn()));
        let first = differs(&twins).expect("it is heard") - GUARD_LATENCY_FRAMES;
        // Where a loop's end is faded into its start, what is new there is heard in that fade.
        let after = (first + JUMP_FADE_FRAMES) % (4 * BEAT);
        // Level goes past the windows: it is turned when the line has come, as soon as somebody looks.
        let near = if note == 3 { JUMP_FADE_FRAMES..JUMP_FADE_FRAMES + 3 * TURN } else { 0..JUMP_FADE_FRAMES + ON_IT };
        assert!(near.contains(&after), "scene {note}: {first}, {after} after the fade at the loop's end begins");
    }
}

#[test]
fn a_panic_while_a_line_is_awaited_is_heard_at_once() {
    let mut twins = twins(Quantise::Loop, 23);
    twins[0].press(1);
    let turns = (0..900).take_while(|_| {
        twins.iter_mut().for_each(World::turn);
        !twins[0].acts.iter().any(|it| matches!(it, Act::Recalled(..)))
    });
    assert!(turns.count() < 899, "it is let go");
    assert_eq!(differs(&twins), None, "and not heard");
    twins[0].parts.conductor.call_off();
    let let_go = twins[0].heard.len();
    twins.iter_mut().for_each(|it| (0..60).for_each(|_| it.turn()));
    let first = differs(&twins).expect("it is heard");
    assert!(first < let_go + 48_000 / 4 && first % (4 * BEAT) > GUARD_LATENCY_FRAMES + ON_IT, "{first} after {let_go}");
}
