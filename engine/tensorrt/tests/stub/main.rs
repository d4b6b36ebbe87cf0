//! Goal: everything that TensorRT can answer is told apart and told in words, without TensorRT and without a GPU.
//! Method: compile a stub in C behind the shim's header, told at compile time what to get wrong, and open it like the real one.
#![allow(clippy::unwrap_used)]

mod building;
mod opening;
mod running;

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tensorrt::{Flavour, OpenError, Search, TensorRt};

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// A folder with a stub TensorRT and a stub driver.
struct Stub {
    folder: TempDir,
    flavours: Vec<Flavour>,
}

impl Stub {
    /// With what is to go wrong, for instance `STUB_BUILD=DT_FAILED`.
    fn new(cues: &[&str]) -> Self {
        let stub = Self { folder: tempfile::tempdir().unwrap(), flavours: vec![Flavour::Rtx, Flavour::Datacentre] };
        let journal = format!("STUB_JOURNAL=\"{}\"", stub.path("journal").display());
        let cues: Vec<&str> = cues.iter().copied().chain([journal.as_str()]).collect();
        let datacentre = cues.iter().any(|it| it.contains("DATACENTRE"));
        let name = if datacentre { "libdemon_tensorrt.so" } else { "libdemon_tensorrt_rtx.so" };
        compile("tensorrt.c", &stub.path(name), &cues);
        compile("cuda.c", &stub.path("libcuda.so.1"), &cues);
        stub
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn search(&self) -> Search {
        let cuda = self.path("libcuda.so.1");
        Search { cuda, flavours: self.flavours.clone(), ..Search::only(self.folder.path()) }
    }

    fn open(&self) -> Result<TensorRt, OpenError> {
        TensorRt::open(&self.search())
    }

    /// What was made and destroyed, in order.
    fn journal(&self) -> Vec<String> {
        fs::read_to_string(self.path("journal")).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

fn compile(source: &str, out: &Path, cues: &[&str]) {
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O0", "-Wall", "-Werror", "-I"]).arg(format!("{HERE}/shim"));
    cc.args(cues.iter().map(|cue| format!("-D{cue}")));
    cc.arg(format!("{HERE}/tests/stub/{source}")).arg("-o").arg(out);
    assert!(cc.status().expect("a C compiler is installed").success());
}
