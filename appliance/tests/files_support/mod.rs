//! A folder with the program beside it: what the tests of files have in common. The program is ended after two minutes, so
//! that one that hangs fails its test.
#![allow(dead_code)] // each test uses a part

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, mknodat};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// As `timeout` says of what it had to kill.
const KILLED: i32 = 137;

/// What the program said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    /// Standard error, then standard output as far as it is text.
    pub words: String,
    pub stdout: Vec<u8>,
}

impl Said {
    /// The lines with these words.
    pub fn lines(&self, words: &str) -> Vec<&str> {
        self.words.lines().filter(|line| line.contains(words)).collect()
    }

    #[track_caller]
    pub fn ends_with(&self, code: i32, words: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{}", self.words);
        for part in words {
            assert!(self.words.contains(part), "`{part}` is not in\n{}", self.words);
        }
        self
    }

    /// Refused before the slow work, the name said once.
    #[track_caller]
    pub fn at_once(&self, name: &str) {
        assert!(!self.words.contains("reading the recording"), "{}", self.words);
        let line = self.words.lines().find(|line| line.starts_with("demon: ")).expect("it says why");
        assert_eq!(line.matches(name).count(), 1, "{line}");
    }
}

/// A folder of its own, in which the program is started, and one for what it puts beside at run time.
pub struct Bench(tempfile::TempDir, tempfile::TempDir);

impl Bench {
    pub fn new() -> Self {
        let [work, runtime] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        Self(work, runtime)
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a disk");
        fs::write(&path, bytes).expect("a disk");
        path
    }

    pub fn fifo(&self, name: &str) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a disk");
        mknodat(CWD, &path, FileType::Fifo, Mode::from(0o600), 0).expect("a FIFO");
        path
    }

    /// All names in a folder of it, sorted.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.at(folder)).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|it| it.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The program, not started yet: `timeout` ends one that hangs.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", "120", env!("CARGO_BIN_EXE_demon")]);
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("DEMON_MODEL", house())
            .env("DEMON_STATE", self.at("state"))
            .env("DEMON_RUNTIME", self.1.path());
        // No sound card, wherever this runs.
        command.env("ALSA_CONFIG_PATH", "/dev/null").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn demon(&self, arguments: &[&str]) -> Said {
        self.ended(self.command(arguments))
    }

    #[track_caller]
    pub fn ended(&self, mut command: Command) -> Said {
        let output = command.output().expect("the program starts");
        let words = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        let said = Said { code: output.status.code(), words: words.into_owned(), stdout: output.stdout };
        assert_ne!(said.code, Some(KILLED), "it hangs: {}", said.words);
        said
    }

    /// A tenth of a second into `out`.
    pub fn render(&self, out: &str, arguments: &[&str]) -> Said {
        let short = ["render", "--seconds", "0.1", "--longest", "2", "--depth", "1", "--out", out];
        self.demon(&[&short[..], arguments].concat())
    }

    /// Half a second into `wav`.
    pub fn run(&self, wav: &str, arguments: &[&str]) -> Said {
        self.demon(&[&RUN[..], &["--seconds", "0.5", "--wav", wav], arguments].concat())
    }

    /// The built-in model as files of its own: a folder `turbo` with the other parts beside it.
    pub fn model(&self, folder: &str) {
        let top = self.at(folder);
        fs::create_dir_all(top.join("turbo")).expect("a disk");
        for file in ["config.json", "model.safetensors", "silence_latent.pt", "demo.toml"] {
            fs::copy(house().join(file), top.join("turbo").join(file)).expect("the model");
        }
        for part in ["vae", "text_encoder"] {
            fs::create_dir_all(top.join(part)).expect("a disk");
            for file in fs::read_dir(house().join(part)).expect("the model").filter_map(Result::ok) {
                fs::copy(file.path(), top.join(part).join(file.file_name())).expect("the model");
            }
        }
    }

    pub fn link(&self, to: impl AsRef<Path>, name: &str) {
        symlink(to, self.at(name)).expect("a link");
    }
}

/// A small performance; how long and into what is said besides.
pub const RUN: [&str; 7] = ["run", "--plain", "--no-midi", "--longest", "2", "--depth", "1"];

/// The built-in model.
pub fn house() -> PathBuf {
    Path::new(ROOT).join("models/house").canonicalize().expect("the built-in model")
}

/// Its recording.
pub fn recording() -> String {
    house().join("demo.flac").display().to_string()
}

/// Frames of a WAV file, which is read to its end.
#[track_caller]
pub fn frames(path: &Path) -> u32 {
    let reader = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let frames = reader.duration();
    let samples: Vec<f32> = reader.into_samples().map(|it| it.expect("a sample")).collect();
    assert_eq!(samples.len(), 2 * frames as usize);
    frames
}
