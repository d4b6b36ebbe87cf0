//! The real program as a child process: what it says, line by line, and how it ends. Nothing here sleeps: who waits, waits for a
//! line or for the end, and gives up after [`PATIENCE`], which is no measure of speed.
#![allow(dead_code)]

mod program;

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

pub use program::demon;
use rustix::process::{Pid, Signal, kill_process};

/// How long a line or an end is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long an end may take: the promise is two seconds, on a machine that does nothing else.
pub const GONE: Duration = Duration::from_secs(8);

/// A `demon run` on the built-in model, of a short part of its recording.
pub fn run(folder: &Path, more: &[&str]) -> Command {
    // Whoever runs the tests may ignore hang-ups; the program is not to inherit that.
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP").arg(demon());
    command.args(["run", "--backend", "cpu", "--threads", "1", "--longest", "4", "--no-midi", "--plain"]).args(more);
    surround(&mut command, folder);
    command
}

/// A folder, a model and a state of the test's own; ALSA knows what the test's `asound.conf` says.
pub fn surround(command: &mut Command, folder: &Path) {
    command.current_dir(folder).env("DEMON_STATE", folder.join("state"));
    command.env("DEMON_MODEL", concat!(env!("CARGO_MANIFEST_DIR"), "/../models/house"));
    command.env("ALSA_CONFIG_PATH", folder.join("asound.conf")).env("DEMON_RUNTIME", folder.join("runtime"));
}

/// Stereo samples of the device `kept` are two words of 32 bits.
const FRAME_BYTES: u64 = 8;

/// A folder with a device that is no sound card but a file beside it (`kept`), and the file.
pub fn with_device() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let raw = folder.path().join("heard.raw");
    let config =
        format!("pcm.kept {{ type file slave.pcm {{ type null }} file \"{}\" format \"raw\" }}\n", raw.display());
    fs::write(folder.path().join("asound.conf"), config).expect("a file");
    (folder, raw)
}

/// Stereo samples that the device was given.
pub fn heard(raw: &Path) -> u64 {
    fs::metadata(raw).map_or(0, |it| it.len() / FRAME_BYTES)
}

/// Waits until half a second more was heard.
pub fn goes_on(raw: &Path) {
    let before = heard(raw);
    until("the sound goes on", || before + 24_000 < heard(raw));
}

/// Waits until it is true.
pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        thread::yield_now();
    }
}

/// A running program.
pub struct Demon {
    pid: Pid,
    lines: Receiver<String>,
    end: Receiver<ExitStatus>,
    /// Every line so far.
    pub said: Vec<String>,
    /// Where its player is to be found, if it has one.
    runtime: Option<PathBuf>,
}

impl Demon {
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let runtime = command.get_envs().find(|it| it.0 == "DEMON_RUNTIME").and_then(|it| it.1).map(PathBuf::from);
        let mut child = command.spawn().expect("the program starts");
        let (send, lines) = channel();
        read(child.stdout.take().expect("a pipe"), send.clone());
        read(child.stderr.take().expect("a pipe"), send);
        let pid = Pid::from_child(&child);
        let (ended, end) = channel();
        thread::spawn(move || ended.send(child.wait().expect("a child")));
        Self { pid, lines, end, said: Vec::new(), runtime }
    }

    /// Waits for a line that holds `part`.
    pub fn until(&mut self, part: &str) {
        // It may go on saying other things for ever.
        let until = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.said.push(line);
            if self.said.last().is_some_and(|it| it.contains(part)) {
                return;
            }
        }
        panic!("never said `{part}`: {:#?}", self.said);
    }

    /// Waits for such a line where none was among those so far: what comes by two pipes has no order.
    pub fn has_said(&mut self, part: &str) {
        if !self.said.iter().any(|it| it.contains(part)) {
            self.until(part);
        }
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    pub fn signal(&self, signal: Signal) {
        // One that is gone already is told by its end.
        let _ = kill_process(self.pid, signal);
    }

    /// Whether it is still there after `time`.
    pub fn lasts(&self, time: Duration) -> bool {
        self.end.recv_timeout(time).is_err()
    }

    /// Waits until it plays, and then for as much sound as a test can hear.
    pub fn plays(&mut self) {
        self.has_said("sound to");
        assert!(self.lasts(Duration::from_millis(1500)), "it ended: {:?}", self.said);
    }

    /// Waits for its end: exit code (negative: the signal that killed it), and what it said.
    pub fn end(self) -> (i32, String) {
        self.end_within(GONE)
    }

    /// Waits so long for it to end by itself.
    pub fn end_within(mut self, time: Duration) -> (i32, String) {
        use std::os::unix::process::ExitStatusExt as _;
        let ended = self.end.recv_timeout(time);
        if ended.is_err() {
            self.signal(Signal::KILL);
        }
        self.said.extend(self.lines.iter());
        let said = self.said.join("\n");
        let status = ended.unwrap_or_else(|_| panic!("still there after {time:?}:\n{said}"));
        (status.code().unwrap_or_else(|| -status.signal().expect("a signal")), said)
    }
}

/// A test that fails leaves nothing behind, neither the program nor its player.
impl Drop for Demon {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        if matches!(self.end.try_recv(), Err(TryRecvError::Empty)) {
            self.signal(Signal::KILL);
        }
        if let Some(runtime) = self.runtime.as_ref().filter(|it| it.exists()) {
            let mut stop = Command::new(demon());
            stop.args(["player", "--stop", "--runtime"]).arg(runtime).stdout(Stdio::null()).stderr(Stdio::null());
            let _ = stop.status();
        }
    }
}

fn read(from: impl Read + Send + 'static, to: Sender<String>) {
    thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).all(|line| to.send(line).is_ok()));
}

/// What is loud enough to be called sound, of full scale.
const SOUND: f32 = 0.05;

/// Waits until the take that is being written holds sound: a start fades in over seconds, and an end may come before.
pub fn sounds(take: &Path) {
    until("sound in the take", || {
        let bytes = fs::read(take).unwrap_or_default();
        let data = bytes.windows(4).position(|it| it == b"data").map_or(bytes.len(), |at| at + 8);
        let words = bytes.get(data..).unwrap_or_default().as_chunks::<4>().0;
        words.iter().any(|it| SOUND < f32::from_le_bytes(*it).abs())
    });
}

/// Samples of a take that has to be whole: it is sound, and ends in silence.
pub fn faded(take: &PathBuf) -> Vec<f32> {
    let samples: Vec<f32> =
        hound::WavReader::open(take).expect("a whole file").into_samples().collect::<Result<_, _>>().expect("floats");
    let loudest = |part: &[f32]| part.iter().fold(0.0_f32, |most, it| most.max(it.abs()));
    assert!(SOUND < loudest(&samples), "there is sound in {} samples", samples.len());
    let end = &samples[samples.len() - 64..];
    assert!(loudest(end) < 2e-3, "it ends in silence and not in the middle of a wave: {end:?}");
    samples
}
