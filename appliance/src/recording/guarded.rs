//! A parser that panics over rubbish: what it was reading is damaged, and nobody sees its words.
//!
//! The libraries that read recordings are memory-safe and not free of panics: an index that a damaged file makes up, a sum that
//! overflows. Only calls into them are guarded; a panic of our own code is a fault of ours and shows.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`; `None` when it panicked.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                usual(info);
            }
        }));
    });
    let before = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    GUARDED.set(before);
    done
}

/// A decoder of the library's, where it has one for this.
pub(super) fn decoder(params: &AudioCodecParameters, options: &AudioDecoderOptions) -> Option<Box<dyn AudioDecoder>> {
    guarded(|| symphonia::default::get_codecs().make_audio_decoder(params, options).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_is_nothing_and_what_comes_after_it_is_done() {
        assert_eq!(guarded(|| [1][std::hint::black_box(1)]), None);
        assert_eq!(guarded(|| guarded(|| panic!("inside")).is_none()), Some(true));
        assert_eq!(guarded(|| 2), Some(2));
    }
}
