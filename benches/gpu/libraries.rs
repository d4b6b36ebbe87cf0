//! Where cuBLASLt is on this machine, whatever its version: on the loader's own way, in a CUDA toolkit, or in the folders of
//! a Python that has PyTorch, whose wheels carry it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::process::{End, listen};

/// How the library's file begins, whatever its version.
const NAME: &str = "libcublasLt.so";
/// Where toolkits put it, below their own folder.
const BELOW: [&str; 4] = ["lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"];
/// Asks a Python for the folders of its packages' libraries, without loading any of them.
const ASK: &str = "import glob, os, sys
for folder in sys.path:
    for found in sorted(glob.glob(os.path.join(folder, 'nvidia', '*', 'lib'))) + [os.path.join(folder, 'torch', 'lib')]:
        print('folder', found, flush=True)";

/// What `LD_LIBRARY_PATH` should be, and what was found, in words.
pub fn cublaslt(python: &str, limit: Duration) -> (String, String) {
    let before = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
    let own = before.split(':').filter(|it| !it.is_empty()).map(PathBuf::from);
    let folders: Vec<PathBuf> = own.chain(toolkits(Path::new("/usr/local"))).collect();
    let (told, trouble) = of_python(python, limit);
    let folders: Vec<PathBuf> = folders.into_iter().chain(told).filter(|it| holds(it)).collect();
    let words = match folders.first() {
        Some(first) => format!("in {}", first.display()),
        None if trouble.is_empty() => "in no folder that was looked into; the loader may know one".to_owned(),
        None => format!("in no folder that was looked into; {trouble}"),
    };
    let added = folders.iter().map(|it| it.display().to_string());
    let path: Vec<String> = (!before.is_empty()).then(|| before.clone()).into_iter().chain(added).collect();
    (path.join(":"), words)
}

/// Whether a folder holds the library.
fn holds(folder: &Path) -> bool {
    let is_it = |name: &OsStr| name.to_string_lossy().starts_with(NAME);
    std::fs::read_dir(folder).is_ok_and(|it| it.flatten().any(|it| is_it(&it.file_name())))
}

/// Folders of toolkits below `home`, and of the one that the environment names.
fn toolkits(home: &Path) -> Vec<PathBuf> {
    let named = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let mut there: Vec<PathBuf> = std::fs::read_dir(home)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|it| it.file_name().to_string_lossy().starts_with("cuda"))
        .map(|it| it.path())
        .collect();
    // The newest last in the list of names is the first to be tried; plain `cuda` is whatever is meant.
    there.sort_by(|a, b| b.cmp(a));
    named.chain(there).flat_map(|it| BELOW.map(|below| it.join(below))).collect()
}

fn of_python(python: &str, limit: Duration) -> (Vec<PathBuf>, String) {
    let mut found = Vec::new();
    let ended = listen(Command::new(python).args(["-c", ASK]), limit, |line| {
        found.extend(line.strip_prefix("folder ").map(PathBuf::from));
    });
    let trouble = match ended.end {
        End::Exited(status) if status.success() => String::new(),
        End::Exited(status) => format!("{python} ended with {status}: {}", ended.last_words),
        End::Late => format!("{python} did not say where its packages are within {:.1} s", limit.as_secs_f64()),
        End::NotStarted(error) => format!("{python}: {error}"),
    };
    (found, trouble)
}
