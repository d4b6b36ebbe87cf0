//! Goal: a window of the tape is the same sound as a decode of everything, and a long recording encodes tile by tile to
//! the latent of the whole. Held exactly: no number may differ, because every number has one order of summation.
//! Method: the golden codec with the published strides, and whole plans as the measure.

use std::path::Path;
use std::sync::Arc;

use engine::graph::Sizes;
use engine::graph::cpu::Pool;
use engine::latent::{SAMPLES_PER_LATENT_FRAME, StereoFrame};
use engine::model::checkpoint::Checkpoint;
use engine::model::config::CodecConfig;
use engine::model::{Codec, Ends, Part, moments, vae};

/// The codec of the golden vectors whose strides are the published ones.
fn golden_codec() -> (Arc<Part<CodecConfig>>, Arc<Pool>) {
    let text = std::fs::read_to_string("tests/golden/manifest.json").expect("the manifest is there");
    let manifest: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let model = &manifest["models"]["vae_hop1920"];
    let config = CodecConfig::parse(Path::new("manifest.json"), &model["config"].to_string()).expect("it is sound");
    let weights = Path::new("tests/golden").join(model["weights"].as_str().expect("weights are named"));
    (Arc::new(Part::new(config, Checkpoint::open(&weights).expect("they are sound"))), Pool::new(2))
}

fn numbers(count: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 22) as f32 - 2.0
    };
    (0..count).map(next).collect()
}

fn decoded_at_once(part: &Part<CodecConfig>, pool: &Arc<Pool>, latent: &[f32]) -> Vec<StereoFrame> {
    let sizes = Sizes::new().with("batch", 1).with("frames", latent.len() / 64);
    let mut plan = part.plan(&vae::decoder(&part.config, false), &sizes, pool).expect("it is sound");
    plan.input_mut("latents").copy_from_slice(latent);
    plan.run();
    plan.output("audio").chunks_exact(2).map(|it| [it[0], it[1]]).collect()
}

#[test]
fn every_window_of_an_open_tape_equals_the_decode_of_everything() {
    let (part, pool) = golden_codec();
    for frames in [1, 3, 20, 41] {
        let latent = numbers(frames * 64);
        let whole = decoded_at_once(&part, &pool, &latent);
        for keep in [1, 4, 15].into_iter().filter(|it| *it <= frames) {
            let codec = Codec::new(Arc::clone(&part), Arc::clone(&pool));
            let mut decoder = codec.window(frames, keep, Ends::Open).expect("it is sound");
            let mut window = vec![[9.0; 2]; keep * SAMPLES_PER_LATENT_FRAME];
            for first in 0..=frames - keep {
                decoder.decode(&latent, first, &mut window);
                let expected = &whole[first * SAMPLES_PER_LATENT_FRAME..][..window.len()];
                assert!(window == expected, "frames {first} + {keep} of {frames}");
            }
        }
    }
}

#[test]
fn every_window_of_a_joined_tape_equals_the_middle_of_its_repetition() {
    let (part, pool) = golden_codec();
    for (frames, keep) in [(24_usize, 5_usize), (5, 3), (1, 1)] {
        let latent = numbers(frames * 64);
        let turns = 2 * (9 + keep).div_ceil(frames) + 2;
        let whole = decoded_at_once(&part, &pool, &latent.repeat(turns));
        let middle = turns / 2 * frames;
        let codec = Codec::new(Arc::clone(&part), Arc::clone(&pool));
        let mut decoder = codec.window(frames, keep, Ends::Joined).expect("it is sound");
        let mut window = vec![[9.0; 2]; keep * SAMPLES_PER_LATENT_FRAME];
        for first in 0..frames {
            decoder.decode(&latent, first + 7 * frames, &mut window);
            let expected = &whole[(middle + first) * SAMPLES_PER_LATENT_FRAME..][..window.len()];
            assert!(window == expected, "frames {first} + {keep} of {frames}, joined");
        }
    }
}

#[test]
fn a_short_window_needs_no_decoder_of_its_own() {
    let (part, pool) = golden_codec();
    let latent = numbers(30 * 64);
    let whole = decoded_at_once(&part, &pool, &latent);
    let mut decoder = Codec::new(part, pool).window(30, 8, Ends::Open).expect("it is sound");
    let mut window = vec![[9.0; 2]; 3 * SAMPLES_PER_LATENT_FRAME];
    decoder.decode(&latent, 27, &mut window);
    assert!(window == whole[27 * SAMPLES_PER_LATENT_FRAME..]);
}

#[test]
fn a_long_recording_encodes_and_decodes_tile_by_tile_to_the_same_bits() {
    let (part, pool) = golden_codec();
    let codec = Codec::new(Arc::clone(&part), Arc::clone(&pool));
    // 160 frames are three tiles; the last frame is not full.
    let audio: Vec<StereoFrame> =
        numbers(2 * (160 * SAMPLES_PER_LATENT_FRAME - 700)).chunks_exact(2).map(|it| [it[0], it[1]]).collect();
    let mut tiles = Vec::new();
    let encoded = codec.encode(&audio, Ends::Open, &mut |done, all| tiles.push((done, all))).expect("it is sound");
    assert_eq!(tiles, [(64, 160), (128, 160), (160, 160)]);

    let sizes = Sizes::new().with("batch", 1).with("samples", 160 * SAMPLES_PER_LATENT_FRAME);
    let mut plan = part.plan(&vae::encoder(&part.config, false), &sizes, &pool).expect("it is sound");
    plan.input_mut("audio")[..2 * audio.len()].copy_from_slice(&audio.concat());
    plan.run();
    let (mean, std) = moments::split(plan.output("moments"), part.config.moments / 2);
    assert!(encoded.mean == mean && encoded.std == std);

    let latent = numbers(160 * 64);
    let tiled = codec.decode(&latent, &mut |_, _| ()).expect("it is sound");
    assert!(tiled == decoded_at_once(&part, &pool, &latent));
}

#[test]
fn nothing_encodes_and_decodes_to_nothing() {
    let (part, pool) = golden_codec();
    let codec = Codec::new(part, pool);
    assert!(codec.encode(&[], Ends::Open, &mut |_, _| ()).expect("it is sound").mean.is_empty());
    assert!(codec.decode(&[], &mut |_, _| ()).expect("it is sound").is_empty());
}

#[test]
fn a_joined_tape_encodes_to_the_middle_of_its_repetition() {
    let (part, pool) = golden_codec();
    let codec = Codec::new(Arc::clone(&part), Arc::clone(&pool));
    let (context, channels) = (part.config.encode_context(), part.config.moments / 2);
    // One tile and several, the last of them not full; a tape that is shorter than the context.
    for frames in [1_usize, 2, 20, 64, 90] {
        let audio: Vec<StereoFrame> =
            numbers(2 * frames * SAMPLES_PER_LATENT_FRAME).chunks_exact(2).map(|it| [it[0], it[1]]).collect();
        let encoded = codec.encode(&audio, Ends::Joined, &mut |_, _| ()).expect("it is sound");
        let turns = 2 * context.div_ceil(frames) + 1;
        let repeated = codec.encode(&audio.repeat(turns), Ends::Open, &mut |_, _| ()).expect("it is sound");
        let middle = turns / 2 * frames * channels..(turns / 2 + 1) * frames * channels;
        assert!(encoded.mean == repeated.mean[middle.clone()], "{frames} frames");
        assert!(encoded.std == repeated.std[middle], "{frames} frames");
    }
}

#[test]
fn a_tape_that_is_turned_encodes_to_the_latent_turned() {
    let (part, pool) = golden_codec();
    let channels = part.config.moments / 2;
    let codec = Codec::new(part, pool);
    let mut audio: Vec<StereoFrame> =
        numbers(2 * 30 * SAMPLES_PER_LATENT_FRAME).chunks_exact(2).map(|it| [it[0], it[1]]).collect();
    let mut latent = codec.encode(&audio, Ends::Joined, &mut |_, _| ()).expect("it is sound").mean;
    audio.rotate_left(7 * SAMPLES_PER_LATENT_FRAME);
    latent.rotate_left(7 * channels);
    assert!(codec.encode(&audio, Ends::Joined, &mut |_, _| ()).expect("it is sound").mean == latent);
}
