//! What the audio thread costs: one call of `Player::fill`, limiter and splicing included, against its period.
//!
//! Budget: under a tenth of the period. The splicing case keeps the player busy with windows of 3 s for every call, which
//! is more than a ring at full speed sends. Times are wall times: on a busy machine p99 and maximum are the scheduler's.

#[path = "support/mod.rs"]
mod support;

use engine::playback::{DeckSize, Guard, Meters, Packer, SPLICE_FRAMES_PER_FILL, Start, Tape, Transport, Walk, deck};
use support::Bench;

const FRAME: usize = 1920;
/// A minute of tape.
const LATENT: usize = 1500;
/// The longest window: 3 s.
const KEEP: usize = 75;
const RUNS: usize = 20_000;

fn music(frames: usize, level: f32) -> Vec<[f32; 2]> {
    let wave = |i: usize, hz: f32| (i as f32 * hz / 48_000.0 * std::f32::consts::TAU).sin();
    (0..frames).map(|i| [(wave(i, 110.0) + 0.3 * wave(i, 3_100.0)) * level; 2]).collect()
}

/// Keeps the player supplied, outside of what is measured.
fn supply(packer: &mut Packer, walk: &mut Walk, transport: &Transport, sound: &[[f32; 2]]) {
    let plan = walk.plan(&transport.course(), 24_000, Start::Fresh);
    packer.collect(|_| ());
    // Refused while all boxes are out, which is what keeps the player busy.
    let _ = packer.send(&plan, 0.3, |kept| kept.copy_from_slice(&sound[..plan.frames]));
}

fn main() {
    let mut bench = Bench::new("playback: one call of Player::fill");
    let sound = music(KEEP * FRAME, 0.4);
    for (name, level, splicing) in
        [("quiet", 0.4, false), ("limiting", 1.5, false), ("limiting and splicing", 1.5, true)]
    {
        for period in [128_usize, 256, 1024] {
            let tape = Tape::new(music(LATENT * FRAME, level)).expect("a tape");
            let (mut player, mut packer, transport) = deck(tape, DeckSize::default());
            let mut walk = Walk::new(transport.tape(), LATENT, KEEP);
            let mut out = vec![[0.0; 2]; period];
            let mut times = Vec::with_capacity(RUNS);
            for _ in 0..RUNS {
                if splicing {
                    supply(&mut packer, &mut walk, &transport, &sound);
                }
                let start = std::time::Instant::now();
                player.fill(&mut out);
                times.push(start.elapsed().as_secs_f64() * 1e6);
            }
            times.sort_by(f64::total_cmp);
            let period_us = period as f64 / 48_000.0 * 1e6;
            for (figure, at) in [("p50", RUNS / 2), ("p99", RUNS * 99 / 100), ("max", RUNS - 1)] {
                bench.value(&format!("fill {period} {name} {figure}"), times[at], "us");
            }
            bench.value(
                &format!("fill {period} {name} p99 share"),
                times[RUNS * 99 / 100] / period_us * 100.0,
                "% of period",
            );
        }
    }
    let (mut guard, meters, block) = (Guard::new(), Meters::default(), music(128, 1.5));
    let mut out = block.clone();
    bench.measure("guard alone, 128 frames", 100, RUNS, || {
        out.copy_from_slice(&block);
        guard.process(&mut out, &meters);
    });
    let (mut tape, window) = (music(SPLICE_FRAMES_PER_FILL, 0.2), music(SPLICE_FRAMES_PER_FILL, 0.3));
    bench.measure("one slice copied, no feedback", 100, RUNS, || {
        std::hint::black_box(&mut tape).copy_from_slice(std::hint::black_box(&window));
    });
}
