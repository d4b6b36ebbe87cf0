//! Signals that ask a command to end: Ctrl-C, the system's shutdown, a terminal that is closed.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A flag that goes up when somebody wants the program to end.
pub(super) fn leave_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
