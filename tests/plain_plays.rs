//! Goal: the plain backend plays as the CPU does: the denoiser with its seats, prompts, masks and batches, the codec's
//! windows, in every precision; and says in words what it cannot do.
//! Method: the fake driver runs the kernels' own text and a cuBLASLt that computes on the host; the CPU's plans are the
//! measure. Golden cases run on it in `golden.rs`.

#[path = "fake_cuda/mod.rs"]
mod fake_cuda;
#[path = "ring_support/mod.rs"]
mod ring_support;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use engine::backend::cuda::plain::{CudaPlan, DenoiserGraphs, PlainNetwork, PlainWindows, PlanError, Rig};
use engine::backend::cuda::{Device, DeviceBackend, DeviceError, Network, Seated, Stream};
use engine::backend::{Backend, BackendError, CpuBackend, DenoiserError};
use engine::graph::cpu::Pool;
use engine::graph::reference::{self, Inputs};
use engine::graph::weights::InMemory;
use engine::graph::{Builder, Dim, Graph, LowerError, Op, Precision, Sizes, TensorView, Weight, WeightSource};
use engine::latent::{LATENT_CHANNELS, SAMPLES_PER_LATENT_FRAME};
use engine::live::{WindowDecoder, tick};
use engine::model::checkpoint::Checkpoint;
use engine::model::config::{CodecConfig, DitConfig};
use engine::model::dit::{self, Extras, PromptForm};
use engine::model::open::denoiser_part;
use engine::model::{Codec, CpuDenoiser, Ends, Part, vae};
use engine::playback::CONTEXT_FRAMES;
use engine::ring::plan::TickPlan;
use engine::ring::{Condition, Request, Ring, StepControls};
use engine::solver::curve::Curve;
use engine::solver::schedule::Sampling;
use fake_cuda::FakeCuda;
use ring_support::{Dice, plain};

/// Odd, so that the last patch is filled up.
const FRAMES: usize = 9;
const TOKENS: usize = 6;
const BATCHES: [usize; 5] = [1, 2, 4, 8, 16];

fn card() -> (FakeCuda, Arc<Device>) {
    let cuda = FakeCuda::take();
    fake_cuda::open_cublaslt();
    (cuda, Device::open(0).expect("the fake has a card"))
}

/// Weights and configuration of a model of the golden vectors.
fn golden_model<C, E: std::fmt::Display>(name: &str, parse: impl Fn(&Path, &str) -> Result<C, E>) -> Part<C> {
    let text = std::fs::read_to_string("tests/golden/manifest.json").expect("the manifest is there");
    let manifest: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let model = &manifest["models"][name];
    let config = parse(Path::new(name), &model["config"].to_string()).unwrap_or_else(|error| panic!("{error}"));
    let weights = Path::new("tests/golden").join(model["weights"].as_str().expect("weights are named"));
    Part::new(config, Checkpoint::open(&weights).expect("they are sound"))
}

fn graphs(config: &DitConfig) -> (Graph, Graph) {
    let extras = Extras { token_mask: true, prompt: PromptForm::KeysAndValues, ..Extras::default() };
    (dit::prompt_graph(config), dit::graph(config, extras))
}

fn network(rig: &Arc<Rig>, part: &Part<DitConfig>, (frames, tokens): (usize, usize)) -> PlainNetwork {
    let (prompt, velocity) = graphs(&part.config);
    let graphs = DenoiserGraphs { prompt: &prompt, velocity: &velocity };
    PlainNetwork::new(rig, graphs, &part.weights, (frames, tokens), &BATCHES).expect("the model fits the card")
}

/// One or two prompts a row; every third is guided.
fn request(seed: u64, width: usize) -> Request {
    let (mut request, mut dice) = (plain(FRAMES, seed), Dice(seed + 11));
    let condition = |dice: &mut Dice| {
        let tokens = 1 + dice.below(TOKENS);
        let weight = dice.maybe(|it| it.curve(FRAMES));
        Condition { weight, ..Condition::always(dice.numbers(tokens * width)) }
    };
    request.conditions = (0..1 + dice.below(2)).map(|_| condition(&mut dice)).collect();
    if seed.is_multiple_of(3) {
        request.negatives = vec![condition(&mut dice)];
        request.controls.guidance_scale = Some(Curve::Scalar(2.0));
    }
    request
}

/// Latents of the requests of these seeds, by seed: one is born a tick, as far as there is room.
fn play<B: Backend>(
    depth: usize,
    backend: &mut B,
    seeds: Range<u64>,
    width: usize,
    mut each: impl FnMut(),
) -> Vec<(u64, Vec<f32>)> {
    let sampling = Sampling { steps: 4, ..Sampling::default() };
    let mut ring = Ring::new(depth, sampling);
    let (mut left, mut plan, first) = (Vec::new(), TickPlan::new(), seeds.start);
    for seed in seeds {
        ring.submit(Arc::new(request(seed, width))).expect("it is sound");
        let mut emit = |it: engine::live::Finished<'_>| left.push((first + it.ticket, it.latent.to_vec()));
        tick(&mut ring, backend, &mut plan, &StepControls::default(), &mut emit).expect("both can compute");
        each();
    }
    while 0 < ring.in_flight() {
        let mut emit = |it: engine::live::Finished<'_>| left.push((first + it.ticket, it.latent.to_vec()));
        tick(&mut ring, backend, &mut plan, &StepControls::default(), &mut emit).expect("both can compute");
        each();
    }
    assert!(!left.is_empty(), "something finished at depth {depth}");
    left
}

/// Largest distance of two latents, as a share of the largest number.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let size = b.iter().fold(1e-6_f32, |most, it| most.max(it.abs()));
    let most = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |most, it| if it <= most { most } else { it });
    most / size
}

#[test]
fn generations_are_those_of_the_cpu_at_every_depth_and_a_tick_is_one_graph() {
    let (cuda, device) = card();
    let part = golden_model("tiny", DitConfig::parse);
    let (pool, width) = (Pool::new(2), part.config.encoders.hidden);
    let rig = Rig::new(&device, Precision::F32).expect("the fake opens");
    for depth in [1, 3, 8] {
        let denoiser = CpuDenoiser::compile(&part, FRAMES, TOKENS, &pool).expect("it is sound");
        let of_cpu = play(depth, &mut CpuBackend::new(denoiser), 0..10, width, || ());
        let network = network(&rig, &part, (FRAMES, TOKENS));
        let mut backend = DeviceBackend::new(&device, network).expect("there is room");
        cuda.log();
        let one_graph = || {
            let graphs = cuda.log().iter().filter(|it| *it == "cuGraphLaunch").count();
            assert_eq!(graphs, 1, "a tick is one graph");
        };
        let of_card = play(depth, &mut backend, 0..10, width, one_graph);
        assert_eq!(of_cpu.len(), of_card.len());
        for ((seed, expected), (_, found)) in of_cpu.iter().zip(&of_card) {
            let apart = apart(found, expected);
            assert!(apart < 1e-5, "seed {seed} at depth {depth}: {apart} of the loudest number");
        }
    }
    drop((rig, device));
    assert_eq!(cuda.leaked(), 0, "everything was given back");
}

#[test]
fn a_generation_is_the_same_bits_whatever_is_beside_it() {
    let (_cuda, device) = card();
    let part = golden_model("tiny_xl", DitConfig::parse);
    let rig = Rig::new(&device, Precision::Bf16).expect("the fake opens");
    let network = network(&rig, &part, (FRAMES, TOKENS));
    let (mut backend, width) =
        (DeviceBackend::new(&device, network).expect("there is room"), part.config.encoders.hidden);
    let among = play(5, &mut backend, 0..5, width, || ());
    assert_eq!(among.len(), 5);
    for (seed, latent) in among {
        let alone = play(1, &mut backend, seed..seed + 1, width, || ());
        assert!(alone == [(seed, latent)], "seed {seed}, bit for bit");
    }
}

#[test]
fn the_built_in_denoiser_is_the_cpus_in_every_precision() {
    let (_cuda, device) = card();
    let part = denoiser_part(Path::new("models/house")).expect("the built-in model opens");
    let graph = dit::graph(&part.config, Extras::default());
    let sizes = Sizes::new().with("batch", 2).with("frames", 80).with("tokens", 5);
    let mut cpu = part.plan(&graph, &sizes, &Pool::new(2)).expect("it is sound");
    let mut dice = Dice(3);
    let mut inputs: Vec<(String, Arc<[f32]>)> = Vec::new();
    for name in ["x", "context", "tokens", "t", "t_minus_r"] {
        let count = cpu.input_mut(name).len();
        inputs.push((name.to_owned(), if name == "t" { Arc::from([0.9, 0.3]) } else { dice.numbers(count) }));
    }
    inputs.iter().for_each(|(name, numbers)| cpu.input_mut(name).copy_from_slice(numbers));
    cpu.run();
    // Rounding of operands to 8 and 11 bits; sums, norms, softmax and the stream between layers stay f32.
    for (precision, most) in [(Precision::F32, 5e-6), (Precision::F16, 2e-3), (Precision::Bf16, 2e-2)] {
        let rig = Rig::new(&device, precision).expect("the fake opens");
        let plan = CudaPlan::compile(&rig, &graph, &sizes, &part.weights).expect("it is sound");
        let stream = Stream::new(&device, false).expect("the fake makes streams");
        inputs.iter().for_each(|(name, numbers)| plan.write(&stream, name, numbers).expect("the card takes it"));
        plan.enqueue(&stream).expect("every step can be enqueued");
        let found = plan.read(&stream, "velocity").expect("the card gives it");
        let apart = apart(&found, cpu.output("velocity"));
        assert!(apart < most, "{precision:?}: {apart} of the loudest number");
        assert!(precision == Precision::F32 || most / 100.0 < apart, "{precision:?}: {apart} is too good to be true");
    }
}

/// The card sets memory to zero when it likes: nothing that comes after may be wiped by it.
#[test]
fn what_is_uploaded_into_memory_that_was_just_zeroed_stays() {
    let (_cuda, device) = card();
    let mut b = Builder::new();
    let x = b.input("x", &[Dim::Fixed(1), Dim::Fixed(2)]);
    let y = b.linear(x, "l", false);
    b.output("y", y);
    let weights = InMemory::new().with("l.weight", &[1, 2], &[3.0, 4.0]);
    let rig = Rig::new(&device, Precision::F32).expect("the fake opens");
    let plan = CudaPlan::compile(&rig, &b.finish(), &Sizes::new(), &weights).expect("it is sound");
    let stream = Stream::new(&device, false).expect("the fake makes streams");
    plan.write(&stream, "x", &[10.0_f32, 1.0]).expect("the card takes it");
    plan.enqueue(&stream).expect("every step can be enqueued");
    assert_eq!(plan.read(&stream, "y").expect("the card gives it"), [34.0], "neither weight nor input was wiped");
}

/// Weights of a model whose layers add up to more than f16 can say.
struct Loud {
    weights: Checkpoint,
    tables: Vec<(String, Vec<usize>, Vec<u8>)>,
}

impl Loud {
    fn new(weights: Checkpoint, graph: &Graph) -> Self {
        let layers = graph.nodes.iter().filter_map(|it| match &it.op {
            Op::Constant(Weight::Plain(name)) if name.starts_with("decoder.layers.") => Some(name),
            _ => None,
        });
        let table = |name: &String| {
            let view = weights.tensor(name).expect("the model is whole");
            let width = view.shape[2];
            // Rows 2 and 5 are the gates of attention and of the feed-forward layer.
            let wide = |(at, it): (usize, f32)| if matches!(at / width, 2 | 5) { it + 60_000.0 } else { it };
            let bytes = view.to_f32().into_iter().enumerate().map(wide).flat_map(f32::to_le_bytes).collect();
            (name.clone(), view.shape.to_vec(), bytes)
        };
        let tables = layers.map(table).collect();
        Self { weights, tables }
    }
}

impl WeightSource for Loud {
    fn tensor(&self, name: &str) -> Option<TensorView<'_>> {
        let Some((_, shape, bytes)) = self.tables.iter().find(|it| it.0 == name) else {
            return self.weights.tensor(name);
        };
        Some(TensorView { bytes, precision: Precision::F32, shape })
    }
}

#[test]
fn a_residual_beyond_f16_is_held_beside_products_of_f16() {
    let (_cuda, device) = card();
    let part = golden_model("tiny", DitConfig::parse);
    let graph = dit::graph(&part.config, Extras { trace: true, ..Extras::default() });
    let (config, weights) = (part.config, Loud::new(part.weights, &graph));
    let sizes = Sizes::new().with("batch", 1).with("frames", 8).with("tokens", 3);
    let velocities = |precision| {
        let rig = Rig::new(&device, precision).expect("the fake opens");
        let plan = CudaPlan::compile(&rig, &graph, &sizes, &weights).expect("it is sound");
        let stream = Stream::new(&device, false).expect("the fake makes streams");
        for (name, count) in [("x", 8 * 64), ("context", 8 * 128), ("tokens", 3 * config.encoders.hidden)] {
            plan.write(&stream, name, &Dice(4).numbers(count)).expect("the card takes it");
        }
        plan.write(&stream, "t", &[1.0_f32]).expect("the card takes it");
        plan.write(&stream, "t_minus_r", &[0.0_f32]).expect("the card takes it");
        plan.enqueue(&stream).expect("every step can be enqueued");
        ["layer0.out", "velocity"].map(|name| plan.read(&stream, name).expect("the card gives it"))
    };
    let [_, expected] = velocities(Precision::F32);
    let [stream, found] = velocities(Precision::F16);
    let most = stream.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
    assert!(65_504.0 < most && most.is_finite(), "the test is of a large residual, this one has {most}");
    assert!(found.iter().all(|it| it.is_finite()), "{found:?}");
    let apart = apart(&found, &expected);
    assert!(apart < 5e-3, "{apart} of the loudest number");
}

#[test]
fn windows_are_those_of_the_cpu_and_go_round_the_seam() {
    let (cuda, device) = card();
    let part = Arc::new(golden_model("vae_hop1920", CodecConfig::parse));
    let (frames, graph) = (23, vae::decoder(&part.config, false));
    let latent = Dice(5).numbers(frames * LATENT_CHANNELS);
    let rig = Rig::new(&device, Precision::F32).expect("the fake opens");
    let geometry = (CONTEXT_FRAMES, frames);
    let mut windows = PlainWindows::new(&rig, &graph, &part.weights, &[1, 4], geometry).expect("it is a decoder");
    let codec = Codec::new(Arc::clone(&part), Pool::new(2));
    for (keep, first) in [(1, 0), (4, 21), (4, 7), (1, 22)] {
        let mut expected = vec![[9.0; 2]; keep * SAMPLES_PER_LATENT_FRAME];
        let mut of_cpu = codec.window(frames, keep, Ends::Joined).expect("it is sound");
        of_cpu.decode(&latent, first, &mut expected);
        let mut found = vec![[9.0; 2]; keep * SAMPLES_PER_LATENT_FRAME];
        cuda.log();
        windows.decode(&latent, first, &mut found).expect("the card can");
        assert_eq!(cuda.log().iter().filter(|it| *it == "cuLaunchKernel").count(), 0, "everything was recorded");
        let apart = apart(found.as_flattened(), expected.as_flattened());
        assert!(apart < 1e-5, "{keep} frames at {first}: {apart} of the loudest number");
    }
}

/// A graph of every operation that no golden case has, or none in pieces.
fn odd_graph() -> (Graph, InMemory) {
    let mut dice = Dice(7);
    let mut weights = InMemory::new();
    for (name, shape) in [("table", [5, 6, 1]), ("wide", [4, 6, 3]), ("up", [6, 2, 5]), ("row", [1, 6, 1])] {
        let shape = if name == "table" { &shape[..2] } else { &shape[..] };
        weights = weights.with(name, shape, &dice.numbers(shape.iter().product()));
    }
    let mut b = Builder::new();
    let (batch, frames) = (Dim::Named("batch"), Dim::Named("frames"));
    let x = b.input("x", &[batch, frames, Dim::Fixed(6)]);
    let ids = b.ids_input("ids", &[batch, frames]);
    let mask = b.input("mask", &[batch, frames]);
    let tokens = b.embedding(ids, "table");
    let x = b.add(x, tokens);
    let (weight, bias) = (Weight::plain("wide"), None);
    let wide = b.node(Op::Conv1d { weight, bias, stride: 2, padding: 3, dilation: 2 }, &[x]);
    let weight = Weight::plain("up");
    let up = b.node(Op::ConvTranspose1d { weight, bias: None, stride: 3, padding: 1 }, &[x]);
    let heads = b.split_axis(x, 2, 2);
    let key = b.slice(heads, 2, 0, 1);
    let seen = b.attention([heads, key, key], Some(mask), Some(2), true);
    let flat = b.merge_axes(seen, 2);
    let padded = b.pad_end(flat, 1, 4);
    let turned = b.concat(&[padded, padded], 1);
    let turned = b.crop_like(turned, 1, x);
    let row = b.constant("row");
    let row = b.merge_axes(row, 1);
    let row = b.expand(row, 0, 1);
    let snaked = b.node(Op::Snake { alpha: Weight::plain("row2"), beta: Weight::plain("row2") }, &[turned]);
    let shifted = b.add(snaked, row);
    let weights =
        weights.with("row2", &[1, 1, 6][..], &Dice(9).numbers(6)).with("row2", &[1, 6, 1], &Dice(9).numbers(6));
    for (name, node) in [("wide", wide), ("up", up), ("shifted", shifted), ("key", key)] {
        b.output(name, node);
    }
    (b.finish(), weights)
}

#[test]
fn what_is_done_in_pieces_or_on_odd_shapes_is_what_the_formulas_say() {
    let (_cuda, device) = card();
    let (graph, weights) = odd_graph();
    let (batch, frames) = (3, 7);
    let (x, mut mask) = (Dice(1).numbers(batch * frames * 6), vec![1.0; batch * frames]);
    // The first row's first query sees nothing.
    mask[0] = 0.0;
    mask[11] = 0.0;
    let ids: Vec<u32> = (0..21).map(|it| it * 5 % 6).collect();
    let inputs = Inputs::new().with("x", &[batch, frames, 6], x.to_vec()).with("mask", &[batch, frames], mask.clone());
    let inputs = inputs.with_ids("ids", &[batch, frames], ids.clone());
    let expected = reference::run(&graph, &inputs, &weights).expect("the graph is sound");
    let sizes = inputs.sizes(&graph).expect("they fit");
    let stream = Stream::new(&device, false).expect("the fake makes streams");
    let mut steps = Vec::new();
    for bytes in [1, 300, 1 << 20] {
        let rig = Rig::in_pieces(&device, Precision::F32, bytes).expect("the fake opens");
        let plan = CudaPlan::compile(&rig, &graph, &sizes, &weights).expect("it is sound");
        plan.write(&stream, "x", &x).expect("the card takes it");
        plan.write(&stream, "mask", &mask).expect("the card takes it");
        plan.write(&stream, "ids", &ids).expect("the card takes it");
        // Twice: a run leaves nothing behind.
        plan.enqueue(&stream).expect("every step can be enqueued");
        plan.enqueue(&stream).expect("every step can be enqueued");
        for (name, (shape, numbers)) in &expected {
            assert_eq!(plan.output_shape(name), shape, "{name}");
            let found = plan.read(&stream, name).expect("the card gives it");
            assert!(apart(&found, numbers) < 1e-6, "{name} in pieces of {bytes} bytes: {found:?}, not {numbers:?}");
        }
        steps.push(plan.steps());
    }
    assert!(steps[2] < steps[1] && steps[1] < steps[0], "smaller pieces are more steps: {steps:?}");
}

#[test]
fn all_batches_share_one_copy_of_the_weights() {
    let (_cuda, device) = card();
    let part = golden_model("tiny", DitConfig::parse);
    let rig = Rig::new(&device, Precision::Bf16).expect("the fake opens");
    let (prompt, velocity) = graphs(&part.config);
    let graphs = DenoiserGraphs { prompt: &prompt, velocity: &velocity };
    let made =
        |batches: &[usize]| PlainNetwork::new(&rig, graphs, &part.weights, (FRAMES, TOKENS), batches).map(|_| ());
    made(&[1]).expect("the model fits the card");
    let bytes = rig.weight_bytes();
    made(&BATCHES).expect("the model fits the card");
    assert_eq!(rig.weight_bytes(), bytes);
}

#[test]
fn what_cannot_be_done_is_said_in_words() {
    let (cuda, device) = card();
    let part = golden_model("tiny", DitConfig::parse);
    let rig = Rig::new(&device, Precision::F32).expect("the fake opens");
    let graph = dit::graph(&part.config, Extras::default());
    let sizes = Sizes::new().with("batch", 1).with("frames", 8).with("tokens", 2);
    let compile =
        |weights: &dyn WeightSource, sizes: &Sizes| CudaPlan::compile(&rig, &graph, sizes, weights).map(|_| ());
    let missing = compile(&InMemory::new(), &sizes).expect_err("there are no weights");
    assert!(matches!(missing, PlanError::Graph(LowerError::MissingWeight(_))), "{missing}");
    let unsized_axis = compile(&part.weights, &Sizes::new()).expect_err("no size was given");
    assert!(unsized_axis.to_string().contains("`batch`"), "{unsized_axis}");
    cuda.card(1, 32 << 20, 12);
    let full = compile(&part.weights, &sizes.clone().with("batch", 64)).expect_err("the card is small");
    assert!(matches!(full, PlanError::Device(DeviceError::OutOfMemory { .. })), "{full}");
    cuda.card(1, 8 << 30, 12);
    let mut network = network(&rig, &part, (FRAMES, TOKENS));
    let stream = Stream::new(&device, false).expect("the fake makes streams");
    let long = vec![0.0; (TOKENS + 1) * part.config.encoders.hidden];
    let row = Seated { context: &[0.0; FRAMES * 128], tokens: &long };
    let error = network.seat(&stream, 0, row).expect_err("a token too many");
    assert_eq!(error, BackendError::Row(DenoiserError::TooManyTokens { found: TOKENS + 1, most: TOKENS }));
    let mut b = Builder::new();
    let eight: Vec<Dim> = (0..8).map(|_| Dim::Fixed(2)).collect();
    let x = b.input("x", &eight);
    // Every other axis of one operand repeats, so that no two axes lie as one.
    let mut y = x;
    for axis in [1, 3, 5, 7] {
        y = b.slice(y, axis, 0, 1);
    }
    let sum = b.add(x, y);
    b.output("sum", sum);
    let crooked = CudaPlan::compile(&rig, &b.finish(), &Sizes::new(), &InMemory::new()).map(|_| ());
    let crooked = crooked.expect_err("eight axes that cannot be joined");
    assert!(crooked.to_string().starts_with("node 5 (Add) cannot run on the card"), "{crooked}");
    cuda.lose(999);
    let lost = network.enqueue(&stream, 1, &[0]).expect_err("the card is gone");
    assert!(lost.is_fatal(), "{lost:?}");
}
