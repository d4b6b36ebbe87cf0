//! A graph on the card, which the fake driver and the fake cuBLASLt stand for: the steps, the memory and the kernels are
//! those that ship.

use engine::backend::cuda::plain::{CudaPlan, Rig};
use engine::backend::cuda::{Device, Stream};
use engine::graph::reference::Inputs;
use engine::graph::{Graph, Op, Precision};
use engine::model::checkpoint::Checkpoint;

use super::Computed;
use crate::fake_cuda::{self, FakeCuda};

pub fn run(graph: &Graph, inputs: &Inputs, weights: &Checkpoint) -> Computed {
    let _cuda = FakeCuda::take();
    fake_cuda::open_cublaslt();
    let device = Device::open(0).expect("the fake has a card");
    let rig = Rig::new(&device, Precision::F32).expect("the fake opens");
    let stream = Stream::new(&device, false).expect("the fake makes streams");
    let sizes = inputs.sizes(graph).expect("the inputs fit");
    let plan = CudaPlan::compile(&rig, graph, &sizes, weights).unwrap_or_else(|error| panic!("{error}"));
    for node in &graph.nodes {
        if let Op::Input { name, .. } = &node.op {
            let (_, numbers) = inputs.numbers(name).expect("the sizes were read from it");
            plan.write(&stream, name, numbers).expect("the card takes it");
        }
    }
    plan.enqueue(&stream).expect("every step can be enqueued");
    stream.wait().expect("every step can be computed");
    let output = |(name, _): &(String, _)| {
        let numbers = plan.read(&stream, name).expect("the card gives it");
        (name.clone(), (plan.output_shape(name).to_vec(), numbers))
    };
    graph.outputs.iter().map(output).collect()
}
