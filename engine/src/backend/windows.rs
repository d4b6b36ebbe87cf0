//! What every decoder of windows is to whoever plays: a trait, one implementation per processor.

use super::BackendError;
use crate::latent::StereoFrame;

/// What decodes windows of a tape that loops.
pub trait WindowDecoder {
    /// Window lengths in latent frames, without context, that were prepared; never empty.
    fn keeps(&self) -> &[usize];

    /// Decodes the window of `latent` (`[tape frames, 64]`) that begins at latent frame `first` and fills `sound`,
    /// `1920 * keep` stereo samples for one of [`Self::keeps`]. Equals the decode of the whole loop to rounding.
    ///
    /// # Errors
    /// When the device could not do it; the tape then keeps what it has.
    fn decode(&mut self, latent: &[f32], first: usize, sound: &mut [StereoFrame]) -> Result<(), BackendError>;
}
