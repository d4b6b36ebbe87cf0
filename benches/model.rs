//! The built-in model on the CPU: opening it, a network pass, and the codec; and what a window costs beside everything.
//!
//! Reads `models/house`, or the model folder that `DEMON_MODEL` names. Two threads, as on the smallest box.

mod support;

use std::path::PathBuf;

use engine::backend::{Denoiser, DenoiserRow};
use engine::latent::{LATENT_FRAMES_PER_SECOND, SAMPLES_PER_LATENT_FRAME, StereoFrame};
use engine::model::{Ends, Model, Prompt, Task};

/// Compute threads.
const THREADS: usize = 2;
/// The loop that is played, in latent frames: a minute.
const FRAMES: usize = 60 * LATENT_FRAMES_PER_SECOND;
/// The window that is kept, in latent frames: three seconds.
const WINDOW: usize = 3 * LATENT_FRAMES_PER_SECOND;
/// Condition tokens that fit: the longest prompt, and lyrics of some verses.
const TOKENS: usize = 512;

fn main() {
    let folder = std::env::var_os("DEMON_MODEL").map_or_else(|| PathBuf::from("models/house"), PathBuf::from);
    let open = || Model::open(&folder, THREADS, &mut |_| ());
    let model = match open() {
        Ok(model) => model,
        Err(error) => {
            eprintln!("nothing to measure: {error}");
            return;
        }
    };
    let mut bench = support::Bench::new(&format!("Model in {}, {THREADS} threads", folder.display()));
    bench.measure("model open", 0, 3, || drop(open()));
    network(&mut bench, &model);
    codec(&mut bench, &model);
}

fn network(bench: &mut support::Bench, model: &Model) {
    let prompt = Prompt { caption: "slow dub, deep bass".into(), seconds: 60, ..Prompt::default() };
    let tokens = model.condition(&prompt, Task::Cover, None).expect("the model is sound");
    bench.measure("model prompt", 1, 5, || drop(model.condition(&prompt, Task::Cover, None)));
    let mut denoiser = model.denoiser(FRAMES, TOKENS).expect("the model is sound");
    let (x, context) = (vec![0.5; FRAMES * 64], model.context(None, FRAMES));
    let mut velocity = vec![0.0; FRAMES * 64];
    bench.measure("model network pass 60 s", 2, 20, || {
        let row = DenoiserRow { x: &x, context: &context, tokens: &tokens, t: 0.5, r: 0.5 };
        denoiser.velocity(&row, &mut velocity).expect("the row fits");
    });
}

fn codec(bench: &mut support::Bench, model: &Model) {
    let codec = model.codec();
    let phase = |at: usize| at as f32 * 220.0 * std::f32::consts::TAU / 48_000.0;
    let audio: Vec<StereoFrame> = (0..FRAMES * SAMPLES_PER_LATENT_FRAME)
        .map(|at| [0.3 * phase(at).sin(), 0.2 * (1.5 * phase(at)).sin()])
        .collect();
    let latent = codec.encode(&audio, Ends::Joined, &mut |_, _| ()).expect("the model is sound").mean;
    bench.measure("codec encode 60 s", 0, 3, || drop(codec.encode(&audio, Ends::Joined, &mut |_, _| ())));
    let whole = bench.measure("codec decode 60 s", 0, 3, || drop(codec.decode(&latent, &mut |_, _| ())));
    let mut decoder = codec.window(FRAMES, WINDOW, Ends::Joined).expect("the model is sound");
    let mut out = vec![[0.0; 2]; WINDOW * SAMPLES_PER_LATENT_FRAME];
    let mut first = 0;
    let window = bench.measure("codec decode window 3 s", 2, 20, || {
        decoder.decode(&latent, first, &mut out);
        first = (first + WINDOW) % FRAMES;
    });
    bench.value("codec decode 60 s over window 3 s", whole.p50_us / window.p50_us, "x");
}
