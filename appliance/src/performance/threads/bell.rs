//! How a fast thread that rests is woken: it sleeps until somebody rings.
//!
//! Neither side locks or allocates. To ring costs one exchange of a flag while nobody sleeps, and a system call when somebody does.
//! Ring after what is to be seen has been published; the sleeper looks once more behind its flag, so that nothing that was published
//! before the ring is slept through. What nobody rings for is seen when the longest sleep is over.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst, fence};
use std::thread::Thread;
use std::time::Duration;

/// A bell with one sleeper. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    sleeps: AtomicBool,
    sleeper: OnceLock<Thread>,
}

impl Bell {
    /// This thread is the one that is woken, from now on and for ever.
    pub fn listen(&self) {
        self.0.sleeper.get_or_init(std::thread::current);
    }

    /// Wakes who sleeps.
    pub fn ring(&self) {
        // What was published before is seen by whoever raises the flag after it is looked at here.
        fence(SeqCst);
        if self.0.sleeps.swap(false, SeqCst)
            && let Some(sleeper) = self.0.sleeper.get()
        {
            sleeper.unpark();
        }
    }

    /// Sleeps until somebody rings, `most` at the longest; not at all where `is_called` says so. It may wake for nothing: look again.
    /// Answers whether somebody rang.
    pub fn sleep(&self, most: Duration, is_called: impl FnOnce() -> bool) -> bool {
        self.0.sleeps.store(true, SeqCst);
        fence(SeqCst);
        if !is_called() {
            std::thread::park_timeout(most);
        }
        !self.0.sleeps.swap(false, SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::Bell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::time::{Duration, Instant};

    /// Longer than anything here takes: whoever has slept so long has slept through a ring.
    const LONG: Duration = Duration::from_secs(60);

    fn wait(bell: &Bell, is: impl Fn() -> bool) {
        while !is() {
            let begun = Instant::now();
            bell.sleep(LONG, &is);
            assert!(begun.elapsed() < LONG, "a ring was slept through");
        }
    }

    #[test]
    fn who_is_called_already_does_not_sleep_and_one_who_was_rung_for_on_the_way_wakes_at_once() {
        let (bell, begun) = (Bell::default(), Instant::now());
        bell.listen();
        assert!(!bell.sleep(LONG, || true), "nobody rang");
        let rings = || {
            bell.ring();
            false
        };
        assert!(bell.sleep(LONG, rings));
        assert!(begun.elapsed() < LONG);
    }

    #[test]
    fn no_ring_is_slept_through() {
        const TIMES: u64 = 20_000;
        let (there, here) = (Bell::default(), Bell::default());
        let [asked, answered] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
        let other = {
            let (there, here, asked, answered) =
                (there.clone(), here.clone(), Arc::clone(&asked), Arc::clone(&answered));
            std::thread::spawn(move || {
                there.listen();
                for number in 1..=TIMES {
                    wait(&there, || asked.load(Relaxed) == number);
                    answered.store(number, Relaxed);
                    here.ring();
                }
            })
        };
        here.listen();
        for number in 1..=TIMES {
            asked.store(number, Relaxed);
            there.ring();
            wait(&here, || answered.load(Relaxed) == number);
        }
        other.join().expect("it ends");
    }
}
