//! Goal: the card's kernels compute what the published solver and ring compute, within the manifest's tolerances.
//! Method: the golden cases of solver and stream go through the device backend on the fake driver, which runs the card's
//! kernels on the host. `make gpu-check` runs the same cases on a card.

#[path = "golden_kinds/card.rs"]
mod card;
#[path = "golden_kinds/case.rs"]
#[allow(dead_code, reason = "the other golden test uses the rest")]
mod case;
#[path = "fake_cuda/mod.rs"]
mod fake_cuda;
#[path = "golden_kinds/model.rs"]
#[allow(dead_code, reason = "the other golden test uses the rest")]
mod model;
#[path = "golden_kinds/solver.rs"]
#[allow(dead_code, reason = "the other golden test uses the rest")]
mod solver;
#[path = "golden_kinds/stream.rs"]
#[allow(dead_code, reason = "the other golden test uses the rest")]
mod stream;

use case::{Golden, Report};
use engine::backend::cuda::Device;
use fake_cuda::FakeCuda;

#[test]
fn every_golden_step_and_stream_is_the_same_on_the_card() {
    let cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    let (golden, mut report, mut cases) = (Golden::open(), Report::default(), 0);
    for case in golden.cases_of(|it| card::KINDS.contains(&it)) {
        card::run(&device, &golden, &case, &mut report);
        cases += 1;
    }
    report.print_table();
    report.assert_clean();
    assert_eq!(cases, 15, "solver and stream cases of the manifest");
    drop(device);
    assert_eq!(cuda.leaked(), 0, "everything was given back");
}
