//! Goal: the plain backend takes whatever version of cuBLASLt the machine has.
//! Method: the fake one under the name that version 13 alone has, in a process of its own.

#[path = "fake_cuda/mod.rs"]
mod fake_cuda;

use engine::backend::cuda::Device;
use engine::backend::cuda::plain::Rig;
use engine::graph::Precision;
use fake_cuda::FakeCuda;

#[test]
fn a_library_of_version_13_serves_as_well_as_one_of_version_12() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    fake_cuda::open_cublaslt_13();
    for precision in [Precision::F16, Precision::F32] {
        Rig::new(&device, precision).expect("it is found and starts");
    }
}
