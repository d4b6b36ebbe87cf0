//! Which commit the program is built from, for `demon --version`: from git where the sources lie in a clone, else what
//! `DEMON_COMMIT` says (a package is built from an archive, and knows), else `unknown`.
//!
//! It never fails a build, and runs again only when the clone's head moved or the variable changed. Files that are changed and
//! not committed are not seen: looking for them would mean to build anew each time.

use std::path::Path;
use std::process::Command;

const VARIABLE: &str = "DEMON_COMMIT";
const UNKNOWN: &str = "unknown";
/// Hex digits of a commit: as many as are unique for long.
const SHORT: &str = "--short=12";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let named = || std::env::var(VARIABLE).ok().filter(|it| is_plain(it));
    let commit = from_git().or_else(named).unwrap_or_else(|| UNKNOWN.to_owned());
    println!("cargo::rustc-env={VARIABLE}={commit}");
}

/// The commit of the clone that these sources are part of. Sources that were unpacked inside some other clone are not.
fn from_git() -> Option<String> {
    git(&["ls-files", "--error-unmatch", "Cargo.toml"])?;
    // The head's own file changes with the branch, its journal with every commit; a clone that keeps no journal has the
    // branch's file, or all branches in one. A path that does not exist would be taken for changed, always.
    let branch = git(&["rev-parse", "--symbolic-full-name", "HEAD"])?;
    for file in ["HEAD", "logs/HEAD", branch.as_str(), "packed-refs"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
            if file == "logs/HEAD" {
                break;
            }
        }
    }
    git(&["rev-parse", SHORT, "HEAD"]).filter(|it| is_plain(it))
}

/// What git answers, if it does.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|it| it.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// One short word, so that nothing else can be told to Cargo in its place.
fn is_plain(commit: &str) -> bool {
    (1..=64).contains(&commit.len()) && commit.bytes().all(|it| it.is_ascii_alphanumeric() || b".-_+".contains(&it))
}
