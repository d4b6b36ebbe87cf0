//! Hands that share a tick's arithmetic.
//!
//! The solver's work on one slot touches no other slot, so any number of threads may share the slots out among them. This
//! room only says how it asks for that; threads live in `graph::cpu`.

use crate::graph::cpu::Pool;

/// Something that runs jobs, perhaps several at a time.
pub trait Crew {
    /// Runs `job(0)` to `job(jobs - 1)`, each once, in any order, and returns when all are done.
    fn share(&self, jobs: usize, job: &(dyn Fn(usize) + Sync));
}

/// One pair of hands: the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Crew for Alone {
    fn share(&self, jobs: usize, job: &(dyn Fn(usize) + Sync)) {
        (0..jobs).for_each(job);
    }
}

impl<C: Crew + ?Sized> Crew for &C {
    fn share(&self, jobs: usize, job: &(dyn Fn(usize) + Sync)) {
        (**self).share(jobs, job);
    }
}

impl<C: Crew + ?Sized> Crew for std::sync::Arc<C> {
    fn share(&self, jobs: usize, job: &(dyn Fn(usize) + Sync)) {
        (**self).share(jobs, job);
    }
}

impl Crew for Pool {
    fn share(&self, jobs: usize, job: &(dyn Fn(usize) + Sync)) {
        self.run(jobs, &|at, _seat| job(at));
    }
}
