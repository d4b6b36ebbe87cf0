//! The CPU lowering's speed: a denoising step and a codec decode, on one thread and on two.
//!
//! `cargo bench --bench graph` prints and appends the figures. With `--serve FOLDER` it writes weights, inputs and its
//! own results there as safetensors and then times what is asked for on standard input, one request a line
//! (`CASE THREADS RUNS`, milliseconds come back as JSON): `tools/bench-torch` measures other runtimes beside it so.

#[path = "graph/models.rs"]
mod models;
mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use engine::graph::cpu::{Packed, Plan, Pool};
use models::{Case, HOUSE_STEP, STEP, Tensor, decoder, denoiser};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

fn main() {
    let cases = [denoiser(&STEP), decoder(16, 75), denoiser(&HOUSE_STEP)];
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|it| it == "--serve") {
        Some(at) => serve(&cases, Path::new(arguments.get(at + 1).expect("--serve names a folder"))),
        None => report(&cases),
    }
}

fn plan(case: &Case, threads: usize) -> Plan {
    let (source, pool) = (case.source(), Pool::new(threads));
    let plan = Plan::compile(&case.graph, &case.sizes, &source, &Packed::new(), &pool);
    let mut plan = plan.unwrap_or_else(|error| panic!("{}: {error}", case.name));
    case.inputs.iter().for_each(|(name, (_, numbers))| plan.input_mut(name).copy_from_slice(numbers));
    plan
}

fn report(cases: &[Case]) {
    let mut bench = support::Bench::new("CPU plans");
    for case in cases {
        for threads in [1, 2] {
            let mut plan = plan(case, threads);
            bench.measure(&format!("{}, {threads} threads", case.name), 3, 40, || plan.run());
            if threads == 1 {
                // On a busy machine the clock measures the neighbours; this does not.
                let mut times: Vec<f64> = (0..20).map(|_| processor_ms(|| plan.run())).collect();
                times.sort_by(f64::total_cmp);
                bench.value(&format!("{}, processor time p50", case.name), times[10], "ms");
                bench.value(&format!("{}, processor time best", case.name), times[0], "ms");
                let name = format!("{}, plan memory", case.name);
                bench.value(&name, plan.memory_bytes() as f64 / 1e6, "MB");
            }
        }
    }
}

/// Milliseconds that this thread spends on a processor.
fn processor_ms(work: impl FnOnce()) -> f64 {
    let now = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux says it");
        text.split(' ').next().and_then(|it| it.parse::<f64>().ok()).expect("nanoseconds come first")
    };
    let before = now();
    work();
    (now() - before) / 1e6
}

fn serve(cases: &[Case], folder: &Path) {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let mut facts = serde_json::Map::new();
    let mut plans: BTreeMap<(usize, usize), Plan> = BTreeMap::new();
    for (at, case) in cases.iter().enumerate() {
        let mut one = plan(case, 1);
        one.run();
        let result = (one.output_shape(case.output).to_vec(), one.output(case.output).to_vec());
        save(&folder.join(format!("{at}.weights.safetensors")), &case.weights);
        let mut tensors = case.inputs.clone();
        tensors.insert("result".into(), result);
        save(&folder.join(format!("{at}.values.safetensors")), &tensors);
        facts.insert(case.name.into(), case.facts.clone());
        plans.insert((at, 1), one);
        plans.insert((at, 2), plan(case, 2));
    }
    let names: Vec<&str> = cases.iter().map(|it| it.name).collect();
    let index = serde_json::json!({ "names": names, "facts": facts });
    std::fs::write(folder.join("index.json"), index.to_string()).expect("the folder can be written");
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready").and_then(|()| out.flush()).expect("somebody listens");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("requests are text");
        let numbers: Vec<usize> = line.split_whitespace().map(|it| it.parse().expect("three numbers")).collect();
        let plan = plans.get_mut(&(numbers[0], numbers[1])).expect("a case and 1 or 2 threads");
        let time = || {
            let start = Instant::now();
            plan.run();
            start.elapsed().as_secs_f64() * 1e3
        };
        let times: Vec<f64> = std::iter::repeat_with(time).take(numbers[2]).collect();
        writeln!(out, "{times:?}").and_then(|()| out.flush()).expect("somebody listens");
    }
}

fn save(path: &Path, tensors: &BTreeMap<String, Tensor>) {
    let bytes: BTreeMap<&String, Vec<u8>> =
        tensors.iter().map(|(name, it)| (name, it.1.iter().flat_map(|x| x.to_le_bytes()).collect())).collect();
    let views = tensors.iter().map(|(name, (shape, _))| {
        let view = TensorView::new(Dtype::F32, shape.clone(), &bytes[name]).expect("as many bytes as the shape says");
        (name, view)
    });
    safetensors::serialize_to_file(views, None, path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
