//! Goal: without cuBLASLt the plain backend says what is missing and where it comes from.
//! Method: the fake driver without the fake cuBLASLt, in a process of its own; a machine that has the library is let be.

#[path = "fake_cuda/mod.rs"]
mod fake_cuda;

use engine::backend::cuda::Device;
use engine::backend::cuda::plain::{PlanError, Rig};
use engine::graph::Precision;
use fake_cuda::FakeCuda;

#[test]
fn a_missing_library_is_named_with_where_it_comes_from() {
    let _cuda = FakeCuda::take();
    let device = Device::open(0).expect("the fake has a card");
    if !fake_cuda::has_no_cublaslt() {
        return;
    }
    let error = Rig::new(&device, Precision::F32).map(|_| ()).expect_err("there is no library");
    assert_eq!(error, PlanError::NoBlas);
    let words = error.to_string();
    assert!(words.contains("libcublasLt.so") && words.contains("nvidia-cublas"), "{words}");
}
