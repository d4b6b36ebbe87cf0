//! Goal: the model that ships with the box is an instrument: its knobs do what they say, on the real engine.
//! Method: the built-in model plays its own recording; one latent a setting, compared with the source's.
//!
//! Statistics over many pieces are in `make model-report`; here is what one source must show on every machine.

use std::path::Path;
use std::sync::Arc;

use appliance::source::load_source;
use engine::latent::LATENT_CHANNELS;
use engine::live::{Material, Performer, cpu_stage, material};
use engine::model::{Model, Prompt, codec::Ends};
use engine::param::{Edge, ParamId, Values};

/// Ticks after which a slot of eight steps has finished, whatever the depth.
const ENOUGH_TICKS: usize = 16;

struct Instrument {
    model: Model,
    material: Arc<Material>,
}

impl Instrument {
    fn open() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let model = Model::open(Path::new("models/house"), threads, &mut |_| ()).expect("the built-in model opens");
        let source = load_source(Path::new("models/house/demo.flac"), 60.0, &mut |_| ()).expect("its recording opens");
        let prompt = |caption: &str| Prompt {
            caption: caption.into(),
            time_signature: "4".into(),
            seconds: 12,
            lyrics: "[Instrumental]".into(),
            language: "unknown".into(),
            ..Prompt::default()
        };
        let prompts = [&prompt("house, warm, drums, saw bass"), &prompt("ambient, pad, no drums")];
        let material = material(&model, &source.pcm, prompts, &mut |_| ()).expect("the set is prepared");
        Self { model, material: Arc::new(material) }
    }

    /// The first latent that finishes under these values and curves.
    fn play(&self, set: &[(ParamId, f64)], curve: Option<(ParamId, Arc<[f32]>)>) -> Vec<f32> {
        let prepared = cpu_stage(&self.model, &self.model, Arc::clone(&self.material)).expect("the set compiles");
        let mut performer = Performer::new(prepared.load);
        let mut values = Values::default();
        values.set(ParamId::Depth, 1.0);
        for &(id, value) in set {
            values.set(id, value);
        }
        if let Some((id, curve)) = curve {
            performer.obey(Edge::SetCurve(id, Some(curve)));
        }
        let mut finished = None;
        for _ in 0..ENOUGH_TICKS {
            let keep = |_, latent: &[f32]| finished = finished.take().or(Some(latent.to_vec()));
            performer.tick(&values, keep).expect("the set fits");
        }
        finished.expect("a slot finishes in eight ticks")
    }

    /// Root mean square distance from the source, frame by frame.
    fn away(&self, latent: &[f32]) -> Vec<f32> {
        let frames = latent.chunks_exact(LATENT_CHANNELS).zip(self.material.source.chunks_exact(LATENT_CHANNELS));
        frames.map(|(a, b)| distance(a, b)).collect()
    }
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    (a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>() / a.len() as f32).sqrt()
}

#[test]
fn denoise_leads_away_from_the_source_step_by_step() {
    let it = Instrument::open();
    let mut before = 0.0;
    for tenth in 0..=10 {
        let latent = it.play(&[(ParamId::Denoise, f64::from(tenth) / 10.0)], None);
        assert!(latent.iter().all(|it| it.is_finite()), "denoise 0.{tenth} made something that is no number");
        let away = distance(&latent, &it.material.source);
        assert!(if tenth == 0 { away < 1e-4 } else { before < away }, "denoise 0.{tenth}: {before} then {away}");
        before = away;
    }
}

#[test]
fn a_source_blend_drawn_over_half_of_the_tape_keeps_that_half() {
    let it = Instrument::open();
    let (frames, half) = (it.material.frames, it.material.frames / 2);
    let curve: Arc<[f32]> = (0..frames).map(|at| if at < half { 1.0 } else { 0.0 }).collect();
    let set = [(ParamId::Method, 1.0), (ParamId::Denoise, 0.9), (ParamId::DcwEnabled, 0.0)];
    let away = it.away(&it.play(&set, Some((ParamId::SourceBlend, curve))));
    let middle = |part: &[f32]| {
        let mut sorted = part.to_vec();
        sorted.sort_by(f32::total_cmp);
        sorted[sorted.len() / 2]
    };
    let (kept, free) = (middle(&away[..half - 8]), middle(&away[half + 8..]));
    assert!(kept < 0.01 && 0.3 < free, "kept {kept}, free {free}");
    let boundary = away.iter().position(|&it| (kept + free) / 2.0 < it).expect("the free half is far away");
    assert!(boundary.abs_diff(half) <= 4, "the boundary lies at frame {boundary}, drawn at {half}");
}

#[test]
fn seeds_and_words_make_a_difference_and_their_absence_makes_none() {
    let it = Instrument::open();
    let with = |seed: f64, blend: f64| {
        it.play(&[(ParamId::Denoise, 0.9), (ParamId::Seed, seed), (ParamId::PromptBlend, blend)], None)
    };
    let first = with(7.0, 0.0);
    assert!(first == with(7.0, 0.0), "the same seed and words made another latent");
    assert!(0.1 < distance(&first, &with(8.0, 0.0)), "another seed made nearly the same");
    assert!(0.1 < distance(&first, &with(7.0, 1.0)), "other words made nearly the same");
}

#[test]
fn what_it_makes_is_neither_silent_nor_clipped() {
    let it = Instrument::open();
    let codec = it.model.codec();
    let frames = it.material.frames;
    let mut whole = codec.window(frames, frames, Ends::Joined).expect("the codec compiles");
    let mut sound = vec![[0.0_f32; 2]; frames * 1920];
    for denoise in [0.4, 0.7, 1.0] {
        whole.decode(&it.play(&[(ParamId::Denoise, denoise)], None), 0, &mut sound);
        let peak = sound.iter().flatten().fold(0.0_f32, |peak, it| peak.max(it.abs()));
        let power = sound.iter().flatten().map(|it| it * it).sum::<f32>() / (2 * sound.len()) as f32;
        assert!(peak < 1.5, "denoise {denoise}: a peak of {peak} would be limited hard");
        assert!(0.03 < power.sqrt(), "denoise {denoise}: a level of {} is a murmur", power.sqrt());
    }
}

/// Root mean square error against `sound` of its encode and decode as a loop, in dB of the sound, of the first, the last and
/// the middle of it; the middle without a second at each end.
fn errors_db(model: &Model, sound: &[[f32; 2]], ends: Ends) -> [f64; 3] {
    const EDGE: usize = 2 * 1920;
    let codec = model.codec();
    let latent = codec.encode(sound, ends, &mut |_, _| ()).expect("the codec compiles").mean;
    let frames = latent.len() / LATENT_CHANNELS;
    let mut again = vec![[0.0_f32; 2]; sound.len()];
    codec.window(frames, frames, Ends::Joined).expect("the codec compiles").decode(&latent, 0, &mut again);
    let power = |of: &mut dyn Iterator<Item = f32>| of.map(|it| f64::from(it).powi(2)).sum::<f64>();
    let whole = power(&mut sound.iter().flatten().copied()) / sound.len() as f64;
    [0..EDGE, sound.len() - EDGE..sound.len(), 48_000..sound.len() - 48_000].map(|part| {
        let pairs = sound[part.clone()].iter().flatten().zip(again[part.clone()].iter().flatten());
        let error = power(&mut pairs.map(|(a, b)| a - b)) / part.len() as f64;
        10.0 * (error / whole).log10()
    })
}

/// The recording turned so that the loop begins at many places: at each the error of the first and of the last 80 ms is that
/// of the same music in the middle of a loop.
#[test]
fn a_loop_is_rendered_as_well_at_its_seam_as_anywhere() {
    let it = Instrument::open();
    let source = load_source(Path::new("models/house/demo.flac"), 12.0, &mut |_| ()).expect("its recording opens").pcm;
    let whole = it.model.codec().encode(&source, Ends::Joined, &mut |_, _| ()).expect("the codec compiles").mean;
    assert!(it.material.source[..] == whole[..], "what is played on was encoded as a loop");
    let mut sums = [[0.0; 3]; 2];
    for turn in 0..6 {
        let mut turned = source.clone();
        turned.rotate_left(turn * source.len() / 6 / 1920 * 1920);
        for (sum, ends) in sums.iter_mut().zip([Ends::Joined, Ends::Open]) {
            let errors = errors_db(&it.model, &turned, ends);
            println!(
                "turned {turn} {ends:?}: first {:.1} dB, last {:.1} dB, middle {:.1} dB",
                errors[0], errors[1], errors[2]
            );
            (0..3).for_each(|at| sum[at] += 10_f64.powf(errors[at] / 10.0) / 6.0);
        }
    }
    let [joined, open] = sums.map(|sum| sum.map(|it| 10.0 * it.log10()));
    println!("as a loop {joined:.1?} dB, open {open:.1?} dB (first, last, middle)");
    assert!(joined[0] < joined[2] + 1.0 && joined[1] < joined[2] + 1.0, "first, last and middle: {joined:.1?} dB");
    assert!(open[0] > open[2] + 2.0, "an open encode is heard at the seam, or this measures nothing: {open:.1?} dB");
}

#[test]
fn the_shipped_model_is_small_and_in_half_precision() {
    let mut bytes = 0;
    let mut folders = vec![std::path::PathBuf::from("models/house")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is readable") {
            let path = entry.expect("the entry is readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            bytes += path.metadata().expect("the file is there").len();
            if path.extension().is_some_and(|it| it == "safetensors") {
                let file = std::fs::read(&path).expect("the file is readable");
                let tensors = safetensors::SafeTensors::deserialize(&file).expect("the file is whole");
                let wide = tensors.tensors().into_iter().find(|(_, it)| it.dtype() != safetensors::Dtype::F16);
                assert!(wide.is_none(), "{}: {} is not f16", path.display(), wide.expect("found above").0);
            }
        }
    }
    assert!(bytes <= 25_000_000, "the built-in model has {bytes} bytes");
}
