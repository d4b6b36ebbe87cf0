//! Asks the kernel to run the calling thread before others and to keep the process in memory.
//!
//! Both need permission (`LimitRTPRIO`, `LimitMEMLOCK` in the unit file, or root). Refused, the box still plays; it is
//! only easier to disturb, which is said once, in words. This file is the fence around three system calls.
#![allow(unsafe_code)]

use std::io;

/// Why the kernel said no. Tell the player once and go on.
#[derive(Debug, thiserror::Error)]
pub enum RealtimeRefused {
    /// No right to real-time priority.
    #[error("real-time priority {priority} was refused ({cause}); sound may stutter on a busy machine (rtprio limit)")]
    Priority {
        /// The priority asked for.
        priority: i32,
        /// What the system said.
        cause: io::Error,
    },
    /// No right to lock memory.
    #[error("memory could not be locked ({cause}); sound may stutter when memory is short (memlock limit)")]
    Memory {
        /// What the system said.
        cause: io::Error,
    },
}

/// Runs the calling thread under SCHED_FIFO at `priority` (1 to 99; 70 for audio, 60 for the tick).
///
/// # Errors
/// When the kernel refuses.
pub fn become_realtime(priority: i32) -> Result<(), RealtimeRefused> {
    // SAFETY: an all-zero sched_param is a valid value of that plain C struct.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = priority;
    // SAFETY: pid 0 is the calling thread; the pointer is to a live struct that the call only reads.
    let status = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &parameters) };
    if status == 0 { Ok(()) } else { Err(RealtimeRefused::Priority { priority, cause: io::Error::last_os_error() }) }
}

/// Keeps every page of the process that was once touched in memory. Pages are locked as they are first used, not at
/// once: mapped weights of several gigabytes are not read in for this.
///
/// # Errors
/// When the kernel refuses, and when the limit is finite for a plain user: then a later allocation would fail in the
/// middle of a set, which is worse than a page fault.
pub fn lock_memory() -> Result<(), RealtimeRefused> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live struct that the call fills.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &mut limit) } == 0;
    // SAFETY: takes nothing, cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    if known && limit.rlim_cur != libc::RLIM_INFINITY && !root {
        let cause = io::Error::other(format!("the limit is {} kB, unlimited is needed", limit.rlim_cur / 1024));
        return Err(RealtimeRefused::Memory { cause });
    }
    // SAFETY: takes only flags.
    let status = unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) };
    if status == 0 { Ok(()) } else { Err(RealtimeRefused::Memory { cause: io::Error::last_os_error() }) }
}
