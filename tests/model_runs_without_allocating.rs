//! Goal: a tick's network pass and a window's decode allocate nothing, on the thread that asks for them.
//! Method: the golden models, with an allocator that ends the test.

use std::path::Path;
use std::sync::Arc;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use engine::backend::{Denoiser, DenoiserError, DenoiserRow};
use engine::graph::Sizes;
use engine::graph::cpu::Pool;
use engine::latent::SAMPLES_PER_LATENT_FRAME;
use engine::model::checkpoint::Checkpoint;
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::dit::{self, Extras};
use engine::model::{Codec, CpuDenoiser, Ends, Part};

#[global_allocator]
static WATCHED: AllocDisabler = AllocDisabler;

fn model(name: &str) -> (String, Checkpoint) {
    let text = std::fs::read_to_string("tests/golden/manifest.json").expect("the manifest is there");
    let manifest: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let model = &manifest["models"][name];
    let weights = Path::new("tests/golden").join(model["weights"].as_str().expect("weights are named"));
    (model["config"].to_string(), Checkpoint::open(&weights).expect("they are sound"))
}

#[test]
fn a_network_pass_allocates_nothing_whatever_the_prompt() {
    let (config, weights) = model("tiny");
    let part = Part::new(DitConfig::parse(Path::new("tiny"), &config).expect("it is sound"), weights);
    let mut denoiser = CpuDenoiser::compile(&part, 33, 40, &Pool::new(2)).expect("it is sound");
    let (x, context, tokens) = (vec![0.5; 33 * 64], vec![0.25; 33 * 128], vec![0.1; 40 * 64]);
    let mut velocity = vec![0.0; 33 * 64];
    assert_no_alloc(|| {
        for count in [40, 1, 0, 17] {
            let row = DenoiserRow { x: &x, context: &context, tokens: &tokens[..count * 64], t: 0.5, r: 0.5 };
            denoiser.velocity(&row, &mut velocity).expect("the row fits");
        }
    });
    assert!(velocity.iter().all(|it| it.is_finite()));
}

#[test]
fn a_window_allocates_nothing_wherever_it_lies() {
    let (config, weights) = model("vae_hop1920");
    let part = Part::new(CodecConfig::parse(Path::new("vae"), &config).expect("it is sound"), weights);
    let codec = Codec::new(Arc::new(part), Pool::new(2));
    let latent = vec![0.5; 30 * 64];
    for ends in [Ends::Open, Ends::Joined] {
        let mut decoder = codec.window(30, 5, ends).expect("it is sound");
        let mut window = vec![[0.0; 2]; 5 * SAMPLES_PER_LATENT_FRAME];
        assert_no_alloc(|| {
            for first in [0, 13, 25] {
                decoder.decode(&latent, first, &mut window);
            }
        });
    }
}

#[test]
fn a_prompt_gives_the_bits_of_a_network_of_its_own_length() {
    let (config, weights) = model("tiny");
    let part = Part::new(DitConfig::parse(Path::new("tiny"), &config).expect("it is sound"), weights);
    let (x, context, tokens) = (vec![0.5; 33 * 64], vec![0.25; 33 * 128], vec![0.1; 17 * 64]);
    let velocity = |most: usize, poison: bool| {
        let mut denoiser = CpuDenoiser::compile(&part, 33, most, &Pool::new(2)).expect("it is sound");
        let mut velocity = vec![0.0; 33 * 64];
        if poison {
            // A longer prompt was here before, and it was not even finite.
            let tokens = vec![f32::NAN; most * 64];
            let row = DenoiserRow { x: &x, context: &context, tokens: &tokens, t: 0.5, r: 0.5 };
            denoiser.velocity(&row, &mut velocity).expect("the row fits");
        }
        let row = DenoiserRow { x: &x, context: &context, tokens: &tokens, t: 0.5, r: 0.5 };
        denoiser.velocity(&row, &mut velocity).expect("the row fits");
        velocity
    };
    assert!(velocity(17, false) == velocity(300, true));
}

#[test]
fn a_masked_token_is_as_good_as_absent() {
    let (config, weights) = model("tiny");
    let part = Part::new(DitConfig::parse(Path::new("tiny"), &config).expect("it is sound"), weights);
    let velocity = |tokens: &[f32], mask: &[f32]| {
        let graph = dit::graph(&part.config, Extras { token_mask: true, ..Extras::default() });
        let sizes = Sizes::new().with("batch", 1).with("frames", 9).with("tokens", mask.len());
        let mut plan = part.plan(&graph, &sizes, &Pool::new(2)).expect("it is sound");
        plan.input_mut("x").fill(0.5);
        plan.input_mut("t").fill(0.5);
        plan.input_mut("tokens").copy_from_slice(tokens);
        plan.input_mut("token_mask").copy_from_slice(mask);
        plan.run();
        plan.output("velocity").to_vec()
    };
    let tokens: Vec<f32> = (0..5 * 64).map(|at| (at as f32 * 0.7).sin()).collect();
    let masked = velocity(&tokens, &[1.0, 1.0, 1.0, 0.0, 0.0]);
    assert!(masked == velocity(&tokens[..3 * 64], &[1.0; 3]));
    assert!(masked != velocity(&tokens, &[1.0; 5]));
}

#[test]
fn a_row_that_does_not_fit_is_told_at_its_birth_by_what_is_wrong_with_it() {
    let (config, weights) = model("tiny");
    let part = Part::new(DitConfig::parse(Path::new("tiny"), &config).expect("it is sound"), weights);
    let mut denoiser = CpuDenoiser::compile(&part, 33, 40, &Pool::new(1)).expect("it is sound");
    for (frames, numbers, expected) in [
        (33, 40 * 64, Ok(())),
        (33, 41 * 64, Err(DenoiserError::TooManyTokens { found: 41, most: 40 })),
        (33, 64 + 1, Err(DenoiserError::TornTokens { found: 65, width: 64 })),
        (34, 64, Err(DenoiserError::WrongLength { found: 34, expected: 33 })),
    ] {
        let tokens = vec![0.1; numbers];
        assert_eq!(denoiser.check(frames, &tokens), expected);
        let (x, context, mut velocity) = (vec![0.5; frames * 64], vec![0.25; frames * 128], vec![0.0; frames * 64]);
        let row = DenoiserRow { x: &x, context: &context, tokens: &tokens, t: 0.5, r: 0.5 };
        assert_eq!(denoiser.velocity(&row, &mut velocity), expected, "a row says what its birth would have said");
    }
}
