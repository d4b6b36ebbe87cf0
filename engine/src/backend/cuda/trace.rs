//! What the calling thread asked of the driver, in order: how a tick shows that it waits once and at its end.
//!
//! Always compiled: outside a trace a call costs a look at a thread-local flag. A trace allocates, so it is no part of playing.

use std::cell::RefCell;

thread_local! {
    static CALLS: RefCell<Option<Vec<&'static str>>> = const { RefCell::new(None) };
}

/// Writes down this thread's calls from now on.
pub fn begin() {
    CALLS.with_borrow_mut(|calls| *calls = Some(Vec::new()));
}

/// The calls since [`begin`], by the driver's names; the trace ends.
#[must_use]
pub fn end() -> Vec<&'static str> {
    CALLS.take().unwrap_or_default()
}

/// Called by the fence before a call that a tick may make.
pub(super) fn note(call: &'static str) {
    CALLS.with_borrow_mut(|calls| {
        if let Some(calls) = calls {
            calls.push(call);
        }
    });
}
