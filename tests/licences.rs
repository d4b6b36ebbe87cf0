//! Goal: nobody ships C code without knowing what its licence asks: every crate that compiles or links some has its row.
//! Method: ask Cargo which packages of the build do, and look for their names in the document.

use std::fs;
use std::process::Command;

use serde_json::Value;

/// Crates that a build script of another crate uses to compile C.
const COMPILERS: [&str; 2] = ["cc", "cmake"];

/// Names of the packages of a Linux build that link a library of C, or may compile one.
fn with_c() -> Vec<String> {
    let arguments = ["metadata", "--format-version=1", "--locked", "--filter-platform", "x86_64-unknown-linux-gnu"];
    let out = Command::new(env!("CARGO")).args(arguments).output().expect("Cargo runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: Value = serde_json::from_slice(&out.stdout).expect("Cargo writes JSON");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let built: Vec<Value> = list(&metadata["resolve"]["nodes"]).iter().map(|it| it["id"].clone()).collect();
    let mut names: Vec<String> = list(&metadata["packages"])
        .iter()
        .filter(|it| built.contains(&it["id"]) && it["source"].is_string())
        .filter(|it| {
            let compiles = list(&it["dependencies"])
                .iter()
                .any(|on| on["kind"] == "build" && on["name"].as_str().is_some_and(|name| COMPILERS.contains(&name)));
            compiles || it["links"].is_string()
        })
        .filter_map(|it| it["name"].as_str().map(str::to_owned))
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn every_crate_with_c_code_says_what_a_shipper_owes() {
    let text = fs::read_to_string("docs/licences.md").expect("the document is there");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    let names = with_c();
    for known in ["alsa-sys", "libusb1-sys"] {
        assert!(names.iter().any(|it| it == known), "{known} links C, and Cargo's answer does not show it: {names:?}");
    }
    for name in names {
        // Rayon's `links` only keeps two of it out of one program.
        let has_row = name == "rayon-core" || rows.iter().any(|row| row.contains(&format!("`{name}`")));
        assert!(has_row, "docs/licences.md has no row for `{name}`, which compiles or links C");
    }
}
