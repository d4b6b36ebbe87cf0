//! The threads of surfaces and wires: who still runs, by name, and how long one waits for their end.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

/// The threads that run. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Threads(Arc<Running>);

#[derive(Default)]
struct Running {
    names: Mutex<Vec<String>>,
    ended: Condvar,
}

impl Running {
    fn names(&self) -> MutexGuard<'_, Vec<String>> {
        // A list of names is whole whoever panicked while holding it.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a thread from the list when it ends, also by a panic.
struct Ends(Arc<Running>, String);

impl Drop for Ends {
    fn drop(&mut self) {
        let mut names = self.0.names();
        if let Some(place) = names.iter().position(|name| *name == self.1) {
            names.swap_remove(place);
        }
        drop(names);
        self.0.ended.notify_all();
    }
}

impl Threads {
    /// Starts a thread; `kind` is its name for the system, `name` the one that a player knows.
    pub(super) fn start(&self, kind: &str, name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        self.0.names().push(name.to_owned());
        let ends = Ends(Arc::clone(&self.0), name.to_owned());
        let started = Builder::new().name(kind.to_owned()).spawn(move || {
            let _ends = ends;
            run();
        });
        started.map(|_| ())
    }

    /// Waits for the end of all, at most for so long; answers who did not end. Those are left to themselves.
    pub(super) fn wait(&self, patience: Duration) -> Vec<String> {
        let waited = self.0.ended.wait_timeout_while(self.0.names(), patience, |names| !names.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}
