//! Goal: `demon --version` says everything that a report of a fault wants, truly, a line each.
//! Method: the real program; what it says is held against the files and tables that it speaks of.

use std::fs;
use std::path::Path;
use std::process::Command;

use appliance::compute::plans::PlanKey;
use appliance::files::document::Format;

fn demon(argument: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_demon")).arg(argument).output().expect("the program starts");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The commit of the clone that this test was built in; where there is none, what a package's builder said.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|it| it.status.success())?;
        Some(String::from_utf8(output.stdout).expect("text").trim().to_owned())
    };
    let ours = git(&["ls-files", "--error-unmatch", "Cargo.toml"]);
    let known = ours.and_then(|_| git(&["rev-parse", "--short=12", "HEAD"]));
    known.or_else(|| option_env!("DEMON_COMMIT").map(str::to_owned)).unwrap_or_else(|| "unknown".to_owned())
}

#[test]
fn the_version_is_said_a_line_each() {
    let told = demon("--version");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 5, "{told}");
    assert_eq!(lines[0], concat!("demon ", env!("CARGO_PKG_VERSION")));
    assert_eq!(lines[1], format!("commit: {}", commit()));
    let formats = lines[2].strip_prefix("formats: ").expect("formats");
    assert_eq!(formats.split(", ").count(), Format::ALL.len());
    // The files of the formats are there by name and number (`tests/formats.rs`).
    for format in formats.split(", ") {
        let (name, number) = format.rsplit_once(' ').expect("a name and a number");
        let fixture = format!("{}/tests/formats/{}/v{number}.toml", env!("CARGO_MANIFEST_DIR"), name.replace(' ', "-"));
        assert!(fs::exists(&fixture).expect("a disk"), "{fixture}");
    }
    assert_eq!(lines[3], "model layouts: ACE-Step 1.5 (2B), ACE-Step 1.5 XL");
    assert_eq!(lines[4], format!("plan key: {} ({})", PlanKey::VERSION, PlanKey::FIELDS.join(", ")));
}

#[test]
fn the_short_version_is_one_line() {
    assert_eq!(demon("-V"), format!("demon {} ({})\n", env!("CARGO_PKG_VERSION"), commit()));
}

/// The build script is a program like any other: it is built here, and asked in folders of every kind.
#[test]
fn the_commit_is_the_clones_or_what_the_builder_says_or_unknown() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut build = Command::new(rustc);
    build.args(["--edition", "2024", "-o"]).arg(&script).arg(concat!(env!("CARGO_MANIFEST_DIR"), "/build.rs"));
    assert!(build.status().expect("a compiler").success());
    let sources = folder.path().join("sources");
    fs::create_dir(&sources).expect("a disk");
    fs::write(sources.join("Cargo.toml"), "").expect("a disk");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(&sources).args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
        let output = git.output().expect("git");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    };
    let ask = |said: Option<&str>| said_by(&script, &sources, said);
    // An archive.
    assert_eq!(ask(None).0, "unknown");
    assert_eq!(ask(Some("v0.1.0-3")).0, "v0.1.0-3");
    assert_eq!(ask(Some("a\ncargo::rustc-env=PATH=b")).0, "unknown");
    assert_eq!(ask(Some("")).0, "unknown");
    // An archive that was unpacked in somebody else's clone: not their commit.
    git(&["init", "--quiet"]);
    git(&["commit", "--quiet", "--allow-empty", "--message", "theirs"]);
    assert_eq!(ask(Some("v1")).0, "v1");
    // A clone: its commit, whatever the builder says, and again when it moves.
    git(&["add", "Cargo.toml"]);
    git(&["commit", "--quiet", "--message", "ours"]);
    let (told, watched) = ask(Some("v1"));
    assert_eq!(told, git(&["rev-parse", "--short=12", "HEAD"]));
    assert!(watched.iter().all(|path| sources.join(path).exists() || path == "build.rs"), "{watched:?}");
    let watched: Vec<_> = watched.iter().map(|path| sources.join(path)).filter(|path| path.exists()).collect();
    let state = || watched.iter().map(|path| fs::read(path).expect("it is there")).collect::<Vec<_>>();
    let before = state();
    git(&["commit", "--quiet", "--allow-empty", "--message", "further"]);
    assert_ne!(before, state(), "a commit is seen in what Cargo watches");
    assert_ne!(ask(None).0, told);
    // One that keeps no journal, and all its branches in one file.
    fs::remove_file(sources.join(".git/logs/HEAD")).expect("a journal");
    git(&["pack-refs", "--all"]);
    let (_, watched) = ask(None);
    assert!(watched.iter().any(|path| path.ends_with("packed-refs")), "{watched:?}");
    assert!(watched.iter().all(|path| sources.join(path).exists() || path == "build.rs"), "{watched:?}");
}

/// The commit that the script tells Cargo, and the files that it has it watch.
fn said_by(script: &Path, sources: &Path, said: Option<&str>) -> (String, Vec<String>) {
    let mut run = Command::new(script);
    run.current_dir(sources).env("GIT_CEILING_DIRECTORIES", sources.parent().expect("a folder"));
    run.env_remove("DEMON_COMMIT").envs(said.map(|said| ("DEMON_COMMIT", said)));
    let output = run.output().expect("it was built");
    assert!(output.status.success(), "a build never fails of it: {output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let after =
        |key: &str| text.lines().filter_map(|line| line.strip_prefix(key)).map(str::to_owned).collect::<Vec<_>>();
    let [commit] = <[_; 1]>::try_from(after("cargo::rustc-env=DEMON_COMMIT=")).expect("one commit");
    assert!(!text.contains("PATH"), "{text}");
    (commit, after("cargo::rerun-if-changed="))
}
