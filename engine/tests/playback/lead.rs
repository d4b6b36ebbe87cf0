//! Goal: the lead is made of what delays windows and of nothing else, whatever band is played, and is back one lap after
//! anything that stretched it.
//! Method: played sets on a virtual clock: tapes, bands, windows, periods, decode times and stalls of every kind.

use engine::latent::SAMPLES_PER_LATENT_FRAME as FRAME;
use engine::param::{ParamId, Values};
use engine::playback::{LoopBand, SPLICE_FRAMES_PER_FILL};
use proptest::prelude::{Just, prop_assert, prop_oneof, proptest};
use proptest::test_runner::Config;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::world::{Setting, World};

/// A stage whose decodes take `decode` stereo samples of time and can be stalled: so many windows take so long instead.
struct Stalled {
    world: World,
    stalls: Arc<AtomicUsize>,
    stall: Arc<AtomicUsize>,
    tape: usize,
}

impl Stalled {
    fn new(latent_frames: usize, period: usize, latent_every: usize, decode: usize) -> Self {
        let (stalls, stall) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (left, long, mut turn) = (Arc::clone(&stalls), Arc::clone(&stall), 0);
        let took = move |_| {
            turn += 1;
            if left.fetch_update(Relaxed, Relaxed, |it| it.checked_sub(1)).is_ok() {
                return long.load(Relaxed);
            }
            // No two decodes take equally long.
            decode + decode * (turn * 7 % 11) / 40
        };
        let setting = Setting { latent_frames, period, latent_every, decode: Box::new(took), ..Setting::default() };
        Self { world: World::new(setting), stalls, stall, tape: latent_frames * FRAME }
    }

    fn set_band(&mut self, start: f64, frames: usize) {
        let frames = frames.clamp(LoopBand::FRAMES_MIN, self.tape);
        let start = ((self.tape - frames) as f64 * start) as usize;
        let band = LoopBand::new(start, start + frames, self.tape).expect("it lies on the tape");
        self.world.transport.set_band(band).expect("there is room for an order");
    }

    /// The longest lead while `frames` are played.
    fn longest_lead(&mut self, values: &Values, frames: usize) -> usize {
        let (until, mut longest) = (self.world.now() + frames, 0);
        while self.world.now() < until {
            self.world.step(values);
            longest = longest.max(self.world.lead(values));
        }
        longest
    }
}

fn window(seconds: f64) -> Values {
    let mut values = Values::default();
    assert!(values.set(ParamId::WindowS, seconds));
    values
}

proptest! {
    #![proptest_config(Config { cases: 48, ..Config::default() })]

    #[test]
    fn one_lap_after_a_band_opens_the_lead_is_what_it_was(
        latent_frames in prop_oneof![Just(25_usize), 25_usize..100, 100_usize..1_500],
        window_s in prop_oneof![Just(0.2), Just(0.5), Just(1.0), Just(3.0)],
        period in prop_oneof![Just(128_usize), Just(256), Just(1024)],
        latent_every in 960_usize..40_000, decode in 240_usize..3_000,
        bands in proptest::collection::vec((0.0_f64..1.0, 1_920_usize..144_000, 0.2_f64..3.0), 1..6),
        stall in prop_oneof![Just((0_usize, 0_usize)), (1_usize..6, 4_800_usize..60_000)],
    ) {
        let mut stage = Stalled::new(latent_frames, period, latent_every, decode);
        let values = window(window_s);
        let lap = stage.tape.max(48_000);
        stage.longest_lead(&values, lap + 96_000);
        let steady = stage.longest_lead(&values, 96_000);
        let windows = |stage: &Stalled| *stage.world.decoded.lock().expect("one thread");
        let before = (stage.world.late(), windows(&stage));
        // The first window of a band waits for the one that is being written when the band comes: so much is written of it in
        // each period of 128, and each step of a longer one takes as many for each 128.
        let written = (window_s * 48_000.0) as usize * 128 / SPLICE_FRAMES_PER_FILL + period;
        let most = (2 * steady).max(steady + written);
        for (start, frames, seconds) in bands {
            stage.set_band(start, frames);
            let longest = stage.longest_lead(&values, (seconds * 48_000.0) as usize);
            prop_assert!(longest <= most, "a band of {frames} frames makes the lead {longest}, from {steady}; {most} at most");
        }
        // One in a hundred is late by forecast, and one more where a band changes what delays a window.
        let (late, decoded) = (stage.world.late() - before.0, windows(&stage) - before.1);
        prop_assert!(late <= 2 + decoded / 50, "{late} of {decoded} windows came late in bands");
        stage.stall.store(stall.1, Relaxed);
        stage.stalls.store(stall.0, Relaxed);
        stage.longest_lead(&values, stall.0 * stall.1);
        while 0 < stage.stalls.load(Relaxed) {
            stage.longest_lead(&values, 480);
        }
        // The band opens; the last slow window lands, and the first of the open band behind it.
        stage.set_band(0.0, stage.tape);
        stage.longest_lead(&values, lap + 2 * written + period);
        let after = stage.longest_lead(&values, 96_000);
        prop_assert!(after <= 2 * steady, "one lap after the band opened the lead is {after}, was {steady}");
    }
}

/// The review's: 12 s of tape, windows of 1 s, decodes of 20 ms, in bands of 1, .5, .25, .1 and .04 s.
#[test]
fn in_short_bands_the_lead_stays_and_no_window_is_late() {
    for band in [48_000, 24_000, 12_000, 4_800, 1_920] {
        let mut stage = Stalled::new(300, 256, 4_800, 960);
        let values = window(1.0);
        stage.longest_lead(&values, 13 * 48_000);
        let (steady, late) = (stage.longest_lead(&values, 96_000), stage.world.late());
        stage.set_band(0.3, band);
        let longest = stage.longest_lead(&values, 10 * 48_000);
        assert!(longest <= steady + 256, "in a band of {band} the lead goes from {steady} to {longest}");
        assert_eq!(stage.world.late(), late, "late in a band of {band}");
    }
}

#[test]
fn a_window_that_is_heard_old_is_counted_late() {
    let mut stage = Stalled::new(300, 256, 4_800, 960);
    let values = window(0.2);
    stage.longest_lead(&values, 13 * 48_000);
    let late = stage.world.late();
    stage.stall.store(24_000, Relaxed);
    stage.stalls.store(1, Relaxed);
    stage.longest_lead(&values, 48_000);
    assert_eq!(stage.world.late(), late + 1);
}

/// A tick is no part of it: latents that are rare, because ticks are slow, do not stretch the lead.
#[test]
fn rare_latents_do_not_stretch_the_lead() {
    let lead = |latent_every: usize| {
        let mut stage = Stalled::new(300, 256, latent_every, 960);
        stage.longest_lead(&window(1.0), 13 * 48_000);
        stage.longest_lead(&window(1.0), 96_000)
    };
    let (often, rarely) = (lead(2_400), lead(48_000));
    assert!(rarely <= often + 256, "{often} with a latent each 50 ms, {rarely} with one a second");
    assert!(often < 960 * 5 / 4 + 3 * 256, "decode, landing and a period make {often}");
}

#[test]
fn a_minute_of_rest_makes_no_window_behind_it_late_and_the_lead_no_other() {
    // One decode in five is slow: only who remembers more than the last one knows it.
    let mut turn = 0;
    let decode = Box::new(move |_| {
        turn += 1;
        if turn % 5 == 0 { 2_200 } else { 1_500 }
    });
    let mut world = World::new(Setting { decode, ..Setting::default() });
    let values = window(0.5);
    world.play(&values, 30 * 48_000);
    let (before, late) = (world.lead(&values), world.late());
    world.meanwhile().rests = true;
    world.play(&values, 20 * 48_000);
    let decoded = *world.decoded.lock().expect("one thread");
    world.play(&values, 60 * 48_000);
    assert_eq!(*world.decoded.lock().expect("one thread"), decoded, "the tape stands");
    let rested = world.lead(&values);
    assert!(before.abs_diff(rested) < 200 && 2_200 < rested, "{before} before, {rested} after");
    world.meanwhile().rests = false;
    world.play(&values, 30 * 48_000);
    assert!(decoded + 100 < *world.decoded.lock().expect("one thread"));
    assert_eq!(world.late(), late, "none of those behind it was late");
}
