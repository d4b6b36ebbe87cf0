//! The slow side's runtime: one thread that gives way to everything else of ours, for whatever waits on timers and sockets; and
//! threads beside it for what computes or waits for a disk.
//!
//! Nothing fast, and nothing under a hand, ever waits for it.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle};

/// How much it gives way, as `nice` has it.
const NICE: i32 = 10;

/// The runtime. It ends with the process.
#[derive(Clone, Debug)]
pub struct Slow(Handle);

impl Slow {
    /// Starts its thread.
    ///
    /// # Errors
    /// When the system has no thread or descriptor left.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new().name("slow".to_owned()).spawn(move || {
            give_way();
            runtime.block_on(std::future::pending::<()>());
        })?;
        Ok(Self(handle))
    }

    /// Works on `task` on a thread of its own, which gives way as much: for what computes or waits for a disk.
    pub fn work(&self, task: impl FnOnce() + Send + 'static) {
        self.0.spawn_blocking(|| {
            give_way();
            task();
        });
    }

    /// Works on `task` until it is done.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }
}

/// The thread that calls this gives way to everything else of ours.
pub fn give_way() {
    // A thread has a priority of its own on Linux. Where it may not give way, it works all the same.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
}
