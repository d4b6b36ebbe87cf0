//! Golden cases of the codec.

use engine::graph::Graph;
use engine::graph::reference::Inputs;
use engine::model::config::CodecConfig;
use engine::model::windows::Tile;
use engine::model::{moments, vae};

#[path = "published_windows.rs"]
mod windows;

use super::{Machine, Part, codec_part, compare, transposed};
use crate::case::{Case, Golden, Report, Tensor};

pub fn decode(golden: &Golden, case: &Case, report: &mut Report) {
    let part = codec_part(golden, case);
    let graph = vae::decoder(&part.config, false);
    for machine in Machine::ALL {
        let out = machine.run(&graph, &channels_last("latents", case.tensor("latents")), &part.weights);
        out.compare_channels_first(report, case, "audio", "audio");
    }
}

pub fn encode(golden: &Golden, case: &Case, report: &mut Report) {
    let part = codec_part(golden, case);
    let graph = vae::encoder(&part.config, false);
    let noise = case.tensor("noise");
    let noise_last = transposed(&noise.shape, &noise.data);
    for machine in Machine::ALL {
        let out = machine.run(&graph, &channels_last("audio", case.tensor("audio")), &part.weights);
        out.compare_channels_first(report, case, "moments", "moments");
        let channels = part.config.moments / 2;
        let (mean, std) = moments::split(out.get("moments"), channels);
        let sample = sampled(&mean, &std, &noise_last);
        let shape = [noise.shape[0], noise.shape[2], channels];
        for (tensor, found) in [("mean", &mean), ("std", &std), ("sample", &sample)] {
            compare(report, case, machine, tensor, &transposed(&shape, found));
        }
    }
}

pub fn trace(golden: &Golden, case: &Case, report: &mut Report) {
    let part = codec_part(golden, case);
    for machine in Machine::ALL {
        let encoder = vae::encoder(&part.config, true);
        let encoded = machine.run(&encoder, &channels_last("audio", case.tensor("audio_in")), &part.weights);
        let decoder = vae::decoder(&part.config, true);
        let decoded = machine.run(&decoder, &channels_last("latents", case.tensor("latents")), &part.weights);
        encoded.compare_channels_first(report, case, "moments", "moments");
        decoded.compare_channels_first(report, case, "audio", "audio");
        for tensor in case.tensors.keys() {
            let Some(name) = tensor.strip_prefix("trace.") else { continue };
            let side = if name.starts_with("encoder.") { &encoded } else { &decoded };
            side.compare_channels_first(report, case, name, tensor);
        }
    }
}

pub fn tiled(golden: &Golden, case: &Case, report: &mut Report) {
    let part = codec_part(golden, case);
    let parameter = |name: &str| case.entry["params"][name].as_u64().expect("tile sizes are numbers") as usize;
    let (hop, sides, means) = (part.config.hop(), part.config.audio_channels, part.config.moments / 2);
    let (decoder, encoder) = (vae::decoder(&part.config, false), vae::encoder(&part.config, false));
    let (latents, audio) = (case.tensor("latents"), case.tensor("audio_in"));
    for machine in Machine::ALL {
        let decoded = |tiles: &[Tile]| {
            let audio = run_tiles(machine, &part, &decoder, ("latents", "audio"), latents, tiles, |at| at * hop);
            transposed(&[1, audio.len() / sides, sides], &audio)
        };
        let encoded = |tiles: &[Tile]| {
            let moments = run_tiles(machine, &part, &encoder, ("audio", "moments"), audio, tiles, |at| at / hop);
            let (mean, _) = moments::split(&moments, means);
            transposed(&[1, mean.len() / means, means], &mean)
        };
        let tiles = |total, unit: &str, ending: &str| {
            let (chunk, overlap) = (format!("{unit}_chunk{ending}"), format!("{unit}_overlap{ending}"));
            windows::tiles(total, parameter(&chunk), parameter(&overlap)).expect("something is kept")
        };
        compare(report, case, machine, "audio_tiled", &decoded(&tiles(latents.shape[2], "decode", "")));
        compare(report, case, machine, "mean_tiled", &encoded(&tiles(audio.shape[2], "encode", "_samples")));
        // The manifest gives the undivided results without a tolerance of their own.
        for (full, like, found) in [
            ("audio_full", "audio_tiled", decoded(&[whole(latents)])),
            ("mean_full", "mean_tiled", encoded(&[whole(audio)])),
        ] {
            report.compare(case, full, &found, &case.tensor(full).data, case.tolerance(like));
        }
    }
}

pub fn windowed(golden: &Golden, case: &Case, report: &mut Report) {
    let part = codec_part(golden, case);
    let graph = vae::decoder(&part.config, false);
    let latents = case.tensor("latents_btd");
    let [1, frames, channels] = latents.shape[..] else { panic!("{}: one latent expected", case.path) };
    let (hop, sides) = (part.config.hop(), part.config.audio_channels);
    let decode = |machine: Machine, first: isize, count: usize| {
        let frame = |at: usize| (first + at as isize).rem_euclid(frames as isize) as usize;
        let gathered = (0..count).flat_map(|at| &latents.data[frame(at) * channels..(frame(at) + 1) * channels]);
        let inputs = Inputs::new().with("latents", &[1, count, channels], gathered.copied().collect::<Vec<f32>>());
        machine.run(&graph, &inputs, &part.weights).get("audio").to_vec()
    };
    for machine in Machine::ALL {
        let full = decode(machine, 0, frames);
        compare(report, case, machine, "full_audio", &transposed(&[1, frames * hop, sides], &full));
        for (n, entry) in case.entry["windows"].as_array().expect("the manifest lists windows").iter().enumerate() {
            let seconds = |key: &str| entry[key].as_f64().expect("times are numbers");
            let cyclic = entry["cyclic"].as_bool().expect("cyclic is a switch");
            let it = windows::published(frames, seconds("t_start_s"), seconds("vae_window_s"), cyclic);
            let expected = ["keep_start_frame", "keep_frames", "decode_start_frame", "decode_frames"];
            let expected = expected.map(|key| entry[key].as_i64().expect("frames are numbers"));
            let found = [it.keep_start as i64, it.keep_frames as i64, it.decode_start as i64, it.decode_frames as i64];
            report.check(case, found == expected, format!("window {n}: {found:?}, the manifest says {expected:?}"));
            let audio = decode(machine, it.decode_start, it.decode_frames);
            let skipped = (it.keep_start as isize - it.decode_start) as usize * hop * sides;
            let kept = &audio[skipped..skipped + it.keep_frames * hop * sides];
            let kept = transposed(&[1, it.keep_frames * hop, sides], kept);
            compare(report, case, machine, &format!("win{n}.audio"), &kept);
        }
    }
}

/// `mean + std * noise`, which the published encoder hands on. The instrument keeps the mean.
fn sampled(mean: &[f32], std: &[f32], noise: &[f32]) -> Vec<f32> {
    mean.iter().zip(std).zip(noise).map(|((mean, std), noise)| mean + std * noise).collect()
}

/// A tensor `[batch, channels, time]` as an input `[batch, time, channels]`.
fn channels_last(name: &str, tensor: &Tensor) -> Inputs {
    let [batch, channels, time] = tensor.shape[..] else { panic!("{name} has three axes") };
    Inputs::new().with(name, &[batch, time, channels], transposed(&tensor.shape, &tensor.data))
}

/// One tile over everything.
fn whole(tensor: &Tensor) -> Tile {
    Tile { core: 0..tensor.shape[2], span: 0..tensor.shape[2] }
}

/// Runs a graph tile by tile over `[1, channels, time]` and joins the cores, `[time, channels]`; `out` says where a
/// distance in input time lies in output time.
fn run_tiles(
    machine: Machine,
    part: &Part<CodecConfig>,
    graph: &Graph,
    (input, output): (&str, &str),
    signal: &Tensor,
    tiles: &[Tile],
    out: impl Fn(usize) -> usize,
) -> Vec<f32> {
    let [1, channels, _] = signal.shape[..] else { panic!("one signal expected, found {:?}", signal.shape) };
    let values = transposed(&signal.shape, &signal.data);
    let mut joined = Vec::new();
    for Tile { core, span } in tiles {
        let piece = &values[span.start * channels..span.end * channels];
        let inputs = Inputs::new().with(input, &[1, span.len(), channels], piece);
        let result = machine.run(graph, &inputs, &part.weights);
        let result = result.get(output);
        let width = result.len() / out(span.len());
        let (first, last) = (out(core.start - span.start), out(core.end - span.start));
        joined.extend_from_slice(&result[first * width..last * width]);
    }
    joined
}
