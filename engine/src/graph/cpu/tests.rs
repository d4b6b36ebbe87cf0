//! Plans against the interpreter, and against themselves on other instruction sets and thread counts.

use proptest::prelude::*;

use super::*;
use crate::graph::reference::{self, Inputs};
use crate::graph::weights::InMemory;
use crate::graph::{Builder, Dim, Graph, NodeId, Op, Precision, Sizes, TensorView, Weight, WeightSource};

/// Numbers that look random and are the same every time.
pub(super) fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// A graph being written together with its weights and inputs.
#[derive(Default)]
pub(super) struct Bench {
    pub(super) b: Builder,
    pub(super) weights: InMemory,
    pub(super) inputs: Inputs,
    given: Vec<(String, Vec<f32>)>,
    ids: Vec<(String, Vec<u32>)>,
    seed: u64,
}

impl Bench {
    pub(super) fn input(&mut self, name: &str, shape: &[usize]) -> NodeId {
        self.seed += 1;
        self.input_of(name, shape, numbers(self.seed, shape.iter().product()))
    }

    pub(super) fn input_of(&mut self, name: &str, shape: &[usize], values: Vec<f32>) -> NodeId {
        self.inputs = std::mem::take(&mut self.inputs).with(name, shape, values.clone());
        self.given.push((name.into(), values));
        let dims: Vec<Dim> = shape.iter().map(|&it| Dim::Fixed(it)).collect();
        self.b.input(name, &dims)
    }

    pub(super) fn ids(&mut self, name: &str, shape: &[usize], ids: Vec<u32>) -> NodeId {
        self.inputs = std::mem::take(&mut self.inputs).with_ids(name, shape, ids.clone());
        self.ids.push((name.into(), ids));
        let dims: Vec<Dim> = shape.iter().map(|&it| Dim::Fixed(it)).collect();
        self.b.ids_input(name, &dims)
    }

    pub(super) fn weight(&mut self, name: &str, shape: &[usize]) -> Weight {
        self.seed += 1;
        let fan: usize = shape.iter().skip(1).product::<usize>().max(1);
        let scale = (fan as f32).powf(-0.5);
        let values: Vec<f32> = numbers(self.seed, shape.iter().product()).iter().map(|it| it * scale).collect();
        self.weights = std::mem::take(&mut self.weights).with(name, shape, &values);
        Weight::plain(name)
    }

    /// The output `y` of the interpreter, and of plans on every instruction set and thread count, which must agree to
    /// the last bit; and the plan's result.
    pub(super) fn check(self, y: NodeId) -> (Vec<f32>, Vec<f32>) {
        let Self { mut b, weights, inputs, given, ids, .. } = self;
        b.output("y", y);
        let graph = b.finish();
        let expected = reference::run(&graph, &inputs, &weights).expect("the graph is sound").remove("y");
        let (shape, expected) = expected.expect("it has one output");
        let sizes = inputs.sizes(&graph).expect("all are fixed");
        let mut found: Option<Vec<f32>> = None;
        for (threads, isa) in pools() {
            let pool = Pool::on(threads, isa);
            let mut plan = Plan::compile(&graph, &sizes, &weights, &Packed::new(), &pool).expect("as the interpreter");
            given.iter().for_each(|(name, values)| plan.input_mut(name).copy_from_slice(values));
            ids.iter().for_each(|(name, values)| plan.ids_mut(name).copy_from_slice(values));
            plan.run();
            plan.run();
            assert_eq!(plan.output_shape("y"), shape);
            let result = plan.output("y").to_vec();
            if let Some(found) = &found {
                let differs = found.iter().zip(&result).position(|(a, b)| a.to_bits() != b.to_bits());
                assert_eq!(differs, None, "{isa:?} on {threads} threads");
            }
            found = Some(result);
        }
        (found.expect("some pool ran"), expected)
    }

    pub(super) fn agrees(self, y: NodeId) {
        let (found, expected) = self.check(y);
        close(&found, &expected, 2e-5);
    }
}

fn pools() -> Vec<(usize, Isa)> {
    let all = [(1, Isa::Avx512), (2, Isa::Avx512), (3, Isa::Avx2), (1, Isa::Avx2), (2, Isa::Scalar)];
    all.into_iter().filter(|it| it.1.is_here()).collect()
}

pub(super) fn close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (at, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() <= tolerance * (1.0 + y.abs()), "[{at}] is {x}, the interpreter says {y}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_linear_layer_is_the_interpreters(rows in 1_usize..40, k in 1_usize..70, n in 1_usize..80, bias: bool) {
        let mut t = Bench::default();
        let x = t.input("x", &[2, rows, k]);
        t.weight("l.weight", &[n, k]);
        t.weight("l.bias", &[n]);
        let y = t.b.linear(x, "l", bias);
        t.agrees(y);
    }

    #[test]
    fn a_convolution_is_the_interpreters(
        (frames, i, o) in (1_usize..60, 1_usize..40, 1_usize..40),
        (kernel, stride, dilation) in (1_usize..8, 1_usize..5, 1_usize..10),
        extra in 0_usize..6,
    ) {
        let mut t = Bench::default();
        let padding = (kernel - 1) * dilation / 2 + extra;
        prop_assume!(frames + 2 * padding > (kernel - 1) * dilation);
        let x = t.input("x", &[2, frames, i]);
        let weight = t.weight("w", &[o, i, kernel]);
        let bias = Some(t.weight("b", &[o]));
        let y = t.b.node(Op::Conv1d { weight, bias, stride, padding, dilation }, &[x]);
        t.agrees(y);
    }

    #[test]
    fn a_transposed_convolution_is_the_interpreters(
        (frames, i, o) in (1_usize..40, 1_usize..40, 1_usize..20),
        (kernel, stride, padding) in (1_usize..16, 1_usize..11, 0_usize..6),
    ) {
        let mut t = Bench::default();
        prop_assume!((frames - 1) * stride + kernel > 2 * padding);
        let x = t.input("x", &[2, frames, i]);
        let weight = t.weight("w", &[i, o, kernel]);
        let bias = Some(t.weight("b", &[o]));
        let y = t.b.node(Op::ConvTranspose1d { weight, bias, stride, padding }, &[x]);
        t.agrees(y);
    }

    #[test]
    fn attention_is_the_interpreters(
        (queries, keys) in (1_usize..70, 1_usize..90),
        (groups, per_group, half) in (1_usize..3, 1_usize..3, 1_usize..24),
        window in proptest::option::of(0_usize..40),
        (causal, masked) in (any::<bool>(), any::<bool>()),
    ) {
        let mut t = Bench::default();
        let width = 2 * half;
        let q = t.input("q", &[2, queries, groups * per_group, width]);
        let k = t.input("k", &[2, keys, groups, width]);
        let v = t.input("v", &[2, keys, groups, width]);
        let hidden: Vec<f32> = numbers(99, 2 * keys).iter().map(|it| f32::from(*it > -0.3)).collect();
        let mask = masked.then(|| t.input_of("mask", &[2, keys], hidden));
        let y = t.b.attention([q, k, v], mask, window, causal);
        t.agrees(y);
    }

    #[test]
    fn elementwise_operations_broadcast_as_the_interpreters(
        shape in proptest::collection::vec(1_usize..9, 1..4),
        ones in proptest::collection::vec(any::<bool>(), 3),
        drop in 0_usize..3,
    ) {
        let mut t = Bench::default();
        let x = t.input("x", &shape);
        let other: Vec<usize> = shape.iter().zip(&ones).map(|(&size, &one)| if one { 1 } else { size }).collect();
        let y = t.input("y0", &other[drop.min(shape.len() - 1)..]);
        let sum = t.b.add(x, y);
        let product = t.b.mul(y, sum);
        let silu = t.b.silu(product);
        let out = t.b.add_scalar(silu, 0.25);
        t.agrees(out);
    }

    #[test]
    fn norms_and_rotations_are_the_interpreters(tokens in 1_usize..50, heads in 1_usize..4, half in 1_usize..40) {
        let mut t = Bench::default();
        let x = t.input("x", &[2, tokens, heads, 2 * half]);
        t.weight("n.weight", &[2 * half]);
        let x = t.b.rms_norm(x, "n", 1e-6);
        let y = t.b.rope(x, 1e6);
        t.agrees(y);
    }

    #[test]
    fn moved_numbers_are_the_interpreters(
        [a, b, c] in [1_usize..7, 1_usize..7, 1_usize..20],
        start in 0_usize..6,
        multiple in 1_usize..6,
    ) {
        let mut t = Bench::default();
        let x = t.input("x", &[a, b, 2 * c]);
        let start = start.min(b - 1);
        let part = t.b.slice(x, 1, start, b - start);
        let padded = t.b.pad_end(part, 1, multiple);
        let cropped = t.b.crop_like(padded, 1, part);
        let split = t.b.split_axis(cropped, 2, 2);
        let inner = t.b.slice(split, 3, 1, 1);
        let wide = t.b.expand(inner, 3, 3);
        let merged = t.b.merge_axes(wide, 2);
        let joined = t.b.concat(&[merged, part], 2);
        let first = t.b.slice(joined, 0, 0, 1);
        let batch = t.b.expand_batch_like(first, x);
        let merged = t.b.merge_axes(batch, 0);
        t.agrees(merged);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_modulated_block_is_the_interpreters(
        [batch, tokens, keys] in [1_usize..4, 1_usize..40, 1_usize..40],
        [groups, per_group, half, inner] in [1_usize..3, 1_usize..3, 1_usize..17, 1_usize..50],
        (gated, window) in (any::<bool>(), proptest::option::of(0_usize..20)),
    ) {
        let mut t = Bench::default();
        let (heads, width) = (groups * per_group, 2 * half);
        let hidden = heads * width;
        let h = t.input("h", &[batch, tokens, hidden]);
        let prompt = t.input("prompt", &[batch, keys, hidden]);
        let modulation = t.input("modulation", &[batch, 3, hidden]);
        for (name, n) in [("q", hidden), ("k", groups * width), ("v", groups * width), ("o", hidden)] {
            t.weight(&format!("{name}.weight"), &[n, hidden]);
            t.weight(&format!("{name}2.weight"), &[n, hidden]);
        }
        for (name, n, k) in [("gate", inner, hidden), ("up", inner, hidden), ("down", hidden, inner)] {
            t.weight(&format!("{name}.weight"), &[n, k]);
        }
        for (name, n) in [("norm", hidden), ("q_norm", width), ("k_norm", width)] {
            t.weight(&format!("{name}.weight"), &[n]);
        }
        let b = &mut t.b;
        let [shift, scale, gate] = [0, 1, 2].map(|row| b.slice(modulation, 1, row, 1));
        let scale = b.add_scalar(scale, 1.0);
        let normed = b.rms_norm(h, "norm", 1e-6);
        let scaled = b.mul(normed, scale);
        let x = b.add(scaled, shift);
        let attend = |b: &mut Builder, x: NodeId, from: NodeId, two: &str, turned: bool| {
            let mut head = |name: &str, from: NodeId, normed: bool| {
                let y = b.linear(from, &format!("{name}{two}"), false);
                let y = b.split_axis(y, 2, width);
                let y = if normed { b.rms_norm(y, &format!("{name}_norm"), 1e-6) } else { y };
                if normed && turned { b.rope(y, 1e4) } else { y }
            };
            let (q, k, v) = (head("q", x, true), head("k", from, true), head("v", from, false));
            let y = b.attention([q, k, v], None, window.filter(|_| turned), false);
            let y = b.merge_axes(y, 2);
            b.linear(y, &format!("o{two}"), false)
        };
        let part = attend(b, x, x, "", true);
        let part = if gated { b.mul(gate, part) } else { part };
        let h = b.add(h, part);
        let part = attend(b, h, prompt, "2", false);
        let h = b.add(part, h);
        let gate = b.linear(h, "gate", false);
        let gate = b.silu(gate);
        let up = b.linear(h, "up", false);
        let product = b.mul(gate, up);
        let down = b.linear(product, "down", false);
        let y = b.add(h, down);
        t.agrees(y);
    }

    #[test]
    fn residual_units_and_snakes_before_convolutions_are_the_interpreters(
        [batch, frames, channels] in [1_usize..3, 1_usize..120, 1_usize..40],
        (kernel, dilation, stride) in (1_usize..8, 1_usize..10, 1_usize..7),
        (snake_between, residual) in (any::<bool>(), any::<bool>()),
    ) {
        let mut t = Bench::default();
        let x = t.input("x", &[batch, frames, channels]);
        let kernel = 2 * (kernel / 2) + 1;
        let first = t.weight("first", &[channels, channels, kernel]);
        let second = t.weight("second", &[channels, channels, 1]);
        let up = t.weight("up", &[channels, 5, 2 * stride]);
        let bias = Some(t.weight("bias", &[channels]));
        for name in ["a", "b", "c"] {
            t.weight(&format!("{name}.alpha"), &[1, channels, 1]);
            t.weight(&format!("{name}.beta"), &[1, channels, 1]);
        }
        let b = &mut t.b;
        let y = b.snake(x, "a");
        let padding = dilation * (kernel - 1) / 2;
        let y = b.node(Op::Conv1d { weight: first, bias: bias.clone(), stride: 1, padding, dilation }, &[y]);
        let y = if snake_between { b.snake(y, "b") } else { y };
        let y = b.node(Op::Conv1d { weight: second, bias, stride: 1, padding: 0, dilation: 1 }, &[y]);
        let y = if residual { b.add(x, y) } else { y };
        let y = b.snake(y, "c");
        let y = b.node(Op::ConvTranspose1d { weight: up, bias: None, stride, padding: stride / 2 }, &[y]);
        t.agrees(y);
    }
}

#[test]
fn snake_silu_and_sinusoid_are_the_interpreters() {
    let mut t = Bench::default();
    let x = t.input_of("x", &[1, 40, 19], numbers(5, 40 * 19).iter().map(|it| it * 30.0).collect());
    t.weight("s.alpha", &[1, 19, 1]);
    t.weight("s.beta", &[1, 19, 1]);
    let y = t.b.snake(x, "s");
    let y = t.b.silu(y);
    t.agrees(y);
    let mut t = Bench::default();
    let x = t.input_of("t", &[4], vec![0.0, 1.0, 0.123_456, 0.75]);
    let y = t.b.sinusoid(x, 128, 1000.0);
    let (found, expected) = t.check(y);
    close(&found, &expected, 1e-7);
}

#[test]
fn token_ids_look_up_rows_of_tables_of_any_precision() {
    for precision in [Precision::F32, Precision::F16, Precision::Bf16] {
        let mut t = Bench::default();
        let ids = t.ids("ids", &[2, 3], vec![0, 4, 2, 1, 4, 9]);
        t.weights = InMemory::new().stored_as(precision, "table", &[5, 7], &numbers(3, 35));
        let y = t.b.embedding(ids, "table");
        let (found, expected) = t.check(y);
        assert_eq!(found, expected);
    }
}

#[test]
fn half_precision_matrices_give_the_bits_of_their_rounded_numbers() {
    for precision in [Precision::F16, Precision::Bf16] {
        let mut t = Bench::default();
        let x = t.input("x", &[70, 50]);
        let weights = InMemory::new().stored_as(precision, "l.weight", &[45, 50], &numbers(3, 45 * 50));
        let rounded = crate::graph::weights::load(&weights, &Weight::plain("l.weight")).expect("stored above").1;
        t.weights = weights;
        let y = t.b.linear(x, "l", false);
        let (half, _) = t.check(y);
        let mut t = Bench::default();
        let x = t.input("x", &[70, 50]);
        t.weights = InMemory::new().with("l.weight", &[45, 50], &rounded);
        let y = t.b.linear(x, "l", false);
        assert_eq!(t.check(y).0, half, "{precision:?}");
    }
}

/// Cross-attention over `tokens` keys.
fn cross_attention() -> (Graph, InMemory) {
    let mut t = Bench::default();
    let x = t.b.input("x", &[Dim::Fixed(1), Dim::Fixed(5), Dim::Fixed(8)]);
    let tokens = t.b.input("tokens", &[Dim::Fixed(1), Dim::Named("tokens"), Dim::Fixed(8)]);
    for name in ["q.weight", "k.weight", "v.weight"] {
        t.weight(name, &[8, 8]);
    }
    let [q, k, v] = [("q", x), ("k", tokens), ("v", tokens)].map(|(name, from)| {
        let y = t.b.linear(from, name, false);
        t.b.split_axis(y, 2, 4)
    });
    let y = t.b.attention([q, k, v], None, None, false);
    t.b.output("y", y);
    (t.b.finish(), t.weights)
}

#[test]
fn a_shorter_length_gives_the_bits_of_a_plan_compiled_for_it() {
    let (graph, weights) = cross_attention();
    let (x, tokens) = (numbers(1, 40), numbers(2, 90 * 8));
    let pool = Pool::new(2);
    let packed = Packed::new();
    let plan_for = |count: usize| {
        let sizes = Sizes::new().with("tokens", count);
        Plan::compile(&graph, &sizes, &weights, &packed, &pool).expect("the graph is sound")
    };
    let mut long = plan_for(90);
    for count in [1, 31, 32, 33, 89, 90, 0] {
        long.input_mut("x").copy_from_slice(&x);
        long.input_mut("tokens").fill(f32::NAN);
        long.input_mut("tokens")[..count * 8].copy_from_slice(&tokens[..count * 8]);
        long.set_length("tokens", count);
        long.run();
        let mut expected = vec![0.0; 40];
        if count > 0 {
            let mut exact = plan_for(count);
            exact.input_mut("x").copy_from_slice(&x);
            exact.input_mut("tokens").copy_from_slice(&tokens[..count * 8]);
            exact.run();
            expected.copy_from_slice(exact.output("y"));
        }
        assert_eq!(long.output("y"), expected, "{count} tokens");
    }
}

#[test]
fn a_row_of_a_batch_has_the_bits_of_the_row_alone() {
    let (frames, width) = (50, 24);
    let build = |batch: usize| {
        let mut t = Bench::default();
        for name in ["q.weight", "k.weight", "v.weight"] {
            t.weight(name, &[width, width]);
        }
        t.weight("c", &[width, width, 3]);
        let x = t.b.input("x", &[Dim::Fixed(batch), Dim::Fixed(frames), Dim::Fixed(width)]);
        let weight = Weight::plain("c");
        let x = t.b.node(Op::Conv1d { weight, bias: None, stride: 1, padding: 1, dilation: 1 }, &[x]);
        let [q, k, v] = ["q", "k", "v"].map(|name| {
            let y = t.b.linear(x, name, false);
            t.b.split_axis(y, 2, 8)
        });
        let y = t.b.attention([q, k, v], None, Some(9), false);
        t.b.output("y", y);
        (t.b.finish(), t.weights)
    };
    let values = numbers(8, 3 * frames * width);
    let run = |batch: usize, values: &[f32]| {
        let (graph, weights) = build(batch);
        let mut plan =
            Plan::compile(&graph, &Sizes::new(), &weights, &Packed::new(), &Pool::new(2)).expect("the graph is sound");
        plan.input_mut("x").copy_from_slice(values);
        plan.run();
        plan.output("y").to_vec()
    };
    let together = run(3, &values);
    for (alone, row) in values.chunks_exact(frames * width).zip(together.chunks_exact(frames * width)) {
        assert_eq!(run(1, alone), row);
    }
}

#[test]
fn functions_are_near_their_rounding() {
    let mut worst = (0.0_f64, 0.0_f64);
    for at in -3500..3500 {
        let x = at as f64 * 0.025_371;
        let exact = x.exp();
        if exact > 1e-37 {
            worst.0 = worst.0.max((functions::exp_f64(x) / exact - 1.0).abs());
        }
        let (sin, cos) = functions::sin_cos(x * 12.0);
        worst.1 = worst.1.max((sin - (x * 12.0).sin()).abs()).max((cos - (x * 12.0).cos()).abs());
    }
    assert!(worst.0 < 1e-14 && worst.1 < 1e-13, "{worst:?}");
}

/// How many steps the plan of a graph has.
fn steps(t: Bench, y: NodeId) -> usize {
    let Bench { mut b, weights, inputs, .. } = t;
    b.output("y", y);
    let graph = b.finish();
    let sizes = inputs.sizes(&graph).expect("all are fixed");
    Plan::compile(&graph, &sizes, &weights, &Packed::new(), &Pool::new(1)).expect("the graph is sound").steps.len()
}

#[test]
fn a_residual_unit_is_one_step() {
    let mut t = Bench::default();
    let x = t.input("x", &[1, 30, 16]);
    let (wide, one) = (t.weight("wide", &[16, 16, 7]), t.weight("one", &[16, 16, 1]));
    t.weight("s.alpha", &[1, 16, 1]);
    t.weight("s.beta", &[1, 16, 1]);
    let conv = |weight, padding| Op::Conv1d { weight, bias: None, stride: 1, padding, dilation: 3 };
    let y = t.b.snake(x, "s");
    let y = t.b.node(conv(wide, 9), &[y]);
    let y = t.b.snake(y, "s");
    let y = t.b.node(conv(one, 0), &[y]);
    let y = t.b.add(x, y);
    assert_eq!(steps(t, y), 1);
}

#[test]
fn a_transformer_layer_is_six_steps() {
    let mut t = Bench::default();
    let h = t.input("h", &[1, 30, 16]);
    for name in ["q", "k", "v", "o", "gate", "up", "down"] {
        t.weight(&format!("{name}.weight"), &[16, 16]);
    }
    t.weight("n.weight", &[16]);
    t.weight("hn.weight", &[8]);
    let b = &mut t.b;
    let x = b.rms_norm(h, "n", 1e-6);
    let [q, k, v] = ["q", "k", "v"].map(|name| {
        let y = b.linear(x, name, false);
        b.split_axis(y, 2, 8)
    });
    let [q, k] = [q, k].map(|it| {
        let y = b.rms_norm(it, "hn", 1e-6);
        b.rope(y, 1e4)
    });
    let y = b.attention([q, k, v], None, None, false);
    let y = b.merge_axes(y, 2);
    let y = b.linear(y, "o", false);
    let h = b.add(h, y);
    let [gate, up] = ["gate", "up"].map(|name| b.linear(h, name, false));
    let gate = b.silu(gate);
    let y = b.mul(gate, up);
    let y = b.linear(y, "down", false);
    let y = b.add(h, y);
    assert_eq!(steps(t, y), 6, "norm, qkv, attention, o with its residual, gate with up, down with its residual");
}

#[test]
fn a_value_that_somebody_else_reads_is_still_computed() {
    let mut t = Bench::default();
    let x = t.input("x", &[1, 30, 16]);
    t.weight("l.weight", &[16, 16]);
    t.weight("n.weight", &[16]);
    let normed = t.b.rms_norm(x, "n", 1e-6);
    let vector = t.b.slice(x, 1, 0, 1);
    let scaled = t.b.mul(normed, vector);
    let modulated = t.b.add(scaled, vector);
    let linear = t.b.linear(modulated, "l", false);
    let sum = t.b.add(x, linear);
    let all = t.b.concat(&[normed, scaled, linear, sum], 2);
    t.agrees(all);
}

/// A checkpoint that remembers what it was told to forget.
struct Forgetful {
    tensors: InMemory,
    forgotten: std::sync::Mutex<Vec<String>>,
}

impl WeightSource for Forgetful {
    fn tensor(&self, name: &str) -> Option<TensorView<'_>> {
        self.tensors.tensor(name)
    }

    fn release(&self, name: &str) {
        self.forgotten.lock().expect("nobody panics here").push(name.to_owned());
    }
}

#[test]
fn a_weight_is_packed_once_for_all_sizes_and_then_forgotten() {
    let (graph, tensors) = cross_attention();
    let source = Forgetful { tensors, forgotten: Vec::new().into() };
    let (packed, pool) = (Packed::new(), Pool::new(1));
    for tokens in [4, 5, 90] {
        let sizes = Sizes::new().with("tokens", tokens);
        Plan::compile(&graph, &sizes, &source, &packed, &pool).expect("the graph is sound");
    }
    let mut forgotten = source.forgotten.into_inner().expect("nobody panics here");
    forgotten.sort();
    assert_eq!(forgotten, ["k.weight", "q.weight", "v.weight"]);
}

#[test]
fn a_plan_may_go_to_another_thread() {
    fn may_go<T: Send>() {}
    may_go::<Plan>();
}

#[test]
fn silu_and_snake_are_within_a_few_roundings() {
    let values: Vec<f32> = (-4000..4000).map(|it| it as f32 * 0.020_13).collect();
    let mut t = Bench::default();
    let x = t.input_of("x", &[values.len()], values.clone());
    let y = t.b.silu(x);
    let (found, expected) = t.check(y);
    for (x, y) in found.iter().zip(&expected).filter(|it| it.1.abs() > 1e-34) {
        assert!((x / y - 1.0).abs() < 4e-7, "{x} for {y}");
    }
    let mut t = Bench::default();
    let x = t.input_of("x", &[1, values.len(), 1], values);
    t.weights = InMemory::new().with("s.alpha", &[1, 1, 1], &[0.0]).with("s.beta", &[1, 1, 1], &[0.0]);
    let y = t.b.snake(x, "s");
    let (found, expected) = t.check(y);
    close(&found, &expected, 2e-7);
}

#[test]
fn the_callers_own_thread_keeps_its_denormal_numbers() {
    let (graph, weights) = cross_attention();
    let sizes = Sizes::new().with("tokens", 4);
    let mut plan = Plan::compile(&graph, &sizes, &weights, &Packed::new(), &Pool::new(2)).expect("the graph is sound");
    plan.run();
    let tiny = std::hint::black_box(f32::MIN_POSITIVE);
    assert!(tiny * std::hint::black_box(0.25) > 0.0);
}
