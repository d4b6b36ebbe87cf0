//! Keeps ALSA's own words off the screen: they would land in the middle of the display, and its errors carry what matters.
//!
//! The words are dropped where they arise, for the calling thread. ALSA's other way, into a buffer of its own, ends the process
//! with an assertion as soon as a sentence is longer than 256 bytes, as with a long name of a device (alsa-lib 1.2.8,
//! `snd_output_buffer_print`). This file is the fence around one call.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int};

/// Takes a message of ALSA and says nothing.
unsafe extern "C" fn say_nothing(
    _file: *const c_char,
    _line: c_int,
    _function: *const c_char,
    _error: c_int,
    _format: *const c_char,
    _arguments: *mut alsa_sys::__va_list_tag,
) {
}

/// ALSA says nothing more on the calling thread.
pub(super) fn quieten() {
    // SAFETY: the function given has the type that the call asks for, touches none of its arguments, and lives as long as the
    // process; the call stores it for this thread and does nothing else.
    unsafe { alsa_sys::snd_lib_error_set_local(Some(say_nothing)) };
}
