//! What TensorRT says. Its calls answer yes or no; the reasons are in its log alone, so the log is kept long enough to put
//! them into the error of the call that failed.
//!
//! There is one log for the process, because TensorRT keeps the first logger it was given for good. A call notes where the log
//! stands before it starts (one atomic read: a tick may do it) and afterwards takes what was said since: on its own thread
//! when there is any, else on all of them, since builds work on many.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

/// Sentences that are kept; a failed build says a dozen.
const KEPT: usize = 256;
const ERROR: i32 = 1;
const WARNING: i32 = 2;

static LOG: Log = Log { next: AtomicU64::new(0), kept: Mutex::new(VecDeque::new()) };

struct Log {
    next: AtomicU64,
    kept: Mutex<VecDeque<Said>>,
}

struct Said {
    number: u64,
    thread: ThreadId,
    severity: i32,
    text: String,
}

/// TensorRT's own words about a failure, one sentence each; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl fmt::Display for Words {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("TensorRT gave no reason");
        }
        out.write_str(&self.0.join("; "))
    }
}

/// Where the log stands now.
#[derive(Clone, Copy)]
pub(crate) struct Mark(u64);

pub(crate) fn mark() -> Mark {
    Mark(LOG.next.load(Ordering::Acquire))
}

/// Errors since the mark; where there were none, warnings.
pub(crate) fn since(mark: Mark) -> Words {
    let tries = [(ERROR, true), (ERROR, false), (WARNING, true)];
    let mut said = tries.into_iter().map(|(severity, own)| said_since(mark, severity, own));
    Words(said.find(|it| !it.is_empty()).unwrap_or_default())
}

/// Errors of the calling thread since the mark, and nothing else: for a call that says in the log alone that it failed. A
/// warning is no failure, and neither is what another thread meets meanwhile.
pub(crate) fn own_errors_since(mark: Mark) -> Words {
    Words(said_since(mark, ERROR, true))
}

fn said_since(mark: Mark, severity: i32, own: bool) -> Vec<String> {
    let kept = LOG.kept.lock().unwrap_or_else(PoisonError::into_inner);
    let me = thread::current().id();
    let wanted = |it: &&Said| mark.0 <= it.number && it.severity <= severity && (!own || it.thread == me);
    kept.iter().filter(wanted).map(|it| it.text.clone()).collect()
}

/// The shim's log function.
pub(crate) unsafe extern "C" fn hear(_user: *mut c_void, severity: i32, text: *const c_char) {
    if text.is_null() {
        return;
    }
    // SAFETY: the shim passes a string that ends with a zero and lives until this returns.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    match severity {
        i32::MIN..=ERROR => tracing::error!(target: "tensorrt", "{text}"),
        WARNING => tracing::warn!(target: "tensorrt", "{text}"),
        3 => tracing::debug!(target: "tensorrt", "{text}"),
        _ => tracing::trace!(target: "tensorrt", "{text}"),
    }
    if severity <= WARNING {
        let mut kept = LOG.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        let number = LOG.next.fetch_add(1, Ordering::AcqRel);
        kept.push_back(Said { number, thread: thread::current().id(), severity, text: text.into_owned() });
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::{hear, mark, own_errors_since, since};

    fn say(severity: i32, text: &std::ffi::CStr) {
        // SAFETY: the text is a C string that outlives the call.
        unsafe { hear(null_mut(), severity, text.as_ptr()) };
    }

    #[test]
    fn a_failure_gets_the_words_of_its_own_thread_and_of_its_own_time() {
        say(1, c"long ago");
        let mark = mark();
        std::thread::spawn(|| say(1, c"elsewhere")).join().unwrap();
        say(2, c"a warning");
        assert_eq!(since(mark).0, ["elsewhere"]);
        assert!(own_errors_since(mark).0.is_empty(), "neither a warning nor another thread's error is this call's");
        say(0, c"here");
        assert_eq!(since(mark).0, ["here"]);
        assert_eq!(own_errors_since(mark).0, ["here"]);
    }
}
