//! From a plan to work on a stream.
#![allow(unsafe_code)]

use std::path::Path;
use std::ptr::null_mut;

use tensorrt::{
    CacheError, Context, ContextError, Direction, Driver, DriverError, ElementType, Engine, EngineError, NewShapes,
    RefitError, Runtime, RuntimeError, Search, SetError, Weights,
};

use crate::Stub;

const PLAN: &[u8] = b"PLAN for the stub";

fn engine(stub: &Stub) -> Result<Engine, EngineError> {
    Runtime::new(&stub.open().unwrap()).unwrap().engine(PLAN)
}

fn ready(engine: &Engine) -> Context {
    let mut context = engine.context(None, NewShapes::Eager).unwrap();
    context.set_shape("x", &[4, 16]).unwrap();
    context.set_address("x", 0x1000).unwrap();
    context.set_address("y", 0x2000).unwrap();
    context.set_device_memory(0x3000, 2048).unwrap();
    context
}

#[test]
fn without_a_driver_the_runtime_is_not_even_asked() {
    let stub = Stub::new(&[]);
    let search = Search { cuda: "/nowhere/libcuda.so.1".into(), ..stub.search() };
    let error = Runtime::new(&tensorrt::TensorRt::open(&search).unwrap()).unwrap_err();
    assert!(matches!(&error, RuntimeError::Driver(DriverError::NoDriver { .. })), "{error}");
    assert!(!stub.journal().contains(&"runtime +".to_owned()));
}

#[test]
fn a_driver_without_a_card_is_told_from_one_that_fails() {
    let error = |cue| {
        let stub = Stub::new(&[cue]);
        let error = Runtime::new(&stub.open().unwrap()).unwrap_err();
        assert!(!stub.journal().contains(&"runtime +".to_owned()));
        error
    };
    assert_eq!(error("CUDA_COUNT=0"), RuntimeError::Driver(DriverError::NoDevice));
    assert_eq!(error("CUDA_INIT=100"), RuntimeError::Driver(DriverError::NoDevice));
    assert_eq!(error("CUDA_INIT=803"), RuntimeError::Driver(DriverError::Failed { call: "cuInit", code: 803 }));
}

#[test]
fn the_driver_says_which_card_it_has() {
    let driver = Driver::open(&Stub::new(&[]).search()).unwrap();
    let gpus = driver.gpus().unwrap();
    assert_eq!((gpus[0].name.as_str(), gpus[0].capability, gpus[0].memory_bytes), ("NVIDIA Stub 5090", 120, 32 << 30));
    assert!(driver.version().unwrap().starts_with("13.2"));
}

#[test]
fn an_engine_says_what_goes_in_and_out() {
    let engine = engine(&Stub::new(&[])).unwrap();
    let [x, y] = engine.tensors() else { panic!("{:?}", engine.tensors()) };
    assert_eq!((x.name.as_str(), x.direction, x.element), ("x", Direction::Input, ElementType::Bf16));
    assert_eq!((&x.dims[..], &x.profiles[0].most[..]), (&[-1, 16][..], &[8, 16][..]));
    assert_eq!((y.name.as_str(), y.direction, y.profiles.len()), ("y", Direction::Output, 0));
    assert_eq!((engine.profiles(), engine.device_memory_bytes(0), engine.device_memory_bytes(1)), (1, 4096, 0));
}

#[test]
fn a_plan_for_another_card_is_told_from_a_damaged_one() {
    let refused =
        |why: &str| engine(&Stub::new(&["STUB_VALIDITY=DT_INVALID", &format!("STUB_WHY={why}")])).unwrap_err();
    assert!(matches!(refused("DT_WHY_CAPABILITY"), EngineError::WrongCard { .. }));
    assert!(matches!(refused("DT_WHY_VERSION"), EngineError::WrongVersion { .. }));
    assert!(matches!(refused("DT_WHY_MALFORMED"), EngineError::Corrupt { .. }));
    let runtime = Runtime::new(&Stub::new(&[]).open().unwrap()).unwrap();
    assert!(matches!(runtime.engine(b"PL").unwrap_err(), EngineError::Corrupt { .. }));
}

#[test]
fn a_flavour_that_cannot_read_headers_is_judged_by_its_words() {
    let cues = ["STUB_FLAVOUR=DT_FLAVOUR_DATACENTRE", "STUB_ENGINE=DT_FAILED"];
    let words = "STUB_WORDS=\"expecting compute 9.0 got compute 12.0, please rebuild.\"";
    let error = engine(&Stub::new(&[cues[0], cues[1], words])).unwrap_err();
    assert!(matches!(&error, EngineError::WrongCard { .. }), "{error}");
    let error = engine(&Stub::new(&[cues[0], cues[1], "STUB_WORDS=\"out of memory\""])).unwrap_err();
    assert!(matches!(&error, EngineError::OutOfMemory { .. }), "{error}");
}

#[test]
fn a_context_that_does_not_fit_the_card_says_so() {
    let cues = ["STUB_CONTEXT=DT_FAILED", "STUB_WORDS=\"CUDA out of memory\""];
    let error = engine(&Stub::new(&cues)).unwrap().context(None, NewShapes::Eager).unwrap_err();
    assert!(matches!(error, ContextError::OutOfMemory { .. }));
}

#[test]
fn work_that_is_not_taken_says_why() {
    let mut context =
        ready(&engine(&Stub::new(&["STUB_ENQUEUE=DT_FAILED", "STUB_WORDS=\"Cuda Runtime (719)\""])).unwrap());
    // SAFETY: the stub follows neither the stream nor an address.
    let error = unsafe { context.enqueue(null_mut()) }.unwrap_err();
    assert_eq!(error.words.0, ["Cuda Runtime (719)"]);
}

#[test]
fn work_is_taken_once_everything_is_set() {
    let engine = engine(&Stub::new(&[])).unwrap();
    let mut context = engine.context(None, NewShapes::Eager).unwrap();
    assert_eq!(context.device_memory_bytes(), None);
    // SAFETY: the stub follows neither the stream nor an address.
    assert!(unsafe { context.enqueue(null_mut()) }.is_err());
    context = ready(&engine);
    assert_eq!(context.device_memory_bytes(), Some(2048));
    assert_eq!(&context.shape("y").unwrap()[..], [4, 16]);
    // SAFETY: as above.
    unsafe { context.enqueue(null_mut()) }.unwrap();
    // SAFETY: as above.
    assert_eq!(unsafe { context.capturable(null_mut()) }, Some(true));
}

#[test]
fn what_a_plan_was_not_built_for_is_said_with_what_it_was_built_for() {
    let mut context = engine(&Stub::new(&[])).unwrap().context(None, NewShapes::Never).unwrap();
    let error = context.set_shape("x", &[9, 16]).unwrap_err();
    assert!(matches!(&error, SetError::Shape { built, .. } if built == "1x16 to 8x16"), "{error}");
    assert!(matches!(context.set_shape("x", &[1; 9]).unwrap_err(), SetError::Shape { .. }));
    let error = context.set_address("latents", 1).unwrap_err();
    assert_eq!(error.to_string(), "the plan has no tensor `latents`, it has `x`, `y`");
    context.set_shape("x", &[4, 16]).unwrap();
    assert!(context.set_device_memory(0x3000, 2047).is_err());
    // A warning is no failure.
    context.set_device_memory(0x3000, 2049).unwrap();
    // SAFETY: the stub follows no stream.
    let error = unsafe { context.set_profile(3, null_mut()) }.unwrap_err();
    assert!(error.to_string().starts_with("`profile 3` was not set"), "{error}");
}

#[test]
fn whatever_is_dropped_first_the_child_is_destroyed_before_its_parent() {
    let stub = Stub::new(&[]);
    let tensorrt = stub.open().unwrap();
    let runtime = Runtime::new(&tensorrt).unwrap();
    let engine = runtime.engine(PLAN).unwrap();
    let cache = engine.runtime_cache().unwrap();
    let context = engine.context(Some(&cache), NewShapes::Eager).unwrap();
    drop((tensorrt, runtime, engine, cache));
    std::thread::spawn(move || drop(context)).join().unwrap();
    let order = ["library +", "runtime +", "engine +", "cache +", "context + shapes 1 cache 1"];
    let back = ["context -", "cache -", "engine -", "runtime -", "library -"];
    assert_eq!(stub.journal()[2..], [order, back].concat());
}

#[test]
fn kernels_are_kept_and_foreign_ones_refused() {
    let kept = engine(&Stub::new(&[])).unwrap().runtime_cache().unwrap();
    let bytes = kept.save().unwrap();
    kept.load(&bytes).unwrap();
    assert!(matches!(kept.load(b"of another card").unwrap_err(), CacheError::Refused { .. }));
    let other = engine(&Stub::new(&["STUB_FLAVOUR=DT_FLAVOUR_DATACENTRE"])).unwrap();
    assert_eq!(other.runtime_cache().unwrap_err(), CacheError::Unsupported);
}

#[test]
fn weights_are_replaced_by_name_or_not_at_all() {
    let stub = Stub::new(&[]);
    let refittable = engine(&stub).unwrap();
    let weights = |element, bytes| [Weights { name: "up", element, bytes }];
    // SAFETY: nothing runs.
    unsafe { refittable.refit(&weights(ElementType::F32, &[0; 64])) }.unwrap();
    assert_eq!(stub.journal().last().unwrap(), "refit up type 0 count 16");
    // SAFETY: nothing runs.
    let error = unsafe { refittable.refit(&weights(ElementType::F32, &[0; 63])) }.unwrap_err();
    assert!(matches!(error, RefitError::Size { bytes: 63, .. }));
    // SAFETY: nothing runs.
    let error = unsafe { refittable.refit_from(Path::new("other.onnx")) }.unwrap_err();
    assert_eq!(error.to_string(), "other.onnx: node 2 `up` (MatMul): weights have another count");
    let fixed = engine(&Stub::new(&["STUB_REFITTABLE=0"])).unwrap();
    // SAFETY: nothing runs.
    assert_eq!(unsafe { fixed.refit(&[]) }.unwrap_err(), RefitError::NotRefittable);
}
