//! Memory that is exhausted: said in plain words, and the process ends with code 1. Without this it would end by a signal, in the middle of a
//! line and with the terminal as the displays have left it. Nothing can be mended from inside; a player of its own process plays on, and the
//! next start goes on from what is on the disk.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::signals::{end_at_once, leave_screen};

/// The system's memory; where there is none left, the end.
#[derive(Debug)]
pub struct OrEnd;

// SAFETY: every call is the system's own, with the caller's promises handed on as they are; the only other thing that happens is that the
// process ends instead of returning null.
unsafe impl GlobalAlloc for OrEnd {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        there(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        there(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        there(unsafe { System.realloc(memory, layout, size) }, size)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[inline]
fn there(memory: *mut u8, size: usize) -> *mut u8 {
    if memory.is_null() {
        end(size);
    }
    memory
}

/// Says it once, and ends; whoever finds no memory while it is said ends at once.
#[cold]
fn end(size: usize) -> ! {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Relaxed) {
        // First, since leaving the screen may want memory: words on a screen that goes are better than none.
        say(size);
        if std::io::stderr().is_terminal() {
            leave_screen();
            say(size);
        }
    }
    end_at_once(1)
}

/// By no memory but this function's own.
fn say(size: usize) {
    let mut line = [0_u8; 256];
    let mut rest = &mut line[..];
    let words = "the system has none left; this process ends with code 1, and a player of its own process plays on";
    let _ = writeln!(rest, "demon: memory is exhausted: {size} bytes more were asked for, {words}");
    let left = rest.len();
    let _ = rustix::io::write(rustix::stdio::stderr(), &line[..line.len() - left]);
}
