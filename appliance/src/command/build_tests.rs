//! Goal: a build makes what is missing and nothing else, and says what it does; without TensorRT.
//! Method: the stub in C that the crate `tensorrt` is tested with, and graphs that are a few bytes.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;

use super::*;
use crate::command::{self, Cli};
use crate::compute::build::{GraphFile, Wish};
use crate::compute::plans::PlanStore;

/// A folder with a stub TensorRT, a folder of plans beside it.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(cues: &[&str]) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        let home = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tensorrt");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-I"]).arg(format!("{home}/shim"));
        cc.arg(format!("-DSTUB_JOURNAL=\"{}\"", bench.path("journal").display()));
        cc.args(cues.iter().map(|cue| format!("-D{cue}")));
        cc.arg(format!("{home}/tests/stub/tensorrt.c")).arg("-o").arg(bench.path("libdemon_tensorrt_rtx.so"));
        assert!(cc.status().unwrap().success());
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn args(&self, more: &[&str]) -> BuildArgs {
        let (library, out) = (self.folder.path().display().to_string(), self.path("plans").display().to_string());
        let words = ["demon", "build", "--target", "sm_120", "--library", &library, "--out", &out];
        match Cli::try_parse_from(words.iter().chain(more)).unwrap().command {
            command::Command::Build(args) => args,
            other => panic!("{other:?}"),
        }
    }

    fn build(&self, graphs: &Few, more: &[&str]) -> anyhow::Result<Outcome> {
        build(&self.args(more), graphs, &mut ProgressLine::new(), &graphs.stop)
    }

    fn plans(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path("plans"))
            .unwrap()
            .map(|it| it.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// A graph for every depth; asks to stop when so many were written.
struct Few {
    weights: &'static str,
    written: Cell<usize>,
    stop_after: usize,
    stop: AtomicBool,
}

impl Few {
    fn new(weights: &'static str) -> Self {
        Self { weights, written: Cell::new(0), stop_after: usize::MAX, stop: AtomicBool::new(false) }
    }
}

impl Graphs for Few {
    fn list(&self, wish: &Wish) -> anyhow::Result<Vec<GraphFile>> {
        let graph = |depth: &u32| GraphFile {
            name: format!("denoiser-{}f-{depth}b", wish.frames),
            precision: wish.precision.clone(),
            frames: wish.frames,
            tokens: 40,
            rows: [*depth, *depth],
            weights: self.weights.to_owned(),
            onnx: "of the test".to_owned(),
            profiles: Vec::new(),
        };
        Ok(wish.depths.iter().map(graph).collect())
    }

    fn write(&self, graph: &GraphFile, folder: &Path) -> anyhow::Result<PathBuf> {
        self.written.set(self.written.get() + 1);
        self.stop.store(self.stop_after <= self.written.get(), Ordering::Relaxed);
        let path = folder.join(format!("{}.onnx", graph.name));
        fs::write(&path, "a graph")?;
        Ok(path)
    }
}

#[test]
fn what_is_up_to_date_is_not_built_again_unless_it_is_asked_for() {
    let (bench, graphs) = (Bench::new(&[]), Few::new("a1"));
    let depths = ["--depth", "4,1,4"];
    assert_eq!(bench.build(&graphs, &depths).unwrap(), Outcome::Done { built: 2, kept: 0 });
    assert_eq!(bench.build(&graphs, &depths).unwrap(), Outcome::Done { built: 0, kept: 2 });
    assert_eq!(bench.build(&graphs, &["--depth", "1,4", "--force"]).unwrap(), Outcome::Done { built: 2, kept: 0 });
    assert_eq!(bench.build(&Few::new("b2"), &depths).unwrap(), Outcome::Done { built: 2, kept: 0 }, "other weights");
    let names = bench.plans();
    assert_eq!(names.len(), 4 * 2 + 1, "two files a plan, and the lock: {names:?}");
    assert_eq!(graphs.written.get(), 4);
}

#[test]
fn an_interrupted_build_keeps_what_was_finished_and_leaves_no_rest() {
    let bench = Bench::new(&[]);
    let graphs = Few { stop_after: 2, ..Few::new("a1") };
    assert_eq!(bench.build(&graphs, &["--depth", "1,2,4"]).unwrap(), Outcome::Interrupted { built: 1 });
    assert_eq!(bench.plans().len(), 3, "{:?}", bench.plans());
    assert_eq!(bench.build(&Few::new("a1"), &["--depth", "1,2,4"]).unwrap(), Outcome::Done { built: 2, kept: 1 });
}

#[test]
fn a_build_that_fails_names_the_graph_and_gives_tensorrts_words() {
    let bench = Bench::new(&["STUB_BUILD=DT_FAILED", "STUB_WORDS=\"no kernel for node 7\""]);
    let error = format!("{:#}", bench.build(&Few::new("a1"), &["--frames", "300", "--depth", "4"]).unwrap_err());
    assert!(error.starts_with("denoiser-300f-4b cannot be built: "), "{error}");
    assert!(error.ends_with("no kernel for node 7"), "{error}");
    assert_eq!(bench.plans(), ["lock"], "nothing half done stays");
}

#[test]
fn without_tensorrt_every_place_that_was_tried_is_said() {
    let bench = Bench::new(&[]);
    fs::remove_file(bench.path("libdemon_tensorrt_rtx.so")).unwrap();
    let error = bench.build(&Few::new("a1"), &[]).unwrap_err().to_string();
    assert!(error.contains("make tensorrt") && error.contains("libdemon_tensorrt_rtx.so"), "{error}");
}

#[test]
fn two_builds_do_not_run_at_once() {
    let bench = Bench::new(&[]);
    let _lock = PlanStore::open(&bench.path("plans")).unwrap().lock().unwrap();
    let error = bench.build(&Few::new("a1"), &[]).unwrap_err().to_string();
    assert!(error.contains("plans are being built by process"), "{error}");
}

#[test]
fn the_shelf_says_what_is_on_it_and_can_be_cleaned() {
    let (bench, mut out) = (Bench::new(&[]), Vec::new());
    bench.build(&Few::new("a1"), &["--depth", "1,2,4"]).unwrap();
    command(&bench.args(&["--list"]), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("    tensorrt    rtx 1.7.1\n"), "{text}");
    assert!(text.contains("3 plans, "), "{text}");
    command(&bench.args(&["--clean", "1"]), &mut Vec::new()).unwrap();
    assert_eq!(bench.plans().len(), 3, "{:?}", bench.plans());
}

#[test]
fn files_that_somebody_wrote_before_are_built_too() {
    let (bench, onnx) = (Bench::new(&[]), tempfile::tempdir().unwrap());
    let args = bench.args(&["--onnx", &onnx.path().display().to_string()]);
    let error = format!("{:#}", command(&args, &mut Vec::new()).unwrap_err());
    assert!(error.ends_with("holds no ONNX file"), "{error}");
    fs::write(onnx.path().join("decoder.onnx"), "a graph").unwrap();
    fs::write(onnx.path().join("decoder.data"), "weights").unwrap();
    assert_eq!(command(&args, &mut Vec::new()).unwrap(), Outcome::Done { built: 1, kept: 0 });
    assert_eq!(command(&args, &mut Vec::new()).unwrap(), Outcome::Done { built: 0, kept: 1 });
    fs::write(onnx.path().join("decoder.data"), "other weights").unwrap();
    assert_eq!(command(&args, &mut Vec::new()).unwrap(), Outcome::Done { built: 1, kept: 0 });
    assert!(onnx.path().join("decoder.onnx").exists(), "the files are not ours to remove");
}

#[test]
fn a_card_computes_in_f16_unless_another_is_asked_for() {
    let build = |words: &[&str]| match Cli::parse_from([&["demon"], words].concat()).command {
        command::Command::Build(args) => args.wish().precision,
        other => panic!("{other:?}"),
    };
    assert_eq!(build(&["build"]), "f16");
    assert_eq!(build(&["build", "--precision", "bf16"]), "bf16");
    assert_eq!(BuildArgs::for_the_card(50, 64).wish().precision, "f16");
}
