//! Goal: what is packed for a machine with a card fits through the door with everything that goes with it, or is refused in
//! bytes before anybody waits for it.
//! Method: the scripts themselves, in a repository made for the test, with a harness that is none.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const LIMIT: u64 = 64 << 20;

/// A repository with the scripts, one more tracked file of 1000 bytes, and a folder that git ignores.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let tools = folder.path().join("tools/gpu-check");
    fs::create_dir_all(&tools).expect("the folder takes another");
    for script in ["pack", "travels"] {
        fs::copy(Path::new("tools/gpu-check").join(script), tools.join(script)).expect("the script is here");
    }
    fs::write(folder.path().join(".gitignore"), "/target/\n").expect("the folder takes a file");
    fs::write(folder.path().join("a file"), [7; 1000]).expect("the folder takes a file");
    for words in [&["init", "--quiet"][..], &["add", "--all"]] {
        let done = Command::new("git").args(words).current_dir(folder.path()).output().expect("git is installed");
        assert!(done.status.success(), "{done:?}");
    }
    fs::create_dir(folder.path().join("target")).expect("the folder takes another");
    file_of(&folder.path().join("target/ignored"), LIMIT);
    folder
}

/// A file of so many bytes, which take no room.
fn file_of(path: &Path, bytes: u64) {
    File::create(path).and_then(|it| it.set_len(bytes)).expect("the folder takes a file");
}

fn run(folder: &Path, script: &str, words: &[&str]) -> Output {
    let mut command = Command::new(folder.join("tools/gpu-check").join(script));
    // A program that is there and can be stripped stands for the harness.
    command.args(words).current_dir(folder).env("GPU_CHECK_BINARY", "/bin/true").output().expect("the script runs")
}

fn counted(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("target/gpu-check/pack.json")).expect("the count is there");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn a_pack_counts_the_tree_and_leaves_tensorrt_out_unless_it_is_asked_for() {
    let folder = repository();
    fs::write(folder.path().join("new"), [7; 50]).expect("the folder takes a file");
    let done = run(folder.path(), "pack", &[]);
    assert!(done.status.success(), "{done:?}");
    let size = |path: &str| fs::metadata(folder.path().join(path)).expect("it is there").len();
    let tracked = 1000 + size(".gitignore") + size("tools/gpu-check/pack") + size("tools/gpu-check/travels");
    let found = counted(folder.path());
    assert_eq!((found["tracked"].as_u64(), found["untracked"].as_u64()), (Some(tracked), Some(50)));
    let packed = size("target/gpu-check/pack/gpu");
    assert_eq!(found["carried"].as_u64(), Some(packed), "the harness alone");
    assert_eq!((found["total"].as_u64(), found["limit"].as_u64()), (Some(tracked + 50 + packed), Some(LIMIT)));
    let asked = run(folder.path(), "pack", &["--with-tensorrt"]);
    assert!(!asked.status.success(), "there is no TensorRT in this repository");
    assert!(String::from_utf8_lossy(&asked.stderr).contains("there is no TensorRT in target/tensorrt"), "{asked:?}");
}

#[test]
fn a_tree_that_is_a_byte_too_large_is_refused_with_every_count() {
    let folder = repository();
    assert!(run(folder.path(), "pack", &[]).status.success());
    let room = LIMIT - counted(folder.path())["total"].as_u64().expect("a number");
    file_of(&folder.path().join("large"), room);
    assert!(run(folder.path(), "pack", &[]).status.success(), "exactly as much as may travel");
    file_of(&folder.path().join("large"), room + 1);
    let refused = run(folder.path(), "pack", &[]);
    assert!(!refused.status.success());
    let words = String::from_utf8_lossy(&refused.stderr);
    let total = format!("{} bytes would travel and {LIMIT} may", LIMIT + 1);
    assert!(words.contains(&total) && words.contains(&format!("{} in files that git neither", room + 1)), "{words}");
    assert!(words.contains("; 1 are too many"), "{words}");
    assert_eq!(counted(folder.path())["fits"], false, "and the count is there all the same");
}
