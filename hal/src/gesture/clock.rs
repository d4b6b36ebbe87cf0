//! Time, as a surface sees it: the wall's for playing, a virtual one for rendering and tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A clock that can be waited on.
pub trait Clock {
    /// Time since the clock began.
    fn now(&self) -> Duration;
    /// Lets `span` pass.
    fn wait(&mut self, span: Duration);
}

/// The time of the world.
#[derive(Clone, Copy, Debug)]
pub struct WallClock(Instant);

impl WallClock {
    /// Begins now. Copies share the beginning.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for WallClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn wait(&mut self, span: Duration) {
        std::thread::sleep(span);
    }
}

/// Time that passes only when someone says so; clones show the same time.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock(Arc<AtomicU64>);

impl VirtualClock {
    /// Lets `span` pass for everyone who holds this clock.
    pub fn advance(&self, span: Duration) {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Sets the time; for a renderer that counts samples.
    pub fn set(&self, now: Duration) {
        self.0.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    /// Waiting is what makes virtual time pass.
    fn wait(&mut self, span: Duration) {
        self.advance(span);
    }
}
