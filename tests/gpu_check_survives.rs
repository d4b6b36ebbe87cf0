//! Goal: whatever the card, the driver or Python does, `make gpu-check` ends in time with a sound report of the parts that
//! ran: nothing hangs, nothing that was found is lost, nothing that was not looked at has passed.
//! Method: the harness runs its parts in processes of their own, as it does on a machine with a card; those processes are
//! this very test, on the fake driver, which is told by the environment what fails, dies or hangs. Python is a script.

#[path = "golden_kinds/card.rs"]
#[allow(dead_code, reason = "the golden vectors are not read here")]
mod card;
#[path = "golden_kinds/case.rs"]
#[allow(dead_code, reason = "the other golden tests use the rest")]
mod case;
#[path = "fake_cuda/mod.rs"]
mod fake_cuda;
#[path = "../benches/gpu/mod.rs"]
#[allow(dead_code, reason = "the other test of the harness uses the rest")]
mod gpu;
#[path = "golden_kinds/model.rs"]
#[allow(dead_code, reason = "the other golden tests use the rest")]
mod model;
#[path = "ring_support/mod.rs"]
mod ring_support;
#[path = "golden_kinds/solver.rs"]
#[allow(dead_code, reason = "the other golden tests use the rest")]
mod solver;
#[path = "golden_kinds/stream.rs"]
#[allow(dead_code, reason = "the other golden tests use the rest")]
mod stream;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fake_cuda::FakeCuda;
use gpu::Settings;
use gpu::parts::{Asked, PARTS, run};
use gpu::record::Record;
use serde_json::Value;
use tempfile::TempDir;
use tensorrt::Search;

/// Says in the environment which part this process is to answer.
const PART: &str = "GPU_CHECK_TEST_PART";
/// The test that answers.
const ANSWERS: &str = "a_part_in_a_process_of_its_own_says_what_it_found";
/// Long enough for any part on the fake, on a busy machine.
const LONG: Duration = Duration::from_secs(300);
/// Long enough to begin, and all that a part gets that hangs.
const SHORT: Duration = Duration::from_secs(4);

/// A part, as `main.rs` answers it, on the fake driver.
fn answer(part: &str) -> ! {
    let cuda = FakeCuda::take();
    fake_cuda::open_cublaslt();
    fake_cuda::plans(&cuda, "30 4 64 9 7");
    let (folder, driver) = fake_cuda::tensorrt();
    gpu::answer(part, &Settings::small(), &Search { cuda: driver, ..Search::only(&folder) });
    std::process::exit(0);
}

#[test]
fn a_part_in_a_process_of_its_own_says_what_it_found() {
    if let Ok(part) = std::env::var(PART) {
        answer(&part);
    }
    let it = Run::new().parts(&["machine", "machinery"]).go();
    assert!(it.found_card);
    assert_eq!((it.state("machine"), it.state("machinery")), ("ran", "ran"));
    assert_eq!(it.json["head"]["card"]["name"], "Fake Card");
    assert_eq!(it.json["complete"], true);
    assert_eq!(it.verdict("machinery", "onset of a step control"), "passed");
    assert_eq!((&it.json["failed"], it.json["passed"].as_u64() >= Some(4)), (&Value::from(0), true));
}

/// What a run left behind.
struct Left {
    json: Value,
    table: String,
    found_card: bool,
    _folder: TempDir,
}

impl Left {
    fn part(&self, name: &str) -> &Value {
        let parts = self.json["parts"].as_array().expect("parts are listed");
        parts.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("no part {name}: {parts:?}"))
    }

    fn state(&self, name: &str) -> &str {
        self.part(name)["state"].as_str().expect("a part has a state")
    }

    fn rows(&self, section: &str) -> Vec<&Value> {
        let rows = self.json["rows"].as_array().expect("rows are listed");
        rows.iter().filter(|it| it["section"] == section).collect()
    }

    fn verdict(&self, section: &str, name: &str) -> &str {
        let rows = self.rows(section);
        let row = rows.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("no row {name}: {rows:#?}"));
        row["verdict"].as_str().expect("a row has a verdict")
    }

    /// Verdicts of a part's rows that say this word of themselves, with their reasons.
    fn reasons(&self, section: &str, verdict: &str) -> String {
        let rows = self.rows(section);
        let all: Vec<&str> =
            rows.iter().filter(|it| it["verdict"] == verdict).filter_map(|it| it["why"].as_str()).collect();
        all.join("\n")
    }
}

/// A run of the harness.
struct Run {
    parts: Vec<&'static str>,
    fails: Option<(&'static str, String)>,
    limits: Vec<(&'static str, Duration)>,
    deadline: Option<Duration>,
    python: String,
    folder: TempDir,
}

impl Run {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let python = "no-such-python".to_owned();
        Self { parts: Vec::new(), fails: None, limits: Vec::new(), deadline: None, python, folder }
    }

    fn parts(mut self, parts: &[&'static str]) -> Self {
        self.parts = parts.to_vec();
        self
    }

    /// What the fake driver does in a part: `CALL SKIP CODE`, -1 to die, -2 to hang.
    fn fails(mut self, part: &'static str, how: &str) -> Self {
        self.fails = Some((part, how.to_owned()));
        self
    }

    fn limit(mut self, part: &'static str, limit: Duration) -> Self {
        self.limits.push((part, limit));
        self
    }

    /// Python is this script.
    fn python(mut self, script: &str) -> Self {
        let path = self.folder.path().join("python");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("the folder takes a file");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it is ours");
        self.python = path.display().to_string();
        self
    }

    fn go(self) -> Left {
        self.go_keeping(|| ())
    }

    /// As [`Self::go`]; `after` looks around before the folder goes.
    fn go_keeping(self, after: impl FnOnce()) -> Left {
        let out = self.folder.path().join("out");
        let mut record = Record::new(&out, serde_json::json!({ "card": null }));
        let mine = std::env::current_exe().expect("this test is a program");
        // Once for all of them: compiling takes longer than any part.
        let _ = (fake_cuda::tensorrt(), fake_cuda::cublaslt());
        let answers = |part: &str| {
            let mut command = Command::new(&mine);
            command
                .args([ANSWERS, "--exact", "--nocapture", "--test-threads=1"])
                .env(PART, part)
                .env(fake_cuda::BUILT_ALREADY, "1");
            if let Some((_, how)) = self.fails.as_ref().filter(|it| it.0 == part) {
                command.env("FAKE_CUDA_FAIL", how);
            }
            command
        };
        let limit = |part: &str| Some(self.limits.iter().find(|it| it.0 == part).map_or(LONG, |it| it.1));
        let asked = Asked {
            only: self.parts.iter().map(|it| (*it).to_owned()).collect(),
            deadline: self.deadline,
            limit: &limit,
            answers: &answers,
            python: self.python.clone(),
            search: Duration::from_secs(1),
            script: (PathBuf::from("tools/gpu-check/pipeline.py"), Vec::new()),
        };
        let found_card = run(&asked, &mut record, &mut |_| {});
        record.complete();
        let read = |name: &str| std::fs::read_to_string(out.join(name)).expect("the report is there");
        let json = serde_json::from_str(&read("gpu.json")).expect("the report is JSON");
        after();
        Left { json, table: read("gpu.md"), found_card, _folder: self.folder }
    }
}

/// A driver that fails in `part`, dies in it, hangs in it: each time the part says so and the next one runs.
fn survives(part: &'static str, title: &str, call: &str) {
    let next = if part == "machine" { "machinery" } else { "machine" };
    for (code, states) in [(700, &["ran"][..]), (-1, &["died"]), (-2, &["late"])] {
        let it = Run::new().parts(&[part, next]).fails(part, &format!("{call} {code}"));
        let it = if code == -2 { it.limit(part, SHORT) } else { it }.go();
        assert!(states.contains(&it.state(part)), "{code}: {}", it.part(part));
        assert_eq!(it.state(next), "ran", "{code}: the next part began anew");
        let bad = [it.reasons(title, "failed"), it.reasons(title, "skipped")].join("\n");
        let word = match code {
            700 => "ILLEGAL_ADDRESS",
            -1 => "it ended with signal: 6",
            _ => "past its deadline of 4.0 s",
        };
        assert!(bad.contains(word), "{code}: {bad}");
        assert!(code == 700 || 0 < it.json["failed"].as_u64().unwrap_or(0), "{code} is a failure");
    }
}

#[test]
fn a_driver_that_fails_in_the_machine_part_costs_that_part_alone() {
    survives("machine", "machine", "cuLaunchKernel 0");
}

#[test]
fn a_driver_that_fails_in_the_solver_part_costs_that_part_alone() {
    survives("solver", "solver", "cuLaunchKernel 3");
}

#[test]
fn a_driver_that_fails_in_the_machinery_part_costs_that_part_alone() {
    survives("machinery", "machinery", "cuGraphLaunch 5");
}

#[test]
fn a_driver_that_fails_in_the_plain_part_costs_that_part_alone() {
    survives("plain", "plain", "cuLaunchKernel 30");
}

#[test]
fn a_driver_that_fails_in_the_tensorrt_part_costs_that_part_alone() {
    survives("tensorrt", "TensorRT", "cuGraphLaunch 2");
}

#[test]
fn a_driver_that_fails_before_any_part_is_a_failure_and_no_driver_is_none() {
    let it = Run::new().parts(&["machine"]).fails("machine", "cuInit 0 803").go();
    assert!(!it.found_card);
    assert!(it.reasons("machine", "failed").contains("does not start"), "{:#?}", it.json);
    let it = Run::new().parts(&["machine"]).fails("machine", "cuInit 0 100").go();
    assert!(it.reasons("machine", "skipped").contains("no GPU 0"), "{:#?}", it.json);
    assert_eq!((it.found_card, &it.json["failed"]), (false, &Value::from(0)));
}

#[test]
fn a_python_that_hangs_is_killed_with_what_it_started() {
    // A row first; then a child of its own holds the output open for ever.
    let hangs = r#"[ "$1" = -c ] && exit 0
echo '{"name": "a step", "p50": 1, "p99": 2, "max": 3}'
sleep 1000 & echo $! >"$(dirname "$0")/child"; exec sleep 1000"#;
    let run = Run::new().parts(&["torch", "machine"]).limit("torch", SHORT).python(hangs);
    let folder = run.folder.path().to_owned();
    let child = || std::fs::read_to_string(folder.join("child")).expect("it was written").trim().to_owned();
    let it = run.go_keeping(|| {
        let left = Path::new("/proc").join(child());
        // A killed process may wait for its new parent to notice.
        let is_dead = std::fs::read_to_string(left.join("stat")).map_or(true, |it| it.contains(") Z "));
        assert!(is_dead, "{} is still there", left.display());
    });
    assert_eq!((it.state("torch"), it.state("machine")), ("late", "ran"));
    assert_eq!(it.verdict("PyTorch, eager", "a step"), "measured");
    assert!(it.reasons("PyTorch, eager", "skipped").contains("past its deadline"));
    assert!(it.table.contains("| torch | late: past its deadline of 4.0 s | 4."), "{}", it.table);
}

#[test]
fn a_python_that_hangs_even_when_it_is_asked_for_its_folders_stops_nothing() {
    let it = Run::new().parts(&["machine"]).python("exec sleep 1000").go();
    assert_eq!(it.state("machine"), "ran");
    let found = it.rows("machine").into_iter().find(|it| it["name"] == "cuBLASLt on this machine").expect("a row");
    assert!(found["words"].as_str().is_some(), "{found}");
}

#[test]
fn a_python_that_prints_garbage_or_dies_is_told_in_its_own_words() {
    let garbage = r#"printf '\377\376 not text\n'; head -c 300000 /dev/zero; echo; echo '{"name": "half'; echo '[]'
echo '{"name": "a step", "value": 2}'; echo done"#;
    let it = Run::new().parts(&["torch"]).python(garbage).go();
    assert_eq!((it.state("torch"), it.verdict("PyTorch, eager", "a step")), ("ran", "measured"));
    let noise =
        it.rows("PyTorch, eager").into_iter().find(|it| it["name"] == "lines that were no rows").expect("a row");
    assert!(noise["words"].as_str().is_some_and(|it| it.starts_with("5, the first: ")), "{noise}");
    let dies = "echo 'ModuleNotFoundError: No module named torch' >&2; exit 1";
    let it = Run::new().parts(&["torch", "torch-compiled"]).python(dies).go();
    assert!(it.reasons("PyTorch, compiled", "skipped").contains("No module named torch"), "{:#?}", it.json);
    let killed = "echo '{\"name\": \"a step\", \"value\": 2}'; kill -9 $$";
    let it = Run::new().parts(&["torch"]).python(killed).go();
    assert_eq!((it.state("torch"), it.verdict("PyTorch, eager", "the rest")), ("died", "skipped"));
    let silent = Run::new().parts(&["torch"]).python("exit 0").go();
    assert_eq!((silent.state("torch"), silent.verdict("PyTorch, eager", "everything")), ("died", "skipped"));
    let absent = Run::new().parts(&["torch"]).go();
    assert_eq!(absent.state("torch"), "skipped");
    assert!(absent.reasons("PyTorch, eager", "skipped").contains("does not start"));
}

#[test]
fn parts_for_which_no_time_is_left_are_skipped_and_said() {
    let mut run = Run::new().parts(&["machine", "torch", "torch-compiled"]).python("exec sleep 1000");
    run.deadline = Some(SHORT);
    let it = run.go();
    // The first part may take all of it or leave some for the second.
    assert_eq!((it.state("torch-compiled"), it.json["complete"].as_bool()), ("skipped", Some(true)));
    assert!(it.reasons("PyTorch, compiled", "skipped").contains("no time was left"));
}

#[test]
fn a_report_is_whole_after_every_row() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut record = Record::new(folder.path(), serde_json::json!({ "card": null }));
    let read = || std::fs::read_to_string(folder.path().join("gpu.json")).expect("the report is there");
    let answers = |_: &str| {
        let mut command = Command::new("sh");
        let row = r#"{"section": "machine", "name": "a", "verdict": "passed"}"#;
        command.args(["-c", &format!("echo 'gpu-check row {row}'; echo gpu-check end")]);
        command
    };
    let mut seen = Vec::new();
    let asked = Asked {
        only: vec!["machine".to_owned(), "solver".to_owned()],
        deadline: None,
        limit: &|_| Some(LONG),
        answers: &answers,
        python: "no-such-python".to_owned(),
        search: Duration::from_secs(1),
        script: (PathBuf::from("nowhere.py"), Vec::new()),
    };
    run(&asked, &mut record, &mut |_| {
        // As it lies on the disk when the next row comes, which is when the run may be killed.
        let json: Value = serde_json::from_str(&read()).expect("it is JSON at any time");
        seen.push((json["rows"].as_array().map(Vec::len), json["complete"].as_bool()));
    });
    assert_eq!(seen, [(Some(0), Some(false)), (Some(1), Some(false)), (Some(2), Some(false))]);
    let json: Value = serde_json::from_str(&read()).expect("it is JSON");
    assert_eq!((json["parts"][1]["state"].as_str(), json["passed"].as_u64()), (Some("ran"), Some(2)));
}

#[test]
fn a_report_that_cannot_be_written_stops_nothing_and_is_known() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut record = Record::new(folder.path(), serde_json::json!({}));
    record.save();
    assert!(!record.is_lost());
    let file = folder.path().join("a file");
    std::fs::write(&file, "in the way").expect("the folder takes a file");
    let mut record = Record::new(&file, serde_json::json!({}));
    record.save();
    assert!(record.is_lost(), "a file is no folder");
}

#[test]
fn telling_parts_come_first_and_the_compiler_last() {
    let names = PARTS.map(|it| it.0);
    assert_eq!(names[..4], ["machine", "solver", "machinery", "plain"]);
    assert_eq!(names[5..], ["torch", "torch-compiled"]);
    let first: u64 = PARTS[..4].iter().map(|it| it.2).sum();
    assert!(first <= 400, "{first} s are the most that the first call's parts may take by their own deadlines");
}
