//! Compute threads that share the tasks of one kernel at a time.
//!
//! The caller works too, so a pool of one thread is the caller alone. Between the kernels of a run the threads spin for
//! some microseconds, then sleep until the next run. The caller never waits for a thread that has not begun: a thread
//! that wakes late finds the job closed. Nothing allocates after [`Pool::new`]; the only lock is taken between compute
//! threads, for the length of a pointer copy.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, Thread};

use super::lanes::Isa;

/// Turns of a spinning thread before it sleeps: some 50 µs, longer than the gap between two kernels.
const SPINS: u32 = 2_000;

type Work = dyn Fn(usize, usize) + Sync;

/// Compute threads.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// A caller is in [`Pool::run`]; a second one does its tasks alone.
    taken: AtomicBool,
    isa: Isa,
}

struct Shared {
    /// Number of the open job; 0 when none is open.
    open: AtomicU32,
    /// Valid while a job is open or `active` is not 0.
    work: UnsafeCell<Option<(*const Work, usize)>>,
    next: AtomicUsize,
    /// Threads that may be reading `work`.
    active: AtomicUsize,
    stop: AtomicBool,
    panicked: AtomicBool,
    asleep: Vec<AtomicBool>,
    caller_sleeps: AtomicBool,
    caller: Mutex<Option<Thread>>,
}

// SAFETY: `work` is written by the one caller that holds `taken` while no job is open and `active` is 0, and read by
// threads that raised `active` and then saw a job open; the pointee is `Sync`.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

impl Pool {
    /// A pool of `threads` threads, the caller of [`Pool::run`] being one of them (0 counts as 1).
    #[must_use]
    pub fn new(threads: usize) -> Arc<Self> {
        Self::with_start(threads, |_| ())
    }

    /// As [`Pool::new`]; every thread that is made calls `start` with its number (1 and up) first, for instance to set
    /// its priority.
    #[must_use]
    pub fn with_start(threads: usize, start: impl Fn(usize) + Send + Sync + 'static) -> Arc<Self> {
        Self::build(threads, Isa::detect(), start)
    }

    /// A pool that runs kernels on a given instruction set.
    ///
    /// # Panics
    /// When this processor does not have it.
    #[must_use]
    pub fn on(threads: usize, isa: Isa) -> Arc<Self> {
        assert!(isa.is_here(), "{isa:?} is not here");
        Self::build(threads, isa, |_| ())
    }

    fn build(threads: usize, isa: Isa, start: impl Fn(usize) + Send + Sync + 'static) -> Arc<Self> {
        let threads = threads.max(1);
        let shared = Arc::new(Shared {
            open: AtomicU32::new(0),
            work: UnsafeCell::new(None),
            next: AtomicUsize::new(0),
            active: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
            asleep: (1..threads).map(|_| AtomicBool::new(false)).collect(),
            caller_sleeps: AtomicBool::new(false),
            caller: Mutex::new(None),
        });
        let start = Arc::new(start);
        let worker = |seat: usize| {
            let (shared, start) = (Arc::clone(&shared), Arc::clone(&start));
            let body = move || {
                start(seat);
                let _flush = FlushDenormals::begin();
                shared.serve(seat);
            };
            thread::Builder::new().name(format!("compute-{seat}")).spawn(body).expect("the system gives threads")
        };
        let workers = (1..threads).map(worker).collect();
        Arc::new(Self { shared, workers, taken: AtomicBool::new(false), isa })
    }

    /// Threads that share the tasks, the caller included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Instruction set of the kernels.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Calls `work(task, seat)` for every task below `tasks`, each once, and returns when all have returned. Seats are
    /// numbers below [`Pool::threads`]; two tasks that run at once have different seats. A second caller at the same
    /// time is served too, on its own thread alone (seat 0).
    ///
    /// # Panics
    /// When a task panicked.
    pub fn run(&self, tasks: usize, work: &(dyn Fn(usize, usize) + Sync)) {
        if tasks < 2 || self.workers.is_empty() || self.taken.swap(true, SeqCst) {
            return (0..tasks).for_each(|task| work(task, 0));
        }
        let shared = &*self.shared;
        // SAFETY: only the lifetime is erased; `Closing` waits until no thread can hold the reference.
        let erased: *const Work =
            unsafe { std::mem::transmute::<*const (dyn Fn(usize, usize) + Sync + '_), *const Work>(work) };
        // SAFETY: this caller holds `taken`, no job is open and `active` is 0 (the last `Closing` waited for it).
        unsafe { *shared.work.get() = Some((erased, tasks)) };
        shared.next.store(0, SeqCst);
        let closing = Closing { pool: self };
        let number = NUMBER.fetch_add(1, SeqCst) | 1 << 31;
        shared.open.store(number, SeqCst);
        for (asleep, worker) in shared.asleep.iter().zip(&self.workers) {
            if asleep.swap(false, SeqCst) {
                worker.thread().unpark();
            }
        }
        loop {
            let task = shared.next.fetch_add(1, SeqCst);
            if task >= tasks {
                break;
            }
            work(task, 0);
        }
        drop(closing);
        assert!(!shared.panicked.swap(false, SeqCst), "a compute thread panicked");
    }
}

/// Numbers of jobs; the top bit keeps them from being 0.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Closes the job, also when the caller's own task panics.
struct Closing<'a> {
    pool: &'a Pool,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let shared = &*self.pool.shared;
        shared.open.store(0, SeqCst);
        for _ in 0..SPINS {
            if shared.active.load(SeqCst) == 0 {
                break;
            }
            std::hint::spin_loop();
        }
        if shared.active.load(SeqCst) != 0 {
            *shared.caller.lock().expect("its holders only copy a handle") = Some(thread::current());
            shared.caller_sleeps.store(true, SeqCst);
            while shared.active.load(SeqCst) != 0 {
                thread::park();
            }
            shared.caller_sleeps.store(false, SeqCst);
        }
        self.pool.taken.store(false, SeqCst);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker catches its panics, so joining cannot fail.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn serve(&self, seat: usize) {
        let mut done = 0;
        while let Some(job) = self.next_job(done, seat) {
            done = job;
            self.active.fetch_add(1, SeqCst);
            // The caller closes the job before it looks at `active`: a job seen open here stays until `active` falls.
            let open = self.open.load(SeqCst);
            if open != 0 {
                done = open;
                // SAFETY: a job is open and `active` is raised, so the caller is still in `run` and `work` is whole.
                let (work, tasks) = unsafe { (*self.work.get()).expect("a job is open") };
                // SAFETY: as above.
                let work = unsafe { &*work };
                let all = || {
                    loop {
                        let task = self.next.fetch_add(1, SeqCst);
                        if task >= tasks {
                            break;
                        }
                        work(task, seat);
                    }
                };
                if std::panic::catch_unwind(std::panic::AssertUnwindSafe(all)).is_err() {
                    self.panicked.store(true, SeqCst);
                }
            }
            if self.active.fetch_sub(1, SeqCst) == 1 && self.caller_sleeps.load(SeqCst) {
                self.caller.lock().expect("its holders only copy a handle").iter().for_each(Thread::unpark);
            }
        }
    }

    /// Waits for a job other than `done`; `None` when the pool goes.
    fn next_job(&self, done: u32, seat: usize) -> Option<u32> {
        let fresh = || Some(self.open.load(SeqCst)).filter(|it| *it != 0 && *it != done);
        let asleep = &self.asleep[seat - 1];
        loop {
            for _ in 0..SPINS {
                if let Some(job) = fresh() {
                    return Some(job);
                }
                std::hint::spin_loop();
            }
            asleep.store(true, SeqCst);
            loop {
                if self.stop.load(SeqCst) {
                    return None;
                }
                if let Some(job) = fresh() {
                    asleep.store(false, SeqCst);
                    return Some(job);
                }
                if !asleep.load(SeqCst) {
                    break;
                }
                thread::park();
            }
        }
    }
}

/// Denormal numbers count as zero on this thread until this is dropped: they cost a factor of four and mean nothing.
pub(crate) struct FlushDenormals {
    before: u32,
}

impl FlushDenormals {
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn begin() -> Self {
        let before = control();
        set_control(before | 0x8040);
        Self { before }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn begin() -> Self {
        Self { before: 0 }
    }
}

impl Drop for FlushDenormals {
    fn drop(&mut self) {
        #[cfg(target_arch = "x86_64")]
        set_control(self.before);
        let _ = self.before;
    }
}

#[cfg(target_arch = "x86_64")]
fn control() -> u32 {
    let mut word = 0_u32;
    // SAFETY: stores the control register in `word`, nothing else.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut word, options(nostack, preserves_flags)) };
    word
}

#[cfg(target_arch = "x86_64")]
fn set_control(word: u32) {
    // SAFETY: loads a control word that was read from the register, at most with FTZ (bit 15) and DAZ (bit 6) set.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &word, options(nostack, preserves_flags)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_on_a_seat_of_its_own() {
        let pool = Pool::new(3);
        for tasks in [0, 1, 2, 7, 100] {
            let runs: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
            let seats: Vec<AtomicBool> = (0..3).map(|_| AtomicBool::new(false)).collect();
            pool.run(tasks, &|task, seat| {
                assert!(!seats[seat].swap(true, SeqCst), "seat {seat} is taken twice");
                runs[task].fetch_add(1, SeqCst);
                seats[seat].store(false, SeqCst);
            });
            assert!(runs.iter().all(|it| it.load(SeqCst) == 1));
        }
    }

    #[test]
    fn two_callers_of_one_pool_are_both_served() {
        let pool = Pool::new(2);
        let sums = [AtomicUsize::new(0), AtomicUsize::new(0)];
        thread::scope(|scope| {
            for sum in &sums {
                let pool = &pool;
                scope.spawn(move || {
                    (0..200).for_each(|_| pool.run(10, &|task, _| _ = sum.fetch_add(task, SeqCst)));
                });
            }
        });
        assert_eq!(sums.map(AtomicUsize::into_inner), [200 * 45; 2]);
    }

    #[test]
    fn a_panic_in_any_task_reaches_the_caller_and_leaves_the_pool_usable() {
        let pool = Pool::new(2);
        let fails = |task, _| assert!(task != 5, "on purpose");
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pool.run(20, &fails)));
        assert!(caught.is_err());
        let count = AtomicUsize::new(0);
        pool.run(20, &|_, _| _ = count.fetch_add(1, SeqCst));
        assert_eq!(count.into_inner(), 20);
    }
}
