//! Files that were not in order when they were read: each is a fault that stands until the file is mended or gone.
//!
//! What was taken of them plays on as it is; a mended one is taken at the next start, or as its reader takes news.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::display::messages::{FaultKey, Messages};
use crate::files::shown;

/// Reads a file once more: what is wrong with it, or nothing.
pub type Check = Box<dyn Fn(&Path) -> Option<String> + Send>;

/// The files, each with who reads it.
#[derive(Default)]
pub struct WrongFiles(Vec<WrongFile>);

struct WrongFile {
    path: PathBuf,
    seen: Option<Version>,
    check: Check,
}

/// Tells one state of a file from another: when it was written, and its length in bytes.
type Version = (SystemTime, u64);

impl WrongFiles {
    /// A file is not in order, and said to be.
    pub fn add(&mut self, path: &Path, check: Check) {
        if self.0.iter().all(|it| it.path != path) {
            self.0.push(WrongFile { path: path.to_owned(), seen: version(path), check });
        }
    }

    /// Reads those that have changed: what is wrong with one now stands in its place; of one that is in order or gone the fault is over.
    pub fn look(&mut self, messages: &mut Messages) {
        self.0.retain_mut(|it| {
            let now = version(&it.path);
            if now == it.seen {
                return true;
            }
            it.seen = now;
            let key = FaultKey::File(it.path.clone());
            match now.and_then(|_| (it.check)(&it.path)) {
                Some(words) => messages.fault(key, &words),
                None if now.is_some() => {
                    messages.over_with(&key, &format!("{}: in order; the next start takes it", shown(&it.path)));
                }
                None => messages.over_with(&key, &format!("{}: gone", shown(&it.path))),
            }
            messages.stands(&FaultKey::File(it.path.clone()))
        });
    }
}

fn version(path: &Path) -> Option<Version> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

impl fmt::Debug for WrongFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|it| &it.path)).finish()
    }
}
