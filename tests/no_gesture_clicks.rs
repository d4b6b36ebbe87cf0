//! Goal: whatever is done to the player, in any order, its output is finite, under the ceiling and free of clicks.
//! Method: random evenings of windows, seeks, bands, gains, mutes, swaps and broken windows, over two kinds of sound. Sines
//! have a known bend (second difference), and a step bends far more than any sum of fading sines does. Stereo noise up to
//! 4 kHz has nothing above 12 kHz, and a step has: what a high-pass leaves is the click. Power-on is heard too.

use engine::playback::{
    CEILING, DeckSize, LoopBand, Packer, Player, SPLICE_FRAMES_PER_FILL, Start, Tape, Transport, Walk, deck,
};
use std::sync::LazyLock;

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};
use proptest::test_runner::Config;

const FRAME: usize = 1920;
const LATENT: usize = 60;
const TAPE: usize = LATENT * FRAME;
const LEVEL: f32 = 0.25;
const HIGHEST_HZ: f32 = 800.0;
/// The sharpest bend of one sine at [`HIGHEST_HZ`]. Fades overlap at most a few voices, each under 1.42.
const OWN_BEND: f32 = LEVEL * 0.011;
const BEND_MOST: f32 = 4.0 * OWN_BEND;

#[derive(Clone, Debug)]
enum Gesture {
    Play(usize),
    Window { lead: usize, hz: f32, wait: usize, onward: bool, feedback: f32 },
    Broken,
    Seek(f32),
    Band(f32, f32),
    Gain(f32),
    Mute(bool),
    Swap(f32),
}

fn gesture() -> impl Strategy<Value = Gesture> {
    let hz = 100.0..HIGHEST_HZ;
    let window = (0_usize..20_000, hz.clone(), 0_usize..40, any::<bool>(), prop_oneof![Just(0.0_f32), 0.0_f32..1.0]);
    prop_oneof![
        4 => (1_usize..40).prop_map(Gesture::Play),
        6 => window.prop_map(|(lead, hz, wait, onward, feedback)| Gesture::Window { lead, hz, wait, onward, feedback }),
        1 => Just(Gesture::Broken),
        3 => (0.0_f32..1.0).prop_map(Gesture::Seek),
        2 => (0.0_f32..1.0, 0.0_f32..1.0).prop_map(|(a, b)| Gesture::Band(a, b)),
        1 => (-70.0_f32..0.0).prop_map(Gesture::Gain),
        1 => any::<bool>().prop_map(Gesture::Mute),
        1 => hz.prop_map(Gesture::Swap),
    ]
}

fn sine(hz: f32, frames: usize) -> impl Iterator<Item = [f32; 2]> {
    (0..frames).map(move |i| [(f64::from(hz) * i as f64 / 48_000.0 * std::f64::consts::TAU).sin() as f32 * LEVEL; 2])
}

/// A tape that loops cleanly: a whole number of waves.
fn tape(hz: f32) -> Tape {
    let waves = (hz * TAPE as f32 / 48_000.0).round();
    Tape::new(sine(waves * 48_000.0 / TAPE as f32, TAPE).collect::<Vec<_>>()).expect("a sine is a tape")
}

/// Taps of the filters that make the noise, and of the one that looks for clicks.
const TAPS: usize = 127;
/// The noise ends at 4 kHz; clicks are looked for from 10 kHz.
const EDGES_HZ: (f64, f64) = (4_000.0, 10_000.0);
/// What fades of 10 ms and the glide of a gain leave above 10 kHz stays far below this; a step of a twenty-fifth
/// of the loudest sample does not.
const CLICK_MOST: f32 = 0.0015;

/// A low-pass at `edge_hz`: a sinc under Blackman's window, which leaves nothing above -74 dB.
fn low_pass(edge_hz: f64) -> [f32; TAPS] {
    let (half, turn) = ((TAPS / 2) as f64, std::f64::consts::TAU);
    std::array::from_fn(|k| {
        let (x, edge) = (k as f64 - half, 2.0 * edge_hz / 48_000.0);
        let sinc = if x == 0.0 { edge } else { (edge * x * turn / 2.0).sin() / (x * turn / 2.0) };
        let at = k as f64 / (TAPS - 1) as f64;
        (sinc * (0.42 - 0.5 * (turn * at).cos() + 0.08 * (2.0 * turn * at).cos())) as f32
    })
}

/// Four loops of stereo noise, left and right unrelated, each with its loudest sample at [`LEVEL`].
static NOISES: LazyLock<[Vec<[f32; 2]>; 4]> = LazyLock::new(|| {
    let filter = low_pass(EDGES_HZ.0);
    [1_u64, 2, 3, 4].map(|seed| {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        let white: Vec<[f32; 2]> = (0..TAPE).map(|_| [next(), next()]).collect();
        let at = |i: usize, channel: usize| -> f32 {
            filter.iter().enumerate().map(|(k, tap)| tap * white[(i + k) % TAPE][channel]).sum()
        };
        let noise: Vec<[f32; 2]> = (0..TAPE).map(|i| [at(i, 0), at(i, 1)]).collect();
        let peak = noise.iter().flatten().fold(0.0_f32, |peak, it| peak.max(it.abs()));
        noise.iter().map(|frame| frame.map(|it| it / peak * LEVEL)).collect()
    })
});

/// What an evening is played on; a pitch stands for one of the noises there.
#[derive(Clone, Copy, Debug)]
enum Sound {
    Sines,
    Noises,
}

impl Sound {
    fn tape(self, hz: f32) -> Tape {
        match self {
            Self::Sines => tape(hz),
            Self::Noises => Tape::new(NOISES[hz as usize % 4].clone()).expect("noise is a tape"),
        }
    }

    fn fill(self, hz: f32, sound: &mut [[f32; 2]]) {
        match self {
            Self::Sines => sound.iter_mut().zip(sine(hz, TAPE)).for_each(|(a, b)| *a = b),
            Self::Noises => {
                let noise = NOISES[hz as usize % 4].iter().cycle().skip(hz as usize * 97);
                sound.iter_mut().zip(noise).for_each(|(a, b)| *a = *b);
            }
        }
    }
}

struct Evening {
    on: Sound,
    player: Player,
    packer: Packer,
    transport: Transport,
    walk: Walk,
    period: usize,
    heard: Vec<[f32; 2]>,
}

impl Evening {
    fn new(on: Sound, period: usize) -> Self {
        let (player, packer, transport) = deck(on.tape(440.0), DeckSize { boxes: 3, window_frames: 40 * FRAME });
        let walk = Walk::new(transport.tape(), LATENT, 15);
        let mut evening = Self { on, player, packer, transport, walk, period, heard: Vec::new() };
        evening.play(2_000_usize.div_ceil(period));
        evening
    }

    fn play(&mut self, periods: usize) {
        for _ in 0..periods {
            let at = self.heard.len();
            self.heard.resize(at + self.period, [0.0; 2]);
            self.player.fill(&mut self.heard[at..]);
        }
    }

    fn make(&mut self, gesture: &Gesture) {
        let course = self.transport.course();
        self.packer.collect(|_| ());
        match *gesture {
            Gesture::Play(periods) => self.play(periods),
            Gesture::Window { lead, hz, wait, onward, feedback } => {
                let start = if onward { Start::Onward } else { Start::Fresh };
                let plan = self.walk.plan(&course, lead, start);
                self.play(wait);
                let on = self.on;
                // Refused when all boxes are out: part of the game.
                let _ = self.packer.send(&plan, feedback, |sound| on.fill(hz, sound));
            }
            Gesture::Broken => {
                let plan = self.walk.plan(&course, 1_000, Start::Fresh);
                let _ = self.packer.send(&plan, 0.0, |sound| sound.fill([0.1, f32::NAN]));
            }
            Gesture::Seek(to) => self.transport.seek((to * (TAPE - 1) as f32) as usize).expect("on the tape"),
            Gesture::Band(a, b) => {
                self.transport.set_band(LoopBand::from_faders(a, b, TAPE)).expect("room for an order");
            }
            Gesture::Gain(db) => assert!(self.transport.set_gain_db(db)),
            Gesture::Mute(muted) => self.transport.set_muted(muted),
            Gesture::Swap(hz) => {
                let id = self.transport.swap(self.on.tape(hz), 0).expect("room for an order");
                self.walk = Walk::new(id, LATENT, 15);
            }
        }
        self.play(2);
    }
}

/// The sharpest bend heard, and where.
fn sharpest(heard: &[[f32; 2]]) -> (usize, f32) {
    let bends = heard.windows(3).map(|w| (w[0][0] - 2.0 * w[1][0] + w[2][0]).abs());
    bends.enumerate().fold((0, 0.0), |worst, now| if now.1 > worst.1 { now } else { worst })
}

/// The loudest that a high-pass leaves of what was heard, and where.
fn loudest_click(heard: &[[f32; 2]]) -> (usize, f32) {
    let filter = low_pass(EDGES_HZ.1);
    let mut worst = (0, 0.0);
    for channel in 0..2 {
        let line: Vec<f32> = heard.iter().map(|frame| frame[channel]).collect();
        for (at, part) in line.windows(TAPS).enumerate() {
            let low: f32 = part.iter().zip(&filter).map(|(sample, tap)| sample * tap).sum();
            let left = (part[TAPS / 2] - low).abs();
            if left > worst.1 {
                worst = (at + TAPS / 2, left);
            }
        }
    }
    worst
}

#[test]
fn the_click_finder_hears_a_small_step_in_noise_and_no_fade() {
    let (mut stepped, mut faded) = (NOISES[0].clone(), NOISES[0].clone());
    stepped[50_000..].iter_mut().for_each(|it| *it = it.map(|sample| sample + LEVEL / 25.0));
    assert!(loudest_click(&stepped).1 > CLICK_MOST, "{:?}", loudest_click(&stepped));
    for (i, it) in faded[50_000..50_480].iter_mut().enumerate() {
        *it = it.map(|sample| sample * ((i as f32 + 0.5) / 480.0 * std::f32::consts::FRAC_PI_2).cos());
    }
    faded[50_480..].fill([0.0; 2]);
    assert!(loudest_click(&faded).1 < CLICK_MOST / 2.0, "{:?}", loudest_click(&faded));
}

proptest! {
    #![proptest_config(Config { cases: 40, ..Config::default() })]

    #[test]
    fn no_gesture_clicks_in_stereo_noise(
        gestures in proptest::collection::vec(gesture(), 1..40), period in prop_oneof![Just(128_usize), Just(1024), 1_usize..1200]
    ) {
        let mut evening = Evening::new(Sound::Noises, period);
        for gesture in &gestures {
            evening.make(gesture);
        }
        evening.play(TAPE.div_ceil(period));
        prop_assert!(evening.heard.iter().flatten().all(|sample| sample.abs() <= CEILING));
        let (at, worst) = loudest_click(&evening.heard);
        prop_assert!(worst < CLICK_MOST, "{worst} is left above 10 kHz at frame {at}");
    }
}

proptest! {
    #![proptest_config(Config { cases: 200, ..Config::default() })]

    /// The meanest place for a window to be half written is where the head turns: `near` the edge that the writing has
    /// reached in so many fills lies the start of a band, and the head `left` samples before its end.
    #[test]
    fn a_head_that_turns_into_a_window_being_written_does_not_click(
        lead in 4_000_usize..16_000, fills in 2_usize..5, near in -1_600_i32..600, length in 1_920_usize..9_000,
        left in 1_usize..1_600, hz in 100.0..HIGHEST_HZ, period in prop_oneof![Just(128_usize), Just(1024), 1_usize..1200]
    ) {
        let mut evening = Evening::new(Sound::Sines, period);
        let land = evening.transport.playhead().position + lead;
        evening.make(&Gesture::Window { lead, hz, wait: 0, onward: false, feedback: 0.0 });
        evening.play(fills - 2);
        let reached = land + SPLICE_FRAMES_PER_FILL * fills;
        let start = (reached as i32 + near) as usize % (TAPE - length);
        let band = LoopBand::new(start, start + length, TAPE).expect("on the tape");
        evening.transport.set_band(band).expect("room for an order");
        evening.transport.seek(band.end() - left.min(length)).expect("on the tape");
        evening.play((6 * length).div_ceil(period));
        let (at, worst) = sharpest(&evening.heard);
        prop_assert!(worst < BEND_MOST, "the sound bends by {worst} at frame {at}, the material by {OWN_BEND}");
    }

    #[test]
    fn no_gesture_clicks_and_nothing_passes_the_ceiling(
        gestures in proptest::collection::vec(gesture(), 1..40), period in prop_oneof![Just(128_usize), Just(1024), 1_usize..1200]
    ) {
        let mut evening = Evening::new(Sound::Sines, period);
        for gesture in &gestures {
            evening.make(gesture);
        }
        // One lap more: what was done to the tape is heard too.
        evening.play(TAPE.div_ceil(period));
        let heard = &evening.heard;
        prop_assert!(heard.iter().flatten().all(|sample| sample.abs() <= CEILING));
        let (at, worst) = sharpest(heard);
        prop_assert!(worst < BEND_MOST, "the sound bends by {worst} at frame {at}, the material by {OWN_BEND}");
    }
}

/// Found by the test above: the window reached into the run-up to the band's start when the head entered the seam.
#[test]
fn a_band_set_over_a_window_being_written_does_not_click() {
    let mut evening = Evening::new(Sound::Sines, 128);
    evening.make(&Gesture::Window { lead: 14_246, hz: 308.09424, wait: 1, onward: false, feedback: 0.0 });
    evening.make(&Gesture::Band(0.284_779_34, 0.336_760_28));
    evening.play(TAPE / 128);
    let (at, worst) = sharpest(&evening.heard);
    assert!(worst < BEND_MOST, "the sound bends by {worst} at frame {at}");
}

/// Found by the test above: the edge of a half written window stood just behind the head when the tape was swapped, and its
/// fade was written under the head.
#[test]
fn a_swap_while_a_window_is_written_under_the_head_does_not_click() {
    let mut evening = Evening::new(Sound::Sines, 111);
    let late = |lead, wait, onward| Gesture::Window { lead, hz: 100.0, wait, onward, feedback: 0.0 };
    let band = Gesture::Band(0.039_447_48, 0.330_428_93);
    let gestures =
        [late(0, 16, false), Gesture::Play(36), late(0, 24, false), band, late(87, 21, false), late(0, 31, true)];
    gestures.iter().for_each(|gesture| evening.make(gesture));
    evening.make(&Gesture::Swap(100.0));
    evening.play(TAPE / 111);
    let (at, worst) = sharpest(&evening.heard);
    assert!(worst < BEND_MOST, "the sound bends by {worst} at frame {at}");
}

/// Found by the tests above: what was heard had a step where the head had jumped, and feedback mixed it into a window.
#[test]
fn feedback_of_what_was_heard_before_and_after_a_jump_does_not_click() {
    let mut evening = Evening::new(Sound::Sines, 1024);
    let window = |lead, wait, feedback| Gesture::Window { lead, hz: 100.0, wait, onward: false, feedback };
    let gestures = [Gesture::Seek(0.0), Gesture::Play(15), Gesture::Band(0.349_041_3, 0.0), window(9_354, 30, 0.0)];
    gestures.iter().for_each(|gesture| evening.make(gesture));
    evening.make(&window(0, 12, 0.225_887_73));
    evening.play(2 * TAPE / 1024);
    let (at, worst) = sharpest(&evening.heard);
    assert!(worst < BEND_MOST, "the sound bends by {worst} at frame {at}");
}

/// Found by the test of noise: a step that hides among the bends of the sound beside it was taken for a clean seam.
#[test]
fn the_seam_of_a_band_in_noise_does_not_click() {
    let mut evening = Evening::new(Sound::Noises, 128);
    evening.make(&Gesture::Band(0.271_462_32, 0.846_175_55));
    evening.play(2 * TAPE / 128);
    let (at, worst) = loudest_click(&evening.heard);
    assert!(worst < CLICK_MOST, "{worst} is left above 10 kHz at frame {at}");
}
