//! The newest finished latent, on its way from the tick thread to the decode thread.
//!
//! Only the newest counts: a window is always decoded from what the player's hands did last, so a latent that nobody
//! decoded in time is overwritten. Three buffers go round; neither side waits for the other or allocates.

use triple_buffer::{Input, Output, TripleBuffer};

use super::line::Made;

/// A finished latent and its number.
#[derive(Clone, Debug, Default)]
pub struct Newest {
    /// Counts finished latents from 1; 0 means that nothing has finished yet.
    pub serial: u64,
    /// The number of the first of those in a row that are this latent, bit for bit.
    pub content: u64,
    /// `[frames, 64]`.
    pub latent: Vec<f32>,
}

/// The tick thread's end.
#[derive(Debug)]
pub struct LatentWriter {
    buffers: Input<Newest>,
    serial: u64,
    content: u64,
    made: Made,
}

/// The decode thread's end.
#[derive(Debug)]
pub struct LatentReader(Output<Newest>, Made);

/// Both ends, for latents of `len` numbers.
#[must_use]
pub fn latents(len: usize) -> (LatentWriter, LatentReader) {
    let (input, output) = TripleBuffer::new(&Newest { latent: vec![0.0; len], ..Newest::default() }).split();
    let made = Made::default();
    (LatentWriter { buffers: input, serial: 0, content: 0, made: made.clone() }, LatentReader(output, made))
}

impl LatentWriter {
    /// Publishes a latent; answers its number.
    ///
    /// # Panics
    /// When it has another length than the buffers: the ring and the tape were prepared together.
    pub fn publish(&mut self, latent: &[f32]) -> u64 {
        self.content = self.serial + 1;
        self.publish_again(latent)
    }

    /// The latent that was published last left a tick under one snapshot and was born under another: for whoever waits for one that was
    /// ([`Line`](super::Line)).
    pub fn made(&self, left: u64, born: u64) {
        self.made.publish(left, born);
    }

    /// Publishes the latent that was published last once more; answers its number.
    ///
    /// # Panics
    /// As [`Self::publish`].
    pub fn publish_again(&mut self, latent: &[f32]) -> u64 {
        self.serial += 1;
        let newest = self.buffers.input_buffer_mut();
        (newest.serial, newest.content) = (self.serial, self.content);
        newest.latent.copy_from_slice(latent);
        self.buffers.publish();
        self.serial
    }
}

impl LatentReader {
    /// Under which snapshots the newest latent was made.
    pub(super) const fn made(&self) -> &Made {
        &self.1
    }

    /// The newest latent; serial 0 when there is none yet.
    pub fn newest(&mut self) -> &Newest {
        self.0.read()
    }

    /// Whether [`Self::newest`] would answer another latent than before.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.0.updated()
    }

    /// The latent that [`Self::newest`] answered last, even when a newer one has come since.
    #[must_use]
    pub fn held(&self) -> &Newest {
        self.0.output_buffer()
    }
}

#[cfg(test)]
mod tests {
    use super::latents;

    #[test]
    fn the_reader_sees_the_newest_latent_and_its_number() {
        let (mut writer, mut reader) = latents(2);
        assert_eq!((reader.newest().serial, reader.has_news()), (0, false));
        writer.publish(&[1.0, 2.0]);
        assert!(reader.has_news());
        writer.publish(&[3.0, 4.0]);
        let newest = reader.newest();
        assert_eq!((newest.serial, newest.content, newest.latent.as_slice()), (2, 2, &[3.0, 4.0][..]));
        assert!(!reader.has_news());
        writer.publish_again(&[3.0, 4.0]);
        assert_eq!((reader.newest().serial, reader.newest().content), (3, 2));
    }
}
