//! The flight recorder of a performance: begun when nothing can be refused any more, ended when it has ended; a thread that crashes
//! is noted on the way.

use std::panic;
use std::path::Path;

use super::version;
use crate::recorder::{Kind, Recorder};

/// Opens the recorder of a state folder, in which crashes are noted from then on; where it cannot be had, nothing is noted, and why
/// is said.
pub(super) fn open(folder: &Path) -> (Recorder, Option<String>) {
    // A folder that cannot be made is told by the file that cannot be opened in it.
    let _ = std::fs::create_dir_all(folder);
    let (recorder, why_not) = match Recorder::open(folder) {
        Ok(recorder) => (recorder, None),
        Err(error) => (Recorder::nowhere(), Some(format!("{error}; what happens is not recorded"))),
    };
    note_panics(recorder.clone());
    (recorder, why_not)
}

/// Notes that it plays. The number of this process comes first: whoever looks can see whether it still does.
pub(super) fn begin(recorder: &Recorder) {
    recorder.note(Kind::Start, &format!("{} demon {}", std::process::id(), version::short()));
}

/// Notes how it ended.
pub(super) fn end(recorder: &Recorder, ended: &anyhow::Result<()>) {
    let words = ended.as_ref().err().map_or_else(|| "in order".to_owned(), |error| format!("{error:#}"));
    recorder.note(Kind::End, &words);
}

/// A crash is noted before the thread is gone; what was done with it before is still done.
fn note_panics(recorder: Recorder) {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let thread = std::thread::current();
        let said = info.payload();
        let words = said.downcast_ref::<&str>().copied().or_else(|| said.downcast_ref::<String>().map(String::as_str));
        let place = info.location().map_or_else(String::new, |it| format!(" ({}:{})", it.file(), it.line()));
        recorder.note(
            Kind::Panic,
            &format!("{}: {}{place}", thread.name().unwrap_or("a thread"), words.unwrap_or("without words")),
        );
        usual(info);
    }));
}
