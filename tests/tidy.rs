//! Goal: the house rules hold in every file, so that no reader has to say them twice.
//! Method: read every Rust file and every manifest, collect all the breaches, then fail with the list.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDERS: [&str; 5] = ["appliance", "engine", "hal", "tests", "benches"];
const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
/// Words that the engine must not know: it has no clock and no hardware.
const FOREIGN_TO_ENGINE: [&str; 4] = ["std::time", "alsa::", "midir::", "std::net"];
/// Folders of the engine that may open files: those that load a model.
const FILES_ALLOWED: &str = "engine/src/model/";
/// The room of the appliance that opens and writes every file, and shows every name.
const APPLIANCE_FILES: &str = "appliance/src/files";
/// What nothing else in the appliance does: a pipe would hold it up, a full disk would lose something, a name would steer a
/// terminal.
const FILES_OF_THEIR_OWN: [&str; 10] = [
    "OpenOptions",
    "fs::write(",
    "fs::rename(",
    "fs::copy(",
    "fs::read(",
    "fs::read_to_string(",
    "File::open(",
    "File::create",
    "File::options",
    ".display()",
];
/// What makes, replaces or moves a file. Nobody but that room does it: `engine` and `hal` give bytes to whoever opened the file.
const FILES_WRITTEN: [&str; 11] = [
    "File::create",
    "fs::write(",
    "fs::rename(",
    "fs::copy(",
    "hard_link(",
    ".create(true)",
    ".create_new(",
    "NamedTempFile",
    "tempfile::Builder",
    ".persist(",
    ".persist_noclobber(",
];
/// The folder of the engine that may start threads: the compute pool.
const THREADS_ALLOWED: &str = "engine/src/graph/cpu";
/// Written by a program from something that people do read: its functions are as long as they come out.
const GENERATED: &str = "engine/tensorrt/src/sys.rs";
/// What travels to a machine with a card, the harness included, stays under 64 MiB; the tree leaves room for that.
const TREE_BYTES_MAX: u64 = 60_000_000;
/// The largest single file is the built-in model.
const FILE_BYTES_MAX: u64 = 20_000_000;
/// Names that say nothing about what a thing is for.
const EMPTY_NAMES: [&str; 4] = ["Manager", "mod utils", "mod helpers", "mod util"];

#[test]
fn house_rules_hold_in_every_file() {
    let mut breaches = Vec::new();
    for path in FOLDERS.iter().flat_map(|folder| rust_files(Path::new(folder))) {
        let text = fs::read_to_string(&path).expect("a source file is readable");
        if !path.ends_with("tests/tidy.rs") {
            breaches.extend(breaches_of(&path, &text).into_iter().map(|rule| format!("{}: {rule}", path.display())));
        }
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

fn breaches_of(path: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rule = |broken: bool, words: &str| {
        if broken {
            found.push(words.to_owned());
        }
    };
    let lines = text.lines().count();
    let shipped = text.split("#[cfg(test)]").next().unwrap_or(text);
    let in_engine = path.starts_with("engine/src");
    rule(!text.starts_with("//!") && !text.starts_with("#!["), "opens without a module doc");
    rule(FILE_LINES_MAX < lines, &format!("has {lines} lines, a file holds {FILE_LINES_MAX}"));
    rule(
        shipped.contains("(unsafe_code") && !text.contains("SAFETY:") && !text.contains("# Safety"),
        "lifts the ban on unsafe without saying why it is sound",
    );
    rule(
        shipped.contains("Deserialize") && shipped.contains("struct Raw") && !text.contains("deny_unknown_fields"),
        "reads a file of ours and swallows typos",
    );
    let tests = if path.starts_with("tests") { text } else { &text[shipped.len()..] };
    rule(tests.contains("thread::sleep"), "sleeps in a test; drive a fake clock instead");
    rule(text.contains("#[ignore"), "ignores a test; a slow check is a make target of its own");
    for name in EMPTY_NAMES {
        rule(shipped.contains(name), &format!("uses the empty name `{name}`"));
    }
    for word in FOREIGN_TO_ENGINE {
        rule(in_engine && shipped.contains(word), &format!("reaches outside the engine: `{word}`"));
    }
    let opens_files = shipped.contains("std::fs") || shipped.contains("File::open");
    rule(in_engine && opens_files && !path.starts_with(FILES_ALLOWED), "opens files outside the model's loaders");
    let in_appliance = path.starts_with("appliance/src") && !path.starts_with(APPLIANCE_FILES) && !is_test(path);
    for word in FILES_OF_THEIR_OWN {
        rule(
            in_appliance && shipped.contains(word),
            &format!("opens or names a file by itself: `{word}` (see `files`)"),
        );
    }
    let in_sources = path.iter().any(|part| part == "src") && !path.starts_with(APPLIANCE_FILES) && !is_test(path);
    for word in FILES_WRITTEN {
        rule(
            in_sources && shipped.contains(word),
            &format!("makes or moves a file by itself: `{word}` (see `{APPLIANCE_FILES}`)"),
        );
    }
    let in_pool = path.to_string_lossy().starts_with(THREADS_ALLOWED);
    rule(
        in_engine && shipped.contains("thread::") && !in_pool && !is_test(path),
        "starts threads outside the compute pool",
    );
    if let Some((name, length)) = long_function(text).filter(|_| !path.ends_with(GENERATED)) {
        rule(true, &format!("`{name}` has {length} lines, a function holds {FUNCTION_LINES_MAX}"));
    }
    found
}

/// Whether a file of a crate's sources is its tests.
fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests" || stem.to_string_lossy().ends_with("_tests"))
}

#[test]
fn the_engine_and_the_hardware_do_not_know_each_other() {
    let pairs = [("engine", "hal"), ("hal", "engine"), ("engine", "appliance"), ("hal", "appliance")];
    for (crate_name, stranger) in pairs {
        let manifest = fs::read_to_string(format!("{crate_name}/Cargo.toml")).expect("every crate has a manifest");
        assert!(!manifest.contains(&format!("{stranger}.workspace")), "{crate_name} depends on {stranger}");
    }
}

#[test]
fn every_promise_names_a_test_or_bench_that_exists() {
    let text = fs::read_to_string("SPECIFICATION.md").expect("the promises are written down");
    let promises: Vec<&str> = text.lines().filter(|line| line.starts_with("| P")).collect();
    assert!(promises.len() >= 10, "only {} promises were found", promises.len());
    let numbers = promises.iter().filter_map(|it| it.split('|').nth(1));
    let mut seen = std::collections::HashSet::new();
    let twice: Vec<&str> = numbers.filter(|it| !seen.insert(*it)).collect();
    assert!(twice.is_empty(), "promises that share a number: {twice:?}");
    let sources: String = FOLDERS
        .iter()
        .flat_map(|folder| rust_files(Path::new(folder)))
        .map(|path| fs::read_to_string(path).expect("a source file is readable"))
        .collect();
    for promise in promises {
        let holder = promise.rsplit('|').nth(1).unwrap_or_default();
        let names: Vec<&str> = holder.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test or bench is named: {promise}");
        for name in names {
            let is_file = Path::new(name).exists();
            let known = is_file || sources.contains(&format!("fn {name}(")) || sources.contains(&format!("\"{name}"));
            assert!(known, "`{name}` is neither a test, a file nor a figure of a bench: {promise}");
        }
    }
}

#[test]
fn the_tree_is_small_and_its_names_are_plain() {
    let files = tree();
    assert!(files.len() > 500, "only {} files were found", files.len());
    let mut breaches = Vec::new();
    let mut total = 0;
    for path in &files {
        let name = path.to_string_lossy();
        // A file that was deleted and not yet committed is still listed.
        let Ok(meta) = fs::symlink_metadata(path) else { continue };
        total += meta.len();
        if !is_plain(&name) {
            breaches.push(format!("{name:?}: a name is letters, digits and `._+-`, and begins with no `-`"));
        }
        if FILE_BYTES_MAX < meta.len() {
            breaches.push(format!("{name}: {} bytes, a file holds {FILE_BYTES_MAX}", meta.len()));
        }
    }
    if TREE_BYTES_MAX < total {
        breaches.push(format!("the tree holds {total} bytes, at most {TREE_BYTES_MAX} travel well"));
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn a_mistyped_redirection_is_no_plain_name() {
    let odd = [
        "Err(NvmlError::NoLibrary(_)) => State::Absent,",
        "read.inspect_err(|_| *card = None).ok()",
        "-f",
        "a/-b",
        "a@b",
        "ö",
    ];
    assert!(odd.iter().all(|name| !is_plain(name)));
    assert!(
        ["Makefile", ".ci/run", "docs/knobs.png", "tools/gpu-check/run", "a_b+c-1.rs", "x@.service"]
            .into_iter()
            .all(is_plain)
    );
}

fn is_plain(name: &str) -> bool {
    let plain = |it: char| it.is_ascii_alphanumeric() || "._+-".contains(it);
    // A unit of systemd that is many units has no other name.
    let name = name.replace("@.service", ".service");
    name.split('/').all(|part| !part.is_empty() && !part.starts_with('-') && part.chars().all(plain))
}

/// What git keeps or would keep; without git (an unpacked archive) all that lies here, less what was built.
fn tree() -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).output();
    let names = listed.ok().filter(|it| it.status.success()).map(|it| it.stdout).unwrap_or_default();
    if names.is_empty() {
        let mut files = Vec::new();
        everything_below(Path::new("."), &mut files);
        return files.iter().map(|it| it.strip_prefix(".").unwrap_or(it).to_owned()).collect();
    }
    let mut files: Vec<PathBuf> = names
        .split(|it| *it == 0)
        .filter(|it| !it.is_empty())
        .map(|it| String::from_utf8_lossy(it).into_owned().into())
        .collect();
    files.sort();
    files.dedup();
    files
}

fn everything_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with(".git") {
            everything_below(&path, files);
        } else if path.is_file() {
            files.push(path);
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is readable") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The longest function past the limit. Relies on rustfmt: a body ends at its own indent.
fn long_function(text: &str) -> Option<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut longest = None;
    for (start, line) in lines.iter().enumerate() {
        let Some((before, rest)) = line.split_once("fn ") else { continue };
        let is_comment = before.trim_start().starts_with("//");
        let indent = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        let Some(length) = lines[start..].iter().position(|it| *it == closing) else { continue };
        // Inside a macro the indent of the closing brace says nothing.
        let in_macro = rest.starts_with('$');
        let one_liner = line.ends_with('}') || line.ends_with(';') || in_macro;
        if !is_comment && !one_liner && FUNCTION_LINES_MAX < length {
            let name = rest.split(['(', '<']).next().unwrap_or_default().to_owned();
            longest = longest.max(Some((length, name)));
        }
    }
    longest.map(|(length, name)| (name, length))
}
