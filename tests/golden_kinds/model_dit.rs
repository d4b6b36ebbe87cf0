//! Golden cases of the velocity network.

use engine::graph::reference::Inputs;
use engine::graph::{Builder, Dim};
use engine::model::config::DitConfig;
use engine::model::dit::{self, Extras};

use super::{Machine, Part, compare, dit_part};
use crate::case::{Case, Golden, Report};

/// Frames from which on the reference interpreter takes too long.
const LONG: usize = 512;

pub fn forward(golden: &Golden, case: &Case, report: &mut Report) {
    let part = dit_part(golden, case);
    let graph = dit::graph(&part.config, Extras::default());
    for machine in Machine::ALL {
        if machine == Machine::Reference && LONG < case.tensor("xt").shape[1] {
            continue;
        }
        machine.run(&graph, &inputs(case), &part.weights).compare(report, case, "velocity", "velocity");
    }
}

pub fn trace(golden: &Golden, case: &Case, report: &mut Report) {
    let part = dit_part(golden, case);
    let graph = dit::graph(&part.config, Extras { trace: true, ..Extras::default() });
    for machine in Machine::ALL {
        let found = machine.run(&graph, &inputs(case), &part.weights);
        for tensor in case.tensors.keys() {
            match tensor.strip_prefix("trace.") {
                Some("rope_cos") => rotary(machine, &part, case, report, tensor, 0),
                Some("rope_sin") => rotary(machine, &part, case, report, tensor, 1),
                Some(name) => found.compare(report, case, name, tensor),
                None => {}
            }
        }
        found.compare(report, case, "velocity", "velocity");
    }
}

fn inputs(case: &Case) -> Inputs {
    let (t, r) = (case.tensor("timestep"), case.tensor("timestep_r"));
    let t_minus_r: Vec<f32> = t.data.iter().zip(&r.data).map(|(t, r)| t - r).collect();
    let mut inputs = Inputs::new().with("t_minus_r", &t.shape, t_minus_r);
    for (name, tensor) in
        [("x", "xt"), ("context", "context_latents"), ("tokens", "encoder_hidden_states"), ("t", "timestep")]
    {
        let tensor = case.tensor(tensor);
        inputs = inputs.with(name, &tensor.shape, tensor.data.clone());
    }
    inputs
}

/// Turning the first unit vector of every pair shows the cosines in the first half and the sines in the second; the
/// published tables repeat them over both halves.
fn rotary(machine: Machine, part: &Part<DitConfig>, case: &Case, report: &mut Report, tensor: &str, half: usize) {
    let [_, positions, width] = case.tensor(tensor).shape[..] else { panic!("{tensor} has three axes") };
    let mut b = Builder::new();
    let x = b.input("x", &[Dim::Fixed(1), Dim::Named("positions"), Dim::Fixed(1), Dim::Fixed(width)]);
    let turned = b.rope(x, part.config.denoiser.theta);
    b.output("turned", turned);
    let first = |at: usize| if at % width < width / 2 { 1.0 } else { 0.0 };
    let ones: Vec<f32> = (0..positions * width).map(first).collect();
    let inputs = Inputs::new().with("x", &[1, positions, 1, width], ones);
    let turned = machine.run(&b.finish(), &inputs, &part.weights);
    let table: Vec<f32> = turned
        .get("turned")
        .chunks_exact(width)
        .flat_map(|row| {
            let part = &row[half * width / 2..(half + 1) * width / 2];
            [part, part].concat()
        })
        .collect();
    compare(report, case, machine, tensor, &table);
}
