//! Goal: a plan may run on the tick thread, which must not allocate.
//! Method: a global allocator that aborts inside `assert_no_alloc` watches runs of a step and of a decode.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use engine::graph::cpu::{Packed, Plan, Pool};
use engine::graph::weights::InMemory;
use engine::graph::{Builder, Dim, NodeId, Op, Sizes, Weight};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const FRAMES: usize = 300;
const WIDTH: usize = 32;

fn weights() -> InMemory {
    let tensor = |all: InMemory, name: &str, shape: &[usize]| {
        let numbers: Vec<f32> = (0..shape.iter().product::<usize>()).map(|it| (it % 7) as f32 * 0.01).collect();
        all.with(name, shape, &numbers)
    };
    let square =
        ["q", "k", "v", "gate", "up", "down", "cond"].map(|name| (format!("{name}.weight"), vec![WIDTH, WIDTH]));
    let other = [
        ("norm.weight", vec![WIDTH]),
        ("snake.alpha", vec![1, WIDTH, 1]),
        ("snake.beta", vec![1, WIDTH, 1]),
        ("wide", vec![WIDTH, WIDTH, 7]),
        ("one", vec![WIDTH, WIDTH, 1]),
        ("up4", vec![WIDTH, 2, 8]),
        ("table", vec![10, WIDTH]),
    ];
    let all = square.into_iter().chain(other.map(|(name, shape)| (name.to_owned(), shape)));
    all.fold(InMemory::new(), |all, (name, shape)| tensor(all, &name, &shape))
}

/// A graph with every kind of step in it.
fn everything(b: &mut Builder) -> NodeId {
    let ids = b.ids_input("ids", &[Dim::Fixed(1), Dim::Named("tokens")]);
    let t = b.input("t", &[Dim::Fixed(1)]);
    let x = b.input("x", &[Dim::Fixed(1), Dim::Fixed(FRAMES), Dim::Fixed(WIDTH)]);
    let tokens = b.embedding(ids, "table");
    let tokens = b.linear(tokens, "cond", false);
    let time = b.sinusoid(t, WIDTH / 2, 1000.0);
    let time = b.split_axis(time, 1, WIDTH);
    let normed = b.rms_norm(x, "norm", 1e-6);
    let scaled = b.mul(normed, time);
    let h = b.add(scaled, time);
    let [q, k, v] = [("q", h), ("k", tokens), ("v", tokens)].map(|(name, from)| {
        let y = b.linear(from, name, false);
        b.split_axis(y, 2, WIDTH / 2)
    });
    let q = b.rope(q, 1e4);
    let y = b.attention([q, k, v], None, None, false);
    let y = b.merge_axes(y, 2);
    let [gate, up] = ["gate", "up"].map(|name| b.linear(y, name, false));
    let gate = b.silu(gate);
    let y = b.mul(gate, up);
    let y = b.linear(y, "down", false);
    let y = b.mul(y, time);
    let x = b.add(x, y);
    let conv =
        |name: &str, padding| Op::Conv1d { weight: Weight::plain(name), bias: None, stride: 1, padding, dilation: 1 };
    let y = b.snake(x, "snake");
    let y = b.node(conv("wide", 3), &[y]);
    let y = b.snake(y, "snake");
    let y = b.node(conv("one", 0), &[y]);
    let x = b.add(x, y);
    let up = Op::ConvTranspose1d { weight: Weight::plain("up4"), bias: None, stride: 4, padding: 2 };
    b.node(up, &[x])
}

#[test]
fn a_plan_runs_without_allocating() {
    let mut b = Builder::new();
    let y = everything(&mut b);
    b.output("y", y);
    let (graph, sizes, pool) = (b.finish(), Sizes::new().with("tokens", 40), Pool::new(2));
    let mut plan = Plan::compile(&graph, &sizes, &weights(), &Packed::new(), &pool).expect("the graph is sound");
    for length in [40, 13] {
        assert_no_alloc(|| {
            plan.input_mut("x").fill(0.5);
            plan.ids_mut("ids").fill(3);
            plan.set_length("tokens", length);
            plan.run();
        });
        assert!(plan.output("y").iter().all(|it| it.is_finite()));
    }
}
