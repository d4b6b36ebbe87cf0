//! `make plan-check`: everything about plans and kernels that a machine without a GPU can show, and on a machine with one the
//! rest as well. `make plan-check ARGS=--gpu` fails where there is none.
//!
//! Run in the root of the source tree: `plan_check [--gpu] [--write-kernels] [FOLDER with more ONNX files]...`. Files of such
//! folders have fixed shapes and must build. `--write-kernels` (`make kernels`) writes the PTX that the daemon carries, instead
//! of comparing it.

mod card;
mod models;
mod nvrtc;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use nvrtc::Nvrtc;
use report::{Report, Seen};
use tensorrt::{
    BuildError, BuildOptions, Dims, Driver, DriverError, Flavour, Flow, OpenError, Progress, Range, Runtime,
    RuntimeError, Search, Target, TensorRt,
};

const HOME: &str = "target/tensorrt";
const KERNELS: &str = "engine/src/backend/cuda/kernels";
/// What the daemon carries.
const PTX: &str = "engine/src/backend/cuda/ptx";
const REPORT: &str = "target/plan-check.json";
const ONNX: &str = "engine/tensorrt/tests/onnx";
/// The card that the box is built around.
const BLACKWELL: Target = Target::Capability(120);

fn main() -> ExitCode {
    let (flags, folders): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|it| it.starts_with("--"));
    let must_have_gpu = flags.iter().any(|it| it == "--gpu");
    let mut report = Report::default();
    if flags.iter().any(|it| it == "--write-kernels") {
        kernels(&mut report, true);
        return closed(&report);
    }
    bindings(&mut report);
    let search = Search::only(Path::new(HOME));
    match TensorRt::open(&search) {
        Ok(tensorrt) => {
            report.check("TensorRT opens", || Ok(tensorrt.version().to_string()));
            other_flavour(&mut report);
            builds(&mut report, &tensorrt);
            more(&mut report, &tensorrt, &folders);
            models::check(&mut report, &tensorrt, BLACKWELL);
            kernels(&mut report, false);
            on_the_card(&mut report, &tensorrt, &search, must_have_gpu);
        }
        Err(error) => report.check("TensorRT opens", || Err(error.to_string())),
    }
    closed(&report)
}

fn closed(report: &Report) -> ExitCode {
    let good = report.close(REPORT).expect("the report can be written");
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn bindings(report: &mut Report) {
    let name = "the bindings are what the C header gives";
    let Ok(done) = Command::new("tools/tensorrt/bindings").arg("--check").output() else {
        return report.check(name, || Err("tools/tensorrt/bindings does not run".to_owned()));
    };
    let said = String::from_utf8_lossy(&done.stdout).trim().to_owned();
    match done.status.code() {
        Some(0) => report.check(name, || Ok(String::new())),
        Some(3) => report.skip(name, &said),
        _ => report.check(name, || Err(said + &String::from_utf8_lossy(&done.stderr))),
    }
}

/// Its libraries are not among the ordinary packages; its shim must compile and say what it lacks.
fn other_flavour(report: &mut Report) {
    let search = Search { flavours: vec![Flavour::Datacentre], ..Search::only(Path::new(HOME)) };
    report.check("the data-centre shim opens, or says what it lacks", || match TensorRt::open(&search) {
        Ok(tensorrt) => Ok(tensorrt.version().to_string()),
        Err(OpenError::NotOpened { why, .. }) if why.contains("libnvinfer") => Ok(why),
        Err(other) => Err(other.to_string()),
    });
}

fn builds(report: &mut Report, tensorrt: &TensorRt) {
    for name in ["two-layers", "beside"] {
        let build = || build(tensorrt, &format!("{ONNX}/{name}.onnx"), &options(BLACKWELL));
        report.check(&format!("{name}: a plan for SM 120"), || {
            let (first, second) = (build()?, build()?);
            let words = if *first == *second { "" } else { ", another when built again" };
            Ok(format!("{} bytes{words}", first.len()))
        });
    }
    for (name, node) in [("unknown-operation", "the-odd-one"), ("shapes-disagree", "fall")] {
        report.check(&format!("{name}: refused, and the node is named"), || {
            let path = PathBuf::from(format!("{ONNX}/{name}.onnx"));
            match tensorrt.build(&path, &options(BLACKWELL), &mut |_| Flow::Go) {
                Err(BuildError::Refused { faults, .. }) if faults.iter().any(|it| it.name == node) => {
                    Ok(node.to_owned())
                }
                other => Err(format!("{other:?}")),
            }
        });
    }
    report.check("a build stops when it is told to", || {
        let mut heard = 0;
        let mut stop = |now: Progress<'_>| {
            heard += usize::from(matches!(now, Progress::Step { .. }));
            if 3 <= heard { Flow::Stop } else { Flow::Go }
        };
        match tensorrt.build(Path::new(&format!("{ONNX}/two-layers.onnx")), &options(BLACKWELL), &mut stop) {
            Err(BuildError::Interrupted) => Ok(format!("after {heard} steps")),
            other => Err(format!("{other:?}")),
        }
    });
    report.check("a card that RTX does not know is refused as a target", || {
        let path = PathBuf::from(format!("{ONNX}/two-layers.onnx"));
        match tensorrt.build(&path, &options(Target::Capability(90)), &mut |_| Flow::Go) {
            Err(error @ BuildError::Target { .. }) => Ok(error.to_string()),
            other => Err(format!("{other:?}")),
        }
    });
}

fn options(target: Target) -> BuildOptions {
    let dims = |rows| Dims::new(&[rows, 16]).expect("two dimensions fit");
    let range = Range { tensor: "x".to_owned(), least: dims(1), best: dims(4), most: dims(8) };
    BuildOptions { profiles: vec![vec![range]], ..BuildOptions::new(target) }
}

fn build(tensorrt: &TensorRt, path: &str, options: &BuildOptions) -> Result<tensorrt::Blob, String> {
    tensorrt.build(Path::new(path), options, &mut |_| Flow::Go).map_err(|error| error.to_string())
}

/// The files that a model's export wrote.
fn more(report: &mut Report, tensorrt: &TensorRt, folders: &[String]) {
    for folder in folders {
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
        files.retain(|it| it.extension().is_some_and(|end| end == "onnx"));
        files.sort();
        if files.is_empty() {
            report.check(folder, || Err("holds no ONNX file".to_owned()));
        }
        for file in files {
            let path = file.display().to_string();
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            report.check(&format!("{name}: a plan for SM 120"), || {
                build(tensorrt, &path, &BuildOptions::new(BLACKWELL)).map(|plan| format!("{} bytes", plan.len()))
            });
        }
    }
}

/// Compiles our kernels and compares with the PTX that the daemon carries, or writes it.
fn kernels(report: &mut Report, write: bool) {
    let files = nvrtc::kernels(Path::new(KERNELS));
    let compiler = Nvrtc::open(Path::new(HOME));
    for (file, capability) in files.iter().flat_map(|file| [75, 90, 120].map(|capability| (file, capability))) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        report.check(&format!("{name}: PTX for sm_{capability}"), || {
            let ptx = compiler.as_ref().map_err(String::clone)?.ptx(file, capability)?;
            let text = String::from_utf8_lossy(&ptx);
            let text = text.trim_end_matches('\0');
            let entries = text.matches(".entry").count();
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let carried = format!("{PTX}/{stem}.sm_{capability}.ptx");
            if write {
                fs::write(&carried, text).map_err(|why| format!("{carried}: {why}"))?;
            }
            match fs::read_to_string(&carried) {
                _ if entries == 0 => Err("no kernel in it".to_owned()),
                Ok(found) if found == text => Ok(format!("{} bytes, {entries} kernels, as carried", text.len())),
                Ok(_) => Err(format!("{carried} is of another source: make kernels")),
                Err(why) => Err(format!("{carried}: {why}")),
            }
        });
    }
}

fn on_the_card(report: &mut Report, tensorrt: &TensorRt, search: &Search, must_have_gpu: bool) {
    let needs = "a plan runs on the card, alone and in a CUDA graph";
    match Driver::open(search) {
        Ok(driver) => {
            report.check("the card", || describe(&driver));
            report.check(needs, || run(tensorrt));
        }
        Err(error) if must_have_gpu => report.check(needs, || Err(error.to_string())),
        Err(error) => {
            report.check("without a GPU the runtime is refused in kind", || refused(tensorrt, &error));
            report.skip(needs, "no GPU (make plan-check ARGS=--gpu, on a machine that has one)");
        }
    }
}

fn describe(driver: &Driver) -> Seen {
    let gpus = driver.gpus().map_err(|error| error.to_string())?;
    let version = driver.version().map_err(|error| error.to_string())?;
    let names: Vec<String> = gpus.iter().map(|it| format!("{} (SM {})", it.name, it.capability)).collect();
    Ok(format!("{}; driver {version}", names.join(", ")))
}

fn run(tensorrt: &TensorRt) -> Seen {
    let plan = build(tensorrt, &format!("{ONNX}/two-layers.onnx"), &options(Target::Current))?;
    let bytes = fs::read(format!("{ONNX}/two-layers.f32")).map_err(|error| error.to_string())?;
    let values: Vec<f32> =
        bytes.chunks_exact(4).map(|it| f32::from_le_bytes(it.try_into().expect("four bytes"))).collect();
    card::run(tensorrt, &plan, &values)
}

/// The step that needs the driver says so, as the type that the daemon decides by.
fn refused(tensorrt: &TensorRt, expected: &DriverError) -> Seen {
    match Runtime::new(tensorrt) {
        Err(RuntimeError::Driver(found)) if found == *expected => {
            let kind = match found {
                DriverError::NoDriver { .. } => "NoDriver",
                DriverError::NoDevice => "NoDevice",
                DriverError::Failed { .. } => return Err(format!("the driver is there and fails: {found}")),
            };
            Ok(format!("{kind}: {found}"))
        }
        Err(other) => Err(format!("not the driver's error: {other}")),
        Ok(_) => Err("the runtime starts without a driver".to_owned()),
    }
}
