//! Goal: `demon run` plays on a card from the first plan to the last wait, and a card that is lost on the way costs the
//! player nothing but a sentence: the tape plays on, the card is opened again.
//! Method: the real program with a driver and a TensorRT that need no card (`tests/fake_cuda`), put where the system's are
//! looked for.

#[path = "../../tests/fake_cuda/mod.rs"]
mod fake_cuda;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house");
/// Of the built-in set: latent frames, room for tokens, width of a token, contexts of decoder and encoder.
const PLANS: &str = "300 256 256 9 7";

struct Stage {
    folder: tempfile::TempDir,
    libraries: PathBuf,
}

/// Leads to `target` from now on, wherever it led before: the build folder may have been moved. Several tests do so at once.
fn link(target: &Path, name: &Path) {
    if std::fs::canonicalize(name).is_ok_and(|it| std::fs::canonicalize(target).is_ok_and(|target| it == target)) {
        return;
    }
    let beside = tempfile::tempdir_in(name.parent().expect("a folder")).expect("a folder can be made");
    let new = beside.path().join("link");
    symlink(target, &new).expect("a link can be made");
    std::fs::rename(new, name).expect("it can be replaced");
}

impl Stage {
    fn new() -> Self {
        let (libraries, driver) = fake_cuda::tensorrt();
        // The loader takes both names for one library when they are one file.
        link(&driver, &libraries.join("libcuda.so.1"));
        Self { folder: tempfile::tempdir().expect("a folder can be made"), libraries }
    }

    fn wav(&self) -> PathBuf {
        self.folder.path().join("take.wav")
    }

    fn run(&self, seconds: &str, more: &[&str], cue: Option<&str>) -> Output {
        let cue = cue.map(|it| ("FAKE_CUDA_FAIL", it));
        self.run_with(seconds, more, cue.as_slice())
    }

    fn run_with(&self, seconds: &str, more: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demon"));
        command.args(["run", "--plain", "--no-midi", "--depth", "2", "--model", MODEL, "--seconds", seconds, "--wav"]);
        command.arg(self.wav()).args(more);
        command.env("LD_LIBRARY_PATH", &self.libraries).env("DEMON_TENSORRT", &self.libraries);
        command.env("DEMON_PLANS", self.folder.path().join("plans")).env("FAKE_PLANS", PLANS);
        command.envs(environment.iter().copied());
        command.output().expect("the program starts")
    }
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Seconds of the file that are silent, and whether every sample is finite.
fn listen(path: &Path) -> (f64, f64) {
    let samples: Vec<f32> =
        hound::WavReader::open(path).expect("it was written").samples().map(|it| it.expect("it is whole")).collect();
    assert!(samples.iter().all(|it| it.is_finite()), "every sample is a number");
    let silent = samples.chunks(9600).filter(|it| it.iter().all(|it| it.abs() < 1e-6)).count();
    (samples.len() as f64 / 96_000.0, silent as f64 * 0.1)
}

/// Generations that the program says it made.
fn generations(said: &str) -> u64 {
    let line = said.lines().find(|it| it.contains(" generations, ")).unwrap_or_else(|| panic!("{said}"));
    let number = line.split(" generations").next().and_then(|it| it.rsplit(' ').next());
    number.and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn a_set_plays_on_a_card_and_the_next_one_starts_from_the_plans_of_the_first() {
    let stage = Stage::new();
    let first = stage.run("4", &[], None);
    let said = words(&first);
    assert!(first.status.success(), "{said}");
    assert!(said.contains("denoiser: it was never built"), "plans are built and said: {said}");
    assert!(0 < generations(&said), "generations finish on the card: {said}");
    let (seconds, silent) = listen(&stage.wav());
    assert!(3.0 < seconds && silent < 0.5, "{silent} of {seconds} s are silent");
    let kept = std::fs::read_dir(stage.folder.path().join("plans")).expect("the plans are there").flatten();
    let kept = kept.filter(|it| it.path().extension().is_some_and(|end| end == "kernels")).count();
    assert_eq!(kept, 7, "what was compiled for the card is kept for every plan");
    let again = stage.run("1", &["--backend", "tensorrt"], None);
    let said = words(&again);
    assert!(again.status.success() && said.contains("denoiser: up to date"), "{said}");
}

#[test]
fn a_card_that_is_lost_while_it_plays_comes_back_and_the_tape_never_stops() {
    let stage = Stage::new();
    // A wait before it can have come to rest finds the card gone.
    let output = stage.run("6", &[], Some("cuEventSynchronize 20 999"));
    let said = words(&output);
    assert!(output.status.success(), "{said}");
    let lost = said.find("the GPU is lost").unwrap_or_else(|| panic!("the loss is said: {said}"));
    let back = said.find("playing on TensorRT, Fake Card again").unwrap_or_else(|| panic!("and the return: {said}"));
    assert!(lost < back, "{said}");
    let (seconds, silent) = listen(&stage.wav());
    assert!(5.0 < seconds && silent < 0.5, "{silent} of {seconds} s are silent");
}

#[test]
fn a_card_without_tensorrt_plays_with_plain_kernels_and_says_why() {
    let stage = Stage::new();
    fake_cuda::cublaslt();
    let nowhere = stage.folder.path().display().to_string();
    let output = stage.run_with("4", &["--longest", "1", "--precision", "f32"], &[("DEMON_TENSORRT", &nowhere)]);
    let said = words(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("playing with plain kernels, not TensorRT: "), "{said}");
    assert!(0 < generations(&said), "generations finish on the card: {said}");
    assert!(listen(&stage.wav()).1 < 0.5, "nothing is silent");
}

#[test]
fn the_processor_takes_over_where_the_player_wants_it() {
    let stage = Stage::new();
    let output = stage.run("5", &["--when-lost", "cpu"], Some("cuEventSynchronize 20 999"));
    let said = words(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("the processor takes over"), "{said}");
    assert!(listen(&stage.wav()).1 < 0.5, "the tape never stops");
}

#[test]
fn a_card_that_is_asked_for_and_not_there_is_an_error_in_words() {
    let stage = Stage::new();
    let output = stage.run("1", &["--backend", "tensorrt"], Some("cuDeviceGetCount 0 100"));
    let said = words(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("TensorRT cannot compute here"), "{said}");
}
