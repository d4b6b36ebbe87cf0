//! What the instrument costs with the built-in model: a tick at depth 1, 4 and 8, a window, a full decode, an encode.
//!
//! `cargo bench --bench instrument`; all cores. Figures are of this machine; ratios are what to compare.

#[path = "support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;

use engine::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use engine::live::{Performer, cpu_stage, material};
use engine::model::{Model, Prompt, codec::Ends};
use engine::param::{ParamId, Values};
use support::Bench;

const MODEL: &str = "models/house";
/// Seconds of the tape that the built-in model is made for, and of the published figures.
const TAPES_S: [usize; 2] = [12, 60];

/// A chord with a beat: something for the codec to work on.
fn tape(seconds: usize) -> Vec<StereoFrame> {
    let tone = |at: usize, hz: f32| (at as f32 * hz * std::f32::consts::TAU / 48_000.0).sin();
    let beat = |at: usize| (-((at % 24_000) as f32) / 3_000.0).exp();
    let sample = |at: usize| 0.2 * (tone(at, 110.0) + tone(at, 277.2)) + 0.3 * beat(at) * tone(at, 55.0);
    (0..seconds * 25 * SAMPLES_PER_LATENT_FRAME).map(|at| [sample(at), sample(at + 7)]).collect()
}

fn main() {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let model = Model::open(Path::new(MODEL), threads, &mut |_| ()).expect("the built-in model opens");
    let mut bench = Bench::new(&format!("instrument: {MODEL}, {threads} threads"));
    let prompt = Prompt { caption: "house".into(), seconds: 12, lyrics: "[Instrumental]".into(), ..Prompt::default() };
    for seconds in TAPES_S {
        let sound = tape(seconds);
        let codec = model.codec();
        bench.measure(&format!("encode {seconds} s"), 1, 5, || {
            codec.encode(&sound, Ends::Joined, &mut |_, _| ()).expect("the codec compiles");
        });
        let material =
            Arc::new(material(&model, &sound, &[prompt.clone().into()], &mut |_| ()).expect("the set is prepared"));
        let frames = material.frames;
        for depth in [1_u8, 4, 8] {
            let prepared = cpu_stage(&model, &model, Arc::clone(&material)).expect("the set compiles");
            let mut performer = Performer::new(prepared.load);
            let mut values = Values::default();
            values.set(ParamId::Depth, f64::from(depth));
            // A full ring first: a tick of an empty one costs nothing.
            for _ in 0..16 {
                performer.tick(&values, |_, _| ()).expect("the set fits");
            }
            let runs = if seconds == 12 { 40 } else { 10 };
            bench.measure(&format!("tick, depth {depth}, {seconds} s"), 2, runs, || {
                performer.tick(&values, |_, _| ()).expect("the set fits");
            });
        }
        let mut decoder = cpu_stage(&model, &model, Arc::clone(&material)).expect("the set compiles").decoder;
        for keep in decoder.keeps().to_vec() {
            let mut window = vec![[0.0; 2]; keep * SAMPLES_PER_LATENT_FRAME];
            let name = format!("decode window of {:.2} s of {seconds} s", keep as f32 / 25.0);
            let figures = bench.measure(&name, 2, 20, || {
                decoder.decode(&material.source, 0, &mut window).expect("the processor can");
            });
            if keep == 75 && seconds == 60 {
                let mut whole = codec.window(frames, frames, Ends::Open).expect("the codec compiles");
                let mut all = vec![[0.0; 2]; frames * SAMPLES_PER_LATENT_FRAME];
                assert_eq!(material.source.len(), frames * LATENT_CHANNELS);
                let full =
                    bench.measure("decode all of 60 s at once", 1, 4, || whole.decode(&material.source, 0, &mut all));
                bench.value("full decode of 60 s over a window of 3 s", full.p50_us / figures.p50_us, "times");
            }
        }
    }
}
