//! Goal: one number says which compiler builds this, it is true, and it is new enough for the crates that are to come.
//! Method: ask Cargo what every package of the build declares, and read the places that tell a person.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

/// Major, minor, patch.
type Version = [u32; 3];

/// Crates of the system that this workspace means to take, and the compiler that each of them asks for.
const WANTED: [(&str, &str); 2] = [("tokio 1.54", "1.85"), ("zbus 6.2", "1.89")];
/// Places that tell a person or a compiler which version it takes, and the words around it.
const TOLD: [(&str, &str, &str); 5] = [
    ("Cargo.toml", "rust-version = \"", "\""),
    ("fuzz/Cargo.toml", "rust-version = \"", "\""),
    ("fuzz-input/Cargo.toml", "rust-version = \"", "\""),
    ("README.md", "(https://rustup.rs) (", " or newer)"),
    ("tools/packages", "https://rustup.rs (", " or newer)"),
];

#[test]
fn the_compiler_that_is_named_is_new_enough_for_every_crate() {
    let faults = faults(&metadata(), &WANTED);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_place_names_the_same_compiler() {
    let ours = told(TOLD[0]);
    for place in TOLD {
        assert_eq!(told(place), ours, "{} names another compiler than Cargo.toml", place.0);
    }
}

/// A crate that asks for more, a member that says nothing, and a crate to come that asks for more: each is a fault of its own.
#[test]
fn a_number_that_is_too_low_or_missing_is_found() {
    let package = |id: &str, asks: Value| json!({ "id": id, "name": id, "version": "1.0.0", "rust_version": asks });
    let of = |ours: Value, theirs: Value| json!({ "workspace_members": ["ours"], "packages": [package("ours", ours), package("theirs", theirs)] });
    let found = |ours: Value, theirs: Value| faults(&of(ours, theirs), &[("to come", "1.89.0")]);
    assert_eq!(found(json!("1.89"), json!("1.89.0")), Vec::<String>::new());
    assert_eq!(found(json!("1.89"), json!(null)), Vec::<String>::new());
    assert_eq!(found(json!("1.89"), json!("1.89.1")), ["theirs 1.0.0 asks for 1.89.1, rust-version is 1.89"]);
    assert_eq!(found(json!("1.100"), json!("1.99")), Vec::<String>::new());
    assert_eq!(found(json!("1.88"), json!("1.85")), ["to come asks for 1.89.0, rust-version is 1.88"]);
    assert_eq!(found(json!(null), json!("1.85")), ["ours 1.0.0 names no rust-version: rust-version.workspace = true"]);
}

/// What is wrong with the compiler that the members name, a line each.
fn faults(metadata: &Value, wanted: &[(&str, &str)]) -> Vec<String> {
    let packages = metadata["packages"].as_array().expect("cargo lists the packages");
    let members = metadata["workspace_members"].as_array().expect("cargo lists the members");
    let (ours, theirs): (Vec<_>, Vec<_>) = packages.iter().partition(|it| members.contains(&it["id"]));
    assert_eq!(ours.len(), members.len(), "every member is a package");
    let name = |it: &Value| format!("{} {}", it["name"].as_str().unwrap_or("?"), it["version"].as_str().unwrap_or("?"));
    let asks = |it: &Value| it["rust_version"].as_str().map(str::to_owned);
    let silent = ours.iter().filter(|it| asks(it).is_none());
    let mut found: Vec<String> =
        silent.map(|it| format!("{} names no rust-version: rust-version.workspace = true", name(it))).collect();
    let Some(lowest) = ours.iter().filter_map(|it| asks(it)).min_by_key(|it| version(it)) else { return found };
    let asked = theirs.into_iter().filter_map(|it| Some((name(it), asks(it)?)));
    let asked = asked.chain(wanted.iter().map(|(name, asks)| ((*name).to_owned(), (*asks).to_owned())));
    let too_new = asked.filter(|(_, asks)| version(&lowest) < version(asks));
    found.extend(too_new.map(|(name, asks)| format!("{name} asks for {asks}, rust-version is {lowest}")));
    found
}

/// What Cargo says of every package that is built for this machine. Everything it reads was fetched to build this test.
fn metadata() -> Value {
    let told = Command::new(env!("CARGO")).arg("-vV").output().expect("cargo built this test");
    let told = String::from_utf8(told.stdout).expect("text");
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo names its host");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host]);
    let output = cargo.output().expect("cargo built this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

fn told((path, before, after): (&str, &str, &str)) -> Version {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{path} names no compiler: `{before}`"));
    version(rest.split_once(after).unwrap_or_else(|| panic!("{path}: no `{after}` after the compiler")).0)
}

/// `1.89` is `1.89.0`.
fn version(words: &str) -> Version {
    let mut version = [0; 3];
    let parts: Vec<&str> = words.split('.').collect();
    assert!(parts.len() <= version.len(), "`{words}` is no version");
    for (place, part) in version.iter_mut().zip(parts) {
        *place = part.parse().unwrap_or_else(|_| panic!("`{words}` is no version"));
    }
    version
}
