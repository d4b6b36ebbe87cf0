//! The flight recorder of a performance: begun when nothing can be refused any more, ended when it has ended; a thread that crashes
//! is noted on the way, and a report of it kept ([`crash`]).

use std::panic;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::version;
use crate::files::read_regular;
use crate::recorder::report::is_alive;
use crate::recorder::{Kind, Recorder, crash, read};

/// What the thread is called that writes a report.
const CRASH_REPORT: &str = "crash report";
/// The kernel's own files are a line long.
const TEXT_BYTES: u64 = 4096;

/// The recorder, and what has crashed.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    recorder: Recorder,
    folder: PathBuf,
    crashed: Arc<Mutex<Option<String>>>,
}

impl Recording {
    /// Opens the recorder of a state folder, in which crashes are noted from then on; where it cannot be had, nothing is noted, and why
    /// is said.
    pub fn open(folder: &Path) -> (Self, Option<String>) {
        // A folder that cannot be made is told by the file that cannot be opened in it.
        let _ = std::fs::create_dir_all(folder);
        let (recorder, why_not) = match Recorder::open(folder) {
            Ok(recorder) => (recorder, None),
            Err(error) => (Recorder::nowhere(), Some(format!("{error}; what happens is not recorded"))),
        };
        let recording = Self { recorder, folder: folder.to_owned(), crashed: Arc::default() };
        recording.clone().note_panics();
        (recording, why_not)
    }

    /// Notes what happens.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Notes that it plays, and has a report written where the performance before it was cut off. The number of this process comes first:
    /// whoever looks can see whether it still does.
    pub fn begin(&self) {
        let own = std::process::id();
        self.recorder.note(Kind::Start, &format!("{own} demon {}", version::short()));
        let folder = self.folder.clone();
        soon(move || {
            let entries = read(&folder).unwrap_or_default();
            if let Some((before, why)) = crash::cut_off(&entries, own, plays) {
                // A folder that takes nothing is told by what is kept there.
                let _ = crash::keep(&folder, &why, before, version::long());
            }
        });
    }

    /// Notes how it ended; what has crashed is reported once more, with what came of it.
    pub fn end(&self, ended: &anyhow::Result<()>) {
        let words = ended.as_ref().err().map_or_else(|| "in order".to_owned(), |error| format!("{error:#}"));
        self.recorder.note(Kind::End, &words);
        if let Some(why) = self.crashed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            report(&self.folder, &why);
        }
    }

    /// A crash is noted before the thread is gone; what was done with it before is still done.
    fn note_panics(self) {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let thread = std::thread::current();
            let said = info.payload();
            let words =
                said.downcast_ref::<&str>().copied().or_else(|| said.downcast_ref::<String>().map(String::as_str));
            let place = info.location().map_or_else(String::new, |it| format!(" ({}:{})", it.file(), it.line()));
            let name = thread.name().unwrap_or("a thread");
            let words = format!("{name}: {}{place}", words.unwrap_or("without words"));
            self.recorder.note(Kind::Panic, &words);
            usual(info);
            if name != CRASH_REPORT {
                let (folder, why) = (self.folder.clone(), format!("the performance crashed: {words}"));
                *self.crashed.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
                // Whoever crashed may be the one that windows wait for.
                soon(move || report(&folder, &why));
            }
        }));
    }
}

/// On a thread that nobody waits for. Without one it is done at the end, or by the next start.
fn soon(work: impl FnOnce() + Send + 'static) {
    let _ = std::thread::Builder::new().name(CRASH_REPORT.to_owned()).spawn(work);
}

/// Keeps a report of what crashed here, with all that is noted up to now.
fn report(folder: &Path, why: &str) {
    let _ = crash::keep(folder, why, &read(folder).unwrap_or_default(), version::long());
}

/// Whether a performance is still there.
fn plays(process: u32) -> bool {
    let text = |name: &str| {
        let bytes = read_regular(Path::new(&format!("/proc/{process}/{name}")), TEXT_BYTES).unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_owned()
    };
    is_alive(&text("comm"), &text("stat"))
}
