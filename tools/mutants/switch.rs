//! Which mutant is alive, and which functions are reached: put into the copy of a crate by `tools/mutants/run`, never into the crate.
//!
//! What is asked here is known before `main`, so that a test that counts allocations, locks or calls of the system sees none.

use std::ffi::{c_int, c_void};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::Relaxed};

/// The number of the mutant that is alive; 0 is none.
static ALIVE: AtomicU32 = AtomicU32::new(0);
/// A byte for each function, in a file that is mapped into memory.
static REACHED: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
/// No mutant, and every function says that it was reached.
const NOTE: u32 = u32::MAX;

/// Asked at the head of each function that has mutants.
#[inline(always)]
pub fn at(function: usize) -> u32 {
    let alive = ALIVE.load(Relaxed);
    if alive == NOTE {
        note(function);
    }
    alive
}

#[cold]
#[inline(never)]
fn note(function: usize) {
    // SAFETY: the file has a byte for each function of this build, and stays mapped as long as the process lives.
    unsafe { REACHED.load(Relaxed).add(function).write_volatile(1) }
}

unsafe extern "C" {
    fn mmap(place: *mut c_void, bytes: usize, protection: c_int, flags: c_int, file: c_int, offset: i64) -> *mut c_void;
}

#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = read_environment;

extern "C" fn read_environment() {
    if let Some(number) = std::env::var("DEMON_MUTANT").ok().and_then(|it| it.parse().ok()) {
        ALIVE.store(number, Relaxed);
    }
    let Some(path) = std::env::var_os("DEMON_MUTANTS_REACHED") else { return };
    let file = std::fs::File::options().read(true).write(true).open(path).expect("the file was made for this run");
    let bytes = file.metadata().expect("it is open").len() as usize;
    // PROT_READ | PROT_WRITE, MAP_SHARED.
    // SAFETY: a new mapping of a file that is long enough; its end is the end of the process.
    let place = unsafe { mmap(std::ptr::null_mut(), bytes, 3, 1, file.as_raw_fd(), 0) };
    assert_ne!(place as isize, -1, "the file of functions that were reached cannot be mapped");
    REACHED.store(place.cast(), Relaxed);
    ALIVE.store(NOTE, Relaxed);
}
