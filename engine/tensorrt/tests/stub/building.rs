//! From an ONNX file to a plan.

use std::path::PathBuf;

use tensorrt::{BuildError, BuildOptions, Dims, DriverError, Fault, Flow, Progress, Range, Search, Target, TensorRt};

use crate::{HERE, Stub};

fn onnx() -> PathBuf {
    PathBuf::from(format!("{HERE}/tests/onnx/two-layers.onnx"))
}

fn go(_: Progress<'_>) -> Flow {
    Flow::Go
}

#[test]
fn what_is_asked_for_reaches_the_builder() {
    let stub = Stub::new(&[]);
    let tensorrt = stub.open().unwrap();
    let dims = |rows| Dims::new(&[rows, 16]).unwrap();
    let range = Range { tensor: "x".to_owned(), least: dims(1), best: dims(4), most: dims(8) };
    let mut options = BuildOptions::new(Target::Capability(120));
    options.profiles = vec![vec![range]];
    options.level = Some(3);
    options.refit = true;
    options.tf32 = false;
    let mut told = Vec::new();
    let plan = tensorrt
        .build(&onnx(), &options, &mut |now| {
            told.push(format!("{now:?}"));
            Flow::Go
        })
        .unwrap();
    assert_eq!(&plan[..], b"PLAN sm120 level3 flags5 profiles1 x 1..8");
    assert_eq!(told[1], r#"Started { phase: "Building", parent: None, steps: 4 }"#);
    assert_eq!(told.last().unwrap(), r#"Step { phase: "Building", done: 4 }"#);
    drop(tensorrt);
    assert_eq!(plan.len(), 41, "a plan outlives what built it");
}

#[test]
fn a_failed_build_says_what_tensorrt_said() {
    let tensorrt = Stub::new(&["STUB_BUILD=DT_FAILED", "STUB_WORDS=\"Could not find any implementation for node 7\""]);
    let error = tensorrt.open().unwrap().build(&onnx(), &BuildOptions::new(Target::Current), &mut go).unwrap_err();
    let BuildError::Failed { path, words } = &error else { panic!("{error}") };
    assert_eq!((path, &words.0[..]), (&onnx(), &["Could not find any implementation for node 7".to_owned()][..]));
}

#[test]
fn every_fault_of_a_file_is_listed_with_its_node() {
    let stub = Stub::new(&["STUB_BUILD=DT_NOT_PARSED"]);
    let tensorrt = stub.open().unwrap();
    let error = tensorrt.build(&onnx(), &BuildOptions::new(Target::Current), &mut go).unwrap_err();
    let BuildError::Refused { faults, .. } = &error else { panic!("{error}") };
    let (name, operation) = ("layers.0.odd".to_owned(), "Moonlight".to_owned());
    let text = "no importer for this operation".to_owned();
    assert_eq!(faults[0], Fault { node: Some(3), name, operation, text });
    let whole = "node 3 `layers.0.odd` (Moonlight): no importer for this operation; the graph has no output";
    assert!(error.to_string().ends_with(whole), "{error}");
}

#[test]
fn a_build_stops_when_it_is_told_to() {
    let stub = Stub::new(&[]);
    let tensorrt = stub.open().unwrap();
    let mut steps = 0;
    let mut after_two = |now: Progress<'_>| {
        steps += usize::from(matches!(now, Progress::Step { .. }));
        if steps == 2 { Flow::Stop } else { Flow::Go }
    };
    let options = BuildOptions::new(Target::Current);
    assert_eq!(tensorrt.build(&onnx(), &options, &mut after_two).unwrap_err(), BuildError::Interrupted);
    assert_eq!(steps, 2);
    let error = tensorrt.build(&onnx(), &options, &mut |_| Flow::Stop).unwrap_err();
    assert_eq!(error, BuildError::Interrupted, "also before the file is read");
}

#[test]
fn a_panic_in_the_progress_function_comes_out_where_the_build_was_called() {
    let stub = Stub::new(&[]);
    let tensorrt = stub.open().unwrap();
    let build = || {
        tensorrt.build(&onnx(), &BuildOptions::new(Target::Current), &mut |now| match now {
            Progress::Step { done: 2, .. } => panic!("in the second step"),
            _ => Flow::Go,
        })
    };
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(build)).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"in the second step"));
}

#[test]
fn a_card_that_cannot_be_built_for_is_not_a_fault_of_the_file() {
    let stub = Stub::new(&["STUB_BUILD=DT_UNSUPPORTED"]);
    let tensorrt = stub.open().unwrap();
    let error = tensorrt.build(&onnx(), &BuildOptions::new(Target::Capability(90)), &mut go).unwrap_err();
    assert!(matches!(&error, BuildError::Target { target, .. } if target == "compute capability 9.0"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_said_before_tensorrt_is_asked() {
    let path = PathBuf::from("nowhere.onnx");
    let error = Stub::new(&[]).open().unwrap().build(&path, &BuildOptions::new(Target::Current), &mut go).unwrap_err();
    assert_eq!(error, BuildError::NoFile { path });
}

#[test]
fn what_needs_a_card_is_refused_at_once_where_none_is() {
    let stub = Stub::new(&[]);
    let search = Search { cuda: "/nowhere/libcuda.so.1".into(), ..stub.search() };
    let tensorrt = TensorRt::open(&search).unwrap();
    let refit = BuildOptions { refit: true, ..BuildOptions::new(Target::Capability(120)) };
    let strip = BuildOptions { strip: true, ..BuildOptions::new(Target::Capability(120)) };
    for options in [refit, strip, BuildOptions::new(Target::Current)] {
        let error = tensorrt.build(&onnx(), &options, &mut |_| panic!("the build has begun")).unwrap_err();
        assert!(matches!(&error, BuildError::NoGpu { source: DriverError::NoDriver { .. }, .. }), "{error}");
    }
    tensorrt.build(&onnx(), &BuildOptions::new(Target::Capability(120)), &mut go).unwrap();
}
