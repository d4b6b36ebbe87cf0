//! Time that the calling thread has spent on a processor: unlike the clock on the wall it does not grow while other work
//! has the machine.
#![allow(unsafe_code)]

/// Microseconds since the thread began.
pub fn worked_us() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec to a valid place and keeps nothing.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "every Linux has this clock");
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}
