//! Goal: whatever is done to the player, in any order, its output is finite, under the ceiling and free of clicks.
//! Method: random evenings of windows, seeks, bands, gains, mutes, swaps and broken windows over sines of known
//! bend (second difference); a step in the sound bends far more than any sum of fading sines does.

use engine::playback::{
    CEILING, DeckSize, LoopBand, Packer, Player, SPLICE_FRAMES_PER_FILL, Start, Tape, Transport, Walk, deck,
};
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
    Tape::new(sine(waves * 48_000.0 / TAPE as f32, TAPE).collect()).expect("a sine is a tape")
}

struct Evening {
    player: Player,
    packer: Packer,
    transport: Transport,
    walk: Walk,
    period: usize,
    heard: Vec<[f32; 2]>,
}

impl Evening {
    fn new(period: usize) -> Self {
        let (player, packer, transport) = deck(tape(440.0), DeckSize { boxes: 3, window_frames: 40 * FRAME });
        let walk = Walk::new(transport.tape(), LATENT, 15);
        let mut evening = Self { player, packer, transport, walk, period, heard: Vec::new() };
        // The start from silence is not a gesture.
        evening.play(2_000_usize.div_ceil(period));
        evening.heard.drain(..1_000);
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
        let (head, band) = (self.transport.playhead(), self.transport.band());
        match *gesture {
            Gesture::Play(periods) => self.play(periods),
            Gesture::Window { lead, hz, wait, onward, feedback } => {
                let start = if onward { Start::Onward } else { Start::Fresh };
                let plan = self.walk.plan(head, band, lead.min(band.len() / 2), start);
                self.play(wait);
                let fill = |sound: &mut [[f32; 2]]| sound.iter_mut().zip(sine(hz, TAPE)).for_each(|(a, b)| *a = b);
                // Refused when all boxes are out: part of the game.
                let _ = self.packer.send(&plan, feedback, |_| (), fill);
            }
            Gesture::Broken => {
                let plan = self.walk.plan(head, band, 1_000, Start::Fresh);
                let _ = self.packer.send(&plan, 0.0, |_| (), |sound| sound.fill([0.1, f32::NAN]));
            }
            Gesture::Seek(to) => self.transport.seek((to * (TAPE - 1) as f32) as usize).expect("on the tape"),
            Gesture::Band(a, b) => {
                self.transport.set_band(LoopBand::from_faders(a, b, TAPE)).expect("room for an order");
            }
            Gesture::Gain(db) => assert!(self.transport.set_gain_db(db)),
            Gesture::Mute(muted) => self.transport.set_muted(muted),
            Gesture::Swap(hz) => {
                let id = self.transport.swap(tape(hz), 0).expect("room for an order");
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

proptest! {
    #![proptest_config(Config { cases: 200, ..Config::default() })]

    /// The meanest place for a window to be half written is where the head turns: `near` the edge that the writing has
    /// reached in so many fills lies the start of a band, and the head `left` samples before its end.
    #[test]
    fn a_head_that_turns_into_a_window_being_written_does_not_click(
        lead in 4_000_usize..16_000, fills in 2_usize..5, near in -1_600_i32..600, length in 1_920_usize..9_000,
        left in 1_usize..1_600, hz in 100.0..HIGHEST_HZ, period in prop_oneof![Just(128_usize), Just(1024), 1_usize..1200]
    ) {
        let mut evening = Evening::new(period);
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
        let mut evening = Evening::new(period);
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
    let mut evening = Evening::new(128);
    evening.make(&Gesture::Window { lead: 14_246, hz: 308.09424, wait: 1, onward: false, feedback: 0.0 });
    evening.make(&Gesture::Band(0.284_779_34, 0.336_760_28));
    evening.play(TAPE / 128);
    let (at, worst) = sharpest(&evening.heard);
    assert!(worst < BEND_MOST, "the sound bends by {worst} at frame {at}");
}
