//! Controllers as the kernel's sequencer has them: ports that come and go, their bytes in, lights and clock out.
//!
//! [`LiveMidi`] follows plugs and joins every port's bytes to gestures, over any [`Sequencer`]: ALSA's ([`AlsaSeq`]) or the
//! fake ([`FakeSeq`]). What bytes mean is known in [`crate::midi`]; who a port's controller is, by its USB plug, in
//! [`crate::usb`].

mod alsa;
mod fake;
mod live;
#[cfg(test)]
mod live_tests;
mod port;
mod voice;

pub use alsa::{AlsaMouth, AlsaNews, AlsaSeq};
pub use fake::{FakeEar, FakeMouth, FakeNews, FakeSeq};
pub use live::LiveMidi;
pub use port::{Address, Hear, Mouth, News, Port, Sequencer};
