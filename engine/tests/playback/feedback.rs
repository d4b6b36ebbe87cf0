//! Goal: tape feedback of .5 means .5: after `n` laps `feedback^n` of the old sound is heard, whatever the length of the
//! windows, the rate of latents, or the speed of the machine.
//! Method: tape and windows are unrelated noise; what is heard is projected on the tape's own.

use engine::latent::SAMPLES_PER_LATENT_FRAME as FRAME;
use engine::param::{ParamId, Values};
use engine::playback::{GUARD_LATENCY_FRAMES, LoopBand};

use crate::world::{Setting, World, noise};

const LATENT: usize = 150;
const TAPE: usize = LATENT * FRAME;
/// The first windows land after a while: what is heard of the first lap before that is the tape alone.
const BEGUN: usize = 48_000;

/// How much of each noise is in what was heard from `from` on, for `frames`: the tape's own and the windows'. By least
/// squares, for over a few seconds even unrelated noises have a little in common.
fn shares(heard: &[[f32; 2]], from: usize, frames: usize) -> [f64; 2] {
    let (mut with, mut gram) = ([0.0; 2], [0.0; 3]);
    for at in from..from + frames {
        let (sound, old, new) = (heard[at + GUARD_LATENCY_FRAMES], noise(at % TAPE, 0), noise(at % TAPE, 1));
        for [sound, old, new] in [0, 1].map(|channel| [sound, old, new].map(|it| f64::from(it[channel]))) {
            with = [with[0] + sound * old, with[1] + sound * new];
            gram = [gram[0] + old * old, gram[1] + old * new, gram[2] + new * new];
        }
    }
    let determinant = gram[0] * gram[2] - gram[1] * gram[1];
    [(with[0] * gram[2] - with[1] * gram[1]) / determinant, (with[1] * gram[0] - with[0] * gram[1]) / determinant]
}

fn played(feedback: f64, window_s: f64, latent_every: usize, decode: usize, laps: usize) -> Vec<[f32; 2]> {
    let mut values = Values::default();
    assert!(values.set(ParamId::TapeFeedback, feedback) && values.set(ParamId::WindowS, window_s));
    let mut world = World::new(Setting { latent_every, decode: Box::new(move |_| decode), ..Setting::default() });
    world.meanwhile().listens = true;
    world.play(&values, laps * TAPE + 2_000);
    std::mem::take(&mut world.meanwhile().heard)
}

#[test]
fn after_n_laps_feedback_to_the_n_of_the_old_sound_is_heard() {
    // Latents as on the CPU at depth 1, 4 and 8 (8 ticks of 12 ms, 2 of 48 ms, 1 of 82 ms), on a card (5 ms), and hardly.
    for latent_every in [4_700, 4_650, 3_936, 240, 96_000] {
        for window_s in [0.2, 1.0, 3.0] {
            for feedback in [0.25, 0.5, 0.75] {
                let heard = played(feedback, window_s, latent_every, 480, 3);
                for lap in 0..3 {
                    // In the first lap one has to wait for the first window.
                    let begun = if lap == 0 { BEGUN.max(latent_every + 24_000 + 4_800) } else { BEGUN };
                    let begun = if latent_every > 50_000 { begun.max(latent_every + 48_000) } else { begun };
                    let [old, new] = shares(&heard, lap * TAPE + begun, TAPE - begun);
                    let expected = feedback.powi(lap as i32 + 1);
                    let said =
                        format!("feedback {feedback}, windows {window_s} s, latents every {latent_every}, lap {lap}");
                    assert!(
                        (old / expected - 1.0).abs() < 0.05,
                        "{said}: {old:.4} of the old sound, not {expected:.4}"
                    );
                    assert!((new - (1.0 - expected)).abs() < 0.02, "{said}: {new:.4} of the new sound");
                }
            }
        }
    }
}

#[test]
fn a_short_band_counts_its_own_laps() {
    let band = LoopBand::new(60_000, 60_000 + 24_000, TAPE).expect("it lies on the tape");
    let mut values = Values::default();
    assert!(values.set(ParamId::TapeFeedback, 0.5) && values.set(ParamId::WindowS, 0.2));
    let mut world = World::new(Setting::default());
    // With the windows' sound on the tape first, so that the lead is known when the band is set.
    world.play(&values, 4_000);
    world.transport.set_band(band).expect("there is room for an order");
    world.meanwhile().listens = true;
    let before = world.transport.meters().laps.load(std::sync::atomic::Ordering::Relaxed);
    world.play(&values, 24_000 * 6);
    let laps = world.transport.meters().laps.load(std::sync::atomic::Ordering::Relaxed) - before;
    assert!(4 < laps, "{laps}");
    let meanwhile = world.meanwhile();
    // Uniform noise within a quarter has a power of 1/48.
    let tape = meanwhile.player.tape().frames().iter().enumerate().skip(band.start()).take(band.len());
    let both = tape.map(|(at, frame)| f64::from(frame[0]) * f64::from(noise(at, 0)[0]));
    let left = both.sum::<f64>() / band.len() as f64 * 48.0;
    // Between two laps that count, the place of the head decides.
    assert!(left < 0.5_f64.powi(3) && -0.02 < left, "{left} of the old sound is left after {laps} laps");
}
